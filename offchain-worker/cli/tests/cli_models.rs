//! Models that are not there, not whole, or not models.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn weft(cache: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .env("WEFT_CACHE", cache)
        .output()
        .expect("the binary under test starts")
}

fn infer(cache: &Path, model: &str) -> (Option<i32>, String) {
    let output = weft(
        cache,
        &[
            "infer",
            "--model",
            model,
            "--prompt",
            "hello",
            "--max-tokens",
            "1",
            "--json",
        ],
    );
    assert!(output.stdout.is_empty(), "nothing on stdout but results");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_model_that_is_not_fetched_says_how_to_fetch_it() {
    let cache = tempfile::tempdir().unwrap();
    let (code, said) = infer(cache.path(), "smollm2");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("weft models fetch smollm2"), "{said}");
}

#[test]
fn an_unknown_model_is_not_found() {
    let cache = tempfile::tempdir().unwrap();
    let (code, said) = infer(cache.path(), "no-such-model.gguf");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no-such-model.gguf"), "{said}");
    let output = weft(cache.path(), &["models", "fetch", "gpt-7"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("smollm2") && said.contains("minilm"), "{said}");
}

#[test]
fn files_that_are_no_models_exit_with_6_and_one_sentence() {
    let cache = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = cache.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let mut huge_counts = b"GGUF\x03\0\0\0".to_vec();
    huge_counts.extend([0xff; 16]);
    for model in [
        file("empty.gguf", b""),
        file("text.gguf", b"this is no model"),
        file("short.gguf", b"GGUF\x03\0\0\0"),
        file("counts.gguf", &huge_counts),
        cache.path().to_string_lossy().into_owned(),
    ] {
        let (code, said) = infer(cache.path(), &model);
        assert_eq!(code, Some(6), "{model}: {said}");
        assert!(
            said.starts_with("error: ") && said.trim_end().lines().count() == 1,
            "{model}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_half_fetched_model_does_not_count_as_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("models").join("smollm2");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("SmolLM2-135M-Instruct.Q4_1.gguf"), b"GGUF").unwrap();
    let (code, said) = infer(cache.path(), "smollm2");
    assert_eq!(code, Some(3), "{said}");
    let output = weft(cache.path(), &["models", "ls", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let models = listed.as_array().unwrap();
    assert_eq!(models.len(), 2);
    assert!(models.iter().all(|model| model["path"].is_null()), "{listed}");
}

#[test]
fn an_embedding_model_with_damaged_weights_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("bad");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("config.json"), b"{}").unwrap();
    fs::write(dir.join("model.safetensors"), [0xff; 32]).unwrap();
    let model = dir.to_string_lossy().into_owned();
    let output = weft(cache.path(), &["embed", "--model", &model, "--text", "hello"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("bad"), "{said}");
}
