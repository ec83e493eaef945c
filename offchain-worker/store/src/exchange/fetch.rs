//! A whole file from several peers.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cid::Cid;
use futures::{StreamExt, stream::FuturesUnordered};
use reqwest::Url;

use super::client::{Client, PeerFailure};
use crate::{
    block::{Block, Codec, codec_of},
    store::{ContentStore, StoreError},
    unixfs::{DagError, DagLimits, Visit, expand},
};

/// A peer that fails so often in a row is not asked again in this fetch.
const FAILURES_IN_A_ROW: u32 = 3;

/// How long blocks that are under way when a fetch fails may take to come.
const SETTLE: Duration = Duration::from_secs(2);

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchProgress {
    /// Bytes of the file; unknown until its root is here.
    pub total_bytes: Option<u64>,
    /// Bytes of the file that are here, those of earlier fetches included.
    pub present_bytes: u64,
    /// What this fetch brought.
    pub fetched: Fetched,
}

/// What a fetch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Blocks that came from peers.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a fetch ended without the whole file. The blocks that came are kept: the
/// next fetch asks only for the others.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No peer gave this block.
    #[error("no peer gave block {cid}{}; try again later, or name other peers", Tried(.tried))]
    NotFound {
        /// Which block.
        cid: Cid,
        /// Every peer, and why it did not give the block.
        tried: Vec<(Url, PeerFailure)>,
    },
    /// The blocks are no file, or a longer one than is allowed.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// Nowhere to keep the blocks.
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Tried<'a>(&'a [(Url, PeerFailure)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(": there was none to ask");
        }
        for (i, (peer, failure)) in self.0.iter().enumerate() {
            let before = if i == 0 { ": " } else { ", " };
            write!(f, "{before}{peer}: {failure}")?;
        }
        Ok(())
    }
}

impl Client {
    /// Brings all blocks of the file `root` into `store`, from any of `peers`.
    ///
    /// Blocks that are here are not asked for. Each block is checked before it is
    /// kept. A peer that fails for a block is followed by the next; one that fails
    /// repeatedly, or lies, is left out. The first block that nobody gives ends
    /// the fetch.
    pub async fn fetch_dag(
        &self,
        store: &dyn ContentStore,
        root: &Cid,
        peers: &[Url],
        limits: DagLimits,
        progress: &mut (dyn FnMut(&FetchProgress) + Send),
    ) -> Result<Fetched, FetchError> {
        let peers = Peers::new(peers);
        let mut state = FetchProgress::default();
        let mut seen = HashSet::new();
        // The next on top: depth first, so that few visits wait.
        let mut ahead = vec![Visit::root(*root)];
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.config.parallel_blocks.max(1)
                && let Some(visit) = ahead.pop()
            {
                if seen.insert(visit.cid) {
                    under_way.push(self.obtain(store, visit, &peers));
                } else {
                    state.present_bytes = state.present_bytes.saturating_add(visit.file_bytes.unwrap_or(0));
                }
            }
            let Some(obtained) = under_way.next().await else {
                return Ok(state.fetched);
            };
            let Obtained {
                visit,
                block,
                was_fetched,
            } = match obtained {
                Ok(obtained) => obtained,
                Err(error) => {
                    // What is nearly here is not thrown away: the next fetch need not ask for it.
                    let _ = tokio::time::timeout(SETTLE, under_way.count()).await;
                    return Err(error);
                }
            };
            let own_bytes = match &block {
                None => visit.file_bytes.unwrap_or(0),
                Some(block) => {
                    let (node, children) = expand(&visit, block, &limits)?;
                    if visit.depth == 0 {
                        state.total_bytes = Some(node.file_bytes);
                    }
                    ahead.extend(children.into_iter().rev());
                    node.data.len() as u64
                }
            };
            state.present_bytes = state.present_bytes.saturating_add(own_bytes);
            if was_fetched {
                state.fetched.blocks += 1;
                state.fetched.bytes += block.map_or(0, |block| block.len() as u64);
            }
            progress(&state);
        }
    }

    async fn obtain(&self, store: &dyn ContentStore, visit: Visit, peers: &Peers<'_>) -> Result<Obtained, FetchError> {
        let is_leaf = codec_of(&visit.cid).map_err(StoreError::from)? == Codec::Raw;
        // A leaf that is here need not be read; its length is known from above.
        if is_leaf && visit.depth > 0 && store.has(&visit.cid).await? {
            return Ok(Obtained {
                visit,
                block: None,
                was_fetched: false,
            });
        }
        let here = match store.get_block(&visit.cid).await {
            Ok(block) => Some(block),
            Err(StoreError::NotFound(_) | StoreError::Corrupt(_)) => None,
            Err(e) => return Err(e.into()),
        };
        let was_fetched = here.is_none();
        let block = match here {
            Some(block) => block,
            None => {
                let block = self.get_from_any(peers, &visit.cid).await?;
                let data = block.data().clone();
                store.put_block(block).await?;
                data
            }
        };
        Ok(Obtained {
            visit,
            block: Some(block),
            was_fetched,
        })
    }

    async fn get_from_any(&self, peers: &Peers<'_>, cid: &Cid) -> Result<Block, FetchError> {
        let mut tried = Vec::new();
        for index in peers.order() {
            let Some(peer) = peers.list.get(index) else {
                continue;
            };
            if let Some(reason) = peers.given_up(index) {
                tried.push((peer.clone(), reason));
                continue;
            }
            match self.get_block(peer, cid).await {
                Ok(block) => {
                    peers.succeeded(index);
                    return Ok(block);
                }
                Err(failure) => {
                    tracing::debug!(%peer, %cid, %failure, "a peer did not give a block");
                    peers.failed(index, &failure);
                    tried.push((peer.clone(), failure));
                }
            }
        }
        Err(FetchError::NotFound { cid: *cid, tried })
    }
}

struct Obtained {
    visit: Visit,
    /// `None` for a leaf that was here already.
    block: Option<Bytes>,
    was_fetched: bool,
}

/// The peers of one fetch, and how they did so far.
struct Peers<'a> {
    list: &'a [Url],
    records: Mutex<Vec<Record>>,
    turns: AtomicUsize,
}

#[derive(Clone, Default)]
struct Record {
    failures_in_a_row: u32,
    given_up: Option<PeerFailure>,
}

impl<'a> Peers<'a> {
    fn new(list: &'a [Url]) -> Self {
        Self {
            list,
            records: Mutex::new(vec![Record::default(); list.len()]),
            turns: AtomicUsize::new(0),
        }
    }

    /// All peers, each block beginning with another one, so that they share the
    /// work.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let len = self.list.len();
        let first = self.turns.fetch_add(1, Ordering::Relaxed);
        (0..len).map(move |i| first.wrapping_add(i) % len)
    }

    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given_up(&self, index: usize) -> Option<PeerFailure> {
        self.records().get(index)?.given_up.clone()
    }

    fn succeeded(&self, index: usize) {
        if let Some(record) = self.records().get_mut(index) {
            record.failures_in_a_row = 0;
        }
    }

    fn failed(&self, index: usize, failure: &PeerFailure) {
        let mut records = self.records();
        let Some(record) = records.get_mut(index) else {
            return;
        };
        if failure.is_of_the_peer() {
            record.failures_in_a_row += 1;
        }
        if failure.is_final() || record.failures_in_a_row >= FAILURES_IN_A_ROW {
            record.given_up = Some(failure.clone());
        }
    }
}
