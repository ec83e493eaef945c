//! Keys kept by custodians.

use frame_support::{parameter_types, traits::ConstU32};

use super::{TreasuryAccount, ai::ChainRandomness};
use crate::{
    Balance, Balances, BlockNumber, DAYS, HOURS, MILLI, MINUTES, Market, Providers, Runtime, RuntimeHoldReason, UNIT,
    weights,
};

parameter_types! {
    pub const CustodianStake: Balance = 100 * UNIT;
    pub const CustodianDeposit: Balance = UNIT;
    pub const CustodyDeposit: Balance = 100 * MILLI;
    /// For each of the n (n + 1) shares that a key's records grow to.
    pub const ShareDeposit: Balance = 10 * MILLI;
    /// What a seller loses who deals a wrong share or entrusts another key than was promised.
    pub const DealerBond: Balance = 20 * UNIT;
    pub const ProviderKeyDeposit: Balance = 20 * MILLI;
    /// What each custodian earns for a release: the fee of its transaction, and as much again.
    pub const ReleaseFee: Balance = 10 * MILLI;
    /// A silent custodian loses this, and one that forges this.
    pub const MissSlash: Balance = 2 * UNIT;
    pub const ForgerySlash: Balance = 50 * UNIT;
    /// Half of what is slashed goes to whom it was done to; the rest to the treasury, so that it pays nobody to harm oneself.
    pub const WrongedShare: u32 = 500_000;
    pub const DealWindow: BlockNumber = 30 * MINUTES;
    pub const ReleaseWindow: BlockNumber = 2 * MINUTES;
    pub const ReleaseDisputeWindow: BlockNumber = HOURS;
    pub const ReshareWindow: BlockNumber = 10 * MINUTES;
    pub const ComplaintWindow: BlockNumber = 20 * MINUTES;
    pub const RotationPeriod: BlockNumber = 30 * DAYS;
    pub const RotationPause: BlockNumber = HOURS;
}

impl pallet_custody::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Licensing = Market;
    type Grantees = Providers;
    type Randomness = ChainRandomness;
    type TreasuryAccount = TreasuryAccount;
    type CustodianStake = CustodianStake;
    type RegistrationDeposit = CustodianDeposit;
    type CustodyDeposit = CustodyDeposit;
    type ShareDeposit = ShareDeposit;
    type DealerBond = DealerBond;
    type ProviderKeyDeposit = ProviderKeyDeposit;
    type ReleaseFee = ReleaseFee;
    type MissSlash = MissSlash;
    type ForgerySlash = ForgerySlash;
    type WrongedShare = WrongedShare;
    type DealWindow = DealWindow;
    type ReleaseWindow = ReleaseWindow;
    type DisputeWindow = ReleaseDisputeWindow;
    type ReshareWindow = ReshareWindow;
    type ComplaintWindow = ComplaintWindow;
    type RotationPeriod = RotationPeriod;
    type RotationPause = RotationPause;
    type MaxEndpointBytes = ConstU32<128>;
    type MaxDuePerBlock = ConstU32<10>;
    type WeightInfo = weights::pallet_custody::WeightInfo<Runtime>;
}
