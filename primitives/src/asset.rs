//! Published assets.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Number of an asset, given in the order of publication, never reused.
pub type AssetId = u64;

/// Number of a work: that of its first version. What is owned, priced, licensed and rated is the work; what is sealed, offered
/// and run is one of its versions.
pub type WorkId = AssetId;

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

/// Whether bytes can stand as an asset's name: UTF-8, not blank, and without control characters, because names are
/// shown in terminals and pages.
pub fn is_name(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok_and(|name| !name.trim().is_empty() && !name.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

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
