//! What a trusted execution environment says of a device: the terms that the chain and the device share.
//!
//! The device asks its environment for a quote over [`report_data`]; the chain compares the quote's report data with
//! the same function.

use blake2::{Blake2b, Digest, digest::consts::U32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::device::EncryptionKey;

/// Bytes of a quote's report data.
pub const REPORT_DATA_BYTES: usize = 64;

/// See [`REPORT_DATA_BYTES`].
pub type ReportData = [u8; REPORT_DATA_BYTES];

/// The report data that binds a quote to a device's encryption key on one chain: BLAKE2b-256 of a domain tag, the
/// chain's genesis hash, the device's account and the key, SCALE-encoded, and then 32 zeros.
pub fn report_data<AccountId: Encode>(
    genesis_hash: &[u8; 32],
    device: &AccountId,
    encryption_key: &EncryptionKey,
) -> ReportData {
    let message = (b"weft/attestation/v1", genesis_hash, device, encryption_key).encode();
    let digest: [u8; 32] = Blake2b::<U32>::digest(message).into();
    let mut data = [0; REPORT_DATA_BYTES];
    for (to, from) in data.iter_mut().zip(digest) {
        *to = from;
    }
    data
}

/// Which environment made a quote.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum TeeKind {
    /// An Intel SGX enclave.
    #[codec(index = 0)]
    Sgx,
    /// An Intel TDX trust domain.
    #[codec(index = 1)]
    Tdx,
}

/// What runs in an environment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Measurement {
    /// The environment.
    pub kind: TeeKind,
    /// Of SGX: MRENCLAVE as it is. Of TDX: [`tdx_digest`].
    pub digest: [u8; 32],
}

/// Bytes of a register of a TDX report.
pub const TDX_REGISTER_BYTES: usize = 48;

/// The digest of a trust domain: BLAKE2b-256 of a domain tag and eight registers of 48 bytes in this order: MRTD,
/// MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0, RTMR1, RTMR2, RTMR3. The host chooses the second to the fourth when it
/// starts the domain, and software may act upon them, so they are part of what is allowed.
pub fn tdx_digest(registers: [&[u8; TDX_REGISTER_BYTES]; 8]) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    hasher.update(b"weft/tdx-measurement/v1");
    for register in registers {
        hasher.update(register);
    }
    hasher.finalize().into()
}

/// How far a platform's firmware and configuration are behind, in Intel's words. `Revoked` is missing: such a quote is
/// never accepted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum TcbStatus {
    /// Nothing is known against it.
    #[codec(index = 0)]
    UpToDate,
    /// Software has to be hardened against known attacks.
    #[codec(index = 1)]
    SwHardeningNeeded,
    /// The platform may have to be configured otherwise.
    #[codec(index = 2)]
    ConfigurationNeeded,
    /// Both of the above.
    #[codec(index = 3)]
    ConfigurationAndSwHardeningNeeded,
    /// Firmware or microcode is too old.
    #[codec(index = 4)]
    OutOfDate,
    /// Too old, and may have to be configured otherwise.
    #[codec(index = 5)]
    OutOfDateConfigurationNeeded,
    /// The trust domain was started before an update that is in place now: start it anew.
    #[codec(index = 6)]
    TdRelaunchAdvised,
    /// The same, and the platform may have to be configured otherwise.
    #[codec(index = 7)]
    TdRelaunchAdvisedConfigurationNeeded,
}

/// How many [`TcbStatus`]es there are.
pub const TCB_STATUSES: u32 = 8;

/// What can be revoked by governance.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Platform {
    /// All platforms of a family, by the FMSPC of their certificates.
    #[codec(index = 0)]
    Family([u8; 6]),
    /// One machine, by the PPID of its certificates.
    #[codec(index = 1)]
    Machine([u8; 16]),
}

/// Why a device does not count as attested now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum NotAttested {
    /// The device has never attested, or the record was removed: attest.
    #[codec(index = 0)]
    NoAttestation,
    /// The attestation, or what it rests on, has run out: attest anew with fresh collateral.
    #[codec(index = 1)]
    Expired,
    /// It is for another key than the one in question, or the device has changed its key: attest the present one.
    #[codec(index = 2)]
    OtherKey,
    /// What runs there is not, or no longer, on the list of measurements: run a release that is.
    #[codec(index = 3)]
    MeasurementNotAllowed,
    /// The platform's status is not, or no longer, admitted: update its firmware and attest anew.
    #[codec(index = 4)]
    StatusNotAdmitted,
    /// The machine or its family was revoked: nothing of it counts until it is readmitted.
    #[codec(index = 5)]
    PlatformRevoked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_data_is_another_for_every_chain_device_and_key() {
        let (genesis, device, key) = ([1; 32], 7u64, [2; 32]);
        let data = report_data(&genesis, &device, &key);
        assert_ne!(data, report_data(&[9; 32], &device, &key));
        assert_ne!(data, report_data(&genesis, &8u64, &key));
        assert_ne!(data, report_data(&genesis, &device, &[3; 32]));
        assert_eq!(data[32..], [0; 32]);
    }

    #[test]
    fn every_register_of_a_trust_domain_counts() {
        let zero = [0; TDX_REGISTER_BYTES];
        let one = [1; TDX_REGISTER_BYTES];
        let mut seen = alloc::collections::BTreeSet::from([tdx_digest([&zero; 8])]);
        for changed in 0..8 {
            let mut registers = [&zero; 8];
            registers[changed] = &one;
            assert!(seen.insert(tdx_digest(registers)), "register {changed} is not hashed");
        }
    }
}
