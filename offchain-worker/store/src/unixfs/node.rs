//! One node of a file's tree.

use bytes::Bytes;
use cid::Cid;

use super::protobuf::{NotProtobuf, Value, next_field, put_bytes_field, put_varint_field, take_varint};
use crate::block::{Codec, codec_of};

/// Field numbers of dag-pb's `PBNode` and `PBLink`, and of UnixFS's `Data`.
mod field {
    pub const NODE_DATA: u64 = 1;
    pub const NODE_LINKS: u64 = 2;
    pub const LINK_HASH: u64 = 1;
    pub const LINK_NAME: u64 = 2;
    pub const LINK_TSIZE: u64 = 3;
    pub const UNIXFS_TYPE: u64 = 1;
    pub const UNIXFS_DATA: u64 = 2;
    pub const UNIXFS_FILESIZE: u64 = 3;
    pub const UNIXFS_BLOCKSIZES: u64 = 4;
}

const TYPE_RAW: u64 = 0;
const TYPE_FILE: u64 = 2;

/// Why a block is not a node of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNode {
    /// Not a dag-pb node.
    #[error("it is not a dag-pb node")]
    NotDagPb,
    /// No UnixFS in it.
    #[error("it is not a UnixFS node")]
    NotUnixFs,
    /// A directory, a symbolic link, a shard.
    #[error("it is no file (UnixFS type {0})")]
    NotAFile(u64),
    /// A link to a CID that is not used here.
    #[error("it links to a CID of a kind that is not kept here")]
    ForeignLink,
    /// Its numbers contradict each other.
    #[error("its sizes do not add up")]
    Sizes,
}

impl From<NotProtobuf> for MalformedNode {
    fn from(_: NotProtobuf) -> Self {
        Self::NotDagPb
    }
}

/// A link to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which block.
    pub cid: Cid,
    /// Bytes of the file below it.
    pub file_bytes: u64,
    /// Bytes of all blocks below it, itself included.
    pub tree_bytes: u64,
}

/// A node of a file: its own bytes, then those of its children in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Bytes of the file in the node itself.
    pub data: Bytes,
    /// Its children.
    pub links: Vec<Link>,
    /// Bytes of the file in the node and below it.
    pub file_bytes: u64,
}

impl Node {
    /// Reads a block of a file. What it returns adds up: `file_bytes` is the sum
    /// of the data and of the children, and no child is empty, so that a tree
    /// never has more visits than bytes.
    pub fn decode(cid: &Cid, block: &Bytes) -> Result<Self, MalformedNode> {
        match codec_of(cid) {
            Ok(Codec::Raw) => Ok(Self {
                data: block.clone(),
                links: Vec::new(),
                file_bytes: block.len() as u64,
            }),
            Ok(Codec::DagPb) => Self::decode_dag_pb(block),
            Err(_) => Err(MalformedNode::ForeignLink),
        }
    }

    fn decode_dag_pb(block: &Bytes) -> Result<Self, MalformedNode> {
        let (links, unixfs) = decode_pb_node(block)?;
        let unixfs = decode_unixfs(unixfs.ok_or(MalformedNode::NotUnixFs)?)?;
        if unixfs.block_sizes.len() != links.len() {
            return Err(MalformedNode::Sizes);
        }
        let mut file_bytes = unixfs.data.len() as u64;
        let mut out = Vec::with_capacity(links.len());
        for ((cid, tree_bytes), size) in links.into_iter().zip(unixfs.block_sizes) {
            if size == 0 {
                return Err(MalformedNode::Sizes);
            }
            file_bytes = file_bytes.checked_add(size).ok_or(MalformedNode::Sizes)?;
            out.push(Link {
                cid,
                file_bytes: size,
                tree_bytes,
            });
        }
        if unixfs.file_size.is_some_and(|size| size != file_bytes) {
            return Err(MalformedNode::Sizes);
        }
        Ok(Self {
            data: block.slice_ref(unixfs.data),
            links: out,
            file_bytes,
        })
    }

    /// The dag-pb form of an inner node: links, and no data of its own.
    pub(super) fn encode_inner(links: &[Link]) -> Vec<u8> {
        let mut unixfs = Vec::new();
        put_varint_field(&mut unixfs, field::UNIXFS_TYPE, TYPE_FILE);
        let file_bytes = links.iter().map(|l| l.file_bytes).sum();
        put_varint_field(&mut unixfs, field::UNIXFS_FILESIZE, file_bytes);
        for link in links {
            put_varint_field(&mut unixfs, field::UNIXFS_BLOCKSIZES, link.file_bytes);
        }
        let mut out = Vec::new();
        let mut encoded = Vec::new();
        for link in links {
            encoded.clear();
            put_bytes_field(&mut encoded, field::LINK_HASH, &link.cid.to_bytes());
            put_bytes_field(&mut encoded, field::LINK_NAME, b"");
            put_varint_field(&mut encoded, field::LINK_TSIZE, link.tree_bytes);
            put_bytes_field(&mut out, field::NODE_LINKS, &encoded);
        }
        // Canonical dag-pb has the links before the data.
        put_bytes_field(&mut out, field::NODE_DATA, &unixfs);
        out
    }
}

/// The CIDs that a block links to, whatever else the block is; none for a raw
/// block or one that is no dag-pb node.
pub fn links_of(cid: &Cid, block: &[u8]) -> Vec<Cid> {
    match codec_of(cid) {
        Ok(Codec::DagPb) => decode_pb_node(block)
            .map(|(links, _)| links.into_iter().map(|(cid, _)| cid).collect())
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

type PbLink = (Cid, u64);

fn decode_pb_node(mut block: &[u8]) -> Result<(Vec<PbLink>, Option<&[u8]>), MalformedNode> {
    let mut links = Vec::new();
    let mut data = None;
    while let Some((number, value)) = next_field(&mut block)? {
        match (number, value) {
            // Links come first: anything after the data is not canonical.
            _ if data.is_some() => return Err(MalformedNode::NotDagPb),
            (field::NODE_LINKS, Value::Bytes(link)) => links.push(decode_pb_link(link)?),
            (field::NODE_DATA, Value::Bytes(bytes)) => data = Some(bytes),
            _ => return Err(MalformedNode::NotDagPb),
        }
    }
    Ok((links, data))
}

fn decode_pb_link(mut link: &[u8]) -> Result<PbLink, MalformedNode> {
    let mut cid = None;
    let mut tree_bytes = 0;
    while let Some((number, value)) = next_field(&mut link)? {
        match (number, value) {
            (field::LINK_HASH, Value::Bytes(bytes)) if cid.is_none() => {
                let read = Cid::try_from(bytes).map_err(|_| MalformedNode::ForeignLink)?;
                codec_of(&read).map_err(|_| MalformedNode::ForeignLink)?;
                cid = Some(read);
            }
            (field::LINK_NAME, Value::Bytes(_)) => {}
            (field::LINK_TSIZE, Value::Varint(size)) => tree_bytes = size,
            _ => return Err(MalformedNode::NotDagPb),
        }
    }
    Ok((cid.ok_or(MalformedNode::NotDagPb)?, tree_bytes))
}

struct UnixFs<'a> {
    data: &'a [u8],
    file_size: Option<u64>,
    block_sizes: Vec<u64>,
}

fn decode_unixfs(mut bytes: &[u8]) -> Result<UnixFs<'_>, MalformedNode> {
    let mut kind = None;
    let mut out = UnixFs {
        data: &[],
        file_size: None,
        block_sizes: Vec::new(),
    };
    while let Some((number, value)) = next_field(&mut bytes).map_err(|_| MalformedNode::NotUnixFs)? {
        match (number, value) {
            (field::UNIXFS_TYPE, Value::Varint(value)) => kind = Some(value),
            (field::UNIXFS_DATA, Value::Bytes(data)) => out.data = data,
            (field::UNIXFS_FILESIZE, Value::Varint(size)) => out.file_size = Some(size),
            (field::UNIXFS_BLOCKSIZES, Value::Varint(size)) => out.block_sizes.push(size),
            (field::UNIXFS_BLOCKSIZES, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    let size = take_varint(&mut packed).map_err(|_| MalformedNode::NotUnixFs)?;
                    out.block_sizes.push(size);
                }
            }
            // Mode, time and whatever comes later do not change the bytes.
            _ => {}
        }
    }
    match kind {
        Some(TYPE_RAW | TYPE_FILE) => Ok(out),
        Some(other) => Err(MalformedNode::NotAFile(other)),
        None => Err(MalformedNode::NotUnixFs),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::block::Block;

    fn link(n: u8, file_bytes: u64) -> Link {
        let cid = *Block::raw(Bytes::from(vec![n])).unwrap().cid();
        Link {
            cid,
            file_bytes,
            tree_bytes: file_bytes.saturating_add(9),
        }
    }

    fn decode(block: Vec<u8>) -> Result<Node, MalformedNode> {
        let block = Block::dag_pb(block.into()).unwrap();
        Node::decode(block.cid(), block.data())
    }

    proptest! {
        #[test]
        fn inner_nodes_come_back(sizes in proptest::collection::vec(1u64..1 << 40, 0..200)) {
            let links: Vec<Link> = sizes.iter().enumerate().map(|(i, s)| link(i as u8, *s)).collect();
            let node = decode(Node::encode_inner(&links)).unwrap();
            prop_assert_eq!(node.file_bytes, sizes.iter().sum::<u64>());
            prop_assert!(node.data.is_empty());
            prop_assert_eq!(node.links, links);
        }

        #[test]
        fn damage_never_panics_and_sums_still_hold(at in any::<prop::sample::Index>(), byte: u8) {
            let mut block = Node::encode_inner(&[link(1, 5), link(2, 1 << 33), link(3, 77)]);
            let at = at.index(block.len());
            block[at] = byte;
            if let Ok(node) = decode(block) {
                prop_assert_eq!(node.file_bytes, node.links.iter().map(|l| l.file_bytes).sum::<u64>());
                prop_assert!(node.links.iter().all(|l| l.file_bytes > 0));
            }
        }

        #[test]
        fn garbage_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..400)) {
            let block = Block::dag_pb(garbage.into()).unwrap();
            let _ = Node::decode(block.cid(), block.data());
            let _ = links_of(block.cid(), block.data());
        }
    }

    #[test]
    fn an_inner_node_that_adds_up_to_more_than_u64_is_refused() {
        let mut links = vec![link(1, u64::MAX), link(2, 1)];
        // Encoded with a sum that wraps, as a liar would.
        links[1].file_bytes = 1;
        let mut unixfs = Vec::new();
        put_varint_field(&mut unixfs, field::UNIXFS_TYPE, TYPE_FILE);
        put_varint_field(&mut unixfs, field::UNIXFS_FILESIZE, 0);
        for link in &links {
            put_varint_field(&mut unixfs, field::UNIXFS_BLOCKSIZES, link.file_bytes);
        }
        let mut block = Vec::new();
        for link in &links {
            let mut encoded = Vec::new();
            put_bytes_field(&mut encoded, field::LINK_HASH, &link.cid.to_bytes());
            put_bytes_field(&mut block, field::NODE_LINKS, &encoded);
        }
        put_bytes_field(&mut block, field::NODE_DATA, &unixfs);
        assert_eq!(decode(block), Err(MalformedNode::Sizes));
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let unixfs_of = |kind| {
            let mut unixfs = Vec::new();
            put_varint_field(&mut unixfs, field::UNIXFS_TYPE, kind);
            let mut block = Vec::new();
            put_bytes_field(&mut block, field::NODE_DATA, &unixfs);
            block
        };
        for (kind, found) in [
            (TYPE_FILE, Ok(0)),
            (1, Err(MalformedNode::NotAFile(1))),
            (4, Err(MalformedNode::NotAFile(4))),
            (5, Err(MalformedNode::NotAFile(5))),
        ] {
            assert_eq!(decode(unixfs_of(kind)).map(|n| n.file_bytes), found);
        }
        assert_eq!(decode(Vec::new()), Err(MalformedNode::NotUnixFs));
        assert_eq!(decode(vec![0xff]), Err(MalformedNode::NotDagPb));
        assert_eq!(decode(Node::encode_inner(&[link(1, 0)])), Err(MalformedNode::Sizes));
    }

    #[test]
    fn a_leaf_that_holds_its_bytes_itself_is_read() {
        // `printf hello | ipfs add --cid-version=1 --raw-leaves=false`
        let block = b"\x0a\x0b\x08\x02\x12\x05hello\x18\x05".to_vec();
        let node = decode(block).unwrap();
        assert_eq!(&node.data[..], b"hello");
        assert_eq!(node.file_bytes, 5);
    }
}
