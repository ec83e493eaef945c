//! A GGUF file of nothing but metadata: where an exact model keeps its tokenizer and its chat template.

use crate::gguf::{MAGIC, Metadata, Value};

/// Version of the format that is written.
const VERSION: u32 = 3;

/// The bytes of a GGUF file with these entries and no tensor. Numbers are written as narrow as they are, whatever they were: who
/// reads them asks for a range and not for a type.
pub fn of(metadata: &Metadata) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend((metadata.iter().count() as u64).to_le_bytes());
    for (key, value) in metadata.iter() {
        text(&mut bytes, key);
        let (kind, value) = encoded(value);
        bytes.extend(kind.to_le_bytes());
        bytes.extend(value);
    }
    bytes
}

/// Numbers of the format's types.
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const BOOL: u32 = 7;
const TEXT: u32 = 8;
const ARRAY: u32 = 9;
const U64: u32 = 10;
const I64: u32 = 11;
const F64: u32 = 12;

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// A value's type and bytes.
fn encoded(value: &Value) -> (u32, Vec<u8>) {
    match value {
        Value::Unsigned(value) => match u32::try_from(*value) {
            Ok(value) => (U32, value.to_le_bytes().to_vec()),
            Err(_) => (U64, value.to_le_bytes().to_vec()),
        },
        Value::Signed(value) => match i32::try_from(*value) {
            Ok(value) => (I32, value.to_le_bytes().to_vec()),
            Err(_) => (I64, value.to_le_bytes().to_vec()),
        },
        Value::Float(value) if is_narrow(value) => (F32, (*value as f32).to_le_bytes().to_vec()),
        Value::Float(value) => (F64, value.to_le_bytes().to_vec()),
        Value::Bool(value) => (BOOL, vec![u8::from(*value)]),
        Value::Text(value) => {
            let mut bytes = Vec::new();
            text(&mut bytes, value);
            (TEXT, bytes)
        }
        Value::Integers(items) => match items
            .iter()
            .map(|item| i32::try_from(*item))
            .collect::<Result<Vec<_>, _>>()
        {
            Ok(items) => array(I32, &items, |bytes, item| bytes.extend(item.to_le_bytes())),
            Err(_) => array(I64, items, |bytes, item| bytes.extend(item.to_le_bytes())),
        },
        Value::Floats(items) if items.iter().all(is_narrow) => {
            array(F32, items, |bytes, item| bytes.extend((*item as f32).to_le_bytes()))
        }
        Value::Floats(items) => array(F64, items, |bytes, item| bytes.extend(item.to_le_bytes())),
        Value::Bools(items) => array(BOOL, items, |bytes, item| bytes.push(u8::from(*item))),
        Value::Texts(items) => array(TEXT, items, |bytes, item| text(bytes, item)),
        // The parser bounds how deep they nest.
        Value::Nested(items) => array(ARRAY, items, |bytes, item| bytes.extend(encoded(item).1)),
    }
}

fn array<T>(of: u32, items: &[T], mut push: impl FnMut(&mut Vec<u8>, &T)) -> (u32, Vec<u8>) {
    let mut bytes = of.to_le_bytes().to_vec();
    bytes.extend((items.len() as u64).to_le_bytes());
    items.iter().for_each(|item| push(&mut bytes, item));
    (ARRAY, bytes)
}

fn is_narrow(value: &f64) -> bool {
    f64::from(*value as f32) == *value || value.is_nan()
}
