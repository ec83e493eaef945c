//! The store of apps: published, found, bought, installed, run, rated, reported, featured and taken down.

use std::{fs, path::Path};

use serde_json::{Value, json};
use weft_tests::{
    address::public_key,
    error::HarnessError,
    identity::{Failed, Identity},
    network::{Network, address},
    node::free_port,
    process::{Process, wait_for},
    purse::Purse,
    running_space::RunningSpace,
};

use crate::stage::{Result, SOON};

/// What the Space costs: an amount that the shares do not divide, so that something is rounded.
const PRICE: &str = "2.000000000003";
const PRICE_UNITS: u128 = 2_000_000_000_003;
/// The model's share of it, in percent.
const MODELS_PERCENT: u128 = 25;
/// The dataset's share of what the model earns, in percent.
const DATASETS_PERCENT: u128 = 20;
const REVIEW: &str = "Reads my sevens.";
/// Of a drawing.
const PIXELS: usize = 28 * 28;

#[test]
fn a_space_is_sold_run_judged_and_taken_down() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

/// Everybody in the story.
struct Cast {
    /// Owns the dataset from which the model was made.
    collector: Identity,
    /// Owns the model.
    trainer: Identity,
    author: Identity,
    buyer: Identity,
    stranger: Identity,
    governor: Identity,
}

fn story(folder: &Path) -> Result<()> {
    let network = Network::start(folder)?;
    let (collector, trainer) = (
        network.identity("collector", "//Ferdie")?,
        network.identity("trainer", "//Eve")?,
    );
    let author = network.identity("author", "//Charlie")?;

    // --- a dataset, a model made from it, and a Space that calls the model ---
    let model = publish_model(folder, &collector, &trainer)?;
    let digits = example("digits");
    let published = author.ask(&[
        "space",
        "publish",
        &digits,
        "--price",
        PRICE,
        "--calls",
        &format!("{model}={MODELS_PERCENT}%"),
    ])?;
    let space = published["space"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft space publish", &published))?;
    assert!(published["notes"].is_string(), "{published}");
    let bundle = text_of(&published, "bundle")?;

    // A home's store is open to one process at a time: the author publishes first, and then serves.
    let served = Served::start(&author)?;
    let cast = Cast {
        collector,
        trainer,
        author,
        buyer: network.identity("buyer", "//Dave")?,
        stranger: network.identity("stranger", "//Bob")?,
        governor: network.identity("governor", "//Alice")?,
    };
    found(&cast, space, &bundle)?;
    bought(&network, &cast, space)?;
    installed(folder, &cast, space, &bundle, &served.endpoint)?;
    runs(&cast.buyer)?;
    rated(&cast, space)?;
    governed(&cast, space)
}

/// A folder of this repository's Spaces.
fn example(name: &str) -> String {
    format!("{}/../spaces/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn text_of(answer: &Value, field: &str) -> Result<String> {
    let text = answer[field].as_str();
    text.map(str::to_owned)
        .ok_or_else(|| HarnessError::answer(field, answer))
}

fn path(path: &Path) -> String {
    path.to_str()
        .expect("a temporary folder has a readable name")
        .to_owned()
}

fn number(answer: &Value, field: &str) -> Result<u64> {
    answer[field]
        .as_u64()
        .ok_or_else(|| HarnessError::answer(field, answer))
}

/// Whether the chain refused with this error.
fn refused(failed: &Failed, error: &str) {
    assert!(failed.code == 4 && failed.stderr.contains(error), "{error}: {failed:?}");
}

fn publish_model(folder: &Path, collector: &Identity, trainer: &Identity) -> Result<u64> {
    let (records, schema) = (folder.join("digits.jsonl"), folder.join("schema.json"));
    fs::write(&records, "{\"digit\":1}\n").map_err(HarnessError::io("write the records"))?;
    fs::write(&schema, "{}").map_err(HarnessError::io("write the schema"))?;
    let dataset = collector.ask(&[
        "market",
        "publish",
        "--dataset",
        &path(&records),
        "--schema",
        &path(&schema),
        "--name",
        "digits",
    ])?;
    let dataset = number(&dataset, "asset")?;
    let model = trainer.ask(&[
        "market",
        "publish",
        "--model",
        &format!("{}/model", example("digits")),
        "--name",
        "digits",
        "--base",
        &format!("{dataset}:{DATASETS_PERCENT}%"),
    ])?;
    number(&model, "asset")
}

fn ids(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().into_iter().flatten();
    items.filter_map(|space| space["id"].as_u64()).collect()
}

fn found(cast: &Cast, space: u64, bundle: &str) -> Result<()> {
    let find = |more: &[&str]| -> Result<Vec<u64>> {
        let args = [&["space", "find"], more].concat();
        cast.buyer.ask(&args).map(|page| ids(&page))
    };
    assert_eq!(find(&[])?, [space]);
    assert_eq!(find(&["--category", "vision"])?, [space]);
    assert_eq!(find(&["--owner", cast.author.secret()])?, [space]);
    assert!(find(&["--category", "chat"])?.is_empty());
    assert!(find(&["--min-rating", "1"])?.is_empty());
    assert!(find(&["--featured"])?.is_empty());

    // What is new is in the words of the author, who serves them.
    let number = space.to_string();
    let notes = wait_for("the author to say where they serve", SOON, || {
        let shown = cast.buyer.ask(&["space", "show", &number])?;
        assert_eq!(shown["releases"][0]["bundle"], bundle, "{shown}");
        let notes = &shown["releases"][0]["notes_text"];
        Ok((notes["state"] == "fetched").then(|| notes["text"].clone()))
    })?;
    let manifest =
        fs::read(format!("{}/space.json", example("digits"))).map_err(HarnessError::io("read space.json"))?;
    let manifest: Value =
        serde_json::from_slice(&manifest).map_err(|error| HarnessError::answer("space.json", error))?;
    assert_eq!(notes, manifest["notes"]);
    let offline = cast.buyer.ask(&["space", "show", &number, "--offline"])?;
    assert_eq!(
        offline["releases"][0]["notes_text"]["state"], "not_fetched",
        "{offline}"
    );
    Ok(())
}

/// The price goes to the owners of what the Space calls and to its author, to the last unit.
fn bought(network: &Network, cast: &Cast, space: u64) -> Result<()> {
    let number = space.to_string();
    let unpaid = cast.buyer.fail(&["space", "install", &number])?;
    assert!(
        unpaid.code == 4 && unpaid.stderr.contains("weft space buy"),
        "{unpaid:?}"
    );
    refused(
        &cast.buyer.fail(&["space", "rate", &number, "--stars", "5"])?,
        "NotPaid",
    );
    refused(
        &cast.buyer.fail(&["space", "buy", &number, "--max-price", "2"])?,
        "PriceAboveMax",
    );

    let payees = [&cast.collector, &cast.trainer, &cast.author];
    let keys = payees.map(|who| address(who).and_then(|address| public_key(&address)));
    let rpc = network.node.rpc();
    let wealth = |at: u32| -> Result<Vec<u128>> {
        keys.iter()
            .map(|key| match key {
                Ok(key) => Purse::of(rpc, key, at).map(|purse| purse.total()),
                Err(error) => Err(HarnessError::answer("weft balance", error)),
            })
            .collect()
    };
    let before = wealth(rpc.best_block()?)?;
    let paid = cast.buyer.ask(&["space", "buy", &number, "--max-price", PRICE])?;
    assert_eq!(paid["paid"], PRICE_UNITS.to_string(), "{paid}");
    let after = wealth(rpc.best_block()?)?;
    let earned: Vec<u128> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| after - before)
        .collect();
    let models = PRICE_UNITS * MODELS_PERCENT / 100;
    let datasets = models * DATASETS_PERCENT / 100;
    assert_eq!(earned, [datasets, models - datasets, PRICE_UNITS - models]);
    assert_eq!(earned.iter().sum::<u128>(), PRICE_UNITS);
    refused(
        &cast.buyer.fail(&["space", "buy", &number, "--max-price", PRICE])?,
        "AlreadyBought",
    );
    Ok(())
}

/// By number for who paid, by CID for everybody; never other bytes than those of the CID.
fn installed(folder: &Path, cast: &Cast, space: u64, bundle: &str, endpoint: &str) -> Result<()> {
    let by_number = cast.buyer.ask(&["space", "install", &space.to_string()])?;
    assert_eq!(by_number["bundle"], bundle, "{by_number}");
    let by_cid = cast.stranger.ask(&["space", "install", bundle, "--from", endpoint])?;
    assert_eq!(by_cid["bundle"], bundle, "{by_cid}");
    cast.stranger.act(&["space", "remove", bundle])?;

    let file = folder.join("digits.tar");
    cast.stranger
        .act(&["space", "pack", &example("digits"), "--out", &path(&file)])?;
    let mut bytes = fs::read(&file).map_err(HarnessError::io("read the bundle"))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).map_err(HarnessError::io("write the bundle"))?;
    let forged = cast
        .stranger
        .fail(&["space", "install", &path(&file), "--cid", bundle])?;
    assert!(forged.code == 4 && forged.stderr.contains(bundle), "{forged:?}");
    assert_eq!(cast.stranger.ask(&["space", "ls"])?, json!([]));
    Ok(())
}

/// Somebody who serves what is in their store, until this is dropped.
struct Served {
    endpoint: String,
    _process: Process,
}

impl Served {
    fn start(who: &Identity) -> Result<Self> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let process = who.start("creator", &["creator", "serve", "--listen", &listen])?;
        Ok(Self {
            endpoint: format!("http://{listen}"),
            _process: process,
        })
    }
}

fn runs(buyer: &Identity) -> Result<()> {
    let space = RunningSpace::start(buyer, "digits")?;
    let token = space.token();
    let page = space.request("GET", &format!("/{token}/"), "")?;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<!doctype html>"),
        "{page}"
    );
    let drawing = json!({ "images": [vec![0; PIXELS]] }).to_string();
    let seen = space.request("POST", &format!("/{token}/api/classify"), &drawing)?;
    assert!(
        seen.starts_with("HTTP/1.1 200") && seen.contains("probabilities"),
        "{seen}"
    );
    for stranger in [
        "/api/classify".to_owned(),
        format!("/{}/api/classify", "0".repeat(token.len())),
    ] {
        let answer = space.request("POST", &stranger, &drawing)?;
        assert!(answer.starts_with("HTTP/1.1 403"), "{stranger}: {answer}");
    }
    Ok(())
}

fn rated(cast: &Cast, space: u64) -> Result<()> {
    let number = space.to_string();
    let rating = cast
        .buyer
        .ask(&["space", "rate", &number, "--stars", "4", "--review", REVIEW])?;
    // Whoever serves nothing is told that nobody can read it.
    assert_eq!(rating["served"], false, "{rating}");
    let shown = cast.stranger.ask(&["space", "show", &number])?;
    assert_eq!(shown["space"]["mean_hundredths"], 400, "{shown}");
    assert_eq!(shown["reviews"][0]["review_text"]["state"], "not_served", "{shown}");
    let serving = Served::start(&cast.buyer)?;
    let text = wait_for("the review to be served", SOON, || {
        let shown = cast.stranger.ask(&["space", "show", &number])?;
        let text = &shown["reviews"][0]["review_text"];
        Ok((text["state"] == "fetched").then(|| text["text"].clone()))
    })?;
    assert_eq!(text, REVIEW);
    drop(serving);
    refused(
        &cast.author.fail(&["space", "rate", &number, "--stars", "5"])?,
        "OwnSpace",
    );
    assert_eq!(ids(&cast.buyer.ask(&["space", "find", "--min-rating", "4"])?), [space]);
    Ok(())
}

fn governed(cast: &Cast, space: u64) -> Result<()> {
    let number = space.to_string();
    let find = |more: &[&str]| -> Result<Vec<u64>> {
        let args = [&["space", "find"], more].concat();
        cast.buyer.ask(&args).map(|page| ids(&page))
    };
    cast.buyer.act(&["space", "report", &number, "--why", "broken"])?;
    let reports = cast.governor.ask(&["govern", "reports"])?;
    assert_eq!(
        (&reports["spaces"][0]["space"], &reports["spaces"][0]["why"]),
        (&json!(space), &json!("broken")),
        "{reports}"
    );
    assert_eq!(reports["assets"], json!([]), "{reports}");

    let feature = ["govern", "feature", &number];
    let usurper = cast.stranger.fail(&feature)?;
    assert!(usurper.code == 4 && usurper.stderr.contains("sudo"), "{usurper:?}");
    cast.governor.act(&feature)?;
    assert_eq!(find(&["--featured"])?, [space]);
    // What the call in `sudo` comes to is told, though the extrinsic itself succeeds.
    refused(&cast.governor.fail(&feature)?, "AlreadyFeatured");

    let reporter = cast.buyer.secret();
    cast.governor
        .act(&["govern", "resolve-space", &number, "--reporter", reporter, "--uphold"])?;
    assert_eq!(cast.governor.ask(&["govern", "reports"])?["spaces"], json!([]));
    cast.governor
        .act(&["govern", "take-down", &number, "--why", "broken"])?;
    assert!(find(&[])?.is_empty() && find(&["--featured"])?.is_empty());
    refused(
        &cast.stranger.fail(&["space", "buy", &number, "--max-price", PRICE])?,
        "NotListed",
    );
    let gone = cast.buyer.fail(&["space", "install", &number])?;
    assert!(gone.code == 4 && gone.stderr.contains("taken down"), "{gone:?}");
    cast.governor.act(&["govern", "restore", &number])?;
    assert_eq!(find(&[])?, [space]);
    Ok(())
}
