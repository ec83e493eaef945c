//! From a file's root to its blocks in their order, some of them read ahead.

use std::collections::VecDeque;

use bytes::Bytes;
use cid::Cid;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};

use crate::{
    store::{ContentStore, StoreError},
    unixfs::{Cursor, DagLimits, Visit, expand},
};

/// Leaves that a store is asked for together.
pub(super) const GROUP_LEAVES: usize = 8;
/// Groups that are read at once: enough to keep a few cores checking, or a daemon
/// answering.
const GROUPS_AHEAD: usize = 6;

/// One block of a file.
pub(crate) struct Step {
    /// Which block.
    pub cid: Cid,
    /// All of it.
    pub block: Bytes,
    /// The bytes of the file in it; none in an inner node.
    pub data: Bytes,
}

/// A leaf and its bytes.
type Leaf = (Visit, Bytes);

/// All blocks of a file, parents before children, in the order of the file.
pub(crate) struct Walk<'a, S: ?Sized> {
    store: &'a S,
    limits: DagLimits,
    cursor: Cursor,
    groups: FuturesOrdered<BoxFuture<'a, Result<Vec<Leaf>, StoreError>>>,
    leaves: VecDeque<Leaf>,
}

impl<'a, S: ContentStore + ?Sized> Walk<'a, S> {
    pub fn new(store: &'a S, root: Cid, limits: DagLimits) -> Self {
        Self {
            store,
            limits,
            cursor: Cursor::new(root, limits),
            groups: FuturesOrdered::new(),
            leaves: VecDeque::new(),
        }
    }

    /// The next block; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Step>, StoreError> {
        loop {
            if let Some((visit, block)) = self.leaves.pop_front() {
                let (node, _) = expand(&visit, &block, &self.limits)?;
                return Ok(Some(Step {
                    cid: visit.cid,
                    block,
                    data: node.data,
                }));
            }
            self.read_ahead();
            match self.groups.next().await {
                Some(group) => self.leaves.extend(group?),
                None => break,
            }
        }
        // Only once all leaves before it are given: what comes after an inner node
        // is not known before it is read.
        let Some(cid) = self.cursor.wanted().copied() else {
            return Ok(None);
        };
        let block = self.store.get_block(&cid).await?;
        let data = self.cursor.feed(&block)?;
        Ok(Some(Step { cid, block, data }))
    }

    fn read_ahead(&mut self) {
        while self.groups.len() < GROUPS_AHEAD {
            let leaves: Vec<_> = std::iter::from_fn(|| self.cursor.take_leaf())
                .take(GROUP_LEAVES)
                .collect();
            if leaves.is_empty() {
                return;
            }
            let store = self.store;
            let read = async move {
                let cids: Vec<_> = leaves.iter().map(|leaf| leaf.cid).collect();
                let blocks = store.get_blocks(cids).await?;
                Ok::<_, StoreError>(leaves.into_iter().zip(blocks).collect())
            };
            self.groups.push_back(read.boxed());
        }
    }
}
