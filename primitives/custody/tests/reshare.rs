//! A new committee has the same secret, and the old shares are worth nothing in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use weft_custody::{
    Secret, Shape, Share,
    reshare::{ReshareError, check_reshare, reshare_combine, reshare_commitments, reshare_deal},
    sharing::{CombineError, Commitment, CommitmentError, Dealt, combine, verify_share},
};

/// Each old custodian's deal.
fn deals(shape: Shape, old: &Dealt, pool: &[Secret]) -> Vec<(u8, Dealt)> {
    let per_deal = usize::from(shape.threshold() - 1);
    old.shares
        .iter()
        .zip(pool.chunks(per_deal.max(1)))
        .map(|(share, coefficients)| (share.index, reshare_deal(shape, share, coefficients).unwrap()))
        .collect()
}

fn new_shares(shape: Shape, chosen: &[(u8, Dealt)]) -> Vec<Share> {
    (1..=shape.shares())
        .map(|index| {
            let dealt: Vec<_> = chosen
                .iter()
                .map(|(dealer, deal)| (*dealer, *deal.shares[usize::from(index - 1)].value.to_bytes()))
                .collect();
            reshare_combine(shape.threshold(), index, &dealt).unwrap()
        })
        .collect()
}

fn new_commitments(shape: Shape, chosen: &[(u8, Dealt)]) -> Vec<Commitment> {
    let chosen: Vec<_> = chosen
        .iter()
        .map(|(i, deal)| (*i, deal.commitments.as_slice()))
        .collect();
    reshare_commitments(shape.threshold(), &chosen).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_secret_stays_and_the_shares_change(
        (shape, secret, old) in dealt(), pool in pool(), again in pool(), seed in any::<prop::sample::Selector>(),
    ) {
        let t = shape.threshold();
        let dealt = deals(shape, &old, &pool);
        for (dealer, deal) in &dealt {
            prop_assert_eq!(check_reshare(t, &old.commitments, *dealer, &deal.commitments), Ok(()));
        }
        let mut chosen = dealt;
        while chosen.len() > usize::from(t) {
            let out = *seed.select(&chosen.iter().map(|(i, _)| *i).collect::<Vec<_>>());
            chosen.retain(|(i, _)| *i != out);
        }
        let commitments = new_commitments(shape, &chosen);
        prop_assert_eq!(commitments.first(), old.commitments.first());
        let shares = new_shares(shape, &chosen);
        for share in &shares {
            prop_assert_eq!(verify_share(&commitments, share.index, &share.value.to_bytes()), Ok(()));
        }
        for (new, old) in shares.iter().zip(&old.shares) {
            prop_assert_ne!(&new.value, &old.value);
        }
        prop_assert_eq!(&combine(t, &shares).unwrap(), &secret);

        let mut mixed = shares[..usize::from(t)].to_vec();
        mixed[0] = old.shares[0].clone();
        prop_assert_ne!(&combine(t, &mixed).unwrap(), &secret);

        // And once more, from the new committee to a third.
        let second = Dealt { commitments, shares };
        let third = deals(shape, &second, &again);
        prop_assert_eq!(&combine(t, &new_shares(shape, &third)).unwrap(), &secret);
    }

    #[test]
    fn a_custodian_can_deal_nothing_but_its_own_share((shape, _, old) in dealt(), other in secret(), pool in pool()) {
        let t = shape.threshold();
        let coefficients = &pool[..usize::from(t - 1)];
        let lie = reshare_deal(shape, &Share { index: 1, value: other }, coefficients).unwrap();
        prop_assert_eq!(check_reshare(t, &old.commitments, 1, &lie.commitments), Err(ReshareError::OtherShare));
        let mine = reshare_deal(shape, &old.shares[0], coefficients).unwrap();
        prop_assert_eq!(check_reshare(t, &old.commitments, 2, &mine.commitments), Err(ReshareError::OtherShare));
        prop_assert_eq!(
            check_reshare(t, &old.commitments, 1, &mine.commitments[1..]),
            Err(ReshareError::Commitments(CommitmentError::WrongNumber))
        );
    }

    #[test]
    fn no_bytes_panic(
        threshold: u8, index: u8, dealt in proptest::collection::vec(any::<(u8, [u8; 32])>(), 0..12),
        commitments in proptest::collection::vec(any::<[u8; 32]>(), 0..10),
    ) {
        let _ = reshare_combine(threshold, index, &dealt);
        let _ = check_reshare(threshold, &commitments, index, &commitments);
        let deals: Vec<_> = dealt.iter().map(|(dealer, _)| (*dealer, commitments.as_slice())).collect();
        let _ = reshare_commitments(threshold, &deals);
    }
}

#[test]
fn each_fault_of_a_deal_is_named() {
    let secret = Secret::from_uniform_bytes(&[7; 64]);
    let share = *secret.to_bytes();
    assert_eq!(
        reshare_combine(2, 1, &[(1, share)]).unwrap_err(),
        CombineError::TooFew { need: 2, have: 1 }
    );
    assert_eq!(
        reshare_combine(2, 1, &[(1, share), (3, [0xff; 32])]).unwrap_err(),
        CombineError::Malformed(3)
    );
    assert_eq!(
        reshare_commitments(2, &[(1, &[[0; 32], [0; 32]]), (2, &[[0; 32]])]).unwrap_err(),
        CombineError::Malformed(2)
    );
}
