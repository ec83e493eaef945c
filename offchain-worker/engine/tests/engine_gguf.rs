//! The GGUF parser on sound, damaged and hostile files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use proptest::prelude::*;
use synthetic::{GgufWriter, LlamaShape, llama, text};
use weft_engine::gguf::{Gguf, GgufError, Value};
use weft_engine::quant::{GgmlType, QuantError};
use weft_engine::{Device, TextModel};

fn two_tensors() -> GgufWriter {
    let mut file = GgufWriter::new();
    file.u32("general.alignment", 32);
    file.tensor("a", &[2, 3], GgmlType::F32, vec![7; 24]);
    file.tensor("b", &[64], GgmlType::Q8_0, vec![9; 68]);
    file
}

fn error(file: &GgufWriter) -> GgufError {
    Gguf::from_bytes(file.finish()).unwrap_err()
}

#[test]
fn values_and_tensors_come_back_as_written() {
    for version in [2, 3] {
        let mut file = two_tensors();
        file.version = version;
        file.entry("u8", 0, &[200]);
        file.entry("i8", 1, &[0xff]);
        file.entry("u16", 2, &[1, 1]);
        file.entry("i16", 3, &[0xfe, 0xff]);
        file.entry("i32", 5, &(-3i32).to_le_bytes());
        file.f32("f32", 0.5);
        file.bool("bool", true);
        file.text("text", "grüße");
        file.entry("u64", 10, &u64::MAX.to_le_bytes());
        file.entry("i64", 11, &i64::MIN.to_le_bytes());
        file.entry("f64", 12, &0.1f64.to_le_bytes());
        file.texts("texts", &["x".to_owned(), String::new()]);
        file.i32s("i32s", &[-1, 0, 7]);
        // An array of one array of one boolean.
        let nested = [
            &9u32.to_le_bytes()[..],
            &1u64.to_le_bytes(),
            &7u32.to_le_bytes(),
            &1u64.to_le_bytes(),
            &[1],
        ]
        .concat();
        file.entry("nested", 9, &nested);

        let gguf = Gguf::from_bytes(file.finish()).unwrap();
        assert_eq!(gguf.version(), version);
        let metadata = gguf.metadata();
        for (key, value) in [
            ("u8", Value::Unsigned(200)),
            ("i8", Value::Signed(-1)),
            ("u16", Value::Unsigned(257)),
            ("i16", Value::Signed(-2)),
            ("i32", Value::Signed(-3)),
            ("f32", Value::Float(0.5)),
            ("bool", Value::Bool(true)),
            ("text", Value::Text("grüße".to_owned())),
            ("u64", Value::Unsigned(u64::MAX)),
            ("i64", Value::Signed(i64::MIN)),
            ("f64", Value::Float(0.1)),
            ("texts", Value::Texts(vec!["x".to_owned(), String::new()])),
            ("i32s", Value::Integers(vec![-1, 0, 7])),
            ("nested", Value::Nested(vec![Value::Bools(vec![true])])),
        ] {
            assert_eq!(metadata.get(key).unwrap(), &value);
        }
        assert_eq!(metadata.iter().count(), 15);

        let [a, b] = gguf.tensors() else {
            panic!("two tensors were written")
        };
        assert_eq!((a.rows(), a.columns(), a.encoding), (3, 2, GgmlType::F32));
        assert_eq!((b.rows(), b.columns(), b.encoding), (1, 64, GgmlType::Q8_0));
        assert_eq!(gguf.bytes_of(a), [7; 24]);
        assert_eq!(gguf.bytes_of(b), [9; 68]);
    }
}

#[test]
fn a_file_on_disk_is_mapped_and_a_missing_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    std::fs::write(&path, two_tensors().finish()).unwrap();
    let gguf = Gguf::open(&path).unwrap();
    assert_eq!(gguf.bytes_of(gguf.tensor("b").unwrap()), [9; 68]);

    std::fs::write(&path, []).unwrap();
    assert!(matches!(Gguf::open(&path), Err(GgufError::BadMagic { .. })));
    let missing = directory.path().join("absent.gguf");
    let message = Gguf::open(&missing).unwrap_err().to_string();
    assert!(message.contains("absent.gguf"), "{message}");
}

#[test]
fn headers_that_are_not_gguf_are_told_apart() {
    let sound = two_tensors().finish();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = sound.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        Gguf::from_bytes(file).unwrap_err()
    };
    assert!(matches!(with(0, b"GGML"), GgufError::BadMagic { found } if found == b"GGML"));
    assert!(matches!(
        with(4, &1u32.to_le_bytes()),
        GgufError::UnsupportedVersion { version: 1 }
    ));
    assert!(matches!(
        with(4, &9u32.to_le_bytes()),
        GgufError::UnsupportedVersion { version: 9 }
    ));
    assert!(matches!(with(4, &3u32.to_be_bytes()), GgufError::BigEndian));
    // Counts far beyond the file must fail at once and allocate nothing.
    assert!(matches!(with(8, &u64::MAX.to_le_bytes()), GgufError::Truncated { .. }));
    assert!(matches!(
        with(16, &u64::MAX.to_le_bytes()),
        GgufError::Truncated { what: "metadata", .. }
    ));
}

#[test]
fn every_proper_prefix_is_truncated() {
    let sound = two_tensors().finish();
    for length in 4..sound.len() {
        match Gguf::from_bytes(sound[..length].to_vec()).unwrap_err() {
            GgufError::Truncated { .. } | GgufError::OffsetOutOfRange { .. } => {}
            other => panic!("the first {length} bytes: {other}"),
        }
    }
}

#[test]
fn tensors_that_cannot_be_are_named() {
    let with = |change: fn(&mut GgufWriter)| {
        let mut file = two_tensors();
        change(&mut file);
        error(&file)
    };
    assert!(matches!(
        with(|file| file.tensors[1].name = "a".to_owned()),
        GgufError::DuplicateTensor { name } if name == "a"
    ));
    assert!(matches!(
        with(|file| file.tensors[1].offset = Some(1 << 40)),
        GgufError::OffsetOutOfRange { name, .. } if name == "b"
    ));
    assert!(matches!(
        with(|file| file.tensors[1].offset = Some(u64::MAX - 31)),
        GgufError::OffsetOutOfRange { .. }
    ));
    assert!(matches!(
        with(|file| file.tensors[1].offset = Some(33)),
        GgufError::MisalignedTensor {
            offset: 33,
            alignment: 32,
            ..
        }
    ));
    assert!(matches!(
        with(|file| file.tensors[0].dimensions = vec![1 << 32, 1 << 32]),
        GgufError::OverflowedDimensions { name, .. } if name == "a"
    ));
    assert!(matches!(
        with(|file| file.tensors[0].dimensions = vec![2, u64::MAX / 4]),
        GgufError::OverflowedDimensions { .. }
            | GgufError::Quant {
                source: QuantError::TooLarge { .. },
                ..
            }
    ));
    assert!(matches!(
        with(|file| file.tensors[0].dimensions = vec![1; 5]),
        GgufError::Malformed {
            what: "dimension count",
            ..
        }
    ));
    assert!(matches!(
        with(|file| file.tensors[1].dimensions = vec![33]),
        GgufError::Quant {
            source: QuantError::RaggedRow {
                columns: 33,
                block: 32,
                ..
            },
            ..
        }
    ));
    let message = with(|file| file.tensors[1].encoding = 10).to_string();
    assert!(message.contains("`b`") && message.contains("Q2_K"), "{message}");
}

#[test]
fn metadata_that_cannot_be_is_named() {
    let with = |of: u32, value: &[u8]| {
        let mut file = two_tensors();
        file.entry("key", of, value);
        error(&file)
    };
    let mut twice = two_tensors();
    twice.u32("general.alignment", 32);
    assert!(matches!(error(&twice), GgufError::DuplicateKey { key } if key == "general.alignment"));
    assert!(matches!(
        with(13, &[]),
        GgufError::Malformed {
            what: "metadata type",
            ..
        }
    ));
    assert!(matches!(with(7, &[2]), GgufError::Malformed { .. }));
    let not_utf8 = [&2u64.to_le_bytes()[..], &[b'a', 0xff]].concat();
    assert!(matches!(with(8, &not_utf8), GgufError::Malformed { problem, .. } if problem.contains("UTF-8")));
    let endless = [&0u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
    assert!(matches!(with(9, &endless), GgufError::Truncated { what: "array", .. }));
    let mut deep: Vec<u8> = Vec::new();
    for _ in 0..100_000 {
        deep.extend(9u32.to_le_bytes());
        deep.extend(1u64.to_le_bytes());
    }
    assert!(matches!(with(9, &deep), GgufError::Malformed { what: "array", .. }));
    for alignment in [0u32, 12] {
        let mut file = GgufWriter::new();
        file.u32("general.alignment", alignment);
        assert!(matches!(error(&file), GgufError::WrongType { .. }));
    }
}

#[test]
fn lookups_say_what_is_missing_or_wrong() {
    let mut file = two_tensors();
    file.text("name", "x");
    file.entry("negative", 5, &(-1i32).to_le_bytes());
    let gguf = Gguf::from_bytes(file.finish()).unwrap();
    let metadata = gguf.metadata();
    assert!(
        metadata
            .u32("absent")
            .unwrap_err()
            .to_string()
            .contains("`absent` is missing")
    );
    assert!(
        metadata
            .u32("name")
            .unwrap_err()
            .to_string()
            .contains("a text of 1 bytes")
    );
    assert!(metadata.u32("negative").is_err());
    assert!(metadata.texts("name").is_err());
    assert!(gguf.tensor("c").unwrap_err().to_string().contains("`c` is missing"));
}

#[derive(Debug, Clone)]
enum Damage {
    Byte(prop::sample::Index, u8),
    Word(prop::sample::Index, u64),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (index(), prop_oneof![any::<u64>(), 0u64..1000, Just(u64::MAX)]).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage, within: usize) {
    let within = within.min(file.len());
    if within == 0 {
        return;
    }
    match damage {
        Damage::Byte(at, byte) => file[at.index(within)] = *byte,
        Damage::Word(at, word) => {
            let at = at.index(within);
            for (slot, byte) in file[at..].iter_mut().zip(word.to_le_bytes()) {
                *slot = byte;
            }
        }
        Damage::Cut(at) => file.truncate(at.index(within)),
        Damage::Insert(at, byte) => file.insert(at.index(within), *byte),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_files_never_panic(damages in prop::collection::vec(damage(), 1..4)) {
        let mut file = two_tensors();
        file.texts("texts", &["x".to_owned(), "yz".to_owned()]);
        let mut bytes = file.finish();
        for damage in &damages {
            let within = bytes.len();
            apply(&mut bytes, damage, within);
        }
        if let Ok(gguf) = Gguf::from_bytes(bytes) {
            for tensor in gguf.tensors() {
                let size = tensor.encoding.matrix_bytes(tensor.rows(), tensor.columns()).unwrap();
                prop_assert_eq!(gguf.bytes_of(tensor).len(), size);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_after_the_magic_never_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = text("GGUF")[8..].to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend(tail);
        let _ = Gguf::from_bytes(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The whole way to a model: damage in names, sizes, tokenizer and template, but not in weights, where all bytes are
    /// allowed.
    #[test]
    fn damaged_models_are_refused_or_load(damages in prop::collection::vec(damage(), 1..4)) {
        let shape = LlamaShape { layers: 1, width: 32, inner: 32, heads: 2, kv_heads: 1, ..LlamaShape::default() };
        let mut bytes = llama(&shape).finish();
        for damage in &damages {
            apply(&mut bytes, damage, 6000);
        }
        let one_thread = "cpu:1".parse::<Device>().unwrap();
        if let Err(error) = TextModel::from_bytes(bytes, one_thread) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
