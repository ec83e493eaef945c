//! `weft exact open`: one tile of an answer, with what proves it.

use weft_engine::exact::{Question, open_answer};

use super::{KernelArgs, failed};
use crate::{engine::ComputeArgs, failure::Failure, infer::AskedArgs, models, output};

/// Answer a prompt again (with an embedding model: embed it), and open one tile of one step: what it read, what it gave, and
/// the proofs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The exact model's directory.
    #[arg(long)]
    model: String,
    /// As it was asked; of an embedding model the prompt is the text.
    #[command(flatten)]
    asked: AskedArgs,
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
        let params = self.asked.params()?;
        let device = self.compute.open()?.device();
        let kernel = self.kernel.choice(device)?;
        let question = Question {
            position: self.step,
            layer: self.layer,
            op: &self.op,
            tile: self.tile,
        };
        let opening = open_answer(
            &models::resolve_exact(&self.model)?,
            &self.asked.prompt,
            self.asked.raw,
            &params,
            &question,
            device,
            kernel,
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
