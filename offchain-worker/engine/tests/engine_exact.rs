//! Exact models: conversion of made-up and real ones, what is refused, and how near MiniLM stays to its float model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use synthetic::{LlamaShape, llama};
use tempfile::TempDir;
use weft_engine::exact::{
    ConvertOptions, ExactEmbedding, ExactError, ExactServer, ExactText, Fitting, Format, KernelChoice, MANIFEST,
    Manifest, TOKENIZER, convert,
};
use weft_engine::{Device, EmbeddingModel, EngineError, GenerationParams, Prompt, Sampling};

fn cpu(threads: usize) -> Device {
    format!("cpu:{threads}").parse().unwrap()
}

fn made_up(shape: &LlamaShape) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("float.gguf");
    std::fs::write(&file, llama(shape).finish()).unwrap();
    (dir, file)
}

/// Whose calibration text fits into a context of 48 positions.
fn options() -> ConvertOptions {
    ConvertOptions {
        fitting: Fitting::Given("hello hello tell the hell ".repeat(20)),
        ..ConvertOptions::default()
    }
}

fn converted(
    shape: &LlamaShape,
    options: &ConvertOptions,
    threads: usize,
) -> Result<(TempDir, PathBuf, Manifest), ExactError> {
    let (dir, file) = made_up(shape);
    let out = dir.path().join("exact");
    let manifest = convert(&file, &out, options, cpu(threads), &mut |_| ())?;
    Ok((dir, out, manifest))
}

fn load(dir: &Path) -> Result<ExactText, ExactError> {
    ExactText::load(dir, cpu(1), KernelChoice::Auto)
}

fn answer(model: &mut ExactText, prompt: &str, most: usize) -> Result<(Vec<u32>, [u8; 32]), ExactError> {
    let params = GenerationParams {
        max_tokens: most,
        sampling: Sampling::Greedy,
    };
    let prompts = [(Prompt::Raw(prompt.to_owned()), params)];
    let made = model.generate(&prompts, |_, _| ControlFlow::Continue(()))?;
    Ok((made[0].generation.tokens.clone(), made[0].trace.root()))
}

#[test]
fn a_conversion_gives_the_same_model_on_any_number_of_threads_and_a_seed_another() {
    let (_one, dir, manifest) = converted(&LlamaShape::default(), &options(), 1).unwrap();
    let (_two, _, again) = converted(&LlamaShape::default(), &options(), 2).unwrap();
    assert_eq!(manifest.model_root, again.model_root);
    let other = ConvertOptions { seed: 1, ..options() };
    let (_three, _, other) = converted(&LlamaShape::default(), &other, 2).unwrap();
    assert_ne!(manifest.model_root, other.model_root);
    let mut model = load(&dir).unwrap();
    assert_eq!(model.root(), manifest.model_root);
    assert_eq!(
        answer(&mut model, "hello", 5).unwrap(),
        answer(&mut model, "hello", 5).unwrap()
    );
}

#[test]
fn a_model_writes_its_own_calibration_text() {
    let written = ConvertOptions::default();
    let (_dir, _, manifest) = converted(&LlamaShape::default(), &written, 2).unwrap();
    assert_eq!(
        (manifest.origin.rounding.as_str(), manifest.origin.calibration.as_str()),
        ("gptq", "generated")
    );
    assert_eq!(manifest.origin.calibration_tokens, 16 * 48);
}

#[test]
fn every_format_of_weights_runs() {
    let shape = LlamaShape {
        width: 128,
        inner: 192,
        ..LlamaShape::default()
    };
    let mut roots = Vec::new();
    for weights in [Format::ROWS, Format::groups_of(64), Format::FOUR_BITS] {
        let options = ConvertOptions {
            weights,
            fitting: Fitting::None,
            seed: 0,
        };
        let (_dir, dir, manifest) = converted(&shape, &options, 2).unwrap();
        let (tokens, root) = answer(&mut load(&dir).unwrap(), "hello", 3).unwrap();
        assert!(!tokens.is_empty());
        assert!(!roots.contains(&root) && !roots.contains(&manifest.model_root));
        roots.extend([root, manifest.model_root]);
    }
}

#[test]
fn a_program_that_would_overflow_is_refused_with_its_operator() {
    let wide = LlamaShape {
        inner: 8_224,
        layers: 1,
        ..LlamaShape::default()
    };
    let error = converted(&wide, &options(), 1).unwrap_err().to_string();
    assert!(error.contains("`down`") && error.contains("8192"), "{error}");
    let odd = LlamaShape {
        heads: 64 / 12,
        width: 60,
        kv_heads: 5,
        encoding: weft_engine::quant::GgmlType::F32,
        ..LlamaShape::default()
    };
    let error = converted(&odd, &options(), 1).unwrap_err().to_string();
    assert!(error.contains("head_width"), "{error}");
}

#[test]
fn a_damaged_model_is_refused_with_what_to_do() {
    let (_dir, dir, _) = converted(&LlamaShape::default(), &options(), 1).unwrap();
    let weights = dir.join("model.safetensors");
    let sound = std::fs::read(&weights).unwrap();
    let refused = |dir: &Path, wanted: &str| {
        let error = load(dir).err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
        assert!(error.contains("convert"), "{error}");
    };
    for at in [sound.len() - 1, sound.len() / 2] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        std::fs::write(&weights, damaged).unwrap();
        refused(&dir, "model.safetensors");
    }
    std::fs::write(&weights, &sound[..sound.len() - 7]).unwrap();
    refused(&dir, "model.safetensors");
    std::fs::remove_file(&weights).unwrap();
    assert!(load(&dir).err().unwrap().to_string().contains("model.safetensors"));
    std::fs::write(&weights, &sound).unwrap();
    load(&dir).unwrap();

    let manifest = std::fs::read_to_string(dir.join(MANIFEST)).unwrap();
    for (from, to) in [
        ("\"layers\": 2", "\"layers\": 1"),
        ("\"context\": 48", "\"context\": 47"),
        ("\"format\": 1", "\"format\": 9"),
    ] {
        assert!(manifest.contains(from), "{manifest}");
        std::fs::write(dir.join(MANIFEST), manifest.replace(from, to)).unwrap();
        assert!(load(&dir).is_err(), "{to}");
    }
    std::fs::write(dir.join(MANIFEST), &manifest).unwrap();
    std::fs::write(dir.join(TOKENIZER), b"GGUF").unwrap();
    assert!(load(&dir).is_err());
    std::fs::remove_file(dir.join(TOKENIZER)).unwrap();
    refused(&dir, TOKENIZER);
}

#[test]
fn a_prompt_above_the_context_and_another_family_are_refused() {
    let (_dir, dir, _) = converted(&LlamaShape::default(), &options(), 1).unwrap();
    let mut model = load(&dir).unwrap();
    let error = answer(&mut model, &"abc ".repeat(40), 1).unwrap_err();
    assert!(
        matches!(
            error,
            ExactError::Engine(EngineError::PromptTooLong { context: 48, .. })
        ),
        "{error}"
    );
    // An answer ends where the context does.
    let (tokens, _) = answer(&mut model, &"a".repeat(40), 100).unwrap();
    assert!(tokens.len() <= 48 + 1 - 40, "{}", tokens.len());
    let error = ExactEmbedding::load(&dir, cpu(1), KernelChoice::Auto).err().unwrap();
    assert!(matches!(error, ExactError::WrongFamily { .. }), "{error}");
}

#[test]
fn several_ask_at_once_and_each_gets_what_it_gets_alone() {
    let (_dir, dir, _) = converted(&LlamaShape::default(), &options(), 1).unwrap();
    let params = GenerationParams {
        max_tokens: 20,
        sampling: Sampling::Greedy,
    };
    let texts = ["hello", "tell", "hell hell", "e", "the bell"];
    let mut alone = load(&dir).unwrap();
    let expected = texts.map(|text| {
        let prompt = (Prompt::Raw(text.to_owned()), params);
        alone
            .generate(&[prompt], |_, _| ControlFlow::Continue(()))
            .unwrap()
            .remove(0)
    });
    let server = ExactServer::start(load(&dir).unwrap()).unwrap();
    let ask =
        |text: &str, stop: bool| server.answer(Prompt::Raw(text.to_owned()), params, Arc::new(AtomicBool::new(stop)));
    std::thread::scope(|scope| {
        for (text, expected) in texts.iter().zip(&expected) {
            scope.spawn(move || {
                for _ in 0..20 {
                    let made = ask(text, false).unwrap();
                    assert_eq!((&made.all_tokens, &made.trace), (&expected.all_tokens, &expected.trace));
                    assert_eq!(made.generation.text, expected.generation.text);
                }
            });
        }
        // Others come and go meanwhile: one that does not fit, one that is called off.
        scope.spawn(|| {
            for _ in 0..10 {
                let error = ask(&"long ".repeat(40), false).unwrap_err();
                assert!(
                    matches!(error, ExactError::Engine(EngineError::PromptTooLong { .. })),
                    "{error}"
                );
                let made = ask("hello", true).unwrap();
                assert_eq!(made.generation.finish, weft_engine::FinishReason::Stopped);
            }
        });
    });
}

/// Sentences that differ in length, subject and language.
fn sentences() -> Vec<String> {
    let subjects = [
        "The old bridge over the river",
        "My sister's new bicycle",
        "A committee of seven scientists",
        "Quantum field theory",
        "The price of wheat in Chicago",
        "An astronaut on her third mission",
        "Das kleine Café am Marktplatz",
        "El gobierno de la ciudad",
        "Whoever wrote this compiler",
        "A recipe for lentil soup",
    ];
    let predicates = [
        "was closed after the storm.",
        "cost less than 300 dollars in 2019!",
        "has been discussed for decades, without any result.",
        "is beautiful",
        "failed, because nobody had read the manual: error 0x7F at line 12.",
        "made them laugh until the lights went out and the audience, still giggling, had to find its way home through the snow.",
        "returns a pointer to the first element of the array, or null if the array is empty; the caller must free it.",
        "?",
        "is related to the decline of bees in southern Europe (see table 4).",
        "n'est pas encore prêt, mais il le sera demain matin.",
        "12345 67890 3.14159 2.71828",
        "won.",
        "reminds me of a poem about autumn, rain and unanswered letters.",
        "should be taken twice a day after meals with plenty of water unless your doctor says otherwise.",
        "consumes 40 watts while idle and 250 watts under load, according to the data sheet.",
        "looks like a joke but it is not",
        "runs at 120 km/h",
        "最近很受欢迎",
        "was sold to a competitor last Tuesday evening.",
        "will be continued.",
    ];
    subjects
        .iter()
        .flat_map(|subject| predicates.iter().map(move |rest| format!("{subject} {rest}")))
        .collect()
}

#[test]
fn minilm_stays_near_its_float_model() {
    let float = models().join("minilm");
    assert!(
        float.exists(),
        "{} is missing; `weft models fetch minilm` gets it",
        float.display()
    );
    let dir = tempfile::tempdir().unwrap();
    convert(&float, dir.path(), &ConvertOptions::default(), cpu(2), &mut |_| ()).unwrap();
    let sentences = sentences();
    assert_eq!(sentences.len(), 200);
    let float = EmbeddingModel::load(&float, cpu(2)).unwrap().embed(&sentences).unwrap();
    let mut exact = ExactEmbedding::load(dir.path(), cpu(2), KernelChoice::Auto).unwrap();
    let exact = exact.embed(&sentences).unwrap();
    assert_eq!(exact.traces.len(), 200);
    let cosine = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let cosines: Vec<f64> = float.iter().zip(&exact.vectors).map(cosine).collect();
    let (mean, least) = (
        cosines.iter().sum::<f64>() / 200.0,
        cosines.iter().copied().fold(1.0, f64::min),
    );
    println!("cosine of exact and float: {mean:.5} on average, {least:.5} at least");
    assert!(mean >= 0.995 && least >= 0.98, "{mean} on average, {least} at least");
}

fn models() -> PathBuf {
    match std::env::var_os("WEFT_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/weft/models"),
    }
}
