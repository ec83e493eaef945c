//! Providers and challengers with a small model of random weights, for tests and benchmarks. They compute with the reference, and
//! know what the chain shows and their own answers, and nothing else.

use alloc::{vec, vec::Vec};

use codec::Encode;
#[cfg(test)]
use weft_disputes::play::Sketch;
use weft_disputes::{Claim, Claimed, Game, Move, play::Answer};
use weft_exact::{
    fixed::{ONE, Scale},
    linear::{Bits, Matrix, Shape},
    merkle,
    model::Model,
    norm::EPSILON_PLACES,
    piece::Piece,
    program::{Choice, Config, Family, Part, Precision, Program, Shapes},
    quantise::Width,
    reference::{Memory, Record, Reference},
    rotary::{ANGLE_PLACES, Angle},
    trace::{Committed, Trace, token_leaves},
};

/// An answer, right or wrong, with all that belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub model: Model,
    pub trace: Trace,
    pub tokens: Vec<u32>,
    pub memory: Memory,
    pub records: Vec<Record>,
}

/// Numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

/// A small one.
pub(crate) fn config() -> Config {
    sized([64, 2, 4, 2, 16, 96, 50, 40])
}

/// Width, layers, heads, key and value heads, their width, inner elements, tokens and positions.
pub(crate) fn sized(sizes: [usize; 8]) -> Config {
    let [width, layers, heads, kv_heads, head_width, inner, vocabulary, context] = sizes;
    let shape = |columns| Shape {
        columns,
        group: 16,
        bits: Bits::Eight,
        bias: false,
    };
    Config {
        family: Family::Llama,
        width,
        layers,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context,
        epsilon: (1 << EPSILON_PLACES) / 100_000,
        // log2(e) / sqrt(16) / 16, for heads of 16: others look less or more sharply.
        to_log2: Scale::new(24_785_690_000, 40),
        precision: Precision {
            query_key_value: Width::Wide,
            output: Width::Wide,
            up: Width::Wide,
            down: Width::Wide,
            head: Width::Wide,
        },
        shapes: Shapes {
            embedding: shape(width),
            query_key_value: shape(width),
            output: shape(heads * head_width),
            up: shape(width),
            down: shape(inner),
            head: shape(width),
        },
    }
}

fn matrix(numbers: &mut Numbers, rows: usize, shape: Shape) -> Matrix {
    Matrix {
        columns: shape.columns,
        bits: shape.bits,
        weights: (0..rows * shape.columns)
            .map(|_| ((numbers.next() >> 56) as i8).max(-127))
            .collect(),
        group: shape.group,
        group_scales: (0..rows * shape.columns / shape.group)
            .map(|_| 8 + (numbers.next() >> 60) as u8)
            .collect(),
        row_scales: (0..rows)
            .map(|_| Scale::new(1_000 + (numbers.next() >> 54), 24))
            .collect(),
        bias: Vec::new(),
    }
}

/// Random weights; no position turns anything.
pub(crate) fn model(config: Config) -> Model {
    let program = Program::new(config).expect("the sizes go together");
    let mut numbers = Numbers(7);
    let mut part = |(_, part): (usize, Part)| match (part, program.shape(part)) {
        (_, Some(shape)) => Piece::Rows(matrix(&mut numbers, program.rows(part), shape)),
        (Part::Angles, None) => {
            let angle = Angle {
                cosine: 1 << ANGLE_PLACES,
                sine: 0,
            };
            Piece::Angles(vec![angle; config.context * (config.head_width / 2)])
        }
        (_, None) => Piece::Gains(vec![ONE; config.width], vec![0; config.width]),
    };
    let parts = program.all_parts().into_iter().map(&mut part).collect();
    Model::new(config, parts).expect("the parts fit")
}

/// An answer to `given` tokens, `count` in all, of which one position was computed with another model.
pub(crate) fn run(config: Config, given: usize, count: usize, lie_at: Option<usize>) -> Run {
    let model = model(config);
    // The same weights with other norms.
    let other = lie_at.map(|_| {
        self::model(Config {
            epsilon: config.epsilon * 3 + 1_000_000,
            ..config
        })
    });
    let mut memory = Memory::default();
    let mut tokens: Vec<u32> = (0..given).map(|at| (at * 17 % config.vocabulary) as u32).collect();
    let mut records = Vec::new();
    let positions = if count == given { count } else { count - 1 };
    for position in 0..positions {
        let choice = if position + 1 >= given {
            Choice::Greedy
        } else {
            Choice::Given
        };
        let of = other.as_ref().filter(|_| lie_at == Some(position)).unwrap_or(&model);
        let record = Reference::new(of)
            .advance(&mut memory, tokens[position], choice)
            .expect("there is room");
        if tokens.len() < count && position + 1 == tokens.len() {
            tokens.push(record.token().expect("it chose one"));
        }
        records.push(record);
    }
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
    let (cells, _) = Committed::of_all(model.program(), positions, write).roots();
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
    Run {
        model,
        trace,
        tokens,
        memory,
        records,
    }
}

impl Run {
    fn answer(&self) -> Answer<'_> {
        Answer {
            model: &self.model,
            trace: &self.trace,
            tokens: &self.tokens,
            memory: &self.memory,
        }
    }

    #[cfg(test)]
    pub fn sketch(&self) -> Sketch {
        self.answer().sketch()
    }

    pub fn claimed(&self) -> Claimed {
        let claim = Claim {
            config: *self.model.program().config(),
            weights: merkle::root(&self.model.leaves()),
            trace: self.trace.clone(),
        };
        Claimed { claim, among: None }
    }

    /// The step to dispute in another's answer.
    #[cfg(test)]
    pub fn doubt(&self, other: &Self) -> Option<u32> {
        self.answer().doubt(&other.sketch())
    }

    /// What its provider does.
    pub fn defend(&self, game: &Game, position: usize) -> Option<Move> {
        self.answer().defend(game, &self.records[position]).ok().flatten()
    }

    /// What a challenger who has this answer does against one who has another, whose moves so far are these.
    #[cfg(test)]
    pub fn attack(&self, other: &Self, game: &Game, position: usize, seen: &[Move]) -> Option<Move> {
        use weft_disputes::Stage;
        let record = &self.records[position];
        let revealed = || {
            seen.iter().find_map(|made| match made {
                Move::RevealStep(reveal) => Some(reveal),
                _ => None,
            })
        };
        match game.stage {
            Stage::Position => Some(Move::NamePosition(position as u32)),
            Stage::Operator { .. } => {
                let revealed: &weft_exact::opening::StepReveal = revealed()?;
                Some(self.answer().name(position, record, &other.sketch(), revealed))
            }
            Stage::Tile { .. } => {
                let tiles: &[merkle::Digest] = seen.iter().find_map(|made| match made {
                    Move::RevealTiles { tiles, .. } => Some(tiles.as_slice()),
                    _ => None,
                })?;
                self.answer().name_tile(game, record, tiles)
            }
            Stage::Judge { .. } => self
                .answer()
                .refute(game, record, revealed()?, &other.sketch())
                .ok()
                .flatten(),
            _ => None,
        }
    }
}

/// As a call takes it.
pub(crate) fn bytes<S: frame_support::traits::Get<u32>>(of: &impl Encode) -> frame_support::BoundedVec<u8, S> {
    frame_support::BoundedVec::try_from(of.encode()).expect("it is short")
}

/// A game about an answer that has come to a tile of an operator, by its place among those of the step.
#[cfg(feature = "runtime-benchmarks")]
pub(crate) fn at_tile(run: &Run, position: u32, operator: usize, tile: usize) -> Game {
    use weft_disputes::{Next, Side};
    let mut game = Game::about_step(run.claimed().claim, position).expect("it has the step");
    let mut seen = Vec::new();
    let at = position as usize;
    while !matches!(game.stage, weft_disputes::Stage::Judge { .. }) {
        let (side, made) = match game.stage.turn() {
            Side::Provider => (Side::Provider, run.defend(&game, at).expect("it is its turn")),
            Side::Challenger => {
                let made = match seen.last() {
                    Some(Move::RevealTiles { tiles, .. }) => Move::NameTile {
                        tile: tile as u32,
                        claimed: tiles[tile],
                        siblings: weft_exact::opening::multiproof::prove(tiles, &[tile as u64])
                            .expect("there is such a tile"),
                    },
                    _ => Move::NameOperator(operator as u16),
                };
                (Side::Challenger, made)
            }
        };
        let next: Next = game.step(side, &made).expect("it is right");
        game.follow(&next);
        seen.push(made);
    }
    game
}
