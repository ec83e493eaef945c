//! Who may talk to the host, and what browsers are told about its pages.
//!
//! The host listens on loopback, where every page in the user's browsers and every program of the machine could reach it. So:
//!
//! - All paths begin with a random token that only the opened page knows. It is no cookie, which other ports of the machine
//!   would be sent, too.
//! - The `Host` header names the very address that is listened on. A stranger's domain that is made to point to loopback (DNS
//!   rebinding) has another.
//! - A request that a browser says comes from another origin is refused.
//! - Pages load, and connect to, nothing but the host.

use std::net::SocketAddr;

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

/// Bytes of a token.
const TOKEN_BYTES: usize = 24;

/// Checks requests.
pub struct Guard {
    token: String,
    hosts: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `Host` names another address.
    Host,
    /// Another origin.
    Origin,
    /// Without the token.
    Token,
    /// A method that does nothing here.
    Method,
}

impl Refused {
    /// The status that says so.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin | Self::Token => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// What to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Host => "this address is not the one that the Space listens on",
            Self::Origin => "a Space answers its own pages only",
            Self::Token => "open the whole address that `weft space run` printed",
            Self::Method => "use GET or POST",
        }
    }
}

impl Guard {
    /// A guard of a host at `address`. `random` is the token.
    pub fn new(address: SocketAddr, random: [u8; TOKEN_BYTES]) -> Self {
        let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
        // Browsers leave the port of HTTP out.
        if address.port() == 80 {
            let bare: Vec<_> = hosts
                .iter()
                .filter_map(|host| host.strip_suffix(":80"))
                .map(str::to_owned)
                .collect();
            hosts.extend(bare);
        }
        Self {
            token: hex::encode(random),
            hosts,
        }
    }

    /// What the paths of this host begin with, between slashes.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Checks a request. Returns its path after the token, without the slash before it.
    pub fn check<'a>(&self, method: &Method, path: &'a str, headers: &HeaderMap) -> Result<&'a str, Refused> {
        let host = only(headers, &HOST).ok_or(Refused::Host)?;
        if !self.hosts.iter().any(|known| known == host) {
            return Err(Refused::Host);
        }
        let (token, rest) = path
            .strip_prefix('/')
            .and_then(|path| path.split_once('/'))
            .ok_or(Refused::Token)?;
        if !is_same(token.as_bytes(), self.token.as_bytes()) {
            return Err(Refused::Token);
        }
        if headers.contains_key(ORIGIN) {
            let origin = only(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
            if origin != Some(host) {
                return Err(Refused::Origin);
            }
        }
        // `none` is the user, who typed or opened the address.
        if let Some(site) = headers.get("sec-fetch-site")
            && !["same-origin", "none"].iter().any(|known| site == known)
        {
            return Err(Refused::Origin);
        }
        match *method {
            Method::GET | Method::HEAD | Method::POST => Ok(rest),
            _ => Err(Refused::Method),
        }
    }
}

/// Adds what every answer carries.
pub fn protect(headers: &mut HeaderMap) {
    let carried = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()",
        ),
    ];
    for (name, value) in carried {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The header's value, if there is exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Compares in a time that does not tell where the first difference is.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guard() -> Guard {
        Guard::new("127.0.0.1:8080".parse().unwrap(), [7; TOKEN_BYTES])
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn check(path: &str, pairs: &[(&'static str, &'static str)]) -> Result<String, Refused> {
        let path = path.replace("TOKEN", guard().token());
        guard().check(&Method::POST, &path, &headers(pairs)).map(str::to_owned)
    }

    proptest! {
        #[test]
        fn nothing_passes_without_the_token(path in "/{0,2}[a-z0-9/.%]{0,60}") {
            prop_assert_eq!(check(&path, &[("host", "127.0.0.1:8080")]), Err(Refused::Token));
        }
    }

    #[test]
    fn only_the_page_that_was_opened_passes() {
        let own = ("host", "127.0.0.1:8080");
        assert_eq!(check("/TOKEN/api/chat", &[own]), Ok("api/chat".into()));
        assert_eq!(check("/TOKEN/", &[("host", "localhost:8080")]), Ok(String::new()));
        let same = [
            own,
            ("origin", "http://127.0.0.1:8080"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert!(check("/TOKEN/api/chat", &same).is_ok());
        for host in [
            "evil.example:8080",
            "127.0.0.1",
            "127.0.0.1:8081",
            "127.0.0.1.evil.example:8080",
            "",
        ] {
            let host: &'static str = host;
            assert_eq!(check("/TOKEN/", &[("host", host)]), Err(Refused::Host), "{host}");
        }
        assert_eq!(check("/TOKEN/", &[]), Err(Refused::Host));
        assert_eq!(
            check("/TOKEN/", &[own, ("host", "evil.example:8080")]),
            Err(Refused::Host)
        );
        for origin in [
            "null",
            "https://127.0.0.1:8080",
            "http://127.0.0.1:8081",
            "http://evil.example",
        ] {
            let origin: &'static str = origin;
            assert_eq!(
                check("/TOKEN/", &[own, ("origin", origin)]),
                Err(Refused::Origin),
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site"] {
            let site: &'static str = site;
            assert_eq!(check("/TOKEN/", &[own, ("sec-fetch-site", site)]), Err(Refused::Origin));
        }
        assert_eq!(check("/TOKEN", &[own]), Err(Refused::Token));
        assert_eq!(check("/token/TOKEN/", &[own]), Err(Refused::Token));
        let path = format!("/{}/", guard().token());
        assert_eq!(
            guard().check(&Method::PUT, &path, &headers(&[own])),
            Err(Refused::Method)
        );
    }

    #[test]
    fn tokens_have_192_bits() {
        assert_eq!(guard().token().len(), 48);
    }
}
