//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;
use frame_support::{
    ensure,
    traits::{Get, fungible::hold::Inspect as _},
};
use sp_runtime::TryRuntimeError;
use weft_primitives::{Balance, attestation::TcbStatus};

use crate::{AdmittedStatuses, Attestations, Config, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    /// Checks that attestations count for some time and not too long, that the status which always counts is not
    /// listed, and that what is held is what the records say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut held = BTreeMap::<T::AccountId, Balance>::new();
        for attestation in Attestations::<T>::iter_values() {
            let (from, to) = (attestation.verified_at, attestation.expires_at);
            ensure!(from < to, "an attestation never counted");
            ensure!(
                to <= from.saturating_add(T::MaxAgeSecs::get()),
                "an attestation counts for too long"
            );
            let sum = held.entry(attestation.depositor).or_default();
            *sum = sum.saturating_add(attestation.deposit);
        }
        for (depositor, sum) in held {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Attestation.into(), &depositor) == sum,
                "what is held is not what the records say"
            );
        }
        ensure!(
            !AdmittedStatuses::<T>::get().contains(&TcbStatus::UpToDate),
            "the status that always counts is listed"
        );
        Ok(())
    }
}
