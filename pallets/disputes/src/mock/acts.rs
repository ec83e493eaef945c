//! What providers and challengers do.

use std::sync::OnceLock;

use frame_support::traits::{
    Hooks,
    fungible::{Inspect, InspectHold},
};
use sp_runtime::{DispatchResult, traits::Dispatchable};
use weft_disputes::{Claim, Game, Move, Side};

use super::*;
use crate::{
    Awaited, Call, DisputeId, Event, HoldReason, Verdict,
    sample::{self, Run, bytes},
};

/// The right answer.
pub fn honest() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| sample::run(sample::config(), 6, 24, None))
}

/// One of which the tenth position was computed with another model.
pub fn liar() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| sample::run(sample::config(), 6, 24, Some(9)))
}

/// A job with this answer, which anybody may challenge.
pub fn job_of(run: &Run) -> JobId {
    propose(run.model.root(), run.trace.root(), None, true)
}

pub fn propose(exact_root: [u8; 32], trace_root: [u8; 32], prompt: Option<[u8; 32]>, open: bool) -> JobId {
    let mut all = Results::get();
    let job = Decided::get().len() as JobId + all.len() as JobId;
    let known = Known {
        exact_root,
        trace_root,
        prompt,
        open,
        until: System::block_number() + WINDOW,
        disputes: 0,
    };
    all.insert(job, known);
    Results::set(&all);
    job
}

/// Dispatches as a block would: a failed call leaves no trace.
pub fn dispatch(who: AccountId, call: Call<Test>) -> DispatchResult {
    RuntimeCall::Disputes(call)
        .dispatch(RuntimeOrigin::signed(who))
        .map(|_| ())
        .map_err(|failed| failed.error)
}

pub fn challenge(who: AccountId, job: JobId, of: &Run, position: u32) -> DispatchResult {
    let claimed = bytes(&of.claimed());
    dispatch(who, Call::challenge { job, claimed, position })
}

pub fn demand(who: AccountId, job: JobId) -> DispatchResult {
    dispatch(who, Call::demand { job, text: 0 })
}

pub fn show_sketch(who: AccountId, dispute: DisputeId, of: &Run) -> DispatchResult {
    let shown = weft_disputes::ShownSketch {
        claimed: of.claimed(),
        sketch: of.sketch(),
    };
    let shown = bytes(&shown);
    dispatch(who, Call::show_sketch { dispute, shown })
}

/// Makes a move, by the call that is for it.
pub fn play(who: AccountId, dispute: DisputeId, made: &Move) -> DispatchResult {
    let call = match made {
        Move::Open(_) | Move::Refute(_) => Call::judge {
            dispute,
            opening: bytes(made),
        },
        Move::RevealStep(_) | Move::RevealTiles { .. } | Move::RevealLeaves(_) | Move::ShowLeaf(_) => Call::reveal {
            dispute,
            revealed: bytes(made),
        },
        _ => Call::name_place {
            dispute,
            named: bytes(made),
        },
    };
    dispatch(who, call)
}

pub fn expire(dispute: DisputeId) -> DispatchResult {
    dispatch(OTHER, Call::expire { dispute })
}

pub fn appeal(who: AccountId, dispute: DisputeId) -> DispatchResult {
    dispatch(who, Call::appeal { dispute })
}

pub fn rule(dispute: DisputeId, goes_on: bool) -> DispatchResult {
    Disputes::rule(RuntimeOrigin::root(), dispute, goes_on)
}

/// The game that a dispute has come to, as the chain shows it.
pub fn game(dispute: DisputeId) -> Option<Game> {
    use codec::DecodeAll;
    match crate::Disputes::<Test>::get(dispute)?.awaited {
        Awaited::Move { claim, stage } => {
            let claim = Claim::decode_all(&mut &claim[..]).unwrap();
            Some(Game { claim, stage })
        }
        Awaited::Sketch { .. } => None,
    }
}

/// Goes on to block `to`, with the work that each block begins with.
pub fn run_to(to: BlockNumber) {
    for now in System::block_number() + 1..=to {
        System::set_block_number(now);
        Disputes::on_initialize(now);
    }
}

pub fn wait(blocks: BlockNumber) {
    run_to(System::block_number() + blocks);
}

/// This pallet's events so far.
pub fn events() -> Vec<Event<Test>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Disputes(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// How a dispute ended, what was lost, and what of it the winner got; `None` if it goes on or was moot.
pub fn ending(of: DisputeId) -> Option<(Verdict, Balance, Balance)> {
    events().into_iter().find_map(|event| match event {
        Event::Ended {
            dispute,
            verdict,
            winner,
            lost,
            reward,
            ..
        } if dispute == of => {
            assert_eq!(winner, verdict.winner());
            Some((verdict, lost, reward))
        }
        _ => None,
    })
}

/// Both sides play to the end, one move a block, or until one falls silent. `defender` is what the provider has, and `own` what the
/// challenger has.
pub fn play_out(dispute: DisputeId, challenger: AccountId, position: u32, defender: &Run, own: &Run) {
    let mut seen = Vec::new();
    let position = position as usize;
    while let Some(game) = game(dispute) {
        let attacks = own.attack(defender, &game, position, &seen);
        let made = match (game.stage.turn(), &attacks) {
            (_, Some(refute @ Move::Refute(_))) => Some((challenger, refute.clone())),
            (Side::Challenger, _) => attacks.map(|made| (challenger, made)),
            (Side::Provider, _) => defender.defend(&game, position).map(|made| (DEVICE, made)),
        };
        let Some((who, made)) = made else { return };
        play(who, dispute, &made).unwrap_or_else(|refused| panic!("{refused:?} at {:?}", game.stage));
        seen.push(made);
        wait(1);
    }
}

pub fn held(who: AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &who)
}

pub fn total(who: AccountId) -> Balance {
    Balances::total_balance(&who)
}
