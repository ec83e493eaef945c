//! Text generation: a model, its tokenizer and its chat template as one.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::device::Device;
use crate::engine_error::EngineError;
use crate::gguf::Gguf;
use crate::kind::gguf_file;
use crate::linear::WeightFormat;
use crate::llama::{Llama, LlamaConfig};
use crate::prompt::{Prompt, PromptEncoder};
use crate::sampler::Sampling;
use crate::tokenizer::{TextTokenizer, TokenStream};

/// How to continue it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GenerationParams {
    /// Tokens to generate at most.
    pub max_tokens: usize,
    /// How each is chosen.
    pub sampling: Sampling,
}

/// A token that was just generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEvent<'a> {
    /// Its place in the answer, from 0.
    pub index: usize,
    /// Its id.
    pub token: u32,
    /// Text that became complete with it; empty while a character is spread over tokens.
    pub text: &'a str,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model said that its answer is complete.
    EndToken,
    /// [`GenerationParams::max_tokens`] were generated.
    MaxTokens,
    /// The receiver of tokens asked to stop.
    Stopped,
    /// The model's context holds no more.
    ContextFull,
}

/// How long a generation took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Reading the prompt, up to the logits of the first token.
    pub prompt: Duration,
    /// Everything after that.
    pub decode: Duration,
    /// Single-token steps in that time.
    pub decode_steps: usize,
}

impl Timings {
    /// Tokens per second while generating (0 where there was not a single step).
    pub fn tokens_per_second(&self) -> f64 {
        match self.decode.as_secs_f64() {
            seconds if seconds > 0.0 => self.decode_steps as f64 / seconds,
            _ => 0.0,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Text of the answer. It is the texts of all events put together, and U+FFFD where the answer was cut inside a
    /// character.
    pub text: String,
    /// Tokens of the answer, the end token left out.
    pub tokens: Vec<u32>,
    /// Number of tokens of the prompt.
    pub prompt_tokens: usize,
    /// Why it ended.
    pub finish: FinishReason,
    /// How long it took.
    pub timings: Timings,
}

/// A text-generation model, ready to run. `Send`, so that it can be moved to a thread for blocking work.
pub struct TextModel {
    model: Llama,
    encoder: PromptEncoder,
}

impl TextModel {
    /// Loads a GGUF file, or the only one in a directory.
    pub fn load(path: &Path, device: Device) -> Result<Self, EngineError> {
        let file = gguf_file(path)?;
        Self::from_gguf(Gguf::open(&file)?, device, WeightFormat::Fastest)
    }

    /// Loads a GGUF file that is in memory already, such as a model just decrypted.
    pub fn from_bytes(bytes: Vec<u8>, device: Device) -> Result<Self, EngineError> {
        Self::from_gguf(Gguf::from_bytes(bytes)?, device, WeightFormat::Fastest)
    }

    /// Loads a parsed file with its weights kept as `format` says.
    pub fn from_gguf(gguf: Gguf, device: Device, format: WeightFormat) -> Result<Self, EngineError> {
        let encoder = PromptEncoder::from_metadata(gguf.metadata())?;
        let started = Instant::now();
        let model = Llama::load(&gguf, &device.open()?, format)?;
        tracing::debug!(%device, elapsed = ?started.elapsed(), config = ?model.config(), "model loaded");
        Ok(Self { model, encoder })
    }

    /// Sizes of the model.
    pub fn config(&self) -> &LlamaConfig {
        self.model.config()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &TextTokenizer {
        self.encoder.tokenizer()
    }

    /// The model itself, for callers that sample on their own.
    pub fn model_mut(&mut self) -> &mut Llama {
        &mut self.model
    }

    /// Token ids of `prompt`.
    ///
    /// # Errors
    /// If the prompt has no tokens, if the model has no chat template for a conversation, or if the template refuses it.
    pub fn prompt_tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, EngineError> {
        self.encoder.tokens(prompt)
    }

    /// Continues `prompt`, calling `on_token` with each token as it comes.
    ///
    /// The result depends on the weights, the prompt and the parameters alone, and on the device only as far as it rounds
    /// differently; every call begins a new sequence.
    ///
    /// # Errors
    /// If the prompt leaves no room in the model's context, if a sampling parameter is out of range, or if the device
    /// fails.
    pub fn generate(
        &mut self,
        prompt: &Prompt,
        params: &GenerationParams,
        mut on_token: impl FnMut(TokenEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Generation, EngineError> {
        params.sampling.validate()?;
        let prompt = self.prompt_tokens(prompt)?;
        let context = self.model.config().context;
        if prompt.len() >= context {
            return Err(EngineError::PromptTooLong {
                tokens: prompt.len(),
                context,
            });
        }
        let mut answer = Generation {
            text: String::new(),
            tokens: Vec::new(),
            prompt_tokens: prompt.len(),
            finish: FinishReason::MaxTokens,
            timings: Timings::default(),
        };
        if params.max_tokens == 0 {
            return Ok(answer);
        }
        let mut rng = params.sampling.rng();
        let mut stream = TokenStream::new();
        let started = Instant::now();
        self.model.reset();
        let mut logits = self.model.advance(&prompt)?;
        answer.timings.prompt = started.elapsed();
        let started = Instant::now();
        answer.finish = loop {
            let token = params.sampling.next_token(&logits, &mut rng)?;
            if self.tokenizer().is_end(token) {
                break FinishReason::EndToken;
            }
            let text = stream.push(self.tokenizer().bytes(token));
            answer.tokens.push(token);
            answer.text.push_str(&text);
            let event = TokenEvent {
                index: answer.tokens.len() - 1,
                token,
                text: &text,
            };
            if on_token(event).is_break() {
                break FinishReason::Stopped;
            }
            if answer.tokens.len() >= params.max_tokens {
                break FinishReason::MaxTokens;
            }
            if self.model.position() >= context {
                break FinishReason::ContextFull;
            }
            logits = self.model.advance(&[token])?;
            answer.timings.decode_steps += 1;
        };
        answer.timings.decode = started.elapsed();
        answer.text.push_str(&stream.finish());
        Ok(answer)
    }
}
