//! Assets and endpoints: what a creator says to everybody.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{AssetId, AssetKind, ContentId, Ppm, asset::is_name, endpoint::is_endpoint};

use crate::{
    AssetCount, AssetInfo, AssetInfoOf, AssetStatus, Assets, AssetsByCreator, Config, CreatorEndpoint, Endpoints,
    Error, Event, HoldReason, NameOf, NextAssetId, Pallet, UrlOf,
};

/// What a creator says of an asset when they publish it.
pub(crate) struct Publication<Name> {
    pub kind: AssetKind,
    pub name: Name,
    pub manifest: ContentId,
    pub content: ContentId,
    pub size_bytes: u64,
    pub key_commitment: [u8; 32],
    pub royalty: Ppm,
    pub exact_root: Option<[u8; 32]>,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish(creator: T::AccountId, publication: Publication<NameOf<T>>) -> DispatchResult {
        ensure!(is_name(&publication.name), Error::<T>::InvalidName);
        ensure!(publication.royalty <= T::MaxRoyalty::get(), Error::<T>::RoyaltyTooHigh);
        ensure!(publication.size_bytes > 0, Error::<T>::EmptyContent);
        ensure!(
            publication.exact_root.is_none() || publication.kind.runs_jobs(),
            Error::<T>::OnlyModelsAreExact
        );
        let deposit = T::PublishDeposit::get();
        T::Currency::hold(&HoldReason::Publication.into(), &creator, deposit)?;
        let (kind, manifest, content) = (publication.kind, publication.manifest, publication.content);
        let asset = Self::store_asset(creator.clone(), publication, deposit)?;
        Self::deposit_event(Event::Published {
            asset,
            creator,
            kind,
            manifest,
            content,
        });
        Ok(())
    }

    /// Stores an asset for which `deposit` is held already.
    pub(crate) fn store_asset(
        creator: T::AccountId,
        publication: Publication<NameOf<T>>,
        deposit: weft_primitives::Balance,
    ) -> Result<AssetId, Error<T>> {
        let Publication {
            kind,
            name,
            manifest,
            content,
            size_bytes,
            key_commitment,
            royalty,
            exact_root,
        } = publication;
        let asset = NextAssetId::<T>::get();
        let next = asset.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        let nth = AssetCount::<T>::get(&creator);
        NextAssetId::<T>::put(next);
        AssetsByCreator::<T>::insert(&creator, nth, asset);
        // A creator has no more assets than there are, so this does not saturate before the numbers are exhausted.
        AssetCount::<T>::insert(&creator, nth.saturating_add(1));
        Assets::<T>::insert(
            asset,
            AssetInfo {
                creator,
                kind,
                name,
                manifest,
                content,
                size_bytes,
                key_commitment,
                royalty,
                exact_root,
                status: AssetStatus::Listed,
                published_at: frame_system::Pallet::<T>::block_number(),
                deposit,
            },
        );
        Ok(asset)
    }

    pub(crate) fn do_retire(who: T::AccountId, asset: AssetId) -> DispatchResult {
        let mut info = Self::asset_of(&who, asset)?;
        ensure!(info.status == AssetStatus::Listed, Error::<T>::AlreadyRetired);
        info.status = AssetStatus::Retired;
        Assets::<T>::insert(asset, info);
        Self::deposit_event(Event::Retired { asset });
        Ok(())
    }

    pub(crate) fn do_set_endpoint(creator: T::AccountId, url: UrlOf<T>) -> DispatchResult {
        ensure!(is_endpoint(&url), Error::<T>::InvalidEndpoint);
        let deposit = match Endpoints::<T>::get(&creator) {
            Some(present) => present.deposit,
            None => {
                let deposit = T::EndpointDeposit::get();
                T::Currency::hold(&HoldReason::Endpoint.into(), &creator, deposit)?;
                deposit
            }
        };
        Endpoints::<T>::insert(
            &creator,
            CreatorEndpoint {
                url: url.clone(),
                deposit,
            },
        );
        Self::deposit_event(Event::EndpointSet { creator, url });
        Ok(())
    }

    pub(crate) fn do_remove_endpoint(creator: T::AccountId) -> DispatchResult {
        let present = Endpoints::<T>::take(&creator).ok_or(Error::<T>::NoEndpoint)?;
        T::Currency::release(
            &HoldReason::Endpoint.into(),
            &creator,
            present.deposit,
            Precision::Exact,
        )?;
        Self::deposit_event(Event::EndpointRemoved { creator });
        Ok(())
    }

    /// The asset, if it is `who`'s.
    pub(crate) fn asset_of(who: &T::AccountId, asset: AssetId) -> Result<AssetInfoOf<T>, Error<T>> {
        let info = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?;
        ensure!(info.creator == *who, Error::<T>::NotCreator);
        Ok(info)
    }
}
