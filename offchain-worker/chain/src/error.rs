//! What can go wrong between the worker and the chain, each with what to do about it.

use std::time::Duration;

use crate::account::AccountId;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No connection.
    #[error("no node answers at {url} ({reason}): start weft-node, or give another address with --node")]
    Unreachable {
        /// Where it was tried.
        url: String,
        /// What the last attempt said.
        reason: String,
    },
    /// The connection was there, and then no answer came within the overall limit.
    #[error("the node did not answer for {} s while it was to {what} ({reason}): check that it runs and try again", waited.as_secs())]
    NoAnswer {
        /// What was asked.
        what: &'static str,
        /// How long was tried.
        waited: Duration,
        /// What the last attempt said.
        reason: String,
    },
    /// The node runs another kind of chain, or a runtime this build does not know.
    #[error("{0}")]
    Incompatible(#[from] crate::compat::Incompatible),
    /// The node came back with another chain.
    #[error(
        "the node now serves another chain (genesis 0x{} instead of 0x{}): connect to the chain this worker was started with, or start it anew",
        short(found),
        short(expected)
    )]
    OtherChain {
        /// Genesis hash at the start.
        expected: [u8; 32],
        /// Genesis hash now.
        found: [u8; 32],
    },
    /// The runtime refused the call.
    #[error("the chain refused: {advice} ({pallet}.{error})")]
    Rejected {
        /// Pallet that refused.
        pallet: String,
        /// Its error.
        error: String,
        /// What to do.
        advice: String,
    },
    /// The account cannot pay the fee.
    #[error("{account} cannot pay the transaction fee: send it some WEFT first")]
    CannotPayFee {
        /// Who was to pay.
        account: AccountId,
    },
    /// The extrinsic was accepted by the node but appeared in no block in time.
    #[error("the transaction was not included within {} s: the chain may be stalled; check that blocks are produced and try again", waited.as_secs())]
    NotIncluded {
        /// How long it was watched.
        waited: Duration,
    },
    /// The pool refused the extrinsic for another reason.
    #[error("the node refused the transaction: {0}")]
    Refused(String),
    /// An answer that this build cannot read although the metadata said it could.
    #[error("the node's answer to {what} could not be read ({reason}): this is a bug, please report it")]
    Unreadable {
        /// What was asked.
        what: &'static str,
        /// What failed.
        reason: String,
    },
}

impl ChainError {
    /// Whether the runtime refused with this error of this pallet.
    pub fn is(&self, in_pallet: &str, named: &str) -> bool {
        matches!(self, Self::Rejected { pallet, error, .. } if pallet == in_pallet && error == named)
    }

    /// Whether trying again later, with nothing else changed, may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::NotIncluded { .. }
        )
    }
}

fn short(hash: &[u8; 32]) -> String {
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
