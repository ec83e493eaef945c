//! The benchmarks from which weights are made (`make weights`).

use alloc::{string::String, vec::Vec};

use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, define_benchmarks};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};

use crate::{
    AllPalletsWithSystem, Custody, Disputes, Jobs, Market, Pins, Providers, Runtime, Spaces, configs::TreasuryAccount,
};

define_benchmarks!(
    [pallet_market, Market]
    [pallet_providers, Providers]
    [pallet_jobs, Jobs]
    [pallet_custody, Custody]
    [pallet_pins, Pins]
    [pallet_spaces, Spaces]
    [pallet_disputes, Disputes]
);

/// What can be measured.
pub fn list(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Runs one benchmark.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let mut whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    // Every fee and every job's cut goes there: a block reads and writes it once, however many there are.
    let treasury = frame_system::Account::<Runtime>::hashed_key_for(TreasuryAccount::get());
    whitelist.push(treasury.into());
    let mut batches = Vec::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}
