//! The index of a folder on disk: JSON about files and passages, then all vectors. What is damaged is computed again.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    folder::Found,
    index::{IndexedFile, MAX_PASSAGES},
    passages::Passage,
};

/// Begins every cache; the number is that of its form.
const MAGIC: &[u8; 8] = b"weftidx1";
/// Most bytes of the JSON: passages of 1000 bytes, in JSON at most six times as long, are bounded by their number.
const MAX_HEADER_BYTES: u64 = 512 << 20;
/// Longest vector.
const MAX_WIDTH: usize = 16_384;

#[derive(Serialize, Deserialize)]
struct Header {
    width: usize,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    found: Found,
    passages: Vec<Passage>,
}

/// The name of the cache of a folder and a model.
pub fn file_name(folder: &Path, model: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(folder.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(model);
    let digest = hex::encode(hash.finalize());
    format!("{}.index", digest.get(..32).unwrap_or(&digest))
}

/// What is in the cache; nothing if there is none, or it is damaged.
pub fn read(path: &Path) -> Vec<IndexedFile> {
    match try_read(path) {
        Ok(files) => files,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, cache = %path.display(), "the index is made anew");
            }
            Vec::new()
        }
    }
}

fn try_read(path: &Path) -> io::Result<Vec<IndexedFile>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut file = BufReader::new(File::open(path)?);
    let (mut magic, mut length) = ([0u8; 8], [0u8; 8]);
    file.read_exact(&mut magic)?;
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if magic != *MAGIC || length > MAX_HEADER_BYTES {
        return Err(damaged("it has another form"));
    }
    let mut header = Vec::new();
    file.by_ref().take(length).read_to_end(&mut header)?;
    let header: Header = serde_json::from_slice(&header)?;
    let count: usize = header.files.iter().map(|entry| entry.passages.len()).sum();
    if header.width > MAX_WIDTH || count > MAX_PASSAGES {
        return Err(damaged("it is too large"));
    }
    let mut files = Vec::with_capacity(header.files.len());
    for Entry { found, passages } in header.files {
        let mut bytes = vec![0u8; passages.len() * header.width * 4];
        file.read_exact(&mut bytes)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        let vectors: Vec<f32> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        if !vectors.iter().all(|number| number.is_finite()) {
            return Err(damaged("it holds what is no number"));
        }
        files.push(IndexedFile {
            found,
            passages,
            vectors,
        });
    }
    if file.read(&mut [0])? != 0 {
        return Err(damaged("it is longer than it says"));
    }
    Ok(files)
}

/// Writes the cache whole, or not at all.
pub fn write(path: &Path, files: &[IndexedFile]) -> io::Result<()> {
    let width = files
        .iter()
        .find_map(|file| file.vectors.len().checked_div(file.passages.len()))
        .unwrap_or_default();
    let entries = files.iter().map(|file| Entry {
        found: file.found.clone(),
        passages: file.passages.clone(),
    });
    let header = Header {
        width,
        files: entries.collect(),
    };
    let header = serde_json::to_vec(&header)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("part{}", std::process::id()));
    let written = (|| {
        let mut file = BufWriter::new(File::create(&part)?);
        file.write_all(MAGIC)?;
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for number in files.iter().flat_map(|file| &file.vectors) {
            file.write_all(&number.to_le_bytes())?;
        }
        file.flush()?;
        fs::rename(&part, path)
    })();
    if written.is_err() {
        // Half a cache is of no use.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(sizes: &[usize]) -> Vec<IndexedFile> {
        let file = |(nth, size): (usize, &usize)| IndexedFile {
            found: Found {
                path: format!("{nth}.txt"),
                bytes: 7,
                modified_ns: u64::MAX,
            },
            passages: (0..*size)
                .map(|line| Passage {
                    line: line as u32,
                    text: "ä\n".into(),
                })
                .collect(),
            vectors: (0..size * 3).map(|x| x as f32 / 8.0).collect(),
        };
        sizes.iter().enumerate().map(file).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_kept_is_found_again(sizes in proptest::collection::vec(0usize..5, 0..5), cut in 1usize..400) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("deep").join("x.index");
            let files = files(&sizes);
            write(&path, &files).unwrap();
            prop_assert_eq!(read(&path), files);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len().saturating_sub(cut)]).unwrap();
            prop_assert!(read(&path).is_empty());
        }
    }

    #[test]
    fn folders_and_models_have_caches_of_their_own() {
        let name = |folder: &str, model: &str| file_name(Path::new(folder), model);
        assert_ne!(name("/a", "m"), name("/b", "m"));
        assert_ne!(name("/a", "m"), name("/a", "n"));
        assert_eq!(name("/a", "m"), name("/a", "m"));
    }
}
