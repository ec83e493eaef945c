//! The content store of a home directory, and its exchange with peers.

use std::{
    collections::BTreeSet,
    fmt,
    io::Read,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use weft_primitives::ContentId;
use weft_store::{
    Bytes, Cid, ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, FileReader, MAX_BLOCK_BYTES, StoreConfig,
    StoreError,
    cache::FileCache,
    cid_from_bytes, cid_to_bytes,
    exchange::{FetchProgress, ServerLimits, WantList, router},
};

use crate::{failure::Failure, home::Home, peers::Peers, progress::Progress};

/// How long requests that are under way may take when the server stops.
const STOP: Duration = Duration::from_secs(5);

/// Blocks on this machine's disk. One process at a time can have them open.
pub struct Blocks {
    store: EmbeddedStore,
}

/// Why a block could not be had.
#[derive(Debug)]
pub enum Missing {
    /// It is not here.
    NotHere,
    /// It cannot be read.
    Failed(Failure),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHere => f.write_str("the block is not here: fetch it from a peer"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

fn local(error: StoreError) -> Failure {
    Failure::Local(error.to_string())
}

/// As the store writes it.
pub fn to_cid(id: &ContentId) -> Result<Cid, Failure> {
    cid_from_bytes(&id.to_cid_bytes()).map_err(|error| Failure::Local(error.to_string()))
}

/// As the chain writes it.
pub fn to_content_id(cid: &Cid) -> Result<ContentId, Failure> {
    let bytes = cid_to_bytes(cid).map_err(|error| Failure::Local(error.to_string()))?;
    ContentId::from_cid_bytes(&bytes).map_err(|error| Failure::Local(error.to_string()))
}

impl Blocks {
    /// Opens the store of a home directory.
    pub fn open(home: &Home) -> Result<Self, Failure> {
        let store = EmbeddedStore::open(&home.store_dir(), StoreConfig::default()).map_err(local)?;
        Ok(Self { store })
    }

    /// A bounded space in it for files that are used again and again; `record` is where their order is kept.
    pub async fn cache(&self, max_bytes: u64, record: &Path) -> Result<FileCache, Failure> {
        FileCache::open(self.store.clone(), max_bytes, record)
            .await
            .map_err(|error| Failure::Local(error.to_string()))
    }

    /// Keeps and pins one block.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<ContentId, Failure> {
        let cid = self.store.put(Bytes::from(bytes)).await.map_err(local)?;
        self.store.pin(&cid).await.map_err(local)?;
        to_content_id(&cid)
    }

    /// Keeps and pins a file; returns its root and its size in bytes.
    pub async fn put_path(&self, path: &Path) -> Result<(ContentId, u64), Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let bytes = file.metadata().await.map_err(failed)?.len();
        let progress = Progress::spinner("storing");
        match self.store.put_file(file).await {
            Ok(cid) => {
                self.store.pin(&cid).await.map_err(local)?;
                progress.done("stored");
                Ok((to_content_id(&cid)?, bytes))
            }
            Err(error) => {
                progress.abandon();
                Err(local(error))
            }
        }
    }

    /// One block.
    pub async fn get(&self, id: ContentId) -> Result<Bytes, Missing> {
        let cid = to_cid(&id).map_err(Missing::Failed)?;
        match self.store.get_block(&cid).await {
            Ok(bytes) => Ok(bytes),
            // A damaged block is set aside, and as good as not here.
            Err(StoreError::NotFound(_) | StoreError::Corrupt(_)) => Err(Missing::NotHere),
            Err(error) => Err(Missing::Failed(local(error))),
        }
    }

    /// Brings a file of at most `max_bytes` here and pins it. What is here already is not fetched again.
    pub async fn fetch(
        &self,
        id: ContentId,
        from: &Peers,
        max_bytes: u64,
        progress: Option<&Progress>,
    ) -> Result<(), Failure> {
        let cid = to_cid(&id)?;
        let limits = DagLimits {
            max_bytes,
            ..DagLimits::default()
        };
        let mut show = |state: &FetchProgress| {
            if let Some(progress) = progress {
                progress.set(state.present_bytes, state.total_bytes);
            }
        };
        from.fetch_dag(&self.store, &cid, limits, &mut show).await?;
        self.store.pin(&cid).await.map_err(local)
    }

    /// A reader of a file that is here, for a thread that may block.
    pub fn reader(&self, id: ContentId) -> Result<impl Read + Send + 'static, Failure> {
        let store: Arc<dyn ContentStore> = Arc::new(self.store.clone());
        Ok(FileReader::new(store, tokio::runtime::Handle::current(), &to_cid(&id)?))
    }

    /// Serves all blocks at `address`, and takes those that are wanted.
    pub async fn serve(&self, address: SocketAddr, wants: Wants) -> Result<Served, Failure> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::Local(format!(
                "cannot listen on {address} ({error}): give another address with --listen"
            ))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::local("cannot tell the address listened on", error))?;
        let routes = router(
            Arc::new(self.store.clone()),
            Arc::new(wants.list),
            ServerLimits::default(),
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
                // Also when the sender is dropped.
                let _ = stopped.await;
            });
            if let Err(error) = server.await {
                tracing::error!(%error, "blocks are not served any more");
            }
        });
        Ok(Served { address, stop, task })
    }
}

/// A running server.
pub struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it, and waits a little for requests that are under way.
    pub async fn stop(self) {
        drop(self.stop);
        if tokio::time::timeout(STOP, self.task).await.is_err() {
            tracing::debug!("requests were cut off");
        }
    }
}

/// The blocks that strangers may bring. Clones share one list.
#[derive(Clone, Default)]
pub struct Wants {
    list: WantList,
    now: Arc<Mutex<BTreeSet<ContentId>>>,
}

impl Wants {
    /// None.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Exactly these from now on.
    pub fn set(&self, ids: impl IntoIterator<Item = ContentId>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: BTreeSet<_> = ids.into_iter().collect();
        for id in wanted.difference(&now) {
            if let Ok(cid) = to_cid(id) {
                self.list.want(cid, MAX_BLOCK_BYTES as u64);
            }
        }
        for id in now.difference(&wanted) {
            if let Ok(cid) = to_cid(id) {
                self.list.unwant(&cid);
            }
        }
        *now = wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_store::{Block, exchange::Wanted};

    #[test]
    fn only_what_is_wanted_now_is_taken() {
        let ids: Vec<_> = (0u8..3)
            .map(|i| to_content_id(Block::raw(Bytes::from(vec![i])).unwrap().cid()).unwrap())
            .collect();
        let wants = Wants::nothing();
        let taken = |wants: &Wants| {
            ids.iter()
                .map(|id| wants.list.wants(&to_cid(id).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(&wants), [false, false, false]);
        wants.set(ids[..2].iter().copied());
        assert_eq!(taken(&wants), [true, true, false]);
        wants.set(ids[1..].iter().copied());
        assert_eq!(taken(&wants), [false, true, true]);
    }
}
