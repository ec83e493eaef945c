//! The content store of a home directory, what it is kept for, and its exchange with peers.

use std::{
    collections::BTreeSet,
    fmt,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, runtime::Handle, sync::oneshot, task::JoinHandle};
use weft_primitives::ContentId;
use weft_store::{
    Bytes, Cid, ContentStore, ContentStoreExt, DagLimits, FileReader, FileWriter, MAX_BLOCK_BYTES, StoreError,
    cache::{self, FileCache},
    cid_from_bytes, cid_to_bytes,
    exchange::{FetchProgress, ServerLimits, WantList, router},
};

use crate::{
    failure::Failure,
    holdings::{Holder, Holdings, Ledger},
    home::Home,
    peers::Peers,
    progress::Progress,
    store::place::{BackendArgs, Place, Removed, failure},
};

/// How long requests that are under way may take when the server stops.
const STOP: Duration = Duration::from_secs(5);

/// Blocks in this home's directory, which one process at a time can have open, or in an IPFS daemon; and what is written
/// down about what they are kept for.
pub struct Blocks {
    place: Place,
    holdings: Holdings,
    hot_models: PathBuf,
}

/// What was given up because nothing needs it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Files, manifests and the like.
    pub roots: Vec<ContentId>,
    /// What that removed.
    pub removed: Removed,
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.removed {
            Removed::Blocks(removed) => write!(f, "{} blocks, {} bytes removed", removed.blocks, removed.bytes),
            Removed::Pins(pins) => write!(f, "{pins} unpinned; `ipfs repo gc` removes what nothing needs"),
        }
    }
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
    /// Opens the store in a home directory.
    pub fn open(home: &Home) -> Result<Self, Failure> {
        Ok(Self::at(home, Place::embedded(home)?))
    }

    /// Opens the store that the arguments name.
    pub fn open_at(home: &Home, backend: &BackendArgs) -> Result<Self, Failure> {
        Ok(Self::at(home, backend.open(home)?))
    }

    /// A store that is open.
    pub fn at(home: &Home, place: Place) -> Self {
        Self {
            holdings: match place {
                Place::Embedded(_) => Holdings::embedded(home),
                Place::Ipfs(_) => Holdings::ipfs(home),
            },
            place,
            hot_models: home.hot_models_file(),
        }
    }

    /// The store itself.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A bounded space in it for files that are used again and again; `record` is where their order is kept.
    pub async fn cache(&self, max_bytes: u64, record: &Path) -> Result<FileCache, Failure> {
        let Place::Embedded(store) = &self.place else {
            return Err(Failure::Usage(
                "hot models are kept within bounds in the embedded store alone: use --backend embedded".into(),
            ));
        };
        let holdings = self.holdings.clone();
        // What cannot be read may be needed.
        let is_held = move |cid: &Cid| {
            let held = holdings
                .read()
                .and_then(|ledger| Ok(ledger.knows(&to_content_id(cid)?)));
            held.unwrap_or(true)
        };
        FileCache::open_sparing(store.clone(), max_bytes, record, is_held)
            .await
            .map_err(|error| Failure::Local(error.to_string()))
    }

    /// Writes down that `holder` needs these, whether or not they are here. To be called before they are pinned: what is
    /// pinned already, and nobody knows why, is taken to be pinned by hand.
    pub async fn hold(&self, holder: Holder, roots: &[ContentId]) -> Result<(), Failure> {
        let mut open = self.holdings.open().await?;
        let before = open.ledger.clone();
        let unknown: Vec<_> = roots.iter().filter(|root| !before.knows(root)).copied().collect();
        if !unknown.is_empty() {
            let pins = self.place.pins().await.map_err(failure)?;
            for root in unknown {
                if pins.contains(&to_cid(&root)?) {
                    open.ledger.hold(Holder::Other, [root]);
                }
            }
        }
        open.ledger.hold(holder, roots.iter().copied());
        match open.ledger == before {
            true => Ok(()),
            false => open.write(),
        }
    }

    /// Has `to` hold what `from` held.
    pub async fn hand_over(&self, from: Holder, to: Holder, roots: &[ContentId]) -> Result<(), Failure> {
        let mut open = self.holdings.open().await?;
        open.ledger.hold(to, roots.iter().copied());
        open.ledger.let_go(from, roots);
        open.write()
    }

    /// Who needs what here, as far as it is written down.
    pub fn ledger(&self) -> Result<Ledger, Failure> {
        self.holdings.read()
    }

    /// Who needs something here, as far as it is written down.
    pub fn holders(&self) -> Result<Vec<Holder>, Failure> {
        Ok(self.ledger()?.holders().collect())
    }

    /// Gives up what `ended` held and nothing else needs: no other holder, and no model that is kept ready.
    pub async fn release(&self, ended: &BTreeSet<Holder>) -> Result<Released, Failure> {
        let mut open = self.holdings.open().await?;
        let hot = cache::recorded(&self.hot_models)
            .map_err(|error| Failure::local(format_args!("cannot read {}", self.hot_models.display()), error))?;
        let (mut roots, mut cids) = (Vec::new(), Vec::new());
        for root in open.ledger.goes(ended) {
            let cid = to_cid(&root)?;
            if !hot.iter().any(|(hot, _)| *hot == cid) {
                roots.push(root);
                cids.push(cid);
            }
        }
        let removed = self.place.remove(cids).await.map_err(failure)?;
        // Forgotten last: what a crash leaves behind is released again.
        open.ledger.end(ended);
        open.write()?;
        Ok(Released { roots, removed })
    }

    /// Pins what somebody asked for by hand, so that it stays whatever ends.
    pub async fn pin_by_hand(&self, cid: &Cid) -> Result<(), Failure> {
        let root = to_content_id(cid)?;
        if self.holdings.read()?.knows(&root) {
            self.hold(Holder::Other, &[root]).await?;
        }
        self.place.pin(cid).await.map_err(failure)
    }

    /// Takes a pin away by hand, whoever holds it; false if there was none.
    pub async fn unpin_by_hand(&self, cid: &Cid) -> Result<bool, Failure> {
        self.forget_by_hand(cid).await?;
        self.place.unpin(cid).await.map_err(failure)
    }

    /// Removes by hand, whoever holds it, what nothing else leads to.
    pub async fn remove_by_hand(&self, cid: &Cid) -> Result<Removed, Failure> {
        self.forget_by_hand(cid).await?;
        self.place.remove(vec![*cid]).await.map_err(failure)
    }

    /// What has a holder still is let go by it in its own time, for nothing.
    async fn forget_by_hand(&self, cid: &Cid) -> Result<(), Failure> {
        let root = to_content_id(cid)?;
        if !self.holdings.read()?.knows(&root) {
            return Ok(());
        }
        let mut open = self.holdings.open().await?;
        open.ledger.let_go(Holder::Other, &[root]);
        open.write()
    }

    /// Keeps and pins one block.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<ContentId, Failure> {
        let cid = self.place.put(Bytes::from(bytes)).await.map_err(failure)?;
        self.pin_by_hand(&cid).await?;
        to_content_id(&cid)
    }

    /// Keeps and pins one block until `holder` needs it no more.
    pub async fn put_for(&self, holder: Holder, bytes: Vec<u8>) -> Result<ContentId, Failure> {
        let cid = self.place.put(Bytes::from(bytes)).await.map_err(failure)?;
        self.pin_for(holder, &cid).await
    }

    /// Pins what is here until `holder` needs it no more.
    pub async fn pin_for(&self, holder: Holder, cid: &Cid) -> Result<ContentId, Failure> {
        let root = to_content_id(cid)?;
        self.hold(holder, &[root]).await?;
        self.place.pin(cid).await.map_err(failure)?;
        Ok(root)
    }

    /// Keeps and pins a file; returns its root and its size in bytes.
    pub async fn put_path(&self, path: &Path) -> Result<(ContentId, u64), Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let bytes = file.metadata().await.map_err(failed)?.len();
        let progress = Progress::spinner("storing");
        let stored = async {
            let cid = self.place.put_file(file).await.map_err(failure)?;
            self.pin_by_hand(&cid).await?;
            to_content_id(&cid)
        };
        match stored.await {
            Ok(root) => {
                progress.done("stored");
                Ok((root, bytes))
            }
            Err(failure) => {
                progress.abandon();
                Err(failure)
            }
        }
    }

    /// Keeps and pins a file until `holder` needs it no more; returns its root and its size in bytes.
    pub async fn put_path_for(&self, holder: Holder, path: &Path) -> Result<(ContentId, u64), Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let bytes = file.metadata().await.map_err(failed)?.len();
        let cid = self.place.put_file(file).await.map_err(failure)?;
        Ok((self.pin_for(holder, &cid).await?, bytes))
    }

    /// Makes writers of files that are kept while they are written, for a thread that may block.
    pub fn writers(&self) -> Writers {
        Writers {
            store: self.place.shared(),
            runtime: Handle::current(),
        }
    }

    /// One block.
    pub async fn get(&self, id: ContentId) -> Result<Bytes, Missing> {
        let cid = to_cid(&id).map_err(Missing::Failed)?;
        match self.place.get_block(&cid).await {
            Ok(bytes) => Ok(bytes),
            // A damaged block is set aside, and as good as not here.
            Err(StoreError::NotFound(_) | StoreError::Corrupt(_)) => Err(Missing::NotHere),
            Err(error) => Err(Missing::Failed(failure(error))),
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
        from.fetch_dag(&*self.place, &cid, limits, &mut show).await?;
        self.place.pin(&cid).await.map_err(failure)
    }

    /// A reader of a file that is here, for a thread that may block.
    pub fn reader(&self, id: ContentId) -> Result<impl Read + Send + 'static, Failure> {
        Ok(FileReader::new(self.place.shared(), Handle::current(), &to_cid(&id)?))
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
        let routes = router(self.place.shared(), Arc::new(wants.list), ServerLimits::default());
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

/// See [`Blocks::writers`].
pub struct Writers {
    store: Arc<dyn ContentStore>,
    runtime: Handle,
}

impl Writers {
    /// At the first byte of a new file.
    pub fn writer(&self) -> FileWriter {
        FileWriter::new(Arc::clone(&self.store), self.runtime.clone())
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

    /// Exactly these blocks from now on.
    pub fn set(&self, ids: impl IntoIterator<Item = ContentId>) {
        self.set_bounded(ids, MAX_BLOCK_BYTES as u64);
    }

    /// Exactly these files from now on. They are as long as their CIDs say: whoever names one knows what that means.
    pub fn set_files(&self, ids: impl IntoIterator<Item = ContentId>) {
        self.set_bounded(ids, u64::MAX);
    }

    fn set_bounded(&self, ids: impl IntoIterator<Item = ContentId>, max_bytes: u64) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: BTreeSet<_> = ids.into_iter().collect();
        for id in wanted.difference(&now) {
            if let Ok(cid) = to_cid(id) {
                self.list.want(cid, max_bytes);
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

    struct Scene {
        _dir: tempfile::TempDir,
        home: Home,
        blocks: Blocks,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let home = Home::open(Some(dir.path().to_owned())).unwrap();
            Self {
                blocks: Blocks::open(&home).unwrap(),
                home,
                _dir: dir,
            }
        }

        async fn end(&self, holder: Holder) -> usize {
            let released = self.blocks.release(&BTreeSet::from([holder])).await.unwrap();
            match released.removed {
                Removed::Blocks(removed) => usize::try_from(removed.blocks).unwrap(),
                Removed::Pins(_) => panic!("it is embedded"),
            }
        }

        async fn is_here(&self, id: ContentId) -> bool {
            self.blocks.get(id).await.is_ok()
        }
    }

    #[tokio::test]
    async fn what_nobody_needs_any_more_goes_and_nothing_else() {
        let scene = Scene::new();
        let put = |holder, text: &'static [u8]| scene.blocks.put_for(holder, text.to_vec());
        let (one, two, deal) = (Holder::Asset(1), Holder::Asset(2), Holder::Deal(1, [1; 32]));
        let alone = put(one, b"of the first").await.unwrap();
        let shared = put(one, b"of both").await.unwrap();
        assert_eq!(put(two, b"of both").await.unwrap(), shared);
        let paid = put(deal, b"paid for").await.unwrap();
        put(two, b"paid for").await.unwrap();

        assert_eq!(scene.end(one).await, 1);
        assert!(!scene.is_here(alone).await && scene.is_here(shared).await);
        assert_eq!(scene.end(one).await, 0, "once is enough");
        assert_eq!(scene.end(two).await, 1);
        assert!(!scene.is_here(shared).await && scene.is_here(paid).await);
        assert_eq!(scene.end(deal).await, 1);
        assert!(scene.blocks.place().pins().await.unwrap().is_empty());
        assert_eq!(scene.blocks.holders().unwrap(), []);
    }

    #[tokio::test]
    async fn what_was_pinned_by_hand_stays_whether_before_or_after() {
        let scene = Scene::new();
        let before = scene.blocks.put(b"pinned before".to_vec()).await.unwrap();
        let holder = Holder::Bought(1, [2; 32]);
        scene.blocks.put_for(holder, b"pinned before".to_vec()).await.unwrap();
        let after = scene.blocks.put_for(holder, b"pinned after".to_vec()).await.unwrap();
        scene.blocks.pin_by_hand(&to_cid(&after).unwrap()).await.unwrap();
        assert_eq!(scene.end(holder).await, 0);
        assert!(scene.is_here(before).await && scene.is_here(after).await);
        // Until somebody removes it by hand, after which it is as any other.
        for id in [before, after] {
            scene.blocks.remove_by_hand(&to_cid(&id).unwrap()).await.unwrap();
        }
        assert!(!scene.is_here(before).await && !scene.is_here(after).await);
        scene.blocks.put_for(holder, b"pinned before".to_vec()).await.unwrap();
        assert_eq!(scene.end(holder).await, 1);
    }

    #[tokio::test]
    async fn a_model_that_is_kept_ready_stays_and_the_cache_spares_what_is_held() {
        let scene = Scene::new();
        let record = scene.home.hot_models_file();
        let holder = Holder::Asset(7);
        let model = scene.blocks.put_for(holder, b"a model".to_vec()).await.unwrap();
        let held = scene
            .blocks
            .put_for(Holder::Asset(8), b"another".to_vec())
            .await
            .unwrap();
        let cache = scene.blocks.cache(100, &record).await.unwrap();
        drop(cache.admit(&to_cid(&model).unwrap(), 7).await.unwrap());
        drop(cache.admit(&to_cid(&held).unwrap(), 7).await.unwrap());
        assert_eq!(scene.end(holder).await, 0);
        assert!(scene.is_here(model).await, "it may be loaded");
        assert!(cache.evict(&to_cid(&model).unwrap()).await.unwrap());
        assert!(!scene.is_here(model).await, "and goes when it leaves the cache");
        assert!(cache.evict(&to_cid(&held).unwrap()).await.unwrap());
        assert!(scene.is_here(held).await, "its asset needs it");
    }

    #[tokio::test]
    async fn what_is_handed_over_is_kept_for_whom_it_was_handed_to() {
        let scene = Scene::new();
        let root = scene.blocks.put_for(Holder::Publishing, b"new".to_vec()).await.unwrap();
        let asset = Holder::Asset(3);
        scene
            .blocks
            .hand_over(Holder::Publishing, asset, &[root])
            .await
            .unwrap();
        assert_eq!(scene.end(Holder::Publishing).await, 0);
        assert_eq!(scene.end(asset).await, 1);
    }

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
