//! What can be wrong with a GGUF file.

use std::path::PathBuf;

use thiserror::Error;

use crate::quant::QuantError;

/// Why a GGUF file cannot be used.
#[derive(Debug, Error)]
pub enum GgufError {
    /// The file cannot be opened or mapped.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// File asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The first four bytes are not [`super::MAGIC`].
    #[error("not a GGUF file: it begins with {found:02x?}, not with `GGUF`")]
    BadMagic {
        /// The bytes found (fewer than four in a shorter file).
        found: Vec<u8>,
    },
    /// A version other than 2 and 3.
    #[error("GGUF version {version} is not supported (2 and 3 are); convert the model anew")]
    UnsupportedVersion {
        /// The version found.
        version: u32,
    },
    /// The version is only sensible with its bytes reversed.
    #[error("the file is a big-endian GGUF; only little-endian ones are supported")]
    BigEndian,
    /// The file ends inside something.
    #[error(
        "truncated: {what} at byte {offset} needs {needed} bytes, but the file has only {available} from there; \
         the download may be incomplete"
    )]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// Bytes it needs.
        needed: u64,
        /// Bytes there are.
        available: usize,
    },
    /// A field with a value the format does not allow.
    #[error("malformed {what} at byte {offset}: {problem}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Two metadata entries of one key.
    #[error("metadata key `{key}` occurs twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Two tensors of one name.
    #[error("tensor `{name}` occurs twice")]
    DuplicateTensor {
        /// The name.
        name: String,
    },
    /// A tensor's dimensions multiply to more than the address space.
    #[error("tensor `{name}` has dimensions {dimensions:?}, whose product overflows")]
    OverflowedDimensions {
        /// The tensor.
        name: String,
        /// Its dimensions.
        dimensions: Vec<u64>,
    },
    /// A tensor's bytes lie outside the file.
    #[error(
        "tensor `{name}` lies at offset {offset} with {size} bytes, beyond the {available} bytes of tensor data; \
         the download may be incomplete"
    )]
    OffsetOutOfRange {
        /// The tensor.
        name: String,
        /// Its offset into the tensor data.
        offset: u64,
        /// Its size in bytes.
        size: usize,
        /// Size of the tensor data in bytes.
        available: usize,
    },
    /// A tensor offset that is not a multiple of the alignment.
    #[error("tensor `{name}` lies at offset {offset}, which is not a multiple of {alignment}")]
    MisalignedTensor {
        /// The tensor.
        name: String,
        /// Its offset.
        offset: u64,
        /// The file's alignment.
        alignment: usize,
    },
    /// A tensor in an encoding that cannot be read, or with rows that are not whole blocks.
    #[error("tensor `{name}`: {source}")]
    Quant {
        /// The tensor.
        name: String,
        /// What is wrong.
        source: QuantError,
    },
    /// A metadata entry that the model needs is not there.
    #[error("metadata key `{key}` is missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A metadata entry is of another type than the model needs, or out of its range.
    #[error("metadata key `{key}` should be {expected}, but is {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A tensor that the model needs is not there.
    #[error("tensor `{name}` is missing")]
    MissingTensor {
        /// The name.
        name: String,
    },
}
