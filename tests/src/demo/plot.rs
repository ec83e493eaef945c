//! What happens in the demo, and what must come of it.

use std::{path::Path, thread, time::Duration};

use serde_json::{Value, json};

use super::{Broken, Story, promised};
use crate::{
    error::HarnessError,
    identity::Identity,
    network::{ASK, Creator, Network, Provider, RunningJob, address, order},
    process::wait_for,
    settlement::{Receipt, Settlement, Split},
};

/// What the one who starts the demo wants.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// What the user asks.
    pub prompt: String,
    /// Most tokens of the answer.
    pub max_tokens: u32,
}

/// The creator's share of what the treasury leaves.
const ROYALTY: &str = "5%";
/// The smallest units in one WEFT.
const UNIT: u128 = 1_000_000_000_000;
/// Long enough that a device can be killed over it.
const LONG_PROMPT: &str = "Write a story about a lighthouse keeper who finds a letter in a bottle.";
const LONG_TOKENS: u32 = 160;
/// Most for a whole job, deadline and second attempt included.
const JOB_WITHIN: Duration = Duration::from_secs(240);

/// Somebody of the cast.
struct Providers {
    all: Vec<Provider>,
    addresses: Vec<String>,
}

impl Providers {
    /// Index of the one with this address.
    fn find(&self, address: &str) -> Result<usize, Broken> {
        let found = self.addresses.iter().position(|known| known == address);
        found.ok_or_else(|| Broken::Promise(format!("the job was given to {address}, who is no provider here")))
    }

    fn name(&self, index: usize) -> &str {
        self.all[index].who.name()
    }
}

/// Plays it.
pub fn play(folder: &Path, wishes: &Wishes, story: &mut Story) -> Result<(), Broken> {
    story.step("A chain of one validator");
    let network = Network::start(folder)?;
    story.fact("rpc", network.node.url());
    story.fact("genesis", genesis(&network)?);
    story.fact("files", folder.display());

    story.step("A creator publishes SmolLM2-135M-Instruct, sealed; two providers register and stake meanwhile");
    let (creator, published, registered) = gather(&network)?;
    let asset = published["asset"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft creator publish", &published))?;
    let model = Model {
        asset,
        creator: text(&published, "creator")?,
    };
    story.fact("asset", format!("{asset}, by {}, royalty {ROYALTY}", model.creator));
    story.fact("manifest", text(&published, "manifest")?);
    story.fact(
        "sealed file",
        format!("{}, {} bytes", text(&published, "content")?, published["size_bytes"]),
    );

    story.step("The creator wraps the key for each provider that offers it; they fetch, open and load the model");
    let mut creator = Creator::serve(creator)?;
    let mut providers = offer(&network, asset, registered)?;
    creator.server().check()?;
    for (index, address) in providers.addresses.iter().enumerate() {
        story.fact(
            providers.name(index),
            format!("{address} (stake 100 WEFT, ask {ASK} WEFT)"),
        );
    }

    let user = network.identity("user", "//Dave")?;
    story.step("A user asks, and pays for the answer");
    first_job(&network, &user, &model, &providers, wishes, story)?;

    story.step("A provider is killed in the middle of the next job, and the other one finishes it");
    second_job(&network, &user, &model, &mut providers, story)?;

    story.end("Everything was as promised.");
    Ok(())
}

struct Model {
    asset: u64,
    creator: String,
}

/// The creator publishes while the providers register: they need nothing of each other yet.
fn gather(network: &Network) -> Result<(Identity, Value, Vec<Provider>), Broken> {
    let creator = network.identity("creator", "//Eve")?;
    let who = [
        network.identity("bruno", "//Bob")?,
        network.identity("carla", "//Charlie")?,
    ];
    thread::scope(|scope| {
        let registering = who.map(|who| scope.spawn(move || Provider::register(who)));
        let published = creator.ask(&[
            "creator",
            "publish",
            "--model",
            "smollm2",
            "--name",
            "SmolLM2 135M",
            "--royalty",
            ROYALTY,
        ])?;
        let registered = registering.into_iter().map(joined).collect::<Result<Vec<_>, _>>()?;
        Ok((creator.clone(), published, registered))
    })
}

fn offer(network: &Network, asset: u64, registered: Vec<Provider>) -> Result<Providers, Broken> {
    let all = thread::scope(|scope| {
        let offering: Vec<_> = registered
            .into_iter()
            .map(|mut provider| {
                scope.spawn(move || {
                    provider.offer(asset, ASK)?;
                    provider.start()?;
                    provider.wait_until_listed(network, asset)?;
                    Ok(provider)
                })
            })
            .collect();
        offering
            .into_iter()
            .map(joined)
            .collect::<Result<Vec<_>, HarnessError>>()
    })?;
    let addresses = all.iter().map(Provider::address).collect::<Result<_, _>>()?;
    Ok(Providers { all, addresses })
}

fn joined<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    // A panic of the thread goes on as one of this program.
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn first_job(
    network: &Network,
    user: &Identity,
    model: &Model,
    providers: &Providers,
    wishes: &Wishes,
    story: &Story,
) -> Result<(), Broken> {
    let ran = user.ask(&order(model.asset, &wishes.prompt, wishes.max_tokens))?;
    story.fact("question", &wishes.prompt);
    tell_answer(&ran, story)?;
    let receipt = Receipt::read(&ran["receipt"])?;
    promised(receipt.reason == "completed", || {
        format!("job {} ended as {}", receipt.job, receipt.reason)
    })?;
    promised(receipt.attempts == 1, || {
        format!("job {} took {} attempts", receipt.job, receipt.attempts)
    })?;
    tell_receipt(&ran, &receipt, providers, story)?;
    settle(network, &receipt, model, providers, story)
}

fn second_job(
    network: &Network,
    user: &Identity,
    model: &Model,
    providers: &mut Providers,
    story: &Story,
) -> Result<(), Broken> {
    story.fact("question", LONG_PROMPT);
    let asking = user.ask_beside("run", &order(model.asset, LONG_PROMPT, LONG_TOKENS))?;
    let address = address(user)?;
    let running = wait_for("the second job to run", JOB_WITHIN, || network.running_job(&address))?;
    let RunningJob { job, provider, until } = running;
    let victim = providers.find(&provider)?;
    providers.all[victim].kill();
    let killed_in = network.node.rpc().best_block()?;
    story.fact(
        "killed",
        format!("{}, in block {killed_in}, with job {job} begun", providers.name(victim)),
    );
    let still = network.job(job)?;
    promised(still["state"]["phase"] == "running", || {
        format!("job {job} was over before the kill: {still}")
    })?;
    story.fact(
        "deadline",
        format!("block {until}; after it the chain gives the job to the other provider"),
    );

    let ran = asking.answer(JOB_WITHIN)?;
    let receipt = Receipt::read(&ran["receipt"])?;
    promised(receipt.reason == "completed", || {
        format!("job {job} ended as {}", receipt.reason)
    })?;
    promised(receipt.attempts == 2, || {
        format!("job {job} took {} attempts", receipt.attempts)
    })?;
    let finisher = providers.find(receipt.provider.as_deref().unwrap_or_default())?;
    promised(finisher != victim, || {
        format!("job {job} was finished by {}, who was killed", providers.name(victim))
    })?;
    tell_answer(&ran, story)?;
    tell_receipt(&ran, &receipt, providers, story)?;
    settle(network, &receipt, model, providers, story)?;

    let blamed = network
        .node
        .rpc()
        .call("weft_provider", json!([providers.addresses[victim]]))?;
    promised(blamed["status"] == "paused_after_miss" && blamed["missed"] == 1, || {
        format!("the killed provider stands as {blamed}")
    })?;
    story.fact(
        providers.name(victim),
        "paused by the chain after the missed deadline; paid nothing",
    );
    Ok(())
}

fn tell_answer(ran: &Value, story: &Story) -> Result<(), Broken> {
    let answer = &ran["answer"];
    let said = text(answer, "text")?;
    promised(!said.trim().is_empty(), || "the answer is empty".to_owned())?;
    story.fact("answer", said);
    let speed = answer["tokens_per_s"].as_f64().unwrap_or_default();
    story.fact(
        "speed",
        format!(
            "{} tokens, {speed:.1} a second on {}",
            answer["tokens"],
            text(answer, "device")?
        ),
    );
    promised(speed > 0.0, || "no tokens per second".to_owned())
}

fn tell_receipt(ran: &Value, receipt: &Receipt, providers: &Providers, story: &Story) -> Result<(), Broken> {
    let provider = providers.name(providers.find(receipt.provider.as_deref().unwrap_or_default())?);
    story.fact("input", text(ran, "input")?);
    story.fact("output", receipt.output.as_deref().unwrap_or("none"));
    let finality = if ran["receipt"]["finalised"] == true {
        "final"
    } else {
        "not final yet"
    };
    story.fact(
        "receipt",
        format!(
            "job {}: {} by {provider} in block {} ({finality}), attempt {}, {} tokens",
            receipt.job, receipt.reason, receipt.ended_at, receipt.attempts, receipt.used_tokens
        ),
    );
    promised(ran["answer"]["tokens"] == receipt.used_tokens, || {
        format!(
            "{} tokens were made and {} charged",
            ran["answer"]["tokens"], receipt.used_tokens
        )
    })
}

/// Shows who earned what, and breaks the story if the balances do not say the same.
fn settle(
    network: &Network,
    receipt: &Receipt,
    model: &Model,
    providers: &Providers,
    story: &Story,
) -> Result<(), Broken> {
    let found = providers.find(receipt.provider.as_deref().unwrap_or_default())?;
    let provider = network
        .node
        .rpc()
        .call("weft_provider", json!([providers.addresses[found]]))?;
    let device = text(&provider, "device")?;
    let settlement = Settlement::read(network.node.rpc(), receipt, &device, &model.creator)?;
    let Split {
        provider,
        royalty,
        treasury,
        refund,
    } = receipt.split;
    let ask = receipt
        .split
        .price()
        .checked_div(receipt.used_tokens.into())
        .unwrap_or_default();
    story.fact(
        "price",
        format!(
            "{} tokens at {} = {} WEFT",
            receipt.used_tokens,
            weft(ask),
            weft(receipt.split.price())
        ),
    );
    for (who, amount, change) in [
        (providers.name(found), provider, &settlement.provider),
        ("creator", royalty, &settlement.creator),
        ("treasury", treasury, &settlement.treasury),
        ("user", refund, &settlement.user),
    ] {
        let what = match who {
            "user" => format!("{} WEFT back of {} held", weft(refund), weft(receipt.split.escrow())),
            _ => format!("{} WEFT", weft(amount)),
        };
        story.fact(
            who,
            format!(
                "{what}; balance {} -> {}",
                weft(change.before.free),
                weft(change.after.free)
            ),
        );
    }
    let differences = settlement.differences(&receipt.split);
    promised(differences.is_empty(), || differences.join("; "))?;
    story.fact(
        "checked",
        "balances before and after the block agree with the receipt to the unit",
    );
    Ok(())
}

fn genesis(network: &Network) -> Result<String, Broken> {
    let hash = network.node.rpc().call("chain_getBlockHash", json!([0]))?;
    Ok(hash.as_str().unwrap_or_default().to_owned())
}

fn text(of: &Value, field: &str) -> Result<String, Broken> {
    match of[field].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(HarnessError::answer(field, format!("it is not in {of}")).into()),
    }
}

/// An amount in WEFT, exactly.
fn weft(amount: u128) -> String {
    let exact = format!("{}.{:012}", amount / UNIT, amount % UNIT);
    exact.trim_end_matches('0').trim_end_matches('.').to_owned()
}
