//! A disk that is really full: a file system in memory that is too small.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small_disk;

use std::{fs, path::Path};

use small_disk::on_small_disk;
use weft_store::{
    ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, StoreConfig, StoreError, unixfs::CHUNK_BYTES,
};

#[test]
fn a_full_disk_is_named_and_what_was_put_goes_on() {
    on_small_disk("a_full_disk_is_named_and_what_was_put_goes_on", 12, on_the_disk);
}

fn on_the_disk(disk: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let filler = disk.join("filler");
        fs::write(&filler, vec![1; 6 << 20]).unwrap();
        let store = EmbeddedStore::open(&disk.join("store"), StoreConfig::default()).unwrap();
        let content: Vec<u8> = (0..32 * CHUNK_BYTES as u32).map(|i| (i / 1000) as u8).collect();
        let error = store.put_file(content.as_slice()).await.unwrap_err();
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("free some space"));
        // Nothing is half-written, and what is counted is what is there.
        let used = store.size_bytes().await.unwrap();
        drop(store);
        assert_eq!(fs::read_dir(disk.join("store/parts")).unwrap().count(), 0);
        let store = EmbeddedStore::open(&disk.join("store"), StoreConfig::default()).unwrap();
        assert_eq!(store.size_bytes().await.unwrap(), used);
        // With room it goes on.
        fs::remove_file(&filler).unwrap();
        let root = store.put_file(content.as_slice()).await.unwrap();
        assert!(store.missing(&root, DagLimits::default()).await.unwrap().is_empty());
    });
}
