//! Tokenizers: text to token ids and back.
//!
//! [`TextTokenizer`] serves generation and is built from a GGUF file's own metadata; [`SentenceTokenizer`] serves
//! sentence embeddings and is built from a model directory's `tokenizer.json` or `vocab.txt`.

mod byte_level;
mod sentence;
mod text;

pub use byte_level::TokenStream;
pub use sentence::{SentenceTokenizer, TokenizedText};
pub use text::TextTokenizer;

use thiserror::Error;

use crate::gguf::GgufError;

/// Why a tokenizer cannot be built or used.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// The GGUF metadata lacks an entry or has one of the wrong type.
    #[error("the model's tokenizer: {0}")]
    Metadata(#[from] GgufError),
    /// A tokenizer family other than byte-level BPE.
    #[error(
        "tokenizer model `{model}` is not supported (`gpt2`, which is byte-level BPE, is); \
         choose a model with such a tokenizer"
    )]
    UnsupportedModel {
        /// `tokenizer.ggml.model`.
        model: String,
    },
    /// A way of splitting text into words that is not known.
    #[error("pre-tokenizer `{name}` is not supported ({supported} are)")]
    UnsupportedPreTokenizer {
        /// `tokenizer.ggml.pre`.
        name: String,
        /// The known ones.
        supported: &'static str,
    },
    /// A vocabulary that contradicts itself.
    #[error("malformed tokenizer: {problem}")]
    Malformed {
        /// What is wrong.
        problem: String,
    },
    /// The `tokenizers` crate refused the definition or a text.
    #[error("tokenizer: {message}")]
    Library {
        /// What it said.
        message: String,
    },
}

impl TokenizerError {
    fn malformed(problem: impl Into<String>) -> Self {
        Self::Malformed {
            problem: problem.into(),
        }
    }

    fn library(error: tokenizers::Error) -> Self {
        Self::Library {
            message: error.to_string(),
        }
    }
}
