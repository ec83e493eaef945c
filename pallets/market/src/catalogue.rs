//! Where works are listed so that they are found, and the search over it.
//!
//! A section lists works by the complement of their number in big endian, so that the newest come first whatever came
//! and went in between, and a page can begin after any work, listed or not. To list a work or to take it off costs one
//! entry and one count a section, however many works there are.

use alloc::vec::Vec;
use core::cmp::Reverse;

use weft_primitives::{
    WorkId,
    discovery::{Cursor, Facts, Order, PRICE_BUCKETS, Query, least_price, price_bucket},
    market_view::WorkView,
    page::{MAX_PAGE, Page, page_size},
    rating::{CLASSES, class_of},
};

use crate::{Catalogue, Config, Pallet, Section, SectionOf, SectionSizes, Tag, WorkOf, Works};

/// Sorts the newest first.
pub(crate) fn newest_first(work: WorkId) -> [u8; 8] {
    (!work).to_be_bytes()
}

fn work_at(key: [u8; 8]) -> WorkId {
    !WorkId::from_be_bytes(key)
}

impl<T: Config> Pallet<T> {
    /// Stores a work, which stood in the catalogue as `before`, and lists it as it is now.
    pub(crate) fn put_work(id: WorkId, before: Option<&WorkOf<T>>, work: WorkOf<T>) {
        let left = before.map(WorkOf::<T>::sections).unwrap_or_default();
        let entered = work.sections();
        for section in left.iter().filter(|section| !entered.contains(section)) {
            Catalogue::<T>::remove(section, newest_first(id));
            SectionSizes::<T>::mutate_exists(section, |size| {
                *size = size.and_then(|size| size.checked_sub(1)).filter(|size| *size > 0);
            });
        }
        for section in entered.iter().filter(|section| !left.contains(section)) {
            Catalogue::<T>::insert(section, newest_first(id), ());
            SectionSizes::<T>::mutate(section, |size| *size = size.saturating_add(1));
        }
        Works::<T>::insert(id, work);
    }

    /// The works of a section from the newest, or after `after`, to the oldest.
    pub(crate) fn works_in(section: &SectionOf<T>, after: Option<WorkId>) -> impl Iterator<Item = WorkId> {
        let keys = match after {
            None => Catalogue::<T>::iter_key_prefix(section),
            Some(after) => {
                let key = Catalogue::<T>::hashed_key_for(section, newest_first(after));
                Catalogue::<T>::iter_key_prefix_from(section, key)
            }
        };
        keys.map(work_at)
    }

    /// The works that are listed and searched for, a page at a time. It looks at no more than [`MAX_PAGE`] works a
    /// page, so that a page may have few or none while there are more: go on while there is a `next`.
    pub fn search(query: Query<T::AccountId>, from: u64, limit: u32) -> Page<WorkView<T::AccountId>> {
        let Some((narrowest, size)) = Self::narrowest(&query) else {
            return Page {
                items: Vec::new(),
                next: None,
            };
        };
        match (query.order, Cursor::from(from)) {
            (Order::Newest, Cursor::Walk { bucket, after }) => {
                Self::walk(&query, limit, (bucket, after), 1, |_| narrowest.clone())
            }
            (_, Cursor::Sorted { shown }) => Self::sorted(&query, limit, shown, &narrowest),
            (_, Cursor::Walk { bucket: 0, after: 0 }) if size <= MAX_PAGE.into() => {
                Self::sorted(&query, limit, 0, &narrowest)
            }
            (Order::Price, Cursor::Walk { bucket, after }) => {
                let last = query
                    .max_price
                    .map_or(PRICE_BUCKETS, |most| price_bucket(Some(most)).saturating_add(1));
                Self::walk(&query, limit, (bucket, after), last, Section::Price)
            }
            (Order::Rating, Cursor::Walk { bucket, after }) => {
                let buckets = CLASSES.saturating_sub(query.min_rating.map_or(0, class_of));
                Self::walk(&query, limit, (bucket, after), buckets.into(), |bucket| {
                    let below = u8::try_from(bucket).unwrap_or(CLASSES).saturating_add(1);
                    Section::Rating(CLASSES.saturating_sub(below))
                })
            }
        }
    }

    /// The smallest section in which all that is searched for must be, and its size. `None` if the tag is none.
    fn narrowest(query: &Query<T::AccountId>) -> Option<(SectionOf<T>, u64)> {
        let mut sections = alloc::vec![Section::All];
        sections.extend(query.kind.map(Section::Kind));
        sections.extend(query.owner.clone().map(Section::Owner));
        if let Some(tag) = query.tag.clone() {
            sections.push(Section::Tag(Tag::try_from(tag).ok()?));
        }
        sections
            .into_iter()
            .map(|section| {
                let size = SectionSizes::<T>::get(&section);
                (section, size)
            })
            .min_by_key(|(_, size)| *size)
    }

    fn admits(query: &Query<T::AccountId>, work: &WorkOf<T>) -> bool {
        work.listed > 0
            && query.admits(&Facts {
                kind: work.kind,
                tags: &work.tags,
                owner: &work.owner,
                tariffs: &work.tariffs,
                ratings: work.ratings,
            })
    }

    /// Goes through sections one after the other.
    fn walk(
        query: &Query<T::AccountId>,
        limit: u32,
        (first, after): (u16, WorkId),
        buckets: u16,
        section: impl Fn(u16) -> SectionOf<T>,
    ) -> Page<WorkView<T::AccountId>> {
        let limit = page_size(limit) as usize;
        let mut items = Vec::new();
        let mut looked_at = 0u32;
        for bucket in first..buckets {
            let section = section(bucket);
            // Works begin at 0, which is the oldest: nothing comes after it.
            let mut after = if bucket == first { after } else { 0 };
            if SectionSizes::<T>::get(&section) == 0 {
                continue;
            }
            for id in Self::works_in(&section, Some(after).filter(|after| *after > 0)) {
                if items.len() >= limit || looked_at >= MAX_PAGE {
                    let next = Some(Cursor::Walk { bucket, after }.into());
                    return Page { items, next };
                }
                looked_at = looked_at.saturating_add(1);
                after = id;
                if let Some(work) = Works::<T>::get(id).filter(|work| Self::admits(query, work)) {
                    items.extend(Self::view_of(id, work));
                }
            }
        }
        Page { items, next: None }
    }

    /// Sorts the newest works of a section, which has few if this is the beginning of a search.
    fn sorted(
        query: &Query<T::AccountId>,
        limit: u32,
        shown: u32,
        section: &SectionOf<T>,
    ) -> Page<WorkView<T::AccountId>> {
        let mut found: Vec<_> = Self::works_in(section, None)
            .take(MAX_PAGE as usize)
            .filter_map(|id| Works::<T>::get(id).map(|work| (id, work)))
            .filter(|(_, work)| Self::admits(query, work))
            .collect();
        match query.order {
            Order::Newest => {}
            Order::Price => found.sort_by_key(|(_, work)| {
                let price = least_price(&work.tariffs);
                (price.is_none(), price)
            }),
            Order::Rating => found.sort_by_key(|(_, work)| Reverse(work.ratings.mean_hundredths())),
        }
        let next = shown.saturating_add(page_size(limit));
        let more = found.len() > next as usize;
        let items = found
            .into_iter()
            .skip(shown as usize)
            .take(page_size(limit) as usize)
            .filter_map(|(id, work)| Self::view_of(id, work))
            .collect();
        Page {
            items,
            next: more.then(|| Cursor::Sorted { shown: next }.into()),
        }
    }
}
