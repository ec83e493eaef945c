//! Which node to talk to, and as whom: arguments that many commands share.

use weft_chain::{AccountId, Client, Limits, Signer, account::parse_account};

use crate::{failure::Failure, home::Home};

/// Which node to talk to.
#[derive(Debug, clap::Args)]
pub struct NodeArgs {
    /// Address of a Weft node.
    #[arg(long, env = "WEFT_NODE", default_value = "ws://127.0.0.1:9944", value_name = "URL")]
    pub node: String,
}

impl NodeArgs {
    /// Connects for one command.
    pub async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.node, Limits::INTERACTIVE).await?)
    }

    /// Connects for a command that has money under way: it waits for a node that is away for minutes, but says at once
    /// if there is none to begin with.
    pub async fn connect_persistently(&self) -> Result<Client, Failure> {
        let limits = Limits {
            connect: Limits::INTERACTIVE.connect,
            ..Limits::DAEMON
        };
        Ok(Client::connect(&self.node, limits).await?)
    }

    /// Connects for a daemon, which waits for a node that is not there yet.
    pub async fn connect_patiently(&self) -> Result<Client, Failure> {
        tracing::info!(node = self.node, "connecting");
        Ok(Client::connect(&self.node, Limits::DAEMON).await?)
    }
}

/// As whom to act.
#[derive(Debug, clap::Args)]
pub struct IdentityArgs {
    #[command(flatten)]
    pub home: HomeArgs,

    /// The account's secret instead of the one in --home: a phrase, a 0x seed, or a development account such as
    /// //Alice.
    #[arg(long, env = "WEFT_ACCOUNT", hide_env_values = true, value_name = "SECRET")]
    pub account: Option<String>,
}

/// Where an identity's files are.
#[derive(Debug, clap::Args)]
pub struct HomeArgs {
    /// Directory of this identity: account, device keys, blocks, state.
    #[arg(long, env = "WEFT_HOME", value_name = "DIR")]
    pub home: Option<std::path::PathBuf>,
}

impl HomeArgs {
    /// Opens the directory, making it if needed.
    pub fn open(&self) -> Result<Home, Failure> {
        Home::open(self.home.clone())
    }
}

impl IdentityArgs {
    /// The home directory and the key that signs.
    pub fn open(&self) -> Result<(Home, Signer), Failure> {
        let home = self.home.open()?;
        let signer = match &self.account {
            Some(secret) => {
                Signer::from_secret(secret).map_err(|error| Failure::Usage(format!("--account: {error}")))?
            }
            None => home.account()?,
        };
        Ok((home, signer))
    }

    /// Whose home it is, if anybody's yet: where nothing is signed, no account is made either.
    pub fn known(&self, home: &Home) -> Result<Option<AccountId>, Failure> {
        if self.account.is_none() && !home.account_file().is_file() {
            return Ok(None);
        }
        self.open().map(|(_, signer)| Some(signer.account()))
    }
}

/// Reads an account on the command line. For clap.
pub fn account(text: &str) -> Result<AccountId, String> {
    parse_account(text).map_err(|error| error.to_string())
}
