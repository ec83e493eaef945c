//! Whatever goes away comes back, or somebody else takes over.

use std::{fs, thread, time::Duration};

use serde_json::{Value, json};
use weft_tests::{error::HarnessError, network::Provider, process::wait_for, settlement::Receipt};

use crate::stage::{Result, SOON, Stage, play};

/// As long as the RPC is away. The worker's own limits (20 s an attempt) are shorter.
const AWAY: Duration = Duration::from_secs(60);
/// The windows of an impatient job: 16 blocks.
const LOST: Duration = Duration::from_secs(48);

#[test]
fn what_goes_away_comes_back_or_is_replaced() {
    // The first asks less, so jobs are theirs while they are there.
    play(
        &["smollm2"],
        &["//Bob", "//Charlie"],
        &[
            (
                "chain, device and user all restart in mid-job",
                chain_device_and_user_restart_in_mid_job,
            ),
            (
                "a device that is gone for good loses its job to another",
                a_device_gone_for_good_loses_its_job,
            ),
        ],
    );
}

/// On a network of its own, as most of it is waiting.
#[test]
fn an_rpc_that_goes_away_is_waited_for() {
    play(
        &["smollm2"],
        &["//Bob"],
        &[("the RPC goes away for a minute", the_rpc_goes_away_for_a_minute)],
    );
}

fn the_rpc_goes_away_for_a_minute(stage: &mut Stage) -> Result<()> {
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

/// How often a device has opened for jobs, by its log.
fn openings(provider: &mut Provider) -> usize {
    let log = provider.worker().map(|worker| worker.log().to_owned());
    let log = log.and_then(|log| fs::read_to_string(log).ok()).unwrap_or_default();
    log.matches("jobs are welcome").count()
}

fn chain_device_and_user_restart_in_mid_job(stage: &mut Stage) -> Result<()> {
    let opened = openings(&mut stage.providers[0]);
    let (job, asking) = stage.begin_long_job("all-restart", "standard")?;
    drop(asking);
    // The chain calls the job running a moment before the device hears of it.
    let at_work = format!("computing job={job} ");
    wait_for("a device at work", SOON, || {
        let worker = stage.providers[0]
            .worker()
            .expect("the scene before left the device running");
        Ok(worker.log_tail().contains(&at_work).then_some(()))
    })?;
    stage.network.node.stop()?;
    // The device goes on without the chain, until the answer is sealed and noted on disk.
    let folder = stage.providers[0].who.home().join("jobs");
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
    stage.providers[0].kill();
    stage.network.node.start_again()?;
    stage.providers[0].start()?;
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
    // The chain took the device for available all the time; it closes until its model is loaded, and opens again.
    wait_for("the device to open for jobs again", SOON, || {
        Ok((openings(&mut stage.providers[0]) > opened).then_some(()))
    })?;
    let model = stage.models[0];
    stage.providers[0].wait_until_listed(&stage.network, model)?;
    stage.all_are_alive()
}

fn a_device_gone_for_good_loses_its_job(stage: &mut Stage) -> Result<()> {
    let (gone, heir) = (stage.providers[0].address()?, stage.providers[1].address()?);
    let (job, asking) = stage.begin_long_job("gone-for-good", "short")?;
    let state = stage.network.job(job)?["state"].clone();
    assert_eq!(
        state["provider"],
        gone.as_str(),
        "the cheaper provider was not chosen: {state}"
    );
    stage.providers[0].kill();
    // The user's command releases the input to the next device by itself.
    let ran = asking.answer(LOST + SOON)?;
    let receipt = Receipt::read(&ran["receipt"])?;
    assert_eq!((receipt.reason.as_str(), receipt.attempts), ("completed", 2));
    assert_eq!(receipt.provider.as_deref(), Some(heir.as_str()));
    assert_eq!(
        stage.settlement(&receipt)?.differences(&receipt.split),
        [] as [String; 0]
    );
    let view = stage.network.node.rpc().call("weft_provider", json!([gone]))?;
    assert_eq!(
        (&view["status"], &view["missed"]),
        (&json!("paused_after_miss"), &json!(1)),
        "{view}"
    );
    // It comes back, says so itself, and is given jobs again.
    stage.providers[0].start()?;
    let model = stage.models[0];
    let (network, providers) = (&stage.network, &mut stage.providers);
    providers[0].wait_until_listed(network, model)?;
    stage.all_are_alive()
}
