//! Licences: what may be bought of a work, and what a buyer may do with it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{payment::Currency, price::Balance};

/// Number of a licence, given in the order of purchase, never reused.
pub type LicenceId = u64;

/// Most tariffs of one work.
pub const MAX_TARIFFS: u32 = 4;

/// What one unit of a price buys. The index is part of the encoding: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "term")]
pub enum Term {
    /// Use without end.
    #[codec(index = 0)]
    Once,
    /// One use: one completed job, or one round of training.
    #[codec(index = 1)]
    PerUse,
    /// Use for a number of blocks.
    #[codec(index = 2)]
    PerPeriod {
        /// Blocks, at least 1.
        blocks: u32,
    },
}

/// A price at which a work may be used.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Tariff {
    /// What is bought.
    #[serde(flatten)]
    pub term: Term,
    /// In what it is paid.
    pub currency: Currency,
    /// Price of one unit of the term.
    #[serde(with = "crate::json::amount")]
    pub price: Balance,
}

impl Tariff {
    /// The price of `quantity` units.
    pub fn total(&self, quantity: u32) -> Result<Balance, InvalidPurchase> {
        match (quantity, self.term) {
            (0, _) => Err(InvalidPurchase::Nothing),
            (2.., Term::Once) => Err(InvalidPurchase::OnceIsOnce),
            _ => self
                .price
                .checked_mul(quantity.into())
                .ok_or(InvalidPurchase::PriceOverflows),
        }
    }
}

/// Why so much cannot be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidPurchase {
    /// Zero units.
    Nothing,
    /// Use without end is bought once.
    OnceIsOnce,
    /// The price is no number any more.
    PriceOverflows,
    /// The licence is for another term: buy units of that term, or close it first.
    OtherTerm,
}

/// What a licence allows at present.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "right")]
pub enum Right {
    /// Use without end.
    Forever,
    /// So many uses.
    Uses {
        /// Uses that are left.
        left: u32,
    },
    /// Use up to and with a block.
    Until {
        /// The last block.
        block: u32,
    },
}

impl Right {
    /// What `quantity` units of `term` allow from block `now` on.
    pub fn bought(term: Term, quantity: u32, now: u32) -> Self {
        match term {
            Term::Once => Self::Forever,
            Term::PerUse => Self::Uses { left: quantity },
            Term::PerPeriod { blocks } => Self::Until {
                block: now.saturating_add(blocks.saturating_mul(quantity)),
            },
        }
    }

    /// The right after `quantity` more units of `term` were bought at block `now`. A period that is over begins anew; one
    /// that runs is made longer.
    pub fn extended(self, term: Term, quantity: u32, now: u32) -> Result<Self, InvalidPurchase> {
        match (self, term) {
            (Self::Uses { left }, Term::PerUse) => left
                .checked_add(quantity)
                .map(|left| Self::Uses { left })
                .ok_or(InvalidPurchase::PriceOverflows),
            (Self::Until { block }, Term::PerPeriod { blocks }) => Ok(Self::Until {
                block: block.max(now).saturating_add(blocks.saturating_mul(quantity)),
            }),
            _ => Err(InvalidPurchase::OtherTerm),
        }
    }

    /// Whether the work may be used at block `now`.
    pub fn allows(self, now: u32) -> bool {
        match self {
            Self::Forever => true,
            Self::Uses { left } => left > 0,
            Self::Until { block } => now <= block,
        }
    }

    /// The right while one more use of it is under way at block `now`; `None` if it does not allow it.
    pub fn take(self, now: u32) -> Option<Self> {
        self.allows(now).then_some(match self {
            Self::Uses { left } => Self::Uses {
                left: left.saturating_sub(1),
            },
            other => other,
        })
    }

    /// The right after a use that was taken came to nothing.
    pub fn give_back(self) -> Self {
        match self {
            Self::Uses { left } => Self::Uses {
                left: left.saturating_add(1),
            },
            other => other,
        }
    }

    /// What is owed to the holder if the owner revokes the licence at block `now`: the whole of what was paid for use without
    /// end; of uses the share that is left of `bought`; of a period the share of `bought` blocks that is to come. Rounded up.
    pub fn unused(self, paid: Balance, bought: u32, now: u32) -> Balance {
        let left = match self {
            Self::Forever => return paid,
            Self::Uses { left } => left,
            Self::Until { block } => block.saturating_sub(now),
        };
        let (left, bought) = (Balance::from(left.min(bought)), Balance::from(bought));
        if bought == 0 {
            return 0;
        }
        let parts = (paid / bought).saturating_mul(left);
        let rest = (paid % bought).saturating_mul(left).div_ceil(bought);
        parts.saturating_add(rest).min(paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn term() -> impl Strategy<Value = Term> {
        prop_oneof![
            Just(Term::Once),
            Just(Term::PerUse),
            (1u32..10_000).prop_map(|blocks| Term::PerPeriod { blocks })
        ]
    }

    proptest! {
        #[test]
        fn what_was_taken_and_given_back_is_as_before(term in term(), quantity in 1u32..100, now in 0u32..1_000_000) {
            let right = Right::bought(term, quantity, now);
            prop_assert!(right.allows(now));
            prop_assert_eq!(right.take(now).map(Right::give_back), Some(right));
        }

        #[test]
        fn uses_end(quantity in 1u32..50) {
            let mut right = Right::bought(Term::PerUse, quantity, 0);
            for _ in 0..quantity {
                right = right.take(1).unwrap();
            }
            prop_assert_eq!(right.take(1), None);
            prop_assert!(right.give_back().allows(1));
        }

        #[test]
        fn periods_end_and_begin_anew(blocks in 1u32..1_000, quantity in 1u32..20, now in 0u32..1_000_000, late in 1u32..1_000) {
            let term = Term::PerPeriod { blocks };
            let right = Right::bought(term, quantity, now);
            let last = now + blocks * quantity;
            prop_assert!(right.allows(last));
            prop_assert!(!right.allows(last + 1));
            prop_assert_eq!(right.extended(term, 1, now), Ok(Right::Until { block: last + blocks }));
            prop_assert_eq!(right.extended(term, 1, last + late), Ok(Right::Until { block: last + late + blocks }));
        }

        #[test]
        fn what_is_unused_is_never_more_than_was_paid(
            term in term(), quantity in 1u32..1_000, paid: Balance, now in 0u32..1_000_000, later in 0u32..2_000_000,
        ) {
            let right = Right::bought(term, quantity, now);
            let bought = match term {
                Term::Once => 1,
                Term::PerUse => quantity,
                Term::PerPeriod { blocks } => blocks * quantity,
            };
            prop_assert_eq!(right.unused(paid, bought, now), paid);
            let owed = right.unused(paid, bought, now + later);
            prop_assert!(owed <= paid);
            let is_over = matches!(right, Right::Until { block } if now + later >= block);
            prop_assert!(!is_over || owed == 0);
        }

        #[test]
        fn a_total_is_the_price_times_the_quantity(term in term(), price: Balance, quantity: u32) {
            let tariff = Tariff { term, currency: Currency::Native, price };
            match tariff.total(quantity) {
                Ok(total) => prop_assert_eq!(Some(total), price.checked_mul(quantity.into())),
                Err(InvalidPurchase::Nothing) => prop_assert_eq!(quantity, 0),
                Err(InvalidPurchase::OnceIsOnce) => prop_assert!(term == Term::Once && quantity > 1),
                Err(InvalidPurchase::PriceOverflows) => prop_assert!(price.checked_mul(quantity.into()).is_none()),
                Err(InvalidPurchase::OtherTerm) => prop_assert!(false),
            }
        }
    }

    #[test]
    fn terms_do_not_mix() {
        let uses = Right::Uses { left: 3 };
        assert_eq!(uses.extended(Term::Once, 1, 0), Err(InvalidPurchase::OtherTerm));
        assert_eq!(
            uses.extended(Term::PerPeriod { blocks: 5 }, 1, 0),
            Err(InvalidPurchase::OtherTerm)
        );
        assert_eq!(
            Right::Forever.extended(Term::Once, 1, 0),
            Err(InvalidPurchase::OtherTerm)
        );
    }
}
