//! Exact jobs: the trace root on chain is the one that anybody with the model's files gets.

use weft_tests::{error::HarnessError, identity::Identity, network::order};

use crate::stage::{Result, Stage, play};

const TEXT: &str = "Every job ends, with a reason and a receipt.";

#[test]
fn an_exact_answer_is_the_same_everywhere_and_its_receipt_says_so() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let exact = ["minilm", "smollm2"].map(|model| {
        let out = folder.path().join(format!("exact-{model}"));
        let out = out.to_str().expect("a temporary folder has a readable name").to_owned();
        // No chain is involved in a conversion, so any node will do. Fitting the weights would take a minute.
        let converter = Identity::new("converter", "//Ferdie", folder.path(), "ws://127.0.0.1:1".to_owned());
        let mut convert = vec!["exact", "convert", "--model", model, "--out", &out];
        if model != "minilm" {
            convert.extend(["--calibration", "none"]);
        }
        converter
            .and_then(|who| who.act(&convert))
            .unwrap_or_else(|error| panic!("converting: {error}"));
        out
    });
    play(
        &[&exact[0], "minilm", &exact[1]],
        &["//Bob"],
        &[
            (
                "an exact job's trace root is that of a run without any network",
                the_trace_root_is_that_of_a_run_without_network,
            ),
            (
                "so is that of an exact text",
                the_trace_root_of_a_text_is_that_of_a_run_without_network,
            ),
            (
                "a float job on an exact model has no trace root",
                a_float_job_on_an_exact_model_has_no_trace_root,
            ),
            (
                "an exact job on a float model is refused",
                an_exact_job_on_a_float_model_is_refused,
            ),
        ],
    );
}

fn the_trace_root_is_that_of_a_run_without_network(stage: &mut Stage) -> Result<()> {
    let alone = stage
        .user
        .ask(&["embed", "--exact", "--model", &stage.sources[0], "--text", TEXT])?;
    let root = alone["trace_root"]
        .as_str()
        .ok_or_else(|| HarnessError::answer("weft embed --exact", &alone))?;
    let asset = stage.models[0].to_string();
    let published = stage.user.ask(&["asset", "show", &asset])?;
    let model_root = alone["model_root"].as_str().unwrap_or_default();
    assert_eq!(published["exact_root"], format!("0x{model_root}"));

    let mut args = order(stage.models[0], TEXT, 64);
    // Paid at once; what waits for challenges is in `disputes`.
    args.extend(["--exact", "--challenges=none"].map(str::to_owned));
    let ran = stage.user.ask(&args)?;
    assert_eq!(ran["arithmetic"], "exact");
    assert_eq!(ran["trace_root"], root);
    assert_eq!(ran["answer"]["embeddings"][0], alone["embedding"]);

    let shown = stage.user.ask(&["job", "show", &ran["job"].to_string()])?;
    assert_eq!(shown["arithmetic"], "exact");
    assert_eq!(shown["state"]["reason"], "completed");
    assert_eq!(shown["state"]["trace_root"], format!("0x{root}"));
    Ok(())
}

fn the_trace_root_of_a_text_is_that_of_a_run_without_network(stage: &mut Stage) -> Result<()> {
    let model = &stage.sources[2];
    let infer = [
        "infer",
        "--exact",
        "--model",
        model,
        "--prompt",
        TEXT,
        "--max-tokens",
        "12",
    ];
    let alone = stage.user.ask(&infer)?;
    let mut args = order(stage.models[2], TEXT, 12);
    args.push("--exact".to_owned());
    let ran = stage.user.ask(&args)?;
    assert_eq!(ran["answer"]["text"], alone["text"]);
    assert!(
        alone["trace_root"].is_string() && ran["trace_root"] == alone["trace_root"],
        "{ran} {alone}"
    );
    Ok(())
}

fn a_float_job_on_an_exact_model_has_no_trace_root(stage: &mut Stage) -> Result<()> {
    let ran = stage.user.ask(&order(stage.models[0], TEXT, 64))?;
    assert_eq!(ran["arithmetic"], "float");
    assert!(ran["trace_root"].is_null(), "{ran}");
    assert!(ran["receipt"]["state"]["trace_root"].is_null(), "{ran}");
    Ok(())
}

fn an_exact_job_on_a_float_model_is_refused(stage: &mut Stage) -> Result<()> {
    // The job before may still be challenged, and waits to be paid.
    let held = stage.held()?;
    let mut args = order(stage.models[1], TEXT, 64);
    args.push("--exact".to_owned());
    let failed = stage.user.fail(&args)?;
    assert!(
        failed.code == 4 && failed.stderr.contains("ModelIsNotExact") && failed.stderr.contains("leave out --exact"),
        "{failed:?}"
    );
    assert_eq!(stage.held()?, held);
    Ok(())
}
