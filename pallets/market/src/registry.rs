//! What other pallets may know of models.

use weft_primitives::{
    AssetId,
    device::EncryptionKey,
    registry::{ModelRegistry, ModelTerms},
};

use crate::{AssetInfoOf, AssetStatus, Assets, Config, Grants, Pallet};

fn terms<T: Config>(info: AssetInfoOf<T>) -> ModelTerms<T::AccountId> {
    ModelTerms {
        creator: info.creator,
        royalty: info.royalty,
        exact: info.exact_root.is_some(),
    }
}

impl<T: Config> ModelRegistry<T::AccountId> for Pallet<T> {
    fn listed_model(asset: AssetId) -> Option<ModelTerms<T::AccountId>> {
        Assets::<T>::get(asset)
            .filter(|info| info.kind.runs_jobs() && info.status == AssetStatus::Listed)
            .map(terms::<T>)
    }

    fn model(asset: AssetId) -> Option<ModelTerms<T::AccountId>> {
        Assets::<T>::get(asset)
            .filter(|info| info.kind.runs_jobs())
            .map(terms::<T>)
    }

    fn has_key(asset: AssetId, provider: &T::AccountId, key: &EncryptionKey) -> bool {
        Grants::<T>::get(asset, provider).is_some_and(|grant| grant.encryption_key == *key)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(creator: &T::AccountId) -> AssetId {
        Self::store_asset(creator.clone(), crate::benchmarking::publication::<T>(), 0)
            .expect("a benchmark's chain has numbers left")
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(asset: AssetId, provider: &T::AccountId, key: &EncryptionKey) {
        Self::store_grant(
            asset,
            provider,
            *key,
            [0xA5; weft_primitives::device::WRAPPED_KEY_BYTES],
            0,
        );
    }
}
