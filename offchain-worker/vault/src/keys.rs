//! X25519 keys of devices, users and custodians, on disk.
//!
//! They only receive wrapped content keys and shares of them. Signing keys (wallets) are others and
//! are never used for encryption.

use core::{fmt, marker::PhantomData, str::FromStr};
use std::{
    fs::{File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use hpke::{Deserializable, Kem as _, Serializable};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    file::{part_beside, sync_directory_of},
    key::RandomnessError,
    wrap::{HpkePrivate, Kem},
};

/// A key file is 250 bytes; one that is much longer is something else.
const MAX_KEY_FILE_BYTES: u64 = 4096;
const FORMAT_VERSION: u32 = 1;

/// Whose keys they are. A type parameter, so that a device's key cannot be given
/// where a user's is asked for.
pub trait Role: sealed::Sealed {
    /// Name in the key file and in messages.
    const NAME: &'static str;
}

/// Keys of a device: wrapped model keys and prompts come to them.
#[derive(Clone, Copy, Debug)]
pub enum Device {}
/// Keys of a user: wrapped keys of answers come to them.
#[derive(Clone, Copy, Debug)]
pub enum User {}
/// Keys of a custodian: shares of content keys come to them.
#[derive(Clone, Copy, Debug)]
pub enum Custodian {}

impl Role for Device {
    const NAME: &'static str = "device";
}
impl Role for User {
    const NAME: &'static str = "user";
}
impl Role for Custodian {
    const NAME: &'static str = "custodian";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Device {}
    impl Sealed for super::User {}
    impl Sealed for super::Custodian {}
}

/// Encryption keys of a device.
pub type DeviceKeys = KeyPair<Device>;
/// Encryption keys of a user.
pub type UserKeys = KeyPair<User>;
/// Encryption keys of a custodian.
pub type CustodianKeys = KeyPair<Custodian>;

/// Why keys could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing there.
    #[error("there is no key file at {0}; create one first, or name the right path")]
    NotFound(PathBuf),
    /// Would overwrite.
    #[error(
        "{0} exists already and is not overwritten: whoever loses a key loses what was sealed for it; move it away first"
    )]
    Exists(PathBuf),
    /// Others can read or change it.
    #[error("others than its owner can use the key file {path} (mode {mode:04o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not what a key file holds.
    #[error("{path} is not a {role} key file ({reason}); restore it from your backup, or name the right path")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which keys were looked for.
        role: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot use the key file {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// An X25519 public key, 32 bytes; 64 hex digits in text and JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the bytes as they are on chain.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes as they go on chain.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The text is not 64 hex digits, with or without `0x` before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public encryption key is 64 hex digits; this is something else")]
pub struct NotAPublicKey;

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(text: &str) -> Result<Self, NotAPublicKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).map_err(|_| NotAPublicKey)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = NotAPublicKey;

    fn try_from(text: String) -> Result<Self, NotAPublicKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// An X25519 key pair. The secret is wiped when dropped and never shown.
pub struct KeyPair<R: Role> {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
    role: PhantomData<R>,
}

impl<R: Role> fmt::Debug for KeyPair<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({}, {}, ..)", R::NAME, self.public)
    }
}

/// What the file holds. The public half is there for people, and to notice a
/// secret that was damaged by hand.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    weft_keys: String,
    version: u32,
    x25519_public: PublicKey,
    x25519_secret: SecretHex,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct SecretHex(String);

impl Drop for SecretHex {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<R: Role> KeyPair<R> {
    /// Draws a key pair from the operating system.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice())?;
        Ok(Self::from_secret_bytes(&secret))
    }

    /// The key pair of a 32-byte X25519 secret.
    pub fn from_secret_bytes(secret: &[u8; 32]) -> Self {
        // X25519 takes any 32 bytes for a secret (RFC 7748, section 5).
        let public = HpkePrivate::from_bytes(secret)
            .map(|secret| Kem::sk_to_pk(&secret).to_bytes().into())
            .expect("the private key has the 32 bytes that HPKE asks for");
        Self {
            secret: Zeroizing::new(*secret),
            public: PublicKey(public),
            role: PhantomData,
        }
    }

    /// The half to publish.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn secret_bytes(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Reads the keys at `path`, or creates them where there are none.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::load(path) {
            Err(KeyFileError::NotFound(_)) => {}
            loaded => return loaded,
        }
        match Self::create(path) {
            // Another process was faster: its keys are the keys.
            Err(KeyFileError::Exists(_)) => Self::load(path),
            created => created,
        }
    }

    /// Draws new keys and keeps them at `path`, mode 0600. The file appears
    /// whole or not at all, and never replaces another.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let keys = Self::generate()?;
        keys.save(path)?;
        Ok(keys)
    }

    fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        let io_error = |error| KeyFileError::Io {
            path: path.to_owned(),
            error,
        };
        let file = KeyFile {
            weft_keys: R::NAME.to_owned(),
            version: FORMAT_VERSION,
            x25519_public: self.public,
            x25519_secret: SecretHex(hex::encode(self.secret.as_slice())),
        };
        let mut json = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE_BYTES as usize));
        serde_json::to_writer_pretty(&mut *json, &file).map_err(|e| io_error(e.into()))?;
        json.push(b'\n');
        let mut part = part_beside(path).map_err(io_error)?;
        part.write_all(&json).map_err(io_error)?;
        part.as_file().sync_all().map_err(io_error)?;
        part.persist_noclobber(path).map_err(|e| {
            if e.error.kind() == io::ErrorKind::AlreadyExists {
                KeyFileError::Exists(path.to_owned())
            } else {
                io_error(e.error)
            }
        })?;
        sync_directory_of(path).map_err(io_error)
    }

    /// Reads the keys at `path`. Refuses a file that others can read.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let io_error = |error: io::Error| {
            if error.kind() == io::ErrorKind::NotFound {
                KeyFileError::NotFound(path.to_owned())
            } else {
                KeyFileError::Io {
                    path: path.to_owned(),
                    error,
                }
            }
        };
        let malformed = |reason: &str| KeyFileError::Malformed {
            path: path.to_owned(),
            role: R::NAME,
            reason: reason.to_owned(),
        };
        let file = File::open(path).map_err(io_error)?;
        // Of the opened file, not of the path: the path may lead elsewhere by now.
        let metadata = file.metadata().map_err(io_error)?;
        if !metadata.is_file() {
            return Err(malformed("it is not a file"));
        }
        if let Some(mode) = exposed_mode(&metadata) {
            return Err(KeyFileError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let mut json = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE_BYTES as usize));
        file.take(MAX_KEY_FILE_BYTES).read_to_end(&mut json).map_err(io_error)?;
        // serde's own message could quote the secret.
        let kept: KeyFile = serde_json::from_slice(&json)
            .map_err(|e| malformed(&format!("line {}, column {}", e.line(), e.column())))?;
        if kept.weft_keys != R::NAME {
            return Err(malformed("it holds keys of another kind"));
        }
        if kept.version != FORMAT_VERSION {
            return Err(malformed("its version is not known to this weft"));
        }
        let mut secret = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&kept.x25519_secret.0, secret.as_mut_slice())
            .map_err(|_| malformed("the secret is not 64 hex digits"))?;
        let keys = Self::from_secret_bytes(&secret);
        if keys.public != kept.x25519_public {
            return Err(malformed("the public key does not belong to the secret"));
        }
        Ok(keys)
    }
}

/// The permission bits, if they let others than the owner at the file.
#[cfg(unix)]
fn exposed_mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere the access list of the directory decides.
#[cfg(not(unix))]
fn exposed_mode(_metadata: &Metadata) -> Option<u32> {
    None
}
