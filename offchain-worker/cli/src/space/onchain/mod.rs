//! Spaces on the chain: publishing, finding, buying, rating and reporting them.

mod buy;
mod find;
mod judge;
mod obtain;
mod own;
mod price;
mod publish;
mod show;
mod shown;
mod texts;
mod words;

use serde_json::{Value, json};
use weft_chain::{Client, Signer, spaces::Space};
use weft_primitives::space::SpaceId;

pub use obtain::find_release;
pub use shown::named;
pub use words::grievance;

use crate::{
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Publish the folder of a Space, or a new release of one.
    Publish(publish::Args),
    /// Find Spaces, the best rated first.
    Find(find::Args),
    /// Show a Space with its releases and reviews.
    Show(show::Args),
    /// Buy a Space; the assets that it calls get their shares.
    Buy(buy::Args),
    /// Give a purchase up and get its deposit back; nothing of the price is returned.
    Forget {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Rate a Space that you bought, or, if it is free, that you paid a job for.
    Rate(judge::RateArgs),
    /// Take your rating of a Space back, with its deposit.
    Unrate {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Report a Space to governance. A bond is held until that is resolved.
    Report(judge::ReportArgs),
    /// Take back your report of a Space, which governance left alone, with its bond.
    Unreport {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Change what a Space of yours costs.
    Price(own::PriceArgs),
    /// Change which assets a Space of yours calls, and their shares of its price.
    Calls(own::CallsArgs),
    /// Offer a Space of yours to another account, or take the offer back.
    Transfer(own::TransferArgs),
    /// Take over a Space that is offered to you, with its deposits.
    Accept {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Withdraw a Space of yours from the store.
    Retire {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
}

/// What acts have in common.
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

impl Shared {
    async fn open(&self) -> Result<(Home, Signer, Client), Failure> {
        let (home, signer) = self.identity.open()?;
        Ok((home, signer, self.node.connect().await?))
    }

    /// Says that an act on a Space is done: in JSON its number, and what `more` has.
    fn done(&self, space: SpaceId, more: Value, said: impl std::fmt::Display) -> Result<(), Failure> {
        if !self.json {
            return output::line(format_args!("Space {space}: {said}"));
        }
        let mut told = json!({ "space": space });
        if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
            told.extend(more);
        }
        output::json(&told)
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Publish(args) => args.run().await,
            Self::Find(args) => args.run().await,
            Self::Show(args) => args.run().await,
            Self::Buy(args) => args.run().await,
            Self::Forget { space, shared } => buy::forget(shared, space).await,
            Self::Rate(args) => args.run().await,
            Self::Unrate { space, shared } => judge::unrate(shared, space).await,
            Self::Report(args) => args.run().await,
            Self::Unreport { space, shared } => judge::unreport(shared, space).await,
            Self::Price(args) => args.run().await,
            Self::Calls(args) => args.run().await,
            Self::Transfer(args) => args.run().await,
            Self::Accept { space, shared } => own::accept(shared, space).await,
            Self::Retire { space, shared } => own::retire(shared, space).await,
        }
    }
}

async fn existing(client: &Client, space: SpaceId) -> Result<Space, Failure> {
    let found = client.spaces().space(space).await?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no Space {space}: see `weft space find`")))
}
