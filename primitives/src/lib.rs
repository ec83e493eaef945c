//! What every part of Weft agrees on: identifiers, content addresses, the life of a job, prices, reputation, and the
//! traits through which pallets meet.
//!
//! `no_std`, no FRAME, no files, no sockets. Time and randomness are arguments. Pallets and the off-chain worker are
//! thin shells around these modules, so a rule is written once and property-tested on its own.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod asset;
pub mod attestation;
pub mod content;
pub mod custody_view;
pub mod device;
pub mod discovery;
pub mod endpoint;
pub mod job;
pub mod job_view;
pub mod json;
pub mod licence;
pub mod lineage;
pub mod market_view;
pub mod order_book;
pub mod page;
pub mod payment;
pub mod pieces;
pub mod pin_view;
pub mod price;
pub mod rating;
pub mod registry;
pub mod reputation;
pub mod shelf;
pub mod space;
pub mod space_view;
pub mod tier;
pub mod view;

pub use asset::{AssetId, AssetKind, WorkId};
pub use content::{ContentCodec, ContentId, InvalidContentId};
pub use job::JobId;
pub use licence::LicenceId;
pub use payment::Currency;
pub use price::{Balance, Ppm};
