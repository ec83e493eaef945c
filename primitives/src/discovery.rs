//! How works are searched: what may be asked, in which order answers come, and where a page ends.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::{AssetKind, WorkId},
    json,
    licence::Tariff,
    payment::Currency,
    price::{Balance, LEVELS, level},
    rating::Ratings,
};

/// Number of price buckets: one for what is free, one a level, and one for what has no price in the native token.
pub const PRICE_BUCKETS: u16 = LEVELS + 2;

/// The order in which works are found.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The newest works first.
    #[default]
    #[codec(index = 0)]
    Newest,
    /// The cheapest first, by the least price in the native token of any tariff; works priced in tokens only come last.
    /// Prices within a quarter of each other are equals, among which the newest come first.
    #[codec(index = 1)]
    Price,
    /// The best rated first; unrated ones come last. Means within the same half star are equals, among which the newest
    /// come first.
    #[codec(index = 2)]
    Rating,
}

/// What is searched for. All that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "AccountId: Deserialize<'de>"))]
pub struct Query<AccountId> {
    /// Works of this kind.
    pub kind: Option<AssetKind>,
    /// Works with this tag.
    #[serde(with = "json::optional_text")]
    pub tag: Option<Vec<u8>>,
    /// Works of this owner.
    pub owner: Option<AccountId>,
    /// Works that are free, or have a tariff in the native token at most this dear.
    #[serde(with = "json::optional_amount")]
    pub max_price: Option<Balance>,
    /// Works whose mean rating is at least this, in hundredths of a star.
    pub min_rating: Option<u16>,
    /// In which order they come.
    pub order: Order,
}

impl<AccountId> Default for Query<AccountId> {
    fn default() -> Self {
        Self {
            kind: None,
            tag: None,
            owner: None,
            max_price: None,
            min_rating: None,
            order: Order::default(),
        }
    }
}

/// The facts of a work by which it is found.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a, AccountId, Tag> {
    /// What it is.
    pub kind: AssetKind,
    /// Its tags.
    pub tags: &'a [Tag],
    /// Whose it is.
    pub owner: &'a AccountId,
    /// What it costs.
    pub tariffs: &'a [Tariff],
    /// What is said of it.
    pub ratings: Ratings,
}

impl<AccountId: PartialEq> Query<AccountId> {
    /// Whether a work is among what is searched for.
    pub fn admits<Tag: AsRef<[u8]>>(&self, facts: &Facts<AccountId, Tag>) -> bool {
        self.kind.is_none_or(|kind| kind == facts.kind)
            && self
                .tag
                .as_deref()
                .is_none_or(|tag| facts.tags.iter().any(|own| own.as_ref() == tag))
            && self.owner.as_ref().is_none_or(|owner| owner == facts.owner)
            && self
                .max_price
                .is_none_or(|most| least_price(facts.tariffs).is_some_and(|price| price <= most))
            && self
                .min_rating
                .is_none_or(|least| facts.ratings.mean_hundredths() >= least)
    }
}

/// The least price in the native token; 0 for what has no tariffs and so is free. `None` if it is priced in tokens
/// only.
pub fn least_price(tariffs: &[Tariff]) -> Option<Balance> {
    if tariffs.is_empty() {
        return Some(0);
    }
    tariffs
        .iter()
        .filter(|tariff| tariff.currency == Currency::Native)
        .map(|tariff| tariff.price)
        .min()
}

/// The bucket of a least price, below [`PRICE_BUCKETS`]: a higher price never has a lower bucket.
pub fn price_bucket(least_price: Option<Balance>) -> u16 {
    match least_price {
        Some(0) => 0,
        Some(price) => u16::from(level(price)).saturating_add(1),
        None => PRICE_BUCKETS - 1,
    }
}

/// Where the next page of a search begins, as one number: 0 is the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// In a walk over buckets, each from its newest work to its oldest.
    Walk {
        /// The bucket, counted in the order of the walk.
        bucket: u16,
        /// The last work that was looked at in it; 0 if none was.
        after: WorkId,
    },
    /// In few works that are sorted for each page.
    Sorted {
        /// How many were shown.
        shown: u32,
    },
}

/// Set in the number of a [`Cursor::Sorted`].
const SORTED: u64 = 1 << 63;
/// Bits for the number of a work: enough for a thousand works a second for 8,900 years.
const WORK_BITS: u32 = 48;

impl From<u64> for Cursor {
    fn from(number: u64) -> Self {
        if number & SORTED == SORTED {
            return Self::Sorted {
                shown: u32::try_from(number & !SORTED).unwrap_or(u32::MAX),
            };
        }
        Self::Walk {
            bucket: u16::try_from(number >> WORK_BITS).unwrap_or(u16::MAX),
            after: number & ((1 << WORK_BITS) - 1),
        }
    }
}

impl From<Cursor> for u64 {
    fn from(cursor: Cursor) -> Self {
        match cursor {
            Cursor::Walk { bucket, after } => {
                (u64::from(bucket) << WORK_BITS | after.min((1 << WORK_BITS) - 1)) & !SORTED
            }
            Cursor::Sorted { shown } => SORTED | u64::from(shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Term;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cursors_round_trip(bucket in 0u16..0x8000, after in 0u64..1 << 48, shown: u32) {
            for cursor in [Cursor::Walk { bucket, after }, Cursor::Sorted { shown }] {
                prop_assert_eq!(Cursor::from(u64::from(cursor)), cursor);
            }
        }

        #[test]
        fn any_number_is_a_cursor(number: u64) {
            let _ = u64::from(Cursor::from(number));
        }

        #[test]
        fn dearer_is_never_in_a_lower_bucket(a: Balance, b: Balance) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(price_bucket(Some(low)) <= price_bucket(Some(high)));
            prop_assert!(price_bucket(Some(high)) < price_bucket(None));
            prop_assert!(price_bucket(None) < PRICE_BUCKETS);
        }
    }

    fn tariff(currency: Currency, price: Balance) -> Tariff {
        Tariff {
            term: Term::Once,
            currency,
            price,
        }
    }

    #[test]
    fn the_least_native_price_counts() {
        assert_eq!(least_price(&[]), Some(0));
        assert_eq!(least_price(&[tariff(Currency::Token(1), 1)]), None);
        let mixed = [
            tariff(Currency::Token(1), 1),
            tariff(Currency::Native, 9),
            tariff(Currency::Native, 7),
        ];
        assert_eq!(least_price(&mixed), Some(7));
        assert_eq!(price_bucket(Some(0)), 0);
        assert_eq!(price_bucket(Some(1)), 1);
    }

    #[test]
    fn each_condition_counts() {
        let tags = [b"chat".to_vec(), b"small".to_vec()];
        let tariffs = [tariff(Currency::Native, 10)];
        let facts = Facts {
            kind: AssetKind::TextModel,
            tags: &tags,
            owner: &7u64,
            tariffs: &tariffs,
            ratings: Ratings { stars: 9, count: 2 },
        };
        let all = Query::<u64>::default;
        let holds = [
            all(),
            Query {
                kind: Some(AssetKind::TextModel),
                ..all()
            },
            Query {
                tag: Some(b"small".to_vec()),
                ..all()
            },
            Query {
                owner: Some(7),
                ..all()
            },
            Query {
                max_price: Some(10),
                ..all()
            },
            Query {
                min_rating: Some(450),
                ..all()
            },
        ];
        assert!(holds.iter().all(|query| query.admits(&facts)));
        let fails = [
            Query {
                kind: Some(AssetKind::Dataset),
                ..all()
            },
            Query {
                tag: Some(b"smal".to_vec()),
                ..all()
            },
            Query {
                owner: Some(8),
                ..all()
            },
            Query {
                max_price: Some(9),
                ..all()
            },
            Query {
                min_rating: Some(451),
                ..all()
            },
        ];
        assert!(!fails.iter().any(|query| query.admits(&facts)));
    }
}
