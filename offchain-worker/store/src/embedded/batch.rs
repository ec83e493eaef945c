//! Many blocks, made to last together.
//!
//! What costs is waiting for the disk: a file system commits what many threads
//! wait for at once. So the blocks are first written and synced under temporary
//! names by many threads; only then are they named, and the directories synced,
//! again together. The promise of a single block holds for each of them: under
//! its name it is complete, and once all this returns, it survives a crash.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    vec,
};

use futures::future::join_all;

use super::{EmbeddedStore, Inner, Room, exists, sync_directory, touch};
use crate::{block::Block, store::StoreError};

/// Threads that wait for the disk at once.
const SYNCS_IN_FLIGHT: usize = 32;

/// What several threads take their work from.
struct Queue<T>(Mutex<vec::IntoIter<T>>);

impl<T> Queue<T> {
    fn items(&self) -> MutexGuard<'_, vec::IntoIter<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<T> {
        self.items().next()
    }

    fn clear(&self) {
        *self.items() = Vec::new().into_iter();
    }
}

/// A block that is on the disk, but has no name yet.
pub(super) struct Staged {
    part: tempfile::TempPath,
    path: PathBuf,
    room: Room,
}

impl EmbeddedStore {
    pub(super) async fn put_many(&self, blocks: Vec<Block>) -> Result<(), StoreError> {
        let staged = self.share_out(blocks, |inner, block| inner.stage(&block)).await?;
        let directories = self
            .blocking(move |inner| inner.name(staged.into_iter().flatten().collect()))
            .await?;
        self.share_out(directories, |_, directory| sync_directory(&directory))
            .await?;
        Ok(())
    }

    /// Does `work` on all items with many threads. The first failure ends it, and is
    /// returned when no thread works any more.
    async fn share_out<T, R>(
        &self,
        items: Vec<T>,
        work: fn(&Arc<Inner>, T) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let threads = items.len().min(SYNCS_IN_FLIGHT);
        let queue = Arc::new(Queue(Mutex::new(items.into_iter())));
        let thread = |_| {
            let queue = Arc::clone(&queue);
            self.blocking(move |inner| {
                let mut done = Vec::new();
                while let Some(item) = queue.next() {
                    done.push(work(inner, item).inspect_err(|_| queue.clear())?);
                }
                Ok(done)
            })
        };
        let outcomes = join_all((0..threads).map(thread)).await;
        let done: Result<Vec<_>, _> = outcomes.into_iter().collect();
        Ok(done?.into_iter().flatten().collect())
    }
}

impl Inner {
    /// Writes a block and syncs it, unless it is here.
    pub(super) fn stage(self: &Arc<Self>, block: &Block) -> Result<Option<Staged>, StoreError> {
        let _present = self.removal.read().unwrap_or_else(PoisonError::into_inner);
        let path = self.layout.block(block.cid());
        if exists(&path)? {
            // Its age tells the collector that somebody counts on it again.
            touch(&path)?;
            return Ok(None);
        }
        let room = Room::reserve(self, block.data().len() as u64)?;
        let part = self.layout.write_part(block.data())?;
        Ok(Some(Staged { part, path, room }))
    }

    /// Gives blocks their names; returns the directories that hold the names.
    pub(super) fn name(&self, staged: Vec<Staged>) -> Result<Vec<PathBuf>, StoreError> {
        let _present = self.removal.read().unwrap_or_else(PoisonError::into_inner);
        let mut directories = BTreeSet::new();
        for Staged { part, path, room } in staged {
            directories.extend(self.layout.make_shard(&path)?);
            match part.persist_noclobber(&path) {
                Ok(()) => room.keep(),
                // Another task put the same block just now.
                Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(super::io_error(&path, e.error)),
            }
        }
        Ok(directories.into_iter().collect())
    }
}
