//! The sections of an archive: a length, a CID, and a block.

use bytes::Bytes;
use cid::Cid;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    CarError,
    header::{Header, MAX_HEADER_BYTES},
};
use crate::block::{Block, BlockError, MAX_BLOCK_BYTES, codec_of};

/// Longest binary CID: one with a digest of 64 bytes.
const MAX_CID_BYTES: u64 = 128;
/// Bytes of a varint that are read; nine hold 63 bits.
const MAX_VARINT_BYTES: u32 = 9;

/// One section; the block in it is not checked yet.
pub struct Section {
    /// Where it begins.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
    pub cid: Cid,
    pub data: Bytes,
}

impl Section {
    pub fn check(self) -> Result<Block, CarError> {
        let (offset, cid) = (self.offset, self.cid);
        Block::verify(&cid, self.data).map_err(|error| match error {
            BlockError::WrongContent(cid) => CarError::WrongContent { offset, cid },
            BlockError::Cid(error) => CarError::Cid { offset, error },
            BlockError::TooLarge { .. } => CarError::Malformed {
                offset,
                reason: "a block is larger than blocks may be",
            },
        })
    }
}

/// Reads sections one after the other.
pub struct Sections<R> {
    reader: R,
    offset: u64,
}

impl<R: AsyncRead + Unpin> Sections<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, offset: 0 }
    }

    /// The header, which begins an archive.
    pub async fn header(&mut self) -> Result<Header, CarError> {
        let len = self
            .length(MAX_HEADER_BYTES, "its header is longer than any that is read here")
            .await?
            .ok_or_else(|| malformed(0, "it is empty"))?;
        let offset = self.offset;
        let cbor = self.bytes(len, "it ends inside its header").await?;
        Header::decode(&cbor, offset)
    }

    /// The next section; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Section>, CarError> {
        let offset = self.offset;
        let longest = MAX_BLOCK_BYTES as u64 + MAX_CID_BYTES;
        let length = self.length(longest, "a block is larger than blocks may be").await?;
        let Some(len) = length else {
            return Ok(None);
        };
        let section = Bytes::from(self.bytes(len, "it ends inside a block").await?);
        let mut rest = &section[..];
        let cid = Cid::read_bytes(&mut rest).map_err(|_| malformed(offset, "there is no CID where one must be"))?;
        codec_of(&cid).map_err(|error| CarError::Cid { offset, error })?;
        Ok(Some(Section {
            offset,
            end: self.offset,
            cid,
            data: section.slice(section.len() - rest.len()..),
        }))
    }

    /// The length of what follows; `None` if nothing does.
    async fn length(&mut self, longest: u64, too_long: &'static str) -> Result<Option<u64>, CarError> {
        let offset = self.offset;
        let mut value = 0u64;
        for index in 0..MAX_VARINT_BYTES {
            let mut byte = [0u8];
            let read = self.reader.read(&mut byte).await.map_err(CarError::Read)?;
            if read == 0 {
                return match index {
                    0 => Ok(None),
                    _ => Err(malformed(offset, "it ends inside a length")),
                };
            }
            self.offset += 1;
            value |= u64::from(byte[0] & 0x7f) << (7 * index);
            if byte[0] & 0x80 == 0 {
                return match value {
                    0 => Err(malformed(offset, "there is a section of no length")),
                    _ if value > longest => Err(malformed(offset, too_long)),
                    _ => Ok(Some(value)),
                };
            }
        }
        Err(malformed(offset, "there is no length where one must be"))
    }

    async fn bytes(&mut self, len: u64, cut: &'static str) -> Result<Vec<u8>, CarError> {
        // The caller bounded it.
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        let read = (&mut self.reader).take(len).read_to_end(&mut bytes).await;
        let read = read.map_err(CarError::Read)? as u64;
        self.offset += read;
        if read < len {
            return Err(malformed(self.offset, cut));
        }
        Ok(bytes)
    }
}

fn malformed(offset: u64, reason: &'static str) -> CarError {
    CarError::Malformed { offset, reason }
}
