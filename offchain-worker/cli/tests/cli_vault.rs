//! `weft vault`: files sealed under keys in files.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn vault(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .arg("vault")
        .args(args)
        .current_dir(dir)
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

#[test]
fn what_is_sealed_opens_under_its_key_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let content = vec![7u8; 3_000_001];
    fs::write(dir.path().join("plain"), &content).unwrap();
    let vault = |args: &[&str]| vault(dir.path(), args);
    let sealed = json(&vault(&[
        "encrypt",
        "--in",
        "plain",
        "--out",
        "sealed",
        "--key-out",
        "key",
        "--json",
    ]));
    assert_eq!(sealed["bytes"], 3_000_001);
    assert_eq!(
        sealed["sealed_bytes"],
        fs::metadata(dir.path().join("sealed")).unwrap().len()
    );
    let commitment = sealed["commitment"].as_str().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dir.path().join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let opened = json(&vault(&[
        "decrypt",
        "--in",
        "sealed",
        "--out",
        "opened",
        "--key",
        "key",
        "--commitment",
        commitment,
        "--json",
    ]));
    assert_eq!(opened["commitment"], commitment);
    assert!(fs::read(dir.path().join("opened")).unwrap() == content);

    // The key is never overwritten, and a second file can be sealed under it.
    let again = vault(&["encrypt", "--in", "plain", "--out", "sealed2", "--key-out", "key"]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(!dir.path().join("sealed2").exists());
    let second = json(&vault(&[
        "encrypt", "--in", "plain", "--out", "sealed2", "--key", "key", "--json",
    ]));
    assert_eq!(second["commitment"], commitment);
    assert!(fs::read(dir.path().join("sealed")).unwrap() != fs::read(dir.path().join("sealed2")).unwrap());

    // Another key, another commitment, a damaged file.
    json(&vault(&[
        "encrypt",
        "--in",
        "plain",
        "--out",
        "sealed2",
        "--key-out",
        "key2",
        "--json",
    ]));
    let other = "0x".to_owned() + &"ab".repeat(32);
    let mut damaged = fs::read(dir.path().join("sealed")).unwrap();
    damaged[2_000_000] ^= 1;
    fs::write(dir.path().join("damaged"), damaged).unwrap();
    for (input, more, told) in [
        ("sealed", &["--key", "key2"][..], "key"),
        ("sealed", &["--key", "key", "--commitment", &other], "promised"),
        ("damaged", &["--key", "key"], "chunk 1"),
        ("plain", &["--key", "key"], "not a sealed file"),
    ] {
        let output = vault(&[&["decrypt", "--in", input, "--out", "never"], more].concat());
        assert_eq!(output.status.code(), Some(6), "{}", said(&output));
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
        assert!(!dir.path().join("never").exists());
    }
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("plain"), b"text").unwrap();
    fs::write(dir.path().join("nokey"), b"text").unwrap();
    for (args, code, told) in [
        (&["encrypt", "--in", "plain", "--out", "o"][..], 2, "--key-out"),
        (
            &["encrypt", "--in", "absent", "--out", "o", "--key-out", "k"],
            3,
            "absent",
        ),
        (
            &["encrypt", "--in", "plain", "--out", "o", "--key", "absent"],
            3,
            "absent",
        ),
        (
            &["encrypt", "--in", "plain", "--out", "o", "--key", "nokey"],
            6,
            "64 hexadecimal",
        ),
        (
            &["encrypt", "--in", "plain", "--out", "no/dir/o", "--key-out", "k"],
            6,
            "sealed file",
        ),
        (
            &[
                "decrypt",
                "--in",
                "plain",
                "--out",
                "o",
                "--key",
                "nokey",
                "--commitment",
                "12",
            ],
            2,
            "64 hexadecimal",
        ),
    ] {
        let output = vault(dir.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{args:?}: {}", said(&output));
    }
    assert!(!dir.path().join("k").exists(), "a key of nothing is not left behind");
}
