//! Exact SmolLM2 as a user has it: the same answer and the same root whatever computes it, openings that others can check, and
//! what goes wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

const PROMPT: &str = "What is the capital of France? Answer in one sentence.";

fn weft(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(args)
        .output()
        .expect("the binary under test starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(args: &[&str]) -> Value {
    let output = weft(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// SmolLM2, rounded to the nearest: fitting takes a minute and changes none of what is tested here.
fn model() -> &'static str {
    static MODEL: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    let (_, path) = MODEL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exact").display().to_string();
        let made = json(&[
            "exact",
            "convert",
            "--model",
            "smollm2",
            "--out",
            &path,
            "--calibration",
            "none",
            "--json",
        ]);
        assert_eq!(made["model_root"].as_str().map(str::len), Some(64));
        (dir, path)
    });
    path
}

fn infer(more: &[&str]) -> Vec<String> {
    let args = [
        "infer",
        "--exact",
        "--model",
        model(),
        "--prompt",
        PROMPT,
        "--max-tokens",
        "6",
        "--json",
    ];
    args.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
}

fn same(args: &[String], expected: &Value) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = weft(&args);
    if !output.status.success() {
        // Not every machine has every kernel, nor a GPU.
        let said = said(&output);
        assert!(
            said.contains("the processor has no") || said.contains("no GPU is usable"),
            "{args:?}: {said}"
        );
        println!("skipped {:?}: {said}", &args[9..]);
        return;
    }
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for field in ["text", "tokens", "trace_root", "model_root"] {
        assert_eq!(found[field], expected[field], "{field} of {args:?}");
    }
}

#[test]
fn every_engine_gives_the_same_answer_and_the_same_root() {
    let dir = tempfile::tempdir().unwrap();
    let others = dir.path().join("prompts.txt");
    fs::write(
        &others,
        "Tell me a joke.\n\nWhat is 2 + 2?\nWrite a poem about a river that runs uphill.\n",
    )
    .unwrap();
    let others = others.display().to_string();
    let more: Vec<Vec<&str>> = vec![
        vec!["--kernel", "reference"],
        vec!["--kernel", "portable", "--threads", "2"],
        vec!["--kernel", "avx2", "--threads", "1"],
        vec!["--kernel", "avx2", "--threads", "2"],
        vec!["--kernel", "avx512", "--threads", "1"],
        vec!["--kernel", "avx512", "--threads", "2"],
        vec!["--kernel", "amx", "--threads", "1"],
        vec!["--kernel", "amx", "--threads", "2"],
        vec!["--threads", "2", "--batch-with", &others],
        vec!["--device", "wgpu"],
        vec!["--device", "wgpu", "--batch-with", &others],
    ];
    let sampled = ["--temperature", "0.9", "--top-p", "0.9", "--seed", "7"];
    let greedy = json(
        &infer(&["--threads", "1"])
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    let random = infer(&sampled);
    let random = json(&random.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(greedy["trace_root"].as_str().map(str::len), Some(64));
    assert_ne!(greedy["trace_root"], random["trace_root"]);
    for more in &more {
        same(&infer(more), &greedy);
    }
    // What is drawn depends on the logits' bits alone, as what is chosen does.
    for more in [&more[2], &more[8]] {
        same(&infer(&[&sampled[..], more].concat()), &random);
    }
}

struct Opened {
    _dir: tempfile::TempDir,
    file: PathBuf,
    opening: Value,
}

fn open(step: &str, layer: &str, op: &str, tile: &str) -> Opened {
    let opening = json(&[
        "exact",
        "open",
        "--model",
        model(),
        "--prompt",
        PROMPT,
        "--max-tokens",
        "4",
        "--step",
        step,
        "--layer",
        layer,
        "--op",
        op,
        "--tile",
        tile,
        "--json",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("opening.json");
    fs::write(&file, opening.to_string()).unwrap();
    Opened {
        _dir: dir,
        file,
        opening,
    }
}

fn check(file: &Path) -> Output {
    weft(&["exact", "check", &file.display().to_string(), "--json"])
}

#[test]
fn openings_check_and_forged_ones_do_not() {
    let root = json(&[
        "infer",
        "--exact",
        "--model",
        model(),
        "--prompt",
        PROMPT,
        "--max-tokens",
        "4",
        "--json",
    ])["trace_root"]
        .clone();
    let mut openings = Vec::new();
    for (step, layer, op, tile) in [
        ("0", "0", "embed", "0"),
        ("5", "29", "query-key-value", "3"),
        ("17", "4", "key", "2"),
        ("30", "12", "mix", "8"),
        ("30", "7", "down", "1"),
        ("43", "0", "head", "5"),
        ("43", "0", "token", "0"),
    ] {
        let opened = open(step, layer, op, tile);
        let output = check(&opened.file);
        assert!(output.status.success(), "{op}: {}", said(&output));
        let checked: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(checked["trace_root"], root, "{op}");
        assert_eq!(checked["op"], op);
        openings.push(opened);
    }
    // One bit of what the tile gave, of what it read, and of what leads to the roots; another tile, step, token.
    let forge = |opened: &Opened, forge: &dyn Fn(&mut Value)| {
        let mut forged = opened.opening.clone();
        forge(&mut forged);
        assert_ne!(forged, opened.opening, "a forgery changes something");
        let file = opened.file.with_extension("forged");
        fs::write(&file, forged.to_string()).unwrap();
        let output = check(&file);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("does not hold"), "{said}");
    };
    let down = &openings[4];
    let flip = |value: &mut Value| {
        let text = value.as_str().unwrap();
        let (first, rest) = text.split_at(1);
        let digit = u8::from_str_radix(first, 16).unwrap() ^ 1;
        *value = format!("{digit:x}{rest}").into();
    };
    forge(down, &|opening| flip(&mut opening["output"]["tiles"][0]));
    forge(down, &|opening| flip(&mut opening["operands"][0]["output"]["tiles"][0]));
    forge(down, &|opening| {
        flip(&mut opening["operands"][1]["weights"]["leaves"][0])
    });
    forge(down, &|opening| flip(&mut opening["weights"]));
    forge(down, &|opening| flip(&mut opening["step_root"]));
    forge(down, &|opening| opening["address"]["tile"] = 2.into());
    forge(down, &|opening| opening["address"]["layer"] = 8.into());
    forge(down, &|opening| {
        opening["output"] = openings[1].opening["output"].clone()
    });
    let token = &openings[6];
    forge(token, &|opening| opening["position"] = 42.into());
    let key = &openings[2];
    forge(key, &|opening| flip(&mut opening["kept"]["leaves"][0]));
}

#[test]
fn what_does_not_exist_is_refused_in_one_sentence() {
    for (step, layer, op, tile, wanted) in [
        ("999", "0", "token", "0", "no step 999"),
        ("3", "0", "token", "0", "no operator `token`"),
        ("3", "0", "no-such", "0", "no operator `no-such`"),
        ("3", "30", "down", "0", "layer 30"),
        ("3", "0", "down", "9999", "tile 9999"),
    ] {
        let output = weft(&[
            "exact",
            "open",
            "--model",
            model(),
            "--prompt",
            PROMPT,
            "--max-tokens",
            "1",
            "--step",
            step,
            "--layer",
            layer,
            "--op",
            op,
            "--tile",
            tile,
            "--json",
        ]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(output.stdout.is_empty());
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
    }
    let long = "word ".repeat(9_000);
    let output = weft(&["infer", "--exact", "--model", model(), "--prompt", &long, "--json"]);
    let said_long = said(&output);
    assert_eq!(output.status.code(), Some(6), "{said_long}");
    assert!(said_long.contains("shorten it"), "{said_long}");
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().display().to_string();
    for args in [
        vec!["infer", "--exact", "--model", &empty, "--prompt", "x"],
        vec!["embed", "--exact", "--model", &empty, "--text", "x"],
        vec!["embed", "--exact", "--model", model(), "--text", "x"],
        vec!["exact", "check", "/no/such/file"],
        vec!["exact", "convert", "--model", &empty, "--out", &empty],
    ] {
        let output = weft(&args);
        assert_eq!(output.status.code(), Some(6), "{args:?}: {}", said(&output));
    }
    // Exact where float is wanted, and the other way round.
    for (args, wanted) in [
        (
            ["infer", "--exact", "--model", "smollm2", "--prompt", "x"],
            "weft exact convert",
        ),
        (["infer", "--raw", "--model", model(), "--prompt", "x"], "--exact"),
        (
            ["exact", "convert", "--model", model(), "--out", &empty],
            "exact model already",
        ),
    ] {
        let output = weft(&args);
        let said = said(&output);
        assert!(
            output.status.code() == Some(6) && said.contains(wanted),
            "{args:?}: {said}"
        );
    }
    let output = weft(&[
        "infer",
        "--exact",
        "--model",
        model(),
        "--prompt",
        "x",
        "--kernel",
        "sse9",
    ]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn perplexity_is_within_one_hundredth_of_the_float_model() {
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/../../LICENSE");
    let found = json(&[
        "exact",
        "eval",
        "--model",
        model(),
        "--float-model",
        "smollm2",
        "--text",
        text,
        "--json",
    ]);
    let (exact, float) = (
        found["ppl_exact"].as_f64().unwrap(),
        found["ppl_float"].as_f64().unwrap(),
    );
    println!("perplexity {exact:.3} exact, {float:.3} float");
    assert!(exact <= 1.01 * float, "{exact} against {float}");
    // Weights of the one are not those of the other, so that the two cannot be equal to the last digit.
    assert!(exact != float && float > 1.0);
}
