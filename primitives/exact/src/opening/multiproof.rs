//! Proofs of several leaves of one tree of [`crate::merkle`] at once: siblings that the leaves make themselves are left out.
//!
//! For one leaf it is the proof of [`merkle::prove`]. Places and the number of leaves are no part of a proof: who checks one
//! knows them, and a proof for other ones leads to another root.

use alloc::vec::Vec;

use crate::merkle::{self, Digest};

/// Places in a level, ascending, that are not among `known` but whose siblings are.
fn missing(known: &[u64], last: u64) -> impl Iterator<Item = u64> {
    let siblings = known.iter().map(|at| at ^ 1);
    siblings.filter(move |sibling| *sibling <= last && known.binary_search(sibling).is_err())
}

/// The places of the level above.
fn parents(known: &[u64]) -> Vec<u64> {
    let mut parents: Vec<u64> = known.iter().map(|at| at >> 1).collect();
    parents.dedup();
    parents
}

/// Whether the places are ascending, and of a tree of `count` leaves.
fn are_places(places: &[u64], count: u64) -> bool {
    places.is_sorted_by(|one, next| one < next) && places.last().is_some_and(|last| *last < count)
}

/// Siblings that a proof of the leaves at `places` has; `None` if these are not ascending, or not all in the tree.
pub fn siblings(count: u64, places: &[u64]) -> Option<usize> {
    if !are_places(places, count) {
        return None;
    }
    let (mut known, mut last, mut siblings) = (places.to_vec(), count - 1, 0);
    while last > 0 {
        siblings += missing(&known, last).count();
        known = parents(&known);
        last >>= 1;
    }
    Some(siblings)
}

/// The siblings for the leaves at `places`, level by level upwards and in each from the left; `None` if the places are not
/// ascending, or not all in the tree.
pub fn prove(leaves: &[Digest], places: &[u64]) -> Option<Vec<Digest>> {
    if !are_places(places, leaves.len() as u64) {
        return None;
    }
    let (mut level, mut known, mut siblings) = (leaves.to_vec(), places.to_vec(), Vec::new());
    while level.len() > 1 {
        let last = level.len() as u64 - 1;
        siblings.extend(missing(&known, last).filter_map(|at| level.get(usize::try_from(at).ok()?).copied()));
        level = merkle::above(&level);
        known = parents(&known);
    }
    Some(siblings)
}

/// The root of a tree of `count` leaves to which `siblings` lead from some of them, given with their places; `None` if it cannot
/// be a proof of these leaves.
pub fn root(count: u64, leaves: &[(u64, Digest)], siblings: &[Digest]) -> Option<Digest> {
    let places: Vec<u64> = leaves.iter().map(|(at, _)| *at).collect();
    if !are_places(&places, count) {
        return None;
    }
    let (mut level, mut last, mut siblings) = (leaves.to_vec(), count - 1, siblings.iter());
    while last > 0 {
        let mut above = Vec::with_capacity(level.len());
        let mut known = level.iter().peekable();
        while let Some((at, digest)) = known.next() {
            let parent = if at & 1 == 1 {
                merkle::node(siblings.next()?, digest)
            } else if let Some((_, right)) = known.next_if(|(next, _)| *next == at + 1) {
                merkle::node(digest, right)
            } else if *at < last {
                merkle::node(digest, siblings.next()?)
            } else {
                *digest
            };
            above.push((at >> 1, parent));
        }
        level = above;
        last >>= 1;
    }
    let (_, top) = level.first()?;
    siblings.next().is_none().then(|| merkle::root_of(top, count))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn tree(count: u64) -> Vec<Digest> {
        (0..count).map(|i| merkle::leaf(&i.to_le_bytes())).collect()
    }

    fn picked(leaves: &[Digest], places: &[u64]) -> Vec<(u64, Digest)> {
        places.iter().map(|at| (*at, leaves[*at as usize])).collect()
    }

    proptest! {
        #[test]
        fn any_leaves_are_proved_and_no_others(
            count in 1u64..70, chosen in prop::collection::btree_set(0u64..70, 1..20), other in 0u64..70, flip in 0usize..640,
        ) {
            let leaves = tree(count);
            let mut places: Vec<u64> = chosen.into_iter().map(|at| at % count).collect();
            places.sort_unstable();
            places.dedup();
            let wanted = Some(merkle::root(&leaves));
            let proof = prove(&leaves, &places).unwrap();
            let given = picked(&leaves, &places);
            prop_assert_eq!(root(count, &given, &proof), wanted);
            prop_assert_eq!(siblings(count, &places), Some(proof.len()));
            // No more than a proof of each.
            prop_assert!(proof.len() <= places.len() * merkle::prove(&leaves, 0).unwrap().siblings.len());
            // Of a tree of another size, of another leaf, or with another place.
            prop_assert_ne!(root(count + 1, &given, &proof), wanted);
            prop_assert_ne!(root(count.saturating_sub(1), &given, &proof), wanted);
            let at = flip % given.len();
            let mut bent = given.clone();
            bent[at].1[flip % 32] ^= 1;
            prop_assert_ne!(root(count, &bent, &proof), wanted);
            if !places.contains(&(other % count)) {
                let mut moved = given.clone();
                moved[at].0 = other % count;
                moved.sort_unstable();
                prop_assert_ne!(root(count, &moved, &proof), wanted);
            }
            // With siblings that are bent, missing or too many.
            let mut longer = proof.clone();
            longer.push([0; 32]);
            prop_assert_eq!(root(count, &given, &longer), None);
            if !proof.is_empty() {
                let mut bent = proof.clone();
                bent[flip % proof.len()][flip % 32] ^= 1;
                prop_assert_ne!(root(count, &given, &bent), wanted);
                let mut shorter = proof.clone();
                shorter.remove(flip % proof.len());
                prop_assert_eq!(root(count, &given, &shorter), None);
            }
        }

        #[test]
        fn one_leaf_is_proved_as_everywhere(count in 1u64..200, at in 0u64..200) {
            let (leaves, at) = (tree(count), at % count);
            let wanted = merkle::prove(&leaves, at as usize).unwrap().siblings;
            prop_assert_eq!(prove(&leaves, &[at]), Some(wanted));
        }

        #[test]
        fn neighbours_share_their_siblings(count in 1u64..300, first in 0u64..300, length in 1u64..300) {
            let first = first % count;
            let places: Vec<u64> = (first..count.min(first + length)).collect();
            let most = if places.len() as u64 == count { 0 } else { 2 * u64::BITS - 2 * count.leading_zeros() };
            prop_assert!(siblings(count, &places).unwrap() <= most as usize);
            let leaves = tree(count);
            let proof = prove(&leaves, &places).unwrap();
            prop_assert_eq!(root(count, &picked(&leaves, &places), &proof), Some(merkle::root(&leaves)));
        }

        #[test]
        fn what_strangers_send_is_refused(
            count in any::<u64>(), places in prop::collection::vec(any::<u64>(), 0..5), siblings in 0usize..200,
        ) {
            let given: Vec<_> = places.iter().map(|at| (*at, [1; 32])).collect();
            let result = root(count, &given, &vec![[2; 32]; siblings]);
            prop_assert_eq!(result.is_some(), super::siblings(count, &places) == Some(siblings));
        }
    }

    #[test]
    fn no_leaves_have_no_proof() {
        let leaves = tree(3);
        for places in [&[][..], &[3], &[1, 1], &[2, 1]] {
            assert_eq!((prove(&leaves, places), siblings(3, places)), (None, None));
            let given: Vec<_> = places.iter().map(|at| (*at, [0; 32])).collect();
            assert_eq!(root(3, &given, &[]), None);
        }
        assert_eq!((root(0, &[], &[]), root(0, &[(0, [0; 32])], &[])), (None, None));
        assert_eq!(siblings(u64::MAX, &[0, u64::MAX - 1]), Some(63 + 62));
    }
}
