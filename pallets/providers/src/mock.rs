//! A runtime with nothing but this pallet and balances. The market is stood in for by a table of models and keys: this
//! pallet asks for terms and keys and is told of grants, and the real pair meets in the runtime's tests.

use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{assert_ok, derive_impl, parameter_types, traits::ConstU128};
use sp_core::{Pair, sr25519};
use sp_runtime::{AccountId32, BuildStorage, MultiSignature, traits::IdentityLookup};
use weft_primitives::{
    AssetId, Balance, JobId, LicenceId,
    device::EncryptionKey,
    registry::{KeyGrantHandler, ModelRegistry, ModelTerms, NotLicensed},
};

use crate::{self as pallet_providers, UrlOf};

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
    pub type Providers = pallet_providers;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
}

pub const MIN_STAKE: Balance = 1_000;
pub const UNBONDING_PERIOD: u64 = 10;
pub const REGISTRATION_DEPOSIT: Balance = 50;
pub const OFFER_DEPOSIT: Balance = 5;
pub const MAX_OFFERS: u32 = 3;
pub const MAX_UNBONDING: u32 = 3;
pub const MAX_CAPACITY: u16 = 4;

parameter_types! {
    pub const MinStake: Balance = MIN_STAKE;
    pub const UnbondingPeriod: u64 = UNBONDING_PERIOD;
    pub const RegistrationDeposit: Balance = REGISTRATION_DEPOSIT;
    pub const OfferDeposit: Balance = OFFER_DEPOSIT;
    pub const MaxOffers: u32 = MAX_OFFERS;
    pub const MaxUnbonding: u32 = MAX_UNBONDING;
    pub const MaxCapacity: u16 = MAX_CAPACITY;
    pub const MaxEndpointBytes: u32 = 128;
    pub Treasury: AccountId32 = treasury();
    /// The models there are, each with whether it is listed.
    pub storage Models: BTreeMap<AssetId, bool> = BTreeMap::new();
    /// The models' keys: for which key of which provider they are wrapped.
    pub storage Keys: BTreeSet<(AssetId, AccountId32, EncryptionKey)> = BTreeSet::new();
}

impl pallet_providers::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Models = Market;
    type Signature = MultiSignature;
    type MinStake = MinStake;
    type UnbondingPeriod = UnbondingPeriod;
    type MaxOffers = MaxOffers;
    type MaxUnbonding = MaxUnbonding;
    type MaxCapacity = MaxCapacity;
    type RegistrationDeposit = RegistrationDeposit;
    type OfferDeposit = OfferDeposit;
    type MaxEndpointBytes = MaxEndpointBytes;
    type TreasuryAccount = Treasury;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Signer;
}

pub struct Market;

impl Market {
    pub fn list(model: AssetId) {
        Models::mutate(|models| models.insert(model, true));
    }

    pub fn retire(model: AssetId) {
        Models::mutate(|models| models.insert(model, false));
    }

    /// What the market does when a creator grants a key: stores it for the provider's present key, and tells.
    pub fn grant(model: AssetId, provider: &AccountId32) {
        if let Some(key) = Providers::encryption_key(provider) {
            Keys::mutate(|keys| {
                keys.retain(|(at, who, _)| (at, who) != (&model, provider));
                keys.insert((model, provider.clone(), key))
            });
            Providers::key_granted(model, provider);
        }
    }

    /// What the market does when a creator takes a key back.
    pub fn revoke(model: AssetId, provider: &AccountId32) {
        Keys::mutate(|keys| keys.retain(|(at, who, _)| (at, who) != (&model, provider)));
        Providers::key_revoked(model, provider);
    }
}

impl ModelRegistry<AccountId32> for Market {
    fn listed_model(asset: AssetId) -> Option<ModelTerms> {
        Models::get().get(&asset).is_some_and(|listed| *listed).then(terms)
    }

    fn model(asset: AssetId) -> Option<ModelTerms> {
        Models::get().contains_key(&asset).then(terms)
    }

    fn has_key(asset: AssetId, provider: &AccountId32, key: &EncryptionKey) -> bool {
        Keys::get().contains(&(asset, provider.clone(), *key))
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(_: &AccountId32) -> AssetId {
        let model = 1_000 + Models::get().len() as AssetId;
        Self::list(model);
        model
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_exact_model(creator: &AccountId32, _: [u8; 32]) -> AssetId {
        Self::benchmark_model(creator)
    }

    fn take_use(_: AssetId, _: &AccountId32) -> Result<Option<LicenceId>, NotLicensed> {
        Ok(None)
    }

    fn return_use(_: LicenceId) {}

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(asset: AssetId, provider: &AccountId32, _: &EncryptionKey) {
        Self::grant(asset, provider);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_uses(_: AssetId, _: &AccountId32) {}
}

fn terms() -> ModelTerms {
    ModelTerms {
        royalty: 0,
        exact_root: None,
    }
}

/// Signs with a pair of its own: the mock has no keystore.
#[cfg(feature = "runtime-benchmarks")]
pub struct Signer;

#[cfg(feature = "runtime-benchmarks")]
impl crate::ConsentHelper<AccountId32, MultiSignature> for Signer {
    fn sign(message: &[u8]) -> (AccountId32, MultiSignature) {
        (device(77), device_pair(77).sign(message).into())
    }
}

pub const MODEL: AssetId = 0;
pub const OTHER_MODEL: AssetId = 1;
/// What providers are booked for; which job it is does not matter here.
pub const JOB: JobId = 9;
/// Listed models are `0..MODELS`.
pub const MODELS: AssetId = 5;
pub const FUNDS: Balance = 10_000;

/// Owners 1 to 9 have [`FUNDS`].
pub fn owner(n: u8) -> AccountId32 {
    [n; 32].into()
}

/// Where forfeited stakes go; it exists.
pub fn treasury() -> AccountId32 {
    owner(9)
}

pub fn device_pair(n: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[n; 32])
}

pub fn device(n: u8) -> AccountId32 {
    device_pair(n).public().into()
}

pub fn key(n: u8) -> EncryptionKey {
    [n; 32]
}

pub fn endpoint() -> UrlOf<Test> {
    b"http://127.0.0.1:7100".to_vec().try_into().unwrap()
}

/// The consent of device `d` to work for owner `n`.
pub fn consent(d: u8, n: u8) -> MultiSignature {
    device_pair(d).sign(&Providers::consent_for(&owner(n))).into()
}

pub fn signed(who: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// Registers owner `n` with device `n` and encryption key `n`.
pub fn register(n: u8, capacity: u16) {
    assert_ok!(Providers::register(
        signed(owner(n)),
        device(n),
        key(n),
        endpoint(),
        capacity,
        consent(n, n)
    ));
}

/// Offers and has the key granted.
pub fn offer_keyed(n: u8, model: AssetId, ask: Balance) {
    assert_ok!(Providers::offer(signed(owner(n)), model, ask));
    Market::grant(model, &owner(n));
}

/// A provider with stake, available, and with one listed offer on [`MODEL`].
pub fn ready(n: u8, capacity: u16, ask: Balance) {
    register(n, capacity);
    assert_ok!(Providers::bond(signed(owner(n)), MIN_STAKE));
    assert_ok!(Providers::resume(signed(owner(n))));
    offer_keyed(n, MODEL, ask);
}

pub fn is_listed(n: u8, model: AssetId) -> bool {
    crate::Offers::<Test>::get(owner(n), model).is_some_and(|offer| offer.listing.is_some())
}

/// What is held from an owner, and what is free.
pub fn balances(n: u8) -> (Balance, Balance) {
    let account = System::account(owner(n)).data;
    (account.reserved, account.free)
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: (1..10).map(|n| (owner(n), FUNDS)).collect(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        (0..MODELS).for_each(Market::list);
    });
    ext
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        assert_ok!(Providers::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}

/// `Get`-like storage parameters have no `mutate` of their own.
trait Mutate<V> {
    fn mutate<R>(change: impl FnOnce(&mut V) -> R) -> R;
}

macro_rules! mutable {
    ($($name:ident: $value:ty),*) => {$(
        impl Mutate<$value> for $name {
            fn mutate<R>(change: impl FnOnce(&mut $value) -> R) -> R {
                let mut value = $name::get();
                let result = change(&mut value);
                $name::set(&value);
                result
            }
        }
    )*};
}

mutable!(Models: BTreeMap<AssetId, bool>, Keys: BTreeSet<(AssetId, AccountId32, EncryptionKey)>);
