//! Exact text generation: an exact model, its tokenizer and its chat template as one.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use weft_exact::merkle::Digest;
use weft_exact::program::{Choice, Family};
use weft_exact::trace::Trace;
use weft_exact_engine::Engine;
use weft_exact_engine::engine::Failure;
use weft_exact_engine::generate::{Batch, End, Event, Request, Ticket, random_choice};
use weft_exact_engine::perplexity::perplexity;

use super::evidence::Published;
use super::open::{ExactError, KernelChoice, Opened, open, open_files};
use super::prompts::Generated;
use crate::bert::ModelFiles;
use crate::device::Device;
use crate::engine_error::EngineError;
use crate::generate::{FinishReason, Generation, GenerationParams, Timings, TokenEvent};
use crate::gguf::Gguf;
use crate::prompt::{Prompt, PromptEncoder};
use crate::sampler::Sampling;
use crate::tokenizer::{TextTokenizer, TokenStream};

/// The tokenizer's file in a model's directory: a GGUF file of metadata alone.
pub const TOKENIZER: &str = "tokenizer.gguf";

/// An exact text model, ready to run.
pub struct ExactText {
    engine: Box<dyn Engine>,
    root: Digest,
    weights: Digest,
    encoder: PromptEncoder,
}

/// An exact answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactGeneration {
    /// The answer as float models give it.
    pub generation: Generation,
    /// What commits to it.
    pub trace: Trace,
    /// Tokens given and made, with the one that ended the answer.
    pub all_tokens: Vec<u32>,
    /// The cells that the trace commits to.
    pub cells: Vec<Digest>,
}

impl ExactText {
    /// Loads the model in a directory.
    pub fn load(dir: &Path, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let encoder = encoder(dir)?;
        Self::new(encoder, open(dir, Family::Llama, device, kernel)?)
    }

    /// Loads files that are in memory already, by their names in a model's directory.
    pub fn from_files(files: &ModelFiles, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let tokenizer = files.require(TOKENIZER).map_err(EngineError::from)?;
        let encoder = encoder_of(tokenizer.to_vec())?;
        Self::new(encoder, open_files(files, Family::Llama, device, kernel)?)
    }

    fn new(encoder: PromptEncoder, opened: Opened) -> Result<Self, ExactError> {
        let (tokens, vocabulary) = (
            encoder.tokenizer().vocabulary_size(),
            opened.engine.program().config().vocabulary,
        );
        if tokens > vocabulary {
            return Err(ExactError::OtherTokenizer { tokens, vocabulary });
        }
        Ok(Self {
            engine: opened.engine,
            root: opened.root,
            weights: opened.weights,
            encoder,
        })
    }

    /// What commits to the model.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// What computes, such as `cpu:2:amx`.
    pub fn device(&self) -> String {
        self.engine.name()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &TextTokenizer {
        self.encoder.tokenizer()
    }

    /// Tokens of a prompt.
    pub fn prompt_tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, ExactError> {
        Ok(self.encoder.tokens(prompt)?)
    }

    /// The engine, for callers with tokens of their own.
    pub fn engine_mut(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// Answers several prompts in one batch; `on_token` is called with the prompt's place and each token as it comes. The
    /// answers do not depend on what else is in the batch.
    pub fn generate(
        &mut self,
        prompts: &[(Prompt, GenerationParams)],
        mut on_token: impl FnMut(usize, TokenEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<ExactGeneration>, ExactError> {
        let mut requests = Vec::new();
        for (prompt, params) in prompts {
            requests.push(request(
                &self.encoder,
                prompt,
                params,
                self.engine.program().config().context,
            )?);
        }
        let tokenizer = self.encoder.tokenizer();
        let mut batch = Batch::new(&mut *self.engine, self.root);
        let mut answers = Vec::new();
        for request in requests {
            answers.push(Answering::start(&mut batch, request)?);
        }
        while batch.is_busy() {
            for event in batch.step()? {
                let Some(index) = answers.iter().position(|answer| answer.ticket == event.ticket) else {
                    continue;
                };
                if answers[index]
                    .push(tokenizer, &event, |event| on_token(index, event))
                    .is_break()
                {
                    batch.call_off(event.ticket);
                }
            }
        }
        let made = answers.into_iter().map(|answer| answer.finish(&mut batch));
        made.filter_map(Result::transpose).collect()
    }

    /// What is claimed of its answers, but for their traces.
    pub(super) fn published(&self) -> Published {
        Published {
            config: *self.engine.program().config(),
            weights: self.weights,
        }
    }

    /// Its parts, for who keeps a batch going: what makes tokens of prompts, the engine, and the model's root.
    pub(super) fn into_parts(self) -> (PromptEncoder, Box<dyn Engine>, Digest) {
        (self.encoder, self.engine, self.root)
    }

    /// The perplexity of a text; `None` if it has fewer than two tokens.
    pub fn perplexity(
        &mut self,
        text: &str,
        window: usize,
        progress: impl FnMut(usize, usize),
    ) -> Result<Option<f64>, ExactError> {
        let tokens = self.encoder.tokenizer().encode(text).map_err(EngineError::from)?;
        Ok(perplexity(&mut *self.engine, &tokens, window, progress)?)
    }
}

/// An answer in the making.
pub(super) struct Answering {
    pub(super) ticket: Ticket,
    given: Vec<u32>,
    stream: TokenStream,
    text: String,
    tokens: Vec<u32>,
    started: Instant,
    timings: Timings,
}

impl Answering {
    /// Adds a request to a batch.
    pub(super) fn start(batch: &mut Batch<'_>, request: Request) -> Result<Self, Failure> {
        let given = request.prompt.clone();
        Ok(Self {
            ticket: batch.start(request)?,
            given,
            stream: TokenStream::default(),
            text: String::new(),
            tokens: Vec::new(),
            started: Instant::now(),
            timings: Timings::default(),
        })
    }

    /// Takes in a token; `on_token` is called for those that are shown.
    pub(super) fn push(
        &mut self,
        tokenizer: &TextTokenizer,
        event: &Event,
        on_token: impl FnOnce(TokenEvent<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.timings.prompt.is_zero() {
            self.timings.prompt = self.started.elapsed();
        } else {
            self.timings.decode_steps += 1;
        }
        self.timings.decode = self.started.elapsed().saturating_sub(self.timings.prompt);
        if event.end == Some(End::EndToken) {
            return ControlFlow::Continue(());
        }
        let text = self.stream.push(tokenizer.bytes(event.token));
        self.tokens.push(event.token);
        self.text.push_str(&text);
        on_token(TokenEvent {
            index: self.tokens.len() - 1,
            token: event.token,
            text: &text,
        })
    }

    /// The whole answer, if it has ended.
    pub(super) fn finish(mut self, batch: &mut Batch<'_>) -> Result<Option<ExactGeneration>, ExactError> {
        let Some(answer) = batch.finish(self.ticket)? else {
            return Ok(None);
        };
        self.text.push_str(&self.stream.finish());
        let prompt_tokens = self.given.len();
        let mut all_tokens = self.given;
        all_tokens.extend(&answer.tokens);
        Ok(Some(ExactGeneration {
            generation: Generation {
                text: self.text,
                tokens: self.tokens,
                prompt_tokens,
                finish: match answer.end {
                    End::EndToken => FinishReason::EndToken,
                    End::Most => FinishReason::MaxTokens,
                    End::ContextFull => FinishReason::ContextFull,
                    End::CalledOff => FinishReason::Stopped,
                },
                timings: self.timings,
            },
            trace: answer.trace,
            all_tokens,
            cells: answer.cells,
        }))
    }
}

/// A request to an engine.
pub(super) fn request(
    encoder: &PromptEncoder,
    prompt: &Prompt,
    params: &GenerationParams,
    context: usize,
) -> Result<Request, ExactError> {
    let generated = Generated::of(encoder, prompt, params)?;
    if generated.tokens.len() >= context {
        return Err(EngineError::PromptTooLong {
            tokens: generated.tokens.len(),
            context,
        }
        .into());
    }
    Ok(Request {
        prompt: generated.tokens,
        choice: generated.choice,
        most: generated.most,
        ends: generated.ends,
    })
}

/// The tokenizer and chat template in a model's directory.
pub(super) fn encoder(dir: &Path) -> Result<PromptEncoder, ExactError> {
    let path = dir.join(TOKENIZER);
    let bytes = std::fs::read(&path).map_err(|error| ExactError::Tokenizer {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    encoder_of(bytes)
}

pub(super) fn encoder_of(tokenizer: Vec<u8>) -> Result<PromptEncoder, ExactError> {
    let gguf = Gguf::from_bytes(tokenizer).map_err(EngineError::from)?;
    Ok(PromptEncoder::from_metadata(gguf.metadata())?)
}

/// The exact choice that float parameters ask for.
pub fn choice(sampling: &Sampling) -> Result<Choice, ExactError> {
    match sampling {
        Sampling::Greedy => Ok(Choice::Greedy),
        Sampling::Random(random) => {
            random_choice(random.temperature, random.top_p, random.seed).ok_or(ExactError::Sampling)
        }
    }
}
