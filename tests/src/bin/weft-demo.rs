//! The program behind `make demo`.

use std::process::ExitCode;

use clap::Parser;
use weft_tests::demo::{self, Wishes};

/// Plays the whole story of a job on this machine, and fails if any step is not as promised.
#[derive(Parser)]
struct Args {
    /// What the user asks.
    #[arg(
        long,
        env = "PROMPT",
        default_value = "What is the capital of France? Answer in one sentence."
    )]
    prompt: String,
    /// Most tokens of the answer.
    #[arg(long, default_value_t = 96, value_parser = clap::value_parser!(u32).range(1..=512))]
    max_tokens: u32,
    /// Keep the files of all participants.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut folder = match tempfile::Builder::new().prefix("weft-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: there is no place for temporary files: {error}");
            return ExitCode::FAILURE;
        }
    };
    let played = demo::play(
        folder.path(),
        &Wishes {
            prompt: args.prompt,
            max_tokens: args.max_tokens,
        },
    );
    folder.disable_cleanup(args.keep || played.is_err());
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("\nerror: {broken}\nlogs of everybody: {}", folder.path().display());
            ExitCode::FAILURE
        }
    }
}
