//! Weights of the calls, and of the steps that the hooks take.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own: it
//! estimates, with a millisecond for each multiplication on the curve.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call with the most custodians, and of each step of the hooks.
pub trait WeightInfo {
    /// Registers with the longest endpoint.
    fn register() -> Weight;
    /// Deregisters out of the middle of the list.
    fn deregister() -> Weight;
    /// Leaves the middle of the list.
    fn set_available() -> Weight;
    /// Sets another key.
    fn set_encryption_key() -> Weight;
    /// Bonds, and comes into the list.
    fn bond() -> Weight;
    /// Unbonds, and leaves the list.
    fn unbond() -> Weight;
    /// Opens a custody.
    fn open_custody() -> Weight;
    /// Deals with the highest threshold.
    fn deal() -> Weight;
    /// Shows a wrong share of the seller.
    fn dispute_deal() -> Weight;
    /// Shows a wrong key.
    fn report_wrong_key() -> Weight;
    /// Closes during a rotation in which all have dealt.
    fn close() -> Weight;
    /// Requests for a licence.
    fn request_for_licence() -> Weight;
    /// Requests for a provider.
    fn request_for_provider() -> Weight;
    /// Releases the share that lists a provider's offer.
    fn release() -> Weight;
    /// Shows a wrong release that delists a provider's offer.
    fn dispute_release() -> Weight;
    /// Draws another committee.
    fn rotate() -> Weight;
    /// Deals to the next committee with the highest threshold.
    fn reshare() -> Weight;
    /// Shows a wrong share of an old custodian.
    fn dispute_reshare() -> Weight;
    /// Finishes a rotation in which all have dealt, with the highest threshold. Who has not is charged as in `due`.
    fn finish_rotation() -> Weight;
    /// Dissolves a custody.
    fn dissolve() -> Weight;
    /// Forgets a key, delisting the provider's offer.
    fn forget_key() -> Weight;
    /// Both lines are looked at and nothing is due.
    fn queue_heads() -> Weight;
    /// A request falls due, and `n` custodians are slashed.
    fn due(n: u32) -> Weight;
    /// A request with all releases is removed.
    fn removed() -> Weight;
    /// A request is removed, and with it the custody that was closing.
    fn removed_with_dealing() -> Weight;
}

impl WeightInfo for () {
    fn register() -> Weight {
        estimate(1, 5, 6)
    }
    fn deregister() -> Weight {
        estimate(0, 6, 7)
    }
    fn set_available() -> Weight {
        estimate(0, 4, 5)
    }
    fn set_encryption_key() -> Weight {
        estimate(1, 1, 1)
    }
    fn bond() -> Weight {
        estimate(0, 4, 5)
    }
    fn unbond() -> Weight {
        estimate(0, 5, 6)
    }
    fn open_custody() -> Weight {
        estimate(0, 26, 15)
    }
    fn deal() -> Weight {
        estimate(2, 4, 5)
    }
    fn dispute_deal() -> Weight {
        estimate(10, 22, 22)
    }
    fn report_wrong_key() -> Weight {
        estimate(1, 20, 20)
    }
    fn close() -> Weight {
        estimate(0, 24, 34)
    }
    fn request_for_licence() -> Weight {
        estimate(1, 8, 7)
    }
    fn request_for_provider() -> Weight {
        estimate(1, 8, 7)
    }
    fn release() -> Weight {
        estimate(0, 12, 9)
    }
    fn dispute_release() -> Weight {
        estimate(10, 16, 12)
    }
    fn rotate() -> Weight {
        estimate(0, 34, 13)
    }
    fn reshare() -> Weight {
        estimate(4, 4, 2)
    }
    fn dispute_reshare() -> Weight {
        estimate(10, 12, 10)
    }
    fn finish_rotation() -> Weight {
        estimate(30, 32, 24)
    }
    fn dissolve() -> Weight {
        estimate(0, 24, 24)
    }
    fn forget_key() -> Weight {
        estimate(0, 9, 7)
    }
    fn queue_heads() -> Weight {
        estimate(0, 5, 0)
    }
    fn due(n: u32) -> Weight {
        estimate(0, 5, 4).saturating_add(estimate(0, 7, 7).saturating_mul(n.into()))
    }
    fn removed() -> Weight {
        estimate(0, 5, 13)
    }
    fn removed_with_dealing() -> Weight {
        estimate(0, 18, 34)
    }
}

fn estimate(multiplications: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(
        multiplications.saturating_mul(1_000_000_000).saturating_add(30_000_000),
        0,
    )
    .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}
