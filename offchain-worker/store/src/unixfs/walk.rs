//! From the root of a file to its bytes, one block at a time.

use bytes::Bytes;
use cid::Cid;

use super::node::{MalformedNode, Node};
use crate::block::{Codec, codec_of};

/// What a reader accepts of a tree that a stranger made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DagLimits {
    /// Most bytes of the file.
    pub max_bytes: u64,
    /// Most nodes above a leaf. Three hold 1.3 TB with trees made here.
    pub max_depth: u32,
}

impl Default for DagLimits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 40,
            max_depth: 8,
        }
    }
}

/// Why blocks that have their CIDs are still not a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DagError {
    /// A node that cannot be read.
    #[error("block {cid} is no part of a file: {reason}; whoever published it must publish it again")]
    Malformed {
        /// Which block.
        cid: Cid,
        /// Why.
        reason: MalformedNode,
    },
    /// A child that is not as long as its parent says.
    #[error(
        "block {cid} holds {actual} bytes where its parent says {expected}; whoever published it must publish it again"
    )]
    Length {
        /// Which block.
        cid: Cid,
        /// Bytes its parent promises.
        expected: u64,
        /// Bytes it has.
        actual: u64,
    },
    /// Longer than allowed.
    #[error("the file {cid} has {bytes} bytes, {max} are allowed here")]
    TooLong {
        /// Root of the file.
        cid: Cid,
        /// Bytes it says it has.
        bytes: u64,
        /// Bytes allowed.
        max: u64,
    },
    /// Deeper than allowed.
    #[error("the file nests deeper than {max} levels at block {cid}; whoever published it must publish it again")]
    TooDeep {
        /// Where.
        cid: Cid,
        /// Levels allowed.
        max: u32,
    },
}

/// A block on the way, and what is known of it before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Which block.
    pub cid: Cid,
    /// Nodes above it.
    pub depth: u32,
    /// Bytes of the file in and below it, as its parent says; unknown for a root.
    pub file_bytes: Option<u64>,
}

impl Visit {
    /// The start of every walk.
    pub fn root(cid: Cid) -> Self {
        Self {
            cid,
            depth: 0,
            file_bytes: None,
        }
    }
}

/// Reads the block of a visit: its node, and the visits to its children in the
/// order of the file.
pub fn expand(visit: &Visit, block: &Bytes, limits: &DagLimits) -> Result<(Node, Vec<Visit>), DagError> {
    let cid = visit.cid;
    let node = Node::decode(&cid, block).map_err(|reason| DagError::Malformed { cid, reason })?;
    let actual = node.file_bytes;
    match visit.file_bytes {
        Some(expected) if expected != actual => {
            return Err(DagError::Length { cid, expected, actual });
        }
        // Below the root, no sum exceeds the root's.
        _ if actual > limits.max_bytes => {
            return Err(DagError::TooLong {
                cid,
                bytes: actual,
                max: limits.max_bytes,
            });
        }
        _ => {}
    }
    if !node.links.is_empty() && visit.depth >= limits.max_depth {
        return Err(DagError::TooDeep {
            cid,
            max: limits.max_depth,
        });
    }
    let children = node
        .links
        .iter()
        .map(|link| Visit {
            cid: link.cid,
            depth: visit.depth + 1,
            file_bytes: Some(link.file_bytes),
        })
        .collect();
    Ok((node, children))
}

/// Walks a file from its first byte to its last.
#[derive(Clone, Debug)]
pub struct Cursor {
    limits: DagLimits,
    /// Next on top.
    ahead: Vec<Visit>,
}

impl Cursor {
    /// A cursor before the first byte of the file `root`.
    pub fn new(root: Cid, limits: DagLimits) -> Self {
        Self {
            limits,
            ahead: vec![Visit::root(root)],
        }
    }

    /// The block that [`Cursor::feed`] wants; `None` at the end of the file.
    pub fn wanted(&self) -> Option<&Cid> {
        self.ahead.last().map(|visit| &visit.cid)
    }

    /// Passes over the wanted block if it is a leaf, and returns which it was. So a
    /// reader learns of several leaves before it has read the first.
    pub fn take_leaf(&mut self) -> Option<Visit> {
        let next = self.ahead.last()?;
        match codec_of(&next.cid) {
            Ok(Codec::Raw) => self.ahead.pop(),
            _ => None,
        }
    }

    /// Takes the wanted block; returns the file's next bytes, which may be none.
    pub fn feed(&mut self, block: &Bytes) -> Result<Bytes, DagError> {
        let Some(visit) = self.ahead.pop() else {
            return Ok(Bytes::new());
        };
        let (node, children) = expand(&visit, block, &self.limits)?;
        self.ahead.extend(children.into_iter().rev());
        Ok(node.data)
    }
}
