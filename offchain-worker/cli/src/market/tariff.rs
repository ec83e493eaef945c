//! Tariffs as people write them: `once:5`, `use:0.01`, `28800:3` (for 28,800 blocks), each with `@7` for token 7.

use weft_primitives::{
    licence::{Right, Tariff, Term},
    payment::Currency,
};

use crate::amount::{Weft, parse_weft};

/// Reads a tariff. For clap.
pub fn parse_tariff(text: &str) -> Result<Tariff, String> {
    let wrong = || {
        format!(
            "`{text}` is not a tariff: write once:PRICE, use:PRICE or BLOCKS:PRICE, such as once:5, and @TOKEN after a price in a token's smallest unit"
        )
    };
    let (term, price) = text.split_once(':').ok_or_else(wrong)?;
    let term = match term {
        "once" => Term::Once,
        "use" => Term::PerUse,
        blocks => Term::PerPeriod {
            blocks: blocks.parse().ok().filter(|blocks| *blocks > 0).ok_or_else(wrong)?,
        },
    };
    let (price, currency) = match price.split_once('@') {
        Some((price, token)) => (
            price.parse().map_err(|_| wrong())?,
            Currency::Token(token.parse().map_err(|_| wrong())?),
        ),
        None => (parse_weft(price)?.0, Currency::Native),
    };
    Ok(Tariff { term, currency, price })
}

/// As it is read.
pub fn written(tariff: &Tariff) -> String {
    let term = match tariff.term {
        Term::Once => "once".to_owned(),
        Term::PerUse => "use".to_owned(),
        Term::PerPeriod { blocks } => blocks.to_string(),
    };
    match tariff.currency {
        Currency::Native => format!("{term}:{}", Weft(tariff.price).to_string().trim_end_matches(" WEFT")),
        Currency::Token(token) => format!("{term}:{}@{token}", tariff.price),
    }
}

/// What a tariff costs, for people.
pub fn price(tariff: &Tariff) -> String {
    let amount = match tariff.currency {
        Currency::Native => Weft(tariff.price).to_string(),
        Currency::Token(token) => format!("{} of token {token}", tariff.price),
    };
    match tariff.term {
        Term::Once => format!("{amount} once"),
        Term::PerUse => format!("{amount} a use"),
        Term::PerPeriod { blocks } => format!("{amount} for {blocks} blocks"),
    }
}

/// What a licence allows, for people.
pub fn right(right: Right) -> String {
    match right {
        Right::Forever => "without end".to_owned(),
        Right::Uses { left: 1 } => "1 use left".to_owned(),
        Right::Uses { left } => format!("{left} uses left"),
        Right::Until { block } => format!("until block {block}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(price: u128, blocks in 1u32.., token: u32, which in 0..3, native: bool) {
            let term = match which {
                0 => Term::Once,
                1 => Term::PerUse,
                _ => Term::PerPeriod { blocks },
            };
            let currency = if native { Currency::Native } else { Currency::Token(token) };
            let tariff = Tariff { term, currency, price };
            prop_assert_eq!(parse_tariff(&written(&tariff)), Ok(tariff));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            let _ = parse_tariff(&text);
        }
    }

    #[test]
    fn what_is_no_tariff_says_what_one_looks_like() {
        for bad in [
            "", "5", "once", "once:", "0:5", "-1:5", "once:5@", "once:5@x", "day:5", "use:x",
        ] {
            assert!(parse_tariff(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_tariff("once:5").map(|tariff| tariff.price), Ok(5_000_000_000_000));
    }
}
