//! What other pallets may know of assets, and what they ask of licences.

use alloc::vec::Vec;

use weft_primitives::{
    AssetId, Balance, LicenceId,
    device::EncryptionKey,
    lineage::MAX_ANCESTORS,
    registry::{KeyCustody, LicenceTerms, Licensing, ModelRegistry, ModelTerms, NotLicensed, Royalties, SealedAsset},
};

use crate::{AssetInfoOf, AssetStatus, Assets, Config, Grants, Licences, Pallet, Works};

fn terms<T: Config>(info: AssetInfoOf<T>) -> ModelTerms {
    ModelTerms {
        royalty: info.published.royalty,
        exact_root: info.published.exact_root,
    }
}

impl<T: Config> ModelRegistry<T::AccountId> for Pallet<T> {
    fn listed_model(asset: AssetId) -> Option<ModelTerms> {
        Assets::<T>::get(asset)
            .filter(|info| info.published.kind.runs_jobs() && info.status == AssetStatus::Listed)
            .map(terms::<T>)
    }

    fn model(asset: AssetId) -> Option<ModelTerms> {
        Assets::<T>::get(asset)
            .filter(|info| info.published.kind.runs_jobs())
            .map(terms::<T>)
    }

    fn has_key(asset: AssetId, provider: &T::AccountId, key: &EncryptionKey) -> bool {
        Grants::<T>::get(asset, provider).is_some_and(|grant| grant.encryption_key == *key)
            || T::Custody::has_released(asset, provider, key)
    }

    fn take_use(asset: AssetId, user: &T::AccountId) -> Result<Option<LicenceId>, NotLicensed> {
        Self::do_take_use(asset, user)
    }

    fn return_use(licence: LicenceId) {
        Self::do_return_use(licence);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(creator: &T::AccountId) -> AssetId {
        crate::benchmarking::published::<T>(creator)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_exact_model(creator: &T::AccountId, exact_root: [u8; 32]) -> AssetId {
        crate::benchmarking::published_exact::<T>(creator, exact_root)
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

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_uses(asset: AssetId, user: &T::AccountId) {
        crate::benchmarking::licensed::<T>(asset, user, [0xA5; 32]);
    }
}

impl<T: Config> Royalties<T::AccountId> for Pallet<T> {
    fn divide(asset: AssetId, amount: Balance) -> Vec<(T::AccountId, Balance)> {
        let Some(info) = Assets::<T>::get(asset) else {
            return Vec::new();
        };
        let Some(work) = Works::<T>::get(info.work) else {
            return Vec::new();
        };
        let (mut parts, own) = Self::divide_income(&info, &work, amount);
        parts.push(own);
        parts
    }

    fn most_payees() -> u32 {
        MAX_ANCESTORS.saturating_add(1)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_asset(owner: &T::AccountId, payees: u32) -> AssetId {
        crate::benchmarking::descendant::<T>(owner, payees)
    }
}

impl<T: Config> Licensing<T::AccountId> for Pallet<T> {
    fn sealed_asset(asset: AssetId) -> Option<SealedAsset<T::AccountId>> {
        let info = Assets::<T>::get(asset)?;
        let work = Works::<T>::get(info.work)?;
        Some(SealedAsset {
            owner: work.owner,
            work: info.work,
            content: info.published.content,
            size_bytes: info.published.size_bytes,
            key_commitment: info.published.key_commitment,
            pieces_root: info.published.pieces_root,
            listed: info.status == AssetStatus::Listed,
        })
    }

    fn licence(licence: LicenceId) -> Option<LicenceTerms<T::AccountId>> {
        let held = Licences::<T>::get(licence)?;
        Some(LicenceTerms {
            in_force: Self::is_in_force(&held),
            revoked: held.revoked,
            holder: held.holder,
            encryption_key: held.encryption_key,
            work: held.work,
        })
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_sealed(owner: &T::AccountId, size_bytes: u64, pieces_root: [u8; 32]) -> AssetId {
        crate::benchmarking::sealed::<T>(owner, size_bytes, pieces_root)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_licence(asset: AssetId, holder: &T::AccountId, key: &EncryptionKey) -> LicenceId {
        crate::benchmarking::licensed::<T>(asset, holder, *key)
    }
}
