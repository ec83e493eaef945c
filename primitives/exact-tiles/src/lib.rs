//! The longest tile of every operator with operands that look random: what the chain will compute as a judge. Built for wasm it
//! is what tests and `make bench` run there, beside the same code on the processor.

#![no_std]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod exports;

use alloc::vec::Vec;

use weft_exact::{
    fixed::Scale,
    linear::{Bits, Matrix, Shape},
    norm::EPSILON_PLACES,
    opening::Layout,
    piece::Piece,
    program::{Address, Choice, Config, Family, Op, Precision, Program, Shapes, Source, Step},
    quantise::{Quantised, Width},
    reference::{cut, join},
    rotary::Angle,
    sampling::{Best, Draw, Random},
    tile::{WrongOperands, compute},
};

/// A tile with what it reads.
#[derive(Clone, Debug)]
pub struct Case {
    /// The model.
    pub model: &'static str,
    /// The tile.
    pub at: Address,
    program: Program,
    step: Step,
    operands: Vec<Piece>,
}

impl Case {
    /// Computes the tile.
    pub fn compute(&self) -> Result<Piece, WrongOperands> {
        compute(&self.program, &self.at, &self.step, &self.operands)
    }
}

/// The first tile of every operator of some models, at their last position: SmolLM2's and MiniLM's sizes, the largest that a
/// program may have, and SmolLM2's with the other forms of weights.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (model, config) in [
        ("SmolLM2", smollm2()),
        ("MiniLM", minilm()),
        ("largest", largest()),
        ("SmolLM2, groups", in_groups(smollm2(), 64, Bits::Eight)),
        ("SmolLM2, 4 bits", in_groups(smollm2(), 32, Bits::Four)),
    ] {
        let Ok(program) = Program::new(config) else { continue };
        let random = Random {
            to_log2: Scale::new(94_548, 16),
            top_p: 62_000,
            seed: 5,
        };
        let choice = if config.family == Family::Llama {
            Choice::Random(random)
        } else {
            Choice::Given
        };
        let step = Step {
            position: config.context - 1,
            visible: config.context,
            token: 3,
            choice,
        };
        let mut seen: Vec<Op> = Vec::new();
        let all = program
            .operators(&step)
            .chain(program.end(&step).iter().map(|op| (0, *op)));
        for (layer, op) in all {
            if seen.contains(&op) {
                continue;
            }
            seen.push(op);
            let at = Address { layer, op, tile: 0 };
            if let Some(operands) = operands(&program, &at, &step) {
                cases.push(Case {
                    model,
                    at,
                    program,
                    step,
                    operands,
                });
            }
        }
    }
    cases
}

fn operands(program: &Program, at: &Address, step: &Step) -> Option<Vec<Piece>> {
    let mut numbers = Numbers(at.op as u64 + 1);
    let sources = program.sources(at, step)?;
    let operand = |source: &Source| match source {
        Source::Output {
            op, tiles, elements, ..
        } => {
            let tiles: Vec<Piece> = tiles
                .clone()
                .map(|tile| numbers.piece(Layout::output(program, *op, tile, step)))
                .collect();
            cut(join(&tiles)?, elements.as_ref())
        }
        Source::Kept {
            kind, head, positions, ..
        } => Some(numbers.piece(Layout::kept(program, *kind, *head, positions.len()))),
        Source::Weights { part, tile, .. } => Some(numbers.piece(Layout::weights(program, *part, *tile))),
        Source::Drawn => {
            let tiles: Vec<Piece> = match program.chunk(0) {
                Source::Output { op, tiles, .. } => tiles
                    .map(|tile| numbers.piece(Layout::output(program, op, tile, step)))
                    .collect(),
                _ => return None,
            };
            join(&tiles)
        }
    };
    sources.iter().map(operand).collect()
}

/// Numbers that look random and are the same everywhere (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fixed(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| (self.next() as i32) >> 12).collect()
    }

    fn bytes(&mut self, count: usize, bits: u32) -> Vec<i8> {
        (0..count)
            .map(|_| ((self.next() >> 56) as i8).max(-127) >> (8 - bits))
            .collect()
    }

    fn scale(&mut self) -> Scale {
        Scale::new(40_000 + self.next() % 20_000, 23)
    }

    fn quantised(&mut self, count: usize, width: Width) -> Quantised {
        Quantised {
            values: self.bytes(count, 8),
            fine: if width == Width::Wide {
                self.bytes(count, 7)
            } else {
                Vec::new()
            },
            scale: self.scale(),
        }
    }

    fn piece(&mut self, layout: Layout) -> Piece {
        match layout {
            Layout::Fixed(count) => Piece::Fixed(self.fixed(count)),
            Layout::Quantised(count, width) => Piece::Quantised(self.quantised(count, width)),
            Layout::Heads { positions, width } => {
                Piece::Heads((0..positions).map(|_| self.quantised(width, Width::Narrow)).collect())
            }
            Layout::Mixed(count) => Piece::Mixed(alloc::vec![weft_exact::attention::Mixed {
                total: 1 << 20,
                sums: self.fixed(count),
                shift: 23,
            }]),
            Layout::Rows(shape, rows) => {
                let bits = if shape.bits == Bits::Four { 4 } else { 8 };
                let groups = shape.columns / shape.group.max(1);
                Piece::Rows(Matrix {
                    columns: shape.columns,
                    bits: shape.bits,
                    weights: self.bytes(rows * shape.columns, bits),
                    group: shape.group,
                    group_scales: (0..rows * groups).map(|_| 1 + (self.next() % 7) as u8).collect(),
                    row_scales: (0..rows).map(|_| self.scale()).collect(),
                    bias: if shape.bias { self.fixed(rows) } else { Vec::new() },
                })
            }
            Layout::Gains(count) => Piece::Gains(self.fixed(count), self.fixed(count)),
            Layout::Angles(count) => {
                let angle = |_| Angle {
                    cosine: (self.next() as i32) >> 2,
                    sine: (self.next() as i32) >> 2,
                };
                Piece::Angles((0..count).map(angle).collect())
            }
            Layout::Best => Piece::Best(alloc::vec![Best {
                // No logit is above it, and all are near enough to have a mass.
                logit: 1 << 19,
                token: 3,
            }]),
            Layout::Masses => Piece::Masses(alloc::vec![(0..128).map(|_| self.next() >> 24).collect()]),
            Layout::Draw => Piece::Draw(Draw {
                chunk: 0,
                last_bucket: 127,
                rest: 1 << 28,
            }),
            Layout::Token => Piece::Token(3),
            Layout::Elements { positions, width } => {
                Piece::Elements((0..positions).map(|_| self.fixed(width)).collect())
            }
            Layout::Sums(count) => Piece::Sums(alloc::vec![(0..count).map(|_| (self.next() as i64) >> 20).collect()]),
        }
    }
}

fn config(family: Family, sizes: [usize; 8], bias: bool) -> Config {
    let [width, layers, heads, kv_heads, head_width, inner, vocabulary, context] = sizes;
    let shape = |columns| Shape {
        columns,
        group: columns,
        bits: Bits::Eight,
        bias,
    };
    let table = Shape {
        bias: false,
        ..shape(width)
    };
    Config {
        family,
        width,
        layers,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context,
        epsilon: (1 << EPSILON_PLACES) / 100_000,
        to_log2: Scale::new(1_549_082_005, 40),
        precision: Precision {
            query_key_value: Width::Wide,
            output: Width::Wide,
            up: Width::Wide,
            down: Width::Wide,
            head: Width::Wide,
        },
        shapes: Shapes {
            embedding: table,
            query_key_value: shape(width),
            output: shape(heads * head_width),
            up: shape(width),
            down: shape(inner),
            head: table,
        },
    }
}

fn smollm2() -> Config {
    config(Family::Llama, [576, 30, 9, 3, 64, 1_536, 49_152, 8_192], false)
}

fn minilm() -> Config {
    config(Family::Bert, [384, 6, 12, 12, 32, 1_536, 30_522, 512], true)
}

/// With weights of some bits, a scale for each `group` of a row.
fn in_groups(mut config: Config, group: usize, bits: Bits) -> Config {
    let shapes = &mut config.shapes;
    for shape in [
        &mut shapes.embedding,
        &mut shapes.query_key_value,
        &mut shapes.output,
        &mut shapes.up,
        &mut shapes.down,
        &mut shapes.head,
    ] {
        (shape.group, shape.bits) = (group, bits);
    }
    config
}

fn largest() -> Config {
    config(Family::Llama, [8_192, 1, 64, 8, 128, 8_192, 262_144, 8_192], false)
}
