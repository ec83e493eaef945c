//! Answers of the runtime API. A page reads at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) Spaces, each with its
//! latest release.

use alloc::vec::Vec;

use frame_support::traits::Get;
use sp_runtime::{SaturatedConversion, Saturating};
use weft_primitives::{
    page::Page,
    rating::{CLASSES, class_of},
    shelf::Shelf,
    space::{ReleaseNumber, SpaceId},
    space_view::{PurchaseView, ReleaseView, ReportView, ReviewView, SpaceQuery, SpaceStatus, SpaceView},
};

use crate::{
    Config, Featured, Pallet, Purchases, Ratings, Releases, Reports, Roll, Section, SpaceOf, Spaces,
    catalogue::{StoredRoll, StoredSection},
};

impl<T: Config> Pallet<T> {
    /// One Space.
    pub fn space(id: SpaceId) -> Option<SpaceView<T::AccountId>> {
        Self::view(id, Spaces::<T>::get(id)?)
    }

    /// Spaces that are looked for: the featured ones in their order, an owner's in the order of coming to them, else
    /// the best rated first. Only with an owner there are others than listed ones among them.
    ///
    /// Pages of featured and owned Spaces may have fewer entries than asked for, as what does not fit is left out: go
    /// on while there is a `next`. When a Space is listed or taken off between two pages, others move and one can be
    /// missed.
    pub fn spaces(query: SpaceQuery<T::AccountId>, from: u64, limit: u32) -> Page<SpaceView<T::AccountId>> {
        let fitting = |id: SpaceId| {
            let space = Spaces::<T>::get(id)?;
            if !Self::fits(id, &space, &query) {
                return None;
            }
            Self::view(id, space)
        };
        if query.featured {
            let all = Featured::<T>::get();
            return Page::of_dense(from, limit, all.len() as u64, |nth| {
                all.get(usize::try_from(nth).ok()?).copied().and_then(fitting)
            });
        }
        if let Some(owner) = &query.owner {
            let owned = StoredSection::<T>(Section::OwnedBy(owner.clone()));
            return Page::of_dense(from, limit, owned.len(), |nth| owned.entry(nth).and_then(fitting));
        }
        let least = class_of(hundredths(query.min_rating)).min(CLASSES.saturating_sub(1));
        let classes: Vec<(StoredSection<T>, u64)> = (least..CLASSES)
            .rev()
            .map(|class| {
                let section = StoredSection::<T>(Section::Rated {
                    category: query.category,
                    class,
                });
                let length = section.len();
                (section, length)
            })
            .collect();
        let end = classes
            .iter()
            .fold(0u64, |sum, (_, length)| sum.saturating_add(*length));
        Page::of_dense(from, limit, end, |nth| {
            let mut nth = nth;
            for (section, length) in &classes {
                if nth < *length {
                    return section.entry(nth).and_then(fitting);
                }
                nth = nth.saturating_sub(*length);
            }
            None
        })
    }

    /// A Space's releases from number `from` on.
    pub fn releases(space: SpaceId, from: u64, limit: u32) -> Page<ReleaseView> {
        let end = Spaces::<T>::get(space).map_or(0, |space| u64::from(space.latest).saturating_add(1));
        Page::of_dense(from, limit, end, |number| {
            Self::release_view(space, ReleaseNumber::try_from(number).ok()?)
        })
    }

    /// The ratings of a Space, from the `from`th on, counted from 0. When one is withdrawn between two pages, the last
    /// one takes its place and can be missed.
    pub fn reviews(space: SpaceId, from: u64, limit: u32) -> Page<ReviewView<T::AccountId>> {
        let raters = StoredRoll::<T>::from(Roll::Raters(space));
        Page::of_dense(from, limit, raters.len(), |nth| {
            let by = raters.entry(nth)?;
            let rating = Ratings::<T>::get(space, &by)?;
            Some(ReviewView {
                by,
                stars: rating.stars,
                review: rating.review,
                rated_at: rating.rated_at.saturated_into(),
            })
        })
    }

    /// An account's purchase of a Space.
    pub fn purchase(space: SpaceId, account: &T::AccountId) -> Option<PurchaseView<T::AccountId>> {
        let purchase = Purchases::<T>::get(space, account)?;
        Some(PurchaseView {
            space,
            buyer: account.clone(),
            currency: purchase.currency,
            paid: purchase.paid,
            bought_at: purchase.bought_at.saturated_into(),
        })
    }

    /// The reports of a Space that are not resolved, from the `from`th on, counted from 0. When one is resolved between
    /// two pages, the last one takes its place and can be missed.
    pub fn reports(space: SpaceId, from: u64, limit: u32) -> Page<ReportView<T::AccountId>> {
        let reporters = StoredRoll::<T>::from(Roll::Reporters(space));
        Page::of_dense(from, limit, reporters.len(), |nth| {
            let by = reporters.entry(nth)?;
            let report = Reports::<T>::get(space, &by)?;
            Some(ReportView {
                space,
                by,
                why: report.why,
                evidence: report.evidence,
                bond: report.bond,
                reported_at: report.reported_at.saturated_into(),
                withdrawable_at: report
                    .reported_at
                    .saturating_add(T::ReportPeriod::get())
                    .saturated_into(),
            })
        })
    }

    fn fits(id: SpaceId, space: &SpaceOf<T>, query: &SpaceQuery<T::AccountId>) -> bool {
        query.category.is_none_or(|category| space.category == category)
            && query.owner.as_ref().is_none_or(|owner| space.owner == *owner)
            && space.ratings.mean_hundredths() >= hundredths(query.min_rating)
            && (!query.featured || Featured::<T>::get().contains(&id))
    }

    fn view(id: SpaceId, space: SpaceOf<T>) -> Option<SpaceView<T::AccountId>> {
        Some(SpaceView {
            id,
            status: match space.taken_down {
                Some(why) => SpaceStatus::TakenDown { why },
                None if space.retired => SpaceStatus::Retired,
                None => SpaceStatus::Listed,
            },
            // Every number up to the latest has a release.
            latest: Self::release_view(id, space.latest)?,
            featured: Featured::<T>::get().contains(&id),
            owner: space.owner,
            offered_to: space.offered_to,
            title: space.title.into_inner(),
            category: space.category,
            calls: space.calls.into_inner(),
            currency: space.currency,
            price: space.price,
            purchases: space.purchases,
            ratings: space.ratings.count,
            mean_hundredths: space.ratings.mean_hundredths(),
            open_reports: space.open_reports,
            published_at: space.published_at.saturated_into(),
        })
    }

    fn release_view(space: SpaceId, number: ReleaseNumber) -> Option<ReleaseView> {
        let release = Releases::<T>::get(space, number)?;
        Some(ReleaseView {
            number,
            version: release.version.into_inner(),
            manifest: release.manifest,
            bundle: release.bundle,
            bundle_bytes: release.bundle_bytes,
            notes: release.notes,
            released_at: release.released_at.saturated_into(),
        })
    }
}

/// So many stars as a mean.
fn hundredths(stars: u8) -> u16 {
    u16::from(stars).saturating_mul(100)
}
