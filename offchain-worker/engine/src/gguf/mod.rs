//! GGUF: the single-file model format of ggml, versions 2 and 3.
//!
//! A file is a header (magic, version, counts), metadata (typed key-value pairs), tensor infos (name, dimensions,
//! encoding, offset) and, aligned, the tensors' bytes. Files come from strangers: every length is checked against what
//! is left of the file before anything is allocated for it, and what is wrong is said with its place.
//!
//! Specification: `docs/gguf.md` of the ggml project.

mod cursor;
mod error;
mod metadata;

pub use error::GgufError;
pub(crate) use metadata::optional;
pub use metadata::{Metadata, Value};

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use crate::quant::GgmlType;
use cursor::Cursor;

/// The four bytes a GGUF file begins with.
pub const MAGIC: [u8; 4] = *b"GGUF";
/// Alignment of tensors where `general.alignment` does not say otherwise, in bytes.
const DEFAULT_ALIGNMENT: usize = 32;
/// Dimensions a tensor may have (`GGML_MAX_DIMS`).
const MAX_DIMENSIONS: u32 = 4;

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name, unique in the file.
    pub name: String,
    /// Dimensions in ggml's order: the first is the length of a row, contiguous in memory.
    pub dimensions: Vec<usize>,
    /// Encoding of the weights.
    pub encoding: GgmlType,
    /// Its bytes in the file.
    range: Range<usize>,
}

impl TensorInfo {
    /// Weights in a row (the first dimension).
    pub fn columns(&self) -> usize {
        self.dimensions.first().copied().unwrap_or(1)
    }

    /// Rows (the product of all further dimensions).
    pub fn rows(&self) -> usize {
        self.dimensions.iter().skip(1).product()
    }
}

enum Source {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
}

impl Source {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A parsed GGUF file, its tensors still encoded.
pub struct Gguf {
    source: Source,
    version: u32,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gguf")
            .field("version", &self.version)
            .field("bytes", &self.source.bytes().len())
            .field("tensors", &self.tensors.len())
            .finish_non_exhaustive()
    }
}

impl Gguf {
    /// Maps and parses the file at `path`.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let io = |source| GgufError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the map is read only, and is held while a model loads and no longer. Another process that
        // shortens the file in that time can end this one (SIGBUS) but cannot make it read foreign memory; models in
        // the content store are renamed into place complete and never written again.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(io)?;
        Self::parse(Source::Mapped(map))
    }

    /// Parses a file that is in memory already, such as a model just decrypted.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GgufError> {
        Self::parse(Source::Owned(bytes))
    }

    /// Format version, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The key-value pairs.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All tensors in the file's order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor called `name`.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo, GgufError> {
        self.by_name
            .get(name)
            .and_then(|index| self.tensors.get(*index))
            .ok_or_else(|| GgufError::MissingTensor { name: name.to_owned() })
    }

    /// Whether there is a tensor called `name`.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The encoded bytes of one of this file's tensors (none for an info of another file that does not fit here).
    pub fn bytes_of(&self, tensor: &TensorInfo) -> &[u8] {
        self.source.bytes().get(tensor.range.clone()).unwrap_or_default()
    }

    fn parse(source: Source) -> Result<Self, GgufError> {
        let bytes = source.bytes();
        let mut cursor = Cursor::new(bytes);
        let found = bytes.get(..MAGIC.len()).unwrap_or(bytes);
        if found != MAGIC {
            return Err(GgufError::BadMagic { found: found.to_vec() });
        }
        cursor.take("magic", MAGIC.len())?;
        let version = cursor.u32("version")?;
        match version {
            2 | 3 => {}
            _ if matches!(version.swap_bytes(), 1..=3) => return Err(GgufError::BigEndian),
            _ => return Err(GgufError::UnsupportedVersion { version }),
        }
        let tensor_count = cursor.u64("tensor count")?;
        let metadata_count = cursor.u64("metadata count")?;
        let metadata = Metadata::parse(&mut cursor, metadata_count)?;
        let alignment = alignment(&metadata)?;
        let mut infos = Vec::with_capacity(cursor.bounded_capacity(tensor_count, MIN_INFO_BYTES));
        for _ in 0..tensor_count {
            infos.push(RawInfo::parse(&mut cursor)?);
        }
        // A file without tensors may end before the padding.
        let data_start = cursor
            .offset()
            .checked_next_multiple_of(alignment)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let mut tensors = Vec::with_capacity(infos.len());
        let mut by_name = HashMap::with_capacity(infos.len());
        for info in infos {
            let tensor = info.place(data_start..bytes.len(), alignment)?;
            if by_name.insert(tensor.name.clone(), tensors.len()).is_some() {
                return Err(GgufError::DuplicateTensor { name: tensor.name });
            }
            tensors.push(tensor);
        }
        Ok(Self {
            source,
            version,
            metadata,
            tensors,
            by_name,
        })
    }
}

fn alignment(metadata: &Metadata) -> Result<usize, GgufError> {
    const KEY: &str = "general.alignment";
    if !metadata.contains(KEY) {
        return Ok(DEFAULT_ALIGNMENT);
    }
    let alignment = metadata.u32(KEY)?;
    if alignment == 0 || !alignment.is_multiple_of(8) {
        return Err(GgufError::WrongType {
            key: KEY.to_owned(),
            expected: "a positive multiple of 8",
            found: alignment.to_string(),
        });
    }
    Ok(alignment as usize)
}

/// Name length, dimension count, encoding and offset: what an info takes at least.
const MIN_INFO_BYTES: usize = 8 + 4 + 4 + 8;

/// A tensor info as it stands in the file.
struct RawInfo {
    name: String,
    dimensions: Vec<u64>,
    encoding: u32,
    offset: u64,
}

impl RawInfo {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, GgufError> {
        let name = cursor.string("tensor name")?;
        let at = cursor.offset();
        let count = cursor.u32("dimension count")?;
        if count > MAX_DIMENSIONS {
            return Err(GgufError::Malformed {
                what: "dimension count",
                offset: at,
                problem: format!("tensor `{name}` has {count} dimensions, {MAX_DIMENSIONS} are allowed"),
            });
        }
        let dimensions = (0..count).map(|_| cursor.u64("dimension")).collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            dimensions,
            encoding: cursor.u32("tensor encoding")?,
            offset: cursor.u64("tensor offset")?,
        })
    }

    fn place(self, data: Range<usize>, alignment: usize) -> Result<TensorInfo, GgufError> {
        let Self {
            name,
            dimensions,
            encoding,
            offset,
        } = self;
        let quant = |source| GgufError::Quant {
            name: name.clone(),
            source,
        };
        let encoding = GgmlType::from_id(encoding).map_err(quant)?;
        let overflowed = || GgufError::OverflowedDimensions {
            name: name.clone(),
            dimensions: dimensions.clone(),
        };
        let sizes: Vec<usize> = dimensions
            .iter()
            .map(|size| usize::try_from(*size).ok())
            .collect::<Option<_>>()
            .ok_or_else(overflowed)?;
        let columns = sizes.first().copied().unwrap_or(1);
        let rows = sizes
            .iter()
            .skip(1)
            .try_fold(1usize, |rows, size| rows.checked_mul(*size))
            .ok_or_else(overflowed)?;
        rows.checked_mul(columns).ok_or_else(overflowed)?;
        let size = encoding.matrix_bytes(rows, columns).map_err(quant)?;
        if !offset.is_multiple_of(alignment as u64) {
            return Err(GgufError::MisalignedTensor {
                name,
                offset,
                alignment,
            });
        }
        let range = usize::try_from(offset)
            .ok()
            .and_then(|offset| data.start.checked_add(offset))
            .and_then(|start| Some(start..start.checked_add(size)?))
            .filter(|range| range.end <= data.end);
        match range {
            Some(range) => Ok(TensorInfo {
                name,
                dimensions: sizes,
                encoding,
                range,
            }),
            None => Err(GgufError::OffsetOutOfRange {
                name,
                offset,
                size,
                available: data.len(),
            }),
        }
    }
}
