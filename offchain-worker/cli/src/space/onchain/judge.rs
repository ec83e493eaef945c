//! What users say of Spaces.

use serde_json::json;
use weft_chain::{AccountId, Client};
use weft_primitives::{
    ContentId, JobId,
    space::{Grievance, PaidUse, SpaceId},
};

use super::{Shared, texts::MAX_TEXT_BYTES, words::grievance};
use crate::{blocks::Blocks, failure::Failure, home::Home};

/// See [`super::Command::Rate`].
#[derive(Debug, clap::Args)]
pub struct RateArgs {
    /// The Space's number.
    space: SpaceId,
    /// 1 to 5.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5))]
    stars: u8,
    /// What you say of it, for everybody to read while you serve it.
    #[arg(long, value_name = "TEXT")]
    review: Option<String>,
    /// Of a free Space: a job of yours that an asset of the Space completed since the Space calls it.
    #[arg(long)]
    job: Option<JobId>,
    #[command(flatten)]
    shared: Shared,
}

impl RateArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, user, client) = self.shared.open().await?;
        let proof = self.job.map_or(PaidUse::Bought, PaidUse::Job);
        let review = publish_text(&home, self.review.as_deref()).await?;
        client
            .spaces()
            .rate(&user, self.space, self.stars, review, proof)
            .await?;
        let served = served(&client, user.account(), review).await?;
        self.shared.done(
            self.space,
            json!({ "stars": self.stars, "review": review, "served": served }),
            format_args!("rated with {} of 5{}", self.stars, unserved(served)),
        )
    }
}

/// See [`super::Command::Report`].
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The Space's number.
    space: SpaceId,
    /// Why: malware, fraud, copyright, illegal, broken or other.
    #[arg(long, value_parser = grievance)]
    why: Grievance,
    /// What shows it, for everybody to read while you serve it.
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

impl ReportArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, user, client) = self.shared.open().await?;
        let evidence = publish_text(&home, self.evidence.as_deref()).await?;
        client.spaces().report(&user, self.space, self.why, evidence).await?;
        let served = served(&client, user.account(), evidence).await?;
        self.shared.done(
            self.space,
            json!({ "why": self.why, "evidence": evidence, "served": served }),
            format_args!("reported{}", unserved(served)),
        )
    }
}

/// Takes a rating back.
pub async fn unrate(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let (_, user, client) = shared.open().await?;
    client.spaces().withdraw_rating(&user, space).await?;
    shared.done(space, json!({}), "your rating is taken back, and its deposit is back")
}

/// Takes a report back.
pub async fn unreport(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let (_, user, client) = shared.open().await?;
    client.spaces().withdraw_report(&user, space).await?;
    shared.done(space, json!({}), "your report is taken back, and its bond is back")
}

/// Keeps a text in the store of `home`, from where it is served.
async fn publish_text(home: &Home, text: Option<&str>) -> Result<Option<ContentId>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(Failure::Usage("the text is longer than 16 KiB: shorten it".into()));
    }
    Ok(Some(Blocks::open(home)?.put(text.into()).await?))
}

/// Whether others know where to get a text of this account; `None` without one.
async fn served(client: &Client, who: AccountId, text: Option<ContentId>) -> Result<Option<bool>, Failure> {
    match text {
        Some(_) => Ok(Some(client.market().endpoint(who).await?.is_some())),
        None => Ok(None),
    }
}

fn unserved(served: Option<bool>) -> &'static str {
    match served {
        Some(false) => "; the text is not served, so nobody can read it: run `weft creator serve` with this home",
        _ => "",
    }
}
