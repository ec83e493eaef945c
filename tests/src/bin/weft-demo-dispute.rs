//! The program behind `make demo-dispute`.

use std::process::ExitCode;

use clap::Parser;
use weft_tests::demo;

/// Plays how a provider that lies is caught on this machine, and fails if any step is not as promised.
#[derive(Parser)]
struct Args {
    /// Keep the files of all participants.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut folder = match tempfile::Builder::new().prefix("weft-demo-dispute-").tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: there is no place for temporary files: {error}");
            return ExitCode::FAILURE;
        }
    };
    let played = demo::play_dispute(folder.path());
    folder.disable_cleanup(args.keep || played.is_err());
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("\nerror: {broken}\nlogs of everybody: {}", folder.path().display());
            ExitCode::FAILURE
        }
    }
}
