//! Time: who waits for what, and what happens when it falls due.

use frame_support::{
    defensive, ensure,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    DispatchResult, Saturating,
    traits::{UniqueSaturatedInto, Zero},
};
use weft_primitives::{
    JobId,
    job::{Act, Phase, Step},
    registry::Royalties,
    reputation::Outcome,
};

use crate::{
    Config, Deadlines, Due, Error, Event, JobOf, Jobs, JobsByUser, NextInputCheck, NextJobId, NextReceipt, Pallet,
    Queue, QueueEnds, Receipts, WeightInfo,
    types::{Handled, Line},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_expire(id: JobId) -> DispatchResult {
        let job = Self::living(id)?;
        ensure!(!Self::is_disputed(&job), Error::<T>::Disputed);
        let step = Self::step(&job, Act::Expire)?;
        Self::lapse(id, job, step);
        Ok(())
    }

    /// Sets a deadline. The entry is handled in block `at`, or as soon after it as weight allows.
    pub(crate) fn enqueue(queue: Queue, job: JobId, attempt: u8, at: BlockNumberFor<T>) {
        QueueEnds::<T>::mutate(queue, |ends| {
            Deadlines::<T>::insert(queue, ends.tail, Due { job, attempt, at });
            ends.tail = ends.tail.saturating_add(1);
        });
    }

    /// Handles at most `max_entries` entries that are due, as far as the meter allows, and charges it for what was
    /// done.
    pub(crate) fn handle_due(now: BlockNumberFor<T>, max_entries: u32, meter: &mut WeightMeter) {
        if meter.try_consume(Self::fixed_cost()).is_err() {
            return;
        }
        let costliest = Self::costliest_step();
        let lines: BlockNumberFor<T> = (Line::ALL.len() as u32).into();
        let turn = (now % lines).unique_saturated_into();
        let mut left = max_entries;
        for line in Line::in_turn(turn) {
            while !left.is_zero() && meter.can_consume(costliest) {
                let Some(handled) = Self::handle_next(line, now) else {
                    break;
                };
                meter.consume(Self::weight_of(handled));
                left = left.saturating_sub(1);
            }
        }
    }

    /// What a block pays even if nothing is due: a look at the head of each line, and the writing of the two cursors.
    pub(crate) fn fixed_cost() -> Weight {
        T::WeightInfo::queue_heads().saturating_add(T::DbWeight::get().writes(2))
    }

    /// The most that handling one entry may cost.
    pub(crate) fn costliest_step() -> Weight {
        [
            Handled::Reassigned,
            Handled::Refunded,
            Handled::Abandoned,
            Handled::Paid,
            Handled::Waits,
            Handled::Pruned,
            Handled::Passed,
            Handled::Skipped,
        ]
        .into_iter()
        .map(Self::weight_of)
        .fold(Weight::zero(), |most, step| most.max(step))
    }

    fn weight_of(handled: Handled) -> Weight {
        match handled {
            Handled::Reassigned => T::WeightInfo::due_reassigned(),
            Handled::Refunded => T::WeightInfo::due_refunded(),
            Handled::Abandoned => T::WeightInfo::due_abandoned(),
            Handled::Paid => T::WeightInfo::due_paid(T::Royalties::most_payees()),
            Handled::Waits => T::WeightInfo::due_waits(),
            Handled::Passed => T::WeightInfo::due_passed(),
            Handled::Pruned => T::WeightInfo::due_pruned(),
            Handled::Skipped => T::WeightInfo::due_skipped(),
        }
    }

    /// Handles the first in a line if it is due.
    pub(crate) fn handle_next(line: Line, now: BlockNumberFor<T>) -> Option<Handled> {
        match line {
            Line::Posted => Self::look_at_posted(now),
            Line::Queue(queue) => Self::pop_due(queue, now).map(|due| Self::look_at_due(queue, due)),
            Line::Receipts => Self::prune_next(now),
        }
    }

    /// Looks at the next job in the order of posting once its first input window is over.
    fn look_at_posted(now: BlockNumberFor<T>) -> Option<Handled> {
        let id = NextInputCheck::<T>::get();
        if id >= NextJobId::<T>::get() {
            return None;
        }
        // One that has ended, or is with another provider by now, holds up nobody.
        let first = Jobs::<T>::get(id).filter(|job| job.attempt == 1);
        if let Some(job) = &first
            && now <= job.posted_at.saturating_add(T::InputWindow::get())
        {
            return None;
        }
        NextInputCheck::<T>::put(id.saturating_add(1));
        // One with a result waits in another queue.
        let first = first.filter(|job| job.proposed.is_none());
        Some(first.map_or(Handled::Passed, |job| Self::lapse_or_wait(id, job)))
    }

    fn pop_due(queue: Queue, now: BlockNumberFor<T>) -> Option<Due<BlockNumberFor<T>>> {
        let mut ends = QueueEnds::<T>::get(queue);
        if ends.head >= ends.tail {
            return None;
        }
        let due = Deadlines::<T>::get(queue, ends.head);
        match &due {
            Some(due) if due.at > now => return None,
            Some(_) => Deadlines::<T>::remove(queue, ends.head),
            // Stepping over it keeps the queue alive.
            None => {
                defensive!("a queue has no gaps");
            }
        }
        ends.head = ends.head.saturating_add(1);
        QueueEnds::<T>::insert(queue, ends);
        due
    }

    fn look_at_due(queue: Queue, due: Due<BlockNumberFor<T>>) -> Handled {
        let waits_here = |job: &JobOf<T>| {
            let is_committed = matches!(job.phase, Phase::Committed { .. });
            job.attempt == due.attempt && is_committed == queue.is_of_challenges()
        };
        match Jobs::<T>::get(due.job).filter(waits_here) {
            // The end of the last dispute ends the job.
            Some(job) if Self::is_disputed(&job) => Handled::Skipped,
            Some(job) => Self::lapse_or_wait(due.job, job),
            None => Handled::Skipped,
        }
    }

    /// Whether disputes about its result go on.
    pub(crate) fn is_disputed(job: &JobOf<T>) -> bool {
        job.proposed.as_ref().is_some_and(|proposed| proposed.disputes > 0)
    }

    /// Ends or re-assigns a job that is overdue; lets one that runs wait for its device.
    fn lapse_or_wait(id: JobId, job: JobOf<T>) -> Handled {
        if let Ok(step) = Self::step(&job, Act::Expire) {
            return Self::lapse(id, job, step);
        }
        let due = job.phase.until().saturating_add(1u32.into());
        Self::enqueue(Queue::of_run(job.patience), id, job.attempt, due);
        Handled::Waits
    }

    fn lapse(id: JobId, job: JobOf<T>, step: Step) -> Handled {
        if let Step::Reassign {
            outcome: Outcome::Missed,
        }
        | Step::End {
            outcome: Outcome::Missed,
            ..
        } = step
        {
            Self::deposit_event(Event::ProviderMissed {
                job: id,
                provider: job.booking.provider.clone(),
            });
        }
        Self::give_up(id, job, step)
    }

    /// Removes the oldest receipt if its retention is over. A job that lives makes those posted after it wait: no longer
    /// than its own end and retention.
    fn prune_next(now: BlockNumberFor<T>) -> Option<Handled> {
        let id = NextReceipt::<T>::get();
        let receipt = Receipts::<T>::get(id)?;
        if now < receipt.ended_at.saturating_add(T::Retention::get()) {
            return None;
        }
        NextReceipt::<T>::put(id.saturating_add(1));
        Receipts::<T>::remove(id);
        JobsByUser::<T>::remove(&receipt.user, id.to_be_bytes());
        Self::deposit_event(Event::ReceiptPruned { job: id });
        Some(Handled::Pruned)
    }
}
