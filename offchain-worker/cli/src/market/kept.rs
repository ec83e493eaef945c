//! Sealed files that were bought stay for as long as their licence.

use std::collections::BTreeSet;

use weft_chain::{AccountId, Client};
use weft_primitives::AssetId;

use crate::{blocks::Blocks, failure::Failure, holdings::Holder, home::Home, store::place::BackendArgs};

/// Removes the sealed files of licences of `own` that have ended. What was opened from them is the user's, and stays.
pub async fn let_go(client: &Client, blocks: &Blocks, own: AccountId) -> Result<(), Failure> {
    for holder in blocks.holders()? {
        let Holder::Bought(asset, of) = holder else { continue };
        if of != own.0 || !has_ended(client, asset, own).await? {
            continue;
        }
        let released = blocks.release(&BTreeSet::from([holder])).await?;
        tracing::info!(asset, "the licence has ended, its sealed file is not kept: {released}");
    }
    Ok(())
}

/// As [`let_go`], in a command that is about something else: if it cannot be done now, it is done another time.
pub async fn look(client: &Client, home: &Home, backend: &BackendArgs, own: AccountId) {
    let looked = async {
        let mut holders = backend.holdings(home).read()?.holders().collect::<Vec<_>>().into_iter();
        match holders.any(|holder| matches!(holder, Holder::Bought(_, of) if of == own.0)) {
            true => let_go(client, &Blocks::open_at(home, backend)?, own).await,
            false => Ok(()),
        }
    };
    if let Err(failure) = looked.await {
        tracing::debug!(%failure, "the sealed files of ended licences stay for now");
    }
}

/// Whether the sealed file is of no use to `own` any more.
async fn has_ended(client: &Client, asset: AssetId, own: AccountId) -> Result<bool, Failure> {
    let Some(asset) = client.market().asset(asset).await? else {
        return Ok(false);
    };
    let work = client.market().work(asset.work).await?;
    if work.is_none_or(|work| work.owner == own) {
        // For as long as it is on sale; what was published from here has a holder of its own.
        return Ok(!asset.listed);
    }
    match client.licences().of(asset.work, own).await? {
        Some(licence) => Ok(!licence.in_force),
        // What needs no licence may be used for as long as it is listed.
        None => Ok(asset.needs_licence || !asset.listed),
    }
}
