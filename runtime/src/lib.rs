//! Weft's runtime: composition only. Rules live in the pallets and in `weft-primitives`; `configs/` wires them, one file
//! a concern, `apis.rs` answers clients, `presets.rs` says how development chains start.

#![cfg_attr(not(feature = "std"), no_std)]
// `construct_runtime` nests types deeply.
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod presets;
pub mod token;
pub mod weights;

use alloc::{borrow::Cow, vec::Vec};

use sp_runtime::{
    MultiAddress, MultiSignature, generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

pub use pallet_balances::Call as BalancesCall;
pub use weft_primitives::price::Balance;

/// Signs transactions: sr25519, ed25519, or ecdsa.
pub type Signature = MultiSignature;
/// A chain account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// Number of transactions an account has sent.
pub type Nonce = u32;
/// Block and state hash.
pub type Hash = sp_core::H256;
/// Height of a block.
pub type BlockNumber = u32;
/// How calls name accounts.
pub type Address = MultiAddress<AccountId, ()>;
/// Block header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// Block of this chain.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What every signed transaction is checked for.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// A transaction as it arrives.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// Applies blocks.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// The version that clients and the wasm executor compare.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("weft"),
    impl_name: Cow::Borrowed("weft"),
    authoring_version: 1,
    spec_version: 102,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 3,
    system_version: 1,
};

/// Time between blocks, in milliseconds.
pub const MILLISECS_PER_BLOCK: u64 = 3_000;
/// Blocks in a minute.
pub const MINUTES: BlockNumber = 60_000 / (MILLISECS_PER_BLOCK as BlockNumber);
/// Blocks in an hour.
pub const HOURS: BlockNumber = MINUTES * 60;
/// Blocks in a day.
pub const DAYS: BlockNumber = HOURS * 24;
/// Blocks in a BABE epoch, which is also a session.
pub const EPOCH_BLOCKS: BlockNumber = 10 * MINUTES;

/// The smallest unit.
pub const UNIT: Balance = 10u128.pow(token::DECIMALS as u32);
/// A thousandth of a WEFT.
pub const MILLI: Balance = UNIT / 1_000;
/// A millionth of a WEFT.
pub const MICRO: Balance = UNIT / 1_000_000;

/// Keys that a validator's session rests on.
pub mod opaque {
    use super::{Babe, Grandpa, Vec};
    sp_runtime::impl_opaque_keys! {
        pub struct SessionKeys {
            pub babe: Babe,
            pub grandpa: Grandpa,
        }
    }

    /// A block whose extrinsics are only bytes: all the node's network code needs to know.
    pub type Block = sp_runtime::generic::Block<super::Header, sp_runtime::OpaqueExtrinsic>;
}
pub use opaque::SessionKeys;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    // Before Session: a block's author is looked up in the authorities of its own session.
    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe;
    #[runtime::pallet_index(3)]
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(4)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(5)]
    pub type Grandpa = pallet_grandpa;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(12)]
    pub type Sudo = pallet_sudo;
    #[runtime::pallet_index(13)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(14)]
    pub type Assets = pallet_assets;

    #[runtime::pallet_index(20)]
    pub type Market = pallet_market;
    #[runtime::pallet_index(21)]
    pub type Providers = pallet_providers;
    #[runtime::pallet_index(22)]
    pub type Jobs = pallet_jobs;
    #[runtime::pallet_index(23)]
    pub type Custody = pallet_custody;
    #[runtime::pallet_index(24)]
    pub type Pins = pallet_pins;
    #[runtime::pallet_index(25)]
    pub type Spaces = pallet_spaces;
    #[runtime::pallet_index(26)]
    pub type Disputes = pallet_disputes;
}
