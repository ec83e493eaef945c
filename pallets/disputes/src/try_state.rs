//! What is true between any two calls.

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{ensure, traits::fungible::hold::Inspect as _};
use sp_runtime::{Saturating, TryRuntimeError};
use weft_primitives::Balance;

use crate::{Calendar, Config, Disputes, DisputesOfJob, HoldReason, NextDispute, NextDue, Pallet, Standing};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet. Unbounded: for tests and dry runs of upgrades.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let next = NextDispute::<T>::get();
        let mut due = BTreeSet::new();
        let mut bonds: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (id, dispute) in Disputes::<T>::iter() {
            ensure!(id < next, "a dispute has a number that was not given out");
            ensure!(
                DisputesOfJob::<T>::contains_key(dispute.job, id),
                "a dispute is not among those of its job"
            );
            ensure!(
                (dispute.appeal_bond > 0) == matches!(dispute.standing, Standing::Appealed(_)),
                "somebody appealed without a bond, or has one without an appeal"
            );
            ensure!(
                dispute.seized.is_none() || dispute.standing != Standing::Open,
                "a stake is seized though nobody has lost"
            );
            let at = dispute.until.saturating_add(1u32.into());
            ensure!(at >= NextDue::<T>::get(), "a dispute was passed over");
            due.insert((at, id));
            bonds
                .entry(dispute.challenger.clone())
                .or_default()
                .saturating_accrue(dispute.bond);
            if let Standing::Appealed(side) = dispute.standing {
                bonds
                    .entry(Self::side(&dispute, side))
                    .or_default()
                    .saturating_accrue(dispute.appeal_bond);
            }
        }
        let calendar: BTreeSet<_> = Calendar::<T>::iter_keys().collect();
        ensure!(
            calendar == due,
            "the calendar has not exactly one entry for each dispute"
        );
        ensure!(
            DisputesOfJob::<T>::iter_keys().count() == due.len(),
            "a job has a dispute that there is not"
        );
        for (who, bond) in bonds {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Bond.into(), &who) == bond,
                "held bonds are not what the records say"
            );
        }
        Ok(())
    }
}
