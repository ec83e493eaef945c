//! What is remembered of a publication that is under way, so that it goes on after a cut.
//!
//! A block is not written twice only if it is sealed to the same bytes: under the same key and nonces. And under one key
//! and nonce no two plaintexts may ever be sealed, or both can be read and others forged (AES-GCM). The files may have
//! changed since the cut. So before a window of plaintext is sealed, what stands for it is on the disk; and when it is
//! sealed again it is held to that first. What was never written down was never sealed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use weft_vault::{ContentKey, Header, NoncePrefix};

use super::plaintext::Plaintext;
use crate::{failure::Failure, home::Home};

/// Bytes that are written down and let through at a time; so many are held in memory. A multiple of a sealed chunk.
pub const WINDOW_BYTES: usize = 16 << 20;
const FORM: &str = "weft/publishing/1";
/// Of a record: enough for sixteen terabytes.
const MAX_RECORD_BYTES: u64 = 1 << 26;

/// A publication of some files that is not on the chain yet. Its record is a secret: it holds the key.
pub struct Attempt {
    path: PathBuf,
    /// Open for appending, and locked: one process at a time seals under a key.
    file: File,
    key: [u8; 32],
    prefix: NoncePrefix,
    total: u64,
    /// What stands for all bytes up to the end of each window that may have been sealed.
    fingerprints: Vec<[u8; 32]>,
}

/// Locks a file, or waits for half a second at most: between its fork and its exec a process that is being started by
/// another thread holds whatever is open here, also what was closed just now.
fn locked(file: &File) -> Result<(), TryLockError> {
    for _ in 0..10 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(50)),
            done => return done,
        }
    }
    file.try_lock()
}

impl Attempt {
    /// Goes on with the attempt to publish these files of `total` bytes, or begins one.
    pub fn open(home: &Home, files: &[(String, PathBuf)], total: u64) -> Result<Self, Failure> {
        let path = home.publishing_dir().join(name_of(files));
        let failed = |error: io::Error| Failure::local(format_args!("cannot use {}", path.display()), error);
        fs::create_dir_all(home.publishing_dir()).map_err(failed)?;
        let mut file = open_secret(&path).map_err(failed)?;
        match locked(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Local(
                    "these files are being published by another weft process: wait for it, or stop it".into(),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        let read = (&mut file).take(MAX_RECORD_BYTES).read_to_string(&mut text);
        // What cannot be read to its end is no attempt to go on with: there is always a fresh key.
        let is_whole = read.is_ok_and(|bytes| (bytes as u64) < MAX_RECORD_BYTES);
        let known = is_whole.then(|| parse(&text)).flatten();
        if let Some((known, used)) = known.filter(|(known, _)| known.total == total) {
            // A line that was cut off stands for nothing that was sealed.
            file.set_len(used).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            tracing::info!(
                windows = known.fingerprints.len(),
                "the publication goes on where it was cut off"
            );
            return Ok(Self {
                path: path.clone(),
                file,
                key: known.key,
                prefix: known.prefix,
                total,
                fingerprints: known.fingerprints,
            });
        }
        Self::begin(path, file, total)
    }

    /// The same files under a fresh key, from the start: they are not what was sealed before the cut.
    pub fn anew(self) -> Result<Self, Failure> {
        Self::begin(self.path, self.file, self.total)
    }

    fn begin(path: PathBuf, mut file: File, total: u64) -> Result<Self, Failure> {
        let random = |error: weft_vault::RandomnessError| Failure::Local(error.to_string());
        let key = ContentKey::generate().map_err(random)?;
        let prefix = NoncePrefix::generate().map_err(random)?;
        let mut written = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(
                file,
                "{FORM} {} {} {total}",
                hex::encode(key.expose()),
                hex::encode(prefix.0)
            )?;
            file.sync_all()?;
            sync_directory(&path)
        };
        written().map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))?;
        Ok(Self {
            path,
            key: *key.expose(),
            prefix,
            total,
            fingerprints: Vec::new(),
            file,
        })
    }

    /// Under which it is sealed.
    pub fn key(&self) -> ContentKey {
        ContentKey::from_bytes(self.key)
    }

    /// With which the sealed file begins.
    pub fn header(&self) -> Header {
        Header::new(self.key().commitment(), self.prefix, Some(self.total))
    }

    /// Where the record is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Holds a window to what was written down, or writes it down. False if it is not what was sealed before.
    fn admit(&mut self, window: usize, fingerprint: [u8; 32]) -> io::Result<bool> {
        if let Some(known) = self.fingerprints.get(window) {
            return Ok(*known == fingerprint);
        }
        writeln!(self.file, "{}", hex::encode(fingerprint))?;
        self.file.sync_data()?;
        self.fingerprints.push(fingerprint);
        Ok(true)
    }
}

struct Known {
    key: [u8; 32],
    prefix: NoncePrefix,
    total: u64,
    fingerprints: Vec<[u8; 32]>,
}

/// A record and its length without a last line that was cut off; `None` if it is none.
fn parse(text: &str) -> Option<(Known, u64)> {
    let (whole, _) = text.rsplit_once('\n')?;
    let mut lines = whole.split('\n');
    let mut words = lines.next()?.split(' ');
    if words.next() != Some(FORM) {
        return None;
    }
    let mut known = Known {
        key: bytes_of(words.next()?)?,
        prefix: NoncePrefix(bytes_of(words.next()?)?),
        total: words.next()?.parse().ok()?,
        fingerprints: Vec::new(),
    };
    for line in lines {
        known.fingerprints.push(bytes_of(line)?);
    }
    let used = u64::try_from(whole.len()).ok()?.checked_add(1)?;
    Some((known, used))
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Other files are another attempt.
fn name_of(files: &[(String, PathBuf)]) -> String {
    let mut hash = Sha256::new();
    for (name, path) in files {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        for part in [name.as_bytes(), path.as_os_str().as_encoded_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}

fn open_secret(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A name is on the disk once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Lets plaintext through to be sealed, window by window.
pub struct Windows<'a> {
    plaintext: Plaintext,
    attempt: &'a mut Attempt,
    next: usize,
    window: Vec<u8>,
    given: usize,
    has_changed: bool,
}

impl<'a> Windows<'a> {
    /// Of what `attempt` is about.
    pub fn new(plaintext: Plaintext, attempt: &'a mut Attempt) -> Self {
        Self {
            plaintext,
            attempt,
            next: 0,
            window: Vec::new(),
            given: 0,
            has_changed: false,
        }
    }

    /// Whether it ended because the files are not what was sealed before.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// What was read.
    pub fn into_plaintext(self) -> Plaintext {
        self.plaintext
    }

    fn fill(&mut self) -> io::Result<()> {
        self.window.clear();
        self.given = 0;
        let most = WINDOW_BYTES as u64;
        (&mut self.plaintext).take(most).read_to_end(&mut self.window)?;
        if self.window.is_empty() {
            return Ok(());
        }
        if !self.attempt.admit(self.next, self.plaintext.fingerprint())? {
            self.has_changed = true;
            return Err(io::Error::other(
                "the files have changed since the publication was cut off",
            ));
        }
        self.next += 1;
        Ok(())
    }
}

impl Read for Windows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.window.len() {
            self.fill()?;
        }
        let rest = self.window.get(self.given..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}
