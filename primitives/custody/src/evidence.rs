//! What shows that a delivered share is not the committed one, to somebody who has no secrets.

use core::fmt;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sha2::{Digest, Sha256};

use crate::{
    dleq::{self, CannotProve, Proof, WrongProof},
    hpke::{self, Wrapped, encapsulated, open_with_dh, prime_order_point},
    sharing::{Commitment, ShareError, verify_share},
};

/// What is known to everybody of a delivered share.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The wrapped share.
    pub wrapped: &'a Wrapped,
    /// The X25519 key it should be wrapped to.
    pub recipient: &'a [u8; 32],
    /// HPKE's `info` for what it should be for.
    pub info: &'a [u8],
    /// The commitments it should agree with.
    pub commitments: &'a [Commitment],
    /// Whose share it should be.
    pub index: u8,
}

/// What a recipient brings forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Evidence {
    /// Nothing but the delivery itself: its encapsulated key is none.
    #[codec(index = 0)]
    BadEncapsulation,
    /// The Diffie-Hellman output with which everybody can open it.
    #[codec(index = 1)]
    Opening(Proof),
}

/// What is wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Fault {
    /// The encapsulated key is none that an honest sender makes.
    #[codec(index = 0)]
    BadEncapsulation,
    /// It does not open for its recipient and purpose.
    #[codec(index = 1)]
    DoesNotOpen,
    /// What is in it is no scalar.
    #[codec(index = 2)]
    NotAScalar,
    /// What is in it is not the committed share.
    #[codec(index = 3)]
    OtherShare,
}

/// Why evidence shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotProven {
    /// The encapsulated key is sound, so more is needed: the opening.
    EncapsulationIsSound,
    /// The proof is not accepted.
    WrongProof(WrongProof),
    /// The share is the committed one.
    ShareIsGood,
    /// There are no such commitments to hold it to.
    NoCommitments,
}

impl fmt::Display for NotProven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EncapsulationIsSound => f.write_str("the encapsulated key is sound; show the opening"),
            Self::WrongProof(wrong) => wrong.fmt(f),
            Self::ShareIsGood => f.write_str("the share opens and is the one that was committed to"),
            Self::NoCommitments => f.write_str("there are no commitments to hold the share to"),
        }
    }
}

impl core::error::Error for NotProven {}

/// What is wrong with the delivery, if the evidence shows it.
///
/// An honest delivery (wrapped by [`hpke::wrap`] for this recipient, with this `info`, of the committed share) cannot be
/// faulted by any evidence.
pub fn judge(delivery: &Delivery, evidence: &Evidence) -> Result<Fault, NotProven> {
    let enc = encapsulated(delivery.wrapped);
    if prime_order_point(&enc).is_none() {
        return Ok(Fault::BadEncapsulation);
    }
    let Evidence::Opening(proof) = evidence else {
        return Err(NotProven::EncapsulationIsSound);
    };
    let dh = dleq::verify(delivery.recipient, &enc, &proof_context(delivery), proof).map_err(NotProven::WrongProof)?;
    let Ok(share) = open_with_dh(delivery.wrapped, &dh, delivery.recipient, delivery.info) else {
        return Ok(Fault::DoesNotOpen);
    };
    match verify_share(delivery.commitments, delivery.index, &share) {
        Ok(()) => Err(NotProven::ShareIsGood),
        Err(ShareError::NotAScalar) => Ok(Fault::NotAScalar),
        Err(ShareError::Mismatch) => Ok(Fault::OtherShare),
        Err(ShareError::Commitments(_)) => Err(NotProven::NoCommitments),
    }
}

/// The evidence against a delivery that the holder of `secret` received, or why there is none. `randomness` is uniform.
///
/// Evidence lets everybody read the share in the delivery. It is made only if that is not the committed one.
pub fn accuse(delivery: &Delivery, secret: &[u8; 32], randomness: &[u8; 64]) -> Result<Evidence, NotProven> {
    let share = hpke::unwrap(delivery.wrapped, secret, delivery.info);
    if let Ok(share) = share
        && verify_share(delivery.commitments, delivery.index, &share).is_ok()
    {
        return Err(NotProven::ShareIsGood);
    }
    let enc = encapsulated(delivery.wrapped);
    let evidence = match dleq::prove(secret, &enc, &proof_context(delivery), randomness) {
        Ok(proof) => Evidence::Opening(proof),
        Err(CannotProve::BadEncapsulation) => Evidence::BadEncapsulation,
    };
    judge(delivery, &evidence).map(|_| evidence)
}

/// What a proof is for: this delivery and this purpose.
fn proof_context(delivery: &Delivery) -> [u8; 32] {
    Sha256::new()
        .chain_update(delivery.wrapped)
        .chain_update(delivery.info)
        .finalize()
        .into()
}
