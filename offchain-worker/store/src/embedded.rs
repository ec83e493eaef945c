//! The default content store: a directory.
//!
//! ```text
//! lock                    held by the process that uses the store
//! blocks/<xx>/<cid>       a block; xx are the two characters before the CID's last
//! pins/<cid>              an empty file: the pin
//! parts/                  what is being written; emptied at every start
//! quarantine/<cid>        blocks that were damaged, for the curious
//! ```
//!
//! There is no index to fall out of step: a block is there when its file is, and
//! a file appears by a rename after its bytes are on the disk.

mod batch;
mod collect;
mod layout;

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use cid::Cid;

pub use collect::Collected;
use layout::Layout;

use crate::{
    block::{Block, MAX_BLOCK_BYTES, codec_of},
    direct::Reading,
    store::{ContentStore, StoreError},
};

/// What an [`EmbeddedStore`] may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreConfig {
    /// Most bytes of all blocks together; the disk decides when `None`.
    pub max_bytes: Option<u64>,
}

/// A content store in a directory. Cloning it gives another handle to the same
/// store.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    layout: Layout,
    max_bytes: u64,
    used: AtomicU64,
    /// Adding and reading take it shared; moving a block away takes it alone,
    /// so that a block is never removed on the word of an older read.
    removal: RwLock<()>,
    /// The lock is the open file's, and ends with it.
    _lock: File,
}

impl EmbeddedStore {
    /// Opens the store in `root`, or makes it there. Blocks the thread: it counts
    /// what is there.
    pub fn open(root: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        let layout = Layout::create(root)?;
        let lock = lock(root, &layout.lock_file())?;
        // Ours alone now: whatever is in parts was cut off.
        layout.clear_parts()?;
        let mut used = 0u64;
        layout.for_each_block(&mut |_, _, metadata| {
            used = used.saturating_add(metadata.len());
            Ok(())
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                layout,
                max_bytes: config.max_bytes.unwrap_or(u64::MAX),
                used: AtomicU64::new(used),
                removal: RwLock::new(()),
                _lock: lock,
            }),
        })
    }

    /// Removes the blocks that no pin leads to and that were last put before
    /// `before`: whoever adds a file pins it when it is whole, and `before` has
    /// to lie before the start of the slowest such addition.
    pub async fn collect_garbage(&self, before: SystemTime) -> Result<Collected, StoreError> {
        self.blocking(move |inner| inner.collect_garbage(before)).await
    }

    /// Takes the pins of files away and removes those of their blocks that no other
    /// pin leads to, at once. A file that is being put meanwhile and has blocks in
    /// common with them must be put again.
    pub async fn remove(&self, roots: Vec<Cid>) -> Result<Collected, StoreError> {
        for root in &roots {
            codec_of(root)?;
        }
        self.blocking(move |inner| inner.remove(&roots)).await
    }

    /// Where the file of a block is, or would be.
    pub fn path_of(&self, cid: &Cid) -> PathBuf {
        self.inner.layout.block(cid)
    }

    /// Files must not hold up the tasks of the runtime.
    async fn blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Inner>) -> Result<T, StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let root = self.inner.layout.root().to_owned();
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|e| {
                Err(StoreError::Io {
                    path: root,
                    error: io::Error::other(e),
                })
            })
    }
}

#[async_trait]
impl ContentStore for EmbeddedStore {
    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.put(&block)).await
    }

    async fn put_blocks(&self, blocks: Vec<Block>) -> Result<(), StoreError> {
        self.put_many(blocks).await
    }

    async fn get_block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        codec_of(cid)?;
        let cid = *cid;
        let mut blocks = self.blocking(move |inner| inner.get(&[cid], false)).await?;
        blocks.pop().ok_or(StoreError::NotFound(cid))
    }

    async fn get_blocks(&self, cids: Vec<Cid>) -> Result<Vec<Bytes>, StoreError> {
        for cid in &cids {
            codec_of(cid)?;
        }
        // Those of a file that streams through.
        self.blocking(move |inner| inner.get(&cids, true)).await
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        codec_of(cid)?;
        let cid = *cid;
        self.blocking(move |inner| exists(&inner.layout.block(&cid))).await
    }

    async fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        codec_of(cid)?;
        let cid = *cid;
        self.blocking(move |inner| inner.pin(&cid)).await
    }

    async fn unpin(&self, cid: &Cid) -> Result<bool, StoreError> {
        codec_of(cid)?;
        let cid = *cid;
        self.blocking(move |inner| inner.unpin(&cid)).await
    }

    async fn pins(&self) -> Result<Vec<Cid>, StoreError> {
        self.blocking(|inner| Ok(inner.pins()?.into_iter().collect())).await
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.inner.used.load(Ordering::Relaxed))
    }
}

impl Inner {
    fn put(self: &Arc<Self>, block: &Block) -> Result<(), StoreError> {
        for directory in self.name(self.stage(block)?.into_iter().collect())? {
            sync_directory(&directory)?;
        }
        Ok(())
    }

    fn get(&self, cids: &[Cid], streams: bool) -> Result<Vec<Bytes>, StoreError> {
        let paths: Vec<_> = cids.iter().map(|cid| self.layout.block(cid)).collect();
        let readings: Vec<_> = {
            let _present = self.removal.read().unwrap_or_else(PoisonError::into_inner);
            paths.iter().map(|path| self.open(path, streams)).collect()
        };
        let mut blocks = Vec::with_capacity(cids.len());
        for ((cid, path), reading) in cids.iter().zip(&paths).zip(readings) {
            blocks.push(match verified(reading, path, cid)? {
                Some(data) => data,
                None => self.set_aside(cid, path)?,
            });
        }
        Ok(blocks)
    }

    fn open(&self, path: &Path, streams: bool) -> io::Result<Reading> {
        // A file that grew must not fill the memory.
        Reading::open(path, MAX_BLOCK_BYTES + 1, streams, self.layout.buffers())
    }

    /// The bytes of a block; `None` if they are not what the CID says.
    fn read_verified(&self, path: &Path, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        verified(self.open(path, false), path, cid)
    }

    /// Moves a damaged block away, unless it was replaced by a sound one since.
    fn set_aside(&self, cid: &Cid, path: &Path) -> Result<Bytes, StoreError> {
        let _alone = self.removal.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = self.read_verified(path, cid)? {
            return Ok(data);
        }
        let len = fs::metadata(path).map_or(0, |m| m.len());
        let aside = self.layout.quarantined(cid);
        fs::rename(path, &aside).map_err(|e| io_error(path, e))?;
        self.release(len);
        tracing::warn!(%cid, path = %aside.display(), "a block was damaged and is set aside");
        Err(StoreError::Corrupt(*cid))
    }

    fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        let path = self.layout.pin(cid);
        let file = File::create(&path).map_err(|e| io_error(&path, e))?;
        file.sync_all().map_err(|e| io_error(&path, e))?;
        sync_directory(&self.layout.pins_dir())
    }

    fn unpin(&self, cid: &Cid) -> Result<bool, StoreError> {
        let path = self.layout.pin(cid);
        match fs::remove_file(&path) {
            Ok(()) => sync_directory(&self.layout.pins_dir()).map(|()| true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(io_error(&path, e)),
        }
    }

    fn pins(&self) -> Result<BTreeSet<Cid>, StoreError> {
        self.layout.pinned()
    }

    fn release(&self, bytes: u64) {
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            Some(used.saturating_sub(bytes))
        });
    }
}

/// Bytes set aside for a block that is being written; given back unless kept.
struct Room {
    store: Arc<Inner>,
    bytes: u64,
}

impl Room {
    fn reserve(store: &Arc<Inner>, bytes: u64) -> Result<Self, StoreError> {
        store
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= store.max_bytes)
            })
            .map_err(|used| StoreError::Full {
                needed: bytes,
                used,
                max: store.max_bytes,
            })?;
        Ok(Self {
            store: Arc::clone(store),
            bytes,
        })
    }

    fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.store.release(self.bytes);
    }
}

fn lock(root: &Path, path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| io_error(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(root.to_owned())),
        Err(TryLockError::Error(e)) => Err(io_error(path, e)),
    }
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|e| io_error(path, e))
}

fn touch(path: &Path) -> Result<(), StoreError> {
    File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(|e| io_error(path, e))
}

fn verified(reading: io::Result<Reading>, path: &Path, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
    match reading.and_then(Reading::finish) {
        Ok(data) => Ok(Block::verify(cid, data).ok().map(Block::into_data)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(StoreError::NotFound(*cid)),
        Err(e) => Err(io_error(path, e)),
    }
}

/// A name is on the disk once its directory is.
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(|e| io_error(path, e))?;
    }
    Ok(())
}

fn io_error(path: &Path, error: io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path, error },
        _ => StoreError::Io { path, error },
    }
}
