//! The store of apps.

use subxt::utils::Static;
use weft_primitives::{
    Balance, ContentId,
    page::{MAX_PAGE, Page},
    payment::Currency,
    space::{Called, Category, Grievance, PaidUse, ReleaseNumber, SpaceId},
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A Space as the chain shows it.
pub type Space = weft_primitives::space_view::SpaceView<AccountId>;
/// What a user who paid says of a Space.
pub type Review = weft_primitives::space_view::ReviewView<AccountId>;
/// That somebody bought a Space.
pub type Purchase = weft_primitives::space_view::PurchaseView<AccountId>;
/// Which Spaces are looked for.
pub type SpaceQuery = weft_primitives::space_view::SpaceQuery<AccountId>;
/// What somebody reported about a Space.
pub type Report = weft_primitives::space_view::ReportView<AccountId>;
pub use weft_primitives::space_view::ReleaseView as Release;

/// A new Space with its first release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSpace {
    /// Shown to people; not unique.
    pub title: String,
    /// What it is for.
    pub category: Category,
    /// The label of the first release.
    pub version: String,
    /// The manifest's block.
    pub manifest: ContentId,
    /// The bundle's root.
    pub bundle: ContentId,
    /// The bundle's size in bytes.
    pub bundle_bytes: u64,
    /// What there is to say of the first release.
    pub notes: Option<ContentId>,
    /// The assets it calls, and their shares of its price.
    pub calls: Vec<Called>,
    /// In what it is paid.
    pub currency: Currency,
    /// What it costs, once; 0 if it needs no purchase.
    pub price: Balance,
}

/// A further release of a Space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease {
    /// Its label.
    pub version: String,
    /// The manifest's block.
    pub manifest: ContentId,
    /// The bundle's root.
    pub bundle: ContentId,
    /// The bundle's size in bytes.
    pub bundle_bytes: u64,
    /// What is new.
    pub notes: Option<ContentId>,
}

/// Reads and calls about Spaces.
pub struct Spaces<'a> {
    pub(crate) client: &'a Client,
}

fn bounded<T>(items: Vec<T>) -> runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec<T> {
    runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(items)
}

impl Spaces<'_> {
    /// One Space; `None` if the number was never given.
    pub async fn space(&self, space: SpaceId) -> Result<Option<Space>, ChainError> {
        self.client
            .read("show a Space", |view| async move {
                let call = runtime::runtime_apis().spaces_api().space(space);
                Ok(view.runtime_apis().call(call).await?.map(|Static(space)| space))
            })
            .await
    }

    /// A page of the Spaces that answer `query`, the best rated first, from position `from`.
    pub async fn spaces(&self, query: SpaceQuery, from: u64) -> Result<Page<Space>, ChainError> {
        self.client
            .read("search Spaces", |view| {
                let query = Static(query.clone());
                async move {
                    let call = runtime::runtime_apis().spaces_api().spaces(query, from, MAX_PAGE);
                    let page = view.runtime_apis().call(call).await?;
                    Ok(Page {
                        items: page.items.into_iter().map(|Static(space)| space).collect(),
                        next: page.next,
                    })
                }
            })
            .await
    }

    /// A page of the releases of a Space, from position `from`.
    pub async fn releases(&self, space: SpaceId, from: u64) -> Result<Page<Release>, ChainError> {
        self.client
            .read("list releases", |view| async move {
                let call = runtime::runtime_apis().spaces_api().releases(space, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(release)| release).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// A page of what users who paid say of a Space, from position `from`.
    pub async fn reviews(&self, space: SpaceId, from: u64) -> Result<Page<Review>, ChainError> {
        self.client
            .read("list reviews", |view| async move {
                let call = runtime::runtime_apis().spaces_api().reviews(space, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(review)| review).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// What an account bought; `None` if it did not buy the Space.
    pub async fn purchase(&self, space: SpaceId, account: AccountId) -> Result<Option<Purchase>, ChainError> {
        self.client
            .read("show a purchase", |view| async move {
                let call = runtime::runtime_apis().spaces_api().purchase(space, account);
                Ok(view.runtime_apis().call(call).await?.map(|Static(purchase)| purchase))
            })
            .await
    }

    /// A page of the reports of a Space that are not resolved, from position `from`.
    pub async fn reports(&self, space: SpaceId, from: u64) -> Result<Page<Report>, ChainError> {
        self.client
            .read("list reports", |view| async move {
                let call = runtime::runtime_apis()
                    .spaces_api()
                    .space_reports(space, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(report)| report).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// Publishes a Space with its first release, and returns its number.
    pub async fn publish(&self, owner: &Signer, space: NewSpace) -> Result<SpaceId, ChainError> {
        let call = runtime::transactions().spaces().publish(
            bounded(space.title.into_bytes()),
            Static(space.category),
            bounded(space.version.into_bytes()),
            Static(space.manifest),
            Static(space.bundle),
            space.bundle_bytes,
            space.notes.map(Static),
            bounded(space.calls.into_iter().map(Static).collect()),
            Static(space.currency),
            space.price,
        );
        let included = self.client.submit(owner, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::spaces::events::Published>("a Space")?.space)
    }

    /// Publishes a further release, and returns its number.
    pub async fn release(
        &self,
        owner: &Signer,
        space: SpaceId,
        release: NewRelease,
    ) -> Result<ReleaseNumber, ChainError> {
        let call = runtime::transactions().spaces().release(
            space,
            Static(release.manifest),
            Static(release.bundle),
            release.bundle_bytes,
            release.notes.map(Static),
            bounded(release.version.into_bytes()),
        );
        let included = self.client.submit(owner, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::spaces::events::Released>("a release")?.number)
    }

    /// Changes which assets a Space calls, and their shares of its price.
    pub async fn set_calls(&self, owner: &Signer, space: SpaceId, calls: Vec<Called>) -> Result<(), ChainError> {
        let calls = bounded(calls.into_iter().map(Static).collect());
        let call = runtime::transactions().spaces().set_calls(space, calls);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Changes what a Space costs.
    pub async fn set_price(
        &self,
        owner: &Signer,
        space: SpaceId,
        currency: Currency,
        price: Balance,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .spaces()
            .set_price(space, Static(currency), price);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Offers a Space to another account, or takes the offer back.
    pub async fn offer_transfer(
        &self,
        owner: &Signer,
        space: SpaceId,
        to: Option<AccountId>,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().offer_transfer(space, to);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Takes over a Space that was offered, with its deposits.
    pub async fn accept_transfer(&self, to: &Signer, space: SpaceId) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().accept_transfer(space);
        self.client.submit(to, &call, Until::InBlock).await.map(drop)
    }

    /// Withdraws a Space from the store.
    pub async fn retire(&self, owner: &Signer, space: SpaceId) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().retire(space);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Buys a Space for at most `max_price`, and returns what was paid.
    pub async fn buy(
        &self,
        buyer: &Signer,
        space: SpaceId,
        currency: Currency,
        max_price: Balance,
    ) -> Result<Balance, ChainError> {
        let call = runtime::transactions().spaces().buy(space, Static(currency), max_price);
        let included = self.client.submit(buyer, &call, Until::InBlock).await?;
        Ok(included.event::<runtime::spaces::events::Bought>("a purchase")?.price)
    }

    /// Gives a purchase up for its deposit.
    pub async fn forget(&self, buyer: &Signer, space: SpaceId) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().forget(space);
        self.client.submit(buyer, &call, Until::InBlock).await.map(drop)
    }

    /// Takes one's rating back, with its deposit.
    pub async fn withdraw_rating(&self, who: &Signer, space: SpaceId) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().withdraw_rating(space);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Takes one's report back, which governance left alone, with its bond.
    pub async fn withdraw_report(&self, who: &Signer, space: SpaceId) -> Result<(), ChainError> {
        let call = runtime::transactions().spaces().withdraw_report(space);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Rates a Space from 1 to 5 stars after paid use.
    pub async fn rate(
        &self,
        who: &Signer,
        space: SpaceId,
        stars: u8,
        review: Option<ContentId>,
        proof: PaidUse,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .spaces()
            .rate(space, stars, review.map(Static), Static(proof));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Reports a Space, with a bond.
    pub async fn report(
        &self,
        who: &Signer,
        space: SpaceId,
        why: Grievance,
        evidence: Option<ContentId>,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .spaces()
            .report(space, Static(why), evidence.map(Static));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }
}
