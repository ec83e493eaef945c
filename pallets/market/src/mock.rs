//! A runtime with nothing but this pallet and balances. Providers are stood in for by a table of their keys: this
//! pallet asks only for a key and only tells of grants, and the real pair meets in the runtime's tests.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{assert_ok, derive_impl, parameter_types};
use sp_runtime::BuildStorage;
use weft_primitives::{
    AssetId, AssetKind, Balance, ContentCodec, ContentId, Ppm,
    device::{EncryptionKey, WRAPPED_KEY_BYTES, WrappedKey},
    registry::KeyGrantHandler,
};

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
pub const MAX_ROYALTY: Ppm = 300_000;
pub const EXACT_ROOT: [u8; 32] = [9; 32];

parameter_types! {
    pub const PublishDeposit: Balance = PUBLISH_DEPOSIT;
    pub const GrantDeposit: Balance = GRANT_DEPOSIT;
    pub const EndpointDeposit: Balance = ENDPOINT_DEPOSIT;
    pub const MaxRoyalty: Ppm = MAX_ROYALTY;
    pub const MaxNameBytes: u32 = 64;
    pub const MaxEndpointBytes: u32 = 128;
    /// The providers' present keys.
    pub storage DeviceKeys: BTreeMap<u64, EncryptionKey> = BTreeMap::new();
    /// What the providers pallet has been told: asset, provider, granted or revoked.
    pub storage Told: Vec<(AssetId, u64, bool)> = Vec::new();
}

impl pallet_market::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Grantees = Providers;
    type PublishDeposit = PublishDeposit;
    type GrantDeposit = GrantDeposit;
    type EndpointDeposit = EndpointDeposit;
    type MaxRoyalty = MaxRoyalty;
    type MaxNameBytes = MaxNameBytes;
    type MaxEndpointBytes = MaxEndpointBytes;
    type WeightInfo = ();
}

pub struct Providers;

impl Providers {
    /// Registers a provider, or rotates its key.
    pub fn set_key(provider: u64, key: EncryptionKey) {
        let mut keys = DeviceKeys::get();
        keys.insert(provider, key);
        DeviceKeys::set(&keys);
    }

    fn tell(asset: AssetId, provider: u64, granted: bool) {
        let mut told = Told::get();
        told.push((asset, provider, granted));
        Told::set(&told);
    }
}

impl KeyGrantHandler<u64> for Providers {
    fn encryption_key(provider: &u64) -> Option<EncryptionKey> {
        DeviceKeys::get().get(provider).copied()
    }

    fn key_granted(asset: AssetId, provider: &u64) {
        Self::tell(asset, *provider, true);
    }

    fn key_revoked(asset: AssetId, provider: &u64) {
        Self::tell(asset, *provider, false);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_unkeyed_offer(_: AssetId, provider: &u64) -> EncryptionKey {
        let key = key_of(1);
        Self::set_key(*provider, key);
        key
    }
}

pub const CREATOR: u64 = 1;
pub const OTHER_CREATOR: u64 = 2;
pub const PROVIDER: u64 = 3;
pub const PAUPER: u64 = 4;
pub const FUNDS: Balance = 10_000;

pub fn key_of(n: u8) -> EncryptionKey {
    [n; 32]
}

pub fn wrapped(n: u8) -> WrappedKey {
    [n; WRAPPED_KEY_BYTES]
}

pub fn content(n: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [n; 32],
    }
}

/// Publishes a text model and returns its number.
pub fn publish(creator: u64) -> AssetId {
    publish_with(creator, None)
}

/// Publishes an exact text model and returns its number.
pub fn publish_exact(creator: u64) -> AssetId {
    publish_with(creator, Some(EXACT_ROOT))
}

fn publish_with(creator: u64, exact_root: Option<[u8; 32]>) -> AssetId {
    let asset = crate::NextAssetId::<Test>::get();
    assert_ok!(Market::publish(
        RuntimeOrigin::signed(creator),
        AssetKind::TextModel,
        b"a model".to_vec().try_into().unwrap(),
        content(1),
        content(2),
        1_000,
        [3; 32],
        50_000,
        exact_root,
    ));
    asset
}

/// What is held from an account, and what is free.
pub fn balances(who: u64) -> (Balance, Balance) {
    let account = System::account(who).data;
    (account.reserved, account.free)
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: [CREATOR, OTHER_CREATOR, PROVIDER].map(|who| (who, FUNDS)).to_vec(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        Providers::set_key(PROVIDER, key_of(1));
    });
    ext
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        assert_ok!(Market::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
