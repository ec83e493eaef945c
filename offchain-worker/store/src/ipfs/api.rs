//! The calls of Kubo's RPC API that a store needs
//! (<https://docs.ipfs.tech/reference/kubo/rpc/>), each with a deadline.

use std::{future::Future, io::Cursor, time::Duration};

use bytes::{Bytes, BytesMut};
use cid::Cid;
use futures::TryStreamExt;
use ipfs_api_backend_hyper::{
    BackendWithGlobalOptions, Error, Form, GlobalOptions, IpfsApi, IpfsClient, TryFromUri,
    request::ApiRequest,
    response::{BlockPutResponse, BlockStatResponse},
};
use serde::Serialize;

use super::{IpfsConfig, IpfsError};
use crate::{
    block::{Block, BlockError, Codec, MAX_BLOCK_BYTES, codec_of},
    store::StoreError,
};

/// How the daemon says that it does not have a block.
const NOT_HERE: [&str; 2] = ["could not find", "not found"];
/// How it says that it looked for long enough.
const GAVE_UP: [&str; 2] = ["deadline exceeded", "context canceled"];
/// How it says that there is no such pin.
const NOT_PINNED: [&str; 1] = ["not pinned"];
/// What the daemon gets on top of its own deadline to say that it is over.
const GRACE: Duration = Duration::from_secs(5);

type Client = BackendWithGlobalOptions<IpfsClient>;

pub(super) struct Api {
    address: String,
    call_timeout: Duration,
    fetch_timeout: Option<Duration>,
    /// Asks for what the daemon has, and no peer.
    here: Client,
    /// Asks peers too, if it may.
    anywhere: Client,
}

/// `block/put` with the names of today; the client's own request has those of
/// before Kubo 0.14.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct BlockPut {
    cid_codec: &'static str,
    mhtype: &'static str,
    mhlen: i32,
    pin: bool,
    allow_big_block: bool,
}

impl ApiRequest for BlockPut {
    const PATH: &'static str = "/block/put";
}

impl Api {
    pub fn new(address: String, config: &IpfsConfig) -> Self {
        let client = |offline, timeout| {
            // The address was checked: a scheme, a host, and a port.
            let client = IpfsClient::from_str(&address).expect("`http://HOST:PORT` is a URI");
            let offline = Some(offline);
            BackendWithGlobalOptions::new(client, GlobalOptions { offline, timeout })
        };
        Self {
            here: client(true, Some(config.call_timeout)),
            anywhere: client(
                config.fetch_timeout.is_none(),
                config.fetch_timeout.or(Some(config.call_timeout)),
            ),
            call_timeout: config.call_timeout,
            fetch_timeout: config.fetch_timeout,
            address,
        }
    }

    pub async fn version(&self) -> Result<String, IpfsError> {
        Ok(self.call(self.here.version()).await?.version)
    }

    pub async fn has(&self, cid: &Cid) -> Result<bool, IpfsError> {
        let cid = cid.to_string();
        let found: Result<BlockStatResponse, _> = self.call(self.here.block_stat(&cid)).await;
        found_or_not(found, &NOT_HERE).map(|found| found.is_some())
    }

    /// Sends a block; returns what the daemon calls it.
    pub async fn put(&self, block: &Block) -> Result<String, StoreError> {
        let request = BlockPut {
            cid_codec: match codec_of(block.cid())? {
                Codec::Raw => "raw",
                Codec::DagPb => "dag-pb",
            },
            mhtype: "sha2-256",
            mhlen: -1,
            pin: false,
            // Kubo's own bound was one MiB for long.
            allow_big_block: true,
        };
        let mut form = Form::default();
        form.add_reader("data", Cursor::new(block.data().clone()));
        let answer: BlockPutResponse = self.call(post(&self.here, request, form)).await?;
        Ok(answer.key)
    }

    /// The bytes that the daemon gives for a block, unchecked; `None` if it has
    /// none and no peer is to be asked.
    pub async fn get(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        let text = cid.to_string();
        let read = async {
            let mut pieces = self.anywhere.block_get(&text);
            let mut data = BytesMut::new();
            while let Some(piece) = pieces.try_next().await? {
                let len = data.len().saturating_add(piece.len());
                if len > MAX_BLOCK_BYTES {
                    return Ok(Err(BlockError::TooLarge { len }));
                }
                data.extend_from_slice(&piece);
            }
            Ok(Ok(data.freeze()))
        };
        let got = self.find(cid, read).await?;
        Ok(got.transpose()?)
    }

    /// Pins a tree; false if the daemon lacks a part of it and no peer is to be
    /// asked.
    pub async fn pin(&self, cid: &Cid) -> Result<bool, IpfsError> {
        let text = cid.to_string();
        let pinned = self.find(cid, self.anywhere.pin_add(&text, true)).await?;
        Ok(pinned.is_some())
    }

    pub async fn unpin(&self, cid: &Cid) -> Result<bool, IpfsError> {
        let cid = cid.to_string();
        let removed = self.call(self.here.pin_rm(&cid, true)).await;
        found_or_not(removed, &NOT_PINNED).map(|removed| removed.is_some())
    }

    pub async fn pins(&self) -> Result<Vec<String>, IpfsError> {
        let pins = self.call(self.here.pin_ls(None, Some("recursive"))).await?;
        Ok(pins.keys.into_keys().collect())
    }

    pub async fn repo_bytes(&self) -> Result<u64, IpfsError> {
        Ok(self.call(self.here.stats_repo()).await?.repo_size)
    }

    /// Awaits a call that only concerns what the daemon has.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, IpfsError> {
        within(self.call_timeout, call, &self.address).await
    }

    /// Awaits a call that may ask peers.
    async fn find<T>(&self, cid: &Cid, call: impl Future<Output = Result<T, Error>>) -> Result<Option<T>, IpfsError> {
        let Some(after) = self.fetch_timeout else {
            return found_or_not(self.call(call).await, &NOT_HERE);
        };
        match within(after.saturating_add(GRACE), call, &self.address).await {
            Ok(found) => Ok(Some(found)),
            // A daemon without peers says at once that nobody has it.
            Err(error)
                if error.says(&NOT_HERE) || error.says(&GAVE_UP) || matches!(error, IpfsError::Timeout { .. }) =>
            {
                Err(IpfsError::NoProvider { cid: *cid, after })
            }
            Err(error) => Err(error),
        }
    }
}

async fn within<T>(
    after: Duration,
    call: impl Future<Output = Result<T, Error>>,
    address: &str,
) -> Result<T, IpfsError> {
    match tokio::time::timeout(after, call).await {
        Ok(answer) => answer.map_err(|error| IpfsError::of(address, error)),
        Err(_) => Err(IpfsError::Timeout {
            api: address.to_owned(),
            after,
        }),
    }
}

fn found_or_not<T>(answer: Result<T, IpfsError>, signs: &[&str]) -> Result<Option<T>, IpfsError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.says(signs) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a request that the client has no method for.
async fn post<A: IpfsApi<Error = Error> + Sync>(
    api: &A,
    request: BlockPut,
    form: Form<'static>,
) -> Result<BlockPutResponse, Error> {
    api.request(request, Some(form)).await
}
