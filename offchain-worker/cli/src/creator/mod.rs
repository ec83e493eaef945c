//! `weft creator`: publishing models, and serving them and their keys to providers.

pub mod publish;
mod retired;
mod serve;

use weft_primitives::AssetId;

use crate::{
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Seal a model and publish it. The plaintext and its key never leave this machine unsealed.
    Publish(publish::Args),
    /// Serve the sealed files, and grant keys to staked providers that offer them. Runs until interrupted.
    Serve(serve::Args),
    /// Retire an asset: no new offers and jobs.
    Retire {
        /// Its number.
        asset: AssetId,
        #[command(flatten)]
        identity: IdentityArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Publish(args) => args.run().await,
            Self::Serve(args) => args.run().await,
            Self::Retire {
                asset,
                identity,
                node,
                json,
            } => {
                let (_, creator) = identity.open()?;
                node.connect().await?.market().retire(&creator, asset).await?;
                if json {
                    return output::json(&serde_json::json!({ "asset": asset }));
                }
                output::line(format_args!("retired {asset}"))
            }
        }
    }
}
