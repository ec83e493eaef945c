//! Versions of works, and endpoints: what an owner says to everybody.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::DispatchError;
use weft_primitives::{
    AssetId, Balance, WorkId,
    asset::{MAX_VERSIONS, is_name, is_tag},
    endpoint::is_endpoint,
    payment::Payments,
};

use crate::{
    AssetInfo, AssetInfoOf, AssetStatus, Assets, Config, CreatorEndpoint, Endpoints, Error, Event, HoldReason,
    NextAssetId, Pallet, PublicationOf, Tags, Tariffs, UrlOf, Versions, Work, WorkOf, Works, lineage::Lineage,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish(
        owner: T::AccountId,
        publication: PublicationOf<T>,
        tags: Tags,
        tariffs: Tariffs,
    ) -> DispatchResult {
        Self::check_tags(&tags)?;
        Self::check_tariffs(&tariffs)?;
        let lineage = Self::check_publication(None, &publication)?;
        let deposit = T::PublishDeposit::get();
        T::Currency::hold(&HoldReason::Publication.into(), &owner, deposit)?;
        Self::store_work(owner, publication, tags, tariffs, lineage, deposit)?;
        Ok(())
    }

    /// Stores a work with its first version, for which `deposit` is held already.
    pub(crate) fn store_work(
        owner: T::AccountId,
        publication: PublicationOf<T>,
        tags: Tags,
        tariffs: Tariffs,
        lineage: Lineage,
        deposit: Balance,
    ) -> Result<AssetId, DispatchError> {
        let id = NextAssetId::<T>::get();
        let work = Work {
            owner,
            kind: publication.kind,
            tags,
            tariffs,
            latest: id,
            versions: 0,
            listed: 0,
            ratings: Default::default(),
            upheld_reports: 0,
            offered_to: None,
            published_at: frame_system::Pallet::<T>::block_number(),
            deposit: 0,
            grant_deposits: 0,
        };
        Self::store_version(id, None, work, publication, lineage, deposit)
    }

    pub(crate) fn do_release(who: T::AccountId, id: WorkId, publication: PublicationOf<T>) -> DispatchResult {
        let work = Self::work_of(&who, id)?;
        ensure!(publication.kind == work.kind, Error::<T>::OtherKind);
        ensure!(work.versions < MAX_VERSIONS, Error::<T>::TooManyVersions);
        let lineage = Self::check_publication(Some(id), &publication)?;
        let deposit = T::PublishDeposit::get();
        T::Currency::hold(&HoldReason::Publication.into(), &who, deposit)?;
        Self::store_version(id, Some(work.clone()), work, publication, lineage, deposit)?;
        Ok(())
    }

    /// Stores the next version of a work, which stood in the catalogue as `before`.
    fn store_version(
        id: WorkId,
        before: Option<WorkOf<T>>,
        mut work: WorkOf<T>,
        published: PublicationOf<T>,
        (ancestors, generations): Lineage,
        deposit: Balance,
    ) -> Result<AssetId, DispatchError> {
        let asset = NextAssetId::<T>::get();
        NextAssetId::<T>::put(asset.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?);
        work.latest = asset;
        work.versions = work.versions.saturating_add(1);
        work.listed = work.listed.saturating_add(1);
        work.deposit = work.deposit.saturating_add(deposit);
        Self::deposit_event(Event::Published {
            asset,
            work: id,
            version: work.versions,
            creator: work.owner.clone(),
            kind: published.kind,
            manifest: published.manifest,
            content: published.content,
        });
        Versions::<T>::insert(id, work.versions, asset);
        Assets::<T>::insert(
            asset,
            AssetInfo {
                work: id,
                version: work.versions,
                published,
                ancestors,
                generations,
                status: AssetStatus::Listed,
                published_at: frame_system::Pallet::<T>::block_number(),
                deposit,
            },
        );
        Self::put_work(id, before.as_ref(), work);
        Ok(asset)
    }

    /// Whether it can be published, and if so its lineage. `work` is the one of which it is to be a version; `None` for
    /// a new one.
    fn check_publication(work: Option<WorkId>, publication: &PublicationOf<T>) -> Result<Lineage, Error<T>> {
        ensure!(is_name(&publication.name), Error::<T>::InvalidName);
        ensure!(publication.royalty <= T::MaxRoyalty::get(), Error::<T>::RoyaltyTooHigh);
        ensure!(publication.size_bytes > 0, Error::<T>::EmptyContent);
        ensure!(
            publication.exact_root.is_none() || publication.kind.runs_jobs(),
            Error::<T>::OnlyModelsAreExact
        );
        if let Some(records) = publication.records {
            ensure!(!publication.kind.runs_jobs(), Error::<T>::OnlyDatasetsHaveRecords);
            ensure!(records.count > 0, Error::<T>::NoRecords);
        }
        Self::resolve(work, &publication.bases)
    }

    pub(crate) fn check_tags(tags: &Tags) -> Result<(), Error<T>> {
        let are_sound = tags
            .iter()
            .enumerate()
            .all(|(nth, tag)| is_tag(tag) && !tags.iter().take(nth).any(|earlier| earlier == tag));
        ensure!(are_sound, Error::<T>::InvalidTags);
        Ok(())
    }

    pub(crate) fn check_tariffs(tariffs: &Tariffs) -> Result<(), Error<T>> {
        for tariff in tariffs {
            ensure!(tariff.term.is_sound(), Error::<T>::InvalidTariff);
            ensure!(T::Payments::is_accepted(tariff.currency), Error::<T>::UnknownCurrency);
        }
        Ok(())
    }

    pub(crate) fn do_retire(who: T::AccountId, asset: AssetId) -> DispatchResult {
        let (mut info, mut work) = Self::asset_of(&who, asset)?;
        ensure!(info.status == AssetStatus::Listed, Error::<T>::AlreadyRetired);
        let (id, before) = (info.work, work.clone());
        info.status = AssetStatus::Retired;
        work.listed = work.listed.saturating_sub(1);
        Assets::<T>::insert(asset, info);
        Self::put_work(id, Some(&before), work);
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

    /// The asset and its work, if it is `who`'s.
    pub(crate) fn asset_of(who: &T::AccountId, asset: AssetId) -> Result<(AssetInfoOf<T>, WorkOf<T>), Error<T>> {
        let info = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?;
        let work = Self::work_of(who, info.work)?;
        Ok((info, work))
    }

    /// The work, if it is `who`'s.
    pub(crate) fn work_of(who: &T::AccountId, work: WorkId) -> Result<WorkOf<T>, Error<T>> {
        let work = Works::<T>::get(work).ok_or(Error::<T>::NotFound)?;
        ensure!(work.owner == *who, Error::<T>::NotOwner);
        Ok(work)
    }
}
