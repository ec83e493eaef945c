//! Showing a work.

use serde_json::json;
use weft_chain::ChainError;
use weft_primitives::{AssetId, WorkId, page::Page};

use super::{find::mean, tariff};
use crate::{amount::Weft, asset, failure::Failure, node::NodeArgs, output};

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The work, or one of its versions.
    asset: AssetId,
    /// Most versions, and most ratings, to show.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let id: WorkId = asset.work;
        let gone = || Failure::NotFound(format!("there is no work {id}"));
        let market = client.market();
        let work = market.work(id).await?.ok_or_else(gone)?;
        let lineage = market.lineage(asset.id).await?.ok_or_else(gone)?;
        let scrutiny = market.scrutiny(asset.id).await?;
        let limit = self.limit as usize;
        let versions = up_to(limit, |from| market.versions(id, from)).await?;
        let ratings = up_to(limit, |from| market.ratings(id, from)).await?;
        let custody = client.custody().custody(asset.id).await?;
        if self.json {
            return output::json(&json!({
                "work": work,
                "asset": asset,
                "versions": versions,
                "lineage": lineage,
                "ratings": ratings,
                "scrutiny": scrutiny,
                "custody": custody,
            }));
        }
        let mut lines = vec![
            ("work", id.to_string()),
            ("asset", format!("{} (version {})", asset.id, asset.version)),
            ("name", asset::name(&asset)),
            ("kind", asset::kind(asset.kind).to_owned()),
            ("owner", work.owner.to_string()),
            ("status", if asset.listed { "listed" } else { "retired" }.to_owned()),
            ("rating", mean(work.ratings, work.rating)),
        ];
        if !work.tags.is_empty() {
            let tags: Vec<_> = work.tags.iter().map(|tag| String::from_utf8_lossy(tag)).collect();
            lines.push(("tags", tags.join(", ")));
        }
        if work.tariffs.is_empty() {
            lines.push(("licence", "none needed".to_owned()));
        }
        for offered in &work.tariffs {
            lines.push((
                "licence",
                format!("{} (--tariff {})", tariff::price(offered), tariff::written(offered)),
            ));
        }
        lines.push((
            "key",
            match &custody {
                Some(custody) => format!(
                    "with {} custodians, of whom {} release it",
                    custody.custodians, custody.threshold
                ),
                None => "with the owner alone".to_owned(),
            },
        ));
        if let Some(records) = asset.records {
            lines.push((
                "records",
                format!(
                    "{} under {}, schema {}",
                    records.count,
                    hex::encode(records.root),
                    records.schema
                ),
            ));
        }
        for version in &versions {
            lines.push((
                "version",
                format!(
                    "{}: asset {}, {}{}",
                    version.version,
                    version.id,
                    asset::name(version),
                    if version.listed { "" } else { " (retired)" }
                ),
            ));
        }
        lines.extend(more("version", versions.len(), work.versions));
        for origin in &lineage.origins {
            let records = origin.records.map_or(String::new(), |records| {
                format!(", {} records under {}", records.count, hex::encode(records.root))
            });
            let flawed = match origin.upheld_reports {
                0 => String::new(),
                upheld => format!(", {upheld} reports upheld"),
            };
            lines.push((
                "made from",
                format!(
                    "asset {} ({}, {}), {} away{records}{flawed}",
                    origin.asset,
                    String::from_utf8_lossy(&origin.name),
                    asset::kind(origin.kind),
                    origin.distance
                ),
            ));
        }
        for payee in &lineage.payees {
            lines.push((
                "shares with",
                format!(
                    "work {}: {}% of each payment to {}",
                    payee.work,
                    f64::from(payee.parts) / 1e7,
                    payee.owner
                ),
            ));
        }
        for rating in &ratings {
            let review = rating.review.map_or(String::new(), |review| format!(": {review}"));
            lines.push(("rated", format!("{} of 5 by {}{review}", rating.stars, rating.who)));
        }
        lines.extend(more("rated", ratings.len(), work.ratings));
        for attestation in &scrutiny.attestations {
            lines.push((
                "vouched for",
                format!(
                    "by {} with {}: {}",
                    attestation.who,
                    Weft(attestation.stake),
                    attestation.report
                ),
            ));
        }
        for report in &scrutiny.reports {
            lines.push((
                "reported",
                format!("{:?} by {}: {} (undecided)", report.why, report.who, report.evidence),
            ));
        }
        if scrutiny.upheld_reports > 0 {
            lines.push(("upheld", format!("{} reports", scrutiny.upheld_reports)));
        }
        let texts = scrutiny.attestations.len() + scrutiny.reports.len();
        if texts > 0 || ratings.iter().any(|rating| rating.review.is_some()) {
            lines.push(("texts", format!("weft market read CID --asset {}", asset.id)));
        }
        output::pairs(lines)
    }
}

/// The first `limit` items of all pages.
async fn up_to<Item, Asked>(limit: usize, ask: impl Fn(u64) -> Asked) -> Result<Vec<Item>, ChainError>
where
    Asked: Future<Output = Result<Page<Item>, ChainError>>,
{
    let (mut items, mut from) = (Vec::new(), Some(0));
    while let Some(start) = from.filter(|_| items.len() < limit) {
        let page = ask(start).await?;
        items.extend(page.items);
        from = page.next;
    }
    items.truncate(limit);
    Ok(items)
}

/// What is said of those that are not shown.
fn more(label: &'static str, shown: usize, all: u32) -> Option<(&'static str, String)> {
    let left = (all as usize).saturating_sub(shown);
    (left > 0).then(|| (label, format!("and {left} more: raise --limit")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_until_there_are_enough() {
        let ask = |from| async move { Ok(Page::of_dense(from, 10, 25, Some)) };
        let run = |limit| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(up_to(limit, ask)).unwrap()
        };
        for limit in [1, 9, 10, 11, 25, 100] {
            assert_eq!(run(limit), (0..25).take(limit).collect::<Vec<u64>>());
        }
        assert_eq!(more("rated", 20, 20), None);
        assert!(more("rated", 20, 23).unwrap().1.contains("3 more"));
    }
}
