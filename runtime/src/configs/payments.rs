//! In what people pay: the native token, and those of `pallet-assets` that governance accepts.
//!
//! Anybody may make an asset. Prices may be asked in it once governance has made it *sufficient*
//! (`assets.force_asset_status`, `assets.force_create`): only such an asset reaches accounts that do not exist yet, which a
//! payment may have to.

use frame_support::traits::{
    AsEnsureOriginWithArg, ConstU32, fungible, fungibles,
    tokens::{DepositConsequence, Preservation, Provenance},
};
use frame_system::{EnsureRoot, EnsureSigned};
use weft_primitives::payment::{Currency, Payments, Unpaid};

use crate::{AccountId, Assets, Balance, Balances, MILLI, Runtime, RuntimeEvent, UNIT};

frame_support::parameter_types! {
    pub const AssetDeposit: Balance = 10 * UNIT;
    pub const AssetAccountDeposit: Balance = 10 * MILLI;
    pub const AssetMetadataDepositBase: Balance = 100 * MILLI;
    pub const AssetMetadataDepositPerByte: Balance = MILLI;
    pub const AssetApprovalDeposit: Balance = 10 * MILLI;
}

impl pallet_assets::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Balance = Balance;
    type RemoveItemsLimit = ConstU32<1_000>;
    type AssetId = u32;
    type AssetIdParameter = codec::Compact<u32>;
    type ReserveData = ();
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type ForceOrigin = EnsureRoot<AccountId>;
    type AssetDeposit = AssetDeposit;
    type AssetAccountDeposit = AssetAccountDeposit;
    type MetadataDepositBase = AssetMetadataDepositBase;
    type MetadataDepositPerByte = AssetMetadataDepositPerByte;
    type ApprovalDeposit = AssetApprovalDeposit;
    type StringLimit = ConstU32<50>;
    type Freezer = ();
    type Holder = ();
    type Extra = ();
    type CallbackHandle = ();
    type AssetIdAllocator = ();
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}

/// Payments over balances and assets.
pub struct Money;

impl Payments<AccountId> for Money {
    fn is_accepted(currency: Currency) -> bool {
        match currency {
            Currency::Native => true,
            Currency::Token(id) => pallet_assets::Asset::<Runtime>::get(id).is_some_and(|asset| asset.is_sufficient),
        }
    }

    fn pay(from: &AccountId, to: &AccountId, currency: Currency, amount: Balance) -> Result<(), Unpaid> {
        if amount == 0 || from == to {
            return Ok(());
        }
        let (receivable, paid) = match currency {
            Currency::Native => {
                use fungible::{Inspect, Mutate};
                let receivable = <Balances as Inspect<_>>::can_deposit(to, amount, Provenance::Extant);
                let pay = || <Balances as Mutate<_>>::transfer(from, to, amount, Preservation::Preserve);
                (receivable == DepositConsequence::Success, pay().is_ok())
            }
            Currency::Token(id) => {
                use fungibles::{Inspect, Mutate};
                let receivable = <Assets as Inspect<_>>::can_deposit(id, to, amount, Provenance::Extant);
                let pay = || <Assets as Mutate<_>>::transfer(id, from, to, amount, Preservation::Expendable);
                (receivable == DepositConsequence::Success, pay().is_ok())
            }
        };
        match (paid, receivable) {
            (true, _) => Ok(()),
            (false, true) => Err(Unpaid::NotCovered),
            (false, false) => Err(Unpaid::CannotReceive),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_endow(who: &AccountId, currency: Currency, amount: Balance) {
        use fungible::Mutate as _;
        use fungibles::Mutate as _;
        Balances::mint_into(who, amount.max(UNIT)).expect("a benchmark's balances can be minted");
        if let Currency::Token(id) = currency {
            if !Self::is_accepted(currency) {
                <Assets as fungibles::Create<_>>::create(id, who.clone(), true, 1)
                    .expect("the number is free on a benchmark's chain");
            }
            Assets::mint_into(id, who, amount).expect("a benchmark's assets can be minted");
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_currency() -> Currency {
        Currency::Token(u32::MAX)
    }
}
