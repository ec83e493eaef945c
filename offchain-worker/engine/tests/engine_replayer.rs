//! Answers computed again for disputes: what an engine has made is right, what a liar has made is found, and whole games go to the honest
//! side, with the engine on both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../primitives/exact/tests/models/mod.rs"]
mod models;
#[path = "../../../primitives/exact/tests/numbers/mod.rs"]
mod numbers;

use std::num::NonZeroUsize;

use proptest::prelude::*;
use weft_disputes::{Claim, Claimed, Game, Judged, Move, Next, ShownSketch, Side, Stage, play::Sketch};
use weft_engine::{
    Device,
    exact::{KernelChoice, Replayer},
};
use weft_exact::{
    fixed::Scale,
    merkle,
    model::Model,
    program::{Choice, Config},
    sampling::Random,
    trace::Trace,
};
use weft_exact_engine::{cpu::CpuEngine, generate::embed, kernel::Kernel};

const ONE: Device = Device::Cpu {
    threads: Some(NonZeroUsize::MIN),
};

const RANDOM: Choice = Choice::Random(Random {
    to_log2: Scale {
        mantissa: 47_274,
        shift: 15,
    },
    top_p: 60_000,
    seed: 77,
});

fn replayer(model: &Model, root: [u8; 32]) -> Replayer {
    Replayer::of(model.clone(), root, ONE, KernelChoice::Auto).unwrap()
}

/// The same weights with other norms, said to be the published model.
fn another(model: &Model) -> Replayer {
    let config = *model.program().config();
    let other = models::model(Config {
        epsilon: config.epsilon * 3 + 1_000_000_000,
        ..config
    });
    replayer(&other, model.root())
}

fn shown(model: &Model, (trace, sketch): (Trace, Sketch)) -> ShownSketch {
    let claim = Claim {
        config: *model.program().config(),
        weights: merkle::root(&model.leaves()),
        trace,
    };
    let shown = ShownSketch {
        claimed: Claimed { claim, among: None },
        sketch,
    };
    let trace = &shown.claimed.claim.trace;
    assert!(shown.sketch.is_of(trace));
    assert!(shown.claimed.check(&model.root(), &trace.root()).is_ok());
    shown
}

/// A header of which only what is asked for counts.
fn asked(given: u32, choice: Choice) -> Trace {
    Trace {
        model: [0; 32],
        given,
        count: 0,
        tokens: [0; 32],
        choice,
        cells: [0; 32],
        kept: [0; 32],
        result: [0; 32],
    }
}

fn prompt(model: &Model, given: u32) -> Vec<u32> {
    let vocabulary = model.program().config().vocabulary as u32;
    (0..given).map(|at| at * 17 % vocabulary).collect()
}

/// Plays to the end. `liar` may be the right one.
fn game(right: &mut Replayer, liar: &mut Replayer, answer: &ShownSketch, position: u32) -> (Judged, usize) {
    let defender = liar.provider(answer).unwrap();
    let attacker = right.challenger(answer).unwrap();
    let mut game = Game::about_step(answer.claimed.claim.clone(), position).unwrap();
    let (mut seen, mut moves) = (Vec::new(), 1);
    loop {
        moves += 1;
        let attack = attacker.attack(&game, &answer.sketch, &seen).unwrap();
        let (side, made) = match (game.stage, attack) {
            (Stage::Judge { .. }, Some(refute)) => {
                // First the liar tries to get away with what it has.
                if let Ok(Some(open)) = defender.defend(&game) {
                    assert!(game.step(Side::Provider, &open).is_err(), "a lie opens");
                }
                (Side::Challenger, refute)
            }
            (stage, attack) if stage.turn() == Side::Challenger => (Side::Challenger, attack.expect("it can go on")),
            _ => match defender.defend(&game).unwrap() {
                Some(made) => (Side::Provider, made),
                None => return (game.lapse(), moves),
            },
        };
        let next = game.step(side, &made).unwrap();
        game.follow(&next);
        if side == Side::Provider {
            seen.push(made);
        }
        if let Next::Over(judged) = next {
            return (judged, moves);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_lies_about_a_text_is_found_and_loses(
        plain in any::<bool>(), given in 2u32..14, made in 3usize..22, lies_about_tokens in any::<bool>(), at in 0usize..20,
    ) {
        let (variant, choice) = if plain { (models::PLAIN, Choice::Greedy) } else { (models::FOUR, RANDOM) };
        let model = models::model(models::llama(variant));
        let mut right = replayer(&model, model.root());
        let prompt = prompt(&model, given);
        let count = prompt.len() + made;
        let honest = shown(&model, right.continued(&asked(given, choice), &prompt, count).unwrap());
        prop_assert_eq!(honest.sketch.tokens.len(), count);
        prop_assert_eq!(right.doubt(&honest).unwrap(), None);

        let mut other = another(&model);
        let wrong = if lies_about_tokens {
            let mut begun = honest.sketch.tokens.clone();
            begun.truncate(prompt.len() + 1 + at % made);
            let last = begun.last_mut().unwrap();
            *last = (*last + 1) % model.program().config().vocabulary as u32;
            right.continued(&asked(given, choice), &begun, count).unwrap()
        } else {
            other.continued(&asked(given, choice), &prompt, count).unwrap()
        };
        let wrong = shown(&model, wrong);
        let position = right.doubt(&wrong).unwrap();
        prop_assert!(position.is_some());
        let mut honest_liar = replayer(&model, model.root());
        let liar = if lies_about_tokens { &mut honest_liar } else { &mut other };
        let (judged, moves) = game(&mut right, liar, &wrong, position.unwrap());
        prop_assert!(matches!(judged, Judged::Lied(_)), "{judged:?}");
        prop_assert_eq!(moves, 6);
    }
}

#[test]
fn what_lies_about_an_embedding_is_found_and_loses() {
    let model = models::model(models::bert(models::PLAIN));
    let mut right = replayer(&model, model.root());
    let tokens = prompt(&model, 21);
    let embedded = |model: &Model, root| {
        let mut engine = CpuEngine::new(model, Kernel::best(), NonZeroUsize::MIN).unwrap();
        let made = embed(&mut engine, root, &[&tokens]).unwrap().remove(0);
        let sketch = Sketch {
            tokens: tokens.clone(),
            cells: made.cells,
            result: made.trace.result,
        };
        (made.trace, sketch)
    };
    let honest = shown(&model, embedded(&model, model.root()));
    assert_eq!(right.doubt(&honest).unwrap(), None);
    let config = *model.program().config();
    let other = models::model(Config {
        epsilon: config.epsilon * 3 + 1_000_000_000,
        ..config
    });
    let wrong = shown(&model, embedded(&other, model.root()));
    let position = right.doubt(&wrong).unwrap().unwrap();
    let mut liar = replayer(&other, model.root());
    let (judged, moves) = game(&mut right, &mut liar, &wrong, position);
    assert!(matches!(judged, Judged::Lied(_)), "{judged:?}");
    assert_eq!(moves, 6);
}

#[test]
fn a_trace_with_more_cells_than_positions_is_doubted() {
    let model = models::model(models::llama(models::PLAIN));
    let mut right = replayer(&model, model.root());
    let prompt = prompt(&model, 6);
    let (mut trace, mut sketch) = right.continued(&asked(6, Choice::Greedy), &prompt, 12).unwrap();
    sketch.cells.push([9; 32]);
    trace.cells = merkle::root(&sketch.cells);
    let odd = shown(&model, (trace, sketch));
    assert_eq!(right.doubt(&odd).unwrap(), Some(0));
    // Its provider cannot go on.
    let game = Game::about_step(odd.claimed.claim.clone(), 0).unwrap();
    let player = right.provider(&odd).unwrap();
    if let Some(made) = player.defend(&game).unwrap() {
        assert!(game.step(Side::Provider, &made).is_err());
    }
}

#[test]
fn who_is_right_can_show_every_tile() {
    let model = models::model(models::llama(models::PLAIN));
    let mut right = replayer(&model, model.root());
    let prompt = prompt(&model, 6);
    let honest = shown(&model, right.continued(&asked(6, Choice::Greedy), &prompt, 30).unwrap());
    let player = right.provider(&honest).unwrap();
    for (position, operator) in [(0, 0), (5, 3), (20, 11), (28, 33)] {
        let mut game = Game::about_step(honest.claimed.claim.clone(), position).unwrap();
        let mut tiles = Vec::new();
        let judged = loop {
            let made = match game.stage {
                Stage::Operator { .. } => Move::NameOperator(operator),
                Stage::Tile { .. } => Move::NameTile {
                    tile: 0,
                    claimed: tiles[0],
                    siblings: weft_exact::opening::multiproof::prove(&tiles, &[0]).unwrap(),
                },
                _ => player.defend(&game).unwrap().unwrap(),
            };
            if let Move::RevealTiles { tiles: revealed, .. } = &made {
                tiles = revealed.clone();
            }
            let next = game.step(game.stage.turn(), &made).unwrap();
            game.follow(&next);
            if let Next::Over(judged) = next {
                break judged;
            }
        };
        assert_eq!(judged, Judged::Right);
    }
}
