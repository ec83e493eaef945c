//! Two validators with databases and ports of their own make one chain.

use std::time::Duration;

use serde_json::json;
use weft_tests::{
    error::HarnessError,
    identity::Identity,
    network::{Provider, address},
    node::Node,
    process::wait_for,
};

use crate::stage::Result;

/// They meet, and then each votes; a few blocks of three seconds.
const FINAL_WITHIN: Duration = Duration::from_secs(90);
/// Long enough for a block to be finalised, if one could be.
const STALLED_FOR: Duration = Duration::from_secs(12);

fn finalised_beyond(node: &Node, height: u32) -> Result<u32> {
    wait_for(&format!("finality beyond block {height}"), FINAL_WITHIN, || {
        let last = node.rpc().finalized_block()?;
        Ok((last > height).then_some(last))
    })
}

fn agree(nodes: [&Node; 2], height: u32) -> Result<()> {
    let [one, other] = nodes.map(|node| node.rpc().block_hash(height));
    let (one, other) = (one?, other?);
    assert!(
        one.is_some() && one == other,
        "block {height} is {one:?} here and {other:?} there"
    );
    Ok(())
}

#[test]
fn two_validators_agree_and_one_that_was_killed_catches_up() {
    if let Err(error) = two_validators() {
        panic!("{error}");
    }
}

fn two_validators() -> Result<()> {
    let folder = tempfile::tempdir().map_err(HarnessError::io("make a folder"))?;
    let alice = Node::start_validator(&folder.path().join("alice"), "alice", None)?;
    let mut bob = Node::start_validator(&folder.path().join("bob"), "bob", Some(&alice))?;
    let last = finalised_beyond(&bob, 1)?;
    finalised_beyond(&alice, last - 1)?;
    agree([&alice, &bob], last)?;

    // What is sent to one is on the other.
    let owner = Identity::new("owner", "//Ferdie", folder.path(), alice.url())?;
    let provider = Provider::register(owner)?;
    let me = address(&provider.who)?;
    wait_for("the registration on the other validator", FINAL_WITHIN, || {
        let view = bob.rpc().call("weft_provider", json!([me]))?;
        Ok((!view.is_null()).then_some(()))
    })?;

    // Two of two have to vote, so without one nothing is final; nothing that is final is taken back either.
    let before = alice.rpc().finalized_block()?;
    bob.kill();
    std::thread::sleep(STALLED_FOR);
    let stalled = alice.rpc().finalized_block()?;
    assert!(stalled <= before + 2, "block {stalled} was finalised by one of two");
    bob.start_and_wait_for_answer()?;
    let last = finalised_beyond(&alice, stalled)?;
    finalised_beyond(&bob, last - 1)?;
    agree([&alice, &bob], last)?;
    agree([&alice, &bob], before)
}
