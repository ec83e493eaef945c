//! Merkle trees of blake2b-256, after RFC 6962: leaves and nodes are hashed apart, and a node without a sibling moves up as it
//! is. The root also binds the number of leaves.
//!
//! One tree for all that Weft commits to: the weights and traces of exact models, the records of datasets, the pieces of
//! sealed files.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;

/// A blake2b-256 digest.
pub type Digest = [u8; 32];

const LEAF: u8 = 0;
const NODE: u8 = 1;
const ROOT: u8 = 2;

fn digest(parts: &[&[u8]]) -> Digest {
    let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
    for part in parts {
        state.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(state.finalize().as_bytes());
    digest
}

/// Of any bytes, for what is no tree; `domain` keeps different things apart.
pub fn hash(domain: &[u8], bytes: &[u8]) -> Digest {
    digest(&[&(domain.len() as u64).to_le_bytes(), domain, bytes])
}

/// Of a leaf's bytes.
pub fn leaf(bytes: &[u8]) -> Digest {
    digest(&[&[LEAF], bytes])
}

/// Leaves that are written one after the other and hashed together, several at a time where the processor can.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Of each leaf its mark and its bytes.
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Batch {
    /// With room for so many leaves of so many bytes in all.
    pub fn with_capacity(leaves: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(leaves.saturating_add(bytes)),
            starts: Vec::with_capacity(leaves),
        }
    }

    /// Begins another leaf.
    pub fn begin(&mut self) {
        self.starts.push(self.bytes.len());
        self.bytes.push(LEAF);
    }

    /// Appends to the leaf that was begun last; without one it is part of none.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The digests, in the order of the leaves.
    pub fn digests(&self) -> Vec<Digest> {
        let mut params = blake2b_simd::Params::new();
        params.hash_length(32);
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        let mut jobs: Vec<_> = self
            .starts
            .iter()
            .zip(ends)
            .map(|(start, end)| {
                let leaf = self.bytes.get(*start..end).unwrap_or_default();
                blake2b_simd::many::HashManyJob::new(&params, leaf)
            })
            .collect();
        blake2b_simd::many::hash_many(&mut jobs);
        jobs.iter()
            .map(|job| {
                let mut digest = [0; 32];
                digest.copy_from_slice(job.to_hash().as_bytes());
                digest
            })
            .collect()
    }
}

/// Of many leaves, several at a time where the processor can.
pub fn leaf_many<T: AsRef<[u8]>>(leaves: &[T]) -> Vec<Digest> {
    let bytes = leaves.iter().map(|leaf| leaf.as_ref().len()).sum();
    let mut batch = Batch::with_capacity(leaves.len(), bytes);
    for leaf in leaves {
        batch.begin();
        batch.extend(leaf.as_ref());
    }
    batch.digests()
}

/// Of two digests side by side.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    digest(&[&[NODE], left, right])
}

/// The root of a tree of `count` leaves whose topmost digest is `top`.
pub fn root_of(top: &Digest, count: u64) -> Digest {
    digest(&[&[ROOT], &count.to_le_bytes(), top])
}

/// The level above: digests in pairs, and one without a sibling as it is.
pub fn above(level: &[Digest]) -> Vec<Digest> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node(left, right),
            [single, ..] => *single,
            [] => Digest::default(),
        })
        .collect()
}

/// The root of a tree to which leaves are appended; keeps one digest for each level.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    count: u64,
    /// Roots of whole subtrees, the largest first: one for each bit of the count.
    peaks: Vec<Digest>,
}

impl Builder {
    /// Appends the digest of a leaf.
    pub fn push(&mut self, leaf: Digest) {
        let mut digest = leaf;
        let mut count = self.count;
        while count & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                digest = node(&left, &digest);
            }
            count >>= 1;
        }
        self.peaks.push(digest);
        self.count = self.count.saturating_add(1);
    }

    /// Leaves so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The root.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let last = peaks.next().copied().unwrap_or_default();
        let top = peaks.fold(last, |right, left| node(left, &right));
        root_of(&top, self.count)
    }
}

/// The root over the digests of leaves.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut builder = Builder::default();
    leaves.iter().for_each(|leaf| builder.push(*leaf));
    builder.root()
}

/// What leads from a leaf to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The leaf's place.
    pub index: u64,
    /// Leaves of the tree.
    pub count: u64,
    /// Siblings, from the leaf upwards.
    pub siblings: Vec<Digest>,
}

/// The proof for leaf `index`; `None` if there is no such leaf.
pub fn prove(leaves: &[Digest], index: usize) -> Option<Proof> {
    leaves.get(index)?;
    let mut siblings = Vec::new();
    let mut level: Vec<Digest> = leaves.to_vec();
    let mut at = index;
    while level.len() > 1 {
        siblings.extend(level.get(at ^ 1).copied());
        level = above(&level);
        at /= 2;
    }
    Some(Proof {
        index: index as u64,
        count: leaves.len() as u64,
        siblings,
    })
}

impl Proof {
    /// The root that this proof leads to from a leaf's digest; `None` if it cannot be a proof of its tree.
    pub fn root(&self, leaf: Digest) -> Option<Digest> {
        if self.index >= self.count {
            return None;
        }
        let (mut at, mut last) = (self.index, self.count - 1);
        let mut siblings = self.siblings.iter();
        let mut digest = leaf;
        while last > 0 {
            if at & 1 == 1 {
                digest = node(siblings.next()?, &digest);
            } else if at < last {
                digest = node(&digest, siblings.next()?);
            }
            at >>= 1;
            last >>= 1;
        }
        siblings.next().is_none().then(|| root_of(&digest, self.count))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|i| leaf(&i.to_le_bytes())).collect()
    }

    proptest! {
        #[test]
        fn every_leaf_is_proved_and_no_other(count in 1usize..70, index in 0usize..70, other in 0usize..70, flip in 0usize..64) {
            let leaves = leaves(count);
            let (index, other) = (index % count, other % count);
            let proof = prove(&leaves, index).unwrap();
            prop_assert_eq!(proof.root(leaves[index]), Some(root(&leaves)));
            if other != index {
                prop_assert_ne!(proof.root(leaves[other]), Some(root(&leaves)));
                prop_assert_ne!(Proof { index: other as u64, ..proof.clone() }.root(leaves[index]), Some(root(&leaves)));
            }
            prop_assert_ne!(Proof { count: proof.count + 1, ..proof.clone() }.root(leaves[index]), Some(root(&leaves)));
            let mut longer = proof.clone();
            longer.siblings.push([0; 32]);
            prop_assert_eq!(longer.root(leaves[index]), None);
            let mut bent = proof;
            if !bent.siblings.is_empty() {
                let at = flip % bent.siblings.len();
                bent.siblings[at][flip % 32] ^= 1;
                prop_assert_ne!(bent.root(leaves[index]), Some(root(&leaves)));
            }
        }
    }

    #[test]
    fn many_leaves_are_hashed_like_one() {
        let leaves: Vec<Vec<u8>> = (0..37usize).map(|at| vec![at as u8; at * 41]).collect();
        assert_eq!(
            leaf_many(&leaves),
            leaves.iter().map(|bytes| leaf(bytes)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_ends() {
        assert_eq!(prove(&leaves(3), 3), None);
        assert_eq!(root(&[]), Builder::default().root());
        assert_ne!(root(&leaves(1)), leaves(1)[0]);
        assert_ne!(root(&leaves(2)), root(&leaves(3)));
        let none = Proof {
            index: 0,
            count: 0,
            siblings: vec![],
        };
        assert_eq!(none.root(leaf(b"x")), None);
        assert_ne!(hash(b"a", b"bc"), hash(b"ab", b"c"));
    }
}
