//! Weft's engine: language, embedding and image models on Burn, on the CPU or a GPU behind one [`Device`] parameter.
//!
//! [`TextModel`] generates text with models of the Llama family from GGUF files; [`EmbeddingModel`] embeds sentences
//! with models of the BERT family from safetensors; [`Classifier`] says what small images show. Weights, tokenizer and chat
//! template all come from the model's own files. The crate knows no network, no chain and no store: it takes paths or bytes.

pub mod bert;
pub mod chat;
pub mod device;
pub mod exact;
pub mod gguf;
pub mod image;
pub mod llama;
pub mod quant;
pub mod sampler;
pub mod stored;
pub mod tokenizer;

mod embed;
mod engine_error;
mod generate;
mod kind;
mod linear;
mod model_error;
mod perplexity;
mod prompt;

pub use chat::Message;
pub use device::{Device, DeviceError};
pub use embed::EmbeddingModel;
pub use engine_error::EngineError;
pub use generate::{FinishReason, Generation, GenerationParams, TextModel, Timings, TokenEvent};
pub use image::{Classifier, ImageError};
pub use kind::{KindError, ModelKind};
pub use linear::WeightFormat;
pub use model_error::ModelError;
pub use prompt::Prompt;
pub use sampler::{RandomSampling, Sampling};
