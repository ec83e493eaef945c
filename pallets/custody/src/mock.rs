//! A runtime with nothing but this pallet and balances. Market and providers are stood in for by tables of what they would
//! say: this pallet asks for facts and tells of keys, and the real ones meet in the runtime's tests.

mod acts;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use codec::Encode;
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Randomness},
};
use sp_core::H256;
use sp_runtime::{
    BuildStorage,
    traits::{BlakeTwo256, Hash},
};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId,
    device::EncryptionKey,
    licence::LicenceId,
    registry::{KeyGrantHandler, LicenceTerms, Licensing, SealedAsset},
};

pub use self::acts::*;
use crate::{self as pallet_custody, Event, sample};

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
    pub type Custody = pallet_custody;
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
    type ExistentialDeposit = ConstU128<1>;
}

pub const STAKE: Balance = 1_000;
pub const REGISTRATION_DEPOSIT: Balance = 10;
pub const CUSTODY_DEPOSIT: Balance = 50;
pub const SHARE_DEPOSIT: Balance = 1;
pub const BOND: Balance = 500;
pub const PROVIDER_KEY_DEPOSIT: Balance = 20;
pub const FEE: Balance = 5;
pub const MISS_SLASH: Balance = 100;
pub const FORGERY_SLASH: Balance = 900;
pub const DEAL_WINDOW: u64 = 10;
pub const RELEASE_WINDOW: u64 = 4;
pub const DISPUTE_WINDOW: u64 = 6;
pub const RESHARE_WINDOW: u64 = 5;
pub const COMPLAINT_WINDOW: u64 = 5;
pub const ROTATION_PERIOD: u64 = 100;
pub const ROTATION_PAUSE: u64 = 20;

parameter_types! {
    pub const Treasury: u64 = TREASURY;
    pub storage Assets: BTreeMap<AssetId, (u64, bool)> = BTreeMap::new();
    /// Holder, work, and whether it is in force.
    pub storage Licences: BTreeMap<LicenceId, (u64, AssetId, bool)> = BTreeMap::new();
    /// What holders of licences have set instead of their first keys.
    pub storage LicenceKey: Option<EncryptionKey> = None;
    pub storage Revoked: BTreeSet<LicenceId> = BTreeSet::new();
    /// The providers' present keys.
    pub storage DeviceKeys: BTreeMap<u64, EncryptionKey> = BTreeMap::new();
    /// What the providers pallet has been told: asset, provider, granted or revoked.
    pub storage Told: Vec<(AssetId, u64, bool)> = Vec::new();
}

impl pallet_custody::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Licensing = Market;
    type Grantees = Providers;
    type Randomness = BlockRandomness;
    type TreasuryAccount = Treasury;
    type CustodianStake = ConstU128<STAKE>;
    type RegistrationDeposit = ConstU128<REGISTRATION_DEPOSIT>;
    type CustodyDeposit = ConstU128<CUSTODY_DEPOSIT>;
    type ShareDeposit = ConstU128<SHARE_DEPOSIT>;
    type DealerBond = ConstU128<BOND>;
    type ProviderKeyDeposit = ConstU128<PROVIDER_KEY_DEPOSIT>;
    type ReleaseFee = ConstU128<FEE>;
    type MissSlash = ConstU128<MISS_SLASH>;
    type ForgerySlash = ConstU128<FORGERY_SLASH>;
    type WrongedShare = ConstU32<400_000>;
    type DealWindow = ConstU64<DEAL_WINDOW>;
    type ReleaseWindow = ConstU64<RELEASE_WINDOW>;
    type DisputeWindow = ConstU64<DISPUTE_WINDOW>;
    type ReshareWindow = ConstU64<RESHARE_WINDOW>;
    type ComplaintWindow = ConstU64<COMPLAINT_WINDOW>;
    type RotationPeriod = ConstU64<ROTATION_PERIOD>;
    type RotationPause = ConstU64<ROTATION_PAUSE>;
    type MaxEndpointBytes = ConstU32<64>;
    type MaxDuePerBlock = ConstU32<4>;
    type WeightInfo = ();
}

pub struct BlockRandomness;
impl Randomness<H256, u64> for BlockRandomness {
    fn random(subject: &[u8]) -> (H256, u64) {
        let now = System::block_number();
        (BlakeTwo256::hash(&(subject, now).encode()), now)
    }
}

/// Who knows assets and licences. An asset is a work of its own.
pub struct Market;

impl Market {
    pub fn publish(asset: AssetId, owner: u64) {
        let mut assets = Assets::get();
        assets.insert(asset, (owner, true));
        Assets::set(&assets);
    }

    pub fn retire(asset: AssetId) {
        let mut assets = Assets::get();
        assets.entry(asset).and_modify(|(_, listed)| *listed = false);
        Assets::set(&assets);
    }

    pub fn license(licence: LicenceId, holder: u64, asset: AssetId) {
        let mut licences = Licences::get();
        licences.insert(licence, (holder, asset, true));
        Licences::set(&licences);
    }

    /// Lets a licence run out, or begin again.
    pub fn allow(licence: LicenceId, allows: bool) {
        let mut licences = Licences::get();
        licences.entry(licence).and_modify(|(.., in_force)| *in_force = allows);
        Licences::set(&licences);
    }

    pub fn revoke(licence: LicenceId) {
        let mut revoked = Revoked::get();
        revoked.insert(licence);
        Revoked::set(&revoked);
    }
}

pub fn content(asset: AssetId) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: sample::bytes_of(asset),
    }
}

impl Licensing<u64> for Market {
    fn sealed_asset(asset: AssetId) -> Option<SealedAsset<u64>> {
        let (owner, listed) = *Assets::get().get(&asset)?;
        Some(SealedAsset {
            owner,
            work: asset,
            content: content(asset),
            size_bytes: 1,
            key_commitment: weft_custody::envelope::key_commitment(&sample::CONTENT_KEY),
            pieces_root: None,
            listed,
        })
    }

    fn licence(licence: LicenceId) -> Option<LicenceTerms<u64>> {
        let (holder, work, in_force) = *Licences::get().get(&licence)?;
        Some(LicenceTerms {
            holder,
            encryption_key: LicenceKey::get().unwrap_or_else(|| sample::key_of(holder)),
            work,
            in_force: in_force && !Revoked::get().contains(&licence),
            revoked: Revoked::get().contains(&licence),
        })
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_sealed(owner: &u64, _: u64, _: [u8; 32]) -> AssetId {
        let asset = Assets::get().len() as AssetId + 50;
        Self::publish(asset, *owner);
        asset
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_licence(asset: AssetId, holder: &u64, _: &EncryptionKey) -> LicenceId {
        let licence = Licences::get().len() as LicenceId + 50;
        Self::license(licence, *holder, asset);
        licence
    }
}

/// Who knows the providers.
pub struct Providers;

impl Providers {
    /// Registers a provider, or rotates its key.
    pub fn set_key(provider: u64, key: EncryptionKey) {
        let mut keys = DeviceKeys::get();
        keys.insert(provider, key);
        DeviceKeys::set(&keys);
    }

    pub fn leave(provider: u64) {
        let mut keys = DeviceKeys::get();
        keys.remove(&provider);
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
        let key = sample::key_of(provider);
        Self::set_key(*provider, key);
        key
    }
}

pub const SELLER: u64 = 1;
pub const BUYER: u64 = 2;
pub const PROVIDER: u64 = 3;
pub const TREASURY: u64 = 4;
pub const STRANGER: u64 = 5;
pub const PAUPER: u64 = 6;
/// Custodians are numbered from here.
pub const FIRST_CUSTODIAN: u64 = 100;
pub const FUNDS: Balance = 100_000;
pub const ASSET: AssetId = 7;
pub const LICENCE: LicenceId = 70;

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let custodians = FIRST_CUSTODIAN..FIRST_CUSTODIAN + 30;
    pallet_balances::GenesisConfig::<Test> {
        balances: [SELLER, BUYER, PROVIDER, TREASURY, STRANGER]
            .into_iter()
            .chain(custodians)
            .map(|who| (who, FUNDS))
            .collect(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        Market::publish(ASSET, SELLER);
        Market::license(LICENCE, BUYER, ASSET);
        Providers::set_key(PROVIDER, sample::key_of(PROVIDER));
    });
    ext
}

/// Runs a test, then checks what must always hold, and that no money came, and none went that no event tells of.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        assert_ok!(Custody::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance - burned());
    });
}

fn burned() -> Balance {
    events()
        .into_iter()
        .map(|event| match event {
            Event::Redirected {
                amount, burned: true, ..
            } => amount,
            _ => 0,
        })
        .sum()
}
