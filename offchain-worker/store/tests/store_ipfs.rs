//! The store in a Kubo daemon, against a real one and against ones that lie, stall and die.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kubo;

use std::{
    pin::Pin,
    process::Command,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::post};
use bytes::Bytes;
use futures::TryStreamExt;
use kubo::Kubo;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpListener,
};
use weft_store::{
    Block, BlockError, Cid, ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, IpfsConfig, IpfsError, IpfsStore,
    MAX_BLOCK_BYTES, StoreConfig, StoreError,
    car::{export_car, import_car},
    unixfs::{CHUNK_BYTES, FileBuilder, LINKS_PER_NODE, links_of},
};

fn content(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

async fn read_all(store: &impl ContentStore, cid: &Cid) -> Result<Vec<u8>, StoreError> {
    let pieces: Vec<Bytes> = store.read_file(cid).try_collect().await?;
    Ok(pieces.concat())
}

fn embedded() -> (EmbeddedStore, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), StoreConfig::default()).unwrap();
    (store, dir)
}

fn elsewhere() -> Cid {
    *Block::raw(Bytes::from_static(b"nobody has this")).unwrap().cid()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_give_the_cids_that_kubo_gives() {
    let Some(kubo) = Kubo::start() else { return };
    let (here, there) = (embedded(), kubo.store());
    let full_node = LINKS_PER_NODE * CHUNK_BYTES;
    let odd = [
        3, 1000, 262_200, 300_000, 524_288, 524_289, 786_431, 1_000_003, 2_777_777,
    ];
    let edges = [
        0,
        1,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        full_node,
        full_node + 1,
    ];
    for len in edges.into_iter().chain(odd) {
        let content = content(len);
        let theirs = kubo.add(&content, &[]);
        let ours = here.0.put_file(content.as_slice()).await.unwrap();
        assert_eq!(ours.to_string(), theirs, "{len} bytes, embedded");
        let put = there.put_file(content.as_slice()).await.unwrap();
        assert_eq!(put.to_string(), theirs, "{len} bytes, over the daemon");
        assert!(
            read_all(&there, &put).await.unwrap() == content,
            "{len} bytes come back"
        );
    }
}

/// Trees of three levels, which with full chunks would take eight gigabytes.
#[test]
fn deep_trees_are_those_that_kubo_makes() {
    let Some(kubo) = Kubo::start() else { return };
    let full = LINKS_PER_NODE * LINKS_PER_NODE;
    for len in [full, full + 1] {
        let content = content(len);
        let mut builder = FileBuilder::new();
        let mut blocks = Vec::new();
        for byte in content.chunks(1) {
            builder.push_chunk(Bytes::copy_from_slice(byte), &mut blocks).unwrap();
        }
        let root = builder.finish(&mut blocks).unwrap();
        assert_eq!(
            root.cid.to_string(),
            kubo.add(&content, &["--chunker=size-1", "--only-hash"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_pins_are_the_daemons() {
    let Some(kubo) = Kubo::start() else { return };
    let store = kubo.store();
    assert!(store.version().await.unwrap().starts_with("0."));

    let content = content(3 * CHUNK_BYTES + 1);
    let before = store.size_bytes().await.unwrap();
    let root = store.put_file(content.as_slice()).await.unwrap();
    assert!(store.size_bytes().await.unwrap() > before + content.len() as u64);
    assert!(store.has(&root).await.unwrap());
    assert_eq!(store.sent().blocks, 5);
    assert_eq!(kubo.run(&["cat", &root.to_string()], b"").stdout, content);

    assert!(!store.pins().await.unwrap().contains(&root));
    store.pin(&root).await.unwrap();
    assert!(store.pins().await.unwrap().contains(&root));
    kubo.run(&["repo", "gc"], b"");
    assert!(store.missing(&root, DagLimits::default()).await.unwrap().is_empty());
    assert!(store.unpin(&root).await.unwrap());
    assert!(!store.unpin(&root).await.unwrap());
    kubo.run(&["repo", "gc"], b"");
    assert!(!store.has(&root).await.unwrap());
    assert!(matches!(
        store
            .put_block(Block::raw(vec![0; MAX_BLOCK_BYTES].into()).unwrap())
            .await,
        Ok(())
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_fails_at_once() {
    let Some(kubo) = Kubo::start() else { return };
    let cid = elsewhere();
    let start = Instant::now();
    let store = kubo.store();
    assert!(matches!(store.get_block(&cid).await, Err(StoreError::NotFound(c)) if c == cid));
    assert!(matches!(read_all(&store, &cid).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.missing(&cid, DagLimits::default()).await.unwrap(), [cid]);
    let error = store.pin(&cid).await.unwrap_err();
    assert!(matches!(&error, StoreError::Ipfs(IpfsError::Incomplete { root }) if *root == cid));
    // Asking peers, of whom there are none.
    let asking = kubo.store_with(IpfsConfig {
        fetch_timeout: Some(Duration::from_secs(3)),
        ..IpfsConfig::default()
    });
    let error = asking.get_block(&cid).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Ipfs(IpfsError::NoProvider { .. })),
        "{error}"
    );
    assert!(error.to_string().contains(&cid.to_string()));
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Gives its bytes, and kills a process when so many of them are read.
struct Killing {
    content: Vec<u8>,
    read: usize,
    kill_at: usize,
    pid: u32,
}

impl AsyncRead for Killing {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let from = self.read;
        let to = self.content.len().min(from + buf.remaining().min(100_000));
        buf.put_slice(&self.content[from..to]);
        self.read = to;
        if from < self.kill_at && to >= self.kill_at {
            Command::new("kill")
                .args(["-KILL", &self.pid.to_string()])
                .status()
                .unwrap();
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_add_that_the_daemon_died_in_goes_on_where_it_was() {
    let Some(mut kubo) = Kubo::start() else { return };
    // More than is read ahead, so that some of it was confirmed before the daemon dies.
    let content = content(450 * CHUNK_BYTES);
    // 450 leaves, three nodes over at most 174 of them each, and the root.
    let blocks = 450 + 3 + 1;
    let (here, _dir) = embedded();
    let root = here.put_file(content.as_slice()).await.unwrap();
    let store = kubo.store();
    let dying = Killing {
        content: content.clone(),
        read: 0,
        kill_at: 430 * CHUNK_BYTES,
        pid: kubo.pid(),
    };
    let error = store.put_file(dying).await.unwrap_err();
    assert!(
        matches!(
            &error,
            StoreError::Ipfs(IpfsError::CutOff { .. } | IpfsError::Unreachable { .. })
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("start") && error.to_string().contains("ipfs daemon"),
        "{error}"
    );
    let confirmed = store.sent().blocks;
    assert!(confirmed > 0, "it had come some way");

    kubo.kill();
    kubo.restart();
    let store = kubo.store();
    assert_eq!(store.put_file(content.as_slice()).await.unwrap(), root);
    let sent = store.sent();
    assert!(sent.present_blocks >= confirmed, "{sent:?} after {confirmed}");
    assert_eq!(sent.blocks + sent.present_blocks, blocks);
    assert!(sent.blocks < blocks);
    store.pin(&root).await.unwrap();
    assert!(kubo.run(&["cat", &root.to_string()], b"").stdout == content);
    // Once more: nothing moves.
    let store = kubo.store();
    store.put_file(content.as_slice()).await.unwrap();
    assert_eq!(store.sent().blocks, 0);
}

/// Counts what is read of it and what is put into it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_moves_only_what_is_missing() {
    let Some(kubo) = Kubo::start() else { return };
    let content = content(6 * CHUNK_BYTES);
    let root: Cid = kubo.add(&content, &[]).parse().unwrap();
    let (here, _dir) = embedded();
    let there = kubo.store();
    // Half of it came before the cut.
    let block = there.get_block(&root).await.unwrap();
    let leaves = links_of(&root, &block);
    here.put_block(Block::verify(&root, block).unwrap()).await.unwrap();
    for leaf in &leaves[..3] {
        here.put(there.get_block(leaf).await.unwrap()).await.unwrap();
    }
    let missing = here.missing(&root, DagLimits::default()).await.unwrap();
    assert_eq!(missing, leaves[3..]);
    for cid in missing {
        let block = Block::verify(&cid, there.get_block(&cid).await.unwrap()).unwrap();
        here.put_block(block).await.unwrap();
    }
    assert!(read_all(&here, &root).await.unwrap() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_go_to_kubo_and_come_from_it() {
    let Some(kubo) = Kubo::start() else { return };
    let (here, dir) = embedded();
    let ours = content(5 * CHUNK_BYTES + 9);
    let root = here.put_file(ours.as_slice()).await.unwrap();
    let path = dir.path().join("ours.car");
    let file = tokio::fs::File::create(&path).await.unwrap();
    let exported = export_car(&here, &[root], file, &mut |_| ()).await.unwrap();
    assert_eq!(exported.blocks, 7);
    assert_eq!(exported.bytes, path.metadata().unwrap().len());
    let car = std::fs::read(&path).unwrap();
    kubo.run(&["dag", "import"], &car);
    assert!(kubo.run(&["cat", &root.to_string()], b"").stdout == ours);
    assert!(
        kubo.store().pins().await.unwrap().contains(&root),
        "the import pinned it"
    );
    // The very bytes that Kubo would have written.
    assert!(kubo.run(&["dag", "export", &root.to_string()], b"").stdout == car);

    let theirs = content(4 * CHUNK_BYTES + 77);
    let root: Cid = kubo.add(&theirs, &[]).parse().unwrap();
    let car = kubo.run(&["dag", "export", &root.to_string()], b"").stdout;
    let (other, _dir) = embedded();
    let imported = import_car(&other, car.as_slice(), &mut |_| ()).await.unwrap();
    assert_eq!(imported.roots, [root]);
    assert_eq!(imported.blocks, 6);
    assert!(read_all(&other, &root).await.unwrap() == theirs);
}

#[tokio::test]
async fn without_a_daemon_the_way_to_start_one_is_told() {
    // Port 1 is reserved and nobody listens there.
    let store = IpfsStore::new(&IpfsConfig {
        api: "http://127.0.0.1:1".to_owned(),
        ..IpfsConfig::default()
    })
    .unwrap();
    let start = Instant::now();
    let error = store.put_file(&b"something"[..]).await.unwrap_err().to_string();
    assert!(
        error.contains("http://127.0.0.1:1") && error.contains("`ipfs daemon`"),
        "{error}"
    );
    assert!(matches!(store.version().await, Err(IpfsError::Unreachable { .. })));
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// A daemon that answers every call of a kind in one way.
async fn fake(routes: &[(&'static str, StatusCode, &'static str)]) -> IpfsStore {
    let mut app = Router::new();
    for (path, status, body) in routes.iter().copied() {
        app = app.route(&format!("/api/v0{path}"), post(move || async move { (status, body) }));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    IpfsStore::new(&IpfsConfig {
        api,
        call_timeout: Duration::from_millis(500),
        ..IpfsConfig::default()
    })
    .unwrap()
}

const LACKS: (&str, StatusCode, &str) = (
    "/block/stat",
    StatusCode::INTERNAL_SERVER_ERROR,
    r#"{"Message":"block was not found locally (offline): ipld: could not find it","Code":0,"Type":"error"}"#,
);

#[tokio::test]
async fn a_daemon_that_gives_or_names_other_blocks_is_not_believed() {
    let block = Block::raw(Bytes::from_static(b"the right one")).unwrap();
    let wrong = fake(&[
        LACKS,
        ("/block/get", StatusCode::OK, "the wrong one"),
        (
            "/block/put",
            StatusCode::OK,
            r#"{"Key":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku","Size":13}"#,
        ),
    ])
    .await;
    let error = wrong.get_block(block.cid()).await.unwrap_err();
    assert!(matches!(error, StoreError::Block(BlockError::WrongContent(c)) if c == *block.cid()));
    let error = wrong.put_block(block.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::Ipfs(IpfsError::OtherCid { .. })));
    assert_eq!(wrong.sent().blocks, 0);
    assert!(matches!(
        read_all(&wrong, block.cid()).await,
        Err(StoreError::Block(BlockError::WrongContent(_)))
    ));
}

#[tokio::test]
async fn what_a_daemon_says_of_its_disk_is_told() {
    let block = Block::raw(Bytes::from_static(b"no room for it")).unwrap();
    let full = fake(&[
        LACKS,
        (
            "/block/put",
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"Message":"write /repo/blocks/X3/put-1: no space left on device","Code":0,"Type":"error"}"#,
        ),
    ])
    .await;
    let error = full.put_block(block).await.unwrap_err();
    assert!(matches!(&error, StoreError::Ipfs(IpfsError::DiskFull(_))));
    assert!(error.to_string().contains("ipfs repo gc"), "{error}");
}

#[tokio::test]
async fn what_is_no_daemon_is_called_so() {
    let other = fake(&[("/version", StatusCode::OK, "<html>a router's page</html>")]).await;
    let error = other.version().await.unwrap_err();
    assert!(matches!(&error, IpfsError::NotIpfs { .. }), "{error}");
    assert!(matches!(other.size_bytes().await, Err(StoreError::Ipfs(_))));
}

#[tokio::test]
async fn a_daemon_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = IpfsStore::new(&IpfsConfig {
        api: format!("http://{}", listener.local_addr().unwrap()),
        call_timeout: Duration::from_millis(300),
        fetch_timeout: None,
    })
    .unwrap();
    let start = Instant::now();
    assert!(matches!(
        store.has(&elsewhere()).await,
        Err(StoreError::Ipfs(IpfsError::Timeout { .. }))
    ));
    assert!(start.elapsed() < Duration::from_secs(5));
}
