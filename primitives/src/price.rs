//! Prices, and how a payment is split.
//!
//! An *ask* is what a provider wants for one generated (or embedded) token, in the smallest unit of the native token.
//! Asks within a quarter of each other are equals: they share a *price level*, and within a level
//! reputation and then chain randomness decide. That makes undercutting by one unit pointless.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// An amount in the smallest unit of the native token.
pub type Balance = u128;

/// Parts per million.
pub type Ppm = u32;

/// The whole, in parts per million.
pub const PPM: Ppm = 1_000_000;

/// `amount * ppm / 1_000_000`, rounded down, without overflow for any input with `ppm <= PPM`.
pub const fn share_of(amount: Balance, ppm: Ppm) -> Balance {
    let ppm = if ppm > PPM { PPM } else { ppm } as Balance;
    let whole = PPM as Balance;
    (amount / whole) * ppm + (amount % whole) * ppm / whole
}

/// Number of price levels.
pub const LEVELS: u16 = 256;

/// The level of an ask: four to an octave, linear within it, so level 0 holds asks of 0 and 1, and level 255 all from 2^63.75 up.
///
/// Monotone: a higher ask never has a lower level.
pub const fn level(ask_per_token: Balance) -> u8 {
    if ask_per_token < 2 {
        return 0;
    }
    let octave = 127 - ask_per_token.leading_zeros();
    if octave >= 64 {
        return u8::MAX;
    }
    // The two bits below the leading one: which quarter of the octave (linear within it).
    let quarter = if octave >= 2 {
        (ask_per_token >> (octave - 2)) & 0b11
    } else {
        (ask_per_token << (2 - octave)) & 0b11
    };
    (octave * 4) as u8 + quarter as u8
}

/// Who gets what of one settled job.
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
pub struct Split {
    /// The provider who computed.
    #[serde(with = "crate::json::amount")]
    pub provider: Balance,
    /// The creator of the model.
    #[serde(with = "crate::json::amount")]
    pub royalty: Balance,
    /// The treasury.
    #[serde(with = "crate::json::amount")]
    pub treasury: Balance,
    /// Back to the payer.
    #[serde(with = "crate::json::amount")]
    pub refund: Balance,
}

impl Split {
    /// The sum of all parts; always the escrow that was split.
    pub const fn total(&self) -> Balance {
        self.provider
            .saturating_add(self.royalty)
            .saturating_add(self.treasury)
            .saturating_add(self.refund)
    }
}

/// Splits an escrow for `used_tokens` at `ask_per_token`: the treasury takes its cut of the price, the creator a share of
/// what is left, the provider the rest; what the price leaves of the escrow goes back. Roundings fall to the provider.
pub fn split(escrow: Balance, ask_per_token: Balance, used_tokens: u32, royalty: Ppm, treasury_cut: Ppm) -> Split {
    let price = ask_per_token.saturating_mul(used_tokens.into()).min(escrow);
    let treasury = share_of(price, treasury_cut);
    let net = price - treasury;
    let royalty = share_of(net, royalty);
    Split {
        provider: net - royalty,
        royalty,
        treasury,
        refund: escrow - price,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_split_pays_out_the_escrow_to_the_last_unit(
            escrow: u128, ask: u128, tokens: u32, royalty in 0..=PPM, cut in 0..=PPM,
        ) {
            let s = split(escrow, ask, tokens, royalty, cut);
            prop_assert_eq!(s.provider.checked_add(s.royalty).and_then(|x| x.checked_add(s.treasury))
                .and_then(|x| x.checked_add(s.refund)), Some(escrow));
            prop_assert!(escrow - s.refund <= ask.saturating_mul(tokens.into()));
        }

        #[test]
        fn a_share_is_never_more_than_exact(amount in 0..u128::MAX / u128::from(PPM), ppm in 0..=PPM) {
            prop_assert_eq!(share_of(amount, ppm), amount * u128::from(ppm) / u128::from(PPM));
        }

        #[test]
        fn levels_are_monotone(a: u128, b: u128) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(level(low) <= level(high));
        }

        #[test]
        fn equals_are_within_a_quarter(a in 4u128..u64::MAX as u128, b in 4u128..u64::MAX as u128) {
            if level(a) == level(b) && level(a) < 255 {
                let (low, high) = (a.min(b), a.max(b));
                prop_assert!(high * 4 < low * 5, "{low} and {high} share a level");
            }
        }
    }

    #[test]
    fn levels_at_the_ends() {
        assert_eq!(level(0), 0);
        assert_eq!(level(1), 0);
        assert_eq!(level(2), 4);
        assert_eq!(level(3), 6);
        assert_eq!(level(4), 8);
        assert_eq!(level(u128::MAX), 255);
        assert_eq!(level(1 << 64), 255);
        assert_eq!(level(u64::MAX as u128), 255);
    }
}
