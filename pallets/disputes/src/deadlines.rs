//! Time: a calendar of what falls due, with one entry for each dispute, and a cursor that walks over its blocks.

use frame_support::{
    ensure,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchResult, Saturating};
use weft_primitives::registry::Challengeable;

use crate::{
    Calendar, Config, DisputeId, Disputes, Error, NextDue, Pallet, Standing, WeightInfo, pallet::most_of_end,
    types::Handled,
};

impl<T: Config> Pallet<T> {
    /// The last block of a window that begins now.
    pub(crate) fn deadline(window: BlockNumberFor<T>) -> BlockNumberFor<T> {
        frame_system::Pallet::<T>::block_number().saturating_add(window)
    }

    /// Notes that a dispute is to be looked at in the block after `until`.
    pub(crate) fn enqueue(until: BlockNumberFor<T>, id: DisputeId) {
        Calendar::<T>::insert(until.saturating_add(1u32.into()), id, ());
    }

    /// Takes that back.
    pub(crate) fn dequeue(until: BlockNumberFor<T>, id: DisputeId) {
        Calendar::<T>::remove(until.saturating_add(1u32.into()), id);
    }

    pub(crate) fn do_expire(id: DisputeId) -> DispatchResult {
        let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let is_moot = dispute.standing == Standing::Open && T::Results::proposed(dispute.job).is_none();
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(is_moot || now > dispute.until, Error::<T>::NotYetDue);
        Self::lapse(id, dispute);
        Ok(())
    }

    /// Handles at most `max_entries` disputes that are due, as far as the meter allows, and charges it for what was done.
    pub(crate) fn handle_due(now: BlockNumberFor<T>, max_entries: u32, meter: &mut WeightMeter) {
        if meter.try_consume(Self::fixed_cost()).is_err() {
            return;
        }
        let ended = T::WeightInfo::due_ended().saturating_add(most_of_end::<T>());
        let costliest = T::WeightInfo::due_lapsed().max(ended);
        let mut at = NextDue::<T>::get();
        let mut left = max_entries;
        while at <= now && left > 0 && meter.can_consume(costliest) {
            let handled = match Calendar::<T>::iter_key_prefix(at).next() {
                Some(id) => Self::handle(at, id),
                None => {
                    at.saturating_inc();
                    Handled::Passed
                }
            };
            meter.consume(match handled {
                Handled::Lapsed => T::WeightInfo::due_lapsed(),
                Handled::Ended => ended,
                Handled::Passed => T::WeightInfo::due_passed(),
            });
            if handled != Handled::Passed {
                left = left.saturating_sub(1);
            }
        }
        NextDue::<T>::put(at);
    }

    fn handle(at: BlockNumberFor<T>, id: DisputeId) -> Handled {
        match Disputes::<T>::get(id) {
            Some(dispute) => Self::lapse(id, dispute),
            // There is none: an entry goes with its dispute.
            None => {
                Calendar::<T>::remove(at, id);
                Handled::Ended
            }
        }
    }

    /// What a block pays even if nothing is due: the cursor, and a look at this block's entries.
    pub(crate) fn fixed_cost() -> Weight {
        T::DbWeight::get().reads_writes(2, 1)
    }
}
