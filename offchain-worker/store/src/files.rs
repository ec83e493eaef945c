//! What every content store can do with whole files.

use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    io::{self, Read},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use cid::Cid;
use futures::{
    Stream, TryStreamExt,
    stream::{self, FuturesUnordered},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    runtime::Handle,
};

use crate::{
    block::{Codec, codec_of},
    store::{ContentStore, StoreError},
    unixfs::{CHUNK_BYTES, Cursor, DagLimits, FileBuilder, Node, Visit, expand},
};

/// Blocks on their way to the disk at once: waiting for one after the other
/// would make a slow disk five times slower.
const WRITES_IN_FLIGHT: usize = 16;

/// Files on top of blocks, for every [`ContentStore`].
pub trait ContentStoreExt: ContentStore {
    /// Keeps all of `reader` as a file; returns the CID of its root, the same
    /// that `ipfs add --cid-version=1 --raw-leaves` gives. Uses a few MiB of
    /// memory for a file of any length. The file is not pinned.
    fn put_file<R>(&self, reader: R) -> impl Future<Output = Result<Cid, StoreError>> + Send
    where
        R: AsyncRead + Unpin + Send;

    /// The bytes of a file, block by block, each checked when it is read.
    fn read_file(&self, cid: &Cid) -> impl Stream<Item = Result<Bytes, StoreError>> + Send;

    /// Bytes of a file, from its root alone.
    fn file_size(&self, cid: &Cid) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The blocks of a file that are not here, of those that the blocks that are
    /// here link to. Empty means that the file is whole.
    fn missing(&self, cid: &Cid, limits: DagLimits) -> impl Future<Output = Result<Vec<Cid>, StoreError>> + Send;
}

impl<S: ContentStore + ?Sized> ContentStoreExt for S {
    async fn put_file<R>(&self, mut reader: R) -> Result<Cid, StoreError>
    where
        R: AsyncRead + Unpin + Send,
    {
        let mut builder = FileBuilder::new();
        let mut ready = Vec::new();
        let mut writes = FuturesUnordered::new();
        let root = loop {
            let chunk = read_chunk(&mut reader).await.map_err(StoreError::Input)?;
            let ended = chunk.len() < CHUNK_BYTES;
            if !chunk.is_empty() {
                builder.push_chunk(chunk, &mut ready)?;
            }
            let root = match ended {
                true => Some(std::mem::take(&mut builder).finish(&mut ready)?.cid),
                false => None,
            };
            for block in ready.drain(..) {
                if writes.len() == WRITES_IN_FLIGHT {
                    writes.try_next().await?;
                }
                writes.push(self.put_block(block));
            }
            if let Some(root) = root {
                break root;
            }
        };
        while writes.try_next().await?.is_some() {}
        Ok(root)
    }

    fn read_file(&self, cid: &Cid) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        let cursor = Cursor::new(*cid, DagLimits::default());
        stream::try_unfold(cursor, move |mut cursor| async move {
            let Some(wanted) = cursor.wanted().copied() else {
                return Ok(None);
            };
            let block = self.get_block(&wanted).await?;
            let data = cursor.feed(&block)?;
            Ok(Some((data, cursor)))
        })
        .try_filter(|data| std::future::ready(!data.is_empty()))
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

async fn read_chunk(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
    while chunk.len() < CHUNK_BYTES {
        let room = CHUNK_BYTES - chunk.len();
        if (&mut *reader).take(room as u64).read_buf(&mut chunk).await? == 0 {
            break;
        }
    }
    Ok(chunk.freeze())
}

/// A file as a blocking reader, for code that is not async (opening a sealed
/// file, loading a model).
///
/// Read it from a thread that may block (`spawn_blocking`), never from async
/// code: there it panics.
pub struct FileReader {
    store: Arc<dyn ContentStore>,
    runtime: Handle,
    cursor: Cursor,
    current: Bytes,
}

impl FileReader {
    /// A reader before the first byte of the file `cid`.
    pub fn new(store: Arc<dyn ContentStore>, runtime: Handle, cid: &Cid) -> Self {
        Self {
            store,
            runtime,
            cursor: Cursor::new(*cid, DagLimits::default()),
            current: Bytes::new(),
        }
    }
}

impl Read for FileReader {
    /// Errors carry a [`StoreError`].
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some(wanted) = self.cursor.wanted().copied() else {
                return Ok(0);
            };
            let block = self
                .runtime
                .block_on(self.store.get_block(&wanted))
                .map_err(io::Error::other)?;
            self.current = self.cursor.feed(&block).map_err(io::Error::other)?;
        }
        let n = buf.len().min(self.current.len());
        let taken = self.current.split_to(n);
        if let Some(room) = buf.get_mut(..n) {
            room.copy_from_slice(&taken);
        }
        Ok(n)
    }
}
