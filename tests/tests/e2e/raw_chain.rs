//! The chain without `weft` in between, for what its commands do not do.

use subxt::{
    OnlineClient, SubstrateConfig,
    dynamic::{self, At, Value, value},
};
use subxt_signer::{SecretUri, sr25519::Keypair};
use weft_tests::error::HarnessError;

use crate::stage::Result;

type Api = OnlineClient<SubstrateConfig>;

/// The key of a development account.
pub fn key(secret: &str) -> Keypair {
    let uri: SecretUri = secret.parse().expect("development accounts are secrets");
    Keypair::from_uri(&uri).expect("development accounts are keys")
}

/// As calls name accounts.
pub fn address(key: &Keypair) -> Value {
    let account = Value::from_bytes(key.public_key().0);
    value! { Id(account) }
}

/// See the module.
pub struct Chain {
    runtime: tokio::runtime::Runtime,
    api: Api,
}

impl Chain {
    /// Connects to a node.
    pub fn new(url: String) -> Result<Self> {
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
    pub fn send(&self, signer: &Keypair, pallet: &'static str, call: &'static str, fields: Value) -> Result<()> {
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

    /// What somebody has of a token.
    pub fn tokens(&self, token: u32, key: &Keypair) -> Result<u128> {
        let read = async {
            let address = dynamic::storage::<(u32, [u8; 32]), Value>("Assets", "Account");
            let at = self.api.at_current_block().await?;
            let found = at.storage().try_fetch(address, (token, key.public_key().0)).await?;
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
