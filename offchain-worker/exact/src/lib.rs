//! Exact inference on processors: engines that are fast and give the bits of `weft-exact`'s reference, whatever the kernel, the
//! number of threads or what else is in the batch.
//!
//! The crate knows no network, no tokenizer and no GPU: [`Engine`] is what a device implements, [`cpu`] is the processor's.

pub mod convert;
pub mod cpu;
pub mod engine;
pub mod files;
pub mod generate;
pub mod kernel;
pub mod opening;
pub mod perplexity;
pub mod referee;
pub mod replay;

pub use engine::{Encoded, Engine, Slot, Work};
