//! Draws.

use proptest::prelude::*;
use std::collections::BTreeSet;

use crate::committees::pick;

proptest! {
    #[test]
    fn a_draw_has_as_many_different_places_as_are_asked_for(seed: [u8; 32], count in 0u32..300, custodians in 0u8..10) {
        match pick(seed, count, custodians) {
            Some(places) => {
                prop_assert_eq!(places.len(), usize::from(custodians));
                prop_assert!(places.iter().all(|place| *place < count));
                prop_assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len());
            }
            None => prop_assert!(count < u32::from(custodians)),
        }
    }
}

#[test]
fn all_are_drawn_equally_often() {
    let (count, custodians, draws) = (12u32, 5u8, 12_000u32);
    let mut drawn = vec![0u32; count as usize];
    for n in 0..draws {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        for place in pick(seed, count, custodians).unwrap() {
            drawn[place as usize] += 1;
        }
    }
    // 5,000 expected; the standard deviation is 54.
    for times in drawn {
        assert!((4_700..5_300).contains(&times), "{times}");
    }
}
