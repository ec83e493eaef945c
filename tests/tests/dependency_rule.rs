//! The dependency rule of ARCHITECTURE.md, held against the workspace as cargo sees it.

use std::{collections::BTreeMap, path::Path};

use cargo_metadata::{DependencyKind, MetadataCommand};
use weft_tests::layering::{Crate, Dependency, Layer, violations};

/// The workspace's crates and their direct dependencies, optional ones and those of build scripts included.
fn workspace() -> BTreeMap<String, Crate> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace root");
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .expect("cargo metadata runs on the workspace that this test was built from");
    metadata
        .packages
        .iter()
        .map(|package| {
            let folder = package
                .manifest_path
                .parent()
                .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
                .expect("a workspace member's manifest lies under the workspace root");
            let dependencies = package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    only_tests: dependency.kind == DependencyKind::Development,
                })
                .collect();
            let folder = folder.as_str().replace('\\', "/");
            (package.name.to_string(), Crate { folder, dependencies })
        })
        .collect()
}

#[test]
fn every_crate_keeps_to_its_layer() {
    let found: Vec<String> = violations(&workspace()).iter().map(ToString::to_string).collect();
    assert!(
        found.is_empty(),
        "the dependency rule is broken:\n  {}",
        found.join("\n  ")
    );
}

/// Guards the test above against looking at nothing.
#[test]
fn every_layer_is_there_and_the_reserved_crates_are_used() {
    let workspace = workspace();
    for layer in [
        Layer::Primitives,
        Layer::Pallets,
        Layer::Runtime,
        Layer::Node,
        Layer::Worker,
        Layer::Tests,
    ] {
        assert!(
            workspace
                .values()
                .any(|member| Layer::of(&member.folder) == Some(layer)),
            "no crate in {layer:?}"
        );
    }
    let uses = |name: &str, on: &str| {
        let member = workspace
            .get(name)
            .unwrap_or_else(|| panic!("{name} is a crate of the workspace"));
        assert!(
            member.dependencies.iter().any(|d| d.name == on),
            "{name} does not depend on {on}"
        );
    };
    uses("weft-engine", "burn");
    uses("weft-chain", "subxt");
    uses("weft-node", "weft-runtime");
    uses("weft-runtime", "pallet-jobs");
    uses("pallet-jobs", "weft-primitives");
}
