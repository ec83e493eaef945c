//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own:
//! it counts the storage items each call touches, and of time only a guess for signatures.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call, and of what verifying a quote takes.
pub trait WeightInfo {
    /// Records what a verified quote says in the place of an earlier one.
    fn attest() -> Weight;
    /// Checks `s` signatures.
    fn verify_signatures(s: u32) -> Weight;
    /// Removes an attestation.
    fn forget() -> Weight;
    /// Removes an attestation that has run out.
    fn remove_expired() -> Weight;
    /// Allows a measurement.
    fn allow_measurement() -> Weight;
    /// Removes a measurement.
    fn remove_measurement() -> Weight;
    /// Revokes a platform.
    fn revoke() -> Weight;
    /// Readmits a platform.
    fn readmit() -> Weight;
    /// Admits a status.
    fn admit_status() -> Weight;
    /// Excludes a status.
    fn exclude_status() -> Weight;
}

/// Picoseconds of one signature on P-256 in wasm: a guess, above what a slow machine takes.
const SIGNATURE_PS: u64 = 2_000_000_000;

impl WeightInfo for () {
    fn attest() -> Weight {
        RocksDbWeight::get().reads_writes(11, 5)
    }
    fn verify_signatures(s: u32) -> Weight {
        Weight::from_parts(SIGNATURE_PS.saturating_mul(s.into()), 0)
    }
    fn forget() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn remove_expired() -> Weight {
        RocksDbWeight::get().reads_writes(4, 3)
    }
    fn allow_measurement() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn remove_measurement() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn revoke() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn readmit() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn admit_status() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn exclude_status() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
}
