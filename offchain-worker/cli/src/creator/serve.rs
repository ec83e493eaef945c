//! Serving sealed files, and granting keys.
//!
//! Which keys to grant is read from the chain's state, every time; notices of blocks only say when to look. So nothing
//! is missed while the worker or its connection is away.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use weft_chain::{AccountId, ChainError, Client, Notice, Signer, market::Asset, providers::Offer};
use weft_primitives::{AssetId, view::ProviderStatus};
use weft_vault::{Context, PublicKey, wrap::wrap_key};

use super::retired;
use crate::{
    asset,
    blocks::{Blocks, Wants},
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    shutdown::Shutdown,
    store::place::BackendArgs,
};

/// Time between two looks at the chain, at most one a block.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A grant that the chain refused is not tried again for so long.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// Serve the sealed files and grant keys.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to serve blocks on.
    #[arg(long, env = "WEFT_LISTEN", default_value = "127.0.0.1:7101", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// URL under which others reach that address, as announced on the chain. Without it, http:// and the address.
    #[arg(long, env = "WEFT_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Grant no keys: serve files only. Keys that custodians hold for licences only are never granted to providers.
    #[arg(long)]
    no_grants: bool,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// Why no provider is granted an asset's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Withheld {
    /// Nobody is granted any.
    ByOption,
    /// It was entrusted to custodians, and not for providers.
    NotForProviders,
}

/// Whether providers may be granted a key. `licences_only` is what this home remembers; `custody` says, of one in custody, whether it
/// was entrusted for providers, too.
fn withheld(no_grants: bool, licences_only: bool, custody: Option<bool>) -> Option<Withheld> {
    if no_grants {
        return Some(Withheld::ByOption);
    }
    (licences_only || custody == Some(false)).then_some(Withheld::NotForProviders)
}

struct Server {
    home: Home,
    creator: Signer,
    client: Client,
    /// Grants that the chain refused, and when.
    refused: BTreeMap<(AssetId, AccountId), Instant>,
    /// Assets whose key is not in this home, reported once.
    keyless: BTreeSet<AssetId>,
    no_grants: bool,
    /// Assets whose key providers are not granted, reported once.
    withheld: BTreeSet<AssetId>,
}

impl Args {
    /// Runs until interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, creator) = self.identity.open()?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let served = blocks.serve(self.listen, Wants::nothing()).await?;
        let endpoint = self.endpoint.unwrap_or_else(|| format!("http://{}", served.address()));
        let client = self.node.connect_patiently().await?;
        let mut notices = client.blocks();
        let mut server = Server {
            home,
            creator,
            client,
            refused: BTreeMap::new(),
            keyless: BTreeSet::new(),
            no_grants: self.no_grants,
            withheld: BTreeSet::new(),
        };
        let mut shutdown = Shutdown::listen()?;
        tracing::info!(creator = %server.creator.account(), %endpoint, "serving");
        server.announce(&endpoint).await?;
        let mut looked: Option<Instant> = None;
        let mut let_go: Option<Instant> = None;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                match server.grant_all().await {
                    Ok(()) => {}
                    Err(Failure::Chain(error)) if error.is_transient() => tracing::warn!(%error, "will look again"),
                    Err(failure) => return Err(failure),
                }
            }
            if let_go.is_none_or(|at| at.elapsed() >= retired::EVERY) {
                let_go = Some(Instant::now());
                // Whoever is granted a key must not wait for what could not be tidied up.
                if let Err(failure) = retired::let_go(&server.client, &blocks).await {
                    tracing::warn!(%failure, "what is retired stays for now");
                }
            }
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(Ok(Notice::Reconnected)) => looked = None,
                    Some(Ok(_)) => {},
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::Network("the node's blocks ended: start again".into())),
                },
                () = shutdown.asked() => break,
            }
        }
        tracing::info!("stopped");
        served.stop().await;
        Ok(())
    }
}

impl Server {
    /// Says on the chain where blocks are served, if it is not said already.
    async fn announce(&self, endpoint: &str) -> Result<(), Failure> {
        let me = self.creator.account();
        let said = self.client.market().endpoint(me).await?;
        if said.as_deref() != Some(endpoint) {
            self.client
                .market()
                .set_endpoint(&self.creator, Some(endpoint.to_owned()))
                .await?;
            tracing::info!(%endpoint, "announced");
        }
        Ok(())
    }

    /// Grants what is to be granted now.
    async fn grant_all(&mut self) -> Result<(), Failure> {
        self.refused.retain(|_, at| at.elapsed() < REFUSED_FOR);
        let me = self.creator.account();
        let mut from = Some(0);
        while let Some(start) = from {
            let page = self.client.market().assets_by_creator(me, start).await?;
            for asset in page.items.iter().filter(|asset| asset.listed) {
                self.grant_for(asset).await?;
            }
            from = page.next;
        }
        Ok(())
    }

    async fn grant_for(&mut self, asset: &Asset) -> Result<(), Failure> {
        let mut from = Some(0);
        let mut is_looked_up = false;
        while let Some(start) = from {
            let page = self.client.providers().offers_for_model(asset.id, start).await?;
            for offer in page.items.iter().filter(|offer| !offer.keyed) {
                if self.refused.contains_key(&(asset.id, offer.provider)) || !self.has_stake(offer).await? {
                    continue;
                }
                if !is_looked_up && self.withholds(asset, offer).await? {
                    return Ok(());
                }
                is_looked_up = true;
                self.grant(asset, offer).await?;
            }
            from = page.next;
        }
        Ok(())
    }

    /// Whether an asset's key is kept from providers, one of whom would have it.
    async fn withholds(&mut self, asset: &Asset, offer: &Offer) -> Result<bool, Failure> {
        let licences_only = self.home.is_for_licences_only(&asset.content.to_string());
        let custody = match self.no_grants || licences_only {
            true => None,
            false => self.client.custody().custody(asset.id).await?,
        };
        let Some(why) = withheld(
            self.no_grants,
            licences_only,
            custody.map(|custody| custody.to_providers),
        ) else {
            return Ok(false);
        };
        if self.withheld.insert(asset.id) {
            let why = match why {
                Withheld::ByOption => "this creator grants none (--no-grants)",
                Withheld::NotForProviders => {
                    "it was entrusted with --not-to-providers; `weft market disentrust` it, and entrust it without"
                }
            };
            tracing::info!(asset = asset.id, provider = %offer.provider, "no key granted: {why}");
        }
        Ok(true)
    }

    /// A key is worth the model: only who has something to lose gets it.
    async fn has_stake(&self, offer: &Offer) -> Result<bool, Failure> {
        let provider = self.client.providers().provider(offer.provider).await?;
        let minimum = self.client.providers().minimum_stake().await?;
        Ok(
            provider
                .is_some_and(|provider| provider.status != ProviderStatus::Understaked && provider.stake >= minimum),
        )
    }

    async fn grant(&mut self, asset: &Asset, offer: &Offer) -> Result<(), Failure> {
        let Some(key) = self.home.content_key(&asset.content.to_string())? else {
            if self.keyless.insert(asset.id) {
                tracing::warn!(
                    asset = asset.id,
                    "its key is not in this home: serve it from the home it was published from"
                );
            }
            return Ok(());
        };
        let context = Context::ModelGrant {
            asset: asset.id,
            ciphertext: asset.content.to_cid_bytes(),
        };
        let recipient = PublicKey::from_bytes(offer.encryption_key);
        let wrapped = match wrap_key(&key, &recipient, &self.client.genesis_hash(), &context) {
            Ok(wrapped) => wrapped,
            Err(error) => {
                tracing::warn!(asset = asset.id, provider = %offer.provider, %error, "no key granted");
                self.refused.insert((asset.id, offer.provider), Instant::now());
                return Ok(());
            }
        };
        let granted = self
            .client
            .market()
            .grant_key(&self.creator, asset.id, offer.provider, offer.encryption_key, wrapped.0)
            .await;
        match granted {
            Ok(()) => {
                tracing::info!(asset = asset.id, name = asset::name(asset), provider = %offer.provider, "key granted")
            }
            Err(error @ (ChainError::Rejected { .. } | ChainError::CannotPayFee { .. } | ChainError::Refused(_))) => {
                tracing::warn!(asset = asset.id, provider = %offer.provider, %error, "no key granted");
                self.refused.insert((asset.id, offer.provider), Instant::now());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_for_licences_only_are_not_granted_to_providers() {
        assert_eq!(withheld(false, false, None), None);
        assert_eq!(withheld(false, false, Some(true)), None);
        assert_eq!(withheld(false, false, Some(false)), Some(Withheld::NotForProviders));
        // Also once custodians do not keep it any more, and before they do.
        assert_eq!(withheld(false, true, None), Some(Withheld::NotForProviders));
        for custody in [None, Some(true), Some(false)] {
            assert_eq!(withheld(true, false, custody), Some(Withheld::ByOption));
        }
    }
}
