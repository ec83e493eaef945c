//! What users say of works and assets.

use std::path::PathBuf;

use serde_json::json;
use weft_chain::AccountId;
use weft_primitives::{AssetId, JobId, WorkId, asset::Flaw, rating::PaidUse};

use super::{
    Shared,
    text::{keep, to_be_served},
};
use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    node::account,
    output,
};

/// See [`super::Command::Rate`].
#[derive(Debug, clap::Args)]
pub struct RateArgs {
    /// The work.
    work: WorkId,
    /// From 1 to 5.
    #[arg(value_parser = clap::value_parser!(u8).range(1..=5))]
    stars: u8,
    /// A file with your review, which is public.
    #[arg(long, value_name = "FILE")]
    review: Option<PathBuf>,
    /// A completed job of yours that shows paid use; without it, your licence does.
    #[arg(long)]
    job: Option<JobId>,
    #[command(flatten)]
    shared: Shared,
}

impl RateArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, who) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let proof = match self.job {
            Some(job) => PaidUse::Job(job),
            None => {
                let licence = client.licences().of(self.work, who.account()).await?;
                PaidUse::Licence(
                    licence
                        .ok_or_else(|| {
                            Failure::Refused(format!(
                                "you hold no licence of work {}: rate it with a completed job of yours, --job",
                                self.work
                            ))
                        })?
                        .id,
                )
            }
        };
        let review = match &self.review {
            Some(path) => Some(keep(&home, path).await?),
            None => None,
        };
        client.market().rate(&who, self.work, self.stars, review, proof).await?;
        if self.shared.json {
            return output::json(&json!({ "work": self.work, "stars": self.stars, "review": review }));
        }
        output::line(format_args!("work {}: rated with {} stars", self.work, self.stars))?;
        match &review {
            Some(review) => output::line(to_be_served(review)),
            None => Ok(()),
        }
    }
}

/// See [`super::Command::Attest`].
#[derive(Debug, clap::Args)]
pub struct AttestArgs {
    /// The asset.
    asset: AssetId,
    /// What you lose if it is found flawed, in WEFT.
    #[arg(long, value_parser = parse_weft)]
    stake: Weft,
    /// A file that says what you checked and how, which is public.
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    #[command(flatten)]
    shared: Shared,
}

impl AttestArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, who) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let report = keep(&home, &self.report).await?;
        client.market().attest(&who, self.asset, self.stake.0, report).await?;
        if self.shared.json {
            return output::json(&json!({ "asset": self.asset, "report": report }));
        }
        output::line(format_args!("asset {}: vouched for with {}", self.asset, self.stake))?;
        output::line(to_be_served(&report))
    }
}

/// See [`super::Command::Report`].
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The asset.
    asset: AssetId,
    /// What is wrong.
    #[arg(long, value_enum)]
    why: Why,
    /// A file that shows it, which is public.
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Why {
    /// It was made to mislead what is trained on it or who uses it.
    Poisoned,
    /// It is not what its manifest, schema or labels say.
    Mislabelled,
    /// It is not its publisher's to publish.
    Infringing,
    /// Something else.
    Other,
}

impl From<Why> for Flaw {
    fn from(why: Why) -> Self {
        match why {
            Why::Poisoned => Self::Poisoned,
            Why::Mislabelled => Self::Mislabelled,
            Why::Infringing => Self::Infringing,
            Why::Other => Self::Other,
        }
    }
}

impl ReportArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, who) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let evidence = keep(&home, &self.evidence).await?;
        client
            .market()
            .report(&who, self.asset, self.why.into(), evidence)
            .await?;
        if self.shared.json {
            return output::json(&json!({ "asset": self.asset, "evidence": evidence }));
        }
        output::line(format_args!(
            "asset {}: reported; governance decides, and the bond comes back if it agrees",
            self.asset
        ))?;
        output::line(to_be_served(&evidence))
    }
}

/// See [`super::Command::ExpireReport`].
#[derive(Debug, clap::Args)]
pub struct ExpireReportArgs {
    /// The asset.
    asset: AssetId,
    /// Whose report; yours if left out.
    #[arg(value_parser = account)]
    reporter: Option<AccountId>,
    #[command(flatten)]
    shared: Shared,
}

impl ExpireReportArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, who) = self.shared.identity.open()?;
        let reporter = self.reporter.unwrap_or_else(|| who.account());
        let client = self.shared.node.connect().await?;
        client.market().expire_report(&who, self.asset, reporter).await?;
        if self.shared.json {
            return output::json(&json!({ "asset": self.asset, "reporter": reporter }));
        }
        output::line(format_args!(
            "asset {}: the report of {reporter} ended undecided, and the bond is back",
            self.asset
        ))
    }
}

/// Takes one's rating back.
pub async fn unrate(shared: Shared, work: WorkId) -> Result<(), Failure> {
    let (_, who) = shared.identity.open()?;
    shared.node.connect().await?.market().remove_rating(&who, work).await?;
    if shared.json {
        return output::json(&json!({ "work": work }));
    }
    output::line(format_args!("work {work}: rated by you no longer; the deposit is back"))
}

/// Vouches no longer.
pub async fn unattest(shared: Shared, asset: AssetId) -> Result<(), Failure> {
    let (_, who) = shared.identity.open()?;
    shared
        .node
        .connect()
        .await?
        .market()
        .withdraw_attestation(&who, asset)
        .await?;
    if shared.json {
        return output::json(&json!({ "asset": asset }));
    }
    output::line(format_args!("asset {asset}: vouched for no longer"))
}
