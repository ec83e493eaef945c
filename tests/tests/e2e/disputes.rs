//! Providers that lie about exact answers, and how they are caught: by watchers, by their users, across restarts.

use serde_json::Value;
use weft_tests::{error::HarnessError, identity::Identity, network::order, process::wait_for};

use crate::stage::{Result, SOON, Stage, play};

const TEXT: &str = "Every job ends, with a reason and a receipt.";

#[test]
fn a_provider_that_lies_is_caught() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let out = folder.path().join("exact-smollm2");
    let exact = out.to_str().expect("a temporary folder has a readable name").to_owned();
    // No chain is involved in a conversion, so any node will do. Fitting the weights would take a minute.
    let converter = Identity::new("converter", "//Ferdie", folder.path(), "ws://127.0.0.1:1".to_owned());
    let convert = [
        "exact",
        "convert",
        "--model",
        "smollm2",
        "--out",
        &exact,
        "--calibration",
        "none",
    ];
    converter
        .and_then(|who| who.act(&convert))
        .unwrap_or_else(|error| panic!("converting: {error}"));
    play(
        &[&exact],
        &["//Bob"],
        &[
            (
                "an honest answer is right, and waits to be paid",
                an_honest_answer_is_right,
            ),
            (
                "a wrong token is caught by a watcher who has nothing but the model",
                a_wrong_token_is_caught_by_a_watcher,
            ),
            (
                "another model is caught by its user, though chain and device restart in mid-dispute",
                another_model_is_caught_across_restarts,
            ),
            (
                "an answer to an earlier job is caught by its user, without the model",
                an_answer_to_an_earlier_job_is_caught,
            ),
            (
                "a root of nothing is answered for with silence",
                a_root_of_nothing_cannot_be_shown,
            ),
        ],
    );
}

/// An exact job for a few tokens, and what `weft run` said of it.
fn ask(stage: &Stage, open: bool) -> Result<Value> {
    ask_for(stage, TEXT, open)
}

fn ask_for(stage: &Stage, text: &str, open: bool) -> Result<Value> {
    let mut args = order(stage.models[0], text, 12);
    args.push("--exact".to_owned());
    args.extend(open.then(|| "--open".to_owned()));
    stage.user.ask(&args)
}

fn number(of: &Value) -> String {
    of["job"].to_string()
}

fn an_honest_answer_is_right(stage: &mut Stage) -> Result<()> {
    let ran = ask(stage, false)?;
    let job = number(&ran);
    assert_eq!(ran["receipt"]["state"]["phase"], "committed", "{ran}");
    assert!(ran["answer"]["text"].is_string(), "{ran}");
    assert!(ran["answer"]["evidence"].is_null(), "it is not for people: {ran}");
    assert!(ran["prompt"].is_string(), "the prompt is not bound: {ran}");
    let found = stage
        .user
        .ask(&["dispute", "challenge", "--job", &job, "--model", &stage.sources[0]])?;
    assert_eq!(found["right"], true, "{found}");
    // Whose prompt is private, only its user may doubt: not even a bond helps.
    let other = stage.network.identity("stranger", "//Charlie")?;
    let refused = other.fail(&["dispute", "challenge", "--job", &job, "--model", &stage.sources[0]])?;
    assert!(refused.stderr.contains("PrivateJob"), "{refused:?}");
    let own = stage.providers[0]
        .who
        .fail(&["dispute", "challenge", "--job", &job, "--model", &stage.sources[0]])?;
    assert!(own.stderr.contains("OwnResult"), "{own:?}");
    let none = stage.user.ask(&["dispute", "ls"])?;
    assert_eq!(none.as_array().map(Vec::len), Some(0), "{none}");
    Ok(())
}

/// Restarts the device as a liar, with a stake of 100.
fn lie(stage: &mut Stage, mode: &str) -> Result<()> {
    let model = stage.models[0];
    let is_without = provider_now(stage)?["stake"] == "0";
    let provider = &mut stage.providers[0];
    provider.stop()?;
    if is_without {
        provider.who.act(&["provider", "bond", "100"])?;
    }
    provider.start_lying(mode)?;
    provider.wait_until_listed(&stage.network, model)
}

fn provider_now(stage: &Stage) -> Result<Value> {
    let address = stage.providers[0].address()?;
    stage
        .network
        .node
        .rpc()
        .call("weft_provider", serde_json::json!([address]))
}

fn is_refuted_and_refunded(stage: &Stage, job: &str) -> Result<()> {
    let shown = stage.user.ask(&["job", "show", job])?;
    assert_eq!(shown["state"]["reason"], "refuted", "{shown}");
    assert_eq!(shown["state"]["split"]["provider"], "0", "{shown}");
    let provider = provider_now(stage)?;
    assert_eq!(
        (&provider["stake"], &provider["seized"]),
        (&"0".into(), &"0".into()),
        "{provider}"
    );
    Ok(())
}

fn a_wrong_token_is_caught_by_a_watcher(stage: &mut Stage) -> Result<()> {
    lie(stage, "wrong-token")?;
    let job = number(&ask(stage, true)?);
    let watcher = stage.network.identity("watcher", "//Charlie")?;
    let asset = stage.models[0].to_string();
    let watch = ["watch", "--once", "--asset", &asset, "--model", &stage.sources[0]];
    let seen = watcher.ask(&watch)?;
    assert_eq!(seen["job"].to_string(), job, "{seen}");
    assert_eq!(seen["verdict"], "the provider lied: another token was chosen");
    // Four tenths of a stake of 100.
    assert_eq!(seen["reward"], "40000000000000", "{seen}");
    is_refuted_and_refunded(stage, &job)
}

fn another_model_is_caught_across_restarts(stage: &mut Stage) -> Result<()> {
    lie(stage, "wrong-tile")?;
    let job = number(&ask(stage, false)?);
    let challenge = ["dispute", "challenge", "--job", &job, "--model", &stage.sources[0]];
    let asking = stage.user.ask_beside("challenge", &challenge)?;
    // As soon as it is open all go away: the challenger for good, chain and device for a while.
    let dispute = wait_for("a dispute", SOON, || {
        let all = stage.user.ask(&["dispute", "ls", "--job", &job])?;
        Ok(all[0]["dispute"].as_u64())
    })?;
    drop(asking);
    stage.providers[0].kill();
    stage.network.node.stop()?;
    stage.network.node.start_again()?;
    stage.providers[0].start_lying("wrong-tile")?;
    let respond = ["dispute", "respond", &dispute.to_string(), "--model", &stage.sources[0]];
    let ended = stage.user.ask(&respond)?;
    assert_eq!(ended["verdict"], "the provider lied: a tile is wrong", "{ended}");
    assert_eq!(ended["winner"], "challenger");
    let shown = stage
        .user
        .ask(&["dispute", "show", &dispute.to_string(), "--since", "1"])?;
    assert_eq!(shown, ended);
    is_refuted_and_refunded(stage, &job)
}

fn an_answer_to_an_earlier_job_is_caught(stage: &mut Stage) -> Result<()> {
    lie(stage, "stale")?;
    // What it commits to first is honest, as there is nothing earlier.
    let first = number(&ask(stage, false)?);
    let right = stage
        .user
        .ask(&["dispute", "challenge", "--job", &first, "--model", &stage.sources[0]])?;
    assert_eq!(right["right"], true, "{right}");
    let job = number(&ask_for(
        stage,
        "A receipt says what was paid, and to whom it went.",
        false,
    )?);
    // No model is needed to see it, so that none is given: the user has no key to fetch it either.
    let ended = stage.user.ask(&["dispute", "challenge", "--job", &job])?;
    let verdict = ended["verdict"].as_str().unwrap_or_default();
    assert!(verdict.starts_with("the answer is not what was asked for: "), "{ended}");
    assert_eq!(ended["winner"], "challenger", "{ended}");
    is_refuted_and_refunded(stage, &job)
}

fn a_root_of_nothing_cannot_be_shown(stage: &mut Stage) -> Result<()> {
    lie(stage, "wrong-root")?;
    let job = number(&ask(stage, false)?);
    let challenge = ["dispute", "challenge", "--job", &job, "--model", &stage.sources[0]];
    let _asking = stage.user.ask_beside("demand", &challenge)?;
    let dispute = wait_for("a dispute", SOON, || {
        let all = stage.user.ask(&["dispute", "ls", "--job", &job])?;
        Ok(all[0]["dispute"].as_u64())
    })?;
    let shown = stage.user.ask(&["dispute", "show", &dispute.to_string()])?;
    assert_eq!(
        shown["state"],
        "waits for the provider to show what its trace is made of"
    );
    // What happens when the deadline passes is a matter of minutes and hours: the runtime's tests wait for it.
    let advice = stage.user.fail(&["dispute", "expire", &dispute.to_string()])?;
    assert!(advice.stderr.contains("NotYetDue"), "{advice:?}");
    let unfit = stage.user.fail(&["dispute", "appeal", &dispute.to_string()])?;
    assert!(unfit.stderr.contains("NothingToAppeal"), "{unfit:?}");
    if shown["turn"] != "provider" {
        return Err(HarnessError::answer("weft dispute show", &shown));
    }
    Ok(())
}
