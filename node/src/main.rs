//! `weft-node`: a validator, full node, or development chain of Weft.
//!
//! No domain logic lives here: the runtime holds the rules, this binary runs consensus, network, database and RPC.

// The SDK's error types are; each is returned once, at the end of the process.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
