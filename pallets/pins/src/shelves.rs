//! Where the lists of deals are stored.

use weft_primitives::{pieces::PinDealId, shelf::Shelf};

use crate::{Config, ShelfEntry, ShelfLength, ShelfOf, ShelfPlace};

/// A list of deals in storage.
pub(crate) struct StoredShelf<T: Config>(pub ShelfOf<T>);

impl<T: Config> Shelf for StoredShelf<T> {
    type Item = PinDealId;

    fn len(&self) -> u64 {
        ShelfLength::<T>::get(&self.0)
    }

    fn set_len(&self, len: u64) {
        if len == 0 {
            ShelfLength::<T>::remove(&self.0);
        } else {
            ShelfLength::<T>::insert(&self.0, len);
        }
    }

    fn entry(&self, place: u64) -> Option<PinDealId> {
        ShelfEntry::<T>::get(&self.0, place)
    }

    fn set_entry(&self, place: u64, deal: &PinDealId) {
        ShelfEntry::<T>::insert(&self.0, place, deal);
    }

    fn clear_entry(&self, place: u64) {
        ShelfEntry::<T>::remove(&self.0, place);
    }

    fn place(&self, deal: &PinDealId) -> Option<u64> {
        ShelfPlace::<T>::get(&self.0, deal)
    }

    fn set_place(&self, deal: &PinDealId, place: u64) {
        ShelfPlace::<T>::insert(&self.0, deal, place);
    }

    fn clear_place(&self, deal: &PinDealId) {
        ShelfPlace::<T>::remove(&self.0, deal);
    }
}
