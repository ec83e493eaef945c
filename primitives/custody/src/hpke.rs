//! HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, for one message of 32
//! bytes.
//!
//! Written out here because a chain must be able to walk it from the middle: [`open_with_dh`] starts from the Diffie-Hellman
//! output that a recipient reveals, where libraries start from the secret key. The tests hold it to the `hpke` crate.

use core::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use curve25519_dalek::{edwards::EdwardsPoint, montgomery::MontgomeryPoint, traits::IsIdentity as _};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a wrapped share: encapsulated key 32, sealed share 32, tag 16.
pub const WRAPPED_BYTES: usize = ENC_BYTES + PLAIN_BYTES + TAG_BYTES;

/// A wrapped share.
pub type Wrapped = [u8; WRAPPED_BYTES];

const ENC_BYTES: usize = 32;
const PLAIN_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

const VERSION: &[u8] = b"HPKE-v1";
/// DHKEM(X25519, HKDF-SHA256).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// That KEM with HKDF-SHA256 and AES-256-GCM.
const HPKE_SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";
const MODE_BASE: u8 = 0;

/// Nothing can be wrapped for this key: it is no point of the prime-order group, which every X25519 public key is that
/// was made from a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableKey;

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the recipient's encryption key is not a usable X25519 key; ask them to register a new one")
    }
}

impl core::error::Error for UnusableKey {}

/// Why a wrapped share did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The encapsulated key is none that an honest sender makes.
    BadEncapsulation,
    /// Made for another recipient, chain or purpose, or damaged: which of them, HPKE cannot tell.
    DoesNotOpen,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEncapsulation => "the wrapped share has an encapsulated key that no honest sender makes",
            Self::DoesNotOpen => {
                "the wrapped share does not open: it was made for another key, chain or purpose, or was damaged"
            }
        })
    }
}

impl core::error::Error for NotOpened {}

/// The X25519 public key of 32 secret bytes.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
}

/// Whether shares can be wrapped for an X25519 key so that a forgery could be proved.
pub fn is_usable_key(key: &[u8; 32]) -> bool {
    prime_order_point(key).is_some()
}

/// The Edwards point, of even `x`, of an X25519 public key that was made from a secret: canonical, on the curve and not on
/// its twist, in the prime-order group.
pub(crate) fn prime_order_point(key: &[u8; 32]) -> Option<EdwardsPoint> {
    let point = MontgomeryPoint(*key).to_edwards(0)?;
    let canonical = point.to_montgomery().to_bytes() == *key;
    (canonical && !point.is_identity() && point.is_torsion_free()).then_some(point)
}

/// Wraps 32 bytes for `recipient`. `ephemeral` is 32 uniform bytes, used for nothing else.
pub fn wrap(
    plain: &[u8; PLAIN_BYTES],
    recipient: &[u8; 32],
    info: &[u8],
    ephemeral: &[u8; 32],
) -> Result<Wrapped, UnusableKey> {
    if !is_usable_key(recipient) {
        return Err(UnusableKey);
    }
    let enc = public_key(ephemeral);
    let dh = Zeroizing::new(MontgomeryPoint(*recipient).mul_clamped(*ephemeral).to_bytes());
    let (key, nonce) = key_schedule(&dh, &enc, recipient, info);
    let mut sealed = Zeroizing::new(*plain);
    let tag = Aes256Gcm::new((&*key).into())
        .encrypt_inout_detached((&*nonce).into(), &[], InOutBuf::from(sealed.as_mut_slice()))
        .expect("AES-GCM seals up to 64 GiB and is given 32 bytes");
    let mut wrapped = [0; WRAPPED_BYTES];
    let parts = enc.iter().chain(sealed.iter()).chain(tag.iter());
    for (to, from) in wrapped.iter_mut().zip(parts) {
        *to = *from;
    }
    Ok(wrapped)
}

/// Takes 32 bytes out with the recipient's secret.
pub fn unwrap(wrapped: &Wrapped, secret: &[u8; 32], info: &[u8]) -> Result<Zeroizing<[u8; PLAIN_BYTES]>, NotOpened> {
    let enc = encapsulated(wrapped);
    prime_order_point(&enc).ok_or(NotOpened::BadEncapsulation)?;
    let dh = Zeroizing::new(MontgomeryPoint(enc).mul_clamped(*secret).to_bytes());
    open_with_dh(wrapped, &dh, &public_key(secret), info)
}

/// Takes 32 bytes out with the Diffie-Hellman output of the recipient's secret and the encapsulated key.
pub fn open_with_dh(
    wrapped: &Wrapped,
    dh: &[u8; 32],
    recipient: &[u8; 32],
    info: &[u8],
) -> Result<Zeroizing<[u8; PLAIN_BYTES]>, NotOpened> {
    let (enc, rest) = wrapped.split_at(ENC_BYTES);
    let (sealed, tag) = rest.split_at(PLAIN_BYTES);
    let (key, nonce) = key_schedule(dh, enc, recipient, info);
    let mut plain = Zeroizing::new([0; PLAIN_BYTES]);
    plain.copy_from_slice(sealed);
    let tag: &[u8; TAG_BYTES] = tag.try_into().map_err(|_| NotOpened::DoesNotOpen)?;
    Aes256Gcm::new((&*key).into())
        .decrypt_inout_detached((&*nonce).into(), &[], InOutBuf::from(plain.as_mut_slice()), tag.into())
        .map_err(|_| NotOpened::DoesNotOpen)?;
    Ok(plain)
}

/// The encapsulated key of a wrapped share.
pub fn encapsulated(wrapped: &Wrapped) -> [u8; ENC_BYTES] {
    let mut enc = [0; ENC_BYTES];
    for (to, from) in enc.iter_mut().zip(wrapped) {
        *to = *from;
    }
    enc
}

/// The key and nonce of the first message (RFC 9180, sections 4.1 and 5.1).
fn key_schedule(
    dh: &[u8; 32],
    enc: &[u8],
    recipient: &[u8; 32],
    info: &[u8],
) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 12]>) {
    let (_, eae) = labeled_extract(&[], KEM_SUITE, b"eae_prk", dh);
    let shared: Zeroizing<[u8; 32]> = labeled_expand(&eae, KEM_SUITE, b"shared_secret", &[enc, recipient]);
    let (psk_id_hash, _) = labeled_extract(&[], HPKE_SUITE, b"psk_id_hash", &[]);
    let (info_hash, _) = labeled_extract(&[], HPKE_SUITE, b"info_hash", info);
    let (_, secret) = labeled_extract(shared.as_slice(), HPKE_SUITE, b"secret", &[]);
    let context: [&[u8]; 3] = [&[MODE_BASE], &psk_id_hash, &info_hash];
    (
        labeled_expand(&secret, HPKE_SUITE, b"key", &context),
        labeled_expand(&secret, HPKE_SUITE, b"base_nonce", &context),
    )
}

fn labeled_extract(salt: &[u8], suite: &[u8], label: &[u8], ikm: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in [VERSION, suite, label, ikm] {
        extract.input_ikm(part);
    }
    let (prk, hkdf) = extract.finalize();
    (prk.into(), hkdf)
}

fn labeled_expand<const N: usize>(
    prk: &Hkdf<Sha256>,
    suite: &[u8],
    label: &[u8],
    info: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    // N is 12 or 32.
    let length = [0, N as u8];
    let mut parts: [&[u8]; 7] = [&length, VERSION, suite, label, &[], &[], &[]];
    for (to, from) in parts.iter_mut().skip(4).zip(info) {
        *to = from;
    }
    let mut out = Zeroizing::new([0; N]);
    prk.expand_multi_info(&parts, out.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8160 bytes and is asked for at most 32");
    out
}
