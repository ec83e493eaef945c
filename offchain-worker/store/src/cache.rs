//! A bounded space for files that are used again and again: hot models.
//!
//! [`HotSet`] decides, without a clock or a disk: which files stay, least
//! recently used first to go, and never one that is leased. [`FileCache`] does
//! what it decides in an [`EmbeddedStore`]: pins, unpins, removes blocks, and
//! keeps the order across restarts.
//!
//! ```no_run
//! # async fn provide(store: weft_store::EmbeddedStore, model: weft_store::Cid, bytes: u64) -> Result<(), Box<dyn std::error::Error>> {
//! use weft_store::cache::FileCache;
//!
//! let cache = FileCache::open(store, 20 << 30, "hot-models".as_ref()).await?;
//! // Makes room, pins, and holds the file. Now fetch it into the store, and load it.
//! let lease = cache.admit(&model, bytes).await?;
//! // While the lease lives the file stays; after that it goes when room is needed.
//! drop(lease);
//! # Ok(())
//! # }
//! ```

mod hot_set;
mod journal;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cid::Cid;
use tokio::task;

pub use hot_set::{HotSet, NoRoom};
/// The files of a cache's record and their bytes, without opening the cache; none if there is no record.
pub use journal::read as recorded;

use crate::{
    embedded::EmbeddedStore,
    store::{ContentStore, StoreError},
};

/// Why a cache could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file does not fit beside what is in use.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The store below.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of what is in the cache cannot be read or written.
    #[error("the cache cannot use its record {path}: {error}; it begins anew if you remove it")]
    Record {
        /// Which file.
        path: PathBuf,
        /// What the system said, or what is wrong in it.
        error: std::io::Error,
    },
}

/// Files of an [`EmbeddedStore`] within a bound of bytes. Clones are handles to the same cache.
///
/// It owns the pins of its files. Other pins of the store are none of its
/// business, and do not count. The bytes of a file are what its caller says: its
/// length on chain, to which the tree adds less than a thousandth.
#[derive(Clone)]
pub struct FileCache {
    inner: Arc<Inner>,
}

/// Whether a file is needed by others, too.
type Spared = dyn Fn(&Cid) -> bool + Send + Sync;

struct Inner {
    store: EmbeddedStore,
    spared: Box<Spared>,
    record: PathBuf,
    hot: Mutex<HotSet>,
    /// One change of what is on the disk at a time.
    changes: tokio::sync::Mutex<()>,
}

impl Inner {
    fn hot(&self) -> MutexGuard<'_, HotSet> {
        self.hot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes files out of the store, but for those that others need.
    async fn remove(&self, mut files: Vec<Cid>) -> Result<(), StoreError> {
        files.retain(|cid| !(self.spared)(cid));
        if files.is_empty() {
            return Ok(());
        }
        let removed = self.store.remove(files.clone()).await?;
        tracing::info!(
            files = files.len(),
            bytes = removed.bytes,
            "files that were not in use made room"
        );
        Ok(())
    }

    async fn write_record(&self) -> Result<(), CacheError> {
        let files: Vec<_> = self.hot().by_age();
        let path = self.record.clone();
        let written = task::spawn_blocking(move || journal::write(&path, &files)).await;
        written
            .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
            .map_err(|error| CacheError::Record {
                path: self.record.clone(),
                error,
            })
    }
}

impl FileCache {
    /// Opens the cache whose record is in the file `record` (made if it is not
    /// there), with room for `max_bytes`. Files whose pins were taken away since are
    /// forgotten; what does not fit any more, because the bound is lower now, goes.
    pub async fn open(store: EmbeddedStore, max_bytes: u64, record: &Path) -> Result<Self, CacheError> {
        Self::open_sparing(store, max_bytes, record, |_| false).await
    }

    /// As [`FileCache::open`]; files of which `spared` says that others need them stay in the store, pinned, when they
    /// leave the cache.
    pub async fn open_sparing(
        store: EmbeddedStore,
        max_bytes: u64,
        record: &Path,
        spared: impl Fn(&Cid) -> bool + Send + Sync + 'static,
    ) -> Result<Self, CacheError> {
        let path = record.to_owned();
        let read = task::spawn_blocking(move || journal::read(&path)).await;
        let files = read
            .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
            .map_err(|error| CacheError::Record {
                path: record.to_owned(),
                error,
            })?;
        let pins = store.pins().await?;
        let mut hot = HotSet::new(max_bytes);
        let pinned = files.into_iter().filter(|(cid, _)| pins.contains(cid));
        let gone = hot.restore(pinned);
        let inner = Inner {
            store,
            spared: Box::new(spared),
            record: record.to_owned(),
            hot: Mutex::new(hot),
            changes: tokio::sync::Mutex::default(),
        };
        inner.remove(gone).await?;
        inner.write_record().await?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes a file of `bytes` in, if it is not in, and leases it. Files that are
    /// not leased go to make room for it, least recently used first; if that is not
    /// enough, nothing changes. The file is pinned when this returns, whether or
    /// not its blocks are here.
    pub async fn admit(&self, cid: &Cid, bytes: u64) -> Result<Lease, CacheError> {
        let _alone = self.inner.changes.lock().await;
        let gone = self.inner.hot().admit(*cid, bytes)?;
        let lease = Lease {
            cid: *cid,
            inner: Arc::clone(&self.inner),
        };
        // In this order a crash at any point leaves no pin that nobody knows of: a
        // file of the record that is not pinned is forgotten at the next start.
        self.inner.remove(gone).await?;
        self.inner.write_record().await?;
        self.inner.store.pin(cid).await?;
        Ok(lease)
    }

    /// Leases a file that is in, and makes it the most recently used; `None` if it
    /// is not in.
    pub async fn lease(&self, cid: &Cid) -> Result<Option<Lease>, CacheError> {
        let _alone = self.inner.changes.lock().await;
        if !self.inner.hot().lease(cid) {
            return Ok(None);
        }
        let lease = Lease {
            cid: *cid,
            inner: Arc::clone(&self.inner),
        };
        self.inner.write_record().await?;
        Ok(Some(lease))
    }

    /// Takes a file out at once; false if it is leased or not in.
    pub async fn evict(&self, cid: &Cid) -> Result<bool, CacheError> {
        let _alone = self.inner.changes.lock().await;
        if !self.inner.hot().evict(cid) {
            return Ok(false);
        }
        self.inner.remove(vec![*cid]).await?;
        self.inner.write_record().await?;
        Ok(true)
    }

    /// The files that are in and their bytes, least recently used first.
    pub fn files(&self) -> Vec<(Cid, u64)> {
        self.inner.hot().by_age()
    }

    /// Bytes of the files that are in.
    pub fn used_bytes(&self) -> u64 {
        self.inner.hot().used_bytes()
    }
}

/// Holds a file in its cache until it is dropped.
#[must_use = "the file may go as soon as the lease is dropped"]
pub struct Lease {
    cid: Cid,
    inner: Arc<Inner>,
}

impl Lease {
    /// Which file.
    pub fn cid(&self) -> &Cid {
        &self.cid
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.inner.hot().release(&self.cid);
    }
}
