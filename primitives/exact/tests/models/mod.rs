//! Small models of random weights, in integers and in floats.
// Each test uses a part of it.
#![allow(dead_code)]

use weft_exact::{
    fixed::{Fixed, ONE, Scale},
    linear::{Bits, Matrix, Shape},
    model::Model,
    norm::EPSILON_PLACES,
    piece::Piece,
    program::{Config, Family, Part, Precision, Program, Shapes},
    quantise::Width,
    rotary::{ANGLE_PLACES, Angle},
};

use crate::numbers::Numbers;

/// What the variants of a model differ in.
#[derive(Clone, Copy)]
pub struct Variant {
    pub width: Width,
    pub bits: Bits,
    /// Inputs that share a group scale.
    pub group: usize,
    /// Whether the operators of products have a bias, except the head.
    pub bias: bool,
}

pub const PLAIN: Variant = Variant {
    width: Width::Narrow,
    bits: Bits::Eight,
    group: 16,
    bias: false,
};
pub const WIDE: Variant = Variant {
    width: Width::Wide,
    ..PLAIN
};
/// All that [`PLAIN`] is not.
pub const FOUR: Variant = Variant {
    width: Width::Wide,
    bits: Bits::Four,
    group: 8,
    bias: true,
};

/// `log2(e) / sqrt(head width) / head width`.
pub fn to_log2(head_width: usize) -> Scale {
    let exact = std::f64::consts::LOG2_E / (head_width as f64).powf(1.5);
    Scale::new((exact * 2f64.powi(40)) as u64, 40)
}

pub fn precision(width: Width) -> Precision {
    Precision {
        query_key_value: width,
        output: width,
        up: width,
        down: width,
        head: width,
    }
}

pub fn llama(variant: Variant) -> Config {
    let shape = |columns| Shape {
        columns,
        group: variant.group,
        bits: variant.bits,
        bias: variant.bias,
    };
    let bare = |columns| Shape {
        bias: false,
        ..shape(columns)
    };
    Config {
        family: Family::Llama,
        width: 64,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_width: 16,
        inner: 96,
        vocabulary: 50,
        context: 40,
        epsilon: (1 << EPSILON_PLACES) / 100_000,
        to_log2: to_log2(16),
        precision: precision(variant.width),
        shapes: Shapes {
            embedding: bare(64),
            query_key_value: shape(64),
            output: shape(64),
            up: shape(64),
            down: shape(96),
            head: bare(64),
        },
    }
}

/// Its positions fill more than one block of attention.
pub fn bert(variant: Variant) -> Config {
    let shape = |columns| Shape {
        columns,
        group: variant.group,
        bits: variant.bits,
        bias: variant.bias,
    };
    let bare = |columns| Shape {
        bias: false,
        ..shape(columns)
    };
    Config {
        family: Family::Bert,
        width: 48,
        layers: 2,
        heads: 3,
        kv_heads: 3,
        head_width: 16,
        inner: 80,
        vocabulary: 70,
        context: 300,
        epsilon: (1 << EPSILON_PLACES) / 1_000_000_000_000,
        to_log2: to_log2(16),
        precision: precision(variant.width),
        shapes: Shapes {
            embedding: bare(48),
            query_key_value: shape(48),
            output: shape(48),
            up: shape(48),
            down: shape(80),
            head: bare(48),
        },
    }
}

/// Weights of about `1 / sqrt(columns)`.
pub fn matrix(numbers: &mut Numbers, rows: usize, shape: Shape) -> Matrix {
    let weight = |numbers: &mut Numbers| match shape.bits {
        Bits::Eight => ((numbers.next() >> 56) as i8).max(-127),
        Bits::Four => (numbers.next() >> 60) as i8 - 8,
    };
    let places = 20 + shape.columns.ilog2() as i32 / 2 - if shape.bits == Bits::Four { 4 } else { 0 };
    Matrix {
        columns: shape.columns,
        bits: shape.bits,
        weights: (0..rows * shape.columns).map(|_| weight(numbers)).collect(),
        group: shape.group,
        group_scales: (0..rows * shape.columns / shape.group)
            .map(|_| 8 + (numbers.next() >> 60) as u8)
            .collect(),
        row_scales: (0..rows)
            .map(|_| Scale::new(1_000 + (numbers.next() >> 54), places))
            .collect(),
        bias: if shape.bias {
            (0..rows).map(|_| (numbers.next() as i32) >> 18).collect()
        } else {
            Vec::new()
        },
    }
}

/// The turn of a pair at a position.
pub fn angle(config: &Config, position: usize, pair: usize) -> f64 {
    position as f64 * 10_000f64.powf(-(pair as f64) / (config.head_width / 2) as f64)
}

fn angles(config: &Config) -> Vec<Angle> {
    let places = f64::from(1 << ANGLE_PLACES);
    let of = |position: usize| {
        (0..config.head_width / 2).map(move |pair| {
            let (sine, cosine) = angle(config, position, pair).sin_cos();
            Angle {
                cosine: (cosine * places).round() as i32,
                sine: (sine * places).round() as i32,
            }
        })
    };
    (0..config.context).flat_map(of).collect()
}

/// Random parts of any configuration that is a program.
pub fn parts(config: &Config) -> Vec<Piece> {
    let program = Program::new(*config).expect("the sizes go together");
    let mut numbers = Numbers(7);
    let gains = |numbers: &mut Numbers| {
        let gain = (0..config.width).map(|_| ONE + (numbers.next() as i32 >> 17)).collect();
        let bias = (0..config.width).map(|_| numbers.next() as i32 >> 18).collect();
        Piece::Gains(gain, bias)
    };
    let part = |(_, part): (usize, Part)| match (part, program.shape(part)) {
        (Part::QueryKeyValue, Some(shape)) => {
            let mut matrix = matrix(&mut numbers, program.rows(part), shape);
            // Queries and keys at half the size: else a head would see one position alone, and small errors would swap it.
            let halved = (config.heads + config.kv_heads) * config.head_width;
            matrix.row_scales[..halved]
                .iter_mut()
                .for_each(|scale| scale.shift += 1);
            Piece::Rows(matrix)
        }
        (_, Some(shape)) => Piece::Rows(matrix(&mut numbers, program.rows(part), shape)),
        (Part::Angles, None) => Piece::Angles(angles(config)),
        (_, None) => gains(&mut numbers),
    };
    program.all_parts().into_iter().map(part).collect()
}

pub fn model(config: Config) -> Model {
    Model::new(config, parts(&config)).expect("the parts fit")
}

pub fn float(x: &[Fixed]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x) / f64::from(ONE)).collect()
}

/// Cosine, and the size of the difference over that of `exact`.
pub fn likeness(x: &[f64], exact: &[f64]) -> (f64, f64) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let difference: Vec<f64> = x.iter().zip(exact).map(|(a, b)| a - b).collect();
    let cosine = dot(x, exact) / (dot(x, x) * dot(exact, exact)).sqrt();
    (cosine, (dot(&difference, &difference) / dot(exact, exact)).sqrt())
}

type Rows = Vec<Vec<f64>>;

/// The same model without any rounding.
pub struct Floats<'a> {
    pub config: Config,
    model: &'a Model,
    rows: Vec<((usize, Part), Rows)>,
}

fn float_rows(matrix: &Matrix) -> Rows {
    let rows = matrix.weights.chunks_exact(matrix.columns);
    let groups = matrix.group_scales.chunks_exact(matrix.columns / matrix.group);
    let scaled = rows.zip(groups).zip(&matrix.row_scales);
    scaled
        .map(|((row, groups), scale)| {
            let scale = f64::from(scale.mantissa) * 2f64.powi(-i32::from(scale.shift));
            let weight = |(i, w): (usize, &i8)| f64::from(*w) * f64::from(groups[i / matrix.group]) * scale;
            row.iter().enumerate().map(weight).collect()
        })
        .collect()
}

impl<'a> Floats<'a> {
    pub fn new(model: &'a Model) -> Self {
        let all = model.program().all_parts();
        let rows = all
            .into_iter()
            .filter_map(|(layer, part)| Some(((layer, part), float_rows(model.matrix(layer, part)?))));
        Self {
            config: *model.program().config(),
            model,
            rows: rows.collect(),
        }
    }

    pub fn rows(&self, layer: usize, part: Part) -> &[Vec<f64>] {
        &self
            .rows
            .iter()
            .find(|(at, _)| *at == (layer, part))
            .expect("it has the part")
            .1
    }

    /// `W x + b`.
    pub fn times(&self, layer: usize, part: Part, x: &[f64]) -> Vec<f64> {
        let bias = float(&self.model.matrix(layer, part).expect("it has the part").bias);
        let bias = bias.into_iter().chain(std::iter::repeat(0.0));
        let dot = |row: &Vec<f64>| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        self.rows(layer, part)
            .iter()
            .zip(bias)
            .map(|(row, bias)| dot(row) + bias)
            .collect()
    }

    pub fn layer_norm(&self, layer: usize, part: Part, x: &[f64]) -> Vec<f64> {
        let (gain, bias) = self.model.gains(layer, part).expect("it has the part");
        let count = x.len() as f64;
        let mean = x.iter().sum::<f64>() / count;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let root = (variance + self.epsilon()).sqrt();
        let affine = x.iter().zip(float(gain)).zip(float(bias));
        affine
            .map(|((x, gain), bias)| (x - mean) / root * gain + bias)
            .collect()
    }

    pub fn epsilon(&self) -> f64 {
        self.config.epsilon as f64 / 2f64.powi(EPSILON_PLACES as i32)
    }
}

/// Softmax attention of one head.
pub fn attend(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>]) -> Vec<f64> {
    let score = |key: &Vec<f64>| key.iter().zip(query).map(|(k, q)| k * q).sum::<f64>() / (query.len() as f64).sqrt();
    let scores: Vec<f64> = keys.iter().map(score).map(f64::exp).collect();
    let total: f64 = scores.iter().sum();
    (0..query.len())
        .map(|i| scores.iter().zip(values).map(|(s, v)| s * v[i]).sum::<f64>() / total)
        .collect()
}

pub fn add(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}
