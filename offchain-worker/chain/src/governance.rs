//! What governs the chain decides, and what there is to decide: reports of assets and Spaces.
//!
//! The runtime wants the root origin for all of it. Whoever holds the key of `sudo` has that.

use std::collections::BTreeSet;

use subxt::utils::Static;
use weft_primitives::{
    AssetId,
    space::{Grievance, SpaceId},
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// Something that only governance may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Resolve a report of an asset.
    AssetReport {
        /// The asset.
        asset: AssetId,
        /// Who reported it.
        reporter: AccountId,
        /// Whether it is so.
        upheld: bool,
    },
    /// Resolve a report of a Space.
    SpaceReport {
        /// The Space.
        space: SpaceId,
        /// Who reported it.
        reporter: AccountId,
        /// Whether it is so.
        upheld: bool,
    },
    /// Take a Space down.
    TakeDown {
        /// The Space.
        space: SpaceId,
        /// Why.
        why: Grievance,
    },
    /// Put a Space back.
    Restore {
        /// The Space.
        space: SpaceId,
    },
    /// Feature a Space, or do so no more.
    Feature {
        /// The Space.
        space: SpaceId,
        /// Whether it is featured from now on.
        featured: bool,
    },
}

impl Decision {
    fn call(self) -> runtime::Call {
        use runtime::{
            Call,
            runtime_types::{pallet_market::pallet::Call as Market, pallet_spaces::pallet::Call as Spaces},
        };
        match self {
            Self::AssetReport {
                asset,
                reporter,
                upheld,
            } => Call::Market(Market::resolve_report {
                asset,
                reporter,
                upheld,
            }),
            Self::SpaceReport {
                space,
                reporter,
                upheld,
            } => Call::Spaces(Spaces::resolve_report {
                space,
                reporter,
                upheld,
            }),
            Self::TakeDown { space, why } => Call::Spaces(Spaces::take_down {
                space,
                why: Static(why),
            }),
            Self::Restore { space } => Call::Spaces(Spaces::restore { space }),
            Self::Feature { space, featured } => Call::Spaces(Spaces::feature { space, featured }),
        }
    }
}

/// Reads and calls of governance.
pub struct Governance<'a> {
    pub(crate) client: &'a Client,
}

impl Governance<'_> {
    /// Whose word is law; `None` if the chain has no such account, or not any more.
    pub async fn sudo_key(&self) -> Result<Option<AccountId>, ChainError> {
        self.client
            .read("tell who governs", |view| async move {
                if view.metadata().pallet_by_name("Sudo").is_none() {
                    return Ok(None);
                }
                let found = view.storage().try_fetch(runtime::storage().sudo().key(), ()).await?;
                Ok(match found {
                    Some(key) => Some(key.decode()?),
                    None => None,
                })
            })
            .await
    }

    /// Decides, with the key of `sudo`.
    pub async fn decide(&self, sudo: &Signer, decision: Decision) -> Result<(), ChainError> {
        let call = runtime::transactions().sudo().sudo(decision.call());
        self.client.submit(sudo, &call, Until::InBlock).await.map(drop)
    }

    /// Spaces of which there are reports to resolve, at most `limit`, in their order, and whether there are more.
    pub async fn reported_spaces(&self, limit: usize) -> Result<(Vec<SpaceId>, bool), ChainError> {
        self.client
            .read("list reported Spaces", |view| async move {
                let mut entries = view.storage().iter(runtime::storage().spaces().reports(), ()).await?;
                let mut found = BTreeSet::new();
                while let Some(entry) = entries.next().await {
                    let (space, _) = entry?.key()?.decode()?;
                    found.insert(space);
                    if found.len() > limit {
                        break;
                    }
                }
                Ok(first(found, limit))
            })
            .await
    }

    /// Assets of which there are reports to resolve, at most `limit`, in their order, and whether there are more.
    pub async fn reported_assets(&self, limit: usize) -> Result<(Vec<AssetId>, bool), ChainError> {
        self.client
            .read("list reported assets", |view| async move {
                let mut entries = view
                    .storage()
                    .iter(runtime::storage().market().scrutinies(), ())
                    .await?;
                let mut found = BTreeSet::new();
                while let Some(entry) = entries.next().await {
                    let entry = entry?;
                    if entry.value().decode()?.reports.0.is_empty() {
                        continue;
                    }
                    let (asset,) = entry.key()?.decode()?;
                    found.insert(asset);
                    if found.len() > limit {
                        break;
                    }
                }
                Ok(first(found, limit))
            })
            .await
    }
}

/// The storage has its keys in the order of their hashes.
fn first(found: BTreeSet<u64>, limit: usize) -> (Vec<u64>, bool) {
    let more = found.len() > limit;
    (found.into_iter().take(limit).collect(), more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_asked_for_and_the_rest_is_known_of() {
        assert_eq!(first([3, 1, 2].into(), 2), (vec![1, 2], true));
        assert_eq!(first([3, 1].into(), 2), (vec![1, 3], false));
    }
}
