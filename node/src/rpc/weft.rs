//! `weft_*`: assets, providers and jobs, as the runtime APIs answer them, in JSON.
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
    AssetId, JobId,
    job_view::JobView,
    page::Page,
    view::{AssetView, OfferView, ProviderView},
};
use weft_runtime::{AccountId, BlockNumber, Hash};
use weft_runtime_api::{JobsApi, MarketApi, ProvidersApi};

use crate::service::Client;

#[rpc(server, namespace = "weft")]
pub trait WeftApi {
    /// One asset; null if the number was never given.
    #[method(name = "asset")]
    fn asset(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<Option<AssetView<AccountId>>>;

    /// All assets in the order of publication.
    #[method(name = "assets")]
    fn assets(&self, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<AssetView<AccountId>>>;

    /// The assets of one creator.
    #[method(name = "assetsByCreator")]
    fn assets_by_creator(
        &self,
        creator: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<AssetView<AccountId>>>;

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

impl WeftApiServer for Weft {
    fn asset(&self, asset: AssetId, at: Option<Hash>) -> RpcResult<Option<AssetView<AccountId>>> {
        self.client.runtime_api().asset(self.block(at), asset).map_err(failed)
    }

    fn assets(&self, from: u64, limit: u32, at: Option<Hash>) -> RpcResult<Page<AssetView<AccountId>>> {
        self.client
            .runtime_api()
            .assets(self.block(at), from, limit)
            .map_err(failed)
    }

    fn assets_by_creator(
        &self,
        creator: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<AssetView<AccountId>>> {
        self.client
            .runtime_api()
            .assets_by_creator(self.block(at), creator, from, limit)
            .map_err(failed)
    }

    fn provider(&self, owner: AccountId, at: Option<Hash>) -> RpcResult<Option<ProviderView<AccountId>>> {
        self.client
            .runtime_api()
            .provider(self.block(at), owner)
            .map_err(failed)
    }

    fn offers_for_model(
        &self,
        model: AssetId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<OfferView<AccountId>>> {
        self.client
            .runtime_api()
            .offers_for_model(self.block(at), model, from, limit)
            .map_err(failed)
    }

    fn job(&self, job: JobId, at: Option<Hash>) -> RpcResult<Option<JobView<AccountId, BlockNumber>>> {
        self.client.runtime_api().job(self.block(at), job).map_err(failed)
    }

    fn jobs_by_user(
        &self,
        user: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<JobView<AccountId, BlockNumber>>> {
        self.client
            .runtime_api()
            .jobs_by_user(self.block(at), user, from, limit)
            .map_err(failed)
    }

    fn active_jobs_of_provider(
        &self,
        provider: AccountId,
        from: u64,
        limit: u32,
        at: Option<Hash>,
    ) -> RpcResult<Page<JobView<AccountId, BlockNumber>>> {
        self.client
            .runtime_api()
            .active_jobs_of_provider(self.block(at), provider, from, limit)
            .map_err(failed)
    }
}
