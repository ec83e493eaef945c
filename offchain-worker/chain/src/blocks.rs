//! Notices of new blocks that outlive the connection.

use std::time::Duration;

use codec::Encode;
use subxt::{
    config::{
        Hasher, Header,
        substrate::{BlakeTwo256, SubstrateHeader},
    },
    rpcs::client::RpcSubscription,
    utils::H256,
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{client::Client, error::ChainError, retry};

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockStamp {
    /// Height.
    pub number: u32,
    /// Header hash (blake2b-256).
    pub hash: [u8; 32],
}

/// What [`BlockNotices`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A new best block.
    Best(BlockStamp),
    /// A new finalised block; with it all its ancestors.
    Finalised(BlockStamp),
    /// The connection was lost and is back. Blocks in between were not told: look at the state.
    Reconnected,
}

/// Without a new best block for so long the subscription is taken for dead and renewed: a half-open connection looks
/// like a silent one. Twenty block times.
const SILENCE: Duration = Duration::from_secs(60);

/// How many notices wait for a slow reader before the node's are no longer taken in.
const BACKLOG: usize = 64;

/// A stream of [`Notice`]s. It goes on across lost connections and node restarts; it ends only after an error, when the
/// node came back with another chain.
pub struct BlockNotices {
    notices: mpsc::Receiver<Result<Notice, ChainError>>,
    task: JoinHandle<()>,
}

impl Drop for BlockNotices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BlockNotices {
    pub(crate) fn follow(client: Client) -> Self {
        let (sender, notices) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(follow(client, sender));
        Self { notices, task }
    }

    /// The next notice; `None` only after an error. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Notice, ChainError>> {
        self.notices.recv().await
    }
}

type Sender = mpsc::Sender<Result<Notice, ChainError>>;
type Heads = RpcSubscription<SubstrateHeader<H256>>;

/// Why a session ended.
enum End {
    ReaderGone,
    OtherChain([u8; 32]),
    Lost(String),
}

async fn follow(client: Client, sender: Sender) {
    let mut first = true;
    let mut failures = 0u32;
    loop {
        match session(&client, &sender, first, &mut failures).await {
            End::ReaderGone => return,
            End::OtherChain(found) => {
                let expected = client.genesis_hash();
                // A reader who is gone no longer cares.
                let _ = sender.send(Err(ChainError::OtherChain { expected, found })).await;
                return;
            }
            End::Lost(reason) => {
                first = false;
                failures = failures.saturating_add(1);
                if failures == 1 {
                    tracing::warn!(node = client.url(), %reason, "lost the node, reconnecting");
                }
                sleep(retry::wait_after(failures, retry::jitter())).await;
            }
        }
    }
}

async fn session(client: &Client, sender: &Sender, first: bool, failures: &mut u32) -> End {
    let (mut best, mut finalised) = match timeout(client.limits().attempt, subscribe(client)).await {
        Ok(Ok((genesis, _, _))) if genesis != client.genesis_hash() => return End::OtherChain(genesis),
        Ok(Ok((_, best, finalised))) => (best, finalised),
        Ok(Err(error)) => return End::Lost(error.to_string()),
        Err(_) => return End::Lost("no answer to a subscription".into()),
    };
    if !first {
        tracing::info!(node = client.url(), "connected again");
        if sender.send(Ok(Notice::Reconnected)).await.is_err() {
            return End::ReaderGone;
        }
    }
    loop {
        let (item, make): (_, fn(BlockStamp) -> Notice) = tokio::select! {
            item = timeout(SILENCE, best.next()) => match item {
                Ok(item) => (item, Notice::Best),
                Err(_) => return End::Lost(format!("no block for {} s", SILENCE.as_secs())),
            },
            item = finalised.next() => (item, Notice::Finalised),
        };
        let header = match item {
            Some(Ok(header)) => header,
            Some(Err(error)) if error.is_disconnected_will_reconnect() => {
                return End::Lost("the connection was closed".into());
            }
            Some(Err(error)) => return End::Lost(error.to_string()),
            None => return End::Lost("the node ended the subscription".into()),
        };
        *failures = 0;
        let stamp = BlockStamp {
            number: u32::try_from(header.number()).unwrap_or(u32::MAX),
            hash: BlakeTwo256.hash(&header.encode()).0,
        };
        if sender.send(Ok(make(stamp))).await.is_err() {
            return End::ReaderGone;
        }
    }
}

async fn subscribe(client: &Client) -> Result<([u8; 32], Heads, Heads), subxt::rpcs::Error> {
    let rpc = client.rpc();
    let genesis = rpc.genesis_hash().await?.0;
    Ok((
        genesis,
        rpc.chain_subscribe_new_heads().await?,
        rpc.chain_subscribe_finalized_heads().await?,
    ))
}
