//! A small model of random weights, in integers and in floats.

mod numbers;

use numbers::Numbers;
use weft_exact::{
    fixed::{ONE, Scale},
    linear::{Matrix, Unfit},
    llama::{Config, Layer, Model, NoModel, NoStep, highest},
    norm::EPSILON_PLACES,
    rotary::{ANGLE_PLACES, Angle},
};

const CONFIG: Config = Config {
    width: 64,
    heads: 4,
    kv_heads: 2,
    head_width: 16,
    inner: 96,
    vocabulary: 50,
    context: 12,
    epsilon: (1 << EPSILON_PLACES) / 100_000,
    // log2(e) / 4.
    to_log2: Scale {
        mantissa: 47_274,
        shift: 17,
    },
};

/// Weights of about `1 / sqrt(columns)`, in groups of 16.
fn matrix(numbers: &mut Numbers, rows: usize, columns: usize) -> Matrix {
    Matrix {
        columns,
        weights: (0..rows * columns)
            .map(|_| (numbers.next() >> 56) as i8)
            .map(|w| w.max(-127))
            .collect(),
        group: 16,
        group_scales: (0..rows * columns / 16)
            .map(|_| 8 + (numbers.next() >> 60) as u8)
            .collect(),
        row_scales: (0..rows)
            .map(|_| Scale::new(1_000 + (numbers.next() >> 54), 20 + columns.ilog2() as i32 / 2))
            .collect(),
        bias: Vec::new(),
    }
}

fn value(scale: Scale) -> f64 {
    f64::from(scale.mantissa) * 2f64.powi(-i32::from(scale.shift))
}

fn float_rows(matrix: &Matrix) -> Vec<Vec<f64>> {
    let rows = matrix.weights.chunks_exact(matrix.columns);
    let groups = matrix.group_scales.chunks_exact(matrix.columns / matrix.group);
    let scaled = rows.zip(groups).zip(&matrix.row_scales);
    scaled
        .map(|((row, groups), scale)| {
            let weight = |(i, w): (usize, &i8)| f64::from(*w) * f64::from(groups[i / matrix.group]) * value(*scale);
            row.iter().enumerate().map(weight).collect()
        })
        .collect()
}

fn times(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    let dot = |row: &Vec<f64>| row.iter().zip(x).map(|(w, x)| w * x).sum();
    float_rows(matrix).iter().map(dot).collect()
}

fn normed(x: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    x.iter().map(|x| x / (mean + 1e-5).sqrt()).collect()
}

fn angle(position: usize, pair: usize) -> f64 {
    position as f64 * 10_000f64.powf(-(pair as f64) / (CONFIG.head_width / 2) as f64)
}

fn turned(head: &[f64], position: usize) -> Vec<f64> {
    let turn = |(pair, ab): (usize, &[f64])| {
        let (sine, cosine) = angle(position, pair).sin_cos();
        [ab[0] * cosine - ab[1] * sine, ab[0] * sine + ab[1] * cosine]
    };
    head.chunks_exact(2).enumerate().flat_map(turn).collect()
}

/// The same model without any rounding; the logits after the last token.
fn in_floats(layers: &[Layer], embedding: &Matrix, head: &Matrix, tokens: &[u32]) -> Vec<f64> {
    let (width, heads, kv_heads) = (CONFIG.head_width, CONFIG.heads, CONFIG.kv_heads);
    let mut cache = vec![(Vec::<Vec<f64>>::new(), Vec::<Vec<f64>>::new()); layers.len() * kv_heads];
    let mut x = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        x = float_rows(embedding)[*token as usize].clone();
        for (index, layer) in layers.iter().enumerate() {
            let projected = times(&layer.query_key_value, &normed(&x));
            let parts: Vec<&[f64]> = projected.chunks_exact(width).collect();
            let mut mixed = Vec::new();
            for head in 0..heads {
                let kv = head / (heads / kv_heads);
                let (keys, values) = &mut cache[index * kv_heads + kv];
                if keys.len() == position {
                    keys.push(turned(parts[heads + kv], position));
                    values.push(parts[heads + kv_heads + kv].to_vec());
                }
                let query = turned(parts[head], position);
                let scores: Vec<f64> = keys
                    .iter()
                    .map(|key| (key.iter().zip(&query).map(|(k, q)| k * q).sum::<f64>() / (width as f64).sqrt()).exp())
                    .collect();
                let total: f64 = scores.iter().sum();
                mixed.extend(
                    (0..width).map(|i| scores.iter().zip(&*values).map(|(s, v)| s * v[i]).sum::<f64>() / total),
                );
            }
            let y = times(&layer.output, &mixed);
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
            let gate_up = times(&layer.gate_up, &normed(&x));
            let (gate, up) = gate_up.split_at(CONFIG.inner);
            let inner: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            let y = times(&layer.down, &inner);
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
    }
    times(head, &normed(&x))
}

fn parts() -> (Vec<Layer>, Matrix, Matrix, Vec<Angle>) {
    let mut numbers = Numbers(7);
    let heads = CONFIG.heads * CONFIG.head_width;
    let layer = |numbers: &mut Numbers| Layer {
        query_key_value: matrix(numbers, heads + 2 * CONFIG.kv_heads * CONFIG.head_width, CONFIG.width),
        output: matrix(numbers, CONFIG.width, heads),
        gate_up: matrix(numbers, 2 * CONFIG.inner, CONFIG.width),
        down: matrix(numbers, CONFIG.width, CONFIG.inner),
    };
    let layers = vec![layer(&mut numbers), layer(&mut numbers), layer(&mut numbers)];
    let embedding = matrix(&mut numbers, CONFIG.vocabulary, CONFIG.width);
    let places = f64::from(1 << ANGLE_PLACES);
    let angles = (0..CONFIG.context).flat_map(|position| {
        (0..CONFIG.head_width / 2).map(move |pair| Angle {
            cosine: (angle(position, pair).cos() * places).round() as i32,
            sine: (angle(position, pair).sin() * places).round() as i32,
        })
    });
    (layers, embedding.clone(), embedding, angles.collect())
}

fn model() -> Model {
    let (layers, embedding, head, angles) = parts();
    Model::new(CONFIG, layers, embedding, head, angles).expect("the parts fit")
}

#[test]
fn integers_stay_near_floats() {
    let (layers, embedding, head, _) = parts();
    let model = model();
    let tokens = [3, 41, 7, 7, 12, 0, 49, 20, 33, 5];
    let mut sequence = model.sequence();
    for upto in 0..tokens.len() {
        let logits = model.advance(&mut sequence, tokens[upto]).expect("it is a token");
        let logits: Vec<f64> = logits.iter().map(|y| f64::from(*y) / f64::from(ONE)).collect();
        let exact = in_floats(&layers, &embedding, &head, &tokens[..=upto]);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosine = dot(&logits, &exact) / (dot(&logits, &logits) * dot(&exact, &exact)).sqrt();
        let error: Vec<f64> = logits.iter().zip(&exact).map(|(a, b)| a - b).collect();
        let relative = (dot(&error, &error) / dot(&exact, &exact)).sqrt();
        // Of the 8 bits: the inputs of `down` are products, whose largest is some eight times their size.
        assert!(cosine > 0.997 && relative < 0.08, "after {upto}: {cosine} {relative}");
    }
    assert_eq!(sequence.position(), tokens.len());
}

/// These bits must never change without a new version of the arithmetic.
#[test]
fn the_bits_are_known() {
    let model = model();
    let mut sequence = model.sequence();
    let mut token = 1;
    let mut seen = Vec::new();
    let mut sum = 0u64;
    for _ in 0..CONFIG.context {
        let logits = model.advance(&mut sequence, token).expect("it is a token");
        for logit in &logits {
            sum = sum.rotate_left(5) ^ u64::from(*logit as u32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        token = highest(&logits).expect("there are logits");
        seen.push(token);
    }
    assert_eq!(seen, [32, 46, 1, 33, 43, 46, 43, 10, 10, 10, 23, 5]);
    assert_eq!(sum, 3_560_827_988_138_711_556);
    assert_eq!(model.advance(&mut sequence, 0), Err(NoStep::ContextFull));
}

#[test]
fn what_does_not_fit_is_refused_and_named() {
    let (layers, embedding, head, angles) = parts();
    let new = |config, layers: &[Layer], embedding: &Matrix, angles: &[Angle]| {
        Model::new(
            config,
            layers.to_vec(),
            embedding.clone(),
            head.clone(),
            angles.to_vec(),
        )
        .map(drop)
    };
    assert_eq!(new(CONFIG, &layers, &embedding, &angles), Ok(()));
    for config in [
        Config { heads: 3, ..CONFIG },
        Config {
            head_width: 15,
            ..CONFIG
        },
        Config { width: 0, ..CONFIG },
        Config {
            context: 8_193,
            ..CONFIG
        },
        Config {
            inner: usize::MAX,
            ..CONFIG
        },
    ] {
        assert_eq!(new(config, &layers, &embedding, &angles), Err(NoModel::Config));
    }
    assert_eq!(new(CONFIG, &layers, &embedding, &angles[1..]), Err(NoModel::Angles));
    let weights = |layer, matrix, unfit| Err(NoModel::Weights { layer, matrix, unfit });
    let mut damaged = layers.clone();
    damaged[1].down.weights.pop();
    assert_eq!(
        new(CONFIG, &damaged, &embedding, &angles),
        weights(Some(1), 3, Unfit::Shape)
    );
    damaged[1] = layers[0].clone();
    damaged[1].output = layers[0].down.clone();
    assert_eq!(
        new(CONFIG, &damaged, &embedding, &angles),
        weights(Some(1), 1, Unfit::Shape)
    );
    let model = model();
    assert_eq!(model.advance(&mut model.sequence(), 50), Err(NoStep::UnknownToken(50)));
    assert_eq!(highest(&[]), None);
    assert_eq!(highest(&[1, 5, 5, -2]), Some(1));
}
