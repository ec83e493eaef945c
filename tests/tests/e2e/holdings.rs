//! Sealed files go once nothing needs them: a pinner's with the deal, a buyer's with the licence, the publisher's with all
//! of these.

use std::{fs, path::Path, time::Duration};

use weft_tests::{
    error::HarnessError,
    identity::Identity,
    network::Network,
    node::free_port,
    process::{Process, wait_for},
};

use crate::stage::Result;

/// Between two looks of a publisher there are thirty seconds.
const GONE_WITHIN: Duration = Duration::from_secs(90);
/// The sealed file, its manifest and its schema.
const BLOCKS: usize = 3;

#[test]
fn sealed_files_go_when_nothing_needs_them_any_more() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

fn story(folder: &Path) -> Result<()> {
    let network = Network::start(folder)?;
    let seller = network.identity("seller", "//Eve")?;
    let buyer = network.identity("buyer", "//Dave")?;
    let pinner = network.identity("pinner", "//Ferdie")?;

    // --- published, bought, paid for ---
    let (records, schema) = (folder.join("digits.jsonl"), folder.join("schema.json"));
    fs::write(&records, "{\"digit\":1}\n").map_err(HarnessError::io("write the records"))?;
    fs::write(&schema, "{}").map_err(HarnessError::io("write the schema"))?;
    let (records, schema) = (records.display().to_string(), schema.display().to_string());
    let published = seller.ask(&[
        "market",
        "publish",
        "--dataset",
        &records,
        "--schema",
        &schema,
        "--name",
        "digits",
        "--tariff",
        "once:5",
    ])?;
    let asset = published["asset"].to_string();
    assert_eq!(blocks(&seller)?, BLOCKS);
    let mut serving = serve(&seller, "creator", "serve")?;
    let bought = buyer.ask(&["market", "buy", &asset, "--without-key"])?;
    hand_keys_over(&seller, &buyer)?;
    let out = folder.join("out").display().to_string();
    buyer.act(&["market", "get", &asset, "--out", &out])?;
    assert_eq!(blocks(&buyer)?, BLOCKS - 1, "nobody needs the schema to open it");
    let deal = seller.ask(&["pin", "open", &asset, "--reward", "0.01", "--epochs", "2"])?;
    let deal = deal["deal"].to_string();
    pinner.act(&["pin", "join", &deal])?;
    let mut pinning = serve(&pinner, "pin", "run")?;
    until(&mut pinning, &pinner, BLOCKS)?;

    // --- retired; the licence and the deal still need it ---
    seller.act(&["creator", "retire", &asset])?;
    pinner.act(&["pin", "leave", &deal])?;
    until(&mut pinning, &pinner, 0)?;
    buyer.act(&["market", "licences"])?;
    assert_eq!(blocks(&buyer)?, BLOCKS - 1, "the licence is in force");
    assert_eq!(blocks(&seller)?, BLOCKS, "a licence is in force");
    seller.act(&["market", "revoke", &bought["licence"].to_string()])?;
    buyer.act(&["market", "licences"])?;
    assert_eq!(blocks(&buyer)?, 0);

    // --- and now nothing does ---
    seller.act(&["pin", "close", &deal])?;
    until(&mut serving, &seller, 0)
}

/// As two who know each other do without custodians.
fn hand_keys_over(from: &Identity, to: &Identity) -> Result<()> {
    let copied = || {
        let keys = to.home().join("keys");
        fs::create_dir_all(&keys)?;
        for key in fs::read_dir(from.home().join("keys"))? {
            let key = key?;
            fs::copy(key.path(), keys.join(key.file_name()))?;
        }
        Ok(())
    };
    copied().map_err(HarnessError::io("hand keys over"))
}

fn serve(who: &Identity, command: &str, sub: &str) -> Result<Process> {
    let listen = format!("127.0.0.1:{}", free_port()?);
    who.start(command, &[command, sub, "--listen", &listen])
}

/// How many blocks somebody keeps.
fn blocks(of: &Identity) -> Result<usize> {
    let directory = of.home().join("store/blocks");
    let count = || {
        let mut count = 0;
        if directory.exists() {
            for shard in fs::read_dir(&directory)? {
                count += fs::read_dir(shard?.path())?.count();
            }
        }
        Ok(count)
    };
    count().map_err(HarnessError::io("count blocks"))
}

fn until(process: &mut Process, of: &Identity, count: usize) -> Result<()> {
    wait_for(&format!("{} to keep {count} blocks", of.name()), GONE_WITHIN, || {
        process.check()?;
        Ok((blocks(of)? == count).then_some(()))
    })
}
