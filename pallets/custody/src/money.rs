//! Holds, slashes and payments.

use frame_support::{
    defensive, ensure,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, Saturating, TokenError, traits::Zero};
use weft_primitives::{Balance, price::share_of};

use crate::{Config, Custodians, Event, HoldReason, Offence, Pallet};

impl<T: Config> Pallet<T> {
    /// Takes some of a custodian's stake, part of it for whom it wronged. A silent one is no longer available, until it says
    /// so again.
    ///
    /// Silence costs once in a `ReleaseWindow`, however much was asked for in it. Otherwise whoever asks for more than a
    /// custodian, or the blocks, can answer in a window would earn from it.
    pub(crate) fn slash(custodian: &T::AccountId, offence: Offence, wronged: Option<&T::AccountId>) {
        let Some(mut info) = Custodians::<T>::get(custodian) else {
            defensive!("a custodian with duties is registered");
            return;
        };
        let due = match offence {
            Offence::Missed => {
                info.missed = info.missed.saturating_add(1);
                let now = frame_system::Pallet::<T>::block_number();
                if now < info.spared_until {
                    0
                } else {
                    info.spared_until = now.saturating_add(T::ReleaseWindow::get());
                    T::MissSlash::get()
                }
            }
            Offence::Forged => {
                info.forged = info.forged.saturating_add(1);
                T::ForgerySlash::get()
            }
        };
        let amount = due.min(info.stake);
        info.stake = info.stake.saturating_sub(amount);
        let was_available = info.available;
        if offence == Offence::Missed {
            info.available = false;
        }
        Self::relist(custodian, &mut info);
        Custodians::<T>::insert(custodian, info);
        if !amount.is_zero() {
            let compensation = Self::forfeit(HoldReason::Stake, custodian, amount, wronged);
            Self::deposit_event(Event::Slashed {
                custodian: custodian.clone(),
                offence,
                amount,
                compensation,
            });
        }
        if was_available && offence == Offence::Missed {
            Self::deposit_event(Event::AvailabilitySet {
                custodian: custodian.clone(),
                available: false,
            });
        }
    }

    /// Takes what is held from `who`: a part for whom they wronged, the rest for the treasury. Returns that part.
    pub(crate) fn forfeit(
        reason: HoldReason,
        who: &T::AccountId,
        amount: Balance,
        wronged: Option<&T::AccountId>,
    ) -> Balance {
        // Nobody is compensated for a wrong of their own.
        let compensation = match wronged {
            Some(wronged) if wronged != who => share_of(amount, T::WrongedShare::get()),
            _ => 0,
        };
        let compensation = match wronged {
            Some(wronged) if Self::pay_held(reason, who, wronged, compensation) => compensation,
            _ => 0,
        };
        let treasury = T::TreasuryAccount::get();
        let rest = amount.saturating_sub(compensation);
        if !Self::pay_held(reason, who, &treasury, rest) {
            Self::burn(reason, who, &treasury, rest);
        }
        compensation
    }

    /// Pays from what is held. Whether it worked in full; if not, nothing has changed.
    ///
    /// By force: funds that are both held and frozen were promised here all the same.
    pub(crate) fn pay_held(reason: HoldReason, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> bool {
        all_or_nothing(amount, || {
            if from == to {
                return T::Currency::release(&reason.into(), from, amount, Precision::Exact);
            }
            T::Currency::transfer_on_hold(
                &reason.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        })
    }

    /// Gives back what is held. What the account cannot take because it would not exist goes to the treasury.
    pub(crate) fn give_back(reason: HoldReason, who: &T::AccountId, amount: Balance) {
        let released = all_or_nothing(amount, || {
            T::Currency::release(&reason.into(), who, amount, Precision::Exact)
        });
        if released {
            return;
        }
        let treasury = T::TreasuryAccount::get();
        if Self::pay_held(reason, who, &treasury, amount) {
            Self::deposit_event(Event::Redirected {
                due_to: who.clone(),
                amount,
                burned: false,
            });
        } else {
            Self::burn(reason, who, who, amount);
        }
    }

    fn burn(reason: HoldReason, from: &T::AccountId, due_to: &T::AccountId, amount: Balance) {
        let burned = T::Currency::burn_held(&reason.into(), from, amount, Precision::BestEffort, Fortitude::Force);
        if burned != Ok(amount) {
            defensive!("what a record says is held is held");
        }
        Self::deposit_event(Event::Redirected {
            due_to: due_to.clone(),
            amount,
            burned: true,
        });
    }
}

/// Whether `movement` moved the whole amount. If not it is undone: at the edge of an account's existence it may report
/// success and have moved less.
fn all_or_nothing(amount: Balance, movement: impl FnOnce() -> Result<Balance, DispatchError>) -> bool {
    amount.is_zero()
        || with_storage_layer(|| {
            let moved = movement()?;
            ensure!(moved == amount, DispatchError::Token(TokenError::CannotCreate));
            Ok::<(), DispatchError>(())
        })
        .is_ok()
}
