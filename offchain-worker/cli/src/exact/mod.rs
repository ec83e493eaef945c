//! `weft exact`: exact models, their quality, and single tiles of their work.

mod check;
mod convert;
mod eval;
mod open;
mod prompts;

use std::str::FromStr;

use weft_engine::exact::KernelChoice;

pub use prompts::prompts;

use crate::failure::Failure;

/// Convert, measure and check exact models.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make an exact model of a float model.
    Convert(convert::Args),
    /// Compare an exact model with its float model by the perplexity of a text.
    Eval(eval::Args),
    /// Open one tile of a step: what it read, what it made, and the proofs.
    Open(open::Args),
    /// Compute an opened tile again with the reference alone, and check its proofs.
    Check(check::Args),
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Convert(args) => args.run(),
            Self::Eval(args) => args.run(),
            Self::Open(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}

/// Which instructions an exact model uses.
#[derive(Debug, clap::Args)]
pub struct KernelArgs {
    /// Instructions of the processor: auto, portable, avx2, avx512 or amx; reference for the slow one that defines the bits.
    #[arg(long, default_value = "auto", value_parser = KernelChoice::from_str)]
    pub kernel: KernelChoice,
}

/// What an error of the engine is for the command line.
pub fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Local(error.to_string())
}
