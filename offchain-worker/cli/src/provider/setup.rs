//! Registering, and pausing by hand.

use std::{fs, io::ErrorKind};

use serde_json::json;
use weft_chain::{ChainError, Until, providers::Registration};

use super::Shared;
use crate::{
    amount::{Weft, parse_weft},
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// Register the account as a provider.
#[derive(Debug, clap::Args)]
pub struct RegisterArgs {
    /// URL under which users and other devices reach this device's blocks.
    #[arg(
        long,
        env = "WEFT_ENDPOINT",
        default_value = "http://127.0.0.1:7201",
        value_name = "URL"
    )]
    endpoint: String,
    /// How many jobs the device takes at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    capacity: u16,
    /// Stake to bond at once, in WEFT.
    #[arg(long, value_parser = parse_weft)]
    bond: Option<Weft>,
    /// What the device's own account is topped up to, in WEFT, for the fees of what it sends besides commits, which are free.
    #[arg(long, value_parser = parse_weft, default_value = "10")]
    device_funds: Weft,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl RegisterArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, owner) = self.identity.open()?;
        let (device, keys) = (home.device_account()?, home.device_keys()?);
        let client = self.node.connect().await?;
        let registration = Registration {
            device: device.account(),
            encryption_key: *keys.public().as_bytes(),
            endpoint: self.endpoint.clone(),
            capacity: self.capacity,
            consent: device.consent(&client.genesis_hash(), &owner.account()),
        };
        client.providers().register(&owner, registration).await?;
        let funds = client.balances().of(device.account()).await?.free;
        if funds < self.device_funds.0 {
            let missing = self.device_funds.0.saturating_sub(funds);
            client
                .balances()
                .transfer(&owner, device.account(), missing, Until::InBlock)
                .await?;
        }
        if let Some(bond) = self.bond {
            client.providers().bond(&owner, bond.0).await?;
        }
        if self.json {
            return output::json(&json!({
                "owner": owner.account(),
                "device": device.account(),
                "encryption_key": format!("0x{}", hex::encode(keys.public().as_bytes())),
                "endpoint": self.endpoint,
                "capacity": self.capacity,
                "bonded": self.bond.map(|bond| bond.0.to_string()),
            }));
        }
        output::pairs([
            ("owner", owner.account().to_string()),
            ("device", device.account().to_string()),
            ("endpoint", self.endpoint),
            (
                "next",
                "`weft provider bond`, `weft provider offer`, `weft provider run`".to_owned(),
            ),
        ])
    }
}

/// Pauses by hand: on the chain, and for a worker that runs from this home.
pub async fn pause(shared: Shared) -> Result<(), Failure> {
    let (home, owner) = shared.identity.open()?;
    let file = home.hold_file();
    fs::write(&file, b"").map_err(|error| Failure::local(format_args!("cannot write {}", file.display()), error))?;
    match shared.node.connect().await?.providers().pause(&owner).await {
        Err(error) if !error.is("Providers", "AlreadyPaused") => Err(error.into()),
        _ => output::line("paused: no new jobs until `weft provider resume`"),
    }
}

/// Ends a pause by hand. If a worker runs, it resumes when its models are ready; after a miss, this does.
pub async fn resume(shared: Shared) -> Result<(), Failure> {
    let (home, owner) = shared.identity.open()?;
    release(&home)?;
    let resumed: Result<(), ChainError> = shared.node.connect().await?.providers().resume(&owner).await;
    match resumed {
        Err(error) if !error.is("Providers", "AlreadyAvailable") => Err(error.into()),
        _ => output::line("resumed: jobs are welcome"),
    }
}

fn release(home: &Home) -> Result<(), Failure> {
    let file = home.hold_file();
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::local(format_args!("cannot remove {}", file.display()), error))
        }
        _ => Ok(()),
    }
}
