//! `weft pin run`: fetch what is to be kept, serve it, and answer a challenge in every epoch.
//!
//! Like the other daemons it decides anew from the chain's state at every block, so a crash or a lost connection costs time
//! and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use weft_chain::{
    Client, Notice, Signer,
    market::Asset,
    pins::{PieceProof, PinDeal},
};
use weft_merkle::Digest;
use weft_primitives::{ContentId, pieces::PinDealId};

use crate::{
    amount::Weft,
    asset,
    blocks::{Blocks, Wants},
    failure::Failure,
    holdings::Holder,
    manifest::{self, Manifest},
    node::{IdentityArgs, NodeArgs},
    peers::Peers,
    pieces,
    progress::Progress,
    sealed_model::peers_of,
    shutdown::Shutdown,
    store::place::BackendArgs,
};

/// Most bytes of a dataset's schema.
const MAX_SCHEMA_BYTES: u64 = 1 << 20;
/// A file that could not be fetched is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to serve blocks at.
    #[arg(long, env = "WEFT_LISTEN", default_value = "127.0.0.1:7301", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// URL under which others reach that address, as announced on the chain; without it, http:// and the address.
    #[arg(long, env = "WEFT_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

struct Pinner {
    client: Client,
    blocks: Blocks,
    account: Signer,
    /// Digests of the pieces of files that are here.
    here: BTreeMap<ContentId, Vec<Digest>>,
    failed: BTreeMap<ContentId, Instant>,
    /// Deals that cannot be served, which was said.
    hopeless: BTreeSet<PinDealId>,
}

impl Args {
    /// Runs until interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let mut shutdown = Shutdown::listen()?;
        let (home, account) = self.identity.open()?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let served = blocks.serve(self.listen, Wants::nothing()).await?;
        let endpoint = self.endpoint.unwrap_or_else(|| format!("http://{}", served.address()));
        let client = tokio::select! {
            client = self.node.connect_patiently() => client?,
            () = shutdown.asked() => return Ok(()),
        };
        let said = client.market().endpoint(account.account()).await?;
        if said.as_deref() != Some(endpoint.as_str()) {
            client.market().set_endpoint(&account, Some(endpoint.clone())).await?;
        }
        tracing::info!(account = %account.account(), %endpoint, "pinner started");
        let mut notices = client.blocks();
        let mut pinner = Pinner {
            client,
            blocks,
            account,
            here: BTreeMap::new(),
            failed: BTreeMap::new(),
            hopeless: BTreeSet::new(),
        };
        loop {
            // What is under way when asked to stop is begun again at the next start.
            tokio::select! {
                done = pinner.look() => match done {
                    Ok(()) => {},
                    Err(Failure::Chain(error)) if error.is_transient() => {
                        tracing::warn!(%error, "the chain cannot be read now");
                    },
                    Err(failure) => return Err(failure),
                },
                () = shutdown.asked() => break,
            }
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(Ok(Notice::Best(_) | Notice::Finalised(_) | Notice::Reconnected)) => {},
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::Network("the node's blocks ended: start again".into())),
                },
                () = shutdown.asked() => break,
            }
        }
        tracing::info!("stopped");
        served.stop().await;
        Ok(())
    }
}

impl Pinner {
    async fn look(&mut self) -> Result<(), Failure> {
        let mut from = Some(0);
        let mut kept = BTreeSet::new();
        while let Some(start) = from {
            let page = self.client.pins().pins_of(self.account.account(), start).await?;
            for pin in page.items.iter().filter(|pin| !pin.over) {
                kept.insert(pin.deal);
                self.keep(pin.deal).await?;
            }
            from = page.next;
        }
        self.let_go(&kept).await
    }

    /// Removes what no deal pays for any more: those that are over, that were left, or that we were evicted from.
    async fn let_go(&mut self, kept: &BTreeSet<PinDealId>) -> Result<(), Failure> {
        for holder in self.blocks.holders()? {
            let Holder::Deal(deal, of) = holder else { continue };
            if of != self.account.account().0 || kept.contains(&deal) || !self.has_ended(deal).await? {
                continue;
            }
            let released = self.blocks.release(&BTreeSet::from([holder])).await?;
            self.here.retain(|content, _| !released.roots.contains(content));
            tracing::info!(deal, "nothing is paid for it any more: {released}");
        }
        Ok(())
    }

    /// Whether it is so for good: what is removed does not come back with another fork.
    async fn has_ended(&self, deal: PinDealId) -> Result<bool, Failure> {
        let deal = self.client.pins().deal_finalised(deal).await?;
        let me = self.account.account();
        let ours = deal.and_then(|deal| deal.pinners.into_iter().find(|pin| pin.pinner == me));
        Ok(ours.is_none_or(|pin| pin.over))
    }

    /// Has the deal's file here, and answers its challenge if there is one.
    async fn keep(&mut self, id: PinDealId) -> Result<(), Failure> {
        let Some(deal) = self.client.pins().deal(id).await? else {
            return Ok(());
        };
        if self.hopeless.contains(&id) {
            return Ok(());
        }
        if !self.here.contains_key(&deal.content) {
            if self
                .failed
                .get(&deal.content)
                .is_some_and(|at| at.elapsed() < TRY_AGAIN)
            {
                return Ok(());
            }
            match self.fetch(&deal).await {
                Ok(leaves) if weft_merkle::root(&leaves) == deal.pieces_root => {
                    tracing::info!(deal = id, asset = deal.asset, "here");
                    self.here.insert(deal.content, leaves);
                }
                Ok(_) => {
                    tracing::error!(
                        deal = id,
                        "the file's pieces are not those that its publisher committed to, so nobody can prove them: leave the deal"
                    );
                    self.hopeless.insert(id);
                    return Ok(());
                }
                Err(Failure::Chain(error)) => return Err(error.into()),
                Err(failure) => {
                    tracing::warn!(deal = id, %failure, "not here yet");
                    self.failed.insert(deal.content, Instant::now());
                    return Ok(());
                }
            }
        }
        let Some(challenge) = self.client.pins().challenge(id, self.account.account()).await? else {
            return Ok(());
        };
        let Some(leaves) = self.here.get(&deal.content) else {
            return Ok(());
        };
        let place = usize::try_from(challenge.piece).ok();
        let Some(proof) = place.and_then(|place| weft_merkle::prove(leaves, place)) else {
            return Ok(());
        };
        let reader = self.blocks.reader(deal.content)?;
        let read = tokio::task::spawn_blocking(move || pieces::piece(reader, challenge.piece)).await;
        let bytes = match read.map_err(std::io::Error::other).and_then(|read| read) {
            Ok(bytes) => bytes,
            Err(error) => {
                // A block is damaged or gone: fetch it anew.
                tracing::warn!(deal = id, %error, "the file is not whole any more");
                self.here.remove(&deal.content);
                return Ok(());
            }
        };
        let proof = PieceProof {
            epoch: challenge.epoch,
            piece: challenge.piece,
            bytes,
            siblings: proof.siblings,
        };
        match self.client.pins().prove(&self.account, id, proof).await {
            Ok(paid) => tracing::info!(deal = id, epoch = challenge.epoch, paid = %Weft(paid), "proved"),
            // The epoch may have ended meanwhile: the next block says.
            Err(error) if !error.is_transient() => tracing::warn!(deal = id, %error, "the proof was not taken"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// An exact model's tokenizer, for those who ask. Without it the file is kept all the same.
    async fn fetch_tokenizer(&self, asset: &Asset, holder: Holder, peers: &Peers) -> Result<(), Failure> {
        let manifest = self.blocks.get(asset.manifest).await;
        let manifest = manifest.map_err(|missing| Failure::Local(missing.to_string()))?;
        let tokenizer = match Manifest::from_bytes(&manifest, &asset.content) {
            Ok(manifest) => manifest.tokenizer,
            Err(error) => {
                tracing::warn!(asset = asset.id, %error, "no tokenizer is kept");
                return Ok(());
            }
        };
        // They are among the files that were sealed: nobody is made to keep more than that for nothing.
        let bytes = tokenizer.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
        if bytes > asset.size_bytes {
            tracing::warn!(
                asset = asset.id,
                bytes,
                "no tokenizer is kept: it is larger than the model"
            );
            return Ok(());
        }
        for file in tokenizer {
            self.blocks.hold(holder, &[file.content]).await?;
            if let Err(failure) = self.blocks.fetch(file.content, peers, file.bytes, None).await {
                tracing::warn!(asset = asset.id, file = file.name, %failure, "not kept");
            }
        }
        Ok(())
    }

    async fn fetch(&self, deal: &PinDeal) -> Result<Vec<Digest>, Failure> {
        let (content, size_bytes) = (deal.content, deal.size_bytes);
        let asset = asset::existing(&self.client, deal.asset).await?;
        let schema = asset.records.map(|records| records.schema);
        let roots: Vec<_> = [content, asset.manifest].into_iter().chain(schema).collect();
        let holder = Holder::Deal(deal.id, self.account.account().0);
        self.blocks.hold(holder, &roots).await?;
        let peers = peers_of(&self.client, &asset, &self.account.account()).await?;
        // Nobody is asked to prove them, but without them the sealed file is of no use.
        self.blocks
            .fetch(asset.manifest, &peers, manifest::MAX_BYTES as u64, None)
            .await?;
        self.fetch_tokenizer(&asset, holder, &peers).await?;
        if let Some(records) = asset.records {
            self.blocks
                .fetch(records.schema, &peers, MAX_SCHEMA_BYTES, None)
                .await?;
        }
        let progress = Progress::bytes(&format!("fetching asset {}", asset.id), Some(size_bytes));
        match self.blocks.fetch(content, &peers, size_bytes, Some(&progress)).await {
            Ok(()) => progress.done("here"),
            Err(failure) => {
                progress.abandon();
                return Err(failure);
            }
        }
        let reader = self.blocks.reader(content)?;
        tokio::task::spawn_blocking(move || pieces::leaves(reader))
            .await
            .map_err(std::io::Error::other)
            .and_then(|leaves| leaves)
            .map_err(|error| Failure::local("the fetched file cannot be read", error))
    }
}
