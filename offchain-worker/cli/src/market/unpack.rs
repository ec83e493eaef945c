//! Opening a sealed file of any size straight into the files it holds.
//!
//! The plaintext is written as it is opened, so that memory does not depend on the publisher's sizes. What is not whole yet lies
//! in a folder of its own; files get their names once all of them are what the manifest says.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use weft_vault::{ContentKey, KeyCommitment, OpenError, open_file};

use crate::manifest::{FileEntry, Manifest, ManifestError};

/// Where files are written while they are opened.
const PARTS: &str = ".weft-part";

/// Why a sealed file was not unpacked. None of its files was put in place.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It opens to something else than its manifest says.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A name that leads out of the directory.
    #[error("`{0}` is not a plain file name: the publisher must publish it again")]
    Name(String),
    /// Two files of one name.
    #[error("two files are called `{0}`: the publisher must publish it again")]
    Twice(String),
    /// The disk.
    #[error("cannot write {}: {error}", path.display())]
    Disk {
        /// What was to be written.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

/// Opens `sealed` into files in `dir`, which is made if needed; files of these names are replaced. Returns the names.
/// `progress` gets the bytes done so far. Blocks, and uses all cores.
pub fn unpack(
    sealed: impl Read,
    key: &ContentKey,
    commitment: &KeyCommitment,
    manifest: &Manifest,
    dir: &Path,
    progress: impl FnMut(u64),
) -> Result<Vec<String>, UnpackError> {
    let names = names(manifest)?;
    let parts = dir.join(PARTS);
    fs::create_dir_all(dir).map_err(|error| on_disk(dir, error))?;
    // Of a run that was cut off: the sealed file is here, so nothing is lost.
    clear(&parts)?;
    fs::create_dir(&parts).map_err(|error| on_disk(&parts, error))?;
    let unpacked = write_parts(sealed, key, commitment, manifest, &parts, progress).and_then(|()| {
        for name in &names {
            let to = dir.join(name);
            fs::rename(parts.join(name), &to).map_err(|error| on_disk(&to, error))?;
        }
        Ok(())
    });
    let cleared = clear(&parts);
    unpacked?;
    cleared?;
    Ok(names)
}

fn clear(parts: &Path) -> Result<(), UnpackError> {
    match fs::remove_dir_all(parts) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(on_disk(parts, error)),
        _ => Ok(()),
    }
}

fn on_disk(path: &Path, error: io::Error) -> UnpackError {
    UnpackError::Disk {
        path: path.to_owned(),
        error,
    }
}

/// The files' names. They come from a stranger: no way out of the directory, and none over another.
fn names(manifest: &Manifest) -> Result<Vec<String>, UnpackError> {
    let mut names: Vec<String> = Vec::new();
    for FileEntry { name, .. } in &manifest.files {
        let path = Path::new(name);
        if path.file_name() != Some(path.as_os_str()) || name == PARTS {
            return Err(UnpackError::Name(name.clone()));
        }
        if names.contains(name) {
            return Err(UnpackError::Twice(name.clone()));
        }
        names.push(name.clone());
    }
    Ok(names)
}

fn write_parts(
    sealed: impl Read,
    key: &ContentKey,
    commitment: &KeyCommitment,
    manifest: &Manifest,
    parts: &Path,
    progress: impl FnMut(u64),
) -> Result<(), UnpackError> {
    let mut splitter = Splitter {
        dir: parts,
        files: manifest.files.iter(),
        now: None,
        failed: None,
    };
    let opened = open_file(sealed, &mut splitter, key, Some(commitment), progress);
    if let Some(failed) = splitter.failed.take() {
        return Err(failed);
    }
    opened?;
    splitter.finish()
}

/// A file that is being written.
struct Part<'a> {
    entry: &'a FileEntry,
    path: PathBuf,
    file: File,
    hash: Sha256,
    /// Bytes still to come.
    left: u64,
}

/// Takes the plaintext and writes it to one file after the other, each of its size in the manifest.
struct Splitter<'a> {
    dir: &'a Path,
    files: std::slice::Iter<'a, FileEntry>,
    now: Option<Part<'a>>,
    /// What stopped it: an [`io::Error`] alone could not say.
    failed: Option<UnpackError>,
}

impl<'a> Splitter<'a> {
    /// The next file with room, those that are full on the way there being finished. `None` after the last.
    fn part(&mut self) -> Result<Option<&mut Part<'a>>, UnpackError> {
        while self.now.as_ref().is_none_or(|part| part.left == 0) {
            if let Some(full) = self.now.take() {
                full.finish()?;
            }
            let Some(entry) = self.files.next() else {
                return Ok(None);
            };
            let path = self.dir.join(&entry.name);
            self.now = Some(Part {
                entry,
                file: File::create_new(&path).map_err(|error| on_disk(&path, error))?,
                path,
                hash: Sha256::new(),
                left: entry.bytes,
            });
        }
        Ok(self.now.as_mut())
    }

    fn take(&mut self, mut data: &[u8]) -> Result<(), UnpackError> {
        while !data.is_empty() {
            let Some(part) = self.part()? else {
                return Err(ManifestError::WrongFile("what follows the last file".into()).into());
            };
            let fits = usize::try_from(part.left).unwrap_or(usize::MAX).min(data.len());
            let (now, later) = data.split_at(fits);
            part.file.write_all(now).map_err(|error| on_disk(&part.path, error))?;
            part.hash.update(now);
            part.left = part.left.saturating_sub(fits as u64);
            data = later;
        }
        Ok(())
    }

    /// The end of the plaintext.
    fn finish(mut self) -> Result<(), UnpackError> {
        match self.part()? {
            Some(part) => Err(ManifestError::WrongFile(part.entry.name.clone()).into()),
            None => Ok(()),
        }
    }
}

impl Part<'_> {
    fn finish(self) -> Result<(), UnpackError> {
        if hex::encode(self.hash.finalize()) != self.entry.sha256 {
            return Err(ManifestError::WrongFile(self.entry.name.clone()).into());
        }
        self.file.sync_all().map_err(|error| on_disk(&self.path, error))
    }
}

impl Write for Splitter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self.take(data) {
            Ok(()) => Ok(data.len()),
            Err(failed) => {
                self.failed = Some(failed);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_primitives::{AssetKind, ContentCodec, ContentId};
    use weft_vault::{CHUNK_BYTES, stream::max_in_flight_bytes};

    fn key() -> ContentKey {
        ContentKey::from_bytes([1; 32])
    }

    fn entry(name: &str, bytes: &[u8]) -> FileEntry {
        FileEntry {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        }
    }

    fn manifest(files: Vec<FileEntry>) -> Manifest {
        let content = ContentId {
            codec: ContentCodec::DagPb,
            sha256: [0; 32],
        };
        Manifest::new("m".into(), AssetKind::Dataset, files, content)
    }

    /// Seals `plaintext` and unpacks it as `files` into `dir`.
    fn unpacked(plaintext: &[u8], files: Vec<FileEntry>, dir: &Path) -> Result<Vec<String>, UnpackError> {
        let mut sealed = Vec::new();
        weft_vault::seal_file(plaintext, &mut sealed, &key(), Some(plaintext.len() as u64), |_| ()).unwrap();
        unpack(&sealed[..], &key(), &key().commitment(), &manifest(files), dir, |_| ())
    }

    fn left_in(dir: &Path) -> usize {
        fs::read_dir(dir).map_or(0, Iterator::count)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn files_come_out_as_they_went_in(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..5)) {
            let dir = tempfile::tempdir().unwrap();
            let entries = files.iter().enumerate().map(|(nth, bytes)| entry(&nth.to_string(), bytes)).collect();
            let names = unpacked(&files.concat(), entries, dir.path()).unwrap();
            prop_assert_eq!(names.len(), files.len());
            for (name, bytes) in names.iter().zip(&files) {
                prop_assert_eq!(&fs::read(dir.path().join(name)).unwrap(), bytes);
            }
            prop_assert_eq!(left_in(dir.path()), files.len(), "nothing is left beside them");
        }

        #[test]
        fn sizes_of_strangers_do_no_harm(plaintext in prop::collection::vec(any::<u8>(), 0..50), sizes: [u64; 3]) {
            let dir = tempfile::tempdir().unwrap();
            let entries = sizes.iter().enumerate().map(|(nth, bytes)| FileEntry {
                bytes: *bytes,
                ..entry(&nth.to_string(), b"")
            });
            prop_assert!(unpacked(&plaintext, entries.collect(), dir.path()).is_err() || plaintext.is_empty());
            prop_assert!(plaintext.is_empty() || left_in(dir.path()) == 0);
        }
    }

    #[test]
    fn a_file_larger_than_what_is_ever_in_memory_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..2 * max_in_flight_bytes(CHUNK_BYTES) + 12_345)
            .map(|nth| (nth % 251) as u8)
            .collect();
        let (first, second) = bytes.split_at(bytes.len() / 3);
        let entries = vec![entry("first", first), entry("none", b""), entry("second", second)];
        unpacked(&bytes, entries, dir.path()).unwrap();
        assert!(fs::read(dir.path().join("first")).unwrap() == first);
        assert!(fs::read(dir.path().join("second")).unwrap() == second);
    }

    #[test]
    fn names_that_lead_out_or_over_another_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for bad in ["../a", "/etc/a", "a/b", "..", ".", "", PARTS] {
            let failed = unpacked(b"text", vec![entry(bad, b"text")], dir.path()).unwrap_err();
            assert!(matches!(failed, UnpackError::Name(_)), "{bad}: {failed}");
        }
        let twice = vec![entry("a", b"te"), entry("a", b"xt")];
        assert!(matches!(
            unpacked(b"text", twice, dir.path()),
            Err(UnpackError::Twice(_))
        ));
        assert_eq!(left_in(dir.path()), 0);
    }

    #[test]
    fn what_the_manifest_does_not_describe_is_not_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        for files in [
            vec![entry("a", b"tex")],
            vec![entry("a", b"text and more")],
            vec![entry("a", b"TEXT")],
            vec![entry("a", b"te"), entry("b", b"xy")],
        ] {
            let failed = unpacked(b"text", files, dir.path()).unwrap_err();
            assert!(matches!(failed, UnpackError::Manifest(_)), "{failed}");
            assert_eq!(left_in(dir.path()), 0);
        }
    }

    #[test]
    fn another_key_opens_nothing_and_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        unpacked(b"text", vec![entry("a", b"text")], dir.path()).unwrap();
        let mut sealed = Vec::new();
        weft_vault::seal_file(&b"new!"[..], &mut sealed, &key(), Some(4), |_| ()).unwrap();
        let other = ContentKey::from_bytes([2; 32]);
        let files = manifest(vec![entry("a", b"new!")]);
        let failed = unpack(&sealed[..], &other, &key().commitment(), &files, dir.path(), |_| ());
        assert!(matches!(failed, Err(UnpackError::Open(_))));
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"text");
        // A run that was cut off does not stop the next one.
        fs::create_dir(dir.path().join(PARTS)).unwrap();
        fs::write(dir.path().join(PARTS).join("a"), b"half").unwrap();
        unpacked(b"newer", vec![entry("a", b"newer")], dir.path()).unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"newer");
        assert_eq!(left_in(dir.path()), 1);
    }
}
