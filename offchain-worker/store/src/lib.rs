//! The content store: bytes by the hash of their content, on disk and between
//! devices.
//!
//! - [`block`]: blocks and their CIDs, checked where they are made.
//! - [`unixfs`]: files as trees of blocks, the same trees that IPFS makes.
//! - [`store`]: the [`ContentStore`] trait; [`files`]: what every store can do
//!   with whole files; [`embedded`]: the store in a directory; [`ipfs`]: the one
//!   in a Kubo daemon; [`memory`]: one that is not kept.
//! - [`exchange`]: blocks over HTTP, served, fetched and pushed.
//! - [`car`]: blocks as one file. [`cache`]: which files stay in a bounded space.
//!
//! What is kept here is readable to every peer that knows its CID. Secrets are
//! sealed before they come here.

pub mod block;
pub mod cache;
pub mod car;
mod direct;
pub mod embedded;
pub mod exchange;
pub mod files;
pub mod ipfs;
pub mod memory;
pub mod store;
pub mod unixfs;

pub use block::{Block, BlockError, CidError, Codec, MAX_BLOCK_BYTES, cid_from_bytes, cid_to_bytes, parse_cid};
pub use bytes::Bytes;
pub use cid::Cid;
pub use direct::DirectWriter;
pub use embedded::{EmbeddedStore, StoreConfig};
pub use files::{ContentStoreExt, FileReader, FileWriter};
pub use ipfs::{IpfsConfig, IpfsError, IpfsStore};
pub use memory::MemoryStore;
pub use store::{ContentStore, StoreError};
pub use unixfs::DagLimits;
