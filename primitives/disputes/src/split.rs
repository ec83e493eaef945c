//! What a dispute costs whom.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Amounts are in the smallest unit.
pub type Balance = u128;

/// Where the loser's money goes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Split {
    /// To the winner.
    pub winner: Balance,
    /// To the treasury.
    pub treasury: Balance,
}

/// Divides what the loser loses: `share` parts of a million to the winner, rounded down, the rest to the treasury.
///
/// A share of less than half makes it dear to lose against oneself, whoever of the two one is: what comes back is less than what
/// stays away.
pub fn split(lost: Balance, share: u32) -> Split {
    let share = Balance::from(share.min(1_000_000));
    // Of large amounts first the millions, so that nothing overflows.
    let (whole, rest) = (lost / 1_000_000, lost % 1_000_000);
    let winner = whole
        .saturating_mul(share)
        .saturating_add(rest.saturating_mul(share) / 1_000_000);
    Split {
        winner,
        treasury: lost.saturating_sub(winner),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_appears_or_vanishes_and_the_winner_never_gets_more_than_the_share(lost in any::<u128>(), share in 0u32..2_000_000) {
            let split = split(lost, share);
            prop_assert_eq!(split.winner.checked_add(split.treasury), Some(lost));
            if let Some(most) = lost.checked_mul(u128::from(share.min(1_000_000))) {
                prop_assert_eq!(split.winner, most / 1_000_000);
            }
        }
    }
}
