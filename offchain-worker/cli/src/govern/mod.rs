//! `weft govern`: reports of works and Spaces, and what becomes of them.
//!
//! The runtime takes these decisions from its root origin alone, which `sudo` has until there are referenda.

mod decide;
mod reports;

use weft_chain::AccountId;
use weft_primitives::{
    AssetId,
    space::{Grievance, SpaceId},
};

use crate::{
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    space::grievance,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List reports of works and Spaces that wait for a decision.
    Reports(reports::Args),
    /// Resolve a report of an asset: upheld, it costs those who vouched for it; rejected, it costs who reported.
    ResolveAsset {
        /// The asset.
        asset: AssetId,
        #[command(flatten)]
        verdict: Verdict,
        #[command(flatten)]
        shared: Shared,
    },
    /// Resolve a report of a Space: upheld, its bond goes back; rejected, to the treasury.
    ResolveSpace {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        verdict: Verdict,
        #[command(flatten)]
        shared: Shared,
    },
    /// Take a Space down: it is not found, bought or installed any more.
    TakeDown {
        /// The Space's number.
        space: SpaceId,
        /// Why: malware, fraud, copyright, illegal, broken or other.
        #[arg(long, value_parser = grievance)]
        why: Grievance,
        #[command(flatten)]
        shared: Shared,
    },
    /// Put a Space back that was taken down.
    Restore {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Feature a Space.
    Feature {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Feature a Space no more.
    Unfeature {
        /// The Space's number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
}

/// What is decided of a report.
#[derive(Debug, clap::Args)]
pub struct Verdict {
    /// Who reported it.
    #[arg(long, value_parser = account)]
    reporter: AccountId,
    #[command(flatten)]
    upheld: Upheld,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Upheld {
    /// It is so.
    #[arg(long)]
    uphold: bool,
    /// It is not so.
    #[arg(long)]
    reject: bool,
}

/// What decisions have in common.
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
            Self::Reports(args) => args.run().await,
            Self::ResolveAsset { asset, verdict, shared } => decide::asset_report(shared, asset, verdict).await,
            Self::ResolveSpace { space, verdict, shared } => decide::space_report(shared, space, verdict).await,
            Self::TakeDown { space, why, shared } => decide::take_down(shared, space, why).await,
            Self::Restore { space, shared } => decide::restore(shared, space).await,
            Self::Feature { space, shared } => decide::feature(shared, space, true).await,
            Self::Unfeature { space, shared } => decide::feature(shared, space, false).await,
        }
    }
}
