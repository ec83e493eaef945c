//! Files as trees of blocks: UnixFS over dag-pb.
//!
//! Made exactly as `ipfs add --cid-version=1 --raw-leaves` makes them with its
//! classic settings (262,144-byte chunks, balanced trees of 174 links), so that a
//! file has the same CID here and in IPFS
//! (<https://specs.ipfs.tech/unixfs/>, <https://ipld.io/specs/codecs/dag-pb/>).

mod builder;
mod node;
mod protobuf;
mod walk;

pub use builder::{CHUNK_BYTES, FileBuilder, LINKS_PER_NODE};
pub use node::{Link, MalformedNode, Node, links_of};
pub(crate) use protobuf::put_varint;
pub use walk::{Cursor, DagError, DagLimits, Visit, expand};
