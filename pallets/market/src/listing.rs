//! Answers for the runtime API. Each page reads at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) entries.

use alloc::vec::Vec;

use sp_runtime::SaturatedConversion;
use weft_primitives::{
    AssetId, LicenceId, WorkId,
    market_view::{AttestationView, LicenceView, RatingView, ReportView, ScrutinyView, WorkView},
    page::{Page, page_size},
    view::AssetView,
};

use crate::{
    AssetStatus, Assets, Config, Endpoints, LicenceOf, Licences, LicencesByHolder, NextAssetId, Pallet, Raters,
    Ratings, Scrutinies, ScrutinyOf, Section, Versions, WorkOf, Works,
};

/// Of a position in an owner's assets: bits for the version of a work.
const VERSION_BITS: u32 = 16;
/// How many of a work's newest versions are looked at for one that is not retired, so that a page stays bounded.
pub(crate) const LOOKED_BACK: u32 = 16;

impl<T: Config> Pallet<T> {
    /// One asset.
    pub fn asset(id: AssetId) -> Option<AssetView<T::AccountId>> {
        let info = Assets::<T>::get(id)?;
        let work = Works::<T>::get(info.work)?;
        let scrutiny = Scrutinies::<T>::get(id);
        let published = info.published;
        Some(AssetView {
            id,
            work: info.work,
            version: info.version,
            endpoint: Endpoints::<T>::get(&work.owner).map(|endpoint| endpoint.url.into_inner()),
            creator: work.owner,
            kind: published.kind,
            name: published.name.into_inner(),
            manifest: published.manifest,
            content: published.content,
            size_bytes: published.size_bytes,
            key_commitment: published.key_commitment,
            royalty: published.royalty,
            exact_root: published.exact_root,
            pieces_root: published.pieces_root,
            records: published.records,
            bases: published.bases.into_inner(),
            needs_licence: !work.tariffs.is_empty(),
            attestations: count(&scrutiny.attestations),
            open_reports: count(&scrutiny.reports),
            upheld_reports: scrutiny.upheld,
            listed: info.status == AssetStatus::Listed,
            published_at: info.published_at.saturated_into(),
        })
    }

    /// Assets in the order of publication, retired ones included, from number `from` on.
    pub fn assets(from: AssetId, limit: u32) -> Page<AssetView<T::AccountId>> {
        Page::of_dense(from, limit, NextAssetId::<T>::get(), Self::asset)
    }

    /// The assets of the works that an account owns, retired ones included: the newest work first, each from its first
    /// version on.
    pub fn assets_by_creator(owner: &T::AccountId, from: u64, limit: u32) -> Page<AssetView<T::AccountId>> {
        // A position names the work and the version that come next.
        let position = |work: WorkId, version: u32| work << VERSION_BITS | u64::from(version);
        let (first, first_version) = (from >> VERSION_BITS, (from & ((1 << VERSION_BITS) - 1)) as u32);
        let after = (from > 0).then(|| first.saturating_add(1));
        let limit = page_size(limit) as usize;
        let mut items = Vec::new();
        for id in Self::works_in(&Section::Owner(owner.clone()), after) {
            let Some(work) = Works::<T>::get(id) else { continue };
            let from_version = if from > 0 && id == first { first_version } else { 1 };
            for version in from_version..=work.versions {
                if items.len() >= limit {
                    let next = Some(position(id, version));
                    return Page { items, next };
                }
                items.extend(Versions::<T>::get(id, version).and_then(Self::asset));
            }
        }
        Page { items, next: None }
    }

    /// One work; `None` if the number is not that of a first version.
    pub fn work(id: WorkId) -> Option<WorkView<T::AccountId>> {
        Works::<T>::get(id).and_then(|work| Self::view_of(id, work))
    }

    pub(crate) fn view_of(id: WorkId, work: WorkOf<T>) -> Option<WorkView<T::AccountId>> {
        let newest = Self::newest_listed(id, &work).unwrap_or(work.latest);
        let latest = Assets::<T>::get(newest)?;
        let scrutiny = Scrutinies::<T>::get(newest);
        Some(WorkView {
            id,
            owner: work.owner,
            kind: work.kind,
            name: latest.published.name.into_inner(),
            tags: work.tags.into_iter().map(|tag| tag.into_inner()).collect(),
            tariffs: work.tariffs.into_inner(),
            latest: newest,
            versions: work.versions,
            listed: work.listed > 0,
            ratings: work.ratings.count,
            rating: work.ratings.mean_hundredths(),
            attestations: count(&scrutiny.attestations),
            open_reports: count(&scrutiny.reports),
            upheld_reports: work.upheld_reports,
            offered_to: work.offered_to,
            published_at: work.published_at.saturated_into(),
        })
    }

    /// The newest version that is not retired, if it is among the last few.
    fn newest_listed(id: WorkId, work: &WorkOf<T>) -> Option<AssetId> {
        let is_listed = |asset: AssetId| {
            Assets::<T>::get(asset)
                .filter(|info| info.status == AssetStatus::Listed)
                .map(|_| asset)
        };
        if work.listed == 0 {
            return None;
        }
        (1..=work.versions)
            .rev()
            .take(LOOKED_BACK as usize)
            .filter_map(|version| Versions::<T>::get(id, version))
            .find_map(is_listed)
    }

    /// A work's versions from the first on, from the `from`th on, counted from 0.
    pub fn versions(work: WorkId, from: u64, limit: u32) -> Page<AssetView<T::AccountId>> {
        let end = Works::<T>::get(work).map_or(0, |work| work.versions);
        Page::of_dense(from, limit, end.into(), |nth| {
            let version = u32::try_from(nth).ok()?.checked_add(1)?;
            Versions::<T>::get(work, version).and_then(Self::asset)
        })
    }

    /// One licence; `None` if it was never sold or has been closed.
    pub fn licence_view(id: LicenceId) -> Option<LicenceView<T::AccountId>> {
        let licence = Licences::<T>::get(id)?;
        Some(LicenceView {
            id,
            in_force: Self::is_in_force(&licence),
            work: licence.work,
            asset: licence.asset,
            holder: licence.holder,
            encryption_key: licence.encryption_key,
            term: licence.term,
            currency: licence.currency,
            holding: licence.holding,
            paid: licence.paid,
            revoked: licence.revoked,
            bought_at: licence.bought_at.saturated_into(),
        })
    }

    /// The licence that an account holds of a work.
    pub fn licence_of(work: WorkId, holder: &T::AccountId) -> Option<LicenceView<T::AccountId>> {
        LicenceOf::<T>::get(work, holder).and_then(Self::licence_view)
    }

    /// An account's licences in the order of purchase, from number `from` on.
    pub fn licences_of(holder: &T::AccountId, from: LicenceId, limit: u32) -> Page<LicenceView<T::AccountId>> {
        let keys = match from.checked_sub(1) {
            None => LicencesByHolder::<T>::iter_key_prefix(holder),
            Some(before) => {
                let key = LicencesByHolder::<T>::hashed_key_for(holder, before.to_be_bytes());
                LicencesByHolder::<T>::iter_key_prefix_from(holder, key)
            }
        };
        let mut ids = keys.map(LicenceId::from_be_bytes);
        let items = ids
            .by_ref()
            .take(page_size(limit) as usize)
            .filter_map(Self::licence_view)
            .collect();
        Page {
            items,
            next: ids.next(),
        }
    }

    /// What accounts say of a work, in no order, from the `from`th on, counted from 0.
    pub fn ratings(work: WorkId, from: u64, limit: u32) -> Page<RatingView<T::AccountId>> {
        let end = Works::<T>::get(work).map_or(0, |work| work.ratings.count);
        Page::of_dense(from, limit, end.into(), |nth| {
            let who = Raters::<T>::get(work, u32::try_from(nth).ok()?)?;
            let rating = Ratings::<T>::get(work, &who)?;
            Some(RatingView {
                who,
                stars: rating.stars,
                review: rating.review,
                rated_at: rating.rated_at.saturated_into(),
            })
        })
    }

    /// What is said for and against an asset.
    pub fn scrutiny(asset: AssetId) -> ScrutinyView<T::AccountId> {
        let ScrutinyOf::<T> {
            attestations,
            reports,
            upheld,
        } = Scrutinies::<T>::get(asset);
        ScrutinyView {
            attestations: attestations
                .into_iter()
                .map(|attestation| AttestationView {
                    who: attestation.who,
                    stake: attestation.stake,
                    report: attestation.report,
                    since: attestation.since.saturated_into(),
                })
                .collect(),
            reports: reports
                .into_iter()
                .map(|report| ReportView {
                    who: report.who,
                    why: report.why,
                    evidence: report.evidence,
                    bond: report.bond,
                    since: report.since.saturated_into(),
                })
                .collect(),
            upheld_reports: upheld,
        }
    }
}

fn count<Item>(items: &[Item]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
