//! Builds the tree of a file from the left, one chunk at a time.

use bytes::Bytes;

use super::node::{Link, Node};
use crate::block::{Block, BlockError};

/// Bytes of a file in each leaf but the last.
pub const CHUNK_BYTES: usize = 262_144;
/// Children of an inner node.
pub const LINKS_PER_NODE: usize = 174;

/// Builds a balanced tree in memory of the order of its depth: every leaf lies
/// equally deep, and nodes are filled from the left.
#[derive(Default)]
pub struct FileBuilder {
    /// Links that have no parent yet, leaves first. No level holds more than
    /// [`LINKS_PER_NODE`].
    levels: Vec<Vec<Link>>,
}

impl FileBuilder {
    /// A file of no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next chunk: [`CHUNK_BYTES`], or fewer if it is the last. Appends
    /// the blocks that are complete now to `out`.
    pub fn push_chunk(&mut self, chunk: Bytes, out: &mut Vec<Block>) -> Result<(), BlockError> {
        self.push_leaf(Block::raw(chunk)?, out)
    }

    /// As [`FileBuilder::push_chunk`], of a chunk that was hashed elsewhere (into a
    /// raw block).
    pub fn push_leaf(&mut self, leaf: Block, out: &mut Vec<Block>) -> Result<(), BlockError> {
        let len = leaf.data().len() as u64;
        let link = Link {
            cid: *leaf.cid(),
            file_bytes: len,
            tree_bytes: len,
        };
        out.push(leaf);
        self.push_link(0, link, out)
    }

    /// Ends the file; returns the link to its root and appends the remaining
    /// blocks to `out`. A file of one chunk is that chunk, one of none is the
    /// empty raw block.
    pub fn finish(mut self, out: &mut Vec<Block>) -> Result<Link, BlockError> {
        if self.levels.is_empty() {
            self.push_chunk(Bytes::new(), out)?;
        }
        let mut level = 0;
        loop {
            let is_top = level + 1 == self.levels.len();
            let links = self.take(level);
            match links.as_slice() {
                [root] if is_top => return Ok(*root),
                // A level is only ever begun with a link, and emptied here.
                [] => {}
                _ => {
                    let parent = parent_of(&links, out)?;
                    self.push_link(level + 1, parent, out)?;
                }
            }
            level += 1;
        }
    }

    fn push_link(&mut self, level: usize, link: Link, out: &mut Vec<Block>) -> Result<(), BlockError> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        // Only when one more comes is a full level given its parent: before that
        // it may be the top.
        if self.levels.get(level).map_or(0, Vec::len) == LINKS_PER_NODE {
            let full = self.take(level);
            let parent = parent_of(&full, out)?;
            self.push_link(level + 1, parent, out)?;
        }
        if let Some(links) = self.levels.get_mut(level) {
            links.push(link);
        }
        Ok(())
    }

    fn take(&mut self, level: usize) -> Vec<Link> {
        self.levels.get_mut(level).map(std::mem::take).unwrap_or_default()
    }
}

fn parent_of(links: &[Link], out: &mut Vec<Block>) -> Result<Link, BlockError> {
    let block = Block::dag_pb(Node::encode_inner(links).into())?;
    let own_bytes = block.data().len() as u64;
    let link = Link {
        cid: *block.cid(),
        file_bytes: links.iter().map(|l| l.file_bytes).sum(),
        tree_bytes: links.iter().map(|l| l.tree_bytes).sum::<u64>() + own_bytes,
    };
    out.push(block);
    Ok(link)
}
