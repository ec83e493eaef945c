//! The real pallets together: wrong results, from their commit to the last unit of what their provider loses; and what disputes cost.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../primitives/exact/tests/models/mod.rs"]
mod models;
#[path = "../../primitives/exact/tests/numbers/mod.rs"]
mod numbers;
#[path = "../../primitives/exact/tests/runs/mod.rs"]
mod runs;

use codec::{DecodeAll, Encode};
use frame_support::{
    assert_noop, assert_ok,
    traits::{Get, Hooks, fungible::InspectHold},
};
use pallet_disputes::{DisputeOf, WeightInfo};
use sp_core::{Pair, sr25519};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Eve, Ferdie};
use sp_runtime::{BuildStorage, MultiSignature, traits::IdentifyAccount};
use weft_disputes::{Claim, Claimed, Game, Move, Side, play::Answer};
use weft_exact::{
    linear::{Bits, Shape},
    merkle,
    model::Model,
    opening::{size, steps},
    program::{Address, Choice, Config, Family, Program, Shapes},
    quantise::Width,
    reference::{Memory, Record, Reference},
    trace::{Committed, Trace, token_leaves},
};
use weft_primitives::{
    AssetKind, ContentCodec, ContentId,
    device::consent_message,
    job::{Arithmetic, Patience, Reason},
    job_view::JobState,
    tier::{Challenges, Tier, Window},
};
use weft_runtime::{
    AccountId, Balance, Balances, BlockNumber, Disputes, Jobs, Market, Providers, Runtime, RuntimeGenesisConfig,
    RuntimeOrigin, System, UNIT,
    configs::{RuntimeBlockWeights, TreasuryAccount},
    weights,
};

const ENDOWMENT: Balance = 10_000 * UNIT;
const ASK: Balance = UNIT / 1_000;
const STAKE: Balance = 200 * UNIT;
/// Of which the winner gets so much.
const REWARD: Balance = STAKE * 4 / 10;

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

fn signed(who: &AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.clone())
}

fn next_block() {
    let now = System::block_number() + 1;
    System::set_block_number(now);
    <Jobs as Hooks<BlockNumber>>::on_initialize(now);
    <Disputes as Hooks<BlockNumber>>::on_initialize(now);
}

fn wait(blocks: BlockNumber) {
    (0..blocks).for_each(|_| next_block());
}

/// An answer, right or wrong, with all that belongs to it.
struct Held {
    model: Model,
    trace: Trace,
    tokens: Vec<u32>,
    memory: Memory,
    records: Vec<Record>,
}

impl Held {
    /// Of a small model, of which one position was computed with another one.
    fn new(lie_at: Option<usize>) -> Self {
        let config = models::llama(models::PLAIN);
        let model = models::model(config);
        let other = models::model(Config {
            epsilon: config.epsilon * 3 + 1_000_000,
            ..config
        });
        let (given, count) = (8, 30);
        let mut tokens: Vec<u32> = (0..given).map(|at| (at * 17 % config.vocabulary) as u32).collect();
        let (mut memory, mut records) = (Memory::default(), Vec::new());
        for position in 0..count - 1 {
            let choice = if position + 1 >= given {
                Choice::Greedy
            } else {
                Choice::Given
            };
            let of = if lie_at == Some(position) { &other } else { &model };
            let record = Reference::new(of)
                .advance(&mut memory, tokens[position], choice)
                .unwrap();
            tokens.extend((position + 1 == tokens.len()).then(|| record.token().unwrap()));
            records.push(record);
        }
        let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
        let (cells, _) = Committed::of_all(model.program(), count - 1, write).roots();
        let trace = Trace {
            model: model.root(),
            given: given as u32,
            count: count as u32,
            tokens: merkle::root(&token_leaves(&tokens)),
            choice: Choice::Greedy,
            cells,
            kept: [0; 32],
            result: [0; 32],
        };
        Self {
            model,
            trace,
            tokens,
            memory,
            records,
        }
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            model: &self.model,
            trace: &self.trace,
            tokens: &self.tokens,
            memory: &self.memory,
        }
    }

    fn claimed(&self) -> Claimed {
        Claimed {
            claim: Claim {
                config: *self.model.program().config(),
                weights: merkle::root(&self.model.leaves()),
                trace: self.trace.clone(),
            },
            among: None,
        }
    }
}

/// Bob publishes the model, Charlie runs it, Alice has a job done by him whose result is `answer`.
fn network(answer: &Held, test: impl FnOnce()) {
    let people = [Alice, Bob, Charlie, Eve, Ferdie].map(|who| who.to_account_id());
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
    let mut ext = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    ext.execute_with(|| {
        System::set_block_number(1);
        let (alice, bob, charlie) = (Alice.to_account_id(), Bob.to_account_id(), Charlie.to_account_id());
        let published = pallet_market::Publication {
            kind: AssetKind::TextModel,
            name: b"small".to_vec().try_into().unwrap(),
            manifest: content(1),
            content: content(2),
            size_bytes: 1 << 20,
            key_commitment: [3; 32],
            royalty: 100_000,
            exact_root: Some(answer.model.root()),
            pieces_root: None,
            records: None,
            bases: Default::default(),
        };
        assert_ok!(Market::publish(
            signed(&bob),
            published,
            Default::default(),
            Default::default()
        ));
        let genesis: [u8; 32] = System::block_hash(0).into();
        let consent = device(&charlie).sign(&consent_message(&genesis, &charlie));
        assert_ok!(Providers::register(
            signed(&charlie),
            device_account(&charlie),
            [4; 32],
            b"http://127.0.0.1:7000".to_vec().try_into().unwrap(),
            1,
            MultiSignature::Sr25519(consent),
        ));
        assert_ok!(Providers::bond(signed(&charlie), STAKE));
        assert_ok!(Providers::offer(signed(&charlie), 0, ASK));
        assert_ok!(Market::grant_key(signed(&bob), 0, charlie.clone(), [4; 32], [7; 80]));
        assert_ok!(Providers::resume(signed(&charlie)));
        let tier = Tier::Exact(Challenges {
            window: Window::Short,
            prompt: None,
            open: true,
        });
        assert_ok!(Jobs::post(
            signed(&alice),
            0,
            content(9),
            [5; 32],
            100,
            100 * ASK,
            Patience::Short,
            Arithmetic::Exact,
            tier,
        ));
        assert_ok!(Jobs::release_input(signed(&alice), 0, [4; 32], [8; 80]));
        next_block();
        assert_ok!(Jobs::commit(
            signed(&device_account(&charlie)),
            0,
            content(10),
            [4; 32],
            [6; 80],
            22,
            Some(answer.trace.root()),
            None
        ));
        let issued = Balances::total_issuance();
        test();
        assert_eq!(Balances::total_issuance(), issued, "money appeared or vanished");
    });
}

fn bytes<S: Get<u32>>(of: &impl Encode) -> frame_support::BoundedVec<u8, S> {
    frame_support::BoundedVec::try_from(of.encode()).unwrap()
}

fn dispute(id: u64) -> Option<DisputeOf<Runtime>> {
    pallet_disputes::Disputes::<Runtime>::get(id)
}

fn game(id: u64) -> Option<Game> {
    match dispute(id)?.awaited {
        pallet_disputes::Awaited::Move { claim, stage } => Some(Game {
            claim: Claim::decode_all(&mut &claim[..]).unwrap(),
            stage,
        }),
        pallet_disputes::Awaited::Sketch { .. } => None,
    }
}

fn play(who: &AccountId, id: u64, made: &Move) -> frame_support::dispatch::DispatchResultWithPostInfo {
    match made {
        Move::Open(_) | Move::Refute(_) => Disputes::judge(signed(who), id, bytes(made)),
        Move::RevealStep(_) | Move::RevealTiles { .. } | Move::RevealLeaves(_) | Move::ShowLeaf(_) => {
            Disputes::reveal(signed(who), id, bytes(made))
        }
        _ => Disputes::name_place(signed(who), id, bytes(made)),
    }
}

/// Eve, who has the right answer, against Charlie: each moves once a block. How many moves it took, the challenge included.
fn see_through(id: u64, wrong: &Held, right: &Held, position: u32) -> u32 {
    let (eve, device) = (Eve.to_account_id(), device_account(&Charlie.to_account_id()));
    let at = position as usize;
    let (mut moves, mut step, mut tiles) = (1, None, Vec::new());
    while let Some(game) = game(id) {
        use weft_disputes::Stage;
        let record = &right.records[at];
        let (who, made) = match game.stage {
            Stage::Operator { .. } => {
                let named = right
                    .answer()
                    .name(at, record, &wrong.answer().sketch(), step.as_ref().unwrap());
                (&eve, named)
            }
            Stage::Tile { .. } => (&eve, right.answer().name_tile(&game, record, &tiles).unwrap()),
            Stage::Judge { .. } => {
                let sketch = wrong.answer().sketch();
                let refuting = right.answer().refute(&game, record, step.as_ref().unwrap(), &sketch);
                (&eve, refuting.unwrap().unwrap())
            }
            _ => (
                &device,
                wrong.answer().defend(&game, &wrong.records[at]).unwrap().unwrap(),
            ),
        };
        match &made {
            Move::RevealStep(revealed) => step = Some(revealed.clone()),
            Move::RevealTiles { tiles: revealed, .. } => tiles = revealed.clone(),
            _ => {}
        }
        assert_ok!(play(who, id, &made));
        moves += 1;
        next_block();
    }
    moves
}

fn free(who: &AccountId) -> Balance {
    Balances::free_balance(who)
}

#[test]
fn a_wrong_result_costs_its_provider_everything_and_its_user_nothing() {
    let (wrong, right) = (Held::new(Some(17)), Held::new(None));
    network(&wrong, || {
        let (alice, charlie, eve) = (Alice.to_account_id(), Charlie.to_account_id(), Eve.to_account_id());
        let treasury = TreasuryAccount::get();
        let (eves, before) = (free(&eve), free(&treasury));
        let position = right.answer().doubt(&wrong.answer().sketch()).unwrap();
        assert_eq!(position, 17);
        let began = System::block_number();
        assert_ok!(Disputes::challenge(signed(&eve), 0, bytes(&wrong.claimed()), position));
        // Leaving does not help: what is on its way out answers, too.
        assert_ok!(Providers::unbond(signed(&charlie), STAKE));
        next_block();
        assert_noop!(
            Providers::deregister(signed(&charlie)),
            pallet_providers::Error::<Runtime>::StakeRemains
        );
        assert_eq!(see_through(0, &wrong, &right, position), 6);
        assert!(System::block_number() - began < 20);

        let JobState::Ended(receipt) = Jobs::job(0).unwrap().state else {
            panic!("the job should have ended")
        };
        assert_eq!((receipt.reason, receipt.split.refund), (Reason::Refuted, 100 * ASK));
        assert_eq!(free(&alice), ENDOWMENT);
        assert_eq!(free(&eve), eves + REWARD);
        assert_eq!(free(&treasury), before + STAKE - REWARD);
        let provider = Providers::provider(charlie.clone()).unwrap();
        assert_eq!(
            (provider.stake, provider.unbonding, provider.seized, provider.refuted),
            (0, 0, 0, 1)
        );
        assert_eq!(Balances::total_balance_on_hold(&eve), 0);
        assert_noop!(
            Disputes::challenge(signed(&eve), 0, bytes(&wrong.claimed()), position),
            pallet_disputes::Error::<Runtime>::NothingToChallenge
        );
        assert_noop!(
            Providers::withdraw_unbonded(signed(&charlie)),
            pallet_providers::Error::<Runtime>::NothingDue
        );
    });
}

#[test]
fn a_right_result_is_paid_when_its_window_has_passed_whatever_was_challenged() {
    let right = Held::new(None);
    network(&right, || {
        let (charlie, eve) = (Charlie.to_account_id(), Eve.to_account_id());
        let paid_before = free(&charlie);
        assert_ok!(Disputes::challenge(signed(&eve), 0, bytes(&right.claimed()), 5));
        let device = device_account(&charlie);
        let mut tiles = Vec::new();
        while let Some(game) = game(0) {
            let (who, made) = match game.stage.turn() {
                Side::Provider => (
                    &device,
                    right.answer().defend(&game, &right.records[5]).unwrap().unwrap(),
                ),
                Side::Challenger if tiles.is_empty() => (&eve, Move::NameOperator(7)),
                Side::Challenger => {
                    let siblings = weft_exact::opening::multiproof::prove(&tiles, &[0]).unwrap();
                    let named = Move::NameTile {
                        tile: 0,
                        claimed: tiles[0],
                        siblings,
                    };
                    (&eve, named)
                }
            };
            if let Move::RevealTiles { tiles: revealed, .. } = &made {
                tiles = revealed.clone();
            }
            assert_ok!(play(who, 0, &made));
            next_block();
        }
        // Of the bond of 10 the provider has four tenths, and the job's pay is still to come.
        assert_eq!(free(&charlie), paid_before + 4 * UNIT);
        wait(60);
        let JobState::Ended(receipt) = Jobs::job(0).unwrap().state else {
            panic!("the job should have ended")
        };
        assert_eq!(receipt.reason, Reason::Completed);
        assert_eq!(free(&charlie), paid_before + 4 * UNIT + receipt.split.provider);
    });
}

#[test]
fn whoever_is_silent_loses_after_the_time_for_an_appeal() {
    let wrong = Held::new(Some(17));
    network(&wrong, || {
        let (charlie, ferdie) = (Charlie.to_account_id(), Ferdie.to_account_id());
        assert_ok!(Disputes::demand(signed(&ferdie), 0, 0));
        // Five minutes to move, and two hours to appeal.
        wait(101);
        assert_eq!(Providers::provider(charlie.clone()).unwrap().seized, STAKE);
        assert!(!Providers::provider(charlie.clone()).unwrap().offers.is_empty());
        wait(2_401);
        assert_eq!(free(&ferdie), ENDOWMENT + REWARD);
        let JobState::Ended(receipt) = Jobs::job(0).unwrap().state else {
            panic!("the job should have ended")
        };
        assert_eq!(receipt.reason, Reason::Refuted);
    });
}

/// SmolLM2's sizes.
fn smollm2() -> Config {
    let shape = |columns| Shape {
        columns,
        group: columns,
        bits: Bits::Eight,
        bias: false,
    };
    Config {
        family: Family::Llama,
        width: 576,
        layers: 30,
        heads: 9,
        kv_heads: 3,
        head_width: 64,
        inner: 1_536,
        vocabulary: 49_152,
        context: 8_192,
        epsilon: 167_772,
        to_log2: models::to_log2(64),
        precision: models::precision(Width::Wide),
        shapes: Shapes {
            embedding: shape(576),
            query_key_value: shape(576),
            output: shape(576),
            up: shape(576),
            down: shape(1_536),
            head: shape(576),
        },
    }
}

/// What a dispute about a text of 512 tokens, and about one of the longest context, shows at most, and what it costs. `make bench`
/// shows what this prints.
#[test]
fn what_a_dispute_shows_and_costs_is_within_its_bounds() {
    type Cost = weights::pallet_disputes::WeightInfo<Runtime>;
    let config = smollm2();
    let program = Program::new(config).unwrap();
    for count in [513, 8_193] {
        let trace = Trace {
            model: [0; 32],
            given: 20,
            count,
            tokens: [0; 32],
            choice: runs::RANDOM,
            cells: [0; 32],
            kept: [0; 32],
            result: [0; 32],
        };
        let mut opening = 0;
        let last = steps(&program, &trace) - 1;
        for position in [0, 1, 15, 16, last / 2, last - 1, last] {
            let step = weft_exact::opening::step(&program, &trace, position, 0).unwrap();
            for (layer, op) in weft_exact::opening::operators(&program, &trace, position) {
                let tiles = program.tiles(op, &step);
                for tile in [0, tiles / 2, tiles - 1] {
                    opening = opening.max(size(&program, &trace, Address { layer, op, tile }, position).unwrap());
                }
            }
        }
        let claim = Claim {
            config,
            weights: [0; 32],
            trace,
        };
        let reveal = claim.reveal_bytes(&program);
        println!(
            "a dispute about {} tokens: {opening} bytes of an opening, {reveal} of a reveal",
            count - 1
        );
        assert!(opening < 60_000 && reveal < 96 * 1_024, "{opening} {reveal}");
    }
    let most = <Runtime as pallet_disputes::Config>::MaxProofBytes::get();
    let end = Cost::refuted().max(Cost::upheld());
    let judge = Cost::judge() + Cost::reveal(most) + end;
    let block = RuntimeBlockWeights::get().max_block;
    let percent = 100.0 * judge.ref_time() as f64 / block.ref_time() as f64;
    println!("the judge's call: {percent:.2}% of a block, with {most} bytes and the end of dispute and job");
    assert!(percent < 5.0);
}
