//! `weft custodian`: keeping shares of others' keys, and handing them to whoever may have them.

mod answering;
mod duties;
mod keeping;
mod renewal;
mod ring;
mod run;
mod waiting;

use serde_json::json;
use weft_chain::AccountId;

use self::ring::Ring;
use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register the account as a custodian: stake is held, which silence and forgery cost.
    Register {
        #[command(flatten)]
        shared: Shared,
    },
    /// Add stake, after some was lost.
    Bond {
        /// How much, in WEFT.
        #[arg(value_parser = parse_weft)]
        amount: Weft,
        #[command(flatten)]
        shared: Shared,
    },
    /// Take stake out, at once. While on duty, the minimum stays.
    Unbond {
        /// How much, in WEFT.
        #[arg(value_parser = parse_weft)]
        amount: Weft,
        #[command(flatten)]
        shared: Shared,
    },
    /// Register a new encryption key. Old keys stay in the home: shares that were dealt to them still open with them alone.
    RotateKey {
        #[command(flatten)]
        shared: Shared,
    },
    /// Take no new duties, and be replaced in those there are.
    Pause {
        #[command(flatten)]
        shared: Shared,
    },
    /// Take duties again.
    Resume {
        #[command(flatten)]
        shared: Shared,
    },
    /// Leave, once on duty nowhere, and get the stake back.
    Deregister {
        #[command(flatten)]
        shared: Shared,
    },
    /// List the custodians from whom committees are drawn.
    Ls {
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one custodian; oneself if nobody is named.
    Status {
        /// Who.
        #[arg(value_parser = account)]
        custodian: Option<AccountId>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Release shares as they are asked for, and hand them on when a committee changes. Runs until interrupted.
    Run(run::Args),
}

/// What the acts have in common.
#[derive(Debug, clap::Args)]
pub struct Shared {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Shared {
    fn done(&self, custodian: AccountId, what: &str) -> Result<(), Failure> {
        if self.json {
            return output::json(&json!({ "custodian": custodian }));
        }
        output::line(format_args!("custodian {custodian}: {what}"))
    }
}

/// Makes another key, keeps it, and registers it, in this order: shares may be dealt to it from the next block on.
async fn rotate_key(shared: Shared) -> Result<(), Failure> {
    let (home, who) = shared.identity.open()?;
    let client = shared.node.connect().await?;
    let custodian = client
        .custody()
        .custodian(who.account())
        .await?
        .ok_or_else(|| no_custodian(who.account()))?;
    let mut ring = Ring::open(&home)?;
    let key = ring.next_after(&custodian.encryption_key)?;
    client.custody().set_encryption_key(&who, key).await?;
    let key = format!("0x{}", hex::encode(key));
    if shared.json {
        return output::json(&json!({
            "custodian": who.account(),
            "encryption_key": key,
            "keys_in_home": ring.len(),
        }));
    }
    output::pairs([
        ("custodian", who.account().to_string()),
        ("encryption key", key),
        (
            "keep",
            "custodian.key and custodian-keys/ in the home, while on duty: shares are wrapped to old keys too"
                .to_owned(),
        ),
    ])
}

fn no_custodian(who: AccountId) -> Failure {
    Failure::NotFound(format!("{who} is no custodian: run `weft custodian register`"))
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Register { shared } => {
                let (home, who) = shared.identity.open()?;
                let key = Ring::open(&home)?.newest();
                shared.node.connect().await?.custody().register(&who, key, None).await?;
                shared.done(who.account(), "registered; keep `weft custodian run` running")
            }
            Self::Bond { amount, shared } => {
                let (_, who) = shared.identity.open()?;
                shared.node.connect().await?.custody().bond(&who, amount.0).await?;
                shared.done(who.account(), "bonded")
            }
            Self::Unbond { amount, shared } => {
                let (_, who) = shared.identity.open()?;
                shared.node.connect().await?.custody().unbond(&who, amount.0).await?;
                shared.done(who.account(), &format!("took out {amount}"))
            }
            Self::RotateKey { shared } => rotate_key(shared).await,
            Self::Pause { shared } => {
                let (_, who) = shared.identity.open()?;
                shared
                    .node
                    .connect()
                    .await?
                    .custody()
                    .set_available(&who, false)
                    .await?;
                shared.done(who.account(), "paused; keep running until on duty nowhere")
            }
            Self::Resume { shared } => {
                let (_, who) = shared.identity.open()?;
                shared.node.connect().await?.custody().set_available(&who, true).await?;
                shared.done(who.account(), "available")
            }
            Self::Deregister { shared } => {
                let (_, who) = shared.identity.open()?;
                shared.node.connect().await?.custody().deregister(&who).await?;
                shared.done(who.account(), "left")
            }
            Self::Ls { node, json } => {
                let client = node.connect().await?;
                let mut custodians = Vec::new();
                let mut from = Some(0);
                while let Some(start) = from {
                    let page = client.custody().custodians(start).await?;
                    custodians.extend(page.items);
                    from = page.next;
                }
                if json {
                    return output::json(&custodians);
                }
                let rows = custodians.iter().map(|custodian| {
                    vec![
                        custodian.account.to_string(),
                        Weft(custodian.stake).to_string(),
                        custodian.duties.to_string(),
                        custodian.missed.to_string(),
                        custodian.forged.to_string(),
                    ]
                });
                output::table(
                    &["CUSTODIAN", "STAKE", "DUTIES", "MISSED", "FORGED"],
                    rows.collect(),
                    "no custodians",
                )
            }
            Self::Status { custodian, shared } => {
                let who = match custodian {
                    Some(who) => who,
                    None => shared.identity.open()?.1.account(),
                };
                let client = shared.node.connect().await?;
                let Some(custodian) = client.custody().custodian(who).await? else {
                    return Err(no_custodian(who));
                };
                if shared.json {
                    return output::json(&custodian);
                }
                let status = match (custodian.drawable, custodian.available) {
                    (true, _) => "can be drawn into committees",
                    (false, true) => "the stake is below the minimum: run `weft custodian bond`",
                    (false, false) => "paused: run `weft custodian resume`",
                };
                output::pairs([
                    ("custodian", who.to_string()),
                    ("stake", Weft(custodian.stake).to_string()),
                    ("status", status.to_owned()),
                    ("duties", custodian.duties.to_string()),
                    ("missed", custodian.missed.to_string()),
                    ("forged", custodian.forged.to_string()),
                ])
            }
            Self::Run(args) => args.run().await,
        }
    }
}
