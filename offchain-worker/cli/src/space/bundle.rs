//! The bundle of a Space: its files as one, named by its content.
//!
//! A bundle is a tar archive in the one form that [`Bundle::to_bytes`] writes: plain files in the order of their paths, with no
//! owner, no time and one mode. So the same folder gives the same CID on every machine, and whatever else a tar archive could
//! hold (links, devices, paths that lead out, entries twice, bytes after the end) is refused, as writing it again would give
//! other bytes.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use tar::{Archive, EntryType, Header};
use weft_primitives::ContentId;
use weft_store::{
    Bytes,
    unixfs::{CHUNK_BYTES, FileBuilder},
};

use super::manifest::{self, InvalidManifest, SpaceManifest};
use crate::{blocks::to_content_id, failure::Failure};

/// Most bytes of a bundle.
pub const MAX_BYTES: u64 = 16 << 20;
/// Most files in it.
const MAX_FILES: usize = 256;
/// Longest path, as the plain tar header has room for.
const MAX_PATH_BYTES: usize = 99;
/// Most folders above a file.
const MAX_DEPTH: usize = 8;
/// Endings of files that belong to a folder on disk and not to the bundle, besides all names that begin with a dot.
const LEFT_OUT: [&str; 2] = [".py", "~"];
/// Unit of a tar archive.
const TAR_BLOCK: u64 = 512;

/// The files of a Space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    manifest: SpaceManifest,
}

/// Why a path cannot be one in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be a path in a bundle: use relative ones of letters, digits, `-`, `_` and inner dots")]
pub struct InvalidPath(pub String);

/// Why bytes are no bundle, or a folder cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] InvalidManifest),
    /// A path that leads out, or the like.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// Too much.
    #[error("a bundle has at most 256 files, and 16 MiB in all")]
    Size,
    /// Not an archive.
    #[error("it is not an archive: {0}")]
    Archive(String),
    /// Something else than a plain file.
    #[error("`{0}` is not a plain file: bundles hold nothing else")]
    NotAFile(String),
    /// An archive, but not in the one form.
    #[error("it is an archive, but not as `weft space pack` writes it")]
    NotCanonical,
    /// Something that the manifest names is not there.
    #[error("{0} is named in space.json, but not there")]
    Absent(String),
}

/// Checks that a path stays within a folder on every system, and means the same on each.
pub fn check_path(path: &str) -> Result<(), InvalidPath> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sound =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && part.bytes().all(plain);
    let parts = path.split('/');
    if path.len() <= MAX_PATH_BYTES && parts.clone().count() <= MAX_DEPTH && parts.clone().all(sound) {
        Ok(())
    } else {
        // Shown to people, so nothing that moves a cursor.
        Err(InvalidPath(
            path.chars().take(200).flat_map(char::escape_debug).collect(),
        ))
    }
}

impl Bundle {
    /// A bundle of these files.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Result<Self, InvalidBundle> {
        if files.len() > MAX_FILES || packed_bytes(&files) > MAX_BYTES {
            return Err(InvalidBundle::Size);
        }
        for path in files.keys() {
            check_path(path)?;
            // Where upper and lower case are one, the second would overwrite the first; a file is no folder.
            let is_clash = |other: &String| {
                other != path
                    && (other.eq_ignore_ascii_case(path)
                        || other
                            .strip_prefix(path.as_str())
                            .is_some_and(|rest| rest.starts_with('/')))
            };
            if files.keys().any(is_clash) {
                return Err(InvalidPath(path.clone()).into());
            }
        }
        let manifest = files.get(manifest::FILE).ok_or(InvalidManifest::Missing)?;
        let manifest = SpaceManifest::from_bytes(manifest)?;
        if !files.contains_key(&manifest.entry.web) {
            return Err(InvalidBundle::Absent(manifest.entry.web));
        }
        for folder in manifest.calls.iter().filter_map(|call| call.bundled.as_ref()) {
            if !files.keys().any(|path| is_below(path, folder)) {
                return Err(InvalidBundle::Absent(folder.clone()));
            }
        }
        Ok(Self { files, manifest })
    }

    /// Reads the bytes of a bundle from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidBundle> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(InvalidBundle::Size);
        }
        let broken = |error: std::io::Error| InvalidBundle::Archive(error.to_string());
        let mut files = BTreeMap::new();
        let mut archive = Archive::new(bytes);
        // Raw entries: what extends the header of another is refused like all that is no plain file.
        for entry in archive.entries().map_err(broken)?.raw(true) {
            let mut entry = entry.map_err(broken)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            check_path(&path)?;
            if entry.header().entry_type() != EntryType::Regular {
                return Err(InvalidBundle::NotAFile(path));
            }
            if files.len() >= MAX_FILES {
                return Err(InvalidBundle::Size);
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(broken)?;
            if content.len() as u64 != entry.size() {
                return Err(InvalidBundle::Archive("a file is cut off".into()));
            }
            files.insert(path, content);
        }
        let bundle = Self::new(files)?;
        if bundle.to_bytes()? != bytes {
            return Err(InvalidBundle::NotCanonical);
        }
        Ok(bundle)
    }

    /// The folder `dir` as a bundle. Hidden files, Python scripts and editors' copies are left out.
    pub fn from_dir(dir: &Path) -> Result<Self, Failure> {
        Self::read(dir, |name| {
            name.starts_with('.') || LEFT_OUT.iter().any(|ending| name.ends_with(ending))
        })
    }

    /// All of the folder `dir`, as [`Bundle::unpack`] wrote it.
    pub fn from_unpacked(dir: &Path) -> Result<Self, Failure> {
        Self::read(dir, |_| false)
    }

    fn read(dir: &Path, is_left_out: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        if !dir.join(manifest::FILE).is_file() {
            return Err(Failure::NotFound(format!(
                "{} is no Space: {}",
                dir.display(),
                InvalidManifest::Missing
            )));
        }
        let mut files = BTreeMap::new();
        let mut size = 0u64;
        let mut ahead = vec![(dir.to_owned(), String::new(), 1usize)];
        let invalid = |error: InvalidBundle| Failure::local(dir.display(), error);
        while let Some((folder, prefix, depth)) = ahead.pop() {
            let failed = |error| Failure::local(format_args!("cannot read {}", folder.display()), error);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_left_out(&name) {
                    continue;
                }
                let path = format!("{prefix}{name}");
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_dir() {
                    if depth >= MAX_DEPTH {
                        return Err(invalid(InvalidPath(path).into()));
                    }
                    ahead.push((entry.path(), format!("{path}/"), depth + 1));
                } else if kind.is_file() {
                    let bytes = entry.metadata().map_err(failed)?.len();
                    size = size.saturating_add(bytes);
                    if size > MAX_BYTES || files.len() >= MAX_FILES {
                        return Err(invalid(InvalidBundle::Size));
                    }
                    let content = fs::read(entry.path()).map_err(failed)?;
                    files.insert(path, content);
                } else {
                    return Err(invalid(InvalidBundle::NotAFile(path)));
                }
            }
        }
        Self::new(files).map_err(invalid)
    }

    /// The one archive of these files.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidBundle> {
        let failed = |error: std::io::Error| InvalidBundle::Archive(error.to_string());
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in &self.files {
            let mut header = Header::new_ustar();
            header.set_path(path).map_err(failed)?;
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content.as_slice()).map_err(failed)?;
        }
        archive.into_inner().map_err(failed)
    }

    /// The bundle's bytes and its name.
    pub fn packed(&self) -> Result<(Vec<u8>, ContentId), Failure> {
        let bytes = self.to_bytes().map_err(|error| Failure::Local(error.to_string()))?;
        let name = name_of(&bytes)?;
        Ok((bytes, name))
    }

    /// Its `space.json`, read.
    pub fn manifest(&self) -> &SpaceManifest {
        &self.manifest
    }

    /// Its `space.json` as it stands.
    pub fn manifest_bytes(&self) -> &[u8] {
        self.file(manifest::FILE).unwrap_or_default()
    }

    /// A file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The files below a folder, by their paths in it.
    pub fn folder(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let below = self.files.iter().filter(|(path, _)| is_below(path, folder));
        below
            .filter_map(|(path, bytes)| Some((path.get(folder.len() + 1..)?.to_owned(), bytes.clone())))
            .collect()
    }

    /// Writes all files into a new folder: under another name first, so that a folder of the name is whole.
    pub fn unpack(&self, to: &Path) -> Result<(), Failure> {
        let failed = |path: &Path, error| Failure::local(format_args!("cannot write {}", path.display()), error);
        let part = with_ending(to, &format!(".part{}", std::process::id()));
        let written = self.files.iter().try_for_each(|(path, bytes)| {
            let file = path.split('/').fold(part.clone(), |folder, name| folder.join(name));
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
            }
            fs::write(&file, bytes).map_err(|error| failed(&file, error))
        });
        let renamed = written.and_then(|()| {
            if to.exists() {
                fs::remove_dir_all(to).map_err(|error| failed(to, error))?;
            }
            fs::rename(&part, to).map_err(|error| failed(to, error))
        });
        if renamed.is_err() {
            // Of no use, and perhaps not there.
            let _ = fs::remove_dir_all(&part);
        }
        renamed
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// What the archive of these files takes.
fn packed_bytes(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let sizes = files
        .values()
        .map(|content| (content.len() as u64).next_multiple_of(TAR_BLOCK) + TAR_BLOCK);
    sizes.fold(2 * TAR_BLOCK, u64::saturating_add)
}

/// The name of a file with these bytes, in any content store.
pub fn name_of(bytes: &[u8]) -> Result<ContentId, Failure> {
    let failed = |error: weft_store::BlockError| Failure::Local(error.to_string());
    let (mut builder, mut blocks) = (FileBuilder::new(), Vec::new());
    for chunk in bytes.chunks(CHUNK_BYTES) {
        builder
            .push_chunk(Bytes::copy_from_slice(chunk), &mut blocks)
            .map_err(failed)?;
        blocks.clear();
    }
    let root = builder.finish(&mut blocks).map_err(failed)?;
    to_content_id(&root.cid)
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
