//! Published assets.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::content::ContentId;

/// Number of an asset, given in the order of publication, never reused.
pub type AssetId = u64;

/// Number of a work: that of its first version. What is owned, priced, licensed and rated is the work; what is sealed,
/// offered and run is one of its versions.
pub type WorkId = AssetId;

/// Most versions of one work.
pub const MAX_VERSIONS: u32 = 65_535;

/// Most tags of one work.
pub const MAX_TAGS: u32 = 5;

/// The longest tag, in bytes.
pub const MAX_TAG_BYTES: u32 = 24;

/// What an asset is. The index is part of the encoding: new kinds go at the end.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// Generates text from a chat prompt.
    TextModel,
    /// Embeds text into a vector.
    EmbeddingModel,
    /// Records to train or evaluate on.
    Dataset,
    /// Says what an image shows.
    ImageModel,
}

impl AssetKind {
    /// Whether jobs can be posted against this kind of asset.
    pub const fn runs_jobs(self) -> bool {
        matches!(self, Self::TextModel | Self::EmbeddingModel | Self::ImageModel)
    }
}

/// What a dataset commits to, so that anyone can check a sample of it against the chain.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Records {
    /// Merkle root over the records in plaintext.
    #[serde(with = "crate::json::hex_bytes")]
    pub root: [u8; 32],
    /// How many records there are, at least 1.
    pub count: u64,
    /// What a record looks like.
    pub schema: ContentId,
}

/// What is said to be wrong with an asset. The index is part of the encoding: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It was made to mislead what is trained on it or who uses it.
    #[codec(index = 0)]
    Poisoned,
    /// It is not what its manifest, schema or labels say.
    #[codec(index = 1)]
    Mislabelled,
    /// It is not its publisher's to publish.
    #[codec(index = 2)]
    Infringing,
    /// Something else, which the evidence tells.
    #[codec(index = 3)]
    Other,
}

/// Whether bytes can stand as a tag: lower-case letters, digits and inner hyphens of ASCII, so that what looks alike is
/// alike.
pub fn is_tag(bytes: &[u8]) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    bytes.len() <= MAX_TAG_BYTES as usize
        && bytes.iter().all(is_inner)
        && matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if *first != b'-' && *last != b'-')
}

/// Whether bytes can stand as an asset's name: UTF-8, not blank, and without control characters, because names are
/// shown in terminals and pages.
pub fn is_name(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok_and(|name| !name.trim().is_empty() && !name.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_plain() {
        for good in ["text", "speech-to-text", "3d", "a", "abcdefghijklmnopqrstuvwx"] {
            assert!(is_tag(good.as_bytes()), "{good}");
        }
        for bad in ["", "-", "-a", "a-", "Text", "a b", "ü", "abcdefghijklmnopqrstuvwxy"] {
            assert!(!is_tag(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn names_are_printable_text() {
        for good in ["SmolLM2-135M-Instruct", "Übersetzer", "模型"] {
            assert!(is_name(good.as_bytes()), "{good}");
        }
        for bad in [&b""[..], b"  ", b"a\x1b[2Jb", b"line\nbreak", b"\xff\xfe"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
