//! What is stored of a dispute.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_disputes::{Fraud, Side, Stage, Unasked};
use weft_primitives::{Balance, JobId};

/// Number of a dispute, given in the order of opening, never reused.
pub type DisputeId = u64;

/// The most bytes that a claim has: a configuration, the root over the weights and a trace's header.
pub const MAX_CLAIM_BYTES: u32 = 512;

/// A claim as SCALE.
pub type ClaimBytes = BoundedVec<u8, ConstU32<MAX_CLAIM_BYTES>>;

/// What is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Awaited {
    /// The provider is to show of what its trace is made: the challenger was not given it.
    Sketch {
        /// Which of the job's texts it is about.
        text: u32,
    },
    /// The next move of the game.
    Move {
        /// What is disputed: [`weft_disputes::Claim`].
        claim: ClaimBytes,
        /// How far it has come.
        stage: Stage,
    },
}

/// Whether a dispute goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Standing {
    /// A move is awaited.
    Open,
    /// A side was silent, and has lost unless it appeals in time.
    Lapsed(Side),
    /// It has appealed, and governance is to say whether it may go on.
    Appealed(Side),
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId, BlockNumber> {
    /// The job whose result is disputed.
    pub job: JobId,
    /// Who doubts it.
    pub challenger: AccountId,
    /// Whose stake answers for it.
    pub provider: AccountId,
    /// The device that committed it, which may move for the provider.
    pub device: AccountId,
    /// Whether it goes on.
    pub standing: Standing,
    /// What is awaited, or was when a side fell silent.
    pub awaited: Awaited,
    /// Last block for what is awaited.
    pub until: BlockNumber,
    /// What is held from the challenger for it.
    pub bond: Balance,
    /// What was seized of the provider's stake because of it; `None` before.
    pub seized: Option<Balance>,
    /// What is held from who appealed.
    pub appeal_bond: Balance,
    /// Moves so far, the challenge included.
    pub moves: u16,
    /// Block in which it was opened.
    pub opened_at: BlockNumber,
}

/// How a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Verdict {
    /// Nothing is wrong with what was named.
    Right,
    /// The provider lied.
    Lied(Fraud),
    /// The answer is to another prompt, or not as it was asked for.
    Unasked(Unasked),
    /// A side did not move in time.
    Silent(Side),
    /// The challenger gave up.
    Conceded,
}

impl Verdict {
    /// Who has won.
    pub const fn winner(self) -> Side {
        match self {
            Self::Right | Self::Conceded => Side::Provider,
            Self::Lied(_) | Self::Unasked(_) => Side::Challenger,
            Self::Silent(side) => side.other(),
        }
    }
}

/// [`Dispute`] of a runtime.
pub type DisputeOf<T> = Dispute<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

/// What became of what was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// Somebody was silent, and may appeal now.
    Lapsed,
    /// The dispute ended.
    Ended,
    /// Nothing was due in that block any more.
    Passed,
}
