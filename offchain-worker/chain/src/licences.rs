//! Licences of works.

use subxt::utils::Static;
use weft_primitives::{
    AssetId, LicenceId, WorkId,
    device::EncryptionKey,
    licence::Tariff,
    page::{MAX_PAGE, Page},
};

use crate::{
    account::{AccountId, Signer},
    blocks::BlockStamp,
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A licence as the chain shows it.
pub type Licence = weft_primitives::market_view::LicenceView<AccountId>;

/// Reads and calls about licences.
pub struct Licences<'a> {
    pub(crate) client: &'a Client,
}

impl Licences<'_> {
    /// One licence; `None` if there is none with this number, or it was closed.
    pub async fn licence(&self, licence: LicenceId) -> Result<Option<Licence>, ChainError> {
        self.client
            .read("show a licence", |view| async move {
                let call = runtime::runtime_apis().market_api().licence(licence);
                Ok(view.runtime_apis().call(call).await?.map(|Static(licence)| licence))
            })
            .await
    }

    /// The licence that `holder` has of a work.
    pub async fn of(&self, work: WorkId, holder: AccountId) -> Result<Option<Licence>, ChainError> {
        self.client
            .read("show a licence", |view| async move {
                let call = runtime::runtime_apis().market_api().licence_of(work, holder);
                Ok(view.runtime_apis().call(call).await?.map(|Static(licence)| licence))
            })
            .await
    }

    /// A page of the licences that `holder` has, from position `from`.
    pub async fn held_by(&self, holder: AccountId, from: u64) -> Result<Page<Licence>, ChainError> {
        self.client
            .read("list licences", |view| async move {
                let call = runtime::runtime_apis().market_api().licences_of(holder, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(licence)| licence).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// The numbers of all licences of a work, whoever holds them and whether or not they are in force.
    pub async fn of_work(&self, work: WorkId) -> Result<Vec<LicenceId>, ChainError> {
        self.client
            .read("list a work's licences", |view| async move {
                let entries = view.storage();
                let mut entries = entries.iter(runtime::storage().market().licence_of(), (work,)).await?;
                let mut licences = Vec::new();
                while let Some(entry) = entries.next().await {
                    licences.push(entry?.value().decode()?);
                }
                Ok(licences)
            })
            .await
    }

    /// Buys `quantity` of a tariff of the asset's work, and has its key sent to `encryption_key`. Returns the licence and the
    /// block of the purchase.
    pub async fn buy(
        &self,
        buyer: &Signer,
        asset: AssetId,
        tariff: Tariff,
        quantity: u32,
        encryption_key: EncryptionKey,
    ) -> Result<(LicenceId, BlockStamp), ChainError> {
        let call = runtime::transactions()
            .market()
            .buy(asset, Static(tariff), quantity, encryption_key);
        let included = self.client.submit(buyer, &call, Until::InBlock).await?;
        let licence = included
            .event::<runtime::market::events::Licensed>("a licence")?
            .licence;
        Ok((licence, included.block))
    }

    /// Has keys sent to another encryption key from now on.
    pub async fn set_key(
        &self,
        holder: &Signer,
        licence: LicenceId,
        encryption_key: EncryptionKey,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .market()
            .set_licence_key(licence, encryption_key);
        self.client.submit(holder, &call, Until::InBlock).await.map(drop)
    }

    /// Asks for the key of a version of the licensed work.
    pub async fn request_key(&self, holder: &Signer, licence: LicenceId, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().request_key(licence, asset);
        self.client.submit(holder, &call, Until::InBlock).await.map(drop)
    }

    /// Gives a licence up, and gets its deposit back.
    pub async fn close(&self, holder: &Signer, licence: LicenceId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().close_licence(licence);
        self.client.submit(holder, &call, Until::InBlock).await.map(drop)
    }

    /// Revokes a licence of one's own work, paying back what is unused.
    pub async fn revoke(&self, owner: &Signer, licence: LicenceId) -> Result<(), ChainError> {
        let call = runtime::transactions().market().revoke_licence(licence);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }
}
