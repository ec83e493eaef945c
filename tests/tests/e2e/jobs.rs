//! What users, creators and providers do every day, and what is refused to them.

use serde_json::{Value, json};
use weft_tests::{
    network::{ASK, ASK_UNITS, order},
    settlement::Receipt,
};

use crate::stage::{Result, SOON, Stage, play};

#[test]
fn jobs_are_answered_paid_and_receipted_or_refused() {
    play(
        &["smollm2", "minilm"],
        &["//Bob"],
        &[
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
            (
                "a device that is stopped in order takes no jobs",
                a_stopped_device_takes_no_jobs,
            ),
        ],
    );
}

fn a_job_is_answered_paid_and_receipted(stage: &mut Stage) -> Result<()> {
    let prompt = "What is the capital of France?";
    let ran = stage.user.ask(&order(stage.models[0], prompt, 24))?;
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
    let provider = stage.providers[0].address()?;
    assert_eq!(receipt.provider.as_deref(), Some(provider.as_str()));
    let settlement = stage.settlement(&receipt)?;
    assert_eq!(settlement.fee(), 0, "a commit is free");
    assert_eq!(settlement.differences(&receipt.split), [] as [String; 0]);

    // The node, the user's tool and a later look agree.
    assert_eq!(Receipt::read(&stage.network.job(receipt.job)?)?, receipt);
    let again = stage.user.ask(&["job", "answer", &receipt.job.to_string()])?;
    assert_eq!(again["text"], ran["answer"]["text"]);
    Ok(())
}

fn an_embedding_arrives_as_the_model_makes_it(stage: &mut Stage) -> Result<()> {
    let text = "Every job ends, with a reason and a receipt.";
    let asset = format!("--asset={}", stage.models[1]);
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
    let asset = stage.models[0].to_string();
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
        retire.code == 4 && retire.stderr.contains("NotOwner"),
        "{}",
        retire.stderr
    );
    Ok(())
}

fn a_device_killed_in_mid_job_finishes_it(stage: &mut Stage) -> Result<()> {
    let (job, asking) = stage.begin_long_job("killed-device", "short")?;
    stage.providers[0].kill();
    assert_eq!(
        stage.network.job(job)?["state"]["phase"],
        "running",
        "it was killed too late"
    );
    stage.providers[0].start()?;
    let ran = asking.answer(SOON)?;
    let receipt = Receipt::read(&ran["receipt"])?;
    assert_eq!(
        (receipt.job, receipt.reason.as_str(), receipt.attempts),
        (job, "completed", 1)
    );
    stage.all_are_alive()
}

fn a_stopped_device_takes_no_jobs(stage: &mut Stage) -> Result<()> {
    let provider = stage.providers[0].address()?;
    stage.providers[0].wait_until_listed(&stage.network, stage.models[0])?;
    stage.providers[0].stop()?;
    let view = stage.network.node.rpc().call("weft_provider", json!([provider]))?;
    assert_eq!(
        (&view["status"], &view["missed"]),
        (&json!("paused"), &json!(0)),
        "{view}"
    );
    let failed = stage.user.fail(&order(stage.models[0], "x", 10))?;
    assert!(
        failed.code == 4 && failed.stderr.contains("NoProvider"),
        "{}",
        failed.stderr
    );
    assert_eq!(stage.held()?, "0");
    Ok(())
}
