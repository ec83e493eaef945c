//! subxt without generated code: what it knows of the chain is the metadata that the node gives it.

use std::time::Duration;

use subxt::{
    OnlineClient, SubstrateConfig,
    dynamic::{self, At, Value, value},
    error::{DispatchError, TransactionEventsError, TransactionFinalizedSuccessError},
    ext::scale_value::{Composite, ValueDef},
};
use subxt_signer::{SecretUri, sr25519::Keypair};
use weft_tests::node::Node;

type Any<T> = Result<T, Box<dyn std::error::Error>>;
type Api = OnlineClient<SubstrateConfig>;

const UNIT: u128 = 1_000_000_000_000;
const ASK: u128 = 1_000_000;

/// The names and fields of the events of one extrinsic.
struct Events(Vec<(String, Composite<()>)>);

impl Events {
    /// The fields of the one event `name` (`Jobs.Posted`).
    fn only(&self, name: &str) -> &Composite<()> {
        let found: Vec<_> = self.0.iter().filter(|(seen, _)| seen == name).collect();
        match found[..] {
            [(_, fields)] => fields,
            _ => panic!("{} of {name} among {:?}", found.len(), self.0),
        }
    }
}

fn key(uri: &str) -> Any<Keypair> {
    Ok(Keypair::from_uri(&uri.parse::<SecretUri>()?)?)
}

// `value!` takes `name(..)` for a variant, so what is made by a function is bound to a name before it goes in.

fn account(key: &Keypair) -> Value {
    Value::from_bytes(key.public_key().0)
}

fn content(byte: u8) -> Value {
    value! { { codec: Raw(), sha256: Value::from_bytes([byte; 32]) } }
}

fn number(fields: &Composite<()>, name: &str) -> u128 {
    let field = fields.at(name).and_then(Value::as_u128);
    field.unwrap_or_else(|| panic!("no number {name} in {fields:?}"))
}

fn variant(value: Option<&Value>) -> &str {
    match value.map(|value| &value.value) {
        Some(ValueDef::Variant(variant)) => &variant.name,
        other => panic!("no variant but {other:?}"),
    }
}

/// Signs, submits and waits for finality, so that the next one finds its nonce in the block it starts from. The error of a
/// call that the chain refused is its `Pallet::Name`.
async fn send(api: &Api, pallet: &str, call: &str, fields: Value, signer: &Keypair) -> Any<Result<Events, String>> {
    let payload = dynamic::transaction(pallet, call, fields);
    let at = api.at_current_block().await?;
    let mut transactions = at.transactions();
    let progress = transactions
        .sign_and_submit_then_watch_default(&payload, signer)
        .await?;
    let events = match progress.wait_for_finalized_success().await {
        Ok(events) => events,
        Err(TransactionFinalizedSuccessError::SuccessError(TransactionEventsError::ExtrinsicFailed(
            DispatchError::Module(error),
        ))) => return Ok(Err(error.details_string())),
        Err(error) => return Err(error.into()),
    };
    let mut named = Vec::new();
    for event in events.iter() {
        let event = event?;
        let name = format!("{}.{}", event.pallet_name(), event.event_name());
        named.push((name, event.decode_fields_unchecked_as::<Composite<()>>()?));
    }
    Ok(Ok(Events(named)))
}

async fn free(api: &Api, who: &Keypair) -> Any<u128> {
    let address = dynamic::storage::<([u8; 32],), Value>("System", "Account");
    let at = api.at_current_block().await?;
    let found = at.storage().fetch(address, (who.public_key().0,)).await?.decode()?;
    let free = found
        .at("data")
        .and_then(|data| data.at("free"))
        .and_then(Value::as_u128);
    Ok(free.ok_or("an account has free funds")?)
}

async fn a_job(url: String) -> Any<()> {
    let api = Api::from_insecure_url(url).await?;
    let [creator, owner, device, user] = ["//Alice", "//Bob", "//Bob//device", "//Charlie"].map(key);
    let (creator, owner, device, user) = (creator?, owner?, device?, user?);

    let before = free(&api, &device).await.unwrap_or(0);
    let [owner_account, device_account] = [&owner, &device].map(account);
    let [manifest, sealed, input] = [1, 2, 7].map(content);
    let to = value! { Id(device_account.clone()) };
    let sent = send(
        &api,
        "Balances",
        "transfer_keep_alive",
        value! { { dest: to, value: 10 * UNIT } },
        &user,
    );
    let root = Value::from_bytes([4; 32]);
    let model = value! { {
        publication: {
            kind: TextModel(), name: Value::from_bytes("a model"), manifest: manifest, content: sealed,
            size_bytes: 4096u128, key_commitment: Value::from_bytes([3; 32]), royalty: 50_000u128, exact_root: Some(root),
            pieces_root: None(), records: None(), bases: ()
        },
        tags: (), tariffs: ()
    } };
    let published = send(&api, "Market", "publish", model, &creator);
    let (sent, published) = tokio::try_join!(sent, published)?;
    assert_eq!(number(sent?.only("Balances.Transfer"), "amount"), 10 * UNIT);
    assert_eq!(free(&api, &device).await?, before + 10 * UNIT);
    let model = number(published?.only("Market.Published"), "asset");

    let post = || {
        value! { {
            model: model, input: input.clone(), user_key: Value::from_bytes([8; 32]), max_tokens: 16u128,
            max_price: 20 * ASK, patience: Short(), arithmetic: Exact(), tier: None()
        } }
    };
    let device_key = [0xd1; 32];
    let message = [
        b"weft/device-consent/v1",
        api.genesis_hash().as_ref(),
        &owner.public_key().0[..],
    ]
    .concat();
    let call = |pallet: &str, call: Value| Value::unnamed_variant(pallet.to_owned(), [call]);
    let calls = Value::unnamed_composite([
        call(
            "Providers",
            value! { register {
                device: device_account, encryption_key: Value::from_bytes(device_key),
                endpoint: Value::from_bytes("http://127.0.0.1:1"), capacity: 1u128,
                consent: Sr25519(Value::from_bytes(device.sign(&message).0))
            } },
        ),
        call("Providers", value! { bond { amount: 100 * UNIT } }),
        call("Providers", value! { offer { model: model, ask_per_token: ASK } }),
        call("Providers", value! { resume {} }),
    ]);
    let (refused, registered) = tokio::try_join!(
        send(&api, "Jobs", "post", post(), &user),
        send(&api, "Utility", "batch_all", value! { { calls: calls } }, &owner),
    )?;
    assert_eq!(refused.err().as_deref(), Some("Jobs::NoProvider"));
    assert_eq!(number(registered?.only("Providers.Bonded"), "amount"), 100 * UNIT);

    let grant = value! { {
        asset: model, provider: owner_account, for_key: Value::from_bytes(device_key),
        wrapped: Value::from_bytes([5; 80])
    } };
    send(&api, "Market", "grant_key", grant, &creator)
        .await??
        .only("Market.KeyGranted");

    let posted = send(&api, "Jobs", "post", post(), &user).await??;
    let job = number(posted.only("Jobs.Posted"), "job");
    assert_eq!(number(posted.only("Jobs.Posted"), "max_price"), 20 * ASK);
    let assigned = posted.only("Jobs.Assigned");
    assert_eq!((number(assigned, "job"), number(assigned, "attempt")), (job, 1));

    // The runtime API and the storage say what the events said.
    let at = api.at_current_block().await?;
    let asked = dynamic::runtime_api_call::<_, Value>("JobsApi", "job", (job,));
    let view = at.runtime_apis().call(asked).await?;
    assert_eq!(variant(Some(&view)), "Some");

    let cancelled = send(&api, "Jobs", "cancel", value! { { job: job } }, &user).await??;
    let ended = cancelled.only("Jobs.Ended");
    assert_eq!(variant(ended.at("reason")), "Cancelled");
    let split = ended.at("split").ok_or("an ended job has a split")?;
    assert_eq!(split.at("refund").and_then(Value::as_u128), Some(20 * ASK));
    let receipts = dynamic::storage::<(u64,), Value>("Jobs", "Receipts");
    let at = api.at_current_block().await?;
    let receipt = at.storage().fetch(receipts, (u64::try_from(job)?,)).await?.decode()?;
    assert_eq!(variant(receipt.at("reason")), "Cancelled");
    Ok(())
}

#[test]
fn subxt_drives_a_dev_node() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let node = Node::start(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(180), a_job(node.url())).await });
    ended
        .expect("it takes a minute")
        .unwrap_or_else(|error| panic!("{error}"));
}
