//! The worker's view of the chain, and the only user of `subxt`.
//!
//! [`Client`] connects and survives a node that goes away; [`BlockNotices`] wakes its reader at every block and tells it
//! when notices may have been missed; [`Client::submit`] signs once and follows that one extrinsic until it is in a
//! block, so that a lost connection never makes an act happen twice. The typed reads and calls are in [`market`],
//! [`licences`], [`custody`], [`pins`], [`spaces`], [`governance`], [`providers`], [`jobs`], [`balances`] and
//! [`tokens`].

pub mod account;
pub mod advice;
pub mod balances;
pub mod blocks;
pub mod client;
pub mod compat;
pub mod custody;
pub mod disputes;
pub mod error;
pub mod governance;
pub mod jobs;
pub mod licences;
pub mod market;
pub mod pins;
mod pool;
pub mod providers;
pub mod retry;
mod runtime;
pub mod spaces;
pub mod tokens;
pub mod tx;

pub use account::{AccountId, InvalidAccount, Signer};
pub use blocks::{BlockNotices, BlockStamp, Notice};
pub use client::Client;
pub use error::ChainError;
pub use retry::Limits;
pub use tx::Until;
