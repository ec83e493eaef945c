//! What governance says: what may run, on which platforms, in which state.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use weft_primitives::attestation::{Measurement, Platform, TcbStatus};

use crate::{AdmittedStatuses, Config, Error, Event, Measurements, Pallet, RevokedPlatforms};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_allow_measurement(measurement: Measurement) -> DispatchResult {
        ensure!(
            !Measurements::<T>::contains_key(measurement),
            Error::<T>::NothingToChange
        );
        Measurements::<T>::insert(measurement, ());
        Self::deposit_event(Event::MeasurementAllowed { measurement });
        Ok(())
    }

    pub(crate) fn do_remove_measurement(measurement: Measurement) -> DispatchResult {
        ensure!(
            Measurements::<T>::take(measurement).is_some(),
            Error::<T>::NothingToChange
        );
        Self::deposit_event(Event::MeasurementRemoved { measurement });
        Ok(())
    }

    pub(crate) fn do_revoke(platform: Platform) -> DispatchResult {
        ensure!(
            !RevokedPlatforms::<T>::contains_key(platform),
            Error::<T>::NothingToChange
        );
        RevokedPlatforms::<T>::insert(platform, ());
        Self::deposit_event(Event::PlatformRevoked { platform });
        Ok(())
    }

    pub(crate) fn do_readmit(platform: Platform) -> DispatchResult {
        ensure!(
            RevokedPlatforms::<T>::take(platform).is_some(),
            Error::<T>::NothingToChange
        );
        Self::deposit_event(Event::PlatformReadmitted { platform });
        Ok(())
    }

    pub(crate) fn do_admit_status(status: TcbStatus) -> DispatchResult {
        ensure!(status != TcbStatus::UpToDate, Error::<T>::AlwaysAdmitted);
        // The set has room for every status there is, so what it does not take it has.
        let new = AdmittedStatuses::<T>::mutate(|admitted| admitted.try_insert(status).unwrap_or(false));
        ensure!(new, Error::<T>::NothingToChange);
        Self::deposit_event(Event::StatusAdmitted { status });
        Ok(())
    }

    pub(crate) fn do_exclude_status(status: TcbStatus) -> DispatchResult {
        ensure!(status != TcbStatus::UpToDate, Error::<T>::AlwaysAdmitted);
        let was_there = AdmittedStatuses::<T>::mutate(|admitted| admitted.remove(&status));
        ensure!(was_there, Error::<T>::NothingToChange);
        Self::deposit_event(Event::StatusExcluded { status });
        Ok(())
    }
}
