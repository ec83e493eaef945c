//! What is stored, what a device brings, and how large it may be.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use scale_info::TypeInfo;
use weft_primitives::{
    Balance,
    attestation::{Measurement, TcbStatus},
    device::EncryptionKey,
};

/// Most bytes of a quote. Those seen have about 5,000, of which the chain of the platform's certificate is most.
pub const MAX_QUOTE_BYTES: u32 = 8 * 1024;

/// Most bytes of a chain of certificates in PEM. Two certificates have about 1,900.
pub const MAX_CHAIN_BYTES: u32 = 4 * 1024;

/// Most bytes of a revocation list. Intel's for platforms has about 7,000 and grows with each revocation.
pub const MAX_CRL_BYTES: u32 = 32 * 1024;

/// Most bytes of a TCB info or QE identity. Those seen have up to 6,000.
pub const MAX_INFO_BYTES: u32 = 16 * 1024;

/// Bytes of a signature of TCB info or QE identity: r and s of ECDSA on P-256.
pub const MAX_SIGNATURE_BYTES: u32 = 64;

/// Most certificates of a chain: platform, intermediate, root.
pub const MAX_CERTIFICATES: usize = 3;

/// The signatures that one call is charged for: revocation lists, TCB info, QE identity, the quoting enclave's report, the
/// quote, and the paths of three chains of at most [`MAX_CERTIFICATES`]. Verifying a real quote took the time of eight;
/// the rest is room for reading it, and for chains made to be long to check. An estimate: the verifier does not count.
pub const MAX_SIGNATURES: u32 = 32;

/// A quote as the device's environment made it, with the chain of its platform's certificate inside.
pub type QuoteBytes = BoundedVec<u8, ConstU32<MAX_QUOTE_BYTES>>;

/// What Intel publishes about a platform, signed and dated: by which a quote is verified. Its names are those of Intel's
/// provisioning service.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Collateral {
    /// The root's list of revoked certificates, in DER.
    pub root_ca_crl: BoundedVec<u8, ConstU32<MAX_CRL_BYTES>>,
    /// The list of revoked certificates of platforms, in DER.
    pub pck_crl: BoundedVec<u8, ConstU32<MAX_CRL_BYTES>>,
    /// Who signed the TCB info, and the root, in PEM.
    pub tcb_info_issuer_chain: BoundedVec<u8, ConstU32<MAX_CHAIN_BYTES>>,
    /// The TCB info, in JSON as it was signed.
    pub tcb_info: BoundedVec<u8, ConstU32<MAX_INFO_BYTES>>,
    /// Its signature.
    pub tcb_info_signature: BoundedVec<u8, ConstU32<MAX_SIGNATURE_BYTES>>,
    /// Who signed the QE identity, and the root, in PEM.
    pub qe_identity_issuer_chain: BoundedVec<u8, ConstU32<MAX_CHAIN_BYTES>>,
    /// The quoting enclave's identity, in JSON as it was signed.
    pub qe_identity: BoundedVec<u8, ConstU32<MAX_INFO_BYTES>>,
    /// Its signature.
    pub qe_identity_signature: BoundedVec<u8, ConstU32<MAX_SIGNATURE_BYTES>>,
}

/// What a device has shown.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Attestation<AccountId> {
    /// What runs there, and in which environment.
    pub measurement: Measurement,
    /// The platform's status when it was verified.
    pub status: TcbStatus,
    /// The platform's family: FMSPC.
    pub family: [u8; 6],
    /// The machine: PPID.
    pub machine: [u8; 16],
    /// The X25519 key that the quote is bound to.
    pub encryption_key: EncryptionKey,
    /// When it was verified, in seconds since the Unix epoch.
    pub verified_at: u64,
    /// From when on it does not count any more, in seconds since the Unix epoch: the earliest end of a certificate, a
    /// revocation list, the TCB info or the QE identity it rests on, and [`MaxAgeSecs`](crate::Config::MaxAgeSecs) after `verified_at`.
    pub expires_at: u64,
    /// Who paid the deposit: the device's owner at that time.
    pub depositor: AccountId,
    /// What is held from them.
    pub deposit: Balance,
}

/// The runtime's [`Attestation`].
pub type AttestationOf<T> = Attestation<<T as frame_system::Config>::AccountId>;
