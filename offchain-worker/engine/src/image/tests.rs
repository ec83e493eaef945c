use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::KindError;
use crate::kind::ModelKind;

/// A drawing and the logits that the script that trained the model computed for it.
#[derive(Deserialize)]
struct Reference {
    digit: usize,
    pixels: Vec<u8>,
    logits: Vec<f32>,
}

fn cpu() -> Device {
    "cpu:2".parse().unwrap()
}

fn digits() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces/digits"))
}

fn references() -> Vec<Reference> {
    serde_json::from_slice(&std::fs::read(digits().join("reference.json")).unwrap()).unwrap()
}

fn files(config: &Value, weights: Vec<u8>) -> ModelFiles {
    let config = serde_json::to_vec(config).unwrap();
    [
        ("config.json".to_owned(), config),
        ("model.safetensors".to_owned(), weights),
    ]
    .into_iter()
    .collect()
}

fn safetensors(tensors: &[(&str, &[usize], Vec<f32>)]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
        header.insert((*name).to_owned(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// Two classes, of a 4 by 4 image: a convolution of one filter, a pool, and a linear layer.
fn small_config() -> Value {
    json!({
        "form": "weft/image-classifier/1",
        "input": { "width": 4, "height": 4, "mean": 0.5, "deviation": 0.5 },
        "layers": [
            { "type": "conv2d", "name": "c", "filters": 1, "kernel": 3, "padding": 1 },
            { "type": "relu" },
            { "type": "max_pool", "size": 2 },
            { "type": "flatten" },
            { "type": "linear", "name": "l", "outputs": 2 },
        ],
        "labels": ["dark", "bright"],
    })
}

fn small_weights() -> Vec<(&'static str, &'static [usize], Vec<f32>)> {
    let centre = vec![0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    vec![
        ("c.weight", &[1, 1, 3, 3], centre),
        ("c.bias", &[1], vec![0.0]),
        ("l.weight", &[2, 4], vec![-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]),
        ("l.bias", &[2], vec![2.0, -2.0]),
    ]
}

fn small() -> Classifier {
    Classifier::from_files(&files(&small_config(), safetensors(&small_weights())), cpu()).unwrap()
}

fn refused(config: &Value, weights: Vec<u8>) -> ModelError {
    match Classifier::from_files(&files(config, weights), cpu()) {
        Err(EngineError::Model(error)) => error,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn logits_are_those_of_the_script_that_trained_the_model() {
    let classifier = Classifier::open(&digits().join("model"), cpu()).unwrap();
    assert_eq!(classifier.config().labels.len(), 10);
    let references = references();
    assert_eq!(references.len(), 10);
    let images: Vec<_> = references.iter().map(|reference| &reference.pixels).collect();
    let found = classifier.logits(&images).unwrap();
    for (reference, found) in references.iter().zip(&found) {
        for (expected, found) in reference.logits.iter().zip(found) {
            assert!(
                (expected - found).abs() < 2e-3,
                "digit {}: {expected}, {found}",
                reference.digit
            );
        }
    }
}

#[test]
fn drawn_digits_are_recognised() {
    let classifier = Classifier::open(&digits().join("model"), cpu()).unwrap();
    for reference in references() {
        let mut answer = classifier.classify(&[&reference.pixels]).unwrap();
        let likely = answer.pop().unwrap();
        let sum: f32 = likely.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        let best = (0..10).max_by(|a, b| likely[*a].total_cmp(&likely[*b]));
        assert_eq!(best, Some(reference.digit), "{likely:?}");
    }
}

#[test]
fn a_batch_gives_what_single_images_give() {
    let classifier = Classifier::open(&digits().join("model"), cpu()).unwrap();
    let images: Vec<_> = (0..150u32).map(|nth| vec![(nth % 256) as u8; 28 * 28]).collect();
    let together = classifier.logits(&images).unwrap();
    assert_eq!(together.len(), images.len());
    for nth in [0, 63, 64, 149] {
        let alone = classifier.logits(&images[nth..=nth]).unwrap();
        for (a, b) in together[nth].iter().zip(&alone[0]) {
            assert!((a - b).abs() < 1e-3);
        }
    }
    assert!(classifier.classify::<Vec<u8>>(&[]).unwrap().is_empty());
}

#[test]
fn a_small_model_computes_what_its_layers_say() {
    // White scales to 1, black to -1, which relu makes 0. Four pools of 1: 2 - 4 and -2 + 4.
    let logits = small().logits(&[[255u8; 16], [0u8; 16]]).unwrap();
    assert_eq!(logits, [[-2.0, 2.0], [2.0, -2.0]]);
}

#[test]
fn an_image_of_another_size_is_refused() {
    for found in [0, 15, 17] {
        let error = small().classify(&[vec![0u8; found]]).unwrap_err();
        let expected = ImageError::WrongSize {
            found,
            width: 4,
            height: 4,
        };
        assert!(matches!(error, EngineError::Image(error) if error == expected));
    }
}

#[test]
fn weights_whose_sums_overflow_give_an_error_and_no_probabilities() {
    let mut weights = small_weights();
    weights[2].2 = vec![f32::MAX; 8];
    let classifier = Classifier::from_files(&files(&small_config(), safetensors(&weights)), cpu()).unwrap();
    let error = classifier.classify(&[[255u8; 16]]).unwrap_err();
    assert!(matches!(error, EngineError::Image(ImageError::NotFinite)));
}

#[test]
fn kinds_are_told_apart_by_their_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    put("config.json", small_config().to_string().as_bytes());
    assert!(matches!(ModelKind::detect(dir.path()), Err(KindError::NoModel { .. })));
    put("model.safetensors", b"");
    assert_eq!(
        ModelKind::detect(dir.path()).unwrap(),
        ModelKind::Image(dir.path().to_owned())
    );
    put("config.json", br#"{"model_type":"bert"}"#);
    assert_eq!(
        ModelKind::detect(dir.path()).unwrap(),
        ModelKind::Embedding(dir.path().to_owned())
    );
    put("config.json", b"not json");
    assert_eq!(
        ModelKind::detect(dir.path()).unwrap(),
        ModelKind::Embedding(dir.path().to_owned())
    );
}

#[test]
fn each_defect_of_a_configuration_is_named() {
    let with = |pointer: &str, value: Value| {
        let mut config = small_config();
        *config.pointer_mut(pointer).unwrap() = value;
        refused(&config, safetensors(&small_weights())).to_string()
    };
    assert!(with("/form", json!("weft/image-classifier/9")).contains("weft/image-classifier/1"));
    assert!(with("/input/width", json!(0)).contains("pixels a side"));
    assert!(with("/input/width", json!(1025)).contains("pixels a side"));
    assert!(with("/input/deviation", json!(0.0)).contains("deviation"));
    assert!(with("/labels", json!(["one"])).contains("labels"));
    assert!(with("/labels", json!(["a", "b", "c"])).contains("2 numbers for 3 labels"));
    assert!(with("/layers", json!([])).contains("layers"));
    assert!(with("/layers/0/kernel", json!(32)).contains("kernel"));
    assert!(with("/layers/0/padding", json!(3)).contains("padding"));
    assert!(with("/layers/0/filters", json!(0)).contains("filters"));
    assert!(with("/layers/0/name", json!("")).contains("name"));
    assert!(with("/layers/4/name", json!("c")).contains("another layer"));
    assert!(with("/layers/2/size", json!(5)).contains("size"));
    assert!(with("/layers/3/type", json!("relu")).contains("flatten"));
    assert!(with("/layers/1/type", json!("gelu")).contains("no layer"));
    assert!(with("/layers/4/outputs", json!(65_537)).contains("outputs"));
    let unknown = with("/layers/1", json!({ "type": "relu", "slope": 0.1 }));
    assert!(unknown.contains("slope"), "{unknown}");
}

#[test]
fn a_configuration_cannot_ask_for_much_work() {
    let mut config = small_config();
    config["input"] = json!({ "width": 1024, "height": 1024, "mean": 0.0, "deviation": 1.0 });
    config["layers"][0]["filters"] = json!(1024);
    assert!(refused(&config, Vec::new()).to_string().contains("too large"));
}

#[test]
fn each_defect_of_the_weights_is_named() {
    let config = small_config();
    assert!(matches!(
        refused(&config, b"nonsense".to_vec()),
        ModelError::Safetensors(_)
    ));
    let mut weights = small_weights();
    weights.pop();
    assert!(matches!(
        refused(&config, safetensors(&weights)),
        ModelError::Safetensors(_)
    ));
    let mut weights = small_weights();
    weights[0].1 = &[1, 1, 9, 1];
    assert!(matches!(refused(&config, safetensors(&weights)), ModelError::Shape { name, .. } if name == "c.weight"));
    let mut weights = small_weights();
    weights.push(("extra.weight", &[1], vec![0.0]));
    let error = refused(&config, safetensors(&weights));
    assert!(matches!(error, ModelError::UnexpectedTensor { name } if name == "extra.weight"));
    let mut weights = small_weights();
    weights[1].2 = vec![f32::NAN];
    assert!(
        refused(&config, safetensors(&weights))
            .to_string()
            .contains("no number")
    );
    let halves = String::from_utf8_lossy(&safetensors(&small_weights())).replace("F32", "I32");
    assert!(matches!(
        refused(&config, halves.into_bytes()),
        ModelError::UnsupportedFeature { .. } | ModelError::Safetensors(_)
    ));
}

proptest! {
    #[test]
    fn no_configuration_from_strangers_panics(
        width in 0usize..40,
        height in 0usize..40,
        layers in proptest::collection::vec(
            (
                proptest::sample::select(vec!["conv2d", "relu", "max_pool", "flatten", "linear", "?"]),
                proptest::option::of(0usize..40),
                proptest::option::of(0usize..40),
            ),
            0..8,
        ),
    ) {
        let layers: Vec<_> = layers
            .iter()
            .enumerate()
            .map(|(nth, (kind, a, b))| json!({
                "type": kind, "name": nth.to_string(), "filters": a, "kernel": b, "padding": a, "size": b, "outputs": a,
            }))
            .collect();
        let config = json!({
            "form": "weft/image-classifier/1",
            "input": { "width": width, "height": height, "mean": 0.0, "deviation": 1.0 },
            "layers": layers,
            "labels": ["a", "b"],
        });
        let read = ImageConfig::from_files(&files(&config, Vec::new()));
        if let Ok(config) = read {
            prop_assert!(config.plan().is_ok());
        }
    }

    #[test]
    fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = is_classifier(&bytes);
        let _ = Classifier::from_files(&files(&small_config(), bytes), cpu());
    }

    #[test]
    fn probabilities_add_up(logits in proptest::collection::vec(-1e6f32..1e6, 1..20)) {
        let sum: f32 = softmax(&logits).iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-4);
    }
}
