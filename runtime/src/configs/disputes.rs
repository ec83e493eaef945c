//! The chain as judge of exact answers.

use frame_support::{parameter_types, traits::ConstU32};
use frame_system::EnsureRoot;

use super::{
    TreasuryAccount,
    ai::{LongChallengeWindow, UnbondingPeriod},
};
use crate::{
    AccountId, Balance, Balances, BlockNumber, DAYS, HOURS, Jobs, MILLI, MINUTES, Providers, Runtime,
    RuntimeHoldReason, UNIT, weights,
};

/// The most moves of a dispute in which a deadline can be let pass: sketch, position, step, operator, tiles, tile, opening.
const MOST_MOVES: BlockNumber = 7;

parameter_types! {
    /// A tenth of the least stake: a challenger should be sure, and need not be rich.
    pub const ChallengeBond: Balance = 10 * UNIT;
    /// About what the transaction with a sketch of 8192 positions would cost.
    pub const DemandFee: Balance = 500 * MILLI;
    pub const AppealBond: Balance = 10 * UNIT;
    /// Four tenths to the winner, six to the treasury: who wins against oneself loses more than half.
    pub const WinnerShare: u32 = 400_000;
    /// To compute an answer again, and to come back after a restart.
    pub const MoveWindow: BlockNumber = 5 * MINUTES;
    pub const AppealWindow: BlockNumber = 2 * HOURS;
    pub const RulingWindow: BlockNumber = 3 * DAYS;
}

const _: () = assert!(
    LongChallengeWindow::get() + MOST_MOVES * MoveWindow::get() + AppealWindow::get() + RulingWindow::get()
        < UnbondingPeriod::get(),
    "stake that was unbonded when a result was committed must be within reach until all disputes about it have ended"
);

impl pallet_disputes::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Results = Jobs;
    type Stakes = Providers;
    // Whoever governs the chain: sudo until there are referenda.
    type GovernanceOrigin = EnsureRoot<AccountId>;
    type TreasuryAccount = TreasuryAccount;
    type ChallengeBond = ChallengeBond;
    type DemandFee = DemandFee;
    type AppealBond = AppealBond;
    type WinnerShare = WinnerShare;
    type MoveWindow = MoveWindow;
    type AppealWindow = AppealWindow;
    type RulingWindow = RulingWindow;
    // No sound configuration has an opening of more than 85 KB.
    type MaxProofBytes = ConstU32<{ 96 * 1_024 }>;
    type MaxRevealBytes = ConstU32<{ 1_024 * 1_024 }>;
    type MaxDuePerBlock = ConstU32<10>;
    type WeightInfo = weights::pallet_disputes::WeightInfo<Runtime>;
}
