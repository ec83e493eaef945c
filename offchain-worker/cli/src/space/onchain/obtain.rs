//! What may be installed, and from where.

use std::collections::BTreeMap;

use weft_chain::{
    AccountId, Client,
    spaces::{Release, Space},
};
use weft_primitives::{
    ContentId,
    space::{ReleaseNumber, SpaceId},
    space_view::SpaceStatus,
};

use super::{
    existing,
    shown::{price_of, status},
};
use crate::{
    failure::Failure,
    node::NodeArgs,
    space::{installed::Listed, manifest::kind_name},
};

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

/// A release of a Space, the latest unless told otherwise, if the user may install it.
pub async fn find_release(
    node: &NodeArgs,
    user: Option<AccountId>,
    id: SpaceId,
    release: Option<ReleaseNumber>,
) -> Result<Found, Failure> {
    let client = node.connect().await?;
    let space = existing(&client, id).await?;
    may_install(&client, user, &space).await?;
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

async fn may_install(client: &Client, user: Option<AccountId>, space: &Space) -> Result<(), Failure> {
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
    let Some(user) = user else {
        return refused();
    };
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
