//! Secret scalars of the Ristretto group, as bytes and back.

use core::fmt;

use curve25519_dalek::scalar::Scalar;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a scalar: little endian, below the group's order.
pub const SCALAR_BYTES: usize = 32;

/// The bytes are no scalar: the number is not below the group's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAScalar;

impl fmt::Display for NotAScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these 32 bytes are no share: their number is not below the order of the group")
    }
}

impl core::error::Error for NotAScalar {}

/// A secret scalar. Wiped when dropped; does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Scalar);

impl Secret {
    /// A uniform scalar from 64 uniform bytes.
    pub fn from_uniform_bytes(bytes: &[u8; 64]) -> Self {
        Self(Scalar::from_bytes_mod_order_wide(bytes))
    }

    /// Takes a scalar as it was written by [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, NotAScalar> {
        Option::from(Scalar::from_canonical_bytes(*bytes))
            .map(Self)
            .ok_or(NotAScalar)
    }

    /// The one way to write it.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) fn from_scalar(scalar: Scalar) -> Self {
        Self(scalar)
    }

    pub(crate) fn scalar(&self) -> &Scalar {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
