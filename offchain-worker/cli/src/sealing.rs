//! Sealing files for publication: one sealed file in the store, its key in the home directory, and a manifest.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use weft_primitives::{AssetKind, ContentId};
use weft_vault::{ContentKey, seal_to_path};

use crate::{
    blocks::Blocks,
    failure::Failure,
    home::Home,
    manifest::{FileEntry, Manifest},
    pieces,
    progress::Progress,
};

/// Files that were sealed and stored.
pub struct SealedFiles {
    /// The key, which is also in the home directory.
    pub key: ContentKey,
    /// The manifest's block.
    pub manifest: ContentId,
    /// The sealed file.
    pub content: ContentId,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Root over its pieces.
    pub pieces_root: [u8; 32],
}

/// Seals files of `kind`, name and path each, under a fresh key, and stores them with a manifest.
pub async fn seal_and_store(
    home: &Home,
    blocks: &Blocks,
    name: &str,
    kind: AssetKind,
    files: &[(String, PathBuf)],
) -> Result<SealedFiles, Failure> {
    let key = ContentKey::generate().map_err(|error| Failure::Local(error.to_string()))?;
    let sealed_path = home.dir().join(format!("sealing-{}.part", std::process::id()));
    let stored = match seal(files, &key, &sealed_path) {
        Ok(entries) => match (pieces_root(&sealed_path), blocks.put_path(&sealed_path).await) {
            (Ok(pieces_root), Ok(content)) => Ok((entries, pieces_root, content)),
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    // Ciphertext that is in the store by now, or of no use.
    let _ = std::fs::remove_file(&sealed_path);
    let (entries, pieces_root, (content, size_bytes)) = stored?;
    // The key is on disk before anybody can pay for what it opens.
    home.keep_content_key(&content.to_string(), &key)?;
    let manifest = Manifest::new(name.to_owned(), kind, entries, content);
    let bytes = manifest.to_bytes().map_err(|error| Failure::Local(error.to_string()))?;
    Ok(SealedFiles {
        key,
        manifest: blocks.put(bytes).await?,
        content,
        size_bytes,
        pieces_root,
    })
}

fn pieces_root(path: &Path) -> Result<[u8; 32], Failure> {
    let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
    let file = File::open(path).map_err(failed)?;
    Ok(weft_merkle::root(&pieces::leaves(file).map_err(failed)?))
}

/// Seals the files, one after the other, into one sealed file.
fn seal(files: &[(String, PathBuf)], key: &ContentKey, to: &Path) -> Result<Vec<FileEntry>, Failure> {
    let failed = |path: &Path, error: io::Error| Failure::local(format_args!("cannot read {}", path.display()), error);
    let mut total = 0u64;
    let mut opened = Vec::new();
    for (name, path) in files {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let bytes = file.metadata().map_err(|error| failed(path, error))?.len();
        total = total.saturating_add(bytes);
        opened.push((name.clone(), file));
    }
    let progress = Progress::bytes("sealing", Some(total));
    let mut plaintext = Hashed::new(opened);
    let sealed = seal_to_path(&mut plaintext, to, key, Some(total), |done| progress.set(done, None));
    match sealed {
        Ok(_) => {
            progress.done("sealed");
            Ok(plaintext.entries)
        }
        Err(error) => {
            progress.abandon();
            Err(Failure::Local(error.to_string()))
        }
    }
}

/// Files read one after the other, each measured and hashed on the way.
struct Hashed {
    files: std::vec::IntoIter<(String, File)>,
    now: Option<(String, File, Sha256, u64)>,
    entries: Vec<FileEntry>,
}

impl Hashed {
    fn new(files: Vec<(String, File)>) -> Self {
        Self {
            files: files.into_iter(),
            now: None,
            entries: Vec::new(),
        }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some((_, file, hash, bytes)) = &mut self.now else {
                let Some((name, file)) = self.files.next() else {
                    return Ok(0);
                };
                self.now = Some((name, file, Sha256::new(), 0));
                continue;
            };
            let read = file.read(buffer)?;
            if read > 0 {
                hash.update(buffer.get(..read).unwrap_or_default());
                *bytes = bytes.saturating_add(read as u64);
                return Ok(read);
            }
            if let Some((name, _, hash, bytes)) = self.now.take() {
                self.entries.push(FileEntry {
                    name,
                    bytes,
                    sha256: hex::encode(hash.finalize()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_primitives::ContentCodec;

    #[test]
    fn what_is_sealed_is_what_the_manifest_describes() {
        let dir = tempfile::tempdir().unwrap();
        let contents: [&[u8]; 3] = [b"one", b"", &[7; 300_000]];
        let files: Vec<_> = contents
            .iter()
            .enumerate()
            .map(|(i, bytes)| {
                let path = dir.path().join(i.to_string());
                std::fs::write(&path, bytes).unwrap();
                (i.to_string(), path)
            })
            .collect();
        let key = ContentKey::from_bytes([1; 32]);
        let sealed = dir.path().join("sealed");
        let entries = seal(&files, &key, &sealed).unwrap();
        let content = ContentId {
            codec: ContentCodec::DagPb,
            sha256: [0; 32],
        };
        let manifest = Manifest::new("m".into(), AssetKind::EmbeddingModel, entries, content);
        let opened = weft_vault::open_to_vec(File::open(&sealed).unwrap(), &key, None, 1 << 20).unwrap();
        assert_eq!(manifest.total_bytes(), Some(opened.len() as u64));
        let split: Vec<_> = manifest
            .split(&opened)
            .unwrap()
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(split, contents);
    }
}
