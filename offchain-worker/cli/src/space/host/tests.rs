use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::{
    engine::{Compute, ComputeArgs},
    space::models::Local,
};

fn compute() -> Compute {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        compute: ComputeArgs,
    }
    let line = <Line as clap::Parser>::parse_from(["x", "--device", "cpu", "--threads", "1"]);
    line.compute.open().unwrap()
}

fn example(name: &str) -> Bundle {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces")).join(name);
    Bundle::from_dir(&folder).unwrap()
}

/// A running host, and how to ask it.
struct Running {
    port: u16,
    token: String,
    _stop: tokio::sync::oneshot::Sender<()>,
}

struct Answered {
    status: u16,
    head: String,
    body: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn start(bundle: Bundle) -> Running {
    let local = Local::load(&bundle, &BTreeMap::new(), &compute()).unwrap();
    run(bundle, Arc::new(Models::Local(Box::new(local))), None).await
}

async fn run(bundle: Bundle, models: Arc<Models>, searcher: Option<Arc<Searcher>>) -> Running {
    let host = Host::bind(ANY_PORT, bundle, models, searcher).await.unwrap();
    let rest = host.url().strip_prefix("http://127.0.0.1:").unwrap();
    let (port, token) = rest.split_once('/').unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let running = Running {
        port: port.parse().unwrap(),
        token: token.trim_end_matches('/').to_owned(),
        _stop: stop,
    };
    tokio::spawn(host.serve(async {
        let _ = stopped.await;
    }));
    running
}

impl Running {
    /// Sends a request as it stands, so that nothing tidies its path up.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        // A server that refuses a long body may close at once.
        let _ = read.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        Answered {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .unwrap_or(0),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    fn path(&self, path: &str) -> String {
        format!("/{}/{path}", self.token)
    }

    async fn get(&self, path: &str) -> Answered {
        self.send("GET", &self.path(path), &[], "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answered {
        self.send("POST", &self.path(path), &[("content-type", "application/json")], body)
            .await
    }
}

fn drawing(digit: usize) -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces/digits/reference.json");
    let references: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    references[digit]["pixels"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_digit_is_recognised_through_the_api() {
    let host = start(example("digits")).await;
    let images = [3, 7].map(drawing);
    let answered = host
        .post("api/classify", &json!({ "images": images }).to_string())
        .await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let answer = answered.json();
    for (nth, digit) in [(0, 3), (1, 7)] {
        let likely: Vec<f64> = serde_json::from_value(answer["probabilities"][nth].clone()).unwrap();
        let best = (0..10).max_by(|a, b| likely[*a].total_cmp(&likely[*b]));
        assert_eq!(best, Some(digit));
    }
    assert_eq!(answer["labels"][9], json!("9"));
    let about = host.get("api/space").await.json();
    assert_eq!(
        (&about["title"], &about["models"]["by"]),
        (&json!("Digits"), &json!("this device"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manifest_does_not_name_is_refused() {
    let host = start(example("digits")).await;
    for (path, body) in [
        ("api/chat", r#"{"messages":[],"max_tokens":1}"#),
        ("api/embed", r#"{"texts":["a"]}"#),
        ("api/search", r#"{"query":"a"}"#),
    ] {
        let answered = host.post(path, body).await;
        assert_eq!(answered.status, 403, "{path}: {}", answered.body);
        assert!(answered.body.contains("capabilities"), "{}", answered.body);
    }
    assert_eq!(host.get("api/index").await.status, 403);
    assert_eq!(host.post("api/shell", "{}").await.status, 404);
    assert_eq!(host.post("api/../api/classify", "{}").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    let host = start(example("digits")).await;
    let wrong = "0".repeat(host.token.len());
    for path in [
        "/",
        "/index.html",
        "/api/space",
        &format!("/{wrong}/"),
        &format!("/{wrong}/api/classify"),
    ] {
        let answered = host.send("GET", path, &[], "").await;
        assert_eq!(answered.status, 403, "{path}");
        assert!(
            answered.head.contains("content-security-policy"),
            "refusals are protected, too"
        );
    }
    let index = host.path("");
    let rebound = host.send("GET", &index, &[("host", "evil.example")], "").await;
    assert_eq!(rebound.status, 421);
    let framed = host.send("GET", &index, &[("sec-fetch-site", "cross-site")], "").await;
    assert_eq!(framed.status, 403);
    let body = json!({ "images": [drawing(1)] }).to_string();
    let own = format!("http://127.0.0.1:{}", host.port);
    for (origin, status) in [("http://127.0.0.1:1", 403), ("null", 403), (own.as_str(), 200)] {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        let answered = host.send("POST", &host.path("api/classify"), &headers, &body).await;
        assert_eq!(answered.status, status, "{origin}");
    }
    assert_eq!(host.send("PUT", &index, &[], "").await.status, 405);
    assert_eq!(host.send("POST", &index, &[], "").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_those_of_the_bundle_and_no_others() {
    let host = start(example("digits")).await;
    let page = host.get("").await;
    assert_eq!(page.status, 200);
    for expected in [
        "content-type: text/html",
        "content-security-policy: default-src 'self'; object-src 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(page.head.contains(expected), "{expected}: {}", page.head);
    }
    assert!(page.body.starts_with("<!doctype html>"));
    assert_eq!(host.get("space.json").await.status, 200);
    for path in [
        "../Cargo.toml",
        "..%2fCargo.toml",
        "%2e%2e/%2e%2e/Cargo.toml",
        "model/../../chat/index.html",
        "/etc/passwd",
        "//etc/passwd",
        "train.py",
        "model",
        "model/",
    ] {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_words() {
    let host = start(example("digits")).await;
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        (r#"{"images":[]}"#, 400),
        (r#"{"images":[[1,2,3]]}"#, 400),
        (r#"{"images":[[256]]}"#, 400),
        (r#"{"texts":["a"]}"#, 400),
    ] {
        let answered = host.post("api/classify", body).await;
        assert_eq!(answered.status, status, "{body}");
        assert!(!answered.json()["error"].as_str().unwrap().is_empty());
    }
    let form = [("content-type", "text/plain")];
    assert_eq!(
        host.send("POST", &host.path("api/classify"), &form, "{}").await.status,
        415
    );
    assert_eq!(host.get("api/classify").await.status, 405);
    let long = "[".repeat((1 << 20) + 1);
    assert!([413, 0].contains(&host.post("api/classify", &long).await.status));
    // And it still answers.
    assert_eq!(host.get("").await.status, 200);
}

#[tokio::test]
async fn a_space_is_never_shown_to_other_machines() {
    let local = Local::load(&example("digits"), &BTreeMap::new(), &compute()).unwrap();
    let models = Arc::new(Models::Local(Box::new(local)));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let refused = Host::bind(address.parse().unwrap(), example("digits"), models.clone(), None).await;
        assert!(matches!(refused, Err(Failure::Usage(_))), "{address}");
    }
}

/// The real models, which `make test` puts there.
fn model(name: &str) -> PathBuf {
    let models = match std::env::var_os("WEFT_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/weft/models"),
    };
    let path = models.join(name);
    assert!(
        path.exists(),
        "{} is missing; `weft models fetch {name}` gets it",
        path.display()
    );
    path
}

fn with(bundle: &Bundle, kind: weft_primitives::AssetKind, name: &str) -> Arc<Models> {
    let instead = [(kind, model(name))].into();
    Arc::new(Models::Local(Box::new(
        Local::load(bundle, &instead, &compute()).unwrap(),
    )))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_searched_by_meaning() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("notes");
    std::fs::create_dir_all(folder.join("garden")).unwrap();
    for (file, text) in [
        (
            "garden/tomatoes.md",
            "Water the tomatoes early in the morning, at the root.\n",
        ),
        ("tax.txt", "The tax return is due at the end of July.\n"),
        (
            "bread.txt",
            "Let the dough rise for twelve hours, then bake it in a hot pot.\n",
        ),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let bundle = example("search");
    let models = with(&bundle, weft_primitives::AssetKind::EmbeddingModel, "minilm");
    let index = |models: &Arc<Models>| {
        let limits = bundle.manifest().limits();
        Arc::new(Searcher::new(
            folder.clone(),
            &dir.path().join("indexes"),
            limits,
            models.clone(),
        ))
    };
    let searcher = index(&models);
    let host = run(bundle.clone(), models.clone(), Some(searcher.clone())).await;
    let early = host.post("api/search", r#"{"query":"vegetables"}"#).await;
    assert_eq!(
        (early.status, host.get("api/index").await.json()["state"].clone()),
        (503, json!("building"))
    );

    searcher.build().await;
    let about = host.get("api/index").await.json();
    assert_eq!(
        (&about["state"], &about["files"], &about["folder"]),
        (&json!("ready"), &json!(3), &json!("notes"))
    );
    for (query, file) in [
        ("how do I look after vegetables", "garden/tomatoes.md"),
        ("when do I have to pay the state", "tax.txt"),
        ("baking", "bread.txt"),
    ] {
        let answered = host
            .post("api/search", &json!({ "query": query, "limit": 2 }).to_string())
            .await;
        let hits = answered.json()["hits"].clone();
        assert_eq!(
            (&hits[0]["file"], &hits[0]["line"]),
            (&json!(file), &json!(1)),
            "{query}"
        );
        assert_eq!(hits.as_array().unwrap().len(), 2);
    }
    assert_eq!(host.post("api/search", r#"{"query":" "}"#).await.status, 400);

    // What is kept is used again: without a model that could compute it.
    let absent = Arc::new(Models::Local(Box::default()));
    let kept = std::fs::read_dir(dir.path().join("indexes"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let empty = index(&absent);
    std::fs::copy(&kept, empty.cache()).unwrap();
    let again = run(bundle.clone(), absent.clone(), Some(empty.clone())).await;
    empty.build().await;
    assert_eq!(again.get("api/index").await.json()["state"], json!("ready"));
    // And what has changed is read anew, which this one cannot.
    std::fs::write(folder.join("tax.txt"), "The tax return was extended to August.\n").unwrap();
    let changed = index(&absent);
    let again = run(bundle.clone(), absent, Some(changed.clone())).await;
    changed.build().await;
    assert_eq!(again.get("api/index").await.json()["state"], json!("failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_comes_piece_by_piece_and_stops_when_nobody_listens() {
    let bundle = example("chat");
    let models = with(&bundle, weft_primitives::AssetKind::TextModel, "smollm2");
    let host = run(bundle, models, None).await;
    let ask = |max_tokens: u32| {
        let messages = json!([{ "role": "user", "content": "Tell me a long story about a lighthouse." }]);
        json!({ "messages": messages, "max_tokens": max_tokens }).to_string()
    };
    let answered = host.post("api/chat", &ask(8)).await;
    assert!(answered.head.contains("application/x-ndjson"), "{}", answered.head);
    // Chunked, as it comes: lines of JSON between lines of lengths.
    let lines: Vec<Value> = answered
        .body
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let lines: Vec<_> = lines.iter().filter(|line| line.is_object()).collect();
    let text: String = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert!(lines.len() > 4 && !text.is_empty(), "{}", answered.body);
    let last = lines.last().unwrap();
    assert_eq!((&last["done"], &last["tokens"]), (&json!(true), &json!(8)));

    // A page that goes away in the middle frees the model for the next one.
    let mut gone = TcpStream::connect(("127.0.0.1", host.port)).await.unwrap();
    let body = ask(1024);
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        host.path("api/chat"),
        host.port,
        body.len()
    );
    gone.write_all(request.as_bytes()).await.unwrap();
    gone.read_exact(&mut [0; 300]).await.unwrap();
    drop(gone);
    let next = tokio::time::timeout(Duration::from_secs(50), host.post("api/chat", &ask(1)))
        .await
        .unwrap();
    assert!(next.body.contains("\"done\":true"), "{}", next.body);

    for (body, why) in [
        (r#"{"messages":[],"max_tokens":1}"#, "empty"),
        (r#"{"messages":[{"role":"root","content":"x"}],"max_tokens":1}"#, "role"),
    ] {
        let answered = host.post("api/chat", body).await;
        assert_eq!(answered.status, 400);
        assert!(answered.body.contains(why), "{}", answered.body);
    }
}
