//! The market's command line, as far as it goes without a chain: what is refused, with which exit code, and what is said.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn weft(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_HOME", home)
        // Port 1 is reserved and nobody listens there.
        .env("WEFT_NODE", "ws://127.0.0.1:1")
        .env_remove("WEFT_ACCOUNT")
        .output()
        .expect("the binary under test starts")
}

fn refused(args: &[&str], code: i32, named: &str) {
    let home = tempfile::tempdir().unwrap();
    let output = weft(home.path(), args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(named), "{args:?} should name {named}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

#[test]
fn mistakes_are_named() {
    for (args, named) in [
        (&["market", "find", "--limit", "0"][..], "--limit"),
        (&["market", "find", "--max-price", "dear"], "--max-price"),
        (
            &["market", "find", "--currency", "7", "--max-price", "1.5"],
            "smallest unit",
        ),
        (&["market", "find", "--currency", "USDT"], "USDT"),
        (&["market", "show", "0", "--limit", "0"], "--limit"),
        (
            &["market", "buy", "0", "--out", "dir", "--without-key"],
            "--without-key",
        ),
        (&["market", "read", "bafynonsense", "--asset", "0"], "bafynonsense"),
        (
            &[
                "market",
                "read",
                "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
            ],
            "--asset",
        ),
        (&["transfer", "//Bob", "1.5", "--token", "7"], "smallest unit"),
    ] {
        refused(args, 2, named);
    }
}

#[test]
fn keys_are_handed_over_to_a_named_device_or_not_at_all() {
    let key = "11".repeat(32);
    for (args, named) in [
        (&["market", "transfer", "0", "//Bob", "--keys", "f"][..], "--to-key"),
        (&["market", "transfer", "0", "//Bob", "--to-key", &key], "--keys"),
        (&["market", "transfer", "0", "--keys", "f", "--to-key", &key], "<TO>"),
        (
            &["market", "transfer", "0", "//Bob", "--keys", "f", "--to-key", "12"],
            "64 hex digits",
        ),
    ] {
        refused(args, 2, named);
    }
}

#[test]
fn a_file_of_keys_is_read_before_anything_is_decided_on_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.json");
    let path = file.to_str().unwrap();
    let accept = ["market", "accept", "0", "--account", "//Bob", "--keys", path];
    refused(&accept, 3, "keys.json");
    std::fs::write(&file, "{").unwrap();
    refused(&accept, 6, "weft market transfer --keys");
    std::fs::write(
        &file,
        r#"{"form":"weft/handover/9","genesis":"","work":0,"from":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY","to_key":"1111111111111111111111111111111111111111111111111111111111111111","keys":[]}"#,
    )
    .unwrap();
    refused(&accept, 6, "upgrade weft");
}

#[test]
fn the_device_key_for_a_handover_is_shown() {
    let home = tempfile::tempdir().unwrap();
    assert!(weft(home.path(), &["keys", "new"]).status.success());
    let shown = weft(home.path(), &["keys", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let key = shown["device_encryption_key"].as_str().unwrap();
    // Taken as it is shown: what fails is that there is no node.
    let file = home.path().join("keys.json");
    let transfer = ["market", "transfer", "0", "//Bob", "--to-key", key, "--keys"];
    let output = weft(home.path(), &[&transfer[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(
        output.status.code(),
        Some(5),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
