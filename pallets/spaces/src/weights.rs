//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own:
//! it counts the storage items each call touches, and no time.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call.
pub trait WeightInfo {
    /// Publishes a Space that calls `c` assets.
    fn publish(c: u32) -> Weight;
    /// Releases a Space anew.
    fn release() -> Weight;
    /// Says that a Space calls `c` assets.
    fn set_calls(c: u32) -> Weight;
    /// Sets a price.
    fn set_price() -> Weight;
    /// Retires a featured Space for which others move.
    fn retire() -> Weight;
    /// Offers a Space.
    fn offer_transfer() -> Weight;
    /// Takes a Space over, for which another moves in its owner's list.
    fn accept_transfer() -> Weight;
    /// Buys a Space that calls `c` assets with the most payees each.
    fn buy(c: u32) -> Weight;
    /// Gives a purchase up.
    fn forget() -> Weight;
    /// Rates a Space for the first time by a job, so that it changes its class and others move.
    fn rate() -> Weight;
    /// Withdraws a rating, so that the Space changes its class and others move.
    fn withdraw_rating() -> Weight;
    /// Reports a Space.
    fn report() -> Weight;
    /// Withdraws a report for which another moves.
    fn withdraw_report() -> Weight;
    /// Resolves a report for which another moves, and slashes.
    fn resolve_report() -> Weight;
    /// Takes a featured Space down for which others move.
    fn take_down() -> Weight;
    /// Restores a Space.
    fn restore() -> Weight;
    /// Features the last Space that can be, or the opposite.
    fn feature() -> Weight;
}

impl WeightInfo for () {
    fn publish(c: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(11, 14)
            .saturating_add(RocksDbWeight::get().reads(c.into()))
    }
    fn release() -> Weight {
        RocksDbWeight::get().reads_writes(3, 4)
    }
    fn set_calls(c: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(2, 1)
            .saturating_add(RocksDbWeight::get().reads(c.into()))
    }
    fn set_price() -> Weight {
        RocksDbWeight::get().reads_writes(2, 1)
    }
    fn retire() -> Weight {
        RocksDbWeight::get().reads_writes(8, 12)
    }
    fn offer_transfer() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn accept_transfer() -> Weight {
        RocksDbWeight::get().reads_writes(9, 13)
    }
    fn buy(c: u32) -> Weight {
        let payees = u64::from(c).saturating_mul(17);
        RocksDbWeight::get()
            .reads_writes(6, 6)
            .saturating_add(RocksDbWeight::get().reads_writes(payees.saturating_mul(2), payees.saturating_mul(2)))
    }
    fn forget() -> Weight {
        RocksDbWeight::get().reads_writes(4, 4)
    }
    fn rate() -> Weight {
        RocksDbWeight::get().reads_writes(16, 23)
    }
    fn withdraw_rating() -> Weight {
        RocksDbWeight::get().reads_writes(17, 25)
    }
    fn report() -> Weight {
        RocksDbWeight::get().reads_writes(6, 7)
    }
    fn withdraw_report() -> Weight {
        RocksDbWeight::get().reads_writes(7, 9)
    }
    fn resolve_report() -> Weight {
        RocksDbWeight::get().reads_writes(8, 10)
    }
    fn take_down() -> Weight {
        RocksDbWeight::get().reads_writes(8, 12)
    }
    fn restore() -> Weight {
        RocksDbWeight::get().reads_writes(5, 7)
    }
    fn feature() -> Weight {
        RocksDbWeight::get().reads_writes(2, 1)
    }
}
