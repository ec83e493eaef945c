//! Words of the chain's JSON on the command line.

use weft_primitives::space::{Called, Category, Grievance};

use crate::amount::parse_percent;

/// Reads a word as it stands in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|_| format!("`{text}` is no {what}"))
}

/// Reads what a Space is for.
pub fn category(text: &str) -> Result<Category, String> {
    word(text, "category")
}

/// Reads what is wrong with a Space.
pub fn grievance(text: &str) -> Result<Grievance, String> {
    word(text, "reason")
}

/// Reads an asset with its share.
pub fn called(text: &str) -> Result<Called, String> {
    let (asset, share) = text.split_once('=').ok_or("write it as ASSET=PERCENT, such as 3=20%")?;
    Ok(Called {
        asset: asset
            .parse()
            .map_err(|_| format!("`{asset}` is no number of an asset"))?,
        share: parse_percent(share)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_primitives::{AssetId, Ppm};

    #[test]
    fn calls_and_words_are_read() {
        let share: Ppm = 200_000;
        let asset: AssetId = 3;
        assert_eq!(called("3=20%"), Ok(Called { asset, share }));
        assert!(called("3").is_err() && called("x=1%").is_err() && called("3=101%").is_err());
        assert_eq!(category("vision"), Ok(Category::Vision));
        assert_eq!(grievance("malware"), Ok(Grievance::Malware));
        assert!(category("Vision").is_err() && grievance("ugly").is_err());
    }
}
