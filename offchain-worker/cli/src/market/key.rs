//! The key of a licensed work, from its custodians.

use std::time::Instant;

use serde_json::json;
use weft_chain::{Client, Signer, custody::Custody, market::Asset};
use weft_primitives::{AssetId, LicenceId, custody_view::CustodyPhase, registry::KeyRecipient};

use super::Shared;
use crate::{
    asset,
    custody::{self, Collected},
    failure::Failure,
    home::Home,
    output,
    progress::Progress,
};

/// See [`super::Command::Key`].
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// The asset.
    asset: AssetId,
    #[command(flatten)]
    shared: Shared,
}

/// A key that was put together and kept.
pub struct Kept {
    /// The best block once it was there.
    pub block: u32,
    /// How many custodians had released it.
    pub released: usize,
    /// How long it took.
    pub seconds: f64,
}

impl KeyArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, holder) = self.shared.identity.open()?;
        let keys = home.user_keys()?;
        let client = self.shared.node.connect_persistently().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let licence = client
            .licences()
            .of(asset.work, holder.account())
            .await?
            .ok_or_else(|| {
                Failure::Refused(format!(
                    "you hold no licence of work {}: buy one with `weft market buy {}`",
                    asset.work, asset.id
                ))
            })?;
        if licence.encryption_key == *keys.public().as_bytes() {
            let done = client.licences().request_key(&holder, licence.id, asset.id).await;
            // What was asked for a moment ago is still to come.
            if let Err(error) = done
                && !error.is("Custody", "AlreadyRequested")
                && !error.is("Market", "AlreadyRequested")
            {
                let custody = client.custody().custody(asset.id).await?;
                return Err(match why_no_key(custody.as_ref()) {
                    Some(why) if error.is("Market", "KeyNotInCustody") => not_yet(asset.id, licence.id, why),
                    _ => error.into(),
                });
            }
        } else {
            client
                .licences()
                .set_key(&holder, licence.id, *keys.public().as_bytes())
                .await?;
            if licence.asset != asset.id {
                client.licences().request_key(&holder, licence.id, asset.id).await?;
            }
        }
        let kept = receive(&client, &home, &holder, &asset, licence.id).await?;
        if self.shared.json {
            return output::json(&json!({
                "asset": asset.id,
                "licence": licence.id,
                "key_block": kept.block,
                "key_seconds": kept.seconds,
                "released": kept.released,
            }));
        }
        output::line(format_args!(
            "asset {}: its key is here, from {} custodians",
            asset.id, kept.released
        ))
    }
}

/// Why custodians give out no key now; `None` if they do.
pub fn why_no_key(custody: Option<&Custody>) -> Option<&'static str> {
    match custody {
        None => Some("its key is with the owner alone"),
        Some(custody) if custody.closing => Some("its key is being taken out of custody"),
        Some(custody) => match custody.phase {
            CustodyPhase::Drawn { .. } => {
                Some("its custodians are drawn and the owner has not handed them the key yet")
            }
            CustodyPhase::Dealt { .. } | CustodyPhase::Resharing { .. } => None,
        },
    }
}

/// What a holder is told whose key does not come now, see [`why_no_key`].
fn not_yet(asset: AssetId, licence: LicenceId, why: &str) -> Failure {
    Failure::Refused(format!(
        "asset {asset}: {why}: ask its owner, and run this again once it is with custodians; licence {licence} stays yours"
    ))
}

/// Waits for the custodians, and keeps the key in the home directory.
pub async fn receive(
    client: &Client,
    home: &Home,
    holder: &Signer,
    asset: &Asset,
    licence: LicenceId,
) -> Result<Kept, Failure> {
    let started = Instant::now();
    let progress = Progress::spinner("waiting for the custodians");
    let collected = custody::collect(
        client,
        asset,
        &KeyRecipient::Licence(licence),
        &home.user_keys()?,
        holder,
    )
    .await;
    let Collected { key, block, released } = match collected {
        Ok(collected) => {
            progress.done("the key is here");
            collected
        }
        Err(failure) => {
            progress.abandon();
            return Err(failure);
        }
    };
    home.keep_content_key(&asset.content.to_string(), &key)?;
    Ok(Kept {
        block,
        released,
        seconds: started.elapsed().as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_chain::{AccountId, custody::Dealing};
    use weft_primitives::{ContentCodec, ContentId};

    fn custody(phase: CustodyPhase, closing: bool) -> Custody {
        Custody {
            asset: 0,
            opener: AccountId([0; 32]),
            threshold: 3,
            custodians: 5,
            to_providers: true,
            content: ContentId {
                codec: ContentCodec::DagPb,
                sha256: [0; 32],
            },
            key_commitment: [0; 32],
            envelope: None,
            phase,
            closing,
            open_requests: 0,
            dealing: Dealing {
                id: 0,
                asset: 0,
                threshold: 3,
                committee: Vec::new(),
                commitments: Vec::new(),
                deals: Vec::new(),
                open_requests: 0,
            },
            next: None,
        }
    }

    #[test]
    fn a_key_comes_only_once_it_was_dealt_and_while_custody_lasts() {
        let resharing = CustodyPhase::Resharing {
            deals_until: 1,
            disputes_until: 2,
        };
        let dealt = CustodyPhase::Dealt { since: 1 };
        for phase in [dealt, resharing] {
            assert_eq!(why_no_key(Some(&custody(phase, false))), None);
            assert!(why_no_key(Some(&custody(phase, true))).is_some());
        }
        assert!(why_no_key(Some(&custody(CustodyPhase::Drawn { until: 1 }, false))).is_some());
        assert!(why_no_key(None).is_some());
    }
}
