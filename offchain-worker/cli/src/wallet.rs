//! `weft balance` and `weft transfer`: in WEFT, and in the tokens in which prices may be asked.

use serde_json::{Value, json};
use weft_chain::{
    AccountId, Client, Until,
    tokens::{Token, TokenId},
};
use weft_primitives::Balance;

use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    output,
    printable::printable_line,
};

/// Show what an account holds: WEFT, and tokens in which prices may be asked.
#[derive(Debug, clap::Args)]
pub struct BalanceArgs {
    /// The account: an address, or a development account such as //Alice; without it the one of --home or --account.
    #[arg(value_parser = account)]
    of: Option<AccountId>,
    /// Only this token, whether prices may be asked in it or not.
    #[arg(long, value_name = "TOKEN")]
    token: Option<TokenId>,
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
        let client = self.node.connect().await?;
        if let Some(id) = self.token {
            let token = existing(&client, id).await?;
            let balance = client.tokens().of(id, account).await?;
            if self.json {
                let mut shown = as_json(&token, balance);
                shown["account"] = json!(account);
                return output::json(&shown);
            }
            return output::pairs([("account", account.to_string()), ("free", amount(&token, balance))]);
        }
        let purse = client.balances().of(account).await?;
        let mut tokens = Vec::new();
        for token in client.tokens().accepted().await? {
            let balance = client.tokens().of(token.id, account).await?;
            tokens.push((token, balance));
        }
        if self.json {
            return output::json(&json!({
                "account": account,
                "free": purse.free.to_string(),
                "held": purse.held.to_string(),
                "tokens": tokens.iter().map(|(token, balance)| as_json(token, *balance)).collect::<Vec<_>>(),
            }));
        }
        let mut lines = vec![
            ("account", account.to_string()),
            ("free", Weft(purse.free).to_string()),
            ("held", format!("{} (stake, deposits, escrow)", Weft(purse.held))),
        ];
        lines.extend(
            tokens
                .iter()
                .map(|(token, balance)| ("accepted", amount(token, *balance))),
        );
        output::pairs(lines)
    }
}

/// The token with this number.
async fn existing(client: &Client, token: TokenId) -> Result<Token, Failure> {
    client.tokens().token(token).await?.ok_or_else(|| {
        Failure::NotFound(format!(
            "there is no token {token}: see `weft balance` for those that are accepted"
        ))
    })
}

fn as_json(token: &Token, balance: Balance) -> Value {
    json!({
        "token": token.id,
        "symbol": token.symbol,
        "name": token.name,
        "decimals": token.decimals,
        "accepted": token.accepted,
        "free": balance.to_string(),
    })
}

/// An amount of a token in its smallest unit, and as its issuer says that people write it.
fn amount(token: &Token, balance: Balance) -> String {
    let whole = match written(balance, token.decimals) {
        Some(written) if token.decimals > 0 => {
            format!(
                " ({})",
                format!("{written} {}", printable_line(&token.symbol)).trim_end()
            )
        }
        _ => match token.symbol.as_str() {
            "" => String::new(),
            symbol => format!(" ({})", printable_line(symbol)),
        },
    };
    format!("{balance} of token {}{whole}", token.id)
}

/// With a decimal point; `None` if there are more decimal places than an amount has digits.
fn written(balance: Balance, decimals: u8) -> Option<String> {
    let unit = 10u128.checked_pow(decimals.into())?;
    let (whole, rest) = (balance / unit, balance % unit);
    if rest == 0 {
        return Some(whole.to_string());
    }
    let places = usize::from(decimals);
    Some(format!("{whole}.{}", format!("{rest:0places$}").trim_end_matches('0')))
}

/// Send WEFT, or a token, to an account.
#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// Who gets it.
    #[arg(value_parser = account)]
    to: AccountId,
    /// How much: in WEFT, or in the smallest unit of the --token.
    amount: String,
    /// Send this token instead of WEFT.
    #[arg(long, value_name = "TOKEN")]
    token: Option<TokenId>,
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
        let amount = self.amount()?;
        let (_, signer) = self.identity.open()?;
        let client = self.node.connect().await?;
        let until = if self.finalised {
            Until::Finalised
        } else {
            Until::InBlock
        };
        match self.token {
            None => client.balances().transfer(&signer, self.to, amount, until).await?,
            Some(token) => {
                client.tokens().transfer(&signer, token, self.to, amount, until).await?;
            }
        }
        if self.json {
            return output::json(&json!({
                "from": signer.account(),
                "to": self.to,
                "token": self.token,
                "amount": amount.to_string(),
                "finalised": self.finalised,
            }));
        }
        match self.token {
            None => output::line(format_args!("sent {} to {}", Weft(amount), self.to)),
            Some(token) => output::line(format_args!("sent {amount} of token {token} to {}", self.to)),
        }
    }

    fn amount(&self) -> Result<Balance, Failure> {
        match self.token {
            None => parse_weft(&self.amount).map(|amount| amount.0).map_err(Failure::Usage),
            Some(token) => self.amount.parse().map_err(|_| {
                Failure::Usage(format!(
                    "`{}` is not an amount of token {token}: write a whole number of its smallest unit",
                    self.amount
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(symbol: &str, decimals: u8) -> Token {
        Token {
            id: 7,
            symbol: symbol.to_owned(),
            name: String::new(),
            decimals,
            least: 1,
            accepted: true,
        }
    }

    proptest! {
        #[test]
        fn no_token_of_strangers_is_too_odd(symbol: String, decimals: u8, balance: Balance) {
            let shown = amount(&token(&symbol, decimals), balance);
            prop_assert!(shown.starts_with(&balance.to_string()));
            prop_assert!(!shown.contains(|letter: char| letter.is_control()));
        }
    }

    #[test]
    fn amounts_are_shown_in_both_units() {
        assert_eq!(amount(&token("USDT", 6), 12_500_000), "12500000 of token 7 (12.5 USDT)");
        assert_eq!(amount(&token("USDT", 6), 3_000_000), "3000000 of token 7 (3 USDT)");
        assert_eq!(amount(&token("BEAN", 0), 4), "4 of token 7 (BEAN)");
        assert_eq!(amount(&token("", 0), 4), "4 of token 7");
        assert_eq!(written(1, 200), None);
    }
}
