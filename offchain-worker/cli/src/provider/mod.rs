//! `weft provider`: offering this machine's compute.

mod defence;
mod journal;
mod kept;
#[cfg(feature = "testing")]
mod misbehave;
mod not_ready;
mod plan;
mod run;
mod setup;
mod standing;
mod status;
mod work;

use serde_json::json;
use weft_chain::{Client, Signer};
use weft_primitives::AssetId;

use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register the account as a provider, with the device of --home.
    Register(setup::RegisterArgs),
    /// Bond stake.
    Bond {
        /// How much, in WEFT.
        #[arg(value_parser = parse_weft)]
        amount: Weft,
        #[command(flatten)]
        shared: Shared,
    },
    /// Start to take stake out; it is free after the unbonding period.
    Unbond {
        /// How much, in WEFT.
        #[arg(value_parser = parse_weft)]
        amount: Weft,
        #[command(flatten)]
        shared: Shared,
    },
    /// Take out the stake whose unbonding period is over.
    Withdraw {
        #[command(flatten)]
        shared: Shared,
    },
    /// Offer a model, or change its price.
    Offer {
        /// The model's number.
        #[arg(long)]
        asset: AssetId,
        /// Price of one token, in WEFT.
        #[arg(long, value_parser = parse_weft)]
        ask: Weft,
        #[command(flatten)]
        shared: Shared,
    },
    /// Withdraw an offer.
    Unoffer {
        /// The model's number.
        #[arg(long)]
        asset: AssetId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Have a model's key from custodians forgotten on chain, and get its deposit back. An offer of the model gets
    /// no jobs then, unless its owner granted the key as well.
    ForgetKey {
        /// The model's number.
        asset: AssetId,
        #[command(flatten)]
        shared: Shared,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run: fetch the offered models, and do jobs until interrupted.
    Run(run::Args),
    /// Show how the provider stands, and what keeps jobs away.
    Status(status::Args),
    /// Take no new jobs until `resume`.
    Pause {
        #[command(flatten)]
        shared: Shared,
    },
    /// Take jobs again.
    Resume {
        #[command(flatten)]
        shared: Shared,
    },
    /// Leave, and get deposits back. Stake has to be withdrawn before.
    Deregister {
        #[command(flatten)]
        shared: Shared,
    },
}

/// What most of these commands need.
#[derive(Debug, clap::Args)]
pub struct Shared {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Asks the custodians of an offered model's key for it, if it is in custody and this device has none.
async fn ask_custodians(client: &Client, owner: &Signer, asset: AssetId) -> Result<(), Failure> {
    let keyed = client.providers().own_offer(owner.account(), asset).await?;
    let custody = client.custody().custody(asset).await?;
    if keyed.is_some_and(|(_, keyed)| keyed) || !custody.is_some_and(|custody| custody.to_providers) {
        return Ok(());
    }
    match client.custody().request_for_provider(owner, asset).await {
        Ok(()) => output::line(format_args!("asked the custodians for the key of model {asset}")),
        Err(error) if error.is("Custody", "AlreadyRequested") || error.is("Custody", "NotEntrusted") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Register(args) => args.run().await,
            Self::Run(args) => args.run().await,
            Self::Status(args) => args.run().await,
            Self::Bond { amount, shared } => {
                let (_, owner) = shared.identity.open()?;
                shared.node.connect().await?.providers().bond(&owner, amount.0).await?;
                output::line(format_args!("bonded {amount}"))
            }
            Self::Unbond { amount, shared } => {
                let (_, owner) = shared.identity.open()?;
                shared
                    .node
                    .connect()
                    .await?
                    .providers()
                    .unbond(&owner, amount.0)
                    .await?;
                output::line(format_args!("unbonding {amount}"))
            }
            Self::Withdraw { shared } => {
                let (_, owner) = shared.identity.open()?;
                shared
                    .node
                    .connect()
                    .await?
                    .providers()
                    .withdraw_unbonded(&owner)
                    .await?;
                output::line("withdrew what was due")
            }
            Self::Offer { asset, ask, shared } => {
                let (_, owner) = shared.identity.open()?;
                let client = shared.node.connect().await?;
                client.providers().offer(&owner, asset, ask.0).await?;
                output::line(format_args!("offering model {asset} at {ask} a token"))?;
                ask_custodians(&client, &owner, asset).await
            }
            Self::Unoffer { asset, shared } => {
                let (_, owner) = shared.identity.open()?;
                shared
                    .node
                    .connect()
                    .await?
                    .providers()
                    .withdraw_offer(&owner, asset)
                    .await?;
                output::line(format_args!("no longer offering model {asset}"))
            }
            Self::ForgetKey { asset, shared, json } => {
                let (_, owner) = shared.identity.open()?;
                shared.node.connect().await?.custody().forget_key(&owner, asset).await?;
                if json {
                    return output::json(&json!({ "provider": owner.account(), "asset": asset }));
                }
                output::line(format_args!(
                    "the key of model {asset} is forgotten and its deposit is back; `weft provider offer --asset {asset}` asks for it again"
                ))
            }
            Self::Pause { shared } => setup::pause(shared).await,
            Self::Resume { shared } => setup::resume(shared).await,
            Self::Deregister { shared } => {
                let (_, owner) = shared.identity.open()?;
                shared.node.connect().await?.providers().deregister(&owner).await?;
                output::line("deregistered")
            }
        }
    }
}
