//! A runtime with nothing but this pallet and balances. The providers are stood in for by a table of devices. Quotes are
//! verified by [`Dcap`], but for those that begin with [`TOLD`]: they say of themselves what a good quote would, as
//! nobody can make one for these devices without the hardware.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use core::time::Duration;
use frame_support::{assert_ok, derive_impl, parameter_types, traits::UnixTime};
use frame_system::EnsureRoot;
use sp_runtime::{BuildStorage, DispatchResult};
use weft_primitives::{
    Balance,
    attestation::{Measurement, NotAttested, TcbStatus, TeeKind},
    device::EncryptionKey,
    registry::Devices,
};

use crate as pallet_attestation;
use crate::{Collateral, Dcap, QuoteVerifier, Refused, Verified};

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
    pub type Attestation = pallet_attestation;
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
    type ExistentialDeposit = frame_support::traits::ConstU128<EXISTENTIAL_DEPOSIT>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 5;
pub const DEPOSIT: Balance = 70;
pub const MAX_AGE_SECS: u64 = 1_000;
/// When the tests begin.
pub const START: u64 = 1_800_000_000;

parameter_types! {
    pub const Deposit: Balance = DEPOSIT;
    pub const MaxAgeSecs: u64 = MAX_AGE_SECS;
    /// The time.
    pub storage NowSecs: u64 = START;
    /// The devices, with owner and key.
    pub storage Devs: BTreeMap<u64, (u64, EncryptionKey)> = BTreeMap::new();
}

impl pallet_attestation::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Devices = Providers;
    type Quotes = Told;
    type Time = Clock;
    type GovernOrigin = EnsureRoot<u64>;
    type MaxAgeSecs = MaxAgeSecs;
    type Deposit = Deposit;
    type WeightInfo = ();
}

pub struct Clock;

impl UnixTime for Clock {
    fn now() -> Duration {
        Duration::from_secs(NowSecs::get())
    }
}

pub struct Providers;

impl Devices<u64> for Providers {
    fn device_key(device: &u64) -> Option<(u64, EncryptionKey)> {
        Devs::get().get(device).copied()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_device(owner: &u64, device: &u64) -> EncryptionKey {
        set_device(*device, *owner, KEY);
        KEY
    }
}

/// How quotes begin that say what was verified, instead of showing it.
pub const TOLD: &[u8] = b"told:";

pub struct Told;

impl QuoteVerifier for Told {
    fn verify(quote: &[u8], collateral: &Collateral, now_secs: u64) -> Result<Verified, Refused> {
        match quote.strip_prefix(TOLD) {
            Some(mut told) => Verified::decode(&mut told).map_err(|_| Refused::MalformedQuote),
            None => Dcap::verify(quote, collateral, now_secs),
        }
    }
}

pub const OWNER: u64 = 1;
pub const OTHER_OWNER: u64 = 2;
pub const DEVICE: u64 = 3;
pub const STRANGER: u64 = 4;
pub const FUNDS: Balance = 1_000;
pub const KEY: EncryptionKey = [8; 32];
pub const OTHER_KEY: EncryptionKey = [9; 32];
pub const MEASUREMENT: Measurement = Measurement {
    kind: TeeKind::Tdx,
    digest: [5; 32],
};
pub const FAMILY: [u8; 6] = [6; 6];
pub const MACHINE: [u8; 16] = [7; 16];

pub fn set_device(device: u64, owner: u64, key: EncryptionKey) {
    let mut devices = Devs::get();
    devices.insert(device, (owner, key));
    Devs::set(&devices);
}

pub fn pass(secs: u64) {
    NowSecs::set(&(NowSecs::get() + secs));
}

/// What a good quote of the device, bound to `key`, says.
pub fn good(key: &EncryptionKey) -> Verified {
    Verified {
        measurement: MEASUREMENT,
        status: TcbStatus::UpToDate,
        family: FAMILY,
        machine: MACHINE,
        report_data: Attestation::report_data_of(&DEVICE, key),
        collateral_expires_at: u64::MAX,
    }
}

pub fn no_collateral() -> Collateral {
    Collateral {
        root_ca_crl: Default::default(),
        pck_crl: Default::default(),
        tcb_info_issuer_chain: Default::default(),
        tcb_info: Default::default(),
        tcb_info_signature: Default::default(),
        qe_identity_issuer_chain: Default::default(),
        qe_identity: Default::default(),
        qe_identity_signature: Default::default(),
    }
}

/// Attests with a quote that says this.
pub fn attest_as(device: u64, verified: &Verified) -> DispatchResult {
    let quote: Vec<u8> = [TOLD, &verified.encode()].concat();
    Attestation::attest(
        RuntimeOrigin::signed(device),
        quote.try_into().unwrap(),
        no_collateral(),
    )
}

/// The device attests its key.
pub fn attest() {
    assert_ok!(attest_as(DEVICE, &good(&KEY)));
}

/// Whether the device counts now for its first key.
pub fn standing() -> Result<(), NotAttested> {
    Attestation::is_attested(&DEVICE, &KEY, NowSecs::get())
}

/// What is held from an account.
pub fn held(who: u64) -> Balance {
    System::account(who).data.reserved
}

/// Whether this was the last event.
pub fn last_event() -> crate::Event<Test> {
    match System::events().pop().unwrap().event {
        RuntimeEvent::Attestation(event) => event,
        other => panic!("another pallet's event came last: {other:?}"),
    }
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: [OWNER, OTHER_OWNER].map(|who| (who, FUNDS)).to_vec(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test in which the device works for the owner and its measurement is allowed, then checks what must always
/// hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        set_device(DEVICE, OWNER, KEY);
        assert_ok!(Attestation::allow_measurement(RuntimeOrigin::root(), MEASUREMENT));
        test();
        assert_ok!(Attestation::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
