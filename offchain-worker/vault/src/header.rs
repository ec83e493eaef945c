//! The first 64 bytes of a sealed file.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `WEFTSEAL` |
//! | 8 | 1 | version, 1 |
//! | 9 | 1 | suite: 1 = AES-256-GCM in STREAM with a 32-bit big-endian counter |
//! | 10 | 1 | flags: bit 0 = the plaintext length is known |
//! | 11 | 7 | nonce prefix |
//! | 18 | 2 | zero |
//! | 20 | 4 | plaintext bytes a chunk, little-endian, a power of two |
//! | 24 | 8 | plaintext bytes of the file, little-endian; zero when not known |
//! | 32 | 32 | commitment to the content key |
//!
//! The whole header is the associated data of every chunk, so no byte of it can
//! be changed without the first chunk failing.

use crate::key::{KeyCommitment, RandomnessError};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// Plaintext bytes a chunk, unless the sealer asks for another size: 1 MiB.
pub const CHUNK_BYTES: u32 = 1 << 20;
/// Bytes that sealing adds to every chunk.
pub const TAG_BYTES: usize = 16;

const MAGIC: [u8; 8] = *b"WEFTSEAL";
const VERSION: u8 = 1;
const SUITE_AES_256_GCM_STREAM_BE32: u8 = 1;
const FLAG_LENGTH_KNOWN: u8 = 1;

/// What opening allocates depends on the chunk size that a stranger wrote into
/// the header, so that size is bounded.
const CHUNK_BYTES_MIN: u32 = 1 << 10;
const CHUNK_BYTES_MAX: u32 = 1 << 22;

/// Why a header is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The first eight bytes are not the magic.
    #[error("this is not a sealed file: it does not begin with WEFTSEAL")]
    NotSealed,
    /// The file ends inside its header.
    #[error("the file ends inside its header ({found} of {HEADER_BYTES} bytes); fetch it again")]
    Short {
        /// Bytes that were there.
        found: usize,
    },
    /// Made by a later version, or damaged.
    #[error(
        "{field} {found} of this sealed file is not known to this version of weft; update weft, or fetch the file again"
    )]
    Unsupported {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
    },
    /// A field contradicts another or its range.
    #[error("the header of this sealed file is damaged ({0}); fetch it again")]
    Damaged(&'static str),
}

/// The random part of every chunk's nonce.
///
/// A key seals one artifact, so this guards only against a caller who reuses a
/// key: two artifacts under one key collide with probability 2^-56.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoncePrefix(pub [u8; 7]);

impl NoncePrefix {
    /// Draws a prefix from the operating system.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut prefix = [0; 7];
        getrandom::fill(&mut prefix)?;
        Ok(Self(prefix))
    }
}

/// What is known of a sealed file before any of it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    nonce_prefix: NoncePrefix,
    chunk_bytes: u32,
    plaintext_len: Option<u64>,
    commitment: KeyCommitment,
}

impl Header {
    /// A header for [`CHUNK_BYTES`] chunks. `plaintext_len` is in bytes, `None`
    /// when it is not known yet (a pipe); knowing it lets the opener tell a
    /// shortened file from a damaged one.
    pub fn new(commitment: KeyCommitment, nonce_prefix: NoncePrefix, plaintext_len: Option<u64>) -> Self {
        Self {
            nonce_prefix,
            chunk_bytes: CHUNK_BYTES,
            plaintext_len,
            commitment,
        }
    }

    /// The same header for other chunks: a power of two from 1 KiB to 4 MiB.
    pub fn with_chunk_bytes(self, chunk_bytes: u32) -> Result<Self, HeaderError> {
        let chunk_bytes = checked_chunk_bytes(chunk_bytes)?;
        Ok(Self { chunk_bytes, ..self })
    }

    /// Plaintext bytes a chunk (the last one may hold fewer).
    pub fn chunk_bytes(&self) -> u32 {
        self.chunk_bytes
    }

    /// Plaintext bytes of the file, if the sealer knew.
    pub fn plaintext_len(&self) -> Option<u64> {
        self.plaintext_len
    }

    /// Commitment to the key that opens the file.
    pub fn commitment(&self) -> KeyCommitment {
        self.commitment
    }

    /// The random part of the nonces.
    pub fn nonce_prefix(&self) -> NoncePrefix {
        self.nonce_prefix
    }

    /// Bytes of the whole sealed file, if the plaintext's length is known and
    /// the sum fits.
    pub fn sealed_len(&self) -> Option<u64> {
        let len = self.plaintext_len?;
        // An empty file has one chunk: the last one.
        let chunks = len.div_ceil(u64::from(self.chunk_bytes)).max(1);
        chunks
            .checked_mul(TAG_BYTES as u64)?
            .checked_add(len)?
            .checked_add(HEADER_BYTES as u64)
    }

    /// The bytes at the start of the file.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8] = VERSION;
        out[9] = SUITE_AES_256_GCM_STREAM_BE32;
        out[10] = if self.plaintext_len.is_some() {
            FLAG_LENGTH_KNOWN
        } else {
            0
        };
        out[11..18].copy_from_slice(&self.nonce_prefix.0);
        out[20..24].copy_from_slice(&self.chunk_bytes.to_le_bytes());
        out[24..32].copy_from_slice(&self.plaintext_len.unwrap_or(0).to_le_bytes());
        out[32..64].copy_from_slice(&self.commitment.0);
        out
    }

    /// Reads the first [`HEADER_BYTES`] of a file. There is exactly one encoding
    /// of a header: what is accepted is what [`Header::to_bytes`] writes.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderError> {
        if bytes[0..8] != MAGIC {
            return Err(HeaderError::NotSealed);
        }
        let unsupported = |field, found: u8| HeaderError::Unsupported {
            field,
            found: u32::from(found),
        };
        if bytes[8] != VERSION {
            return Err(unsupported("version", bytes[8]));
        }
        if bytes[9] != SUITE_AES_256_GCM_STREAM_BE32 {
            return Err(unsupported("cipher suite", bytes[9]));
        }
        if bytes[10] & !FLAG_LENGTH_KNOWN != 0 {
            return Err(unsupported("flags", bytes[10]));
        }
        let mut prefix = [0; 7];
        prefix.copy_from_slice(&bytes[11..18]);
        if bytes[18..20] != [0, 0] {
            return Err(HeaderError::Damaged("reserved bytes are set"));
        }
        let mut chunk = [0; 4];
        chunk.copy_from_slice(&bytes[20..24]);
        let chunk_bytes = checked_chunk_bytes(u32::from_le_bytes(chunk))?;
        let mut len = [0; 8];
        len.copy_from_slice(&bytes[24..32]);
        let plaintext_len = match (bytes[10] & FLAG_LENGTH_KNOWN, u64::from_le_bytes(len)) {
            (0, 0) => None,
            (0, _) => return Err(HeaderError::Damaged("a length that is said to be unknown")),
            (_, len) => Some(len),
        };
        let mut commitment = [0; 32];
        commitment.copy_from_slice(&bytes[32..64]);
        Ok(Self {
            nonce_prefix: NoncePrefix(prefix),
            chunk_bytes,
            plaintext_len,
            commitment: KeyCommitment(commitment),
        })
    }
}

fn checked_chunk_bytes(chunk_bytes: u32) -> Result<u32, HeaderError> {
    if chunk_bytes.is_power_of_two() && (CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&chunk_bytes) {
        Ok(chunk_bytes)
    } else {
        Err(HeaderError::Unsupported {
            field: "chunk size",
            found: chunk_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_header() -> impl Strategy<Value = Header> {
        (any::<[u8; 7]>(), 10u32..=22, any::<Option<u64>>(), any::<[u8; 32]>()).prop_map(
            |(prefix, log2, len, commitment)| {
                Header::new(KeyCommitment(commitment), NoncePrefix(prefix), len)
                    .with_chunk_bytes(1 << log2)
                    .unwrap()
            },
        )
    }

    proptest! {
        #[test]
        fn a_header_reads_back(header in any_header()) {
            prop_assert_eq!(Header::parse(&header.to_bytes()), Ok(header));
        }

        #[test]
        fn whatever_is_accepted_is_canonical(header in any_header(), at in 0..HEADER_BYTES, bit in 0..8) {
            let mut bytes = header.to_bytes();
            bytes[at] ^= 1u8 << bit;
            if let Ok(read) = Header::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
                prop_assert_ne!(read, header);
            }
        }

        #[test]
        fn garbage_is_refused(bytes in any::<[u8; 32]>()) {
            let mut header = [0; HEADER_BYTES];
            header[..32].copy_from_slice(&bytes);
            prop_assume!(bytes[..8] != MAGIC);
            prop_assert_eq!(Header::parse(&header), Err(HeaderError::NotSealed));
        }
    }

    #[test]
    fn sizes_outside_the_bounds_are_refused() {
        let header = Header::new(KeyCommitment([0; 32]), NoncePrefix([0; 7]), None);
        for bad in [0, 1, 512, 1025, 3 << 20, 1 << 23, u32::MAX] {
            assert_eq!(
                header.with_chunk_bytes(bad),
                Err(HeaderError::Unsupported {
                    field: "chunk size",
                    found: bad
                })
            );
        }
    }

    #[test]
    fn sealed_length_counts_tags_and_header() {
        let of = |len| Header::new(KeyCommitment([0; 32]), NoncePrefix([0; 7]), len).sealed_len();
        let chunk = u64::from(CHUNK_BYTES);
        assert_eq!(of(None), None);
        assert_eq!(of(Some(0)), Some(64 + 16));
        assert_eq!(of(Some(chunk)), Some(64 + 16 + chunk));
        assert_eq!(of(Some(chunk + 1)), Some(64 + 32 + chunk + 1));
        assert_eq!(of(Some(u64::MAX)), None);
    }
}
