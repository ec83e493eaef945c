//! The command line, and where each command lives.

use clap::{ArgAction, Parser, Subcommand};

use crate::{
    asset, classify, creator, custodian, dispute, embed, exact, failure::Failure, govern, infer, job, keys, market,
    models, pin, provider, run, space, store, vault, wallet, watch,
};

const EXIT_CODES: &str = "\
Exit codes: 0 done; 2 the command line makes no sense; 3 not found; 4 refused by the chain, a job without answer, or a
proof that does not hold; 5 node or peer not reachable; 6 local file, key or model; 1 anything else.

Files are in --home (WEFT_HOME, default ~/.weft) and, downloads, in WEFT_CACHE (default ~/.cache/weft).";

/// Provide compute, publish models, and use them, over the Weft network.
#[derive(Debug, Parser)]
#[command(name = "weft", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch model weights into the cache, and list what is there.
    #[command(subcommand)]
    Models(models::Command),
    /// Generate text with a local model; no chain involved.
    Infer(infer::Args),
    /// Embed text with a local model; no chain involved.
    Embed(embed::Args),
    /// Say what an image shows with a local model; no chain involved.
    Classify(classify::Args),
    /// Convert, measure and check exact models: the same bits on every device.
    #[command(subcommand)]
    Exact(exact::Command),
    /// Make and show the account of a home directory.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Publish models and serve them to providers.
    #[command(subcommand)]
    Creator(creator::Command),
    /// Offer this machine's compute and run jobs.
    #[command(subcommand)]
    Provider(provider::Command),
    /// Post a job, hand over its input, and wait for the answer.
    Run(run::Args),
    /// Look at jobs and their receipts.
    #[command(subcommand)]
    Job(job::Command),
    /// Challenge exact answers that are wrong, and see disputes through.
    #[command(subcommand)]
    Dispute(dispute::Command),
    /// Watch results, and challenge those that are wrong, until interrupted.
    Watch(watch::Args),
    /// Publish, find, buy and judge models and datasets.
    #[command(subcommand)]
    Market(market::Command),
    /// Keep shares of others' keys, and hand them to whoever may have them.
    #[command(subcommand)]
    Custodian(custodian::Command),
    /// Be paid for keeping others' sealed files, or pay for it.
    #[command(subcommand)]
    Pin(pin::Command),
    /// Look at published models and datasets.
    #[command(subcommand)]
    Asset(asset::Command),
    /// Publish, find, install and run apps that call models.
    #[command(subcommand)]
    Space(space::Command),
    /// Decide on reports, and on which Spaces are shown: for who governs the chain.
    #[command(subcommand)]
    Govern(govern::Command),
    /// Keep files by their content, here or in IPFS; export and import them.
    #[command(subcommand)]
    Store(store::Command),
    /// Seal and open files with keys of your own.
    #[command(subcommand)]
    Vault(vault::Command),
    /// Show what an account holds.
    Balance(wallet::BalanceArgs),
    /// Send WEFT to an account.
    Transfer(wallet::TransferArgs),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Models(command) => command.run(),
            Command::Infer(args) => args.run(),
            Command::Embed(args) => args.run(),
            Command::Classify(args) => args.run(),
            Command::Exact(command) => command.run(),
            Command::Keys(command) => command.run(),
            Command::Creator(command) => wait(command.run()),
            Command::Provider(command) => wait(command.run()),
            Command::Run(args) => wait(args.run()),
            Command::Job(command) => wait(command.run()),
            Command::Dispute(command) => wait(command.run()),
            Command::Watch(args) => wait(args.run()),
            Command::Market(command) => wait(command.run()),
            Command::Custodian(command) => wait(command.run()),
            Command::Pin(command) => wait(command.run()),
            Command::Asset(command) => wait(command.run()),
            Command::Space(command) => wait(command.run()),
            Command::Govern(command) => wait(command.run()),
            Command::Store(command) => wait(command.run()),
            Command::Vault(command) => command.run(),
            Command::Balance(args) => wait(args.run()),
            Command::Transfer(args) => wait(args.run()),
        }
    }
}

/// Runs a command that talks to others.
fn wait(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local("cannot start threads", error))?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Commands that need no --json, and why.
    const WITHOUT_JSON: &[(&str, &str)] = &[
        ("weft creator serve", RUNS_ON),
        ("weft custodian run", RUNS_ON),
        ("weft pin run", RUNS_ON),
        ("weft provider run", RUNS_ON),
        ("weft store serve", RUNS_ON),
        ("weft market sample", "a sample is JSON: it is for programs in any case"),
        ("weft provider bond", ACT),
        ("weft provider unbond", ACT),
        ("weft provider withdraw", ACT),
        ("weft provider offer", ACT),
        ("weft provider unoffer", ACT),
        ("weft provider pause", ACT),
        ("weft provider resume", ACT),
        ("weft provider deregister", ACT),
    ];
    const RUNS_ON: &str = "it runs until it is stopped, and answers nothing";
    const ACT: &str = "it neither lists nor creates: its exit code is its answer";

    /// The commands that have none below them, each with whether it takes --json.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, bool)>) {
        let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
        let mut below = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .peekable();
        if below.peek().is_none() {
            let takes_json = command
                .get_arguments()
                .any(|argument| argument.get_long() == Some("json"));
            found.push((path, takes_json));
            return;
        }
        for command in below {
            leaves(command, &path, found);
        }
    }

    #[test]
    fn every_command_prints_json_if_asked_to_but_for_a_few() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        assert!(found.len() > 80, "{found:?}");
        let is_excepted = |path: &str| {
            WITHOUT_JSON
                .iter()
                .any(|(command, why)| *command == path && !why.is_empty())
        };
        let lacking: Vec<_> = found
            .iter()
            .filter(|(path, takes_json)| !takes_json && !is_excepted(path))
            .collect();
        assert!(lacking.is_empty(), "without --json: {lacking:?}");
        for (command, _) in WITHOUT_JSON {
            assert!(
                found.iter().any(|(path, _)| path == command),
                "{command} is excepted and does not exist"
            );
        }
    }
}
