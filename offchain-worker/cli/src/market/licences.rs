//! Licences that one holds, and those of one's own works.

use serde_json::json;
use weft_chain::{AccountId, licences::Licence};
use weft_primitives::{LicenceId, payment::Currency};

use super::{Shared, kept, tariff};
use crate::{
    amount::Weft,
    failure::Failure,
    node::{IdentityArgs, NodeArgs, account},
    output,
    store::place::BackendArgs,
};

/// See [`super::Command::Licences`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of this account instead of your own.
    #[arg(long, value_parser = account)]
    holder: Option<AccountId>,
    #[command(flatten)]
    backend: BackendArgs,
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
        let holder = match self.holder {
            Some(holder) => holder,
            None => self.identity.open()?.1.account(),
        };
        let client = self.node.connect().await?;
        let mut licences: Vec<Licence> = Vec::new();
        let mut from = Some(0);
        while let Some(start) = from {
            let page = client.licences().held_by(holder, start).await?;
            licences.extend(page.items);
            from = page.next;
        }
        kept::look(&client, &self.identity.home.open()?, &self.backend, holder).await;
        if self.json {
            return output::json(&licences);
        }
        let rows = licences.iter().map(|licence| {
            let status = match (licence.in_force, licence.revoked) {
                (true, _) => tariff::right(licence.holding.right),
                (false, true) => "revoked".to_owned(),
                (false, false) => "ran out".to_owned(),
            };
            let paid = match licence.currency {
                Currency::Native => Weft(licence.paid).to_string(),
                Currency::Token(token) => format!("{} of token {token}", licence.paid),
            };
            vec![licence.id.to_string(), licence.work.to_string(), status, paid]
        });
        output::table(&["LICENCE", "WORK", "ALLOWS", "PAID"], rows.collect(), "no licences")
    }
}

/// Gives a licence up.
pub async fn close(shared: Shared, backend: BackendArgs, licence: LicenceId) -> Result<(), Failure> {
    let (home, holder) = shared.identity.open()?;
    let client = shared.node.connect().await?;
    client.licences().close(&holder, licence).await?;
    kept::look(&client, &home, &backend, holder.account()).await;
    done(&shared, licence, "closed")
}

/// Revokes a licence of one's own work.
pub async fn revoke(shared: Shared, licence: LicenceId) -> Result<(), Failure> {
    let (_, owner) = shared.identity.open()?;
    shared.node.connect().await?.licences().revoke(&owner, licence).await?;
    done(&shared, licence, "revoked; what was unused is paid back")
}

fn done(shared: &Shared, licence: LicenceId, what: &str) -> Result<(), Failure> {
    if shared.json {
        return output::json(&json!({ "licence": licence }));
    }
    output::line(format_args!("licence {licence}: {what}"))
}
