//! The pieces of a sealed file, and which of them a pinner has to show.
//!
//! A file is cut into pieces of [`PIECE_BYTES`], the last one shorter; a Merkle root commits to them. Once in every
//! epoch each pinner of a file is asked for one piece that nobody could foresee. Who keeps a share `s` of a file
//! answers a share `s` of the challenges, so what is missing shows in a few epochs.

use blake2::{Blake2b, Digest, digest::consts::U32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Bytes of each piece but the last.
pub const PIECE_BYTES: u32 = 1_024;

/// Most siblings in a proof: no file has more than 2^64 bytes, so none more than 2^54 pieces.
pub const MAX_SIBLINGS: u32 = 54;

/// Most places in one deal.
pub const MAX_PLACES: u32 = 16;

/// Number of a deal about storage, given in the order in which they were opened, never reused.
pub type PinDealId = u64;

/// Number of an epoch: that of its blocks divided by their number in one.
pub type Epoch = u32;

/// Pieces of a file.
pub const fn piece_count(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(PIECE_BYTES as u64)
}

/// Bytes of piece `index`; `None` if there is no such piece.
pub const fn piece_length(size_bytes: u64, index: u64) -> Option<u32> {
    let Some(before) = index.checked_mul(PIECE_BYTES as u64) else {
        return None;
    };
    let Some(left) = size_bytes.checked_sub(before) else {
        return None;
    };
    match left {
        0 => None,
        _ if left < PIECE_BYTES as u64 => Some(left as u32),
        _ => Some(PIECE_BYTES),
    }
}

/// The piece of `count` that `pinner` has to show for `deal` in `epoch`, drawn by the epoch's seed; `None` of no
/// pieces.
///
/// Each pinner is asked for a piece of its own, so that they cannot answer for each other. 128 bits are reduced to at
/// most 2^54 pieces: none is likelier than another by more than 2^-74 of its chance.
pub fn challenged<AccountId: Encode>(
    seed: &[u8; 32],
    deal: PinDealId,
    pinner: &AccountId,
    epoch: Epoch,
    count: u64,
) -> Option<u64> {
    let drawn: [u8; 32] = Blake2b::<U32>::digest((b"weft/pin-challenge/v1", seed, deal, pinner, epoch).encode()).into();
    let (half, _) = drawn.split_first_chunk::<16>()?;
    let piece = u128::from_le_bytes(*half).checked_rem(count.into())?;
    u64::try_from(piece).ok()
}

/// Whether a pinner has kept what was promised.
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
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// No proof is missing.
    UpToDate,
    /// The proofs of the latest epochs are missing; the next proof makes up for them.
    Behind {
        /// How many.
        missed: u32,
    },
    /// Too many in a row are missing: anyone may evict the pinner.
    Lapsed {
        /// How many.
        missed: u32,
    },
}

/// The standing in epoch `now` of who has proved up to and with epoch `kept_until` (or joined in it), if proofs are
/// owed up to and with epoch `last` and `max_missed` in a row end it. The epoch that runs is not missed yet.
pub const fn standing(kept_until: Epoch, now: Epoch, last: Epoch, max_missed: u32) -> Standing {
    let over = now.saturating_sub(1);
    let owed_until = if over < last { over } else { last };
    match owed_until.saturating_sub(kept_until) {
        0 => Standing::UpToDate,
        missed if missed < max_missed => Standing::Behind { missed },
        missed => Standing::Lapsed { missed },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_add_up_to_the_file(size_bytes in 0u64..100_000) {
            let count = piece_count(size_bytes);
            let lengths: Vec<u32> = (0..count).map_while(|index| piece_length(size_bytes, index)).collect();
            prop_assert_eq!(lengths.len() as u64, count);
            prop_assert_eq!(lengths.iter().map(|length| u64::from(*length)).sum::<u64>(), size_bytes);
            prop_assert!(lengths.iter().rev().skip(1).all(|length| *length == PIECE_BYTES));
        }

        #[test]
        fn any_size_and_piece_has_an_answer(size_bytes: u64, index: u64) {
            let length = piece_length(size_bytes, index);
            prop_assert_eq!(length.is_some(), index < piece_count(size_bytes));
            prop_assert!(length.is_none_or(|length| (1..=PIECE_BYTES).contains(&length)));
            prop_assert!(piece_count(size_bytes) <= 1 << MAX_SIBLINGS);
        }

        #[test]
        fn a_challenge_is_for_a_piece_that_there_is(seed: [u8; 32], deal: u64, who: u64, epoch: u32, count: u64) {
            let piece = challenged(&seed, deal, &who, epoch, count);
            prop_assert_eq!(piece.is_some(), count > 0);
            prop_assert!(piece.is_none_or(|piece| piece < count));
        }

        #[test]
        fn what_is_missed_is_what_is_over_and_not_proved(
            kept_until in 0u32..40, ahead in 0u32..40, last in 0u32..60, max_missed in 1u32..6,
        ) {
            let now = kept_until + ahead;
            let missed = (kept_until + 1..now).filter(|epoch| *epoch <= last).count() as u32;
            let expected = match missed {
                0 => Standing::UpToDate,
                missed if missed < max_missed => Standing::Behind { missed },
                missed => Standing::Lapsed { missed },
            };
            prop_assert_eq!(standing(kept_until, now, last, max_missed), expected);
        }
    }

    #[test]
    fn challenges_fall_on_all_pieces_alike() {
        const PIECES: usize = 8;
        const DRAWS: u32 = 8_000;
        let mut hits = vec![0u32; PIECES];
        for draw in 0..DRAWS {
            let piece = challenged(
                &[7; 32],
                u64::from(draw % 10),
                &u64::from(draw % 7),
                draw,
                PIECES as u64,
            );
            hits[piece.unwrap() as usize] += 1;
        }
        // Five standard deviations of a fair draw around the mean of 1,000.
        for hit in &hits {
            assert!(hit.abs_diff(1_000) < 150, "{hits:?}");
        }
    }

    #[test]
    fn each_pinner_deal_and_epoch_has_a_challenge_of_its_own() {
        let draw = |seed: u8, deal, who: u64, epoch| challenged(&[seed; 32], deal, &who, epoch, u64::MAX);
        let one = draw(1, 1, 1, 1);
        assert_eq!(one, draw(1, 1, 1, 1));
        for other in [draw(2, 1, 1, 1), draw(1, 2, 1, 1), draw(1, 1, 2, 1), draw(1, 1, 1, 2)] {
            assert_ne!(one, other);
        }
    }
}
