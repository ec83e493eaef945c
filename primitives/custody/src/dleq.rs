//! The proof that a Diffie-Hellman output belongs to a public key (Chaum and Pedersen, made non-interactive by Fiat and
//! Shamir).
//!
//! The recipient of an encapsulated key `E` with key pair `B = bG` reveals `D = bE` and proves `log_G B = log_E D`. That
//! lets anybody open what was sealed to `E`, and nothing else.
//!
//! X25519 knows points only up to sign. Here `B` and `E` are taken to the Edwards points of even `x` and the prover adjusts
//! the sign of `b` to that, which leaves the `u` of `D`, all that HPKE uses, as it is. All three points must be in the
//! prime-order group: with a part of small order in it, a `D` could pass whose `u` is not what the sender had, and an honest
//! share would not open.

use core::fmt;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use curve25519_dalek::{
    edwards::{CompressedEdwardsY, EdwardsPoint},
    scalar::{Scalar, clamp_integer},
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use scale_info::TypeInfo;
use sha2::{Digest, Sha512};

use crate::{
    hpke::prime_order_point,
    scalar::{NotAScalar, Secret},
};

const CHALLENGE_DOMAIN: &[u8] = b"weft/custody/dleq/challenge/1";
const NONCE_DOMAIN: &[u8] = b"weft/custody/dleq/nonce/1";

/// A Diffie-Hellman output and the proof that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Proof {
    /// `D`, a compressed Edwards point.
    pub shared: [u8; 32],
    /// The challenge, a scalar.
    pub challenge: [u8; 32],
    /// The response to it, a scalar.
    pub response: [u8; 32],
}

/// Why nothing can be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotProve {
    /// The encapsulated key is none: that is evidence itself.
    BadEncapsulation,
}

impl fmt::Display for CannotProve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the encapsulated key is no point of the prime-order group, which is evidence by itself")
    }
}

impl core::error::Error for CannotProve {}

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongProof {
    /// The public key is no point of the prime-order group.
    UnusableKey,
    /// The encapsulated key is no point of the prime-order group.
    BadEncapsulation,
    /// The revealed output is no point of the prime-order group.
    NotAPoint,
    /// A number in the proof is no scalar.
    NotAScalar,
    /// The proof does not hold.
    DoesNotHold,
}

impl fmt::Display for WrongProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnusableKey => "the recipient's encryption key is no point of the prime-order group",
            Self::BadEncapsulation => "the encapsulated key is no point of the prime-order group",
            Self::NotAPoint => "the revealed output is no point of the prime-order group",
            Self::NotAScalar => "a number in the proof is not below the order of the group",
            Self::DoesNotHold => {
                "the proof does not hold: the output is not that of this key, or the proof is for another case"
            }
        })
    }
}

impl core::error::Error for WrongProof {}

/// Proves the Diffie-Hellman output of an X25519 secret and an encapsulated key. `context` says what the proof is for;
/// `randomness` is uniform.
pub fn prove(
    secret: &[u8; 32],
    encapsulated: &[u8; 32],
    context: &[u8],
    randomness: &[u8; 64],
) -> Result<Proof, CannotProve> {
    let e = prime_order_point(encapsulated).ok_or(CannotProve::BadEncapsulation)?;
    // Points of prime order see an integer only modulo that order, so the clamped secret may be reduced.
    let b = Secret::from_scalar(Scalar::from_bytes_mod_order(clamp_integer(*secret)));
    let public = EdwardsPoint::mul_base(b.scalar());
    let (b, public) = if is_odd(&public) {
        (Secret::from_scalar(-b.scalar()), -public)
    } else {
        (b, public)
    };
    let shared = e * b.scalar();
    // The secret goes in too, so that bad randomness does not give it away.
    let nonce = Sha512::new()
        .chain_update(NONCE_DOMAIN)
        .chain_update(b.to_bytes().as_slice())
        .chain_update(randomness)
        .chain_update(encapsulated)
        .chain_update(context);
    let nonce = Secret::from_uniform_bytes(&nonce.finalize().into());
    let challenge = challenge(
        &[
            public,
            e,
            shared,
            EdwardsPoint::mul_base(nonce.scalar()),
            e * nonce.scalar(),
        ],
        context,
    );
    let response = nonce.scalar() + challenge * b.scalar();
    Ok(Proof {
        shared: shared.compress().to_bytes(),
        challenge: challenge.to_bytes(),
        response: response.to_bytes(),
    })
}

/// The Diffie-Hellman output (its `u`, as X25519 gives it) of the holder of `public` and `encapsulated`, if the proof for
/// `context` holds.
pub fn verify(
    public: &[u8; 32],
    encapsulated: &[u8; 32],
    context: &[u8],
    proof: &Proof,
) -> Result<[u8; 32], WrongProof> {
    let e = prime_order_point(encapsulated).ok_or(WrongProof::BadEncapsulation)?;
    let b = prime_order_point(public).ok_or(WrongProof::UnusableKey)?;
    let shared = CompressedEdwardsY(proof.shared)
        .decompress()
        // Not every encoding that decompresses is the one that compression gives.
        .filter(|point| point.compress().to_bytes() == proof.shared)
        .filter(|point| !point.is_identity() && point.is_torsion_free())
        .ok_or(WrongProof::NotAPoint)?;
    let scalar = |bytes| Secret::from_bytes(bytes).map_err(|NotAScalar| WrongProof::NotAScalar);
    let (stated, response) = (scalar(&proof.challenge)?, scalar(&proof.response)?);
    let minus = -stated.scalar();
    let over_base = EdwardsPoint::vartime_double_scalar_mul_basepoint(&minus, &b, response.scalar());
    let over_e = EdwardsPoint::vartime_multiscalar_mul([*response.scalar(), minus], [e, shared]);
    if challenge(&[b, e, shared, over_base, over_e], context) == *stated.scalar() {
        Ok(shared.to_montgomery().to_bytes())
    } else {
        Err(WrongProof::DoesNotHold)
    }
}

fn is_odd(point: &EdwardsPoint) -> bool {
    let [.., last] = point.compress().to_bytes();
    last >> 7 == 1
}

/// Of the public key, the encapsulated key, the output, and the two commitments to the nonce.
fn challenge(points: &[EdwardsPoint; 5], context: &[u8]) -> Scalar {
    let mut hash = Sha512::new().chain_update(CHALLENGE_DOMAIN);
    for point in points {
        hash.update(point.compress().as_bytes());
    }
    hash.update(context);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}
