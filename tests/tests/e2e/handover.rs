//! A work changes hands with its keys: who takes it over serves it, and who gave it away is needed no more.

use std::{fs, path::Path};

use weft_tests::{
    error::HarnessError,
    network::{ASK, Creator, Network, Provider, address},
};

use crate::{images, stage::Result};

#[test]
fn a_work_is_handed_over_with_its_keys() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

fn story(folder: &Path) -> Result<()> {
    let network = Network::start(folder)?;
    let seller = network.identity("seller", "//Eve")?;
    let next = network.identity("next", "//Ferdie")?;
    let stranger = network.identity("stranger", "//Charlie")?;
    let text = |path: &Path| {
        path.to_str()
            .expect("a temporary folder has a readable name")
            .to_owned()
    };

    let model = format!("{}/model", images::digits());
    let published = seller.ask(&["market", "publish", "--model", &model, "--name", "digits"])?;
    let number = |field: &str| {
        published[field]
            .as_u64()
            .ok_or_else(|| HarnessError::answer(field, &published))
    };
    let (asset, work) = (number("asset")?, number("work")?);
    let (asset_text, work_text) = (asset.to_string(), work.to_string());

    // --- offered, with the keys for the next owner's device alone ---
    for who in [&next, &stranger] {
        who.act(&["keys", "new", "--from", who.secret()])?;
    }
    let shown = next.ask(&["keys", "show"])?;
    let device_key = shown["device_encryption_key"]
        .as_str()
        .ok_or_else(|| HarnessError::answer("weft keys show", &shown))?;
    let keys = text(&folder.join("keys.json"));
    let offered = seller.ask(&[
        "market",
        "transfer",
        &work_text,
        next.secret(),
        "--keys",
        &keys,
        "--to-key",
        device_key,
    ])?;
    assert_eq!(
        (&offered["keys_of"], &offered["keys_missing"]),
        (&serde_json::json!([asset]), &serde_json::json!([])),
        "{offered}"
    );
    let mut serving = Creator::serve(seller.clone())?;

    // --- nobody else takes the work or opens the keys; another's file of keys changes nothing ---
    let stolen = stranger.fail(&["market", "accept", &work_text, "--keys", &keys])?;
    assert!(
        stolen.code == 4 && stolen.stderr.contains("wrapped for device key"),
        "{stolen:?}"
    );
    let uninvited = stranger.fail(&["market", "accept", &work_text])?;
    assert_eq!(uninvited.code, 4, "{uninvited:?}");
    let forged = text(&folder.join("forged.json"));
    let told = fs::read_to_string(&keys).map_err(HarnessError::io("read the keys"))?;
    let other = told.replace(&format!("\"asset\": {asset}"), &format!("\"asset\": {}", asset + 1));
    assert_ne!(told, other);
    fs::write(&forged, other).map_err(HarnessError::io("write forged keys"))?;
    let refused = next.fail(&["market", "accept", &work_text, "--keys", &forged])?;
    assert!(matches!(refused.code, 3 | 4), "{refused:?}");
    let owner = |expected: &str| -> Result<()> {
        let shown = stranger.ask(&["market", "find"])?;
        assert_eq!(shown["items"][0]["owner"], expected, "{shown}");
        Ok(())
    };
    owner(&address(&seller)?)?;

    // --- taken over: the key opens, and the files are here ---
    let accepted = next.ask(&["market", "accept", &work_text, "--keys", &keys])?;
    assert_eq!(accepted["keys_of"], serde_json::json!([asset]), "{accepted}");
    assert!(accepted["failure"].is_null(), "{accepted}");
    owner(&address(&next)?)?;
    serving.server().check()?;
    drop(serving);
    let out = folder.join("opened");
    next.act(&["market", "get", &asset_text, "--out", &text(&out)])?;
    let original = fs::read(format!("{model}/model.safetensors")).map_err(HarnessError::io("read the model"))?;
    let opened = fs::read(out.join("model.safetensors")).map_err(HarnessError::io("read what was opened"))?;
    assert!(original == opened, "the model that was opened is another one");

    // --- and served: a provider has key and files of the new owner, and works for them ---
    let served = Creator::serve(next.clone())?;
    let mut provider = Provider::register(network.identity("provider", "//Bob")?)?;
    provider.offer(asset, ASK)?;
    provider.wait_until_keyed(&network, asset)?;
    provider.start()?;
    provider.wait_until_listed(&network, asset)?;
    let user = network.identity("user", "//Dave")?;
    let image = images::draw(folder, 5)?;
    let ran = user.ask(&images::order(asset, &image))?;
    assert_eq!(images::label(&ran["answer"]), Some("5"), "{ran}");
    assert_eq!(ran["receipt"]["state"]["reason"], "completed", "{ran}");
    provider.stop()?;
    drop(served);

    // --- who gave it away has nothing to say any more ---
    let late = seller.fail(&["market", "price", &work_text, "once:5"])?;
    assert!(late.code == 4 && late.stderr.contains("NotOwner"), "{late:?}");
    Ok(())
}
