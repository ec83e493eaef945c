//! Jobs as clients see them: the answer types of the runtime API, readable as SCALE and as JSON.

use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetId,
    content::ContentId,
    device::{EncryptionKey, WrappedKey},
    job::{Arithmetic, JobId, Patience, Phase, Reason},
    json,
    licence::LicenceId,
    price::{Balance, Split},
    tier::Tier,
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
    /// By which arithmetic it is answered.
    pub arithmetic: Arithmetic,
    /// By what its result is assured.
    pub tier: Tier,
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
    /// The licence of which a use was taken; `None` if the model needs none.
    pub licence: Option<LicenceId>,
    /// The result, while it may be challenged.
    pub proposed: Option<Proposed>,
}

/// A result that is not paid yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Proposed {
    /// The sealed answer.
    pub output: ContentId,
    /// Hash of the answer, salted with its content key.
    #[serde(with = "json::hex_bytes")]
    pub result_hash: [u8; 32],
    /// What commits to each step of the answer's computation.
    #[serde(with = "json::optional_hex_bytes")]
    pub trace_root: Option<[u8; 32]>,
    /// The answer's content key, wrapped for the user.
    #[serde(with = "json::hex_bytes")]
    pub output_key: WrappedKey,
    /// Tokens to be charged.
    pub used_tokens: u32,
    /// Of a job that others may challenge: what its trace is made of, for everybody to read.
    pub evidence: Option<ContentId>,
    /// Disputes about it that go on: it is not paid before they have ended.
    pub disputes: u32,
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
    /// What commits to each step of the answer's computation; present exactly for an exact job that was completed.
    #[serde(with = "json::optional_hex_bytes")]
    pub trace_root: Option<[u8; 32]>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        content::ContentCodec,
        device::WRAPPED_KEY_BYTES,
        tier::{Challenges, Window},
    };
    use serde_json::json;

    fn content(byte: u8) -> ContentId {
        ContentId {
            codec: ContentCodec::Raw,
            sha256: [byte; 32],
        }
    }

    fn view(state: JobState<u64, u32>) -> JobView<u64, u32> {
        JobView {
            id: 7,
            user: 1,
            model: 3,
            arithmetic: Arithmetic::Exact,
            tier: Tier::Exact(Challenges {
                window: Window::Short,
                prompt: Some([1; 32]),
                open: true,
            }),
            posted_at: 10,
            attempts: 2,
            state,
        }
    }

    fn living(phase: Phase<u32>) -> JobView<u64, u32> {
        view(JobState::Living(LivingJob {
            phase,
            input: content(1),
            user_key: [2; 32],
            input_key: matches!(phase, Phase::Running { .. }).then_some([3; WRAPPED_KEY_BYTES]),
            max_tokens: 100,
            max_price: u128::MAX,
            patience: Patience::Short,
            provider: 4,
            device: 5,
            encryption_key: [6; 32],
            ask_per_token: 1 << 60,
            licence: Some(8),
            proposed: matches!(phase, Phase::Committed { .. }).then_some(Proposed {
                output: content(8),
                result_hash: [9; 32],
                trace_root: Some([0xab; 32]),
                output_key: [3; WRAPPED_KEY_BYTES],
                used_tokens: 12,
                evidence: Some(content(7)),
                disputes: 1,
            }),
        }))
    }

    fn ended() -> JobView<u64, u32> {
        view(JobState::Ended(EndedJob {
            reason: Reason::NoEligibleProvider,
            provider: None,
            output: Some(content(8)),
            result_hash: Some([9; 32]),
            trace_root: Some([0xab; 32]),
            output_key: None,
            used_tokens: 0,
            split: Split {
                refund: u128::MAX,
                ..Default::default()
            },
            ended_at: 20,
        }))
    }

    #[test]
    fn json_and_scale_round_trip() {
        for job in [
            living(Phase::AwaitingInput { until: 15 }),
            living(Phase::Running { until: 30 }),
            living(Phase::Committed { until: 40 }),
            ended(),
        ] {
            let text = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<JobView<u64, u32>>(&text).unwrap(), job);
            assert_eq!(JobView::decode(&mut &job.encode()[..]), Ok(job));
        }
    }

    #[test]
    fn json_is_flat_and_keeps_every_digit() {
        let job = serde_json::to_value(living(Phase::AwaitingInput { until: 15 })).unwrap();
        assert_eq!(job["id"], json!(7));
        assert_eq!(job["arithmetic"], json!("exact"));
        assert_eq!(job["tier"]["tier"], json!("exact"));
        assert_eq!(job["tier"]["window"], json!("short"));
        assert_eq!(job["state"]["state"], json!("living"));
        assert_eq!(job["state"]["phase"], json!("awaiting_input"));
        assert_eq!(job["state"]["until"], json!(15));
        assert_eq!(
            job["state"]["max_price"],
            json!("340282366920938463463374607431768211455")
        );
        assert_eq!(job["state"]["input_key"], json!(null));
        let job = serde_json::to_value(ended()).unwrap();
        assert_eq!(job["state"]["state"], json!("ended"));
        assert_eq!(job["state"]["reason"], json!("no_eligible_provider"));
        assert_eq!(
            job["state"]["trace_root"],
            json!("0xabababababababababababababababababababababababababababababababab")
        );
        assert!(
            job["state"]["output"]
                .as_str()
                .is_some_and(|cid| cid.starts_with("bafk"))
        );
    }
}
