//! The store of apps.

use frame_support::{parameter_types, traits::ConstU32};
use frame_system::EnsureRoot;

use super::{TreasuryAccount, payments::Money};
use crate::{
    AccountId, Balance, Balances, BlockNumber, DAYS, Jobs, MILLI, Market, Runtime, RuntimeHoldReason, UNIT, weights,
};

parameter_types! {
    pub const SpaceDeposit: Balance = UNIT;
    pub const ReleaseDeposit: Balance = 100 * MILLI;
    pub const PurchaseDeposit: Balance = 10 * MILLI;
    pub const SpaceRatingDeposit: Balance = 10 * MILLI;
    pub const SpaceReportBond: Balance = 5 * UNIT;
    pub const SpaceReportPeriod: BlockNumber = 14 * DAYS;
}

impl pallet_spaces::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Payments = Money;
    type Assets = Market;
    type Royalties = Market;
    type Jobs = Jobs;
    // Whoever governs the chain: sudo until there are referenda.
    type GovernanceOrigin = EnsureRoot<AccountId>;
    type TreasuryAccount = TreasuryAccount;
    type SpaceDeposit = SpaceDeposit;
    type ReleaseDeposit = ReleaseDeposit;
    type PurchaseDeposit = PurchaseDeposit;
    type RatingDeposit = SpaceRatingDeposit;
    type ReportBond = SpaceReportBond;
    type ReportPeriod = SpaceReportPeriod;
    type MaxTitleBytes = ConstU32<64>;
    type MaxVersionBytes = ConstU32<32>;
    type WeightInfo = weights::pallet_spaces::WeightInfo<Runtime>;
}
