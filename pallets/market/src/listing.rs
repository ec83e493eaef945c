//! Pages for the runtime API. Each reads at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) assets.

use sp_runtime::SaturatedConversion;
use weft_primitives::{AssetId, page::Page, view::AssetView};

use crate::{AssetCount, AssetStatus, Assets, AssetsByCreator, Config, Endpoints, NextAssetId, Pallet};

impl<T: Config> Pallet<T> {
    /// One asset.
    pub fn asset(id: AssetId) -> Option<AssetView<T::AccountId>> {
        let info = Assets::<T>::get(id)?;
        Some(AssetView {
            id,
            endpoint: Endpoints::<T>::get(&info.creator).map(|endpoint| endpoint.url.into_inner()),
            creator: info.creator,
            kind: info.kind,
            name: info.name.into_inner(),
            manifest: info.manifest,
            content: info.content,
            size_bytes: info.size_bytes,
            key_commitment: info.key_commitment,
            royalty: info.royalty,
            exact_root: info.exact_root,
            listed: info.status == AssetStatus::Listed,
            published_at: info.published_at.saturated_into(),
        })
    }

    /// Assets in the order of publication, retired ones included, from number `from` on.
    pub fn assets(from: AssetId, limit: u32) -> Page<AssetView<T::AccountId>> {
        Page::of_dense(from, limit, NextAssetId::<T>::get(), Self::asset)
    }

    /// A creator's assets in the order of publication, from their `from`th on, counted from 0.
    pub fn assets_by_creator(creator: &T::AccountId, from: u64, limit: u32) -> Page<AssetView<T::AccountId>> {
        Page::of_dense(from, limit, AssetCount::<T>::get(creator), |nth| {
            AssetsByCreator::<T>::get(creator, nth).and_then(Self::asset)
        })
    }
}
