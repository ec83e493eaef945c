//! Blocks on their way into a store, in batches, while their maker works on.

use std::future::Future;

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{
    block::Block,
    store::{ContentStore, StoreError},
};

/// Blocks that a store is given at once: it makes them last together.
pub(crate) const BATCH_BLOCKS: usize = 64;
/// Batches that are on their way to the disk: while one waits for it, the other
/// is written.
pub(crate) const BATCHES_IN_FLIGHT: usize = 2;

/// See the module.
pub(crate) struct Keeper<'a, S: ?Sized> {
    store: &'a S,
    ready: Vec<Block>,
    writes: FuturesUnordered<BoxFuture<'a, Result<(), StoreError>>>,
}

impl<'a, S: ContentStore + ?Sized> Keeper<'a, S> {
    pub fn new(store: &'a S) -> Self {
        Self {
            store,
            ready: Vec::with_capacity(BATCH_BLOCKS),
            writes: FuturesUnordered::new(),
        }
    }

    /// Where blocks are put that are to be kept, before [`Keeper::advance`].
    pub fn ready(&mut self) -> &mut Vec<Block> {
        &mut self.ready
    }

    /// Sends what is ready on its way if it is enough for a batch; waits while too
    /// many are under way.
    pub async fn advance(&mut self) -> Result<(), StoreError> {
        if self.ready.len() < BATCH_BLOCKS {
            return Ok(());
        }
        while self.writes.len() >= BATCHES_IN_FLIGHT {
            self.one_written().await?;
        }
        self.send();
        Ok(())
    }

    /// Waits for `next`, and lets the writes go on meanwhile.
    pub async fn during<T>(&mut self, next: impl Future<Output = T>) -> Result<T, StoreError> {
        let mut next = std::pin::pin!(next);
        loop {
            let written = tokio::select! {
                Some(written) = self.writes.next(), if !self.writes.is_empty() => written,
                next = &mut next => return Ok(next),
            };
            self.settled(written).await?;
        }
    }

    /// Returns once all blocks are kept.
    pub async fn finish(mut self) -> Result<(), StoreError> {
        self.send();
        while !self.writes.is_empty() {
            self.one_written().await?;
        }
        Ok(())
    }

    fn send(&mut self) {
        if !self.ready.is_empty() {
            let batch = std::mem::replace(&mut self.ready, Vec::with_capacity(BATCH_BLOCKS));
            self.writes.push(self.store.put_blocks(batch));
        }
    }

    async fn one_written(&mut self) -> Result<(), StoreError> {
        match self.writes.next().await {
            Some(written) => self.settled(written).await,
            None => Ok(()),
        }
    }

    /// A failure is reported once nothing is being written any more, so that
    /// whoever makes room then finds all of it.
    async fn settled(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        if written.is_err() {
            while self.writes.next().await.is_some() {}
        }
        written
    }
}
