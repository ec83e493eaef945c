//! Time: queues of deadlines, and what happens when one falls due.

use frame_support::{
    defensive,
    weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    DispatchResult,
    traits::{UniqueSaturatedInto, Zero},
};
use weft_primitives::{
    JobId,
    job::{Act, Step},
    reputation::Outcome,
};

use crate::{
    Config, Deadlines, Due, Event, JobOf, Jobs, JobsByUser, Pallet, Queue, QueueEnds, Receipts, WeightInfo,
    types::Handled,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_expire(id: JobId) -> DispatchResult {
        let job = Self::living(id)?;
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
        if meter.try_consume(T::WeightInfo::queue_heads()).is_err() {
            return;
        }
        let costliest = Self::costliest_step();
        let queues: BlockNumberFor<T> = (Queue::ALL.len() as u32).into();
        let turn = (now % queues).unique_saturated_into();
        let mut left = max_entries;
        for queue in Queue::in_turn(turn) {
            while !left.is_zero() && meter.can_consume(costliest) {
                let Some(handled) = Self::handle_next(queue, now) else {
                    break;
                };
                meter.consume(Self::weight_of(handled));
                left = left.saturating_sub(1);
            }
        }
    }

    /// The most that handling one entry may cost.
    pub(crate) fn costliest_step() -> Weight {
        [
            Handled::Reassigned,
            Handled::Refunded,
            Handled::Abandoned,
            Handled::Pruned,
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
            Handled::Pruned => T::WeightInfo::due_pruned(),
            Handled::Skipped => T::WeightInfo::due_skipped(),
        }
    }

    /// Handles the oldest entry of a queue if it is due.
    pub(crate) fn handle_next(queue: Queue, now: BlockNumberFor<T>) -> Option<Handled> {
        let due = Self::pop_due(queue, now)?;
        Some(match queue {
            Queue::Retention => Self::prune(due.job),
            Queue::Input | Queue::Short | Queue::Standard | Queue::Long => Self::lapse_if_current(queue, due),
        })
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

    fn lapse_if_current(queue: Queue, due: Due<BlockNumberFor<T>>) -> Handled {
        let Some(job) = Jobs::<T>::get(due.job) else {
            return Handled::Skipped;
        };
        if job.attempt != due.attempt || job.queue() != queue {
            return Handled::Skipped;
        }
        match Self::step(&job, Act::Expire) {
            Ok(step) => Self::lapse(due.job, job, step),
            Err(_) => {
                defensive!("an entry falls due after its phase");
                Handled::Skipped
            }
        }
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

    fn prune(id: JobId) -> Handled {
        let Some(receipt) = Receipts::<T>::take(id) else {
            defensive!("a receipt stays until its retention ends");
            return Handled::Skipped;
        };
        JobsByUser::<T>::remove(&receipt.user, id.to_be_bytes());
        Self::deposit_event(Event::ReceiptPruned { job: id });
        Handled::Pruned
    }
}
