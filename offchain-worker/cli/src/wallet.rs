//! `weft balance` and `weft transfer`.

use serde_json::json;
use weft_chain::{AccountId, Until};

use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    output,
};

/// Show what an account holds.
#[derive(Debug, clap::Args)]
pub struct BalanceArgs {
    /// The account: an address, or a development account such as //Alice; without it the one of --home or --account.
    #[arg(value_parser = account)]
    of: Option<AccountId>,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl BalanceArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let account = match self.of {
            Some(account) => account,
            None => self.identity.open()?.1.account(),
        };
        let purse = self.node.connect().await?.balances().of(account).await?;
        if self.json {
            return output::json(&json!({
                "account": account,
                "free": purse.free.to_string(),
                "held": purse.held.to_string(),
            }));
        }
        output::pairs([
            ("account", account.to_string()),
            ("free", Weft(purse.free).to_string()),
            ("held", format!("{} (stake, deposits, escrow)", Weft(purse.held))),
        ])
    }
}

/// Send WEFT to an account.
#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// Who gets it.
    #[arg(value_parser = account)]
    to: AccountId,
    /// How much, in WEFT.
    #[arg(value_parser = parse_weft)]
    amount: Weft,
    /// Wait until it is final.
    #[arg(long)]
    finalised: bool,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl TransferArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, signer) = self.identity.open()?;
        let client = self.node.connect().await?;
        let until = if self.finalised {
            Until::Finalised
        } else {
            Until::InBlock
        };
        client
            .balances()
            .transfer(&signer, self.to, self.amount.0, until)
            .await?;
        if self.json {
            return output::json(&json!({
                "from": signer.account(),
                "to": self.to,
                "amount": self.amount.0.to_string(),
                "finalised": self.finalised,
            }));
        }
        output::line(format_args!("sent {} to {}", self.amount, self.to))
    }
}
