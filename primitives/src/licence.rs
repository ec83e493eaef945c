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

impl Term {
    /// Whether it is one that buys something.
    pub const fn is_sound(self) -> bool {
        !matches!(self, Self::PerPeriod { blocks: 0 })
    }

    /// What `quantity` of it are, in what is used up: uses, blocks, or 1 for use without end.
    pub fn units(self, quantity: u32) -> Result<u32, InvalidPurchase> {
        match (self, quantity) {
            (_, 0) => Err(InvalidPurchase::Nothing),
            (Self::Once, 1) => Ok(1),
            (Self::Once, _) => Err(InvalidPurchase::OnceIsOnce),
            (Self::PerUse, quantity) => Ok(quantity),
            (Self::PerPeriod { blocks }, quantity) => blocks.checked_mul(quantity).ok_or(InvalidPurchase::TooMuch),
        }
    }
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
        self.term.units(quantity)?;
        self.price.checked_mul(quantity.into()).ok_or(InvalidPurchase::TooMuch)
    }
}

/// Why so much cannot be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidPurchase {
    /// Zero units.
    Nothing,
    /// Use without end is bought once.
    OnceIsOnce,
    /// The price, the uses or the last block are no number any more.
    TooMuch,
    /// The licence is in force under another term or without end: buy units of that term, or close it first.
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
    /// What `quantity` of `term` allow from block `now` on.
    pub fn bought(term: Term, quantity: u32, now: u32) -> Result<Self, InvalidPurchase> {
        let units = term.units(quantity)?;
        Ok(match term {
            Term::Once => Self::Forever,
            Term::PerUse => Self::Uses { left: units },
            Term::PerPeriod { .. } => Self::Until {
                block: now.checked_add(units).ok_or(InvalidPurchase::TooMuch)?,
            },
        })
    }

    /// The right after `quantity` more of `term` were bought at block `now`. A period that runs is made longer.
    fn extended(self, term: Term, quantity: u32, now: u32) -> Result<Self, InvalidPurchase> {
        let units = term.units(quantity)?;
        match (self, term) {
            (Self::Uses { left }, Term::PerUse) => left.checked_add(units).map(|left| Self::Uses { left }),
            (Self::Until { block }, Term::PerPeriod { .. }) => {
                block.max(now).checked_add(units).map(|block| Self::Until { block })
            }
            _ => return Err(InvalidPurchase::OtherTerm),
        }
        .ok_or(InvalidPurchase::TooMuch)
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

    /// What is left at block `now`, in what is used up.
    fn left(self, now: u32) -> u32 {
        match self {
            Self::Forever => 1,
            Self::Uses { left } => left,
            Self::Until { block } => block.saturating_sub(now),
        }
    }
}

/// What a holder has of a work, and what it cost them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Holding {
    /// What it allows.
    #[serde(flatten)]
    pub right: Right,
    /// What was paid for what was left after the last purchase.
    #[serde(with = "crate::json::amount")]
    pub cost: Balance,
    /// What was left after the last purchase, in what is used up.
    pub units: u32,
}

impl Holding {
    /// After a first purchase for `price`.
    pub fn bought(term: Term, quantity: u32, price: Balance, now: u32) -> Result<Self, InvalidPurchase> {
        Ok(Self {
            right: Right::bought(term, quantity, now)?,
            cost: price,
            units: term.units(quantity)?,
        })
    }

    /// After a further purchase for `price`. What has run out begins anew, under whatever term; what is in force is
    /// made more of, under its own. What was used up is not counted any more, so that old prices do not mix with new
    /// ones.
    pub fn extended(self, term: Term, quantity: u32, price: Balance, now: u32) -> Result<Self, InvalidPurchase> {
        if !self.right.allows(now) {
            return Self::bought(term, quantity, price, now);
        }
        let left = self.right.left(now).min(self.units);
        Ok(Self {
            right: self.right.extended(term, quantity, now)?,
            cost: self.unused(now).checked_add(price).ok_or(InvalidPurchase::TooMuch)?,
            units: left
                .checked_add(term.units(quantity)?)
                .ok_or(InvalidPurchase::TooMuch)?,
        })
    }

    /// What is owed to the holder if the owner ends it at block `now`: the whole of what was paid for use without end;
    /// of uses and blocks the share of those that are left. Rounded up.
    pub fn unused(self, now: u32) -> Balance {
        let left = Balance::from(self.right.left(now).min(self.units));
        let units = Balance::from(self.units);
        if units == 0 {
            return 0;
        }
        let parts = (self.cost / units).saturating_mul(left);
        let rest = (self.cost % units).saturating_mul(left).div_ceil(units);
        parts.saturating_add(rest).min(self.cost)
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
            if let Ok(right) = Right::bought(term, quantity, now) {
                prop_assert!(right.allows(now));
                prop_assert_eq!(right.take(now).map(Right::give_back), Some(right));
            }
        }

        #[test]
        fn uses_end(quantity in 1u32..50) {
            let mut right = Right::bought(Term::PerUse, quantity, 0).unwrap();
            for _ in 0..quantity {
                right = right.take(1).unwrap();
            }
            prop_assert_eq!(right.take(1), None);
            prop_assert!(right.give_back().allows(1));
        }

        #[test]
        fn periods_end_and_begin_anew(blocks in 1u32..1_000, quantity in 1u32..20, now in 0u32..1_000_000, late in 1u32..1_000) {
            let term = Term::PerPeriod { blocks };
            let held = Holding::bought(term, quantity, 70, now).unwrap();
            let last = now + blocks * quantity;
            prop_assert!(held.right.allows(last));
            prop_assert!(!held.right.allows(last + 1));
            let longer = held.extended(term, 1, 7, now).unwrap();
            prop_assert_eq!(longer.right, Right::Until { block: last + blocks });
            prop_assert_eq!((longer.cost, longer.units), (77, blocks * (quantity + 1)));
            let anew = held.extended(term, 1, 7, last + late).unwrap();
            prop_assert_eq!(anew, Holding::bought(term, 1, 7, last + late).unwrap());
            prop_assert!(held.extended(Term::PerUse, 1, 7, last + late).is_ok());
        }

        #[test]
        fn what_is_unused_is_never_more_than_was_paid(
            term in term(), quantity in 1u32..1_000, price: Balance, now in 0u32..1_000_000, later in 0u32..2_000_000,
        ) {
            if let Ok(held) = Holding::bought(term, quantity, price, now) {
                prop_assert_eq!(held.unused(now), price);
                let owed = held.unused(now + later);
                prop_assert!(owed <= price);
                let is_over = matches!(held.right, Right::Until { block } if now + later >= block);
                prop_assert!(!is_over || owed == 0);
            }
        }

        /// Who buys in steps is owed no more than the steps cost, and right after a step what they were owed and the
        /// step.
        #[test]
        fn steps_add_up(
            blocks in 1u32..1_000, is_use: bool,
            steps in proptest::collection::vec((1u32..20, 0..u64::MAX, 0u32..5_000, 0u32..10), 1..10),
        ) {
            let term = if is_use { Term::PerUse } else { Term::PerPeriod { blocks } };
            let (mut now, mut paid) = (0, 0);
            let mut held = Holding::bought(term, 1, 0, now).unwrap();
            for (quantity, price, pause, uses) in steps {
                now += pause;
                for _ in 0..uses {
                    held.right = held.right.take(now).unwrap_or(held.right);
                }
                let (owed, price) = (held.unused(now), Balance::from(price));
                paid += price;
                held = held.extended(term, quantity, price, now).unwrap();
                prop_assert_eq!(held.unused(now), owed + price);
                prop_assert!(held.cost <= paid);
            }
        }

        #[test]
        fn a_total_is_the_price_times_the_quantity(term in term(), price: Balance, quantity: u32) {
            let tariff = Tariff { term, currency: Currency::Native, price };
            match tariff.total(quantity) {
                Ok(total) => prop_assert_eq!(Some(total), price.checked_mul(quantity.into())),
                Err(InvalidPurchase::Nothing) => prop_assert_eq!(quantity, 0),
                Err(InvalidPurchase::OnceIsOnce) => prop_assert!(term == Term::Once && quantity > 1),
                Err(InvalidPurchase::TooMuch) => {
                    prop_assert!(price.checked_mul(quantity.into()).is_none() || term.units(quantity).is_err())
                }
                Err(InvalidPurchase::OtherTerm) => prop_assert!(false),
            }
        }
    }

    #[test]
    fn terms_do_not_mix_while_they_are_in_force() {
        let held = |term| Holding::bought(term, 1, 10, 0).unwrap();
        let other = Err(InvalidPurchase::OtherTerm);
        assert_eq!(held(Term::PerUse).extended(Term::Once, 1, 5, 0), other);
        assert_eq!(
            held(Term::PerUse).extended(Term::PerPeriod { blocks: 5 }, 1, 5, 0),
            other
        );
        assert_eq!(held(Term::Once).extended(Term::Once, 1, 5, 0), other);
        assert_eq!(
            held(Term::PerPeriod { blocks: 5 }).extended(Term::PerUse, 1, 5, 5),
            other
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let period = Term::PerPeriod { blocks: u32::MAX };
        assert_eq!(Right::bought(period, 2, 0), Err(InvalidPurchase::TooMuch));
        assert_eq!(Right::bought(period, 1, 1), Err(InvalidPurchase::TooMuch));
        assert!(Right::bought(period, 1, 0).is_ok());
        let uses = Holding::bought(Term::PerUse, u32::MAX, 1, 0).unwrap();
        assert_eq!(uses.extended(Term::PerUse, 1, 1, 0), Err(InvalidPurchase::TooMuch));
        assert!(!Term::PerPeriod { blocks: 0 }.is_sound());
    }
}
