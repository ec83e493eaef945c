//! Float models to exact ones.
//!
//! [`llama()`] and [`bert()`] are pure: float weights in, a [`weft_exact::model::Model`] out, and for the same source and
//! options always the same one, on every machine and with any number of threads. They know no files; readers of GGUF and
//! safetensors make [`FloatLlama`] and [`FloatBert`] of them.
//!
//! A Llama is turned ([`rotation`], QuaRot, arXiv 2404.00456) and its weights are rounded so that they make each other's errors good
//! ([`gptq`], arXiv 2210.17323), fitted to text that by default the model writes itself. An encoder is small in error as it is and
//! is rounded to the nearest.

pub mod elementary;
pub mod gptq;
pub mod grid;
pub mod lanes;
pub mod product;
pub mod random;
pub mod rotation;
pub mod rounding;

mod bert;
mod curves;
mod error;
mod folded;
mod forward;
mod llama;
mod source;
mod writing;

pub use bert::{BertOptions, bert};
pub use error::ConvertError;
pub use folded::{Folded, FoldedLayer};
pub use forward::{Cache, Inputs, Span};
pub use grid::Format;
pub use llama::{Calibration, LlamaOptions, Rounded, llama};
pub use source::{FloatBert, FloatBertLayer, FloatLinear, FloatLlama, FloatLlamaLayer, FloatNorm, Pairs, frequencies};

/// What a conversion is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Gains and the rotation are multiplied into the weights; counted in layers.
    Folding,
    /// The float model writes the text that the rounding is fitted to; counted in tokens of a sequence.
    Writing,
    /// Weights become integers; counted in layers, and one for the head.
    Rounding,
}

/// How far a conversion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: usize,
    /// How much there is.
    pub total: usize,
}

/// `x` with `places` binary places, to the nearest, as far as 32 bits go.
fn fixed(x: f64, places: u32) -> i32 {
    // Casts of floats saturate.
    (x * (1u64 << places) as f64).round() as i32
}

/// An epsilon as norms have it; at least its smallest unit.
fn epsilon_of(epsilon: f64) -> Result<u64, ConvertError> {
    if !(0.0..1e6).contains(&epsilon) {
        return Err(ConvertError::Epsilon(epsilon));
    }
    Ok(((epsilon * (1u64 << weft_exact::norm::EPSILON_PLACES) as f64).round() as u64).max(1))
}

/// What takes products of transformed queries and keys of `head_width` elements to exponents of two.
fn to_log2(head_width: usize) -> weft_exact::fixed::Scale {
    let width = head_width.max(1) as f64;
    grid::scale_of(std::f64::consts::LOG2_E / width.sqrt() / width)
}
