//! Fetching what one has the key of, and opening it.

use std::path::{Path, PathBuf};

use serde_json::json;
use weft_chain::{AccountId, Client, market::Asset};
use weft_primitives::AssetId;
use weft_vault::KeyCommitment;

use super::{Shared, kept, unpack::unpack};
use crate::{
    asset,
    blocks::Blocks,
    failure::Failure,
    holdings::Holder,
    home::Home,
    manifest::{self, Manifest},
    output,
    peers::Peers,
    progress::Progress,
    sealed_model::peers_of,
    store::place::BackendArgs,
};

/// See [`super::Command::Get`].
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    /// The asset.
    asset: AssetId,
    /// Where to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    shared: Shared,
}

impl GetArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, who) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let files = open_into(&client, &home, &blocks, &who.account(), &asset, &self.out).await?;
        kept::let_go(&client, &blocks, who.account()).await?;
        if self.shared.json {
            return output::json(&json!({ "asset": asset.id, "out": self.out, "files": files }));
        }
        output::line(format_args!(
            "asset {}: {} in {}",
            asset.id,
            files.join(", "),
            self.out.display()
        ))
    }
}

/// Brings an asset's manifest and sealed file into the store. What is here already is not fetched again.
pub async fn fetch(blocks: &Blocks, asset: &Asset, peers: &Peers) -> Result<(), Failure> {
    blocks
        .fetch(asset.manifest, peers, manifest::MAX_BYTES as u64, None)
        .await?;
    let progress = Progress::bytes(&format!("fetching asset {}", asset.id), Some(asset.size_bytes));
    match blocks
        .fetch(asset.content, peers, asset.size_bytes, Some(&progress))
        .await
    {
        Ok(()) => {
            progress.done("here");
            Ok(())
        }
        Err(failure) => {
            progress.abandon();
            Err(failure)
        }
    }
}

/// Fetches the sealed file, opens it with the key in the home directory, and writes its files into `dir`. Returns their names.
pub async fn open_into(
    client: &Client,
    home: &Home,
    blocks: &Blocks,
    own: &AccountId,
    asset: &Asset,
    dir: &Path,
) -> Result<Vec<String>, Failure> {
    let key = home.content_key(&asset.content.to_string())?.ok_or_else(|| {
        Failure::NotFound(format!(
            "the key of asset {} is not in this home: get it with `weft market key {}`",
            asset.id, asset.id
        ))
    })?;
    let peers = peers_of(client, asset, own).await?;
    let roots = [asset.content, asset.manifest];
    blocks.hold(Holder::Bought(asset.id, own.0), &roots).await?;
    fetch(blocks, asset, &peers).await?;
    let told = |error: &dyn std::fmt::Display| Failure::Local(format!("asset {}: {error}", asset.id));
    let bytes = blocks.get(asset.manifest).await.map_err(|missing| told(&missing))?;
    let manifest = Manifest::from_bytes(&bytes, &asset.content).map_err(|error| told(&error))?;
    // Sealing adds to a file: a plaintext that is larger than the sealed file is a lie, seen before anything is written.
    let size = manifest
        .total_bytes()
        .filter(|bytes| *bytes <= asset.size_bytes)
        .ok_or_else(|| told(&"the manifest's sizes contradict the sealed file's"))?;
    let sealed = blocks.reader(asset.content)?;
    let commitment = KeyCommitment(asset.key_commitment);
    let dir = dir.to_owned();
    let progress = Progress::bytes(&format!("opening asset {}", asset.id), Some(size));
    let shown = progress.clone();
    let opened = tokio::task::spawn_blocking(move || {
        unpack(sealed, &key, &commitment, &manifest, &dir, |done| shown.set(done, None))
    })
    .await
    .map_err(|panic| told(&format!("opening failed: {panic}")))?;
    match opened {
        Ok(names) => {
            progress.done("opened");
            Ok(names)
        }
        Err(error) => {
            progress.abandon();
            Err(told(&error))
        }
    }
}
