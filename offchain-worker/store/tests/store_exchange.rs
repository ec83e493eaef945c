//! Blocks between devices: honest peers, lying peers, dead peers, cut lines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::HashSet,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use weft_store::{
    Block, Cid, ContentStore, ContentStoreExt, DagLimits, EmbeddedStore, MAX_BLOCK_BYTES, StoreConfig, StoreError,
    exchange::{
        Client, ClientConfig, FetchError, FetchProgress, PeerFailure, PushError, ServerLimits, Url, WantList,
        WantNothing, router,
    },
    unixfs::{CHUNK_BYTES, DagError, links_of},
};

struct Device {
    store: Arc<EmbeddedStore>,
    _dir: TempDir,
}

fn device() -> Device {
    device_with(StoreConfig::default())
}

fn device_with(config: StoreConfig) -> Device {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(dir.path(), config).unwrap());
    Device { store, _dir: dir }
}

fn content(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

async fn listen(app: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    url_of(address)
}

fn url_of(address: SocketAddr) -> Url {
    format!("http://{address}").parse().unwrap()
}

/// A server that remembers which blocks it was asked for.
async fn listen_and_count(app: Router) -> (Url, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let app = app.layer(from_fn(move |request: Request, next: Next| {
        let path = request.uri().path().to_owned();
        log.lock().unwrap().push(path);
        next.run(request)
    }));
    (listen(app).await, asked)
}

fn gives_only(device: &Device) -> Router {
    router(device.store.clone(), Arc::new(WantNothing), ServerLimits::default())
}

fn client() -> Client {
    Client::new(ClientConfig {
        connect_timeout: Duration::from_secs(2),
        block_timeout: Duration::from_secs(5),
        busy_retries: 1,
        parallel_blocks: 4,
    })
    .unwrap()
}

async fn fetch(device: &Device, root: &Cid, peers: &[Url]) -> Result<weft_store::exchange::Fetched, FetchError> {
    client()
        .fetch_dag(&*device.store, root, peers, DagLimits::default(), &mut |_| ())
        .await
}

async fn read_all(device: &Device, cid: &Cid) -> Vec<u8> {
    let pieces: Vec<Bytes> = device.store.read_file(cid).try_collect().await.unwrap();
    pieces.concat()
}

/// A port that nobody listens on.
async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    url_of(listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_file_comes_over_with_progress() {
    let (here, there) = (device(), device());
    let content = content(10 * CHUNK_BYTES + 3);
    let root = there.store.put_file(content.as_slice()).await.unwrap();
    let peer = listen(gives_only(&there)).await;
    let mut steps: Vec<FetchProgress> = Vec::new();
    let fetched = client()
        .fetch_dag(&*here.store, &root, &[peer], DagLimits::default(), &mut |p| {
            steps.push(*p)
        })
        .await
        .unwrap();
    assert!(read_all(&here, &root).await == content);
    assert_eq!(fetched.blocks, 12);
    assert_eq!(steps.len(), 12);
    assert!(steps.iter().all(|p| p.total_bytes == Some(content.len() as u64)));
    assert!(steps.is_sorted_by_key(|p| p.present_bytes));
    assert_eq!(steps.last().unwrap().present_bytes, content.len() as u64);
    assert_eq!(steps.last().unwrap().fetched, fetched);
    assert_eq!(fetched.bytes, here.store.size_bytes().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn fetching_and_pushing_run_as_tasks_of_their_own() {
    let (here, there) = (device(), device());
    let content = content(5 * CHUNK_BYTES);
    let source = there.store.clone();
    let root = tokio::spawn(async move { source.put_file(content.as_slice()).await });
    let root = root.await.unwrap().unwrap();
    let wants = WantList::new();
    wants.want(root, 1 << 30);
    let app = router(here.store.clone(), Arc::new(wants), ServerLimits::default());
    let (receiver, source) = (listen(app).await, there.store.clone());
    let push = tokio::spawn(async move { client().push_dag(&*source, &root, &receiver, &mut |_| ()).await });
    assert_eq!(push.await.unwrap().unwrap().blocks, 6);
    let (third, peer) = (device(), listen(gives_only(&here)).await);
    let fetch = tokio::spawn(async move { fetch(&third, &root, &[peer]).await });
    assert_eq!(fetch.await.unwrap().unwrap().blocks, 6);
}

#[tokio::test]
async fn a_file_that_is_here_needs_no_peer() {
    let here = device();
    let root = here.store.put_file(content(3 * CHUNK_BYTES).as_slice()).await.unwrap();
    assert_eq!(fetch(&here, &root, &[]).await.unwrap().blocks, 0);
}

#[tokio::test]
async fn repeated_chunks_come_once() {
    let (here, there) = (device(), device());
    let zeros = vec![0; 9 * CHUNK_BYTES];
    let root = there.store.put_file(zeros.as_slice()).await.unwrap();
    let (peer, asked) = listen_and_count(gives_only(&there)).await;
    let mut last = FetchProgress::default();
    client()
        .fetch_dag(&*here.store, &root, &[peer], DagLimits::default(), &mut |p| last = *p)
        .await
        .unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert!(read_all(&here, &root).await == zeros);
}

#[tokio::test]
async fn nobody_to_ask_fails_at_once_and_names_all() {
    let here = device();
    let cid = *Block::raw(Bytes::from_static(b"nowhere")).unwrap().cid();
    let start = Instant::now();
    let error = fetch(&here, &cid, &[]).await.unwrap_err();
    assert!(matches!(&error, FetchError::NotFound { tried, .. } if tried.is_empty()));

    let (dead, empty) = (nobody().await, listen(gives_only(&device())).await);
    let ftp: Url = "ftp://example.org".parse().unwrap();
    let peers = [dead.clone(), empty.clone(), ftp.clone()];
    let error = fetch(&here, &cid, &peers).await.unwrap_err();
    let shown = error.to_string();
    let FetchError::NotFound { cid: named, tried } = error else {
        panic!("{shown}");
    };
    assert_eq!(named, cid);
    let reason = |peer: &Url| tried.iter().find(|(p, _)| p == peer).unwrap().1.clone();
    assert!(matches!(reason(&dead), PeerFailure::Unreachable(_)));
    assert_eq!(reason(&empty), PeerFailure::NotFound);
    assert_eq!(reason(&ftp), PeerFailure::BadAddress);
    assert!(start.elapsed() < Duration::from_secs(4));
    for part in [
        cid.to_string(),
        dead.to_string(),
        empty.to_string(),
        "refused".to_owned(),
    ] {
        assert!(shown.contains(&part), "{shown}");
    }
}

#[tokio::test]
async fn a_liar_is_found_out_and_left_for_an_honest_peer() {
    let (here, there) = (device(), device());
    let content = content(8 * CHUNK_BYTES);
    let root = there.store.put_file(content.as_slice()).await.unwrap();
    let liar = Router::new().route("/ipfs/{cid}", get(|| async { "trust me, it is this" }));
    let (liar, asked_liar) = listen_and_count(liar).await;
    let honest = listen(gives_only(&there)).await;

    let error = fetch(&here, &root, std::slice::from_ref(&liar)).await.unwrap_err();
    assert!(matches!(
        error,
        FetchError::NotFound { tried, .. } if tried[0].1 == PeerFailure::WrongContent
    ));
    assert_eq!(here.store.size_bytes().await.unwrap(), 0);

    asked_liar.lock().unwrap().clear();
    fetch(&here, &root, &[liar, honest]).await.unwrap();
    assert!(read_all(&here, &root).await == content);
    // One lie is enough (a few requests may have been under way with it).
    assert!(asked_liar.lock().unwrap().len() <= 4);
}

#[tokio::test]
async fn a_peer_that_sends_without_end_is_stopped() {
    let here = device();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let endless = Router::new().route(
        "/ipfs/{cid}",
        get(move || async move {
            let pieces = stream::repeat_with(move || {
                counter.fetch_add(1 << 16, Ordering::Relaxed);
                Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1 << 16]))
            });
            Body::from_stream(pieces)
        }),
    );
    let announces = Router::new().route("/ipfs/{cid}", get(|| async { vec![0u8; MAX_BLOCK_BYTES + 1] }));
    let peers = [listen(endless).await, listen(announces).await];
    let cid = *Block::raw(Bytes::from_static(b"small")).unwrap().cid();
    let error = fetch(&here, &cid, &peers).await.unwrap_err();
    assert!(matches!(
        error,
        FetchError::NotFound { tried, .. }
            if tried.iter().all(|(_, why)| *why == PeerFailure::TooLarge) && tried.len() == 2
    ));
    // What lay in the sockets' buffers counts as sent.
    assert!(sent.load(Ordering::Relaxed) < 64 << 20);
}

#[tokio::test]
async fn a_cut_line_costs_only_the_blocks_that_did_not_come() {
    let (here, there) = (device(), device());
    let content = content(20 * CHUNK_BYTES + 1);
    let root = there.store.put_file(content.as_slice()).await.unwrap();

    // Ten answers, then the line goes dead in the middle of a block.
    let left = Arc::new(AtomicUsize::new(10));
    let app = gives_only(&there).layer(from_fn(move |request: Request, next: Next| {
        let left = Arc::clone(&left);
        async move {
            let alive = left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok();
            if alive {
                return next.run(request).await;
            }
            let pieces = stream::iter([
                Ok(Bytes::from_static(b"the first bytes of")),
                Err(std::io::Error::other("cut")),
            ]);
            Body::from_stream(pieces).into_response()
        }
    }));
    let dying = listen(app).await;
    // One after the other: a block that is under way when the fetch ends may
    // still be kept, and then it is not known what is missing.
    let one_by_one = Client::new(ClientConfig {
        parallel_blocks: 1,
        ..ClientConfig::default()
    });
    let error = one_by_one
        .unwrap()
        .fetch_dag(&*here.store, &root, &[dying], DagLimits::default(), &mut |_| ())
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        FetchError::NotFound { tried, .. } if matches!(tried[0].1, PeerFailure::Unreachable(_))
    ));
    let missing = here.store.missing(&root, DagLimits::default()).await.unwrap();
    // The root and nine of the 21 leaves came.
    assert_eq!(missing.len(), 12);

    let (peer, asked) = listen_and_count(gives_only(&there)).await;
    let fetched = fetch(&here, &root, &[peer]).await.unwrap();
    assert_eq!(fetched.blocks, missing.len() as u64);
    let asked: HashSet<String> = asked.lock().unwrap().iter().cloned().collect();
    let expected: HashSet<String> = missing.iter().map(|cid| format!("/ipfs/{cid}")).collect();
    assert_eq!(asked, expected);
    assert!(read_all(&here, &root).await == content);
}

#[tokio::test]
async fn a_block_that_rots_here_is_fetched_again() {
    let (here, there) = (device(), device());
    let content = content(4 * CHUNK_BYTES);
    let root = there.store.put_file(content.as_slice()).await.unwrap();
    let (peer, asked) = listen_and_count(gives_only(&there)).await;
    fetch(&here, &root, std::slice::from_ref(&peer)).await.unwrap();
    let leaf = links_of(&root, &here.store.get_block(&root).await.unwrap())[2];
    std::fs::write(here.store.path_of(&leaf), b"rot").unwrap();
    assert!(matches!(here.store.get_block(&leaf).await, Err(StoreError::Corrupt(_))));
    asked.lock().unwrap().clear();
    fetch(&here, &root, &[peer]).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [format!("/ipfs/{leaf}")]);
    assert!(read_all(&here, &root).await == content);
}

#[tokio::test]
async fn two_peers_with_half_each_make_a_whole() {
    let (here, left, right, source) = (device(), device(), device(), device());
    let content = content(30 * CHUNK_BYTES);
    let root = source.store.put_file(content.as_slice()).await.unwrap();
    let root_block = source.store.get_block(&root).await.unwrap();
    let keep = async |device: &Device, cid: &Cid| {
        let data = source.store.get_block(cid).await.unwrap();
        let block = Block::verify(cid, data).unwrap();
        device.store.put_block(block).await.unwrap();
    };
    keep(&left, &root).await;
    for (i, leaf) in links_of(&root, &root_block).iter().enumerate() {
        keep(if i % 2 == 0 { &left } else { &right }, leaf).await;
    }
    let peers = [listen(gives_only(&left)).await, listen(gives_only(&right)).await];
    for one in &peers {
        let error = fetch(&device(), &root, std::slice::from_ref(one)).await;
        assert!(matches!(error, Err(FetchError::NotFound { .. })));
    }
    fetch(&here, &root, &peers).await.unwrap();
    assert!(read_all(&here, &root).await == content);
}

#[tokio::test]
async fn a_slow_peer_is_passed_over() {
    let (here, there) = (device(), device());
    let root = there.store.put_file(content(6 * CHUNK_BYTES).as_slice()).await.unwrap();
    let sleepy = Router::new().route(
        "/ipfs/{cid}",
        get(|| async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            "good morning"
        }),
    );
    let (sleepy, asked) = listen_and_count(sleepy).await;
    let honest = listen(gives_only(&there)).await;
    let client = Client::new(ClientConfig {
        block_timeout: Duration::from_millis(300),
        parallel_blocks: 1,
        ..ClientConfig::default()
    })
    .unwrap();
    let peers = [sleepy, honest];
    client
        .fetch_dag(&*here.store, &root, &peers, DagLimits::default(), &mut |_| ())
        .await
        .unwrap();
    assert!(asked.lock().unwrap().len() <= 3);
}

#[tokio::test]
async fn trees_of_strangers_are_bounded() {
    let (here, there) = (device(), device());
    let root = there.store.put_file(content(5 * CHUNK_BYTES).as_slice()).await.unwrap();
    let (peer, asked) = listen_and_count(gives_only(&there)).await;
    let limits = DagLimits {
        max_bytes: 5 * CHUNK_BYTES as u64 - 1,
        ..DagLimits::default()
    };
    let error = client()
        .fetch_dag(&*here.store, &root, &[peer], limits, &mut |_| ())
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Dag(DagError::TooLong { .. })));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_store_ends_the_fetch_with_its_own_error() {
    let there = device();
    let here = device_with(StoreConfig {
        max_bytes: Some(2 * CHUNK_BYTES as u64),
    });
    let root = there.store.put_file(content(5 * CHUNK_BYTES).as_slice()).await.unwrap();
    let peer = listen(gives_only(&there)).await;
    assert!(matches!(
        fetch(&here, &root, &[peer]).await,
        Err(FetchError::Store(StoreError::Full { .. }))
    ));
}

/// One request, spoken by hand.
async fn speak(peer: &Url, request: &str, body: &[u8]) -> String {
    let address = peer.socket_addrs(|| None).unwrap()[0];
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(request.as_bytes()).await.unwrap();
    line.write_all(b"\r\nHost: peer\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    // The server may have answered and closed before it has read all.
    let _ = line.write_all(body).await;
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test]
async fn the_server_is_a_trustless_gateway_for_blocks() {
    let there = device();
    let cid = there.store.put(Bytes::from_static(b"some bytes")).await.unwrap();
    let peer = listen(gives_only(&there)).await;

    let answer = speak(&peer, &format!("GET /ipfs/{cid}?format=raw HTTP/1.1"), b"").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nsome bytes"));
    for header in [
        "content-type: application/vnd.ipld.raw".to_owned(),
        "cache-control: public, max-age=29030400, immutable".to_owned(),
        "x-content-type-options: nosniff".to_owned(),
        format!("etag: \"{cid}.raw\""),
        format!("content-disposition: attachment; filename=\"{cid}.bin\""),
        format!("x-ipfs-roots: {cid}"),
    ] {
        assert!(answer.contains(&header), "{header} is not in {answer}");
    }
    let accept = format!("GET /ipfs/{cid} HTTP/1.1\r\nAccept: application/vnd.ipld.raw");
    assert!(speak(&peer, &accept, b"").await.ends_with("some bytes"));

    let head = speak(&peer, &format!("HEAD /ipfs/{cid}?format=raw HTTP/1.1"), b"").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 10"));
    assert!(head.ends_with("\r\n\r\n"));

    let known = format!("GET /ipfs/{cid}?format=raw HTTP/1.1\r\nIf-None-Match: \"{cid}.raw\"");
    assert!(speak(&peer, &known, b"").await.starts_with("http/1.1 304"));

    let other = *Block::raw(Bytes::from_static(b"other")).unwrap().cid();
    for (request, status) in [
        ("GET /healthz".to_owned(), 200),
        ("GET /ipfs/bafkqaaa?format=raw".to_owned(), 200),
        (format!("GET /ipfs/{cid}"), 406),
        (format!("GET /ipfs/{cid}?format=car"), 406),
        (format!("GET /ipfs/{other}?format=raw"), 404),
        (format!("HEAD /ipfs/{other}?format=raw"), 404),
        ("GET /ipfs/nonsense?format=raw".to_owned(), 400),
        ("GET /ipfs/..%2f..%2flock?format=raw".to_owned(), 400),
        (format!("DELETE /ipfs/{cid}"), 405),
        (format!("POST /ipfs/{cid}"), 405),
        ("GET /".to_owned(), 404),
    ] {
        let answer = speak(&peer, &format!("{request} HTTP/1.1"), b"").await;
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{request}: {answer}");
    }
}

#[tokio::test]
async fn blocks_are_taken_only_if_wanted_right_and_small() {
    let there = device();
    let wants = WantList::new();
    let app = router(there.store.clone(), Arc::new(wants.clone()), ServerLimits::default());
    let peer = listen(app).await;
    let block = Block::raw(Bytes::from_static(b"for you")).unwrap();
    let cid = *block.cid();

    assert_eq!(client().put_block(&peer, &block).await, Err(PeerFailure::NotWanted));
    assert_eq!(there.store.size_bytes().await.unwrap(), 0);

    wants.want(cid, 1000);
    let put = format!("PUT /ipfs/{cid} HTTP/1.1\r\nContent-Length:");
    let wrong = speak(&peer, &format!("{put} 7"), b"against").await;
    assert!(wrong.starts_with("http/1.1 422"), "{wrong}");
    // Announced or not, more than a block is not read to its end.
    let large = vec![0u8; MAX_BLOCK_BYTES + 1];
    let announced = speak(&peer, &format!("{put} {}", large.len()), b"").await;
    assert!(announced.starts_with("http/1.1 413"), "{announced}");
    let mut chunked = format!("{:x}\r\n", large.len()).into_bytes();
    chunked.extend_from_slice(&large);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let request = format!("PUT /ipfs/{cid} HTTP/1.1\r\nTransfer-Encoding: chunked");
    let unannounced = speak(&peer, &request, &chunked).await;
    assert!(
        unannounced.starts_with("http/1.1 413") || unannounced.is_empty(),
        "{unannounced}"
    );
    assert_eq!(there.store.size_bytes().await.unwrap(), 0);

    assert_eq!(client().put_block(&peer, &block).await, Ok(()));
    assert_eq!(there.store.get_block(&cid).await.unwrap(), "for you");
    // Once is enough, and twice is no error.
    assert_eq!(client().put_block(&peer, &block).await, Ok(()));
}

#[tokio::test]
async fn a_peer_that_sends_a_block_too_slowly_is_cut_off() {
    let there = device();
    let wants = WantList::new();
    let cid = *Block::raw(Bytes::from_static(b"for you")).unwrap().cid();
    wants.want(cid, 1000);
    let limits = ServerLimits {
        receive_timeout: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let peer = listen(router(there.store.clone(), Arc::new(wants), limits)).await;
    let request = format!("PUT /ipfs/{cid} HTTP/1.1\r\nContent-Length: 7");
    let start = Instant::now();
    let answer = speak(&peer, &request, b"for").await;
    assert!(answer.starts_with("http/1.1 408"), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_file_is_pushed_to_who_waits_for_it() {
    let (here, there) = (device(), device());
    let content = content(6 * CHUNK_BYTES + 5);
    let root = here.store.put_file(content.as_slice()).await.unwrap();
    let wants = WantList::new();
    let app = router(there.store.clone(), Arc::new(wants.clone()), ServerLimits::default());
    let peer = listen(app).await;
    let push = async || client().push_dag(&*here.store, &root, &peer, &mut |_| ()).await;

    let error = push().await.unwrap_err();
    assert!(matches!(
        &error,
        PushError::Peer { cid, failure: PeerFailure::NotWanted, .. } if **cid == root
    ));
    assert!(error.to_string().contains(peer.as_str()));

    wants.want(root, 8 * CHUNK_BYTES as u64);
    assert_eq!(push().await.unwrap().blocks, 8);
    assert!(read_all(&there, &root).await == content);
    wants.unwant(&root);
    // Again: it has all of it, and only the node that tells of the leaves moves.
    let again = push().await.unwrap();
    assert_eq!((again.blocks, again.present_blocks), (8, 8));
    assert!(again.bytes < CHUNK_BYTES as u64);
}

#[tokio::test]
async fn a_push_that_was_cut_moves_only_what_is_missing() {
    let (here, there) = (device(), device());
    let content = content(9 * CHUNK_BYTES);
    let root = here.store.put_file(content.as_slice()).await.unwrap();
    let root_bytes = here.store.get_block(&root).await.unwrap().len() as u64;
    let push = async |peer| client().push_dag(&*here.store, &root, &peer, &mut |_| ()).await;
    let wants = WantList::new();
    wants.want(root, 1 << 30);
    // Cut after the root and four of nine leaves.
    let app = router(there.store.clone(), Arc::new(wants), ServerLimits::default());
    let taken = Arc::new(AtomicUsize::new(0));
    let app = app.layer(from_fn(move |request: Request, next: Next| {
        let cut = taken.fetch_add(1, Ordering::Relaxed) >= 5;
        async move {
            match cut {
                true => StatusCode::BAD_GATEWAY.into_response(),
                false => next.run(request).await,
            }
        }
    }));
    assert!(push(listen(app).await).await.is_err());
    let came = there.store.size_bytes().await.unwrap();
    assert_eq!(came, 4 * CHUNK_BYTES as u64 + root_bytes);

    // The receiver was started anew, and waits for the file again.
    let wants = WantList::new();
    wants.want(root, 1 << 30);
    let peer = listen(router(there.store.clone(), Arc::new(wants), ServerLimits::default())).await;
    let pushed = push(peer).await.unwrap();
    assert_eq!(pushed.blocks, 10);
    assert_eq!(pushed.present_blocks, 5);
    assert_eq!(
        pushed.bytes,
        5 * CHUNK_BYTES as u64 + root_bytes,
        "the rest, and the root once more"
    );
    assert!(read_all(&there, &root).await == content);
}

#[tokio::test]
async fn a_push_that_was_cut_goes_on_after_a_restart_of_the_receiver() {
    let (here, there) = (device(), device());
    let root = here.store.put_file(content(3 * CHUNK_BYTES).as_slice()).await.unwrap();
    // The root came before the restart; the new want list knows only the root.
    let root_block = here.store.get_block(&root).await.unwrap();
    there
        .store
        .put_block(Block::verify(&root, root_block).unwrap())
        .await
        .unwrap();
    let wants = WantList::new();
    wants.want(root, 1 << 30);
    let app = router(there.store.clone(), Arc::new(wants), ServerLimits::default());
    let peer = listen(app).await;
    client()
        .push_dag(&*here.store, &root, &peer, &mut |_| ())
        .await
        .unwrap();
    assert!(
        there
            .store
            .missing(&root, DagLimits::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_receiver_without_room_says_so() {
    let here = device();
    let there = device_with(StoreConfig { max_bytes: Some(10) });
    let block = Block::raw(Bytes::from(vec![1; 11])).unwrap();
    let wants = WantList::new();
    wants.want(*block.cid(), 1000);
    let app = router(there.store.clone(), Arc::new(wants), ServerLimits::default());
    let peer = listen(app).await;
    here.store.put_block(block.clone()).await.unwrap();
    assert_eq!(client().put_block(&peer, &block).await, Err(PeerFailure::NoRoom));
}

#[tokio::test]
async fn more_requests_than_allowed_are_told_to_come_again() {
    let there = device();
    let cid = there.store.put(Bytes::from_static(b"sought after")).await.unwrap();
    let wants = WantList::new();
    let awaited = *Block::raw(Bytes::from_static(b"awaited")).unwrap().cid();
    wants.want(awaited, 1000);
    let limits = ServerLimits {
        max_requests: 2,
        receive_timeout: Duration::from_secs(20),
    };
    let peer = listen(router(there.store.clone(), Arc::new(wants), limits)).await;
    // Two peers begin to send a block and stop: both places are taken.
    let address = peer.socket_addrs(|| None).unwrap()[0];
    let mut stalled = Vec::new();
    for _ in 0..2 {
        let mut line = TcpStream::connect(address).await.unwrap();
        let head = format!("PUT /ipfs/{awaited} HTTP/1.1\r\nHost: peer\r\nContent-Length: 7\r\n\r\nawa");
        line.write_all(head.as_bytes()).await.unwrap();
        stalled.push(line);
    }
    let get = format!("GET /ipfs/{cid}?format=raw HTTP/1.1");
    let busy = eventually(|| async {
        let answer = speak(&peer, &get, b"").await;
        answer.starts_with("http/1.1 503").then_some(answer)
    })
    .await;
    assert!(busy.contains("retry-after: 1"));
    // Health is answered all the same.
    let health = speak(&peer, "GET /healthz HTTP/1.1", b"").await;
    assert!(health.starts_with("http/1.1 200"));
    assert_eq!(client().get_block(&peer, &cid).await, Err(PeerFailure::Busy));
    // One of them goes on; a patient client gets its block.
    stalled[0].write_all(b"ited").await.unwrap();
    let patient = Client::new(ClientConfig::default()).unwrap();
    assert_eq!(patient.get_block(&peer, &cid).await.unwrap().data(), "sought after");
}

async fn eventually<T, F: Future<Output = Option<T>>>(mut attempt: impl FnMut() -> F) -> T {
    for _ in 0..100 {
        if let Some(value) = attempt().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen within five seconds");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (here, there) = (device(), device());
    let cid = there.store.put(Bytes::from_static(b"elsewhere")).await.unwrap();
    let honest = listen(gives_only(&there)).await;
    let redirects = Router::new()
        .route(
            "/ipfs/{cid}",
            get(|State(to): State<Url>, Path(cid): Path<String>| async move {
                let to = format!("{to}ipfs/{cid}?format=raw");
                Response::builder()
                    .status(StatusCode::TEMPORARY_REDIRECT)
                    .header(header::LOCATION, to)
                    .body(Body::empty())
                    .unwrap()
            }),
        )
        .with_state(honest);
    let peer = listen(redirects).await;
    assert!(matches!(
        fetch(&here, &cid, &[peer]).await,
        Err(FetchError::NotFound { tried, .. }) if tried[0].1 == PeerFailure::Status(307)
    ));
}

#[tokio::test]
async fn a_peer_may_live_under_a_path() {
    let there = device();
    let cid = there.store.put(Bytes::from_static(b"nested")).await.unwrap();
    let app = Router::new().nest("/some/where", gives_only(&there));
    let base = listen(app).await;
    for path in ["some/where", "some/where/"] {
        let peer = base.join(path).unwrap();
        assert!(client().get_block(&peer, &cid).await.is_ok());
    }
}
