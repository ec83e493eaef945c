//! Models and datasets.

use subxt::utils::Static;
use weft_primitives::{
    AssetId, AssetKind, Balance, ContentId, Ppm, WorkId,
    asset::{Flaw, Records},
    device::{EncryptionKey, WrappedKey},
    discovery::Query,
    licence::Tariff,
    lineage::Base,
    page::{MAX_PAGE, Page},
    rating::PaidUse,
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

/// A work as the chain shows it.
pub type Work = weft_primitives::market_view::WorkView<AccountId>;
/// From what an asset was made.
pub type Lineage = weft_primitives::market_view::LineageView<AccountId>;
/// What a user who paid says of a work.
pub type Rating = weft_primitives::market_view::RatingView<AccountId>;
/// Who vouches for an asset, and what is reported of it.
pub type Scrutiny = weft_primitives::market_view::ScrutinyView<AccountId>;

/// What is published: the first version of a work, or a further one.
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
    /// Root over the pieces of the sealed file.
    pub pieces_root: Option<[u8; 32]>,
    /// Of a dataset: what its records are held to.
    pub records: Option<Records>,
    /// From what it was made.
    pub bases: Vec<Base>,
}

/// How a new work is found, and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// By which it is found.
    pub tags: Vec<String>,
    /// At which prices it may be used; without any it is free.
    pub tariffs: Vec<Tariff>,
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

    /// One asset as of the last finalised block: what it says is said for good.
    pub async fn asset_finalised(&self, asset: AssetId) -> Result<Option<Asset>, ChainError> {
        self.client
            .read_finalised("show an asset", |view| async move {
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

    /// One work; `None` if there is none with this number.
    pub async fn work(&self, work: WorkId) -> Result<Option<Work>, ChainError> {
        self.client
            .read("show a work", |view| async move {
                let call = runtime::runtime_apis().market_api().work(work);
                Ok(view.runtime_apis().call(call).await?.map(|Static(work)| work))
            })
            .await
    }

    /// A page of at most `limit` works that answer `query`, from position `from`. A page may be short, or empty, and still have a
    /// next one.
    pub async fn search(&self, query: &Query<AccountId>, from: u64, limit: u32) -> Result<Page<Work>, ChainError> {
        self.client
            .read("search works", |view| {
                let query = query.clone();
                async move {
                    let call = runtime::runtime_apis()
                        .market_api()
                        .search(Static(query), from, limit.min(MAX_PAGE));
                    let page = view.runtime_apis().call(call).await?;
                    Ok(Page {
                        items: page.items.into_iter().map(|Static(work)| work).collect(),
                        next: page.next,
                    })
                }
            })
            .await
    }

    /// A page of the versions of a work, from position `from`.
    pub async fn versions(&self, work: WorkId, from: u64) -> Result<Page<Asset>, ChainError> {
        self.client
            .read("list versions", |view| async move {
                let call = runtime::runtime_apis().market_api().versions(work, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(asset)| asset).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// From what an asset was made, and who earns from it; `None` if there is no such asset.
    pub async fn lineage(&self, asset: AssetId) -> Result<Option<Lineage>, ChainError> {
        self.client
            .read("show a lineage", |view| async move {
                let call = runtime::runtime_apis().market_api().lineage(asset);
                Ok(view.runtime_apis().call(call).await?.map(|Static(lineage)| lineage))
            })
            .await
    }

    /// A page of what users who paid say of a work, from position `from`.
    pub async fn ratings(&self, work: WorkId, from: u64) -> Result<Page<Rating>, ChainError> {
        self.client
            .read("list ratings", |view| async move {
                let call = runtime::runtime_apis().market_api().ratings(work, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(rating)| rating).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// Who vouches for an asset, and what is reported of it.
    pub async fn scrutiny(&self, asset: AssetId) -> Result<Scrutiny, ChainError> {
        self.client
            .read("show what is said of an asset", |view| async move {
                let call = runtime::runtime_apis().market_api().scrutiny(asset);
                let Static(scrutiny) = view.runtime_apis().call(call).await?;
                Ok(scrutiny)
            })
            .await
    }

    /// Publishes a new work with its first version, and returns its number.
    pub async fn publish(&self, creator: &Signer, asset: NewAsset, listing: Listing) -> Result<AssetId, ChainError> {
        let call =
            runtime::transactions()
                .market()
                .publish(publication(asset), tags(listing.tags), tariffs(listing.tariffs));
        let included = self.client.submit(creator, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::market::events::Published>("a publication")?
            .asset)
    }

    /// Publishes a further version of a work, and returns its number.
    pub async fn release(&self, owner: &Signer, work: WorkId, asset: NewAsset) -> Result<AssetId, ChainError> {
        let call = runtime::transactions().market().release(work, publication(asset));
        let included = self.client.submit(owner, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::market::events::Published>("a publication")?
            .asset)
    }

    /// Changes by which tags a work is found.
    pub async fn set_tags(&self, owner: &Signer, work: WorkId, new: Vec<String>) -> Result<(), ChainError> {
        let call = runtime::transactions().market().set_tags(work, tags(new));
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Changes at which prices a work may be used. Licences that were bought stay as they are.
    pub async fn set_tariffs(&self, owner: &Signer, work: WorkId, new: Vec<Tariff>) -> Result<(), ChainError> {
        let call = runtime::transactions().market().set_tariffs(work, tariffs(new));
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Offers a work to another account, or takes the offer back.
    pub async fn offer_transfer(&self, owner: &Signer, work: WorkId, to: Option<AccountId>) -> Result<(), ChainError> {
        let call = runtime::transactions().market().offer_transfer(work, to);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Takes over a work that was offered.
    pub async fn accept_transfer(&self, to: &Signer, work: WorkId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().accept_transfer(work);
        self.client.submit(to, &call, Until::InBlock).await.map(drop)
    }

    /// Rates a work from 1 to 5 stars after paid use.
    pub async fn rate(
        &self,
        who: &Signer,
        work: WorkId,
        stars: u8,
        review: Option<ContentId>,
        proof: PaidUse,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .market()
            .rate(work, stars, review.map(Static), Static(proof));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Takes one's rating of a work back.
    pub async fn remove_rating(&self, who: &Signer, work: WorkId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().remove_rating(work);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Vouches for an asset with a stake.
    pub async fn attest(
        &self,
        who: &Signer,
        asset: AssetId,
        stake: Balance,
        report: ContentId,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions().market().attest(asset, stake, Static(report));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Vouches for an asset no longer, and gets the stake back.
    pub async fn withdraw_attestation(&self, who: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().withdraw_attestation(asset);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Says with a bond what is wrong with an asset.
    pub async fn report(&self, who: &Signer, asset: AssetId, why: Flaw, evidence: ContentId) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .market()
            .report(asset, Static(why), Static(evidence));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Ends a report that was not decided in time, so that `reporter` has the bond back.
    pub async fn expire_report(&self, who: &Signer, asset: AssetId, reporter: AccountId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().expire_report(asset, reporter);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
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

type BoundedVec<T> = runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec<T>;
type Publication = runtime::runtime_types::pallet_market::types::Publication<BoundedVec<u8>>;

fn publication(asset: NewAsset) -> Publication {
    Publication {
        kind: Static(asset.kind),
        name: runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(asset.name.into_bytes()),
        manifest: Static(asset.manifest),
        content: Static(asset.content),
        size_bytes: asset.size_bytes,
        key_commitment: asset.key_commitment,
        royalty: asset.royalty,
        exact_root: asset.exact_root,
        pieces_root: asset.pieces_root,
        records: asset.records.map(Static),
        bases: runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(
            asset.bases.into_iter().map(Static).collect(),
        ),
    }
}

fn tags(tags: Vec<String>) -> BoundedVec<BoundedVec<u8>> {
    use runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec;
    BoundedVec(tags.into_iter().map(|tag| BoundedVec(tag.into_bytes())).collect())
}

fn tariffs(tariffs: Vec<Tariff>) -> BoundedVec<Static<Tariff>> {
    runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(tariffs.into_iter().map(Static).collect())
}
