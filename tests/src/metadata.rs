//! The chain's description of itself, and the copy of it that the worker is built from.

use std::path::PathBuf;

use codec::Decode;
use serde_json::json;

use crate::{error::HarnessError, rpc::Rpc};

/// The version the worker's client is generated from.
pub const VERSION: u32 = 16;

const API: &str = "Metadata_metadata_at_version";

/// Where the copy is kept.
pub fn checked_in() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "offchain-worker",
        "chain",
        "metadata.scale",
    ]
    .iter()
    .collect()
}

/// The metadata of the chain that a node runs, as `frame_metadata::RuntimeMetadataPrefixed` in SCALE.
pub fn of(rpc: &Rpc) -> Result<Vec<u8>, HarnessError> {
    let answer = rpc.call(
        "state_call",
        json!([API, format!("0x{}", hex::encode(VERSION.to_le_bytes()))]),
    )?;
    let text = answer.as_str().unwrap_or_default();
    let bytes = hex::decode(text.trim_start_matches("0x")).map_err(|error| HarnessError::answer(API, error))?;
    Option::<Vec<u8>>::decode(&mut &bytes[..])
        .map_err(|error| HarnessError::answer(API, error))?
        .ok_or_else(|| HarnessError::answer(API, format!("the runtime has no metadata of version {VERSION}")))
}
