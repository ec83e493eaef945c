//! Small models of random weights.

use weft_exact::{
    fixed::Scale,
    linear::{Bits, Matrix, Shape},
    model::Model,
    norm::EPSILON_PLACES,
    piece::Piece,
    program::{Config, Family, MAX_HEAD_WIDTH, Part, Precision, Program, Shapes},
    quantise::Width,
    rotary::{ANGLE_PLACES, Angle},
};

/// Numbers that look random and are the same in every run (xorshift64*).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn tokens(&mut self, count: usize, vocabulary: usize) -> Vec<u32> {
        (0..count).map(|_| (self.next() % vocabulary as u64) as u32).collect()
    }
}

/// What random models differ in.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub family: Family,
    pub width: Width,
    /// Of the weights' scales; 0 for one scale a row.
    pub group: usize,
    pub bits: Bits,
}

pub fn config(kind: Kind) -> Config {
    let llama = kind.family == Family::Llama;
    let (width, heads, kv_heads, head_width, inner) = if llama { (72, 6, 2, 16, 100) } else { (64, 4, 4, 16, 96) };
    let shape = |columns: usize| Shape {
        columns,
        group: if kind.group == 0 { columns } else { kind.group },
        bits: kind.bits,
        bias: !llama,
    };
    let table = Shape {
        bias: false,
        ..shape(width)
    };
    Config {
        family: kind.family,
        width,
        layers: 2,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary: 90,
        context: 600,
        epsilon: (1 << EPSILON_PLACES) / 100_000,
        // log2(e) / 4 / 16.
        to_log2: Scale::new(1_549_082_005, 32 + 4),
        precision: Precision {
            query_key_value: kind.width,
            output: kind.width,
            up: kind.width,
            down: kind.width,
            head: kind.width,
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

fn matrix(numbers: &mut Numbers, rows: usize, shape: Shape) -> Matrix {
    let groups = shape.columns / shape.group;
    let four = shape.bits == Bits::Four;
    let bits = if four { 4 } else { 0 };
    // Of about 1 / sqrt(columns) in all.
    let places = if four { 9 } else { 13 } + if groups > 1 { 4 } else { 0 } + shape.columns.ilog2() as i32 / 2;
    Matrix {
        columns: shape.columns,
        bits: shape.bits,
        weights: (0..rows * shape.columns)
            .map(|_| ((numbers.next() >> 56) as i8).max(-127) >> bits)
            .collect(),
        group: shape.group,
        group_scales: (0..rows * groups)
            .map(|_| {
                if groups == 1 {
                    1
                } else {
                    8 + (numbers.next() >> 60) as u8
                }
            })
            .collect(),
        row_scales: (0..rows)
            // Some rows are nothing.
            .map(|row| {
                if row % 37 == 36 {
                    Scale::default()
                } else {
                    Scale::new(40 + (numbers.next() >> 58), places)
                }
            })
            .collect(),
        bias: if shape.bias {
            (0..rows).map(|_| (numbers.next() as i32) >> 16).collect()
        } else {
            Vec::new()
        },
    }
}

/// With heads of the largest width, which no known model's small ones have.
pub fn wide_heads(kind: Kind) -> Config {
    let mut config = Config {
        heads: if kind.family == Family::Llama { 4 } else { 2 },
        kv_heads: 2,
        head_width: MAX_HEAD_WIDTH,
        // log2(e) / sqrt(128) / 128.
        to_log2: Scale::new(1_095_366_390, 40),
        ..config(kind)
    };
    let columns = config.heads * config.head_width;
    config.shapes.output.columns = columns;
    config.shapes.output.group = if kind.group == 0 { columns } else { kind.group };
    config
}

pub fn model(kind: Kind, seed: u64) -> Model {
    model_of(config(kind), seed)
}

pub fn model_of(config: Config, seed: u64) -> Model {
    let program = Program::new(config).unwrap();
    let mut numbers = Numbers(seed);
    let parts = program
        .all_parts()
        .into_iter()
        .map(|(_, part)| match (part, program.shape(part)) {
            (_, Some(shape)) => Piece::Rows(matrix(&mut numbers, program.rows(part), shape)),
            (Part::Angles, None) => {
                let pairs = config.head_width / 2;
                let angle = |at: usize| {
                    let turn = (at / pairs) as f64 * 10_000f64.powf(-((at % pairs) as f64) / pairs as f64);
                    let places = f64::from(1 << ANGLE_PLACES);
                    Angle {
                        cosine: (turn.cos() * places).round() as i32,
                        sine: (turn.sin() * places).round() as i32,
                    }
                };
                Piece::Angles((0..config.context * pairs).map(angle).collect())
            }
            _ => {
                let mut gains = |around: i32| {
                    (0..config.width)
                        .map(|_| around + ((numbers.next() as i32) >> 16))
                        .collect()
                };
                Piece::Gains(gains(65_536), gains(0))
            }
        });
    Model::new(config, parts.collect()).unwrap()
}

/// One of each.
pub fn kinds(family: Family) -> Vec<Kind> {
    [
        (Width::Narrow, 0, Bits::Eight),
        (Width::Wide, 0, Bits::Eight),
        (Width::Wide, 4, Bits::Eight),
        (Width::Narrow, 4, Bits::Four),
    ]
    .map(|(width, group, bits)| Kind {
        family,
        width,
        group,
        bits,
    })
    .to_vec()
}
