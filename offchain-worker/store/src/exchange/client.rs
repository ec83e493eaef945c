//! One block from, or to, one peer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cid::Cid;
use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, RETRY_AFTER},
    redirect::Policy,
};

use crate::block::{Block, BlockError, MAX_BLOCK_BYTES};

/// Longest that a busy peer may send us away for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// How patient a [`Client`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// For a peer to accept a connection.
    pub connect_timeout: Duration,
    /// For a peer to give or take one block, connection included.
    pub block_timeout: Duration,
    /// How often a peer that says it is busy is asked again for one block.
    pub busy_retries: u32,
    /// Blocks asked for at once.
    pub parallel_blocks: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            block_timeout: Duration::from_secs(30),
            busy_retries: 3,
            parallel_blocks: 8,
        }
    }
}

/// Why a peer did not give or take a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFailure {
    /// The address cannot be asked.
    #[error("its address is not an http:// address with a host")]
    BadAddress,
    /// No connection, or a broken one.
    #[error("it cannot be reached ({0})")]
    Unreachable(String),
    /// Too slow.
    #[error("it did not answer in time")]
    Timeout,
    /// It does not have the block.
    #[error("it does not have the block")]
    NotFound,
    /// It is busy and stayed so.
    #[error("it is busy")]
    Busy,
    /// It sent something else than the block.
    #[error("it sent other content than was asked for")]
    WrongContent,
    /// It sent more than a block may have.
    #[error("it sent more than the {MAX_BLOCK_BYTES} bytes that a block may have")]
    TooLarge,
    /// It does not want the block that was pushed.
    #[error("it does not wait for this block")]
    NotWanted,
    /// It has no room for the block that was pushed.
    #[error("it has no room left")]
    NoRoom,
    /// Any other answer.
    #[error("it answered with status {0}")]
    Status(u16),
}

impl PeerFailure {
    /// Whether this tells about the peer rather than about the one block.
    pub(super) fn is_of_the_peer(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout | Self::Busy | Self::Status(_) => true,
            Self::BadAddress | Self::WrongContent | Self::TooLarge => true,
            Self::NotFound | Self::NotWanted | Self::NoRoom => false,
        }
    }

    /// Whether there is no point in asking this peer anything again.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::BadAddress | Self::WrongContent | Self::TooLarge)
    }
}

/// Asks peers for blocks. Cheap to clone; keeps connections open.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    pub(super) config: ClientConfig,
}

impl Client {
    /// A client that follows no redirects and uses no proxy: peers are asked at
    /// the address they registered, and nowhere else.
    pub fn new(config: ClientConfig) -> Result<Self, PeerFailure> {
        let http = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.block_timeout)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|e| failure_of(&e))?;
        Ok(Self { http, config })
    }

    /// Gets one block from one peer, checked.
    pub async fn get_block(&self, peer: &Url, cid: &Cid) -> Result<Block, PeerFailure> {
        let mut url = block_url(peer, cid)?;
        url.set_query(Some("format=raw"));
        let answer = self
            .patiently(|| self.http.get(url.clone()).header(ACCEPT, "application/vnd.ipld.raw"))
            .await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(PeerFailure::NotFound),
            other => return Err(PeerFailure::Status(other.as_u16())),
        }
        let data = bounded_body(answer).await?;
        Block::verify(cid, data).map_err(|e| match e {
            BlockError::TooLarge { .. } => PeerFailure::TooLarge,
            BlockError::WrongContent(_) | BlockError::Cid(_) => PeerFailure::WrongContent,
        })
    }

    /// Whether one peer has one block. It is asked without being believed: what it
    /// is then not given is its own loss.
    pub async fn has_block(&self, peer: &Url, cid: &Cid) -> Result<bool, PeerFailure> {
        let mut url = block_url(peer, cid)?;
        url.set_query(Some("format=raw"));
        let answer = self
            .patiently(|| self.http.head(url.clone()).header(ACCEPT, "application/vnd.ipld.raw"))
            .await?;
        match answer.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(false),
            other => Err(PeerFailure::Status(other.as_u16())),
        }
    }

    /// Gives one block to one peer.
    pub async fn put_block(&self, peer: &Url, block: &Block) -> Result<(), PeerFailure> {
        self.offer_block(peer, block).await.map(|_was_new| ())
    }

    /// As [`Client::put_block`]; says whether the block was new to the peer.
    pub(super) async fn offer_block(&self, peer: &Url, block: &Block) -> Result<bool, PeerFailure> {
        let url = block_url(peer, block.cid())?;
        let answer = self
            .patiently(|| self.http.put(url.clone()).body(block.data().clone()))
            .await?;
        match answer.status() {
            StatusCode::CREATED => Ok(true),
            StatusCode::OK => Ok(false),
            StatusCode::FORBIDDEN => Err(PeerFailure::NotWanted),
            StatusCode::INSUFFICIENT_STORAGE => Err(PeerFailure::NoRoom),
            StatusCode::PAYLOAD_TOO_LARGE => Err(PeerFailure::TooLarge),
            StatusCode::UNPROCESSABLE_ENTITY => Err(PeerFailure::WrongContent),
            other => Err(PeerFailure::Status(other.as_u16())),
        }
    }

    /// Sends a request, and sends it again while the peer says it is busy.
    async fn patiently(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Result<Response, PeerFailure> {
        for _ in 0..=self.config.busy_retries {
            let answer = request().send().await.map_err(|e| failure_of(&e))?;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                return Ok(answer);
            }
            tokio::time::sleep(retry_after(&answer)).await;
        }
        Err(PeerFailure::Busy)
    }
}

fn retry_after(answer: &Response) -> Duration {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(MAX_RETRY_AFTER)
}

fn block_url(peer: &Url, cid: &Cid) -> Result<Url, PeerFailure> {
    if peer.scheme() != "http" || !peer.has_host() {
        return Err(PeerFailure::BadAddress);
    }
    let mut url = peer.clone();
    url.path_segments_mut()
        .map_err(|()| PeerFailure::BadAddress)?
        .pop_if_empty()
        .extend(["ipfs", &cid.to_string()]);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The body, unless it is longer than a block may be: then not even its first
/// bytes are kept for longer than it takes to see that.
async fn bounded_body(mut answer: Response) -> Result<Bytes, PeerFailure> {
    let announced = answer.content_length();
    if announced.is_some_and(|len| len > MAX_BLOCK_BYTES as u64) {
        return Err(PeerFailure::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| failure_of(&e))? {
        if body.len().saturating_add(piece.len()) > MAX_BLOCK_BYTES {
            return Err(PeerFailure::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

fn failure_of(error: &reqwest::Error) -> PeerFailure {
    if error.is_timeout() {
        return PeerFailure::Timeout;
    }
    // The innermost cause says most ("connection refused"); the others name the
    // address, which the reader of the message knows.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    PeerFailure::Unreachable(cause.to_string())
}
