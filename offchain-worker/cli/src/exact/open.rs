//! `weft exact open`: one tile of an answer, with what proves it.

use std::path::PathBuf;

use weft_engine::{
    GenerationParams,
    exact::{Question, open_answer},
};

use super::{KernelArgs, failed};
use crate::{
    engine::{ComputeArgs, random},
    failure::Failure,
    infer::SamplingArgs,
    output,
};

/// Answer a prompt again, and open one tile of one step: what it read, what it gave, and the proofs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The exact model's directory.
    #[arg(long)]
    model: PathBuf,
    /// As with `weft infer`; of an embedding model the text.
    #[arg(long)]
    prompt: String,
    /// Continue the prompt as it is, without chat template.
    #[arg(long)]
    raw: bool,
    /// Most tokens to generate, as they were in the answer.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// The step: a position, from 0.
    #[arg(long)]
    step: usize,
    /// The layer, from 0; 0 for operators outside of the layers.
    #[arg(long, default_value_t = 0)]
    layer: usize,
    /// The operator, such as `down`: see docs/exact-arithmetic.md.
    #[arg(long)]
    op: String,
    /// The tile, from 0.
    #[arg(long, default_value_t = 0)]
    tile: usize,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    kernel: KernelArgs,
    /// Print the opening as JSON, for `weft exact check`, instead of a summary.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let sampling = self.sampling.sampling()?;
        let params = GenerationParams {
            max_tokens: usize::try_from(self.max_tokens).unwrap_or(usize::MAX),
            sampling: sampling.map_or(weft_engine::Sampling::Greedy, random),
        };
        let device = self.compute.open()?.device();
        let question = Question {
            position: self.step,
            layer: self.layer,
            op: &self.op,
            tile: self.tile,
        };
        let opening = open_answer(
            &self.model,
            &self.prompt,
            self.raw,
            &params,
            &question,
            device,
            self.kernel.kernel,
        )
        .map_err(failed)?;
        if self.json {
            return output::json(&opening);
        }
        output::pairs([
            (
                "tile",
                format!("{} of {}, layer {}, step {}", self.tile, self.op, self.layer, self.step),
            ),
            ("reads", format!("{} operands", opening.operands.len())),
            ("bytes", opening.size().to_string()),
            ("step root", hex::encode(opening.step_root)),
            ("trace root", hex::encode(opening.trace.root())),
        ])
    }
}
