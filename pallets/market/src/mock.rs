//! A runtime with nothing but this pallet and balances. The pallets that it meets are stood in for by tables in
//! storage: of providers' keys, of tokens, of keys in custody, and of receipts. The real ones meet in the runtime's
//! tests.

mod acts;
mod others;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use frame_support::{assert_ok, derive_impl, parameter_types, traits::ConstU64};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;
use weft_primitives::{AssetId, Balance, JobId, LicenceId, Ppm, device::EncryptionKey};

pub use self::{acts::*, others::*};
use crate as pallet_market;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeHoldReason,
        RuntimeFreezeReason,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Market = pallet_market;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = frame_support::traits::ConstU128<1>;
}

pub const PUBLISH_DEPOSIT: Balance = 100;
pub const GRANT_DEPOSIT: Balance = 10;
pub const ENDPOINT_DEPOSIT: Balance = 7;
pub const LICENCE_DEPOSIT: Balance = 5;
pub const RATING_DEPOSIT: Balance = 3;
pub const REPORT_BOND: Balance = 50;
pub const MIN_ATTESTATION: Balance = 40;
pub const MAX_ROYALTY: Ppm = 300_000;
pub const EXACT_ROOT: [u8; 32] = [9; 32];

parameter_types! {
    pub const Treasury: u64 = TREASURY;
    pub const PublishDeposit: Balance = PUBLISH_DEPOSIT;
    pub const GrantDeposit: Balance = GRANT_DEPOSIT;
    pub const EndpointDeposit: Balance = ENDPOINT_DEPOSIT;
    pub const LicenceDeposit: Balance = LICENCE_DEPOSIT;
    pub const RatingDeposit: Balance = RATING_DEPOSIT;
    pub const MinAttestation: Balance = MIN_ATTESTATION;
    /// Half of a stake is lost, of which the reporter gets a quarter.
    pub const AttestationSlash: Ppm = 500_000;
    pub const ReporterShare: Ppm = 250_000;
    pub const ReportBond: Balance = REPORT_BOND;
    pub const MaxRoyalty: Ppm = MAX_ROYALTY;
    pub const MaxNameBytes: u32 = 64;
    pub const MaxEndpointBytes: u32 = 128;
    /// The providers' present keys.
    pub storage DeviceKeys: BTreeMap<u64, EncryptionKey> = BTreeMap::new();
    /// What the providers pallet has been told: asset, provider, granted or revoked.
    pub storage Told: Vec<(AssetId, u64, bool)> = Vec::new();
    /// Who has how much of which token.
    pub storage Tokens: BTreeMap<(u32, u64), Balance> = BTreeMap::new();
    /// Accounts that cannot receive any token.
    pub storage Blocked: BTreeSet<u64> = BTreeSet::new();
    /// Whether governance has withdrawn the accepted token.
    pub storage Withdrawn: bool = false;
    /// Assets whose keys are in custody.
    pub storage Entrusted: BTreeSet<AssetId> = BTreeSet::new();
    /// What custodians have been asked for.
    pub storage Asked: Vec<(AssetId, LicenceId, u64, EncryptionKey)> = Vec::new();
    /// Whether nobody can pay the custodians.
    pub storage Penniless: bool = false;
    /// To whom custodians have released keys.
    pub storage Released: BTreeSet<(AssetId, u64, EncryptionKey)> = BTreeSet::new();
    /// Paid jobs.
    pub storage Receipts: BTreeMap<JobId, (u64, AssetId)> = BTreeMap::new();
}

impl pallet_market::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Payments = Money;
    type Grantees = Providers;
    type Custody = Custodians;
    type Jobs = PaidJobs;
    type GovernanceOrigin = EnsureRoot<u64>;
    type TreasuryAccount = Treasury;
    type PublishDeposit = PublishDeposit;
    type GrantDeposit = GrantDeposit;
    type EndpointDeposit = EndpointDeposit;
    type LicenceDeposit = LicenceDeposit;
    type RatingDeposit = RatingDeposit;
    type MinAttestation = MinAttestation;
    type AttestationPeriod = ConstU64<20>;
    type AttestationSlash = AttestationSlash;
    type ReporterShare = ReporterShare;
    type ReportBond = ReportBond;
    type ReportPeriod = ConstU64<10>;
    type MaxRoyalty = MaxRoyalty;
    type MaxNameBytes = MaxNameBytes;
    type MaxEndpointBytes = MaxEndpointBytes;
    type WeightInfo = ();
}

pub const CREATOR: u64 = 1;
pub const OTHER_CREATOR: u64 = 2;
pub const PROVIDER: u64 = 3;
pub const PAUPER: u64 = 4;
pub const BUYER: u64 = 5;
pub const OTHER_BUYER: u64 = 6;
pub const TREASURY: u64 = 9;
pub const FUNDS: Balance = 100_000;

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: [CREATOR, OTHER_CREATOR, PROVIDER, BUYER, OTHER_BUYER, TREASURY]
            .map(|who| (who, FUNDS))
            .to_vec(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        Providers::set_key(PROVIDER, key_of(1));
        let tokens = [BUYER, OTHER_BUYER, CREATOR].map(|who| ((STABLE, who), FUNDS));
        Tokens::set(&tokens.into());
    });
    ext
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        let tokens = tokens_issued();
        test();
        assert_ok!(Market::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
        assert_eq!(tokens_issued(), tokens);
    });
}
