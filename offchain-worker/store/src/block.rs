//! Blocks and the CIDs that name them.
//!
//! Weft uses one kind of CID: version 1, SHA-256, of raw bytes or of a dag-pb
//! node (<https://github.com/multiformats/cid>). In binary it is always 36 bytes.

use bytes::Bytes;
use cid::{Cid, Version};
use multihash::Multihash;
use sha2::{Digest, Sha256};

/// Most bytes of a block: what peers of the IPFS network exchange, 2 MiB.
pub const MAX_BLOCK_BYTES: usize = 2 << 20;

/// Bytes of a binary CID: version, codec, hash function, digest length, digest.
pub const CID_BYTES: usize = 36;

const SHA2_256: u64 = 0x12;
const RAW: u64 = 0x55;
const DAG_PB: u64 = 0x70;
/// A CID in any base is much shorter.
const MAX_CID_TEXT: usize = 256;

/// How a block is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Bytes of a file and nothing else.
    Raw,
    /// A node with links to other blocks.
    DagPb,
}

/// Why a CID is not one that the store knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    /// No CID at all.
    #[error("this is not a CID ({0}); a CID looks like bafkrei... or bafybei...")]
    Malformed(String),
    /// Version 0, the `Qm...` form.
    #[error("CID version 0 is not used here; give its version 1 form (ipfs cid base32 CID)")]
    Version0,
    /// Neither raw nor dag-pb.
    #[error("the CID is of codec {0:#x}; only raw blocks and dag-pb nodes are kept here")]
    Codec(u64),
    /// Not a SHA-256 digest.
    #[error("the CID is not made with SHA-256 (hash function {0:#x}); publish the content again with SHA-256")]
    Hash(u64),
}

/// Why bytes are not a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The CID is not one that the store knows.
    #[error(transparent)]
    Cid(#[from] CidError),
    /// The bytes have another CID.
    #[error("the content is not that of {0}; fetch it from another peer")]
    WrongContent(Cid),
    /// More than a block may hold.
    #[error("a block of {len} bytes is above the {MAX_BLOCK_BYTES} that a block may have; add it as a file")]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
}

/// Bytes that are known to have their CID. There is no way to make one
/// otherwise, so whoever takes a `Block` need not check it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    data: Bytes,
}

impl Block {
    /// A raw block of these bytes.
    pub fn raw(data: Bytes) -> Result<Self, BlockError> {
        Self::hashed(RAW, data)
    }

    /// A block of an encoded dag-pb node.
    pub fn dag_pb(data: Bytes) -> Result<Self, BlockError> {
        Self::hashed(DAG_PB, data)
    }

    /// Checks that `data` is what `cid` names.
    pub fn verify(cid: &Cid, data: Bytes) -> Result<Self, BlockError> {
        codec_of(cid)?;
        let block = Self::hashed(cid.codec(), data)?;
        if block.cid == *cid {
            Ok(block)
        } else {
            Err(BlockError::WrongContent(*cid))
        }
    }

    fn hashed(codec: u64, data: Bytes) -> Result<Self, BlockError> {
        if data.len() > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLarge { len: data.len() });
        }
        let cid = cid_of_digest(codec, &Sha256::digest(&data).into());
        Ok(Self { cid, data })
    }

    /// The block's name.
    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    /// The block's bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The block's bytes, without the name.
    pub fn into_data(self) -> Bytes {
        self.data
    }
}

/// The codec of a CID that the store knows; an error for any other CID.
pub fn codec_of(cid: &Cid) -> Result<Codec, CidError> {
    if cid.version() == Version::V0 {
        return Err(CidError::Version0);
    }
    let hash = cid.hash();
    if hash.code() != SHA2_256 || hash.digest().len() != 32 {
        return Err(CidError::Hash(hash.code()));
    }
    match cid.codec() {
        RAW => Ok(Codec::Raw),
        DAG_PB => Ok(Codec::DagPb),
        other => Err(CidError::Codec(other)),
    }
}

/// Reads a CID as people and peers write it.
pub fn parse_cid(text: &str) -> Result<Cid, CidError> {
    if text.len() > MAX_CID_TEXT {
        return Err(CidError::Malformed("it is too long".to_owned()));
    }
    let cid = Cid::try_from(text).map_err(|e| CidError::Malformed(e.to_string()))?;
    codec_of(&cid)?;
    Ok(cid)
}

/// The binary form, as it goes on chain.
pub fn cid_to_bytes(cid: &Cid) -> Result<[u8; CID_BYTES], CidError> {
    codec_of(cid)?;
    // Version 1, either codec and SHA-256 are one byte each in every such CID.
    cid.to_bytes()
        .try_into()
        .map_err(|_| CidError::Malformed("its binary form is not 36 bytes".to_owned()))
}

/// Reads the binary form.
pub fn cid_from_bytes(bytes: &[u8; CID_BYTES]) -> Result<Cid, CidError> {
    let cid = Cid::try_from(bytes.as_slice()).map_err(|e| CidError::Malformed(e.to_string()))?;
    codec_of(&cid)?;
    Ok(cid)
}

fn cid_of_digest(codec: u64, digest: &[u8; 32]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, digest).expect("a multihash has room for 64 bytes");
    Cid::new_v1(codec, hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cids_come_back_from_text_and_bytes(data in proptest::collection::vec(any::<u8>(), 0..64), raw: bool) {
            let data = Bytes::from(data);
            let block = if raw { Block::raw(data) } else { Block::dag_pb(data) }.unwrap();
            let cid = *block.cid();
            prop_assert_eq!(parse_cid(&cid.to_string()), Ok(cid));
            let bytes = cid_to_bytes(&cid).unwrap();
            prop_assert_eq!(bytes[..4].to_vec(), vec![1, if raw { 0x55 } else { 0x70 }, 0x12, 0x20]);
            prop_assert_eq!(cid_from_bytes(&bytes), Ok(cid));
            prop_assert_eq!(Block::verify(&cid, block.data().clone()), Ok(block));
        }

        #[test]
        fn other_content_is_refused(a in proptest::collection::vec(any::<u8>(), 0..64), b in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assume!(a != b);
            let (a, b) = (Block::raw(a.into()).unwrap(), Block::raw(b.into()).unwrap());
            prop_assert_eq!(
                Block::verify(a.cid(), b.data().clone()),
                Err(BlockError::WrongContent(*a.cid()))
            );
        }

        #[test]
        fn no_text_and_no_bytes_panic(text in ".{0,300}", bytes: [u8; 32], head: [u8; 4]) {
            let _ = parse_cid(&text);
            let mut cid = [0; CID_BYTES];
            cid[..4].copy_from_slice(&head);
            cid[4..].copy_from_slice(&bytes);
            if let Ok(read) = cid_from_bytes(&cid) {
                prop_assert_eq!(cid_to_bytes(&read), Ok(cid));
            }
        }
    }

    #[test]
    fn foreign_cids_are_refused_by_name() {
        let v0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
        assert_eq!(parse_cid(v0), Err(CidError::Version0));
        // dag-cbor, from the CID specification's sibling projects.
        let digest = Multihash::wrap(SHA2_256, &[1; 32]).unwrap();
        let cbor = Cid::new_v1(0x71, digest);
        assert_eq!(parse_cid(&cbor.to_string()), Err(CidError::Codec(0x71)));
        let blake = Cid::new_v1(RAW, Multihash::wrap(0xb220, &[1; 32]).unwrap());
        assert_eq!(parse_cid(&blake.to_string()), Err(CidError::Hash(0xb220)));
        let short = Cid::new_v1(RAW, Multihash::wrap(SHA2_256, &[1; 20]).unwrap());
        assert_eq!(parse_cid(&short.to_string()), Err(CidError::Hash(SHA2_256)));
        assert!(matches!(parse_cid(&"b".repeat(1000)), Err(CidError::Malformed(_))));
    }

    #[test]
    fn a_block_has_a_bound() {
        assert!(Block::raw(vec![0; MAX_BLOCK_BYTES].into()).is_ok());
        assert_eq!(
            Block::raw(vec![0; MAX_BLOCK_BYTES + 1].into()),
            Err(BlockError::TooLarge {
                len: MAX_BLOCK_BYTES + 1
            })
        );
    }
}
