//! Accounts in home directories.

use std::{
    path::Path,
    process::{Command, Output},
};

fn weft(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_HOME", home)
        .env_remove("WEFT_ACCOUNT")
        .output()
        .expect("the binary under test starts")
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the command prints JSON")
}

#[test]
fn an_account_is_made_once_and_shown() {
    let home = tempfile::tempdir().unwrap();
    let made = json(&weft(home.path(), &["keys", "new", "--json"]));
    let shown = json(&weft(home.path(), &["keys", "show", "--json"]));
    assert_eq!(made["account"], shown["account"]);
    assert_ne!(shown["account"], shown["device"]);
    let again = weft(home.path(), &["keys", "new"]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(
        json(&weft(home.path(), &["keys", "show", "--json"])),
        shown,
        "nothing was overwritten"
    );
}

#[test]
fn a_known_secret_gives_its_account() {
    let home = tempfile::tempdir().unwrap();
    let made = json(&weft(home.path(), &["keys", "new", "--from", "//Alice", "--json"]));
    assert_eq!(made["account"], "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
}

#[test]
fn without_an_account_the_way_to_make_one_is_told() {
    let home = tempfile::tempdir().unwrap();
    let output = weft(home.path(), &["keys", "show"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("weft keys new"), "{said}");
}

#[test]
fn a_home_that_cannot_be_made_is_a_local_failure() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let output = weft(&file.join("below"), &["keys", "new"]);
    assert_eq!(
        output.status.code(),
        Some(6),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
