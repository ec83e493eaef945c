//! `weft`: provide compute, publish models, and use them, over the Weft network.

mod amount;
mod answer;
mod asset;
mod blocks;
mod cli;
mod creator;
mod embed;
mod engine;
mod exact;
mod failure;
mod home;
mod infer;
mod job;
mod keys;
mod logging;
mod manifest;
mod models;
mod node;
mod output;
mod peers;
mod progress;
mod provider;
mod request;
mod run;
mod sealed_model;
mod shutdown;
mod wallet;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(cli.verbose);
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
