//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own: it
//! counts the storage items each call touches, and no time.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call.
pub trait WeightInfo {
    /// Publishes an exact model with the longest name.
    fn publish() -> Weight;
    /// Retires an asset.
    fn retire() -> Weight;
    /// Grants a key to a provider for the first time, listing their offer.
    fn grant_key() -> Weight;
    /// Takes a key back, delisting the provider's offer.
    fn revoke_key() -> Weight;
    /// Sets the longest endpoint for the first time.
    fn set_endpoint() -> Weight;
    /// Removes an endpoint.
    fn remove_endpoint() -> Weight;
}

impl WeightInfo for () {
    fn publish() -> Weight {
        RocksDbWeight::get().reads_writes(4, 6)
    }
    fn retire() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn grant_key() -> Weight {
        RocksDbWeight::get().reads_writes(9, 7)
    }
    fn revoke_key() -> Weight {
        RocksDbWeight::get().reads_writes(9, 7)
    }
    fn set_endpoint() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn remove_endpoint() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
}
