//! Handing a work over: on the chain, and with it the keys and files that the next owner needs to serve it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::json;
use weft_chain::{AccountId, Client, market::Asset};
use weft_primitives::{AssetId, WorkId};
use weft_store::MAX_BLOCK_BYTES;
use weft_vault::{ContentKey, PublicKey};

use super::{
    Shared, get,
    handover::{self, Handover},
};
use crate::{
    asset, blocks::Blocks, failure::Failure, holdings::Holder, home::Home, node::account, output, peers::Peers,
    sealed_model::urls_of,
};

/// See [`super::Command::Transfer`].
#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// The work.
    work: WorkId,
    /// To whom; left out, the offer is taken back.
    #[arg(value_parser = account)]
    to: Option<AccountId>,
    /// Write the keys of all versions to this file, for the next owner alone.
    #[arg(long, value_name = "FILE", requires = "to", requires = "to_key")]
    keys: Option<PathBuf>,
    /// The next owner's device encryption key, as their `weft keys show` prints it.
    #[arg(long, value_name = "KEY", requires = "keys")]
    to_key: Option<PublicKey>,
    #[command(flatten)]
    shared: Shared,
}

/// See [`super::Command::Accept`].
#[derive(Debug, clap::Args)]
pub struct AcceptArgs {
    /// The work.
    work: WorkId,
    /// The file of keys that its owner made with `weft market transfer --keys`; its sealed files are fetched too.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
}

/// Keys that were written for the next owner.
#[derive(Default)]
struct Written {
    assets: Vec<AssetId>,
    /// Versions whose key is not here.
    missing: Vec<AssetId>,
}

impl TransferArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, owner) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let work = client
            .market()
            .work(self.work)
            .await?
            .ok_or_else(|| Failure::NotFound(format!("there is no work {}", self.work)))?;
        let written = match (&self.keys, self.to_key) {
            (Some(path), Some(to_key)) => write_keys(&client, &home, owner.account(), self.work, to_key, path).await?,
            _ => Written::default(),
        };
        // Who has accepted already may have come without keys.
        let is_theirs = self.to == Some(work.owner) && self.keys.is_some();
        if !is_theirs {
            client.market().offer_transfer(&owner, self.work, self.to).await?;
        }
        if self.shared.json {
            return output::json(&json!({
                "work": self.work,
                "to": self.to,
                "keys": self.keys,
                "keys_of": written.assets,
                "keys_missing": written.missing,
            }));
        }
        let Some(to) = self.to else {
            return output::line(format_args!("work {}: offered to nobody any more", self.work));
        };
        let how = if is_theirs { "is that of" } else { "offered to" };
        output::line(format_args!("work {}: {how} {to}", self.work))?;
        match &self.keys {
            Some(path) => {
                output::line(format_args!(
                    "keys of {} versions are in {}: send it to them; they run `weft market accept {} --keys FILE`",
                    written.assets.len(),
                    path.display(),
                    self.work
                ))?;
                if !written.missing.is_empty() {
                    let missing: Vec<_> = written.missing.iter().map(ToString::to_string).collect();
                    output::line(format_args!(
                        "not in this home: the keys of assets {}",
                        missing.join(", ")
                    ))?;
                }
                output::line("keep serving the files until they have fetched them")
            }
            None => output::line(format_args!(
                "they take it with `weft market accept {}`; without its keys (--keys) they can neither serve nor entrust it",
                self.work
            )),
        }
    }
}

/// Wraps the keys of all versions that are in this home, and writes them to `path`.
async fn write_keys(
    client: &Client,
    home: &Home,
    from: AccountId,
    work: WorkId,
    to_key: PublicKey,
    path: &Path,
) -> Result<Written, Failure> {
    let mut written = Written::default();
    let mut keys = Vec::new();
    let mut next = Some(0);
    while let Some(start) = next {
        let page = client.market().versions(work, start).await?;
        for asset in &page.items {
            match home.content_key(&asset.content.to_string())? {
                Some(key) => {
                    written.assets.push(asset.id);
                    keys.push((asset.id, asset.content, key));
                }
                None => written.missing.push(asset.id),
            }
        }
        next = page.next;
    }
    if keys.is_empty() {
        return Err(Failure::NotFound(format!(
            "no key of work {work} is in this home: use the --home it was published from"
        )));
    }
    let keys = keys.iter().map(|(asset, content, key)| (*asset, *content, key));
    let handover = Handover::wrap(&client.genesis_hash(), work, from, to_key, keys)
        .map_err(|error| Failure::Usage(format!("--to-key: {error}")))?;
    let bytes = handover.to_bytes().map_err(|error| Failure::Local(error.to_string()))?;
    fs::write(path, bytes).map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))?;
    Ok(written)
}

impl AcceptArgs {
    /// Runs the command. May be run again to go on with files that did not come.
    pub async fn run(self) -> Result<(), Failure> {
        // Before anything is decided on the chain.
        let handover = self.keys.as_deref().map(read).transpose()?;
        let (home, to) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let work = client
            .market()
            .work(self.work)
            .await?
            .ok_or_else(|| Failure::NotFound(format!("there is no work {}", self.work)))?;
        let taken = match &handover {
            Some(handover) => take_keys(&client, &home, handover, self.work).await?,
            None => Vec::new(),
        };
        let blocks = match taken.is_empty() {
            true => None,
            false => Some(Blocks::open(&home)?),
        };
        if work.owner != to.account() {
            client.market().accept_transfer(&to, self.work).await?;
        }
        let failure = match (&blocks, &handover) {
            (Some(blocks), Some(handover)) => fetch_files(&client, blocks, handover.from, to.account(), &taken)
                .await
                .err(),
            _ => None,
        };
        let assets: Vec<_> = taken.iter().map(|asset| asset.id).collect();
        if self.shared.json {
            output::json(&json!({
                "work": self.work,
                "keys_of": assets,
                "failure": failure.as_ref().map(ToString::to_string),
            }))?;
        } else {
            output::line(format_args!("work {}: yours", self.work))?;
            output::line(match (assets.len(), &failure) {
                (0, _) => "its keys did not come with it: ask for them with `weft market transfer --keys`".to_owned(),
                (count, None) => format!("{count} versions are here: serve them with `weft creator serve`"),
                (count, Some(_)) => format!("the keys of {count} versions are here, not all of their files"),
            })?;
        }
        match failure {
            None => Ok(()),
            Some(failure) => Err(failure.and(format!(
                "work {} and its keys are yours: run this again while somebody serves the files",
                self.work
            ))),
        }
    }
}

/// Reads a file of keys.
fn read(path: &Path) -> Result<Handover, Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::NotFound(format!("there is no file {}", path.display())),
        _ => Failure::local(format_args!("cannot read {}", path.display()), error),
    };
    let told = |error: handover::HandoverError| Failure::Local(format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > handover::MAX_BYTES {
        return Err(told(handover::HandoverError::Malformed("it is too long".into())));
    }
    Handover::from_bytes(&fs::read(path).map_err(failed)?).map_err(told)
}

/// Checks all keys against the chain, and keeps them once all are right. Returns the versions.
async fn take_keys(client: &Client, home: &Home, handover: &Handover, work: WorkId) -> Result<Vec<Asset>, Failure> {
    let (device, genesis) = (home.device_keys()?, client.genesis_hash());
    let refused = |error: handover::HandoverError| Failure::Refused(error.to_string());
    handover.check(&genesis, work, &device).map_err(refused)?;
    let mut opened: Vec<(Asset, ContentKey)> = Vec::new();
    for handed in &handover.keys {
        let asset = asset::existing(client, handed.asset).await?;
        let key = handover.open(handed, &asset, &genesis, &device).map_err(refused)?;
        opened.push((asset, key));
    }
    for (asset, key) in &opened {
        home.keep_content_key(&asset.content.to_string(), key)?;
    }
    Ok(opened.into_iter().map(|(asset, _)| asset).collect())
}

/// Brings the sealed files here, from who had the work and whoever else keeps them.
async fn fetch_files(
    client: &Client,
    blocks: &Blocks,
    from: AccountId,
    own: AccountId,
    assets: &[Asset],
) -> Result<(), Failure> {
    let before = client.market().endpoint(from).await?;
    for asset in assets {
        let others = urls_of(client, asset, &own).await?;
        let peers = Peers::new(before.iter().cloned().chain(others))?;
        let schema = asset.records.map(|records| records.schema);
        let roots: Vec<_> = [asset.content, asset.manifest].into_iter().chain(schema).collect();
        blocks.hold(Holder::Asset(asset.id), &roots).await?;
        get::fetch(blocks, asset, &peers).await?;
        if let Some(schema) = schema {
            blocks.fetch(schema, &peers, MAX_BLOCK_BYTES as u64, None).await?;
        }
    }
    Ok(())
}
