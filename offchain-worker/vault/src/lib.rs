//! The vault: everything in Weft that turns plaintext into ciphertext and back.
//!
//! - [`file`] seals a file of any size under a fresh [`ContentKey`] in constant memory, on all cores.
//! - [`message`] seals a prompt or an answer as one small sealed file.
//! - [`wrap`] hands a content key to the X25519 key of one device or user, bound to its purpose.
//! - [`shares`] entrusts a content key to custodians and puts it together again from what they release.
//! - [`keys`] keeps those X25519 keys on disk.
//!
//! The crate knows no chain, no network and no content store: it takes readers, writers and paths.

mod cipher;
pub mod file;
pub mod header;
pub mod key;
pub mod keys;
pub mod message;
mod pipeline;
pub mod shares;
pub mod stream;
pub mod wrap;

pub use file::{open_file, open_to_path, open_to_vec, seal_file, seal_path_to_path, seal_to_path};
pub use header::{CHUNK_BYTES, HEADER_BYTES, Header, HeaderError, NoncePrefix, TAG_BYTES};
pub use key::{ContentKey, KeyCommitment, RandomnessError};
pub use keys::{CustodianKeys, DeviceKeys, KeyFileError, PublicKey, UserKeys};
pub use message::{MAX_MESSAGE_BYTES, open_message, seal_message};
pub use stream::{OpenError, SealError, Sealed};
pub use wrap::{CidBytes, Context, GenesisHash, WRAPPED_KEY_BYTES, WrapError, WrappedKey};
