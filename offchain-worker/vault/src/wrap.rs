//! Content keys on their way to one reader: HPKE (RFC 9180) in base mode with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
//!
//! HPKE's `info` is `"weft/vault/wrap/1" || genesis hash || recipient || SCALE(context)`:
//! a wrapped key opens on the chain, for the recipient and for the purpose it was
//! made for, and nowhere else. Base mode does not say who wrapped the key; the
//! extrinsic that carries it does.

use core::fmt;

use codec::{Decode, Encode, MaxEncodedLen};
use getrandom::{SysRng, rand_core::UnwrapErr};
use hpke::{
    Deserializable, HpkeError, OpModeR, OpModeS, Serializable, aead::AesGcm256, inout::InOutBuf, kdf::HkdfSha256,
    kem::X25519HkdfSha256, rand_core::CryptoRng,
};
use zeroize::Zeroizing;

use crate::{
    key::{ContentKey, KEY_BYTES},
    keys::{KeyPair, PublicKey, Role},
};

/// Bytes of a wrapped key: encapsulated key 32, sealed key 32, tag 16.
pub const WRAPPED_KEY_BYTES: usize = ENC_BYTES + KEY_BYTES + WRAP_TAG_BYTES;

const ENC_BYTES: usize = 32;
const WRAP_TAG_BYTES: usize = 16;
const DOMAIN: &[u8] = b"weft/vault/wrap/1";

/// A binary CIDv1 with a SHA-256 digest: version, codec, 0x12, 0x20, digest.
pub type CidBytes = [u8; 36];

/// Hash of the chain's first block: which chain the key is for.
pub type GenesisHash = [u8; 32];

/// What a key is handed over for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum Context {
    /// A creator lets a device run a model.
    #[codec(index = 0)]
    ModelGrant {
        /// Asset id of the model.
        asset: u64,
        /// CID of the sealed model.
        ciphertext: CidBytes,
    },
    /// A user lets the assigned device read a job's input.
    #[codec(index = 1)]
    JobInput {
        /// Job id.
        job: u64,
        /// CID of the sealed prompt.
        ciphertext: CidBytes,
    },
    /// A device lets the user read a job's output.
    #[codec(index = 2)]
    JobOutput {
        /// Job id.
        job: u64,
        /// CID of the sealed answer.
        ciphertext: CidBytes,
    },
    /// An owner hands an asset over to its next owner.
    #[codec(index = 3)]
    Handover {
        /// Asset id.
        asset: u64,
        /// CID of the sealed file.
        ciphertext: CidBytes,
    },
}

/// Why a key was not wrapped or unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The recipient's public key is of low order: no key can be sent to it.
    #[error("the recipient's encryption key is not a usable X25519 key; ask them to register a new one")]
    BadRecipient,
    /// The wrapped bytes hold no usable encapsulated key.
    #[error("the wrapped key is damaged; ask its sender to wrap it again")]
    Damaged,
    /// Another recipient's, or for another chain, asset, job or CID, or damaged:
    /// which of them, HPKE cannot tell.
    #[error(
        "the wrapped key does not open: it was made for another device, chain, job, asset or CID, or was damaged; check that the key file is the registered one, else ask its sender to wrap it again"
    )]
    DoesNotOpen,
}

/// A content key that only its recipient can take out, in its context.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct WrappedKey(pub [u8; WRAPPED_KEY_BYTES]);

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({})", hex::encode(self.0))
    }
}

/// Wraps `key` for `recipient` with randomness from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give.
pub fn wrap_key(
    key: &ContentKey,
    recipient: &PublicKey,
    genesis: &GenesisHash,
    context: &Context,
) -> Result<WrappedKey, WrapError> {
    wrap_key_with(key, recipient, genesis, context, &mut UnwrapErr(SysRng))
}

/// [`wrap_key`] with the randomness of `rng`.
pub fn wrap_key_with(
    key: &ContentKey,
    recipient: &PublicKey,
    genesis: &GenesisHash,
    context: &Context,
    rng: &mut impl CryptoRng,
) -> Result<WrappedKey, WrapError> {
    let public = HpkePublic::from_bytes(recipient.as_bytes()).map_err(|_| WrapError::BadRecipient)?;
    let mut sealed = Zeroizing::new(*key.expose());
    let (enc, tag) = hpke::single_shot_seal_inout_detached_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        &public,
        &info(recipient, genesis, context),
        InOutBuf::from(sealed.as_mut_slice()),
        &[],
        rng,
    )
    // Sealing 32 bytes cannot fail, so it is the key exchange that did.
    .map_err(|_| WrapError::BadRecipient)?;
    let mut out = [0; WRAPPED_KEY_BYTES];
    let (enc_out, rest) = out.split_at_mut(ENC_BYTES);
    let (sealed_out, tag_out) = rest.split_at_mut(KEY_BYTES);
    enc_out.copy_from_slice(&enc.to_bytes());
    sealed_out.copy_from_slice(sealed.as_slice());
    tag_out.copy_from_slice(&tag.to_bytes());
    Ok(WrappedKey(out))
}

/// Takes the content key out of `wrapped` with the recipient's keys.
pub fn unwrap_key<R: Role>(
    wrapped: &WrappedKey,
    recipient: &KeyPair<R>,
    genesis: &GenesisHash,
    context: &Context,
) -> Result<ContentKey, WrapError> {
    let (enc, rest) = wrapped.0.split_at(ENC_BYTES);
    let (sealed, tag) = rest.split_at(KEY_BYTES);
    let enc = HpkeEncapped::from_bytes(enc).map_err(|_| WrapError::Damaged)?;
    let tag = HpkeTag::from_bytes(tag).map_err(|_| WrapError::Damaged)?;
    let secret = HpkePrivate::from_bytes(recipient.secret_bytes()).map_err(|_| WrapError::DoesNotOpen)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(sealed);
    hpke::single_shot_open_inout_detached::<Aead, Kdf, Kem>(
        &OpModeR::Base,
        &secret,
        &enc,
        &info(&recipient.public(), genesis, context),
        InOutBuf::from(key.as_mut_slice()),
        &[],
        &tag,
    )
    .map_err(|e| match e {
        HpkeError::DecapError => WrapError::Damaged,
        _ => WrapError::DoesNotOpen,
    })?;
    Ok(ContentKey::from_bytes(*key))
}

type Aead = AesGcm256;
type Kdf = HkdfSha256;
pub(crate) type Kem = X25519HkdfSha256;
pub(crate) type HpkePrivate = <Kem as hpke::Kem>::PrivateKey;
type HpkePublic = <Kem as hpke::Kem>::PublicKey;
type HpkeEncapped = <Kem as hpke::Kem>::EncappedKey;
type HpkeTag = hpke::aead::AeadTag<Aead>;

fn info(recipient: &PublicKey, genesis: &GenesisHash, context: &Context) -> Vec<u8> {
    // Every part but the last has a fixed length, so no two inputs give one info.
    let mut info = DOMAIN.to_vec();
    info.extend_from_slice(genesis);
    info.extend_from_slice(recipient.as_bytes());
    context.encode_to(&mut info);
    info
}
