//! Who keeps shares: registration, stake, and the list that committees are drawn from.

use frame_support::{
    defensive, ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{ArithmeticError, traits::Zero};
use weft_custody::hpke::is_usable_key;
use weft_primitives::{Balance, device::EncryptionKey, endpoint::is_endpoint};

use crate::{
    Config, Custodian, CustodianOf, Custodians, Drawable, DrawableCount, Error, Event, HoldReason, Pallet, UrlOf,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        who: T::AccountId,
        encryption_key: EncryptionKey,
        endpoint: Option<UrlOf<T>>,
    ) -> DispatchResult {
        ensure!(!Custodians::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
        ensure!(
            endpoint.as_ref().is_none_or(|url| is_endpoint(url)),
            Error::<T>::InvalidEndpoint
        );
        ensure!(is_usable_key(&encryption_key), Error::<T>::UnusableKey);
        let (stake, deposit) = (T::CustodianStake::get(), T::RegistrationDeposit::get());
        T::Currency::hold(&HoldReason::Stake.into(), &who, stake)?;
        T::Currency::hold(&HoldReason::Deposit.into(), &who, deposit)?;
        let mut info = Custodian {
            encryption_key,
            endpoint,
            stake,
            deposit,
            available: true,
            position: None,
            out_since: frame_system::Pallet::<T>::block_number(),
            duties: 0,
            missed: 0,
            forged: 0,
            spared_until: BlockNumberFor::<T>::zero(),
        };
        Self::relist(&who, &mut info);
        Custodians::<T>::insert(&who, info);
        Self::deposit_event(Event::Registered {
            custodian: who,
            encryption_key,
        });
        Ok(())
    }

    pub(crate) fn do_deregister(who: T::AccountId) -> DispatchResult {
        let mut info = Self::registered(&who)?;
        ensure!(info.duties == 0, Error::<T>::OnDuty);
        info.available = false;
        Self::relist(&who, &mut info);
        Custodians::<T>::remove(&who);
        Self::give_back(HoldReason::Stake, &who, info.stake);
        Self::give_back(HoldReason::Deposit, &who, info.deposit);
        Self::deposit_event(Event::Deregistered { custodian: who });
        Ok(())
    }

    pub(crate) fn do_set_available(who: T::AccountId, available: bool) -> DispatchResult {
        let mut info = Self::registered(&who)?;
        info.available = available;
        Self::relist(&who, &mut info);
        Custodians::<T>::insert(&who, info);
        Self::deposit_event(Event::AvailabilitySet {
            custodian: who,
            available,
        });
        Ok(())
    }

    pub(crate) fn do_set_encryption_key(who: T::AccountId, encryption_key: EncryptionKey) -> DispatchResult {
        let mut info = Self::registered(&who)?;
        ensure!(is_usable_key(&encryption_key), Error::<T>::UnusableKey);
        info.encryption_key = encryption_key;
        Custodians::<T>::insert(&who, info);
        Self::deposit_event(Event::EncryptionKeySet {
            custodian: who,
            encryption_key,
        });
        Ok(())
    }

    pub(crate) fn do_bond(who: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut info = Self::registered(&who)?;
        T::Currency::hold(&HoldReason::Stake.into(), &who, amount)?;
        info.stake = info.stake.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        Self::relist(&who, &mut info);
        let stake = info.stake;
        Custodians::<T>::insert(&who, info);
        Self::deposit_event(Event::Bonded {
            custodian: who,
            amount,
            stake,
        });
        Ok(())
    }

    pub(crate) fn do_unbond(who: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut info = Self::registered(&who)?;
        let left = info.stake.checked_sub(amount).ok_or(Error::<T>::InsufficientStake)?;
        // What can be lost by a broken promise has to be there until the promise is kept.
        ensure!(
            info.duties == 0 || left >= T::CustodianStake::get(),
            Error::<T>::StakeNeeded
        );
        info.stake = left;
        Self::relist(&who, &mut info);
        Custodians::<T>::insert(&who, info);
        Self::give_back(HoldReason::Stake, &who, amount);
        Self::deposit_event(Event::Unbonded {
            custodian: who,
            amount,
            stake: left,
        });
        Ok(())
    }

    pub(crate) fn registered(who: &T::AccountId) -> Result<CustodianOf<T>, Error<T>> {
        Custodians::<T>::get(who).ok_or(Error::<T>::NotCustodian)
    }

    /// Puts a custodian into the list that committees are drawn from, or takes it out, as its availability and stake say.
    /// The caller stores the record.
    pub(crate) fn relist(who: &T::AccountId, info: &mut CustodianOf<T>) {
        let drawable = info.available && info.stake >= T::CustodianStake::get();
        match (drawable, info.position) {
            (true, None) => {
                let position = DrawableCount::<T>::get();
                Drawable::<T>::insert(position, who);
                // Every custodian holds a deposit, so there are never 2^32 of them.
                DrawableCount::<T>::put(position.saturating_add(1));
                info.position = Some(position);
            }
            (false, Some(position)) => {
                Self::unlist(position);
                info.position = None;
                info.out_since = frame_system::Pallet::<T>::block_number();
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Takes an entry out of the list. The last one moves into the gap.
    fn unlist(position: u32) {
        let Some(last) = DrawableCount::<T>::get().checked_sub(1) else {
            defensive!("a listed custodian is counted");
            return;
        };
        if let Some(moved) = Drawable::<T>::take(last)
            && position != last
        {
            Custodians::<T>::mutate(&moved, |info| {
                if let Some(info) = info {
                    info.position = Some(position);
                }
            });
            Drawable::<T>::insert(position, moved);
        }
        DrawableCount::<T>::put(last);
    }
}
