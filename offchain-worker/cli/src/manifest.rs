//! A model's manifest: the public block that says what a sealed file holds.
//!
//! The sealed plaintext is the model's files one after the other, in the order of the manifest; their sizes say where
//! each begins. Sizes come from strangers and are only ever compared with what was opened.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use weft_primitives::{AssetKind, ContentId};

/// The form of this manifest.
const FORM: &str = "weft/manifest/1";
/// Most files of one model.
const MAX_FILES: usize = 64;
/// Most files of a tokenizer.
const MAX_TOKENIZER_FILES: usize = 8;
/// Most bytes of them together.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Most bytes of a manifest's JSON.
pub const MAX_BYTES: usize = 64 << 10;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always the same text.
    pub form: String,
    /// Name for people.
    pub name: String,
    /// What it is.
    pub kind: AssetKind,
    /// The files.
    pub files: Vec<FileEntry>,
    /// The sealed file that holds them.
    pub sealed: ContentId,
    /// Of an exact model, those of the files that are its tokenizer: they are there to be read by everybody, so that whoever asks can
    /// commit to the tokens. Manifests of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokenizer: Vec<TokenizerFile>,
}

/// One file of a tokenizer, unsealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerFile {
    /// Its name among the model's files.
    pub name: String,
    /// Where it is.
    pub content: ContentId,
    /// Its size.
    pub bytes: u64,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name, without directories that lead out.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// sha2-256 of its plaintext, in hexadecimal digits.
    pub sha256: String,
}

/// Why a manifest or the plaintext it describes is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not a manifest at all.
    #[error("the manifest cannot be read ({0}): its creator must publish the model again")]
    Malformed(String),
    /// A manifest of a later weft.
    #[error("the manifest has the form `{0}`, which this build does not know: upgrade weft")]
    Form(String),
    /// It contradicts the chain.
    #[error("the manifest is for another sealed file than the chain says: its creator must publish the model again")]
    OtherContent,
    /// The plaintext is not what the manifest says.
    #[error("{0} is not the file that the manifest describes: its creator must publish the model again")]
    WrongFile(String),
}

impl Manifest {
    /// Describes files that are about to be sealed.
    pub fn new(name: String, kind: AssetKind, files: Vec<FileEntry>, sealed: ContentId) -> Self {
        Self {
            form: FORM.to_owned(),
            name,
            kind,
            files,
            sealed,
            tokenizer: Vec::new(),
        }
    }

    /// Those of the files with these names, if they may be named as a tokenizer; none if they are too large for that.
    pub fn readable(&self, names: &[&str]) -> Vec<&FileEntry> {
        let chosen: Vec<_> = self
            .files
            .iter()
            .filter(|file| names.contains(&file.name.as_str()))
            .collect();
        match are_bounded(chosen.len(), chosen.iter().map(|file| file.bytes)) {
            true => chosen,
            false => Vec::new(),
        }
    }

    /// The block.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        serde_json::to_vec(self).map_err(|error| ManifestError::Malformed(error.to_string()))
    }

    /// Reads a block from a stranger, which is to describe `sealed`.
    pub fn from_bytes(bytes: &[u8], sealed: &ContentId) -> Result<Self, ManifestError> {
        let malformed = |why: &str| ManifestError::Malformed(why.to_owned());
        if bytes.len() > MAX_BYTES {
            return Err(malformed("too long"));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if manifest.form != FORM {
            return Err(ManifestError::Form(manifest.form));
        }
        if manifest.files.is_empty() || manifest.files.len() > MAX_FILES {
            return Err(malformed("it lists no files, or too many"));
        }
        if manifest.sealed != *sealed {
            return Err(ManifestError::OtherContent);
        }
        let sizes = manifest.tokenizer.iter().map(|file| file.bytes);
        if !are_bounded(manifest.tokenizer.len(), sizes) {
            return Err(malformed("its tokenizer is too large"));
        }
        let is_sealed = |file: &TokenizerFile| {
            let same = |sealed: &FileEntry| sealed.name == file.name && sealed.bytes == file.bytes;
            manifest.files.iter().any(same)
        };
        if !manifest.tokenizer.iter().all(is_sealed) {
            return Err(malformed("its tokenizer is none of its files"));
        }
        Ok(manifest)
    }

    /// Whether what was read of a tokenizer's file is what was sealed.
    pub fn is_as_sealed(&self, file: &TokenizerFile, content: &[u8]) -> bool {
        let digest = hex::encode(Sha256::digest(content));
        let sealed = self.files.iter().find(|sealed| sealed.name == file.name);
        sealed.is_some_and(|sealed| sealed.sha256 == digest)
    }

    /// All bytes together; `None` if that is no sensible number.
    pub fn total_bytes(&self) -> Option<u64> {
        self.files
            .iter()
            .try_fold(0u64, |sum, file| sum.checked_add(file.bytes))
    }

    /// Splits the opened plaintext into the files, checked.
    pub fn split<'a>(&self, mut plaintext: &'a [u8]) -> Result<Vec<(&str, &'a [u8])>, ManifestError> {
        let mut files = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let wrong = || ManifestError::WrongFile(file.name.clone());
            let bytes = usize::try_from(file.bytes).map_err(|_| wrong())?;
            let (content, rest) = plaintext.split_at_checked(bytes).ok_or_else(wrong)?;
            if hex::encode(Sha256::digest(content)) != file.sha256 {
                return Err(wrong());
            }
            files.push((file.name.as_str(), content));
            plaintext = rest;
        }
        if plaintext.is_empty() {
            Ok(files)
        } else {
            Err(ManifestError::WrongFile("what follows the last file".into()))
        }
    }
}

/// Whether a tokenizer is of a size that strangers may ask others to read.
fn are_bounded(files: usize, sizes: impl Iterator<Item = u64>) -> bool {
    let bytes = sizes.fold(0u64, u64::saturating_add);
    files <= MAX_TOKENIZER_FILES && bytes <= MAX_TOKENIZER_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_primitives::ContentCodec;

    fn sealed(byte: u8) -> ContentId {
        ContentId {
            codec: ContentCodec::DagPb,
            sha256: [byte; 32],
        }
    }

    fn of(files: &[Vec<u8>]) -> Manifest {
        let files = files
            .iter()
            .enumerate()
            .map(|(i, bytes)| FileEntry {
                name: format!("file {i}"),
                bytes: bytes.len() as u64,
                sha256: hex::encode(Sha256::digest(bytes)),
            })
            .collect();
        Manifest::new("m".into(), AssetKind::TextModel, files, sealed(1))
    }

    proptest! {
        #[test]
        fn files_come_out_as_they_went_in(files in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..5)) {
            let manifest = of(&files);
            let read = Manifest::from_bytes(&manifest.to_bytes().unwrap(), &sealed(1)).unwrap();
            let plaintext = files.concat();
            let split: Vec<_> = read.split(&plaintext).unwrap().into_iter().map(|(_, bytes)| bytes.to_vec()).collect();
            prop_assert_eq!(split, files);
        }

        #[test]
        fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), sizes: [u64; 3]) {
            let _ = Manifest::from_bytes(&bytes, &sealed(1));
            let mut manifest = of(&[vec![], vec![], vec![]]);
            for (file, size) in manifest.files.iter_mut().zip(sizes) {
                file.bytes = size;
            }
            let _ = manifest.total_bytes();
            let _ = manifest.split(&bytes);
        }
    }

    #[test]
    fn each_contradiction_has_its_own_error() {
        let manifest = of(&[b"weights".to_vec()]);
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(
            Manifest::from_bytes(&bytes, &sealed(2)),
            Err(ManifestError::OtherContent)
        );
        assert!(matches!(
            Manifest::from_bytes(b"{", &sealed(1)),
            Err(ManifestError::Malformed(_))
        ));
        let later = Manifest {
            form: "weft/manifest/9".into(),
            ..manifest.clone()
        };
        assert_eq!(
            Manifest::from_bytes(&later.to_bytes().unwrap(), &sealed(1)),
            Err(ManifestError::Form("weft/manifest/9".into()))
        );
        for plaintext in [&b"weightz"[..], b"weight", b"weights and more"] {
            assert!(matches!(manifest.split(plaintext), Err(ManifestError::WrongFile(_))));
        }
    }

    fn with_tokenizer(files: &[Vec<u8>], count: usize) -> Manifest {
        let mut manifest = of(files);
        manifest.tokenizer = manifest.files[..count]
            .iter()
            .map(|file| TokenizerFile {
                name: file.name.clone(),
                content: sealed(9),
                bytes: file.bytes,
            })
            .collect();
        manifest
    }

    #[test]
    fn manifests_are_read_with_a_tokenizer_and_without_as_before() {
        let with = with_tokenizer(&[b"words".to_vec(), b"weights".to_vec()], 1);
        assert_eq!(
            Manifest::from_bytes(&with.to_bytes().unwrap(), &sealed(1)),
            Ok(with.clone())
        );
        assert!(with.is_as_sealed(&with.tokenizer[0], b"words"));
        assert!(!with.is_as_sealed(&with.tokenizer[0], b"swords"));
        let without = of(&[b"weights".to_vec()]);
        let bytes = without.to_bytes().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("tokenizer"));
        assert_eq!(Manifest::from_bytes(&bytes, &sealed(1)), Ok(without));
    }

    #[test]
    fn a_tokenizer_is_bounded_and_one_of_the_files() {
        let refused = |manifest: &Manifest| {
            let read = Manifest::from_bytes(&manifest.to_bytes().unwrap(), &sealed(1));
            assert!(matches!(read, Err(ManifestError::Malformed(_))), "{read:?}");
        };
        refused(&with_tokenizer(&vec![b"words".to_vec(); 9], 9));
        let fits = with_tokenizer(&[b"words".to_vec()], 1);
        let mut other = fits.clone();
        other.tokenizer[0].name = "file 7".into();
        refused(&other);
        let mut large = fits.clone();
        large.tokenizer[0].bytes = MAX_TOKENIZER_BYTES + 1;
        large.files[0].bytes = MAX_TOKENIZER_BYTES + 1;
        refused(&large);
        assert!(large.readable(&["file 0"]).is_empty());
        assert_eq!(fits.readable(&["file 0", "file 1"]).len(), 1);
    }
}
