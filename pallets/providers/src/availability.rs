//! Taking jobs, and not.

use frame_support::{ensure, pallet_prelude::DispatchResult};

use crate::{Availability, Config, Error, Event, Pallet, PauseReason};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_pause(owner: T::AccountId) -> DispatchResult {
        let reason = PauseReason::ByOwner;
        Self::alter(&owner, |info| {
            ensure!(info.availability == Availability::Available, Error::<T>::AlreadyPaused);
            info.availability = Availability::Paused(reason);
            Ok(())
        })?;
        Self::deposit_event(Event::Paused { owner, reason });
        Ok(())
    }

    pub(crate) fn do_resume(owner: T::AccountId) -> DispatchResult {
        Self::alter(&owner, |info| {
            ensure!(
                info.availability != Availability::Available,
                Error::<T>::AlreadyAvailable
            );
            info.availability = Availability::Available;
            Ok(())
        })?;
        Self::deposit_event(Event::Resumed { owner });
        Ok(())
    }
}
