//! Key files: kept whole, kept private, never overwritten.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use weft_vault::{DeviceKeys, KeyFileError, PublicKey, UserKeys};

fn path_in(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("device.json")
}

#[test]
fn keys_come_back_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(&dir);
    assert!(matches!(DeviceKeys::load(&path), Err(KeyFileError::NotFound(_))));
    let made = DeviceKeys::load_or_create(&path).unwrap();
    let read = DeviceKeys::load(&path).unwrap();
    assert_eq!(made.public(), read.public());
    let again = DeviceKeys::load_or_create(&path).unwrap();
    assert_eq!(made.public(), again.public());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn keys_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(&dir);
    DeviceKeys::create(&path).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(DeviceKeys::create(&path), Err(KeyFileError::Exists(_))));
    assert!(matches!(UserKeys::create(&path), Err(KeyFileError::Exists(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_use_is_refused_and_the_cure_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(&dir);
    DeviceKeys::create(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    for mode in [0o640, 0o604, 0o660, 0o644, 0o777, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = DeviceKeys::load(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Exposed { mode: m, .. } if m == mode));
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())));
        // Not even by the call that would create it.
        assert!(DeviceKeys::load_or_create(&path).is_err());
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(DeviceKeys::load(&path).is_ok());
}

#[test]
fn keys_of_one_kind_do_not_load_as_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(&dir);
    DeviceKeys::create(&path).unwrap();
    let error = UserKeys::load(&path).unwrap_err();
    assert!(error.to_string().contains("keys of another kind"), "{error}");
}

#[test]
fn damaged_files_are_refused_without_quoting_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_in(&dir);
    DeviceKeys::create(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&good).unwrap();
    let secret = json["x25519_secret"].as_str().unwrap().to_owned();
    let other_secret = "11".repeat(32);
    let damaged = [
        String::new(),
        "{}".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace(&secret, &secret[..62]),
        good.replace(&secret, &other_secret),
        good.replace(&format!("\"{secret}\""), &secret),
        good.replace("\"device\"", "\"devices\""),
        "x".repeat(1 << 20),
    ];
    for text in damaged {
        assert_ne!(text, good);
        fs::write(&path, &text).unwrap();
        let error = DeviceKeys::load(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Malformed { .. }), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&secret[..16]));
    }
    fs::write(&path, good).unwrap();
    assert!(DeviceKeys::load(&path).is_ok());
}

#[test]
fn a_directory_is_not_a_key_file() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        DeviceKeys::load(dir.path()),
        Err(KeyFileError::Malformed { .. })
    ));
}

#[test]
fn public_keys_are_hex_in_text_and_json() {
    // RFC 7748, section 6.1: Bob's keys.
    let mut secret = [0; 32];
    let bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    hex::decode_to_slice(bob, &mut secret).unwrap();
    let public = UserKeys::from_secret_bytes(&secret).public();
    let text = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    assert_eq!(public.to_string(), text);
    assert_eq!(text.parse(), Ok(public));
    assert_eq!(format!("0x{text}").parse(), Ok(public));
    let json = serde_json::to_string(&public).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), public);
    for bad in ["", "0x", &text[1..], &text.replace('9', "g"), &format!("{text}00")] {
        assert!(bad.parse::<PublicKey>().is_err());
        assert!(serde_json::from_str::<PublicKey>(&format!("\"{bad}\"")).is_err());
    }
}

#[test]
fn debug_shows_no_secret() {
    let keys = UserKeys::from_secret_bytes(&[0x77; 32]);
    let shown = format!("{keys:?}");
    assert!(shown.contains(&keys.public().to_string()));
    assert!(!shown.contains("7777"));
}
