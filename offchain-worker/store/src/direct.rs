//! To the disk without a detour, and from it in one sweep.
//!
//! What is written here is written once and then rests. Keeping it in the system's
//! cache costs a copy and, where memory has to be found for it, more time than the
//! disk takes. So what is large goes past it (`O_DIRECT`), where the file system
//! knows how. A whole file that is read streams through: the system is told of many
//! blocks at once, so that the disk need not be asked for each alone, and they do not
//! stay in the cache, but for those that were there already. Single blocks are read
//! as any file is, as peers ask for the same ones. Nothing else depends on either.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tempfile::{NamedTempFile, TempPath};

/// What addresses and lengths are multiples of: as large as any disk asks for.
const ALIGNMENT: usize = 4096;
/// Smaller blocks are not worth it.
const SMALLEST: usize = 64 << 10;
/// Bytes that a [`DirectWriter`] writes at once.
const WRITER_BYTES: usize = 4 << 20;
/// Buffers that are kept for the next block.
const MAX_BUFFERS: usize = 32;

/// Buffers, used again and again.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.pop().unwrap_or_default()
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() < MAX_BUFFERS {
            buffers.push(buffer);
        }
    }
}

/// Writes a new file in `directory` and syncs it; it is gone unless it is renamed.
pub(crate) fn write_part(directory: &Path, data: &[u8], buffers: &Buffers) -> io::Result<TempPath> {
    if data.len() >= SMALLEST
        && let Some(written) = write_direct(directory, data, buffers)?
    {
        return Ok(written);
    }
    let mut part = NamedTempFile::new_in(directory)?;
    part.write_all(data)?;
    part.as_file().sync_all()?;
    Ok(part.into_temp_path())
}

/// `None` where the file system does not know how.
fn write_direct(directory: &Path, data: &[u8], buffers: &Buffers) -> io::Result<Option<TempPath>> {
    let Some(options) = direct(0o600) else {
        return Ok(None);
    };
    let create = |path: &Path| {
        let opened = options.clone().write(true).create_new(true).open(path);
        if opened.as_ref().is_err_and(is_not_known) {
            // Linux says so only after it has made the file.
            let _ = std::fs::remove_file(path);
        }
        opened
    };
    let mut buffer = buffers.take();
    let written = tempfile::Builder::new()
        .make_in(directory, create)
        .and_then(|mut part| {
            let whole = aligned(&mut buffer, data.len());
            let (start, rest) = whole.split_at_mut(data.len().min(whole.len()));
            start.copy_from_slice(data);
            rest.fill(0);
            part.write_all(whole)?;
            let file: &File = part.as_file();
            if whole.len() > data.len() {
                file.set_len(data.len() as u64)?;
            }
            file.sync_all()?;
            Ok(part.into_temp_path())
        });
    buffers.give_back(buffer);
    match written {
        Ok(part) => Ok(Some(part)),
        Err(error) if is_not_known(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that is written anew from its start to its end.
///
/// Nothing of it is certain before [`DirectWriter::finish`].
pub struct DirectWriter {
    path: PathBuf,
    file: File,
    is_direct: bool,
    buffer: Vec<u8>,
    /// Bytes in the buffer.
    filled: usize,
    written: u64,
}

impl DirectWriter {
    /// Makes the file, or empties it.
    pub fn create(path: &Path) -> io::Result<Self> {
        let usual = || OpenOptions::new().write(true).create(true).truncate(true).open(path);
        let (file, is_direct) = match direct(0o666).map(|mut o| o.write(true).create(true).truncate(true).open(path)) {
            Some(Ok(file)) => (file, true),
            Some(Err(error)) if !is_not_known(&error) => return Err(error),
            _ => (usual()?, false),
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            is_direct,
            buffer: Vec::new(),
            filled: 0,
            written: 0,
        })
    }

    /// Writes what is left and syncs the file; returns its length.
    pub fn finish(mut self) -> io::Result<u64> {
        let len = self.written + self.filled as u64;
        let whole = aligned(&mut self.buffer, WRITER_BYTES);
        whole.get_mut(self.filled..).unwrap_or_default().fill(0);
        // In whole units, and then cut to its length.
        self.filled = self.filled.next_multiple_of(ALIGNMENT);
        self.write_buffer()?;
        self.file.set_len(len)?;
        self.file.sync_all()?;
        Ok(len)
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        let whole = aligned(&mut self.buffer, WRITER_BYTES);
        let filled = whole.get(..self.filled).unwrap_or_default();
        match self.file.write_all(filled) {
            Err(error) if self.is_direct && is_not_known(&error) => {
                self.file = OpenOptions::new().write(true).open(&self.path)?;
                self.is_direct = false;
                self.file.seek(SeekFrom::Start(self.written))?;
                self.file.write_all(filled)?;
            }
            outcome => outcome?,
        }
        self.written += self.filled as u64;
        self.filled = 0;
        Ok(())
    }
}

impl Write for DirectWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let room = aligned(&mut self.buffer, WRITER_BYTES)
            .get_mut(self.filled..)
            .unwrap_or_default();
        let taken = room.len().min(data.len());
        let (room, data) = (room.get_mut(..taken), data.get(..taken));
        if let (Some(room), Some(data)) = (room, data) {
            room.copy_from_slice(data);
        }
        self.filled += taken;
        if self.filled == WRITER_BYTES {
            self.write_buffer()?;
        }
        Ok(taken)
    }

    /// Does nothing: only whole buffers are written, and the rest at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being read as a whole, or its first bytes.
pub(crate) struct Reading {
    file: File,
    buffer: Lent,
    /// Bytes that are wanted.
    len: usize,
    state: State,
}

enum State {
    /// The system's cache had all of it.
    Read,
    /// The system was told that it will be wanted.
    Announced,
    /// As any other file.
    Unread,
}

impl Reading {
    /// Opens a file to read at most `max` bytes of it. If it `streams`, the system reads it ahead, so that the disk can
    /// read many files in one sweep: open them all before finishing the first.
    pub fn open(path: &Path, max: usize, streams: bool, buffers: &Arc<Buffers>) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(max);
        let mut buffer = Lent::new(buffers);
        let state = if streams {
            announce(&file, buffer.room(len))
        } else {
            State::Unread
        };
        Ok(Self {
            file,
            buffer,
            len,
            state,
        })
    }

    /// The bytes. What was not in the system's cache before, and streams, does not stay there: it would drive out what
    /// is asked for again and again, and finding memory for it takes longer than the disk does.
    pub fn finish(mut self) -> io::Result<Bytes> {
        if matches!(self.state, State::Read) {
            return Ok(self.buffer.freeze(self.len));
        }
        let mut rest = self.buffer.room(self.len);
        while !rest.is_empty() {
            match self.file.read(rest) {
                Ok(0) => break,
                Ok(read) => rest = rest.get_mut(read..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let read = self.len - rest.len();
        if matches!(self.state, State::Announced) {
            pass_by(&self.file);
        }
        Ok(self.buffer.freeze(read))
    }
}

/// Fills `room` if the system's cache has all of it, and else has the system read it ahead.
#[cfg(target_os = "linux")]
fn announce(file: &File, room: &mut [u8]) -> State {
    use rustix::{
        fs::{Advice, fadvise},
        io::{ReadWriteFlags, preadv2},
    };

    let len = room.len();
    // Does not wait for the disk: fewer bytes, or an error, say that it would have to.
    if preadv2(file, &mut [io::IoSliceMut::new(room)], 0, ReadWriteFlags::NOWAIT) == Ok(len) {
        return State::Read;
    }
    // A hint; what comes of it is not of interest.
    let _ = fadvise(file, 0, None, Advice::WillNeed);
    State::Announced
}

#[cfg(not(target_os = "linux"))]
fn announce(_file: &File, _room: &mut [u8]) -> State {
    State::Unread
}

/// Takes a file out of the system's cache.
#[cfg(target_os = "linux")]
fn pass_by(file: &File) {
    // A hint, too.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn pass_by(_file: &File) {}

/// A buffer that goes back when nobody reads it any more.
struct Lent {
    bytes: Vec<u8>,
    filled: usize,
    buffers: Arc<Buffers>,
}

impl Lent {
    fn new(buffers: &Arc<Buffers>) -> Self {
        Self {
            bytes: buffers.take(),
            filled: 0,
            buffers: Arc::clone(buffers),
        }
    }

    fn room(&mut self, len: usize) -> &mut [u8] {
        if self.bytes.len() < len {
            self.bytes = vec![0; len];
        }
        self.bytes.get_mut(..len).unwrap_or_default()
    }

    fn freeze(mut self, filled: usize) -> Bytes {
        self.filled = filled;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.buffers.give_back(std::mem::take(&mut self.bytes));
    }
}

/// The aligned part of a buffer with room for `len` bytes, whole units long.
fn aligned(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    let len = len.next_multiple_of(ALIGNMENT);
    if buffer.len() < len + ALIGNMENT {
        *buffer = vec![0; len + ALIGNMENT];
    }
    let start = padding(buffer);
    buffer.get_mut(start..start + len).unwrap_or_default()
}

/// Bytes before the aligned part of a buffer.
fn padding(buffer: &[u8]) -> usize {
    let address = buffer.as_ptr().addr();
    address.next_multiple_of(ALIGNMENT) - address
}

/// For a file of these permissions, should it be made.
#[cfg(target_os = "linux")]
fn direct(mode: u32) -> Option<OpenOptions> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    options
        .custom_flags(rustix::fs::OFlags::DIRECT.bits() as i32)
        .mode(mode);
    Some(options)
}

#[cfg(not(target_os = "linux"))]
fn direct(_mode: u32) -> Option<OpenOptions> {
    None
}

/// How a file system says that it always goes through the cache.
fn is_not_known(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn files_of_any_length_come_back(len in prop_oneof![0..3usize, SMALLEST - 2..SMALLEST + 2, 0..300_000usize], max in 0..400_000usize) {
            let directory = tempfile::tempdir().unwrap();
            let data: Vec<u8> = (0..len as u32).map(|i| (i / 7) as u8).collect();
            let buffers = Arc::new(Buffers::default());
            let part = write_part(directory.path(), &data, &buffers).unwrap();
            prop_assert!(fs::read(&part).unwrap() == data);
            for streams in [false, true, true] {
                let reading = Reading::open(&part, max, streams, &buffers).unwrap();
                prop_assert!(reading.finish().unwrap() == data[..len.min(max)]);
            }
            // A buffer that held more before leaves nothing of it.
            let shorter = write_part(directory.path(), &data[..len / 2], &buffers).unwrap();
            prop_assert!(fs::read(&shorter).unwrap() == data[..len / 2]);
            let reading = Reading::open(&shorter, max, true, &buffers).unwrap();
            prop_assert!(reading.finish().unwrap() == data[..(len / 2).min(max)]);
            drop((part, shorter));
            prop_assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }

        #[test]
        fn what_is_written_in_pieces_comes_back(len in 0..9usize << 20, piece in 1..3usize << 20) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            fs::write(&path, b"what was there before").unwrap();
            let data: Vec<u8> = (0..len as u32).map(|i| (i / 7) as u8).collect();
            let mut writer = DirectWriter::create(&path).unwrap();
            for piece in data.chunks(piece) {
                writer.write_all(piece).unwrap();
            }
            prop_assert_eq!(writer.finish().unwrap(), len as u64);
            prop_assert!(fs::read(&path).unwrap() == data);
        }
    }
}
