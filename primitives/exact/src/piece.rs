//! What tiles take and give, and its bytes: what is hashed into traces and model roots.

use alloc::vec::Vec;

use crate::{
    attention::Mixed,
    fixed::{Fixed, Scale},
    linear::Matrix,
    quantise::Quantised,
    rotary::Angle,
    sampling::{Best, Draw},
};

/// One operand or result of a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Elements of a vector.
    Fixed(Vec<Fixed>),
    /// A whole vector, or a head of one.
    Quantised(Quantised),
    /// Keys or values of one head, position by position.
    Heads(Vec<Quantised>),
    /// What blocks of positions add to a head.
    Mixed(Vec<Mixed>),
    /// Rows of a matrix.
    Rows(Matrix),
    /// A layer norm's gain and bias.
    Gains(Vec<Fixed>, Vec<Fixed>),
    /// Of one position.
    Angles(Vec<Angle>),
    /// The highest logit of each chunk.
    Best(Vec<Best>),
    /// The masses of each chunk, bucket by bucket.
    Masses(Vec<Vec<u64>>),
    /// Where the random number leads.
    Draw(Draw),
    /// The chosen token.
    Token(u32),
    /// Elements of hidden states, position by position.
    Elements(Vec<Vec<Fixed>>),
    /// Sums of them, block by block.
    Sums(Vec<Vec<i64>>),
}

fn push_scale(bytes: &mut Vec<u8>, scale: Scale) {
    bytes.extend(scale.mantissa.to_le_bytes());
    bytes.extend(scale.shift.to_le_bytes());
}

fn push_fixed(bytes: &mut Vec<u8>, x: &[Fixed]) {
    bytes.extend(x.iter().flat_map(|x| x.to_le_bytes()));
}

/// A quantised vector's bytes: scale, values, fine plane.
pub fn push_quantised(bytes: &mut Vec<u8>, x: &Quantised) {
    push_scale(bytes, x.scale);
    bytes.extend(x.values.iter().chain(&x.fine).map(|x| x.to_le_bytes()[0]));
}

impl Piece {
    /// Its bytes, numbers little-endian. Lengths are not part of them: they follow from the program.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Fixed(x) => push_fixed(&mut bytes, x),
            Self::Quantised(x) => push_quantised(&mut bytes, x),
            Self::Heads(heads) => heads.iter().for_each(|head| push_quantised(&mut bytes, head)),
            Self::Mixed(blocks) => {
                for block in blocks {
                    bytes.extend(block.total.to_le_bytes());
                    bytes.extend(block.shift.to_le_bytes());
                    push_fixed(&mut bytes, &block.sums);
                }
            }
            Self::Rows(matrix) => push_matrix(&mut bytes, matrix),
            Self::Gains(gain, bias) => {
                push_fixed(&mut bytes, gain);
                push_fixed(&mut bytes, bias);
            }
            Self::Angles(angles) => {
                for angle in angles {
                    push_fixed(&mut bytes, &[angle.cosine, angle.sine]);
                }
            }
            Self::Best(chunks) => {
                for best in chunks {
                    bytes.extend(best.logit.to_le_bytes());
                    bytes.extend(best.token.to_le_bytes());
                }
            }
            Self::Masses(chunks) => bytes.extend(chunks.iter().flatten().flat_map(|mass| mass.to_le_bytes())),
            Self::Draw(draw) => {
                bytes.extend(draw.chunk.to_le_bytes());
                bytes.extend(draw.last_bucket.to_le_bytes());
                bytes.extend(draw.rest.to_le_bytes());
            }
            Self::Token(token) => bytes.extend(token.to_le_bytes()),
            Self::Elements(rows) => rows.iter().for_each(|row| push_fixed(&mut bytes, row)),
            Self::Sums(blocks) => bytes.extend(blocks.iter().flatten().flat_map(|sum| sum.to_le_bytes())),
        }
        bytes
    }
}

/// Weights row by row (of 4 bits: two to a byte, the first in the low half, 8 added to each), then group scales, row scales
/// and biases.
fn push_matrix(bytes: &mut Vec<u8>, matrix: &Matrix) {
    match matrix.bits {
        crate::linear::Bits::Eight => bytes.extend(matrix.weights.iter().map(|weight| weight.to_le_bytes()[0])),
        crate::linear::Bits::Four => bytes.extend(matrix.weights.chunks(2).map(|pair| match pair {
            [low, high] => nibble(*low) | nibble(*high) << 4,
            [low, ..] => nibble(*low),
            [] => 0,
        })),
    }
    bytes.extend(&matrix.group_scales);
    matrix.row_scales.iter().for_each(|scale| push_scale(bytes, *scale));
    push_fixed(bytes, &matrix.bias);
}

fn nibble(weight: i8) -> u8 {
    (weight.wrapping_add(8) as u8) & 15
}

/// Reads a piece from bytes: the reverse of [`Piece::bytes`], with the sizes that the program gives.
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether all has been read.
    pub fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A scale; `None` also if its mantissa is out of range.
    pub fn scale(&mut self) -> Option<Scale> {
        let scale = Scale {
            mantissa: u16::from_le_bytes(self.array()?),
            shift: i16::from_le_bytes(self.array()?),
        };
        scale.is_sound().then_some(scale)
    }

    /// `count` elements.
    pub fn fixed(&mut self, count: usize) -> Option<Vec<Fixed>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        Some(
            bytes
                .chunks_exact(4)
                .filter_map(|word| Some(i32::from_le_bytes(word.try_into().ok()?)))
                .collect(),
        )
    }

    /// A 32-bit number.
    pub fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    /// A 64-bit number.
    pub fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    /// A 16-bit number.
    pub fn short(&mut self) -> Option<i16> {
        Some(i16::from_le_bytes(self.array()?))
    }

    /// `count` bytes as signed numbers.
    pub fn signed(&mut self, count: usize) -> Option<Vec<i8>> {
        Some(
            self.take(count)?
                .iter()
                .map(|byte| i8::from_le_bytes([*byte]))
                .collect(),
        )
    }

    /// A quantised vector; `None` also if a value is out of range.
    pub fn quantised(&mut self, width: crate::quantise::Width, count: usize) -> Option<Quantised> {
        let scale = self.scale()?;
        let values = self.signed(count)?;
        let fine = match width {
            crate::quantise::Width::Narrow => Vec::new(),
            crate::quantise::Width::Wide => self.signed(count)?,
        };
        let sound = values.iter().all(|value| *value != i8::MIN) && fine.iter().all(|fine| (-64..=63).contains(fine));
        sound.then_some(Quantised { values, fine, scale })
    }

    /// Rows of a matrix.
    pub fn rows(&mut self, shape: crate::linear::Shape, rows: usize) -> Option<Matrix> {
        let weights = match shape.bits {
            crate::linear::Bits::Eight => self.signed(rows.checked_mul(shape.columns)?)?,
            crate::linear::Bits::Four => {
                let count = rows.checked_mul(shape.columns)?;
                let bytes = self.take(count.div_ceil(2))?;
                let both = bytes
                    .iter()
                    .flat_map(|byte| [(byte & 15) as i8 - 8, (byte >> 4) as i8 - 8]);
                both.take(count).collect()
            }
        };
        let groups = shape.columns.checked_div(shape.group)?;
        let group_scales = self.take(rows.checked_mul(groups)?)?.to_vec();
        let row_scales = (0..rows).map(|_| self.scale()).collect::<Option<Vec<_>>>()?;
        let bias = if shape.bias { self.fixed(rows)? } else { Vec::new() };
        Some(Matrix {
            columns: shape.columns,
            bits: shape.bits,
            weights,
            group: shape.group,
            group_scales,
            row_scales,
            bias,
        })
    }
}
