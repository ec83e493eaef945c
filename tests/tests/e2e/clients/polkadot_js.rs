//! `@polkadot/api`, as wallets and browser apps have it. Its tests are JavaScript, in `tests/polkadot-js`.

use std::{path::Path, process::Command};

use weft_tests::executables;

#[test]
fn polkadot_js_drives_a_dev_node() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("polkadot-js");
    assert!(
        folder.join("node_modules/@polkadot/api").is_dir(),
        "@polkadot/api is not installed: run `make js`"
    );
    let node = executables::weft_node().unwrap_or_else(|error| panic!("{error}"));
    let ran = Command::new("npm")
        .args(["--silent", "test"])
        .current_dir(&folder)
        .env("WEFT_NODE_BIN", node)
        .output()
        .unwrap_or_else(|error| panic!("npm does not start: {error}"));
    let printed = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{}\n{printed}\n{}",
        ran.status,
        String::from_utf8_lossy(&ran.stderr)
    );
    // A run that found no tests succeeds too.
    let passed = printed
        .lines()
        .find_map(|line| line.split_once("pass ")?.1.trim().parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed >= 10), "{printed}");
}
