//! The typed key-value pairs of a GGUF file.

use std::collections::BTreeMap;

use super::GgufError;
use super::cursor::Cursor;

/// Arrays inside arrays deeper than this are refused: the parser recurses, and no known model nests at all.
const MAX_NESTING: u32 = 4;
/// Key length, type and a one-byte value: what an entry takes at least.
const MIN_ENTRY_BYTES: usize = 8 + 4 + 1;

/// A metadata value. Arrays of numbers and of strings are kept dense, as vocabularies are long.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any of the unsigned integer types.
    Unsigned(u64),
    /// Any of the signed integer types.
    Signed(i64),
    /// `float32` or `float64`.
    Float(f64),
    /// `bool`.
    Bool(bool),
    /// UTF-8 text.
    Text(String),
    /// An array of one of the integer types (as wide as each value needs; unsigned 64-bit must fit `i64`).
    Integers(Vec<i64>),
    /// An array of one of the float types.
    Floats(Vec<f64>),
    /// An array of `bool`.
    Bools(Vec<bool>),
    /// An array of text.
    Texts(Vec<String>),
    /// An array of arrays.
    Nested(Vec<Value>),
}

impl Value {
    /// What it is, for messages (long values are not printed).
    fn describe(&self) -> String {
        match self {
            Self::Unsigned(value) => format!("the number {value}"),
            Self::Signed(value) => format!("the number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Bool(value) => format!("{value}"),
            Self::Text(text) => format!("a text of {} bytes", text.len()),
            Self::Integers(items) => format!("an array of {} integers", items.len()),
            Self::Floats(items) => format!("an array of {} floats", items.len()),
            Self::Bools(items) => format!("an array of {} booleans", items.len()),
            Self::Texts(items) => format!("an array of {} texts", items.len()),
            Self::Nested(items) => format!("an array of {} arrays", items.len()),
        }
    }
}

/// The type numbers of the format.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    Array,
    U64,
    I64,
    F64,
}

impl Type {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, GgufError> {
        let unknown = |cursor: &Cursor<'_>, id| cursor.malformed("metadata type", format!("{id} names no type"));
        Ok(match cursor.u32("metadata type")? {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::Text,
            9 => Self::Array,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            id => return Err(unknown(cursor, id)),
        })
    }

    /// Bytes that a value of the type takes at least.
    fn min_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Text => 8,
            Self::Array => 12,
        }
    }

    fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Bool | Self::Text | Self::Array)
    }
}

const VALUE: &str = "metadata value";

fn scalar(cursor: &mut Cursor<'_>, of: Type) -> Result<Value, GgufError> {
    Ok(match of {
        Type::U8 => Value::Unsigned(u8::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::I8 => Value::Signed(i8::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::U16 => Value::Unsigned(u16::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::I16 => Value::Signed(i16::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::U32 => Value::Unsigned(u32::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::I32 => Value::Signed(i32::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::U64 => Value::Unsigned(u64::from_le_bytes(cursor.array(VALUE)?)),
        Type::I64 => Value::Signed(i64::from_le_bytes(cursor.array(VALUE)?)),
        Type::F32 => Value::Float(f32::from_le_bytes(cursor.array(VALUE)?).into()),
        Type::F64 => Value::Float(f64::from_le_bytes(cursor.array(VALUE)?)),
        Type::Bool => Value::Bool(boolean(cursor)?),
        Type::Text => Value::Text(cursor.string(VALUE)?),
        Type::Array => array(cursor, 1)?,
    })
}

fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, GgufError> {
    match cursor.array(VALUE)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(cursor.malformed(VALUE, format!("a boolean is 0 or 1, not {other}"))),
    }
}

fn integer(cursor: &mut Cursor<'_>, of: Type) -> Result<i64, GgufError> {
    match scalar(cursor, of)? {
        Value::Unsigned(value) => {
            i64::try_from(value).map_err(|_| cursor.malformed(VALUE, format!("{value} is out of range")))
        }
        Value::Signed(value) => Ok(value),
        other => Err(cursor.malformed(VALUE, format!("{} is no integer", other.describe()))),
    }
}

fn float(cursor: &mut Cursor<'_>, of: Type) -> Result<f64, GgufError> {
    match scalar(cursor, of)? {
        Value::Float(value) => Ok(value),
        other => Err(cursor.malformed(VALUE, format!("{} is no float", other.describe()))),
    }
}

fn array(cursor: &mut Cursor<'_>, depth: u32) -> Result<Value, GgufError> {
    let of = Type::parse(cursor)?;
    let count = cursor.u64("array length")?;
    let needed = count.saturating_mul(of.min_bytes() as u64);
    let capacity = cursor.bounded_capacity(count, of.min_bytes());
    if capacity as u64 != count {
        return Err(cursor.truncated("array", needed));
    }
    Ok(match of {
        _ if of.is_integer() => Value::Integers(collect(capacity, || integer(cursor, of))?),
        Type::F32 | Type::F64 => Value::Floats(collect(capacity, || float(cursor, of))?),
        Type::Bool => Value::Bools(collect(capacity, || boolean(cursor))?),
        Type::Text => Value::Texts(collect(capacity, || cursor.string(VALUE))?),
        _ if depth < MAX_NESTING => Value::Nested(collect(capacity, || array(cursor, depth + 1))?),
        _ => {
            return Err(cursor.malformed("array", format!("arrays nest deeper than {MAX_NESTING}")));
        }
    })
}

/// Reads `count` items, for which the file was checked to have room.
fn collect<T>(count: usize, mut item: impl FnMut() -> Result<T, GgufError>) -> Result<Vec<T>, GgufError> {
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(item()?);
    }
    Ok(items)
}

/// The key-value pairs of a file. Lookups that convert fail with an error naming the key.
#[derive(Debug, Default, PartialEq)]
pub struct Metadata {
    entries: BTreeMap<String, Value>,
}

impl Metadata {
    pub(super) fn parse(cursor: &mut Cursor<'_>, count: u64) -> Result<Self, GgufError> {
        if cursor.bounded_capacity(count, MIN_ENTRY_BYTES) as u64 != count {
            return Err(cursor.truncated("metadata", count.saturating_mul(MIN_ENTRY_BYTES as u64)));
        }
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let key = cursor.string("metadata key")?;
            let of = Type::parse(cursor)?;
            let value = scalar(cursor, of)?;
            if entries.contains_key(&key) {
                return Err(GgufError::DuplicateKey { key });
            }
            entries.insert(key, value);
        }
        Ok(Self { entries })
    }

    /// All entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there is an entry `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The entry `key` as it is.
    pub fn get(&self, key: &str) -> Result<&Value, GgufError> {
        self.entries
            .get(key)
            .ok_or_else(|| GgufError::MissingKey { key: key.to_owned() })
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, GgufError> {
        let value = self.get(key)?;
        convert(value).ok_or_else(|| GgufError::WrongType {
            key: key.to_owned(),
            expected,
            found: value.describe(),
        })
    }

    /// An integer of any type that fits 32 bits without sign.
    pub fn u32(&self, key: &str) -> Result<u32, GgufError> {
        self.typed(key, "an unsigned 32-bit integer", |value| match value {
            Value::Unsigned(value) => u32::try_from(*value).ok(),
            Value::Signed(value) => u32::try_from(*value).ok(),
            _ => None,
        })
    }

    /// A float, rounded to 32 bits.
    pub fn f32(&self, key: &str) -> Result<f32, GgufError> {
        self.typed(key, "a float", |value| match value {
            Value::Float(value) => Some(*value as f32),
            _ => None,
        })
    }

    /// A boolean.
    pub fn bool(&self, key: &str) -> Result<bool, GgufError> {
        self.typed(key, "a boolean", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// A text.
    pub fn text(&self, key: &str) -> Result<&str, GgufError> {
        self.typed(key, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// An array of texts.
    pub fn texts(&self, key: &str) -> Result<&[String], GgufError> {
        self.typed(key, "an array of texts", |value| match value {
            Value::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// An array of integers.
    pub fn integers(&self, key: &str) -> Result<&[i64], GgufError> {
        self.typed(key, "an array of integers", |value| match value {
            Value::Integers(integers) => Some(integers.as_slice()),
            _ => None,
        })
    }
}

/// Turns a missing entry into `None` and keeps every other error.
pub(crate) fn optional<T>(found: Result<T, GgufError>) -> Result<Option<T>, GgufError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(GgufError::MissingKey { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
