//! `weft infer`: text generation with a local model.

use std::{io::IsTerminal, ops::ControlFlow};

use serde_json::json;
use weft_engine::{FinishReason, GenerationParams, Prompt, TokenEvent};

use crate::{
    engine::{ComputeArgs, random},
    failure::Failure,
    models, output, request,
};

/// Generate text with a local model.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, or a GGUF file.
    #[arg(long)]
    model: String,
    /// One user message, put through the model's own chat template; with --raw, the text to continue.
    #[arg(long)]
    prompt: String,
    /// Continue the prompt as it is, without chat template.
    #[arg(long)]
    raw: bool,
    /// Most tokens to generate.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    #[command(flatten)]
    sampling: SamplingArgs,
    #[command(flatten)]
    compute: ComputeArgs,
    /// Print one JSON object at the end instead of the text as it comes.
    #[arg(long)]
    json: bool,
}

/// How to choose tokens.
#[derive(Debug, clap::Args)]
pub struct SamplingArgs {
    /// Always take the likeliest token. This is the default unless --temperature or --seed is given.
    #[arg(long, conflicts_with_all = ["temperature", "top_p", "seed"])]
    greedy: bool,
    /// Flatten (above 1) or sharpen (below 1) the distribution.
    #[arg(long)]
    temperature: Option<f32>,
    /// Only the likeliest tokens that together have this probability.
    #[arg(long)]
    top_p: Option<f32>,
    /// Start of the random numbers: the same seed gives the same text.
    #[arg(long)]
    seed: Option<u64>,
}

impl SamplingArgs {
    /// `None` for greedy choice.
    pub fn sampling(&self) -> Result<Option<request::Sampling>, Failure> {
        let random = self.temperature.is_some() || self.top_p.is_some() || self.seed.is_some();
        if self.greedy || !random {
            return Ok(None);
        }
        let sampling = request::Sampling {
            temperature: self.temperature.unwrap_or(0.8),
            top_p: self.top_p.unwrap_or(0.95),
            seed: self.seed.unwrap_or(0),
        };
        if !sampling.is_sensible() {
            return Err(Failure::Usage(
                "--temperature must be 0 or more, and --top-p above 0 and at most 1".into(),
            ));
        }
        Ok(Some(sampling))
    }
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let sampling = self.sampling.sampling()?;
        let path = models::resolve(&self.model)?;
        let compute = self.compute.open()?;
        let mut model = compute.text_model(&path)?;
        let prompt = if self.raw {
            Prompt::Raw(self.prompt)
        } else {
            Prompt::user(self.prompt)
        };
        let params = GenerationParams {
            max_tokens: usize::try_from(self.max_tokens).unwrap_or(usize::MAX),
            sampling: sampling.map_or(weft_engine::Sampling::Greedy, random),
        };
        let streams = !self.json;
        let mut closed = None;
        let made = model.generate(&prompt, &params, |event: TokenEvent<'_>| {
            let shown = if streams { output::piece(event.text) } else { Ok(()) };
            match shown {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    closed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        });
        let made = made.map_err(|error| Failure::Local(error.to_string()))?;
        if let Some(failure) = closed {
            return Err(failure);
        }
        let tokens_per_s = made.timings.tokens_per_second();
        if self.json {
            return output::json(&json!({
                "text": made.text,
                "tokens": made.tokens,
                "prompt_tokens": made.prompt_tokens,
                "tokens_per_s": tokens_per_s,
                "device": compute.name(),
                "finish": finish(made.finish),
            }));
        }
        output::line("")?;
        if std::io::stderr().is_terminal() {
            eprintln!(
                "{} tokens, {tokens_per_s:.1} a second on {}",
                made.tokens.len(),
                compute.name()
            );
        }
        Ok(())
    }
}

fn finish(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::EndToken => "end_token",
        FinishReason::MaxTokens => "max_tokens",
        FinishReason::Stopped => "stopped",
        FinishReason::ContextFull => "context_full",
    }
}
