//! Jobs as clients see them: the answer types of the runtime API, readable as SCALE and as JSON.

use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetId,
    content::ContentId,
    device::{EncryptionKey, WrappedKey},
    job::{JobId, Patience, Phase, Reason},
    json,
    price::{Balance, Split},
};

/// A job, living or ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct JobView<AccountId, BlockNumber> {
    /// Its number.
    pub id: JobId,
    /// Who posted it and pays.
    pub user: AccountId,
    /// The model it is for.
    pub model: AssetId,
    /// Block in which it was posted.
    pub posted_at: BlockNumber,
    /// How many providers it has been given to so far, the present or last one included.
    pub attempts: u8,
    /// What else there is to say depends on whether it lives.
    pub state: JobState<AccountId, BlockNumber>,
}

/// Whether a job lives, and the facts of that state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum JobState<AccountId, BlockNumber> {
    /// A provider is booked; someone's act is awaited.
    Living(LivingJob<AccountId, BlockNumber>),
    /// It is over; this is its receipt.
    Ended(EndedJob<AccountId, BlockNumber>),
}

/// What a device needs to do a job, and a user to follow it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct LivingJob<AccountId, BlockNumber> {
    /// What is awaited, and until when.
    #[serde(flatten)]
    pub phase: Phase<BlockNumber>,
    /// The sealed input.
    pub input: ContentId,
    /// X25519 key to which the answer's content key is to be wrapped.
    #[serde(with = "json::hex_bytes")]
    pub user_key: EncryptionKey,
    /// The input's content key, wrapped for the booked device; present once released.
    #[serde(with = "json::optional_hex_bytes")]
    pub input_key: Option<WrappedKey>,
    /// The most tokens that may be generated and charged.
    pub max_tokens: u32,
    /// The escrow.
    #[serde(with = "json::amount")]
    pub max_price: Balance,
    /// How long the device has once the input is released.
    pub patience: Patience,
    /// The booked provider's owner account.
    pub provider: AccountId,
    /// The booked provider's device account.
    pub device: AccountId,
    /// The booked device's X25519 key.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// The price per token that the provider is bound to.
    #[serde(with = "json::amount")]
    pub ask_per_token: Balance,
}

/// How a job ended, and who got what.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct EndedJob<AccountId, BlockNumber> {
    /// The one reason.
    pub reason: Reason,
    /// The provider who held the job when it ended; `None` if nobody was left to take it.
    pub provider: Option<AccountId>,
    /// The sealed answer.
    pub output: Option<ContentId>,
    /// Hash of the answer, salted with its content key, so that only who can read the answer can check it.
    #[serde(with = "json::optional_hex_bytes")]
    pub result_hash: Option<[u8; 32]>,
    /// The answer's content key, wrapped for the user.
    #[serde(with = "json::optional_hex_bytes")]
    pub output_key: Option<WrappedKey>,
    /// Tokens charged.
    pub used_tokens: u32,
    /// What was paid to whom.
    pub split: Split,
    /// Block in which it ended.
    pub ended_at: BlockNumber,
}
