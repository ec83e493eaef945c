//! Buying Spaces.

use serde_json::json;
use weft_primitives::space::SpaceId;

use super::{
    Shared,
    price::{Price, parse_price},
};
use crate::{failure::Failure, output};

/// What to buy.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Space's number.
    space: SpaceId,
    /// Most to pay: WEFT, or UNITS@TOKEN.
    #[arg(long, value_parser = parse_price)]
    max_price: Price,
    #[command(flatten)]
    shared: Shared,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (_, user, client) = self.shared.open().await?;
        let (space, most) = (self.space, self.max_price);
        let paid = client.spaces().buy(&user, space, most.currency, most.amount).await?;
        let price = Price {
            currency: most.currency,
            amount: paid,
        };
        if self.shared.json {
            return output::json(&json!({
                "space": space,
                "buyer": user.account(),
                "currency": price.currency,
                "paid": paid.to_string(),
            }));
        }
        output::line(format_args!(
            "bought Space {space} for {price}: `weft space install {space}`"
        ))
    }
}

/// Gives a purchase up.
pub async fn forget(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let (_, user, client) = shared.open().await?;
    client.spaces().forget(&user, space).await?;
    shared.done(
        space,
        json!({}),
        "your purchase is given up, and its deposit is back; what it cost is not",
    )
}
