//! What is true between any two calls.

use alloc::{collections::BTreeMap, vec::Vec};

use frame_support::{ensure, traits::fungible::hold::Inspect};
use sp_runtime::{Saturating, TryRuntimeError};
use weft_primitives::{
    Balance, JobId,
    job::{MAX_ATTEMPTS, Phase},
    registry::{Matching, ModelRegistry},
};

use crate::{
    Config, Deadlines, HoldReason, Jobs, JobsByUser, NextInputCheck, NextJobId, NextReceipt, Pallet, Queue, QueueEnds,
    Receipts,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet. Unbounded: for tests and dry runs of upgrades.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_jobs()?;
        Self::check_escrow()?;
        Self::check_queues()?;
        Self::check_cursors()?;
        Self::check_indices()
    }

    fn check_jobs() -> Result<(), TryRuntimeError> {
        let next = NextJobId::<T>::get();
        for (id, job) in Jobs::<T>::iter() {
            ensure!(id < next, "a job has a number that was not given out");
            ensure!(!Receipts::<T>::contains_key(id), "a job lives and has a receipt");
            ensure!(job.max_tokens > 0, "a job allows no tokens");
            ensure!(
                (1..=MAX_ATTEMPTS).contains(&job.attempt),
                "a job is in an attempt that there is not"
            );
            ensure!(
                job.excluded.len() + 1 == usize::from(job.attempt),
                "a job excludes others than those who lost it"
            );
            ensure!(
                !job.excluded.contains(&job.booking.provider),
                "a job was given to a provider who lost it"
            );
            ensure!(
                job.input_key.is_some() != matches!(job.phase, Phase::AwaitingInput { .. }),
                "a job runs without its input, or has one without running"
            );
            ensure!(
                job.proposed.is_some() == matches!(job.phase, Phase::Committed { .. }),
                "a result may be challenged that is not there, or is there and may not"
            );
            ensure!(
                job.tier.challenges().is_none() || job.arithmetic.has_trace(),
                "a job may be challenged that has no trace"
            );
            ensure!(
                job.proposed.is_none() || job.tier.challenges().is_some(),
                "a result waits for challenges that there are not"
            );
            ensure!(
                job.booking
                    .ask_per_token
                    .checked_mul(job.max_tokens.into())
                    .is_some_and(|most| most <= job.max_price),
                "a job's escrow does not cover its price"
            );
            ensure!(
                !job.arithmetic.has_trace()
                    || T::Models::model(job.model).is_some_and(|terms| terms.exact_root.is_some()),
                "an exact job is for a model that is not exact"
            );
        }
        for (id, receipt) in Receipts::<T>::iter() {
            ensure!(id < next, "a receipt has a number that was not given out");
            let completed = receipt.reason.is_paid();
            ensure!(
                [
                    receipt.output.is_some(),
                    receipt.result_hash.is_some(),
                    receipt.output_key.is_some()
                ] == [completed; 3],
                "a receipt has a result without completion, or none with it"
            );
            ensure!(
                receipt.trace_root.is_some() == (completed && receipt.arithmetic.has_trace()),
                "a receipt has a trace root that is not of a completed exact job, or lacks one that is"
            );
        }
        Ok(())
    }

    fn check_escrow() -> Result<(), TryRuntimeError> {
        let mut escrows: BTreeMap<T::AccountId, Balance> =
            JobsByUser::<T>::iter_keys().map(|(user, _)| (user, 0)).collect();
        for (_, job) in Jobs::<T>::iter() {
            escrows.entry(job.user).or_default().saturating_accrue(job.max_price);
        }
        for (user, escrow) in escrows {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Escrow.into(), &user) == escrow,
                "a user's hold is not the sum of their jobs' escrows"
            );
        }
        Ok(())
    }

    fn check_queues() -> Result<(), TryRuntimeError> {
        let mut waiting: BTreeMap<(JobId, u8), Vec<_>> = BTreeMap::new();
        for queue in Queue::ALL {
            let ends = QueueEnds::<T>::get(queue);
            let mut entries = 0u64;
            for (position, due) in Deadlines::<T>::iter_prefix(queue) {
                ensure!(
                    (ends.head..ends.tail).contains(&position),
                    "an entry is outside its queue"
                );
                entries.saturating_inc();
                // What ended a run leaves the entries behind that waited for it.
                let committed = Jobs::<T>::get(due.job).is_some_and(|job| job.proposed.is_some());
                if committed == queue.is_of_challenges() {
                    waiting.entry((due.job, due.attempt)).or_default().push((queue, due.at));
                }
            }
            ensure!(ends.head.checked_add(entries) == Some(ends.tail), "a queue has gaps");
        }
        let next_check = NextInputCheck::<T>::get();
        for (id, job) in Jobs::<T>::iter() {
            let until = job.phase.until();
            let in_window = match job.phase {
                Phase::AwaitingInput { .. } => until,
                Phase::Running { .. } => until.saturating_sub(Self::run_window(job.patience)),
                Phase::Committed { .. } => {
                    let window = job
                        .tier
                        .challenges()
                        .map(|challenges| Queue::of_window(challenges.window));
                    let once = window.map(|queue| (queue, until.saturating_add(1u32.into())));
                    let entries = waiting.get(&(id, job.attempt)).map_or(&[][..], Vec::as_slice);
                    ensure!(
                        entries.iter().copied().eq(once) || (entries.is_empty() && Self::is_disputed(&job)),
                        "a result does not wait exactly once for the end of its window"
                    );
                    continue;
                }
            };
            let looked_at_next = (Queue::Input, in_window.saturating_add(1u32.into()));
            let lapses_next = (Queue::of_run(job.patience), until.saturating_add(1u32.into()));
            let runs = matches!(job.phase, Phase::Running { .. });
            let sound = match waiting.get(&(id, job.attempt)).map(Vec::as_slice) {
                None => job.attempt == 1 && id >= next_check,
                Some([entry]) => {
                    (job.attempt > 1 && *entry == looked_at_next)
                        || (runs && (job.attempt > 1 || id < next_check) && *entry == lapses_next)
                }
                Some(_) => false,
            };
            ensure!(sound, "a living job does not wait exactly once for its deadline");
        }
        Ok(())
    }

    fn check_cursors() -> Result<(), TryRuntimeError> {
        let next = NextJobId::<T>::get();
        ensure!(
            NextInputCheck::<T>::get() <= next && NextReceipt::<T>::get() <= next,
            "a cursor is beyond the last job"
        );
        let pruned = NextReceipt::<T>::get();
        ensure!(
            Jobs::<T>::iter_keys()
                .chain(Receipts::<T>::iter_keys())
                .all(|id| id >= pruned),
            "a job or receipt was passed over by the removal of receipts"
        );
        Ok(())
    }

    fn check_indices() -> Result<(), TryRuntimeError> {
        let mut listed = 0usize;
        for (user, key) in JobsByUser::<T>::iter_keys() {
            let id = JobId::from_be_bytes(key);
            let owner = Jobs::<T>::get(id)
                .map(|job| job.user)
                .or_else(|| Receipts::<T>::get(id).map(|receipt| receipt.user));
            ensure!(owner == Some(user), "a user's list has a job that is not theirs");
            listed.saturating_inc();
        }
        ensure!(
            listed == Jobs::<T>::iter_keys().count() + Receipts::<T>::iter_keys().count(),
            "a job or receipt is missing in its user's list"
        );
        let mut active = BTreeMap::<T::AccountId, Vec<JobId>>::new();
        for (id, job) in Jobs::<T>::iter() {
            if job.proposed.is_none() {
                active.entry(job.booking.provider).or_default().push(id);
            }
        }
        for (provider, mut ids) in active {
            let mut booked = T::Providers::booked(&provider);
            booked.sort_unstable();
            ids.sort_unstable();
            ensure!(
                booked == ids,
                "a provider is not booked once for each of their jobs without a result"
            );
        }
        Ok(())
    }
}
