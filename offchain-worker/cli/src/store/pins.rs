//! `weft store pin`, `ls` and `rm`.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::json;
use weft_store::{Cid, ContentStoreExt, DagLimits, StoreError, embedded::Collected};

use super::place::{Place, Removed, failure};
use crate::{
    blocks::{Blocks, to_content_id},
    failure::Failure,
    output,
};

/// Pins, or takes a pin away.
pub async fn pin(blocks: &Blocks, cid: &Cid, remove: bool, json: bool) -> Result<(), Failure> {
    let (place, name) = (blocks.place(), cid.to_string());
    if remove {
        let was_pinned = blocks.unpin_by_hand(cid).await?;
        if json {
            return output::json(&json!({ "cid": name, "pinned": false, "was_pinned": was_pinned }));
        }
        let said = if was_pinned {
            "no longer pinned"
        } else {
            "was not pinned"
        };
        return output::line(format_args!("{name}: {said}"));
    }
    blocks.pin_by_hand(cid).await?;
    let missing = match place.shared().missing(cid, DagLimits::default()).await {
        Ok(missing) => missing.len(),
        // Not a file, but something that Kubo pinned as a whole.
        Err(StoreError::Dag(_)) => 0,
        Err(error) => return Err(failure(error)),
    };
    if json {
        return output::json(&json!({ "cid": name, "pinned": true, "missing_blocks": missing }));
    }
    match missing {
        0 => output::line(format_args!("{name}: pinned")),
        _ => output::line(format_args!(
            "{name}: pinned, but not here as a whole ({missing} blocks are missing that can be told): add it, import it, or fetch it"
        )),
    }
}

#[derive(Serialize)]
struct Row {
    cid: String,
    /// Of the file; unknown if its root is not here, or if it is none.
    bytes: Option<u64>,
    /// Who needs it, as far as that is written down.
    holders: Vec<String>,
}

/// Lists pins.
pub async fn ls(blocks: &Blocks, json: bool) -> Result<(), Failure> {
    let (store, ledger) = (blocks.place().shared(), blocks.ledger()?);
    let mut rows = Vec::new();
    for cid in store.pins().await.map_err(failure)? {
        let bytes = match store.file_size(&cid).await {
            Ok(bytes) => Some(bytes),
            Err(StoreError::NotFound(_) | StoreError::Corrupt(_) | StoreError::Dag(_)) => None,
            Err(error) => return Err(failure(error)),
        };
        let root = to_content_id(&cid)?;
        rows.push(Row {
            cid: cid.to_string(),
            bytes,
            holders: ledger.holders_of(&root).map(|holder| holder.to_string()).collect(),
        });
    }
    if json {
        return output::json(&rows);
    }
    let rows = rows
        .into_iter()
        .map(|row| {
            vec![
                row.cid,
                row.bytes
                    .map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string()),
                row.holders.join(" "),
            ]
        })
        .collect();
    output::table(&["CID", "BYTES", "FOR"], rows, "nothing is pinned")
}

/// Removes a file.
pub async fn rm(blocks: &Blocks, cid: &Cid, json: bool) -> Result<(), Failure> {
    let name = cid.to_string();
    match blocks.remove_by_hand(cid).await? {
        Removed::Blocks(removed) => gone(Some(&name), removed, json),
        // A daemon removes blocks at its own time.
        Removed::Pins(pins) => {
            if json {
                return output::json(&json!({ "cid": name, "was_pinned": pins > 0 }));
            }
            let said = if pins > 0 { "no longer pinned" } else { "was not pinned" };
            output::line(format_args!(
                "{name}: {said}; `ipfs repo gc` removes what nothing needs"
            ))
        }
    }
}

/// Removes all that no pin leads to.
pub async fn gc(place: &Place, json: bool) -> Result<(), Failure> {
    let Place::Embedded(store) = place else {
        return Err(Failure::Usage(
            "an IPFS daemon collects its own garbage: run `ipfs repo gc`".into(),
        ));
    };
    // Whoever has the store open is the only one who could be adding to it.
    let removed = store.collect_garbage(SystemTime::now()).await.map_err(failure)?;
    gone(None, removed, json)
}

fn gone(what: Option<&str>, removed: Collected, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&json!({ "cid": what, "blocks": removed.blocks, "bytes": removed.bytes }));
    }
    let what = what.map(|name| format!("{name}: ")).unwrap_or_default();
    output::line(format_args!(
        "{what}{} blocks removed, {} bytes",
        removed.blocks, removed.bytes
    ))
}
