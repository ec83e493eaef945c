//! What those who paid for a work say of it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{job::JobId, licence::LicenceId};

/// The most stars that one rating gives; the least is 1.
pub const MAX_STARS: u8 = 5;

/// Number of rating classes: unrated is 0, and the others are twice the mean, rounded down.
pub const CLASSES: u8 = 2 * MAX_STARS + 1;

/// What shows that somebody used a work and paid for it.
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
#[serde(rename_all = "snake_case")]
pub enum PaidUse {
    /// Their licence of the work, for which something was paid.
    #[codec(index = 0)]
    Licence(LicenceId),
    /// A job of theirs that a version of the work completed, and for which something was paid.
    #[codec(index = 1)]
    Job(JobId),
}

/// All ratings of a work together.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub struct Ratings {
    /// Stars of all ratings together.
    pub stars: u64,
    /// Number of ratings.
    pub count: u32,
}

impl Ratings {
    /// With one rating more.
    #[must_use]
    pub fn with(self, stars: u8) -> Self {
        Self {
            stars: self.stars.saturating_add(stars.into()),
            count: self.count.saturating_add(1),
        }
    }

    /// With one rating less.
    #[must_use]
    pub fn without(self, stars: u8) -> Self {
        Self {
            stars: self.stars.saturating_sub(stars.into()),
            count: self.count.saturating_sub(1),
        }
    }

    /// The mean in hundredths of a star, rounded down; 0 if there is no rating.
    pub fn mean_hundredths(self) -> u16 {
        let mean = self.stars.saturating_mul(100).checked_div(self.count.into());
        mean.and_then(|mean| u16::try_from(mean).ok()).unwrap_or(0)
    }

    /// The rating class, below [`CLASSES`]: twice the mean, rounded down.
    pub fn class(self) -> u8 {
        class_of(self.mean_hundredths())
    }
}

/// The rating class of a mean in hundredths of a star.
pub fn class_of(mean_hundredths: u16) -> u8 {
    u8::try_from(mean_hundredths / 50).map_or(CLASSES - 1, |class| class.min(CLASSES - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mean_lies_between_the_least_and_the_most(given in proptest::collection::vec(1..=MAX_STARS, 1..100)) {
            let all = given.iter().fold(Ratings::default(), |all, stars| all.with(*stars));
            let (least, most) = (given.iter().min().unwrap(), given.iter().max().unwrap());
            prop_assert!((u16::from(*least) * 100..=u16::from(*most) * 100).contains(&all.mean_hundredths()));
            prop_assert!((2 * least..=2 * most).contains(&all.class()));
            prop_assert!(all.class() < CLASSES);
            let none = given.iter().fold(all, |all, stars| all.without(*stars));
            prop_assert_eq!(none, Ratings::default());
            prop_assert_eq!((none.mean_hundredths(), none.class()), (0, 0));
        }
    }

    #[test]
    fn half_stars_make_classes() {
        let of = |given: &[u8]| given.iter().fold(Ratings::default(), |all, stars| all.with(*stars));
        assert_eq!((of(&[4, 5]).mean_hundredths(), of(&[4, 5]).class()), (450, 9));
        assert_eq!(of(&[4, 4, 5]).class(), 8);
        assert_eq!(of(&[5, 5]).class(), 10);
        assert_eq!(class_of(u16::MAX), 10);
    }
}
