//! What an owner changes about a Space.

use serde_json::json;
use weft_chain::AccountId;
use weft_primitives::space::{Called, SpaceId};

use super::{
    Shared,
    price::{Price, parse_price},
    publish,
    words::called,
};
use crate::{failure::Failure, node::account};

/// See [`super::Command::Price`].
#[derive(Debug, clap::Args)]
pub struct PriceArgs {
    /// The Space's number.
    space: SpaceId,
    /// What it costs from now on, once: WEFT, or UNITS@TOKEN; 0 if it is free.
    #[arg(value_parser = parse_price)]
    price: Price,
    #[command(flatten)]
    shared: Shared,
}

impl PriceArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, owner, client) = self.shared.open().await?;
        let Price { currency, amount } = self.price;
        client.spaces().set_price(&owner, self.space, currency, amount).await?;
        self.shared.done(
            self.space,
            json!({ "currency": currency, "price": amount.to_string() }),
            format_args!("costs {} from now on", self.price),
        )
    }
}

/// See [`super::Command::Calls`].
#[derive(Debug, clap::Args)]
pub struct CallsArgs {
    /// The Space's number.
    space: SpaceId,
    /// The assets, all of them, and their shares of the price. None if left out.
    #[arg(value_name = "ASSET=PERCENT", value_parser = called)]
    calls: Vec<Called>,
    #[command(flatten)]
    shared: Shared,
}

impl CallsArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        publish::check(&self.calls)?;
        let (_, owner, client) = self.shared.open().await?;
        let told = json!({ "calls": self.calls });
        let said = match self.calls.len() {
            0 => "calls no assets from now on".to_owned(),
            1 => "calls one asset from now on".to_owned(),
            count => format!("calls {count} assets from now on"),
        };
        client.spaces().set_calls(&owner, self.space, self.calls).await?;
        self.shared.done(self.space, told, said)
    }
}

/// See [`super::Command::Transfer`].
#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// The Space's number.
    space: SpaceId,
    /// To whom; left out, the offer is taken back.
    #[arg(value_parser = account)]
    to: Option<AccountId>,
    #[command(flatten)]
    shared: Shared,
}

impl TransferArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, owner, client) = self.shared.open().await?;
        client.spaces().offer_transfer(&owner, self.space, self.to).await?;
        let said = match self.to {
            Some(to) => format!("offered to {to}, who takes it with `weft space accept {}`", self.space),
            None => "offered to nobody any more".to_owned(),
        };
        self.shared.done(self.space, json!({ "offered_to": self.to }), said)
    }
}

/// Takes over a Space.
pub async fn accept(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let (_, to, client) = shared.open().await?;
    client.spaces().accept_transfer(&to, space).await?;
    shared.done(space, json!({ "owner": to.account() }), "yours")
}

/// Withdraws a Space.
pub async fn retire(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let (_, owner, client) = shared.open().await?;
    client.spaces().retire(&owner, space).await?;
    shared.done(space, json!({}), "retired; who bought it may go on")
}
