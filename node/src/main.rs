//! `weft-node`: a validator, full node, or development chain of Weft.
//!
//! No domain logic lives here: the runtime holds the rules, this binary runs consensus, network, database and RPC.

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
