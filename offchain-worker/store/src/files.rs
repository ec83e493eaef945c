//! What every content store can do with whole files.

mod blocking;
mod keep;
mod put;
mod walk;

use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    io::Read,
};

use bytes::Bytes;
use cid::Cid;
use futures::{Stream, stream};
use tokio::io::AsyncRead;

pub use blocking::{FileReader, FileWriter};
pub(crate) use keep::Keeper;
pub(crate) use put::hashers;
pub(crate) use walk::Walk;

use crate::{
    block::{Codec, codec_of},
    store::{ContentStore, StoreError},
    unixfs::{DagLimits, Node, Visit, expand},
};

/// Files on top of blocks, for every [`ContentStore`].
pub trait ContentStoreExt: ContentStore {
    /// Keeps all of `reader` as a file; returns the CID of its root, the same
    /// that `ipfs add --cid-version=1 --raw-leaves` gives. Once it returns, the
    /// file survives a crash. The memory it uses does not depend on the file's
    /// length ([`PUT_MEMORY_BYTES`]). The file is not pinned.
    ///
    /// Cut off and repeated it goes on: blocks that are here are not written
    /// again.
    fn put_file<R>(&self, reader: R) -> impl Future<Output = Result<Cid, StoreError>> + Send
    where
        R: AsyncRead + Unpin + Send;

    /// As [`ContentStoreExt::put_file`], from a reader that may block, such as a
    /// file: a thread of its own reads it.
    fn put_reader<R>(&self, reader: R) -> impl Future<Output = Result<Cid, StoreError>> + Send
    where
        R: Read + Send + 'static;

    /// The bytes of a file, block by block, each checked when it is read. A few
    /// blocks are read ahead.
    fn read_file(&self, cid: &Cid) -> impl Stream<Item = Result<Bytes, StoreError>> + Send;

    /// Bytes of a file, from its root alone.
    fn file_size(&self, cid: &Cid) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The blocks of a file that are not here, of those that the blocks that are
    /// here link to. Empty means that the file is whole.
    fn missing(&self, cid: &Cid, limits: DagLimits) -> impl Future<Output = Result<Vec<Cid>, StoreError>> + Send;
}

/// Most bytes of a file that [`ContentStoreExt::put_file`] holds at any moment.
pub const PUT_MEMORY_BYTES: usize = put::MEMORY_BYTES;

impl<S: ContentStore + ?Sized> ContentStoreExt for S {
    async fn put_file<R>(&self, reader: R) -> Result<Cid, StoreError>
    where
        R: AsyncRead + Unpin + Send,
    {
        put::put_groups(self, put::groups_of(reader)).await
    }

    async fn put_reader<R>(&self, reader: R) -> Result<Cid, StoreError>
    where
        R: Read + Send + 'static,
    {
        put::put_groups(self, put::groups_of_blocking(reader)).await
    }

    fn read_file(&self, cid: &Cid) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        let walk = Walk::new(self, *cid, DagLimits::default());
        stream::try_unfold(walk, |mut walk| async move {
            loop {
                match walk.next().await? {
                    None => return Ok(None),
                    // Inner nodes have no bytes of their own.
                    Some(step) if step.data.is_empty() => {}
                    Some(step) => return Ok(Some((step.data, walk))),
                }
            }
        })
    }

    async fn file_size(&self, cid: &Cid) -> Result<u64, StoreError> {
        let block = self.get_block(cid).await?;
        let node =
            Node::decode(cid, &block).map_err(|reason| crate::unixfs::DagError::Malformed { cid: *cid, reason })?;
        Ok(node.file_bytes)
    }

    async fn missing(&self, cid: &Cid, limits: DagLimits) -> Result<Vec<Cid>, StoreError> {
        let mut missing = Vec::new();
        let mut seen = HashSet::new();
        let mut ahead = VecDeque::from([Visit::root(*cid)]);
        while let Some(visit) = ahead.pop_front() {
            if !seen.insert(visit.cid) {
                continue;
            }
            if codec_of(&visit.cid)? == Codec::Raw {
                if !self.has(&visit.cid).await? {
                    missing.push(visit.cid);
                }
                continue;
            }
            match self.get_block(&visit.cid).await {
                Ok(block) => ahead.extend(expand(&visit, &block, &limits)?.1),
                Err(StoreError::NotFound(_) | StoreError::Corrupt(_)) => missing.push(visit.cid),
                Err(e) => return Err(e),
            }
        }
        Ok(missing)
    }
}
