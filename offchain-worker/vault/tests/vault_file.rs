//! Sealed files: what goes in comes out, and nothing else opens.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aead_stream::{EncryptorBE32, NewStream, StreamBE32};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use weft_vault::{
    CHUNK_BYTES, ContentKey, HEADER_BYTES, Header, HeaderError, NoncePrefix, OpenError, TAG_BYTES, open_file,
    open_to_vec, seal_file, stream,
};

const SMALL: usize = 1024;
const SEALED_SMALL: usize = SMALL + TAG_BYTES;
const PREFIX: [u8; 7] = [7, 6, 5, 4, 3, 2, 1];

fn key() -> ContentKey {
    ContentKey::from_bytes(*b"an artifact's own 256 bits of it")
}

fn bytes(len: usize) -> Vec<u8> {
    // A linear congruential generator: no two chunks are alike.
    let mut state = len as u64 ^ 0x9e37_79b9_7f4a_7c15;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// Sealed in chunks of 1 KiB, so that files of many chunks are cheap to try.
fn seal_small(plain: &[u8], with_length: bool) -> Vec<u8> {
    let length = with_length.then_some(plain.len() as u64);
    let header = Header::new(key().commitment(), NoncePrefix(PREFIX), length)
        .with_chunk_bytes(SMALL as u32)
        .unwrap();
    let mut out = Vec::new();
    let sealed = stream::seal(&mut &plain[..], &mut out, &key(), &header, &mut |_| ()).unwrap();
    assert_eq!(sealed.plaintext_len, plain.len() as u64);
    assert_eq!(sealed.sealed_len, out.len() as u64);
    if with_length {
        assert_eq!(header.sealed_len(), Some(out.len() as u64));
    }
    out
}

fn open(sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    open_to_vec(sealed, &key(), None, usize::MAX).map(|v| v.to_vec())
}

#[test]
fn every_size_around_the_chunk_comes_back() {
    let chunk = CHUNK_BYTES as usize;
    for len in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 9 * chunk + 12_345] {
        let plain = bytes(len);
        for declared in [None, Some(len as u64)] {
            let mut sealed = Vec::new();
            let mut steps = Vec::new();
            let made = seal_file(plain.as_slice(), &mut sealed, &key(), declared, |n| steps.push(n)).unwrap();
            assert_eq!(made.commitment, key().commitment());
            assert_eq!(steps.len(), len.div_ceil(chunk).max(1));
            assert!(steps.is_sorted());
            assert_eq!(steps.last(), Some(&(len as u64)));
            let mut opened = Vec::new();
            let promised = key().commitment();
            let n = open_file(sealed.as_slice(), &mut opened, &key(), Some(&promised), |_| ()).unwrap();
            assert_eq!(n, len as u64);
            assert!(opened == plain, "{len} bytes did not come back");
        }
    }
}

#[test]
fn bytes_are_those_of_the_stream_crate_and_of_the_nonce_layout() {
    for len in [0, 1, SMALL - 1, SMALL, SMALL + 1, 50 * SMALL, 50 * SMALL + 3] {
        let plain = bytes(len);
        let sealed = seal_small(&plain, true);
        let (header, body) = sealed.split_at(HEADER_BYTES);

        let cipher = Aes256Gcm::new(key().expose().into());
        let mut encryptor = EncryptorBE32::from_stream_primitive(StreamBE32::from_aead(cipher.clone(), &PREFIX.into()));
        let chunks: Vec<&[u8]> = if plain.is_empty() {
            vec![&[]]
        } else {
            plain.chunks(SMALL).collect()
        };
        let (last, others) = chunks.split_last().unwrap();
        let mut expected = Vec::new();
        for msg in others {
            expected.extend(encryptor.encrypt_next(Payload { msg, aad: header }).unwrap());
        }
        expected.extend(encryptor.encrypt_last(Payload { msg: last, aad: header }).unwrap());
        assert!(body == expected, "{len} bytes: differs from EncryptorBE32");

        for (i, msg) in chunks.iter().enumerate() {
            let mut nonce = [0; 12];
            nonce[..7].copy_from_slice(&PREFIX);
            nonce[7..11].copy_from_slice(&(i as u32).to_be_bytes());
            nonce[11] = u8::from(i + 1 == chunks.len());
            let by_hand = cipher.encrypt(&nonce.into(), Payload { msg, aad: header }).unwrap();
            let at = i * SEALED_SMALL;
            assert!(body[at..at + by_hand.len()] == by_hand, "chunk {i} differs");
        }
    }
}

/// The digest is that of the same file made with OpenSSL's AES-GCM (through the
/// Python package `cryptography`), following the table in the header's module.
#[test]
fn the_format_is_fixed() {
    let plain: Vec<u8> = (0u32..2500).map(|i| ((i * i) >> 3) as u8).collect();
    let sealed = seal_small(&plain, true);
    assert_eq!(sealed.len(), 2612);
    assert_eq!(
        hex::encode(Sha256::digest(&sealed)),
        "67eb0d4eac53d587add125af1e8739e35206b8eb5a9bb1f3ea0abb084040325f"
    );
}

#[test]
fn another_key_is_told_from_damage() {
    let sealed = seal_small(&bytes(3 * SMALL), true);
    let other = ContentKey::from_bytes([9; 32]);
    assert!(matches!(
        open_to_vec(sealed.as_slice(), &other, None, usize::MAX),
        Err(OpenError::WrongKey { sealed_with }) if sealed_with == key().commitment()
    ));
    // The chain promised a file under another key: the file is wrong, not ours.
    let promised = other.commitment();
    assert!(matches!(
        open_to_vec(sealed.as_slice(), &key(), Some(&promised), usize::MAX),
        Err(OpenError::OtherCommitment { promised: p, .. }) if p == promised
    ));
}

#[test]
fn a_header_for_one_key_does_not_seal_with_another() {
    let header = Header::new(key().commitment(), NoncePrefix(PREFIX), None);
    let other = ContentKey::from_bytes([9; 32]);
    let mut out = Vec::new();
    let result = stream::seal(&mut &b"x"[..], &mut out, &other, &header, &mut |_| ());
    assert!(matches!(result, Err(weft_vault::SealError::HeaderOfOtherKey)));
    assert!(out.is_empty());
}

#[test]
fn every_cut_of_a_file_of_known_length_is_truncation() {
    for len in [0, 5, 2 * SMALL, 2 * SMALL + 40] {
        let sealed = seal_small(&bytes(len), true);
        for cut in 0..sealed.len() {
            let result = open(&sealed[..cut]);
            if cut < HEADER_BYTES {
                assert!(matches!(result, Err(OpenError::Header(HeaderError::Short { found })) if found == cut));
            } else {
                let at = ((cut - HEADER_BYTES) / SEALED_SMALL) as u64;
                assert!(
                    matches!(result, Err(OpenError::Truncated { chunk }) if chunk == at || chunk + 1 == at),
                    "{len} bytes cut at {cut}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn a_cut_at_a_chunk_boundary_is_truncation_even_if_no_length_was_promised() {
    let sealed = seal_small(&bytes(4 * SMALL + 40), false);
    for chunks in 1..=4 {
        let cut = HEADER_BYTES + chunks * SEALED_SMALL;
        assert!(matches!(
            open(&sealed[..cut]),
            Err(OpenError::Truncated { chunk }) if chunk == chunks as u64 - 1
        ));
    }
    // With no chunk at all, or a piece of a tag, too.
    for cut in [0, 1, 15] {
        assert!(matches!(
            open(&sealed[..HEADER_BYTES + cut]),
            Err(OpenError::Truncated { chunk: 0 })
        ));
    }
    // In mid-chunk it cannot be told from damage, but is an error there.
    assert!(matches!(
        open(&sealed[..HEADER_BYTES + SEALED_SMALL + 100]),
        Err(OpenError::Corrupt { chunk: 1 })
    ));
}

#[test]
fn what_follows_the_end_is_refused() {
    for len in [0, 5, SMALL, 3 * SMALL, 3 * SMALL + 40] {
        for extra in [1, 16, 17, SEALED_SMALL, 3 * SEALED_SMALL] {
            let mut sealed = seal_small(&bytes(len), true);
            sealed.extend(bytes(extra));
            let result = open(&sealed);
            assert!(
                matches!(result, Err(OpenError::TrailingData { .. })),
                "{extra} after {len}: {result:?}"
            );
            // Unpromised, only a full last chunk shows that the file ended there.
            let mut sealed = seal_small(&bytes(len), false);
            sealed.extend(bytes(extra));
            match open(&sealed) {
                Err(OpenError::TrailingData { .. }) => assert_eq!((len % SMALL, len == 0), (0, false)),
                Err(OpenError::Corrupt { .. }) => assert!(len % SMALL != 0 || len == 0),
                other => panic!("{extra} after {len}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_second_sealed_file_after_the_first_is_refused() {
    let mut twice = seal_small(&bytes(2 * SMALL), true);
    twice.extend_from_slice(&twice.clone());
    assert!(matches!(open(&twice), Err(OpenError::TrailingData { chunk: 1 })));
}

#[test]
fn a_length_that_the_input_does_not_have_is_an_error() {
    for (declared, actual) in [(10, 9), (10, 11), (0, 1), (1, 0)] {
        let mut out = Vec::new();
        let result = seal_file(bytes(actual).as_slice(), &mut out, &key(), Some(declared), |_| ());
        assert!(matches!(
            result,
            Err(weft_vault::SealError::LengthChanged { declared: d, actual: a })
                if d == declared && a == actual as u64
        ));
        // Nor does what was written open as if it were whole.
        assert!(matches!(open(&out), Err(OpenError::LengthMismatch { .. })));
    }
}

#[test]
fn a_bound_on_the_plaintext_holds() {
    let sealed = seal_small(&bytes(3 * SMALL), true);
    let at = |max| open_to_vec(sealed.as_slice(), &key(), None, max);
    assert_eq!(at(3 * SMALL).unwrap().len(), 3 * SMALL);
    assert!(matches!(at(3 * SMALL - 1), Err(OpenError::TooLong { max }) if max == 3 * SMALL - 1));
    assert!(matches!(at(0), Err(OpenError::TooLong { max: 0 })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn round_trip(
        plain in (0usize..20 * SMALL).prop_map(bytes),
        with_length: bool,
    ) {
        prop_assert_eq!(open(&seal_small(&plain, with_length)).unwrap(), plain);
    }

    #[test]
    fn any_flipped_bit_is_noticed(
        len in 0usize..6 * SMALL,
        with_length: bool,
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut sealed = seal_small(&bytes(len), with_length);
        let at = at.index(sealed.len());
        sealed[at] ^= 1u8 << bit;
        let result = open(&sealed);
        match at.checked_sub(HEADER_BYTES) {
            // In the body: named by its chunk.
            Some(at) => {
                let chunk = (at / SEALED_SMALL) as u64;
                let named = matches!(result, Err(OpenError::Corrupt { chunk: c }) if c == chunk);
                prop_assert!(named, "{result:?}");
            }
            None => prop_assert!(result.is_err()),
        }
    }

    #[test]
    fn exchanged_chunks_are_noticed(chunks in 2usize..8, a in 0usize..8, b in 0usize..8, with_length: bool) {
        let (a, b) = (a % chunks, b % chunks);
        prop_assume!(a != b);
        let sealed = seal_small(&bytes(chunks * SMALL), with_length);
        let mut swapped = sealed.clone();
        let place = |i: usize| HEADER_BYTES + i * SEALED_SMALL..HEADER_BYTES + (i + 1) * SEALED_SMALL;
        swapped[place(a)].copy_from_slice(&sealed[place(b)]);
        swapped[place(b)].copy_from_slice(&sealed[place(a)]);
        let first = a.min(b) as u64;
        let result = open(&swapped);
        let named = matches!(result, Err(OpenError::Corrupt { chunk }) if chunk == first);
        prop_assert!(named, "{result:?}");
    }

    #[test]
    fn a_chunk_of_another_file_under_the_same_key_is_noticed(chunk in 0usize..3) {
        let mut sealed = seal_small(&bytes(3 * SMALL), true);
        let header = Header::new(key().commitment(), NoncePrefix([1; 7]), Some(3 * SMALL as u64))
            .with_chunk_bytes(SMALL as u32)
            .unwrap();
        let mut other = Vec::new();
        stream::seal(&mut bytes(3 * SMALL).as_slice(), &mut other, &key(), &header, &mut |_| ()).unwrap();
        let place = HEADER_BYTES + chunk * SEALED_SMALL..HEADER_BYTES + (chunk + 1) * SEALED_SMALL;
        sealed[place.clone()].copy_from_slice(&other[place]);
        let named = matches!(open(&sealed), Err(OpenError::Corrupt { chunk: c }) if c == chunk as u64);
        prop_assert!(named);
    }

    #[test]
    fn garbage_never_opens_nor_panics(garbage in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(open(&garbage).is_err());
        let mut with_header = seal_small(&[], true)[..HEADER_BYTES].to_vec();
        with_header.extend(garbage);
        prop_assert!(open(&with_header).is_err());
    }
}
