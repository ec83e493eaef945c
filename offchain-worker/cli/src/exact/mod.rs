//! `weft exact`: exact models, their quality, and single tiles of their work.

mod check;
mod convert;
mod eval;
mod open;
mod prompts;

use std::str::FromStr;

use weft_engine::{Device, exact::KernelChoice};

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
    /// Instructions of the processor: auto (the default), portable, avx2, avx512 or amx; reference for the slow one that
    /// defines the bits.
    #[arg(long, value_parser = KernelChoice::from_str)]
    kernel: Option<KernelChoice>,
}

impl KernelArgs {
    /// The choice, which a GPU does not have.
    pub fn choice(&self, device: Device) -> Result<KernelChoice, Failure> {
        match (self.kernel, device) {
            (Some(_), Device::Wgpu) => Err(Failure::Usage("--kernel is for the CPU: leave it out with wgpu".into())),
            (kernel, _) => Ok(kernel.unwrap_or_default()),
        }
    }

    /// For a model that is not exact: there is nothing to choose.
    pub fn none(&self) -> Result<(), Failure> {
        match self.kernel {
            Some(_) => Err(Failure::Usage(
                "--kernel is for exact models: add --exact, or leave it out".into(),
            )),
            None => Ok(()),
        }
    }
}

/// What an error of the engine is for the command line.
pub fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Local(error.to_string())
}

#[cfg(test)]
mod tests {
    use weft_engine::exact::{ExactError, Kernel, NotReady, Wrong};

    use super::*;

    #[test]
    fn a_faulty_kernel_is_named_in_one_sentence() {
        let wrong = Wrong::Function {
            kernel: Kernel::Avx512,
            function: "products",
        };
        let failure = failed(ExactError::from(NotReady::from(wrong)));
        assert_eq!(failure.code(), crate::failure::code::LOCAL);
        // A provider's `status` shows the same after "model N is not ready on this device: ".
        let said = failure.to_string();
        assert!(
            said.starts_with("the avx512 kernel's products gives wrong bits on this processor"),
            "{said}"
        );
        assert!(
            said.contains("--kernel") && said.contains("--device") && !said.contains('\n'),
            "{said}"
        );
    }
}
