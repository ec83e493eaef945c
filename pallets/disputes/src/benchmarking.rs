//! Costs of the calls in their worst case, and of each step that the hooks take.
//!
//! What is measured is as large as it can be: the lists of a model of 256 layers and of the largest vocabulary, whose digests need no
//! model behind them, and for the judge a tile of the widest layer of a model of SmolLM2's sizes, which does.

use alloc::{vec, vec::Vec};

use codec::{DecodeAll, Encode};
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{EnsureOrigin, Get, fungible::Mutate},
    weights::WeightMeter,
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::Saturating;
use weft_disputes::{Claim, Claimed, Fraud, Game, Judged, Move, Next, ShownSketch, Side, Stage, play::Sketch};
use weft_exact::{
    merkle::{self, Digest},
    model::root_of,
    opening::{multiproof, operators, reveal::prove_operator, step_root},
    program::{Choice, Config as Sizes, Op},
    trace::{Trace, token_leaves},
};
use weft_primitives::{Balance, JobId, registry::Challengeable};

use crate::{
    sample::{self, Run, bytes, sized},
    *,
};

const WEIGHTS: Digest = [7; 32];

fn fund<T: Config>(account: &T::AccountId) {
    let bonds: Balance = T::ChallengeBond::get().saturating_add(T::AppealBond::get());
    T::Currency::set_balance(account, bonds.saturating_mul(1_000).max(1_000_000_000));
}

fn challenger<T: Config>() -> T::AccountId {
    let challenger = whitelisted_caller();
    fund::<T>(&challenger);
    challenger
}

/// A job with this root, and its provider.
fn proposed<T: Config>(exact_root: Digest, trace_root: Digest) -> (JobId, T::AccountId) {
    let (user, provider) = (account("user", 0, 0), account("provider", 0, 0));
    fund::<T>(&user);
    let job = T::Results::benchmark_proposed(&user, &provider, exact_root, trace_root, [8; 32]);
    (job, provider)
}

/// A claim of a model that nobody has.
fn claim_of(config: Sizes, tokens: &[u32], cells: &[Digest]) -> Claim {
    let count = tokens.len() as u32;
    Claim {
        config,
        weights: WEIGHTS,
        trace: Trace {
            model: root_of(&config, &WEIGHTS),
            given: 1,
            count,
            tokens: merkle::root(&token_leaves(tokens)),
            choice: Choice::Greedy,
            cells: merkle::root(cells),
            kept: [0; 32],
            result: [0; 32],
        },
    }
}

fn claimed(claim: &Claim) -> Claimed {
    Claimed {
        claim: claim.clone(),
        among: None,
    }
}

/// A dispute about a claim, that has come to a stage.
fn at_stage<T: Config>(claim: Claim, stage: Stage) -> DisputeId {
    let (job, _) = proposed::<T>(claim.trace.model, claim.trace.root());
    let game = Game { claim, stage };
    challenged::<T>(job, &claimed(&game.claim));
    let id = NextDispute::<T>::get().saturating_sub(1);
    Disputes::<T>::mutate(id, |dispute| {
        if let Some(dispute) = dispute {
            dispute.awaited = Awaited::Move {
                claim: ClaimBytes::truncate_from(game.claim.encode()),
                stage,
            };
        }
    });
    id
}

fn challenged<T: Config>(job: JobId, claimed: &Claimed) {
    Pallet::<T>::challenge(RawOrigin::Signed(challenger::<T>()).into(), job, bytes(claimed), 0)
        .expect("the result may be challenged");
}

/// A dispute that waits for its first move, and the provider.
fn opened<T: Config>() -> (DisputeId, T::AccountId) {
    let claim = claim_of(sample::config(), &[1, 2, 3], &[[1; 32], [2; 32]]);
    let (job, provider) = proposed::<T>(claim.trace.model, claim.trace.root());
    challenged::<T>(job, &claimed(&claim));
    (NextDispute::<T>::get().saturating_sub(1), provider)
}

/// Goes on to the first block after the deadline of a dispute.
fn let_lapse<T: Config>(id: DisputeId) -> BlockNumberFor<T> {
    let until = Disputes::<T>::get(id).expect("it goes on").until;
    let now = until.saturating_add(1u32.into());
    frame_system::Pallet::<T>::set_block_number(now);
    NextDue::<T>::put(now);
    now
}

/// The operator with the most tiles, of a model with a vocabulary of so many tiles.
fn many_tiles(tiles: u32) -> (Claim, Vec<Digest>, Vec<Digest>, u16, Digest) {
    let config = sized([8_192, 1, 64, 8, 128, 8_192, 4 * tiles as usize, 8_192]);
    let claim = claim_of(config, &[1, 2], &[[1; 32]]);
    let program = weft_exact::program::Program::new(config).expect("the sizes go together");
    let all = operators(&program, &claim.trace, 0);
    let head = all.iter().position(|(_, op)| *op == Op::Head).expect("it has a head");
    let step = weft_exact::opening::step(&program, &claim.trace, 0, 0).expect("it has a step");
    let digests = vec![[3; 32]; program.tiles(Op::Head, &step)];
    let mut roots = vec![[5; 32]; all.len()];
    roots[head] = merkle::root(&digests);
    let root = step_root(&claim.trace, 0, &roots);
    (claim, digests, roots, head as u16, root)
}

/// An answer of a model of SmolLM2's sizes but for layers and tokens.
fn large_run() -> Run {
    sample::run(sized([576, 1, 9, 3, 64, 1_536, 64, 16]), 1, 2, None)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn challenge() {
        let config = sized([8_192, 256, 64, 8, 128, 8_192, 64, 64]);
        let claim = claim_of(config, &[1, 2], &[[1; 32]]);
        let (job, _) = proposed::<T>(claim.trace.model, claim.trace.root());
        let challenger = challenger::<T>();
        let claimed = bytes(&claimed(&claim));

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), job, claimed, 0);

        assert_eq!(Disputes::<T>::iter_keys().count(), 1);
    }

    #[benchmark]
    fn demand() {
        let (job, _) = proposed::<T>([1; 32], [2; 32]);
        let challenger = challenger::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), job, 0);

        assert_eq!(Disputes::<T>::iter_keys().count(), 1);
    }

    /// Of so many bytes: each position has a token and a cell.
    #[benchmark]
    fn show_sketch(b: Linear<1_000, { T::MaxRevealBytes::get() / 4 }>) {
        let count = (b as usize / 36).clamp(2, 8_000);
        let tokens: Vec<u32> = (0..count as u32).collect();
        let cells: Vec<Digest> = vec![[9; 32]; count - 1];
        let config = sized([64, 2, 4, 2, 16, 96, 50, 8_192]);
        let claim = claim_of(config, &tokens, &cells);
        let (job, provider) = proposed::<T>(claim.trace.model, claim.trace.root());
        Pallet::<T>::demand(RawOrigin::Signed(challenger::<T>()).into(), job, 0).expect("it may be challenged");
        let shown = ShownSketch {
            claimed: claimed(&claim),
            sketch: Sketch {
                tokens,
                cells,
                result: [0; 32],
            },
        };
        let shown = bytes(&shown);

        #[extrinsic_call]
        _(RawOrigin::Signed(provider), 0, shown);

        assert!(Disputes::<T>::get(0).is_some_and(|dispute| matches!(dispute.awaited, Awaited::Move { .. })));
    }

    #[benchmark]
    fn name_place() {
        let (claim, digests, _, operator, root) = many_tiles(32_000);
        let tiles = merkle::root(&digests);
        let stage = Stage::Tile {
            position: 0,
            root,
            operator,
            tiles,
        };
        let id = at_stage::<T>(claim, stage);
        let tile = 31_000;
        let named = Move::NameTile {
            tile,
            claimed: digests[tile as usize],
            siblings: multiproof::prove(&digests, &[u64::from(tile)]).expect("there is such a tile"),
        };
        let challenger = challenger::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), id, bytes(&named));

        assert!(Disputes::<T>::get(id).is_some_and(|dispute| dispute.moves == 2));
    }

    /// Of so many bytes.
    #[benchmark]
    fn reveal(b: Linear<1_000, { T::MaxRevealBytes::get() - 10_000 }>) {
        let (claim, tiles, roots, operator, root) = many_tiles(b / 32);
        let stage = Stage::Tiles {
            position: 0,
            root,
            operator,
        };
        let id = at_stage::<T>(claim, stage);
        let siblings = prove_operator(&roots, operator.into()).expect("there is such an operator");
        let revealed: BoundedVec<u8, T::MaxRevealBytes> = bytes(&Move::RevealTiles { tiles, siblings });
        let provider = Disputes::<T>::get(id).expect("it goes on").provider;

        #[extrinsic_call]
        _(RawOrigin::Signed(provider), id, revealed);

        assert!(Disputes::<T>::get(id).is_some_and(|dispute| dispute.moves == 2));
    }

    /// What it costs to compute and compare. That the dispute ends then is measured by itself.
    #[benchmark]
    fn judge() {
        let run = large_run();
        let all = operators(run.model.program(), &run.trace, 0);
        let place = all.iter().position(|(_, op)| *op == Op::Down).expect("it has one");
        let game = sample::at_tile(&run, 0, place, 0);
        let opening = run.defend(&game, 0).expect("what it computed it can open");
        let opening: BoundedVec<u8, T::MaxProofBytes> = bytes(&opening);
        assert!(opening.len() > 50_000);
        let judged;

        #[block]
        {
            judged = Move::decode_all(&mut &opening[..]).map(|made| game.step(Side::Provider, &made));
        }

        assert_eq!(judged, Ok(Ok(Next::Over(Judged::Right))));
    }

    #[benchmark]
    fn refuted() {
        let (id, _) = opened::<T>();
        let dispute = Disputes::<T>::get(id).expect("it goes on");

        #[block]
        {
            Pallet::<T>::end(id, dispute, Verdict::Lied(Fraud::Tile));
        }

        assert!(!Disputes::<T>::contains_key(id));
    }

    #[benchmark]
    fn upheld() {
        let (id, _) = opened::<T>();
        let dispute = Disputes::<T>::get(id).expect("it goes on");
        let until = T::Results::proposed(dispute.job).expect("it is not paid yet").until;
        frame_system::Pallet::<T>::set_block_number(until.saturating_add(1u32.into()));

        #[block]
        {
            Pallet::<T>::end(id, dispute, Verdict::Right);
        }

        assert!(!Disputes::<T>::contains_key(id));
    }

    #[benchmark]
    fn appeal() {
        let (id, provider) = opened::<T>();
        let_lapse::<T>(id);
        Pallet::<T>::do_expire(id).expect("it is due");
        fund_more::<T>(&provider);

        #[extrinsic_call]
        _(RawOrigin::Signed(provider), id);

        assert!(Disputes::<T>::get(id).is_some_and(|dispute| matches!(dispute.standing, Standing::Appealed(_))));
    }

    #[benchmark]
    fn rule() {
        let (id, provider) = opened::<T>();
        let_lapse::<T>(id);
        Pallet::<T>::do_expire(id).expect("it is due");
        fund_more::<T>(&provider);
        Pallet::<T>::do_appeal(provider, id).expect("it was silent");
        let origin: T::RuntimeOrigin = T::GovernanceOrigin::try_successful_origin().expect("somebody governs");

        #[extrinsic_call]
        _(origin, id, true);

        assert!(Disputes::<T>::get(id).is_some_and(|dispute| dispute.standing == Standing::Open));
    }

    #[benchmark]
    fn due_lapsed() {
        let (id, _) = opened::<T>();
        let now = let_lapse::<T>(id);
        let mut meter = WeightMeter::new();

        #[block]
        {
            Pallet::<T>::handle_due(now, 1, &mut meter);
        }

        assert!(Disputes::<T>::get(id).is_some_and(|dispute| matches!(dispute.standing, Standing::Lapsed(_))));
    }

    /// A dispute that is moot, whose end costs the least.
    #[benchmark]
    fn due_ended() {
        let (id, _) = opened::<T>();
        Disputes::<T>::mutate(id, |dispute| {
            if let Some(dispute) = dispute {
                dispute.job = JobId::MAX;
            }
        });
        DisputesOfJob::<T>::insert(JobId::MAX, id, ());
        let now = let_lapse::<T>(id);
        let mut meter = WeightMeter::new();

        #[block]
        {
            Pallet::<T>::handle_due(now, 1, &mut meter);
        }

        assert!(!Disputes::<T>::contains_key(id));
    }

    #[benchmark]
    fn due_passed() {
        let now = frame_system::Pallet::<T>::block_number().saturating_add(1u32.into());
        NextDue::<T>::put(now);
        let mut meter = WeightMeter::new();

        #[block]
        {
            Pallet::<T>::handle_due(now, 1, &mut meter);
        }

        assert!(NextDue::<T>::get() > now);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}

/// Leaves what is held, and adds what an appeal costs.
fn fund_more<T: Config>(account: &T::AccountId) {
    let bond: Balance = T::AppealBond::get();
    T::Currency::mint_into(account, bond.saturating_mul(10)).expect("a benchmark's currency can be minted");
}
