//! Searching works.

use weft_chain::{AccountId, market::Work};
use weft_primitives::{
    AssetKind,
    discovery::{Order, Query},
};

use super::tariff;
use crate::{
    amount::{Weft, parse_weft},
    asset,
    failure::Failure,
    node::{NodeArgs, account},
    output,
};

/// See [`super::Command::Find`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only works of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only works with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only works of this account.
    #[arg(long, value_parser = account)]
    owner: Option<AccountId>,
    /// Only works that are free, or have a price in WEFT of at most this.
    #[arg(long, value_parser = parse_weft)]
    max_price: Option<Weft>,
    /// Only works with at least so many stars on average, such as 4.5.
    #[arg(long, value_parser = stars)]
    min_rating: Option<u16>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = OrderArg::Newest)]
    order: OrderArg,
    /// Most works to show.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Where to go on, from the `next` of an earlier search.
    #[arg(long, default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    TextModel,
    EmbeddingModel,
    ImageModel,
    Dataset,
}

impl From<Kind> for AssetKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::TextModel => Self::TextModel,
            Kind::EmbeddingModel => Self::EmbeddingModel,
            Kind::ImageModel => Self::ImageModel,
            Kind::Dataset => Self::Dataset,
        }
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OrderArg {
    Newest,
    Price,
    Rating,
}

impl From<OrderArg> for Order {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Newest => Self::Newest,
            OrderArg::Price => Self::Price,
            OrderArg::Rating => Self::Rating,
        }
    }
}

/// Reads stars into hundredths. For clap.
fn stars(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is not a rating: write stars from 0 to 5, such as 4.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 2 {
        return Err(wrong());
    }
    let hundredths: u16 = format!("{whole}{fraction:0<2}").parse().map_err(|_| wrong())?;
    (hundredths <= 500).then_some(hundredths).ok_or_else(wrong)
}

/// A mean in hundredths of a star, for people.
pub fn mean(ratings: u32, hundredths: u16) -> String {
    match ratings {
        0 => "-".to_owned(),
        _ => format!("{}.{:02} ({ratings})", hundredths / 100, hundredths % 100),
    }
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let query = Query {
            kind: self.kind.map(Into::into),
            tag: self.tag.map(String::into_bytes),
            owner: self.owner,
            max_price: self.max_price.map(|price| price.0),
            min_rating: self.min_rating,
            order: self.order.into(),
        };
        let mut works: Vec<Work> = Vec::new();
        let mut from = Some(self.from);
        while let Some(start) = from.filter(|_| works.len() < self.limit) {
            let page = client.market().search(&query, start).await?;
            works.extend(page.items);
            from = page.next;
        }
        if self.json {
            return output::json(&serde_json::json!({ "items": works, "next": from }));
        }
        output::table(
            &[
                "WORK", "NAME", "KIND", "LICENCE", "RATING", "VOUCHED", "REPORTS", "OWNER",
            ],
            works.iter().map(row).collect(),
            "nothing found",
        )?;
        match from {
            Some(next) => output::line(format_args!("more: --from {next}")),
            None => Ok(()),
        }
    }
}

fn row(work: &Work) -> Vec<String> {
    let licence = match work.tariffs.as_slice() {
        [] => "none needed".to_owned(),
        [only] => tariff::price(only),
        [first, more @ ..] => format!("{} (+{})", tariff::price(first), more.len()),
    };
    let reports = match (work.open_reports, work.upheld_reports) {
        (0, 0) => "-".to_owned(),
        (open, upheld) => format!("{upheld} upheld, {open} open"),
    };
    vec![
        work.id.to_string(),
        String::from_utf8_lossy(&work.name).into_owned(),
        asset::kind(work.kind).to_owned(),
        licence,
        mean(work.ratings, work.rating),
        work.attestations.to_string(),
        reports,
        work.owner.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_read_or_refused() {
        for (text, hundredths) in [("0", 0), ("4", 400), ("4.5", 450), ("3.05", 305), ("5.0", 500)] {
            assert_eq!(stars(text), Ok(hundredths));
        }
        for bad in ["", "x", "5.1", "6", "-1", "4.555", ".5", "1e1"] {
            assert!(stars(bad).is_err(), "{bad}");
        }
        assert_eq!(mean(0, 0), "-");
        assert_eq!(mean(2, 450), "4.50 (2)");
    }
}
