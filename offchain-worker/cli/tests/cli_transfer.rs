//! `weft store` between machines: fetched, pushed and served, and what happens after a cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::IntoResponse,
};
use tokio::runtime::Runtime;
use weft_store::{
    Cid, ContentStore, ContentStoreExt, EmbeddedStore, StoreConfig,
    exchange::{ServerLimits, WantList, router},
};

/// Of the file that is moved: a node and so many leaves.
const LEAVES: usize = 9;

fn weft(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_HOME", home)
        .env_remove("WEFT_IPFS_API")
        .output()
        .unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn content() -> Vec<u8> {
    (0..(LEAVES * 262_144 - 5) as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// Another machine's store, in this process.
struct Machine {
    store: EmbeddedStore,
    runtime: Runtime,
    _dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: EmbeddedStore::open(dir.path(), StoreConfig::default()).unwrap(),
            runtime: Runtime::new().unwrap(),
            _dir: dir,
        }
    }

    /// Serves, and takes `wanted`, until `requests` were answered. Returns its address and the count of requests.
    fn serve(&self, wanted: Option<Cid>, requests: usize) -> (String, Arc<AtomicUsize>) {
        let wants = WantList::new();
        if let Some(root) = wanted {
            wants.want(root, 1 << 30);
        }
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let app: Router = router(Arc::new(self.store.clone()), Arc::new(wants), ServerLimits::default());
        let app = app.layer(from_fn(move |request: Request, next: Next| {
            let is_cut = counter.fetch_add(1, Ordering::Relaxed) >= requests;
            async move {
                match is_cut {
                    true => StatusCode::BAD_GATEWAY.into_response(),
                    false => next.run(request).await,
                }
            }
        }));
        let listener = self
            .runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        self.runtime.spawn(async move { axum::serve(listener, app).await });
        (address, count)
    }

    fn put(&self, content: &[u8]) -> Cid {
        self.runtime.block_on(self.store.put_file(content)).unwrap()
    }
}

fn added(home: &Path) -> (PathBuf, String) {
    let path = home.join("file");
    std::fs::write(&path, content()).unwrap();
    let added = json(&weft(home, &["store", "add", path.to_str().unwrap(), "--json"]));
    (path, added["cid"].as_str().unwrap().to_owned())
}

#[test]
fn a_fetch_that_was_cut_goes_on() {
    let there = Machine::new();
    let cid = there.put(&content()).to_string();
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let out = out.to_str().unwrap();
    // The root and some leaves come.
    let (address, _) = there.serve(None, 5);
    let cut = weft(home.path(), &["store", "get", &cid, "--from", &address, "--out", out]);
    assert_eq!(cut.status.code(), Some(5), "{}", said(&cut));
    assert!(said(&cut).contains("repeat the command"), "{}", said(&cut));
    assert!(!Path::new(out).exists());

    let (address, asked) = there.serve(None, usize::MAX);
    let pinned = json(&weft(
        home.path(),
        &["store", "pin", &cid, "--from", &address, "--json"],
    ));
    assert_eq!(pinned["fetched_blocks"], (LEAVES + 1 - 5) as u64, "{pinned}");
    assert_eq!(asked.load(Ordering::Relaxed), LEAVES + 1 - 5);
    // All of it is here now, and nobody is asked.
    let (address, asked) = there.serve(None, usize::MAX);
    let got = json(&weft(
        home.path(),
        &["store", "get", &cid, "--from", &address, "--out", out, "--json"],
    ));
    assert_eq!(got["bytes"], content().len() as u64);
    assert!(std::fs::read(out).unwrap() == content());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(
        json(&weft(home.path(), &["store", "ls", "--json"]))[0]["cid"],
        cid.as_str()
    );
}

#[test]
fn what_never_became_whole_is_collected() {
    let there = Machine::new();
    let cid = there.put(&content()).to_string();
    let home = tempfile::tempdir().unwrap();
    let (_, kept) = added(home.path());
    let other = there.put(&content()[1..]).to_string();
    let (address, _) = there.serve(None, 4);
    let cut = weft(home.path(), &["store", "pin", &other, "--from", &address]);
    assert_eq!(cut.status.code(), Some(5), "{}", said(&cut));
    assert_eq!(json(&weft(home.path(), &["store", "gc", "--json"]))["blocks"], 4);
    assert_eq!(json(&weft(home.path(), &["store", "gc", "--json"]))["blocks"], 0);
    assert_eq!(kept, cid);
    assert!(weft(home.path(), &["store", "get", &kept]).stdout == content());
}

#[test]
fn a_push_that_was_cut_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let (_, cid) = added(home.path());
    let root: Cid = cid.parse().unwrap();
    let there = Machine::new();
    let push = |address: &str| weft(home.path(), &["store", "push", &cid, "--to", address, "--json"]);

    let (address, _) = there.serve(None, usize::MAX);
    let unasked = push(&address);
    assert_eq!(unasked.status.code(), Some(4), "{}", said(&unasked));
    assert!(said(&unasked).contains("weft store serve --take"), "{}", said(&unasked));

    // The root and four leaves go.
    let (address, _) = there.serve(Some(root), 5);
    let cut = push(&address);
    assert_eq!(cut.status.code(), Some(5), "{}", said(&cut));
    assert!(said(&cut).contains("repeat the command"), "{}", said(&cut));

    let (address, _) = there.serve(Some(root), usize::MAX);
    let pushed = json(&push(&address));
    assert_eq!((&pushed["blocks"], &pushed["present_blocks"]), (&10.into(), &5.into()));
    let sent = pushed["sent_bytes"].as_u64().unwrap();
    assert!(sent < content().len() as u64 * 2 / 3, "{pushed}");
    let bytes = there.runtime.block_on(there.store.size_bytes()).unwrap();
    assert!(bytes > content().len() as u64);
}

/// A `weft store serve` that is ended when this is dropped.
struct Served {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Served {
    fn start(home: &Path, more: &[&str]) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weft"))
            .args(["store", "serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .env("WEFT_HOME", home)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut served = Self { child, log };
        let line = served.line_with("address=");
        let address = line
            .split("address=")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap();
        (served, format!("http://{address}"))
    }

    fn line_with(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "it ended before it said {what}"
            );
            if line.contains(what) {
                return line;
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_machine_takes_what_it_was_told_to_pins_it_and_serves_it() {
    let (here, there, third) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let (_, cid) = added(here.path());
    let (mut served, address) = Served::start(there.path(), &["--take", &cid]);
    let pushed = json(&weft(here.path(), &["store", "push", &cid, "--to", &address, "--json"]));
    assert_eq!(pushed["blocks"], (LEAVES + 1) as u64);
    served.line_with("here as a whole, and pinned");
    let got = weft(third.path(), &["store", "get", &cid, "--from", &address]);
    assert!(got.stdout == content(), "{}", said(&got));
    drop(served);
    assert_eq!(
        json(&weft(there.path(), &["store", "ls", "--json"]))[0]["cid"],
        cid.as_str()
    );
}

#[test]
fn addresses_that_are_none_are_refused_before_anything_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
    for address in ["nonsense", "https://192.0.2.7", "ftp://192.0.2.7", "http://"] {
        let output = weft(home.path(), &["store", "get", cid, "--from", address]);
        assert_eq!(output.status.code(), Some(2), "{address}: {}", said(&output));
        assert!(said(&output).contains("http://HOST:PORT"), "{}", said(&output));
    }
    // Nobody listens at port 1.
    let output = weft(home.path(), &["store", "get", cid, "--from", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
}
