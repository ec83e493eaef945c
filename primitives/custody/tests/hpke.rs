//! The HPKE written out here is that of the `hpke` crate, both ways.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ::hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable,
    aead::{AeadTag, AesGcm256},
    inout::InOutBuf,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    single_shot_open_inout_detached, single_shot_seal_inout_detached_with_rng,
};
use proptest::prelude::*;
use weft_custody::{
    Wrapped,
    hpke::{NotOpened, UnusableKey, encapsulated, is_usable_key, open_with_dh, public_key, unwrap, wrap},
};

type Kem = X25519HkdfSha256;

/// The crate takes its randomness from a generator: this one gives what it was filled with.
struct Given(Vec<u8>);

impl ::hpke::rand_core::TryRng for Given {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        for byte in to {
            *byte = self.0.pop().unwrap();
        }
        Ok(())
    }
}

impl ::hpke::rand_core::TryCryptoRng for Given {}

/// Wraps by the `hpke` crate.
fn wrap_by_crate(plain: &[u8; 32], recipient: &[u8; 32], info: &[u8], random: &[u8; 32]) -> Wrapped {
    let public = <Kem as ::hpke::Kem>::PublicKey::from_bytes(recipient).unwrap();
    let mut sealed = *plain;
    let (enc, tag) = single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &public,
        info,
        InOutBuf::from(sealed.as_mut_slice()),
        &[],
        &mut Given(random.repeat(4)),
    )
    .unwrap();
    [&enc.to_bytes()[..], &sealed, &tag.to_bytes()]
        .concat()
        .try_into()
        .unwrap()
}

/// Unwraps by the `hpke` crate.
fn unwrap_by_crate(wrapped: &Wrapped, secret: &[u8; 32], info: &[u8]) -> Option<[u8; 32]> {
    let secret = <Kem as ::hpke::Kem>::PrivateKey::from_bytes(secret).unwrap();
    let enc = <Kem as ::hpke::Kem>::EncappedKey::from_bytes(&wrapped[..32]).unwrap();
    let tag = AeadTag::<AesGcm256>::from_bytes(&wrapped[64..]).unwrap();
    let mut plain: [u8; 32] = wrapped[32..64].try_into().unwrap();
    single_shot_open_inout_detached::<AesGcm256, HkdfSha256, Kem>(
        &OpModeR::Base,
        &secret,
        &enc,
        info,
        InOutBuf::from(plain.as_mut_slice()),
        &[],
        &tag,
    )
    .ok()?;
    Some(plain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_crate_wraps_opens_here_and_the_other_way_round(
        plain: [u8; 32], secret: [u8; 32], random: [u8; 32], info in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let recipient = public_key(&secret);
        let theirs = wrap_by_crate(&plain, &recipient, &info, &random);
        prop_assert_eq!(unwrap(&theirs, &secret, &info).map(|opened| *opened), Ok(plain));
        let ours = wrap(&plain, &recipient, &info, &random).unwrap();
        prop_assert_eq!(unwrap_by_crate(&ours, &secret, &info), Some(plain));
        prop_assert_eq!(unwrap(&ours, &secret, &info).map(|opened| *opened), Ok(plain));
    }

    #[test]
    fn the_public_key_is_the_crates(secret: [u8; 32]) {
        let theirs = Kem::sk_to_pk(&<Kem as ::hpke::Kem>::PrivateKey::from_bytes(&secret).unwrap()).to_bytes();
        prop_assert_eq!(&public_key(&secret)[..], &theirs[..]);
        prop_assert!(is_usable_key(&public_key(&secret)));
    }

    #[test]
    fn another_info_key_or_bit_does_not_open(
        plain: [u8; 32], secret: [u8; 32], other: [u8; 32], random: [u8; 32], info: [u8; 16], bit in 0usize..640,
    ) {
        prop_assume!(public_key(&secret) != public_key(&other));
        let wrapped = wrap(&plain, &public_key(&secret), &info, &random).unwrap();
        prop_assert_eq!(unwrap(&wrapped, &other, &info), Err(NotOpened::DoesNotOpen));
        prop_assert_eq!(unwrap(&wrapped, &secret, &info[1..]), Err(NotOpened::DoesNotOpen));
        let mut flipped = wrapped;
        flipped[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(unwrap(&flipped, &secret, &info).is_err());
        prop_assert_eq!(unwrap_by_crate(&flipped, &secret, &info), None);
    }

    #[test]
    fn no_bytes_panic(halves: ([u8; 32], [u8; 32]), tag: [u8; 16], secret: [u8; 32], key: [u8; 32], info: Vec<u8>) {
        let wrapped: Wrapped = [&halves.0[..], &halves.1, &tag].concat().try_into().unwrap();
        let _ = unwrap(&wrapped, &secret, &info);
        let _ = open_with_dh(&wrapped, &key, &secret, &info);
        let _ = wrap(&secret, &key, &info, &halves.0);
        prop_assert_eq!(encapsulated(&wrapped), halves.0);
    }
}

/// The points of small order, on the curve and on its twist, and what encodes them without being canonical.
pub fn small_order() -> Vec<[u8; 32]> {
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut prime = minus_one;
    prime[0] = 0xed;
    let mut prime_and_one = minus_one;
    prime_and_one[0] = 0xee;
    let mut one = [0; 32];
    one[0] = 1;
    let hex = |text: &str| -> [u8; 32] {
        let bytes: Vec<u8> = (0..32)
            .map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    };
    vec![
        [0; 32],
        one,
        minus_one,
        prime,
        prime_and_one,
        // Of order 8.
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ]
}

#[test]
fn keys_of_small_order_are_refused() {
    for key in small_order() {
        assert!(!is_usable_key(&key), "{key:02x?}");
        assert_eq!(wrap(&[1; 32], &key, b"", &[2; 32]), Err(UnusableKey));
        let mut wrapped = wrap(&[1; 32], &public_key(&[3; 32]), b"", &[2; 32]).unwrap();
        wrapped[..32].copy_from_slice(&key);
        assert_eq!(unwrap(&wrapped, &[3; 32], b""), Err(NotOpened::BadEncapsulation));
    }
    // Not canonical: the same key with the bit set that X25519 ignores.
    let mut key = public_key(&[3; 32]);
    key[31] |= 0x80;
    assert!(!is_usable_key(&key));
}

#[test]
fn half_of_all_strings_are_on_the_twist_and_refused() {
    let refused = (0..=255u8).filter(|n| !is_usable_key(&[*n; 32])).count();
    // Of those on the curve seven in eight have a part of small order.
    assert!(refused > 200, "{refused}");
}
