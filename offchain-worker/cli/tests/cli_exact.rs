//! Exact SmolLM2 and MiniLM as a user has them: the same answer and the same root whatever computes it, openings that others can
//! check, and what goes wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

const PROMPT: &str = "What is the capital of France? Answer in one sentence.";
const SENTENCE: &str = "The bridge was closed after the storm.";
/// Set by `make test`, which installs a software Vulkan: a test may then not do without.
const VULKAN_REQUIRED: &str = "WEFT_TESTS_REQUIRE_VULKAN";

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

type Made = OnceLock<(tempfile::TempDir, String)>;

/// A float model of the cache, converted once.
fn converted(model: &'static Made, name: &str, more: &[&str]) -> &'static str {
    let (_, path) = model.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exact").display().to_string();
        let args = ["exact", "convert", "--model", name, "--out", &path, "--json"];
        let made = json(&[&args[..], more].concat());
        assert_eq!(made["model_root"].as_str().map(str::len), Some(64));
        (dir, path)
    });
    path
}

/// SmolLM2, rounded to the nearest: fitting takes a minute and changes none of what is tested with it.
fn model() -> &'static str {
    static MODEL: Made = OnceLock::new();
    converted(&MODEL, "smollm2", &["--calibration", "none"])
}

fn minilm() -> &'static str {
    static MODEL: Made = OnceLock::new();
    converted(&MODEL, "minilm", &[])
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

/// Whether this processor has what a kernel needs, by what it says itself.
fn has(kernel: &str) -> bool {
    match kernel {
        "reference" | "portable" => true,
        #[cfg(target_arch = "x86_64")]
        "avx2" => is_x86_feature_detected!("avx2"),
        #[cfg(target_arch = "x86_64")]
        "avx512" => ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"]
            .into_iter()
            .all(says),
        #[cfg(target_arch = "x86_64")]
        "amx" => has("avx512") && says("amx_tile") && says("amx_int8"),
        _ => false,
    }
}

#[cfg(target_arch = "x86_64")]
fn says(flag: &str) -> bool {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|one| one == flag))
}

/// A line that is seen although the test passes: not by a macro, whose words are kept back.
fn skipped(what: &[&str], why: &str) {
    let seen = writeln!(io::stderr(), "SKIPPED: {}: {}", what.join(" "), why.trim());
    seen.unwrap();
}

/// What a command that names a kernel or a device says, where this machine has them.
fn on_this_machine(args: &[&str], shown: usize) -> Option<Value> {
    let output = weft(args);
    let said = said(&output);
    let after = |option: &str| args.iter().skip_while(|arg| **arg != option).nth(1).copied();
    let lacks = match (after("--kernel"), after("--device")) {
        (Some(kernel), _) if !has(kernel) => Some(format!("this processor has no {kernel}")),
        (_, Some("wgpu")) if !output.status.success() && std::env::var_os(VULKAN_REQUIRED).is_none() => {
            Some("no GPU is usable".to_owned())
        }
        _ => None,
    };
    if let Some(wanted) = lacks {
        assert_eq!(output.status.code(), Some(6), "{args:?}: {said}");
        assert!(said.contains(&wanted), "{args:?}: {said}");
        skipped(&args[shown..], &said);
        return None;
    }
    assert!(output.status.success(), "{args:?}: {said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn same(args: &[String], expected: &Value) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some(found) = on_this_machine(&args, 9) else { return };
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
        vec!["--kernel", "portable", "--threads", "1"],
        vec!["--kernel", "portable", "--threads", "2"],
        vec!["--kernel", "portable", "--threads", "2", "--batch-with", &others],
        vec!["--kernel", "avx2", "--threads", "1"],
        vec!["--kernel", "avx2", "--threads", "1", "--batch-with", &others],
        vec!["--kernel", "avx2", "--threads", "2"],
        vec!["--kernel", "avx512", "--threads", "1"],
        vec!["--kernel", "avx512", "--threads", "2"],
        vec!["--kernel", "avx512", "--threads", "2", "--batch-with", &others],
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
    for more in [
        vec!["--kernel", "avx2", "--threads", "1"],
        vec!["--kernel", "portable", "--batch-with", &others],
        vec!["--threads", "2", "--batch-with", &others],
    ] {
        same(&infer(&[&sampled[..], &more].concat()), &random);
    }
}

#[test]
fn every_engine_gives_the_same_embedding_and_the_same_root() {
    let embed = ["embed", "--exact", "--model", minilm(), "--text", SENTENCE, "--json"];
    let expected = json(&[&embed[..], &["--threads", "1"]].concat());
    assert_eq!(expected["trace_root"].as_str().map(str::len), Some(64));
    assert_eq!(expected["embedding"].as_array().map(Vec::len), Some(384));
    for more in [
        &["--kernel", "reference"][..],
        &["--kernel", "portable", "--threads", "1"],
        &["--kernel", "portable", "--threads", "2"],
        &["--kernel", "avx2", "--threads", "1"],
        &["--kernel", "avx2", "--threads", "2"],
        &["--kernel", "avx512", "--threads", "1"],
        &["--kernel", "avx512", "--threads", "2"],
        &["--kernel", "amx", "--threads", "1"],
        &["--kernel", "amx", "--threads", "2"],
        &["--device", "wgpu"],
    ] {
        let args = [&embed[..], more].concat();
        let Some(found) = on_this_machine(&args, embed.len()) else {
            continue;
        };
        for field in ["embedding", "tokens", "trace_root", "model_root"] {
            assert_eq!(found[field], expected[field], "{field} of {more:?}");
        }
    }
}

#[test]
fn an_embedding_s_tile_opens_and_checks() {
    let embedded = json(&["embed", "--exact", "--model", minilm(), "--text", SENTENCE, "--json"]);
    // After the step of each token one for what is made of all.
    let last = embedded["tokens"].to_string();
    for (step, layer, op, tile) in [("3", "2", "up", "1"), (&last, "0", "unit", "0")] {
        let opened = open_of(minilm(), SENTENCE, step, layer, op, tile);
        let output = check(&opened.file);
        assert!(output.status.success(), "{op}: {}", said(&output));
        let checked: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(checked["trace_root"], embedded["trace_root"], "{op}");
        assert_eq!(checked["model_root"], embedded["model_root"], "{op}");
        refuse(&opened, &|opening| flip(&mut opening["output"]["tiles"][0]));
    }
}

struct Opened {
    _dir: tempfile::TempDir,
    file: PathBuf,
    opening: Value,
}

fn open(step: &str, layer: &str, op: &str, tile: &str) -> Opened {
    open_of(model(), PROMPT, step, layer, op, tile)
}

fn open_of(model: &str, prompt: &str, step: &str, layer: &str, op: &str, tile: &str) -> Opened {
    let opening = json(&[
        "exact",
        "open",
        "--model",
        model,
        "--prompt",
        prompt,
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

/// Changes an opening, and sees that it is refused.
fn refuse(opened: &Opened, forge: &dyn Fn(&mut Value)) {
    let mut forged = opened.opening.clone();
    forge(&mut forged);
    assert_ne!(forged, opened.opening, "a forgery changes something");
    let file = opened.file.with_extension("forged");
    fs::write(&file, forged.to_string()).unwrap();
    let output = check(&file);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("does not hold"), "{said}");
}

/// Flips a bit of hexadecimal digits.
fn flip(value: &mut Value) {
    let text = value.as_str().unwrap();
    let (first, rest) = text.split_at(1);
    let digit = u8::from_str_radix(first, 16).unwrap() ^ 1;
    *value = format!("{digit:x}{rest}").into();
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
        assert!(checked["verified"].as_array().is_some_and(|facts| !facts.is_empty()));
        assert!(
            checked["not_verified"]
                .to_string()
                .contains("committed to this trace root")
        );
        openings.push(opened);
    }
    // One bit of what the tile gave, of what it read, and of what leads to the roots; another tile, step, token.
    let (forge, down) = (refuse, &openings[4]);
    forge(down, &|opening| flip(&mut opening["output"]["tiles"][0]));
    forge(down, &|opening| flip(&mut opening["operands"][0]["output"]["tiles"][0]));
    forge(down, &|opening| {
        flip(&mut opening["operands"][1]["weights"]["leaves"][0])
    });
    forge(down, &|opening| flip(&mut opening["weights"]));
    forge(down, &|opening| flip(&mut opening["step_root"]));
    forge(down, &|opening| opening["address"]["tile"] = 2.into());
    forge(down, &|opening| opening["address"]["layer"] = 8.into());
    // Nothing of this tile is tied to its position but the step's root.
    forge(down, &|opening| opening["position"] = 29.into());
    forge(down, &|opening| {
        opening["output"] = openings[1].opening["output"].clone()
    });
    let token = &openings[6];
    forge(token, &|opening| opening["position"] = 42.into());
    let key = &openings[2];
    forge(key, &|opening| flip(&mut opening["kept"]["part"]["bytes"]));
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
}

#[test]
fn options_that_do_not_fit_together_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let prompts = dir.path().join("prompts.txt").display().to_string();
    fs::write(&prompts, "x\n").unwrap();
    let exact = ["infer", "--exact", "--model", model(), "--prompt", "x"];
    let float = ["infer", "--model", "smollm2", "--prompt", "x"];
    let embed = ["embed", "--model", "minilm", "--text", "x"];
    let convert = ["exact", "convert", "--model", "minilm", "--out", &out];
    let wgpu = ["--device", "wgpu", "--kernel", "avx2"];
    let mut wrong = vec![
        ([&exact[..], &["--kernel", "sse9"]].concat(), "sse9"),
        ([&float[..], &["--kernel", "auto"]].concat(), "add --exact"),
        ([&embed[..], &["--kernel", "auto"]].concat(), "add --exact"),
        ([&float[..], &["--batch-with", &prompts]].concat(), "--exact"),
        (
            [&convert[..], &["--calibration", "none"]].concat(),
            "--calibration is for text models",
        ),
        ([&convert[..], &["--seed", "1"]].concat(), "--seed is for text models"),
    ];
    if weft_engine::Device::Wgpu.probe().is_ok() {
        wrong.push(([&exact[..], &wgpu].concat(), "--kernel is for the CPU"));
        let embed = ["embed", "--exact", "--model", minilm(), "--text", "x"];
        wrong.push(([&embed[..], &wgpu].concat(), "--kernel is for the CPU"));
    } else {
        assert!(
            std::env::var_os(VULKAN_REQUIRED).is_none(),
            "no Vulkan, and {VULKAN_REQUIRED} is set"
        );
        skipped(&wgpu, "no GPU is usable");
    }
    for (args, named) in wrong {
        let output = weft(&args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(named), "{args:?}: {said}");
    }
    assert!(!Path::new(&out).exists());
}

/// Words of this repository's own prose: no model's calibration, which is text that it writes itself, has seen it.
fn prose(words: usize) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = [
        "README.md",
        "ARCHITECTURE.md",
        "docs/jobs.md",
        "docs/security.md",
        "docs/building.md",
        "docs/benchmarks.md",
    ];
    let all = files.map(|file| fs::read_to_string(root.join(file)).unwrap()).concat();
    let some: Vec<&str> = all.split_whitespace().take(words).collect();
    some.join(" ")
}

/// The model that was rounded to the nearest, which is worse than a fitted one on such a text: fitting takes minutes. `make bench`
/// does the same with the model as it is made by default, on two texts.
#[test]
fn perplexity_is_within_one_hundredth_of_the_float_model() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.md");
    fs::write(&text, prose(5_100)).unwrap();
    let text = text.display().to_string();
    let found = json(&[
        "exact",
        "eval",
        "--model",
        model(),
        "--float-model",
        "smollm2",
        "--text",
        &text,
        "--json",
    ]);
    let (exact, float) = (
        found["ppl_exact"].as_f64().unwrap(),
        found["ppl_float"].as_f64().unwrap(),
    );
    let words = found["words"].as_u64().unwrap();
    println!("perplexity {exact:.3} exact, {float:.3} float, of {words} words");
    assert!(words >= 5_000, "{words} words say too little");
    assert!(exact <= 1.01 * float, "{exact} against {float}");
    // Weights of the one are not those of the other, so that the two cannot be equal to the last digit.
    assert!(exact != float && float > 1.0);
}
