//! Content addresses in the fixed-size form that the chain stores.
//!
//! Everything Weft refers to by content is a CIDv1 whose multihash is sha2-256, so 33 bytes say all there is to say.
//! As text, and so in JSON, a [`ContentId`] is its CID in base32 (`bafk...`, `bafy...`), which any IPFS tool takes.
//! Source: <https://github.com/multiformats/cid>, <https://github.com/multiformats/multicodec>, RFC 4648 section 6.

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt::Write;
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Multicodec of the block a [`ContentId`] points at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ContentCodec {
    /// `raw`, 0x55: the block is the content.
    #[codec(index = 0x55)]
    Raw,
    /// `dag-pb`, 0x70: the block is a node of a UnixFS tree.
    #[codec(index = 0x70)]
    DagPb,
}

impl ContentCodec {
    /// The multicodec number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Raw => 0x55,
            Self::DagPb => 0x70,
        }
    }
}

/// A CIDv1 with a sha2-256 multihash. Its SCALE form is the codec byte and the 32-byte digest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ContentId {
    /// What kind of block the digest is of.
    pub codec: ContentCodec,
    /// sha2-256 of the block.
    pub sha256: [u8; 32],
}

/// Why bytes are not a [`ContentId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidContentId {
    /// A binary CIDv1 with sha2-256 has 36 bytes.
    Length,
    /// Only version 1 is used.
    Version,
    /// Only `raw` and `dag-pb` are used.
    Codec,
    /// Only sha2-256 (0x12) of 32 bytes is used.
    Multihash,
    /// The text is not multibase base32.
    Text,
}

impl core::fmt::Display for InvalidContentId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Length => "not a CID: a binary CIDv1 with sha2-256 is 36 bytes long",
            Self::Version => "unsupported CID version: publish the content again as CIDv1",
            Self::Codec => "unsupported CID codec: only raw and dag-pb are used",
            Self::Multihash => "unsupported multihash: only sha2-256 is used",
            Self::Text => "not a CID: expected b and 58 base32 letters and digits, such as bafk...",
        })
    }
}

impl core::error::Error for InvalidContentId {}

impl ContentId {
    /// Length of the binary CID.
    pub const CID_LEN: usize = 36;

    /// The binary CIDv1: version, codec, sha2-256 code, digest length, digest.
    pub fn to_cid_bytes(&self) -> [u8; Self::CID_LEN] {
        let mut out = [0u8; Self::CID_LEN];
        out[..4].copy_from_slice(&[0x01, self.codec.code(), 0x12, 0x20]);
        out[4..].copy_from_slice(&self.sha256);
        out
    }

    /// Reads a binary CIDv1.
    pub fn from_cid_bytes(bytes: &[u8]) -> Result<Self, InvalidContentId> {
        let bytes: &[u8; Self::CID_LEN] = bytes.try_into().map_err(|_| InvalidContentId::Length)?;
        let [version, codec, hash, len, sha256 @ ..] = *bytes;
        if version != 0x01 {
            return Err(InvalidContentId::Version);
        }
        let codec = match codec {
            0x55 => ContentCodec::Raw,
            0x70 => ContentCodec::DagPb,
            _ => return Err(InvalidContentId::Codec),
        };
        if (hash, len) != (0x12, 0x20) {
            return Err(InvalidContentId::Multihash);
        }
        Ok(Self { codec, sha256 })
    }
}

/// Alphabet of RFC 4648 base32, in lower case as multibase `b` has it.
const BASE32: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";

/// Characters of a [`ContentId`] as text: the multibase letter and 288 bits in digits of five, the last one short.
const TEXT_LEN: usize = 1 + (ContentId::CID_LEN * 8).div_ceil(5);

impl core::fmt::Display for ContentId {
    /// The CID in base32.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let digit = |five_bits: u16| {
            let at = usize::from(five_bits & 0b1_1111);
            char::from(BASE32.get(at).copied().unwrap_or_default())
        };
        f.write_char('b')?;
        let (mut pending, mut bits) = (0u16, 0u32);
        for byte in self.to_cid_bytes() {
            pending = (pending << 8) | u16::from(byte);
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                f.write_char(digit(pending >> bits))?;
            }
            // At most four bits are carried over.
            pending &= 0b1111;
        }
        f.write_char(digit(pending << (5 - bits)))
    }
}

impl core::str::FromStr for ContentId {
    type Err = InvalidContentId;

    /// Reads a CID in base32. Only the one spelling that [`Display`](core::fmt::Display) writes is accepted.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != TEXT_LEN {
            return Err(InvalidContentId::Text);
        }
        let digits = text.strip_prefix('b').ok_or(InvalidContentId::Text)?;
        let mut cid = [0u8; Self::CID_LEN];
        let mut out = cid.iter_mut();
        let (mut pending, mut bits) = (0u16, 0u32);
        for letter in digits.bytes() {
            let five_bits = BASE32
                .iter()
                .zip(0u16..)
                .find_map(|(known, value)| (*known == letter).then_some(value))
                .ok_or(InvalidContentId::Text)?;
            pending = (pending << 5) | five_bits;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                let byte = out.next().ok_or(InvalidContentId::Text)?;
                *byte = (pending >> bits) as u8;
                pending &= (1 << bits) - 1;
            }
        }
        if pending != 0 {
            return Err(InvalidContentId::Text);
        }
        Self::from_cid_bytes(&cid)
    }
}

impl Serialize for ContentId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn binary_form_round_trips(sha256: [u8; 32], raw: bool) {
            let id = ContentId { codec: if raw { ContentCodec::Raw } else { ContentCodec::DagPb }, sha256 };
            prop_assert_eq!(ContentId::from_cid_bytes(&id.to_cid_bytes()), Ok(id));
            prop_assert_eq!(ContentId::decode(&mut &id.encode()[..]), Ok(id));
        }

        #[test]
        fn text_round_trips(sha256: [u8; 32], raw: bool) {
            let id = ContentId { codec: if raw { ContentCodec::Raw } else { ContentCodec::DagPb }, sha256 };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde::de::value::StringDeserializer::<serde::de::value::Error>::new(id.to_string());
            prop_assert_eq!(ContentId::deserialize(json), Ok(id));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "b[a-z2-7]{57}[a-z2-7é]") {
            if let Ok(id) = text.parse::<ContentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(id) = ContentId::from_cid_bytes(&bytes) {
                prop_assert_eq!(&id.to_cid_bytes()[..], &bytes[..]);
            }
        }
    }

    #[test]
    fn each_defect_has_its_own_reason() {
        let good = ContentId {
            codec: ContentCodec::Raw,
            sha256: [7; 32],
        }
        .to_cid_bytes();
        assert_eq!(ContentId::from_cid_bytes(&good[..35]), Err(InvalidContentId::Length));
        for (at, why) in [
            (0, InvalidContentId::Version),
            (1, InvalidContentId::Codec),
            (2, InvalidContentId::Multihash),
            (3, InvalidContentId::Multihash),
        ] {
            let mut bad = good;
            bad[at] ^= 0x40;
            assert_eq!(ContentId::from_cid_bytes(&bad), Err(why));
        }
    }

    /// The published address of the empty block, as every IPFS tool prints it.
    #[test]
    fn text_is_the_one_that_ipfs_prints() {
        let empty = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        let id: ContentId = empty.parse().unwrap();
        assert_eq!(id.codec, ContentCodec::Raw);
        assert_eq!(id.sha256[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(id.to_string(), empty);
        for bad in [
            &empty[1..],
            &empty.to_uppercase(),
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk1",
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv",
            "",
        ] {
            assert_eq!(bad.parse::<ContentId>(), Err(InvalidContentId::Text), "{bad}");
        }
    }
}
