//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use scale_info::TypeInfo;
use weft_primitives::{
    AssetId, Balance, ContentId, JobId, LicenceId,
    device::{EncryptionKey, WrappedKey},
    job::{Arithmetic, MAX_ATTEMPTS, Patience, Phase, Reason},
    job_view::Proposed,
    price::Split,
    registry::Booking,
    tier::{Tier, Window},
};

/// A job that lives: a provider is booked for it and someone's act is awaited, or its result may be challenged.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Job<AccountId, BlockNumber> {
    /// Who posted it and whose escrow is held.
    pub user: AccountId,
    /// The model to run.
    pub model: AssetId,
    /// The sealed input.
    pub input: ContentId,
    /// X25519 key to which the answer's content key is to be wrapped.
    pub user_key: EncryptionKey,
    /// The most tokens that may be charged; never zero.
    pub max_tokens: u32,
    /// The escrow, held from the user.
    pub max_price: Balance,
    /// Which window the device has once the user's has passed.
    pub patience: Patience,
    /// By which arithmetic it is to be answered.
    pub arithmetic: Arithmetic,
    /// By what its result is assured.
    pub tier: Tier,
    /// The current assignment, from 1.
    pub attempt: u8,
    /// Who lost the job in earlier attempts.
    pub excluded: BoundedVec<AccountId, ConstU32<{ MAX_ATTEMPTS as u32 }>>,
    /// Who is booked now, or was until the result was committed, and at what price, [`Tier::premium`] included.
    pub booking: Booking<AccountId>,
    /// What is awaited, and until when.
    pub phase: Phase<BlockNumber>,
    /// The input's content key, wrapped for the booked device; present exactly from its release on.
    pub input_key: Option<WrappedKey>,
    /// Of which a use was taken; `None` if the model needs no licence.
    pub licence: Option<LicenceId>,
    /// The result, present exactly while it may be challenged.
    pub proposed: Option<Proposed>,
    /// Block in which it was posted.
    pub posted_at: BlockNumber,
}

/// How a job ended. Kept for a fixed number of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Receipt<AccountId, BlockNumber> {
    /// Who posted the job and paid.
    pub user: AccountId,
    /// The model it was for.
    pub model: AssetId,
    /// By which arithmetic it was to be answered.
    pub arithmetic: Arithmetic,
    /// By what its result was assured.
    pub tier: Tier,
    /// Who held the job when it ended; `None` if nobody was left to take it.
    pub provider: Option<AccountId>,
    /// The one reason.
    pub reason: Reason,
    /// The sealed answer.
    pub output: Option<ContentId>,
    /// Hash of the answer, salted with its content key.
    pub result_hash: Option<[u8; 32]>,
    /// What commits to each step of the answer's computation; present exactly for a completed exact job.
    pub trace_root: Option<[u8; 32]>,
    /// The answer's content key, wrapped for the user.
    pub output_key: Option<WrappedKey>,
    /// Tokens charged.
    pub used_tokens: u32,
    /// What was paid to whom. Its total is the escrow, but for dust that no account could take.
    pub split: Split,
    /// How many providers the job was given to.
    pub attempts: u8,
    /// Block in which it was posted.
    pub posted_at: BlockNumber,
    /// Block in which it ended.
    pub ended_at: BlockNumber,
}

/// A queue of deadlines. All entries of one queue wait equally long, so they fall due in the order in which they came
/// and only the head need be looked at. First attempts need no entry here: see [`Line::Posted`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Queue {
    /// Release of the input to the device of a second or later attempt.
    Input,
    /// Commit of a job with [`Patience::Short`].
    Short,
    /// Commit of a job with [`Patience::Standard`].
    Standard,
    /// Commit of a job with [`Patience::Long`].
    Long,
    /// Challenges of a result with [`Window::Short`].
    ShortChallenge,
    /// Challenges of a result with [`Window::Standard`].
    StandardChallenge,
    /// Challenges of a result with [`Window::Long`].
    LongChallenge,
}

impl Queue {
    /// All queues.
    pub const ALL: [Self; 7] = [
        Self::Input,
        Self::Short,
        Self::Standard,
        Self::Long,
        Self::ShortChallenge,
        Self::StandardChallenge,
        Self::LongChallenge,
    ];

    /// The queue of a running job's deadline.
    pub const fn of_run(patience: Patience) -> Self {
        match patience {
            Patience::Short => Self::Short,
            Patience::Standard => Self::Standard,
            Patience::Long => Self::Long,
        }
    }

    /// The queue of the end of a window for challenges.
    pub const fn of_window(window: Window) -> Self {
        match window {
            Window::Short => Self::ShortChallenge,
            Window::Standard => Self::StandardChallenge,
            Window::Long => Self::LongChallenge,
        }
    }

    /// Whether its entries are ends of windows for challenges.
    pub const fn is_of_challenges(self) -> bool {
        matches!(
            self,
            Self::ShortChallenge | Self::StandardChallenge | Self::LongChallenge
        )
    }
}

/// What the hooks work off, each from its oldest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Jobs in the order of posting, each looked at once, when its first input window is over.
    Posted,
    /// A queue.
    Queue(Queue),
    /// Receipts in the order of posting, each removed when its retention is over.
    Receipts,
}

impl Line {
    /// All lines.
    pub const ALL: [Self; 9] = [
        Self::Posted,
        Self::Queue(Queue::Input),
        Self::Queue(Queue::Short),
        Self::Queue(Queue::Standard),
        Self::Queue(Queue::Long),
        Self::Queue(Queue::ShortChallenge),
        Self::Queue(Queue::StandardChallenge),
        Self::Queue(Queue::LongChallenge),
        Self::Receipts,
    ];

    /// All lines, beginning with another one each turn, so that a flooded line cannot starve the others.
    pub fn in_turn(turn: usize) -> impl Iterator<Item = Self> {
        let first = turn % Self::ALL.len();
        Self::ALL.into_iter().cycle().skip(first).take(Self::ALL.len())
    }
}

/// An entry of a queue. It is stale, and skipped, if the job has since ended or moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Due<BlockNumber> {
    /// The job.
    pub job: JobId,
    /// The attempt whose act is awaited.
    pub attempt: u8,
    /// First block in which the entry is to be handled.
    pub at: BlockNumber,
}

/// The ends of a queue: entries are at `head..tail`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Ends {
    /// Position of the oldest entry.
    pub head: u64,
    /// Position of the next entry to come.
    pub tail: u64,
}

/// A party to the split of an escrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Party {
    /// The provider who computed.
    Provider,
    /// The creator of the model.
    Creator,
    /// The treasury.
    Treasury,
    /// The user who posted.
    User,
}

/// What became of the first in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// The job went to the next provider.
    Reassigned,
    /// The job ended and its escrow was released.
    Refunded,
    /// The job ended because nobody could take it after a search.
    Abandoned,
    /// The window for challenges passed, and the result was paid.
    Paid,
    /// The job runs: it waits for its device's deadline now.
    Waits,
    /// A receipt was removed.
    Pruned,
    /// A job that was posted had ended or moved on when it was looked at.
    Passed,
    /// The entry of a queue was stale.
    Skipped,
}
