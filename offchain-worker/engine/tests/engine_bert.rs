//! The sentence encoder on a made-up model: devices agree, padding and batching change nothing, bad files are refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use synthetic::{relative_error, safetensors, signed};
use weft_engine::bert::ModelFiles;
use weft_engine::sampler::Xoshiro256;
use weft_engine::tokenizer::SentenceTokenizer;
use weft_engine::{Device, EmbeddingModel, EngineError, ModelError, WeightFormat};

const WIDTH: usize = 48;
const INNER: usize = 80;
const POSITIONS: usize = 24;
const LAYERS: usize = 2;
const WORDS: [&str; 14] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "##s", "##ting", "a", ".",
];

fn cpu() -> Device {
    "cpu:2".parse().unwrap()
}

fn weights(prefix: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let mut rng = Xoshiro256::from_seed(11);
    let mut tensors = Vec::new();
    let mut tensor = |name: String, shape: &[usize], centre: f32, spread: f32| {
        let count = shape.iter().product();
        let values = (0..count).map(|_| centre + spread * signed(&mut rng)).collect();
        tensors.push((format!("{prefix}{name}"), shape.to_vec(), values));
    };
    for (table, rows) in [("word", WORDS.len()), ("position", POSITIONS), ("token_type", 2)] {
        tensor(
            format!("embeddings.{table}_embeddings.weight"),
            &[rows, WIDTH],
            0.0,
            1.0,
        );
    }
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in 0..LAYERS {
        let base = format!("encoder.layer.{layer}");
        for (name, rows, columns) in [
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ] {
            tensor(format!("{base}.{name}.weight"), &[rows, columns], 0.0, 0.3);
            tensor(format!("{base}.{name}.bias"), &[rows], 0.0, 0.2);
        }
        norms.push(format!("{base}.attention.output.LayerNorm"));
        norms.push(format!("{base}.output.LayerNorm"));
    }
    for norm in norms {
        tensor(format!("{norm}.weight"), &[WIDTH], 1.0, 0.2);
        tensor(format!("{norm}.bias"), &[WIDTH], 0.0, 0.2);
    }
    tensors
}

fn config() -> serde_json::Value {
    serde_json::json!({
        "model_type": "bert", "num_hidden_layers": LAYERS, "hidden_size": WIDTH, "num_attention_heads": 4,
        "intermediate_size": INNER, "max_position_embeddings": POSITIONS, "vocab_size": WORDS.len(),
    })
}

fn files() -> Vec<(String, Vec<u8>)> {
    vec![
        ("config.json".to_owned(), serde_json::to_vec(&config()).unwrap()),
        ("model.safetensors".to_owned(), safetensors(&weights(""))),
        ("vocab.txt".to_owned(), WORDS.join("\n").into_bytes()),
    ]
}

fn load(files: Vec<(String, Vec<u8>)>, device: Device, format: WeightFormat) -> Result<EmbeddingModel, EngineError> {
    EmbeddingModel::from_files(&files.into_iter().collect::<ModelFiles>(), device, format)
}

fn replaced(name: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut files = files();
    files.retain(|(other, _)| other != name);
    files.push((name.to_owned(), bytes));
    files
}

const TEXTS: [&str; 5] = [
    "the cat sat on the mat.",
    "a cat",
    "",
    "cats sitting on mats . . . . .",
    "zebra",
];

#[test]
fn embeddings_have_length_one_and_tell_texts_apart() {
    let model = load(files(), cpu(), WeightFormat::Fastest).unwrap();
    let embeddings = model.embed(&TEXTS).unwrap();
    assert_eq!(embeddings.len(), TEXTS.len());
    for embedding in &embeddings {
        assert_eq!(embedding.len(), WIDTH);
        let square: f32 = embedding.iter().map(|x| x * x).sum();
        assert!((square - 1.0).abs() < 1e-5);
    }
    assert!(relative_error(&embeddings[0], &embeddings[1]) > 1e-3);
    assert!(model.embed::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn company_in_a_batch_changes_nothing() {
    let model = load(files(), cpu(), WeightFormat::Fastest).unwrap();
    let together = model.embed(&TEXTS).unwrap();
    for (text, embedding) in TEXTS.iter().zip(&together) {
        let alone = model.embed(&[text]).unwrap();
        let error = relative_error(&alone[0], embedding);
        assert!(error < 1e-5, "{text}: {error}");
    }
    // More texts than one batch holds, in their order.
    let many: Vec<&str> = TEXTS.iter().copied().cycle().take(600).collect();
    for (at, embedding) in model.embed(&many).unwrap().iter().enumerate() {
        assert!(relative_error(embedding, &together[at % TEXTS.len()]) < 1e-5);
    }
}

#[test]
fn stored_weights_burn_tensors_and_the_gpu_compute_the_same() {
    let stored = load(files(), cpu(), WeightFormat::Fastest)
        .unwrap()
        .embed(&TEXTS)
        .unwrap();
    for (device, format) in [(cpu(), WeightFormat::Float32), (Device::Wgpu, WeightFormat::Fastest)] {
        let other = load(files(), device, format).unwrap().embed(&TEXTS).unwrap();
        for (a, b) in stored.iter().zip(&other) {
            let error = relative_error(b, a);
            assert!(error < 1e-4, "{device}: {error}");
        }
    }
}

#[test]
fn long_texts_are_cut_to_the_model_s_length() {
    let mut with_limit = files();
    with_limit.push((
        "sentence_bert_config.json".to_owned(),
        br#"{"max_seq_length": 6}"#.to_vec(),
    ));
    let model = load(with_limit, cpu(), WeightFormat::Fastest).unwrap();
    let ids = model.tokenizer().encode("the cat sat on the mat").unwrap().ids;
    assert_eq!(ids, [2, 5, 6, 7, 8, 3]);
    let [long, cut] = [
        model.embed(&["the cat sat on the mat"]),
        model.embed(&["the cat sat on"]),
    ]
    .map(Result::unwrap);
    assert!(relative_error(&long[0], &cut[0]) < 1e-6);
    // Without a limit of its own the model's positions are the limit.
    let model = load(files(), cpu(), WeightFormat::Fastest).unwrap();
    let endless = "cat ".repeat(500);
    assert_eq!(model.tokenizer().encode(&endless).unwrap().ids.len(), POSITIONS);
    assert_eq!(model.embed(&[endless]).unwrap().len(), 1);
}

#[test]
fn names_may_carry_the_prefix_of_a_headed_model() {
    let plain = load(files(), cpu(), WeightFormat::Fastest)
        .unwrap()
        .embed(&TEXTS)
        .unwrap();
    let prefixed = replaced("model.safetensors", safetensors(&weights("bert.")));
    assert_eq!(
        load(prefixed, cpu(), WeightFormat::Fastest)
            .unwrap()
            .embed(&TEXTS)
            .unwrap(),
        plain
    );
}

#[test]
fn word_pieces_and_unknown_words() {
    let vocabulary = WORDS.join("\r\n");
    let tokenizer = SentenceTokenizer::from_vocabulary(&vocabulary, true, 64).unwrap();
    let ids = |text: &str| tokenizer.encode(text).unwrap().ids;
    assert_eq!(ids("Cats sat."), [2, 6, 10, 7, 13, 3]);
    assert_eq!(ids("dog"), [2, 1, 3]);
    let cased = SentenceTokenizer::from_vocabulary(&vocabulary, false, 64).unwrap();
    assert_eq!(cased.encode("Cat").unwrap().ids, [2, 1, 3]);
    assert!(SentenceTokenizer::from_vocabulary("the\ncat", true, 64).is_err());
    assert!(SentenceTokenizer::from_json(b"{", 64).is_err());
}

#[test]
fn bad_files_are_refused_with_the_reason() {
    let refuse = |files: Vec<(String, Vec<u8>)>| match load(files, cpu(), WeightFormat::Fastest) {
        Ok(_) => panic!("the model was accepted"),
        Err(error) => error,
    };
    let without = |name: &str| {
        let mut files = files();
        files.retain(|(other, _)| other != name);
        files
    };
    for name in ["config.json", "model.safetensors"] {
        assert!(refuse(without(name)).to_string().contains(name));
    }
    assert!(refuse(without("vocab.txt")).to_string().contains("tokenizer.json"));
    assert!(
        refuse(replaced("config.json", b"{".to_vec()))
            .to_string()
            .contains("config.json")
    );

    let with = |key: &str, value: serde_json::Value| {
        let mut config = config();
        config[key] = value;
        refuse(replaced("config.json", serde_json::to_vec(&config).unwrap()))
    };
    assert!(matches!(
        with("model_type", "gpt".into()),
        EngineError::Model(ModelError::UnsupportedArchitecture { .. })
    ));
    assert!(with("hidden_act", "relu".into()).to_string().contains("relu"));
    assert!(matches!(
        with("num_attention_heads", 5.into()),
        EngineError::Model(ModelError::Configuration { .. })
    ));
    assert!(matches!(
        with("num_attention_heads", 0.into()),
        EngineError::Model(ModelError::Configuration { .. })
    ));
    assert!(matches!(
        with("hidden_size", u32::MAX.into()),
        EngineError::Model(ModelError::Configuration { .. })
    ));
    assert!(matches!(
        with("vocab_size", 15.into()),
        EngineError::Model(ModelError::Shape { .. })
    ));
    assert!(matches!(
        with("num_hidden_layers", 3.into()),
        EngineError::Model(ModelError::Safetensors(_))
    ));

    let mut pooled = files();
    pooled.push((
        "1_Pooling/config.json".to_owned(),
        br#"{"pooling_mode_cls_token": true}"#.to_vec(),
    ));
    assert!(refuse(pooled).to_string().contains("pooling"));

    let sound = safetensors(&weights(""));
    for length in [0, 7, 8, 100, sound.len() - 1] {
        let cut = replaced("model.safetensors", sound[..length].to_vec());
        assert!(
            matches!(refuse(cut), EngineError::Model(ModelError::Safetensors(_))),
            "{length} bytes"
        );
    }
    let mut endless = sound.clone();
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(
        refuse(replaced("model.safetensors", endless)),
        EngineError::Model(ModelError::Safetensors(_))
    ));

    // A vocabulary longer than the embedding: the model loads, and the text with the odd word is refused.
    let longer = replaced("vocab.txt", format!("{}\nzebra", WORDS.join("\n")).into_bytes());
    let model = load(longer, cpu(), WeightFormat::Fastest).unwrap();
    let error = model.embed(&["zebra"]).unwrap_err();
    assert!(
        matches!(error, EngineError::Model(ModelError::NoSuchRow { row: 14, rows: 14 })),
        "{error}"
    );
}
