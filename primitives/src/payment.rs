//! In what people pay, and the trait through which pallets move it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::price::Balance;

/// What a price is in. The index is part of the encoding: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub enum Currency {
    /// The chain's own token.
    #[default]
    #[codec(index = 0)]
    Native,
    /// A fungible asset of `pallet-assets`, by its number there, such as a stable one.
    #[codec(index = 1)]
    Token(u32),
}

/// Why nothing was paid. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpaid {
    /// The payer does not have so much of it, or would no longer exist.
    NotCovered,
    /// The payee cannot take it: the account does not exist and the amount would not bring it into existence, or it is
    /// blocked.
    CannotReceive,
}

/// Movement of money in every accepted currency. The runtime implements it over balances and assets.
pub trait Payments<AccountId> {
    /// Whether prices may be asked in it. The native token always is accepted; others by governance.
    fn is_accepted(currency: Currency) -> bool;

    /// Moves the whole amount or nothing. A payment of zero changes nothing and succeeds.
    fn pay(from: &AccountId, to: &AccountId, currency: Currency, amount: Balance) -> Result<(), Unpaid>;

    /// Gives `who` as much as payments of `amount` need, and accepts the currency. For benchmarks of pallets that pay.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_endow(who: &AccountId, currency: Currency, amount: Balance);

    /// The currency that is dearest to move. For benchmarks of pallets that pay.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_currency() -> Currency;
}
