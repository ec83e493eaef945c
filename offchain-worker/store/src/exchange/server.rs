//! Blocks for peers.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use cid::Cid;
use tokio::sync::Semaphore;

use super::wanted::Wanted;
use crate::{
    block::{Block, BlockError, MAX_BLOCK_BYTES, parse_cid},
    store::{ContentStore, StoreError},
};

const RAW_BLOCK: &str = "application/vnd.ipld.raw";
/// The gateway specification names this CID (no bytes, inlined) for probing.
const PROBE: &str = "bafkqaaa";

/// What one server gives to all of its peers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Requests answered at once; one more is told to come again.
    pub max_requests: usize,
    /// How long a peer may take to send a block.
    pub receive_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_requests: 64,
            receive_timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone)]
struct Server {
    store: Arc<dyn ContentStore>,
    wanted: Arc<dyn Wanted>,
    receive_timeout: Duration,
    free: Arc<Semaphore>,
}

/// Routes `GET` and `HEAD /ipfs/{cid}`, `PUT /ipfs/{cid}` and `GET /healthz`.
///
/// The caller binds it (`axum::serve`) and decides when it shuts down. A peer
/// can read every block whose CID it knows.
pub fn router(store: Arc<dyn ContentStore>, wanted: Arc<dyn Wanted>, limits: ServerLimits) -> Router {
    let server = Server {
        store,
        wanted,
        receive_timeout: limits.receive_timeout,
        free: Arc::new(Semaphore::new(limits.max_requests.max(1))),
    };
    // A HEAD request goes where GET goes; its body is dropped on the way out.
    Router::new()
        .route("/ipfs/{cid}", get(give).put(take))
        .layer(from_fn_with_state(server.clone(), within_limits))
        // Health is to be seen under load, too.
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(server)
}

async fn within_limits(State(server): State<Server>, request: Request, next: Next) -> Response {
    let Ok(_permit) = server.free.try_acquire() else {
        let later = [(RETRY_AFTER, HeaderValue::from_static("1"))];
        let text = "busy: too many requests at once; come again in a second\n";
        return (StatusCode::SERVICE_UNAVAILABLE, later, text).into_response();
    };
    next.run(request).await
}

async fn give(State(server): State<Server>, Path(cid): Path<String>, request: Request) -> Result<Response, Refusal> {
    if !asks_for_raw(request.uri().query(), request.headers()) {
        return Err(Refusal::Format);
    }
    if cid == PROBE {
        return Ok(([(CONTENT_TYPE, RAW_BLOCK)], Body::empty()).into_response());
    }
    let cid = parse_cid(&cid).map_err(|e| Refusal::BadRequest(e.to_string()))?;
    let etag = format!("\"{cid}.raw\"");
    let known = request.headers().get(IF_NONE_MATCH);
    if known
        .and_then(|v| v.to_str().ok())
        .is_some_and(|known| known.contains(&etag))
    {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let block = server.store.get_block(&cid).await?;
    let headers = headers_of(&cid, &etag);
    if request.method() == Method::HEAD {
        let length = [(CONTENT_LENGTH, HeaderValue::from(block.len()))];
        return Ok((headers, length, Body::empty()).into_response());
    }
    Ok((headers, block).into_response())
}

async fn take(State(server): State<Server>, Path(cid): Path<String>, request: Request) -> Result<Response, Refusal> {
    let cid = parse_cid(&cid).map_err(|e| Refusal::BadRequest(e.to_string()))?;
    if !server.wanted.wants(&cid) {
        return match server.store.has(&cid).await? {
            true => Ok(StatusCode::OK.into_response()),
            false => Err(Refusal::NotWanted(cid)),
        };
    }
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|len| len > MAX_BLOCK_BYTES as u64) {
        return Err(Refusal::TooLarge);
    }
    let body = to_bytes(request.into_body(), MAX_BLOCK_BYTES);
    let data = tokio::time::timeout(server.receive_timeout, body)
        .await
        .map_err(|_| Refusal::TooSlow)?
        .map_err(|_| Refusal::TooLarge)?;
    let block = Block::verify(&cid, data).map_err(StoreError::from)?;
    // Whoever pushes a file again learns where the last push ended.
    let was_here = server.store.has(&cid).await?;
    server.store.put_block(block.clone()).await?;
    server.wanted.received(&block);
    Ok(match was_here {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    }
    .into_response())
}

/// Only blocks are served: another format must be asked for elsewhere.
fn asks_for_raw(query: Option<&str>, headers: &HeaderMap) -> bool {
    let format = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("format="));
    match format {
        Some(format) => format == "raw",
        None => headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|accept| accept.contains(RAW_BLOCK)),
    }
}

fn headers_of(cid: &Cid, etag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fixed = [
        (CONTENT_TYPE, RAW_BLOCK),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // What a CID names never changes.
        (CACHE_CONTROL, "public, max-age=29030400, immutable"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let made = [
        (ETAG, etag.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{cid}.bin\"")),
        (HeaderName::from_static("x-ipfs-path"), format!("/ipfs/{cid}")),
        (HeaderName::from_static("x-ipfs-roots"), cid.to_string()),
    ];
    for (name, value) in made {
        // A CID in text is letters and digits.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Why a request is not answered with what it asks for.
enum Refusal {
    BadRequest(String),
    Format,
    NotWanted(Cid),
    TooLarge,
    TooSlow,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::BadRequest(text) => (StatusCode::BAD_REQUEST, text),
            Self::Format => (
                StatusCode::NOT_ACCEPTABLE,
                format!("only raw blocks are served here: add ?format=raw or Accept: {RAW_BLOCK}"),
            ),
            Self::NotWanted(cid) => (StatusCode::FORBIDDEN, format!("block {cid} is not waited for here")),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a block has at most {MAX_BLOCK_BYTES} bytes, and all that were announced"),
            ),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the block did not come in time".to_owned()),
            Self::Store(StoreError::NotFound(cid)) => (StatusCode::NOT_FOUND, format!("block {cid} is not here")),
            Self::Store(StoreError::Block(BlockError::TooLarge { .. })) => {
                return Self::TooLarge.into_response();
            }
            Self::Store(StoreError::Block(e)) => (StatusCode::UNPROCESSABLE_ENTITY, e.to_string()),
            Self::Store(e @ (StoreError::Full { .. } | StoreError::DiskFull { .. })) => {
                tracing::warn!(error = %e, "no room for a block from a peer");
                (StatusCode::INSUFFICIENT_STORAGE, "no room left here".to_owned())
            }
            // Paths and the like are for the owner's log, not for a peer.
            Self::Store(e) => {
                tracing::error!(error = %e, "a block could not be served");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the block cannot be read here".to_owned(),
                )
            }
        };
        (status, text + "\n").into_response()
    }
}
