//! What a work was made from, and how a payment for its use runs up to those it was made from.
//!
//! An asset names its bases with the share of its income that each gets. A base hands on shares of that to its own bases. The
//! shares are multiplied out once, when the asset is published ([`flatten`]), so that every payment is one bounded step
//! ([`divide`]): later versions of a base change nothing for what was made from it before.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::{AssetId, WorkId},
    price::{Balance, PPM, Ppm},
};

/// Most bases that one asset names.
pub const MAX_BASES: u32 = 8;

/// Most works among which a payment is divided, besides the one that was used.
pub const MAX_ANCESTORS: u32 = 16;

/// Most generations of bases above an asset.
pub const MAX_GENERATIONS: u8 = 8;

/// The whole, in parts of 10^9. Shares of shares are kept finer than what people write.
const WHOLE: u32 = 1_000_000_000;

/// An asset from which another was made.
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
pub struct Base {
    /// The version that was used.
    pub asset: AssetId,
    /// Its share of what the new asset earns, in parts per million.
    pub share: Ppm,
}

/// A work that gets a share of what an asset earns.
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
pub struct Ancestor {
    /// The work; its present owner is paid.
    pub work: WorkId,
    /// What is left for it after its own bases, in parts of 10^9 of the whole payment.
    pub parts: u32,
}

/// What is known of a base when something is made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseLineage<'a> {
    /// The base's work.
    pub work: WorkId,
    /// Its share of what the new asset earns, in parts per million.
    pub share: Ppm,
    /// The base's own ancestors.
    pub ancestors: &'a [Ancestor],
    /// Generations above the base.
    pub generations: u8,
}

/// Why a lineage cannot be. Nothing is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidLineage {
    /// The shares of the bases are more than the whole.
    SharesExceedWhole,
    /// A base was itself made from this work: name the bases that are not.
    Cycle,
    /// The same work is named twice: add its shares up.
    NamedTwice,
    /// More than [`MAX_ANCESTORS`] works would be paid: name fewer bases, or such as have fewer themselves.
    TooManyAncestors,
    /// More than [`MAX_GENERATIONS`] generations.
    TooDeep,
}

/// Multiplies the shares of the bases of `work` out. Returns its ancestors, by work, and its generations.
///
/// `work` is `None` for a first version, which nothing can have been made from yet. Each product is rounded down; what is lost
/// stays with the asset itself.
pub fn flatten(work: Option<WorkId>, bases: &[BaseLineage]) -> Result<(Vec<Ancestor>, u8), InvalidLineage> {
    let whole_named: u64 = bases.iter().map(|base| u64::from(base.share)).sum();
    if whole_named > u64::from(PPM) {
        return Err(InvalidLineage::SharesExceedWhole);
    }
    let mut ancestors = Vec::<Ancestor>::new();
    let mut add = |payee: WorkId, parts: u32| {
        if Some(payee) == work {
            return Err(InvalidLineage::Cycle);
        }
        if let Some(present) = ancestors.iter_mut().find(|present| present.work == payee) {
            present.parts = present.parts.saturating_add(parts);
        } else if ancestors.len() < MAX_ANCESTORS as usize {
            ancestors.push(Ancestor { work: payee, parts });
        } else {
            return Err(InvalidLineage::TooManyAncestors);
        }
        Ok(())
    };
    let mut generations = 0;
    for (nth, base) in bases.iter().enumerate() {
        if bases.iter().take(nth).any(|earlier| earlier.work == base.work) {
            return Err(InvalidLineage::NamedTwice);
        }
        let above = base.generations.saturating_add(1);
        if above > MAX_GENERATIONS {
            return Err(InvalidLineage::TooDeep);
        }
        generations = above.max(generations);
        let share = base.share.saturating_mul(WHOLE / PPM);
        let mut kept = share;
        for ancestor in base.ancestors {
            let handed_on = product(share, ancestor.parts);
            kept = kept.saturating_sub(handed_on);
            add(ancestor.work, handed_on)?;
        }
        add(base.work, kept)?;
    }
    ancestors.sort_by_key(|ancestor| ancestor.work);
    Ok((ancestors, generations))
}

/// Divides `amount` among the ancestors, each share rounded down, and the work that was used, which has the rest: so the sum
/// is `amount` to the last unit. Returns what each ancestor gets, in their order, and the rest.
pub fn divide(amount: Balance, ancestors: &[Ancestor]) -> (Vec<Balance>, Balance) {
    let mut rest = amount;
    let shares = ancestors
        .iter()
        .map(|ancestor| {
            let share = part_of(amount, ancestor.parts).min(rest);
            rest = rest.saturating_sub(share);
            share
        })
        .collect();
    (shares, rest)
}

/// `a * b`, both in parts of 10^9, rounded down.
fn product(a: u32, b: u32) -> u32 {
    let product = u64::from(a).saturating_mul(b.into()) / u64::from(WHOLE);
    u32::try_from(product).unwrap_or(u32::MAX)
}

/// `amount * parts / 10^9`, rounded down, without overflow for any amount if `parts` is at most the whole.
fn part_of(amount: Balance, parts: u32) -> Balance {
    let (whole, parts) = (Balance::from(WHOLE), Balance::from(parts));
    (amount / whole)
        .saturating_mul(parts)
        .saturating_add((amount % whole).saturating_mul(parts) / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A random world of works, each made from earlier ones where that is possible.
    fn world() -> impl Strategy<Value = Vec<(Vec<Ancestor>, u8)>> {
        let base = (any::<prop::sample::Index>(), 0..=PPM / 3);
        let bases = proptest::collection::vec(base, 0..4);
        proptest::collection::vec(bases, 1..30).prop_map(|plans| {
            let mut world: Vec<(Vec<Ancestor>, u8)> = Vec::new();
            for plan in plans {
                let bases: Vec<_> = plan
                    .iter()
                    .filter(|_| !world.is_empty())
                    .map(|(which, share)| {
                        let work = which.index(world.len());
                        BaseLineage {
                            work: work as WorkId,
                            share: *share,
                            ancestors: &world[work].0,
                            generations: world[work].1,
                        }
                    })
                    .collect();
                let lineage = flatten(None, &bases).unwrap_or_default();
                world.push(lineage);
            }
            world
        })
    }

    proptest! {
        #[test]
        fn every_payment_is_divided_to_the_last_unit(world in world(), amount: Balance) {
            for (ancestors, generations) in &world {
                prop_assert!(ancestors.len() <= MAX_ANCESTORS as usize);
                prop_assert!(*generations <= MAX_GENERATIONS);
                prop_assert!(ancestors.iter().map(|a| u64::from(a.parts)).sum::<u64>() <= u64::from(WHOLE));
                let (shares, rest) = divide(amount, ancestors);
                prop_assert_eq!(shares.len(), ancestors.len());
                let sum = shares.iter().try_fold(rest, |sum, share| sum.checked_add(*share));
                prop_assert_eq!(sum, Some(amount));
            }
        }

        /// What goes through the flat list is what goes up generation by generation, but for one unit a rounding.
        #[test]
        fn flat_shares_are_those_of_the_tree(
            a in 0..=PPM, b in 0..=PPM, c in 0..=PPM, amount in 0..Balance::from(u64::MAX),
        ) {
            let (second, one) = flatten(None, &[BaseLineage { work: 0, share: a, ancestors: &[], generations: 0 }]).unwrap();
            let (third, two) =
                flatten(None, &[BaseLineage { work: 1, share: b, ancestors: &second, generations: one }]).unwrap();
            let (fourth, three) =
                flatten(None, &[BaseLineage { work: 2, share: c, ancestors: &third, generations: two }]).unwrap();
            prop_assert_eq!(three, 3);
            let (shares, rest) = divide(amount, &fourth);
            let up = |amount: Balance, share: Ppm| amount * Balance::from(share) / Balance::from(PPM);
            let third_gets = up(amount, c);
            let second_gets = up(third_gets, b);
            let first_gets = up(second_gets, a);
            let expected = [first_gets, second_gets - first_gets, third_gets - second_gets];
            // Parts of 10^9 are that fine, and three roundings are added.
            let tolerance = 3 * (amount / Balance::from(WHOLE) + 2);
            for (share, expected) in shares.iter().zip(expected) {
                prop_assert!(share.abs_diff(expected) <= tolerance, "{share} {expected}");
            }
            prop_assert!(rest.abs_diff(amount - third_gets) <= tolerance);
        }
    }

    fn root(work: WorkId, share: Ppm) -> BaseLineage<'static> {
        BaseLineage {
            work,
            share,
            ancestors: &[],
            generations: 0,
        }
    }

    #[test]
    fn shares_above_the_whole_are_refused() {
        assert!(flatten(None, &[root(1, PPM / 2), root(2, PPM / 2)]).is_ok());
        assert_eq!(
            flatten(None, &[root(1, PPM / 2), root(2, PPM / 2 + 1)]),
            Err(InvalidLineage::SharesExceedWhole)
        );
        assert_eq!(
            flatten(None, &[root(1, u32::MAX)]),
            Err(InvalidLineage::SharesExceedWhole)
        );
        assert_eq!(
            flatten(None, &[root(1, 1), root(1, 1)]),
            Err(InvalidLineage::NamedTwice)
        );
    }

    #[test]
    fn a_work_is_not_its_own_ancestor() {
        assert_eq!(flatten(Some(1), &[root(1, 1)]), Err(InvalidLineage::Cycle));
        let (from_one, generations) = flatten(None, &[root(1, 10)]).unwrap();
        let base = BaseLineage {
            work: 2,
            share: 10,
            ancestors: &from_one,
            generations,
        };
        assert_eq!(
            flatten(Some(1), core::slice::from_ref(&base)),
            Err(InvalidLineage::Cycle)
        );
        assert!(flatten(Some(3), &[base]).is_ok());
    }

    #[test]
    fn width_and_depth_are_bounded() {
        let wide: Vec<_> = (0..u64::from(MAX_ANCESTORS) + 1).map(|work| root(work, 1)).collect();
        assert_eq!(flatten(None, &wide), Err(InvalidLineage::TooManyAncestors));
        let deep = BaseLineage {
            generations: MAX_GENERATIONS,
            ..root(1, 1)
        };
        assert_eq!(flatten(None, &[deep]), Err(InvalidLineage::TooDeep));
    }

    #[test]
    fn two_paths_to_one_work_are_one_share() {
        let (from_zero, generations) = flatten(None, &[root(0, PPM / 2)]).unwrap();
        let through = |work| BaseLineage {
            work,
            share: PPM / 4,
            ancestors: &from_zero,
            generations,
        };
        let (ancestors, _) = flatten(None, &[through(1), through(2)]).unwrap();
        let parts: Vec<_> = ancestors.iter().map(|a| (a.work, a.parts)).collect();
        assert_eq!(parts, [(0, WHOLE / 4), (1, WHOLE / 8), (2, WHOLE / 8)]);
        assert_eq!(divide(1001, &ancestors), (alloc::vec![250, 125, 125], 501));
    }
}
