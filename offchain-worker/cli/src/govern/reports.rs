//! Reports that wait for a decision.

use serde_json::json;
use weft_chain::{Client, spaces};
use weft_primitives::{AssetId, space::SpaceId};

use crate::{amount::Weft, failure::Failure, node::NodeArgs, output, space::named};

/// Most reports of one Space that are listed.
const MOST_OF_ONE: usize = 1_000;

/// What to list.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Most assets, and most Spaces, whose reports are listed.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
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
        let (assets, more_assets) = client.governance().reported_assets(self.limit.into()).await?;
        let (spaces, more_spaces) = client.governance().reported_spaces(self.limit.into()).await?;
        let (mut told, mut rows) = ((Vec::new(), Vec::new()), Vec::new());
        for asset in assets {
            for report in client.market().scrutiny(asset).await?.reports {
                rows.push(vec![
                    format!("asset {asset}"),
                    named(&report.why),
                    Weft(report.bond).to_string(),
                    report.since.to_string(),
                    report.who.to_string(),
                    report.evidence.to_string(),
                ]);
                told.0.push(of_asset(asset, &report)?);
            }
        }
        for space in spaces {
            for report in of_space(&client, space).await? {
                rows.push(vec![
                    format!("Space {space}"),
                    named(&report.why),
                    Weft(report.bond).to_string(),
                    report.reported_at.to_string(),
                    report.by.to_string(),
                    report.evidence.map_or("-".to_owned(), |evidence| evidence.to_string()),
                ]);
                told.1.push(report);
            }
        }
        let more = more_assets || more_spaces;
        if self.json {
            return output::json(&json!({ "assets": told.0, "spaces": told.1, "more": more }));
        }
        let head = ["WHAT", "WHY", "BOND", "SINCE BLOCK", "BY", "EVIDENCE"];
        output::table(&head, rows, "no reports")?;
        match more {
            true => output::line("more: raise --limit"),
            false => Ok(()),
        }
    }
}

/// The chain's view does not say of what it is a report.
fn of_asset(asset: AssetId, report: &impl serde::Serialize) -> Result<serde_json::Value, Failure> {
    let mut told = serde_json::to_value(report).map_err(|error| Failure::local("cannot write JSON", error))?;
    if let serde_json::Value::Object(told) = &mut told {
        told.insert("asset".to_owned(), asset.into());
    }
    Ok(told)
}

async fn of_space(client: &Client, space: SpaceId) -> Result<Vec<spaces::Report>, Failure> {
    let (mut reports, mut from) = (Vec::new(), Some(0));
    while let Some(start) = from {
        let page = client.spaces().reports(space, start).await?;
        reports.extend(page.items);
        // Whoever reports pays a bond; a Space with more reports than this needs no counting.
        from = page.next.filter(|_| reports.len() < MOST_OF_ONE);
    }
    Ok(reports)
}
