//! Spaces on the chain: publishing, finding, buying, rating and reporting them.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::json;
use weft_chain::{
    AccountId, Client, Signer,
    spaces::{NewRelease, NewSpace, Release, Space},
};
use weft_primitives::{
    Balance, ContentId, Currency, JobId,
    space::{Called, Category, Grievance, PaidUse, ReleaseNumber, SpaceId},
    space_view::{SpaceQuery, SpaceStatus},
};

use super::{
    bundle::Bundle,
    installed::Listed,
    manifest::{SpaceManifest, kind_name},
};
use crate::{
    amount::{Weft, parse_percent, parse_weft, percent},
    blocks::Blocks,
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs, account},
    output,
};

/// Most bytes of a review or of what explains a report.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Publish the folder of a Space, or a new release of one.
    Publish(PublishArgs),
    /// Find Spaces, the best rated first.
    Find(FindArgs),
    /// Show a Space with its releases and reviews.
    Show {
        /// Its number.
        space: SpaceId,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Buy a Space; the assets that it calls get their shares.
    Buy {
        /// Its number.
        space: SpaceId,
        /// Most to pay: WEFT, or UNITS@TOKEN.
        #[arg(long, value_parser = price)]
        max_price: Price,
        #[command(flatten)]
        shared: Shared,
    },
    /// Rate a Space that you bought, or in which you paid for a job.
    Rate {
        /// Its number.
        space: SpaceId,
        /// 1 to 5.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5))]
        stars: u8,
        /// What you say of it, for everybody to read.
        #[arg(long, value_name = "TEXT")]
        review: Option<String>,
        /// A job of yours that an asset of the Space completed, if you did not buy it.
        #[arg(long)]
        job: Option<JobId>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Report a Space to governance. A bond is held until that is resolved.
    Report {
        /// Its number.
        space: SpaceId,
        /// Why: malware, fraud, copyright, illegal, broken or other.
        #[arg(long, value_parser = grievance)]
        why: Grievance,
        /// What shows it, for everybody to read.
        #[arg(long, value_name = "TEXT")]
        evidence: Option<String>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Withdraw a Space of yours from the store.
    Retire {
        /// Its number.
        space: SpaceId,
        #[command(flatten)]
        shared: Shared,
    },
}

/// What to publish.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// The folder, with space.json.
    dir: PathBuf,
    /// Release it as the next version of this Space of yours.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["price", "calls"])]
    space: Option<SpaceId>,
    /// What it costs, once: WEFT, or UNITS@TOKEN.
    #[arg(long, value_parser = price, default_value = "0")]
    price: Price,
    /// An asset that it calls, and its share of the price. Assets that space.json names get no share unless given here.
    #[arg(long, value_name = "ASSET=PERCENT", value_parser = called)]
    calls: Vec<Called>,
    #[command(flatten)]
    shared: Shared,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What to look for.
#[derive(Debug, clap::Args)]
pub struct FindArgs {
    /// Of this category: chat, search, vision, writing, code, data, games, tools or other.
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// Of this owner, retired ones and those taken down included.
    #[arg(long, value_parser = account)]
    owner: Option<AccountId>,
    /// Rated with at least so many stars.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=5))]
    min_rating: u8,
    /// Featured ones.
    #[arg(long)]
    featured: bool,
    /// Position of the first one, from the `next` of an earlier page.
    #[arg(long, default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What most of these commands need.
#[derive(Debug, clap::Args)]
pub struct Shared {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
}

impl Shared {
    async fn open(&self) -> Result<(Home, Signer, Client), Failure> {
        let (home, signer) = self.identity.open()?;
        Ok((home, signer, self.node.connect().await?))
    }
}

/// An amount in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    currency: Currency,
    amount: Balance,
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.currency {
            _ if self.amount == 0 => f.write_str("free"),
            Currency::Native => Weft(self.amount).fmt(f),
            Currency::Token(token) => write!(f, "{}@{token}", self.amount),
        }
    }
}

fn price(text: &str) -> Result<Price, String> {
    let Some((units, token)) = text.split_once('@') else {
        return parse_weft(text).map(|Weft(amount)| Price {
            currency: Currency::Native,
            amount,
        });
    };
    let wrong =
        || format!("`{text}` is no price: write WEFT, or smallest units and number of a token, such as 500000@7");
    Ok(Price {
        currency: Currency::Token(token.parse().map_err(|_| wrong())?),
        amount: units.parse().map_err(|_| wrong())?,
    })
}

fn called(text: &str) -> Result<Called, String> {
    let (asset, share) = text.split_once('=').ok_or("write it as ASSET=PERCENT, such as 3=20%")?;
    Ok(Called {
        asset: asset
            .parse()
            .map_err(|_| format!("`{asset}` is no number of an asset"))?,
        share: parse_percent(share)?,
    })
}

/// Reads a word as it stands in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|_| format!("`{text}` is no {what}"))
}

fn category(text: &str) -> Result<Category, String> {
    word(text, "category")
}

fn grievance(text: &str) -> Result<Grievance, String> {
    word(text, "reason")
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Publish(args) => args.run().await,
            Self::Find(args) => args.run().await,
            Self::Show { space, node, json } => show(&node.connect().await?, space, json).await,
            Self::Buy {
                space,
                max_price,
                shared,
            } => {
                let (_, user, client) = shared.open().await?;
                client
                    .spaces()
                    .buy(&user, space, max_price.currency, max_price.amount)
                    .await?;
                output::line(format_args!("bought Space {space}: `weft space install {space}`"))
            }
            Self::Rate {
                space,
                stars,
                review,
                job,
                shared,
            } => {
                let (home, user, client) = shared.open().await?;
                let proof = job.map_or(PaidUse::Bought, PaidUse::Job);
                let review = publish_text(&home, review).await?;
                client.spaces().rate(&user, space, stars, review, proof).await?;
                output::line(format_args!("rated Space {space} with {stars} of 5"))
            }
            Self::Report {
                space,
                why,
                evidence,
                shared,
            } => {
                let (home, user, client) = shared.open().await?;
                let evidence = publish_text(&home, evidence).await?;
                client.spaces().report(&user, space, why, evidence).await?;
                output::line(format_args!("reported Space {space}"))
            }
            Self::Retire { space, shared } => {
                let (_, owner, client) = shared.open().await?;
                client.spaces().retire(&owner, space).await?;
                output::line(format_args!("retired Space {space}"))
            }
        }
    }
}

/// Keeps a text in the store of `home`, from where it is served.
async fn publish_text(home: &Home, text: Option<String>) -> Result<Option<ContentId>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(Failure::Usage("the text is longer than 16 KiB: shorten it".into()));
    }
    Ok(Some(Blocks::open(home)?.put(text.into_bytes()).await?))
}

impl PublishArgs {
    async fn run(self) -> Result<(), Failure> {
        let bundle = Bundle::from_dir(&self.dir)?;
        let calls = calls_of(bundle.manifest(), &self.calls)?;
        let (home, owner, client) = self.shared.open().await?;
        let kept = keep(&home, &bundle).await?;
        let manifest = bundle.manifest();
        let (space, release) = match self.space {
            Some(space) => {
                let release = NewRelease {
                    version: manifest.version.clone(),
                    manifest: kept.manifest,
                    bundle: kept.bundle,
                    bundle_bytes: kept.bytes,
                    notes: kept.notes,
                };
                (space, client.spaces().release(&owner, space, release).await?)
            }
            None => {
                let space = NewSpace {
                    title: manifest.title.clone(),
                    category: manifest.category,
                    version: manifest.version.clone(),
                    manifest: kept.manifest,
                    bundle: kept.bundle,
                    bundle_bytes: kept.bytes,
                    calls,
                    currency: self.price.currency,
                    price: self.price.amount,
                };
                (client.spaces().publish(&owner, space).await?, 0)
            }
        };
        if self.json {
            return output::json(&json!({
                "space": space,
                "release": release,
                "title": manifest.title,
                "version": manifest.version,
                "owner": owner.account(),
                "manifest": kept.manifest,
                "bundle": kept.bundle,
                "bundle_bytes": kept.bytes,
                "notes": kept.notes,
            }));
        }
        output::pairs([
            ("space", space.to_string()),
            ("release", format!("{release} ({})", manifest.version)),
            ("bundle", format!("{} ({} bytes)", kept.bundle, kept.bytes)),
            ("next", "serve it with `weft creator serve`".to_owned()),
        ])
    }
}

/// Those given, and those of the manifest without a share.
fn calls_of(manifest: &SpaceManifest, given: &[Called]) -> Result<Vec<Called>, Failure> {
    let mut calls = given.to_vec();
    for asset in manifest.calls.iter().filter_map(|call| call.asset) {
        if !calls.iter().any(|called| called.asset == asset) {
            calls.push(Called { asset, share: 0 });
        }
    }
    weft_primitives::space::check_calls(&calls).map_err(|invalid| {
        Failure::Usage(format!(
            "these assets cannot be called together ({invalid:?}): see --calls"
        ))
    })?;
    Ok(calls)
}

/// A Space in the store of its owner.
struct Kept {
    manifest: ContentId,
    bundle: ContentId,
    bytes: u64,
    notes: Option<ContentId>,
}

async fn keep(home: &Home, bundle: &Bundle) -> Result<Kept, Failure> {
    let (bytes, name) = bundle.packed()?;
    let blocks = Blocks::open(home)?;
    let part = home.dir().join(format!("packing-{}.part", std::process::id()));
    fs::write(&part, &bytes).map_err(|error| Failure::local(format_args!("cannot write {}", part.display()), error))?;
    let stored = blocks.put_path(&part).await;
    // In the store by now, or of no use.
    let _ = fs::remove_file(&part);
    let (stored, bytes) = stored?;
    if stored != name {
        return Err(Failure::Local(format!(
            "the store names the bundle {stored} instead of {name}: check the disk"
        )));
    }
    let notes = &bundle.manifest().notes;
    let notes = match notes.is_empty() {
        true => None,
        false => Some(blocks.put(notes.clone().into_bytes()).await?),
    };
    Ok(Kept {
        manifest: blocks.put(bundle.manifest_bytes().to_vec()).await?,
        bundle: name,
        bytes,
        notes,
    })
}

impl FindArgs {
    async fn run(self) -> Result<(), Failure> {
        let query = SpaceQuery {
            category: self.category,
            owner: self.owner,
            min_rating: self.min_rating,
            featured: self.featured,
        };
        let page = self.node.connect().await?.spaces().spaces(query, self.from).await?;
        if self.json {
            return output::json(&page);
        }
        let rows = page.items.iter().map(row).collect();
        let head = ["SPACE", "TITLE", "VERSION", "CATEGORY", "PRICE", "RATING", "OWNER"];
        output::table(&head, rows, "no Spaces")?;
        match page.next {
            Some(next) => output::line(format_args!("more: --from {next}")),
            None => Ok(()),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As in JSON.
fn named(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().map(str::to_owned).unwrap_or_else(|| json.to_string())
}

fn rating(space: &Space) -> String {
    match space.ratings {
        0 => "none".to_owned(),
        count => format!("{:.2} ({count})", f64::from(space.mean_hundredths) / 100.0),
    }
}

fn status(space: &Space) -> String {
    match space.status {
        SpaceStatus::Listed => "listed".to_owned(),
        SpaceStatus::Retired => "retired".to_owned(),
        SpaceStatus::TakenDown { why } => format!("taken down: {}", named(&why)),
    }
}

fn price_of(space: &Space) -> Price {
    Price {
        currency: space.currency,
        amount: space.price,
    }
}

fn row(space: &Space) -> Vec<String> {
    let title = text(&space.title);
    vec![
        space.id.to_string(),
        match space.status {
            SpaceStatus::Listed if space.featured => format!("{title} *"),
            SpaceStatus::Listed => title,
            _ => format!("{title} ({})", status(space)),
        },
        text(&space.latest.version),
        named(&space.category),
        price_of(space).to_string(),
        rating(space),
        space.owner.to_string(),
    ]
}

async fn existing(client: &Client, space: SpaceId) -> Result<Space, Failure> {
    let found = client.spaces().space(space).await?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no Space {space}: see `weft space find`")))
}

async fn show(client: &Client, id: SpaceId, json: bool) -> Result<(), Failure> {
    let space = existing(client, id).await?;
    let releases = client.spaces().releases(id, 0).await?;
    let reviews = client.spaces().reviews(id, 0).await?;
    if json {
        return output::json(&json!({ "space": space, "releases": releases.items, "reviews": reviews.items }));
    }
    let calls: Vec<_> = space
        .calls
        .iter()
        .map(|called| format!("{} ({})", called.asset, percent(called.share)))
        .collect();
    output::pairs([
        ("space", id.to_string()),
        ("title", text(&space.title)),
        ("category", named(&space.category)),
        ("owner", space.owner.to_string()),
        ("status", status(&space)),
        ("price", price_of(&space).to_string()),
        (
            "calls",
            if calls.is_empty() {
                "no assets".to_owned()
            } else {
                calls.join(", ")
            },
        ),
        ("rating", rating(&space)),
        ("purchases", space.purchases.to_string()),
        ("open reports", space.open_reports.to_string()),
        (
            "release",
            format!("{} ({})", space.latest.number, text(&space.latest.version)),
        ),
        (
            "bundle",
            format!("{} ({} bytes)", space.latest.bundle, space.latest.bundle_bytes),
        ),
    ])?;
    for release in releases
        .items
        .iter()
        .filter(|release| release.number != space.latest.number)
    {
        output::line(format_args!(
            "earlier: {} ({}), {}",
            release.number,
            text(&release.version),
            release.bundle
        ))?;
    }
    for review in &reviews.items {
        let said = review.review.map_or(String::new(), |review| format!(", {review}"));
        output::line(format_args!("{} of 5 by {}{said}", review.stars, review.by))?;
    }
    Ok(())
}

/// What is needed to install a release.
pub struct Found {
    /// The bundle.
    pub bundle: ContentId,
    /// Its space.json.
    pub manifest: ContentId,
    /// Where its owner serves it.
    pub endpoint: Option<String>,
    /// What is remembered of it.
    pub listed: Listed,
}

/// A release of a Space, the latest unless told otherwise, if whose home this is may install it.
pub async fn find_release(
    node: &NodeArgs,
    home: &Home,
    id: SpaceId,
    release: Option<ReleaseNumber>,
) -> Result<Found, Failure> {
    let client = node.connect().await?;
    let space = existing(&client, id).await?;
    may_install(&client, home, &space).await?;
    let release = match release {
        Some(number) => release_of(&client, id, number).await?,
        None => space.latest.clone(),
    };
    let mut assets = BTreeMap::new();
    for called in &space.calls {
        if let Some(asset) = client.market().asset(called.asset).await? {
            tracing::debug!(asset = asset.id, kind = kind_name(asset.kind), "the Space calls it");
            assets.entry(asset.kind).or_insert(asset.id);
        }
    }
    Ok(Found {
        bundle: release.bundle,
        manifest: release.manifest,
        endpoint: client.market().endpoint(space.owner).await?,
        listed: Listed {
            space: id,
            release: release.number,
            assets,
        },
    })
}

async fn may_install(client: &Client, home: &Home, space: &Space) -> Result<(), Failure> {
    if let SpaceStatus::TakenDown { .. } = space.status {
        return Err(Failure::Refused(format!("Space {} is {}", space.id, status(space))));
    }
    if space.status == SpaceStatus::Listed && space.price == 0 {
        return Ok(());
    }
    let refused = || {
        Err(Failure::Refused(match space.status {
            SpaceStatus::Listed => {
                format!(
                    "Space {} costs {}: buy it first with `weft space buy {}`",
                    space.id,
                    price_of(space),
                    space.id
                )
            }
            _ => format!(
                "Space {} is {}: only those who bought it may install it",
                space.id,
                status(space)
            ),
        }))
    };
    if !home.account_file().is_file() {
        return refused();
    }
    let user = home.account()?.account();
    if user == space.owner || client.spaces().purchase(space.id, user).await?.is_some() {
        return Ok(());
    }
    refused()
}

async fn release_of(client: &Client, id: SpaceId, number: ReleaseNumber) -> Result<Release, Failure> {
    let mut from = Some(0);
    while let Some(start) = from {
        let page = client.spaces().releases(id, start).await?;
        if let Some(found) = page.items.into_iter().find(|release| release.number == number) {
            return Ok(found);
        }
        from = page.next;
    }
    Err(Failure::NotFound(format!(
        "Space {id} has no release {number}: see `weft space show {id}`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_primitives::{AssetId, Ppm};

    #[test]
    fn prices_calls_and_words_are_read() {
        let native = |amount| Price {
            currency: Currency::Native,
            amount,
        };
        assert_eq!(price("0"), Ok(native(0)));
        assert_eq!(price("0.5"), Ok(native(500_000_000_000)));
        let token = Price {
            currency: Currency::Token(7),
            amount: 12,
        };
        assert_eq!(price("12@7"), Ok(token));
        assert_eq!(price(&token.to_string()), Ok(token));
        for bad in ["", "-1", "1@", "@7", "1.5@7", "1@x"] {
            assert!(price(bad).is_err(), "{bad}");
        }
        let share: Ppm = 200_000;
        let asset: AssetId = 3;
        assert_eq!(called("3=20%"), Ok(Called { asset, share }));
        assert!(called("3").is_err() && called("x=1%").is_err() && called("3=101%").is_err());
        assert_eq!(category("vision"), Ok(Category::Vision));
        assert_eq!(grievance("malware"), Ok(Grievance::Malware));
        assert!(category("Vision").is_err() && grievance("ugly").is_err());
    }
}
