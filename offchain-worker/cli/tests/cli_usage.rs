//! The command line itself: help, mistakes, and exit codes.

use std::process::{Command, Output};

fn weft(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env_remove("WEFT_NODE")
        .env_remove("WEFT_ACCOUNT")
        .output()
        .expect("the binary under test starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = weft(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    for command in [
        "models", "infer", "embed", "keys", "creator", "provider", "run", "job", "asset", "balance", "transfer",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command} is missing in:\n{help}"
        );
    }
    assert!(help.contains("Exit codes: 0 done; 2"), "{help}");
}

#[test]
fn every_command_has_help() {
    for command in [
        &["models", "fetch"][..],
        &["models", "ls"],
        &["infer"],
        &["embed"],
        &["keys", "new"],
        &["creator", "publish"],
        &["creator", "serve"],
        &["provider", "register"],
        &["provider", "run"],
        &["provider", "status"],
        &["run"],
        &["job", "show"],
        &["asset", "ls"],
        &["balance"],
        &["transfer"],
    ] {
        let output = weft(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("Usage: weft"), "{command:?}");
    }
}

#[test]
fn mistakes_exit_with_2_and_name_what_is_wrong() {
    for (args, named) in [
        (&["nonsense"][..], "nonsense"),
        (&["infer", "--model", "smollm2"], "--prompt"),
        (
            &["infer", "--model", "m", "--prompt", "p", "--max-tokens", "0"],
            "--max-tokens",
        ),
        (
            &["infer", "--model", "m", "--prompt", "p", "--device", "abacus"],
            "abacus",
        ),
        (
            &["infer", "--model", "m", "--prompt", "p", "--greedy", "--seed", "1"],
            "--seed",
        ),
        (&["run", "--prompt", "p", "--max-price", "1"], "--asset"),
        (
            &["run", "--asset", "1", "--prompt", "p", "--max-price", "a lot"],
            "a lot",
        ),
        (&["transfer", "5Nonsense", "1"], "5Nonsense"),
        (&["transfer", "//Bob", "1.0000000000001"], "1.0000000000001"),
        (
            &["creator", "publish", "--model", "m", "--name", "n", "--royalty", "101%"],
            "101%",
        ),
        (&["balance", "--account", "no phrase"], "--account"),
    ] {
        let output = weft(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(named), "{args:?} should name {named}: {said}");
    }
}

#[test]
fn a_node_that_is_not_there_is_reported_soon_with_5() {
    // Port 1 is reserved and nobody listens there.
    let output = weft(&["balance", "//Alice", "--node", "ws://127.0.0.1:1"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("ws://127.0.0.1:1") && said.contains("start weft-node"),
        "{said}"
    );
}

#[test]
fn an_address_that_is_no_websocket_is_refused_at_once() {
    let output = weft(&["balance", "//Alice", "--node", "http://127.0.0.1:9944"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("ws://"), "{}", text(&output.stderr));
}
