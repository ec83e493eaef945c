//! Jobs and receipts.

use codec::Encode;
use subxt::{
    config::{Hasher, substrate::BlakeTwo256},
    utils::Static,
};
use weft_primitives::{
    AssetId, Balance, ContentId, JobId,
    device::{EncryptionKey, WrappedKey},
    job::{Arithmetic, Decline, Patience},
    page::{MAX_PAGE, Page},
    tier::Tier,
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A job as the chain shows it.
pub type Job = weft_primitives::job_view::JobView<AccountId, u32>;
/// Whether a job lives, with its facts.
pub type JobState = weft_primitives::job_view::JobState<AccountId, u32>;
/// A job that lives.
pub type LivingJob = weft_primitives::job_view::LivingJob<AccountId, u32>;
/// A receipt.
pub type EndedJob = weft_primitives::job_view::EndedJob<AccountId, u32>;

/// What a user orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The model to run.
    pub model: AssetId,
    /// The sealed request.
    pub input: ContentId,
    /// X25519 key to which the answer's key is to be wrapped.
    pub user_key: EncryptionKey,
    /// Most tokens to generate.
    pub max_tokens: u32,
    /// Escrow, and most to be paid.
    pub max_price: Balance,
    /// How long the device may take.
    pub patience: Patience,
    /// By which arithmetic it is to be answered.
    pub arithmetic: Arithmetic,
    /// By what its result is to be assured.
    pub tier: Tier,
}

/// What a device commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// The sealed answer.
    pub output: ContentId,
    /// [`result_hash`] of the answer.
    pub result_hash: [u8; 32],
    /// The answer's content key, wrapped for the user.
    pub output_key: WrappedKey,
    /// Tokens to charge.
    pub used_tokens: u32,
    /// Of an exact job, what commits to each step of the computation; `None` for a float job.
    pub trace_root: Option<[u8; 32]>,
    /// Of a job that others may challenge, where they find what the trace is made of.
    pub evidence: Option<ContentId>,
}

/// How a commit went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// By this call.
    Now,
    /// By an earlier call whose answer was lost.
    Before,
}

/// The commitment to an answer: blake2b-256 of the SCALE encoding of a domain tag, the chain's genesis hash, the job,
/// the answer's content key and the answer. The content key salts it, so that short answers cannot be guessed from it.
pub fn result_hash(genesis: &[u8; 32], job: JobId, content_key: &[u8; 32], answer: &[u8]) -> [u8; 32] {
    BlakeTwo256
        .hash(&(b"weft/result/v1", genesis, job, content_key, answer).encode())
        .0
}

/// What was committed to a job's answer, whether it is paid or not.
fn result_of(job: &Job) -> Option<[u8; 32]> {
    match &job.state {
        JobState::Ended(receipt) => receipt.result_hash,
        JobState::Living(living) => living.proposed.as_ref().map(|proposed| proposed.result_hash),
    }
}

/// Reads and calls about jobs.
pub struct Jobs<'a> {
    pub(crate) client: &'a Client,
}

impl Jobs<'_> {
    /// A job, living or ended; `None` if unknown or its receipt is gone.
    pub async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        self.client
            .read("show a job", |view| async move {
                let call = runtime::runtime_apis().jobs_api().job(job);
                Ok(view.runtime_apis().call(call).await?.map(|Static(job)| job))
            })
            .await
    }

    /// The same at the last finalised block.
    pub async fn job_finalised(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        self.client
            .read_finalised("show a job", |view| async move {
                let call = runtime::runtime_apis().jobs_api().job(job);
                Ok(view.runtime_apis().call(call).await?.map(|Static(job)| job))
            })
            .await
    }

    /// A page of the jobs an account posted, from position `from`.
    pub async fn jobs_by_user(&self, user: AccountId, from: u64) -> Result<Page<Job>, ChainError> {
        self.client
            .read("list jobs", |view| async move {
                let call = runtime::runtime_apis().jobs_api().jobs_by_user(user, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(job)| job).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// A page of the jobs a provider has yet to finish, from position `from`.
    pub async fn active_jobs(&self, provider: AccountId, from: u64) -> Result<Page<Job>, ChainError> {
        self.client
            .read("list a provider's jobs", |view| async move {
                let call = runtime::runtime_apis()
                    .jobs_api()
                    .active_jobs_of_provider(provider, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(job)| job).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// Posts a job and returns its number.
    pub async fn post(&self, user: &Signer, order: Order) -> Result<JobId, ChainError> {
        let call = runtime::transactions().jobs().post(
            order.model,
            Static(order.input),
            order.user_key,
            order.max_tokens,
            order.max_price,
            Static(order.patience),
            Static(order.arithmetic),
            Static(order.tier),
        );
        let included = self.client.submit(user, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::jobs::events::Posted>("a posted job")?.job)
    }

    /// Releases the input's key, wrapped for the device with `device_key`.
    pub async fn release_input(
        &self,
        user: &Signer,
        job: JobId,
        device_key: EncryptionKey,
        wrapped: WrappedKey,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions().jobs().release_input(job, device_key, wrapped);
        self.client.submit(user, &call, Until::InBlock).await.map(drop)
    }

    /// Takes a job back.
    pub async fn cancel(&self, user: &Signer, job: JobId) -> Result<(), ChainError> {
        let call = runtime::transactions().jobs().cancel(job);
        self.client.submit(user, &call, Until::InBlock).await.map(drop)
    }

    /// Commits a result. A commit that is on the chain already, because the answer to an earlier call was lost, is
    /// recognised by its receipt.
    pub async fn commit(&self, device: &Signer, job: JobId, result: &Commitment) -> Result<Committed, ChainError> {
        let call = runtime::transactions().jobs().commit(
            job,
            Static(result.output),
            result.result_hash,
            result.output_key,
            result.used_tokens,
            result.trace_root,
            result.evidence.map(Static),
        );
        match self.client.submit(device, &call, Until::InBlock).await {
            Ok(_) => Ok(Committed::Now),
            Err(refused) if refused.is("Jobs", "AlreadyEnded") || refused.is("Jobs", "AlreadyCommitted") => {
                match self.job(job).await?.and_then(|job| result_of(&job)) {
                    Some(known) if known == result.result_hash => Ok(Committed::Before),
                    _ => Err(refused),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a job back.
    pub async fn decline(&self, device: &Signer, job: JobId, why: Decline) -> Result<(), ChainError> {
        let call = runtime::transactions().jobs().decline(job, Static(why));
        self.client.submit(device, &call, Until::InBlock).await.map(drop)
    }

    /// The jobs whose results became open to challenges of anybody in a block.
    pub async fn opened_in(&self, block: u32) -> Result<Vec<JobId>, ChainError> {
        self.client
            .retry("show a block's events", || async move {
                let hash = self
                    .client
                    .rpc()
                    .chain_get_block_hash(Some(block.into()))
                    .await
                    .map_err(subxt::Error::from)?;
                let Some(hash) = hash else { return Ok(Vec::new()) };
                let view = self.client.view_at(hash).await.map_err(subxt::Error::from)?;
                let events = view.events().fetch().await.map_err(subxt::Error::from)?;
                let mut opened = Vec::new();
                for event in events.find::<runtime::jobs::events::Committed>() {
                    let event = event.map_err(subxt::Error::from)?;
                    opened.extend(event.open.then_some(event.job));
                }
                Ok(opened)
            })
            .await
    }

    /// Notes that a job is overdue.
    pub async fn expire(&self, anyone: &Signer, job: JobId) -> Result<(), ChainError> {
        let call = runtime::transactions().jobs().expire(job);
        self.client.submit(anyone, &call, Until::InBlock).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_result_is_hashed() {
        let hash = result_hash(&[1; 32], 2, &[3; 32], b"four");
        assert_eq!(hash, result_hash(&[1; 32], 2, &[3; 32], b"four"));
        for other in [
            result_hash(&[9; 32], 2, &[3; 32], b"four"),
            result_hash(&[1; 32], 9, &[3; 32], b"four"),
            result_hash(&[1; 32], 2, &[9; 32], b"four"),
            result_hash(&[1; 32], 2, &[3; 32], b"five"),
        ] {
            assert_ne!(hash, other);
        }
    }

    #[test]
    fn a_result_hash_is_blake2b_of_the_scale_encoding() {
        // From Python: hashlib.blake2b(b"weft/result/v1" + bytes([1])*32 + (2).to_bytes(8, "little") + bytes([3])*32
        // + bytes([4 << 2]) + b"four", digest_size=32).
        let expected = "698b8148c19d2b9ed0da8f0670b626d0f1bd879e19ca753c0e946b821c4c6455";
        let hash = result_hash(&[1; 32], 2, &[3; 32], b"four");
        assert_eq!(
            hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            expected
        );
    }
}
