//! What can be wrong with a model or go wrong while it computes.

use burn::tensor::TensorReadError;
use thiserror::Error;

use crate::gguf::GgufError;
use crate::quant::QuantError;

/// Why a model cannot be built from its weights, or cannot compute.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The GGUF file lacks something or is damaged.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// Stored weights that do not fit together.
    #[error("weights: {0}")]
    Quant(#[from] QuantError),
    /// An architecture that the engine does not compute.
    #[error("architecture `{found}` is not supported ({supported})")]
    UnsupportedArchitecture {
        /// What the model says it is.
        found: String,
        /// What is supported.
        supported: &'static str,
    },
    /// A variant of a supported architecture that the engine does not compute.
    #[error("the model uses {feature}, which is not supported")]
    UnsupportedFeature {
        /// The feature.
        feature: String,
    },
    /// Sizes in the configuration that contradict each other or are out of range.
    #[error("malformed configuration: {problem}")]
    Configuration {
        /// What is wrong.
        problem: String,
    },
    /// A tensor whose shape is not what the configuration makes it.
    #[error("tensor `{name}` has shape {found:?}, but the configuration asks for {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A tensor that this architecture does not have: ignoring it would compute something else than was trained.
    #[error("tensor `{name}` is no part of an architecture that is supported")]
    UnexpectedTensor {
        /// The tensor.
        name: String,
    },
    /// A file of a model directory that is missing or unreadable.
    #[error("cannot read `{name}` of the model: {problem}")]
    File {
        /// The file.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A safetensors file that is damaged.
    #[error("malformed safetensors: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// A token outside the vocabulary, from a tokenizer that does not belong to the weights.
    #[error("there is no row {row} in a matrix of {rows}: tokenizer and weights do not belong together")]
    NoSuchRow {
        /// Row asked for.
        row: usize,
        /// Rows there are.
        rows: usize,
    },
    /// More positions than the model was trained for.
    #[error("the sequence needs {needed} positions, but the model has {available}")]
    TooLong {
        /// Positions needed.
        needed: usize,
        /// Positions the model has.
        available: usize,
    },
    /// The device failed to compute or to hand back a result.
    #[error("the device failed: {0}")]
    Device(#[from] TensorReadError),
}
