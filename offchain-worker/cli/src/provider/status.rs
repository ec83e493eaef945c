//! How a provider stands, and why it earns nothing if it does not.

use serde_json::json;
use weft_chain::{AccountId, Client, providers::Provider};
use weft_primitives::{AssetId, Balance, view::ProviderStatus};

use super::{
    not_ready::NotReady,
    standing::{Here, OfferStanding, obstacles},
};
use crate::{
    amount::{Weft, percent},
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// Show how the provider stands.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let home = self.identity.home.open()?;
        let device = home.device_account()?.account();
        let client = self.node.connect().await?;
        let account = match &self.identity.account {
            Some(_) => self.identity.open()?.1.account(),
            None => match home.account() {
                Ok(owner) => owner.account(),
                // A machine that only has the device's key can look as well.
                Err(_) => device,
            },
        };
        let provider = client.providers().provider(account).await?;
        let minimum = client.providers().minimum_stake().await?;
        let offers = match &provider {
            Some(provider) => standings(&client, provider).await?,
            None => Vec::new(),
        };
        let not_ready = NotReady::at(home.not_ready_dir())
            .reasons()
            .map_err(|error| Failure::local(format_args!("cannot read {}", home.not_ready_dir().display()), error))?;
        let here = Here {
            device,
            held: home.hold_file().exists(),
            not_ready,
        };
        let found = obstacles(provider.as_ref(), &here, &offers, minimum);
        let funds = client.balances().of(device).await?.free;
        if self.json {
            return output::json(&json!({
                "provider": provider,
                "offers": offers.iter().map(offer_json).collect::<Vec<_>>(),
                "obstacles": found.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "device_funds": funds.to_string(),
            }));
        }
        if let Some(provider) = &provider {
            print(provider, &offers, minimum, funds)?;
        }
        if found.is_empty() {
            return output::line("nothing keeps jobs away");
        }
        for obstacle in found {
            output::line(format_args!("! {obstacle}"))?;
        }
        Ok(())
    }
}

fn print(provider: &Provider, offers: &[OfferStanding], minimum: Balance, funds: Balance) -> Result<(), Failure> {
    output::pairs([
        ("owner", provider.owner.to_string()),
        ("device", format!("{} ({} for fees)", provider.device, Weft(funds))),
        ("endpoint", String::from_utf8_lossy(&provider.endpoint).into_owned()),
        ("status", status(provider.status).to_owned()),
        (
            "stake",
            format!(
                "{} (at least {}), {} unbonding, {} seized",
                Weft(provider.stake),
                Weft(minimum),
                Weft(provider.unbonding),
                Weft(provider.seized)
            ),
        ),
        ("jobs now", format!("{} of {}", provider.busy, provider.capacity)),
        (
            "jobs ended",
            format!(
                "{} completed, {} missed, {} declined, {} refuted",
                provider.completed, provider.missed, provider.declined, provider.refuted
            ),
        ),
        ("reputation", percent(provider.score_ppm)),
    ])?;
    let rows = offers
        .iter()
        .map(|offer| {
            vec![
                offer.model.to_string(),
                Weft(offer.ask_per_token).to_string(),
                if offer.keyed { "granted" } else { "awaited" }.to_owned(),
                offer
                    .lowest_of_others
                    .map_or_else(|| "-".to_owned(), |lowest| Weft(lowest).to_string()),
            ]
        })
        .collect();
    output::table(&["MODEL", "ASK", "KEY", "CHEAPEST OTHER"], rows, "no offers")
}

fn status(status: ProviderStatus) -> &'static str {
    match status {
        ProviderStatus::Available => "available",
        ProviderStatus::Full => "all slots taken",
        ProviderStatus::Understaked => "too little stake",
        ProviderStatus::Paused => "paused",
        ProviderStatus::PausedAfterMiss => "paused after a missed deadline",
    }
}

fn offer_json(offer: &OfferStanding) -> serde_json::Value {
    json!({
        "model": offer.model,
        "ask_per_token": offer.ask_per_token.to_string(),
        "keyed": offer.keyed,
        "model_listed": offer.model_listed,
        "lowest_of_others": offer.lowest_of_others.map(|lowest| lowest.to_string()),
    })
}

async fn standings(client: &Client, provider: &Provider) -> Result<Vec<OfferStanding>, Failure> {
    let mut standings = Vec::new();
    for model in &provider.offers {
        let Some((ask_per_token, keyed)) = client.providers().own_offer(provider.owner, *model).await? else {
            continue;
        };
        standings.push(OfferStanding {
            model: *model,
            ask_per_token,
            keyed,
            model_listed: client.market().asset(*model).await?.is_some_and(|asset| asset.listed),
            lowest_of_others: lowest_of_others(client, *model, provider.owner).await?,
        });
    }
    Ok(standings)
}

async fn lowest_of_others(client: &Client, model: AssetId, own: AccountId) -> Result<Option<Balance>, Failure> {
    let mut lowest: Option<Balance> = None;
    let mut from = Some(0);
    while let Some(start) = from {
        let page = client.providers().offers_for_model(model, start).await?;
        let asks = page
            .items
            .iter()
            .filter(|offer| offer.listed && offer.provider != own)
            .map(|offer| offer.ask_per_token);
        lowest = asks.chain(lowest).min();
        from = page.next;
    }
    Ok(lowest)
}
