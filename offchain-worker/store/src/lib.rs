//! The content store: bytes by the hash of their content, on disk and between
//! devices.
//!
//! - [`block`]: blocks and their CIDs, checked where they are made.
//! - [`unixfs`]: files as trees of blocks, the same trees that IPFS makes.
//! - [`store`]: the [`ContentStore`] trait; [`files`]: what every store can do
//!   with whole files; [`embedded`]: the store in a directory.
//! - [`exchange`]: blocks over HTTP, served, fetched and pushed.
//!
//! What is kept here is readable to every peer that knows its CID. Secrets are
//! sealed before they come here.

pub mod block;
pub mod embedded;
pub mod exchange;
pub mod files;
pub mod store;
pub mod unixfs;

pub use block::{Block, BlockError, CidError, Codec, MAX_BLOCK_BYTES, cid_from_bytes, cid_to_bytes, parse_cid};
pub use bytes::Bytes;
pub use cid::Cid;
pub use embedded::{EmbeddedStore, StoreConfig};
pub use files::{ContentStoreExt, FileReader};
pub use store::{ContentStore, StoreError};
pub use unixfs::DagLimits;
