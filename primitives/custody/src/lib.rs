//! Keys in custody: how a content key is shared among custodians, handed to those who may have it, and moved to other
//! custodians, with every wrong share provable to somebody who has no secrets at all.
//!
//! - [`sharing`]: Shamir's shares of a scalar, with Feldman's commitments to its polynomial.
//! - [`envelope`]: the content key, masked by that scalar.
//! - [`hpke`]: a share on its way to one X25519 key, and how the way is walked again from one Diffie-Hellman output.
//! - [`dleq`]: the proof that a Diffie-Hellman output belongs to a public key, without its secret.
//! - [`evidence`]: both together: what shows that a delivered share is not the committed one.
//! - [`reshare`]: the same secret, shared anew by its custodians.
//! - [`context`]: what a delivered share is for, as HPKE's `info` binds it.
//!
//! `no_std`, no clock, no randomness: random bytes are arguments. No function panics, whatever bytes it is given.
//! The protocol is described in `docs/custody.md`, the choice of it in `docs/adr/010`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod context;
pub mod dleq;
pub mod envelope;
pub mod evidence;
pub mod hpke;
pub mod reshare;
pub mod scalar;
pub mod sharing;

pub use context::{CidBytes, Context, GenesisHash, Recipient};
pub use evidence::{Delivery, Evidence, Fault, NotProven};
pub use hpke::{WRAPPED_BYTES, Wrapped};
pub use scalar::{NotAScalar, SCALAR_BYTES, Secret};
pub use sharing::{Commitment, Dealt, MAX_SHARES, MIN_THRESHOLD, Shape, Share};
