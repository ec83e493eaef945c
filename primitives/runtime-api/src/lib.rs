//! What clients ask the chain: runtime APIs, answered at any block.
//!
//! Everything that lists is paged ([`Page`]): `from` is 0 for the first page and the previous page's `next` after
//! that, `limit` is capped at [`weft_primitives::page::MAX_PAGE`].

#![cfg_attr(not(feature = "std"), no_std)]

use codec::Codec;
use weft_primitives::{
    AssetId, JobId,
    job_view::JobView,
    page::Page,
    view::{AssetView, OfferView, ProviderView},
};

sp_api::decl_runtime_apis! {
    /// Published models and datasets.
    pub trait MarketApi<AccountId> where AccountId: Codec {
        /// One asset; `None` if the number was never given.
        fn asset(asset: AssetId) -> Option<AssetView<AccountId>>;
        /// All assets in the order of publication.
        fn assets(from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        /// The assets one account published, in the order of publication.
        fn assets_by_creator(creator: AccountId, from: u64, limit: u32) -> Page<AssetView<AccountId>>;
    }

    /// Who computes.
    pub trait ProvidersApi<AccountId> where AccountId: Codec {
        /// One provider by owner account.
        fn provider(owner: AccountId) -> Option<ProviderView<AccountId>>;
        /// The offers on a model, matchable or not, with the reason why not.
        fn offers_for_model(model: AssetId, from: u64, limit: u32) -> Page<OfferView<AccountId>>;
    }

    /// Work in progress and receipts.
    pub trait JobsApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
        /// One job, alive or ended; `None` if unknown or its receipt has been pruned.
        fn job(job: JobId) -> Option<JobView<AccountId, BlockNumber>>;
        /// The jobs one account posted.
        fn jobs_by_user(user: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>>;
        /// The jobs a provider has yet to finish.
        fn active_jobs_of_provider(provider: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>>;
    }
}
