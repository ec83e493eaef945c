//! The content store that is gone with its program: for files that are fetched, read once and not kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use cid::Cid;

use crate::{
    block::Block,
    store::{ContentStore, StoreError},
};

/// Blocks in memory, with a bound on their bytes.
#[derive(Debug)]
pub struct MemoryStore {
    max_bytes: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    blocks: BTreeMap<Cid, Bytes>,
    pins: BTreeSet<Cid>,
    used: u64,
}

impl MemoryStore {
    /// An empty one that takes so many bytes of blocks.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ContentStore for MemoryStore {
    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        let cid = *block.cid();
        let data = block.into_data();
        let mut inner = self.inner();
        if inner.blocks.contains_key(&cid) {
            return Ok(());
        }
        let needed = data.len() as u64;
        let used = inner.used.saturating_add(needed);
        if used > self.max_bytes {
            return Err(StoreError::Full {
                needed,
                used: inner.used,
                max: self.max_bytes,
            });
        }
        inner.used = used;
        inner.blocks.insert(cid, data);
        Ok(())
    }

    async fn get_block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        // It was checked when it was made, and memory is not read from a disk.
        self.inner().blocks.get(cid).cloned().ok_or(StoreError::NotFound(*cid))
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        Ok(self.inner().blocks.contains_key(cid))
    }

    async fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        self.inner().pins.insert(*cid);
        Ok(())
    }

    async fn unpin(&self, cid: &Cid) -> Result<bool, StoreError> {
        Ok(self.inner().pins.remove(cid))
    }

    async fn pins(&self) -> Result<Vec<Cid>, StoreError> {
        let mut pins: Vec<Cid> = self.inner().pins.iter().copied().collect();
        pins.sort_by_key(Cid::to_string);
        Ok(pins)
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.inner().used)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::ContentStoreExt;

    #[tokio::test]
    async fn a_file_comes_out_as_it_went_in_and_the_bound_holds() {
        let store = MemoryStore::new(4 << 20);
        let file: Vec<u8> = (0..3_000_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let root = store.put_file(&file[..]).await.unwrap();
        let read: Vec<Bytes> = store.read_file(&root).try_collect().await.unwrap();
        assert_eq!(read.concat(), file);
        let used = store.size_bytes().await.unwrap();
        assert!(used >= file.len() as u64);
        // What is here already takes no room.
        assert_eq!(store.put_file(&file[..]).await.unwrap(), root);
        assert_eq!(store.size_bytes().await.unwrap(), used);
        let other = Bytes::from(vec![1; 1 << 20]);
        store.put(other).await.unwrap();
        let full = store.put(Bytes::from(vec![2; 1 << 20])).await;
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    }

    #[tokio::test]
    async fn pins_are_kept_and_taken_away() {
        let store = MemoryStore::new(100);
        let cid = store.put(Bytes::from_static(b"a block")).await.unwrap();
        assert!(store.has(&cid).await.unwrap());
        store.pin(&cid).await.unwrap();
        assert_eq!(store.pins().await.unwrap(), [cid]);
        assert!(store.unpin(&cid).await.unwrap() && !store.unpin(&cid).await.unwrap());
    }
}
