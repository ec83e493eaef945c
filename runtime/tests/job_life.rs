//! The real pallets together: a job from registration to receipt.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::DispatchClass,
    traits::{Hooks, fungible::InspectHold},
    weights::Weight,
};
use pallet_jobs::WeightInfo;
use sp_core::{Pair, sr25519};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve};
use sp_runtime::{
    BuildStorage, MultiSignature,
    generic::Era,
    traits::{IdentifyAccount, TransactionExtension},
};
use weft_primitives::{
    AssetKind, ContentCodec, ContentId,
    device::consent_message,
    job::{Arithmetic, Patience, Reason},
    job_view::JobState,
    price,
    tier::Tier,
};
use weft_runtime::{
    AccountId, Balance, Balances, BlockNumber, Jobs, Market, Providers, Runtime, RuntimeCall, RuntimeGenesisConfig,
    RuntimeOrigin, System, TxExtension, UNIT,
    configs::{RuntimeBlockWeights, TreasuryAccount},
    weights,
};

const ENDOWMENT: Balance = 10_000 * UNIT;
const ASK: Balance = UNIT / 1_000;

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::Raw,
        sha256: [byte; 32],
    }
}

fn device(owner: &AccountId) -> sr25519::Pair {
    sr25519::Pair::from_seed(AsRef::<[u8; 32]>::as_ref(owner))
}

fn device_account(owner: &AccountId) -> AccountId {
    sp_runtime::MultiSigner::from(device(owner).public()).into_account()
}

fn encryption_key(owner: &AccountId) -> [u8; 32] {
    sp_io::hashing::blake2_256(owner.as_ref())
}

fn next_block() {
    let now = System::block_number() + 1;
    System::set_block_number(now);
    <Jobs as Hooks<BlockNumber>>::on_initialize(now);
}

fn network(test: impl FnOnce()) {
    let people = [Alice, Bob, Charlie, Dave, Eve].map(|who| who.to_account_id());
    let endowed = people
        .iter()
        .flat_map(|owner| [owner.clone(), device_account(owner)])
        .chain([TreasuryAccount::get()])
        .map(|account| (account, ENDOWMENT));
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed.collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut ext = sp_io::TestExternalities::new(genesis.build_storage().expect("the genesis is sound"));
    ext.execute_with(|| {
        System::set_block_number(1);
        test();
    });
}

fn register(owner: &AccountId) {
    let genesis: [u8; 32] = System::block_hash(0).into();
    let consent = device(owner).sign(&consent_message(&genesis, owner));
    let origin = RuntimeOrigin::signed(owner.clone());
    assert_ok!(Providers::register(
        origin.clone(),
        device_account(owner),
        encryption_key(owner),
        b"http://127.0.0.1:7000".to_vec().try_into().expect("short enough"),
        1,
        MultiSignature::Sr25519(consent),
    ));
    assert_ok!(Providers::bond(origin, 200 * UNIT));
}

/// Bob publishes an exact model; Charlie and Dave are ready to run it, Dave for half as much again.
fn ready_market() -> u64 {
    let bob = Bob.to_account_id();
    let model = pallet_market::Publication {
        kind: AssetKind::TextModel,
        name: b"SmolLM2".to_vec().try_into().expect("short enough"),
        manifest: content(1),
        content: content(2),
        size_bytes: 1 << 20,
        key_commitment: [3; 32],
        royalty: 100_000,
        exact_root: Some([9; 32]),
        pieces_root: None,
        records: None,
        bases: Default::default(),
    };
    assert_ok!(Market::publish(
        RuntimeOrigin::signed(bob.clone()),
        model,
        Default::default(),
        Default::default(),
    ));
    let model = 0;
    for (owner, ask) in [(Charlie.to_account_id(), ASK), (Dave.to_account_id(), ASK * 3 / 2)] {
        register(&owner);
        let origin = RuntimeOrigin::signed(owner.clone());
        assert_ok!(Providers::offer(origin.clone(), model, ask));
        assert_ok!(Market::grant_key(
            RuntimeOrigin::signed(bob.clone()),
            model,
            owner.clone(),
            encryption_key(&owner),
            [7; 80]
        ));
        assert_ok!(Providers::resume(origin));
    }
    model
}

fn post(model: u64, max_price: Balance) -> RuntimeCall {
    post_by(model, max_price, Arithmetic::Float)
}

fn post_by(model: u64, max_price: Balance, arithmetic: Arithmetic) -> RuntimeCall {
    RuntimeCall::Jobs(pallet_jobs::Call::post {
        model,
        input: content(9),
        user_key: [5; 32],
        max_tokens: 100,
        max_price,
        patience: Patience::Short,
        arithmetic,
        tier: Tier::None,
    })
}

fn booked(job: u64) -> AccountId {
    match Jobs::job(job).expect("the job exists").state {
        JobState::Living(living) => living.provider,
        JobState::Ended(ended) => panic!("the job ended: {:?}", ended.reason),
    }
}

fn dispatch(call: RuntimeCall, who: AccountId) -> sp_runtime::DispatchResult {
    use sp_runtime::traits::Dispatchable;
    call.dispatch(RuntimeOrigin::signed(who))
        .map(|_| ())
        .map_err(|error| error.error)
}

#[test]
fn the_cheapest_provider_computes_and_everyone_is_paid_to_the_unit() {
    network(|| {
        let model = ready_market();
        let (alice, charlie) = (Alice.to_account_id(), Charlie.to_account_id());
        let balances = || {
            [
                Alice.to_account_id(),
                Bob.to_account_id(),
                charlie.clone(),
                TreasuryAccount::get(),
            ]
            .map(|who| Balances::free_balance(who) as i128)
        };
        let before = balances();
        assert_ok!(dispatch(post(model, 100 * ASK * 2), alice.clone()));
        assert_eq!(booked(0), charlie);
        assert_ok!(Jobs::release_input(
            RuntimeOrigin::signed(alice),
            0,
            encryption_key(&charlie),
            [8; 80]
        ));
        next_block();
        assert_ok!(Jobs::commit(
            RuntimeOrigin::signed(device_account(&charlie)),
            0,
            content(10),
            [4; 32],
            [6; 80],
            40,
            None,
            None
        ));
        let paid = 40 * ASK as i128;
        let treasury = price::share_of(40 * ASK, 20_000) as i128;
        let royalty = price::share_of((paid - treasury) as u128, 100_000) as i128;
        let after = balances();
        assert_eq!(after[0] - before[0], -paid);
        assert_eq!(after[1] - before[1], royalty);
        assert_eq!(after[2] - before[2], paid - treasury - royalty);
        assert_eq!(after[3] - before[3], treasury);
        assert_eq!(Balances::total_balance_on_hold(&Alice.to_account_id()), 0);
        let JobState::Ended(receipt) = Jobs::job(0).expect("there is a receipt").state else {
            panic!("the job should have ended")
        };
        assert_eq!(receipt.reason, Reason::Completed);
    });
}

#[test]
fn an_exact_jobs_receipt_has_its_trace_root() {
    network(|| {
        let model = ready_market();
        let (alice, charlie) = (Alice.to_account_id(), Charlie.to_account_id());
        assert_eq!(
            Market::asset(model).expect("it was published").exact_root,
            Some([9; 32])
        );
        assert_ok!(dispatch(post_by(model, 100 * ASK, Arithmetic::Exact), alice.clone()));
        assert_ok!(Jobs::release_input(
            RuntimeOrigin::signed(alice),
            0,
            encryption_key(&charlie),
            [8; 80]
        ));
        let device = RuntimeOrigin::signed(device_account(&charlie));
        assert_noop!(
            Jobs::commit(device.clone(), 0, content(10), [4; 32], [6; 80], 40, None, None),
            pallet_jobs::Error::<Runtime>::TraceRootMissing
        );
        assert_ok!(Jobs::commit(
            device,
            0,
            content(10),
            [4; 32],
            [6; 80],
            40,
            Some([7; 32]),
            None
        ));
        let JobState::Ended(receipt) = Jobs::job(0).expect("there is a receipt").state else {
            panic!("the job should have ended")
        };
        assert_eq!(receipt.trace_root, Some([7; 32]));
    });
}

#[test]
fn a_silent_provider_loses_the_job_to_the_next_and_is_paused() {
    network(|| {
        let model = ready_market();
        let (alice, charlie, dave) = (Alice.to_account_id(), Charlie.to_account_id(), Dave.to_account_id());
        assert_ok!(dispatch(post(model, 100 * ASK * 2), alice.clone()));
        assert_ok!(Jobs::release_input(
            RuntimeOrigin::signed(alice.clone()),
            0,
            encryption_key(&charlie),
            [8; 80]
        ));
        while booked(0) == charlie {
            next_block();
            assert!(System::block_number() < 100, "the deadline never came");
        }
        assert_eq!(booked(0), dave);
        assert_noop!(
            Jobs::commit(
                RuntimeOrigin::signed(device_account(&charlie)),
                0,
                content(10),
                [4; 32],
                [6; 80],
                40,
                None,
                None
            ),
            pallet_jobs::Error::<Runtime>::NotAssignedToYou
        );
        // The absent one is not matched again until they say that they are back.
        assert_noop!(
            dispatch(post(model, 100 * ASK), Eve.to_account_id()),
            pallet_jobs::Error::<Runtime>::NoProvider
        );
        assert_ok!(Providers::resume(RuntimeOrigin::signed(device_account(&charlie))));
        assert_ok!(dispatch(post(model, 100 * ASK), Eve.to_account_id()));
        // The user's silence ends the job too, and costs nobody.
        for _ in 0..30 {
            next_block();
        }
        let JobState::Ended(receipt) = Jobs::job(0).expect("there is a receipt").state else {
            panic!("the job should have ended")
        };
        assert_eq!(receipt.reason, Reason::InputWithheld);
        assert_eq!(receipt.split.refund, 100 * ASK * 2);
    });
}

/// A job that goes well, from its posting to the removal of its receipt, against what fits in a block. `make bench` shows
/// what this prints.
#[test]
fn a_jobs_life_costs_less_than_a_five_hundredth_of_a_block() {
    type Cost = weights::pallet_jobs::WeightInfo<Runtime>;
    let limits = RuntimeBlockWeights::get();
    let percent = |weight: Weight| 100.0 * weight.ref_time() as f64 / limits.max_block.ref_time() as f64;
    let hooks = Cost::due_passed() + Cost::due_pruned();
    // How many offers leave the book with the booking and come back with the commit.
    let life = |offers| Cost::post(offers) + Cost::release_input() + Cost::commit(offers, 1) + hooks;
    let transactions = limits.get(DispatchClass::Normal).base_extrinsic * 3;
    let extensions = extension().weight(&post(0, 0)) * 3;
    println!(
        "a job's life: {:.3}% of a block with a slot to spare, {:.3}% on a device with one slot and one offer",
        percent(life(0)),
        percent(life(1))
    );
    println!(
        "its three transactions besides: {:.3}% for their bodies, {:.3}% for their extensions",
        percent(transactions),
        percent(extensions)
    );
    assert!(percent(life(1)) < 0.2);
    assert!(percent(life(0) + transactions) < 0.2);
}

/// Of a mortal transaction, as clients send them.
fn extension() -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::mortal(64, 0)),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

#[test]
fn a_price_below_every_ask_is_refused_with_its_own_error() {
    network(|| {
        let model = ready_market();
        assert_noop!(
            dispatch(post(model, 100 * ASK / 2), Alice.to_account_id()),
            pallet_jobs::Error::<Runtime>::PriceBelowAsk
        );
    });
}
