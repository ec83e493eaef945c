//! Showing a Space.

use serde_json::{Value, json};
use weft_chain::{
    AccountId, Client,
    spaces::{Release, Review, Space},
};
use weft_primitives::{ContentId, space::SpaceId};

use super::{
    existing,
    shown::{named, price_of, rating, status, text},
    texts::{self, Text, Texts},
};
use crate::{amount::percent, failure::Failure, node::NodeArgs, output};

/// Which Space to show, and how much of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Space's number.
    space: SpaceId,
    /// Most releases, the latest first, and most reviews to show.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Position of the first review, from the `next_review` of an earlier page.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Do not fetch notes and reviews from those who wrote them, who would see your address.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is shown.
struct Shown {
    space: Space,
    releases: Vec<Release>,
    reviews: Vec<Review>,
    next_review: Option<u64>,
    texts: Texts,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let space = existing(&client, self.space).await?;
        let limit = usize::from(self.limit);
        let releases = latest_releases(&client, &space, self.limit).await?;
        let (reviews, next_review) = reviews(&client, self.space, self.from, limit).await?;
        let notes = releases
            .iter()
            .filter_map(|release| Some((space.owner, release.notes?)));
        let said = reviews.iter().filter_map(|review| Some((review.by, review.review?)));
        let texts = match self.offline {
            true => Texts::new(),
            false => texts::fetch(&client, notes.chain(said)).await?,
        };
        let shown = Shown {
            space,
            releases,
            reviews,
            next_review,
            texts,
        };
        if self.json {
            return output::json(&shown.as_json()?);
        }
        shown.print()
    }
}

/// The latest `limit` releases, the latest first.
async fn latest_releases(client: &Client, space: &Space, limit: u16) -> Result<Vec<Release>, Failure> {
    let first = u64::from(space.latest.number)
        .saturating_add(1)
        .saturating_sub(limit.into());
    let mut releases = Vec::new();
    let mut from = Some(first);
    while let Some(start) = from {
        let page = client.spaces().releases(space.id, start).await?;
        releases.extend(page.items);
        from = page.next.filter(|_| releases.len() < usize::from(limit));
    }
    releases.truncate(limit.into());
    releases.reverse();
    Ok(releases)
}

/// At most `limit` reviews from position `from`, and the position after them if there are more.
async fn reviews(
    client: &Client,
    space: SpaceId,
    from: u64,
    limit: usize,
) -> Result<(Vec<Review>, Option<u64>), Failure> {
    let (mut reviews, mut next) = (Vec::new(), Some(from));
    while let Some(start) = next.filter(|_| reviews.len() < limit) {
        let page = client.spaces().reviews(space, start).await?;
        reviews.extend(page.items);
        next = page.next;
    }
    if reviews.len() > limit {
        reviews.truncate(limit);
        // Their places have no gaps.
        next = Some(from.saturating_add(limit as u64));
    }
    Ok((reviews, next))
}

/// What the chain says, with what is known of a text.
fn with_text(said: &impl serde::Serialize, field: &str, text: Option<Text>) -> Result<Value, Failure> {
    let failed = |error| Failure::local("cannot write JSON", error);
    let mut told = serde_json::to_value(said).map_err(failed)?;
    if let Value::Object(told) = &mut told {
        told.insert(field.to_owned(), serde_json::to_value(text).map_err(failed)?);
    }
    Ok(told)
}

impl Shown {
    fn notes(&self, release: &Release) -> Option<Text> {
        Some(self.known(self.space.owner, release.notes?))
    }

    fn review(&self, review: &Review) -> Option<Text> {
        Some(self.known(review.by, review.review?))
    }

    fn known(&self, writer: AccountId, id: ContentId) -> Text {
        self.texts.get(&(writer, id)).cloned().unwrap_or(Text::NotFetched)
    }

    fn as_json(&self) -> Result<Value, Failure> {
        let releases: Result<Vec<_>, _> = self
            .releases
            .iter()
            .map(|release| with_text(release, "notes_text", self.notes(release)))
            .collect();
        let reviews: Result<Vec<_>, _> = self
            .reviews
            .iter()
            .map(|review| with_text(review, "review_text", self.review(review)))
            .collect();
        Ok(json!({
            "space": self.space,
            "releases": releases?,
            "reviews": reviews?,
            "next_review": self.next_review,
        }))
    }

    fn print(&self) -> Result<(), Failure> {
        let space = &self.space;
        let calls: Vec<_> = space
            .calls
            .iter()
            .map(|called| format!("{} ({})", called.asset, percent(called.share)))
            .collect();
        output::pairs([
            ("space", space.id.to_string()),
            ("title", text(&space.title)),
            ("category", named(&space.category)),
            ("owner", space.owner.to_string()),
            ("status", status(space)),
            ("featured", if space.featured { "yes" } else { "no" }.to_owned()),
            ("price", price_of(space).to_string()),
            (
                "calls",
                if calls.is_empty() {
                    "no assets".to_owned()
                } else {
                    calls.join(", ")
                },
            ),
            ("rating", rating(space)),
            ("purchases", space.purchases.to_string()),
            ("open reports", space.open_reports.to_string()),
        ])?;
        for release in &self.releases {
            output::line(format_args!(
                "\nrelease {} ({}), {} ({} bytes)",
                release.number,
                text(&release.version),
                release.bundle,
                release.bundle_bytes
            ))?;
            indented(self.notes(release), release.notes)?;
        }
        if let Some(earliest) = self.releases.last().filter(|earliest| earliest.number > 0) {
            output::line(format_args!("\nearlier releases: {}, see --limit", earliest.number))?;
        }
        for review in &self.reviews {
            output::line(format_args!("\n{} of 5 by {}", review.stars, review.by))?;
            indented(self.review(review), review.review)?;
        }
        match self.next_review {
            Some(next) => output::line(format_args!("\nmore reviews: --from {next}")),
            None => Ok(()),
        }
    }
}

fn indented(text: Option<Text>, id: Option<ContentId>) -> Result<(), Failure> {
    let (Some(text), Some(id)) = (text, id) else {
        return Ok(());
    };
    text.lines(id)
        .into_iter()
        .try_for_each(|line| output::line(format_args!("  {line}")))
}
