//! What callers of the engine see when something is wrong.

use thiserror::Error;

use crate::chat::ChatError;
use crate::device::DeviceError;
use crate::gguf::GgufError;
use crate::image::ImageError;
use crate::kind::KindError;
use crate::model_error::ModelError;
use crate::sampler::SamplerError;
use crate::tokenizer::TokenizerError;

/// Why a model cannot be loaded, or a request not be answered.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The path does not lead to a model.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// The file is no sound GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The tokenizer is unsound or failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The chat template is unsound or refused the conversation.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The weights or the configuration are unsound, or the computation failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The image does not fit the model.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A sampling parameter is out of range.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// A conversation for a model that was not trained on any.
    #[error("the model has no chat template; give it plain text instead")]
    NoChatTemplate,
    /// Nothing to continue.
    #[error("the prompt is empty; a model needs at least one token to continue")]
    EmptyPrompt,
    /// No room for an answer.
    #[error("the prompt has {tokens} tokens, but the model's context holds {context} with the answer; shorten it")]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Positions of the model.
        context: usize,
    },
}
