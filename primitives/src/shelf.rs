//! Lists in storage from which anything can be taken at constant cost: entries are numbered from 0 without gaps, and
//! when one is taken out the last one takes its place.
//!
//! Pallets say where entries and places are stored; what is done with them is written once, here. Who reads such a list
//! page by page while others change it can miss an entry that moved, and finds it by reading again.

/// One list. It is known at each moment by its storage alone, so a value of this type is only a name.
pub trait Shelf {
    /// What stands in it, at most once.
    type Item;

    /// Number of entries.
    fn len(&self) -> u64;
    /// Stores the number of entries; a 0 need not be kept.
    fn set_len(&self, len: u64);
    /// The entry at a place.
    fn entry(&self, place: u64) -> Option<Self::Item>;
    /// Stores the entry at a place.
    fn set_entry(&self, place: u64, item: &Self::Item);
    /// Clears a place.
    fn clear_entry(&self, place: u64);
    /// Where an item stands.
    fn place(&self, item: &Self::Item) -> Option<u64>;
    /// Stores where an item stands.
    fn set_place(&self, item: &Self::Item, place: u64);
    /// Forgets where an item stood.
    fn clear_place(&self, item: &Self::Item);

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts an item at the end. Whether it was not there yet. Reads the item's place and the length; writes both and
    /// the entry.
    fn add(&self, item: &Self::Item) -> bool {
        if self.place(item).is_some() {
            return false;
        }
        let place = self.len();
        let Some(len) = place.checked_add(1) else {
            return false;
        };
        self.set_entry(place, item);
        self.set_place(item, place);
        self.set_len(len);
        true
    }

    /// Takes an item out; the last one takes its place. Whether it was there. Reads two places' worth, writes at most
    /// five items.
    fn remove(&self, item: &Self::Item) -> bool {
        let Some(place) = self.place(item) else {
            return false;
        };
        let last = self.len().saturating_sub(1);
        if place != last
            && let Some(moved) = self.entry(last)
        {
            self.set_entry(place, &moved);
            self.set_place(&moved, place);
        }
        self.clear_entry(last);
        self.clear_place(item);
        self.set_len(last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        collections::{BTreeMap, BTreeSet},
        vec::Vec,
    };
    use core::cell::{Cell, RefCell};
    use proptest::prelude::*;

    #[derive(Default)]
    struct InMemory {
        len: Cell<u64>,
        entries: RefCell<BTreeMap<u64, u8>>,
        places: RefCell<BTreeMap<u8, u64>>,
    }

    impl Shelf for InMemory {
        type Item = u8;

        fn len(&self) -> u64 {
            self.len.get()
        }
        fn set_len(&self, len: u64) {
            self.len.set(len);
        }
        fn entry(&self, place: u64) -> Option<u8> {
            self.entries.borrow().get(&place).copied()
        }
        fn set_entry(&self, place: u64, item: &u8) {
            self.entries.borrow_mut().insert(place, *item);
        }
        fn clear_entry(&self, place: u64) {
            self.entries.borrow_mut().remove(&place);
        }
        fn place(&self, item: &u8) -> Option<u64> {
            self.places.borrow().get(item).copied()
        }
        fn set_place(&self, item: &u8, place: u64) {
            self.places.borrow_mut().insert(*item, place);
        }
        fn clear_place(&self, item: &u8) {
            self.places.borrow_mut().remove(item);
        }
    }

    proptest! {
        #[test]
        fn a_shelf_is_a_set_without_gaps(moves in proptest::collection::vec((any::<bool>(), 0u8..12), 0..200)) {
            let shelf = InMemory::default();
            let mut set = BTreeSet::new();
            for (add, item) in moves {
                if add {
                    prop_assert_eq!(shelf.add(&item), set.insert(item));
                } else {
                    prop_assert_eq!(shelf.remove(&item), set.remove(&item));
                }
                prop_assert_eq!(shelf.len(), set.len() as u64);
                prop_assert_eq!(shelf.is_empty(), set.is_empty());
                let entries: Option<Vec<u8>> = (0..shelf.len()).map(|place| shelf.entry(place)).collect();
                let mut entries = entries.unwrap();
                for (place, item) in entries.iter().enumerate() {
                    prop_assert_eq!(shelf.place(item), Some(place as u64));
                }
                entries.sort_unstable();
                prop_assert_eq!(entries, set.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(shelf.entries.borrow().len(), set.len());
                prop_assert_eq!(shelf.places.borrow().len(), set.len());
            }
        }
    }
}
