//! Where Spaces are listed so that they are found, and who stands in the lists of a Space.
//!
//! A Space stands in its owner's section for good, and while it is listed in those of its rating class, once among all
//! and once in its category. So a search for well rated Spaces of a category walks classes from the best down, and
//! looks at nothing that it does not show.

use alloc::{vec, vec::Vec};
use core::marker::PhantomData;

use weft_primitives::{shelf::Shelf, space::SpaceId};

use crate::{
    Config, Pallet, Roll, RollEntry, RollLength, RollPlace, Section, SectionEntry, SectionLength, SectionOf,
    SectionPlace, Space, SpaceOf, Spaces,
};

impl<AccountId: Clone, Title, BlockNumber> Space<AccountId, Title, BlockNumber> {
    /// Where it stands: at most three sections.
    pub(crate) fn sections(&self) -> Vec<Section<AccountId>> {
        let mut sections = vec![Section::OwnedBy(self.owner.clone())];
        if self.is_listed() {
            let class = self.ratings.class();
            for category in [None, Some(self.category)] {
                sections.push(Section::Rated { category, class });
            }
        }
        sections
    }
}

impl<T: Config> Pallet<T> {
    /// Stores a Space, which stood in its sections as `before`, and lists it as it is now.
    pub(crate) fn put_space(id: SpaceId, before: Option<&SpaceOf<T>>, space: SpaceOf<T>) {
        let left = before.map(SpaceOf::<T>::sections).unwrap_or_default();
        let entered = space.sections();
        for section in left.iter().filter(|section| !entered.contains(section)) {
            StoredSection::<T>(section.clone()).remove(&id);
        }
        for section in entered.iter().filter(|section| !left.contains(section)) {
            StoredSection::<T>(section.clone()).add(&id);
        }
        Spaces::<T>::insert(id, space);
    }
}

/// A list of Spaces in storage.
pub(crate) struct StoredSection<T: Config>(pub SectionOf<T>);

impl<T: Config> Shelf for StoredSection<T> {
    type Item = SpaceId;

    fn len(&self) -> u64 {
        SectionLength::<T>::get(&self.0)
    }

    fn set_len(&self, len: u64) {
        if len == 0 {
            SectionLength::<T>::remove(&self.0);
        } else {
            SectionLength::<T>::insert(&self.0, len);
        }
    }

    fn entry(&self, place: u64) -> Option<SpaceId> {
        SectionEntry::<T>::get(&self.0, place)
    }

    fn set_entry(&self, place: u64, space: &SpaceId) {
        SectionEntry::<T>::insert(&self.0, place, space);
    }

    fn clear_entry(&self, place: u64) {
        SectionEntry::<T>::remove(&self.0, place);
    }

    fn place(&self, space: &SpaceId) -> Option<u64> {
        SectionPlace::<T>::get(&self.0, space)
    }

    fn set_place(&self, space: &SpaceId, place: u64) {
        SectionPlace::<T>::insert(&self.0, space, place);
    }

    fn clear_place(&self, space: &SpaceId) {
        SectionPlace::<T>::remove(&self.0, space);
    }
}

/// A list of accounts in storage.
pub(crate) struct StoredRoll<T: Config> {
    roll: Roll,
    of: PhantomData<T>,
}

impl<T: Config> From<Roll> for StoredRoll<T> {
    fn from(roll: Roll) -> Self {
        Self { roll, of: PhantomData }
    }
}

impl<T: Config> Shelf for StoredRoll<T> {
    type Item = T::AccountId;

    fn len(&self) -> u64 {
        RollLength::<T>::get(self.roll)
    }

    fn set_len(&self, len: u64) {
        if len == 0 {
            RollLength::<T>::remove(self.roll);
        } else {
            RollLength::<T>::insert(self.roll, len);
        }
    }

    fn entry(&self, place: u64) -> Option<T::AccountId> {
        RollEntry::<T>::get(self.roll, place)
    }

    fn set_entry(&self, place: u64, account: &T::AccountId) {
        RollEntry::<T>::insert(self.roll, place, account);
    }

    fn clear_entry(&self, place: u64) {
        RollEntry::<T>::remove(self.roll, place);
    }

    fn place(&self, account: &T::AccountId) -> Option<u64> {
        RollPlace::<T>::get(self.roll, account)
    }

    fn set_place(&self, account: &T::AccountId, place: u64) {
        RollPlace::<T>::insert(self.roll, account, place);
    }

    fn clear_place(&self, account: &T::AccountId) {
        RollPlace::<T>::remove(self.roll, account);
    }
}
