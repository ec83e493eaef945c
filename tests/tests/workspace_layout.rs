//! What every crate must have, held against the files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use weft_tests::source;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace root")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file under `folder`, in order.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn pallets() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("pallets")).expect("the workspace has pallets");
    let mut pallets: Vec<_> = entries
        .map(|entry| entry.expect("pallets/ can be read").path())
        .collect();
    pallets.retain(|path| path.join("Cargo.toml").exists());
    assert!(pallets.len() >= 3, "{pallets:?}");
    pallets
}

#[test]
fn the_spaces_have_the_same_stylesheet() {
    let base = read(&root().join("spaces/base.css"));
    let mut spaces = 0;
    for entry in fs::read_dir(root().join("spaces")).expect("the workspace has Spaces") {
        let space = entry.expect("spaces/ can be read").path();
        if space.join("space.json").is_file() {
            let copy = space.join("base.css");
            assert!(
                read(&copy) == base,
                "{} is not spaces/base.css: run `make spaces`",
                copy.display()
            );
            spaces += 1;
        }
    }
    assert!(spaces >= 3);
}

#[test]
fn every_pallet_is_documented_weighed_and_checks_itself() {
    let mut lacks = Vec::new();
    for pallet in pallets() {
        for file in [
            "README.md",
            "src/benchmarking.rs",
            "src/weights.rs",
            "src/try_state.rs",
            "src/mock.rs",
        ] {
            if !pallet.join(file).is_file() {
                lacks.push(format!("{} has no {file}", pallet.display()));
            }
        }
        let interface = source::shipped_code(&read(&pallet.join("src/lib.rs")));
        if !interface.contains("fn try_state(") {
            lacks.push(format!("{}: no hook runs try_state", pallet.display()));
        }
    }
    assert!(lacks.is_empty(), "{lacks:#?}");
}

/// Files that never run in a node or a worker.
fn is_for_tests(path: &Path) -> bool {
    let folders = ["tests", "benches", "examples", "mock"];
    let endings = ["tests.rs", "mock.rs", "benchmarking.rs"];
    path.components()
        .any(|part| folders.iter().any(|folder| part.as_os_str() == *folder))
        || path
            .to_str()
            .is_some_and(|path| endings.iter().any(|ending| path.ends_with(ending)))
}

#[test]
fn nothing_that_ships_unwraps() {
    let mut found = Vec::new();
    let mut seen = 0;
    for part in ["primitives", "pallets", "runtime", "node", "offchain-worker"] {
        for path in rust_files(&root().join(part)) {
            let inside = path.strip_prefix(root()).expect("it was found under the root");
            if is_for_tests(inside) {
                continue;
            }
            seen += 1;
            for line in source::lines_with(&read(&path), ".unwrap()") {
                found.push(format!("{}:{line}", inside.display()));
            }
        }
    }
    assert!(seen > 30, "only {seen} files were looked at");
    assert!(
        found.is_empty(),
        "use `?`, or `expect` with the proof as its text:\n  {}",
        found.join("\n  ")
    );
}
