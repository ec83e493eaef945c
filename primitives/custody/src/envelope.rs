//! The content key, masked by the shared secret: any key that exists can be entrusted, at any time.
//!
//! `envelope = key xor HKDF-SHA256(secret, info = "weft/custody/envelope/1" || genesis hash || asset)`. A secret masks one
//! key: who deals anew draws a new one.

use core::fmt;

use curve25519_dalek::ristretto::RistrettoPoint;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    context::GenesisHash,
    scalar::{NotAScalar, SCALAR_BYTES, Secret},
    sharing::Commitment,
};

/// Bytes of a content key, and of its envelope.
pub const KEY_BYTES: usize = 32;

const ENVELOPE_DOMAIN: &[u8] = b"weft/custody/envelope/1";
/// As everywhere in Weft where a content key is committed to.
const KEY_COMMITMENT_DOMAIN: &[u8] = b"weft/vault/key-commitment/1";

/// Masks a key with the secret, or takes it out of its envelope: the two are one.
pub fn mask(
    key_or_envelope: &[u8; KEY_BYTES],
    secret: &Secret,
    genesis: &GenesisHash,
    asset: u64,
) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut masked = Zeroizing::new([0; KEY_BYTES]);
    let hkdf = Hkdf::<Sha256>::new(None, secret.to_bytes().as_slice());
    hkdf.expand_multi_info(&[ENVELOPE_DOMAIN, genesis, &asset.to_le_bytes()], masked.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8160 bytes and is asked for 32");
    for (masked, byte) in masked.iter_mut().zip(key_or_envelope) {
        *masked ^= byte;
    }
    masked
}

/// The public commitment to a content key.
pub fn key_commitment(key: &[u8; KEY_BYTES]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(KEY_COMMITMENT_DOMAIN);
    hash.update(key);
    hash.finalize().into()
}

/// What its dealer published of a key in custody.
#[derive(Clone, Copy, Debug)]
pub struct Entrusted<'a> {
    /// Which chain.
    pub genesis: &'a GenesisHash,
    /// Which asset.
    pub asset: u64,
    /// The masked key.
    pub envelope: &'a [u8; KEY_BYTES],
    /// The commitment to the secret.
    pub secret_commitment: &'a Commitment,
    /// The commitment to the content key.
    pub key_commitment: &'a [u8; 32],
}

/// Why a secret shows no wrong key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWrong {
    /// It is not the secret that was shared.
    OtherSecret,
    /// It opens the envelope to the key that was promised.
    KeyIsRight,
}

impl fmt::Display for NotWrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherSecret => "this is not the secret that was shared",
            Self::KeyIsRight => "the secret opens the envelope to the promised key",
        })
    }
}

impl core::error::Error for NotWrong {}

/// Whether `secret` is the one that was shared and does *not* lead to the promised key: then the dealer lied.
pub fn shows_wrong_key(secret: &[u8; SCALAR_BYTES], entrusted: &Entrusted) -> Result<(), NotWrong> {
    let secret = Secret::from_bytes(secret).map_err(|NotAScalar| NotWrong::OtherSecret)?;
    let committed = RistrettoPoint::mul_base(secret.scalar()).compress().to_bytes();
    if committed != *entrusted.secret_commitment {
        return Err(NotWrong::OtherSecret);
    }
    let key = mask(entrusted.envelope, &secret, entrusted.genesis, entrusted.asset);
    if key_commitment(&key) == *entrusted.key_commitment {
        Err(NotWrong::KeyIsRight)
    } else {
        Ok(())
    }
}
