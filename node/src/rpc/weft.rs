//! `weft_*`: assets, licences, keys in custody, paid storage, Spaces, providers and jobs, as the runtime APIs answer them, in JSON.
//!
//! Lists are paged: `from` is 0, then the previous answer's `next`; `limit` is capped by the runtime. `at` is a block
//! hash, the best block if left out.

use std::sync::Arc;

use jsonrpsee::{
    core::RpcResult,
    proc_macros::rpc,
    types::{ErrorObjectOwned, error::ErrorCode},
};
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use weft_primitives::{
    AssetId, JobId, LicenceId, WorkId,
    custody_view::{CustodianView, CustodyView, DealingId, DealingView, KeyRequestId, KeyRequestView},
    discovery::Query,
    job_view::JobView,
    market_view::{LicenceView, LineageView, RatingView, ScrutinyView, WorkView},
    page::Page,
    pieces::PinDealId,
    pin_view::{ChallengeView, PinDealView, PinView},
    space::SpaceId,
    space_view::{PurchaseView, ReleaseView, ReportView, ReviewView, SpaceQuery, SpaceView},
    view::{AssetView, OfferView, ProviderView},
};
use weft_runtime::{AccountId, BlockNumber, Hash};
use weft_runtime_api::{CustodyApi, JobsApi, MarketApi, PinsApi, ProvidersApi, SpacesApi};

use crate::service::Client;

#[rpc(server, namespace = "weft")]
pub trait WeftApi {
    /// One asset; null if the number was never given.
    #[method(name = "asset")]
    fn asset(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<Option<AssetView<AccountId>>>;

    /// All assets in the order of publication.
    #[method(name = "assets")]
    fn assets(&self, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<AssetView<AccountId>>>;

    /// All versions of the works that one account owns, the newest work first.
    #[method(name = "assetsByCreator")]
    fn assets_by_creator(
        &self,
        creator: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<AssetView<AccountId>>>;

    /// One work; null if there is none with this number.
    #[method(name = "work")]
    fn work(&self, work: WorkId, at: Option<Hash>) -> RpcResult<Option<WorkView<AccountId>>>;

    /// The works that answer a question. A page may be short, or empty, and still have a next one.
    #[method(name = "search")]
    fn search(
        &self,
        query: Query<AccountId>,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<WorkView<AccountId>>>;

    /// The versions of a work, from the first on.
    #[method(name = "versions")]
    fn versions(&self, work: WorkId, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<AssetView<AccountId>>>;

    /// One licence; null if there is none with this number, or it was closed.
    #[method(name = "licence")]
    fn licence(&self, licence: LicenceId, at: Option<Hash>) -> RpcResult<Option<LicenceView<AccountId>>>;

    /// The licence that an account holds of a work.
    #[method(name = "licenceOf")]
    fn licence_of(
        &self,
        work: WorkId,
        holder: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Option<LicenceView<AccountId>>>;

    /// The licences that an account holds.
    #[method(name = "licencesOf")]
    fn licences_of(
        &self,
        holder: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<LicenceView<AccountId>>>;

    /// From what an asset was made, and who earns from it.
    #[method(name = "lineage")]
    fn lineage(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<Option<LineageView<AccountId>>>;

    /// What users who paid say of a work.
    #[method(name = "ratings")]
    fn ratings(&self, work: WorkId, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<RatingView<AccountId>>>;

    /// Who vouches for an asset, and what is reported of it.
    #[method(name = "scrutiny")]
    fn scrutiny(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<ScrutinyView<AccountId>>;

    /// The custody of an asset's key; null if nobody keeps it.
    #[method(name = "custody")]
    fn custody(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<Option<CustodyView<AccountId>>>;

    /// One sharing of a key.
    #[method(name = "dealing")]
    fn dealing(&self, dealing: DealingId, at: Option<Hash>) -> RpcResult<Option<DealingView<AccountId>>>;

    /// One request for a key; null once it can no longer be disputed.
    #[method(name = "keyRequest")]
    fn key_request(&self, request: KeyRequestId, at: Option<Hash>) -> RpcResult<Option<KeyRequestView<AccountId>>>;

    /// The requests that one custodian serves. A page may be empty and still have a next one.
    #[method(name = "keyRequestsFor")]
    fn key_requests_for(
        &self,
        custodian: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<KeyRequestView<AccountId>>>;

    /// One custodian; null if not registered.
    #[method(name = "custodian")]
    fn custodian(&self, custodian: AccountId, at: Option<Hash>) -> RpcResult<Option<CustodianView<AccountId>>>;

    /// The custodians from whom committees are drawn.
    #[method(name = "custodians")]
    fn custodians(&self, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<CustodianView<AccountId>>>;

    /// One deal.
    #[method(name = "pinDeal")]
    fn pin_deal(&self, deal: PinDealId, at: Option<Hash>) -> RpcResult<Option<PinDealView<AccountId>>>;

    /// The deals that are not closed. Their order changes as deals close.
    #[method(name = "pinDeals")]
    fn pin_deals(&self, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<PinDealView<AccountId>>>;

    /// The deals about one asset that are not closed. Their order changes as deals close.
    #[method(name = "pinDealsAbout")]
    fn pin_deals_about(
        &self,
        asset: AssetId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<PinDealView<AccountId>>>;

    /// What one account keeps.
    #[method(name = "pinsOf")]
    fn pins_of(
        &self,
        account: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<PinView<AccountId>>>;

    /// What a pinner has to prove now; null if nothing.
    #[method(name = "challenge")]
    fn challenge(&self, deal: PinDealId, pinner: AccountId, at: Option<Hash>) -> RpcResult<Option<ChallengeView>>;

    /// One Space.
    #[method(name = "space")]
    fn space(&self, space: SpaceId, at: Option<Hash>) -> RpcResult<Option<SpaceView<AccountId>>>;

    /// The Spaces that answer a question, the best rated first. A page may be short and still have a next one.
    #[method(name = "spaces")]
    fn spaces(
        &self,
        query: SpaceQuery<AccountId>,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<SpaceView<AccountId>>>;

    /// The releases of a Space.
    #[method(name = "releases")]
    fn releases(&self, space: SpaceId, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<ReleaseView>>;

    /// What users who paid say of a Space.
    #[method(name = "reviews")]
    fn reviews(
        &self,
        space: SpaceId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<ReviewView<AccountId>>>;

    /// What an account bought.
    #[method(name = "purchase")]
    fn purchase(
        &self,
        space: SpaceId,
        account: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Option<PurchaseView<AccountId>>>;

    /// What is reported of a Space and undecided.
    #[method(name = "spaceReports")]
    fn space_reports(
        &self,
        space: SpaceId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<ReportView<AccountId>>>;

    /// One provider by owner account; null if not registered.
    #[method(name = "provider")]
    fn provider(&self, owner: AccountId, at: Option<Hash>) -> RpcResult<Option<ProviderView<AccountId>>>;

    /// The offers on a model.
    #[method(name = "offersForModel")]
    fn offers_for_model(
        &self,
        model: AssetId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<OfferView<AccountId>>>;

    /// One job, alive or ended; null if unknown.
    #[method(name = "job")]
    fn job(&self, job: JobId, at: Option<Hash>) -> RpcResult<Option<JobView<AccountId, BlockNumber>>>;

    /// The jobs of one user.
    #[method(name = "jobsByUser")]
    fn jobs_by_user(
        &self,
        user: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<JobView<AccountId, BlockNumber>>>;

    /// The jobs a provider has yet to finish.
    #[method(name = "activeJobsOfProvider")]
    fn active_jobs_of_provider(
        &self,
        provider: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<JobView<AccountId, BlockNumber>>>;
}

/// Answers from the node's own state.
pub struct Weft {
    client: Arc<Client>,
}

impl Weft {
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    fn block(&self, at: Option<Hash>) -> Hash {
        at.unwrap_or_else(|| self.client.info().best_hash)
    }
}

fn failed(error: ApiError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(
        ErrorCode::InternalError.code(),
        "the runtime could not answer: is the block known, and its state not pruned?",
        Some(error.to_string()),
    )
}

/// Methods that ask the runtime's function of the same name, with the same arguments, at a block.
macro_rules! answered_by_the_runtime {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type,)* at: Option<Hash>) -> RpcResult<$answer> {
            self.client.runtime_api().$name(self.block(at), $($argument),*).map_err(failed)
        }
    )*};
}

impl WeftApiServer for Weft {
    answered_by_the_runtime! {
        asset(asset: AssetId) -> Option<AssetView<AccountId>>;
        assets(from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        assets_by_creator(creator: AccountId, from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        work(work: WorkId) -> Option<WorkView<AccountId>>;
        search(query: Query<AccountId>, from: u64, limit: u32) -> Page<WorkView<AccountId>>;
        versions(work: WorkId, from: u64, limit: u32) -> Page<AssetView<AccountId>>;
        licence(licence: LicenceId) -> Option<LicenceView<AccountId>>;
        licence_of(work: WorkId, holder: AccountId) -> Option<LicenceView<AccountId>>;
        licences_of(holder: AccountId, from: u64, limit: u32) -> Page<LicenceView<AccountId>>;
        lineage(asset: AssetId) -> Option<LineageView<AccountId>>;
        ratings(work: WorkId, from: u64, limit: u32) -> Page<RatingView<AccountId>>;
        scrutiny(asset: AssetId) -> ScrutinyView<AccountId>;
        custody(asset: AssetId) -> Option<CustodyView<AccountId>>;
        dealing(dealing: DealingId) -> Option<DealingView<AccountId>>;
        key_request(request: KeyRequestId) -> Option<KeyRequestView<AccountId>>;
        key_requests_for(custodian: AccountId, from: u64, limit: u32) -> Page<KeyRequestView<AccountId>>;
        custodian(custodian: AccountId) -> Option<CustodianView<AccountId>>;
        custodians(from: u64, limit: u32) -> Page<CustodianView<AccountId>>;
        pin_deal(deal: PinDealId) -> Option<PinDealView<AccountId>>;
        pin_deals(from: u64, limit: u32) -> Page<PinDealView<AccountId>>;
        pin_deals_about(asset: AssetId, from: u64, limit: u32) -> Page<PinDealView<AccountId>>;
        pins_of(account: AccountId, from: u64, limit: u32) -> Page<PinView<AccountId>>;
        challenge(deal: PinDealId, pinner: AccountId) -> Option<ChallengeView>;
        space(space: SpaceId) -> Option<SpaceView<AccountId>>;
        spaces(query: SpaceQuery<AccountId>, from: u64, limit: u32) -> Page<SpaceView<AccountId>>;
        releases(space: SpaceId, from: u64, limit: u32) -> Page<ReleaseView>;
        reviews(space: SpaceId, from: u64, limit: u32) -> Page<ReviewView<AccountId>>;
        purchase(space: SpaceId, account: AccountId) -> Option<PurchaseView<AccountId>>;
        space_reports(space: SpaceId, from: u64, limit: u32) -> Page<ReportView<AccountId>>;
        provider(owner: AccountId) -> Option<ProviderView<AccountId>>;
        offers_for_model(model: AssetId, from: u64, limit: u32) -> Page<OfferView<AccountId>>;
        job(job: JobId) -> Option<JobView<AccountId, BlockNumber>>;
        jobs_by_user(user: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>>;
        active_jobs_of_provider(provider: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>>;
    }
}
