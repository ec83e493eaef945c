//! Keys in custody, as sellers entrust them and recipients put them together: the vault's shares over what the chain shows.

use std::time::Duration;

use tokio::time::sleep;
use weft_chain::{
    AccountId, Client, Signer,
    custody::{Custody, Deal, KeyRequest},
    market::Asset,
};
use weft_primitives::{
    ContentId,
    custody_view::{CustodyPhase, DealingId, Hex32, RecipientView},
    registry::KeyRecipient,
};
use weft_vault::{
    ContentKey, KeyCommitment, PublicKey, WrappedKey,
    keys::{KeyPair, Role},
    shares::{self, NoKey, Place, Recipient, Released, SharesError, To},
};

use crate::failure::Failure;

/// Time between two looks at what was released: a fraction of a block.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// How a key is entrusted.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Committee {
    /// How many custodians' shares give the key.
    #[arg(long, default_value_t = 3, value_name = "T")]
    pub threshold: u8,
    /// How many custodians have one.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub custodians: u8,
    /// Not to providers of the model: only to licence holders.
    #[arg(long)]
    pub not_to_providers: bool,
}

impl From<SharesError> for Failure {
    fn from(error: SharesError) -> Self {
        Self::Local(error.to_string())
    }
}

/// Which sharing of a key this is.
pub fn place(client: &Client, asset: u64, content: &ContentId, dealing: DealingId) -> Place {
    Place {
        genesis: client.genesis_hash(),
        asset,
        ciphertext: content.to_cid_bytes(),
        dealing,
    }
}

/// The commitments as the vault takes them.
pub fn commitments(shown: &[Hex32]) -> Vec<[u8; 32]> {
    shown.iter().map(|commitment| commitment.0).collect()
}

/// For whom a request is, as the vault takes it.
pub fn recipient_of(request: &KeyRequest) -> To {
    To {
        recipient: match &request.recipient {
            RecipientView::Licence(licence) => Recipient::Licence(*licence),
            RecipientView::Provider(provider) => Recipient::Provider(provider.0),
        },
        account: request.account.0,
        key: PublicKey::from_bytes(request.encryption_key),
    }
}

/// A deal as the chain takes it.
pub fn on_chain(deal: shares::Deal) -> Deal {
    Deal {
        commitments: deal.commitments,
        wrapped: deal.wrapped.into_iter().map(|wrapped| wrapped.0).collect(),
    }
}

/// Entrusts the key of one's own asset to a committee that the chain draws. Continues where an earlier try was cut off.
pub async fn entrust(
    client: &Client,
    owner: &Signer,
    asset: u64,
    key: &ContentKey,
    committee: Committee,
) -> Result<Custody, Failure> {
    if client.custody().custody(asset).await?.is_none() {
        client
            .custody()
            .open(
                owner,
                asset,
                committee.threshold,
                committee.custodians,
                !committee.not_to_providers,
            )
            .await?;
    }
    let vanished = || Failure::Refused(format!("the custody of asset {asset} ended meanwhile: try again"));
    let custody = client.custody().custody(asset).await?.ok_or_else(vanished)?;
    if !matches!(custody.phase, CustodyPhase::Drawn { .. }) {
        return Ok(custody);
    }
    let place = place(client, asset, &custody.content, custody.dealing.id);
    let members: Vec<_> = custody
        .dealing
        .committee
        .iter()
        .map(|member| PublicKey::from_bytes(member.encryption_key))
        .collect();
    let dealt = shares::deal_key(key, custody.threshold, &members, &place)?;
    client
        .custody()
        .deal(owner, asset, on_chain(dealt.deal), dealt.envelope)
        .await?;
    client.custody().custody(asset).await?.ok_or_else(vanished)
}

/// What [`collect`] came to.
pub struct Collected {
    /// The key.
    pub key: ContentKey,
    /// The best block once the key was there.
    pub block: u32,
    /// How many custodians had released.
    pub released: usize,
}

/// Waits until enough custodians have released an asset's key to `recipient`, puts it together, and checks it. Shares that are
/// wrong are disputed on chain if `signer` is the one who asked for the key; so is a seller who entrusted another key.
pub async fn collect<R: Role>(
    client: &Client,
    asset: &Asset,
    recipient: &KeyRecipient<AccountId>,
    keys: &KeyPair<R>,
    signer: Option<&Signer>,
) -> Result<Collected, Failure> {
    let mut disputed = Vec::new();
    loop {
        let now = client.best().await?.number;
        let request = client.custody().request_of(recipient, asset.id).await?.ok_or_else(|| {
            Failure::NotFound(format!(
                "nobody has asked the custodians for the key of asset {}, or it was too long ago: ask again",
                asset.id
            ))
        })?;
        if request.encryption_key != *keys.public().as_bytes() {
            return Err(Failure::Local(format!(
                "the key of asset {} was asked for another encryption key than the one in this home: ask again",
                asset.id
            )));
        }
        match put_together(client, asset, &request, keys).await? {
            Ok(key) => {
                return Ok(Collected {
                    key,
                    block: client.best().await?.number,
                    released: request.releases.len(),
                });
            }
            Err((NoKey::TooFew { need, good, forged }, released)) => {
                if let Some(signer) = signer {
                    for index in forged {
                        if !disputed.contains(&index) {
                            disputed.push(index);
                            dispute(client, signer, &request, index, &released, keys).await;
                        }
                    }
                }
                if now > request.until {
                    return Err(Failure::Refused(format!(
                        "only {good} of the {need} custodians that it takes released the key of asset {} in time; the silent ones lose stake: ask again",
                        asset.id
                    )));
                }
            }
            Err((NoKey::WrongKey { secret }, _)) => {
                if let Some(signer) = signer {
                    client.custody().report_wrong_key(signer, asset.id, *secret).await?;
                }
                return Err(Failure::Refused(format!(
                    "the seller of asset {} entrusted another key than it promised; this was shown on chain and costs its bond: ask for your money back",
                    asset.id
                )));
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// What the chain has of a release, owned.
struct Shown {
    place: Place,
    to: To,
    threshold: u8,
    commitments: Vec<[u8; 32]>,
    shares: Vec<(u8, WrappedKey)>,
    envelope: [u8; 32],
    key_commitment: KeyCommitment,
}

impl Shown {
    fn released(&self) -> Released<'_> {
        Released {
            place: &self.place,
            to: &self.to,
            threshold: self.threshold,
            commitments: &self.commitments,
            shares: &self.shares,
            envelope: &self.envelope,
            key_commitment: &self.key_commitment,
        }
    }
}

async fn put_together<R: Role>(
    client: &Client,
    asset: &Asset,
    request: &KeyRequest,
    keys: &KeyPair<R>,
) -> Result<Result<ContentKey, (NoKey, Shown)>, Failure> {
    let custody = client.custody().custody(asset.id).await?;
    let envelope = custody
        .and_then(|custody| custody.envelope)
        .ok_or_else(|| Failure::Refused(format!("the key of asset {} is no longer in custody", asset.id)))?;
    let shown = Shown {
        place: place(client, asset.id, &request.content, request.dealing),
        to: recipient_of(request),
        threshold: request.threshold,
        commitments: commitments(&request.commitments),
        shares: request
            .releases
            .iter()
            .map(|release| (release.index, WrappedKey(release.wrapped.0)))
            .collect(),
        envelope,
        key_commitment: KeyCommitment(asset.key_commitment),
    };
    Ok(match shares::combine_released(keys, &shown.released()) {
        Ok(combined) => Ok(combined.key),
        Err(no_key) => Err((no_key, shown)),
    })
}

/// Shows the chain that a released share is wrong. That it could not be shown is worth a word, not a failure: the key may
/// come from the others.
async fn dispute<R: Role>(
    client: &Client,
    signer: &Signer,
    request: &KeyRequest,
    index: u8,
    shown: &Shown,
    keys: &KeyPair<R>,
) {
    let Some((_, wrapped)) = shown.shares.iter().find(|(of, _)| *of == index) else {
        return;
    };
    let evidence = match shares::prove_forged_release(keys, index, wrapped, &shown.released()) {
        Ok(Ok(evidence)) => evidence,
        Ok(Err(error)) => {
            tracing::warn!(index, %error, "a share does not open, and that cannot be shown");
            return;
        }
        Err(error) => {
            tracing::warn!(index, %error, "a share does not open, and that cannot be shown");
            return;
        }
    };
    match client
        .custody()
        .dispute_release(signer, request.id, index, evidence)
        .await
    {
        Ok(()) => tracing::info!(request = request.id, index, "a forged share was shown on chain"),
        Err(error) => tracing::warn!(request = request.id, index, %error, "a forged share was not taken to the chain"),
    }
}
