//! From a stream of bytes to blocks in a store.
//!
//! Three things go on at once, each bounded: reading groups of chunks, hashing
//! groups on all cores, and keeping batches of blocks. The tree is built between
//! the last two, in order.

use std::{io, io::Read, num::NonZero, thread};

use bytes::{Bytes, BytesMut};
use cid::Cid;
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    task,
};

use super::keep::{BATCH_BLOCKS, BATCHES_IN_FLIGHT, Keeper};
use crate::{
    block::{Block, BlockError},
    store::{ContentStore, StoreError},
    unixfs::{CHUNK_BYTES, FileBuilder},
};

/// Chunks that are read and hashed together: so many that handing them from
/// thread to thread costs nothing beside the hashing.
pub(super) const GROUP_CHUNKS: usize = 8;
/// Groups that wait to be hashed.
pub(super) const GROUPS_READ_AHEAD: usize = 2;
/// Most groups that are hashed at once, however many cores there are.
const MAX_HASHERS: usize = 8;
/// One batch more is being collected, one group more read.
pub(super) const MEMORY_BYTES: usize =
    CHUNK_BYTES * ((BATCHES_IN_FLIGHT + 1) * BATCH_BLOCKS + (MAX_HASHERS + GROUPS_READ_AHEAD + 1) * GROUP_CHUNKS);

/// Consecutive chunks; all full but the last of all.
pub(super) type Group = Vec<Bytes>;

/// Cuts what a reader gives into groups.
pub(super) fn groups_of<R>(reader: R) -> impl Stream<Item = io::Result<Group>> + Send
where
    R: AsyncRead + Unpin + Send,
{
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let mut group = Group::with_capacity(GROUP_CHUNKS);
        while group.len() < GROUP_CHUNKS {
            match read_chunk(&mut reader).await {
                Ok(chunk) => {
                    let ended = chunk.len() < CHUNK_BYTES;
                    group.push(chunk);
                    if ended {
                        return Some((Ok(group), None));
                    }
                }
                Err(error) => return Some((Err(error), None)),
            }
        }
        Some((Ok(group), Some(reader)))
    })
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

/// As [`groups_of`], of a reader that blocks, on a thread of its own. The thread
/// ends with the reader, or when nobody wants its groups any more.
pub(super) fn groups_of_blocking<R>(mut reader: R) -> impl Stream<Item = io::Result<Group>> + Send
where
    R: Read + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(GROUPS_READ_AHEAD);
    let reading = task::spawn_blocking(move || {
        loop {
            let group = read_group(&mut reader);
            let ended = !matches!(&group, Ok(chunks) if chunks.last().is_some_and(|c| c.len() == CHUNK_BYTES));
            if sender.blocking_send(group).is_err() || ended {
                return;
            }
        }
    });
    received(receiver).chain(
        // A reader that panicked must not look like one that ended.
        reading
            .into_stream()
            .filter_map(|ended| async move { ended.err().map(|panic| Err(io::Error::other(panic))) }),
    )
}

fn read_group(reader: &mut impl Read) -> io::Result<Group> {
    let mut group = Group::with_capacity(GROUP_CHUNKS);
    while group.len() < GROUP_CHUNKS {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        reader.take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        let ended = chunk.len() < CHUNK_BYTES;
        group.push(chunk.into());
        if ended {
            break;
        }
    }
    Ok(group)
}

/// A channel's receiver as a stream.
pub(super) fn received<T>(mut receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// Keeps a file that comes in groups; returns its root.
pub(super) async fn put_groups<S>(
    store: &S,
    groups: impl Stream<Item = io::Result<Group>> + Send,
) -> Result<Cid, StoreError>
where
    S: ContentStore + ?Sized,
{
    let mut hashed = std::pin::pin!(groups.map(hash).buffered(hashers()));
    let mut keeper = Keeper::new(store);
    let mut builder = FileBuilder::new();
    while let Some(leaves) = keeper.during(hashed.next()).await? {
        for leaf in leaves? {
            builder.push_leaf(leaf, keeper.ready())?;
        }
        keeper.advance().await?;
    }
    let root = builder.finish(keeper.ready())?;
    keeper.finish().await?;
    Ok(root.cid)
}

/// Groups that are hashed at once.
pub(crate) fn hashers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(MAX_HASHERS)
}

/// Makes blocks of chunks, on a thread for such work.
fn hash(group: io::Result<Group>) -> BoxFuture<'static, Result<Vec<Block>, StoreError>> {
    let group = match group {
        Ok(group) => group,
        Err(error) => return futures::future::ready(Err(StoreError::Input(error))).boxed(),
    };
    let hashing = task::spawn_blocking(move || {
        let chunks = group.into_iter().filter(|chunk| !chunk.is_empty());
        chunks.map(Block::raw).collect::<Result<Vec<_>, BlockError>>()
    });
    async move {
        let blocks = hashing
            .await
            .map_err(|panic| StoreError::Input(io::Error::other(panic)))?;
        Ok(blocks?)
    }
    .boxed()
}
