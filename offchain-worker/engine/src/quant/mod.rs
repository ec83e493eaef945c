//! Weight encodings of ggml: what a stored block means, and products over blocks.
//!
//! A matrix is stored row by row; a row is a run of fixed-size blocks (a scale or two and some packed integers).
//! [`GgmlType`] names an encoding, [`dequantize`] expands it to `f32`, and [`dot_rows`] multiplies stored rows by
//! a vector without ever writing the expanded rows to memory.
//!
//! Source of the layouts: `ggml-common.h` and `ggml-quants.c` of the ggml project (the GGUF format's owner).

mod blocks;
mod half;
mod isa;
mod kernel;
mod superblocks;

pub use half::{bf16_to_f32, f16_to_f32};
pub use kernel::{dequantize, dot_rows};

use thiserror::Error;

/// A tensor encoding of ggml that this engine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GgmlType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16: the upper half of a binary32.
    BF16,
    /// 32 weights of 4 bits around zero, one scale.
    Q4_0,
    /// 32 weights of 4 bits, a scale and a minimum.
    Q4_1,
    /// 32 weights of 5 bits around zero, one scale.
    Q5_0,
    /// 32 weights of 5 bits, a scale and a minimum.
    Q5_1,
    /// 32 weights of 8 bits, one scale.
    Q8_0,
    /// 256 weights of 4 bits in eight groups, each with a 6-bit scale and minimum.
    Q4K,
    /// 256 weights of 6 bits in sixteen groups, each with an 8-bit scale.
    Q6K,
}

/// Why stored weights cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum QuantError {
    /// An encoding outside [`GgmlType`].
    #[error(
        "tensor encoding {id} ({name}) is not supported; \
         convert the model to one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q6_K"
    )]
    UnsupportedType {
        /// The number ggml gives the encoding.
        id: u32,
        /// Its name where ggml has one, else "unknown".
        name: &'static str,
    },
    /// A row that is not a whole number of blocks.
    #[error("a row of {columns} weights is not a whole number of {encoding:?} blocks of {block}")]
    RaggedRow {
        /// Weights in a row.
        columns: usize,
        /// Encoding of the row.
        encoding: GgmlType,
        /// Weights in a block.
        block: usize,
    },
    /// Bytes that are not as many as the sizes ask for.
    #[error("{rows} rows of {columns} {encoding:?} weights do not fit {bytes} bytes")]
    WrongLength {
        /// Rows of the matrix.
        rows: usize,
        /// Weights in a row.
        columns: usize,
        /// Encoding of the weights.
        encoding: GgmlType,
        /// Bytes given.
        bytes: usize,
    },
    /// Sizes whose product does not fit the address space.
    #[error("a tensor of {rows} rows of {columns} weights is larger than the address space")]
    TooLarge {
        /// Rows of the matrix.
        rows: usize,
        /// Weights in a row.
        columns: usize,
    },
}

impl GgmlType {
    /// The encoding that ggml numbers `id`.
    pub fn from_id(id: u32) -> Result<Self, QuantError> {
        Ok(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            14 => Self::Q6K,
            30 => Self::BF16,
            _ => {
                return Err(QuantError::UnsupportedType {
                    id,
                    name: name_of_id(id),
                });
            }
        })
    }

    /// The number that ggml gives this encoding.
    pub fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q6K => 14,
            Self::BF16 => 30,
        }
    }

    /// Weights in one block (1 for the plain float encodings).
    pub fn block_weights(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q6K => 256,
        }
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q6K => 210,
        }
    }

    /// Bytes of a row of `columns` weights.
    pub fn row_bytes(self, columns: usize) -> Result<usize, QuantError> {
        let block = self.block_weights();
        if !columns.is_multiple_of(block) {
            return Err(QuantError::RaggedRow {
                columns,
                encoding: self,
                block,
            });
        }
        (columns / block)
            .checked_mul(self.block_bytes())
            .ok_or(QuantError::TooLarge { rows: 1, columns })
    }

    /// Bytes of a matrix of `rows` rows of `columns` weights.
    pub fn matrix_bytes(self, rows: usize, columns: usize) -> Result<usize, QuantError> {
        self.row_bytes(columns)?
            .checked_mul(rows)
            .ok_or(QuantError::TooLarge { rows, columns })
    }
}

/// Names for the message of [`QuantError::UnsupportedType`].
fn name_of_id(id: u32) -> &'static str {
    match id {
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        13 => "Q5_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => "unknown",
    }
}
