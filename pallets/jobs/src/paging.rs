//! Jobs as the runtime API shows them.

use alloc::vec::Vec;

use frame_system::pallet_prelude::BlockNumberFor;
use weft_primitives::{
    JobId,
    job_view::{EndedJob, JobState, JobView, LivingJob},
    page::{Page, page_size},
    registry::Matching,
};

use crate::{Config, JobOf, Jobs, JobsByUser, Pallet, ReceiptOf, Receipts};

/// [`JobView`] of a runtime.
pub type JobViewOf<T> = JobView<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
    /// A job that lives or whose receipt is still kept.
    pub fn job(id: JobId) -> Option<JobViewOf<T>> {
        Jobs::<T>::get(id)
            .map(|job| living_view::<T>(id, job))
            .or_else(|| Receipts::<T>::get(id).map(|receipt| ended_view::<T>(id, receipt)))
    }

    /// A user's jobs in the order of posting, from job `from` on; at most `limit`, and at most
    /// [`MAX_PAGE`](weft_primitives::page::MAX_PAGE).
    pub fn jobs_by_user(user: T::AccountId, from: JobId, limit: u32) -> Page<JobViewOf<T>> {
        let keys = match from.checked_sub(1) {
            None => JobsByUser::<T>::iter_key_prefix(&user),
            Some(before) => {
                let key = JobsByUser::<T>::hashed_key_for(&user, before.to_be_bytes());
                JobsByUser::<T>::iter_key_prefix_from(&user, key)
            }
        };
        Self::page(keys.map(JobId::from_be_bytes), limit)
    }

    /// The jobs for which a provider is booked, in the order of posting, from job `from` on; at most `limit`, and at
    /// most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE).
    pub fn active_jobs_of_provider(provider: T::AccountId, from: JobId, limit: u32) -> Page<JobViewOf<T>> {
        // A device has few jobs at a time.
        let mut ids = T::Providers::booked(&provider);
        ids.retain(|id| *id >= from);
        ids.sort_unstable();
        Self::page(ids.into_iter(), limit)
    }

    fn page(mut ids: impl Iterator<Item = JobId>, limit: u32) -> Page<JobViewOf<T>> {
        let items: Vec<_> = ids
            .by_ref()
            .take(page_size(limit) as usize)
            .filter_map(Self::job)
            .collect();
        Page {
            items,
            next: ids.next(),
        }
    }
}

fn living_view<T: Config>(id: JobId, job: JobOf<T>) -> JobViewOf<T> {
    JobView {
        id,
        user: job.user,
        model: job.model,
        arithmetic: job.arithmetic,
        tier: job.tier,
        posted_at: job.posted_at,
        attempts: job.attempt,
        state: JobState::Living(LivingJob {
            phase: job.phase,
            input: job.input,
            user_key: job.user_key,
            input_key: job.input_key,
            max_tokens: job.max_tokens,
            max_price: job.max_price,
            patience: job.patience,
            provider: job.booking.provider,
            device: job.booking.device,
            encryption_key: job.booking.encryption_key,
            ask_per_token: job.booking.ask_per_token,
            licence: job.licence,
            proposed: job.proposed,
        }),
    }
}

fn ended_view<T: Config>(id: JobId, receipt: ReceiptOf<T>) -> JobViewOf<T> {
    JobView {
        id,
        user: receipt.user,
        model: receipt.model,
        arithmetic: receipt.arithmetic,
        tier: receipt.tier,
        posted_at: receipt.posted_at,
        attempts: receipt.attempts,
        state: JobState::Ended(EndedJob {
            reason: receipt.reason,
            provider: receipt.provider,
            output: receipt.output,
            result_hash: receipt.result_hash,
            trace_root: receipt.trace_root,
            output_key: receipt.output_key,
            used_tokens: receipt.used_tokens,
            split: receipt.split,
            ended_at: receipt.ended_at,
        }),
    }
}
