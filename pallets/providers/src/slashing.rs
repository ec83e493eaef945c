//! Stakes that answer for results: taken out of reach while a verdict may be appealed, then given back or lost.
//!
//! What is unbonding answers, too. As it does for longer than any result may be challenged and any dispute about one takes, an
//! owner who unbonds right after a result was committed, or in the middle of a dispute, gains nothing.

use frame_support::{
    defensive, ensure,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, TokenError, traits::Saturating};
use weft_primitives::{Balance, registry::Stakes, reputation::Outcome};

use crate::{Config, Event, HoldReason, Pallet, Seized, Unbonding};

impl<T: Config> Stakes<T::AccountId> for Pallet<T> {
    fn seize(provider: &T::AccountId) -> Balance {
        let bonded = Self::alter(provider, |info| Ok(core::mem::take(&mut info.stake)));
        let Ok(bonded) = bonded else {
            defensive!("who committed a result stays registered until nothing can be seized any more");
            return 0;
        };
        let unbonding = Unbonding::<T>::take(provider)
            .iter()
            .fold(0, |sum: Balance, chunk| sum.saturating_add(chunk.amount));
        let amount = bonded.saturating_add(unbonding);
        if amount > 0 {
            Seized::<T>::mutate(provider, |seized| seized.saturating_accrue(amount));
            Self::deposit_event(Event::StakeSeized {
                owner: provider.clone(),
                amount,
            });
        }
        amount
    }

    fn restore(provider: &T::AccountId, amount: Balance) {
        let amount = Self::take_seized(provider, amount);
        let restored = Self::alter(provider, |info| {
            info.stake.saturating_accrue(amount);
            Ok(info.stake)
        });
        let Ok(stake) = restored else {
            defensive!("whose stake was seized stays registered");
            return;
        };
        if amount > 0 {
            Self::deposit_event(Event::StakeRestored {
                owner: provider.clone(),
                amount,
                stake,
            });
        }
    }

    fn forfeit(provider: &T::AccountId, amount: Balance, winner: &T::AccountId, reward: Balance) -> Balance {
        let amount = Self::take_seized(provider, amount);
        let counted = Self::alter(provider, |info| {
            info.reputation = info.reputation.after(Outcome::Refuted);
            info.refuted = info.refuted.saturating_add(1);
            Ok(())
        });
        if counted.is_err() {
            defensive!("whose stake was seized stays registered");
        }
        // Nobody is rewarded for a wrong of their own.
        let due = if winner == provider { 0 } else { reward.min(amount) };
        let reward = if Self::pay_stake(provider, winner, due) { due } else { 0 };
        let rest = amount.saturating_sub(reward);
        let mut burned = 0;
        if !Self::pay_stake(provider, &T::TreasuryAccount::get(), rest) {
            let gone = T::Currency::burn_held(
                &HoldReason::Stake.into(),
                provider,
                rest,
                Precision::BestEffort,
                Fortitude::Force,
            );
            if gone != Ok(rest) {
                defensive!("what a record says is held is held");
            }
            burned = rest;
        }
        Self::deposit_event(Event::StakeForfeited {
            owner: provider.clone(),
            amount,
            reward,
            burned,
        });
        reward
    }
}

impl<T: Config> Pallet<T> {
    /// Takes an amount out of the record of what was seized; gives how much of it there was.
    fn take_seized(provider: &T::AccountId, amount: Balance) -> Balance {
        let seized = Seized::<T>::get(provider);
        let amount = amount.min(seized);
        match seized.saturating_sub(amount) {
            0 => Seized::<T>::remove(provider),
            left => Seized::<T>::insert(provider, left),
        }
        amount
    }

    /// Pays from held stake. Whether it worked in full; if not, nothing has changed.
    ///
    /// By force: funds that are both held and frozen answer here all the same.
    fn pay_stake(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> bool {
        amount == 0
            || with_storage_layer(|| {
                let moved = T::Currency::transfer_on_hold(
                    &HoldReason::Stake.into(),
                    from,
                    to,
                    amount,
                    Precision::Exact,
                    Restriction::Free,
                    Fortitude::Force,
                )?;
                // At the edge of an account's existence less may be moved.
                ensure!(moved == amount, DispatchError::Token(TokenError::CannotCreate));
                Ok::<(), DispatchError>(())
            })
            .is_ok()
    }
}
