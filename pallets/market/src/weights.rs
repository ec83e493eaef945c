//! Weights of the calls.
//!
//! The runtime uses the weights that the benchmarks measured on its wasm. `()` is for tests of this pallet on its own:
//! it counts the storage items each call touches, and no time.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weight of each call.
pub trait WeightInfo {
    /// Publishes an exact model with the longest name, the most tags and tariffs, and `bases` bases.
    fn publish(bases: u32) -> Weight;
    /// Publishes the next version of a work that was retired, so that it is listed again, from `bases` bases.
    fn release(bases: u32) -> Weight;
    /// Retires the last version of a work.
    fn retire() -> Weight;
    /// Grants a key to a provider for the first time, listing their offer.
    fn grant_key() -> Weight;
    /// Takes a key back, delisting the provider's offer.
    fn revoke_key() -> Weight;
    /// Sets the longest endpoint for the first time.
    fn set_endpoint() -> Weight;
    /// Removes an endpoint.
    fn remove_endpoint() -> Weight;
    /// Replaces the most tags by as many others.
    fn set_tags() -> Weight;
    /// Makes a work with the most tariffs dearer.
    fn set_tariffs() -> Weight;
    /// Offers a work.
    fn offer_transfer() -> Weight;
    /// Takes a work that has a grant.
    fn accept_transfer() -> Weight;
    /// Buys a first licence of an asset with `payees` ancestors, whose key is in custody.
    fn buy(payees: u32) -> Weight;
    /// The same by who has a licence, in place of an open request for its key.
    fn buy_again(payees: u32) -> Weight;
    /// Sets a licence's key for an asset whose key is in custody.
    fn set_licence_key() -> Weight;
    /// Asks for the key of a version.
    fn request_key() -> Weight;
    /// Closes a licence.
    fn close_licence() -> Weight;
    /// Revokes a licence and pays it back.
    fn revoke_licence() -> Weight;
    /// Rates a work for the first time, which changes its class.
    fn rate() -> Weight;
    /// Removes a rating that is not the last, which changes the work's class.
    fn remove_rating() -> Weight;
    /// Adds the last attestation that there can be.
    fn attest() -> Weight;
    /// Withdraws one of the most attestations.
    fn withdraw_attestation() -> Weight;
    /// Adds the last report that there can be.
    fn report() -> Weight;
    /// Ends one of the most reports.
    fn expire_report() -> Weight;
    /// Upholds one of the most reports against an asset with the most attestations.
    fn resolve_report() -> Weight;
}

impl WeightInfo for () {
    fn publish(bases: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(14, 25)
            .saturating_add(a_read_each(bases))
    }
    fn release(bases: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(13, 24)
            .saturating_add(a_read_each(bases))
    }
    fn retire() -> Weight {
        RocksDbWeight::get().reads_writes(11, 20)
    }
    fn grant_key() -> Weight {
        RocksDbWeight::get().reads_writes(10, 8)
    }
    fn revoke_key() -> Weight {
        RocksDbWeight::get().reads_writes(10, 8)
    }
    fn set_endpoint() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn remove_endpoint() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn set_tags() -> Weight {
        RocksDbWeight::get().reads_writes(11, 21)
    }
    fn set_tariffs() -> Weight {
        RocksDbWeight::get().reads_writes(4, 5)
    }
    fn offer_transfer() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
    fn accept_transfer() -> Weight {
        RocksDbWeight::get().reads_writes(7, 9)
    }
    fn buy(payees: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(10, 9)
            .saturating_add(RocksDbWeight::get().reads_writes(3, 2).saturating_mul(payees.into()))
    }
    fn buy_again(payees: u32) -> Weight {
        RocksDbWeight::get()
            .reads_writes(11, 9)
            .saturating_add(RocksDbWeight::get().reads_writes(3, 2).saturating_mul(payees.into()))
    }
    fn set_licence_key() -> Weight {
        RocksDbWeight::get().reads_writes(6, 5)
    }
    fn request_key() -> Weight {
        RocksDbWeight::get().reads_writes(7, 5)
    }
    fn close_licence() -> Weight {
        RocksDbWeight::get().reads_writes(3, 5)
    }
    fn revoke_licence() -> Weight {
        RocksDbWeight::get().reads_writes(5, 4)
    }
    fn rate() -> Weight {
        RocksDbWeight::get().reads_writes(8, 9)
    }
    fn remove_rating() -> Weight {
        RocksDbWeight::get().reads_writes(9, 11)
    }
    fn attest() -> Weight {
        RocksDbWeight::get().reads_writes(5, 3)
    }
    fn withdraw_attestation() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn report() -> Weight {
        RocksDbWeight::get().reads_writes(4, 3)
    }
    fn expire_report() -> Weight {
        RocksDbWeight::get().reads_writes(3, 3)
    }
    fn resolve_report() -> Weight {
        RocksDbWeight::get().reads_writes(40, 40)
    }
}

fn a_read_each(items: u32) -> Weight {
    RocksDbWeight::get().reads(1).saturating_mul(items.into())
}
