//! A real network on loopback through good and bad days: one chain, one creator with two real models, one provider, one
//! user. The scenes share the network, because setting it up takes longer than any of them; each says what must hold.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use weft_tests::{
    error::HarnessError,
    identity::{Asking, Identity},
    network::{ASK, ASK_UNITS, Creator, Network, Provider, address, order},
    process::wait_for,
    settlement::{Receipt, Settlement},
};

type Result<T> = std::result::Result<T, HarnessError>;

/// A few blocks and a few seconds of computing.
const SOON: Duration = Duration::from_secs(60);
/// As long as the RPC is away. The worker's own limits (20 s an attempt) are shorter.
const AWAY: Duration = Duration::from_secs(25);
const LONG_PROMPT: &str = "Write a story about a lighthouse keeper who finds a letter in a bottle.";

struct Stage {
    network: Network,
    creator: Creator,
    provider: Provider,
    user: Identity,
    /// The user's address.
    user_address: String,
    text_model: u64,
    embedding_model: u64,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn set() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(HarnessError::io("make a folder"))?;
        let network = Network::start(folder.path())?;
        let who = network.identity("creator", "//Eve")?;
        let owner = network.identity("provider", "//Bob")?;
        let (published, provider) = thread::scope(|scope| {
            let registering = scope.spawn(|| Provider::register(owner));
            let published = publish(&who, "smollm2").and_then(|text| Ok((text, publish(&who, "minilm")?)));
            (published, registering.join().expect("registering does not panic"))
        });
        let (text_model, embedding_model) = published?;
        let mut provider = provider?;
        let creator = Creator::serve(who)?;
        provider.offer(text_model)?;
        provider.offer(embedding_model)?;
        provider.start()?;
        provider.wait_until_listed(&network, text_model)?;
        provider.wait_until_listed(&network, embedding_model)?;
        let user = network.identity("user", "//Dave")?;
        let user_address = address(&user)?;
        Ok(Self {
            network,
            creator,
            provider,
            user,
            user_address,
            text_model,
            embedding_model,
            _folder: folder,
        })
    }

    /// Starts a long job and waits until the device may be at it.
    fn begin_long_job(&self, name: &str, patience: &str) -> Result<(u64, Asking)> {
        let mut args = order(self.text_model, LONG_PROMPT, 150);
        args.push(format!("--patience={patience}"));
        let asking = self.user.ask_beside(name, &args)?;
        let running = wait_for("a job that runs", SOON, || self.network.running_job(&self.user_address))?;
        Ok((running.job, asking))
    }

    fn wait_until_ended(&self, job: u64) -> Result<Receipt> {
        let ended = |view: &Value| (view["state"]["state"] == "ended").then(|| view.clone());
        Receipt::read(&self.network.wait_for_job(job, "the end of the job", SOON, ended)?)
    }

    /// What is held from the user now, read from their own point of view.
    fn held(&self) -> Result<String> {
        let purse = self.user.ask(&["balance"])?;
        Ok(purse["held"].as_str().unwrap_or("?").to_owned())
    }

    /// Nobody ended who should not have.
    fn all_are_alive(&mut self) -> Result<()> {
        self.creator.server().check()?;
        self.provider
            .worker()
            .expect("the scene left the device running")
            .check()
    }
}

fn publish(who: &Identity, model: &str) -> Result<u64> {
    let published = who.ask(&[
        "creator",
        "publish",
        "--model",
        model,
        "--name",
        model,
        "--royalty",
        "5%",
    ])?;
    published["asset"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft creator publish", &published))
}

#[test]
fn jobs_end_as_promised_on_good_and_bad_days() {
    let scenes: [(&str, fn(&mut Stage) -> Result<()>); 7] = [
        (
            "a job is answered, paid and receipted",
            a_job_is_answered_paid_and_receipted,
        ),
        (
            "an embedding arrives as the model makes it",
            an_embedding_arrives_as_the_model_makes_it,
        ),
        (
            "what cannot be is refused, and nothing is held",
            what_cannot_be_is_refused_and_nothing_is_held,
        ),
        (
            "a device that is killed in mid-job finishes it",
            a_device_killed_in_mid_job_finishes_it,
        ),
        ("the RPC goes away for a while", the_rpc_goes_away_for_a_while),
        (
            "chain, device and user all restart in mid-job",
            chain_device_and_user_restart_in_mid_job,
        ),
        (
            "a device that is stopped in order takes no jobs",
            a_stopped_device_takes_no_jobs,
        ),
    ];
    let began = Instant::now();
    let mut stage = Stage::set().unwrap_or_else(|error| panic!("setting the stage: {error}"));
    eprintln!("{:6.1} s  the stage is set", began.elapsed().as_secs_f64());
    for (title, scene) in scenes {
        if let Err(error) = scene(&mut stage) {
            let worker = stage
                .provider
                .worker()
                .map_or_else(String::new, |worker| worker.log_tail());
            panic!("{title}: {error}\n{worker}");
        }
        eprintln!("{:6.1} s  {title}", began.elapsed().as_secs_f64());
    }
}

fn a_job_is_answered_paid_and_receipted(stage: &mut Stage) -> Result<()> {
    let prompt = "What is the capital of France?";
    let ran = stage.user.ask(&order(stage.text_model, prompt, 24))?;
    // The same prompt on the same model without any network: the device answered what the model says.
    let alone = stage.user.ask(&[
        "infer",
        "--model",
        "smollm2",
        "--prompt",
        prompt,
        "--max-tokens",
        "24",
        "--greedy",
    ])?;
    assert_eq!(ran["answer"]["text"], alone["text"]);
    assert_eq!(ran["answer"]["prompt_tokens"], alone["prompt_tokens"]);

    let receipt = Receipt::read(&ran["receipt"])?;
    assert_eq!((receipt.reason.as_str(), receipt.attempts), ("completed", 1));
    assert_eq!(receipt.split.price(), ASK_UNITS * u128::from(receipt.used_tokens));
    assert_eq!(receipt.split.escrow(), 2 * ASK_UNITS * 24);
    let provider = stage.provider.address()?;
    assert_eq!(receipt.provider.as_deref(), Some(provider.as_str()));
    let view = stage.network.node.rpc().call("weft_provider", json!([provider]))?;
    let device = view["device"].as_str().expect("a provider has a device");
    let settlement = Settlement::read(
        stage.network.node.rpc(),
        &receipt,
        device,
        &address(&stage.creator.who)?,
    )?;
    assert_eq!(settlement.differences(&receipt.split), [] as [String; 0]);

    // The node, the user's tool and a later look agree.
    assert_eq!(Receipt::read(&stage.network.job(receipt.job)?)?, receipt);
    let again = stage.user.ask(&["job", "answer", &receipt.job.to_string()])?;
    assert_eq!(again["text"], ran["answer"]["text"]);
    Ok(())
}

fn an_embedding_arrives_as_the_model_makes_it(stage: &mut Stage) -> Result<()> {
    let text = "Every job ends, with a reason and a receipt.";
    let asset = format!("--asset={}", stage.embedding_model);
    let ran = stage.user.ask(&[
        "run",
        &asset,
        "--prompt",
        text,
        "--max-tokens",
        "64",
        "--max-price",
        "0.128",
    ])?;
    let alone = stage.user.ask(&["embed", "--model", "minilm", "--text", text])?;
    let numbers = |value: &Value| -> Vec<f64> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect()
    };
    let (there, here) = (numbers(&ran["answer"]["embeddings"][0]), numbers(&alone["embedding"]));
    assert_eq!((there.len(), here.len()), (384, 384));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = dot(&there, &here) / (dot(&there, &there) * dot(&here, &here)).sqrt();
    assert!(cosine > 0.999_999, "cosine {cosine}");
    assert_eq!(ran["receipt"]["state"]["reason"], "completed");
    Ok(())
}

fn what_cannot_be_is_refused_and_nothing_is_held(stage: &mut Stage) -> Result<()> {
    let asset = stage.text_model.to_string();
    for (price, tokens, asset, code, says) in [
        // Half of the ask.
        ("0.005", "10", asset.as_str(), 4, "PriceBelowAsk"),
        // More than the user has.
        ("100000000", "10", asset.as_str(), 4, "EscrowNotCovered"),
        ("1", "4000000000", asset.as_str(), 4, "TooManyTokens"),
        ("1", "10", "999", 3, "999"),
        ("-1", "10", asset.as_str(), 2, ""),
    ] {
        let price = format!("--max-price={price}");
        let failed = stage
            .user
            .fail(&["run", "--asset", asset, "--prompt", "x", "--max-tokens", tokens, &price])?;
        assert_eq!(failed.code, code, "{price} {tokens} {asset}: {}", failed.stderr);
        assert!(
            failed.stderr.contains(says),
            "{price} {tokens} {asset}: {}",
            failed.stderr
        );
    }
    assert_eq!(stage.held()?, "0");
    // A stranger's device, and somebody who is no provider.
    let stranger = stage.network.identity("stranger", "//Ferdie")?;
    let offer = stranger.fail(&["provider", "offer", "--asset", &asset, "--ask", ASK])?;
    assert_eq!(offer.code, 4, "{}", offer.stderr);
    let retire = stranger.fail(&["creator", "retire", &asset])?;
    assert!(
        retire.code == 4 && retire.stderr.contains("NotCreator"),
        "{}",
        retire.stderr
    );
    Ok(())
}

fn a_device_killed_in_mid_job_finishes_it(stage: &mut Stage) -> Result<()> {
    let (job, asking) = stage.begin_long_job("killed-device", "short")?;
    stage.provider.kill();
    assert_eq!(
        stage.network.job(job)?["state"]["phase"],
        "running",
        "it was killed too late"
    );
    stage.provider.start()?;
    let ran = asking.answer(SOON)?;
    let receipt = Receipt::read(&ran["receipt"])?;
    assert_eq!(
        (receipt.job, receipt.reason.as_str(), receipt.attempts),
        (job, "completed", 1)
    );
    stage.all_are_alive()
}

fn the_rpc_goes_away_for_a_while(stage: &mut Stage) -> Result<()> {
    // Frozen, not closed: the connections stay open and nothing answers.
    let (job, mut asking) = stage.begin_long_job("rpc-away", "standard")?;
    let node = stage.network.node.process().expect("the node runs");
    node.freeze()?;
    thread::sleep(AWAY);
    node.thaw()?;
    let receipt = stage.wait_until_ended(job)?;
    assert_eq!((receipt.reason.as_str(), receipt.attempts), ("completed", 1));
    // The user's command has waited it out as well.
    asking.process().check().or_else(|ended| match ended {
        HarnessError::Ended { ref status, .. } if status == "exit code 0" => Ok(()),
        other => Err(other),
    })?;
    let ran = asking.answer(SOON)?;
    assert_eq!(ran["job"], job);
    stage.all_are_alive()
}

fn chain_device_and_user_restart_in_mid_job(stage: &mut Stage) -> Result<()> {
    let (job, asking) = stage.begin_long_job("all-restart", "standard")?;
    drop(asking);
    // The chain calls the job running a moment before the device hears of it.
    let at_work = format!("computing job={job} ");
    wait_for("a device at work", SOON, || {
        let worker = stage
            .provider
            .worker()
            .expect("the scene before left the device running");
        Ok(worker.log_tail().contains(&at_work).then_some(()))
    })?;
    stage.network.node.stop()?;
    // The device goes on without the chain, until the answer is sealed and noted on disk.
    let folder = stage.provider.who.home().join("jobs");
    let noted = wait_for("an answer that waits for its commit", SOON, || {
        let entries = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let kept = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        Ok(kept.filter_map(|path| fs::read(path).ok()).find_map(|text| {
            let entry: Value = serde_json::from_slice(&text).ok()?;
            (entry["job"] == job).then_some(entry)
        }))
    })?;
    stage.provider.kill();
    stage.network.node.start_again()?;
    stage.provider.start()?;
    let receipt = stage.wait_until_ended(job)?;
    assert_eq!((receipt.reason.as_str(), receipt.attempts), ("completed", 1));
    // A second computation would have another key and so another CID.
    assert_eq!(
        receipt.output.as_deref(),
        noted["output"].as_str(),
        "the answer was computed a second time"
    );
    // The user comes back for it; the creator was not even restarted.
    let answer = stage.user.ask(&["job", "answer", &job.to_string()])?;
    assert!(answer["text"].as_str().is_some_and(|text| text.len() > 100), "{answer}");
    stage.all_are_alive()
}

fn a_stopped_device_takes_no_jobs(stage: &mut Stage) -> Result<()> {
    let provider = stage.provider.address()?;
    stage.provider.wait_until_listed(&stage.network, stage.text_model)?;
    stage.provider.stop()?;
    let view = stage.network.node.rpc().call("weft_provider", json!([provider]))?;
    assert_eq!(
        (&view["status"], &view["missed"]),
        (&json!("paused"), &json!(0)),
        "{view}"
    );
    let failed = stage.user.fail(&order(stage.text_model, "x", 10))?;
    assert!(
        failed.code == 4 && failed.stderr.contains("NoProvider"),
        "{}",
        failed.stderr
    );
    assert_eq!(stage.held()?, "0");
    Ok(())
}
