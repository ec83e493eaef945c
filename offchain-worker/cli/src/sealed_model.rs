//! From a published model to one that answers: fetch the sealed file, take out its key, open it in memory, load it.

use weft_chain::{
    AccountId, Client,
    market::{Asset, Grant},
};
use weft_engine::exact::{KernelChoice, Replayer};
use weft_vault::{ContentKey, Context, DeviceKeys, KeyCommitment, WrappedKey, open_to_vec, wrap::unwrap_key};

use crate::{
    asset,
    blocks::Blocks,
    engine::{Compute, Loaded, by_name},
    failure::Failure,
    manifest::{self, Manifest},
    peers::Peers,
    progress::Progress,
};

/// Most other providers that are asked for a block.
const MAX_PEERS: usize = 8;
/// Most pages of the chain that are read to find them.
const MAX_PAGES: usize = 8;

/// Who may have the blocks of an asset: its creator, who is paid for keeping it, and providers who offer it, without `own`.
pub async fn peers_of(client: &Client, asset: &Asset, own: &AccountId) -> Result<Peers, Failure> {
    Peers::new(urls_of(client, asset, own).await?)
}

/// Where those are.
pub async fn urls_of(client: &Client, asset: &Asset, own: &AccountId) -> Result<Vec<String>, Failure> {
    let mut urls: Vec<String> = asset::endpoint(asset).into_iter().collect();
    for pinner in pinners_of(client, asset, own).await? {
        urls.extend(client.market().endpoint(pinner).await?);
    }
    let mut others = Vec::new();
    let mut from = Some(0);
    for _ in 0..MAX_PAGES {
        let Some(start) = from.filter(|_| others.len() < MAX_PEERS) else {
            break;
        };
        let page = client.providers().offers_for_model(asset.id, start).await?;
        let keyed = page.items.iter().filter(|offer| offer.keyed && offer.provider != *own);
        others.extend(keyed.map(|offer| String::from_utf8_lossy(&offer.endpoint).into_owned()));
        from = page.next;
    }
    urls.extend(others.into_iter().take(MAX_PEERS));
    Ok(urls)
}

/// Some who are paid to keep a sealed file.
async fn pinners_of(client: &Client, asset: &Asset, own: &AccountId) -> Result<Vec<AccountId>, Failure> {
    let mut pinners = Vec::new();
    let mut from = Some(0);
    for _ in 0..MAX_PAGES {
        let Some(start) = from.filter(|_| pinners.len() < MAX_PEERS) else {
            break;
        };
        let page = client.pins().deals_about(asset.id, start).await?;
        let all = page.items.iter().flat_map(|deal| &deal.pinners).map(|pin| pin.pinner);
        pinners.extend(all.filter(|pinner| pinner != own));
        from = page.next;
    }
    pinners.truncate(MAX_PEERS);
    Ok(pinners)
}

/// The key of a model that its owner wrapped for this device.
pub fn granted_key(client: &Client, keys: &DeviceKeys, asset: &Asset, grant: &Grant) -> Result<ContentKey, Failure> {
    let label = format!("model {} ({})", asset.id, asset::name(asset));
    if grant.encryption_key != *keys.public().as_bytes() {
        return Err(Failure::Local(format!(
            "{label}: the granted key is for another device key than the one in this home: wait for the creator to grant it anew"
        )));
    }
    let context = Context::ModelGrant {
        asset: asset.id,
        ciphertext: asset.content.to_cid_bytes(),
    };
    unwrap_key(&WrappedKey(grant.wrapped), keys, &client.genesis_hash(), &context)
        .map_err(|error| Failure::Local(format!("{label}: {error}")))
}

/// Makes a model ready.
pub async fn load(
    blocks: &Blocks,
    asset: &Asset,
    key: ContentKey,
    peers: &Peers,
    compute: &Compute,
) -> Result<Loaded, Failure> {
    let (kind, exact_root, compute) = (asset.kind, asset.exact_root, compute.clone());
    opened(blocks, asset, key, peers, move |files| {
        Loaded::from_files(kind, files, exact_root, &compute)
    })
    .await
}

/// Makes an exact model ready to compute answers again.
pub async fn replayer(
    blocks: &Blocks,
    asset: &Asset,
    key: ContentKey,
    peers: &Peers,
    compute: &Compute,
) -> Result<Replayer, Failure> {
    let device = compute.device();
    opened(blocks, asset, key, peers, move |files| {
        Replayer::from_files(&by_name(files), device, KernelChoice::Auto)
            .map_err(|error| Failure::Local(error.to_string()))
    })
    .await
}

/// The exact model itself.
#[cfg(feature = "testing")]
pub async fn exact_model(
    blocks: &Blocks,
    asset: &Asset,
    key: ContentKey,
    peers: &Peers,
) -> Result<weft_exact::model::Model, Failure> {
    opened(blocks, asset, key, peers, move |files| {
        let read = weft_engine::exact::read_model(&by_name(files));
        read.map(|(model, _)| model)
            .map_err(|error| Failure::Local(error.to_string()))
    })
    .await
}

/// Makes something of a model's files. What is in the store already is not fetched again; the plaintext never touches the disk.
async fn opened<T: Send + 'static>(
    blocks: &Blocks,
    asset: &Asset,
    key: ContentKey,
    peers: &Peers,
    make: impl FnOnce(&[(&str, &[u8])]) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let label = format!("model {} ({})", asset.id, asset::name(asset));
    let told = |error: &dyn std::fmt::Display| Failure::Local(format!("{label}: {error}"));
    blocks
        .fetch(asset.manifest, peers, manifest::MAX_BYTES as u64, None)
        .await?;
    let manifest = blocks.get(asset.manifest).await.map_err(|missing| told(&missing))?;
    let manifest = Manifest::from_bytes(&manifest, &asset.content).map_err(|error| told(&error))?;

    // For those who ask: it is computed with what is sealed.
    for file in &manifest.tokenizer {
        if let Err(failure) = blocks.fetch(file.content, peers, file.bytes, None).await {
            tracing::debug!(asset = asset.id, file = file.name, %failure, "not here for others");
        }
    }

    let progress = Progress::bytes(&format!("fetching {label}"), Some(asset.size_bytes));
    match blocks
        .fetch(asset.content, peers, asset.size_bytes, Some(&progress))
        .await
    {
        Ok(()) => progress.done("here"),
        Err(failure) => {
            progress.abandon();
            return Err(failure);
        }
    }
    let size = manifest.total_bytes().and_then(|bytes| usize::try_from(bytes).ok());
    // Sealing adds to a file, so a plaintext that is larger than the sealed file is a lie.
    let size = size.filter(|bytes| *bytes as u64 <= asset.size_bytes).ok_or_else(|| {
        told(&"the manifest's sizes contradict the sealed file's: its creator must publish the model again")
    })?;
    let sealed = blocks.reader(asset.content)?;
    let commitment = KeyCommitment(asset.key_commitment);
    let opened = tokio::task::spawn_blocking(move || {
        let plaintext = open_to_vec(sealed, &key, Some(&commitment), size).map_err(|error| error.to_string())?;
        let files = manifest.split(&plaintext).map_err(|error| error.to_string())?;
        make(&files).map_err(|error| error.to_string())
    });
    let loaded = opened
        .await
        .map_err(|panic| told(&format!("loading failed: {panic}")))?;
    let loaded = loaded.map_err(|error| told(&error))?;
    tracing::info!(asset = asset.id, name = asset::name(asset), "model ready");
    Ok(loaded)
}
