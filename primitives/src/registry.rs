//! The traits through which pallets meet. Declared here, implemented by the pallet that owns the fact, wired in the
//! runtime; no pallet depends on another.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
    asset::AssetId,
    device::EncryptionKey,
    job::JobId,
    price::{Balance, Ppm},
    reputation::Outcome,
};

/// What a job needs to know of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTerms<AccountId> {
    /// Who earns the royalty.
    pub creator: AccountId,
    /// Share of the price after the treasury's cut.
    pub royalty: Ppm,
    /// Whether exact jobs may be posted on it: it was published with the root of an exact model.
    pub exact: bool,
}

/// Facts about published models. Implemented by `pallet-market`.
pub trait ModelRegistry<AccountId> {
    /// The terms of a model on which new jobs and offers may be made; `None` if it is unknown, retired, or no model.
    fn listed_model(asset: AssetId) -> Option<ModelTerms<AccountId>>;

    /// The terms of a model, retired or not: running jobs still pay their creator.
    fn model(asset: AssetId) -> Option<ModelTerms<AccountId>>;

    /// Whether the creator has wrapped the model's key for `provider`'s present encryption key.
    fn has_key(asset: AssetId, provider: &AccountId, key: &EncryptionKey) -> bool;

    /// Puts a listed exact model in place and returns it. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(creator: &AccountId) -> AssetId;

    /// Wraps a model's key for a provider. For benchmarks of pallets that need it.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(asset: AssetId, provider: &AccountId, key: &EncryptionKey);
}

/// What becomes of a provider's offers when a creator grants or revokes a model's key. Implemented by
/// `pallet-providers`.
pub trait KeyGrantHandler<AccountId> {
    /// The provider's present encryption key; `None` if they are not registered.
    fn encryption_key(provider: &AccountId) -> Option<EncryptionKey>;

    /// The model's key is now wrapped for the provider: an offer on it can be matched.
    fn key_granted(asset: AssetId, provider: &AccountId);

    /// The model's key is no longer theirs: an offer on it must not be matched.
    fn key_revoked(asset: AssetId, provider: &AccountId);

    /// Puts a provider in place who offers `asset` and lacks nothing but its key to be listed, and returns the
    /// provider's encryption key. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_unkeyed_offer(asset: AssetId, provider: &AccountId) -> EncryptionKey;
}

/// A provider picked and booked for one job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Booking<AccountId> {
    /// The owner account, who is paid.
    pub provider: AccountId,
    /// The device account, who commits.
    pub device: AccountId,
    /// The device's X25519 key, to which the input is wrapped.
    pub encryption_key: EncryptionKey,
    /// Price per token the provider is bound to for this job.
    pub ask_per_token: Balance,
}

/// Why nobody could be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// Nobody with the model's key, stake and a free slot offers it.
    NoProvider,
    /// Somebody does, but all ask for more.
    PriceBelowAsk,
}

/// How many places in the order book a booking or its settlement changed: an offer that leaves its place counts once, one
/// that takes a place once. The work is linear in it.
pub type Moves = u32;

/// Matching. Implemented by `pallet-providers`.
pub trait Matching<AccountId> {
    /// The most that one booking, or one settlement, moves.
    fn most_moves() -> Moves;

    /// Books the best provider for `job` on `model` whose ask is at most `max_ask`: lowest price level, then best reputation
    /// class, then by `seed` among equals. `excluded` (few: earlier attempts) are passed over. Bounded cost.
    fn book(
        job: JobId,
        model: AssetId,
        max_ask: Balance,
        excluded: &[AccountId],
        seed: [u8; 32],
    ) -> Result<(Booking<AccountId>, Moves), NoMatch>;

    /// Frees the slot that the provider has booked for `job` and counts the outcome.
    fn settle(provider: &AccountId, job: JobId, outcome: Outcome) -> Moves;

    /// The jobs for which the provider is booked now, in no order: at most as many as a device takes at a time.
    fn booked(provider: &AccountId) -> Vec<JobId>;

    /// The most offers of one provider. For benchmarks of pallets that need them.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_most_offers() -> u32;

    /// Makes `provider` bookable for `model` at `ask_per_token`, so that the booking takes `offers` offers out of the book
    /// and its settlement puts them in again; none at 0, as there is a slot to spare. For benchmarks of pallets that need
    /// it.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_offer(provider: &AccountId, model: AssetId, ask_per_token: Balance, offers: u32);
}
