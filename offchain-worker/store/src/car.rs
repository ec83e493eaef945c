//! Blocks as one file: content-addressable archives, version 1
//! (<https://ipld.io/specs/transport/car/carv1/>).
//!
//! What is exported is a file's whole tree, parents first; what is imported is
//! checked block by block, whatever the order. Neither holds more than a few
//! MiB, however long the archive is. `ipfs dag export` writes such archives, and
//! `ipfs dag import` reads them.

mod header;
mod section;

use std::{
    collections::{HashSet, VecDeque},
    io,
};

use cid::Cid;
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufWriter},
    task,
};

use header::Header;
use section::{Section, Sections};

use crate::{
    block::{Block, CidError, cid_to_bytes},
    files::{Keeper, Walk, hashers},
    store::{ContentStore, StoreError},
    unixfs::{DagLimits, put_varint},
};

/// Most roots of an archive.
pub const MAX_ROOTS: usize = 128;
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 256 << 10;
/// Bytes of sections that are checked together.
const GROUP_BYTES: usize = 2 << 20;
/// Blocks that an export remembers, so as not to write them twice in a row: a
/// bound on its memory, not on the file.
const REMEMBERED_BLOCKS: usize = 1 << 16;

/// Why an archive was not written or not read.
#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// The bytes are not an archive of version 1.
    #[error("this is no sound CAR file: at byte {offset}, {reason}; export it again, or fetch it from somebody else")]
    Malformed {
        /// Where.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Of another version.
    #[error("this is a CAR file of version {0}, only version 1 is read here; `ipfs dag export` writes it")]
    Version(u64),
    /// A block under a CID that is not used here.
    #[error("at byte {offset} of the CAR file: {error}")]
    Cid {
        /// Where its section begins.
        offset: u64,
        /// Which kind.
        error: CidError,
    },
    /// A block that is not what its CID says.
    #[error("at byte {offset} of the CAR file, the content is not that of {cid}; fetch the file from somebody else")]
    WrongContent {
        /// Where its section begins.
        offset: u64,
        /// What it claims to be.
        cid: Cid,
    },
    /// Too many roots to write.
    #[error("a CAR file has at most {MAX_ROOTS} roots here, and at least one; export them in several")]
    Roots,
    /// The input gave an error.
    #[error("cannot read the CAR file: {0}")]
    Read(io::Error),
    /// The output gave an error.
    #[error("cannot write the CAR file: {0}; free some space, and export again")]
    Write(io::Error),
    /// The store.
    #[error(transparent)]
    Store(Box<StoreError>),
}

impl From<StoreError> for CarError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Blocks in the archive.
    pub blocks: u64,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The roots that the archive names. Nothing says that all they link to was in
    /// it: see [`crate::ContentStoreExt::missing`].
    pub roots: Vec<Cid>,
    /// Blocks in the archive, those that were here before included.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Writes the files `roots` as one archive. `progress` gets what is written so
/// far. A block that several places of the files share is written once, unless
/// tens of thousands of others lie between.
pub async fn export_car<S, W>(
    store: &S,
    roots: &[Cid],
    writer: W,
    progress: &mut (dyn FnMut(&Exported) + Send),
) -> Result<Exported, CarError>
where
    S: ContentStore + ?Sized,
    W: AsyncWrite + Unpin + Send,
{
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, writer);
    let header = Header { roots: roots.to_vec() }.encode()?;
    writer.write_all(&header).await.map_err(CarError::Write)?;
    let mut exported = Exported {
        blocks: 0,
        bytes: header.len() as u64,
    };
    let mut written = Recent::default();
    for root in roots {
        let mut walk = Walk::new(store, *root, DagLimits::default());
        while let Some(step) = walk.next().await? {
            if !written.insert(step.cid) {
                continue;
            }
            let cid = cid_to_bytes(&step.cid).map_err(StoreError::from)?;
            let mut head = Vec::with_capacity(cid.len() + 5);
            put_varint(&mut head, (cid.len() + step.block.len()) as u64);
            head.extend_from_slice(&cid);
            writer.write_all(&head).await.map_err(CarError::Write)?;
            writer.write_all(&step.block).await.map_err(CarError::Write)?;
            exported.blocks += 1;
            exported.bytes += (head.len() + step.block.len()) as u64;
            progress(&exported);
        }
    }
    writer.flush().await.map_err(CarError::Write)?;
    Ok(exported)
}

/// Brings all blocks of an archive into `store`; once it returns they survive a
/// crash. Nothing is pinned. `progress` gets the bytes of the archive read so
/// far.
///
/// The first block that is not what its CID says, or the first byte out of
/// place, ends it with its offset. What came before is kept: it was checked, and
/// nothing links to it.
pub async fn import_car<S, R>(
    store: &S,
    reader: R,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Imported, CarError>
where
    S: ContentStore + ?Sized,
    R: AsyncRead + Unpin + Send,
{
    let mut sections = Sections::new(BufReader::with_capacity(BUFFER_BYTES, reader));
    let header = sections.header().await?;
    let mut imported = Imported {
        roots: header.roots,
        ..Imported::default()
    };
    let mut checked = std::pin::pin!(groups_of(sections).map(check).buffered(hashers()));
    let mut keeper = Keeper::new(store);
    while let Some(group) = keeper.during(checked.next()).await? {
        let Checked { blocks, end } = group?;
        imported.blocks += blocks.len() as u64;
        imported.bytes += blocks.iter().map(|block| block.data().len() as u64).sum::<u64>();
        keeper.ready().extend(blocks);
        keeper.advance().await?;
        progress(end);
    }
    keeper.finish().await?;
    Ok(imported)
}

/// Sections enough to be worth a thread's while.
fn groups_of<R>(sections: Sections<R>) -> impl Stream<Item = Result<Vec<Section>, CarError>> + Send
where
    R: AsyncRead + Unpin + Send,
{
    stream::unfold(Some(sections), |sections| async move {
        let mut sections = sections?;
        let mut group = Vec::new();
        let mut bytes = 0;
        while bytes < GROUP_BYTES {
            match sections.next().await {
                Ok(Some(section)) => {
                    bytes += section.data.len();
                    group.push(section);
                }
                Ok(None) if group.is_empty() => return None,
                Ok(None) => return Some((Ok(group), None)),
                Err(error) => return Some((Err(error), None)),
            }
        }
        Some((Ok(group), Some(sections)))
    })
}

struct Checked {
    blocks: Vec<Block>,
    /// Where the last of their sections ends.
    end: u64,
}

fn check(group: Result<Vec<Section>, CarError>) -> BoxFuture<'static, Result<Checked, CarError>> {
    let group = match group {
        Ok(group) => group,
        Err(error) => return futures::future::ready(Err(error)).boxed(),
    };
    let checking = task::spawn_blocking(move || {
        let end = group.last().map_or(0, |section| section.end);
        let blocks: Result<Vec<_>, CarError> = group.into_iter().map(Section::check).collect();
        Ok(Checked { blocks: blocks?, end })
    });
    async move {
        checking
            .await
            .unwrap_or_else(|panic| Err(CarError::Read(io::Error::other(panic))))
    }
    .boxed()
}

/// The last so many blocks.
#[derive(Default)]
struct Recent {
    known: HashSet<Cid>,
    order: VecDeque<Cid>,
}

impl Recent {
    /// Whether it was not among them.
    fn insert(&mut self, cid: Cid) -> bool {
        if !self.known.insert(cid) {
            return false;
        }
        self.order.push_back(cid);
        if self.order.len() > REMEMBERED_BLOCKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
