//! Integer operators of language and embedding models, defined to the last bit.
//!
//! This is the reference: short, obvious, without floats and without `std`, and what the chain's referee will run. Fast
//! engines are held to it bit for bit. `docs/exact-arithmetic.md` specifies the same in prose.
//!
//! Values between operators are [`fixed::Fixed`]: `i32` with 16 binary places. Products with weights are made of `i8`
//! ([`quantise`], [`linear`]), whose sums in `i32` are exact and so do not depend on the order of additions. All
//! rounding is [`fixed::round_shift`]; all overflow saturates where it is not shown to be impossible.
#![cfg_attr(not(feature = "std"), no_std)]
// Not even to prepare a table: what floats give depends on who computes it.
#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::float_cmp))]

extern crate alloc;

pub mod activation;
pub mod attention;
pub mod fixed;
pub mod hadamard;
pub mod linear;
pub mod model;
pub mod norm;
pub mod opening;
pub mod piece;
pub mod pool;
pub mod program;
pub mod quantise;
pub mod reference;
pub mod rotary;
pub mod sampling;
pub mod tile;
pub mod trace;
#[cfg(feature = "codec")]
mod wire;

pub use weft_merkle as merkle;
