//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::hold::Inspect as _};
use sp_runtime::TryRuntimeError;
use weft_primitives::{Balance, asset::is_name, endpoint::is_endpoint};

use crate::{AssetCount, Assets, AssetsByCreator, Config, Endpoints, Grants, HoldReason, NextAssetId, Pallet};

impl<T: Config> Pallet<T> {
    /// Checks that numbers and indices agree with the assets, and that what is held is what the records say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_indices()?;
        Self::check_grants()?;
        Self::check_holds()
    }

    fn check_indices() -> Result<(), TryRuntimeError> {
        let next = NextAssetId::<T>::get();
        let mut published = 0u64;
        for (asset, info) in Assets::<T>::iter() {
            published = published.saturating_add(1);
            ensure!(asset < next, "an asset's number has not been given out");
            ensure!(is_name(&info.name), "an asset's name is not printable text");
            ensure!(
                info.exact_root.is_none() || info.kind.runs_jobs(),
                "an asset that is no model has the root of one"
            );
        }
        // All below `next` and as many as `next`: the numbers are dense.
        ensure!(published == next, "an asset's number has no asset");

        let mut indexed = 0u64;
        for (creator, nth, asset) in AssetsByCreator::<T>::iter() {
            indexed = indexed.saturating_add(1);
            ensure!(
                nth < AssetCount::<T>::get(&creator),
                "an index entry lies beyond the count"
            );
            let info = Assets::<T>::get(asset).ok_or("an index entry names no asset")?;
            ensure!(info.creator == creator, "an index entry names another creator's asset");
        }
        ensure!(indexed == next, "an asset is not in its creator's index");
        let counted = AssetCount::<T>::iter_values().fold(0u64, u64::saturating_add);
        ensure!(counted == next, "the creators' counts do not add up to all assets");
        Ok(())
    }

    fn check_grants() -> Result<(), TryRuntimeError> {
        for asset in Grants::<T>::iter_keys().map(|(asset, _)| asset) {
            ensure!(Assets::<T>::contains_key(asset), "a grant is for no asset");
        }
        for endpoint in Endpoints::<T>::iter_values() {
            ensure!(is_endpoint(&endpoint.url), "an endpoint is not visible ASCII");
        }
        Ok(())
    }

    fn check_holds() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, [Balance; 3]>::new();
        for info in Assets::<T>::iter_values() {
            let [publication, ..] = owed.entry(info.creator).or_default();
            *publication = publication.saturating_add(info.deposit);
        }
        for (asset, _, grant) in Grants::<T>::iter() {
            let info = Assets::<T>::get(asset).ok_or("a grant is for no asset")?;
            let [_, granting, _] = owed.entry(info.creator).or_default();
            *granting = granting.saturating_add(grant.deposit);
        }
        for (creator, endpoint) in Endpoints::<T>::iter() {
            let [.., serving] = owed.entry(creator).or_default();
            *serving = endpoint.deposit;
        }
        for (creator, owed) in owed {
            let reasons = [HoldReason::Publication, HoldReason::Grant, HoldReason::Endpoint];
            for (reason, owed) in reasons.into_iter().zip(owed) {
                ensure!(
                    T::Currency::balance_on_hold(&reason.into(), &creator) == owed,
                    "what is held from a creator is not what their records say"
                );
            }
        }
        Ok(())
    }
}
