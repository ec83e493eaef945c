//! Spaces: apps in the store, what they call, and how what they earn is shared. Their ratings are added up as those of
//! works are ([`rating`](crate::rating)).

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetId,
    job::JobId,
    price::{Balance, PPM, Ppm, share_of},
};

/// Number of a Space, given in the order of publication, never reused.
pub type SpaceId = u64;

/// Number of a release of a Space: 0 is what was published first.
pub type ReleaseNumber = u32;

/// Most assets that a Space calls.
pub const MAX_CALLS: u32 = 8;

/// Most Spaces that are featured at a time.
pub const MAX_FEATURED: u32 = 32;

/// What a Space is for. The index is part of the encoding: new categories go at the end.
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
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Talks.
    Chat,
    /// Finds.
    Search,
    /// Looks at images.
    Vision,
    /// Writes and edits text.
    Writing,
    /// Writes and reads programs.
    Code,
    /// Works on data.
    Data,
    /// Is played.
    Games,
    /// Helps with other work.
    Tools,
    /// Anything else.
    Other,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 9] = [
        Self::Chat,
        Self::Search,
        Self::Vision,
        Self::Writing,
        Self::Code,
        Self::Data,
        Self::Games,
        Self::Tools,
        Self::Other,
    ];
}

/// An asset that a Space calls, with its part of what the Space earns.
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
pub struct Called {
    /// The asset.
    pub asset: AssetId,
    /// Its share of the Space's price, in parts per million; divided up the asset's lineage.
    pub share: Ppm,
}

/// Why a Space cannot call these assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCalls {
    /// The shares are more than the whole.
    SharesExceedWhole,
    /// An asset is named twice: add its shares up.
    NamedTwice,
}

/// Whether a Space can call these assets, existing or not.
pub fn check_calls(calls: &[Called]) -> Result<(), InvalidCalls> {
    let shares: u64 = calls.iter().map(|called| u64::from(called.share)).sum();
    if shares > u64::from(PPM) {
        return Err(InvalidCalls::SharesExceedWhole);
    }
    for (nth, called) in calls.iter().enumerate() {
        if calls.iter().take(nth).any(|earlier| earlier.asset == called.asset) {
            return Err(InvalidCalls::NamedTwice);
        }
    }
    Ok(())
}

/// What each called asset gets of a price, rounded down, and what is left for the owner. The sum is `price` to the last
/// unit.
pub fn divide_price(price: Balance, calls: &[Called]) -> (Vec<Balance>, Balance) {
    let mut rest = price;
    let shares = calls
        .iter()
        .map(|called| {
            let share = share_of(price, called.share).min(rest);
            rest = rest.saturating_sub(share);
            share
        })
        .collect();
    (shares, rest)
}

/// What shows that somebody used a Space and paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum PaidUse {
    /// They bought it.
    #[codec(index = 0)]
    Bought,
    /// They paid for this job, which was completed by an asset that the Space calls, and posted since it calls it. Only
    /// for a Space that costs nothing.
    #[codec(index = 1)]
    Job(JobId),
}

/// Why a Space is reported or taken down. The index is part of the encoding: new reasons go at the end.
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
#[serde(rename_all = "snake_case")]
pub enum Grievance {
    /// It harms the device or steals from its user.
    Malware,
    /// It does not do what it says, or says it is somebody else's.
    Fraud,
    /// It has what belongs to others.
    Copyright,
    /// It is against the law.
    Illegal,
    /// It does not start, or its bundle is not to be had.
    Broken,
    /// Something else; the evidence says what.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn calls(shares: &[Ppm]) -> Vec<Called> {
        shares
            .iter()
            .zip(0..)
            .map(|(share, asset)| Called { asset, share: *share })
            .collect()
    }

    proptest! {
        #[test]
        fn a_price_is_divided_to_the_last_unit(price: Balance, shares in proptest::collection::vec(0..=PPM, 0..8)) {
            let calls = calls(&shares);
            let (parts, rest) = divide_price(price, &calls);
            prop_assert_eq!(parts.len(), calls.len());
            let sum = parts.iter().try_fold(rest, |sum, part| sum.checked_add(*part));
            prop_assert_eq!(sum, Some(price));
            if check_calls(&calls).is_ok() {
                for (part, called) in parts.iter().zip(&calls) {
                    prop_assert_eq!(*part, share_of(price, called.share));
                }
            }
        }
    }

    #[test]
    fn shares_above_the_whole_and_assets_named_twice_are_refused() {
        assert_eq!(check_calls(&calls(&[PPM])), Ok(()));
        assert_eq!(check_calls(&calls(&[PPM, 1])), Err(InvalidCalls::SharesExceedWhole));
        assert_eq!(
            check_calls(&calls(&[u32::MAX; 8])),
            Err(InvalidCalls::SharesExceedWhole)
        );
        let twice = vec![Called { asset: 3, share: 1 }; 2];
        assert_eq!(check_calls(&twice), Err(InvalidCalls::NamedTwice));
    }

    #[test]
    fn categories_are_numbered_as_listed() {
        for (nth, category) in Category::ALL.iter().enumerate() {
            assert_eq!(category.encode(), [nth as u8]);
        }
    }
}
