//! Models and datasets.

use subxt::utils::Static;
use weft_primitives::{
    AssetId, AssetKind, ContentId, Ppm,
    device::{EncryptionKey, WrappedKey},
    page::{MAX_PAGE, Page},
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// An asset as the chain shows it.
pub type Asset = weft_primitives::view::AssetView<AccountId>;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAsset {
    /// What it is.
    pub kind: AssetKind,
    /// Name shown to people; not unique.
    pub name: String,
    /// The manifest's block.
    pub manifest: ContentId,
    /// Root of the sealed file.
    pub content: ContentId,
    /// Size of the sealed file in bytes.
    pub size_bytes: u64,
    /// Commitment to the content key.
    pub key_commitment: [u8; 32],
    /// The creator's share of a job's price after the treasury's cut, in parts per million.
    pub royalty: Ppm,
    /// Of an exact model: the root that commits to its configuration and weights.
    pub exact_root: Option<[u8; 32]>,
}

/// A content key wrapped for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The X25519 key it is wrapped to.
    pub encryption_key: EncryptionKey,
    /// The wrapped key.
    pub wrapped: WrappedKey,
}

/// Reads and calls of the market.
pub struct Market<'a> {
    pub(crate) client: &'a Client,
}

impl Market<'_> {
    /// One asset; `None` if the number was never given.
    pub async fn asset(&self, asset: AssetId) -> Result<Option<Asset>, ChainError> {
        self.client
            .read("show an asset", |view| async move {
                let call = runtime::runtime_apis().market_api().asset(asset);
                Ok(view.runtime_apis().call(call).await?.map(|Static(asset)| asset))
            })
            .await
    }

    /// A page of all assets in the order of publication, from position `from`.
    pub async fn assets(&self, from: u64) -> Result<Page<Asset>, ChainError> {
        self.client
            .read("list assets", |view| async move {
                let call = runtime::runtime_apis().market_api().assets(from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(asset)| asset).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// A page of the assets that `creator` published, in the order of publication, from position `from`.
    pub async fn assets_by_creator(&self, creator: AccountId, from: u64) -> Result<Page<Asset>, ChainError> {
        self.client
            .read("list assets", |view| async move {
                let call = runtime::runtime_apis()
                    .market_api()
                    .assets_by_creator(creator, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(asset)| asset).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// Where a creator's blocks are served, if they said so.
    pub async fn endpoint(&self, creator: AccountId) -> Result<Option<String>, ChainError> {
        self.client
            .read("tell a creator's endpoint", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().market().endpoints(), (creator,))
                    .await?;
                Ok(match found {
                    Some(value) => Some(String::from_utf8_lossy(&value.decode()?.url.0).into_owned()),
                    None => None,
                })
            })
            .await
    }

    /// The content key wrapped for a provider; `None` if there is no grant.
    pub async fn grant(&self, asset: AssetId, provider: AccountId) -> Result<Option<Grant>, ChainError> {
        self.client
            .read("show a grant", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().market().grants(), (asset, provider))
                    .await?;
                Ok(match found {
                    Some(value) => {
                        let grant = value.decode()?;
                        Some(Grant {
                            encryption_key: grant.encryption_key,
                            wrapped: grant.wrapped,
                        })
                    }
                    None => None,
                })
            })
            .await
    }

    /// Publishes an asset and returns its number.
    pub async fn publish(&self, creator: &Signer, asset: NewAsset) -> Result<AssetId, ChainError> {
        let call = runtime::transactions().market().publish(
            Static(asset.kind),
            runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(asset.name.into_bytes()),
            Static(asset.manifest),
            Static(asset.content),
            asset.size_bytes,
            asset.key_commitment,
            asset.royalty,
            asset.exact_root,
        );
        let included = self.client.submit(creator, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::market::events::Published>("a publication")?
            .asset)
    }

    /// Retires an asset: no new offers, grants or jobs.
    pub async fn retire(&self, creator: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().retire(asset);
        self.client.submit(creator, &call, Until::InBlock).await.map(drop)
    }

    /// Stores the content key, wrapped for `provider`'s present key `for_key`.
    pub async fn grant_key(
        &self,
        creator: &Signer,
        asset: AssetId,
        provider: AccountId,
        for_key: EncryptionKey,
        wrapped: WrappedKey,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .market()
            .grant_key(asset, provider, for_key, wrapped);
        self.client.submit(creator, &call, Until::InBlock).await.map(drop)
    }

    /// Takes a grant back.
    pub async fn revoke_key(&self, creator: &Signer, asset: AssetId, provider: AccountId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().revoke_key(asset, provider);
        self.client.submit(creator, &call, Until::InBlock).await.map(drop)
    }

    /// Says where the creator's blocks are served, or that they are not any more.
    pub async fn set_endpoint(&self, creator: &Signer, url: Option<String>) -> Result<(), ChainError> {
        let url = url.map(|url| runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(url.into_bytes()));
        let call = runtime::transactions().market().set_endpoint(url);
        self.client.submit(creator, &call, Until::InBlock).await.map(drop)
    }
}
