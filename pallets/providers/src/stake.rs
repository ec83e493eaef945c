//! Money in, money out.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::{ArithmeticError, traits::Saturating};
use weft_primitives::Balance;

use crate::{Config, Error, Event, HoldReason, Pallet, Providers, Unbonding, UnbondingChunk, UnbondingOf};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_bond(owner: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        ensure!(Providers::<T>::contains_key(&owner), Error::<T>::NotFound);
        T::Currency::hold(&HoldReason::Stake.into(), &owner, amount)?;
        let stake = Self::alter(&owner, |info| {
            info.stake = info.stake.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
            Ok(info.stake)
        })?;
        Self::deposit_event(Event::Bonded { owner, amount, stake });
        Ok(())
    }

    pub(crate) fn do_unbond(owner: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let unlock_at = frame_system::Pallet::<T>::block_number().saturating_add(T::UnbondingPeriod::get());
        let stake = Self::alter(&owner, |info| {
            let left = info.stake.checked_sub(amount).ok_or(Error::<T>::InsufficientStake)?;
            // What can be lost by a broken promise has to be there until the promise is kept.
            ensure!(info.busy() == 0 || left >= T::MinStake::get(), Error::<T>::StakeNeeded);
            info.stake = left;
            Ok(left)
        })?;
        Unbonding::<T>::try_mutate(&owner, |chunks| -> DispatchResult {
            match chunks.last_mut() {
                Some(last) if last.unlock_at == unlock_at => last.amount = last.amount.saturating_add(amount),
                _ => chunks
                    .try_push(UnbondingChunk { amount, unlock_at })
                    .map_err(|_| Error::<T>::TooManyUnbonding)?,
            }
            Ok(())
        })?;
        Self::deposit_event(Event::Unbonded {
            owner,
            amount,
            stake,
            unlock_at,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw_unbonded(owner: T::AccountId) -> DispatchResult {
        let now = frame_system::Pallet::<T>::block_number();
        let mut left: UnbondingOf<T> = Unbonding::<T>::get(&owner);
        let mut amount: Balance = 0;
        left.retain(|chunk| {
            let due = chunk.unlock_at <= now;
            if due {
                amount = amount.saturating_add(chunk.amount);
            }
            !due
        });
        ensure!(amount > 0, Error::<T>::NothingDue);
        if left.is_empty() {
            Unbonding::<T>::remove(&owner);
        } else {
            Unbonding::<T>::insert(&owner, left);
        }
        T::Currency::release(&HoldReason::Stake.into(), &owner, amount, Precision::Exact)?;
        Self::deposit_event(Event::Withdrawn { owner, amount });
        Ok(())
    }
}
