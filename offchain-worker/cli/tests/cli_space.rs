//! Spaces and image models as the command line meets them.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn weft(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_HOME", home)
        .env("WEFT_CACHE", home.join("cache"))
        .output()
        .expect("the binary under test starts")
}

fn json(home: &Path, args: &[&str]) -> Value {
    let output = weft(home, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

fn refused(home: &Path, args: &[&str], code: i32) -> String {
    let output = weft(home, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "nothing on stdout but results");
    said
}

fn example(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces")).join(name);
    path.to_string_lossy().into_owned()
}

/// A digit of those that the script that trained the model drew, as a PGM file.
fn drawing(dir: &Path, digit: usize) -> String {
    let references = fs::read(Path::new(&example("digits")).join("reference.json")).expect("it ships with the Space");
    let references: Value = serde_json::from_slice(&references).expect("JSON");
    let pixels: Vec<u8> = serde_json::from_value(references[digit]["pixels"].clone()).expect("bytes");
    let file = dir.join(format!("{digit}.pgm"));
    fs::write(&file, [b"P5 28 28 255\n", &pixels[..]].concat()).expect("a writable folder");
    file.to_string_lossy().into_owned()
}

#[test]
fn a_space_is_packed_installed_listed_and_removed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("digits.tar");
    let file = file.to_string_lossy();
    let packed = json(
        home.path(),
        &["space", "pack", &example("digits"), "--out", &file, "--json"],
    );
    let again = json(home.path(), &["space", "pack", &example("digits"), "--json"]);
    assert_eq!(packed["cid"], again["cid"]);
    let files: Vec<_> = packed["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| &file["path"])
        .collect();
    assert!(files.contains(&&Value::from("model/model.safetensors")) && !files.contains(&&Value::from("train.py")));

    let cid = packed["cid"].as_str().expect("a CID");
    let installed = json(home.path(), &["space", "install", &file, "--cid", cid, "--json"]);
    assert_eq!(
        (&installed["title"], &installed["bundle"]),
        (&Value::from("Digits"), &packed["cid"])
    );
    let listed = json(home.path(), &["space", "ls", "--json"]);
    assert_eq!(listed[0]["title"], "Digits");

    let removed = json(home.path(), &["space", "remove", "digits", "--json"]);
    assert_eq!(
        (&removed["title"], &removed["bundle"]),
        (&Value::from("Digits"), &packed["cid"])
    );
    assert_eq!(json(home.path(), &["space", "ls", "--json"]), Value::Array(Vec::new()));
    assert!(refused(home.path(), &["space", "run", "digits", "--no-open"], 3).contains("weft space ls"));
}

#[test]
fn a_bundle_whose_bytes_are_not_its_cid_is_refused() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("digits.tar");
    let path = file.to_string_lossy();
    let packed = json(
        home.path(),
        &["space", "pack", &example("digits"), "--out", &path, "--json"],
    );
    let cid = packed["cid"].as_str().expect("a CID");
    let mut bytes = fs::read(&file).expect("it was just written");
    // In the middle of a file, where the archive stays sound.
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&file, &bytes).expect("a writable folder");
    assert!(refused(home.path(), &["space", "install", &path, "--cid", cid], 4).contains(cid));
    fs::write(&file, b"no archive").expect("a writable folder");
    refused(home.path(), &["space", "install", &path], 4);
    assert_eq!(json(home.path(), &["space", "ls", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn what_does_not_belong_to_a_source_is_refused_and_not_ignored() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let packed = json(home.path(), &["space", "pack", &example("digits"), "--json"]);
    let cid = packed["cid"].as_str().expect("a CID");
    let digits = example("digits");
    for (source, options) in [
        (cid, &["--release", "0"][..]),
        (&digits, &["--release", "0"]),
        ("0", &["--cid", cid]),
        (cid, &["--cid", cid]),
        (&digits, &["--from", "http://127.0.0.1:1"]),
        ("0", &["--release", "0", "--cid", cid]),
    ] {
        let args = [&["space", "install", source], options].concat();
        let said = refused(home.path(), &args, 2);
        assert!(said.contains("cannot be used with"), "{args:?}: {said}");
    }
    assert_eq!(json(home.path(), &["space", "ls", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn whatever_acts_on_a_space_speaks_json() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for act in [
        &["space", "find"][..],
        &["space", "show", "0"],
        &["space", "publish", &example("digits")],
        &["space", "buy", "0", "--max-price", "1"],
        &["space", "forget", "0"],
        &["space", "rate", "0", "--stars", "5"],
        &["space", "unrate", "0"],
        &["space", "report", "0", "--why", "fraud"],
        &["space", "unreport", "0"],
        &["space", "price", "0", "2@7"],
        &["space", "calls", "0", "3=20%"],
        &["space", "transfer", "0", "//Bob"],
        &["space", "accept", "0"],
        &["space", "retire", "0"],
        &["govern", "reports"],
        &["govern", "resolve-asset", "0", "--reporter", "//Bob", "--uphold"],
        &["govern", "resolve-space", "0", "--reporter", "//Bob", "--reject"],
        &["govern", "take-down", "0", "--why", "malware"],
        &["govern", "restore", "0"],
        &["govern", "feature", "0"],
        &["govern", "unfeature", "0"],
    ] {
        let (mut args, mut there) = (act.to_vec(), ["--json", "--node", "http://127.0.0.1:1"].to_vec());
        if !["find", "show", "reports"].contains(&act[1]) {
            there.extend(["--account", "//Alice"]);
        }
        args.extend(there);
        // Understood, and stopped by nothing but that this is no address of a node.
        refused(home.path(), &args, 5);
    }
    let both = [
        "govern",
        "resolve-space",
        "0",
        "--reporter",
        "//Bob",
        "--uphold",
        "--reject",
    ];
    refused(home.path(), &both, 2);
    refused(home.path(), &both[..5], 2);
}

#[test]
fn a_space_is_not_shown_to_other_machines_and_says_what_it_lacks() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let digits = example("digits");
    refused(
        home.path(),
        &["space", "run", &digits, "--no-open", "--listen", "0.0.0.0:0"],
        2,
    );
    refused(home.path(), &["space", "run", &digits, "--no-open", "--folder", "."], 2);
    let said = refused(home.path(), &["space", "run", &example("chat"), "--no-open"], 3);
    assert!(said.contains("weft models fetch smollm2"), "{said}");
    refused(home.path(), &["space", "pack", &home.path().to_string_lossy()], 3);
}

#[test]
fn a_running_space_answers_who_knows_its_address() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut running = Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(["space", "run", &example("digits"), "--no-open", "--json"])
        .env("WEFT_HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary under test starts");
    let mut line = String::new();
    let stdout = running.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line of JSON");
    let started: Value = serde_json::from_str(&line).expect("JSON");
    let url = started["url"].as_str().expect("an address");
    let (address, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .expect("a URL");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )
        .expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let (page, stranger) = (get(&format!("/{path}")), get("/"));
    running.kill().expect("it runs");
    running.wait().expect("it ends");
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<!doctype html>"),
        "{page}"
    );
    assert!(stranger.starts_with("HTTP/1.1 403"), "{stranger}");
}

#[test]
fn an_image_is_classified_on_the_command_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let model = format!("{}/model", example("digits"));
    for digit in [0, 4] {
        let image = drawing(dir.path(), digit);
        let seen = json(
            dir.path(),
            &[
                "classify",
                "--model",
                &model,
                "--image",
                &image,
                "--threads",
                "1",
                "--json",
            ],
        );
        assert_eq!(seen["label"], digit.to_string());
    }
    let small = dir.path().join("small.pgm");
    fs::write(&small, b"P5 1 1 255\nx").expect("a writable folder");
    let said = refused(
        dir.path(),
        &["classify", "--model", &model, "--image", &small.to_string_lossy()],
        6,
    );
    assert!(said.contains("28 x 28"), "{said}");
    let png = dir.path().join("x.png");
    fs::write(&png, b"\x89PNG").expect("a writable folder");
    assert!(
        refused(
            dir.path(),
            &["classify", "--model", &model, "--image", &png.to_string_lossy()],
            6
        )
        .contains("PGM")
    );
}
