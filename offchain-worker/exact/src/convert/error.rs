//! Why a float model cannot be converted.

use thiserror::Error;
use weft_exact::model::NoModel;

use crate::files::Problem;

/// Why a float model cannot be converted.
#[derive(Debug, PartialEq, Error)]
pub enum ConvertError {
    /// A tensor has another number of elements than the sizes say.
    #[error(
        "tensor `{tensor}` has {found} elements, where the model's sizes ask for {wanted}: the file is damaged or of another kind"
    )]
    Size {
        /// The tensor.
        tensor: String,
        /// Its elements.
        found: usize,
        /// Those that fit.
        wanted: usize,
    },
    /// A weight is infinite or no number.
    #[error("tensor `{tensor}` has weights that are no finite numbers: the file is damaged, download it again")]
    NotFinite {
        /// The tensor.
        tensor: String,
    },
    /// There are not as many rotary frequencies as pairs, or some are no numbers.
    #[error("there are {found} rotary frequencies, where {wanted} finite ones are needed")]
    Frequencies {
        /// Frequencies given.
        found: usize,
        /// Pairs of a head.
        wanted: usize,
    },
    /// The norms' epsilon is no positive number.
    #[error("the norms' epsilon is {0}, which is no positive number below a million")]
    Epsilon(f64),
    /// A token of the calibration text is none of the model's.
    #[error(
        "token {token} of the calibration text is beyond the vocabulary of {vocabulary}: use the model's own tokenizer"
    )]
    Token {
        /// The token.
        token: u32,
        /// Tokens of the model.
        vocabulary: usize,
    },
    /// There is no calibration text, or one of its sequences is empty or too long.
    #[error("calibration needs sequences of one to {context} tokens each, and at least one of them")]
    Calibration {
        /// Positions of the model.
        context: usize,
    },
    /// What comes out is no model.
    #[error("the model cannot be computed exactly: {0}")]
    NoModel(Problem),
}

impl From<NoModel> for ConvertError {
    fn from(why: NoModel) -> Self {
        Self::NoModel(why.into())
    }
}
