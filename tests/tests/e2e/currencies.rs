//! Prices in a token that governance accepts.

use std::path::Path;

use serde_json::Value as Json;
use subxt::{
    OnlineClient, SubstrateConfig,
    dynamic::{self, At, Value, value},
};
use subxt_signer::{SecretUri, sr25519::Keypair};
use weft_tests::{error::HarnessError, network::Network, process::wait_for};

use crate::stage::{Result, SOON};

type Api = OnlineClient<SubstrateConfig>;

/// The token's number.
const TOKEN: u32 = 7;
/// What the buyer has of it.
const MINTED: u128 = 1_000;
/// What the Space costs, in its smallest unit.
const PRICE: u128 = 333;
/// The model's share of it, in percent.
const MODELS_PERCENT: u128 = 50;

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
            .map(|key| chain.tokens(key))
            .collect::<Result<Vec<u128>>>()?;
        // The buyer is read first: the others are read in the same block or a later one.
        Ok((has.first() != Some(&MINTED)).then_some(has))
    })?;
    assert_eq!(has, [MINTED - PRICE, models, PRICE - models]);

    // --- a price is changed back to WEFT by its owner ---
    who.act(&["space", "price", &id, "1"])?;
    let shown = buying.ask(&["space", "show", &id, "--offline"])?;
    assert_eq!(shown["space"]["price"], "1000000000000", "{shown}");
    Ok(())
}

fn number(answer: &Json, field: &str) -> Result<u64> {
    answer[field]
        .as_u64()
        .ok_or_else(|| HarnessError::answer(field, answer))
}

fn key(secret: &str) -> Keypair {
    let uri: SecretUri = secret.parse().expect("development accounts are secrets");
    Keypair::from_uri(&uri).expect("development accounts are keys")
}

/// As calls name accounts.
fn address(key: &Keypair) -> Value {
    let account = Value::from_bytes(key.public_key().0);
    value! { Id(account) }
}

/// The chain without `weft` in between, which makes no tokens.
struct Chain {
    runtime: tokio::runtime::Runtime,
    api: Api,
}

impl Chain {
    fn new(url: String) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(HarnessError::io("start a tokio runtime"))?;
        let api = runtime
            .block_on(Api::from_insecure_url(url))
            .map_err(|error| HarnessError::answer("the node", error))?;
        Ok(Self { runtime, api })
    }

    /// Signs, submits and waits for finality.
    fn send(&self, signer: &Keypair, pallet: &'static str, call: &'static str, fields: Value) -> Result<()> {
        let sent = async {
            let payload = dynamic::transaction(pallet, call, fields);
            let at = self.api.at_current_block().await?;
            let mut transactions = at.transactions();
            let progress = transactions
                .sign_and_submit_then_watch_default(&payload, signer)
                .await?;
            progress.wait_for_finalized_success().await?;
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        self.runtime
            .block_on(sent)
            .map_err(|error| HarnessError::answer(format!("{pallet}.{call}"), error))
    }

    /// What somebody has of the token.
    fn tokens(&self, key: &Keypair) -> Result<u128> {
        let read = async {
            let address = dynamic::storage::<(u32, [u8; 32]), Value>("Assets", "Account");
            let at = self.api.at_current_block().await?;
            let found = at.storage().try_fetch(address, (TOKEN, key.public_key().0)).await?;
            let Some(account) = found.map(|found| found.decode()).transpose()? else {
                // Who never had any has no account of it.
                return Ok(0);
            };
            let balance = account.at("balance").and_then(Value::as_u128);
            balance.ok_or_else(|| Box::<dyn std::error::Error>::from("no balance"))
        };
        self.runtime
            .block_on(read)
            .map_err(|error| HarnessError::answer("Assets.Account", error))
    }
}
