//! Sealed files: the functions most callers want over [`crate::stream`].
//!
//! Functions that write to a path write to a temporary file beside it and rename
//! it once it is whole and on the disk, so that an interrupted run leaves
//! nothing at that path that looks like a result.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::{
    header::{Header, NoncePrefix},
    key::{ContentKey, KeyCommitment},
    stream::{self, OpenError, SealError, Sealed, open_write_error, seal_write_error},
};

/// Seals `reader` into `writer` with 1 MiB chunks and a fresh nonce prefix.
///
/// `plaintext_len` is the input's length in bytes where it is known.
/// `progress` gets the plaintext bytes done so far. Blocks and uses all cores.
pub fn seal_file(
    mut reader: impl Read,
    mut writer: impl Write,
    key: &ContentKey,
    plaintext_len: Option<u64>,
    mut progress: impl FnMut(u64),
) -> Result<Sealed, SealError> {
    let header = Header::new(key.commitment(), NoncePrefix::generate()?, plaintext_len);
    stream::seal(&mut reader, &mut writer, key, &header, &mut progress)
}

/// Opens what [`seal_file`] wrote; returns the plaintext's bytes.
///
/// `promised` is the key commitment on chain, if there is one. On an error,
/// discard what `writer` got: it is authentic, but not whole.
pub fn open_file(
    mut reader: impl Read,
    mut writer: impl Write,
    key: &ContentKey,
    promised: Option<&KeyCommitment>,
    mut progress: impl FnMut(u64),
) -> Result<u64, OpenError> {
    stream::open(&mut reader, &mut writer, key, promised, &mut progress)
}

/// Opens into memory, at most `max_bytes` of plaintext. The bytes are wiped when
/// dropped.
pub fn open_to_vec(
    mut reader: impl Read,
    key: &ContentKey,
    promised: Option<&KeyCommitment>,
    max_bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let mut sink = BoundedSink::new(max_bytes);
    match stream::open(&mut reader, &mut sink, key, promised, &mut |_| ()) {
        Ok(_) => Ok(sink.bytes),
        Err(_) if sink.overflowed => Err(OpenError::TooLong { max: max_bytes }),
        Err(e) => Err(e),
    }
}

/// Seals `reader` to the file `to`, replacing what was there.
pub fn seal_to_path(
    reader: impl Read,
    to: &Path,
    key: &ContentKey,
    plaintext_len: Option<u64>,
    progress: impl FnMut(u64),
) -> Result<Sealed, SealError> {
    let mut part = part_beside(to).map_err(seal_write_error)?;
    let sealed = seal_file(reader, part.as_file_mut(), key, plaintext_len, progress)?;
    put_in_place(part, to).map_err(seal_write_error)?;
    Ok(sealed)
}

/// Seals the file `from` to the file `to`, replacing what was there.
pub fn seal_path_to_path(
    from: &Path,
    to: &Path,
    key: &ContentKey,
    progress: impl FnMut(u64),
) -> Result<Sealed, SealError> {
    let input = File::open(from).map_err(SealError::Read)?;
    let metadata = input.metadata().map_err(SealError::Read)?;
    // The length of a pipe or a device is not its metadata's.
    let len = metadata.is_file().then_some(metadata.len());
    seal_to_path(input, to, key, len, progress)
}

/// Opens `reader` to the file `to`, replacing what was there; returns the
/// plaintext's bytes. Only the owner can read the file (mode 0600).
pub fn open_to_path(
    reader: impl Read,
    to: &Path,
    key: &ContentKey,
    promised: Option<&KeyCommitment>,
    progress: impl FnMut(u64),
) -> Result<u64, OpenError> {
    let mut part = part_beside(to).map_err(open_write_error)?;
    let len = open_file(reader, part.as_file_mut(), key, promised, progress)?;
    put_in_place(part, to).map_err(open_write_error)?;
    Ok(len)
}

/// The directory a file lies in; the current one for a bare name.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A temporary file (mode 0600) on the same file system as `path`, removed when
/// dropped.
pub(crate) fn part_beside(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".weft-")
        .suffix(".part")
        .tempfile_in(directory_of(path))
}

fn put_in_place(part: NamedTempFile, to: &Path) -> io::Result<()> {
    part.as_file().sync_all()?;
    part.persist(to).map_err(|e| e.error)?;
    sync_directory_of(to)
}

/// A rename is on the disk once its directory is.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory_of(path))?.sync_all()?;
    }
    Ok(())
}

/// A vector that refuses to grow past its bound and leaves no copies behind.
struct BoundedSink {
    bytes: Zeroizing<Vec<u8>>,
    max: usize,
    overflowed: bool,
}

impl BoundedSink {
    fn new(max: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::new()),
            max,
            overflowed: false,
        }
    }
}

impl Write for BoundedSink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let needed = self.bytes.len().saturating_add(data.len());
        if needed > self.max {
            self.overflowed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if needed > self.bytes.capacity() {
            // A vector that grows by itself leaves its old plaintext on the heap.
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2));
            let mut grown = Zeroizing::new(Vec::with_capacity(capacity.min(self.max)));
            grown.extend_from_slice(&self.bytes);
            self.bytes = grown;
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
