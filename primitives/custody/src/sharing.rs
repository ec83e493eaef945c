//! Shamir's secret sharing with Feldman's commitments, over the Ristretto group.
//!
//! The dealer draws `f(x) = s + a_1 x + .. + a_{t-1} x^{t-1}`, publishes `C_k = a_k G`, and gives custodian `i` (from 1)
//! the share `f(i)`. Whoever has a share checks `f(i) G = sum_k C_k i^k`; any `t` shares give `s`, fewer give nothing.

use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::{IsIdentity, VartimeMultiscalarMul},
};

use crate::scalar::{NotAScalar, SCALAR_BYTES, Secret};

/// Fewest shares that may give the secret: with one, a share would be the secret.
pub const MIN_THRESHOLD: u8 = 2;

/// Most shares of one secret.
pub const MAX_SHARES: u8 = 9;

/// A commitment to a coefficient, or to a share: a compressed Ristretto point.
pub type Commitment = [u8; 32];

/// How many shares there are, and how many of them give the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    threshold: u8,
    shares: u8,
}

/// Not `2 <= t <= n <= 9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadShape;

impl fmt::Display for BadShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a key is shared among at most {MAX_SHARES} custodians, of whom at least {MIN_THRESHOLD} and at most all give it"
        )
    }
}

impl core::error::Error for BadShape {}

impl Shape {
    /// `threshold` of `shares`.
    pub const fn new(threshold: u8, shares: u8) -> Result<Self, BadShape> {
        if MIN_THRESHOLD <= threshold && threshold <= shares && shares <= MAX_SHARES {
            Ok(Self { threshold, shares })
        } else {
            Err(BadShape)
        }
    }

    /// How many shares give the secret.
    pub const fn threshold(self) -> u8 {
        self.threshold
    }

    /// How many shares there are.
    pub const fn shares(self) -> u8 {
        self.shares
    }
}

/// One custodian's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whose: from 1.
    pub index: u8,
    /// `f(index)`.
    pub value: Secret,
}

/// What a dealer makes: commitments for everybody, a share for each.
#[derive(Clone, Debug)]
pub struct Dealt {
    /// To the coefficients, the secret's first.
    pub commitments: Vec<Commitment>,
    /// In the order of indices, from 1.
    pub shares: Vec<Share>,
}

/// Why nothing was dealt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DealError {
    /// A polynomial for threshold `t` has `t - 1` coefficients beside the secret.
    WrongCoefficients {
        /// How many it takes.
        need: u8,
        /// How many were given.
        have: usize,
    },
    /// Zero is no secret: its commitment gives it away.
    ZeroSecret,
}

impl fmt::Display for DealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCoefficients { need, have } => {
                write!(
                    f,
                    "this threshold takes {need} random coefficients, and {have} were given"
                )
            }
            Self::ZeroSecret => f.write_str("the secret to share is zero; draw another"),
        }
    }
}

impl core::error::Error for DealError {}

/// Why commitments are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentError {
    /// There must be as many as the threshold.
    WrongNumber,
    /// One is no point of the group.
    NotAPoint,
    /// The secret's is that of zero.
    ZeroSecret,
    /// No custodian has this index.
    NoSuchIndex,
}

impl fmt::Display for CommitmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongNumber => "there must be one commitment for each share that the threshold asks for",
            Self::NotAPoint => "a commitment is no point of the Ristretto group",
            Self::ZeroSecret => "the commitment to the secret is that of zero, which everybody knows",
            Self::NoSuchIndex => "custodians are numbered from 1 to at most 9",
        })
    }
}

impl core::error::Error for CommitmentError {}

/// Why a share is not the committed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareError {
    /// It is no scalar.
    NotAScalar,
    /// It is another scalar.
    Mismatch,
    /// The commitments themselves are of no use.
    Commitments(CommitmentError),
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAScalar => NotAScalar.fmt(f),
            Self::Mismatch => f.write_str("the share is not the one that its dealer committed to"),
            Self::Commitments(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ShareError {}

impl From<CommitmentError> for ShareError {
    fn from(error: CommitmentError) -> Self {
        Self::Commitments(error)
    }
}

/// Why shares give no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CombineError {
    /// Fewer than the threshold.
    TooFew {
        /// How many it takes.
        need: u8,
        /// How many there are.
        have: usize,
    },
    /// Two have the same index.
    Duplicate(u8),
    /// No custodian has this index.
    NoSuchIndex(u8),
    /// One of them is no scalar, or its commitments are no points.
    Malformed(u8),
}

impl fmt::Display for CombineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { need, have } => write!(f, "{need} shares give the key and there are {have}; wait for more"),
            Self::Duplicate(index) => write!(f, "there are two shares of custodian {index}; use one"),
            Self::NoSuchIndex(index) => write!(f, "there is no custodian {index}: they are numbered from 1 to 9"),
            Self::Malformed(index) => write!(f, "what came from custodian {index} is no share"),
        }
    }
}

impl core::error::Error for CombineError {}

/// Shares `secret`. `coefficients` are uniform, `threshold - 1` of them, and used for nothing else.
pub fn deal(shape: Shape, secret: &Secret, coefficients: &[Secret]) -> Result<Dealt, DealError> {
    let need = shape.threshold.saturating_sub(1);
    if coefficients.len() != usize::from(need) {
        return Err(DealError::WrongCoefficients {
            need,
            have: coefficients.len(),
        });
    }
    if *secret.scalar() == Scalar::ZERO {
        return Err(DealError::ZeroSecret);
    }
    let polynomial = || core::iter::once(secret).chain(coefficients);
    let commitments = polynomial()
        .map(|coefficient| RistrettoPoint::mul_base(coefficient.scalar()).compress().to_bytes())
        .collect();
    let shares = (1..=shape.shares)
        .map(|index| {
            let x = Scalar::from(index);
            let highest_first = coefficients.iter().rev().chain(core::iter::once(secret));
            let value = highest_first.fold(Scalar::ZERO, |sum, coefficient| sum * x + coefficient.scalar());
            Share {
                index,
                value: Secret::from_scalar(value),
            }
        })
        .collect();
    Ok(Dealt { commitments, shares })
}

/// Whether commitments can stand for a polynomial of this threshold.
pub fn check_commitments(threshold: u8, commitments: &[Commitment]) -> Result<(), CommitmentError> {
    if commitments.len() != usize::from(threshold) {
        return Err(CommitmentError::WrongNumber);
    }
    for (nth, commitment) in commitments.iter().enumerate() {
        let point = decompress(commitment)?;
        if nth == 0 && point.is_identity() {
            return Err(CommitmentError::ZeroSecret);
        }
    }
    Ok(())
}

/// The commitment to custodian `index`'s share: `sum_k C_k index^k`.
pub fn public_share(commitments: &[Commitment], index: u8) -> Result<Commitment, CommitmentError> {
    Ok(public_point(commitments, index)?.compress().to_bytes())
}

/// Whether 32 bytes are custodian `index`'s share.
pub fn verify_share(commitments: &[Commitment], index: u8, share: &[u8; SCALAR_BYTES]) -> Result<(), ShareError> {
    let committed = public_point(commitments, index)?;
    let share = Secret::from_bytes(share).map_err(|NotAScalar| ShareError::NotAScalar)?;
    if RistrettoPoint::mul_base(share.scalar()) == committed {
        Ok(())
    } else {
        Err(ShareError::Mismatch)
    }
}

/// The secret of `threshold` shares or more. It is the dealer's only if each share is what was committed to; check them,
/// or what the secret opens.
pub fn combine(threshold: u8, shares: &[Share]) -> Result<Secret, CombineError> {
    let indices: Vec<u8> = shares.iter().map(|share| share.index).collect();
    let weights = weights_at_zero(threshold, &indices)?;
    let sum = weights
        .iter()
        .zip(shares)
        .fold(Scalar::ZERO, |sum, (weight, share)| sum + weight * share.value.scalar());
    Ok(Secret::from_scalar(sum))
}

/// Lagrange's coefficients at zero for the first `threshold` indices: `lambda_i = prod_{j != i} j / (j - i)`.
pub(crate) fn weights_at_zero(threshold: u8, indices: &[u8]) -> Result<Vec<Scalar>, CombineError> {
    for (nth, index) in indices.iter().enumerate() {
        if !(1..=MAX_SHARES).contains(index) {
            return Err(CombineError::NoSuchIndex(*index));
        }
        if indices.iter().take(nth).any(|earlier| earlier == index) {
            return Err(CombineError::Duplicate(*index));
        }
    }
    let need = usize::from(threshold.max(1));
    let used = indices.get(..need).ok_or(CombineError::TooFew {
        need: threshold.max(1),
        have: indices.len(),
    })?;
    Ok(used
        .iter()
        .map(|i| {
            let others = used.iter().filter(|j| *j != i);
            let (above, below) = others.fold((Scalar::ONE, Scalar::ONE), |(above, below), j| {
                let (i, j) = (Scalar::from(*i), Scalar::from(*j));
                (above * j, below * (j - i))
            });
            // Indices differ and are small, so no difference is zero modulo the order.
            above * below.invert()
        })
        .collect())
}

pub(crate) fn decompress(commitment: &Commitment) -> Result<RistrettoPoint, CommitmentError> {
    CompressedRistretto(*commitment)
        .decompress()
        .ok_or(CommitmentError::NotAPoint)
}

fn public_point(commitments: &[Commitment], index: u8) -> Result<RistrettoPoint, CommitmentError> {
    if !(1..=MAX_SHARES).contains(&index) {
        return Err(CommitmentError::NoSuchIndex);
    }
    if commitments.is_empty() {
        return Err(CommitmentError::WrongNumber);
    }
    let x = Scalar::from(index);
    // As lists: the multiplication asserts that both sides say how long they are.
    let powers: Vec<Scalar> = core::iter::successors(Some(Scalar::ONE), |power| Some(power * x))
        .take(commitments.len())
        .collect();
    let points = commitments
        .iter()
        .map(|commitment| CompressedRistretto(*commitment).decompress());
    RistrettoPoint::optional_multiscalar_mul(powers, points).ok_or(CommitmentError::NotAPoint)
}
