//! `weft exact eval`: what exactness costs in quality.

use std::path::PathBuf;

use serde_json::json;
use weft_engine::exact::ExactText;

use super::{KernelArgs, failed};
use crate::{engine::ComputeArgs, failure::Failure, models, output, progress::Progress};

/// Compare an exact model with its float model by the perplexity of a text.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The exact model's directory.
    #[arg(long)]
    model: String,
    /// The float model: a name of `weft models ls`, or a GGUF file.
    #[arg(long)]
    float_model: String,
    /// The text: at least some thousand words, to say much.
    #[arg(long)]
    text: PathBuf,
    /// Tokens that are foretold from one beginning.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    kernel: KernelArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.text)
            .map_err(|error| Failure::local(format!("cannot read {}", self.text.display()), error))?;
        let path = models::resolve_float(&self.float_model)?;
        let compute = self.compute.open()?;
        let kernel = self.kernel.choice(compute.device())?;
        let window = self.window as usize;
        let mut exact =
            ExactText::load(&models::resolve_exact(&self.model)?, compute.device(), kernel).map_err(failed)?;
        let tokens = exact.tokenizer().encode(&text).map_err(failed)?.len();
        let progress = Progress::steps("exact", tokens);
        let ppl_exact = exact
            .perplexity(&text, window, |done, of| progress.set(done as u64, Some(of as u64)))
            .map_err(failed)?;
        progress.abandon();
        drop(exact);
        let mut float = compute.text_model(&path)?;
        let progress = Progress::steps("float", tokens);
        let ppl_float = float
            .perplexity(&text, window, |done, of| progress.set(done as u64, Some(of as u64)))
            .map_err(failed)?;
        progress.abandon();
        let (Some(ppl_exact), Some(ppl_float)) = (ppl_exact, ppl_float) else {
            return Err(Failure::Usage("the text has fewer than two tokens".into()));
        };
        let worse = ppl_exact / ppl_float - 1.0;
        if self.json {
            return output::json(&json!({
                "ppl_exact": ppl_exact,
                "ppl_float": ppl_float,
                "worse": worse,
                "tokens": tokens,
                "words": text.split_whitespace().count(),
            }));
        }
        output::pairs([
            ("exact", format!("{ppl_exact:.4}")),
            ("float", format!("{ppl_float:.4}")),
            ("worse", format!("{:+.2}%", 100.0 * worse)),
            ("tokens", tokens.to_string()),
        ])
    }
}
