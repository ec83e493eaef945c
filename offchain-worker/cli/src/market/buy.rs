//! Buying a licence, getting the key, and opening what was bought.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::json;
use weft_chain::{AccountId, Client, Signer, market::Asset};
use weft_primitives::{AssetId, LicenceId, licence::Tariff, registry::KeyRecipient};
use weft_vault::{ContentKey, KeyCommitment, open_to_vec};

use super::{Shared, kept, tariff};
use crate::{
    asset,
    blocks::Blocks,
    custody::{self, Collected},
    failure::Failure,
    holdings::Holder,
    home::Home,
    manifest::{self, Manifest},
    output,
    progress::Progress,
    sealed_model::peers_of,
    store::place::BackendArgs,
};

/// See [`super::Command::Buy`].
#[derive(Debug, clap::Args)]
pub struct BuyArgs {
    /// The asset whose key you want; the licence is for its work, in all versions.
    asset: AssetId,
    /// At which of its tariffs, as `weft market show` writes them; may be left out if there is only one.
    #[arg(long, value_parser = tariff::parse_tariff)]
    tariff: Option<Tariff>,
    /// How many uses or periods.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    quantity: u32,
    /// Fetch and open it into this directory at once.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    shared: Shared,
}

/// See [`super::Command::Key`].
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// The asset.
    asset: AssetId,
    #[command(flatten)]
    shared: Shared,
}

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

/// A key that was put together and kept.
struct Kept {
    block: u32,
    released: usize,
    seconds: f64,
}

impl BuyArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, buyer) = self.shared.identity.open()?;
        let keys = home.user_keys()?;
        let client = self.shared.node.connect_persistently().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let work = client
            .market()
            .work(asset.work)
            .await?
            .ok_or_else(|| Failure::NotFound(format!("there is no work {}", asset.work)))?;
        let tariff = match (self.tariff, work.tariffs.as_slice()) {
            (Some(tariff), _) => tariff,
            (None, [only]) => *only,
            (None, []) => {
                return Err(Failure::Usage(format!(
                    "work {} needs no licence: use it with `weft run --asset {}`",
                    work.id, asset.id
                )));
            }
            (None, several) => {
                let choices: Vec<_> = several.iter().map(tariff::written).collect();
                return Err(Failure::Usage(format!(
                    "work {} has several tariffs: choose with --tariff {}",
                    work.id,
                    choices.join(" or --tariff ")
                )));
            }
        };
        let entrusted = client.custody().custody(asset.id).await?.is_some();
        let (licence, bought) = client
            .licences()
            .buy(&buyer, asset.id, tariff, self.quantity, *keys.public().as_bytes())
            .await?;
        let kept = match entrusted {
            true => Some(receive(&client, &home, &buyer, &asset, licence).await?),
            false => None,
        };
        if let Some(dir) = &self.out {
            let blocks = Blocks::open_at(&home, &self.backend)?;
            open_into(&client, &home, &blocks, &buyer.account(), &asset, dir).await?;
        }
        if self.shared.json {
            return output::json(&json!({
                "licence": licence,
                "work": work.id,
                "asset": asset.id,
                "tariff": tariff,
                "quantity": self.quantity,
                "block": bought.number,
                "key_block": kept.as_ref().map(|kept| kept.block),
                "key_seconds": kept.as_ref().map(|kept| kept.seconds),
                "released": kept.as_ref().map(|kept| kept.released),
                "out": self.out,
            }));
        }
        let mut lines = vec![
            ("licence", licence.to_string()),
            ("work", work.id.to_string()),
            ("paid", tariff::price(&tariff)),
            (
                "key",
                match &kept {
                    Some(kept) => format!(
                        "here {} blocks after the purchase, from {} custodians",
                        kept.block.saturating_sub(bought.number),
                        kept.released
                    ),
                    None => "not in custody: the licence allows jobs, and the owner has the key".to_owned(),
                },
            ),
        ];
        if let Some(dir) = &self.out {
            lines.push(("opened in", dir.display().to_string()));
        }
        output::pairs(lines)
    }
}

impl KeyArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, holder) = self.shared.identity.open()?;
        let keys = home.user_keys()?;
        let client = self.shared.node.connect_persistently().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let licence = client
            .licences()
            .of(asset.work, holder.account())
            .await?
            .ok_or_else(|| {
                Failure::Refused(format!(
                    "you hold no licence of work {}: buy one with `weft market buy {}`",
                    asset.work, asset.id
                ))
            })?;
        if licence.encryption_key == *keys.public().as_bytes() {
            let done = client.licences().request_key(&holder, licence.id, asset.id).await;
            // What was asked for a moment ago is still to come.
            if let Err(error) = done
                && !error.is("Custody", "AlreadyRequested")
                && !error.is("Market", "AlreadyRequested")
            {
                return Err(error.into());
            }
        } else {
            client
                .licences()
                .set_key(&holder, licence.id, *keys.public().as_bytes())
                .await?;
            if licence.asset != asset.id {
                client.licences().request_key(&holder, licence.id, asset.id).await?;
            }
        }
        let kept = receive(&client, &home, &holder, &asset, licence.id).await?;
        if self.shared.json {
            return output::json(&json!({
                "asset": asset.id,
                "licence": licence.id,
                "key_block": kept.block,
                "key_seconds": kept.seconds,
                "released": kept.released,
            }));
        }
        output::line(format_args!(
            "asset {}: its key is here, from {} custodians",
            asset.id, kept.released
        ))
    }
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

/// Waits for the custodians, and keeps the key in the home directory.
async fn receive(
    client: &Client,
    home: &Home,
    holder: &Signer,
    asset: &Asset,
    licence: LicenceId,
) -> Result<Kept, Failure> {
    let started = Instant::now();
    let progress = Progress::spinner("waiting for the custodians");
    let collected = custody::collect(
        client,
        asset,
        &KeyRecipient::Licence(licence),
        &home.user_keys()?,
        Some(holder),
    )
    .await;
    let Collected { key, block, released } = match collected {
        Ok(collected) => {
            progress.done("the key is here");
            collected
        }
        Err(failure) => {
            progress.abandon();
            return Err(failure);
        }
    };
    home.keep_content_key(&asset.content.to_string(), &key)?;
    Ok(Kept {
        block,
        released,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Fetches the sealed file, opens it with the key in the home directory, and writes its files into `dir`. Returns their names.
async fn open_into(
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
    blocks
        .fetch(asset.manifest, &peers, manifest::MAX_BYTES as u64, None)
        .await?;
    let progress = Progress::bytes(&format!("fetching asset {}", asset.id), Some(asset.size_bytes));
    match blocks
        .fetch(asset.content, &peers, asset.size_bytes, Some(&progress))
        .await
    {
        Ok(()) => progress.done("here"),
        Err(failure) => {
            progress.abandon();
            return Err(failure);
        }
    }
    let told = |error: &dyn std::fmt::Display| Failure::Local(format!("asset {}: {error}", asset.id));
    let bytes = blocks.get(asset.manifest).await.map_err(|missing| told(&missing))?;
    let manifest = Manifest::from_bytes(&bytes, &asset.content).map_err(|error| told(&error))?;
    let size = manifest
        .total_bytes()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| *bytes as u64 <= asset.size_bytes)
        .ok_or_else(|| told(&"the manifest's sizes contradict the sealed file's"))?;
    let sealed = blocks.reader(asset.content)?;
    let commitment = KeyCommitment(asset.key_commitment);
    let dir = dir.to_owned();
    let opened = tokio::task::spawn_blocking(move || open_files(sealed, &key, &commitment, size, &manifest, &dir));
    opened
        .await
        .map_err(|panic| told(&format!("opening failed: {panic}")))?
        .map_err(|error| told(&error))
}

fn open_files(
    sealed: impl std::io::Read + Send,
    key: &ContentKey,
    commitment: &KeyCommitment,
    size: usize,
    manifest: &Manifest,
    dir: &Path,
) -> Result<Vec<String>, String> {
    let plaintext = open_to_vec(sealed, key, Some(commitment), size).map_err(|error| error.to_string())?;
    let files = manifest.split(&plaintext).map_err(|error| error.to_string())?;
    fs::create_dir_all(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    let mut names = Vec::new();
    for (name, bytes) in files {
        // Names come from a stranger: no way out of the directory.
        let path = Path::new(name);
        if path.file_name() != Some(path.as_os_str()) {
            return Err(format!(
                "`{name}` is not a plain file name: the publisher must publish it again"
            ));
        }
        let path = dir.join(path);
        fs::write(&path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        names.push(name.to_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::FileEntry;
    use sha2::{Digest, Sha256};
    use weft_primitives::{AssetKind, ContentCodec, ContentId};

    #[test]
    fn names_that_lead_out_are_refused_and_wrong_keys_open_nothing() {
        let key = ContentKey::from_bytes([1; 32]);
        let content = ContentId {
            codec: ContentCodec::DagPb,
            sha256: [0; 32],
        };
        let open = |name: &str, with: &ContentKey| {
            let dir = tempfile::tempdir().unwrap();
            let sealed = dir.path().join("sealed");
            weft_vault::seal_to_path(&b"text"[..], &sealed, &key, Some(4), |_| ()).unwrap();
            let entry = FileEntry {
                name: name.to_owned(),
                bytes: 4,
                sha256: hex::encode(Sha256::digest(b"text")),
            };
            let manifest = Manifest::new("m".into(), AssetKind::Dataset, vec![entry], content);
            let out = dir.path().join("out");
            let file = fs::File::open(&sealed).unwrap();
            open_files(file, with, &key.commitment(), 4, &manifest, &out)
        };
        assert_eq!(open("a.txt", &key), Ok(vec!["a.txt".to_owned()]));
        for bad in ["../a", "/etc/a", "a/b", "..", ".", ""] {
            assert!(open(bad, &key).is_err(), "{bad}");
        }
        assert!(open("a.txt", &ContentKey::from_bytes([2; 32])).is_err());
    }
}
