//! Sealing and opening of byte streams: the header, then chunks in STREAM.
//!
//! The chunks are worked on in parallel; what is written is authentic, and what
//! returns without an error is whole.

use std::io::{self, Read, Write};

use crate::{
    cipher::{ChunkCipher, ChunkFailed},
    header::{HEADER_BYTES, Header, HeaderError, TAG_BYTES},
    key::{ContentKey, KeyCommitment, RandomnessError},
    pipeline::{self, Chunk, Shape, Stopped},
};

/// Why sealing stopped. Whatever was written is not a sealed file.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The input gave an error.
    #[error("cannot read what is to be sealed: {0}")]
    Read(io::Error),
    /// No room for the output.
    #[error("no room left for the sealed file ({0}); free some space and seal again")]
    DiskFull(io::Error),
    /// The output gave another error.
    #[error("cannot write the sealed file: {0}")]
    Write(io::Error),
    /// The header promises another length than was read.
    #[error(
        "the input has {actual} bytes where {declared} were announced: it changed while it was being sealed; seal it again"
    )]
    LengthChanged {
        /// Bytes the header promises.
        declared: u64,
        /// Bytes that came.
        actual: u64,
    },
    /// More than 2^32 chunks.
    #[error("the input is too long for one sealed file; split it")]
    TooLong,
    /// A message above its bound.
    #[error("the message has {len} bytes, {max} are allowed; shorten it")]
    MessageTooLong {
        /// Bytes of the message.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The header is for another key. A mistake of the caller.
    #[error("the header was made for another key than the one given; make a new header")]
    HeaderOfOtherKey,
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// Why a sealed file did not open. What was written before the error is a true
/// prefix of the plaintext, but never the whole of it: discard it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The input gave an error.
    #[error("cannot read the sealed file: {0}")]
    Read(io::Error),
    /// No room for the output.
    #[error("no room left for the opened file ({0}); free some space and open it again")]
    DiskFull(io::Error),
    /// The output gave another error.
    #[error("cannot write the opened file: {0}")]
    Write(io::Error),
    /// The first 64 bytes are not a header that this version opens.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file is sealed with another key than the one given.
    #[error(
        "the key does not fit this file: it is sealed with the key of commitment {sealed_with}; ask for the key of this very version"
    )]
    WrongKey {
        /// Commitment in the file.
        sealed_with: KeyCommitment,
    },
    /// The file is sealed with another key than the chain promised for it.
    #[error(
        "this is not the promised file: it is sealed with the key of commitment {sealed_with}, and {promised} was promised; fetch it from another peer, or dispute it"
    )]
    OtherCommitment {
        /// Commitment in the file.
        sealed_with: KeyCommitment,
        /// Commitment that was expected.
        promised: KeyCommitment,
    },
    /// The end of the file is missing.
    #[error("the sealed file is cut off in or after chunk {chunk}; fetch the rest")]
    Truncated {
        /// Chunk after which (or in which) the file ends.
        chunk: u64,
    },
    /// Something follows the sealed file.
    #[error("bytes follow the end of the sealed file (chunk {chunk} is its last); fetch it again")]
    TrailingData {
        /// The true last chunk.
        chunk: u64,
    },
    /// A chunk is not what was sealed at its place.
    #[error(
        "chunk {chunk} of the sealed file is damaged or out of its place (for chunk 0 it may be the header); fetch it again"
    )]
    Corrupt {
        /// The first such chunk.
        chunk: u64,
    },
    /// All chunks are authentic, but the header promised another length: made
    /// so by whoever sealed it.
    #[error(
        "the sealed file holds {actual} bytes and its header says {declared}: it was sealed wrongly, ask its creator for a new version"
    )]
    LengthMismatch {
        /// Bytes the header promises.
        declared: u64,
        /// Bytes that the chunks hold.
        actual: u64,
    },
    /// More plaintext than the caller allows.
    #[error("the opened file is longer than the {max} bytes allowed here")]
    TooLong {
        /// Bytes allowed.
        max: usize,
    },
}

/// What sealing made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Bytes that were read.
    pub plaintext_len: u64,
    /// Bytes that were written, header included.
    pub sealed_len: u64,
    /// For the chain: the key that opens the file, and no other.
    pub commitment: KeyCommitment,
}

/// Most bytes read and not yet written at any moment, for a file of these
/// chunks. This, not the file, decides how much memory is used.
pub fn max_in_flight_bytes(chunk_bytes: u32) -> usize {
    let sealing = shape_for_sealing(chunk_bytes).max_in_flight_bytes();
    sealing.max(shape_for_opening(chunk_bytes).max_in_flight_bytes())
}

/// Seals all of `reader` into `writer` under `header`. `progress` gets the
/// plaintext bytes done so far.
///
/// Blocks, and uses all cores: call it from a blocking thread. One key and nonce
/// prefix may seal one input only; [`crate::seal_file`] draws the prefix itself.
pub fn seal(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    key: &ContentKey,
    header: &Header,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    if header.commitment() != key.commitment() {
        return Err(SealError::HeaderOfOtherKey);
    }
    let header_bytes = header.to_bytes();
    writer.write_all(&header_bytes).map_err(seal_write_error)?;
    let cipher = ChunkCipher::new(key, header);
    let work = |chunk: &mut Chunk<ChunkFailed>| cipher.seal(&header_bytes, chunk);
    let shape = shape_for_sealing(header.chunk_bytes());
    let mut plaintext_len = 0;
    let mut sealed_len = HEADER_BYTES as u64;
    pipeline::run(reader, writer, shape, &work, &mut |chunk| {
        sealed_len += chunk.data.len() as u64;
        plaintext_len += chunk.data.len().saturating_sub(TAG_BYTES) as u64;
        progress(plaintext_len);
    })
    .map_err(|stopped| match stopped {
        Stopped::Read(e) => SealError::Read(e),
        Stopped::Write(e) => seal_write_error(e),
        Stopped::Work(ChunkFailed) => SealError::TooLong,
    })?;
    writer.flush().map_err(seal_write_error)?;
    match header.plaintext_len() {
        Some(declared) if declared != plaintext_len => Err(SealError::LengthChanged {
            declared,
            actual: plaintext_len,
        }),
        _ => Ok(Sealed {
            plaintext_len,
            sealed_len,
            commitment: header.commitment(),
        }),
    }
}

/// Opens all of `reader` into `writer`; returns the plaintext's bytes.
///
/// `promised` is the commitment that the chain holds for this file; it is
/// checked before any chunk is opened. Every chunk is authenticated before it is
/// written, and the whole only when this returns `Ok`. Blocks, as [`seal`] does.
pub fn open(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    key: &ContentKey,
    promised: Option<&KeyCommitment>,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, OpenError> {
    let header = read_header(reader)?;
    let sealed_with = header.commitment();
    if let Some(promised) = promised
        && *promised != sealed_with
    {
        return Err(OpenError::OtherCommitment {
            sealed_with,
            promised: *promised,
        });
    }
    if key.commitment() != sealed_with {
        return Err(OpenError::WrongKey { sealed_with });
    }
    let header_bytes = header.to_bytes();
    let cipher = ChunkCipher::new(key, &header);
    let work = |chunk: &mut Chunk<OpenError>| open_chunk(&cipher, &header, &header_bytes, chunk);
    let mut plaintext_len = 0;
    let shape = shape_for_opening(header.chunk_bytes());
    pipeline::run(reader, writer, shape, &work, &mut |chunk| {
        plaintext_len += chunk.data.len() as u64;
        progress(plaintext_len);
    })
    .map_err(|stopped| match stopped {
        Stopped::Read(e) => OpenError::Read(e),
        Stopped::Write(e) => open_write_error(e),
        Stopped::Work(e) => e,
    })?;
    writer.flush().map_err(open_write_error)?;
    match header.plaintext_len() {
        Some(declared) if declared != plaintext_len => Err(OpenError::LengthMismatch {
            declared,
            actual: plaintext_len,
        }),
        _ => Ok(plaintext_len),
    }
}

/// Reads a header and leaves `reader` at the first chunk.
pub fn read_header(reader: &mut dyn Read) -> Result<Header, OpenError> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    reader
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(OpenError::Read)?;
    let bytes: [u8; HEADER_BYTES] = bytes
        .try_into()
        .map_err(|short: Vec<u8>| HeaderError::Short { found: short.len() })?;
    Ok(Header::parse(&bytes)?)
}

/// True when an error of the operating system means that there is no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

pub(crate) fn seal_write_error(error: io::Error) -> SealError {
    if is_full(&error) {
        SealError::DiskFull(error)
    } else {
        SealError::Write(error)
    }
}

pub(crate) fn open_write_error(error: io::Error) -> OpenError {
    if is_full(&error) {
        OpenError::DiskFull(error)
    } else {
        OpenError::Write(error)
    }
}

fn shape_for_sealing(chunk_bytes: u32) -> Shape {
    Shape {
        chunk_bytes: chunk_bytes as usize,
        growth_bytes: TAG_BYTES,
    }
}

fn shape_for_opening(chunk_bytes: u32) -> Shape {
    Shape {
        chunk_bytes: chunk_bytes as usize + TAG_BYTES,
        growth_bytes: 0,
    }
}

/// Opens a chunk, or says why it does not open. The key is known to be right.
fn open_chunk(
    cipher: &ChunkCipher,
    header: &Header,
    header_bytes: &[u8],
    chunk: &mut Chunk<OpenError>,
) -> Result<(), OpenError> {
    // Where no length was promised, only the ciphertext can tell a cut from damage.
    let spare = match header.plaintext_len() {
        None => chunk.data.clone(),
        Some(_) => Vec::new(),
    };
    let found_len = chunk.data.len();
    if cipher.open(header_bytes, chunk).is_ok() {
        return Ok(());
    }
    let (index, last) = (chunk.index, chunk.last);
    let Some(promised) = header.sealed_len() else {
        // A chunk that opens once it is taken for the other kind is authentic: the
        // file was cut after it, or goes on after its end.
        let mut other = Chunk::<()>::new(index, !last, spare);
        return Err(match (cipher.open(header_bytes, &mut other), last) {
            (Ok(()), true) => OpenError::Truncated { chunk: index },
            (Ok(()), false) => OpenError::TrailingData { chunk: index },
            (Err(_), true) if found_len < TAG_BYTES => OpenError::Truncated { chunk: index },
            (Err(_), _) => OpenError::Corrupt { chunk: index },
        });
    };
    let end = u64::from(header.chunk_bytes())
        .saturating_add(TAG_BYTES as u64)
        .saturating_mul(index)
        .saturating_add(HEADER_BYTES as u64)
        .saturating_add(found_len as u64);
    Err(if last && end < promised {
        OpenError::Truncated { chunk: index }
    } else if end > promised || (!last && end == promised) {
        OpenError::TrailingData { chunk: index }
    } else {
        OpenError::Corrupt { chunk: index }
    })
}
