//! Prices in a token that governance accepts.

use std::path::Path;

use serde_json::Value as Json;
use subxt::dynamic::{Value, value};
use weft_tests::{error::HarnessError, identity::Identity, network::Network, process::wait_for};

use crate::{
    raw_chain::{Chain, address, key},
    stage::{Result, SOON},
};

/// The token's number.
const TOKEN: u32 = 7;
/// What the buyer has of it.
const MINTED: u128 = 1_000;
/// What the Space costs, in its smallest unit.
const PRICE: u128 = 333;
/// The model's share of it, in percent.
const MODELS_PERCENT: u128 = 50;
/// What the buyer sends to the author afterwards.
const SENT: u128 = 67;

#[test]
fn a_space_is_paid_in_an_accepted_token() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    if let Err(error) = story(folder.path()) {
        panic!("{error}");
    }
}

fn story(folder: &Path) -> Result<()> {
    let network = Network::start(folder)?;
    let chain = Chain::new(network.node.url())?;
    let [governor, issuer, author, creator, buyer] =
        ["//Alice", "//Bob", "//Charlie", "//Eve", "//Dave"].map(|secret| (secret, key(secret)));
    let space = |who: &str, secret: &str| network.identity(who, secret);

    let model = format!("{}/../spaces/digits/model", env!("CARGO_MANIFEST_DIR"));
    let published = space("creator", creator.0)?.ask(&["market", "publish", "--model", &model, "--name", "digits"])?;
    let asset = number(&published, "asset")?;
    let who = space("author", author.0)?;
    let digits = format!("{}/../spaces/digits", env!("CARGO_MANIFEST_DIR"));
    let price = format!("{PRICE}@{TOKEN}");
    let calls = format!("{asset}={MODELS_PERCENT}%");
    let publish = ["space", "publish", &digits, "--price", &price, "--calls", &calls];

    // --- anybody makes a token; prices are asked in it once governance has made it sufficient ---
    chain.send(&issuer.1, "Assets", "create", {
        let admin = address(&issuer.1);
        value! { { id: TOKEN, admin: admin, min_balance: 1u128 } }
    })?;
    let early = who.fail(&publish)?;
    assert!(
        early.code == 4 && early.stderr.contains("CurrencyNotAccepted"),
        "{early:?}"
    );
    chain.send(&governor.1, "Sudo", "sudo", {
        let [owner, issuer, admin, freezer] = [(); 4].map(|()| address(&issuer.1));
        let status = value! { force_asset_status {
            id: TOKEN, owner: owner, issuer: issuer, admin: admin, freezer: freezer, min_balance: 1u128,
            is_sufficient: true, is_frozen: false
        } };
        let call = Value::unnamed_variant("Assets", [status]);
        value! { { call: call } }
    })?;
    chain.send(&issuer.1, "Assets", "mint", {
        let beneficiary = address(&buyer.1);
        value! { { id: TOKEN, beneficiary: beneficiary, amount: MINTED } }
    })?;

    // --- a Space costs so many of it, shared as any price is ---
    let id = number(&who.ask(&publish)?, "space")?.to_string();
    let buying = space("buyer", buyer.0)?;
    let in_weft = buying.fail(&["space", "buy", &id, "--max-price", "1000"])?;
    assert!(
        in_weft.code == 4 && in_weft.stderr.contains("OtherCurrency"),
        "{in_weft:?}"
    );
    let paid = buying.ask(&["space", "buy", &id, "--max-price", &price])?;
    assert_eq!(paid["paid"], PRICE.to_string(), "{paid}");
    let models = PRICE * MODELS_PERCENT / 100;
    // What is read here is final, which takes a few blocks more.
    let has: Vec<u128> = wait_for("the purchase to be final", SOON, || {
        let has = [&buyer.1, &creator.1, &author.1]
            .into_iter()
            .map(|key| chain.tokens(TOKEN, key))
            .collect::<Result<Vec<u128>>>()?;
        // The buyer is read first: the others are read in the same block or a later one.
        Ok((has.first() != Some(&MINTED)).then_some(has))
    })?;
    assert_eq!(has, [MINTED - PRICE, models, PRICE - models]);

    // --- a price is changed back to WEFT by its owner ---
    who.act(&["space", "price", &id, "1"])?;
    let shown = buying.ask(&["space", "show", &id, "--offline"])?;
    assert_eq!(shown["space"]["price"], "1000000000000", "{shown}");

    told_and_sent(&buying, &who, models)?;
    found_by_currency(&space("creator", creator.0)?, &buying, number(&published, "work")?)
}

/// People see what they have of the token, and send it to each other.
fn told_and_sent(buyer: &Identity, author: &Identity, models: u128) -> Result<()> {
    let token = TOKEN.to_string();
    let free = |who: &Identity| -> Result<Json> {
        let told = who.ask(&["balance", "--token", &token])?;
        assert_eq!(
            (&told["token"], &told["accepted"]),
            (&TOKEN.into(), &true.into()),
            "{told}"
        );
        Ok(told["free"].clone())
    };
    assert_eq!(free(buyer)?, (MINTED - PRICE).to_string());
    let sent = ["transfer", author.secret(), &SENT.to_string(), "--token", &token];
    let told = buyer.ask(&[&sent[..], &["--finalised"]].concat())?;
    assert_eq!(
        (&told["token"], &told["amount"]),
        (&TOKEN.into(), &SENT.to_string().into()),
        "{told}"
    );
    assert_eq!(free(buyer)?, (MINTED - PRICE - SENT).to_string());
    assert_eq!(free(author)?, (PRICE - models + SENT).to_string());
    // Without --token it is among those that are accepted.
    let all = author.ask(&["balance"])?;
    assert_eq!(all["tokens"][0]["free"], (PRICE - models + SENT).to_string(), "{all}");

    let more = (MINTED + 1).to_string();
    let uncovered = buyer.fail(&["transfer", author.secret(), &more, "--token", &token])?;
    assert_eq!(uncovered.code, 4, "{uncovered:?}");
    let fraction = buyer.fail(&["transfer", author.secret(), "0.5", "--token", &token])?;
    assert!(
        fraction.code == 2 && fraction.stderr.contains("smallest unit"),
        "{fraction:?}"
    );
    let unknown = (TOKEN + 1).to_string();
    for asked in [
        &["balance", "--token", &unknown][..],
        &["transfer", author.secret(), "1", "--token", &unknown],
    ] {
        let failed = buyer.fail(asked)?;
        assert!(matches!(failed.code, 3 | 4) && !failed.stderr.is_empty(), "{failed:?}");
    }
    assert_eq!(free(buyer)?, (MINTED - PRICE - SENT).to_string());
    Ok(())
}

/// Works are found by the token that they cost, and by how much of it.
fn found_by_currency(owner: &Identity, buyer: &Identity, work: u64) -> Result<()> {
    let token = TOKEN.to_string();
    let find = |more: &[&str]| -> Result<Vec<u64>> {
        let page = buyer.ask(&[&["market", "find"], more].concat())?;
        let items = page["items"].as_array().into_iter().flatten();
        Ok(items.filter_map(|found| found["id"].as_u64()).collect())
    };
    assert_eq!(find(&["--currency", &token])?, [] as [u64; 0], "it is free");
    owner.act(&[
        "market",
        "price",
        &work.to_string(),
        "once:2",
        &format!("use:50@{TOKEN}"),
    ])?;
    assert_eq!(find(&["--currency", &token])?, [work]);
    assert_eq!(find(&["--currency", &token, "--order", "price"])?, [work]);
    assert_eq!(find(&["--currency", &token, "--max-price", "50"])?, [work]);
    assert_eq!(find(&["--currency", &token, "--max-price", "49"])?, [] as [u64; 0]);
    assert_eq!(find(&["--currency", &(TOKEN + 1).to_string()])?, [] as [u64; 0]);
    Ok(())
}

fn number(answer: &Json, field: &str) -> Result<u64> {
    answer[field]
        .as_u64()
        .ok_or_else(|| HarnessError::answer(field, answer))
}
