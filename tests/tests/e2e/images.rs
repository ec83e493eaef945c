//! Image jobs: a drawing goes in, and what the model takes it for comes back.

use std::{fs, path::Path};

use serde_json::Value;
use weft_tests::{error::HarnessError, network::ASK_UNITS, settlement::Receipt};

use crate::stage::{Result, Stage, play};

/// Of a drawing, in pixels.
const SIDE: usize = 28;

#[test]
fn an_image_is_classified_by_a_paid_job() {
    let model = format!("{}/model", digits());
    play(
        &[&model],
        &["//Bob"],
        &[
            ("a drawing is classified, paid and receipted", a_drawing_is_classified),
            ("what is no drawing is not posted", what_is_no_drawing_is_not_posted),
        ],
    );
}

/// The Space whose model it is.
pub fn digits() -> String {
    format!("{}/../spaces/digits", env!("CARGO_MANIFEST_DIR"))
}

/// Writes a drawing of a digit, which ships with the model, as a PGM file below `folder`.
pub fn draw(folder: &Path, digit: usize) -> Result<String> {
    let references = fs::read(format!("{}/reference.json", digits())).map_err(HarnessError::io("read the drawings"))?;
    let references: Value =
        serde_json::from_slice(&references).map_err(|error| HarnessError::answer("reference.json", error))?;
    let pixels: Vec<u8> = serde_json::from_value(references[digit]["pixels"].clone())
        .map_err(|error| HarnessError::answer("reference.json", error))?;
    let file = folder.join(format!("{digit}.pgm"));
    let head = format!("P5 {SIDE} {SIDE} 255\n");
    fs::write(&file, [head.as_bytes(), &pixels].concat()).map_err(HarnessError::io("write a drawing"))?;
    Ok(file
        .to_str()
        .expect("a temporary folder has a readable name")
        .to_owned())
}

/// The arguments of a job on one image, for twice what [`weft_tests::network::ASK`] needs.
pub fn order(asset: u64, image: &str) -> Vec<String> {
    [
        "run",
        "--asset",
        &asset.to_string(),
        "--image",
        image,
        "--max-tokens",
        "1",
        "--max-price",
        "0.002",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What an answer says the image shows.
pub fn label(answer: &Value) -> Option<&str> {
    let probabilities = answer["probabilities"][0].as_array()?;
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)))?;
    answer["labels"][best.0].as_str()
}

fn a_drawing_is_classified(stage: &mut Stage) -> Result<()> {
    let folder = stage.user.home();
    for digit in [3, 7] {
        let image = draw(&folder, digit)?;
        let ran = stage.user.ask(&order(stage.models[0], &image))?;
        assert_eq!(label(&ran["answer"]), Some(digit.to_string().as_str()), "{ran}");
        // The same image on the same model without any network.
        let alone = stage
            .user
            .ask(&["classify", "--model", &stage.sources[0], "--image", &image])?;
        assert_eq!(ran["answer"]["labels"], alone["labels"]);
        let numbers = |value: &Value| -> Vec<f64> {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(Value::as_f64).collect()
        };
        let (there, here) = (
            numbers(&ran["answer"]["probabilities"][0]),
            numbers(&alone["probabilities"]),
        );
        assert_eq!((there.len(), here.len()), (10, 10), "{ran} {alone}");
        assert!(
            there.iter().zip(&here).all(|(there, here)| (there - here).abs() < 1e-5),
            "{there:?} {here:?}"
        );

        // An image is charged as one token.
        let receipt = Receipt::read(&ran["receipt"])?;
        assert_eq!((receipt.reason.as_str(), receipt.used_tokens), ("completed", 1));
        assert_eq!(receipt.split.price(), ASK_UNITS);
        let provider = stage.providers[0].address()?;
        assert_eq!(receipt.provider.as_deref(), Some(provider.as_str()));
        let settlement = stage.settlement(&receipt)?;
        assert_eq!(settlement.differences(&receipt.split), [] as [String; 0]);
    }
    Ok(())
}

fn what_is_no_drawing_is_not_posted(stage: &mut Stage) -> Result<()> {
    let file = stage.user.home().join("no.png");
    fs::write(&file, b"\x89PNG").map_err(HarnessError::io("write no drawing"))?;
    let file = file.to_str().expect("a temporary folder has a readable name");
    let failed = stage.user.fail(&order(stage.models[0], file))?;
    assert!(failed.code != 4 && failed.stderr.contains("PGM"), "{failed:?}");
    assert_eq!(stage.held()?, "0");
    Ok(())
}
