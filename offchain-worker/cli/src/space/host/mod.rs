//! The host of a running Space: its files and its API, on loopback, for the page that was opened and nobody else.

mod api;
mod guard;
#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Redirect, Response},
};
use tokio::{net::TcpListener, sync::Semaphore};

use super::{bundle::Bundle, models::Models, search::Searcher};
use crate::failure::Failure;
use guard::Guard;

/// Requests to models that are answered or wait at once.
const MAX_REQUESTS: usize = 16;

/// Where a Space listens unless told otherwise: a port that is free.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running Space.
pub struct App {
    bundle: Bundle,
    models: Arc<Models>,
    searcher: Option<Arc<Searcher>>,
    guard: Guard,
    free: Arc<Semaphore>,
}

/// A host that listens, but does not answer yet.
pub struct Host {
    listener: TcpListener,
    app: Arc<App>,
    url: String,
}

impl Host {
    /// Listens at `address`, which is on loopback.
    pub async fn bind(
        address: SocketAddr,
        bundle: Bundle,
        models: Arc<Models>,
        searcher: Option<Arc<Searcher>>,
    ) -> Result<Self, Failure> {
        if !address.ip().is_loopback() {
            return Err(Failure::Usage(format!(
                "a Space is for this machine alone: --listen {address} would show it to others; use 127.0.0.1"
            )));
        }
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::Local(format!(
                "cannot listen on {address} ({error}): give another address with --listen"
            ))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::local("cannot tell the address listened on", error))?;
        let mut random = [0; 24];
        getrandom::fill(&mut random).map_err(|error| Failure::local("no random numbers from the system", error))?;
        let guard = Guard::new(address, random);
        let url = format!("http://{address}/{}/", guard.token());
        let app = App {
            bundle,
            models,
            searcher,
            guard,
            free: Arc::new(Semaphore::new(MAX_REQUESTS)),
        };
        Ok(Self {
            listener,
            app: Arc::new(app),
            url,
        })
    }

    /// What to open. Whoever knows it may use the Space.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers until `stop` is ready.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let routes = Router::new().fallback(handle).with_state(self.app);
        let server = axum::serve(self.listener, routes).into_future();
        // Not gracefully: a chat that is being written would hold the end up, and nothing is lost with it.
        tokio::select! {
            ended = server => ended.map_err(|error| Failure::local("the Space is not served any more", error)),
            () = stop => Ok(()),
        }
    }
}

async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match app.guard.check(&parts.method, parts.uri.path(), &parts.headers) {
        Ok(path) => match path.strip_prefix("api/") {
            Some(what) => api::answer(&app, &parts.method, what, &parts.headers, body).await,
            None => file(&app, &parts.method, path),
        },
        Err(refused) => api::refusal(refused.status(), refused.advice()),
    };
    guard::protect(response.headers_mut());
    response
}

/// A file of the bundle. Paths are looked up among those that it has: none leads anywhere else.
fn file(app: &App, method: &Method, path: &str) -> Response {
    if *method == Method::POST {
        return api::refusal(StatusCode::METHOD_NOT_ALLOWED, "files are for GET");
    }
    let entry = &app.bundle.manifest().entry.web;
    if path.is_empty() && entry.contains('/') {
        return Redirect::to(&format!("/{}/{entry}", app.guard.token())).into_response();
    }
    let path = if path.is_empty() { entry } else { path };
    match app.bundle.file(path) {
        Some(bytes) => {
            let kind = HeaderValue::from_static(content_type(path));
            ([(CONTENT_TYPE, kind)], Body::from(bytes.to_vec())).into_response()
        }
        None => api::refusal(StatusCode::NOT_FOUND, "the Space has no such file"),
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
