//! Coming, changing and leaving.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::{DispatchError, traits::Verify};
use weft_primitives::{
    device::{EncryptionKey, consent_message},
    endpoint::is_endpoint,
    registry::{Devices, ModelRegistry, Moves},
    reputation::Reputation,
};

use crate::{
    Availability, Config, DeviceOwner, Error, Event, HoldReason, Offers, OffersOf, Pallet, PauseReason, ProviderInfo,
    ProviderInfoOf, Providers, Seized, Unbonding, UrlOf,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        owner: T::AccountId,
        device: T::AccountId,
        encryption_key: EncryptionKey,
        endpoint: UrlOf<T>,
        capacity: u16,
        consent: T::Signature,
    ) -> DispatchResult {
        Self::ensure_consent(&owner, &device, &consent)?;
        Self::enroll(owner, device, encryption_key, endpoint, capacity)
    }

    /// Registers an owner whose device has consented.
    pub(crate) fn enroll(
        owner: T::AccountId,
        device: T::AccountId,
        encryption_key: EncryptionKey,
        endpoint: UrlOf<T>,
        capacity: u16,
    ) -> DispatchResult {
        ensure!(!Providers::<T>::contains_key(&owner), Error::<T>::AlreadyRegistered);
        // One account, one role: otherwise it would not be clear for whom it pauses.
        ensure!(!DeviceOwner::<T>::contains_key(&owner), Error::<T>::OwnerIsDevice);
        Self::ensure_device_free(&owner, &device)?;
        Self::ensure_settings(&endpoint, capacity)?;
        let deposit = T::RegistrationDeposit::get();
        T::Currency::hold(&HoldReason::Deposit.into(), &owner, deposit)?;
        DeviceOwner::<T>::insert(&device, &owner);
        Providers::<T>::insert(
            &owner,
            ProviderInfo {
                device: device.clone(),
                encryption_key,
                endpoint,
                capacity,
                jobs: Default::default(),
                availability: Availability::Paused(PauseReason::ByOwner),
                stake: 0,
                reputation: Reputation::default(),
                completed: 0,
                missed: 0,
                declined: 0,
                refuted: 0,
                deposit,
            },
        );
        Self::deposit_event(Event::Registered {
            owner,
            device,
            encryption_key,
        });
        Ok(())
    }

    pub(crate) fn do_rotate_device(
        owner: T::AccountId,
        device: T::AccountId,
        encryption_key: EncryptionKey,
        consent: T::Signature,
    ) -> DispatchResult {
        Self::ensure_consent(&owner, &device, &consent)?;
        Self::ensure_device_free(&owner, &device)?;
        Self::alter(&owner, |info| {
            // The inputs of running jobs are wrapped to the present key.
            ensure!(info.busy() == 0, Error::<T>::Busy);
            DeviceOwner::<T>::remove(&info.device);
            DeviceOwner::<T>::insert(&device, &owner);
            info.device = device.clone();
            info.encryption_key = encryption_key;
            info.availability = Availability::Paused(PauseReason::ByOwner);
            Ok(())
        })?;
        Self::deposit_event(Event::DeviceRotated {
            owner: owner.clone(),
            device,
            encryption_key,
        });
        for model in OffersOf::<T>::get(&owner) {
            let keyed = T::Models::has_key(model, &owner, &encryption_key);
            // The provider is paused, so no offer is in the book and the flag is all there is to change.
            Offers::<T>::mutate(&owner, model, |offer| {
                if let Some(offer) = offer {
                    offer.keyed = keyed;
                }
            });
            if !keyed {
                Self::deposit_event(Event::KeyRequested {
                    owner: owner.clone(),
                    model,
                    encryption_key,
                });
            }
        }
        Ok(())
    }

    pub(crate) fn do_update(owner: T::AccountId, endpoint: UrlOf<T>, capacity: u16) -> DispatchResult {
        Self::ensure_settings(&endpoint, capacity)?;
        Self::alter(&owner, |info| {
            ensure!(capacity >= info.busy(), Error::<T>::CapacityBelowBusy);
            info.endpoint = endpoint.clone();
            info.capacity = capacity;
            Ok(())
        })?;
        Self::deposit_event(Event::Updated {
            owner,
            endpoint,
            capacity,
        });
        Ok(())
    }

    pub(crate) fn do_deregister(owner: T::AccountId) -> DispatchResult {
        let info = Providers::<T>::get(&owner).ok_or(Error::<T>::NotFound)?;
        ensure!(info.busy() == 0, Error::<T>::Busy);
        ensure!(
            info.stake == 0 && !Unbonding::<T>::contains_key(&owner) && !Seized::<T>::contains_key(&owner),
            Error::<T>::StakeRemains
        );
        for model in OffersOf::<T>::get(&owner) {
            Self::remove_offer(&owner, model)?;
        }
        OffersOf::<T>::remove(&owner);
        T::Currency::release(&HoldReason::Deposit.into(), &owner, info.deposit, Precision::Exact)?;
        DeviceOwner::<T>::remove(&info.device);
        Providers::<T>::remove(&owner);
        Self::deposit_event(Event::Deregistered { owner });
        Ok(())
    }

    /// The owner for whom an account may act: its own provider, or the one it is the device of.
    pub(crate) fn owner_of(who: T::AccountId) -> Result<T::AccountId, Error<T>> {
        if Providers::<T>::contains_key(&who) {
            return Ok(who);
        }
        DeviceOwner::<T>::get(&who).ok_or(Error::<T>::NotFound)
    }

    /// Changes a provider, and if that changes its standing, moves its offers in the book.
    pub(crate) fn alter<R>(
        owner: &T::AccountId,
        change: impl FnOnce(&mut ProviderInfoOf<T>) -> Result<R, DispatchError>,
    ) -> Result<R, DispatchError> {
        Self::alter_counting(owner, change).map(|(result, _)| result)
    }

    /// [`Self::alter`], with what it moved in the order book.
    pub(crate) fn alter_counting<R>(
        owner: &T::AccountId,
        change: impl FnOnce(&mut ProviderInfoOf<T>) -> Result<R, DispatchError>,
    ) -> Result<(R, Moves), DispatchError> {
        let mut info = Providers::<T>::get(owner).ok_or(Error::<T>::NotFound)?;
        let before = info.standing(T::MinStake::get());
        let result = change(&mut info)?;
        let after = info.standing(T::MinStake::get());
        let moves = if before == after { 0 } else { Self::relist(owner, after) };
        Providers::<T>::insert(owner, info);
        Ok((result, moves))
    }

    fn ensure_consent(owner: &T::AccountId, device: &T::AccountId, consent: &T::Signature) -> DispatchResult {
        let message = Self::consent_for(owner);
        ensure!(consent.verify(&message[..], device), Error::<T>::InvalidConsent);
        Ok(())
    }

    /// What a device has to sign to work for `owner` on this chain.
    pub(crate) fn consent_for(owner: &T::AccountId) -> alloc::vec::Vec<u8> {
        let genesis =
            frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::default());
        consent_message(&genesis.into(), owner)
    }

    fn ensure_device_free(owner: &T::AccountId, device: &T::AccountId) -> DispatchResult {
        let works_for_another = DeviceOwner::<T>::get(device).is_some_and(|present| present != *owner);
        let owns_another = device != owner && Providers::<T>::contains_key(device);
        ensure!(!works_for_another && !owns_another, Error::<T>::DeviceInUse);
        Ok(())
    }

    fn ensure_settings(endpoint: &UrlOf<T>, capacity: u16) -> DispatchResult {
        ensure!(is_endpoint(endpoint), Error::<T>::InvalidEndpoint);
        ensure!(
            capacity > 0 && capacity <= T::MaxCapacity::get(),
            Error::<T>::InvalidCapacity
        );
        Ok(())
    }
}

impl<T: Config> Devices<T::AccountId> for Pallet<T> {
    fn device_key(device: &T::AccountId) -> Option<(T::AccountId, EncryptionKey)> {
        let owner = DeviceOwner::<T>::get(device)?;
        let encryption_key = Providers::<T>::get(&owner)?.encryption_key;
        Some((owner, encryption_key))
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_device(owner: &T::AccountId, device: &T::AccountId) -> EncryptionKey {
        crate::benchmarking::device::<T>(owner, device)
    }
}
