//! Reputation: what a provider's settled jobs say about the next one.
//!
//! The expectation of a Beta distribution over kept and broken promises, where old evidence decays so that a provider
//! is judged by what they did lately (Jøsang and Ismail, "The Beta Reputation System", 2002, with forgetting factor).
//! Counts are fixed-point integers, so that every node computes the same bits.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One promise, in the fixed-point unit of the counts.
const ONE: u32 = 1 << 16;

/// Each new outcome multiplies the old counts by 31/32: the memory is about the last 32 jobs.
const KEEP_NUMERATOR: u64 = 31;
const KEEP_DENOMINATOR: u64 = 32;

/// Number of reputation classes; a higher class is matched first among equal prices.
pub const CLASSES: u16 = 4;

/// How an assignment ended, as far as the provider answers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Outcome {
    /// The result was committed in time.
    Kept,
    /// The provider gave the job back with a reason.
    Declined,
    /// The deadline passed in silence.
    Missed,
    /// The job ended through no act of the provider's.
    Blameless,
    /// A result was shown to be wrong.
    Refuted,
}

/// Decayed counts of kept and broken promises.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Reputation {
    kept: u32,
    broken: u32,
}

impl Reputation {
    /// The reputation after one more outcome. A decline costs half of what silence costs.
    #[must_use]
    pub fn after(self, outcome: Outcome) -> Self {
        let (kept, broken) = match outcome {
            Outcome::Kept => (ONE, 0),
            Outcome::Declined => (0, ONE / 2),
            Outcome::Missed => (0, ONE),
            Outcome::Blameless => return self,
            // Of whoever lied once, nothing good that was done before says that it will not happen again.
            Outcome::Refuted => {
                return Self {
                    kept: 0,
                    broken: 32 * ONE,
                };
            }
        };
        let decay = |count: u32| (u64::from(count) * KEEP_NUMERATOR / KEEP_DENOMINATOR) as u32;
        Self {
            kept: decay(self.kept).saturating_add(kept),
            broken: decay(self.broken).saturating_add(broken),
        }
    }

    /// The expected share of promises kept, in parts per million, with one imagined promise of each kind as prior: a
    /// newcomer stands at a half.
    pub fn score_ppm(self) -> u32 {
        let kept = u64::from(self.kept) + u64::from(ONE);
        let all = kept + u64::from(self.broken) + u64::from(ONE);
        (kept * 1_000_000 / all) as u32
    }

    /// The class that matching sees, `0..CLASSES`: below 40%, below 70%, below 90%, and above.
    pub fn class(self) -> u8 {
        match self.score_ppm() {
            ..400_000 => 0,
            400_000..700_000 => 1,
            700_000..900_000 => 2,
            _ => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Kept),
            Just(Outcome::Declined),
            Just(Outcome::Missed),
            Just(Outcome::Blameless),
            Just(Outcome::Refuted)
        ]
    }

    proptest! {
        #[test]
        fn counts_stay_bounded_and_the_score_in_range(history in proptest::collection::vec(outcome(), 0..500)) {
            let r = history.into_iter().fold(Reputation::default(), Reputation::after);
            // The geometric series 1 + 31/32 + (31/32)^2 + ... is 32.
            prop_assert!(r.kept <= 32 * ONE && r.broken <= 32 * ONE);
            prop_assert!(r.score_ppm() <= 1_000_000);
            prop_assert!(u16::from(r.class()) < CLASSES);
        }

        #[test]
        fn keeping_helps_and_breaking_hurts(history in proptest::collection::vec(outcome(), 0..100)) {
            let r = history.into_iter().fold(Reputation::default(), Reputation::after);
            prop_assert!(r.after(Outcome::Missed).score_ppm() <= r.after(Outcome::Declined).score_ppm());
            prop_assert!(r.after(Outcome::Declined).score_ppm() <= r.score_ppm() + 20_000);
            prop_assert!(r.after(Outcome::Kept).score_ppm() >= r.after(Outcome::Declined).score_ppm());
            prop_assert_eq!(r.after(Outcome::Blameless), r);
            prop_assert_eq!(r.after(Outcome::Refuted).class(), 0);
            prop_assert!(r.after(Outcome::Refuted).score_ppm() <= r.after(Outcome::Missed).score_ppm());
        }
    }

    #[test]
    fn a_newcomer_is_average_and_a_steady_one_rises() {
        let newcomer = Reputation::default();
        assert_eq!((newcomer.score_ppm(), newcomer.class()), (500_000, 1));
        let steady = (0..40).fold(newcomer, |r, _| r.after(Outcome::Kept));
        assert_eq!(steady.class(), 3);
        let fallen = (0..20).fold(steady, |r, _| r.after(Outcome::Missed));
        assert!(fallen.class() <= 1);
    }
}
