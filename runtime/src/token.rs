//! The native token.

/// What wallets show.
pub const SYMBOL: &str = "WEFT";
/// Decimal places between the token and its smallest unit.
pub const DECIMALS: u8 = 12;
