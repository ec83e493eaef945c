//! Whole games between a provider and a challenger, one of whom is honest: that one wins, whatever the other does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../exact/tests/models/mod.rs"]
mod models;
#[path = "../../exact/tests/numbers/mod.rs"]
mod numbers;
#[path = "../../exact/tests/runs/mod.rs"]
mod runs;

use std::sync::OnceLock;

use proptest::prelude::*;
use runs::{RANDOM, Run, run_bert, run_llama};
use weft_disputes::{
    Claim, Game, Judged, Move, Next, Refused, Side, Stage,
    play::{Answer, Sketch},
};
use weft_exact::{
    merkle::{self, Digest},
    model::Model,
    opening::{Fraud, Opening, StepReveal, operators, steps},
    program::{Choice, Family, Kept, Op},
    reference::{Memory, Record, Reference},
    trace::{Committed, Trace, token_leaves},
};

/// An answer, right or wrong, as its provider has it.
#[derive(Clone)]
struct Held {
    model: Model,
    trace: Trace,
    tokens: Vec<u32>,
    memory: Memory,
    records: Vec<Record>,
}

impl Held {
    fn of(run: &Run) -> Self {
        Self {
            model: run.model.clone(),
            trace: run.trace.clone(),
            tokens: run.tokens.clone(),
            memory: run.memory.clone(),
            records: run.records.clone(),
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

    fn claim(&self) -> Claim {
        Claim {
            config: *self.model.program().config(),
            weights: merkle::root(&self.model.leaves()),
            trace: self.trace.clone(),
        }
    }

    /// Commits to what it has.
    fn commit(&mut self) {
        let write =
            |layer, kind, head, position, bytes: &mut Vec<u8>| self.memory.bytes(layer, kind, head, position, bytes);
        let committed = Committed::of_all(self.model.program(), self.trace.positions(), write);
        (self.trace.cells, _) = committed.roots();
        self.trace.tokens = merkle::root(&token_leaves(&self.tokens));
    }
}

fn honest(which: usize) -> &'static Run {
    static RUNS: OnceLock<[Run; 3]> = OnceLock::new();
    let runs = RUNS.get_or_init(|| {
        [
            run_llama(models::llama(models::PLAIN), Choice::Greedy, 12, 36),
            run_llama(models::llama(models::FOUR), RANDOM, 5, 20),
            run_bert(models::bert(models::PLAIN), 20),
        ]
    });
    &runs[which % runs.len()]
}

/// How a provider lies, and where.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// It computes a position with other weights, and goes on from there.
    OtherModel { position: usize },
    /// It goes on with another token than it chose.
    Token { position: usize },
    /// It keeps something else of a position, and goes on from there.
    Kept { position: usize, head: usize, value: bool },
    /// Its sections are made of something else than its cells.
    Section { section: usize, leaf: usize },
    /// It has another result.
    Result,
    /// Its answer is right, and it does not answer when it is asked.
    Nothing,
}

fn lie() -> impl Strategy<Value = Lie> {
    let at = 0usize..1_000;
    prop_oneof![
        3 => at.clone().prop_map(|position| Lie::OtherModel { position }),
        2 => at.clone().prop_map(|position| Lie::Token { position }),
        3 => (at.clone(), at.clone(), any::<bool>()).prop_map(|(position, head, value)| Lie::Kept { position, head, value }),
        2 => (at.clone(), at).prop_map(|(section, leaf)| Lie::Section { section, leaf }),
        1 => Just(Lie::Result),
        1 => Just(Lie::Nothing),
    ]
}

/// What a liar commits to and reveals.
struct Liar {
    held: Held,
    sketch: Sketch,
    /// All sections that it reveals, and of one that is not made of its cells, which it is and what it says its leaves are.
    sections: Vec<Digest>,
    forged: Option<(usize, Vec<Digest>)>,
    is_silent: bool,
}

/// A memory with one number changed.
fn bent(memory: &Memory, run: &Run, (layer, kind, head, position): (usize, Kept, usize, usize)) -> Memory {
    let config = run.program().config();
    let mut other = Memory::default();
    for at_layer in 0..config.layers {
        for at_head in 0..config.kv_heads {
            for at_kind in [Kept::Key, Kept::Value] {
                for (at, x) in memory.heads(at_layer, at_kind, at_head).iter().enumerate() {
                    let mut x = x.clone();
                    if (at_layer, at_kind, at_head, at) == (layer, kind, head, position) {
                        x.values[1] ^= 1;
                    }
                    other.push(at_layer, at_kind, at_head, x);
                }
            }
        }
    }
    other
}

/// The same sizes and weights, with another number in its norms.
fn other_model(run: &Run) -> Model {
    let mut config = *run.program().config();
    config.epsilon = config.epsilon * 3 + 1_000_000;
    models::model(config)
}

/// Runs a causal model again, as one who lies at a position.
fn again(run: &Run, lie: Lie) -> Held {
    let mut held = Held::of(run);
    let config = *run.program().config();
    let positions = run.trace.positions();
    let (given, count) = (run.trace.given as usize, run.tokens.len());
    let other = other_model(run);
    held.memory = Memory::default();
    held.records.clear();
    held.tokens.truncate(given);
    for position in 0..positions {
        let choice = if position + 1 >= given {
            run.trace.choice
        } else {
            Choice::Given
        };
        let model = match lie {
            Lie::OtherModel { position: at } if at % positions == position => &other,
            _ => &run.model,
        };
        let token = held.tokens[position];
        let record = Reference::new(model).advance(&mut held.memory, token, choice).unwrap();
        if let Lie::Kept {
            position: at,
            head,
            value,
        } = lie
            && at % positions == position
        {
            let kind = if value { Kept::Value } else { Kept::Key };
            let place = (
                head % config.layers,
                kind,
                head / config.layers % config.kv_heads,
                position,
            );
            held.memory = bent(&held.memory, run, place);
        }
        if held.tokens.len() < count && position + 1 == held.tokens.len() {
            let mut next = record.token().unwrap();
            if let Lie::Token { position: at } = lie
                && at % (count - given) + given == position + 1
            {
                next = (next + 1) % config.vocabulary as u32;
            }
            held.tokens.push(next);
        }
        held.records.push(record);
    }
    held.commit();
    held
}

/// Encodes another text than it was given, or with another model, and says that it was this one.
fn another_text(run: &Run, lie: Lie) -> Held {
    let mut held = Held::of(run);
    let (model, mut tokens) = (other_model(run), run.tokens.clone());
    let model = match lie {
        Lie::OtherModel { .. } => &model,
        Lie::Token { position } | Lie::Kept { position, .. } => {
            let at = position % tokens.len();
            tokens[at] = (tokens[at] + 1) % run.program().config().vocabulary as u32;
            &run.model
        }
        _ => &run.model,
    };
    held.memory = Memory::default();
    let (records, end) = Reference::new(model).encode(&mut held.memory, &tokens).unwrap();
    let unit = end.tile(0, Op::Unit, 0).unwrap().bytes();
    held.trace.result = merkle::hash(b"weft result", &unit);
    held.records = records.into_iter().chain([end]).collect();
    held.commit();
    held
}

fn liar(run: &Run, lie: Lie) -> Liar {
    let bert = run.program().config().family == Family::Bert;
    let mut held = match lie {
        Lie::OtherModel { .. } | Lie::Token { .. } | Lie::Kept { .. } if bert => another_text(run, lie),
        Lie::OtherModel { .. } | Lie::Token { .. } | Lie::Kept { .. } => again(run, lie),
        // The section is to cover something else: of a causal model what the last position kept.
        Lie::Section { leaf, .. } if !bert => again(
            run,
            Lie::Kept {
                position: run.trace.positions() - 1,
                head: leaf,
                value: leaf % 2 == 0,
            },
        ),
        Lie::Section { .. } | Lie::Result | Lie::Nothing => Held::of(run),
    };
    if matches!(lie, Lie::Result | Lie::Section { .. }) && bert {
        held.trace.result = [3; 32];
    }
    let sketch = held.answer().sketch();
    let write =
        |layer, kind, head, position, bytes: &mut Vec<u8>| held.memory.bytes(layer, kind, head, position, bytes);
    let mut sections = Committed::of_all(held.model.program(), held.trace.positions(), write).sections;
    let mut forged = None;
    if let Lie::Section { section, leaf } = lie {
        // Of a causal model one of those that are complete before the last position.
        let count = if bert {
            sections.len()
        } else {
            (held.trace.positions() - 1) / 16
        };
        let section = section % count;
        let mut game = Game::about_step(held.claim(), 0).unwrap();
        game.claim.trace.kept = merkle::root(&sections);
        game.stage = Stage::Leaves {
            section: section as u32,
        };
        let Some(Move::RevealLeaves(mut reveal)) = held.answer().defend(&game, &held.records[0]).unwrap() else {
            panic!("it is asked for a section");
        };
        let leaf = leaf % reveal.leaves.len();
        reveal.leaves[leaf] = merkle::leaf(b"something else");
        sections[section] = merkle::root(&reveal.leaves);
        forged = Some((section, reveal.leaves));
    }
    Liar {
        held,
        sketch,
        sections,
        forged,
        is_silent: matches!(lie, Lie::Nothing),
    }
}

impl Liar {
    /// The digests of an operator's tiles, as it says they are: what is kept is what it committed to.
    fn tiles(&self, position: usize, (layer, op): (usize, Op)) -> Vec<Digest> {
        let config = self.held.model.program().config();
        let kind = match op {
            Op::Key => Kept::Key,
            Op::Value => Kept::Value,
            _ => return self.held.records[position].leaves(layer, op),
        };
        let tile = |head| {
            let mut bytes = Vec::new();
            self.held.memory.bytes(layer, kind, head, position, &mut bytes);
            merkle::leaf(&bytes)
        };
        (0..config.kv_heads).map(tile).collect()
    }

    /// What it does to go on, whether that is true or not; `None` if it can do nothing.
    fn defend(&self, game: &Game) -> Option<Move> {
        if self.is_silent {
            return None;
        }
        let position = match game.stage {
            Stage::Step { position } | Stage::Tiles { position, .. } | Stage::Judge { position, .. } => {
                position as usize
            }
            _ => 0,
        };
        let all = operators(self.held.model.program(), &self.held.trace, position);
        let roots: Vec<Digest> = all
            .iter()
            .map(|operator| merkle::root(&self.tiles(position, *operator)))
            .collect();
        let mut made = match (&self.forged, game.stage) {
            // Of its own trees it knows all.
            (Some((forged, leaves)), Stage::Leaves { section }) if *forged == section as usize => {
                let siblings = weft_exact::opening::multiproof::prove(&self.sections, &[u64::from(section)]).unwrap();
                return Some(Move::RevealLeaves(weft_exact::opening::SectionReveal {
                    leaves: leaves.clone(),
                    siblings,
                }));
            }
            _ => self.held.answer().defend(game, &self.held.records[position]).ok()??,
        };
        match &mut made {
            Move::RevealStep(reveal) => {
                reveal.operators = roots;
                reveal.sections = self.sections.clone();
            }
            Move::RevealTiles { tiles, siblings } => {
                let Stage::Tiles { operator, .. } = game.stage else {
                    panic!("it is asked for tiles");
                };
                let operator = usize::from(operator);
                *tiles = self.tiles(position, all[operator]);
                *siblings = weft_exact::opening::reveal::prove_operator(&roots, operator).unwrap();
            }
            _ => {}
        }
        Some(made)
    }
}

fn goes(game: &mut Game, side: Side, made: &Move) -> Option<Judged> {
    let next = game
        .step(side, made)
        .unwrap_or_else(|refused| panic!("{side:?} at {:?}: {refused}", game.stage));
    game.follow(&next);
    match next {
        Next::Goes(_) | Next::Revealed { .. } => None,
        Next::Over(judged) => Some(judged),
    }
}

/// An honest challenger against anybody. How it ended, and in how many transactions.
fn challenge(run: &Run, liar: &Liar) -> Option<(Judged, usize)> {
    let own = Held::of(run);
    assert!(liar.sketch.is_of(&liar.held.trace));
    let doubt = own.answer().doubt(&liar.sketch);
    let doubt = match (doubt, liar.is_silent) {
        (None, false) => return None,
        (None, true) => 3,
        (Some(doubt), _) => doubt,
    };
    let claim = liar.held.claim();
    assert!(claim.check(&run.model.root(), &liar.held.trace.root()).is_ok());
    let mut game = Game::about_step(claim, doubt).unwrap();
    let (mut revealed, mut moves) = (None, 1);
    loop {
        moves += 1;
        let record = |position: u32| &own.records[position as usize];
        let made = match game.stage {
            Stage::Judge { position, .. } => {
                // First the liar tries to get away with what it has.
                if let Some(made) = liar.defend(&game) {
                    assert!(game.step(Side::Provider, &made).is_err(), "a lie opens: {made:?}");
                }
                let revealed = revealed.as_ref().expect("it was revealed");
                let made = own.answer().refute(&game, record(position), revealed, &liar.sketch);
                let made = made.unwrap().expect("it has come to a tile");
                return goes(&mut game, Side::Challenger, &made).map(|judged| (judged, moves));
            }
            Stage::Made { .. } => {
                if let Some(made) = liar.defend(&game) {
                    assert!(game.step(Side::Provider, &made).is_err(), "a lie is shown: {made:?}");
                }
                return Some((game.lapse(), moves));
            }
            stage if stage.turn() == Side::Provider => {
                let Some(made) = liar.defend(&game) else {
                    return Some((game.lapse(), moves));
                };
                let judged = goes(&mut game, Side::Provider, &made);
                assert_eq!(judged, None);
                match (&made, game.stage) {
                    (Move::RevealStep(reveal), _) => revealed = Some(reveal.clone()),
                    (Move::RevealTiles { tiles, .. }, Stage::Tile { position, .. }) => {
                        moves += 1;
                        let named = own.answer().name_tile(&game, record(position), tiles).unwrap();
                        goes(&mut game, Side::Challenger, &named);
                    }
                    (Move::RevealLeaves(reveal), _) => {
                        moves += 1;
                        let named = own.answer().name_leaf(&game, &reveal.leaves).unwrap();
                        goes(&mut game, Side::Challenger, &named);
                    }
                    _ => {}
                }
                continue;
            }
            Stage::Operator { position, .. } => {
                let revealed = revealed.as_ref().expect("it was revealed");
                own.answer()
                    .name(position as usize, record(position), &liar.sketch, revealed)
            }
            stage => panic!("nobody names anything at {stage:?}"),
        };
        goes(&mut game, Side::Challenger, &made);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn an_honest_challenger_wins(which in 0usize..3, lie in lie()) {
        let run = honest(which);
        let liar = liar(run, lie);
        match challenge(run, &liar) {
            Some((judged, moves)) => {
                prop_assert_eq!(judged.winner(), Side::Challenger);
                prop_assert!(moves <= 6, "{moves} transactions");
            }
            // A lie that changes nothing is none.
            None => prop_assert_eq!(liar.held.trace.root(), run.trace.root()),
        }
    }

    #[test]
    fn an_honest_provider_wins(
        which in 0usize..3,
        about_step in any::<bool>(),
        places in [any::<u32>(), any::<u32>(), any::<u32>()],
        bend in (any::<prop::sample::Index>(), 0usize..256),
    ) {
        let run = honest(which);
        let held = Held::of(run);
        let program = *run.program();
        let some = |at: u32, count: usize| at as usize % count;
        let claim = held.claim();
        prop_assert!(claim.check(&run.model.root(), &run.trace.root()).is_ok());
        let position = some(places[0], steps(&program, &run.trace));
        let mut game = Game::about_step(claim, position as u32).unwrap();
        let mut judged = None;
        while judged.is_none() {
            if game.stage.turn() == Side::Provider {
                let record = &held.records[position];
                let made = held.answer().defend(&game, record).unwrap().unwrap();
                // Nobody else can move for it, and nothing else than what it has counts.
                prop_assert!(matches!(game.step(Side::Challenger, &made), Err(Refused::NotNow)));
                if let (Stage::Judge { .. }, Move::Open(opening)) = (game.stage, &made) {
                    let mut refuting: Opening = opening.clone().without_output();
                    prop_assert!(game.step(Side::Challenger, &Move::Refute(refuting.clone())).is_err());
                    for operand in &mut refuting.operands {
                        bend_operand(operand, bend);
                    }
                    prop_assert!(game.step(Side::Challenger, &Move::Refute(refuting)).is_err());
                }
                judged = goes(&mut game, Side::Provider, &made);
                if let (Move::RevealTiles { tiles, .. }, Stage::Tile { .. }) = (&made, game.stage) {
                    let tile = some(places[2], tiles.len());
                    let siblings = weft_exact::opening::multiproof::prove(tiles, &[tile as u64]).unwrap();
                    // A tile of which the provider did not say so cannot be named.
                    let wrong = Move::NameTile { tile: tile as u32, claimed: [7; 32], siblings: siblings.clone() };
                    prop_assert_eq!(game.step(Side::Challenger, &wrong), Err(Refused::Nowhere));
                    let named = Move::NameTile { tile: tile as u32, claimed: tiles[tile], siblings };
                    prop_assert_eq!(goes(&mut game, Side::Challenger, &named), None);
                }
                if let (Move::RevealLeaves(reveal), Stage::Leaf { .. }) = (&made, game.stage) {
                    let leaf = some(places[1], reveal.leaves.len());
                    let siblings = weft_exact::opening::multiproof::prove(&reveal.leaves, &[leaf as u64]).unwrap();
                    let named = Move::NameLeaf { leaf: leaf as u16, claimed: reveal.leaves[leaf], siblings };
                    prop_assert_eq!(goes(&mut game, Side::Challenger, &named), None);
                }
            } else {
                let named = if about_step {
                    let count = operators(&program, &run.trace, position).len();
                    Move::NameOperator(some(places[1], count) as u16)
                } else {
                    let sections = weft_exact::opening::reveal::sections(&program, &run.trace);
                    Move::NameSection(some(places[2], sections) as u32)
                };
                judged = goes(&mut game, Side::Challenger, &named);
            }
        }
        prop_assert_eq!(judged.map(Judged::winner), Some(Side::Provider));
    }
}

/// Changes a byte of what a tile read.
fn bend_operand(operand: &mut weft_exact::opening::Operand, (at, bit): (prop::sample::Index, usize)) {
    use weft_exact::opening::Operand;
    let mut all: Vec<&mut Vec<u8>> = match operand {
        Operand::Output(tiles) => tiles.tiles.iter_mut().collect(),
        Operand::Weights(leaves) => leaves.leaves.iter_mut().collect(),
        Operand::Kept(past) => past
            .complete
            .iter_mut()
            .chain(&mut past.recent)
            .map(|leaf| &mut leaf.bytes)
            .collect(),
    };
    if all.is_empty() {
        return;
    }
    let leaf = at.index(all.len());
    let byte = bit % all[leaf].len();
    all[leaf][byte] ^= 1 << (bit % 8);
}

#[test]
fn each_lie_is_caught_for_what_it_is() {
    let kept = |position| Lie::Kept {
        position,
        head: 3,
        value: true,
    };
    let lies = [
        (0, Lie::OtherModel { position: 0 }, Judged::Lied(Fraud::Tile), 6),
        (0, Lie::OtherModel { position: 17 }, Judged::Lied(Fraud::Tile), 6),
        (1, Lie::OtherModel { position: 18 }, Judged::Lied(Fraud::Tile), 6),
        (2, Lie::OtherModel { position: 0 }, Judged::Lied(Fraud::Tile), 6),
        (0, Lie::Token { position: 0 }, Judged::Lied(Fraud::Token), 6),
        (1, Lie::Token { position: 14 }, Judged::Lied(Fraud::Token), 6),
        (2, Lie::Token { position: 7 }, Judged::Lied(Fraud::Tile), 6),
        (0, kept(0), Judged::Lied(Fraud::Tile), 6),
        (0, kept(15), Judged::Lied(Fraud::Tile), 6),
        (0, kept(16), Judged::Lied(Fraud::Tile), 6),
        (1, kept(7), Judged::Lied(Fraud::Tile), 6),
        (
            0,
            Lie::Section { section: 1, leaf: 5 },
            Judged::Silent(Side::Provider),
            6,
        ),
        (
            2,
            Lie::Section { section: 4, leaf: 1 },
            Judged::Silent(Side::Provider),
            6,
        ),
        (2, Lie::Result, Judged::Lied(Fraud::Result), 6),
        (1, Lie::Nothing, Judged::Silent(Side::Provider), 2),
    ];
    for (which, lie, judged, moves) in lies {
        let run = honest(which);
        assert_eq!(
            challenge(run, &liar(run, lie)),
            Some((judged, moves)),
            "{lie:?} of {which}"
        );
    }
}

#[test]
fn moves_of_another_game_do_not_count() {
    let (run, other) = (honest(0), honest(1));
    let (held, other) = (Held::of(run), Held::of(other));
    let mut game = Game::about_step(held.claim(), 3).unwrap();
    let reveal = |held: &Held, position: u32| {
        let game = Game::about_step(held.claim(), position).unwrap();
        held.answer()
            .defend(&game, &held.records[position as usize])
            .unwrap()
            .unwrap()
    };
    for stale in [reveal(&held, 4), reveal(&other, 3)] {
        assert!(matches!(
            game.step(Side::Provider, &stale),
            Err(Refused::NotRevealed(_))
        ));
    }
    assert_eq!(goes(&mut game, Side::Provider, &reveal(&held, 3)), None);
    assert_eq!(game.step(Side::Provider, &reveal(&held, 3)), Err(Refused::NotNow));
    assert_eq!(
        game.step(Side::Challenger, &Move::NameOperator(u16::MAX)),
        Err(Refused::Nowhere)
    );
    assert_eq!(game.lapse().winner(), Side::Provider);
    assert_eq!(Game::about_step(held.claim(), u32::MAX), Err(Refused::Nowhere));
    let mut claim = held.claim();
    assert!(claim.check(&other.model.root(), &held.trace.root()).is_err());
    assert!(claim.check(&held.model.root(), &other.trace.root()).is_err());
    claim.config.layers = 0;
    assert!(claim.check(&held.model.root(), &held.trace.root()).is_err());
}

#[test]
fn a_sketch_of_another_answer_is_not_the_traces() {
    for which in 0..3 {
        let (run, other) = (Held::of(honest(which)), Held::of(honest(which + 1)));
        let sketch = run.answer().sketch();
        assert!(sketch.is_of(&run.trace));
        assert!(!sketch.is_of(&other.trace));
        for at in 0..4 {
            let mut bent = sketch.clone();
            match at {
                0 => bent.tokens[2] += 1,
                1 => bent.cells[3][0] ^= 1,
                2 => bent.result[0] ^= 1,
                _ => drop(bent.cells.pop()),
            }
            assert!(!bent.is_of(&run.trace), "{at}");
        }
    }
}

#[test]
fn a_step_that_is_not_the_traces_cannot_be_revealed() {
    let held = Held::of(honest(0));
    let game = Game::about_step(held.claim(), 3).unwrap();
    let Some(Move::RevealStep(reveal)) = held.answer().defend(&game, &held.records[3]).unwrap() else {
        panic!("it is asked for a step");
    };
    for at in 0..reveal.parts.len() {
        let mut other: StepReveal = reveal.clone();
        other.parts[at][0] ^= 1;
        assert!(game.step(Side::Provider, &Move::RevealStep(other)).is_err());
    }
}
