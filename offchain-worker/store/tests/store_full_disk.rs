//! A disk that is really full: a file system in memory that is too small.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path, process::Command};

use weft_store::{
    ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, StoreConfig, StoreError, unixfs::CHUNK_BYTES,
};

/// Where the disk is mounted, for the run of this program that is on it.
const DISK: &str = "WEFT_TEST_SMALL_DISK";
/// Ways to a mount of one's own: as root, and as anybody where the kernel allows user namespaces.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

#[test]
fn a_full_disk_is_named_and_what_was_put_goes_on() {
    if let Some(disk) = env::var_os(DISK) {
        return on_the_disk(Path::new(&disk));
    }
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().to_str().unwrap();
    let unshare = |way: &[&str], script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(way)
            .args(["sh", "-c", script, "sh", disk])
            .arg(env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "a_full_disk_is_named_and_what_was_put_goes_on",
                "--nocapture",
            ])
            .env(DISK, disk)
            .output()
    };
    let mounts = |way: &[&str]| {
        unshare(way, r#"mount -t tmpfs -o size=1m tmpfs "$1""#).is_ok_and(|tried| tried.status.success())
    };
    let Some(way) = WAYS.into_iter().find(|way| mounts(way)) else {
        eprintln!("SKIPPED: the test of a full disk needs leave to mount one (root, or user namespaces)");
        return;
    };
    let run = unshare(way, r#"mount -t tmpfs -o size=12m tmpfs "$1" && shift && exec "$@""#).unwrap();
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
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
