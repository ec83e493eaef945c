//! Which blocks a device takes from strangers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use cid::Cid;

use crate::{block::Block, unixfs::links_of};

/// The local policy on blocks that peers want to put here.
pub trait Wanted: Send + Sync {
    /// Whether to take this block. Asked before its bytes are read.
    fn wants(&self, cid: &Cid) -> bool;

    /// A block that was wanted is here now.
    fn received(&self, block: &Block);
}

/// Takes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantNothing;

impl Wanted for WantNothing {
    fn wants(&self, _cid: &Cid) -> bool {
        false
    }

    fn received(&self, _block: &Block) {}
}

/// Takes the files it was told to want: their roots first, then what those link
/// to, up to a bound on the bytes of each file. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct WantList {
    lists: Arc<Mutex<Lists>>,
}

#[derive(Debug, Default)]
struct Lists {
    files: HashMap<Cid, Budget>,
    /// Blocks that are wanted next, with the budget of their file.
    blocks: HashMap<Cid, Budget>,
}

/// Bytes that a file may still bring; shared by all of its blocks.
type Budget = Arc<AtomicU64>;

impl WantList {
    /// Wants nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants the file `root`, of at most `max_bytes` with its tree (its last
    /// block may overshoot that).
    pub fn want(&self, root: Cid, max_bytes: u64) {
        let budget = Arc::new(AtomicU64::new(max_bytes));
        let mut lists = self.lock();
        lists.files.insert(root, Arc::clone(&budget));
        lists.blocks.insert(root, budget);
    }

    /// No longer wants the file `root`, nor any block of it. To be called when
    /// the file is whole, too.
    pub fn unwant(&self, root: &Cid) {
        let mut lists = self.lock();
        if let Some(budget) = lists.files.remove(root) {
            lists.blocks.retain(|_, other| !Arc::ptr_eq(other, &budget));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted for WantList {
    fn wants(&self, cid: &Cid) -> bool {
        self.lock().blocks.contains_key(cid)
    }

    fn received(&self, block: &Block) {
        let mut lists = self.lock();
        let Some(budget) = lists.blocks.remove(block.cid()) else {
            return;
        };
        let len = block.data().len() as u64;
        let left = budget.load(Ordering::Relaxed).saturating_sub(len);
        budget.store(left, Ordering::Relaxed);
        if left == 0 {
            // A file that is longer than was agreed brings nothing more.
            lists.blocks.retain(|_, other| !Arc::ptr_eq(other, &budget));
            return;
        }
        for child in links_of(block.cid(), block.data()) {
            let budget = || Arc::clone(&budget);
            lists.blocks.entry(child).or_insert_with(budget);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::unixfs::FileBuilder;

    /// The blocks of a file of `chunks` chunks, the root last.
    fn file_of(chunks: u8) -> Vec<Block> {
        let mut builder = FileBuilder::new();
        let mut blocks = Vec::new();
        for i in 0..chunks {
            let chunk = Bytes::from(vec![i; 1000]);
            builder.push_chunk(chunk, &mut blocks).unwrap();
        }
        builder.finish(&mut blocks).unwrap();
        blocks
    }

    #[test]
    fn a_file_is_wanted_from_its_root_down_and_each_block_once() {
        let blocks = file_of(3);
        let (root, leaves) = blocks.split_last().unwrap();
        let list = WantList::new();
        assert!(!list.wants(root.cid()));
        list.want(*root.cid(), 1 << 20);
        assert!(list.wants(root.cid()));
        assert!(leaves.iter().all(|leaf| !list.wants(leaf.cid())));
        list.received(root);
        assert!(!list.wants(root.cid()));
        assert!(leaves.iter().all(|leaf| list.wants(leaf.cid())));
        list.received(&leaves[0]);
        assert!(!list.wants(leaves[0].cid()));
        assert!(list.wants(leaves[1].cid()));
        list.unwant(root.cid());
        assert!(!list.wants(leaves[1].cid()));
    }

    #[test]
    fn a_file_brings_no_more_than_agreed() {
        let blocks = file_of(5);
        let (root, leaves) = blocks.split_last().unwrap();
        let list = WantList::new();
        list.want(*root.cid(), root.data().len() as u64 + 2500);
        list.received(root);
        list.received(&leaves[0]);
        list.received(&leaves[1]);
        assert!(list.wants(leaves[2].cid()));
        list.received(&leaves[2]);
        assert!(!list.wants(leaves[3].cid()));
    }

    #[test]
    fn blocks_that_were_not_wanted_bring_nothing() {
        let blocks = file_of(2);
        let list = WantList::new();
        list.received(&blocks[2]);
        assert!(!list.wants(blocks[0].cid()));
    }
}
