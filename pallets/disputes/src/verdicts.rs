//! Ends: who wins gets the bond back and a share of what the other loses.
//!
//! What was computed is final at once. Silence may be the network's fault, so that who was silent may appeal: governance then
//! says whether the dispute goes on where it stood.

use frame_support::{
    ensure,
    traits::{Get, fungible::MutateHold as _},
};
use sp_runtime::{DispatchResult, Saturating};
use weft_disputes::Side;
use weft_primitives::registry::{Challengeable, Stakes};

use crate::{
    Config, DisputeId, DisputeOf, Disputes, DisputesOfJob, Error, Event, HoldReason, Pallet, Standing, Verdict,
    types::Handled,
};

impl<T: Config> Pallet<T> {
    /// Ends a dispute for good.
    pub(crate) fn end(id: DisputeId, mut dispute: DisputeOf<T>, verdict: Verdict) {
        Self::forget(id, &dispute);
        let (slashed, reward);
        match verdict.winner() {
            Side::Challenger => {
                slashed = match dispute.seized {
                    Some(seized) => seized,
                    None => T::Stakes::seize(&dispute.provider),
                };
                let due = Self::reward_of(slashed);
                reward = T::Stakes::forfeit(&dispute.provider, slashed, &dispute.challenger, due);
                Self::return_bond(&dispute.challenger, dispute.bond);
            }
            Side::Provider => {
                if verdict == Verdict::Conceded {
                    // Who gives up early saves half of the bond, and everybody's time.
                    let saved = dispute.bond / 2;
                    Self::return_bond(&dispute.challenger, saved);
                    dispute.bond.saturating_reduce(saved);
                }
                slashed = dispute.bond;
                let due = Self::reward_of(dispute.bond);
                reward = Self::forfeit_bond(&dispute.challenger, dispute.bond, &dispute.provider, due);
            }
        }
        Self::deposit_event(Event::Ended {
            dispute: id,
            job: dispute.job,
            verdict,
            winner: verdict.winner(),
            lost: slashed,
            reward,
        });
        T::Results::decided(dispute.job, verdict.winner() == Side::Challenger);
    }

    /// Ends a dispute about a job that has ended otherwise: nobody wins or loses.
    pub(crate) fn end_moot(id: DisputeId, dispute: DisputeOf<T>) {
        Self::forget(id, &dispute);
        Self::return_bond(&dispute.challenger, dispute.bond);
        Self::deposit_event(Event::Moot {
            dispute: id,
            job: dispute.job,
        });
    }

    fn forget(id: DisputeId, dispute: &DisputeOf<T>) {
        Self::dequeue(dispute.until, id);
        DisputesOfJob::<T>::remove(dispute.job, id);
        Disputes::<T>::remove(id);
    }

    /// What happens when nothing was done in time.
    pub(crate) fn lapse(id: DisputeId, mut dispute: DisputeOf<T>) -> Handled {
        match dispute.standing {
            Standing::Open | Standing::Lapsed(Side::Challenger) if T::Results::proposed(dispute.job).is_none() => {
                Self::end_moot(id, dispute);
                Handled::Ended
            }
            Standing::Open => {
                let silent = Self::turn(&dispute);
                if silent == Side::Provider {
                    dispute.seized = Some(T::Stakes::seize(&dispute.provider));
                }
                dispute.standing = Standing::Lapsed(silent);
                Self::wait(id, dispute, T::AppealWindow::get());
                Self::deposit_event(Event::Lapsed { dispute: id, silent });
                Handled::Lapsed
            }
            Standing::Lapsed(silent) => {
                Self::end(id, dispute, Verdict::Silent(silent));
                Handled::Ended
            }
            // Nobody ruled. That is not the fault of who appealed.
            Standing::Appealed(silent) => {
                let appellant = Self::side(&dispute, silent);
                Self::return_bond(&appellant, core::mem::take(&mut dispute.appeal_bond));
                Self::end(id, dispute, Verdict::Silent(silent));
                Handled::Ended
            }
        }
    }

    pub(crate) fn do_appeal(who: T::AccountId, id: DisputeId) -> DispatchResult {
        let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let Standing::Lapsed(silent) = dispute.standing else {
            return Err(Error::<T>::NothingToAppeal.into());
        };
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= dispute.until, Error::<T>::TooLate);
        ensure!(Self::side(&dispute, silent) == who, Error::<T>::NotYourTurn);
        let bond = T::AppealBond::get();
        T::Currency::hold(&HoldReason::Bond.into(), &who, bond).map_err(|_| Error::<T>::BondNotCovered)?;
        dispute.appeal_bond = bond;
        dispute.standing = Standing::Appealed(silent);
        Self::wait(id, dispute, T::RulingWindow::get());
        Self::deposit_event(Event::Appealed {
            dispute: id,
            by: silent,
        });
        Ok(())
    }

    pub(crate) fn do_rule(id: DisputeId, goes_on: bool) -> DispatchResult {
        let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let Standing::Appealed(silent) = dispute.standing else {
            return Err(Error::<T>::NothingToAppeal.into());
        };
        let appellant = Self::side(&dispute, silent);
        let bond = core::mem::take(&mut dispute.appeal_bond);
        Self::deposit_event(Event::Ruled { dispute: id, goes_on });
        if goes_on {
            Self::return_bond(&appellant, bond);
            T::Stakes::restore(&dispute.provider, dispute.seized.take().unwrap_or_default());
            dispute.standing = Standing::Open;
            Self::wait(id, dispute, T::MoveWindow::get());
        } else {
            Self::forfeit_bond(&appellant, bond, &T::TreasuryAccount::get(), 0);
            Self::end(id, dispute, Verdict::Silent(silent));
        }
        Ok(())
    }

    /// The account of a side: of the provider its owner's.
    pub(crate) fn side(dispute: &DisputeOf<T>, side: Side) -> T::AccountId {
        match side {
            Side::Provider => dispute.provider.clone(),
            Side::Challenger => dispute.challenger.clone(),
        }
    }

    /// Stores a dispute with another deadline.
    fn wait(id: DisputeId, mut dispute: DisputeOf<T>, window: frame_system::pallet_prelude::BlockNumberFor<T>) {
        Self::dequeue(dispute.until, id);
        dispute.until = Self::deadline(window);
        Self::enqueue(dispute.until, id);
        Disputes::<T>::insert(id, dispute);
    }
}
