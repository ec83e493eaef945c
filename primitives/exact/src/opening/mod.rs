//! Openings: a proof that stands by itself for one tile of one step, and its check by the reference alone.
//!
//! A trace's root commits, eagerly, only to tokens and to what positions kept ([`crate::trace`]). All else of a step follows
//! from these, and is computed again when it is asked for; then the device reveals the *step's root*: a digest of the trace's
//! root, the position and the Merkle root over the roots of the step's operators in the order of the program ([`operators`],
//! [`step_root`]), and each operator's is over its tiles. It is of this trace and this position alone: no opening of one step can
//! be shown as another's. The trace's root does not commit to it, as it is not computed before somebody asks. What ties its tiles
//! to the trace are those that give what the trace has: keys and values, the last hidden states of BERT, the chosen token and the
//! result must be those of the trace.
//!
//! The operators after the layers of BERT are no position's. They form a step of their own, whose position is the number of
//! positions.
//!
//! An opening says which tile it is about and what this tile read and gave, with what leads from there to the model's root, the
//! trace's root and the step's. Which leaves these are, how many their trees have and how long each is, follows from the
//! configuration, the trace's header and the address, and is not part of the opening: [`Opening::check`] derives it. A tile
//! that opens and checks was computed right from what it read. If none of the tiles that a step's root commits to is wrong, so
//! is not the step.

mod check;
mod error;
mod frame;
#[cfg(feature = "serde")]
pub(crate) mod hex;
mod layout;
pub mod multiproof;
mod open;
mod refute;
pub mod reveal;

use alloc::vec::Vec;

pub use error::{Flaw, NoOpening, NoTile, Refuted};
pub use frame::{operators, step, steps};
pub use layout::Layout;
pub use open::{Opener, open, size};
pub use refute::Fraud;
pub use reveal::{LeafReveal, NotRevealed, Revealed, SectionReveal, StepReveal};

use crate::{
    merkle::{self, Digest},
    program::{Address, Config},
    trace::Trace,
};

/// A proof for one tile of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Opening {
    /// The model's configuration.
    pub config: Config,
    /// Root over the model's weights; with the configuration it makes the model's root.
    #[cfg_attr(feature = "serde", serde(with = "hex"))]
    pub weights: Digest,
    /// What the trace's root is made of.
    pub trace: Trace,
    /// Of [`step_root`].
    #[cfg_attr(feature = "serde", serde(with = "hex"))]
    pub step_root: Digest,
    /// The step; the number of positions for the operators after the layers of BERT.
    pub position: usize,
    /// The tile.
    pub address: Address,
    /// The token at the position and, of [`crate::program::Op::Token`], the next; none for the operators after the layers of
    /// BERT.
    pub tokens: Option<Tokens>,
    /// What the tile read, as [`crate::program::Program::sources`] lists it.
    pub operands: Vec<Operand>,
    /// What it gave: one tile.
    pub output: Tiles,
    /// What the trace has of the output, where the position keeps it.
    pub kept: Option<InCell>,
}

/// Bytes, and what leads from them to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Proved {
    /// The bytes of a leaf.
    #[cfg_attr(feature = "serde", serde(with = "hex"))]
    pub bytes: Vec<u8>,
    /// For [`multiproof::root`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub siblings: Vec<Digest>,
}

/// A part of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct InCell {
    /// The part, and what leads to the cell.
    pub part: Proved,
    /// From the cell to [`Trace::cells`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub cell_siblings: Vec<Digest>,
}

/// Keys, values or hidden states that a tile reads, of one head, or some elements. Groups that are not complete at a step of Llama
/// are read position by position: their leaves have what comes later, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Past {
    /// Leaves of the complete groups, and what leads to each one's section.
    pub complete: Vec<Proved>,
    /// From the sections to [`Trace::kept`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub section_siblings: Vec<Digest>,
    /// Of the positions between these and the step's own, the parts of their cells, and what leads to each one's cell.
    pub recent: Vec<Proved>,
    /// From the cells to [`Trace::cells`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub cell_siblings: Vec<Digest>,
    /// What the step itself keeps.
    pub own: Option<Tiles>,
}

/// Leaves of tokens, and what leads from them to [`Trace::tokens`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Tokens {
    /// [`crate::trace::LEAF_TOKENS`] each, the last of a trace fewer.
    pub leaves: Vec<Vec<u32>>,
    /// For [`multiproof::root`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub siblings: Vec<Digest>,
}

/// Leaves of a tree, and what leads from them to its root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Leaves {
    /// Their bytes.
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub leaves: Vec<Vec<u8>>,
    /// For [`multiproof::root`].
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub siblings: Vec<Digest>,
}

/// Tiles of an operator, and what leads from them to the root of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Tiles {
    /// Their bytes.
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub tiles: Vec<Vec<u8>>,
    /// From the tiles to the operator's root.
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub siblings: Vec<Digest>,
    /// From the operator's root, which is a leaf there, to the root over all operators, of which the step's is made.
    #[cfg_attr(feature = "serde", serde(with = "hex::list"))]
    pub step_siblings: Vec<Digest>,
}

/// What a tile read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub enum Operand {
    /// Tiles of another operator of the step; also of [`crate::program::Source::Drawn`].
    Output(Tiles),
    /// Keys, values or hidden states.
    Kept(Past),
    /// One leaf of the model's tree.
    Weights(Leaves),
}

/// What an opening that checks has shown: this tile was computed right.
///
/// Roots that nobody has committed to are worth nothing: hold the trace's root against what the device committed to, and the
/// step's against what it revealed when it was asked for this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// [`crate::model::Model::root`].
    pub model_root: Digest,
    /// [`Trace::root`].
    pub trace_root: Digest,
    /// Of [`step_root`]: it names the trace and the position.
    pub step_root: Digest,
    /// The step.
    pub position: usize,
    /// The tile.
    pub address: Address,
}

/// What commits to the step at a position of a trace: `operators` are the roots over the tiles of each of its operators, in the
/// order of the function of that name.
pub fn step_root(trace: &Trace, position: usize, operators: &[Digest]) -> Digest {
    bind(trace, position, &merkle::root(&step_leaves(operators)))
}

/// [`step_root`] of the root over the operators' roots.
fn bind(trace: &Trace, position: usize, operators: &Digest) -> Digest {
    let mut bytes = trace.root().to_vec();
    bytes.extend(trace.kept);
    bytes.extend((position as u64).to_le_bytes());
    bytes.extend(operators);
    merkle::hash(b"weft step 2", &bytes)
}

/// The leaves of the tree of [`step_root`].
fn step_leaves(operators: &[Digest]) -> Vec<Digest> {
    operators.iter().map(|root| merkle::leaf(root)).collect()
}

impl Opening {
    /// Bytes of its data and digests, without any encoding around them: at most [`size`].
    pub fn size(&self) -> usize {
        let leaves = |leaves: &[Vec<u8>], digests: usize| leaves.iter().map(Vec::len).sum::<usize>() + 32 * digests;
        let tiles = |tiles: &Tiles| leaves(&tiles.tiles, tiles.siblings.len() + tiles.step_siblings.len());
        let proved = |proved: &Proved| proved.bytes.len() + 32 * proved.siblings.len();
        let operand = |operand: &Operand| match operand {
            Operand::Output(output) => tiles(output),
            Operand::Kept(past) => {
                past.complete.iter().chain(&past.recent).map(proved).sum::<usize>()
                    + 32 * (past.section_siblings.len() + past.cell_siblings.len())
                    + past.own.as_ref().map_or(0, tiles)
            }
            Operand::Weights(weights) => leaves(&weights.leaves, weights.siblings.len()),
        };
        let tokens =
            |tokens: &Tokens| 4 * tokens.leaves.iter().map(Vec::len).sum::<usize>() + 32 * tokens.siblings.len();
        let kept = |kept: &InCell| proved(&kept.part) + 32 * kept.cell_siblings.len();
        HEADER
            + self.operands.iter().map(operand).sum::<usize>()
            + tiles(&self.output)
            + self.tokens.as_ref().map_or(0, tokens)
            + self.kept.as_ref().map_or(0, kept)
    }
}

/// Bytes of what every opening has, with some to spare: configuration, trace, address, and the roots.
const HEADER: usize = 512;
