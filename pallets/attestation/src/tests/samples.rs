//! Real quotes with their collateral, which `dcap-qvl` ships for its own tests and which are read where cargo keeps its
//! source. Where that source has none, these tests say so and check nothing.

use alloc::{string::String, vec::Vec};
use dcap_qvl::QuoteCollateralV3;
use frame_support::{BoundedVec, assert_noop, traits::Get};
use std::{path::PathBuf, process::Command, sync::OnceLock};
use weft_primitives::attestation::{TcbStatus, TeeKind};

use crate::{Collateral, Dcap, Error, QuoteBytes, QuoteVerifier, Refused, Verified, binds, mock::*};

/// A quote and its collateral, and a second in which all of it is valid.
struct Sample {
    quote: Vec<u8>,
    collateral: Collateral,
    now: u64,
}

/// 1 July 2025: within the month of the collateral of both samples.
const SAMPLED_AT: u64 = 1_751_328_000;
/// 19 July 2025, 10:00:35: the revocation list of platforms of the TDX sample runs out first.
const TDX_ENDS: u64 = 1_752_919_235;
/// 19 July 2025, 10:01:18: the QE identity of the SGX sample runs out first.
const SGX_ENDS: u64 = 1_752_919_278;

/// Where cargo keeps the source of `dcap-qvl`. Asked once: cargo takes seconds.
fn source() -> Option<&'static PathBuf> {
    static SOURCE: OnceLock<Option<PathBuf>> = OnceLock::new();
    SOURCE.get_or_init(find_source).as_ref()
}

fn find_source() -> Option<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata["packages"].as_array()?;
    let package = packages.iter().find(|package| package["name"] == "dcap-qvl")?;
    Some(
        PathBuf::from(package["manifest_path"].as_str()?)
            .parent()?
            .to_path_buf(),
    )
}

fn bounded<S: Get<u32>>(bytes: impl Into<Vec<u8>>) -> BoundedVec<u8, S> {
    bytes.into().try_into().unwrap()
}

/// A sample by name, or `None` with a word on why.
fn sample(name: &str) -> Option<Sample> {
    let read = |file: String| std::fs::read(source()?.join("sample").join(file)).ok();
    let quote = read(name.into());
    let fetched = read(alloc::format!("{name}_collateral.json"));
    let (Some(quote), Some(fetched)) = (quote, fetched) else {
        eprintln!("skipped: the source of dcap-qvl has no sample {name}");
        return None;
    };
    let fetched: QuoteCollateralV3 = serde_json::from_slice(&fetched).unwrap();
    Some(Sample {
        quote,
        collateral: Collateral {
            root_ca_crl: bounded(fetched.root_ca_crl),
            pck_crl: bounded(fetched.pck_crl),
            tcb_info_issuer_chain: bounded(fetched.tcb_info_issuer_chain),
            tcb_info: bounded(fetched.tcb_info),
            tcb_info_signature: bounded(fetched.tcb_info_signature),
            qe_identity_issuer_chain: bounded(fetched.qe_identity_issuer_chain),
            qe_identity: bounded(fetched.qe_identity),
            qe_identity_signature: bounded(fetched.qe_identity_signature),
        },
        now: SAMPLED_AT,
    })
}

impl Sample {
    fn verify(&self) -> Result<Verified, Refused> {
        Dcap::verify(&self.quote, &self.collateral, self.now)
    }
}

#[test]
fn a_real_sgx_quote_says_what_its_enclave_is() {
    let Some(sample) = sample("sgx_quote") else { return };
    let verified = sample.verify().unwrap();
    assert_eq!(verified.measurement.kind, TeeKind::Sgx);
    // MRENCLAVE lies at byte 64 of the report body, which begins at byte 48.
    assert_eq!(verified.measurement.digest, sample.quote[112..144]);
    assert_eq!(verified.report_data, sample.quote[368..432]);
    assert_eq!(verified.status, TcbStatus::ConfigurationAndSwHardeningNeeded);
    assert_eq!(verified.collateral_expires_at, SGX_ENDS);
}

#[test]
fn a_real_tdx_quote_says_what_its_domain_is() {
    let Some(sample) = sample("tdx_quote") else { return };
    let verified = sample.verify().unwrap();
    assert_eq!(verified.measurement.kind, TeeKind::Tdx);
    assert_eq!(verified.status, TcbStatus::UpToDate);
    assert_eq!(verified.collateral_expires_at, TDX_ENDS);
}

#[test]
fn collateral_out_of_its_time_is_refused() {
    let Some(mut sample) = sample("tdx_quote") else { return };
    sample.now = TDX_ENDS - 1;
    assert!(sample.verify().is_ok());
    for now in [TDX_ENDS + 1, 1_700_000_000, 0, u64::MAX] {
        sample.now = now;
        assert_eq!(sample.verify(), Err(Refused::NotVerified), "at {now}");
    }
}

#[test]
fn a_changed_measurement_or_signature_is_refused() {
    let Some(sample) = sample("sgx_quote") else { return };
    // MRENCLAVE, report data, the quote's signature, the quoting enclave's report.
    for byte in [112, 368, 436, 600] {
        let mut quote = sample.quote.clone();
        quote[byte] ^= 1;
        let refused = Dcap::verify(&quote, &sample.collateral, sample.now);
        assert_eq!(refused, Err(Refused::NotVerified), "byte {byte}");
    }
}

#[test]
fn collateral_of_another_kind_of_platform_is_refused() {
    let (Some(sgx), Some(tdx)) = (sample("sgx_quote"), sample("tdx_quote")) else {
        return;
    };
    let refused = Dcap::verify(&sgx.quote, &tdx.collateral, SAMPLED_AT);
    assert_eq!(refused, Err(Refused::NotVerified));
}

#[test]
fn changed_collateral_is_refused() {
    let Some(sample) = sample("tdx_quote") else { return };
    let changes: [fn(&mut Collateral); 4] = [
        |collateral| collateral.tcb_info[100] ^= 1,
        |collateral| collateral.qe_identity_signature[5] ^= 1,
        |collateral| collateral.pck_crl[200] ^= 1,
        |collateral| collateral.root_ca_crl = Default::default(),
    ];
    for change in changes {
        let mut collateral = sample.collateral.clone();
        change(&mut collateral);
        assert!(Dcap::verify(&sample.quote, &collateral, sample.now).is_err());
    }
    let mut collateral = sample.collateral.clone();
    collateral.tcb_info[0] = 0xff;
    let refused = Dcap::verify(&sample.quote, &collateral, sample.now);
    assert_eq!(refused, Err(Refused::MalformedCollateral));
}

#[test]
fn a_debug_enclave_or_domain_is_refused_as_such() {
    // The first byte of the attributes: of an enclave at byte 48 of its report, of a domain at byte 120.
    for (name, byte, flag) in [("sgx_quote", 96, 2), ("tdx_quote", 168, 1), ("tdx_quote", 168, 0x10)] {
        let Some(mut sample) = sample(name) else { return };
        sample.quote[byte] |= flag;
        assert_eq!(sample.verify(), Err(Refused::Debug), "{name}");
    }
}

#[test]
fn a_long_chain_of_certificates_is_refused_before_it_is_checked() {
    let Some(mut sample) = sample("tdx_quote") else { return };
    let mut chain = sample.collateral.tcb_info_issuer_chain.to_vec();
    chain.extend_from_slice(&b"-----BEGIN CERTIFICATE-----\n".repeat(2));
    sample.collateral.tcb_info_issuer_chain = bounded(chain);
    assert_eq!(sample.verify(), Err(Refused::TooManyCertificates));
}

#[test]
fn cut_off_and_random_quotes_are_refused() {
    let Some(sample) = sample("tdx_quote") else { return };
    // Header, report, and the length of the rest, which says where the quote ends. What follows is padding.
    let rest = u32::from_le_bytes(sample.quote[632..636].try_into().unwrap());
    let end = 636 + rest as usize;
    assert!(sample.quote[end..].iter().all(|byte| *byte == 0));
    assert!(Dcap::verify(&sample.quote[..end], &sample.collateral, sample.now).is_ok());
    for length in (0..end).step_by(97).chain([end - 1]) {
        let quote = &sample.quote[..length];
        assert!(Dcap::verify(quote, &sample.collateral, sample.now).is_err(), "{length}");
    }
    assert!(Dcap::verify(&[0xff; 5_000], &sample.collateral, sample.now).is_err());
}

#[test]
fn a_real_quote_that_is_not_bound_to_the_device_is_refused_by_the_call() {
    let Some(sample) = sample("tdx_quote") else { return };
    run(|| {
        NowSecs::set(&sample.now);
        assert!(!binds(&sample.verify().unwrap(), &[0; 32], &DEVICE, &KEY));
        let quote: QuoteBytes = bounded(sample.quote.clone());
        let attest = || Attestation::attest(RuntimeOrigin::signed(DEVICE), quote.clone(), sample.collateral.clone());
        assert_noop!(attest(), Error::<Test>::OtherKey);
        NowSecs::set(&(TDX_ENDS + 1));
        assert_noop!(attest(), Error::<Test>::QuoteRefused);
    });
}
