//! A content store in an IPFS node: Kubo, over its RPC API on this machine.
//!
//! Blocks are put one by one under CIDs that were computed here, and the daemon's
//! answer is held to them; what it gives is checked as anybody's is. A block that
//! the daemon has is not sent again, so whatever was cut off goes on by being
//! repeated.
//!
//! The daemon makes blocks last as its own datastore is configured to
//! (`Datastore.Spec`, `sync`); Kubo's default leaves the last seconds to the
//! operating system.

mod api;
mod error;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cid::Cid;
use reqwest::Url;

use api::Api;
pub use error::IpfsError;

use crate::{
    block::{Block, codec_of, parse_cid},
    store::{ContentStore, StoreError},
};

/// Where an [`IpfsStore`] finds its daemon, and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpfsConfig {
    /// Address of the daemon's RPC API: `http://` and a host of this machine.
    pub api: String,
    /// For the daemon to answer a call about what it has.
    pub call_timeout: Duration,
    /// For the daemon to find a block, or all that is pinned, among its peers.
    /// `None` asks no peers: what the daemon does not have is reported at once.
    pub fetch_timeout: Option<Duration>,
}

impl Default for IpfsConfig {
    fn default() -> Self {
        Self {
            api: "http://127.0.0.1:5001".to_owned(),
            call_timeout: Duration::from_secs(60),
            fetch_timeout: None,
        }
    }
}

/// What an [`IpfsStore`] has sent since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Blocks sent: those that the daemon did not have.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks that the daemon had.
    pub present_blocks: u64,
}

/// A content store in a Kubo daemon. Cloning it gives another handle to the same
/// daemon, with the same counters.
#[derive(Clone)]
pub struct IpfsStore {
    api: Arc<Api>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    blocks: AtomicU64,
    bytes: AtomicU64,
    present_blocks: AtomicU64,
}

impl IpfsStore {
    /// A store in the daemon that `config` names. Nothing is asked of it yet:
    /// [`IpfsStore::version`] does that.
    pub fn new(config: &IpfsConfig) -> Result<Self, IpfsError> {
        Ok(Self {
            api: Arc::new(Api::new(local_address(&config.api)?, config)),
            counters: Arc::default(),
        })
    }

    /// The daemon's version; the error that says how to start one if there is none.
    pub async fn version(&self) -> Result<String, IpfsError> {
        self.api.version().await
    }

    /// What was sent since this store was made, by all of its clones.
    pub fn sent(&self) -> Sent {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Sent {
            blocks: read(&self.counters.blocks),
            bytes: read(&self.counters.bytes),
            present_blocks: read(&self.counters.present_blocks),
        }
    }
}

#[async_trait]
impl ContentStore for IpfsStore {
    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        // A look is cheap beside sending and writing a quarter of a megabyte.
        if self.api.has(block.cid()).await? {
            self.counters.present_blocks.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let named = self.api.put(&block).await?;
        if parse_cid(&named).ok() != Some(*block.cid()) {
            return Err(IpfsError::OtherCid {
                ours: Box::new(*block.cid()),
                theirs: named,
            }
            .into());
        }
        self.counters.blocks.fetch_add(1, Ordering::Relaxed);
        let len = block.data().len() as u64;
        self.counters.bytes.fetch_add(len, Ordering::Relaxed);
        Ok(())
    }

    async fn get_block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        codec_of(cid)?;
        let data = self.api.get(cid).await?.ok_or(StoreError::NotFound(*cid))?;
        Ok(Block::verify(cid, data)?.into_data())
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        codec_of(cid)?;
        Ok(self.api.has(cid).await?)
    }

    async fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        codec_of(cid)?;
        match self.api.pin(cid).await? {
            true => Ok(()),
            false => Err(IpfsError::Incomplete { root: *cid }.into()),
        }
    }

    async fn unpin(&self, cid: &Cid) -> Result<bool, StoreError> {
        codec_of(cid)?;
        Ok(self.api.unpin(cid).await?)
    }

    /// All recursive pins that can be pins of this store: those of other kinds of
    /// CIDs are passed over.
    async fn pins(&self) -> Result<Vec<Cid>, StoreError> {
        let mut pins: Vec<_> = self
            .api
            .pins()
            .await?
            .iter()
            .filter_map(|p| parse_cid(p).ok())
            .collect();
        pins.sort_by_cached_key(Cid::to_string);
        Ok(pins)
    }

    /// Bytes of the daemon's whole repository.
    async fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.api.repo_bytes().await?)
    }
}

/// Kubo's API knows no passwords and no encryption: whoever reaches it owns the
/// node. So it is only ever talked to on this machine.
fn local_address(text: &str) -> Result<String, IpfsError> {
    let refuse = |reason| IpfsError::Address {
        api: text.to_owned(),
        reason,
    };
    let url = Url::parse(text).map_err(|_| refuse("it is no URL"))?;
    if url.scheme() != "http" {
        return Err(refuse("only http:// is spoken here"));
    }
    let host = url.host_str().ok_or_else(|| refuse("it names no host"))?;
    let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    if host != "localhost" && !address.is_ok_and(|address| address.is_loopback()) {
        return Err(refuse("it is not on this machine"));
    }
    Ok(format!("http://{host}:{}", url.port_or_known_default().unwrap_or(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_talked_to() {
        for (given, used) in [
            ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
            ("http://127.0.0.1:5001/api/v0", "http://127.0.0.1:5001"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:5001/", "http://[::1]:5001"),
        ] {
            assert_eq!(local_address(given).unwrap(), used);
        }
        for (given, because) in [
            ("127.0.0.1:5001", "no URL"),
            ("/ip4/127.0.0.1/tcp/5001", "no URL"),
            ("https://127.0.0.1:5001", "http://"),
            ("http://192.168.1.4:5001", "this machine"),
            ("http://ipfs.example:5001", "this machine"),
        ] {
            let error = local_address(given).unwrap_err().to_string();
            assert!(error.contains(because), "{error}");
        }
    }
}
