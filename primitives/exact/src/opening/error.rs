//! Why there is no opening, and why one is refuted.

use core::fmt::{Display, Formatter, Result};

use crate::{
    model::NoModel,
    program::{Address, Kept, Op, Source, Unsound},
};

/// Why a trace has no such tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTile {
    /// The numbers of a trace's header, or its choice, are those of no run.
    Header {
        /// Tokens given.
        given: u32,
        /// Tokens given or made.
        count: u32,
    },
    /// There is no such step.
    Step {
        /// What was asked for.
        position: usize,
        /// Steps.
        steps: usize,
    },
    /// The step has no such operator.
    Operator(Op),
    /// The operator is in no such layer.
    Layer(Op, usize),
    /// The operator has fewer tiles.
    Tile {
        /// The operator.
        op: Op,
        /// What was asked for.
        tile: usize,
        /// Its tiles.
        tiles: usize,
    },
    /// The model has no such token.
    Token(u32),
}

impl Display for NoTile {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Header { given, count } => {
                write!(
                    f,
                    "the trace is that of no run: {given} tokens of {count} were given, or the choice is none"
                )
            }
            Self::Step { position, steps } => write!(f, "there is no step {position}: the trace has {steps}"),
            Self::Operator(op) => write!(f, "the step has no operator {}", op.name()),
            Self::Layer(op, layer) => write!(f, "there is no operator {} in layer {layer}", op.name()),
            Self::Tile { op, tile, tiles } => write!(f, "there is no tile {tile} of {}: it has {tiles}", op.name()),
            Self::Token(token) => write!(f, "the model has no token {token}"),
        }
    }
}

impl core::error::Error for NoTile {}

/// Why an opening cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOpening {
    /// The trace has no such tile.
    NoTile(NoTile),
    /// The trace is of another model.
    Model,
    /// The tokens are not those of the trace.
    Tokens,
    /// The memory is not what the trace's positions kept.
    Memory,
    /// The record is not that of the step: the number of tiles of an operator is another one.
    Record(Address),
}

impl From<NoTile> for NoOpening {
    fn from(no_tile: NoTile) -> Self {
        Self::NoTile(no_tile)
    }
}

impl Display for NoOpening {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NoTile(no_tile) => no_tile.fmt(f),
            Self::Model => f.write_str("the trace is of another model: open it with the one that its root names"),
            Self::Tokens => f.write_str("the tokens are not those of the trace: give all that were given or made"),
            Self::Memory => {
                f.write_str("the memory is not what the trace commits to: run the model over its tokens again")
            }
            Self::Record(Address { layer, op, tile }) => {
                let name = op.name();
                write!(
                    f,
                    "the record has no tile {tile} of {name} in layer {layer}, or too many: run the step again"
                )
            }
        }
    }
}

impl core::error::Error for NoOpening {}

/// What is wrong with some leaves and the siblings that lead from them to a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// They are not there.
    Absent,
    /// They are there though nothing asks for them.
    Needless,
    /// They are of another tree than the tile reads.
    Kind,
    /// There is no such place in the tree.
    Nowhere,
    /// There are more or fewer leaves.
    Leaves {
        /// So many.
        found: usize,
        /// As the program says.
        wanted: usize,
    },
    /// A leaf is longer or shorter.
    Size {
        /// Which of the leaves.
        leaf: usize,
        /// Its size.
        found: usize,
        /// As the program says.
        wanted: usize,
    },
    /// There are more or fewer siblings.
    Siblings {
        /// So many.
        found: usize,
        /// As the tree has.
        wanted: usize,
    },
    /// The siblings lead from the leaves to another root.
    Root,
    /// A number in a leaf is out of its range.
    Range,
}

impl Display for Flaw {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Absent => f.write_str("missing"),
            Self::Needless => f.write_str("given though nothing asks for it"),
            Self::Kind => f.write_str("of another kind"),
            Self::Nowhere => f.write_str("there is no such place"),
            Self::Leaves { found, wanted } => write!(f, "{found} leaves instead of {wanted}"),
            Self::Size { leaf, found, wanted } => write!(f, "leaf {leaf} has {found} bytes instead of {wanted}"),
            Self::Siblings { found, wanted } => write!(f, "{found} siblings instead of {wanted}"),
            Self::Root => f.write_str("the siblings lead to another root"),
            Self::Range => f.write_str("a number is out of its range"),
        }
    }
}

/// A source, as people read it.
struct Named<'a>(&'a Source);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Source::Output { layer, op, tiles, .. } => {
                write!(
                    f,
                    "tiles {} to {} of {} in layer {layer}",
                    tiles.start,
                    tiles.end.saturating_sub(1),
                    op.name()
                )
            }
            Source::Kept {
                layer,
                kind,
                head,
                positions,
            } => {
                let kind = match kind {
                    Kept::Key => "keys of head",
                    Kept::Value => "values of head",
                    Kept::Hidden => "hidden states, chunk",
                };
                let last = positions.end.saturating_sub(1);
                write!(
                    f,
                    "{kind} {head} in layer {layer} at positions {} to {last}",
                    positions.start
                )
            }
            Source::Weights { layer, part, tile } => {
                write!(f, "tile {tile} of the weights of {} in layer {layer}", part.name())
            }
            Source::Drawn => f.write_str("the chunk of logits to which the draw led"),
        }
    }
}

/// Why an opening is refuted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refuted {
    /// The configuration is no program.
    Config(Unsound),
    /// Configuration and tree are not those of the model that the trace names.
    Model,
    /// The trace has no such tile.
    NoTile(NoTile),
    /// The tokens are not shown to be those of the trace.
    Tokens(Flaw),
    /// There are more or fewer operands than the tile reads.
    Operands {
        /// So many.
        found: usize,
        /// As the program says.
        wanted: usize,
    },
    /// An operand is not shown to be what the tile reads.
    Operand {
        /// Which, from 0.
        index: usize,
        /// What the tile reads.
        source: Source,
        /// What is wrong.
        flaw: Flaw,
    },
    /// The output is not shown to be part of the step.
    Output(Flaw),
    /// What the position kept is not shown to be part of the trace.
    Kept(Flaw),
    /// From these operands the tile cannot be computed.
    Incomputable,
    /// From these operands the tile computes to something else.
    Computed {
        /// The first byte that differs.
        byte: usize,
    },
    /// The step gave something else than its position kept, by the trace.
    OtherKept {
        /// The first byte that differs.
        byte: usize,
    },
    /// The step chose another token than the trace has at the next position.
    OtherToken {
        /// What the step chose.
        chosen: u32,
        /// What the trace has.
        committed: u32,
    },
    /// The step gave another result than the trace has.
    OtherResult,
    /// Nothing is wrong with the tile that was to be shown wrong.
    Right,
}

impl From<NoTile> for Refuted {
    fn from(no_tile: NoTile) -> Self {
        Self::NoTile(no_tile)
    }
}

impl Display for Refuted {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Config(unsound) => write!(f, "the configuration is no program: {}", NoModel::Config(*unsound)),
            Self::Model => f.write_str("configuration and tree are not those of the model that the trace names"),
            Self::NoTile(no_tile) => no_tile.fmt(f),
            Self::Tokens(flaw) => write!(f, "the proof of the tokens: {flaw}"),
            Self::Operands { found, wanted } => write!(f, "{found} operands instead of {wanted}"),
            Self::Operand { index, source, flaw } => {
                write!(f, "the proof of operand {index} ({}): {flaw}", Named(source))
            }
            Self::Output(flaw) => write!(f, "the proof of the output: {flaw}"),
            Self::Kept(flaw) => write!(f, "the proof of what the position kept: {flaw}"),
            Self::Incomputable => f.write_str("the tile cannot be computed from its operands"),
            Self::Computed { byte } => write!(f, "the tile computes to something else: byte {byte} differs"),
            Self::OtherKept { byte } => {
                write!(
                    f,
                    "the output is not what the position kept by the trace: byte {byte} differs"
                )
            }
            Self::OtherToken { chosen, committed } => {
                write!(
                    f,
                    "the step chose token {chosen}, and the trace goes on with {committed}"
                )
            }
            Self::OtherResult => f.write_str("the output is not the result of the trace"),
            Self::Right => f.write_str("the tile is what the device says it is"),
        }
    }
}

impl core::error::Error for Refuted {}
