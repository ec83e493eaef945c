//! Whole disputes: the honest side wins, and everybody has what is due to the last unit.

use std::sync::OnceLock;

use frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;
use weft_disputes::{Fraud, Move, Side};

use crate::{
    Call, Error, Verdict,
    mock::*,
    sample::{self, Run, bytes},
};

#[test]
fn a_liar_loses_its_stake_to_one_challenger_in_six_transactions() {
    test(|| {
        let job = job_of(liar());
        let (before, treasury) = (total(CHALLENGER), total(TREASURY));
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        let mut moves = 1;
        let mut seen = Vec::new();
        while let Some(game) = game(0) {
            let made = honest().attack(liar(), &game, 9, &seen);
            let (who, made) = match game.stage.turn() {
                Side::Provider if !matches!(made, Some(Move::Refute(_))) => (DEVICE, liar().defend(&game, 9).unwrap()),
                _ => (CHALLENGER, made.unwrap()),
            };
            // It is the turn of one of the two, and of nobody else.
            if !matches!(made, Move::Refute(_)) {
                assert_noop!(play(OTHER, 0, &made), Error::<Test>::NotYourTurn);
            }
            assert_ok!(play(who, 0, &made));
            moves += 1;
            seen.push(made);
        }
        assert_eq!(moves, 6);
        let reward = STAKE * 4 / 10;
        assert_eq!(ending(0), Some((Verdict::Lied(Fraud::Tile), STAKE, reward)));
        assert_eq!((total(CHALLENGER), held(CHALLENGER)), (before + reward, 0));
        assert_eq!(total(TREASURY), treasury + STAKE - reward);
        assert_eq!(Staked::get()[&PROVIDER], (0, 0));
        assert_eq!(Decided::get()[&job], true);
    });
}

#[test]
fn who_doubts_what_is_right_loses_the_bond() {
    test(|| {
        let job = job_of(honest());
        let (before, treasury) = (total(PROVIDER), total(TREASURY));
        assert_ok!(challenge(CHALLENGER, job, honest(), 3));
        let mut tiles = Vec::new();
        while let Some(game) = game(0) {
            let made = match game.stage.turn() {
                Side::Provider => honest().defend(&game, 3).unwrap(),
                Side::Challenger if tiles.is_empty() => Move::NameOperator(4),
                Side::Challenger => Move::NameTile {
                    tile: 0,
                    claimed: tiles[0],
                    siblings: weft_exact::opening::multiproof::prove(&tiles, &[0]).unwrap(),
                },
            };
            if let Move::RevealTiles { tiles: revealed, .. } = &made {
                tiles = revealed.clone();
            }
            let who = match game.stage.turn() {
                Side::Provider => DEVICE,
                Side::Challenger => CHALLENGER,
            };
            assert_ok!(play(who, 0, &made));
        }
        let reward = BOND * 4 / 10;
        assert_eq!(ending(0), Some((Verdict::Right, BOND, reward)));
        assert_eq!(total(PROVIDER), before + reward);
        assert_eq!(total(TREASURY), treasury + BOND - reward);
        assert_eq!(Staked::get()[&PROVIDER], (STAKE, 0));
        // The window is still open, and the job waits for its end.
        assert_eq!(Results::get()[&job].disputes, 0);
    });
}

#[test]
fn moves_are_free_and_those_that_do_not_count_are_not() {
    use frame_support::dispatch::Pays;
    use sp_runtime::traits::Dispatchable;
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        let made = liar().defend(&game(0).unwrap(), 9).unwrap();
        let call = RuntimeCall::Disputes(Call::reveal {
            dispute: 0,
            revealed: bytes(&made),
        });
        let info = call.clone().dispatch(RuntimeOrigin::signed(DEVICE)).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        let failed = call.dispatch(RuntimeOrigin::signed(DEVICE)).unwrap_err();
        assert_eq!(failed.post_info.pays_fee, Pays::Yes);
    });
}

#[test]
fn what_is_revealed_is_what_was_committed_to() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        let at = game(0).unwrap();
        // Of another step, of another answer, and by another call.
        let other = honest().defend(&at, 9).unwrap();
        assert_noop!(play(DEVICE, 0, &other), Error::<Test>::NotRevealed);
        let revealed = liar().defend(&at, 9).unwrap();
        let opening = bytes(&revealed);
        assert_noop!(
            dispatch(DEVICE, Call::judge { dispute: 0, opening }),
            Error::<Test>::Malformed
        );
        assert_ok!(play(DEVICE, 0, &revealed));
        // A second time, it is another's turn.
        assert_noop!(play(DEVICE, 0, &revealed), Error::<Test>::NotYourTurn);
        assert_noop!(play(CHALLENGER, 0, &Move::NameOperator(999)), Error::<Test>::Nowhere);
    });
}

/// Liars, by the position of their lie.
fn liars() -> &'static [Run] {
    static RUNS: OnceLock<Vec<Run>> = OnceLock::new();
    RUNS.get_or_init(|| {
        (0..23)
            .map(|at| sample::run(sample::config(), 6, 24, Some(at)))
            .collect()
    })
}

/// What disturbs a dispute.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    /// A side falls silent after so many moves.
    Silent {
        after: usize,
    },
    /// Somebody makes moves of another dispute.
    Stale,
    /// Somebody makes each move twice.
    Replay,
    /// Another challenges the same at the same time, and does not go on.
    Twice,
    /// The sketch is demanded first.
    Demand,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        3 => Just(Trouble::None),
        2 => (0usize..5).prop_map(|after| Trouble::Silent { after }),
        1 => Just(Trouble::Stale),
        1 => Just(Trouble::Replay),
        1 => Just(Trouble::Twice),
        1 => Just(Trouble::Demand),
    ]
}

/// What a challenger without a case names.
fn bluff(game: &weft_disputes::Game, seen: &[Move], position: usize, place: usize) -> Move {
    use weft_disputes::Stage;
    let tiles = seen.iter().rev().find_map(|made| match made {
        Move::RevealTiles { tiles, .. } => Some(tiles),
        _ => None,
    });
    let leaves = seen.iter().rev().find_map(|made| match made {
        Move::RevealLeaves(reveal) => Some(&reveal.leaves),
        _ => None,
    });
    let prove = |all: &[weft_exact::merkle::Digest], at: usize| {
        weft_exact::opening::multiproof::prove(all, &[at as u64]).unwrap()
    };
    match game.stage {
        Stage::Position => Move::NamePosition(position as u32),
        Stage::Operator { .. } if place.is_multiple_of(3) => Move::NameSection((place % 2) as u32),
        Stage::Operator { .. } => Move::NameOperator((place % 31) as u16),
        Stage::Tile { .. } => {
            let tiles = tiles.unwrap();
            let at = place % tiles.len();
            Move::NameTile {
                tile: at as u32,
                claimed: tiles[at],
                siblings: prove(tiles, at),
            }
        }
        _ => {
            let leaves = leaves.unwrap();
            let at = place % leaves.len();
            Move::NameLeaf {
                leaf: at as u16,
                claimed: leaves[at],
                siblings: prove(leaves, at),
            }
        }
    }
}

/// One dispute about an answer with a lie at a position, or with none: then the challenger bluffs.
fn one_game(lie_at: Option<usize>, position: usize, place: usize, trouble: Trouble) {
    let answer = lie_at.map_or(honest(), |at| &liars()[at]);
    // A lie may make no difference.
    let doubt = honest().doubt(answer);
    let lies = doubt.is_some();
    let position = doubt.map_or(position, |at| at as usize);
    let job = job_of(answer);
    let everybody = [CHALLENGER, OTHER, PROVIDER, DEVICE, TREASURY, POT];
    let before: u128 = everybody.into_iter().map(total).sum();
    let dispute = crate::NextDispute::<Test>::get();
    let demanded = trouble == Trouble::Demand;
    if demanded {
        assert_ok!(demand(CHALLENGER, job));
        assert_ok!(show_sketch(DEVICE, dispute, answer));
    } else {
        assert_ok!(challenge(CHALLENGER, job, answer, position as u32));
    }
    if trouble == Trouble::Twice {
        assert_ok!(challenge(OTHER, job, answer, position as u32));
    }
    let honest_side = if lies { Side::Challenger } else { Side::Provider };
    let mut seen: Vec<Move> = Vec::new();
    while let Some(game) = game(dispute) {
        let turn = game.stage.turn();
        if let Trouble::Silent { after } = trouble
            && turn != honest_side
            && seen.len() >= after
        {
            wait(MOVE_WINDOW + 1);
            break;
        }
        let attack = if lies {
            honest().attack(answer, &game, position, &seen)
        } else if turn == Side::Challenger {
            Some(bluff(&game, &seen, position, place))
        } else {
            None
        };
        let (who, made) = match (turn, attack) {
            (_, Some(made @ Move::Refute(_))) => {
                // First the liar tries to get away with what it has.
                if let Some(open) = answer.defend(&game, position) {
                    assert!(play(DEVICE, dispute, &open).is_err());
                }
                (CHALLENGER, made)
            }
            (Side::Challenger, Some(made)) => (CHALLENGER, made),
            (Side::Challenger, None) => panic!("an honest challenger can always move"),
            (Side::Provider, _) => (DEVICE, answer.defend(&game, position).expect("it can show what it has")),
        };
        if trouble == Trouble::Stale {
            let stale = answer.defend(&game, (position + 1) % 23);
            if let Some(stale) = stale.filter(|stale| *stale != made) {
                assert!(play(DEVICE, dispute, &stale).is_err() || turn == Side::Challenger);
            }
        }
        assert_ok!(play(who, dispute, &made));
        if trouble == Trouble::Replay {
            assert!(play(who, dispute, &made).is_err());
        }
        seen.push(made);
    }
    wait(MOVE_WINDOW + APPEAL_WINDOW + 2);
    let (verdict, lost, reward) = ending(dispute).expect("it has ended");
    assert_eq!(verdict.winner(), honest_side, "{verdict:?}");
    let stake = if demanded { BOND - FEE } else { BOND };
    let at_stake = if lies { STAKE } else { stake };
    assert_eq!((lost, reward), (at_stake, at_stake * 4 / 10));
    let after: u128 = everybody.into_iter().map(total).sum();
    assert_eq!(after, before, "money appeared or vanished");
    assert_eq!(held(CHALLENGER), 0);
    wait(2 * (MOVE_WINDOW + APPEAL_WINDOW));
    assert_eq!(crate::Disputes::<Test>::iter_keys().count(), 0);
    assert_eq!(crate::Calendar::<Test>::iter_keys().count(), 0);
    assert_eq!(held(OTHER), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn the_honest_side_wins_and_the_accounts_balance(
        games in (prop::option::of(0usize..23), 0usize..23, 0usize..1_000, trouble()),
    ) {
        let (lie_at, position, place, trouble) = games;
        test(|| one_game(lie_at, position, place, trouble));
    }
}
