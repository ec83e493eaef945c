//! Letting go of what was published from here and is retired.

use std::{collections::BTreeSet, time::Duration};

use weft_chain::{AccountId, Client, market::Asset};
use weft_primitives::AssetId;

use crate::{asset, blocks::Blocks, failure::Failure, holdings::Holder};

/// Time between two looks.
pub const EVERY: Duration = Duration::from_secs(30);

/// Removes the blocks of retired assets that nobody can ask for any more.
pub async fn let_go(client: &Client, blocks: &Blocks) -> Result<(), Failure> {
    for holder in blocks.holders()? {
        let Holder::Asset(id) = holder else { continue };
        let Some(asset) = no_longer_needed(client, id).await? else {
            continue;
        };
        let released = blocks.release(&BTreeSet::from([holder])).await?;
        tracing::info!(
            asset = id,
            name = asset::name(&asset),
            "retired, and nobody needs it any more: {released}"
        );
    }
    Ok(())
}

/// The asset if it is retired for good and nothing is open that needs it: no licence in force, no deal about its storage,
/// no report that is to be judged, no job.
async fn no_longer_needed(client: &Client, id: AssetId) -> Result<Option<Asset>, Failure> {
    // What is removed does not come back with another fork.
    let Some(asset) = client.market().asset_finalised(id).await? else {
        return Ok(None);
    };
    let is_needed = asset.listed
        || asset.open_reports > 0
        || is_licensed(client, &asset).await?
        || is_pinned(client, id).await?
        || is_at_work(client, id).await?;
    Ok((!is_needed).then_some(asset))
}

/// A licence is for all versions of a work.
async fn is_licensed(client: &Client, asset: &Asset) -> Result<bool, Failure> {
    for licence in client.licences().of_work(asset.work).await? {
        let licence = client.licences().licence(licence).await?;
        if licence.is_some_and(|licence| licence.in_force) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_pinned(client: &Client, id: AssetId) -> Result<bool, Failure> {
    let mut from = Some(0);
    while let Some(start) = from {
        let page = client.pins().deals_about(id, start).await?;
        if page.items.iter().any(|deal| deal.present_epoch <= deal.last_epoch) {
            return Ok(true);
        }
        from = page.next;
    }
    Ok(false)
}

/// Whether a provider has a job on it. It goes on after the asset was retired, and its device may have to fetch the model.
async fn is_at_work(client: &Client, id: AssetId) -> Result<bool, Failure> {
    let mut from = Some(0);
    while let Some(start) = from {
        let page = client.providers().offers_for_model(id, start).await?;
        for offer in page.items.iter().filter(|offer| offer.busy > 0) {
            if has_job(client, offer.provider, id).await? {
                return Ok(true);
            }
        }
        from = page.next;
    }
    Ok(false)
}

async fn has_job(client: &Client, provider: AccountId, model: AssetId) -> Result<bool, Failure> {
    let mut from = Some(0);
    while let Some(start) = from {
        let page = client.jobs().active_jobs(provider, start).await?;
        if page.items.iter().any(|job| job.model == model) {
            return Ok(true);
        }
        from = page.next;
    }
    Ok(false)
}
