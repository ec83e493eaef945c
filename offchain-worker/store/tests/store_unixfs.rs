//! Files become the trees that IPFS makes of them, and come back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;
use weft_store::{
    Block, Cid,
    unixfs::{CHUNK_BYTES, Cursor, DagError, DagLimits, FileBuilder, LINKS_PER_NODE, links_of},
};

/// Byte `i` is the top byte of `i * 2654435761` in 32 bits.
fn content(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn build(content: &[u8], chunk_bytes: usize) -> (Cid, Vec<Block>) {
    let mut builder = FileBuilder::new();
    let mut blocks = Vec::new();
    for chunk in content.chunks(chunk_bytes) {
        builder.push_chunk(Bytes::copy_from_slice(chunk), &mut blocks).unwrap();
    }
    let root = builder.finish(&mut blocks).unwrap();
    assert_eq!(root.file_bytes, content.len() as u64);
    let stored: u64 = blocks.iter().map(|b| b.data().len() as u64).sum();
    assert_eq!(root.tree_bytes, stored);
    (root.cid, blocks)
}

/// From another implementation: npm's ipfs-unixfs-importer with CID version 1, raw
/// leaves, balanced layout of 174 children and fixed chunks of the given size.
/// Trees of three levels are cheap to try with chunks of one byte.
#[test]
fn cids_are_those_that_ipfs_gives() {
    for (len, chunk_bytes, expected) in [
        (
            0,
            CHUNK_BYTES,
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        ),
        (
            1,
            CHUNK_BYTES,
            "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
        ),
        (
            262_143,
            CHUNK_BYTES,
            "bafkreibvbaollm3i4vb2whnxqniekgixcmmbkhwcnz3iejkn5r3aczje7q",
        ),
        (
            262_144,
            CHUNK_BYTES,
            "bafkreiecq6sthzzdvpdhqwwpdczxx26e4t3e5wmnzviqmqdphldgfqoe3m",
        ),
        (
            262_145,
            CHUNK_BYTES,
            "bafybeigipb3upfgc7d3pg3llsnskvcftvdsi6mhqvmuxde2mq3do4gk47m",
        ),
        (
            45_613_056,
            CHUNK_BYTES,
            "bafybeidimne5wf5ewfzo7j3i6rqielsyhrfd3gchn3xe5vjxbzxs5d5rye",
        ),
        (
            45_613_057,
            CHUNK_BYTES,
            "bafybeiajrrb2wso56upygo5ncasyf7ychzfsllqzv4yen5vlyacji47x5q",
        ),
        (
            50_000_000,
            CHUNK_BYTES,
            "bafybeihqzd7gvfv7n6bd3hrdp5kjt5fkpiprfiamzctheif4b2ndit5s3i",
        ),
        (174, 1, "bafybeidpkvh5vdnuybn4zj6ukaeprfc3zbiiiiixjok42wlbatmh6qhdae"),
        (175, 1, "bafybeicg6rici7uvpohcl3tqhufy6fpzw4k4pv7co7qykkqyay4idnd4uu"),
        (348, 1, "bafybeidqyuzbltp5at3yionoakoq4wt2ltcihpart64o3c4ubstdommula"),
        (30_276, 1, "bafybeifssgsxzshzwzgw4yz6fio34lury4c2mja4l32pbnfgldzfbbukb4"),
        (30_277, 1, "bafybeidxxe5u5lahj5sp7h24bgqar7ah6raumzc43gfiiykiw7keulb7ji"),
        (
            100_000,
            1,
            "bafybeihzw37hbgtdyjms67rlg5bogfsqzihkcydbfyapes57iklxe7hwmm",
        ),
    ] {
        let (root, _) = build(&content(len), chunk_bytes);
        assert_eq!(root.to_string(), expected, "{len} bytes in chunks of {chunk_bytes}");
    }
}

/// By hand: `sha256sum` gives the digest, base32 of 01 55 12 20 and it gives the rest.
#[test]
fn the_cid_of_a_raw_block_is_its_digest() {
    let block = Block::raw(Bytes::from_static(b"hello world")).unwrap();
    assert_eq!(
        block.cid().to_string(),
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    );
    let digest = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    let shown: String = block.cid().hash().digest().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(shown, digest);
}

fn read(root: Cid, blocks: &HashMap<Cid, Bytes>, limits: DagLimits) -> Result<Vec<u8>, DagError> {
    let mut cursor = Cursor::new(root, limits);
    let mut out = Vec::new();
    while let Some(wanted) = cursor.wanted().copied() {
        out.extend_from_slice(&cursor.feed(&blocks[&wanted])?);
    }
    Ok(out)
}

fn by_cid(blocks: &[Block]) -> HashMap<Cid, Bytes> {
    blocks.iter().map(|b| (*b.cid(), b.data().clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn files_come_back(len in 0usize..3000, chunk_bytes in 1usize..40) {
        let content = content(len);
        let (root, blocks) = build(&content, chunk_bytes);
        let blocks = by_cid(&blocks);
        prop_assert_eq!(read(root, &blocks, DagLimits::default()), Ok(content));
    }

    #[test]
    fn leaves_lie_equally_deep_and_nodes_are_full_from_the_left(leaves in 1usize..70_000) {
        // Every leaf is its number, so that none is shared.
        let mut builder = FileBuilder::new();
        let mut blocks = Vec::new();
        for i in 0..leaves as u32 {
            builder.push_chunk(Bytes::copy_from_slice(&i.to_be_bytes()), &mut blocks).unwrap();
        }
        let root = builder.finish(&mut blocks).unwrap().cid;
        let blocks = by_cid(&blocks);
        let mut level = vec![root];
        let mut depth = 0;
        while level.len() < leaves {
            let mut below = Vec::new();
            for (i, cid) in level.iter().enumerate() {
                let links = links_of(cid, &blocks[cid]);
                prop_assert!(i + 1 == level.len() || links.len() == LINKS_PER_NODE);
                prop_assert!((1..=LINKS_PER_NODE).contains(&links.len()));
                below.extend(links);
            }
            level = below;
            depth += 1;
        }
        prop_assert_eq!(level.len(), leaves);
        let least = (0..).find(|d| LINKS_PER_NODE.pow(*d) >= leaves).unwrap();
        prop_assert_eq!(depth, least);
        prop_assert!(level.iter().all(|cid| cid.codec() == 0x55));
    }
}

#[test]
fn a_reader_keeps_to_its_limits() {
    let (root, blocks) = build(&content(40_000), 1);
    let blocks = by_cid(&blocks);
    let limits = |max_bytes, max_depth| DagLimits { max_bytes, max_depth };
    assert!(read(root, &blocks, limits(40_000, 3)).is_ok());
    assert_eq!(
        read(root, &blocks, limits(39_999, 3)),
        Err(DagError::TooLong {
            cid: root,
            bytes: 40_000,
            max: 39_999
        })
    );
    assert!(matches!(
        read(root, &blocks, limits(40_000, 2)),
        Err(DagError::TooDeep { max: 2, .. })
    ));
}

#[test]
fn a_child_that_is_not_as_long_as_promised_is_refused() {
    let (root, blocks) = build(&content(300), 100);
    let honest = by_cid(&blocks);
    let node = honest[&root].to_vec();
    // The sizes are the only 100s in the node: 20 64, three times, at its end.
    let at = node
        .windows(6)
        .position(|w| w == [0x20, 100, 0x20, 100, 0x20, 100])
        .unwrap();
    let mut lying = node;
    lying[at + 1] = 101;
    lying[at + 3] = 99;
    let lying = Block::dag_pb(lying.into()).unwrap();
    let mut blocks = honest;
    blocks.insert(*lying.cid(), lying.data().clone());
    assert!(matches!(
        read(*lying.cid(), &blocks, DagLimits::default()),
        Err(DagError::Length {
            expected: 101,
            actual: 100,
            ..
        })
    ));
}
