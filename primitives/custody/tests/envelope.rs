//! The envelope gives the key to who has the secret, and a wrong key is shown by who has it too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use weft_custody::{
    envelope::{Entrusted, NotWrong, key_commitment, mask, shows_wrong_key},
    sharing::deal,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_secret_opens_the_envelope_and_no_other_does(
        key: [u8; 32], secret in secret(), other in secret(), genesis: [u8; 32], asset: u64, elsewhere: u64,
    ) {
        let envelope = mask(&key, &secret, &genesis, asset);
        prop_assert_eq!(*mask(&envelope, &secret, &genesis, asset), key);
        prop_assert_ne!(*mask(&envelope, &other, &genesis, asset), key);
        prop_assert_ne!(*envelope, key);
        if asset != elsewhere {
            prop_assert_ne!(*mask(&envelope, &secret, &genesis, elsewhere), key);
        }
    }

    #[test]
    fn only_the_shared_secret_shows_a_wrong_key(
        key: [u8; 32], wrong: [u8; 32], (_, secret, dealt) in dealt(), other in secret(), genesis: [u8; 32], asset: u64,
        junk: [u8; 32],
    ) {
        prop_assume!(key != wrong);
        let right = mask(&key, &secret, &genesis, asset);
        let swapped = mask(&wrong, &secret, &genesis, asset);
        let promised = key_commitment(&key);
        let entrusted = |envelope| Entrusted {
            genesis: &genesis,
            asset,
            envelope,
            secret_commitment: &dealt.commitments[0],
            key_commitment: &promised,
        };
        let secret = secret.to_bytes();
        prop_assert_eq!(shows_wrong_key(&secret, &entrusted(&right)), Err(NotWrong::KeyIsRight));
        prop_assert_eq!(shows_wrong_key(&secret, &entrusted(&swapped)), Ok(()));
        prop_assert_eq!(shows_wrong_key(&other.to_bytes(), &entrusted(&swapped)), Err(NotWrong::OtherSecret));
        prop_assert_eq!(shows_wrong_key(&junk, &entrusted(&swapped)), Err(NotWrong::OtherSecret));
    }
}

#[test]
fn the_commitment_is_the_vaults() {
    // As in the vault's own test, from coreutils.
    let hex: String = key_commitment(&[0x2a; 32])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, "78daa70f5d48384308d33af7cce438c5a53c6b43dfaf7ee2bbd9441f07372242");
}

#[test]
fn a_dealing_of_the_secret_is_a_dealing_of_the_key() {
    let pool: Vec<_> = (1..=3)
        .map(|n| weft_custody::Secret::from_uniform_bytes(&[n; 64]))
        .collect();
    let dealt = deal(weft_custody::Shape::new(3, 5).unwrap(), &pool[0], &pool[1..]).unwrap();
    let envelope = mask(&[9; 32], &pool[0], &[1; 32], 7);
    let secret = weft_custody::sharing::combine(3, &dealt.shares[2..]).unwrap();
    assert_eq!(*mask(&envelope, &secret, &[1; 32], 7), [9; 32]);
}
