//! The GPU's engine gives the reference's bits, and a GPU that does not is refused. Without a GPU, or software that stands in for
//! one, there is nothing to test: that is said, and is a failure under `make test`, which installs such software.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../exact/tests/models/mod.rs"]
mod models;

use std::io::{self, Write};

use models::{Numbers, kinds, model, model_of, wide_heads};
use weft_engine::Device;
use weft_engine::exact::gpu::{GpuEngine, GpuError, Sources};
use weft_exact::model::Model;
use weft_exact::program::Family;
use weft_exact::reference::NoStep;
use weft_exact_engine::engine::{Engine, Failure, Work};
use weft_exact_engine::generate::{Request, generate, random_choice};
use weft_exact_engine::referee::Referee;

/// Set by `make test`, which installs a software Vulkan: a test may then not do without.
const VULKAN_REQUIRED: &str = "WEFT_TESTS_REQUIRE_VULKAN";

fn is_there() -> bool {
    match Device::Wgpu.probe() {
        Ok(_) => true,
        Err(error) => {
            assert!(
                std::env::var_os(VULKAN_REQUIRED).is_none(),
                "{VULKAN_REQUIRED} is set, and {error}"
            );
            // Not by a macro, whose words are kept back when a test passes.
            let seen = writeln!(io::stderr(), "SKIPPED: a test of the GPU's exact engine: {error}");
            seen.unwrap();
            false
        }
    }
}

fn pair(model: &Model) -> [Box<dyn Engine>; 2] {
    [
        Box::new(Referee::new(model.clone())),
        Box::new(GpuEngine::new(model).unwrap()),
    ]
}

/// All that a sequence keeps.
fn kept(engine: &mut dyn Engine, slot: weft_exact_engine::Slot) -> Vec<Vec<Vec<u8>>> {
    (0..engine.position(slot))
        .step_by(16)
        .map(|first| engine.group(slot, first).unwrap())
        .collect()
}

#[test]
fn text_models_give_the_reference_s_bits() {
    if !is_there() {
        return;
    }
    for (seed, kind) in kinds(Family::Llama).into_iter().enumerate() {
        let model = model(kind, seed as u64 + 1);
        let mut numbers = Numbers(seed as u64 + 77);
        let prompts: Vec<Vec<u32>> = [37, 1, 270, 5].map(|length| numbers.tokens(length, 90)).into();
        let after = numbers.tokens(4, 90);
        let results = pair(&model).map(|mut engine| {
            let slots: Vec<_> = prompts.iter().map(|_| engine.open()).collect();
            // Together, at most one of them longer than a block; then token by token, together and alone.
            let batch: Vec<Work<'_>> = slots
                .iter()
                .zip(&prompts)
                .map(|(slot, tokens)| Work {
                    slot: *slot,
                    tokens,
                    logits: tokens.len() != 5,
                })
                .collect();
            let mut logits = engine.advance(&batch).unwrap();
            let batch: Vec<Work<'_>> = slots
                .iter()
                .zip(&after)
                .map(|(slot, token)| Work {
                    slot: *slot,
                    tokens: std::slice::from_ref(token),
                    logits: true,
                })
                .collect();
            logits.extend(engine.advance(&batch).unwrap());
            for work in &batch {
                logits.extend(engine.advance(std::slice::from_ref(work)).unwrap());
            }
            let kept: Vec<_> = slots.iter().map(|slot| kept(&mut *engine, *slot)).collect();
            (logits, kept)
        });
        assert!(results[0].0[3].is_none() && results[0].0[2].is_some());
        assert!(results[0] == results[1], "{kind:?}");
    }
}

#[test]
fn embedding_models_give_the_reference_s_bits() {
    if !is_there() {
        return;
    }
    for (seed, kind) in kinds(Family::Bert).into_iter().enumerate() {
        let model = model(kind, seed as u64 + 1);
        let mut numbers = Numbers(seed as u64 + 5);
        let texts: Vec<Vec<u32>> = [9, 300, 1, 64].map(|length| numbers.tokens(length, 90)).into();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let [reference, gpu] = pair(&model).map(|mut engine| engine.encode(&texts).unwrap());
        assert!(reference == gpu, "{kind:?}");
    }
}

#[test]
fn wide_heads_give_the_reference_s_bits() {
    if !is_there() {
        return;
    }
    let text = model_of(wide_heads(kinds(Family::Llama)[1]), 6);
    assert!(text.program().config().head_width > 64);
    let mut numbers = Numbers(12);
    let (long, short) = (numbers.tokens(263, 90), numbers.tokens(3, 90));
    let results = pair(&text).map(|mut engine| {
        let slots = [engine.open(), engine.open()];
        let work = |slot, tokens| Work {
            slot,
            tokens,
            logits: true,
        };
        let mut logits = engine
            .advance(&[work(slots[0], &long), work(slots[1], &short)])
            .unwrap();
        logits.extend(engine.advance(&[work(slots[1], &[8]), work(slots[0], &[7])]).unwrap());
        (logits, slots.map(|slot| kept(&mut *engine, slot)))
    });
    assert!(results[0] == results[1]);
    let bert = model_of(wide_heads(kinds(Family::Bert)[0]), 7);
    let [reference, gpu] = pair(&bert).map(|mut engine| engine.encode(&[&long, &short]).unwrap());
    assert!(reference == gpu);
}

#[test]
fn whole_answers_have_the_same_trace_alone_and_together() {
    if !is_there() {
        return;
    }
    let model = model(kinds(Family::Llama)[0], 3);
    let mut numbers = Numbers(8);
    let requests: Vec<Request> = [20, 3, 41, 17]
        .into_iter()
        .zip([None, Some(0.7), Some(1.5), None])
        .map(|(length, temperature)| Request {
            prompt: numbers.tokens(length, 90),
            choice: random_choice(temperature.unwrap_or(0.0), 0.95, 11).unwrap(),
            most: 12,
            ends: vec![4],
        })
        .collect();
    let [mut referee, mut gpu] = pair(&model);
    let root = model.root();
    let expected = generate(&mut *referee, root, requests.clone(), |_, _| ()).unwrap();
    assert_eq!(
        generate(&mut *gpu, root, requests.clone(), |_, _| ()).unwrap(),
        expected
    );
    for (request, expected) in requests.into_iter().zip(expected) {
        assert_eq!(generate(&mut *gpu, root, vec![request], |_, _| ()).unwrap(), [expected]);
    }
}

#[test]
fn what_cannot_be_computed_changes_nothing() {
    if !is_there() {
        return;
    }
    let text = model(kinds(Family::Llama)[0], 1);
    let mut engine = GpuEngine::new(&text).unwrap();
    let slot = engine.open();
    let advance = |engine: &mut GpuEngine, tokens: &[u32]| {
        engine.advance(&[Work {
            slot,
            tokens,
            logits: true,
        }])
    };
    advance(&mut engine, &[1, 2]).unwrap();
    assert_eq!(
        advance(&mut engine, &[90]).unwrap_err(),
        NoStep::UnknownToken(90).into()
    );
    assert_eq!(advance(&mut engine, &[]).unwrap_err(), NoStep::Empty.into());
    assert_eq!(advance(&mut engine, &[1; 599]).unwrap_err(), NoStep::ContextFull.into());
    let twice = [
        Work {
            slot,
            tokens: &[1],
            logits: true,
        },
        Work {
            slot,
            tokens: &[1],
            logits: true,
        },
    ];
    assert_eq!(engine.advance(&twice).unwrap_err(), Failure::Slot(slot));
    assert_eq!(engine.encode(&[&[1]]).unwrap_err(), Failure::WrongFamily);
    assert_eq!(engine.position(slot), 2);
    engine.close(slot);
    assert_eq!(advance(&mut engine, &[1]).unwrap_err(), Failure::Slot(slot));
    let mut embedding = GpuEngine::new(&model(kinds(Family::Bert)[0], 1)).unwrap();
    let slot = embedding.open();
    assert_eq!(
        embedding
            .advance(&[Work {
                slot,
                tokens: &[1],
                logits: true
            }])
            .unwrap_err(),
        Failure::WrongFamily
    );
    assert_eq!(embedding.encode(&[&[1], &[]]).unwrap_err(), NoStep::Empty.into());
}

#[test]
fn a_kernel_with_one_flipped_bit_is_refused_and_named() {
    if !is_there() {
        return;
    }
    let text = model(kinds(Family::Llama)[0], 1);
    let sound = Sources::default();
    let flipped = |source: &str, from: &str, to: &str| {
        assert!(source.contains(from), "{from}");
        source.replace(from, to)
    };
    let last = |given: &str| format!("({given}) ^ select(0, 1, group.x == 1u && thread == 0u)");
    let cases = [
        (
            "quantise",
            Sources {
                quantise: flipped(
                    &sound.quantise,
                    "scales[to_row] = scale;",
                    "scales[to_row] = scale ^ 1u;",
                ),
                ..sound.clone()
            },
        ),
        (
            "products",
            Sources {
                products: flipped(
                    &sound.products,
                    "y[at] = result;",
                    "y[at] = result ^ select(0, 1, output == 31u);",
                ),
                ..sound.clone()
            },
        ),
        (
            "heads",
            Sources {
                heads: flipped(
                    &sound.heads,
                    "kept[to + words] = scale;",
                    "kept[to + words] = scale ^ 1u;",
                ),
                ..sound.clone()
            },
        ),
        (
            "attention",
            Sources {
                attention: flipped(
                    &sound.attention,
                    "scaled(sum, mantissa(reciprocal), places);",
                    &format!("{};", last("scaled(sum, mantissa(reciprocal), places)")),
                ),
                ..sound.clone()
            },
        ),
        (
            "layer_norm",
            Sources {
                layer_norm: flipped(
                    &sound.layer_norm,
                    "i64_of(own.y)));",
                    "i64_of(own.y ^ select(0, 1, at == 9u))));",
                ),
                ..sound.clone()
            },
        ),
        (
            "activation",
            Sources {
                activation: flipped(&sound.activation, "share_of(x))", "share_of(x) ^ 1u)"),
                ..sound.clone()
            },
        ),
    ];
    GpuEngine::with_sources(&text, &sound).unwrap();
    for (name, sources) in cases {
        match GpuEngine::with_sources(&text, &sources) {
            Err(GpuError::WrongBits { kernel, at }) => {
                println!("{name}: {at}");
                assert_eq!(kernel, name);
            }
            other => panic!("{name}: {:?}", other.err()),
        }
    }
    let broken = Sources {
        heads: "fn main() {".to_owned(),
        ..sound
    };
    assert!(matches!(
        GpuEngine::with_sources(&text, &broken),
        Err(GpuError::Failed { .. })
    ));
}
