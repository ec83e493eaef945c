//! Costs of the calls, and of the steps that the hooks take.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the pallet's work costs.
pub trait WeightInfo {
    /// A result is challenged.
    fn challenge() -> Weight;
    /// A sketch is demanded.
    fn demand() -> Weight;
    /// A sketch of so many bytes is shown.
    fn show_sketch(bytes: u32) -> Weight;
    /// A place is named.
    fn name_place() -> Weight;
    /// So many bytes are revealed.
    fn reveal(bytes: u32) -> Weight;
    /// A tile of about 56 KB is computed, beside what its bytes cost.
    fn judge() -> Weight;
    /// A dispute ends, in which the provider loses a stake on which all its offers rest, and with it the job.
    fn refuted() -> Weight;
    /// A dispute ends, in which the challenger loses, and with it the job, which is paid for.
    fn upheld() -> Weight;
    /// Somebody appeals.
    fn appeal() -> Weight;
    /// Governance lets a dispute go on.
    fn rule() -> Weight;
    /// A provider was silent, and its stake is seized.
    fn due_lapsed() -> Weight;
    /// A dispute ends, which nobody appealed, besides what its end costs.
    fn due_ended() -> Weight;
    /// Nothing was due in a block.
    fn due_passed() -> Weight;
}

/// For tests of this pallet on its own: estimates from counted reads and writes. The runtime has measured ones.
impl WeightInfo for () {
    fn challenge() -> Weight {
        estimate(60, 6, 6)
    }
    fn demand() -> Weight {
        estimate(50, 6, 6)
    }
    fn show_sketch(bytes: u32) -> Weight {
        estimate(60, 6, 6).saturating_add(of_bytes(bytes))
    }
    fn name_place() -> Weight {
        estimate(60, 6, 6)
    }
    fn reveal(bytes: u32) -> Weight {
        estimate(60, 6, 6).saturating_add(of_bytes(bytes))
    }
    fn judge() -> Weight {
        estimate(500, 6, 6)
    }
    fn refuted() -> Weight {
        estimate(200, 30, 30)
    }
    fn upheld() -> Weight {
        estimate(200, 30, 30)
    }
    fn appeal() -> Weight {
        estimate(40, 4, 4)
    }
    fn rule() -> Weight {
        estimate(60, 8, 8)
    }
    fn due_lapsed() -> Weight {
        estimate(80, 20, 20)
    }
    fn due_ended() -> Weight {
        estimate(20, 3, 3)
    }
    fn due_passed() -> Weight {
        estimate(5, 1, 0)
    }
}

fn estimate(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(1_000_000), 0)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

/// Decoding and hashing.
fn of_bytes(bytes: u32) -> Weight {
    Weight::from_parts(u64::from(bytes).saturating_mul(10_000), 0)
}
