//! `weft`: provide compute, publish models, and use them, over the Weft network.

mod amount;
mod answer;
mod asked;
mod asset;
mod binding;
mod blocks;
mod classify;
mod cli;
mod creator;
mod custodian;
mod custody;
mod dispute;
mod embed;
mod engine;
mod exact;
mod failure;
mod govern;
mod holdings;
mod home;
mod image;
mod infer;
mod job;
mod keys;
mod logging;
mod manifest;
mod market;
mod models;
mod node;
mod output;
mod peers;
mod pieces;
mod pin;
mod printable;
mod progress;
mod provider;
mod records;
mod request;
mod run;
mod sealed_model;
mod sealing;
mod shutdown;
mod space;
mod store;
mod vault;
mod wallet;
mod watch;

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
