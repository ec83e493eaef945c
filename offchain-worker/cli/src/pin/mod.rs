//! `weft pin`: being paid for keeping others' sealed files, and paying for it.

mod list;
mod run;

use serde_json::json;
use weft_chain::AccountId;
use weft_primitives::{AssetId, pieces::PinDealId};

use crate::{
    amount::{Weft, parse_weft},
    asset,
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Pay others to keep an asset's sealed file, so that it can be had while its publisher is away.
    Open {
        /// The asset.
        asset: AssetId,
        /// What each of them is paid for the proof of an epoch, in WEFT.
        #[arg(long, value_parser = parse_weft)]
        reward: Weft,
        /// For how many epochs.
        #[arg(long, default_value_t = 24)]
        epochs: u32,
        /// How many may keep it at a time.
        #[arg(long, default_value_t = 3)]
        places: u32,
        #[command(flatten)]
        shared: Shared,
    },
    /// List deals, or what an account keeps.
    Ls(list::Args),
    /// Join a deal: a bond is held, and `weft pin run` has to answer a challenge in every epoch.
    Join {
        /// The deal.
        deal: PinDealId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Leave a deal and get the bond back.
    Leave {
        /// The deal.
        deal: PinDealId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Remove somebody who does not keep what they are paid for; a part of their bond is yours.
    Evict {
        /// The deal.
        deal: PinDealId,
        /// Who.
        #[arg(value_parser = account)]
        pinner: AccountId,
        #[command(flatten)]
        shared: Shared,
    },
    /// End your deal early, after the notice period.
    Notice {
        /// The deal.
        deal: PinDealId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Close your deal and get back what is left.
    Close {
        /// The deal.
        deal: PinDealId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Keep and serve the files of the deals you joined, and answer their challenges.
    Run(run::Args),
}

/// What the acts have in common.
#[derive(Debug, clap::Args)]
pub struct Shared {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Open {
                asset,
                reward,
                epochs,
                places,
                shared,
            } => {
                let (_, opener) = shared.identity.open()?;
                let client = shared.node.connect().await?;
                asset::existing(&client, asset).await?;
                let deal = client.pins().open(&opener, asset, reward.0, epochs, places).await?;
                if shared.json {
                    return output::json(&json!({ "deal": deal, "asset": asset }));
                }
                output::pairs([
                    ("deal", deal.to_string()),
                    ("next", format!("others join with `weft pin join {deal}`")),
                ])
            }
            Self::Ls(args) => args.run().await,
            Self::Join { deal, shared } => {
                let (_, pinner) = shared.identity.open()?;
                let client = shared.node.connect().await?;
                client.pins().join(&pinner, deal).await?;
                done(&shared, deal, "joined; keep `weft pin run` running")
            }
            Self::Leave { deal, shared } => {
                let (_, pinner) = shared.identity.open()?;
                shared.node.connect().await?.pins().leave(&pinner, deal).await?;
                done(&shared, deal, "left")
            }
            Self::Evict { deal, pinner, shared } => {
                let (_, who) = shared.identity.open()?;
                shared.node.connect().await?.pins().evict(&who, deal, pinner).await?;
                done(&shared, deal, "evicted")
            }
            Self::Notice { deal, shared } => {
                let (_, opener) = shared.identity.open()?;
                shared.node.connect().await?.pins().give_notice(&opener, deal).await?;
                done(&shared, deal, "notice given")
            }
            Self::Close { deal, shared } => {
                let (_, opener) = shared.identity.open()?;
                let returned = shared.node.connect().await?.pins().close(&opener, deal).await?;
                if shared.json {
                    return output::json(&json!({ "deal": deal, "returned": returned.to_string() }));
                }
                output::line(format_args!("deal {deal}: closed; {} came back", Weft(returned)))
            }
            Self::Run(args) => args.run().await,
        }
    }
}

fn done(shared: &Shared, deal: PinDealId, what: &str) -> Result<(), Failure> {
    if shared.json {
        return output::json(&json!({ "deal": deal }));
    }
    output::line(format_args!("deal {deal}: {what}"))
}
