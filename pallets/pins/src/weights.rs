//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own:
//! it counts the storage items each call touches, and no time.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call and of the hook.
pub trait WeightInfo {
    /// A block in which an epoch begins.
    fn epoch_begins() -> Weight;
    /// A block in which none begins.
    fn epoch_goes_on() -> Weight;
    /// Opens a deal.
    fn open() -> Weight;
    /// Joins a deal.
    fn join() -> Weight;
    /// Proves a whole piece with `s` siblings.
    fn prove(s: u32) -> Weight;
    /// Leaves a deal that is not the last in the pinner's list.
    fn leave() -> Weight;
    /// Evicts a pinner whose deal is not the last in their list.
    fn evict() -> Weight;
    /// Gives notice of a deal.
    fn give_notice() -> Weight;
    /// Closes a deal that is the last in neither list.
    fn close() -> Weight;
}

impl WeightInfo for () {
    fn epoch_begins() -> Weight {
        RocksDbWeight::get().reads_writes(3, 1)
    }
    fn epoch_goes_on() -> Weight {
        RocksDbWeight::get().reads(1)
    }
    fn open() -> Weight {
        RocksDbWeight::get().reads_writes(8, 10)
    }
    fn join() -> Weight {
        RocksDbWeight::get().reads_writes(6, 7)
    }
    fn prove(s: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(6, 5)
            .saturating_add(Weight::from_parts(u64::from(s).saturating_mul(1_000), 0))
    }
    fn leave() -> Weight {
        RocksDbWeight::get().reads_writes(7, 9)
    }
    fn evict() -> Weight {
        RocksDbWeight::get().reads_writes(9, 11)
    }
    fn give_notice() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn close() -> Weight {
        RocksDbWeight::get().reads_writes(9, 13)
    }
}
