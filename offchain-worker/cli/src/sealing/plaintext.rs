//! What is sealed: files one after the other, each measured and hashed on the way.

use std::{
    fs::File,
    io::{self, Read},
};

use sha2::{Digest, Sha256};

use crate::manifest::FileEntry;

/// See the module.
pub struct Plaintext {
    files: std::vec::IntoIter<(String, File)>,
    now: Option<(String, File, Sha256, u64)>,
    entries: Vec<FileEntry>,
}

impl Plaintext {
    /// Of these, by name.
    pub fn new(files: Vec<(String, File)>) -> Self {
        Self {
            files: files.into_iter(),
            now: None,
            entries: Vec::new(),
        }
    }

    /// The files that were read to their ends.
    pub fn into_entries(self) -> Vec<FileEntry> {
        self.entries
    }

    /// Stands for all bytes that were read so far.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut all = Sha256::new();
        for entry in &self.entries {
            all.update(entry.bytes.to_le_bytes());
            all.update(&entry.sha256);
        }
        if let Some((_, _, hash, bytes)) = &self.now {
            all.update(bytes.to_le_bytes());
            all.update(hash.clone().finalize());
        }
        all.finalize().into()
    }
}

impl Read for Plaintext {
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
