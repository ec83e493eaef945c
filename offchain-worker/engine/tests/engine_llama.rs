//! The Llama forward pass on made-up models: the three ways of computing it agree, and so do the ways of feeding it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use synthetic::plain::{norm, rotate, times, values_of};
use synthetic::{GgufWriter, LlamaShape, llama, relative_error};
use weft_engine::gguf::Gguf;
use weft_engine::quant::GgmlType;
use weft_engine::{Device, EngineError, ModelError, TextModel, WeightFormat};

const TOKENS: [u32; 11] = [256, 104, 258, 10, 200, 7, 104, 259, 33, 0, 255];

fn cpu() -> Device {
    "cpu:2".parse().unwrap()
}

fn load(file: &GgufWriter, device: Device, format: WeightFormat) -> Result<TextModel, EngineError> {
    TextModel::from_gguf(Gguf::from_bytes(file.finish())?, device, format)
}

fn logits(shape: &LlamaShape, device: Device, format: WeightFormat) -> Vec<f32> {
    let mut model = load(&llama(shape), device, format).unwrap();
    let mut all = Vec::new();
    // A prompt of some tokens, then single ones: both kinds of product.
    for tokens in [&TOKENS[..6], &TOKENS[6..7], &TOKENS[7..8], &TOKENS[8..]] {
        all.extend(model.model_mut().advance(tokens).unwrap());
    }
    all
}

fn shapes() -> Vec<LlamaShape> {
    vec![
        LlamaShape::default(),
        LlamaShape {
            heads: 8,
            kv_heads: 1,
            encoding: GgmlType::Q8_0,
            tied: false,
            seed: 2,
            ..LlamaShape::default()
        },
        LlamaShape {
            width: 256,
            inner: 256,
            heads: 2,
            kv_heads: 2,
            layers: 1,
            encoding: GgmlType::Q6K,
            seed: 3,
            ..LlamaShape::default()
        },
    ]
}

#[test]
fn stored_weights_and_burn_tensors_compute_the_same() {
    for shape in shapes() {
        let stored = logits(&shape, cpu(), WeightFormat::Fastest);
        let dense = logits(&shape, cpu(), WeightFormat::Float32);
        let error = relative_error(&stored, &dense);
        assert!(error < 1e-5, "{:?}: {error}", shape.encoding);
    }
}

#[test]
fn the_gpu_computes_the_same_as_the_cpu() {
    let shape = LlamaShape::default();
    let gpu = logits(&shape, Device::Wgpu, WeightFormat::Fastest);
    let cpu = logits(&shape, cpu(), WeightFormat::Fastest);
    let error = relative_error(&gpu, &cpu);
    assert!(error < 1e-4, "{error}");
}

#[test]
fn one_token_at_a_time_equals_all_at_once_in_any_blocks() {
    for shape in shapes() {
        let file = llama(&shape);
        let mut model = load(&file, cpu(), WeightFormat::Fastest).unwrap();
        let model = model.model_mut();
        let at_once = model.advance(&TOKENS).unwrap();
        assert_eq!(model.position(), TOKENS.len());
        for block in [1, 2, 3, 4, 10] {
            model.reset();
            model.set_prompt_block(block);
            let error = relative_error(&model.advance(&TOKENS).unwrap(), &at_once);
            assert!(error < 1e-5, "blocks of {block}: {error}");
        }
        model.reset();
        let mut last = Vec::new();
        for token in TOKENS {
            last = model.advance(&[token]).unwrap();
        }
        let error = relative_error(&last, &at_once);
        assert!(error < 1e-5, "one by one: {error}");
    }
}

#[test]
fn long_sequences_outgrow_the_first_room_of_the_cache() {
    let shape = LlamaShape {
        layers: 1,
        context: 1000,
        ..LlamaShape::default()
    };
    let mut model = load(&llama(&shape), cpu(), WeightFormat::Fastest).unwrap();
    let model = model.model_mut();
    let tokens: Vec<u32> = (0..700).map(|at| (at * 31 % 256) as u32).collect();
    let at_once = model.advance(&tokens).unwrap();
    model.reset();
    model.advance(&tokens[..250]).unwrap();
    let mut last = Vec::new();
    for token in &tokens[250..] {
        last = model.advance(&[*token]).unwrap();
    }
    let error = relative_error(&last, &at_once);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn a_token_sees_what_came_before_and_nothing_after() {
    let mut model = load(&llama(&LlamaShape::default()), cpu(), WeightFormat::Fastest).unwrap();
    let model = model.model_mut();
    let mut changed = TOKENS;
    changed[0] = 42;
    let original = model.advance(&TOKENS).unwrap();
    model.reset();
    assert!(relative_error(&model.advance(&changed).unwrap(), &original) > 1e-3);
    // Logits after a prefix do not depend on what follows it: computed in one block with more tokens they would differ if
    // the mask let a token look ahead.
    model.reset();
    model.advance(&TOKENS[..5]).unwrap();
    let stepwise = model.advance(&TOKENS[5..]).unwrap();
    assert!(relative_error(&stepwise, &original) < 1e-5);
}

#[test]
fn order_matters_through_the_rotation_alone() {
    // Without positions attention is blind to the order of earlier tokens, so a swap would change nothing.
    let mut model = load(
        &llama(&LlamaShape {
            layers: 1,
            ..LlamaShape::default()
        }),
        cpu(),
        WeightFormat::Fastest,
    )
    .unwrap();
    let model = model.model_mut();
    let original = model.advance(&TOKENS).unwrap();
    let mut swapped = TOKENS;
    swapped.swap(1, 2);
    model.reset();
    assert!(relative_error(&model.advance(&swapped).unwrap(), &original) > 1e-4);
}

/// A plain evaluation in binary64 of one layer at one position: with a single token attention is the value itself, so the
/// whole model is a few products.
#[test]
fn a_single_token_matches_a_plain_evaluation() {
    let shape = LlamaShape {
        layers: 1,
        encoding: GgmlType::F32,
        tied: false,
        seed: 5,
        ..LlamaShape::default()
    };
    let file = llama(&shape);
    let tensor = |name: &str| values_of(&file, name);
    let add = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };

    const TOKEN: usize = 77;
    let embedding = tensor("token_embd.weight");
    let x = embedding[TOKEN * shape.width..(TOKEN + 1) * shape.width].to_vec();
    let values = times(
        &tensor("blk.0.attn_v.weight"),
        &norm(&x, &tensor("blk.0.attn_norm.weight")),
    );
    // Heads 0 and 1 share value head 0, heads 2 and 3 value head 1.
    let head = shape.width / shape.heads;
    let context: Vec<f64> = (0..shape.heads)
        .flat_map(|h| values[h / 2 * head..(h / 2 + 1) * head].to_vec())
        .collect();
    let x = add(&x, &times(&tensor("blk.0.attn_output.weight"), &context));
    let h = norm(&x, &tensor("blk.0.ffn_norm.weight"));
    let gate = times(&tensor("blk.0.ffn_gate.weight"), &h);
    let up = times(&tensor("blk.0.ffn_up.weight"), &h);
    let inner: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
    let x = add(&x, &times(&tensor("blk.0.ffn_down.weight"), &inner));
    let expected: Vec<f32> = times(&tensor("output.weight"), &norm(&x, &tensor("output_norm.weight")))
        .into_iter()
        .map(|logit| logit as f32)
        .collect();

    let mut model = load(&file, cpu(), WeightFormat::Fastest).unwrap();
    let found = model.model_mut().advance(&[TOKEN as u32]).unwrap();
    let error = relative_error(&found, &expected);
    assert!(error < 1e-5, "{error}");
}

/// Two positions of a model that only attends, against the textbook formula: checks the rotation of neighbouring pairs, the
/// scale and the sharing of heads.
#[test]
fn two_tokens_match_a_plain_attention() {
    let shape = LlamaShape {
        layers: 1,
        encoding: GgmlType::F32,
        tied: false,
        seed: 6,
        ..LlamaShape::default()
    };
    let mut file = llama(&shape);
    // A feed-forward network of zeros leaves attention alone.
    for entry in &mut file.tensors {
        if entry.name == "blk.0.ffn_down.weight" {
            entry.bytes.fill(0);
        }
    }
    let tensor = |name: &str| values_of(&file, name);
    let width = shape.width / shape.heads;
    let tokens = [33usize, 190];
    let embedding = tensor("token_embd.weight");
    let x: Vec<Vec<f64>> = tokens
        .map(|t| embedding[t * shape.width..(t + 1) * shape.width].to_vec())
        .to_vec();
    let h: Vec<Vec<f64>> = x.iter().map(|x| norm(x, &tensor("blk.0.attn_norm.weight"))).collect();
    let query = rotate(&times(&tensor("blk.0.attn_q.weight"), &h[1]), width, 1.0);
    let keys: Vec<Vec<f64>> = (0..2)
        .map(|at| rotate(&times(&tensor("blk.0.attn_k.weight"), &h[at]), width, at as f64))
        .collect();
    let values: Vec<Vec<f64>> = h.iter().map(|h| times(&tensor("blk.0.attn_v.weight"), h)).collect();
    let mut context = Vec::new();
    for head in 0..shape.heads {
        let shared = head / 2 * width..(head / 2 + 1) * width;
        let scores: Vec<f64> = keys
            .iter()
            .map(|key| {
                let product: f64 = query[head * width..(head + 1) * width]
                    .iter()
                    .zip(&key[shared.clone()])
                    .map(|(q, k)| q * k)
                    .sum();
                (product / (width as f64).sqrt()).exp()
            })
            .collect();
        let total: f64 = scores.iter().sum();
        context.extend(shared.map(|at| (scores[0] * values[0][at] + scores[1] * values[1][at]) / total));
    }
    let attended = times(&tensor("blk.0.attn_output.weight"), &context);
    let last: Vec<f64> = x[1].iter().zip(attended).map(|(a, b)| a + b).collect();
    let expected: Vec<f32> = times(&tensor("output.weight"), &norm(&last, &tensor("output_norm.weight")))
        .into_iter()
        .map(|logit| logit as f32)
        .collect();

    let mut model = load(&file, cpu(), WeightFormat::Fastest).unwrap();
    let found = model.model_mut().advance(&tokens.map(|token| token as u32)).unwrap();
    let error = relative_error(&found, &expected);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn frequency_divisors_and_linear_scaling_slow_the_rotation() {
    let shape = LlamaShape {
        layers: 1,
        ..LlamaShape::default()
    };
    let run = |change: &dyn Fn(&mut GgufWriter)| {
        let mut file = llama(&shape);
        change(&mut file);
        let mut model = load(&file, cpu(), WeightFormat::Fastest).unwrap();
        model.model_mut().advance(&TOKENS).unwrap()
    };
    let plain = run(&|_| {});
    let pairs = shape.width / shape.heads / 2;
    let divided = |by: f32| {
        run(&move |file: &mut GgufWriter| {
            let bytes = (0..pairs).flat_map(|_| by.to_le_bytes()).collect();
            file.tensor("rope_freqs.weight", &[pairs as u64], GgmlType::F32, bytes);
        })
    };
    let scaled = run(&|file| {
        file.text("llama.rope.scaling.type", "linear");
        file.f32("llama.rope.scaling.factor", 4.0);
    });
    assert_eq!(divided(1.0), plain);
    assert!(relative_error(&scaled, &plain) > 1e-4);
    assert!(relative_error(&divided(4.0), &scaled) < 1e-5);
}

#[test]
fn models_that_do_not_fit_are_refused_with_the_reason() {
    let refusal = |change: &dyn Fn(&mut GgufWriter)| {
        let mut file = llama(&LlamaShape::default());
        change(&mut file);
        match load(&file, cpu(), WeightFormat::Fastest) {
            Ok(_) => panic!("the model was accepted"),
            Err(EngineError::Model(error)) => error,
            Err(other) => panic!("{other}"),
        }
    };
    let set = |key: &'static str, value: u32| {
        move |file: &mut GgufWriter| {
            file.remove(key);
            file.u32(key, value);
        }
    };
    let architecture = refusal(&|file| {
        file.remove("general.architecture");
        file.text("general.architecture", "mamba");
    });
    assert!(architecture.to_string().contains("mamba"), "{architecture}");
    assert!(matches!(
        refusal(&|file| file.remove("llama.block_count")),
        ModelError::Gguf(_)
    ));
    assert!(matches!(
        refusal(&set("llama.block_count", 0)),
        ModelError::Configuration { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.block_count", u32::MAX)),
        ModelError::Configuration { .. }
    ));
    assert!(matches!(refusal(&set("llama.block_count", 3)), ModelError::Gguf(_)));
    assert!(matches!(
        refusal(&set("llama.block_count", 1)),
        ModelError::UnexpectedTensor { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.attention.head_count", 3)),
        ModelError::Configuration { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.attention.head_count_kv", 3)),
        ModelError::Configuration { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.attention.head_count_kv", 4)),
        ModelError::Shape { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.feed_forward_length", 64)),
        ModelError::Shape { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.attention.key_length", u32::MAX)),
        ModelError::Configuration { .. } | ModelError::Shape { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.rope.dimension_count", 5)),
        ModelError::Configuration { .. }
    ));
    assert!(matches!(
        refusal(&set("llama.expert_count", 8)),
        ModelError::UnsupportedFeature { .. }
    ));
    let yarn = refusal(&|file| file.text("llama.rope.scaling.type", "yarn"));
    assert!(yarn.to_string().contains("yarn"), "{yarn}");
    let bias = refusal(&|file| {
        file.tensor("blk.0.attn_q.bias", &[64], GgmlType::F32, vec![0; 256]);
    });
    assert!(bias.to_string().contains("blk.0.attn_q.bias"), "{bias}");
}

#[test]
fn positions_and_tokens_out_of_range_are_errors_that_leave_the_state() {
    let mut model = load(&llama(&LlamaShape::default()), cpu(), WeightFormat::Fastest).unwrap();
    let model = model.model_mut();
    model.advance(&TOKENS).unwrap();
    let error = model.advance(&[1; 38]).unwrap_err();
    assert!(matches!(
        error,
        ModelError::TooLong {
            needed: 49,
            available: 48
        }
    ));
    let error = model.advance(&[9999]).unwrap_err();
    assert!(matches!(error, ModelError::NoSuchRow { row: 9999, .. }));
    assert_eq!(model.position(), TOKENS.len());
    assert!(model.advance(&[]).unwrap().is_empty());
    let next = model.advance(&[5]).unwrap();
    model.reset();
    let mut all = TOKENS.to_vec();
    all.push(5);
    assert!(relative_error(&next, &model.advance(&all).unwrap()) < 1e-5);
}

#[test]
fn models_can_be_moved_to_another_thread() {
    let mut model = load(&llama(&LlamaShape::default()), cpu(), WeightFormat::Fastest).unwrap();
    let here = model.model_mut().advance(&TOKENS).unwrap();
    model.model_mut().reset();
    let there = std::thread::spawn(move || model.model_mut().advance(&TOKENS).unwrap());
    assert_eq!(there.join().unwrap(), here);
}
