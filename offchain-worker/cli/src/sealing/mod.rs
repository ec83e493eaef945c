//! Sealing files for publication: one sealed file in the store, its key in the home directory, and a manifest.
//!
//! Reading, sealing, hashing and keeping are one pass: nothing sealed is written to the disk but the blocks of the store.

mod attempt;
mod plaintext;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use weft_primitives::{AssetId, AssetKind, ContentId};
use weft_store::{Cid, FileWriter, StoreError};
use weft_vault::{ContentKey, SealError, stream};

use self::{
    attempt::{Attempt, Windows},
    plaintext::Plaintext,
};
use crate::{
    blocks::Blocks,
    failure::Failure,
    holdings::Holder,
    home::Home,
    manifest::{FileEntry, Manifest, TokenizerFile},
    pieces::Root,
    progress::Progress,
    store::place::failure,
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
    /// What of it is there to be read as well.
    readable: Vec<ContentId>,
    /// Where it is remembered how far the publication is.
    attempt: PathBuf,
}

impl SealedFiles {
    /// They are on the chain as `asset`, of which `more` are parts as well: from now on they are kept for it.
    pub async fn published(&self, blocks: &Blocks, asset: AssetId, more: Option<ContentId>) -> Result<(), Failure> {
        let readable = self.readable.iter().copied();
        let roots: Vec<_> = [self.content, self.manifest]
            .into_iter()
            .chain(readable)
            .chain(more)
            .collect();
        blocks
            .hand_over(Holder::Publishing, Holder::Asset(asset), &roots)
            .await?;
        // If it stays, the next publication of the same files begins with it, and is the same.
        let _ = std::fs::remove_file(&self.attempt);
        Ok(())
    }
}

/// Seals files of `kind`, name and path each, under a fresh key, and stores them with a manifest. A publication of the
/// same files that was cut off goes on where it was. Those called as `tokenizer` says are kept unsealed as well.
pub async fn seal_and_store(
    home: &Home,
    blocks: &Blocks,
    name: &str,
    kind: AssetKind,
    files: &[(String, PathBuf)],
    tokenizer: &[&str],
) -> Result<SealedFiles, Failure> {
    let stored = {
        let (home, files, writers) = (home.clone(), files.to_vec(), blocks.writers());
        tokio::task::spawn_blocking(move || seal(&home, &files, &|| writers.writer()))
            .await
            .map_err(|panic| Failure::local("sealing failed", panic))??
    };
    let content = blocks.pin_for(Holder::Publishing, &stored.root).await?;
    // The key is on disk before anybody can pay for what it opens.
    home.keep_content_key(&content.to_string(), &stored.key)?;
    let mut manifest = Manifest::new(name.to_owned(), kind, stored.entries, content);
    manifest.tokenizer = keep_readable(blocks, &manifest.readable(tokenizer), files).await?;
    let readable = manifest.tokenizer.iter().map(|file| file.content).collect();
    let bytes = manifest.to_bytes().map_err(|error| Failure::Local(error.to_string()))?;
    Ok(SealedFiles {
        key: stored.key,
        manifest: blocks.put_for(Holder::Publishing, bytes).await?,
        content,
        size_bytes: stored.size_bytes,
        pieces_root: stored.pieces_root,
        readable,
        attempt: stored.attempt,
    })
}

/// Keeps some of the files as they are.
async fn keep_readable(
    blocks: &Blocks,
    entries: &[&FileEntry],
    files: &[(String, PathBuf)],
) -> Result<Vec<TokenizerFile>, Failure> {
    let mut kept = Vec::new();
    for entry in entries {
        let Some((name, path)) = files.iter().find(|(name, _)| *name == entry.name) else {
            continue;
        };
        let (content, bytes) = blocks.put_path_for(Holder::Publishing, path).await?;
        kept.push(TokenizerFile {
            name: name.clone(),
            content,
            bytes,
        });
    }
    Ok(kept)
}

struct Stored {
    key: ContentKey,
    root: Cid,
    size_bytes: u64,
    pieces_root: [u8; 32],
    entries: Vec<FileEntry>,
    attempt: PathBuf,
}

/// Seals the files, one after the other, into one sealed file in the store. Blocks.
fn seal(home: &Home, files: &[(String, PathBuf)], writer: &dyn Fn() -> FileWriter) -> Result<Stored, Failure> {
    let total = opened(files)?.1;
    let attempt = Attempt::open(home, files, total)?;
    match seal_under(attempt, files, writer())? {
        Outcome::Stored(stored) => Ok(stored),
        Outcome::Changed(attempt) => {
            tracing::warn!(
                "the files have changed since their publication was cut off: it begins anew; `weft store gc` removes what came of the first"
            );
            match seal_under(attempt.anew()?, files, writer())? {
                Outcome::Stored(stored) => Ok(stored),
                // A fresh attempt has nothing that it could differ from.
                Outcome::Changed(_) => Err(Failure::Local(
                    "the files changed while they were sealed: publish them again".into(),
                )),
            }
        }
    }
}

/// The files, and how many bytes they have.
fn opened(files: &[(String, PathBuf)]) -> Result<(Vec<(String, File)>, u64), Failure> {
    let failed = |path: &Path, error: io::Error| Failure::local(format_args!("cannot read {}", path.display()), error);
    let mut total = 0u64;
    let mut opened = Vec::new();
    for (name, path) in files {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let bytes = file.metadata().map_err(|error| failed(path, error))?.len();
        total = total.saturating_add(bytes);
        opened.push((name.clone(), file));
    }
    Ok((opened, total))
}

enum Outcome {
    Stored(Stored),
    /// The files are not what was sealed under this attempt's key.
    Changed(Attempt),
}

fn seal_under(mut attempt: Attempt, files: &[(String, PathBuf)], file: FileWriter) -> Result<Outcome, Failure> {
    let (opened, total) = opened(files)?;
    let (key, header) = (attempt.key(), attempt.header());
    let mut windows = Windows::new(Plaintext::new(opened), &mut attempt);
    let mut writer = Measured {
        file,
        pieces: Root::default(),
    };
    let progress = Progress::bytes("sealing", Some(total));
    let sealed = stream::seal(&mut windows, &mut writer, &key, &header, &mut |done| {
        progress.set(done, None);
    });
    let has_changed = windows.has_changed();
    let entries = windows.into_plaintext().into_entries();
    if has_changed {
        progress.abandon();
        return Ok(Outcome::Changed(attempt));
    }
    let kept = sealed
        .map_err(told)
        .and_then(|sealed| Ok((sealed.sealed_len, writer.file.finish().map_err(failure)?)));
    let (size_bytes, root) = kept.inspect_err(|_| progress.abandon())?;
    progress.done("sealed and stored");
    Ok(Outcome::Stored(Stored {
        key,
        root,
        size_bytes,
        pieces_root: writer.pieces.finish(),
        entries,
        attempt: attempt.path().to_owned(),
    }))
}

/// The store's own error if it is one.
fn told(error: SealError) -> Failure {
    match error {
        SealError::Write(error) | SealError::DiskFull(error) => match error.downcast::<StoreError>() {
            Ok(error) => failure(error),
            Err(error) => Failure::local("cannot keep the sealed file", error),
        },
        other => Failure::Local(other.to_string()),
    }
}

/// Takes the root over the pieces of what is written.
struct Measured {
    file: FileWriter,
    pieces: Root,
}

impl Write for Measured {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.file.write(data)?;
        self.pieces.push(data.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
