//! Quotes of Intel SGX and TDX, verified with `dcap-qvl` down to Intel's root certificate.

use alloc::{string::String, vec::Vec};
use codec::Decode;
use dcap_qvl::{
    QuoteClaims, QuoteCollateralV3, QuotePolicy,
    configs::RustCryptoConfig,
    quote::{Quote, Report},
    verify::QuoteVerifier as Verifier,
};
use weft_primitives::attestation::{Measurement, TcbStatus, TeeKind, tdx_digest};

use crate::{Collateral, MAX_CERTIFICATES, QuoteVerifier, Refused, Verified};

/// The verifier of production.
pub struct Dcap;

impl QuoteVerifier for Dcap {
    fn verify(quote: &[u8], collateral: &Collateral, now_secs: u64) -> Result<Verified, Refused> {
        verify(quote, collateral, now_secs)
    }
}

/// DEBUG of an enclave's attributes, in their first byte.
const SGX_DEBUG: u8 = 1 << 1;

/// How a certificate in PEM begins.
const PEM_BEGIN: &[u8] = b"-----BEGIN";

/// What the quote says, if it holds at a time by this collateral.
///
/// What is cheap to refuse is refused before any signature is checked.
pub fn verify(quote: &[u8], collateral: &Collateral, now_secs: u64) -> Result<Verified, Refused> {
    ensure_not_debug(quote)?;
    // The platform's chain lies within the quote. A chain's length bounds how many paths are tried.
    for chain in [
        quote,
        &collateral.tcb_info_issuer_chain,
        &collateral.qe_identity_issuer_chain,
    ] {
        if begins(chain) > MAX_CERTIFICATES {
            return Err(Refused::TooManyCertificates);
        }
    }
    let collateral = as_fetched(collateral)?;
    let claims = Verifier::new_prod()
        .with_config::<RustCryptoConfig>()
        // Which statuses count is for the chain to say, and can change after the quote was verified.
        .verify_with_policy(quote, collateral, now_secs, &QuotePolicy::claims_only(now_secs))
        .map_err(|_| Refused::NotVerified)?;
    verified(&claims)
}

fn ensure_not_debug(quote: &[u8]) -> Result<(), Refused> {
    let mut rest = quote;
    let quote = Quote::decode(&mut rest).map_err(|_| Refused::MalformedQuote)?;
    let debug = match &quote.report {
        Report::SgxEnclave(report) => report.attributes.first().is_none_or(|first| first & SGX_DEBUG != 0),
        // All eight bits of TUD: with any of them set the domain is not to be trusted.
        report => report
            .as_td10()
            .is_none_or(|report| report.td_attributes.first() != Some(&0)),
    };
    if debug { Err(Refused::Debug) } else { Ok(()) }
}

fn begins(bytes: &[u8]) -> usize {
    bytes
        .windows(PEM_BEGIN.len())
        .filter(|window| *window == PEM_BEGIN)
        .count()
}

fn as_fetched(collateral: &Collateral) -> Result<QuoteCollateralV3, Refused> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Refused::MalformedCollateral);
    Ok(QuoteCollateralV3 {
        // Not read: the list has to be signed by the authority that issued the platform's certificate.
        pck_crl_issuer_chain: String::new(),
        root_ca_crl: collateral.root_ca_crl.to_vec(),
        pck_crl: collateral.pck_crl.to_vec(),
        tcb_info_issuer_chain: text(&collateral.tcb_info_issuer_chain)?,
        tcb_info: text(&collateral.tcb_info)?,
        tcb_info_signature: collateral.tcb_info_signature.to_vec(),
        qe_identity_issuer_chain: text(&collateral.qe_identity_issuer_chain)?,
        qe_identity: text(&collateral.qe_identity)?,
        qe_identity_signature: collateral.qe_identity_signature.to_vec(),
        pck_certificate_chain: None,
    })
}

fn verified(claims: &QuoteClaims) -> Result<Verified, Refused> {
    let (measurement, report_data) = measured(&claims.report)?;
    let machine: Vec<u8> = claims.platform.pck.ppid.clone();
    Ok(Verified {
        measurement,
        status: status(claims.tcb.status)?,
        family: claims.platform.pck.fmspc,
        machine: machine.try_into().map_err(|_| Refused::UnknownPlatform)?,
        report_data,
        collateral_expires_at: claims.earliest_expiration_date,
    })
}

fn measured(report: &Report) -> Result<(Measurement, [u8; 64]), Refused> {
    if let Report::SgxEnclave(report) = report {
        let measurement = Measurement {
            kind: TeeKind::Sgx,
            digest: report.mr_enclave,
        };
        return Ok((measurement, report.report_data));
    }
    let report = report.as_td10().ok_or(Refused::MalformedQuote)?;
    let digest = tdx_digest([
        &report.mr_td,
        &report.mr_config_id,
        &report.mr_owner,
        &report.mr_owner_config,
        &report.rt_mr0,
        &report.rt_mr1,
        &report.rt_mr2,
        &report.rt_mr3,
    ]);
    let measurement = Measurement {
        kind: TeeKind::Tdx,
        digest,
    };
    Ok((measurement, report.report_data))
}

fn status(status: dcap_qvl::TcbStatus) -> Result<TcbStatus, Refused> {
    use dcap_qvl::TcbStatus as Theirs;
    Ok(match status {
        Theirs::UpToDate => TcbStatus::UpToDate,
        Theirs::SWHardeningNeeded => TcbStatus::SwHardeningNeeded,
        Theirs::ConfigurationNeeded => TcbStatus::ConfigurationNeeded,
        Theirs::ConfigurationAndSWHardeningNeeded => TcbStatus::ConfigurationAndSwHardeningNeeded,
        Theirs::OutOfDate => TcbStatus::OutOfDate,
        Theirs::OutOfDateConfigurationNeeded => TcbStatus::OutOfDateConfigurationNeeded,
        Theirs::TDRelaunchAdvised => TcbStatus::TdRelaunchAdvised,
        Theirs::TDRelaunchAdvisedConfigurationNeeded => TcbStatus::TdRelaunchAdvisedConfigurationNeeded,
        Theirs::Revoked => return Err(Refused::NotVerified),
    })
}
