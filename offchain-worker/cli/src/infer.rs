//! `weft infer`: text generation with a local model.

use std::{io::IsTerminal, ops::ControlFlow, path::PathBuf};

use serde_json::json;
use weft_engine::{FinishReason, GenerationParams, Prompt, TokenEvent, exact::ExactText};

use crate::{
    engine::{ComputeArgs, random},
    exact::{self, KernelArgs, failed},
    failure::Failure,
    models, output, request,
};

/// Generate text with a local model.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, or a GGUF file; with --exact, the directory of an exact model.
    #[arg(long)]
    model: String,
    #[command(flatten)]
    asked: AskedArgs,
    /// With an exact model: the same bits on every device, and a root that commits to them.
    #[arg(long)]
    exact: bool,
    /// Other prompts to compute in the same batch, one a line; the answer does not depend on them.
    #[arg(long, value_name = "FILE", requires = "exact")]
    batch_with: Option<PathBuf>,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    kernel: KernelArgs,
    /// Print one JSON object at the end instead of the text as it comes.
    #[arg(long)]
    json: bool,
}

/// What is to be answered, and how.
#[derive(Debug, clap::Args)]
pub struct AskedArgs {
    /// One user message, put through the model's own chat template; with --raw, the text to continue.
    #[arg(long)]
    pub prompt: String,
    /// Continue the prompt as it is, without chat template.
    #[arg(long)]
    pub raw: bool,
    /// Most tokens to generate.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    #[command(flatten)]
    sampling: SamplingArgs,
}

impl AskedArgs {
    /// How to generate.
    pub fn params(&self) -> Result<GenerationParams, Failure> {
        let sampling = self.sampling.sampling()?;
        Ok(GenerationParams {
            max_tokens: usize::try_from(self.max_tokens).unwrap_or(usize::MAX),
            sampling: sampling.map_or(weft_engine::Sampling::Greedy, random),
        })
    }

    /// The prompt, or another text in its place.
    fn prompt(&self, text: &str) -> Prompt {
        if self.raw {
            Prompt::Raw(text.to_owned())
        } else {
            Prompt::user(text)
        }
    }
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
        let params = self.asked.params()?;
        if self.exact {
            return self.run_exact(&params);
        }
        self.kernel.none()?;
        let path = models::resolve_float(&self.model)?;
        let compute = self.compute.open()?;
        let mut model = compute.text_model(&path)?;
        let prompt = self.asked.prompt(&self.asked.prompt);
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

impl Args {
    fn run_exact(self, params: &GenerationParams) -> Result<(), Failure> {
        let mut prompts = vec![(self.asked.prompt(&self.asked.prompt), *params)];
        if let Some(file) = &self.batch_with {
            prompts.extend(
                exact::prompts(file)?
                    .iter()
                    .map(|text| (self.asked.prompt(text), *params)),
            );
        }
        let compute = self.compute.open()?;
        let kernel = self.kernel.choice(compute.device())?;
        let dir = models::resolve_exact(&self.model)?;
        let mut model = ExactText::load(&dir, compute.device(), kernel).map_err(failed)?;
        let mut closed = None;
        let made = model.generate(&prompts, |index, event| {
            let shown = if index == 0 && !self.json {
                output::piece(event.text)
            } else {
                Ok(())
            };
            match shown {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    closed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        });
        let mut made = made.map_err(failed)?;
        if let Some(failure) = closed {
            return Err(failure);
        }
        let all = made.len();
        let first = made.swap_remove(0);
        let (answer, root) = (first.generation, hex::encode(first.trace.root()));
        let tokens_per_s = answer.timings.tokens_per_second();
        if self.json {
            return output::json(&json!({
                "text": answer.text,
                "tokens": answer.tokens,
                "prompt_tokens": answer.prompt_tokens,
                "tokens_per_s": tokens_per_s,
                "device": model.device(),
                "finish": finish(answer.finish),
                "trace_root": root,
                "model_root": hex::encode(model.root()),
                "batch": all,
            }));
        }
        output::line("")?;
        if std::io::stderr().is_terminal() {
            eprintln!(
                "{} tokens, {tokens_per_s:.1} a second on {}",
                answer.tokens.len(),
                model.device()
            );
            eprintln!("trace {root}");
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
