//! Bonds: held, given back, and lost.

use frame_support::{
    defensive, ensure,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, TokenError};
use weft_primitives::{Balance, price::share_of};

use crate::{Config, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    /// The winner's part of what the other loses: less than half, so that whoever loses against oneself loses.
    pub(crate) fn reward_of(lost: Balance) -> Balance {
        share_of(lost, T::WinnerShare::get())
    }

    /// Takes an amount that is held from `who`: `reward` for `winner`, the rest for the treasury. What the winner got.
    pub(crate) fn forfeit_bond(who: &T::AccountId, amount: Balance, winner: &T::AccountId, reward: Balance) -> Balance {
        let due = if winner == who { 0 } else { reward.min(amount) };
        let reward = if Self::pay_bond(who, winner, due) { due } else { 0 };
        let rest = amount.saturating_sub(reward);
        if !Self::pay_bond(who, &T::TreasuryAccount::get(), rest) {
            let burned = T::Currency::burn_held(
                &HoldReason::Bond.into(),
                who,
                rest,
                Precision::BestEffort,
                Fortitude::Force,
            );
            if burned != Ok(rest) {
                defensive!("what a record says is held is held");
            }
        }
        reward
    }

    /// Pays from a bond. Whether it worked in full; if not, nothing has changed.
    ///
    /// By force: funds that are both held and frozen were promised here all the same.
    pub(crate) fn pay_bond(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> bool {
        all_or_nothing(amount, || {
            T::Currency::transfer_on_hold(
                &HoldReason::Bond.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        })
    }

    /// Gives a bond back. An account that has one exists, so that it can take it.
    pub(crate) fn return_bond(who: &T::AccountId, amount: Balance) {
        let released = all_or_nothing(amount, || {
            T::Currency::release(&HoldReason::Bond.into(), who, amount, Precision::Exact)
        });
        if !released {
            defensive!("what a record says is held is held, by an account that exists");
        }
    }
}

/// Whether `movement` moved the whole amount. If not it is undone: at the edge of an account's existence it may report
/// success and have moved less.
fn all_or_nothing(amount: Balance, movement: impl FnOnce() -> Result<Balance, DispatchError>) -> bool {
    amount == 0
        || with_storage_layer(|| {
            let moved = movement()?;
            ensure!(moved == amount, DispatchError::Token(TokenError::CannotCreate));
            Ok::<(), DispatchError>(())
        })
        .is_ok()
}
