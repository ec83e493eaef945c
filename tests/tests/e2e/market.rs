//! The market while its sellers are away: custodians hand out keys, pinners hand out bytes, and no licence means no job.

use std::{collections::BTreeMap, fs, thread, time::Duration};

use serde_json::{Value, json};
use weft_tests::{
    error::HarnessError,
    identity::Identity,
    network::{ASK, Network, Provider, address, order},
    node::free_port,
    process::{Process, wait_for},
};

use crate::{finality::Finality, stage::Result};

/// The custodians' accounts: nobody else uses them. Two more than a committee has, to take the places of the dead.
const CUSTODIANS: [&str; 7] = [
    "//Alice",
    "//Alice//stash",
    "//Bob//stash",
    "//Charlie//stash",
    "//Dave//stash",
    "//Eve//stash",
    "//Ferdie//stash",
];
const THRESHOLD: usize = 3;
/// Most blocks between the finality of a purchase and the key.
const KEY_AFTER_FINALITY: u64 = 2;
/// The window for releases is two minutes; the living look for the dead once a minute.
const REPLACED_WITHIN: Duration = Duration::from_secs(300);
const RECORDS: &str = "{\"digit\":1}\n{\"digit\":2}\n{\"digit\":3}\n";
/// To fetch 100 MB over loopback and hash them, on a busy machine.
const FETCHED_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn what_is_bought_is_delivered_while_the_seller_is_away() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

fn number(value: &Value, field: &str) -> Result<u64> {
    value[field].as_u64().ok_or_else(|| HarnessError::answer(field, value))
}

fn story(folder: &std::path::Path) -> Result<()> {
    let network = Network::start(folder)?;
    let seller = network.identity("seller", "//Eve")?;
    let buyer = network.identity("buyer", "//Dave")?;
    let pinner = network.identity("pinner", "//Ferdie")?;

    // --- custodians, a dataset and a model made from it, both for money and in custody ---
    let mut custodians = start_custodians(&network, &CUSTODIANS)?;
    let (records, schema) = (folder.join("digits.jsonl"), folder.join("schema.json"));
    fs::write(&records, RECORDS).map_err(HarnessError::io("write the records"))?;
    fs::write(&schema, "{}").map_err(HarnessError::io("write the schema"))?;
    let (records, schema) = (text(&records), text(&schema));
    let dataset = seller.ask(&[
        "market",
        "publish",
        "--dataset",
        &records,
        "--schema",
        &schema,
        "--name",
        "digits",
        "--tag",
        "vision",
        "--tariff",
        "once:5",
        "--entrust",
    ])?;
    let dataset = number(&dataset, "asset")?;
    let model = seller.ask(&[
        "market",
        "publish",
        "--model",
        "minilm",
        "--name",
        "sentences",
        "--tag",
        "text",
        "--tariff",
        "use:0.5",
        "--base",
        &format!("{dataset}:20%"),
        "--entrust",
    ])?;
    let model = number(&model, "asset")?;

    found_and_shown(&buyer, dataset, model)?;
    samples_hold_or_not(&buyer, &folder.join("sample.json"), &records, dataset)?;

    // --- somebody is paid for keeping the bytes; then the seller leaves, and two custodians die ---
    let served = Served::start(&seller, "creator", "serve")?;
    let mut deals = Vec::new();
    for asset in [dataset, model] {
        let opened = seller.ask(&[
            "pin",
            "open",
            &asset.to_string(),
            "--reward",
            "0.01",
            "--epochs",
            "3",
            "--places",
            "1",
        ])?;
        let deal = number(&opened, "deal")?.to_string();
        pinner.act(&["pin", "join", &deal])?;
        deals.push(deal);
    }
    let mut pinning = Served::start(&pinner, "pin", "run")?;
    for _ in &deals {
        pinning.wait_for_log_lines(": here", deals.len())?;
    }
    drop(served);
    let dead = kill_two(&network, &mut custodians, dataset)?;

    // --- a purchase ---
    let out = folder.join("bought");
    let buy = ["market", "buy", &dataset.to_string(), "--out", &text(&out)];
    let (bought, finality) = Finality::during(&network, || buyer.ask(&buy))?;
    let (block, key_block) = (number(&bought, "block")?, number(&bought, "key_block")?);
    let final_at = finality.of(block);
    eprintln!("bought in block {block}, final at block {final_at:?}, key at {key_block}, two of five custodians dead");
    // A key that comes before the purchase is final is not late.
    assert!(
        final_at.is_none_or(|final_at| key_block <= final_at + KEY_AFTER_FINALITY),
        "final at {final_at:?}: {bought}"
    );
    let opened = fs::read_to_string(out.join("digits.jsonl")).map_err(HarnessError::io("read what was bought"))?;
    assert_eq!(opened, RECORDS);
    let licences = buyer.ask(&["market", "licences"])?;
    assert_eq!(licences[0]["holding"]["right"], "forever", "{licences}");

    // --- a provider gets the model's key and bytes without the seller; no licence, no job ---
    let mut provider = Provider::register(network.identity("provider", "//Bob")?)?;
    provider.offer(model, ASK)?;
    provider.wait_until_keyed(&network, model)?;
    provider.start()?;
    provider.wait_until_listed(&network, model)?;
    let job = order(model, "a sentence", 64);
    let refused = buyer.fail(&job)?;
    assert!(
        refused.code == 4 && refused.stderr.contains("NoLicence") && refused.stderr.contains("weft market buy"),
        "{refused:?}"
    );
    buyer.ask(&["market", "buy", &model.to_string(), "--quantity", "2"])?;
    let done = buyer.ask(&job)?;
    assert_eq!(done["receipt"]["state"]["reason"], "completed", "{done}");
    let licence = network
        .node
        .rpc()
        .call("weft_licenceOf", json!([model, address(&buyer)?]))?;
    assert_eq!(licence["holding"]["left"], 1, "{licence}");

    // --- only who paid may rate, and the rating is found ---
    let stranger = network.identity("stranger", "//Charlie")?;
    let unpaid = stranger.fail(&["market", "rate", &model.to_string(), "1"])?;
    assert!(unpaid.code == 4 && unpaid.stderr.contains("no licence"), "{unpaid:?}");
    buyer.ask(&["market", "rate", &model.to_string(), "5"])?;
    let rated = buyer.ask(&["market", "find", "--min-rating", "4.5", "--order", "rating"])?;
    assert_eq!(rated["items"][0]["id"], model, "{rated}");
    provider.stop()?;

    // --- the dead are slashed, and the living hand the key on to others ---
    the_dead_are_replaced(&network, &dead, dataset)
}

/// Running custodians, by address.
pub type Custodians = BTreeMap<String, Process>;

fn custody(network: &Network, asset: u64) -> Result<Value> {
    network.node.rpc().call("weft_custody", json!([asset]))
}

fn members(dealing: &Value) -> Vec<String> {
    let committee = dealing["committee"].as_array().into_iter().flatten();
    committee
        .filter_map(|member| member["account"].as_str().map(str::to_owned))
        .collect()
}

fn kill_two(network: &Network, custodians: &mut Custodians, asset: u64) -> Result<Vec<String>> {
    let mut dead = members(&custody(network, asset)?["dealing"]);
    dead.truncate(2);
    for who in &dead {
        assert!(custodians.remove(who).is_some(), "{who} is a custodian");
    }
    Ok(dead)
}

fn the_dead_are_replaced(network: &Network, dead: &[String], asset: u64) -> Result<()> {
    let handed_on = wait_for("the committee to be changed", REPLACED_WITHIN, || {
        let custody = custody(network, asset)?;
        let deals = custody["next"]["deals"].as_array().map_or(0, Vec::len);
        Ok((deals >= THRESHOLD).then_some(custody))
    })?;
    for who in dead {
        let seen = network.node.rpc().call("weft_custodian", json!([who]))?;
        assert!(seen["missed"].as_u64() >= Some(1), "{seen}");
        assert_eq!(seen["drawable"], false, "{seen}");
    }
    let next = members(&handed_on["next"]);
    assert_eq!(next.len(), 5, "{handed_on}");
    assert!(next.iter().all(|who| !dead.contains(who)), "{handed_on}");
    Ok(())
}

fn text(path: &std::path::Path) -> String {
    path.to_str()
        .expect("a temporary folder has a readable name")
        .to_owned()
}

/// Registers accounts as custodians, and starts them.
pub fn start_custodians(network: &Network, secrets: &[&str]) -> Result<Custodians> {
    thread::scope(|scope| {
        let starting: Vec<_> = secrets
            .iter()
            .enumerate()
            .map(|(i, secret)| {
                scope.spawn(move || {
                    let who = network.identity(&format!("custodian-{i}"), secret)?;
                    who.act(&["custodian", "register"])?;
                    Ok((address(&who)?, who.start("custodian", &["custodian", "run"])?))
                })
            })
            .collect();
        starting
            .into_iter()
            .map(|thread| thread.join().expect("starting a custodian does not panic"))
            .collect()
    })
}

fn found_and_shown(buyer: &Identity, dataset: u64, model: u64) -> Result<()> {
    let ids = |answer: &Value| -> Vec<u64> {
        let items = answer["items"].as_array().into_iter().flatten();
        items.filter_map(|work| work["id"].as_u64()).collect()
    };
    assert_eq!(ids(&buyer.ask(&["market", "find", "--tag", "vision"])?), [dataset]);
    assert_eq!(
        ids(&buyer.ask(&["market", "find", "--kind", "embedding-model"])?),
        [model]
    );
    assert_eq!(ids(&buyer.ask(&["market", "find", "--max-price", "1"])?), [model]);
    assert_eq!(
        ids(&buyer.ask(&["market", "find", "--order", "price"])?),
        [model, dataset]
    );
    assert_eq!(
        ids(&buyer.ask(&["market", "find", "--owner", "//Eve"])?),
        [model, dataset]
    );
    let shown = buyer.ask(&["market", "show", &model.to_string()])?;
    let origin = &shown["lineage"]["origins"][0];
    assert_eq!(origin["asset"], dataset, "{shown}");
    assert_eq!(origin["records"]["count"], 3, "{shown}");
    assert_eq!(shown["custody"]["threshold"], 3, "{shown}");
    Ok(())
}

fn samples_hold_or_not(buyer: &Identity, file: &std::path::Path, records: &str, dataset: u64) -> Result<()> {
    let sample = buyer.text(&["market", "sample", "--dataset", records, "--index", "1"])?;
    fs::write(file, &sample).map_err(HarnessError::io("write a sample"))?;
    let check = ["market", "check-sample", &text(file), "--asset", &dataset.to_string()];
    assert_eq!(buyer.ask(&check)?["sound"], true);
    fs::write(file, sample.replace("\\\"digit\\\":2", "\\\"digit\\\":7"))
        .map_err(HarnessError::io("write a sample"))?;
    let forged = buyer.fail(&check)?;
    assert!(
        forged.code == 4 && forged.stderr.contains("not one of the dataset"),
        "{forged:?}"
    );
    Ok(())
}

/// A process that serves blocks.
struct Served {
    process: Process,
}

impl Served {
    fn start(who: &Identity, command: &str, sub: &str) -> Result<Self> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let process = who.start(command, &[command, sub, "--listen", &listen])?;
        Ok(Self { process })
    }

    /// Waits until so many lines of the log have `text`.
    fn wait_for_log_lines(&mut self, text: &str, count: usize) -> Result<()> {
        let process = &mut self.process;
        wait_for("files to be fetched", FETCHED_WITHIN, || {
            process.check()?;
            let log = fs::read_to_string(process.log()).map_err(HarnessError::io("read a log"))?;
            Ok((log.lines().filter(|line| line.contains(text)).count() >= count).then_some(()))
        })
    }
}
