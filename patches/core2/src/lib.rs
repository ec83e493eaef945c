//! See Cargo.toml.
pub use std::{error, io};
