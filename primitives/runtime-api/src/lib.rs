//! What clients ask the chain: runtime APIs, answered at any block.
//!
//! Everything that lists is paged ([`Page`]): `from` is 0 for the first page and the previous page's `next` after
//! that, `limit` is capped at [`weft_primitives::page::MAX_PAGE`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;

use codec::Codec;
use weft_disputes::view::DisputeView;
use weft_primitives::{
    AssetId, JobId, LicenceId, WorkId,
    custody_view::{CustodianView, CustodyView, DealingId, DealingView, KeyRequestId, KeyRequestView},
    discovery::Query,
    job_view::JobView,
    market_view::{LicenceView, LineageView, RatingView, ScrutinyView, WorkView},
    page::Page,
    pieces::PinDealId,
    pin_view::{ChallengeView, PinDealView, PinView},
    registry::KeyRecipient,
    space::SpaceId,
    space_view::{PurchaseView, ReleaseView, ReportView, ReviewView, SpaceQuery, SpaceView},
    view::{AssetView, OfferView, ProviderView},
};

sp_api::decl_runtime_apis! {
    /// Published models and datasets.
    pub trait MarketApi<AccountId> where AccountId: Codec {
        /// One asset; `None` if the number was never given.
        fn asset(asset: AssetId) -> Option<AssetView<AccountId>>;
        /// All assets in the order of publication.
        fn assets(from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        /// All versions of the works that one account owns, the newest work first.
        fn assets_by_creator(creator: AccountId, from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        /// One work; `None` if there is none with this number.
        fn work(work: WorkId) -> Option<WorkView<AccountId>>;
        /// The works that answer a question. A page may be short, or empty, and still have a next one.
        fn search(query: Query<AccountId>, from: u64, limit: u32) -> Page<WorkView<AccountId>>;
        /// The versions of a work, from the first on.
        fn versions(work: WorkId, from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        /// One licence; `None` if there is none with this number, or it was closed.
        fn licence(licence: LicenceId) -> Option<LicenceView<AccountId>>;
        /// The licence that an account holds of a work.
        fn licence_of(work: WorkId, holder: AccountId) -> Option<LicenceView<AccountId>>;
        /// The licences that an account holds.
        fn licences_of(holder: AccountId, from: u64, limit: u32) -> Page<LicenceView<AccountId>>;
        /// From what an asset was made, and who earns from it.
        fn lineage(asset: AssetId) -> Option<LineageView<AccountId>>;
        /// What users who paid say of a work.
        fn ratings(work: WorkId, from: u64, limit: u32) -> Page<RatingView<AccountId>>;
        /// Who vouches for an asset, and what is reported of it.
        fn scrutiny(asset: AssetId) -> ScrutinyView<AccountId>;
    }

    /// Keys that custodians hand out in their owners' absence.
    pub trait CustodyApi<AccountId> where AccountId: Codec {
        /// The custody of an asset's key; `None` if nobody keeps it.
        fn custody(asset: AssetId) -> Option<CustodyView<AccountId>>;
        /// One sharing of a key.
        fn dealing(dealing: DealingId) -> Option<DealingView<AccountId>>;
        /// The sharings in which one custodian has a share. A page may be empty and still have a next one.
        fn dealings_for(custodian: AccountId, from: u64, limit: u32) -> Page<DealingView<AccountId>>;
        /// One request for a key; `None` once it can no longer be disputed.
        fn key_request(request: KeyRequestId) -> Option<KeyRequestView<AccountId>>;
        /// The request of one recipient for an asset's key.
        fn key_request_of(recipient: KeyRecipient<AccountId>, asset: AssetId) -> Option<KeyRequestView<AccountId>>;
        /// The requests that one custodian serves. A page may be empty and still have a next one.
        fn key_requests_for(custodian: AccountId, from: u64, limit: u32) -> Page<KeyRequestView<AccountId>>;
        /// One custodian; `None` if not registered.
        fn custodian(custodian: AccountId) -> Option<CustodianView<AccountId>>;
        /// The custodians from whom committees are drawn.
        fn custodians(from: u64, limit: u32) -> Page<CustodianView<AccountId>>;
    }

    /// Paid storage.
    pub trait PinsApi<AccountId> where AccountId: Codec {
        /// One deal.
        fn pin_deal(deal: PinDealId) -> Option<PinDealView<AccountId>>;
        /// The deals that are not closed. Their order changes as deals close.
        fn pin_deals(from: u64, limit: u32) -> Page<PinDealView<AccountId>>;
        /// The deals about one asset that are not closed. Their order changes as deals close.
        fn pin_deals_about(asset: AssetId, from: u64, limit: u32) -> Page<PinDealView<AccountId>>;
        /// What one account keeps.
        fn pins_of(account: AccountId, from: u64, limit: u32) -> Page<PinView<AccountId>>;
        /// What a pinner has to prove now; `None` if nothing.
        fn challenge(deal: PinDealId, pinner: AccountId) -> Option<ChallengeView>;
    }

    /// The store of apps.
    pub trait SpacesApi<AccountId> where AccountId: Codec {
        /// One Space.
        fn space(space: SpaceId) -> Option<SpaceView<AccountId>>;
        /// The Spaces that answer a question, the best rated first. A page may be short and still have a next one.
        fn spaces(query: SpaceQuery<AccountId>, from: u64, limit: u32) -> Page<SpaceView<AccountId>>;
        /// The releases of a Space.
        fn releases(space: SpaceId, from: u64, limit: u32) -> Page<ReleaseView>;
        /// What users who paid say of a Space.
        fn reviews(space: SpaceId, from: u64, limit: u32) -> Page<ReviewView<AccountId>>;
        /// What an account bought.
        fn purchase(space: SpaceId, account: AccountId) -> Option<PurchaseView<AccountId>>;
        /// What is reported of a Space and undecided.
        fn space_reports(space: SpaceId, from: u64, limit: u32) -> Page<ReportView<AccountId>>;
    }

    /// Who computes.
    pub trait ProvidersApi<AccountId> where AccountId: Codec {
        /// One provider by owner account.
        fn provider(owner: AccountId) -> Option<ProviderView<AccountId>>;
        /// The offers on a model, matchable or not, with the reason why not.
        fn offers_for_model(model: AssetId, from: u64, limit: u32) -> Page<OfferView<AccountId>>;
    }

    /// Disputes about exact answers that have not ended.
    pub trait DisputesApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
        /// One dispute; `None` if it has ended, or the number was never given.
        fn dispute(dispute: u64) -> Option<DisputeView<AccountId, BlockNumber>>;
        /// All of them in the order of opening. A page may be short, or empty, and still have a next one.
        fn disputes(from: u64, limit: u32) -> Page<DisputeView<AccountId, BlockNumber>>;
        /// Those about one job: at most a page.
        fn disputes_of(job: JobId) -> Vec<DisputeView<AccountId, BlockNumber>>;
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
