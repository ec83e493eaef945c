//! The connection to a node.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use codec::Decode;
use subxt::{
    OnlineClient, OnlineClientAtBlock,
    backend::{BlockRef, LegacyBackend},
    config::RpcConfigFor,
    error::{BackendError, EventsError, ExtrinsicError, OnlineClientAtBlockError, RuntimeApiError, StorageError},
    metadata::Metadata,
    rpcs::{
        LegacyRpcMethods,
        client::{ReconnectingRpcClient, RpcClient, reconnecting_rpc_client::ExponentialBackoff},
    },
    utils::H256,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::{
    account::AccountId,
    balances::Balances,
    blocks::{BlockNotices, BlockStamp},
    compat::{self, Incompatible},
    custody::Keys,
    disputes::Disputes,
    error::ChainError,
    governance::Governance,
    jobs::Jobs,
    licences::Licences,
    market::Market,
    pins::Pins,
    providers::Providers,
    retry::{self, Limits},
    runtime::{self, Config},
    spaces::Spaces,
    tokens::Tokens,
};

/// The chain at one block.
pub(crate) type View = OnlineClientAtBlock<Config>;

pub(crate) type Rpc = LegacyRpcMethods<RpcConfigFor<Config>>;

/// A connection to a node, cheap to clone. It reconnects by itself; operations are repeated until [`Limits::overall`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    online: OnlineClient<Config>,
    rpc: Rpc,
    genesis: [u8; 32],
    limits: Limits,
    /// One lock an account: extrinsics of an account are submitted one after the other, so that nonces follow.
    signing: SyncMutex<BTreeMap<AccountId, Arc<Mutex<()>>>>,
}

/// Why one attempt at an operation failed.
pub(crate) enum Failure {
    /// Worth another attempt.
    Transient(String),
    /// The call's shape is not the one this build knows: the runtime was upgraded under us.
    Stale,
    /// Not worth it.
    Final(ChainError),
}

impl Client {
    /// Connects to a node at a `ws://` or `wss://` address, within `limits.connect`, and checks that this build knows
    /// its runtime.
    pub async fn connect(url: &str, limits: Limits) -> Result<Self, ChainError> {
        let unreachable = |reason: String| ChainError::Unreachable {
            url: url.to_owned(),
            reason,
        };
        if !url.starts_with("ws://") && !url.starts_with("wss://") {
            return Err(unreachable("the address must start with ws:// or wss://".into()));
        }
        probe(url, limits.connect).await.map_err(unreachable)?;
        let socket = ReconnectingRpcClient::builder()
            .retry_policy(ExponentialBackoff::from_millis(200).max_delay(Duration::from_secs(5)))
            .request_timeout(limits.attempt)
            .connection_timeout(limits.attempt)
            .build(url);
        let socket = timeout(limits.overall, socket)
            .await
            .map_err(|_| unreachable("the connection was lost again".into()))?
            .map_err(|error| unreachable(error.to_string()))?;
        let rpc_client = RpcClient::new(socket);
        // The legacy methods answer at any block hash and keep no per-connection state that a reconnect could lose.
        let backend = LegacyBackend::<Config>::builder().build(rpc_client.clone());
        let online = timeout(
            limits.overall,
            OnlineClient::from_backend_with_config(Config::new(), Arc::new(backend)),
        )
        .await
        .map_err(|_| unreachable("the node does not tell its genesis hash".into()))?
        .map_err(|error| unreachable(error.to_string()))?;
        let client = Self {
            inner: Arc::new(Inner {
                url: url.to_owned(),
                genesis: online.genesis_hash().0,
                online,
                rpc: LegacyRpcMethods::new(rpc_client),
                limits,
                signing: SyncMutex::default(),
            }),
        };
        client.check_runtime().await?;
        Ok(client)
    }

    /// The address given to [`Client::connect`].
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Hash of the first block: the chain's identity.
    pub fn genesis_hash(&self) -> [u8; 32] {
        self.inner.genesis
    }

    /// Limits of the operations.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Models and datasets.
    pub fn market(&self) -> Market<'_> {
        Market { client: self }
    }

    /// Licences of works.
    pub fn licences(&self) -> Licences<'_> {
        Licences { client: self }
    }

    /// Keys that custodians hand out.
    pub fn custody(&self) -> Keys<'_> {
        Keys { client: self }
    }

    /// Paid storage.
    pub fn pins(&self) -> Pins<'_> {
        Pins { client: self }
    }

    /// The store of apps.
    pub fn spaces(&self) -> Spaces<'_> {
        Spaces { client: self }
    }

    /// What governance decides.
    pub fn governance(&self) -> Governance<'_> {
        Governance { client: self }
    }

    /// Compute providers.
    pub fn providers(&self) -> Providers<'_> {
        Providers { client: self }
    }

    /// Jobs and receipts.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs { client: self }
    }

    /// Disputes about exact answers.
    pub fn disputes(&self) -> Disputes<'_> {
        Disputes { client: self }
    }

    /// Native tokens.
    pub fn balances(&self) -> Balances<'_> {
        Balances { client: self }
    }

    /// Tokens besides the native one.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens { client: self }
    }

    /// Notices of new blocks, from now on and across reconnects.
    pub fn blocks(&self) -> BlockNotices {
        BlockNotices::follow(self.clone())
    }

    /// The best block.
    pub async fn best(&self) -> Result<BlockStamp, ChainError> {
        self.read("tell its best block", |view| async move { Ok(stamp(&view)) })
            .await
    }

    /// The last finalised block.
    pub async fn finalised(&self) -> Result<BlockStamp, ChainError> {
        self.retry("tell its last finalised block", || async {
            Ok(stamp(&self.view_finalised().await?))
        })
        .await
    }

    /// Compares the node's runtime with the one this build knows.
    pub async fn check_runtime(&self) -> Result<(), ChainError> {
        let node = self
            .read("describe its runtime", |view| async move { Ok(view.metadata()) })
            .await?;
        let own = |reason: &str| Incompatible::OwnMetadata(reason.to_owned());
        let ours = Metadata::decode(&mut &runtime::METADATA[..]).map_err(|error| own(&error.to_string()))?;
        let our_version = compat::stated_version(&ours).ok_or_else(|| own("no version"))?;
        let node_version = compat::stated_version(&node).ok_or_else(|| Incompatible::Chain {
            expected: our_version.spec_name.clone(),
            found: "a chain without a version".into(),
        })?;
        compat::judge(&our_version, &node_version, compat::first_difference(&ours, &node))?;
        Ok(())
    }

    /// Which side to upgrade, after a call or read was found to have changed its shape.
    async fn explain_stale(&self) -> ChainError {
        match Box::pin(self.check_runtime()).await {
            Err(error) => error,
            Ok(()) => ChainError::Unreadable {
                what: "a call or read",
                reason: "its shape differs from this build's although the runtime's does not".into(),
            },
        }
    }

    /// Reads at the best block; the whole closure is repeated, at the then best block, if the connection fails.
    pub(crate) async fn read<T, F, Fut>(&self, what: &'static str, read: F) -> Result<T, ChainError>
    where
        F: Fn(View) -> Fut,
        Fut: Future<Output = Result<T, subxt::Error>>,
    {
        let read = &read;
        self.retry(what, || async move { Ok(read(self.view_best().await?).await?) })
            .await
    }

    /// Reads at the last finalised block.
    pub(crate) async fn read_finalised<T, F, Fut>(&self, what: &'static str, read: F) -> Result<T, ChainError>
    where
        F: Fn(View) -> Fut,
        Fut: Future<Output = Result<T, subxt::Error>>,
    {
        let read = &read;
        self.retry(what, || async move { Ok(read(self.view_finalised().await?).await?) })
            .await
    }

    pub(crate) async fn view_best(&self) -> Result<View, subxt::Error> {
        let none = None;
        let hash = self
            .inner
            .rpc
            .chain_get_block_hash(none)
            .await
            .map_err(BackendError::from)?
            .ok_or_else(|| subxt::Error::other_str("the node has no best block yet"))?;
        Ok(self.view_at(hash).await?)
    }

    pub(crate) async fn view_finalised(&self) -> Result<View, subxt::Error> {
        Ok(self.inner.online.at_current_block().await?)
    }

    pub(crate) async fn view_at(&self, hash: H256) -> Result<View, OnlineClientAtBlockError> {
        self.inner.online.at_block(BlockRef::from_hash(hash)).await
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        &self.inner.rpc
    }

    /// The lock under which extrinsics of `account` are submitted.
    pub(crate) fn signing_lock(&self, account: AccountId) -> Arc<Mutex<()>> {
        // The map is only ever inserted into, so a panic elsewhere cannot have left it half changed.
        let mut locks = self.inner.signing.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(account).or_default().clone()
    }

    /// Repeats `attempt` until it succeeds, fails for good, or the overall limit is reached.
    pub(crate) async fn retry<T, F, Fut>(&self, what: &'static str, attempt: F) -> Result<T, ChainError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let limits = self.inner.limits;
        let started = Instant::now();
        let mut failures = 0u32;
        loop {
            let reason = match timeout(limits.attempt, attempt()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(Failure::Stale)) => return Err(self.explain_stale().await),
                Ok(Err(Failure::Transient(reason))) => reason,
                Err(_) => format!("no answer within {} s", limits.attempt.as_secs()),
            };
            failures = failures.saturating_add(1);
            let wait = retry::wait_after(failures, retry::jitter());
            if started.elapsed() + wait > limits.overall {
                return Err(ChainError::NoAnswer {
                    what,
                    waited: started.elapsed(),
                    reason,
                });
            }
            tracing::debug!(what, failures, %reason, "the node did not answer, trying again");
            sleep(wait).await;
        }
    }
}

/// Connects once, to learn early and with a reason that nobody listens; the reconnecting client would wait in silence.
async fn probe(url: &str, limit: Duration) -> Result<(), String> {
    let started = Instant::now();
    let mut failures = 0u32;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        let reason = match timeout(left, RpcClient::from_insecure_url(url)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => innermost(&error),
            Err(_) => format!("no connection within {} s", limit.as_secs()),
        };
        failures = failures.saturating_add(1);
        let wait = retry::wait_after(failures, retry::jitter());
        if started.elapsed() + wait > limit {
            return Err(reason);
        }
        sleep(wait).await;
    }
}

/// The last cause of an error: what the operating system said.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

pub(crate) fn stamp(view: &View) -> BlockStamp {
    BlockStamp {
        // Block numbers are u32 on this chain; subxt widens them.
        number: u32::try_from(view.block_number()).unwrap_or(u32::MAX),
        hash: view.block_hash().0,
    }
}

impl From<subxt::Error> for Failure {
    fn from(error: subxt::Error) -> Self {
        if is_stale(&error) {
            return Self::Stale;
        }
        match transient_reason(&error) {
            Some(reason) => Self::Transient(reason),
            None => Self::Final(ChainError::Unreadable {
                what: "a read",
                reason: error.to_string(),
            }),
        }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        Self::Final(error)
    }
}

/// Whether what was asked has another shape on the chain than in this build.
fn is_stale(error: &subxt::Error) -> bool {
    matches!(
        error,
        subxt::Error::StorageError(StorageError::IncompatibleCodegen)
            | subxt::Error::RuntimeApiError(RuntimeApiError::IncompatibleCodegen)
            | subxt::Error::ExtrinsicError(ExtrinsicError::IncompatibleCodegen)
    )
}

/// The reason if the failure is the connection's and not the question's.
fn transient_reason(error: &subxt::Error) -> Option<String> {
    use subxt::Error as E;
    let backend = match error {
        E::BackendError(error) => error,
        E::OtherRpcClientError(error) => return is_transient_rpc(error).then(|| error.to_string()),
        E::StorageError(
            StorageError::CannotFetchValue(error)
            | StorageError::CannotIterateValues(error)
            | StorageError::StreamFailure(error),
        ) => error,
        E::EventsError(EventsError::CannotFetchEventBytes(error)) => error,
        E::RuntimeApiError(RuntimeApiError::CannotCallApi(error)) => error,
        E::OnlineClientAtBlockError(error) => match error {
            OnlineClientAtBlockError::CannotGetCurrentBlock { reason }
            | OnlineClientAtBlockError::CannotGetBlockHash { reason, .. }
            | OnlineClientAtBlockError::CannotGetBlockHeader { reason, .. }
            | OnlineClientAtBlockError::CannotGetSpecVersion { reason, .. } => reason,
            // The block was reorganised away or the node restarted in between: ask again at the best one.
            OnlineClientAtBlockError::CannotGetMetadata { .. }
            | OnlineClientAtBlockError::BlockHeaderNotFound { .. }
            | OnlineClientAtBlockError::BlockNotFound { .. } => return Some(error.to_string()),
            _ => return None,
        },
        E::ExtrinsicError(
            ExtrinsicError::CannotGetBlockBody(error) | ExtrinsicError::ErrorSubmittingTransaction(error),
        ) => error,
        _ => return None,
    };
    is_transient_backend(backend).then(|| backend.to_string())
}

fn is_transient_backend(error: &BackendError) -> bool {
    match error {
        BackendError::Rpc(subxt::error::RpcError::ClientError(error)) => is_transient_rpc(error),
        BackendError::Rpc(_) => true,
        _ => false,
    }
}

fn is_transient_rpc(error: &subxt::rpcs::Error) -> bool {
    use subxt::rpcs::Error as E;
    match error {
        E::Client(_) | E::DisconnectedWillReconnect(_) => true,
        // 4003: the node no longer or not yet has that block's state.
        E::User(error) => error.code == 4003,
        _ => false,
    }
}
