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
    shares::{self, Combined, Evidence, NoKey, Place, Recipient, Released, SharesError, To},
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

/// Waits until enough custodians have released an asset's key to `recipient`, puts it together, and checks it. Whoever `signer`
/// is, shares that are wrong are shown on chain with it first, for which whoever asked for the key is compensated; so is a seller
/// who entrusted another key. That a share could not be shown costs nobody the key.
pub async fn collect<R: Role>(
    client: &Client,
    asset: &Asset,
    recipient: &KeyRecipient<AccountId>,
    keys: &KeyPair<R>,
    signer: &Signer,
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
        let shown = shown(client, asset, &request).await?;
        let combined = shares::combine_released(keys, &shown.released());
        for index in forged_of(&combined) {
            if !disputed.contains(index) {
                disputed.push(*index);
                dispute(client, signer, &request, *index, &shown, keys).await;
            }
        }
        match combined {
            Ok(Combined { key, .. }) => {
                return Ok(Collected {
                    key,
                    block: client.best().await?.number,
                    released: request.releases.len(),
                });
            }
            Err(NoKey::TooFew { need, good, .. }) => {
                if now > request.until {
                    return Err(Failure::Refused(format!(
                        "only {good} of the {need} custodians that it takes released the key of asset {} in time; the silent ones lose stake: ask again",
                        asset.id
                    )));
                }
            }
            Err(NoKey::WrongKey { secret }) => {
                // Another recipient may have shown it before.
                if let Err(error) = client.custody().report_wrong_key(signer, asset.id, *secret).await {
                    tracing::warn!(asset = asset.id, %error, "the wrong key was not taken to the chain");
                }
                return Err(Failure::Refused(format!(
                    "the seller of asset {} entrusted another key than it promised, which costs its bond once it is shown on chain: ask for your money back",
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

/// Whose shares are not what was committed to, whether or not the others gave the key.
fn forged_of(combined: &Result<Combined, NoKey>) -> &[u8] {
    match combined {
        Ok(Combined { forged, .. }) | Err(NoKey::TooFew { forged, .. }) => forged,
        Err(NoKey::WrongKey { .. }) => &[],
    }
}

async fn shown(client: &Client, asset: &Asset, request: &KeyRequest) -> Result<Shown, Failure> {
    let custody = client.custody().custody(asset.id).await?;
    let envelope = custody
        .and_then(|custody| custody.envelope)
        .ok_or_else(|| Failure::Refused(format!("the key of asset {} is no longer in custody", asset.id)))?;
    Ok(Shown {
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
    })
}

/// The evidence that a released share is wrong; `None`, with a word in the log, if there is none.
fn evidence<R: Role>(shown: &Shown, index: u8, keys: &KeyPair<R>) -> Option<Evidence> {
    let (_, wrapped) = shown.shares.iter().find(|(of, _)| *of == index)?;
    let why = match shares::prove_forged_release(keys, index, wrapped, &shown.released()) {
        Ok(Ok(evidence)) => return Some(evidence),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(index, why, "a share does not open, and that cannot be shown");
    None
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
    let Some(evidence) = evidence(shown, index, keys) else {
        return;
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

#[cfg(test)]
mod tests {
    use super::*;
    use weft_vault::{CustodianKeys, UserKeys};

    /// Five custodians of whom any three give the key, and what those in `released` release; those in `forging` something else.
    fn released(released: &[u8], forging: &[u8]) -> (ContentKey, UserKeys, Shown) {
        let place = Place {
            genesis: [1; 32],
            asset: 7,
            ciphertext: [3; 36],
            dealing: 11,
        };
        let custodians: Vec<_> = (0..5).map(|_| CustodianKeys::generate().unwrap()).collect();
        let members: Vec<_> = custodians.iter().map(CustodianKeys::public).collect();
        let key = ContentKey::generate().unwrap();
        let dealt = shares::deal_key(&key, 3, &members, &place).unwrap();
        let other = shares::deal_key(&key, 3, &members, &place).unwrap();
        let buyer = UserKeys::generate().unwrap();
        let to = To {
            recipient: Recipient::Licence(1),
            account: [4; 32],
            key: buyer.public(),
        };
        let release = |index: u8| {
            let deal = if forging.contains(&index) {
                &other.deal
            } else {
                &dealt.deal
            };
            let at = usize::from(index) - 1;
            let delivered = shares::Delivered {
                dealer: 0,
                commitments: &deal.commitments,
                wrapped: &deal.wrapped[at],
            };
            let share = shares::open_dealt_share(&custodians[at], index, &delivered, &place).unwrap();
            let wrapped = shares::release_share(&share, &deal.commitments, &to, &place).unwrap();
            (index, wrapped)
        };
        let shares = released.iter().copied().map(release).collect();
        let shown = Shown {
            place,
            to,
            threshold: 3,
            commitments: dealt.deal.commitments.clone(),
            shares,
            envelope: dealt.envelope,
            key_commitment: key.commitment(),
        };
        (key, buyer, shown)
    }

    #[test]
    fn a_forger_among_five_is_named_though_the_key_is_there() {
        let (key, buyer, shown) = released(&[1, 2, 3, 4, 5], &[2]);
        let combined = shares::combine_released(&buyer, &shown.released());
        assert_eq!(forged_of(&combined), [2]);
        assert_eq!(combined.unwrap().key.expose(), key.expose());
        assert!(evidence(&shown, 2, &buyer).is_some());
        assert!(evidence(&shown, 1, &buyer).is_none(), "an honest share");
        assert!(evidence(&shown, 6, &buyer).is_none(), "nobody's share");
    }

    #[test]
    fn forgers_are_named_while_too_few_have_released() {
        let (_, buyer, shown) = released(&[1, 4, 5], &[4, 5]);
        let combined = shares::combine_released(&buyer, &shown.released());
        assert_eq!(forged_of(&combined), [4, 5]);
        assert!(matches!(combined, Err(NoKey::TooFew { need: 3, good: 1, .. })));
    }

    #[test]
    fn another_key_than_the_promised_is_the_sellers_fault_alone() {
        let (_, buyer, mut shown) = released(&[1, 2, 3], &[]);
        shown.key_commitment = KeyCommitment([0; 32]);
        let combined = shares::combine_released(&buyer, &shown.released());
        assert!(forged_of(&combined).is_empty());
        assert!(matches!(combined, Err(NoKey::WrongKey { .. })));
    }
}
