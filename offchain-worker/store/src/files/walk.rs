//! From a file's root to its blocks in their order, some of them read ahead.

use bytes::Bytes;
use cid::Cid;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};

use crate::{
    store::{ContentStore, StoreError},
    unixfs::{Cursor, DagLimits, Visit, expand},
};

/// Leaves that are read at once: enough to keep a few cores checking, or a
/// daemon answering.
const LEAVES_AHEAD: usize = 8;

/// One block of a file.
pub(crate) struct Step {
    /// Which block.
    pub cid: Cid,
    /// All of it.
    pub block: Bytes,
    /// The bytes of the file in it; none in an inner node.
    pub data: Bytes,
}

/// All blocks of a file, parents before children, in the order of the file.
pub(crate) struct Walk<'a, S: ?Sized> {
    store: &'a S,
    limits: DagLimits,
    cursor: Cursor,
    leaves: FuturesOrdered<BoxFuture<'a, Result<(Visit, Bytes), StoreError>>>,
}

impl<'a, S: ContentStore + ?Sized> Walk<'a, S> {
    pub fn new(store: &'a S, root: Cid, limits: DagLimits) -> Self {
        Self {
            store,
            limits,
            cursor: Cursor::new(root, limits),
            leaves: FuturesOrdered::new(),
        }
    }

    /// The next block; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Step>, StoreError> {
        while self.leaves.len() < LEAVES_AHEAD
            && let Some(leaf) = self.cursor.take_leaf()
        {
            let store = self.store;
            let read = async move { Ok::<_, StoreError>((leaf, store.get_block(&leaf.cid).await?)) };
            self.leaves.push_back(read.boxed());
        }
        if let Some(leaf) = self.leaves.next().await {
            let (visit, block) = leaf?;
            let (node, _) = expand(&visit, &block, &self.limits)?;
            return Ok(Some(Step {
                cid: visit.cid,
                block,
                data: node.data,
            }));
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
}
