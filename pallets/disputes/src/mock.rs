//! A runtime with nothing but this pallet and balances. Jobs and providers are stood in for by tables of what they would say: the
//! real ones meet in the runtime's tests.

mod acts;

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, fungible::Mutate, tokens::Preservation},
};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;
use weft_primitives::{
    Balance, JobId,
    registry::{Challengeable, ProposedResult, Stakes},
};

pub use self::acts::*;
use crate::{self as pallet_disputes};

pub type AccountId = u64;
pub type BlockNumber = u64;

pub const TREASURY: AccountId = 1;
/// Holds all stakes.
pub const POT: AccountId = 2;
pub const USER: AccountId = 11;
pub const CHALLENGER: AccountId = 12;
pub const OTHER: AccountId = 13;
pub const PROVIDER: AccountId = 21;
pub const DEVICE: AccountId = 22;
pub const ENDOWMENT: Balance = 1_000_000;
pub const STAKE: Balance = 100_000;
pub const BOND: Balance = 10_000;
pub const FEE: Balance = 1_000;
pub const APPEAL_BOND: Balance = 5_000;
pub const WINDOW: BlockNumber = 50;
pub const MOVE_WINDOW: BlockNumber = 10;
pub const APPEAL_WINDOW: BlockNumber = 20;
pub const RULING_WINDOW: BlockNumber = 30;
/// Four tenths.
pub const WINNER_SHARE: u32 = 400_000;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Disputes: pallet_disputes,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<100>;
    type AccountStore = System;
}

parameter_types! {
    pub const Treasury: AccountId = TREASURY;
    /// Results that may be challenged, each with how many disputes about it go on.
    pub storage Results: BTreeMap<JobId, Known> = BTreeMap::new();
    /// What became of jobs: whether they were refuted.
    pub storage Decided: BTreeMap<JobId, bool> = BTreeMap::new();
    /// What of each provider's stake is bonded, and what is seized.
    pub storage Staked: BTreeMap<AccountId, (Balance, Balance)> = BTreeMap::new();
}

/// What a job is stood in for by.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Known {
    pub exact_root: [u8; 32],
    pub trace_root: [u8; 32],
    pub prompt: Option<[u8; 32]>,
    pub open: bool,
    pub until: BlockNumber,
    pub disputes: u32,
}

impl pallet_disputes::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Results = Jobs;
    type Stakes = Pot;
    type GovernanceOrigin = EnsureRoot<AccountId>;
    type TreasuryAccount = Treasury;
    type ChallengeBond = ConstU128<BOND>;
    type DemandFee = ConstU128<FEE>;
    type AppealBond = ConstU128<APPEAL_BOND>;
    type WinnerShare = ConstU32<WINNER_SHARE>;
    type MoveWindow = ConstU64<MOVE_WINDOW>;
    type AppealWindow = ConstU64<APPEAL_WINDOW>;
    type RulingWindow = ConstU64<RULING_WINDOW>;
    type MaxProofBytes = ConstU32<98_304>;
    type MaxRevealBytes = ConstU32<1_048_576>;
    type MaxDuePerBlock = ConstU32<3>;
    type WeightInfo = ();
}

pub struct Jobs;

impl Challengeable<AccountId, BlockNumber> for Jobs {
    fn proposed(job: JobId) -> Option<ProposedResult<AccountId, BlockNumber>> {
        let known = Results::get().get(&job)?.clone();
        Some(ProposedResult {
            user: USER,
            provider: PROVIDER,
            device: DEVICE,
            exact_root: known.exact_root,
            trace_root: known.trace_root,
            prompt: known.prompt,
            open: known.open,
            until: known.until,
        })
    }

    fn disputed(job: JobId) {
        let mut all = Results::get();
        all.get_mut(&job).expect("it was asked for").disputes += 1;
        Results::set(&all);
    }

    fn decided(job: JobId, refuted: bool) {
        let mut all = Results::get();
        let Some(known) = all.get_mut(&job) else { return };
        known.disputes -= 1;
        if refuted || (known.disputes == 0 && System::block_number() > known.until) {
            all.remove(&job);
            let mut decided = Decided::get();
            decided.insert(job, refuted);
            Decided::set(&decided);
        }
        Results::set(&all);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_proposed(
        _: &AccountId,
        _: &AccountId,
        exact_root: [u8; 32],
        trace_root: [u8; 32],
        prompt: [u8; 32],
    ) -> JobId {
        propose(exact_root, trace_root, Some(prompt), true)
    }
}

pub struct Pot;

impl Pot {
    fn of(provider: AccountId) -> (Balance, Balance) {
        Staked::get().get(&provider).copied().unwrap_or_default()
    }

    fn set(provider: AccountId, amounts: (Balance, Balance)) {
        let mut all = Staked::get();
        all.insert(provider, amounts);
        Staked::set(&all);
    }
}

impl Stakes<AccountId> for Pot {
    fn seize(provider: &AccountId) -> Balance {
        let (bonded, seized) = Self::of(*provider);
        Self::set(*provider, (0, seized + bonded));
        bonded
    }

    fn restore(provider: &AccountId, amount: Balance) {
        let (bonded, seized) = Self::of(*provider);
        Self::set(*provider, (bonded + amount, seized - amount));
    }

    fn forfeit(provider: &AccountId, amount: Balance, winner: &AccountId, reward: Balance) -> Balance {
        let (bonded, seized) = Self::of(*provider);
        Self::set(*provider, (bonded, seized - amount));
        let pay = |to, amount| {
            if amount > 0 {
                Balances::transfer(&POT, &to, amount, Preservation::Preserve).unwrap();
            }
        };
        pay(*winner, reward);
        pay(TREASURY, amount - reward);
        reward
    }
}

/// A chain with a staked provider.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        system: Default::default(),
        balances: pallet_balances::GenesisConfig {
            balances: [TREASURY, USER, CHALLENGER, OTHER, PROVIDER, DEVICE]
                .into_iter()
                .map(|account| (account, ENDOWMENT))
                .chain([(POT, ENDOWMENT + STAKE)])
                .collect(),
            ..Default::default()
        },
    }
    .build_storage()
    .unwrap();
    let mut externalities = sp_io::TestExternalities::from(storage);
    externalities.execute_with(|| {
        System::set_block_number(1);
        Pot::set(PROVIDER, (STAKE, 0));
    });
    externalities
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn test(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issued = Balances::total_issuance();
        test();
        check_invariants();
        assert_eq!(Balances::total_issuance(), issued);
    });
}

pub fn check_invariants() {
    Disputes::do_try_state().unwrap();
    let open: u32 = Results::get().values().map(|known| known.disputes).sum();
    let going_on = crate::Disputes::<Test>::iter_values()
        .filter(|dispute| Results::get().contains_key(&dispute.job))
        .count();
    assert_eq!(open as usize, going_on, "a job knows how many disputes about it go on");
    let pot: Balance = Staked::get().values().map(|(bonded, seized)| bonded + seized).sum();
    assert_eq!(Balances::free_balance(POT), ENDOWMENT + pot);
}
