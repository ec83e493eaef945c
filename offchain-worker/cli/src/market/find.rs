//! Searching works.

use weft_chain::{AccountId, ChainError, market::Work, tokens::TokenId};
use weft_primitives::{
    AssetKind, Balance,
    discovery::{Order, Query},
    page::{MAX_PAGE, Page},
    payment::Currency,
};

use super::tariff;
use crate::{
    amount::parse_weft,
    asset,
    failure::Failure,
    node::{NodeArgs, account},
    output,
};

/// Most pages that one search asks for: the chain looks at a hundred works for each, however few it finds.
const MAX_PAGES: usize = 100;

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
    /// Only works that are free, or have a price in WEFT of at most this. With --currency: a price of at most this in its
    /// smallest unit.
    #[arg(long, value_name = "PRICE")]
    max_price: Option<String>,
    /// Only works that have a price in this token. --order price then sorts what one search looks at, 10,000 works at most.
    #[arg(long, value_name = "TOKEN")]
    currency: Option<TokenId>,
    /// Only works with at least so many stars on average, such as 4.5.
    #[arg(long, value_parser = stars)]
    min_rating: Option<u16>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = OrderArg::Newest)]
    order: OrderArg,
    /// Most works to show.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
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
        let max_price = self.max_price.as_deref().map(|text| self.price(text)).transpose()?;
        let query = Query {
            kind: self.kind.map(Into::into),
            tag: self.tag.clone().map(String::into_bytes),
            owner: self.owner,
            // The chain knows prices in its own token alone.
            max_price: max_price.filter(|_| self.currency.is_none()),
            min_rating: self.min_rating,
            order: match (self.currency, self.order) {
                (Some(_), OrderArg::Price) => Order::Newest,
                (_, order) => order.into(),
            },
        };
        let client = self.node.connect().await?;
        let market = client.market();
        let found = match self.currency {
            None => {
                let ask = |from, limit| market.search(&query, from, limit);
                gather(self.from, self.limit as usize, |_| true, ask).await?
            }
            Some(token) => {
                let wanted =
                    |work: &Work| least_in(token, work).is_some_and(|least| max_price.is_none_or(|most| least <= most));
                let ask = |from, limit| market.search(&query, from, limit);
                match self.order {
                    // All that can be, as any of them may be the cheapest.
                    OrderArg::Price => {
                        let mut found = gather(self.from, usize::MAX, wanted, ask).await?;
                        found.items.sort_by_key(|work| least_in(token, work));
                        found.items.truncate(self.limit as usize);
                        found
                    }
                    _ => gather(self.from, self.limit as usize, wanted, ask).await?,
                }
            }
        };
        if self.json {
            return output::json(&found);
        }
        output::table(
            &[
                "WORK", "NAME", "KIND", "LICENCE", "RATING", "VOUCHED", "REPORTS", "OWNER",
            ],
            found.items.iter().map(row).collect(),
            "nothing found",
        )?;
        match found.next {
            Some(next) => output::line(format_args!("more: --from {next}")),
            None => Ok(()),
        }
    }

    fn price(&self, text: &str) -> Result<Balance, Failure> {
        let wrong = |why: String| Failure::Usage(format!("--max-price: {why}"));
        match self.currency {
            None => parse_weft(text).map(|price| price.0).map_err(wrong),
            Some(token) => text.parse().map_err(|_| {
                wrong(format!(
                    "`{text}` is not an amount of token {token}: write a whole number of its smallest unit"
                ))
            }),
        }
    }
}

/// The least price of a work in a token; `None` if it has none.
fn least_in(token: TokenId, work: &Work) -> Option<Balance> {
    let of_token = work
        .tariffs
        .iter()
        .filter(|tariff| tariff.currency == Currency::Token(token));
    of_token.map(|tariff| tariff.price).min()
}

/// Asks for pages until there are `limit` items that are `wanted`, or no more, or so many pages were asked for. Where to go on is
/// exact: after the last item that is given.
async fn gather<Item, Asked>(
    from: u64,
    limit: usize,
    wanted: impl Fn(&Item) -> bool,
    ask: impl Fn(u64, u32) -> Asked,
) -> Result<Page<Item>, ChainError>
where
    Asked: Future<Output = Result<Page<Item>, ChainError>>,
{
    let mut found = Page {
        items: Vec::new(),
        next: Some(from),
    };
    for _ in 0..MAX_PAGES {
        let missing = limit.saturating_sub(found.items.len());
        let Some(start) = found.next.filter(|_| missing > 0) else {
            break;
        };
        let page = ask(start, u32::try_from(missing).unwrap_or(MAX_PAGE).min(MAX_PAGE)).await?;
        found.items.extend(page.items.into_iter().filter(&wanted));
        found.next = page.next;
    }
    Ok(found)
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

    /// Items 0 to `end`, of which a page looks at ten and shows those that `found` says.
    async fn page(end: u64, found: fn(u64) -> bool, from: u64, limit: u32) -> Result<Page<u64>, ChainError> {
        let mut items = Vec::new();
        for at in from..end.min(from + 10) {
            if items.len() as u32 == limit {
                return Ok(Page { items, next: Some(at) });
            }
            items.extend(Some(at).filter(|at| found(*at)));
        }
        let next = from + 10;
        Ok(Page {
            items,
            next: (next < end).then_some(next),
        })
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn no_more_is_gathered_than_asked_for_and_nothing_is_lost() {
        for limit in [1, 3, 7, 10, 25, 100] {
            let (mut from, mut all) = (Some(0), Vec::new());
            while let Some(start) = from {
                let ask = |from, limit| page(45, |at| at % 2 == 0, from, limit);
                let found = run(gather(start, limit, |at| at % 3 == 0, ask)).unwrap();
                assert!(found.items.len() <= limit);
                all.extend(found.items);
                from = found.next;
            }
            assert_eq!(all, (0..45).step_by(6).collect::<Vec<_>>(), "{limit} at a time");
        }
    }

    #[test]
    fn a_search_that_finds_nothing_ends_and_says_where_to_go_on() {
        let ask = |from, limit| page(u64::MAX - 10, |_| false, from, limit);
        let found = run(gather(7, 5, |_| true, ask)).unwrap();
        assert!(found.items.is_empty());
        assert_eq!(found.next, Some(7 + 10 * MAX_PAGES as u64));
    }
}
