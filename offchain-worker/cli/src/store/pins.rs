//! `weft store pin`, `ls` and `rm`.

use serde::Serialize;
use serde_json::json;
use weft_store::{Cid, ContentStoreExt, DagLimits, StoreError};

use super::place::{Place, failure};
use crate::{failure::Failure, output};

/// Pins, or takes a pin away.
pub async fn pin(place: &Place, cid: &Cid, remove: bool, json: bool) -> Result<(), Failure> {
    let name = cid.to_string();
    if remove {
        let was_pinned = place.unpin(cid).await.map_err(failure)?;
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
    place.pin(cid).await.map_err(failure)?;
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
}

/// Lists pins.
pub async fn ls(place: &Place, json: bool) -> Result<(), Failure> {
    let store = place.shared();
    let mut rows = Vec::new();
    for cid in store.pins().await.map_err(failure)? {
        let bytes = match store.file_size(&cid).await {
            Ok(bytes) => Some(bytes),
            Err(StoreError::NotFound(_) | StoreError::Corrupt(_) | StoreError::Dag(_)) => None,
            Err(error) => return Err(failure(error)),
        };
        rows.push(Row {
            cid: cid.to_string(),
            bytes,
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
            ]
        })
        .collect();
    output::table(&["CID", "BYTES"], rows, "nothing is pinned")
}

/// Removes a file.
pub async fn rm(place: &Place, cid: &Cid, json: bool) -> Result<(), Failure> {
    let name = cid.to_string();
    match place {
        Place::Embedded(store) => {
            let removed = store.remove(vec![*cid]).await.map_err(failure)?;
            if json {
                return output::json(&json!({ "cid": name, "blocks": removed.blocks, "bytes": removed.bytes }));
            }
            output::line(format_args!(
                "{name}: {} blocks removed, {} bytes",
                removed.blocks, removed.bytes
            ))
        }
        // A daemon removes blocks at its own time.
        Place::Ipfs(_) => {
            let was_pinned = place.unpin(cid).await.map_err(failure)?;
            if json {
                return output::json(&json!({ "cid": name, "was_pinned": was_pinned }));
            }
            let said = if was_pinned {
                "no longer pinned"
            } else {
                "was not pinned"
            };
            output::line(format_args!(
                "{name}: {said}; `ipfs repo gc` removes what nothing needs"
            ))
        }
    }
}
