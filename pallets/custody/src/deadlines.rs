//! Time: requests fall due, and are removed, in the order of their numbers, as their windows are all the same.

use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{UniqueSaturatedInto, Zero};
use weft_custody::MAX_SHARES;
use weft_primitives::custody_view::KeyRequestId;

use crate::{
    Config, Custodies, DealingState, Dealings, Event, HoldReason, KeyRequestOf, LatestRequest, NextDue, NextRemoval,
    NextRequest, Offence, Pallet, Releases, Requests, WeightInfo, types::Handled,
};

impl<T: Config> Pallet<T> {
    /// Handles at most `max_entries` requests that are due, as far as the meter allows, and charges it for what was done.
    /// The two lines take turns.
    pub(crate) fn handle_due(now: BlockNumberFor<T>, max_entries: u32, meter: &mut WeightMeter) {
        if meter.try_consume(Self::fixed_cost()).is_err() {
            return;
        }
        let costliest = Self::costliest_step();
        let mut left = max_entries;
        let mut idle = 0u8;
        let now_number: u64 = now.unique_saturated_into();
        let mut removing = now_number % 2 == 1;
        while !left.is_zero() && idle < 2 && meter.can_consume(costliest) {
            let handled = if removing {
                Self::remove_next(now)
            } else {
                Self::settle_next(now)
            };
            removing = !removing;
            match handled {
                Some(handled) => {
                    meter.consume(Self::weight_of(handled));
                    left = left.saturating_sub(1);
                    idle = 0;
                }
                None => idle = idle.saturating_add(1),
            }
        }
    }

    /// What a block pays even if nothing is due: a look at the head of each line, and the writing of the two cursors.
    pub(crate) fn fixed_cost() -> Weight {
        T::WeightInfo::queue_heads().saturating_add(T::DbWeight::get().writes(2))
    }

    /// The most that handling one request may cost.
    pub(crate) fn costliest_step() -> Weight {
        [
            Handled::Due(MAX_SHARES.into()),
            Handled::Removed,
            Handled::RemovedWithDealing,
        ]
        .into_iter()
        .map(Self::weight_of)
        .fold(Weight::zero(), |most, step| most.max(step))
    }

    fn weight_of(handled: Handled) -> Weight {
        match handled {
            Handled::Due(missed) => T::WeightInfo::due(missed),
            Handled::Removed => T::WeightInfo::removed(),
            Handled::RemovedWithDealing => T::WeightInfo::removed_with_dealing(),
        }
    }

    /// Looks at the next request once its window for releases is over.
    pub(crate) fn settle_next(now: BlockNumberFor<T>) -> Option<Handled> {
        let id = NextDue::<T>::get();
        if id >= NextRequest::<T>::get() {
            return None;
        }
        let request = Requests::<T>::get(id);
        if let Some(request) = &request
            && now <= Self::release_until(request)
        {
            return None;
        }
        NextDue::<T>::put(id.saturating_add(1));
        Some(Handled::Due(request.map_or(0, |request| Self::settle(id, request))))
    }

    /// Slashes who was silent, unless nobody had to release; returns what is not earned. How many were silent.
    fn settle(id: KeyRequestId, mut request: KeyRequestOf<T>) -> u32 {
        let mut missed = 0u32;
        if let Some(dealing) = Dealings::<T>::get(request.dealing)
            && !Self::is_void(&dealing)
            && Self::stands(&request)
        {
            for (index, member) in (1u8..).zip(&dealing.committee) {
                if !request.released.has(index) {
                    Self::slash(&member.account, Offence::Missed, Some(&request.account));
                    missed = missed.saturating_add(1);
                }
            }
        }
        let fees = core::mem::take(&mut request.fees_held);
        Self::give_back(HoldReason::Fee, &request.account, fees);
        let deposit = core::mem::take(&mut request.deposit);
        Self::give_back(HoldReason::Deposit, &request.account, deposit);
        Self::deposit_event(Event::Due {
            request: id,
            released: request.released.count(),
            missed,
        });
        Requests::<T>::insert(id, request);
        missed
    }

    /// Removes the oldest request once its window for disputes is over.
    pub(crate) fn remove_next(now: BlockNumberFor<T>) -> Option<Handled> {
        let id = NextRemoval::<T>::get();
        if id >= NextDue::<T>::get() {
            return None;
        }
        let request = Requests::<T>::get(id);
        if let Some(request) = &request
            && now <= Self::dispute_until(request)
        {
            return None;
        }
        NextRemoval::<T>::put(id.saturating_add(1));
        Some(request.map_or(Handled::Removed, |request| Self::remove_request(id, request)))
    }

    fn remove_request(id: KeyRequestId, request: KeyRequestOf<T>) -> Handled {
        Requests::<T>::remove(id);
        for index in request.released.indices() {
            Releases::<T>::remove(id, index);
        }
        if LatestRequest::<T>::get(request.asset, &request.recipient) == Some(id) {
            LatestRequest::<T>::remove(request.asset, &request.recipient);
        }
        Self::deposit_event(Event::RequestRemoved { request: id });
        let Some(mut dealing) = Dealings::<T>::get(request.dealing) else {
            return Handled::Removed;
        };
        dealing.open_requests = dealing.open_requests.saturating_sub(1);
        let (opened, idle, state) = (dealing.opened, dealing.open_requests.is_zero(), dealing.state);
        Dealings::<T>::insert(request.dealing, dealing);
        let mut handled = Handled::Removed;
        if idle && matches!(state, DealingState::Superseded | DealingState::Void) {
            Self::remove_dealing(request.dealing);
            handled = Handled::RemovedWithDealing;
        }
        // Another custody of the same asset may have been opened since.
        if let Some(mut custody) = Custodies::<T>::get(request.asset).filter(|custody| custody.opened == opened) {
            custody.open_requests = custody.open_requests.saturating_sub(1);
            match custody.closing {
                Some(reason) if custody.open_requests.is_zero() => {
                    Self::end_custody(request.asset, custody, reason);
                    handled = Handled::RemovedWithDealing;
                }
                _ => Custodies::<T>::insert(request.asset, custody),
            }
        }
        handled
    }
}
