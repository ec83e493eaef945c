//! What Spaces cost: amounts in a currency.

use weft_primitives::{Balance, Currency};

use crate::amount::{Weft, parse_weft};

/// An amount in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The currency.
    pub currency: Currency,
    /// How much of its smallest unit.
    pub amount: Balance,
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.currency {
            _ if self.amount == 0 => f.write_str("free"),
            Currency::Native => Weft(self.amount).fmt(f),
            Currency::Token(token) => write!(f, "{}@{token}", self.amount),
        }
    }
}

/// Reads a price on the command line.
pub fn parse_price(text: &str) -> Result<Price, String> {
    let Some((units, token)) = text.split_once('@') else {
        return parse_weft(text).map(|Weft(amount)| Price {
            currency: Currency::Native,
            amount,
        });
    };
    let wrong =
        || format!("`{text}` is no price: write WEFT, or smallest units and number of a token, such as 500000@7");
    Ok(Price {
        currency: Currency::Token(token.parse().map_err(|_| wrong())?),
        amount: units.parse().map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_and_written() {
        let native = |amount| Price {
            currency: Currency::Native,
            amount,
        };
        assert_eq!(parse_price("0"), Ok(native(0)));
        assert_eq!(parse_price("0.5"), Ok(native(500_000_000_000)));
        let token = Price {
            currency: Currency::Token(7),
            amount: 12,
        };
        assert_eq!(parse_price("12@7"), Ok(token));
        assert_eq!(parse_price(&token.to_string()), Ok(token));
        for bad in ["", "-1", "1@", "@7", "1.5@7", "1@x"] {
            assert!(parse_price(bad).is_err(), "{bad}");
        }
    }
}
