//! A small causal model of random weights, run by the reference, against the same in floats.

mod models;
mod numbers;

use models::{FOUR, Floats, PLAIN, Variant, WIDE, add, angle, attend, float, likeness, llama, matrix, model, parts};
use numbers::Numbers;
use weft_exact::{
    fixed::{Fixed, ONE, Scale},
    linear::{Bits, Shape, Unfit},
    merkle::{self, Digest},
    model::{Model, NoModel},
    piece::Piece,
    program::{Choice, Config, Family, Kept, Op, Part, Program, Unsound},
    quantise::Width,
    reference::{Memory, NoStep, Reference},
    sampling::{Random, choose},
};

fn normed(x: &[f64], epsilon: f64) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    x.iter().map(|x| x / (mean + epsilon).sqrt()).collect()
}

/// Element `i` with element `i + width / 2`.
fn turned(config: &Config, head: &[f64], position: usize) -> Vec<f64> {
    let half = head.len() / 2;
    let pair = |i: usize| {
        (
            angle(config, position, i % half).sin_cos(),
            head[i % half],
            head[i % half + half],
        )
    };
    let element = |i: usize| match pair(i) {
        ((sine, cosine), a, b) if i < half => a * cosine - b * sine,
        ((sine, cosine), a, b) => a * sine + b * cosine,
    };
    (0..head.len()).map(element).collect()
}

/// The logits after each token.
fn in_floats(floats: &Floats, tokens: &[u32]) -> Vec<Vec<f64>> {
    let c = floats.config;
    let mut kept = vec![(Vec::<Vec<f64>>::new(), Vec::<Vec<f64>>::new()); c.layers * c.kv_heads];
    let step = |(position, token): (usize, &u32)| {
        let mut x = floats.rows(0, Part::Embedding)[*token as usize].clone();
        for layer in 0..c.layers {
            let projected = floats.times(layer, Part::QueryKeyValue, &normed(&x, floats.epsilon()));
            let heads: Vec<&[f64]> = projected.chunks_exact(c.head_width).collect();
            for kv in 0..c.kv_heads {
                let (keys, values) = &mut kept[layer * c.kv_heads + kv];
                keys.push(turned(&c, heads[c.heads + kv], position));
                values.push(heads[c.heads + c.kv_heads + kv].to_vec());
            }
            let head = |head: usize| {
                let (keys, values) = &kept[layer * c.kv_heads + head / (c.heads / c.kv_heads)];
                attend(&turned(&c, heads[head], position), keys, values)
            };
            let attended: Vec<f64> = (0..c.heads).flat_map(head).collect();
            x = add(&x, &floats.times(layer, Part::Output, &attended));
            let both = floats.times(layer, Part::Up, &normed(&x, floats.epsilon()));
            let inner: Vec<f64> = both
                .chunks_exact(2)
                .map(|gu| gu[0] / (1.0 + (-gu[0]).exp()) * gu[1])
                .collect();
            x = add(&x, &floats.times(layer, Part::Down, &inner));
        }
        floats.times(0, Part::Head, &normed(&x, floats.epsilon()))
    };
    tokens.iter().enumerate().map(step).collect()
}

/// The logits after each token.
fn in_integers(model: &Model, tokens: &[u32]) -> Vec<Vec<Fixed>> {
    let (reference, mut memory) = (Reference::new(model), Memory::default());
    let step = |token: &u32| {
        let record = reference
            .advance(&mut memory, *token, Choice::Greedy)
            .expect("there is room");
        record.vector(0, Op::Head).expect("it has logits")
    };
    tokens.iter().map(step).collect()
}

fn text() -> Vec<u32> {
    let mut numbers = Numbers(3);
    (0..40).map(|_| (numbers.next() % 50) as u32).collect()
}

/// Cosine and relative difference of all logits of a text together.
fn all_likeness(variant: Variant) -> (f64, f64) {
    let (model, text) = (model(llama(variant)), text());
    let exact = in_floats(&Floats::new(&model), &text).concat();
    likeness(&float(&in_integers(&model, &text).concat()), &exact)
}

#[test]
fn integers_stay_near_floats_and_wide_ones_nearer() {
    let (cosine, narrow) = all_likeness(PLAIN);
    // Of the 8 bits: the inputs of `down` are products, whose largest is some eight times their size.
    assert!(cosine > 0.998 && narrow < 0.06, "{cosine} {narrow}");
    for variant in [WIDE, FOUR] {
        let (cosine, wide) = all_likeness(variant);
        // What is left is of the queries, keys and values.
        assert!(
            cosine > 0.999 && wide < 0.03 && wide < narrow / 1.5,
            "{cosine} {wide}, narrow {narrow}"
        );
    }
}

/// All logits of a text of which the model makes all but the first token, and these tokens.
fn made(variant: Variant, choice: impl Fn(usize) -> Choice) -> (Vec<Vec<Fixed>>, Vec<u32>) {
    let model = model(llama(variant));
    let (reference, mut memory) = (Reference::new(&model), Memory::default());
    let (mut logits, mut tokens) = (Vec::new(), vec![1]);
    for position in 0..40 {
        let record = reference
            .advance(&mut memory, tokens[position], choice(position))
            .expect("there is room");
        logits.push(record.vector(0, Op::Head).expect("it has logits"));
        tokens.push(record.token().expect("it chose one"));
    }
    (logits, tokens)
}

fn digest(logits: &[Vec<Fixed>]) -> String {
    let bytes: Vec<u8> = logits.iter().flatten().flat_map(|logit| logit.to_le_bytes()).collect();
    hex(&merkle::leaf(&bytes))
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// These bits must never change without a new version of the arithmetic.
#[test]
fn the_bits_are_known() {
    for (variant, tokens, logits, root) in [
        (
            PLAIN,
            [15, 24, 1, 23, 6, 7, 7, 7],
            "f5ea88dc4a1fe004688b290ef7beb31bbf9c2950188ea65671d870c9f00a8522",
            "67d7770b63f767107c8e3bd1b3398d8ef2a815bd4c1bbd351c10a253450f9f5a",
        ),
        (
            WIDE,
            [15, 24, 1, 23, 6, 7, 7, 7],
            "76c7c6c7802552f824658a989a3208eb504761388a3d33617b8d51606eb71e83",
            "fb4a0638723dde5278691916f6f1d747cf7ebfbcbc681f0864fa4b63c356ebfb",
        ),
        (
            FOUR,
            [6, 46, 25, 15, 48, 34, 48, 48],
            "4fb572c13b97cdfb6b9e63412bb06bf225d754369f054bfa01e84c4205a59f9b",
            "cd52f1dbbe3ef0996acac9ddc392714ec851db8ac1d9d027f9abcded9ea3e21e",
        ),
    ] {
        let (seen, made) = made(variant, |_| Choice::Greedy);
        let seen = (digest(&seen), hex(&model(llama(variant)).root()));
        assert_eq!((&made[1..9], seen), (&tokens[..], (logits.to_owned(), root.to_owned())));
    }
}

fn random(temperature: f64, top_p: f64, seed: u64) -> Choice {
    Choice::Random(Random {
        to_log2: Scale::new((std::f64::consts::LOG2_E / temperature * 2f64.powi(40)) as u64, 40),
        top_p: (top_p * 65_536.0) as u32,
        seed,
    })
}

#[test]
fn the_token_is_what_the_choice_says() {
    let (logits, greedy) = made(PLAIN, |_| Choice::Greedy);
    for (logits, token) in logits.iter().zip(&greedy[1..]) {
        let highest = logits.iter().max().expect("there are logits");
        assert_eq!(logits.iter().position(|logit| logit == highest), Some(*token as usize));
    }
    let choice = random(1.3, 0.9, 5);
    let (logits, drawn) = made(PLAIN, |_| choice);
    for (position, (logits, token)) in logits.iter().zip(&drawn[1..]).enumerate() {
        assert_eq!(choose(logits, choice.random(), position as u64), Some(*token));
    }
    assert_eq!(made(PLAIN, |_| choice).1, drawn);
    assert_ne!(made(PLAIN, |_| random(1.3, 0.9, 6)).1, drawn);
    assert_ne!(greedy, drawn);
    // Without any heat only the likeliest is left.
    assert_eq!(made(PLAIN, |_| random(0.001, 1.0, 5)).1, greedy);
    // Of these bits too a change must be noticed.
    assert_eq!(drawn[1..13], [28, 21, 5, 9, 48, 20, 43, 23, 35, 37, 35, 39]);
}

#[test]
fn a_given_token_leaves_the_head_out_and_changes_nothing_else() {
    let model = model(llama(PLAIN));
    let reference = Reference::new(&model);
    let (mut one, mut other) = (Memory::default(), Memory::default());
    for token in text().into_iter().take(5) {
        let given = reference.advance(&mut one, token, Choice::Given).unwrap();
        assert_eq!((given.token(), given.vector(0, Op::Head)), (None, None));
        let chosen = reference.advance(&mut other, token, Choice::Greedy).unwrap();
        assert_eq!(given.vector(1, Op::Down), chosen.vector(1, Op::Down));
    }
    assert_eq!(one, other);
    assert_eq!(one.heads(1, Kept::Value, 1).len(), 5);
}

#[test]
fn what_cannot_be_stepped_is_refused() {
    let model = model(llama(PLAIN));
    let reference = Reference::new(&model);
    let mut memory = Memory::default();
    assert_eq!(
        reference.advance(&mut memory, 50, Choice::Given),
        Err(NoStep::UnknownToken(50))
    );
    assert_eq!(
        reference.advance(&mut memory, u32::MAX, Choice::Given),
        Err(NoStep::UnknownToken(u32::MAX))
    );
    assert_eq!(memory, Memory::default());
    for token in text() {
        reference.advance(&mut memory, token, Choice::Given).unwrap();
    }
    assert_eq!(
        reference.advance(&mut memory, 0, Choice::Given),
        Err(NoStep::ContextFull)
    );
    assert_eq!(NoStep::UnknownToken(50).to_string(), "the model has no token 50");
}

/// Of a configuration and its parts, after a change to them.
fn refused(config: Config, change: impl Fn(&mut Vec<Piece>)) -> NoModel {
    let mut parts = parts(&config);
    change(&mut parts);
    Model::new(config, parts).expect_err("it is no model")
}

fn place(config: &Config, layer: usize, part: Part) -> usize {
    let program = Program::new(*config).expect("the sizes go together");
    program
        .all_parts()
        .iter()
        .position(|at| *at == (layer, part))
        .expect("it is one of its parts")
}

#[test]
fn what_could_overflow_is_refused_and_named() {
    let mut config = Config {
        inner: 640,
        layers: 3,
        ..llama(PLAIN)
    };
    config.shapes.down.columns = 640;
    let down = place(&config, 1, Part::Down);
    let fill = |scale: u8| {
        move |parts: &mut Vec<Piece>| {
            let Piece::Rows(matrix) = &mut parts[down] else {
                panic!("it is a matrix")
            };
            matrix.weights[3 * 640..4 * 640].fill(-127);
            matrix.group_scales[3 * 40..4 * 40].fill(scale);
        }
    };
    let no_model = refused(config, fill(255));
    assert_eq!(
        no_model,
        NoModel::Part {
            layer: 1,
            part: Part::Down,
            unfit: Unfit::Overflow { row: 3 }
        }
    );
    assert_eq!(no_model.to_string(), "down of layer 1: the sum of row 3 could overflow");
    // 640 * 127 * 128 * 206 is just below 2^31.
    let mut parts = parts(&config);
    fill(206)(&mut parts);
    assert!(Model::new(config, parts).is_ok());
    assert!(matches!(
        refused(config, fill(207)),
        NoModel::Part {
            unfit: Unfit::Overflow { row: 3 },
            ..
        }
    ));
}

#[test]
fn what_does_not_fit_is_refused_and_named() {
    let config = llama(PLAIN);
    assert_eq!(refused(config, |parts| drop(parts.pop())), NoModel::Parts);
    let shape = |layer, part| NoModel::Part {
        layer,
        part,
        unfit: Unfit::Shape,
    };
    for (layer, part) in Program::new(config).unwrap().all_parts() {
        let at = place(&config, layer, part);
        // Of the right length for a norm, which this family does not have.
        let gains = Piece::Gains(vec![0; 64], vec![0; 64]);
        assert_eq!(refused(config, |parts| parts[at] = gains.clone()), shape(layer, part));
        assert_eq!(refused(config, |parts| parts[at] = Piece::Token(0)), shape(layer, part));
        let no_model = refused(config, |parts| match &mut parts[at] {
            Piece::Rows(matrix) => drop(matrix.row_scales.pop()),
            Piece::Angles(angles) => drop(angles.pop()),
            other => panic!("there is no {other:?}"),
        });
        assert_eq!(no_model, shape(layer, part));
        assert!(no_model.to_string().contains(part.name()), "{no_model}");
    }
    let up = place(&config, 1, Part::Up);
    let no_model = refused(config, |parts| match &mut parts[up] {
        Piece::Rows(matrix) => matrix.weights[5] = -128,
        other => panic!("there is no {other:?}"),
    });
    assert_eq!(
        no_model,
        NoModel::Part {
            layer: 1,
            part: Part::Up,
            unfit: Unfit::Weight
        }
    );
    // Four bits hold no 8, and what is not of the shape that the root commits to is not the model.
    let four = Shape {
        bits: Bits::Four,
        ..config.shapes.up
    };
    let no_model = refused(config, |parts| {
        parts[up] = Piece::Rows(matrix(&mut Numbers(1), 192, four))
    });
    assert_eq!(no_model, shape(1, Part::Up));
}

#[test]
fn sizes_that_are_no_program_are_refused() {
    let size = |name| Err(Unsound::Size(name));
    let config = llama(PLAIN);
    assert!(Program::new(config).is_ok());
    let large = Config {
        inner: usize::MAX,
        ..config
    };
    for (config, wanted) in [
        (Config { width: 0, ..config }, size("width")),
        (
            Config {
                context: 8_193,
                ..config
            },
            size("context"),
        ),
        (large, size("inner")),
        (
            Config {
                heads: usize::MAX,
                ..config
            },
            size("heads"),
        ),
        (Config { heads: 1_024, ..config }, size("heads")),
        (
            Config { heads: 3, ..config },
            Err(Unsound::Mismatch("heads and kv_heads")),
        ),
        (
            Config {
                head_width: 15,
                ..config
            },
            Err(Unsound::Mismatch("head_width is no power of two")),
        ),
        (
            Config {
                head_width: 1,
                ..config
            },
            Err(Unsound::Mismatch("head_width is no power of two")),
        ),
        (Config { epsilon: 0, ..config }, size("epsilon or to_log2")),
        (
            Config {
                to_log2: Scale { mantissa: 1, shift: 0 },
                ..config
            },
            size("epsilon or to_log2"),
        ),
        (Config { width: 32, ..config }, Err(Unsound::Shape("embedding"))),
        (Config { inner: 80, ..config }, Err(Unsound::Shape("down"))),
        (
            Config {
                family: Family::Bert,
                ..config
            },
            Err(Unsound::Mismatch("heads and kv_heads")),
        ),
    ] {
        assert_eq!(Program::new(config).map(drop), wanted);
    }
    let mut odd = config;
    odd.shapes.head.group = 15;
    assert_eq!(Program::new(odd).map(drop), Err(Unsound::Shape("head")));
    let no_model = Model::new(large, vec![]).expect_err("it is none");
    assert_eq!(no_model.to_string(), "inner is zero, or more than `down` can sum: 8192");
}

/// The root binds everything that the arithmetic depends on.
#[test]
fn the_root_tells_models_apart() {
    let (config, parts) = (llama(PLAIN), parts(&llama(PLAIN)));
    let root = Model::new(config, parts.clone()).unwrap().root();
    let mut wide = config;
    wide.precision.down = Width::Wide;
    let others = [
        wide,
        Config {
            epsilon: config.epsilon + 1,
            ..config
        },
        Config {
            to_log2: Scale::new(1, 0),
            ..config
        },
    ];
    for other in others {
        assert_ne!(Model::new(other, parts.clone()).unwrap().root(), root);
    }
    for at in 0..parts.len() {
        let mut parts = parts.clone();
        match &mut parts[at] {
            Piece::Rows(matrix) => matrix.weights[17] ^= 1,
            Piece::Angles(angles) => angles[17].sine += ONE,
            other => panic!("there is no {other:?}"),
        }
        assert_ne!(Model::new(config, parts).unwrap().root(), root);
    }
}
