//! The store in a directory: what it promises across damage, crashes and full disks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use tokio::runtime::{Handle, Runtime};
use weft_store::{
    Block, BlockError, Cid, ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, FileReader, FileWriter,
    MAX_BLOCK_BYTES, StoreConfig, StoreError, parse_cid,
    unixfs::{CHUNK_BYTES, links_of},
};

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, StoreConfig::default()).unwrap()
}

fn bounded(dir: &Path, max_bytes: u64) -> EmbeddedStore {
    let config = StoreConfig {
        max_bytes: Some(max_bytes),
    };
    EmbeddedStore::open(dir, config).unwrap()
}

fn content(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

async fn read_all(store: &EmbeddedStore, cid: &Cid) -> Result<Vec<u8>, StoreError> {
    let stream = store.read_file(cid);
    stream
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
}

fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files_under(&path));
        } else {
            out.push(path);
        }
    }
    out
}

#[test]
fn files_of_any_length_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let runtime = Runtime::new().unwrap();
    let sizes = prop_oneof![0..3usize, CHUNK_BYTES - 2..CHUNK_BYTES + 2, 0..5 * CHUNK_BYTES,];
    proptest!(ProptestConfig::with_cases(24), |(len in sizes)| {
        let content = content(len);
        runtime.block_on(async {
            let cid = store.put_file(content.as_slice()).await.unwrap();
            prop_assert!(read_all(&store, &cid).await.unwrap() == content);
            prop_assert_eq!(store.file_size(&cid).await.unwrap(), len as u64);
            prop_assert!(store.missing(&cid, DagLimits::default()).await.unwrap().is_empty());
            Ok(())
        })?;
    });
}

#[tokio::test]
async fn a_file_has_the_cid_that_ipfs_gives_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // See store_unixfs.rs for where these come from.
    for (len, cid) in [
        (0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (262_144, "bafkreiecq6sthzzdvpdhqwwpdczxx26e4t3e5wmnzviqmqdphldgfqoe3m"),
        (262_145, "bafybeigipb3upfgc7d3pg3llsnskvcftvdsi6mhqvmuxde2mq3do4gk47m"),
    ] {
        let put = store.put_file(content(len).as_slice()).await.unwrap();
        assert_eq!(put.to_string(), cid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_by_blocking_code() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn ContentStore> = Arc::new(open(dir.path()));
    let content = content(3 * CHUNK_BYTES + 17);
    let cid = store.put_file(content.as_slice()).await.unwrap();
    let mut reader = FileReader::new(store, Handle::current(), &cid);
    let read = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        reader.read_to_end(&mut out).map(|_| out)
    });
    assert!(read.await.unwrap().unwrap() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_code_puts_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for len in [
        0,
        1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        8 * CHUNK_BYTES,
        150 * CHUNK_BYTES + 3,
    ] {
        let content = content(len);
        let expected = store.put_file(content.as_slice()).await.unwrap();
        let read = std::io::Cursor::new(content.clone());
        assert_eq!(store.put_reader(read).await.unwrap(), expected);
        let mut writer = FileWriter::new(Arc::new(store.clone()), Handle::current());
        let written = tokio::task::spawn_blocking(move || {
            for piece in content.chunks(100_003) {
                writer.write_all(piece).unwrap();
            }
            writer.finish()
        });
        assert_eq!(written.await.unwrap().unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_code_is_told_why_its_file_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = bounded(dir.path(), CHUNK_BYTES as u64);
    let mut writer = FileWriter::new(Arc::new(store.clone()), Handle::current());
    let failed = tokio::task::spawn_blocking(move || {
        let mut error = None;
        for n in 0..1000u32 {
            // Different ones: the same chunk again costs nothing.
            if let Err(e) = writer
                .write_all(&content(CHUNK_BYTES)[..])
                .and_then(|()| writer.write_all(&n.to_le_bytes()))
            {
                error = Some(e);
                break;
            }
        }
        error.map_or_else(
            || writer.finish().unwrap_err().to_string(),
            |e| {
                assert_eq!(e.kind(), std::io::ErrorKind::StorageFull);
                e.to_string()
            },
        )
    });
    assert!(failed.await.unwrap().contains("the store is full"));

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the stick was pulled out"))
        }
    }
    assert!(matches!(store.put_reader(Broken).await, Err(StoreError::Input(_))));
}

/// The files of the blocks, and what tells a file that was written anew.
fn written(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut files: Vec<_> = files_under(&dir.join("blocks"))
        .into_iter()
        .map(|path| {
            let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
            (path, inode)
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_put_that_was_cut_writes_only_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let content = content(20 * CHUNK_BYTES);
    // A store that takes half of it stands for a cut anywhere.
    let store = bounded(dir.path(), 10 * CHUNK_BYTES as u64);
    assert!(store.put_file(content.as_slice()).await.is_err());
    // One batch fails as one: take some of its blocks by hand, as a crash may leave them.
    for chunk in content.chunks(CHUNK_BYTES).take(7) {
        store.put(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    let before = written(dir.path());
    assert!(before.len() >= 7);
    drop(store);
    let store = open(dir.path());
    let root = store.put_file(content.as_slice()).await.unwrap();
    let after = written(dir.path());
    assert_eq!(after.len(), 21);
    assert!(
        before.iter().all(|file| after.contains(file)),
        "no file was written anew"
    );
    assert!(read_all(&store, &root).await.unwrap() == content);
}

#[tokio::test]
async fn a_file_is_removed_but_for_what_others_share() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let kept_content = content(3 * CHUNK_BYTES);
    let kept = store.put_file(kept_content.as_slice()).await.unwrap();
    store.pin(&kept).await.unwrap();
    let size = store.size_bytes().await.unwrap();
    let mut other = kept_content[..CHUNK_BYTES].to_vec();
    other.extend(vec![9; 100]);
    let gone = store.put_file(other.as_slice()).await.unwrap();
    store.pin(&gone).await.unwrap();
    let removed = store.remove(vec![gone]).await.unwrap();
    assert_eq!(removed.blocks, 2);
    assert_eq!(store.size_bytes().await.unwrap(), size);
    assert_eq!(store.pins().await.unwrap(), [kept]);
    assert!(read_all(&store, &kept).await.unwrap() == kept_content);
    // What is not here is no error.
    assert_eq!(store.remove(vec![gone]).await.unwrap().blocks, 0);
}

#[tokio::test]
async fn blocks_survive_a_restart_and_are_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let cid = store.put(Bytes::from_static(b"kept")).await.unwrap();
    assert_eq!(store.put(Bytes::from_static(b"kept")).await.unwrap(), cid);
    store.put(Bytes::from_static(b"this too")).await.unwrap();
    store.pin(&cid).await.unwrap();
    assert_eq!(store.size_bytes().await.unwrap(), 12);
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.size_bytes().await.unwrap(), 12);
    assert_eq!(store.get_block(&cid).await.unwrap(), "kept");
    assert_eq!(store.pins().await.unwrap(), [cid]);
    assert!(store.unpin(&cid).await.unwrap());
    assert!(!store.unpin(&cid).await.unwrap());
    assert!(store.pins().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_block_put_by_many_at_once_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let puts = (0..32).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.put(Bytes::from(vec![7; 1000])).await.unwrap() })
    });
    let cids = futures::future::join_all(puts).await;
    assert!(
        cids.iter()
            .all(|cid| cid.as_ref().unwrap() == cids[0].as_ref().unwrap())
    );
    assert_eq!(store.size_bytes().await.unwrap(), 1000);
    assert_eq!(files_under(&dir.path().join("blocks")).len(), 1);
    assert!(files_under(&dir.path().join("parts")).is_empty());
}

#[tokio::test]
async fn what_is_not_here_is_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let cid = *Block::raw(Bytes::from_static(b"elsewhere")).unwrap().cid();
    assert!(!store.has(&cid).await.unwrap());
    let error = store.get_block(&cid).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotFound(c) if *c == cid));
    assert!(error.to_string().contains(&cid.to_string()));
    assert_eq!(store.missing(&cid, DagLimits::default()).await.unwrap(), [cid]);
}

#[tokio::test]
async fn damage_of_every_kind_is_noticed_and_healed_by_the_next_put() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let good = content(5000);
    let cid = store.put(good.clone().into()).await.unwrap();
    let path = store.path_of(&cid);
    let mut flipped = good.clone();
    flipped[4999] ^= 1;
    let mut longer = good.clone();
    longer.push(0);
    let huge = vec![0; MAX_BLOCK_BYTES + 100];
    for damaged in [flipped, good[..4999].to_vec(), longer, Vec::new(), huge] {
        fs::write(&path, &damaged).unwrap();
        assert!(matches!(
            store.get_block(&cid).await,
            Err(StoreError::Corrupt(c)) if c == cid
        ));
        // Out of the way, not lost, and not counted.
        assert!(!store.has(&cid).await.unwrap());
        assert!(matches!(store.get_block(&cid).await, Err(StoreError::NotFound(_))));
        let aside = dir.path().join("quarantine").join(cid.to_string());
        assert!(fs::read(aside).unwrap() == damaged);
        store.put(good.clone().into()).await.unwrap();
        assert!(store.get_block(&cid).await.unwrap() == good);
    }
}

#[tokio::test]
async fn a_damaged_block_of_a_file_is_missing_until_it_is_put_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let content = content(3 * CHUNK_BYTES);
    let root = store.put_file(content.as_slice()).await.unwrap();
    let size = store.size_bytes().await.unwrap();
    let leaf = links_of(&root, &store.get_block(&root).await.unwrap())[1];
    let sound = fs::read(store.path_of(&leaf)).unwrap();
    let mut damaged = sound.clone();
    damaged[0] ^= 0x80;
    fs::write(store.path_of(&leaf), damaged).unwrap();
    assert!(matches!(
        read_all(&store, &root).await,
        Err(StoreError::Corrupt(c)) if c == leaf
    ));
    assert_eq!(store.missing(&root, DagLimits::default()).await.unwrap(), [leaf]);
    assert_eq!(store.size_bytes().await.unwrap(), size - CHUNK_BYTES as u64);
    store.put(sound.into()).await.unwrap();
    assert!(read_all(&store, &root).await.unwrap() == content);
    assert_eq!(store.size_bytes().await.unwrap(), size);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_gone_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let cid = store.put(Bytes::from_static(b"whole")).await.unwrap();
    drop(store);
    let part = dir.path().join("parts").join(".tmpAbCdEf");
    fs::write(&part, b"ha").unwrap();
    let store = open(dir.path());
    assert!(!part.exists());
    assert_eq!(store.size_bytes().await.unwrap(), 5);
    assert_eq!(store.get_block(&cid).await.unwrap(), "whole");
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let store = bounded(dir.path(), 1000);
    let first = store.put(vec![1; 600].into()).await.unwrap();
    let error = store.put(vec![2; 401].into()).await.unwrap_err();
    assert!(matches!(
        error,
        StoreError::Full {
            needed: 401,
            used: 600,
            max: 1000
        }
    ));
    assert!(error.to_string().contains("collect garbage"));
    assert_eq!(files_under(&dir.path().join("blocks")).len(), 1);
    assert!(files_under(&dir.path().join("parts")).is_empty());
    // What fits still goes in, and what is here costs nothing.
    store.put(vec![2; 400].into()).await.unwrap();
    assert_eq!(store.put(vec![1; 600].into()).await.unwrap(), first);
    assert_eq!(store.size_bytes().await.unwrap(), 1000);
    // A restart counts the same.
    drop(store);
    let store = bounded(dir.path(), 1000);
    assert!(matches!(
        store.put(vec![3; 1].into()).await,
        Err(StoreError::Full { used: 1000, .. })
    ));
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_an_error_and_can_be_collected() {
    let dir = tempfile::tempdir().unwrap();
    let store = bounded(dir.path(), 3 * CHUNK_BYTES as u64);
    let error = store.put_file(content(10 * CHUNK_BYTES).as_slice()).await;
    assert!(matches!(error, Err(StoreError::Full { .. })));
    let later = SystemTime::now() + Duration::from_secs(10);
    store.collect_garbage(later).await.unwrap();
    assert_eq!(store.size_bytes().await.unwrap(), 0);
    assert!(store.put_file(content(CHUNK_BYTES).as_slice()).await.is_ok());
}

#[tokio::test]
async fn garbage_is_what_no_pin_leads_to_and_what_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let kept_content = content(3 * CHUNK_BYTES);
    let kept = store.put_file(kept_content.as_slice()).await.unwrap();
    let kept_size = store.size_bytes().await.unwrap();
    // Shares its first chunk with the file that is kept.
    let mut other = kept_content[..CHUNK_BYTES].to_vec();
    other.extend(vec![9; 100]);
    store.put_file(other.as_slice()).await.unwrap();
    store.pin(&kept).await.unwrap();
    let with_garbage = store.size_bytes().await.unwrap();

    // Nothing is old yet.
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let collected = store.collect_garbage(long_ago).await.unwrap();
    assert_eq!(collected.blocks, 0);
    assert_eq!(store.size_bytes().await.unwrap(), with_garbage);

    let later = SystemTime::now() + Duration::from_secs(10);
    let collected = store.collect_garbage(later).await.unwrap();
    assert_eq!(collected.blocks, 2);
    assert_eq!(collected.bytes, with_garbage - kept_size);
    assert_eq!(store.size_bytes().await.unwrap(), kept_size);
    assert!(read_all(&store, &kept).await.unwrap() == kept_content);

    store.unpin(&kept).await.unwrap();
    store.collect_garbage(later).await.unwrap();
    assert_eq!(store.size_bytes().await.unwrap(), 0);
    assert!(files_under(&dir.path().join("blocks")).is_empty());
}

#[tokio::test]
async fn a_block_that_is_put_again_is_young_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let cid = store.put(Bytes::from_static(b"again")).await.unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(store.path_of(&cid)).unwrap();
    file.set_modified(hour_ago - Duration::from_secs(60)).unwrap();
    store.put(Bytes::from_static(b"again")).await.unwrap();
    assert_eq!(store.collect_garbage(hour_ago).await.unwrap().blocks, 0);
    file.set_modified(hour_ago - Duration::from_secs(60)).unwrap();
    assert_eq!(store.collect_garbage(hour_ago).await.unwrap().blocks, 1);
}

#[tokio::test]
async fn one_directory_is_one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = EmbeddedStore::open(dir.path(), StoreConfig::default());
    assert!(matches!(second, Err(StoreError::InUse(p)) if p == dir.path()));
    let clone = store.clone();
    drop(store);
    assert!(EmbeddedStore::open(dir.path(), StoreConfig::default()).is_err());
    drop(clone);
    assert!(EmbeddedStore::open(dir.path(), StoreConfig::default()).is_ok());
}

#[tokio::test]
async fn what_is_no_block_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert!(matches!(
        store.put(vec![0; MAX_BLOCK_BYTES + 1].into()).await,
        Err(StoreError::Block(BlockError::TooLarge { .. }))
    ));
    let foreign: Cid = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n".parse().unwrap();
    assert!(matches!(store.get_block(&foreign).await, Err(StoreError::Cid(_))));
    assert!(matches!(store.has(&foreign).await, Err(StoreError::Cid(_))));
    assert!(matches!(store.pin(&foreign).await, Err(StoreError::Cid(_))));
    assert!(parse_cid("../../etc/passwd").is_err());
}

#[tokio::test]
async fn a_store_that_cannot_be_made_names_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let Err(error) = EmbeddedStore::open(&file.join("store"), StoreConfig::default()) else {
        panic!("a store inside a file");
    };
    assert!(matches!(error, StoreError::Io { .. }));
    assert!(error.to_string().contains("file"));
}

#[tokio::test]
async fn an_input_that_breaks_off_is_called_so() {
    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("the stick was pulled out")))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = store.put_file(Broken).await.unwrap_err();
    assert!(matches!(error, StoreError::Input(_)));
    assert!(error.to_string().contains("the stick was pulled out"));
}
