//! A purchase between the drawing of a committee and the deal: what the buyer is told, and that the key comes later.

use std::{fs, path::Path};

use subxt::dynamic::value;
use weft_tests::{
    error::HarnessError,
    network::{Creator, Network},
    process::wait_for,
};

use crate::{
    market::start_custodians,
    raw_chain::{Chain, key},
    stage::{Result, SOON},
};

const CUSTODIANS: [&str; 3] = ["//Alice", "//Bob", "//Charlie"];
const RECORDS: &str = "{\"digit\":1}\n";

#[test]
fn a_purchase_before_the_deal_holds_and_its_key_comes_later() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

fn story(folder: &Path) -> Result<()> {
    let network = Network::start(folder)?;
    let seller = network.identity("seller", "//Eve")?;
    let buyer = network.identity("buyer", "//Dave")?;
    let _custodians = start_custodians(&network, &CUSTODIANS)?;
    let text = |path: &Path| {
        path.to_str()
            .expect("a temporary folder has a readable name")
            .to_owned()
    };

    let (records, schema) = (folder.join("digits.jsonl"), folder.join("schema.json"));
    fs::write(&records, RECORDS).map_err(HarnessError::io("write the records"))?;
    fs::write(&schema, "{}").map_err(HarnessError::io("write the schema"))?;
    let published = seller.ask(&[
        "market",
        "publish",
        "--dataset",
        &text(&records),
        "--schema",
        &text(&schema),
        "--name",
        "digits",
        "--tariff",
        "once:5",
    ])?;
    let asset = published["asset"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft market publish", &published))?;
    let asset_text = asset.to_string();

    // --- a seller who is cut off between the two steps of `weft market entrust` ---
    let chain = Chain::new(network.node.url())?;
    // What is signed without `weft` counts on from what is final.
    let published_by = network.node.rpc().best_block()?;
    wait_for("the asset to be final", SOON, || {
        Ok((network.node.rpc().finalized_block()? >= published_by).then_some(()))
    })?;
    chain.send(&key(seller.secret()), "Custody", "open_custody", {
        value! { { asset: asset, threshold: 2u8, custodians: 3u8, to_providers: true } }
    })?;

    // --- nothing is bought by who expects a key; by who does not, it is, and they are told how to have the key ---
    let out = text(&folder.join("bought"));
    for buy in [
        &["market", "buy", &asset_text][..],
        &["market", "buy", &asset_text, "--out", &out],
    ] {
        let refused = buyer.fail(buy)?;
        assert!(
            refused.code == 4
                && refused.stderr.contains("has not handed them the key yet")
                && refused.stderr.contains("nothing was bought")
                && refused.stderr.contains("--without-key"),
            "{refused:?}"
        );
    }
    assert_eq!(buyer.ask(&["market", "licences"])?, serde_json::json!([]));
    let told = buyer.text(&["market", "buy", &asset_text, "--without-key"])?;
    let go_on = format!("weft market key {asset}");
    assert!(
        told.contains("has not handed them the key yet") && told.contains(&go_on),
        "{told}"
    );
    let licences = buyer.ask(&["market", "licences"])?;
    assert_eq!(licences[0]["holding"]["right"], "forever", "{licences}");

    // --- too early is said, and costs nothing that was bought ---
    let early = buyer.fail(&["market", "key", &asset_text])?;
    assert!(
        early.code == 4
            && early.stderr.contains("has not handed them the key yet")
            && early.stderr.contains("run this again"),
        "{early:?}"
    );
    assert_eq!(buyer.ask(&["market", "licences"])?, licences);

    // --- the seller goes on where it was cut off, and the key comes ---
    seller.act(&["market", "entrust", &asset_text])?;
    let _serving = Creator::serve(seller)?;
    let had = buyer.ask(&["market", "key", &asset_text])?;
    assert_eq!(had["asset"], asset, "{had}");
    assert!(had["released"].as_u64() >= Some(2), "{had}");
    buyer.act(&["market", "get", &asset_text, "--out", &out])?;
    let opened =
        fs::read_to_string(Path::new(&out).join("digits.jsonl")).map_err(HarnessError::io("read what was bought"))?;
    assert_eq!(opened, RECORDS);
    Ok(())
}
