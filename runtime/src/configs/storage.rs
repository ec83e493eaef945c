//! Paid storage of sealed files.

use frame_support::{parameter_types, traits::ConstU32};

use super::ai::ChainRandomness;
use crate::{Balance, Balances, BlockNumber, MILLI, MINUTES, Market, Runtime, RuntimeHoldReason, UNIT, weights};

parameter_types! {
    /// A pinner proves once in every epoch.
    pub const PinEpochBlocks: BlockNumber = 10 * MINUTES;
    pub const PinDealDeposit: Balance = 100 * MILLI;
    pub const PinBond: Balance = 10 * UNIT;
    /// A quarter of a lapsed pinner's bond goes to whoever evicts them.
    pub const EvictorShare: u32 = 250_000;
}

impl pallet_pins::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Assets = Market;
    type Randomness = ChainRandomness;
    type EpochBlocks = PinEpochBlocks;
    type NoticeEpochs = ConstU32<6>;
    type MaxMissed = ConstU32<6>;
    type DealDeposit = PinDealDeposit;
    type PinBond = PinBond;
    type EvictorShare = EvictorShare;
    type WeightInfo = weights::pallet_pins::WeightInfo<Runtime>;
}
