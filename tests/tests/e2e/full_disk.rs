//! No room left, for each who keeps something: a clear error, nothing lost, and on from there once there is room.

use serde_json::json;
use weft_tests::{
    network::{ASK, Provider, order},
    process::wait_for,
};

use crate::stage::{Result, SOON, Stage, play};

const MB: u64 = 1_000_000;
/// What the system says of a full disk; every message about one quotes it.
const NO_SPACE: &str = "No space left";
/// Exit code for what is wrong on this machine (`weft --help`).
const LOCAL: i32 = 6;

#[test]
fn a_full_disk_is_named_and_what_was_begun_goes_on() {
    play(
        &["smollm2"],
        &[],
        &[
            ("a creator without room publishes nothing", a_creator_publishes_nothing),
            (
                "a device without room says so and goes on where it was",
                a_device_goes_on_where_it_was,
            ),
            ("a user without room pays nothing", a_user_pays_nothing),
        ],
    );
}

fn a_creator_publishes_nothing(stage: &mut Stage) -> Result<()> {
    let creator = stage.network.identity("cramped-creator", "//Alice")?;
    let Some(creator) = creator.on_small_disk("", 20 * MB, false)? else {
        return Ok(());
    };
    let failed = creator.fail(&[
        "creator",
        "publish",
        "--model",
        "smollm2",
        "--name",
        "x",
        "--royalty",
        "5%",
    ])?;
    assert!(failed.code == LOCAL && failed.stderr.contains(NO_SPACE), "{failed:?}");
    let page = stage.network.node.rpc().call("weft_assets", json!([0, 100]))?;
    let assets = page["items"].as_array().map(Vec::len);
    assert_eq!(assets, Some(stage.models.len()), "{page}");
    Ok(())
}

fn a_device_goes_on_where_it_was(stage: &mut Stage) -> Result<()> {
    let model = stage.models[0];
    let owner = stage.network.identity("cramped-provider", "//Bob")?;
    let mut provider = Provider::register(owner)?;
    // About half of the model fits.
    let Some(who) = provider.who.clone().on_small_disk("store", 50 * MB, false)? else {
        return Ok(());
    };
    provider.who = who;
    provider.offer(model, ASK)?;
    provider.wait_until_keyed(&stage.network, model)?;
    provider.start()?;
    let log = provider.worker().expect("it was started").log().to_owned();
    let logged = |what: &str| std::fs::read_to_string(&log).is_ok_and(|log| log.contains(what));
    wait_for("the device to name the full disk", SOON, || {
        Ok(logged("the disk of the store is full").then_some(()))
    })?;
    let standing = provider.who.ask(&["provider", "status"])?;
    let obstacles = standing["obstacles"].to_string();
    assert!(
        obstacles.contains("not ready on this device") && obstacles.contains(NO_SPACE),
        "{standing}"
    );
    let offers = stage.network.offers(model)?;
    assert!(offers.iter().all(|offer| offer["listed"] == false), "{offers:?}");

    let disk = provider.who.disk().expect("it was put on one").clone();
    disk.grow(provider.worker().expect("it was started"), 500 * MB)?;
    provider.wait_until_listed(&stage.network, model)?;
    stage.providers.push(provider);
    let ran = stage.user.ask(&order(model, "What is the capital of France?", 8))?;
    assert_eq!(ran["receipt"]["state"]["reason"], "completed");
    Ok(())
}

fn a_user_pays_nothing(stage: &mut Stage) -> Result<()> {
    let user = stage.network.identity("cramped-user", "//Charlie")?;
    // No room for the key to which the answer would be encrypted.
    let Some(cramped) = user.clone().on_small_disk("", MB, true)? else {
        return Ok(());
    };
    let failed = cramped.fail(&order(stage.models[0], "x", 8))?;
    assert!(failed.code == LOCAL && failed.stderr.contains(NO_SPACE), "{failed:?}");
    assert_eq!(user.ask(&["balance"])?["held"], "0");
    stage.all_are_alive()
}
