//! The plot of `make demo-dispute`: a provider answers with another model than was published, a watcher computes the answer again, and the
//! chain decides between them.

use std::path::Path;

use serde_json::Value;

use super::{Broken, promised, story::Story};
use crate::{
    error::HarnessError,
    identity::Identity,
    network::{ASK, Creator, Network, Provider, order},
};

const PROMPT: &str = "What is the capital of France? Answer in one sentence.";

pub fn play(folder: &Path, story: &mut Story) -> Result<(), Broken> {
    story.step("An exact model: the same bits on every device");
    let exact = folder.join("exact-smollm2");
    let exact = exact.to_string_lossy().into_owned();
    // No chain is involved in a conversion, so any node will do.
    let converter = Identity::new("converter", "//Ferdie", folder, "ws://127.0.0.1:1".to_owned())?;
    converter.act(&[
        "exact",
        "convert",
        "--model",
        "smollm2",
        "--out",
        &exact,
        "--calibration",
        "none",
    ])?;
    story.fact("converted", "SmolLM2 135M, to integers");

    story.step("A chain, and the model published on it");
    let network = Network::start(folder)?;
    let creator = network.identity("creator", "//Eve")?;
    let published = creator.ask(&[
        "creator",
        "publish",
        "--model",
        &exact,
        "--name",
        "SmolLM2 exact",
        "--royalty",
        "5%",
    ])?;
    let model = published["asset"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft creator publish", &published))?;
    let shown = creator.ask(&["asset", "show", &model.to_string()])?;
    story.fact("model", format_args!("asset {model}"));
    story.fact("exact root", text(&shown["exact_root"]));
    let _server = Creator::serve(creator)?;

    story.step("A provider that computes with another model");
    let mut provider = Provider::register(network.identity("provider", "//Bob")?)?;
    provider.offer(model, ASK)?;
    provider.wait_until_keyed(&network, model)?;
    provider.start_lying("wrong-tile")?;
    provider.wait_until_listed(&network, model)?;
    let before = Purses::read(&network, &provider)?;
    story.fact("stake", amount(&before.stake));

    story.step("A user has an answer, and waits for nobody");
    let user = network.identity("user", "//Dave")?;
    let mut args = order(model, PROMPT, 24);
    args.extend(["--exact", "--open"].map(str::to_owned));
    let ran = user.ask(&args)?;
    let job = ran["job"].to_string();
    story.fact("answer", text(&ran["answer"]["text"]));
    story.fact("trace root", text(&ran["trace_root"]));
    let until = &ran["receipt"]["state"]["until"];
    story.fact(
        "paid",
        format_args!("not before block {until}, so that it can be challenged"),
    );
    promised(ran["receipt"]["state"]["phase"] == "committed", || {
        format!("the job is {ran}")
    })?;

    story.step("A watcher, whom nobody has to trust, computes it again");
    let watcher = network.identity("watcher", "//Charlie")?;
    let purse = balance(&watcher)?;
    let seen = watcher.ask(&["watch", "--once", "--asset", &model.to_string(), "--model", &exact])?;
    promised(seen["dispute"].is_u64(), || format!("the watcher found {seen}"))?;
    story.fact("verdict", text(&seen["verdict"]));
    let dispute = seen["dispute"].to_string();
    let ended = user.ask(&["dispute", "show", &dispute, "--since", "1"])?;
    story.fact("ended", format_args!("in block {}", ended["block"]));

    story.step("Who lost and won what");
    let after = Purses::read(&network, &provider)?;
    let won = i128::from_str_radix(&balance(&watcher)?, 10).unwrap_or_default()
        - i128::from_str_radix(&purse, 10).unwrap_or_default();
    let shown = user.ask(&["job", "show", &job])?;
    story.fact(
        "provider",
        format_args!("lost {} of {}", amount(&ended["lost"]), amount(&before.stake)),
    );
    story.fact(
        "watcher",
        format_args!(
            "won {} (with fees {:+.4} WEFT)",
            amount(&ended["reward"]),
            won as f64 / UNIT
        ),
    );
    let rest = number(&ended["lost"]) - number(&ended["reward"]);
    story.fact("treasury", format_args!("{:.4} WEFT", rest as f64 / UNIT));
    story.fact(
        "user",
        format_args!("refunded {}", amount(&shown["state"]["split"]["refund"])),
    );
    promised(number(&after.stake) == 0, || {
        format!("the provider still has {}", after.stake)
    })?;
    promised(shown["state"]["reason"] == "refuted", || {
        format!("the job ended with {shown}")
    })?;
    promised(won > 0, || format!("the watcher lost {won}"))?;
    promised(number(&ended["reward"]) * 2 < number(&ended["lost"]), || {
        "it pays to lose against oneself".to_owned()
    })?;
    story.end("A wrong answer was shown to be wrong, on chain, in six transactions");
    Ok(())
}

/// The smallest units of a WEFT.
const UNIT: f64 = 1e12;

struct Purses {
    stake: Value,
}

impl Purses {
    fn read(network: &Network, provider: &Provider) -> Result<Self, Broken> {
        let address = provider.address()?;
        let shown = network.node.rpc().call("weft_provider", serde_json::json!([address]))?;
        Ok(Self {
            stake: shown["stake"].clone(),
        })
    }
}

fn balance(who: &Identity) -> Result<String, Broken> {
    let purse = who.ask(&["balance"])?;
    Ok(text(&purse["free"]))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(value: &Value) -> i128 {
    text(value).parse().unwrap_or_default()
}

fn amount(value: &Value) -> String {
    format!("{:.4} WEFT", number(value) as f64 / UNIT)
}
