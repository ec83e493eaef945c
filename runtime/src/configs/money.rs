//! The native token: balances, fees, and the treasury's account.

use frame_support::{
    PalletId, parameter_types,
    traits::{
        ConstU8, ConstU32, OnUnbalanced, VariantCountOf,
        fungible::{Balanced, Credit},
    },
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{
    FixedPointNumber, Perquintill,
    traits::{AccountIdConversion, Bounded},
};

use crate::{
    AccountId, Balance, Balances, MICRO, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, System,
};

parameter_types! {
    pub const ExistentialDeposit: Balance = 100 * MICRO;
    /// A byte of a transaction costs as much as 1 microsecond of execution.
    pub const TransactionByteFee: Balance = MICRO;
    pub const TreasuryPalletId: PalletId = PalletId(*b"weft/tsy");
    /// Has no key: only governance moves it.
    pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();
    /// Fees rise when blocks are more than a quarter full.
    pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(3, 100_000);
    pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10u128);
    pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type Balance = Balance;
    type DustRemoval = ToTreasury;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<0>;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

/// Fees, tips and dust go to the treasury.
pub struct ToTreasury;
impl OnUnbalanced<Credit<AccountId, Balances>> for ToTreasury {
    fn on_nonzero_unbalanced(amount: Credit<AccountId, Balances>) {
        // The genesis endows the account, so this cannot fail for want of an existential deposit; should it ever, the
        // credit is dropped, which burns it: issuance stays right.
        let resolved = Balances::resolve(&TreasuryAccount::get(), amount);
        debug_assert!(resolved.is_ok(), "the treasury's account exists from genesis");
    }
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ToTreasury>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
    type FeeMultiplierUpdate =
        TargetedFeeAdjustment<Self, TargetBlockFullness, AdjustmentVariable, MinimumMultiplier, MaximumMultiplier>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
