//! What a verified quote says, and why one is refused. No storage.

use codec::{Decode, Encode};
use weft_primitives::{
    attestation::{Measurement, ReportData, TcbStatus, report_data},
    device::EncryptionKey,
};

use crate::{Collateral, Config, Error};

/// What a quote says, once its signatures and dates are found good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Verified {
    /// What runs there.
    pub measurement: Measurement,
    /// The platform's status: of its firmware, the quoting enclave and, of TDX, the module, the worst.
    pub status: TcbStatus,
    /// The platform's family: FMSPC.
    pub family: [u8; 6],
    /// The machine: PPID.
    pub machine: [u8; 16],
    /// What the software in the environment had the quote say.
    pub report_data: ReportData,
    /// Seconds since the Unix epoch at which the first thing that the quote rests on runs out.
    pub collateral_expires_at: u64,
}

/// Why a quote was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read. Bytes after it are allowed: quoting services pad with zeros.
    MalformedQuote,
    /// Its host can read the memory of what it is about.
    Debug,
    /// A chain has more than [`MAX_CERTIFICATES`](crate::MAX_CERTIFICATES).
    TooManyCertificates,
    /// A part of the collateral that has to be text is none.
    MalformedCollateral,
    /// A signature, a date, a revocation list or an identity is wrong for this quote at this time.
    NotVerified,
    /// The certificates name no machine.
    UnknownPlatform,
}

impl<T: Config> From<Refused> for Error<T> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::MalformedQuote => Error::MalformedQuote,
            Refused::Debug => Error::DebugEnclave,
            Refused::TooManyCertificates => Error::TooManyCertificates,
            Refused::MalformedCollateral => Error::MalformedCollateral,
            Refused::NotVerified => Error::QuoteRefused,
            Refused::UnknownPlatform => Error::UnknownPlatform,
        }
    }
}

/// What verifies quotes.
pub trait QuoteVerifier {
    /// What the quote says, if it holds `now_secs` seconds after the Unix epoch by this collateral.
    fn verify(quote: &[u8], collateral: &Collateral, now_secs: u64) -> Result<Verified, Refused>;
}

/// Whether a quote is bound to a device's key on a chain.
pub fn binds<AccountId: Encode>(
    verified: &Verified,
    genesis_hash: &[u8; 32],
    device: &AccountId,
    encryption_key: &EncryptionKey,
) -> bool {
    verified.report_data == report_data(genesis_hash, device, encryption_key)
}
