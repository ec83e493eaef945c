//! Blocks between devices, over HTTP.
//!
//! The server is a block-only trustless gateway
//! (<https://specs.ipfs.tech/http-gateways/trustless-gateway/>):
//! `GET` and `HEAD /ipfs/{cid}?format=raw`. It also takes blocks by
//! `PUT /ipfs/{cid}`, which no gateway specification knows, but only those that
//! its device waits for ([`Wanted`]).
//!
//! Nothing here is secret or signed: a block is right when its hash is, whoever
//! sent it, and secrets are sealed before they become blocks.

mod client;
mod fetch;
mod push;
mod server;
mod wanted;

pub use client::{Client, ClientConfig, PeerFailure};
pub use fetch::{FetchError, FetchProgress, Fetched};
pub use push::{PushError, Pushed};
pub use reqwest::Url;
pub use server::{ServerLimits, router};
pub use wanted::{WantList, WantNothing, Wanted};
