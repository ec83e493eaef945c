//! A small model that looks both ways, of random weights, run by the reference, against the same in floats.

mod models;
mod numbers;

use models::{FOUR, Floats, PLAIN, Variant, WIDE, add, attend, bert, float, likeness, model, parts};
use numbers::Numbers;
use weft_exact::{
    fixed::Fixed,
    merkle,
    model::{Model, NoModel},
    piece::Piece,
    pool::UNIT_PLACES,
    program::{Op, Part, Program},
    reference::{Memory, NoStep, Record, Reference},
};

/// `Φ(x)`, by the series of the error function: exact to 1e-12 where it is used.
fn normal_share(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= x * x / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + sum * (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// The last hidden states, and the direction of their mean.
fn in_floats(floats: &Floats, tokens: &[u32]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let c = floats.config;
    let embed = |(position, token): (usize, &u32)| {
        let x = add(
            &floats.rows(0, Part::Embedding)[*token as usize],
            &floats.rows(0, Part::Positions)[position],
        );
        floats.layer_norm(0, Part::EmbeddingNorm, &x)
    };
    let mut states: Vec<Vec<f64>> = tokens.iter().enumerate().map(embed).collect();
    for layer in 0..c.layers {
        let projected: Vec<Vec<f64>> = states
            .iter()
            .map(|x| floats.times(layer, Part::QueryKeyValue, x))
            .collect();
        let head = |x: &[f64], at: usize| x[at * c.head_width..(at + 1) * c.head_width].to_vec();
        let all = |at: usize| projected.iter().map(|x| head(x, at)).collect::<Vec<_>>();
        let kept: Vec<_> = (0..c.heads)
            .map(|at| (all(c.heads + at), all(2 * c.heads + at)))
            .collect();
        for (x, projected) in states.iter_mut().zip(&projected) {
            let of_head = |at: usize| attend(&head(projected, at), &kept[at].0, &kept[at].1);
            let attended: Vec<f64> = (0..c.heads).flat_map(of_head).collect();
            let y = add(x, &floats.times(layer, Part::Output, &attended));
            let y = floats.layer_norm(layer, Part::OutputNorm, &y);
            let inner: Vec<f64> = floats
                .times(layer, Part::Up, &y)
                .iter()
                .map(|x| x * normal_share(*x))
                .collect();
            *x = floats.layer_norm(
                layer,
                Part::DownNorm,
                &add(&y, &floats.times(layer, Part::Down, &inner)),
            );
        }
    }
    let mean: Vec<f64> = (0..c.width)
        .map(|i| states.iter().map(|x| x[i]).sum::<f64>() / states.len() as f64)
        .collect();
    let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
    (states, mean.iter().map(|x| x / length).collect())
}

fn text(count: usize) -> Vec<u32> {
    let mut numbers = Numbers(9);
    (0..count).map(|_| (numbers.next() % 70) as u32).collect()
}

fn encode(model: &Model, tokens: &[u32]) -> (Vec<Record>, Record) {
    Reference::new(model)
        .encode(&mut Memory::default(), tokens)
        .expect("there is room")
}

fn unit(end: &Record) -> Vec<f64> {
    let places = f64::from(1 << UNIT_PLACES);
    let unit = end.vector(0, Op::Unit).expect("it has a direction");
    unit.iter().map(|x| f64::from(*x) / places).collect()
}

/// The relative difference of the last hidden states, and that of the result.
fn differences(variant: Variant, count: usize) -> (f64, f64) {
    let (model, text) = (model(bert(variant)), text(count));
    let (states, exact) = in_floats(&Floats::new(&model), &text);
    let (records, end) = encode(&model, &text);
    let ours: Vec<Fixed> = records
        .iter()
        .flat_map(|record| record.vector(1, Op::DownNorm).expect("it is there"))
        .collect();
    let result = unit(&end);
    let length: f64 = result.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-4, "{length}");
    (likeness(&float(&ours), &states.concat()).1, likeness(&result, &exact).1)
}

#[test]
fn integers_stay_near_floats_and_wide_ones_nearer() {
    // One position, some, a whole block, and more than one.
    for count in [1, 7, 256, 300] {
        let (narrow, result) = differences(PLAIN, count);
        assert!(narrow < 0.04 && result < 0.04, "{count}: {narrow} {result}");
        for variant in [WIDE, FOUR] {
            let (wide, result) = differences(variant, count);
            // What is left is of the queries, keys and values.
            assert!(
                wide < 0.02 && result < 0.02 && wide < narrow / 1.3,
                "{count}: {wide} {result}, narrow {narrow}"
            );
        }
    }
}

/// These bits must never change without a new version of the arithmetic.
#[test]
fn the_bits_are_known() {
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (variant, count, states, result, root) in [
        (
            PLAIN,
            7,
            "fb1556b1399d8465e463670b5c8e78f7a78f5b98a7872fb929cf7eb9190c5fdd",
            "de49884c422ae54240e5111c589e54ecbfe676efcb4220aa243574a85eaaa4e1",
            "99c6bb9a257f7f7f903424801f77e3c1254715dd8ccded19e081146e9b13607e",
        ),
        (
            PLAIN,
            300,
            "77badcdb43a52aae9de4fbffa55e6c9174711d887d7858dd2962a667b3fa4b98",
            "dc4aa49c59034d10ee9859a31aa6ab97aefaea0ca3889efa517d9ae4392a31c0",
            "99c6bb9a257f7f7f903424801f77e3c1254715dd8ccded19e081146e9b13607e",
        ),
        (
            WIDE,
            300,
            "839b804a31b7b633e57719b13dd080a95adea55ac58af5b4b5863bad1645eced",
            "4cecd4042e47c15cdd2325ff478d5283eae1bca6052e7223fab2353788aeac6e",
            "d36a6a33dbf690319850b5c54197e2f3e693ab926c2389a27f7e8d7f19fbd98b",
        ),
        (
            FOUR,
            300,
            "8b8e20fbd8a4295c0d7e757bb75f955c9cbcbca8b49763ed56efc0f64425cb75",
            "22a5335efbe528faf9b7e5decfe6bdf3efb7c095af59ddc9be8a90eb7e048e2b",
            "964e977999176732c732677fb2c0cefd2ab52ff626e21332d622869b212593df",
        ),
    ] {
        let model = model(bert(variant));
        let (records, end) = encode(&model, &text(count));
        let of = |record: &Record, layer, op| record.vector(layer, op).expect("it is a vector");
        let all: Vec<Fixed> = records.iter().flat_map(|record| of(record, 1, Op::DownNorm)).collect();
        let digest = |x: Vec<Fixed>| hex(merkle::leaf(&Piece::Fixed(x).bytes()));
        let seen = (digest(all), digest(of(&end, 0, Op::Unit)), hex(model.root()));
        assert_eq!(seen, (states.to_owned(), result.to_owned(), root.to_owned()));
    }
}

#[test]
fn every_position_sees_every_other_on_both_sides_of_a_block() {
    let model = model(bert(PLAIN));
    let mut text = text(300);
    let exponents = |text: &[u32], position: usize| {
        encode(&model, text).0[position]
            .vector(0, Op::Exponents)
            .expect("they are there")
    };
    for (changed, position) in [(0, 299), (299, 0), (255, 256), (256, 255)] {
        let before = exponents(&text, position);
        let token = text[changed];
        text[changed] = (token + 1) % 70;
        let after = exponents(&text, position);
        text[changed] = token;
        assert_eq!((before.len(), after.len()), (900, 900));
        for (at, (before, after)) in before.iter().zip(after).enumerate() {
            assert_eq!(*before != after, at % 300 == changed, "{position} at {at}");
        }
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let model = model(bert(PLAIN));
    let encode = |tokens: &[u32]| Reference::new(&model).encode(&mut Memory::default(), tokens).map(drop);
    assert_eq!(encode(&[]), Err(NoStep::Empty));
    assert_eq!(encode(&[1, 70]), Err(NoStep::UnknownToken(70)));
    assert_eq!(encode(&[1; 301]), Err(NoStep::ContextFull));
    assert_eq!(encode(&[1; 300]), Ok(()));
    assert_eq!(NoStep::Empty.to_string(), "the text is empty");
}

#[test]
fn what_does_not_fit_is_refused_and_named() {
    let config = bert(PLAIN);
    for (at, (layer, part)) in Program::new(config).unwrap().all_parts().into_iter().enumerate() {
        let mut parts = parts(&config);
        match &mut parts[at] {
            Piece::Rows(matrix) => drop(matrix.weights.pop()),
            Piece::Gains(_, bias) => bias.push(0),
            other => panic!("there is no {other:?}"),
        }
        let no_model = Model::new(config, parts).expect_err("it is no model");
        assert!(matches!(no_model, NoModel::Part { layer: l, part: p, .. } if (l, p) == (layer, part)));
        assert!(no_model.to_string().contains(part.name()), "{no_model}");
    }
    // Positions have the shape of tokens: the root commits to no other.
    let mut parts = parts(&config);
    let Piece::Rows(positions) = &mut parts[1] else {
        panic!("it is a matrix")
    };
    positions.bias = vec![0; 300];
    assert!(matches!(
        Model::new(config, parts),
        Err(NoModel::Part {
            part: Part::Positions,
            ..
        })
    ));
}
