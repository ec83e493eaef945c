//! A runtime of this pallet with an order book and a registry of models held in a storage value each.

mod acts;
mod book;

use std::collections::{BTreeMap, BTreeSet};

use codec::Encode;
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU128, Randomness, fungible::Mutate},
};
use sp_core::H256;
use sp_runtime::{
    BuildStorage,
    traits::{BlakeTwo256, Hash},
};
use weft_primitives::{AssetId, Balance, Ppm};

pub use self::{acts::*, book::*};
use crate::{self as pallet_jobs, Event};

pub type AccountId = u64;
pub type BlockNumber = u32;

pub const TREASURY: AccountId = 1;
pub const ALICE: AccountId = 11;
pub const BOB: AccountId = 12;
pub const CREATOR: AccountId = 21;
pub const PARENT: AccountId = 22;
pub const GRANDPARENT: AccountId = 23;
pub const MODEL: AssetId = 7;
pub const RETIRED: AssetId = 8;
pub const EXACT_MODEL: AssetId = 9;
pub const LICENSED_MODEL: AssetId = 10;
pub const DERIVED_MODEL: AssetId = 11;
/// The root of [`EXACT_MODEL`].
pub const EXACT_ROOT: [u8; 32] = [9; 32];
pub const ENDOWMENT: Balance = 1_000_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 100;
/// A tenth of the price.
pub const TREASURY_CUT: Ppm = 100_000;
/// A twentieth of what the treasury leaves.
pub const ROYALTY: Ppm = 50_000;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Jobs: pallet_jobs,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
}

parameter_types! {
    pub const Treasury: AccountId = TREASURY;
}

impl pallet_jobs::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Models = Registry;
    type Royalties = Registry;
    type Providers = Book;
    type Randomness = BlockRandomness;
    type InputWindow = ConstU32<5>;
    type ShortWindow = ConstU32<10>;
    type StandardWindow = ConstU32<20>;
    type LongWindow = ConstU32<40>;
    type ShortChallengeWindow = ConstU32<7>;
    type StandardChallengeWindow = ConstU32<15>;
    type LongChallengeWindow = ConstU32<33>;
    type Retention = ConstU32<30>;
    type MaxDuePerBlock = ConstU32<3>;
    type MaxTokens = ConstU32<1000>;
    type TreasuryAccount = Treasury;
    type TreasuryCut = ConstU32<TREASURY_CUT>;
    type WeightInfo = ();
}

pub struct BlockRandomness;
impl Randomness<H256, BlockNumber> for BlockRandomness {
    fn random(subject: &[u8]) -> (H256, BlockNumber) {
        let now = System::block_number();
        (BlakeTwo256::hash(&(subject, now).encode()), now)
    }
}

/// A chain with users, a creator, those whose works they used, a treasury, models, and the given providers `(owner,
/// ask, capacity)`.
pub struct Chain {
    externalities: sp_io::TestExternalities,
}

impl Chain {
    pub fn with(providers: &[(AccountId, Balance, u32)]) -> Self {
        let endowed = [ALICE, BOB, CREATOR, PARENT, GRANDPARENT, TREASURY]
            .into_iter()
            .chain(providers.iter().map(|(owner, ..)| *owner))
            .collect::<BTreeSet<_>>();
        let storage = RuntimeGenesisConfig {
            system: Default::default(),
            balances: pallet_balances::GenesisConfig {
                balances: endowed.into_iter().map(|account| (account, ENDOWMENT)).collect(),
                ..Default::default()
            },
        }
        .build_storage()
        .unwrap();
        let mut externalities = sp_io::TestExternalities::from(storage);
        externalities.execute_with(|| {
            System::set_block_number(1);
            Models::set(&BTreeMap::from([
                (MODEL, Model::LISTED),
                (
                    RETIRED,
                    Model {
                        listed: false,
                        ..Model::LISTED
                    },
                ),
                (EXACT_MODEL, Model::EXACT),
                (LICENSED_MODEL, Model::LICENSED),
                (DERIVED_MODEL, Model::DERIVED),
            ]));
            for (owner, ask, capacity) in providers {
                Book::offer(*owner, *ask, *capacity);
            }
        });
        Self { externalities }
    }

    /// Leaves an account without funds, so that it does not exist.
    pub fn without(mut self, account: AccountId) -> Self {
        self.externalities.execute_with(|| {
            Balances::set_balance(&account, 0);
            assert!(!System::account_exists(&account));
        });
        self
    }

    /// Runs a test and checks what must hold after any: the pallet's invariants, the issuance, and that the providers'
    /// slots are those of the jobs that live.
    pub fn test(mut self, test: impl FnOnce()) {
        self.externalities.execute_with(|| {
            let issued = Balances::total_issuance();
            test();
            check_invariants();
            assert_eq!(
                Balances::total_issuance(),
                issued - burned(),
                "tokens appeared or vanished"
            );
        });
    }

    #[cfg(feature = "runtime-benchmarks")]
    pub fn into_externalities(self) -> sp_io::TestExternalities {
        self.externalities
    }
}

/// What was burned as dust, according to the events.
fn burned() -> Balance {
    events()
        .into_iter()
        .map(|event| match event {
            Event::Redirected {
                paid_to: None, amount, ..
            } => amount,
            _ => 0,
        })
        .sum()
}

pub fn check_invariants() {
    Jobs::do_try_state().unwrap();
    for (owner, provider) in Providers::get() {
        let active = crate::Jobs::<Test>::iter_values()
            .filter(|job| job.booking.provider == owner && job.proposed.is_none())
            .count();
        assert_eq!(provider.jobs.len(), active, "slots of {owner}");
    }
}
