//! Showing a work.

use serde_json::json;
use weft_primitives::{AssetId, WorkId};

use super::{find::mean, tariff};
use crate::{amount::Weft, asset, failure::Failure, node::NodeArgs, output};

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The work, or one of its versions.
    asset: AssetId,
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
        let versions = market.versions(id, 0).await?;
        let ratings = market.ratings(id, 0).await?;
        let custody = client.custody().custody(asset.id).await?;
        if self.json {
            return output::json(&json!({
                "work": work,
                "asset": asset,
                "versions": versions.items,
                "lineage": lineage,
                "ratings": ratings.items,
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
        for version in &versions.items {
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
        output::pairs(lines)
    }
}
