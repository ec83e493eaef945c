//! `weft keys`: the account of a home directory.

use serde_json::json;

use crate::{failure::Failure, node::HomeArgs, output};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a new account, or take over one whose secret you have.
    New {
        #[command(flatten)]
        home: HomeArgs,
        /// Take this secret instead of a random one: a phrase, a 0x seed, or a development account such as //Alice.
        #[arg(long, value_name = "SECRET")]
        from: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the accounts and public keys of a home directory.
    Show {
        #[command(flatten)]
        home: HomeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::New { home, from, json } => {
                let home = home.open()?;
                let account = home.make_account(from.as_deref())?.account();
                let file = home.account_file();
                if json {
                    return output::json(&json!({ "account": account, "file": file }));
                }
                output::pairs([
                    ("account", account.to_string()),
                    (
                        "secret in",
                        format!("{} (keep a copy: nobody can restore it)", file.display()),
                    ),
                ])
            }
            Self::Show { home, json } => {
                let home = home.open()?;
                let account = home.account()?.account();
                let device = home.device_account()?.account();
                let (device_key, user_key) = (home.device_keys()?.public(), home.user_keys()?.public());
                let [device_key, user_key] =
                    [device_key, user_key].map(|key| format!("0x{}", hex::encode(key.as_bytes())));
                if json {
                    return output::json(&json!({
                        "account": account,
                        "device": device,
                        "device_encryption_key": device_key,
                        "user_encryption_key": user_key,
                    }));
                }
                output::pairs([
                    ("account", account.to_string()),
                    ("device", device.to_string()),
                    ("device encryption key", device_key),
                    ("user encryption key", user_key),
                ])
            }
        }
    }
}
