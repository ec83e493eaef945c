//! How bytes of tiles are read: their sizes follow from the program.

use alloc::vec::Vec;

use crate::{
    attention::{BLOCK, Mixed},
    linear::{Bits, Shape},
    piece::{Piece, Reader},
    program::{Kept, Op, POOLED, Part, Program, Step},
    quantise::Width,
    rotary::Angle,
    sampling::{BUCKETS, Best, Draw},
};

/// Kind and size of a piece; [`Piece::bytes`] has neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Elements of a vector.
    Fixed(usize),
    /// A quantised vector of as many elements.
    Quantised(usize, Width),
    /// Keys or values of a head.
    Heads {
        /// Of how many positions.
        positions: usize,
        /// Elements of each.
        width: usize,
    },
    /// What one block of positions adds to a head of as many elements.
    Mixed(usize),
    /// Rows of a matrix, so many of them.
    Rows(Shape, usize),
    /// Gain and bias of as many elements.
    Gains(usize),
    /// As many pairs of cosine and sine.
    Angles(usize),
    /// The highest logit of one chunk.
    Best,
    /// The masses of one chunk.
    Masses,
    /// Where the random number leads.
    Draw,
    /// A token.
    Token,
    /// Elements of hidden states.
    Elements {
        /// Of how many positions.
        positions: usize,
        /// Elements of each.
        width: usize,
    },
    /// Sums of one block over as many elements.
    Sums(usize),
}

/// Elements of a chunk of a hidden state.
fn pooled(program: &Program, chunk: usize) -> usize {
    program
        .config()
        .width
        .saturating_sub(chunk.saturating_mul(POOLED))
        .min(POOLED)
}

impl Layout {
    /// Of the result of one tile.
    pub fn output(program: &Program, op: Op, tile: usize, step: &Step) -> Self {
        let c = program.config();
        let blocks = program.blocks(step).max(1);
        match op {
            Op::Embed | Op::EmbedNorm | Op::OutputNorm | Op::DownNorm | Op::Unit => Self::Fixed(c.width),
            Op::QueryKeyValue | Op::Output | Op::Up | Op::Down | Op::Head => {
                Self::Fixed(program.outputs(op, tile).len())
            }
            Op::AttentionInput => Self::Quantised(c.width, c.precision.query_key_value),
            Op::OutputInput => Self::Quantised(c.heads * c.head_width, c.precision.output),
            Op::FeedInput => Self::Quantised(c.width, c.precision.up),
            Op::DownInput => Self::Quantised(c.inner, c.precision.down),
            Op::HeadInput => Self::Quantised(c.width, c.precision.head),
            Op::Query | Op::Key | Op::Value => Self::Quantised(c.head_width, Width::Narrow),
            Op::Exponents => Self::Fixed(step.visible.saturating_sub(tile % blocks * BLOCK).min(BLOCK)),
            Op::Peak => Self::Fixed(1),
            Op::Mix => Self::Mixed(c.head_width),
            Op::Combine => Self::Fixed(c.head_width),
            Op::Best => Self::Best,
            Op::Masses => Self::Masses,
            Op::Draw => Self::Draw,
            Op::Token => Self::Token,
            Op::Pool => Self::Sums(pooled(program, tile / blocks)),
            Op::Mean => Self::Fixed(pooled(program, tile)),
        }
    }

    /// Of what as many positions kept.
    pub fn kept(program: &Program, kind: Kept, head: usize, positions: usize) -> Self {
        match kind {
            Kept::Key | Kept::Value => Self::Heads {
                positions,
                width: program.config().head_width,
            },
            Kept::Hidden => Self::Elements {
                positions,
                width: pooled(program, head),
            },
        }
    }

    /// Of a tile of the weights.
    pub fn weights(program: &Program, part: Part, tile: usize) -> Self {
        let per_tile = program.rows_per_tile(part);
        let rows = program
            .rows(part)
            .saturating_sub(tile.saturating_mul(per_tile))
            .min(per_tile);
        match (program.shape(part), part) {
            (Some(shape), _) => Self::Rows(shape, rows),
            (None, Part::Angles) => Self::Angles(rows * (program.config().head_width / 2)),
            (None, _) => Self::Gains(program.config().width),
        }
    }

    /// Bytes of it.
    pub fn bytes(self) -> usize {
        let quantised = |count: usize, width: Width| 4 + count * if width == Width::Wide { 2 } else { 1 };
        match self {
            Self::Fixed(count) => 4 * count,
            Self::Quantised(count, width) => quantised(count, width),
            Self::Heads { positions, width } => positions * quantised(width, Width::Narrow),
            Self::Mixed(count) => 4 + 2 + 4 * count,
            Self::Rows(shape, rows) => {
                let weights = match shape.bits {
                    Bits::Eight => rows * shape.columns,
                    // Rows follow one another without a gap.
                    Bits::Four => (rows * shape.columns).div_ceil(2),
                };
                let groups = shape.columns.checked_div(shape.group).unwrap_or(0);
                weights + rows * (groups + 4 + if shape.bias { 4 } else { 0 })
            }
            Self::Gains(count) | Self::Angles(count) => 8 * count,
            Self::Best => 8,
            Self::Masses => 8 * BUCKETS,
            Self::Draw => 16,
            Self::Token => 4,
            Self::Elements { positions, width } => 4 * positions * width,
            Self::Sums(count) => 8 * count,
        }
    }

    /// The piece that has these bytes; `None` if they are not as many, or if a number is out of its range.
    pub fn decode(self, bytes: &[u8]) -> Option<Piece> {
        if bytes.len() != self.bytes() {
            return None;
        }
        let mut reader = Reader::new(bytes);
        let piece = match self {
            Self::Fixed(count) => Piece::Fixed(reader.fixed(count)?),
            Self::Quantised(count, width) => Piece::Quantised(reader.quantised(width, count)?),
            Self::Heads { positions, width } => {
                let heads = (0..positions).map(|_| reader.quantised(Width::Narrow, width));
                Piece::Heads(heads.collect::<Option<_>>()?)
            }
            Self::Mixed(count) => {
                let (total, shift) = (reader.word()?, reader.short()?);
                Piece::Mixed(alloc::vec![Mixed {
                    total,
                    shift,
                    sums: reader.fixed(count)?
                }])
            }
            Self::Rows(shape, rows) => Piece::Rows(reader.rows(shape, rows)?),
            Self::Gains(count) => Piece::Gains(reader.fixed(count)?, reader.fixed(count)?),
            Self::Angles(count) => {
                let both = reader.fixed(count.checked_mul(2)?)?;
                let angle = |pair: &[i32]| {
                    Some(Angle {
                        cosine: *pair.first()?,
                        sine: *pair.get(1)?,
                    })
                };
                Piece::Angles(both.chunks_exact(2).filter_map(angle).collect())
            }
            Self::Best => {
                let logit = reader.word()?.cast_signed();
                Piece::Best(alloc::vec![Best {
                    logit,
                    token: reader.word()?
                }])
            }
            Self::Masses => Piece::Masses(alloc::vec![(0..BUCKETS).map(|_| reader.long()).collect::<Option<_>>()?]),
            Self::Draw => Piece::Draw(Draw {
                chunk: reader.word()?,
                last_bucket: reader.word()?,
                rest: reader.long()?,
            }),
            Self::Token => Piece::Token(reader.word()?),
            Self::Elements { positions, width } => {
                Piece::Elements((0..positions).map(|_| reader.fixed(width)).collect::<Option<_>>()?)
            }
            Self::Sums(count) => {
                let sums: Option<Vec<i64>> = (0..count).map(|_| Some(reader.long()?.cast_signed())).collect();
                Piece::Sums(alloc::vec![sums?])
            }
        };
        reader.is_done().then_some(piece)
    }
}
