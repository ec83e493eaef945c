//! What an owner does with their works.

use serde_json::json;
use weft_primitives::{AssetId, WorkId, licence::Tariff};

use super::{Shared, tariff};
use crate::{
    asset,
    custody::{self, Committee},
    failure::Failure,
    output,
};

/// See [`super::Command::Entrust`].
#[derive(Debug, clap::Args)]
pub struct EntrustArgs {
    /// The asset. Its key must be in --home.
    asset: AssetId,
    #[command(flatten)]
    committee: Committee,
    #[command(flatten)]
    shared: Shared,
}

impl EntrustArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, owner) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let key = home.content_key(&asset.content.to_string())?.ok_or_else(|| {
            Failure::NotFound(format!(
                "the key of asset {} is not in this home: use the --home it was published from",
                asset.id
            ))
        })?;
        let (content, licences_only) = (asset.content.to_string(), self.committee.not_to_providers);
        if licences_only {
            // Before custodians have it: `weft creator serve` may be at work.
            home.keep_for_licences_only(&content, true)?;
        }
        let custody = custody::entrust(&client, &owner, asset.id, &key, self.committee).await?;
        home.keep_for_licences_only(&content, licences_only)?;
        if self.shared.json {
            return output::json(&custody);
        }
        output::line(format_args!(
            "asset {}: its key is with {} custodians, of whom {} release it",
            asset.id, custody.custodians, custody.threshold
        ))
    }
}

/// See [`super::Command::Tag`].
#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// The work.
    work: WorkId,
    /// The tags, all of them; none if left out.
    tags: Vec<String>,
    #[command(flatten)]
    shared: Shared,
}

impl TagArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, owner) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        client.market().set_tags(&owner, self.work, self.tags).await?;
        done(&self.shared, self.work, "tagged")
    }
}

/// See [`super::Command::Price`].
#[derive(Debug, clap::Args)]
pub struct PriceArgs {
    /// The work.
    work: WorkId,
    /// The tariffs, all of them: once:PRICE, use:PRICE or BLOCKS:PRICE. None if left out.
    #[arg(value_parser = tariff::parse_tariff)]
    tariffs: Vec<Tariff>,
    #[command(flatten)]
    shared: Shared,
}

impl PriceArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, owner) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        client.market().set_tariffs(&owner, self.work, self.tariffs).await?;
        done(&self.shared, self.work, "priced")
    }
}

/// See [`super::Command::Endpoint`].
#[derive(Debug, clap::Args)]
pub struct EndpointArgs {
    /// The URL; left out, your blocks are served nowhere any more, and the deposit comes back.
    url: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

impl EndpointArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, who) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        client.market().set_endpoint(&who, self.url.clone()).await?;
        if self.shared.json {
            return output::json(&json!({ "account": who.account(), "endpoint": self.url }));
        }
        match &self.url {
            Some(url) => output::line(format_args!("{}: served at {url}", who.account())),
            None => output::line(format_args!("{}: served nowhere any more", who.account())),
        }
    }
}

/// Retires a version.
pub async fn retire(shared: Shared, asset: AssetId) -> Result<(), Failure> {
    let (_, owner) = shared.identity.open()?;
    shared.node.connect().await?.market().retire(&owner, asset).await?;
    if shared.json {
        return output::json(&json!({ "asset": asset }));
    }
    output::line(format_args!("asset {asset}: retired"))
}

/// Takes a key out of custody.
pub async fn disentrust(shared: Shared, asset: AssetId) -> Result<(), Failure> {
    let (_, owner) = shared.identity.open()?;
    shared.node.connect().await?.custody().close(&owner, asset).await?;
    if shared.json {
        return output::json(&json!({ "asset": asset }));
    }
    output::line(format_args!("asset {asset}: its key is asked of no custodian any more"))
}

fn done(shared: &Shared, work: WorkId, what: &str) -> Result<(), Failure> {
    if shared.json {
        return output::json(&json!({ "work": work }));
    }
    output::line(format_args!("work {work}: {what}"))
}
