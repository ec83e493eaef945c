//! The shape of a model's order book: buckets of equal offers, and a bitmap of the buckets in use.
//!
//! A bucket is a price level and a reputation class. Finding the best bucket reads one fixed-size bitmap, so matching
//! costs the same with ten providers and with a million.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
    price::{LEVELS, level},
    reputation::CLASSES,
};

/// Number of buckets.
pub const BUCKETS: u16 = LEVELS * CLASSES;
const WORDS: usize = BUCKETS as usize / 64;

/// A bucket's place in the order of matching: cheaper first, better reputation first within a price level.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket of an ask by a provider of a reputation class (`0..CLASSES`, higher is better).
    pub fn of(ask_per_token: u128, reputation_class: u8) -> Self {
        let worse_by = (CLASSES - 1).saturating_sub(u16::from(reputation_class));
        Self(u16::from(level(ask_per_token)) * CLASSES + worse_by)
    }

    /// The last bucket that can hold an ask of at most `max_ask`.
    pub fn last_within(max_ask: u128) -> Self {
        Self::of(max_ask, 0)
    }

    /// Position in the order of matching, `0..BUCKETS`.
    pub const fn index(self) -> u16 {
        self.0
    }
}

/// Which buckets hold at least one offer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Occupied([u64; WORDS]);

impl Occupied {
    fn slot(bucket: Bucket) -> (usize, u64) {
        // A `Bucket` is below BUCKETS by construction, but it can also be decoded from bytes.
        let at = bucket.0.min(BUCKETS - 1) as usize;
        (at / 64, 1 << (at % 64))
    }

    /// Marks a bucket as holding offers.
    pub fn insert(&mut self, bucket: Bucket) {
        let (word, bit) = Self::slot(bucket);
        if let Some(w) = self.0.get_mut(word) {
            *w |= bit;
        }
    }

    /// Marks a bucket as empty.
    pub fn remove(&mut self, bucket: Bucket) {
        let (word, bit) = Self::slot(bucket);
        if let Some(w) = self.0.get_mut(word) {
            *w &= !bit;
        }
    }

    /// Whether the bucket is marked.
    pub fn contains(&self, bucket: Bucket) -> bool {
        let (word, bit) = Self::slot(bucket);
        self.0.get(word).is_some_and(|w| w & bit != 0)
    }

    /// Whether no bucket is marked.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    /// The first marked bucket at or after `from` (the best, if `from` is `None`).
    pub fn first(&self, from: Option<Bucket>) -> Option<Bucket> {
        let from = from.map_or(0, |b| usize::from(b.0));
        self.0.iter().enumerate().skip(from / 64).find_map(|(at, word)| {
            let word = if at == from / 64 {
                word & (u64::MAX << (from % 64))
            } else {
                *word
            };
            (word != 0).then(|| Bucket((at * 64) as u16 + word.trailing_zeros() as u16))
        })
    }

    /// The first marked bucket after `bucket`.
    pub fn next_after(&self, bucket: Bucket) -> Option<Bucket> {
        let next = bucket.0.checked_add(1).filter(|b| *b < BUCKETS)?;
        self.first(Some(Bucket(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeSet, vec::Vec};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bitmap_is_an_ordered_set(ops in proptest::collection::vec((any::<bool>(), 0..BUCKETS), 0..200)) {
            let (mut map, mut model) = (Occupied::default(), BTreeSet::new());
            for (insert, b) in ops {
                if insert { map.insert(Bucket(b)); model.insert(b); } else { map.remove(Bucket(b)); model.remove(&b); }
            }
            let mut seen = Vec::new();
            let mut at = map.first(None);
            while let Some(b) = at {
                prop_assert!(map.contains(b));
                seen.push(b.0);
                at = map.next_after(b);
            }
            prop_assert_eq!(seen, model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(map.is_empty(), model.is_empty());
        }

        #[test]
        fn cheaper_then_better_comes_first(a: u128, b: u128, ra in 0u8..4, rb in 0u8..4) {
            let (ba, bb) = (Bucket::of(a, ra), Bucket::of(b, rb));
            prop_assert!(ba.index() < BUCKETS);
            if level(a) < level(b) { prop_assert!(ba < bb); }
            if level(a) == level(b) && ra > rb { prop_assert!(ba < bb); }
            if a <= b { prop_assert!(ba <= Bucket::last_within(b)); }
        }
    }
}
