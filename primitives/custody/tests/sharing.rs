//! Shares are what was committed to, and the threshold is one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::{prelude::*, sample::subsequence};
use support::*;
use weft_custody::{
    Secret, Shape, Share,
    sharing::{
        CombineError, CommitmentError, DealError, ShareError, check_commitments, combine, deal, public_share,
        verify_share,
    },
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_threshold_of_shares_gives_the_secret(
        ((shape, secret, dealt), order) in (dealt(), Just((0..9usize).collect::<Vec<_>>()).prop_shuffle()),
    ) {
        let mut shares = dealt.shares.clone();
        shares.sort_by_key(|share| order[usize::from(share.index - 1)]);
        for taken in shape.threshold()..=shape.shares() {
            let some = &shares[..usize::from(taken)];
            prop_assert_eq!(&combine(shape.threshold(), some).unwrap(), &secret);
        }
        let few = &shares[..usize::from(shape.threshold() - 1)];
        prop_assert_eq!(
            combine(shape.threshold(), few).unwrap_err(),
            CombineError::TooFew { need: shape.threshold(), have: few.len() }
        );
        // Taken for a whole set, they give something else.
        prop_assert_ne!(combine(shape.threshold() - 1, few).ok(), Some(secret));
    }

    #[test]
    fn each_share_is_the_committed_one_and_no_other((shape, _, dealt) in dealt(), other in secret()) {
        prop_assert_eq!(check_commitments(shape.threshold(), &dealt.commitments), Ok(()));
        for share in &dealt.shares {
            let value = share.value.to_bytes();
            prop_assert_eq!(verify_share(&dealt.commitments, share.index, &value), Ok(()));
            prop_assert_eq!(
                verify_share(&dealt.commitments, share.index, &other.to_bytes()),
                Err(ShareError::Mismatch)
            );
            let elsewhere = share.index % shape.shares() + 1;
            prop_assert_eq!(
                verify_share(&dealt.commitments, elsewhere, &value),
                Err(ShareError::Mismatch)
            );
        }
    }

    #[test]
    fn the_commitment_to_the_secret_is_the_first((_, secret, dealt) in dealt()) {
        // `f(0)` is not a share that anybody gets; as a commitment it is the first.
        let one = Shape::new(2, 2).unwrap();
        let again = deal(one, &secret, core::slice::from_ref(&secret)).unwrap();
        prop_assert_eq!(dealt.commitments.first(), again.commitments.first());
    }

    #[test]
    fn a_repeated_or_unknown_index_is_named((shape, _, dealt) in dealt(), nth in 0usize..9, bad in prop_oneof![Just(0u8), 10u8..]) {
        let nth = nth % dealt.shares.len();
        let mut twice = dealt.shares.clone();
        twice.push(dealt.shares[nth].clone());
        prop_assert_eq!(
            combine(shape.threshold(), &twice).unwrap_err(),
            CombineError::Duplicate(dealt.shares[nth].index)
        );
        let mut unknown = dealt.shares.clone();
        unknown[nth].index = bad;
        prop_assert_eq!(combine(shape.threshold(), &unknown).unwrap_err(), CombineError::NoSuchIndex(bad));
        prop_assert_eq!(public_share(&dealt.commitments, bad), Err(CommitmentError::NoSuchIndex));
    }

    #[test]
    fn no_bytes_panic(
        commitments in proptest::collection::vec(any::<[u8; 32]>(), 0..10), index: u8, share: [u8; 32], threshold: u8,
    ) {
        let _ = check_commitments(threshold, &commitments);
        let _ = public_share(&commitments, index);
        let _ = verify_share(&commitments, index, &share);
    }

    #[test]
    fn scalars_have_one_encoding(bytes: [u8; 32], uniform in uniform()) {
        if let Ok(secret) = Secret::from_bytes(&bytes) {
            prop_assert_eq!(*secret.to_bytes(), bytes);
        }
        let secret = Secret::from_uniform_bytes(&uniform);
        prop_assert_eq!(Secret::from_bytes(&secret.to_bytes()).unwrap(), secret);
    }

    #[test]
    fn a_wrong_share_gives_a_wrong_secret((shape, secret, dealt) in dealt(), other in secret(), of in any::<prop::sample::Index>()) {
        let mut shares = dealt.shares[..usize::from(shape.threshold())].to_vec();
        let nth = of.index(shares.len());
        prop_assume!(shares[nth].value != other);
        shares[nth].value = other;
        prop_assert_ne!(combine(shape.threshold(), &shares).unwrap(), secret);
    }

    #[test]
    fn shares_of_two_dealings_do_not_mix(
        shape in shapes(), pool in pool(), chosen in subsequence((1..9usize).collect::<Vec<_>>(), 1..8),
    ) {
        let t = usize::from(shape.threshold());
        let secret = pool[0].clone();
        let first = deal(shape, &secret, &pool[1..t]).unwrap();
        let second = deal(shape, &secret, &pool[40..39 + t]).unwrap();
        let mut mixed: Vec<Share> = first.shares[..t].to_vec();
        let mut replaced = 0;
        for nth in chosen.into_iter().filter(|nth| *nth < t) {
            mixed[nth] = second.shares[nth].clone();
            replaced += 1;
        }
        prop_assume!(replaced > 0);
        prop_assert_ne!(combine(shape.threshold(), &mixed).unwrap(), secret);
    }
}

#[test]
fn shapes_are_bounded() {
    for (threshold, shares) in [(1, 3), (0, 0), (4, 3), (2, 10), (10, 10), (1, 1)] {
        assert!(Shape::new(threshold, shares).is_err(), "{threshold} of {shares}");
    }
    assert!(Shape::new(2, 2).is_ok() && Shape::new(9, 9).is_ok());
}

#[test]
fn each_misuse_of_deal_is_named() {
    let shape = Shape::new(3, 5).unwrap();
    let secret = Secret::from_uniform_bytes(&[7; 64]);
    assert_eq!(
        deal(shape, &secret, core::slice::from_ref(&secret)).unwrap_err(),
        DealError::WrongCoefficients { need: 2, have: 1 }
    );
    let zero = Secret::from_bytes(&[0; 32]).unwrap();
    assert_eq!(
        deal(shape, &zero, &[secret.clone(), secret]).unwrap_err(),
        DealError::ZeroSecret
    );
}

#[test]
fn commitments_that_say_nothing_are_refused() {
    let secret = Secret::from_uniform_bytes(&[7; 64]);
    let good = deal(Shape::new(2, 3).unwrap(), &secret, core::slice::from_ref(&secret)).unwrap();
    let [first, second] = good.commitments[..] else {
        panic!("two commitments")
    };
    assert_eq!(check_commitments(2, &[first]), Err(CommitmentError::WrongNumber));
    assert_eq!(
        check_commitments(2, &[first, [0xff; 32]]),
        Err(CommitmentError::NotAPoint)
    );
    // The identity of Ristretto is 32 zero bytes.
    assert_eq!(
        check_commitments(2, &[[0; 32], second]),
        Err(CommitmentError::ZeroSecret)
    );
    assert_eq!(public_share(&[], 1), Err(CommitmentError::WrongNumber));
}

#[test]
fn secrets_do_not_show() {
    let secret = Secret::from_uniform_bytes(&[7; 64]);
    assert_eq!(format!("{secret:?}"), "Secret(..)");
}
