//! What pages may ask of the host: exactly the capabilities that the manifest names.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use weft_store::Bytes;

use super::App;
use crate::{
    request::{self, Chat, Classify, Embed, Request},
    space::{manifest::Capability, models::NoAnswer},
};

/// How long a page may take to send what it asks.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most characters of a question to a folder.
const MAX_QUERY: usize = 2000;
/// Hits where the page does not say how many.
const HITS: usize = 10;
/// Pieces of an answer that wait for a slow page.
const WAITING: usize = 64;

/// An answer that is an error, in words for people.
pub fn refusal(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({ "error": why.into() }))).into_response()
}

fn no_answer(why: &NoAnswer) -> Response {
    let status = match why {
        NoAnswer::Unsuitable(_) => StatusCode::BAD_REQUEST,
        NoAnswer::Failed(_) | NoAnswer::Stopped => StatusCode::BAD_GATEWAY,
    };
    refusal(status, why.to_string())
}

/// A question to a folder.
#[derive(Deserialize)]
struct Query {
    query: String,
    #[serde(default)]
    limit: Option<usize>,
}

/// Answers `METHOD api/WHAT`.
pub async fn answer(app: &Arc<App>, method: &Method, what: &str, headers: &HeaderMap, body: Body) -> Response {
    let posts = *method == Method::POST;
    match (what, posts) {
        ("space", false) => return Json(about(app)).into_response(),
        ("index", false) => {
            return match &app.searcher {
                _ if !app.bundle.manifest().may(Capability::Search) => forbidden(Capability::Search),
                Some(searcher) => Json(searcher.describe()).into_response(),
                None => Json(json!({ "state": "no_folder" })).into_response(),
            };
        }
        _ => {}
    }
    let Some(capability) = Capability::ALL.into_iter().find(|capability| capability.name() == what) else {
        return refusal(StatusCode::NOT_FOUND, format!("the host knows no `api/{what}`"));
    };
    if !app.bundle.manifest().may(capability) {
        return forbidden(capability);
    }
    if !posts {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "POST what you ask");
    }
    // What a form of another page could send is none.
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
    if !is_json {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
    }
    let Ok(permit) = app.free.clone().try_acquire_owned() else {
        return refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the host is busy: try again in a moment",
        );
    };
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, request::MAX_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refusal(StatusCode::PAYLOAD_TOO_LARGE, "it is longer than 1 MiB, or was cut off"),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "it took too long to come"),
    };
    match capability {
        Capability::Chat => chat(app, &body, permit),
        Capability::Embed => embed(app, &body).await,
        Capability::Search => search(app, &body).await,
        Capability::Classify => classify(app, &body).await,
    }
}

fn forbidden(capability: Capability) -> Response {
    let name = capability.name();
    refusal(
        StatusCode::FORBIDDEN,
        format!("this Space does not name `{name}` among its capabilities"),
    )
}

/// What a page may know of its Space and of what stands behind it.
fn about(app: &App) -> Value {
    let (manifest, limits) = (app.bundle.manifest(), app.bundle.manifest().limits());
    json!({
        "title": manifest.title,
        "summary": manifest.summary,
        "version": manifest.version,
        "capabilities": manifest.capabilities,
        "models": app.models.describe(manifest),
        "limits": { "max_tokens": limits.max_tokens },
    })
}

fn malformed(why: impl std::fmt::Display) -> Response {
    refusal(StatusCode::BAD_REQUEST, format!("it is not what this asks for: {why}"))
}

/// Reads a request of the form in which it goes to devices, so that nothing passes here that would not there.
fn read(task: &str, body: &[u8]) -> Result<Request, String> {
    let mut fields: serde_json::Map<String, Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    fields.insert("task".into(), task.into());
    let bytes = serde_json::to_vec(&fields).map_err(|error| error.to_string())?;
    Request::from_bytes(&bytes).map_err(|error| error.to_string())
}

/// Streams an answer: a line of JSON for each piece of text, and one at the end.
fn chat(app: &Arc<App>, body: &[u8], permit: tokio::sync::OwnedSemaphorePermit) -> Response {
    let chat: Chat = match read("chat", body) {
        Ok(Request::Chat(chat)) => chat,
        Ok(_) => return malformed("another task"),
        Err(why) => return malformed(why),
    };
    let chat = Chat {
        max_tokens: chat.max_tokens.clamp(1, app.bundle.manifest().limits().max_tokens),
        ..chat
    };
    let (pieces, said) = mpsc::channel::<String>(WAITING);
    let models = app.models.clone();
    // Ends by itself when the page stops listening: then nothing can be sent any more.
    let ended = tokio::spawn(async move {
        let answer = models.chat(chat, pieces).await;
        drop(permit);
        answer
    });
    let lines = stream::unfold(Some((said, ended)), |state| async move {
        let (mut said, ended) = state?;
        if let Some(piece) = said.recv().await {
            return Some((line(&json!({ "text": piece })), Some((said, ended))));
        }
        let last = match ended.await {
            Ok(Ok(said)) => json!({
                "done": true,
                "tokens": said.tokens,
                "prompt_tokens": said.prompt_tokens,
                "tokens_per_s": said.tokens_per_s,
                "device": said.device,
            }),
            Ok(Err(why)) => json!({ "error": why.to_string() }),
            Err(panic) => json!({ "error": format!("the host failed: {panic}") }),
        };
        Some((line(&last), None))
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    ([(CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response()
}

fn line(value: &Value) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(format!("{value}\n")))
}

async fn embed(app: &App, body: &[u8]) -> Response {
    match read("embed", body) {
        Ok(Request::Embed(Embed { texts, .. })) => match app.models.embed(texts).await {
            Ok(embedded) => Json(embedded).into_response(),
            Err(why) => no_answer(&why),
        },
        Ok(_) => malformed("another task"),
        Err(why) => malformed(why),
    }
}

async fn classify(app: &App, body: &[u8]) -> Response {
    match read("classify", body) {
        Ok(Request::Classify(Classify { images })) => match app.models.classify(images).await {
            Ok(classified) => Json(classified).into_response(),
            Err(why) => no_answer(&why),
        },
        Ok(_) => malformed("another task"),
        Err(why) => malformed(why),
    }
}

async fn search(app: &App, body: &[u8]) -> Response {
    let Some(searcher) = &app.searcher else {
        return refusal(
            StatusCode::CONFLICT,
            "no folder was named: start the Space with --folder DIR",
        );
    };
    let Query { query, limit } = match parse(body) {
        Ok(query) => query,
        Err(why) => return malformed(why),
    };
    if query.trim().is_empty() || query.chars().count() > MAX_QUERY {
        return malformed("a question has 1 to 2000 characters");
    }
    match searcher.search(query, limit.unwrap_or(HITS)).await {
        Ok(Some(hits)) => Json(json!({ "hits": hits })).into_response(),
        Ok(None) => refusal(StatusCode::SERVICE_UNAVAILABLE, "the folder is still being read"),
        Err(why) => no_answer(&why),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
