//! Files for code that is not async: sealing and opening, loading a model.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::Arc,
};

use bytes::{Buf, Bytes, BytesMut};
use cid::Cid;
use futures::{TryStreamExt, stream::TryReadyChunksError};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use super::{
    ContentStoreExt,
    put::{GROUP_CHUNKS, GROUPS_READ_AHEAD, Group, put_groups, received},
    walk::GROUP_LEAVES,
};
use crate::{
    store::{ContentStore, StoreError},
    unixfs::CHUNK_BYTES,
};

/// Groups of pieces of a file that are checked and wait to be read.
const GROUPS_AHEAD: usize = 2;

/// A file as a blocking reader. While its reader works on one piece, the next
/// ones are read and checked by other threads.
///
/// Read it from a thread that may block (`spawn_blocking`), never from async
/// code: there it panics.
pub struct FileReader {
    source: Source,
    current: Bytes,
    next: VecDeque<Bytes>,
}

enum Source {
    /// Nothing was read yet.
    Unread {
        store: Arc<dyn ContentStore>,
        runtime: Handle,
        cid: Cid,
    },
    Pieces(mpsc::Receiver<Result<Vec<Bytes>, StoreError>>),
}

impl FileReader {
    /// A reader before the first byte of the file `cid`.
    pub fn new(store: Arc<dyn ContentStore>, runtime: Handle, cid: &Cid) -> Self {
        Self {
            source: Source::Unread {
                store,
                runtime,
                cid: *cid,
            },
            current: Bytes::new(),
            next: VecDeque::new(),
        }
    }

    fn pieces(&mut self) -> &mut mpsc::Receiver<Result<Vec<Bytes>, StoreError>> {
        if let Source::Unread { store, runtime, cid } = &self.source {
            let (sender, receiver) = mpsc::channel(GROUPS_AHEAD);
            let (store, cid) = (Arc::clone(store), *cid);
            runtime.spawn(async move {
                // Together what is ready together: waking another thread costs too.
                let mut groups = std::pin::pin!(store.read_file(&cid).try_ready_chunks(GROUP_LEAVES));
                loop {
                    let (group, error) = match groups.try_next().await {
                        Ok(None) => return,
                        Ok(Some(group)) => (group, None),
                        Err(TryReadyChunksError(group, error)) => (group, Some(error)),
                    };
                    if sender.send(Ok(group)).await.is_err() {
                        // Nobody reads any more.
                        return;
                    }
                    if let Some(error) = error {
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                }
            });
            self.source = Source::Pieces(receiver);
        }
        match &mut self.source {
            Source::Pieces(receiver) => receiver,
            Source::Unread { .. } => unreachable!("it was replaced just now"),
        }
    }
}

impl Read for FileReader {
    /// Errors carry a [`StoreError`].
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if let Some(piece) = self.next.pop_front() {
                self.current = piece;
                continue;
            }
            match self.pieces().blocking_recv() {
                Some(pieces) => self.next = pieces.map_err(io::Error::other)?.into(),
                None => return Ok(0),
            }
        }
        let n = buf.len().min(self.current.len());
        if let Some(room) = buf.get_mut(..n) {
            self.current.copy_to_slice(room);
        }
        Ok(n)
    }
}

/// A file that is put while it is written, for blocking code: what is written is
/// cut, hashed and kept by other threads meanwhile, so that sealing into it is
/// one pass over the bytes.
///
/// Nothing is kept under a root until [`FileWriter::finish`]; a writer that is
/// dropped before leaves blocks that nothing links to, for the collector.
///
/// Write to it from a thread that may block, never from async code: there it
/// panics.
pub struct FileWriter {
    runtime: Handle,
    /// `None` once keeping failed.
    groups: Option<mpsc::Sender<io::Result<Group>>>,
    keeping: Option<JoinHandle<Result<Cid, StoreError>>>,
    group: Group,
    chunk: BytesMut,
}

impl FileWriter {
    /// A writer at the first byte of a new file. Its work runs on `runtime`.
    pub fn new(store: Arc<dyn ContentStore>, runtime: Handle) -> Self {
        let (groups, receiver) = mpsc::channel(GROUPS_READ_AHEAD);
        let keeping = runtime.spawn(async move { put_groups(&*store, received(receiver)).await });
        Self {
            runtime,
            groups: Some(groups),
            keeping: Some(keeping),
            group: Group::new(),
            chunk: BytesMut::new(),
        }
    }

    /// Ends the file and waits until it survives a crash; returns its root.
    pub fn finish(mut self) -> Result<Cid, StoreError> {
        if !self.chunk.is_empty() {
            let last = self.chunk.split().freeze();
            self.group.push(last);
        }
        if !self.group.is_empty() {
            let group = std::mem::take(&mut self.group);
            // If it fails, the cause comes below.
            if let Some(groups) = &self.groups {
                let _ = groups.blocking_send(Ok(group));
            }
        }
        self.groups = None;
        self.outcome()
    }

    /// What became of the file.
    fn outcome(&mut self) -> Result<Cid, StoreError> {
        let Some(keeping) = self.keeping.take() else {
            return Err(StoreError::Input(io::Error::other("keeping the file failed before")));
        };
        self.runtime
            .block_on(keeping)
            .unwrap_or_else(|panic| Err(StoreError::Input(io::Error::other(panic))))
    }

    fn send(&mut self) -> io::Result<()> {
        let group = std::mem::take(&mut self.group);
        let sent = match &self.groups {
            Some(groups) => groups.blocking_send(Ok(group)).is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        self.groups = None;
        let error = match self.outcome() {
            Err(error) => error,
            Ok(_) => StoreError::Input(io::Error::other("the store ended the file before its end")),
        };
        let kind = match &error {
            StoreError::DiskFull { .. } | StoreError::Full { .. } => io::ErrorKind::StorageFull,
            _ => io::ErrorKind::Other,
        };
        Err(io::Error::new(kind, error))
    }
}

impl Write for FileWriter {
    /// Errors carry the [`StoreError`] that ended the keeping.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.chunk.capacity() == 0 {
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES);
        }
        let room = CHUNK_BYTES.saturating_sub(self.chunk.len());
        let (taken, _) = data.split_at(room.min(data.len()));
        self.chunk.extend_from_slice(taken);
        if self.chunk.len() == CHUNK_BYTES {
            let full = std::mem::take(&mut self.chunk).freeze();
            self.group.push(full);
            if self.group.len() == GROUP_CHUNKS {
                self.send()?;
            }
        }
        Ok(taken.len())
    }

    /// Does nothing: only [`FileWriter::finish`] makes a file.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
