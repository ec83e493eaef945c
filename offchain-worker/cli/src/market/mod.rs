//! `weft market`: publishing, finding, buying and judging models and datasets.

mod buy;
mod find;
mod get;
mod handover;
mod judge;
mod kept;
mod key;
mod licences;
mod own;
mod publish;
mod sample;
mod show;
mod tariff;
mod text;
mod transfer;
mod unpack;

use weft_primitives::{AssetId, LicenceId, WorkId};

use crate::{
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    store::place::BackendArgs,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Seal a model or dataset and publish it, or a further version of one.
    Publish(publish::Args),
    /// Search by kind, tag, owner, price and rating.
    Find(find::Args),
    /// Show a work: versions, prices, lineage, ratings, who vouches for it, what is reported.
    Show(show::Args),
    /// Buy a licence and get the key from the custodians.
    Buy(buy::BuyArgs),
    /// Get the key of a version of a work that you hold a licence of, again or for a newer version.
    Key(key::KeyArgs),
    /// Fetch what you published or bought, and open it.
    Get(get::GetArgs),
    /// List your licences.
    Licences(licences::Args),
    /// Give a licence up and get its deposit back.
    CloseLicence {
        /// The licence.
        licence: LicenceId,
        #[command(flatten)]
        backend: BackendArgs,
        #[command(flatten)]
        shared: Shared,
    },
    /// Revoke a licence of your own work: what is unused is paid back, and no key is released for it any more.
    Revoke {
        /// The licence.
        licence: LicenceId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Hand the key of your asset to custodians, so that it can be bought while you are away.
    Entrust(own::EntrustArgs),
    /// Take the key of your asset out of custody.
    Disentrust {
        /// The asset.
        asset: AssetId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Change by which tags your work is found.
    Tag(own::TagArgs),
    /// Change what your work costs; without any tariff it is free.
    Price(own::PriceArgs),
    /// Offer your work to another account, with its keys, or take the offer back.
    Transfer(transfer::TransferArgs),
    /// Take over a work that is offered to you.
    Accept(transfer::AcceptArgs),
    /// Say where your blocks are served, as `weft creator serve` does by itself, or that they are not any more.
    Endpoint(own::EndpointArgs),
    /// Retire a version: nothing new may be begun on it.
    Retire {
        /// The asset.
        asset: AssetId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Rate a work that you paid for.
    Rate(judge::RateArgs),
    /// Take your rating of a work back, and its deposit.
    Unrate {
        /// The work.
        work: WorkId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Vouch for an asset with a stake.
    Attest(judge::AttestArgs),
    /// Vouch for an asset no longer.
    Unattest {
        /// The asset.
        asset: AssetId,
        #[command(flatten)]
        shared: Shared,
    },
    /// Report what is wrong with an asset, with a bond.
    Report(judge::ReportArgs),
    /// End a report that was not decided in time, so that its bond comes back.
    ExpireReport(judge::ExpireReportArgs),
    /// Read a review, an attestation's report, evidence or a schema.
    Read(text::ReadArgs),
    /// Take a record out of a dataset with the proof that it is one of it.
    Sample(sample::SampleArgs),
    /// Hold such a record to what was published.
    CheckSample(sample::CheckArgs),
}

/// What acts have in common.
#[derive(Debug, clap::Args)]
pub struct Shared {
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Publish(args) => args.run().await,
            Self::Find(args) => args.run().await,
            Self::Show(args) => args.run().await,
            Self::Buy(args) => args.run().await,
            Self::Key(args) => args.run().await,
            Self::Get(args) => args.run().await,
            Self::Licences(args) => args.run().await,
            Self::CloseLicence {
                licence,
                backend,
                shared,
            } => licences::close(shared, backend, licence).await,
            Self::Revoke { licence, shared } => licences::revoke(shared, licence).await,
            Self::Entrust(args) => args.run().await,
            Self::Disentrust { asset, shared } => own::disentrust(shared, asset).await,
            Self::Tag(args) => args.run().await,
            Self::Price(args) => args.run().await,
            Self::Transfer(args) => args.run().await,
            Self::Accept(args) => args.run().await,
            Self::Endpoint(args) => args.run().await,
            Self::Retire { asset, shared } => own::retire(shared, asset).await,
            Self::Rate(args) => args.run().await,
            Self::Unrate { work, shared } => judge::unrate(shared, work).await,
            Self::Attest(args) => args.run().await,
            Self::Unattest { asset, shared } => judge::unattest(shared, asset).await,
            Self::Report(args) => args.run().await,
            Self::ExpireReport(args) => args.run().await,
            Self::Read(args) => args.run().await,
            Self::Sample(args) => args.run(),
            Self::CheckSample(args) => args.run().await,
        }
    }
}
