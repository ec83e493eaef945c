//! `weft store`: files by their content, in a home directory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../store/tests/kubo/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod kubo;
#[path = "../../store/tests/small_disk/mod.rs"]
mod small_disk;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn weft(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_HOME", home)
        .env_remove("WEFT_IPFS_API")
        .output()
        .expect("the binary under test starts")
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("the command prints JSON")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A file of three blocks and a node.
fn file(dir: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let content: Vec<u8> = (0..600_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let path = dir.join("file");
    std::fs::write(&path, &content).unwrap();
    (path, content)
}

#[test]
fn a_file_is_added_listed_written_out_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let (path, content) = file(home.path());
    let store = |args: &[&str]| weft(home.path(), &[&["store"], args].concat());
    let added = json(&store(&["add", path.to_str().unwrap(), "--json"]));
    assert_eq!(added["bytes"], 600_000);
    let cid = added["cid"].as_str().unwrap();
    assert!(cid.starts_with("bafybei"), "{cid}");
    let listed = json(&store(&["ls", "--json"]));
    assert_eq!(
        listed,
        serde_json::json!([{ "cid": cid, "bytes": 600_000, "holders": [] }])
    );

    let out = home.path().join("out");
    let got = json(&store(&["get", cid, "--out", out.to_str().unwrap(), "--json"]));
    assert_eq!(got["bytes"], 600_000);
    assert!(std::fs::read(&out).unwrap() == content);
    assert!(store(&["get", cid]).stdout == content, "to the standard output");

    assert_eq!(json(&store(&["pin", cid, "--remove", "--json"]))["was_pinned"], true);
    assert_eq!(json(&store(&["ls", "--json"])), serde_json::json!([]));
    assert_eq!(json(&store(&["pin", cid, "--json"]))["missing_blocks"], 0);
    assert_eq!(json(&store(&["rm", cid, "--json"]))["blocks"], 4);
    let gone = store(&["get", cid]);
    assert_eq!(gone.status.code(), Some(3), "{}", said(&gone));
    assert!(said(&gone).contains(cid));
}

#[test]
fn an_ipfs_daemon_takes_the_place_of_the_directory() {
    let Some(mut kubo) = kubo::Kubo::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let (path, content) = file(home.path());
    let path = path.to_str().unwrap();
    let api = kubo.api();
    let there = |args: &[&str]| {
        let place = ["--backend", "ipfs", "--api", &api];
        weft(home.path(), &[&["store"], args, &place].concat())
    };
    let here = json(&weft(home.path(), &["store", "add", path, "--json"]));
    let added = json(&there(&["add", path, "--json"]));
    assert_eq!(added["cid"], here["cid"]);
    let cid = added["cid"].as_str().unwrap();
    assert!(there(&["get", cid]).stdout == content);
    assert!(kubo.run(&["cat", cid], b"").stdout == content);
    let listed = json(&there(&["ls", "--json"]));
    assert!(
        listed
            .as_array()
            .unwrap()
            .contains(&serde_json::json!({ "cid": cid, "bytes": 600_000, "holders": [] }))
    );
    assert_eq!(json(&there(&["rm", cid, "--json"]))["was_pinned"], true);

    let absent = "bafkreiabaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibae";
    let output = there(&["get", absent]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    kubo.kill();
    let output = there(&["add", path]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("`ipfs daemon`"), "{}", said(&output));
}

#[test]
fn a_full_disk_is_named_and_the_add_goes_on_once_there_is_room() {
    let test = "a_full_disk_is_named_and_the_add_goes_on_once_there_is_room";
    small_disk::on_small_disk(test, 12, |disk| {
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("file");
        let content: Vec<u8> = (0..8_000_000u32).map(|i| (i / 1000) as u8).collect();
        fs::write(&path, &content).unwrap();
        let (path, filler) = (path.to_str().unwrap(), disk.join("filler"));
        fs::write(&filler, vec![1; 6 << 20]).unwrap();

        let full = weft(disk, &["store", "add", path, "--json"]);
        assert_eq!(full.status.code(), Some(6), "{}", said(&full));
        assert!(
            said(&full).contains("No space left") && said(&full).contains("free some space"),
            "{}",
            said(&full)
        );
        assert!(full.stdout.is_empty(), "nothing is claimed to be here");
        assert_eq!(json(&weft(disk, &["store", "ls", "--json"])), serde_json::json!([]));
        let parts = || fs::read_dir(disk.join("store/parts")).unwrap().count();
        assert_eq!(parts(), 0, "nothing half-written is left");

        fs::remove_file(filler).unwrap();
        let added = json(&weft(disk, &["store", "add", path, "--json"]));
        let cid = added["cid"].as_str().unwrap();
        assert!(weft(disk, &["store", "get", cid]).stdout == content);
        assert_eq!(parts(), 0);
    });
}

#[test]
fn archives_go_from_home_to_home() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (path, content) = file(here.path());
    let added = json(&weft(here.path(), &["store", "add", path.to_str().unwrap(), "--json"]));
    let cid = added["cid"].as_str().unwrap();
    let car = here.path().join("file.car");
    let car = car.to_str().unwrap();
    let exported = json(&weft(here.path(), &["store", "export", cid, "--out", car, "--json"]));
    assert_eq!(exported["blocks"], 4);
    let imported = json(&weft(there.path(), &["store", "import", car, "--json"]));
    assert_eq!(imported["roots"], serde_json::json!([cid]));
    assert!(weft(there.path(), &["store", "get", cid]).stdout == content);
    assert_eq!(json(&weft(there.path(), &["store", "ls", "--json"]))[0]["cid"], cid);

    // Damaged on the way.
    let mut bytes = std::fs::read(car).unwrap();
    bytes[300_000] ^= 1;
    std::fs::write(car, bytes).unwrap();
    let refused = weft(there.path(), &["store", "import", car]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("at byte"), "{}", said(&refused));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().to_str().unwrap();
    for (args, code, told) in [
        (&["add", "/nowhere/at/all"][..], 3, "no file"),
        (&["add", dir], 2, "pack it first"),
        (&["get", "nonsense"], 2, "nonsense"),
        (
            &["get", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
            3,
            "fetch it",
        ),
        (
            &["ls", "--backend", "ipfs", "--api", "http://127.0.0.1:1"],
            5,
            "ipfs daemon",
        ),
        (
            &["ls", "--backend", "ipfs", "--api", "https://ipfs.example"],
            2,
            "http://",
        ),
        (&["import", "/nowhere/at/all"], 3, "no file"),
    ] {
        let output = weft(home.path(), &[&["store"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{args:?}: {}", said(&output));
    }
}
