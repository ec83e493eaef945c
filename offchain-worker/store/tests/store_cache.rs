//! The cache over a store: what goes, what stays, and what a restart remembers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use tempfile::TempDir;
use weft_store::{
    Cid, ContentStore, ContentStoreExt, EmbeddedStore, StoreConfig,
    cache::{CacheError, FileCache, Lease, NoRoom},
    unixfs::CHUNK_BYTES,
};

const FILE_BYTES: u64 = 2 * CHUNK_BYTES as u64;

struct Device {
    store: EmbeddedStore,
    dir: TempDir,
}

impl Device {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: EmbeddedStore::open(&dir.path().join("store"), StoreConfig::default()).unwrap(),
            dir,
        }
    }

    fn record(&self) -> PathBuf {
        self.dir.path().join("hot-models")
    }

    async fn cache(&self, max_files: u64) -> FileCache {
        FileCache::open(self.store.clone(), max_files * FILE_BYTES, &self.record())
            .await
            .unwrap()
    }

    /// Takes a file in as a provider does: room first, then its blocks.
    async fn bring(&self, cache: &FileCache, n: u8) -> Result<(Cid, Lease), CacheError> {
        let mut content = vec![n; FILE_BYTES as usize];
        content[CHUNK_BYTES] = !n;
        // What a peer would give, put at once.
        let other = tempfile::tempdir().unwrap();
        let other = EmbeddedStore::open(other.path(), StoreConfig::default()).unwrap();
        let cid = other.put_file(content.as_slice()).await.unwrap();
        let lease = cache.admit(&cid, FILE_BYTES).await?;
        assert_eq!(self.store.put_file(content.as_slice()).await.unwrap(), cid);
        Ok((cid, lease))
    }
}

fn files(cache: &FileCache) -> Vec<Cid> {
    cache.files().into_iter().map(|(cid, _)| cid).collect()
}

#[tokio::test]
async fn the_least_recently_used_goes_and_what_runs_stays() {
    let device = Device::new();
    let own = device.store.put_file(&b"the owner's own"[..]).await.unwrap();
    device.store.pin(&own).await.unwrap();
    let cache = device.cache(2).await;
    let (a, lease_a) = device.bring(&cache, 1).await.unwrap();
    let (b, lease_b) = device.bring(&cache, 2).await.unwrap();
    assert_eq!(cache.used_bytes(), 2 * FILE_BYTES);

    // Both run.
    let refused = device.bring(&cache, 3).await.map(|_| ());
    assert!(matches!(refused, Err(CacheError::NoRoom(NoRoom::InUse { .. }))));
    assert!(device.store.has(&a).await.unwrap() && device.store.has(&b).await.unwrap());
    assert!(!cache.evict(&a).await.unwrap());

    drop(lease_b);
    let (c, lease_c) = device.bring(&cache, 3).await.unwrap();
    assert_eq!(files(&cache), [a, c]);
    assert!(device.store.has(&a).await.unwrap());
    assert!(!device.store.has(&b).await.unwrap(), "its blocks are gone");
    assert!(device.store.has(&own).await.unwrap(), "what is not the cache's stays");
    assert!(device.store.size_bytes().await.unwrap() < 2 * FILE_BYTES + 10_000);

    drop((lease_a, lease_c));
    // `a` is used again, and so `c` goes first.
    drop(cache.lease(&a).await.unwrap().unwrap());
    assert!(cache.lease(&b).await.unwrap().is_none());
    let (d, _lease) = device.bring(&cache, 4).await.unwrap();
    assert_eq!(files(&cache), [a, d]);
    assert!(cache.evict(&a).await.unwrap());
    assert_eq!(files(&cache), [d]);
}

#[tokio::test]
async fn a_restart_remembers_the_order_and_a_lower_bound_holds() {
    let device = Device::new();
    let cache = device.cache(3).await;
    let mut cids = Vec::new();
    for n in 1..=3 {
        cids.push(device.bring(&cache, n).await.unwrap().0);
    }
    drop(cache.lease(&cids[0]).await.unwrap().unwrap());
    drop(cache);
    let expected = [cids[1], cids[2], cids[0]];
    let cache = device.cache(3).await;
    assert_eq!(files(&cache), expected);
    drop(cache);
    let cache = device.cache(2).await;
    assert_eq!(files(&cache), expected[1..]);
    assert!(!device.store.has(&cids[1]).await.unwrap());
    // A pin that was taken away from outside is a file that is not kept.
    device.store.unpin(&cids[2]).await.unwrap();
    drop(cache);
    assert_eq!(files(&device.cache(2).await), [cids[0]]);
}

#[tokio::test]
async fn a_file_that_never_came_takes_its_room_until_it_goes() {
    let device = Device::new();
    let cache = device.cache(1).await;
    let absent = *weft_store::Block::raw(b"x"[..].into()).unwrap().cid();
    drop(cache.admit(&absent, FILE_BYTES).await.unwrap());
    assert_eq!(cache.used_bytes(), FILE_BYTES);
    let (here, _lease) = device.bring(&cache, 1).await.unwrap();
    assert_eq!(files(&cache), [here]);
    assert!(!device.store.pins().await.unwrap().contains(&absent));
}

#[tokio::test]
async fn a_damaged_record_is_named() {
    let device = Device::new();
    std::fs::write(device.record(), "bafy nonsense\n").unwrap();
    let Err(error) = FileCache::open(device.store.clone(), 1, &device.record()).await else {
        panic!("nonsense was read");
    };
    assert!(matches!(error, CacheError::Record { .. }));
    assert!(
        error.to_string().contains("hot-models") && error.to_string().contains("remove it"),
        "{error}"
    );
}
