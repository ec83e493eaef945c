//! The device's side: showing, and removing what was shown.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, UnixTime, fungible::hold::Mutate as _, tokens::Precision},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::DispatchError;
use weft_primitives::{
    Balance,
    attestation::{NotAttested, ReportData, report_data},
    device::EncryptionKey,
    registry::Devices,
};

use crate::{
    Attestation, AttestationOf, Attestations, Collateral, Config, Error, Event, HoldReason, Pallet, QuoteBytes,
    QuoteVerifier, Verified, binds,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_attest(device: T::AccountId, quote: QuoteBytes, collateral: Collateral) -> DispatchResult {
        // Before the costly part, so that a stranger's account learns it at once.
        ensure!(T::Devices::device_key(&device).is_some(), Error::<T>::UnknownDevice);
        let now = Self::now_secs();
        let verified = T::Quotes::verify(&quote, &collateral, now).map_err(Error::<T>::from)?;
        Self::record(device, &verified, now)
    }

    /// Stores what a verified quote says, if it is bound to the device's present key and counts.
    pub(crate) fn record(device: T::AccountId, verified: &Verified, now: u64) -> DispatchResult {
        let (owner, encryption_key) = T::Devices::device_key(&device).ok_or(Error::<T>::UnknownDevice)?;
        ensure!(
            binds(verified, &Self::genesis(), &device, &encryption_key),
            Error::<T>::OtherKey
        );
        let expires_at = verified
            .collateral_expires_at
            .min(now.saturating_add(T::MaxAgeSecs::get()));
        ensure!(now < expires_at, Error::<T>::CollateralExpired);
        let deposit = T::Deposit::get();
        let attestation = Attestation {
            measurement: verified.measurement,
            status: verified.status,
            family: verified.family,
            machine: verified.machine,
            encryption_key,
            verified_at: now,
            expires_at,
            depositor: owner.clone(),
            deposit,
        };
        // What would not count is not stored: nobody pays a deposit for it.
        Self::admits(&attestation).map_err(Self::refusal)?;
        if let Some(earlier) = Attestations::<T>::get(&device) {
            let (depositor, deposit) = Self::release(earlier)?;
            Self::deposit_event(Event::Replaced {
                device: device.clone(),
                depositor,
                deposit,
            });
        }
        T::Currency::hold(&HoldReason::Attestation.into(), &owner, deposit)?;
        Attestations::<T>::insert(&device, attestation);
        Self::deposit_event(Event::Attested {
            device,
            owner,
            measurement: verified.measurement,
            status: verified.status,
            expires_at,
        });
        Ok(())
    }

    pub(crate) fn do_forget(who: T::AccountId, device: T::AccountId) -> DispatchResult {
        let attestation = Attestations::<T>::get(&device).ok_or(Error::<T>::NotFound)?;
        ensure!(who == device || who == attestation.depositor, Error::<T>::NotYours);
        Attestations::<T>::remove(&device);
        let (depositor, deposit) = Self::release(attestation)?;
        Self::deposit_event(Event::Forgotten {
            device,
            depositor,
            deposit,
        });
        Ok(())
    }

    pub(crate) fn do_remove_expired(by: T::AccountId, device: T::AccountId) -> DispatchResult {
        let attestation = Attestations::<T>::get(&device).ok_or(Error::<T>::NotFound)?;
        ensure!(attestation.expires_at <= Self::now_secs(), Error::<T>::NotExpired);
        Attestations::<T>::remove(&device);
        let (depositor, deposit) = Self::release(attestation)?;
        Self::deposit_event(Event::ExpiredRemoved {
            device,
            by,
            depositor,
            deposit,
        });
        Ok(())
    }

    /// Seconds since the Unix epoch.
    pub fn now_secs() -> u64 {
        T::Time::now().as_secs()
    }

    /// The report data that a quote of this device with this key has to have on this chain.
    pub fn report_data_of(device: &T::AccountId, encryption_key: &EncryptionKey) -> ReportData {
        report_data(&Self::genesis(), device, encryption_key)
    }

    fn genesis() -> [u8; 32] {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default());
        let mut genesis = [0; 32];
        // Hashes of this chain have 32 bytes; of another length, what there is counts.
        for (to, from) in genesis.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        genesis
    }

    fn refusal(why: NotAttested) -> Error<T> {
        match why {
            NotAttested::NoAttestation => Error::NotFound,
            NotAttested::Expired => Error::CollateralExpired,
            NotAttested::OtherKey => Error::OtherKey,
            NotAttested::MeasurementNotAllowed => Error::MeasurementNotAllowed,
            NotAttested::StatusNotAdmitted => Error::StatusNotAdmitted,
            NotAttested::PlatformRevoked => Error::PlatformRevoked,
        }
    }

    fn release(attestation: AttestationOf<T>) -> Result<(T::AccountId, Balance), DispatchError> {
        let Attestation { depositor, deposit, .. } = attestation;
        // Best effort: who was slashed below their holds still gets rid of the record.
        let released = T::Currency::release(
            &HoldReason::Attestation.into(),
            &depositor,
            deposit,
            Precision::BestEffort,
        )?;
        Ok((depositor, released))
    }
}
