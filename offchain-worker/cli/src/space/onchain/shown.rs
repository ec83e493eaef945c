//! How what the chain says of Spaces is shown to people.

use weft_chain::spaces::Space;
use weft_primitives::space_view::SpaceStatus;

use super::price::Price;

/// The chain lets no name with control characters in.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As in JSON.
pub fn named(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().map(str::to_owned).unwrap_or_else(|| json.to_string())
}

/// The mean of its stars, and how many rated it.
pub fn rating(space: &Space) -> String {
    match space.ratings {
        0 => "none".to_owned(),
        count => format!("{:.2} ({count})", f64::from(space.mean_hundredths) / 100.0),
    }
}

/// Whether it can be bought.
pub fn status(space: &Space) -> String {
    match space.status {
        SpaceStatus::Listed => "listed".to_owned(),
        SpaceStatus::Retired => "retired".to_owned(),
        SpaceStatus::TakenDown { why } => format!("taken down: {}", named(&why)),
    }
}

/// What it costs.
pub fn price_of(space: &Space) -> Price {
    Price {
        currency: space.currency,
        amount: space.price,
    }
}
