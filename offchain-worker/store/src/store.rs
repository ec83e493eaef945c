//! What a content store is.

use std::{io, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use cid::Cid;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::{
    block::{Block, BlockError, CidError},
    ipfs::IpfsError,
    unixfs::DagError,
};

/// Blocks on their way at once in a store that has no better way for many.
const PUTS_IN_FLIGHT: usize = 16;
const GETS_IN_FLIGHT: usize = 8;

/// Why a store could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The block is not here.
    #[error("block {0} is not in this store; fetch it from a peer")]
    NotFound(Cid),
    /// The block was here and was damaged; it is out of the way now.
    #[error("block {0} was damaged on this disk and is set aside; fetch it again, and check the disk")]
    Corrupt(Cid),
    /// The store's own bound is reached.
    #[error(
        "the store is full: {needed} more bytes do not fit ({used} of {max} are used); unpin something and collect garbage, or raise the bound"
    )]
    Full {
        /// Bytes that were to be added.
        needed: u64,
        /// Bytes kept.
        used: u64,
        /// Bytes allowed.
        max: u64,
    },
    /// The file system is full.
    #[error(
        "the disk of the store is full (at {path}: {error}); free some space and try again, nothing was left half-written"
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file system refused.
    #[error("the store cannot use {path}: {error}")]
    Io {
        /// What was being used.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process has it open.
    #[error("the store at {0} is in use by another weft process; stop that one, or use another directory")]
    InUse(PathBuf),
    /// What was to be added could not be read.
    #[error("cannot read what is to be added: {0}")]
    Input(io::Error),
    /// Not a block, or not this one.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Not a CID that the store knows.
    #[error(transparent)]
    Cid(#[from] CidError),
    /// The blocks are here but are not a file.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// The IPFS daemon behind the store.
    #[error(transparent)]
    Ipfs(#[from] IpfsError),
}

/// Blocks by their CID. Everything about files is [`crate::ContentStoreExt`],
/// which every store gets for free.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// Keeps a block. Once this returns, the block survives a crash. Keeping it
    /// twice is keeping it once.
    async fn put_block(&self, block: Block) -> Result<(), StoreError>;

    /// Keeps many blocks. Once this returns, they all survive a crash; if it fails,
    /// some may be here. Stores make many last for little more than one costs.
    async fn put_blocks(&self, blocks: Vec<Block>) -> Result<(), StoreError> {
        // Boxed one by one: the compiler does not see through the whole.
        let puts: Vec<_> = blocks.into_iter().map(|block| self.put_block(block)).collect();
        stream::iter(puts)
            .buffer_unordered(PUTS_IN_FLIGHT)
            .try_collect::<()>()
            .await
    }

    /// The bytes of a block, checked against its CID at this very read.
    async fn get_block(&self, cid: &Cid) -> Result<Bytes, StoreError>;

    /// The bytes of many blocks, in the order asked for and checked as one is. The
    /// first that cannot be had fails them all.
    async fn get_blocks(&self, cids: Vec<Cid>) -> Result<Vec<Bytes>, StoreError> {
        let gets: Vec<_> = cids.iter().map(|cid| self.get_block(cid)).collect();
        stream::iter(gets).buffered(GETS_IN_FLIGHT).try_collect().await
    }

    /// Whether the block is here, without reading it.
    async fn has(&self, cid: &Cid) -> Result<bool, StoreError>;

    /// Protects the block and all that it links to from being collected. In an
    /// [`crate::EmbeddedStore`] the block need not be here yet; in an
    /// [`crate::IpfsStore`] it must be, with all that it links to (or the daemon
    /// must be able to fetch it).
    async fn pin(&self, cid: &Cid) -> Result<(), StoreError>;

    /// Takes a pin away; false if there was none.
    async fn unpin(&self, cid: &Cid) -> Result<bool, StoreError>;

    /// All pins, in the order of their text.
    async fn pins(&self) -> Result<Vec<Cid>, StoreError>;

    /// Bytes of all blocks.
    async fn size_bytes(&self) -> Result<u64, StoreError>;

    /// Keeps `data` as one raw block (at most [`crate::MAX_BLOCK_BYTES`]);
    /// returns its CID.
    async fn put(&self, data: Bytes) -> Result<Cid, StoreError> {
        let block = Block::raw(data)?;
        let cid = *block.cid();
        self.put_block(block).await?;
        Ok(cid)
    }
}
