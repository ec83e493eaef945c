//! Paid storage.

use subxt::utils::Static;
use weft_primitives::{
    AssetId, Balance,
    page::{MAX_PAGE, Page},
    pieces::{Epoch, PinDealId},
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A deal about the storage of an asset's sealed file.
pub type PinDeal = weft_primitives::pin_view::PinDealView<AccountId>;
/// A pinner in a deal.
pub type Pin = weft_primitives::pin_view::PinView<AccountId>;
pub use weft_primitives::pin_view::ChallengeView as Challenge;

/// A piece of a file, and what leads from it to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceProof {
    /// The epoch that it is for.
    pub epoch: Epoch,
    /// The piece, counted from 0.
    pub piece: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Siblings, from the leaf upwards.
    pub siblings: Vec<[u8; 32]>,
}

/// Reads and calls about paid storage.
pub struct Pins<'a> {
    pub(crate) client: &'a Client,
}

impl Pins<'_> {
    /// One deal; `None` if it was never opened, or is closed and left by all.
    pub async fn deal(&self, deal: PinDealId) -> Result<Option<PinDeal>, ChainError> {
        self.client
            .read("show a deal", |view| async move {
                let call = runtime::runtime_apis().pins_api().pin_deal(deal);
                Ok(view.runtime_apis().call(call).await?.map(|Static(deal)| deal))
            })
            .await
    }

    /// One deal as of the last finalised block: what it says is said for good.
    pub async fn deal_finalised(&self, deal: PinDealId) -> Result<Option<PinDeal>, ChainError> {
        self.client
            .read_finalised("show a deal", |view| async move {
                let call = runtime::runtime_apis().pins_api().pin_deal(deal);
                Ok(view.runtime_apis().call(call).await?.map(|Static(deal)| deal))
            })
            .await
    }

    /// A page of the deals that are not closed, from position `from`.
    pub async fn deals(&self, from: u64) -> Result<Page<PinDeal>, ChainError> {
        self.client
            .read("list deals", |view| async move {
                let call = runtime::runtime_apis().pins_api().pin_deals(from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(deal)| deal).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// A page of the deals about one asset that are not closed, from position `from`.
    pub async fn deals_about(&self, asset: AssetId, from: u64) -> Result<Page<PinDeal>, ChainError> {
        self.client
            .read("list an asset's deals", |view| async move {
                let call = runtime::runtime_apis()
                    .pins_api()
                    .pin_deals_about(asset, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(deal)| deal).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// A page of what `account` pins, from position `from`.
    pub async fn pins_of(&self, account: AccountId, from: u64) -> Result<Page<Pin>, ChainError> {
        self.client
            .read("list pins", |view| async move {
                let call = runtime::runtime_apis().pins_api().pins_of(account, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(pin)| pin).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// What `pinner` has to prove now; `None` if nothing.
    pub async fn challenge(&self, deal: PinDealId, pinner: AccountId) -> Result<Option<Challenge>, ChainError> {
        self.client
            .read("show a challenge", |view| async move {
                let call = runtime::runtime_apis().pins_api().challenge(deal, pinner);
                Ok(view.runtime_apis().call(call).await?.map(|Static(challenge)| challenge))
            })
            .await
    }

    /// Opens a deal on the sealed file of an asset and returns its number.
    pub async fn open(
        &self,
        opener: &Signer,
        asset: AssetId,
        reward_per_epoch: Balance,
        epochs: u32,
        places: u32,
    ) -> Result<PinDealId, ChainError> {
        let call = runtime::transactions()
            .pins()
            .open(asset, reward_per_epoch, epochs, places);
        let included = self.client.submit(opener, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::pins::events::Opened>("a deal")?.deal)
    }

    /// Joins a deal as pinner.
    pub async fn join(&self, pinner: &Signer, deal: PinDealId) -> Result<(), ChainError> {
        let call = runtime::transactions().pins().join(deal);
        self.client.submit(pinner, &call, Until::InBlock).await.map(drop)
    }

    /// Answers a challenge; returns what was paid.
    pub async fn prove(&self, pinner: &Signer, deal: PinDealId, proof: PieceProof) -> Result<Balance, ChainError> {
        use runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec;
        let call = runtime::transactions().pins().prove(
            deal,
            proof.epoch,
            proof.piece,
            BoundedVec(proof.bytes),
            BoundedVec(proof.siblings),
        );
        let included = self.client.submit(pinner, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::pins::events::Proven>("a proof")?.paid)
    }

    /// Leaves a deal.
    pub async fn leave(&self, pinner: &Signer, deal: PinDealId) -> Result<(), ChainError> {
        let call = runtime::transactions().pins().leave(deal);
        self.client.submit(pinner, &call, Until::InBlock).await.map(drop)
    }

    /// Removes a pinner who has missed too many proofs.
    pub async fn evict(&self, who: &Signer, deal: PinDealId, pinner: AccountId) -> Result<(), ChainError> {
        let call = runtime::transactions().pins().evict(deal, pinner);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Ends a deal early, after the notice period.
    pub async fn give_notice(&self, opener: &Signer, deal: PinDealId) -> Result<(), ChainError> {
        let call = runtime::transactions().pins().give_notice(deal);
        self.client.submit(opener, &call, Until::InBlock).await.map(drop)
    }

    /// Closes a deal that is over; returns what comes back.
    pub async fn close(&self, opener: &Signer, deal: PinDealId) -> Result<Balance, ChainError> {
        let call = runtime::transactions().pins().close(deal);
        let included = self.client.submit(opener, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::pins::events::Closed>("a closed deal")?
            .returned)
    }
}
