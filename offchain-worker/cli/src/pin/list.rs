//! `weft pin ls`: deals, or what an account keeps.

use serde::Serialize;
use weft_chain::{
    AccountId, Client,
    pins::{Pin, PinDeal},
};
use weft_primitives::{AssetId, page::Page, pieces::Standing};

use crate::{
    amount::Weft,
    failure::Failure,
    node::{NodeArgs, account},
    output,
};

/// What is listed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What this account keeps, also of deals that are over.
    #[arg(long, value_parser = account, conflicts_with = "asset")]
    pinner: Option<AccountId>,
    /// Only deals about this asset.
    #[arg(long)]
    asset: Option<AssetId>,
    /// Where to go on, as the last answer said.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
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
        match self.pinner {
            Some(pinner) => {
                let pins = self
                    .collect(async |from| client.pins().pins_of(pinner, from).await)
                    .await?;
                self.print(
                    &pins,
                    &["DEAL", "STANDING", "PROOFS", "EARNED", "BOND"],
                    row_of_pin,
                    "nothing is pinned",
                )
            }
            None => {
                let deals = self.collect(async |from| self.deals(&client, from).await).await?;
                self.print(
                    &deals,
                    &["DEAL", "ASSET", "SIZE", "REWARD", "PLACES", "EPOCHS"],
                    row_of_deal,
                    "no deals",
                )
            }
        }
    }

    async fn deals(&self, client: &Client, from: u64) -> Result<Page<PinDeal>, weft_chain::ChainError> {
        match self.asset {
            Some(asset) => client.pins().deals_about(asset, from).await,
            None => client.pins().deals(from).await,
        }
    }

    /// Pages one after the other, until there is enough.
    async fn collect<T>(
        &self,
        page: impl AsyncFn(u64) -> Result<Page<T>, weft_chain::ChainError>,
    ) -> Result<Page<T>, Failure> {
        let limit = self.limit as usize;
        let mut all = Page {
            items: Vec::new(),
            next: Some(self.from),
        };
        while let Some(start) = all.next.filter(|_| all.items.len() < limit) {
            let page = page(start).await?;
            let room = limit - all.items.len();
            // Both lists are dense: what is cut off begins so many places after the page does.
            all.next = if page.items.len() > room {
                Some(start.saturating_add(room as u64))
            } else {
                page.next
            };
            all.items.extend(page.items.into_iter().take(room));
        }
        Ok(all)
    }

    fn print<T: Serialize>(
        &self,
        page: &Page<T>,
        heads: &[&str],
        row: fn(&T) -> Vec<String>,
        none: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return output::json(page);
        }
        output::table(heads, page.items.iter().map(row).collect(), none)?;
        match page.next {
            Some(next) => output::line(format_args!("more: --from {next}")),
            None => Ok(()),
        }
    }
}

fn row_of_pin(pin: &Pin) -> Vec<String> {
    vec![
        pin.deal.to_string(),
        standing(pin.standing, pin.over),
        pin.proofs.to_string(),
        Weft(pin.earned).to_string(),
        Weft(pin.bond).to_string(),
    ]
}

fn row_of_deal(deal: &PinDeal) -> Vec<String> {
    vec![
        deal.id.to_string(),
        deal.asset.to_string(),
        format!("{:.1} MB", deal.size_bytes as f64 / 1e6),
        Weft(deal.reward_per_epoch).to_string(),
        format!("{}/{}", deal.pinners.len(), deal.places),
        format!(
            "{} to {} (now {})",
            deal.first_epoch, deal.last_epoch, deal.present_epoch
        ),
    ]
}

fn standing(standing: Standing, over: bool) -> String {
    match standing {
        _ if over => "over".to_owned(),
        Standing::UpToDate => "up to date".to_owned(),
        Standing::Behind { missed } => format!("{missed} missed"),
        Standing::Lapsed { missed } => format!("lapsed, {missed} missed: it can be evicted"),
    }
}
