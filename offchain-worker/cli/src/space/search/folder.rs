//! The text files of a folder.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

/// Endings of files that are text.
const ENDINGS: [&str; 42] = [
    "adoc", "bat", "bib", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "go", "h", "hpp", "htm", "html", "ini",
    "java", "js", "json", "kt", "log", "lua", "md", "org", "php", "py", "rb", "rs", "rst", "sh", "sql", "srt", "swift",
    "tex", "toml", "ts", "tsv", "txt", "xml", "yaml", "yml",
];
/// Folders of what others made.
const LEFT_OUT: [&str; 4] = ["node_modules", "target", "venv", "__pycache__"];
/// Most folders above a file.
const MAX_DEPTH: usize = 24;
/// Most entries of folders that are looked at.
const MAX_LOOKED_AT: usize = 200_000;

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its path in the folder, with `/` between parts.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files, by path.
    pub files: Vec<Found>,
    /// Text files that were passed over, because they are too large or too many.
    pub passed_over: usize,
}

/// The text files in and below `dir`: no hidden ones, and none behind links, which could lead out.
pub fn list(dir: &Path, max_files: usize, max_file_bytes: u64) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut looked_at = 0usize;
    let mut ahead = vec![(dir.to_owned(), String::new(), 1usize)];
    while let Some((folder, prefix, depth)) = ahead.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if depth == 1 => return Err(error),
            // A folder that this user may not read is not searched.
            Err(_) => continue,
        };
        let mut entries: Vec<_> = entries.filter_map(Result::ok).take(MAX_LOOKED_AT).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT {
                return Ok(listing);
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            if kind.is_dir() && depth < MAX_DEPTH && !LEFT_OUT.contains(&name.as_str()) {
                ahead.push((entry.path(), format!("{path}/"), depth + 1));
            }
            let Ok(about) = entry.metadata() else { continue };
            if !kind.is_file() || !is_text(&name) {
                continue;
            }
            if about.len() > max_file_bytes || listing.files.len() >= max_files {
                listing.passed_over += 1;
                continue;
            }
            let modified = about
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            listing.files.push(Found {
                path,
                bytes: about.len(),
                modified_ns: modified.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
            });
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// The text of a file that was found; `None` if it is not text after all, or gone.
pub fn text(dir: &Path, found: &Found, max_file_bytes: u64) -> Option<String> {
    let path: PathBuf = found
        .path
        .split('/')
        .fold(dir.to_owned(), |folder, name| folder.join(name));
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(max_file_bytes)
        .read_to_end(&mut bytes)
        .ok()?;
    if bytes.contains(&0) {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_text(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_files_are_found_and_nothing_hidden_large_or_linked() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for path in [
            "b.md",
            "a/c.TXT",
            ".git/config.txt",
            "node_modules/x.js",
            "photo.jpg",
            "noending",
        ] {
            put(path, b"text");
        }
        put("large.txt", &[b'x'; 101]);
        put("binary.txt", b"a\0b");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/hosts", dir.path().join("hosts.txt")).unwrap();
        let listing = list(dir.path(), 10, 100).unwrap();
        let paths: Vec<_> = listing.files.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["a/c.TXT", "b.md", "binary.txt"]);
        assert_eq!(listing.passed_over, 1);
        let texts: Vec<_> = listing.files.iter().map(|found| text(dir.path(), found, 100)).collect();
        assert_eq!(texts, [Some("text".into()), Some("text".into()), None]);
        assert_eq!(list(dir.path(), 2, 100).unwrap().files.len(), 2);
        assert!(list(&dir.path().join("absent"), 2, 100).is_err());
    }

    #[test]
    fn endings_are_in_order() {
        assert!(ENDINGS.is_sorted());
    }
}
