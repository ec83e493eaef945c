//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own: it
//! counts the storage items each call touches, and no time.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call in its worst case: all offers enter or leave the book, and each gap is filled by another's offer.
pub trait WeightInfo {
    /// Registers a device, checking its signature.
    fn register() -> Weight;
    /// Adds the stake that lists all offers.
    fn bond() -> Weight;
    /// Takes off the stake that kept all offers listed.
    fn unbond() -> Weight;
    /// Frees all portions on their way out.
    fn withdraw_unbonded() -> Weight;
    /// Moves a listed offer to another price.
    fn offer() -> Weight;
    /// Withdraws a listed offer.
    fn withdraw_offer() -> Weight;
    /// Replaces the device of a provider with all offers listed, checking the new one's signature.
    fn rotate_device() -> Weight;
    /// Adds the capacity that lists all offers.
    fn update() -> Weight;
    /// Delists all offers.
    fn pause() -> Weight;
    /// Lists all offers.
    fn resume() -> Weight;
    /// Withdraws all offers and leaves.
    fn deregister() -> Weight;
}

/// Items touched when one offer of eight enters or leaves the book.
const MOVED: u64 = 8 * 6;

impl WeightInfo for () {
    fn register() -> Weight {
        RocksDbWeight::get().reads_writes(6, 4)
    }
    fn bond() -> Weight {
        RocksDbWeight::get().reads_writes(4 + MOVED, 3 + MOVED)
    }
    fn unbond() -> Weight {
        RocksDbWeight::get().reads_writes(3 + MOVED, 2 + MOVED)
    }
    fn withdraw_unbonded() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn offer() -> Weight {
        RocksDbWeight::get().reads_writes(12, 12)
    }
    fn withdraw_offer() -> Weight {
        RocksDbWeight::get().reads_writes(12, 12)
    }
    fn rotate_device() -> Weight {
        RocksDbWeight::get().reads_writes(16 + MOVED, 12 + MOVED)
    }
    fn update() -> Weight {
        RocksDbWeight::get().reads_writes(3 + MOVED, 1 + MOVED)
    }
    fn pause() -> Weight {
        RocksDbWeight::get().reads_writes(3 + MOVED, 1 + MOVED)
    }
    fn resume() -> Weight {
        RocksDbWeight::get().reads_writes(3 + MOVED, 1 + MOVED)
    }
    fn deregister() -> Weight {
        RocksDbWeight::get().reads_writes(32 + MOVED, 32 + MOVED)
    }
}
