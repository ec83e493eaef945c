//! The worker's view of the chain is generated from a checked-in file; this holds it against the runtime.

use std::fs;

use weft_tests::{metadata, node::Node};

#[test]
fn the_checked_in_metadata_is_the_runtimes() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path()).unwrap();
    let path = metadata::checked_in();
    let kept = fs::read(&path).unwrap();
    let served = metadata::of(node.rpc()).unwrap();
    assert!(
        kept == served,
        "{} is not what the runtime says: run `make metadata`",
        path.display()
    );
}
