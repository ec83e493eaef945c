//! The same secret for another committee, without its dealer and without anybody learning it (Desmedt and Jajodia).
//!
//! Old custodian `i` deals its own share `f(i)` to the new committee by a polynomial `f_i` of its own. Its first
//! commitment must be the old public share, so it can deal nothing else. From `t` such deals the new share of `j` is
//! `sum_i lambda_i f_i(j)`, and the new commitments are `sum_i lambda_i C_{i,k}`. Old shares and new ones lie on different
//! polynomials and do not combine.

use alloc::vec::Vec;

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::VartimeMultiscalarMul,
};

use crate::{
    scalar::{SCALAR_BYTES, Secret},
    sharing::{
        CombineError, Commitment, CommitmentError, DealError, Dealt, Shape, Share, check_commitments, deal,
        public_share, weights_at_zero,
    },
};

/// Deals an old custodian's share to the new committee. `coefficients` as for [`deal`].
pub fn reshare_deal(shape: Shape, share: &Share, coefficients: &[Secret]) -> Result<Dealt, DealError> {
    deal(shape, &share.value, coefficients)
}

/// Why an old custodian's deal is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReshareError {
    /// The commitments are of no use.
    Commitments(CommitmentError),
    /// They are to another secret than the custodian's share.
    OtherShare,
}

impl core::fmt::Display for ReshareError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Commitments(error) => error.fmt(f),
            Self::OtherShare => f.write_str("the first commitment is not that of this custodian's own share"),
        }
    }
}

impl core::error::Error for ReshareError {}

impl From<CommitmentError> for ReshareError {
    fn from(error: CommitmentError) -> Self {
        Self::Commitments(error)
    }
}

/// Whether old custodian `dealer` deals its own share: `present` are the commitments in force, `offered` its own.
pub fn check_reshare(
    threshold: u8,
    present: &[Commitment],
    dealer: u8,
    offered: &[Commitment],
) -> Result<(), ReshareError> {
    check_commitments(threshold, offered)?;
    // Ristretto has one encoding for each element, so equal bytes are equal points.
    if offered.first() == Some(&public_share(present, dealer)?) {
        Ok(())
    } else {
        Err(ReshareError::OtherShare)
    }
}

/// The new share of custodian `index` from what old custodians dealt to it: `(dealer, share)`. The dealers must be those,
/// in the order, that [`reshare_commitments`] is given.
pub fn reshare_combine(threshold: u8, index: u8, dealt: &[(u8, [u8; SCALAR_BYTES])]) -> Result<Share, CombineError> {
    let dealers: Vec<u8> = dealt.iter().map(|(dealer, _)| *dealer).collect();
    let weights = weights_at_zero(threshold, &dealers)?;
    let mut sum = Scalar::ZERO;
    for (weight, (dealer, share)) in weights.iter().zip(dealt) {
        let share = Secret::from_bytes(share).map_err(|_| CombineError::Malformed(*dealer))?;
        sum += weight * share.scalar();
    }
    Ok(Share {
        index,
        value: Secret::from_scalar(sum),
    })
}

/// The new commitments from the first `threshold` deals: `(dealer, its commitments)`. The first is again the secret's.
pub fn reshare_commitments(threshold: u8, deals: &[(u8, &[Commitment])]) -> Result<Vec<Commitment>, CombineError> {
    let dealers: Vec<u8> = deals.iter().map(|(dealer, _)| *dealer).collect();
    let weights = weights_at_zero(threshold, &dealers)?;
    (0..usize::from(threshold))
        .map(|k| {
            let mut at_fault = 0;
            let points = deals.iter().take(weights.len()).map(|(dealer, commitments)| {
                let point = commitments.get(k).and_then(|c| CompressedRistretto(*c).decompress());
                if point.is_none() {
                    at_fault = *dealer;
                }
                point
            });
            let sum = RistrettoPoint::optional_multiscalar_mul(&weights, points);
            sum.map(|sum| sum.compress().to_bytes())
                .ok_or(CombineError::Malformed(at_fault))
        })
        .collect()
}
