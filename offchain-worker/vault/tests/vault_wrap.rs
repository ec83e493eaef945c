//! Wrapped keys open for their recipient in their context, and nowhere else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use weft_vault::{
    CidBytes, ContentKey, Context, DeviceKeys, PublicKey, UserKeys, WRAPPED_KEY_BYTES, WrapError, WrappedKey,
    wrap::{unwrap_key, wrap_key},
};

fn contexts() -> impl Strategy<Value = Context> {
    let cid = || {
        any::<[u8; 32]>().prop_map(|digest| {
            let mut cid: CidBytes = [0; 36];
            cid[..4].copy_from_slice(&[1, 0x55, 0x12, 0x20]);
            cid[4..].copy_from_slice(&digest);
            cid
        })
    };
    prop_oneof![
        (any::<u64>(), cid()).prop_map(|(asset, ciphertext)| Context::ModelGrant { asset, ciphertext }),
        (any::<u64>(), cid()).prop_map(|(job, ciphertext)| Context::JobInput { job, ciphertext }),
        (any::<u64>(), cid()).prop_map(|(job, ciphertext)| Context::JobOutput { job, ciphertext }),
        (any::<u64>(), cid()).prop_map(|(asset, ciphertext)| Context::Handover { asset, ciphertext }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_recipient_takes_out_what_was_put_in(
        secret: [u8; 32], key: [u8; 32], genesis: [u8; 32], context in contexts(),
    ) {
        let device = DeviceKeys::from_secret_bytes(&secret);
        let key = ContentKey::from_bytes(key);
        let wrapped = wrap_key(&key, &device.public(), &genesis, &context).unwrap();
        let taken = unwrap_key(&wrapped, &device, &genesis, &context).unwrap();
        prop_assert_eq!(taken.expose(), key.expose());
    }

    #[test]
    fn any_other_recipient_chain_or_context_is_refused(
        secret: [u8; 32], other_secret: [u8; 32], genesis: [u8; 32], other_genesis: [u8; 32],
        context in contexts(), other_context in contexts(),
    ) {
        prop_assume!(context != other_context && genesis != other_genesis);
        let device = DeviceKeys::from_secret_bytes(&secret);
        let other = DeviceKeys::from_secret_bytes(&other_secret);
        prop_assume!(device.public() != other.public());
        let key = ContentKey::from_bytes([4; 32]);
        let wrapped = wrap_key(&key, &device.public(), &genesis, &context).unwrap();
        for (keys, genesis, context) in [
            (&other, &genesis, &context),
            (&device, &other_genesis, &context),
            (&device, &genesis, &other_context),
        ] {
            prop_assert_eq!(
                unwrap_key(&wrapped, keys, genesis, context).err(),
                Some(WrapError::DoesNotOpen)
            );
        }
    }

    #[test]
    fn any_flipped_bit_is_refused(at in 0..WRAPPED_KEY_BYTES, bit in 0..8) {
        let user = UserKeys::from_secret_bytes(&[11; 32]);
        let context = Context::JobOutput { job: 3, ciphertext: [1; 36] };
        let key = ContentKey::from_bytes([4; 32]);
        let mut wrapped = wrap_key(&key, &user.public(), &[0; 32], &context).unwrap();
        wrapped.0[at] ^= 1u8 << bit;
        // X25519 ignores the highest bit of a public key, HPKE does not: its
        // transcript holds the bytes.
        prop_assert!(unwrap_key(&wrapped, &user, &[0; 32], &context).is_err());
    }
}

#[test]
fn one_number_as_asset_and_as_job_is_two_contexts() {
    let keys = DeviceKeys::generate().unwrap();
    let ciphertext = [7; 36];
    let key = ContentKey::generate().unwrap();
    let grant = Context::ModelGrant { asset: 1, ciphertext };
    let wrapped = wrap_key(&key, &keys.public(), &[0; 32], &grant).unwrap();
    for other in [
        Context::JobInput { job: 1, ciphertext },
        Context::JobOutput { job: 1, ciphertext },
        Context::Handover { asset: 1, ciphertext },
        Context::ModelGrant { asset: 2, ciphertext },
        Context::ModelGrant {
            asset: 1,
            ciphertext: [8; 36],
        },
    ] {
        assert!(unwrap_key(&wrapped, &keys, &[0; 32], &other).is_err());
    }
}

#[test]
fn no_two_wrappings_look_alike() {
    let keys = DeviceKeys::generate().unwrap();
    let key = ContentKey::generate().unwrap();
    let context = Context::JobInput {
        job: 1,
        ciphertext: [7; 36],
    };
    let wrap = || wrap_key(&key, &keys.public(), &[0; 32], &context).unwrap();
    let (a, b) = (wrap(), wrap());
    assert_ne!(a.0[..32], b.0[..32]);
    assert_ne!(a.0[32..64], b.0[32..64]);
}

#[test]
fn keys_of_low_order_are_refused_on_both_sides() {
    let context = Context::JobInput {
        job: 1,
        ciphertext: [7; 36],
    };
    let key = ContentKey::generate().unwrap();
    let mut one = [0; 32];
    one[0] = 1;
    for point in [[0; 32], one] {
        assert_eq!(
            wrap_key(&key, &PublicKey::from_bytes(point), &[0; 32], &context).err(),
            Some(WrapError::BadRecipient)
        );
        let keys = DeviceKeys::generate().unwrap();
        let mut wrapped = wrap_key(&key, &keys.public(), &[0; 32], &context).unwrap();
        wrapped.0[..32].copy_from_slice(&point);
        assert_eq!(
            unwrap_key(&wrapped, &keys, &[0; 32], &context).err(),
            Some(WrapError::Damaged)
        );
    }
}

#[test]
fn garbage_is_refused() {
    let keys = DeviceKeys::generate().unwrap();
    let context = Context::JobInput {
        job: 1,
        ciphertext: [7; 36],
    };
    for fill in [0x01, 0x55, 0xff] {
        let garbage = WrappedKey([fill; WRAPPED_KEY_BYTES]);
        assert!(unwrap_key(&garbage, &keys, &[0; 32], &context).is_err());
    }
}

/// The recipient is Bob of RFC 7748, section 6.1; sealed by another
/// implementation of RFC 9180 (the Python package `cryptography`), which built
/// `info` from the text of the module's documentation.
#[test]
fn a_key_wrapped_by_another_implementation_opens() {
    let mut secret = [0; 32];
    let bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    hex::decode_to_slice(bob, &mut secret).unwrap();
    let mut wrapped = WrappedKey([0; WRAPPED_KEY_BYTES]);
    let bytes = concat!(
        "43622e92ac8ab6f19c15ad88110f9b95bed4e563c0dfb400037bc60f2d998e7a",
        "9d56844994a31b12fa01ae2652ad023c48faa7c15fff7b56e6917e714d37da7d",
        "610701e261e4820fe9fb907260de151e",
    );
    hex::decode_to_slice(bytes, &mut wrapped.0).unwrap();
    let mut ciphertext: CidBytes = [0; 36];
    ciphertext[..4].copy_from_slice(&[0x01, 0x55, 0x12, 0x20]);
    for (i, byte) in ciphertext[4..].iter_mut().enumerate() {
        *byte = i as u8;
    }
    let context = Context::ModelGrant {
        asset: 0x0102_0304_0506_0708,
        ciphertext,
    };
    let keys = DeviceKeys::from_secret_bytes(&secret);
    let key = unwrap_key(&wrapped, &keys, &[0x47; 32], &context).unwrap();
    let expected: Vec<u8> = (100..132).collect();
    assert_eq!(key.expose().as_slice(), expected);
}
