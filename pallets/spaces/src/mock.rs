//! A runtime with nothing but this pallet and balances. The market and the jobs are stood in for by tables: this pallet
//! only asks them, and the real ones meet in the runtime's tests. Payments go through the balances, those in tokens
//! through a table.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{DepositConsequence, Preservation, Provenance},
    },
};
use frame_system::EnsureRoot;
use sp_runtime::{BuildStorage, DispatchResult};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, Currency, JobId, LicenceId, Ppm,
    payment::{Payments, Unpaid},
    price::share_of,
    registry::{LicenceTerms, Licensing, PaidJobs, Royalties, SealedAsset},
    space::{Called, Category, PaidUse, SpaceId},
};

use crate as pallet_spaces;
use crate::Calls;

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
    pub type Store = pallet_spaces;
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
pub const SPACE_DEPOSIT: Balance = 100;
pub const RELEASE_DEPOSIT: Balance = 30;
pub const PURCHASE_DEPOSIT: Balance = 11;
pub const RATING_DEPOSIT: Balance = 13;
pub const REPORT_BOND: Balance = 40;
pub const REPORT_PERIOD: u64 = 50;

/// Who earns from an asset: its owner, and others with their shares.
pub type Lineage = (u64, Vec<(u64, Ppm)>);

parameter_types! {
    pub const SpaceDeposit: Balance = SPACE_DEPOSIT;
    pub const ReleaseDeposit: Balance = RELEASE_DEPOSIT;
    pub const PurchaseDeposit: Balance = PURCHASE_DEPOSIT;
    pub const RatingDeposit: Balance = RATING_DEPOSIT;
    pub const ReportBond: Balance = REPORT_BOND;
    pub const ReportPeriod: u64 = REPORT_PERIOD;
    pub const TreasuryAccount: u64 = TREASURY;
    pub const MaxTitleBytes: u32 = 64;
    pub const MaxVersionBytes: u32 = 32;
    /// The assets that the market knows.
    pub storage Assets: BTreeMap<AssetId, Lineage> = BTreeMap::new();
    /// Jobs that were paid for and completed.
    pub storage Completed: BTreeMap<JobId, (u64, AssetId)> = BTreeMap::new();
    /// What accounts have in tokens.
    pub storage Tokens: BTreeMap<(u32, u64), Balance> = BTreeMap::new();
    /// The tokens that governance accepts.
    pub storage Accepted: Vec<u32> = Vec::new();
    /// Accounts to which nothing can be paid.
    pub storage Blocked: Vec<u64> = Vec::new();
}

impl pallet_spaces::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Payments = Money;
    type Assets = Market;
    type Royalties = Market;
    type Jobs = Jobs;
    type GovernanceOrigin = EnsureRoot<u64>;
    type TreasuryAccount = TreasuryAccount;
    type SpaceDeposit = SpaceDeposit;
    type ReleaseDeposit = ReleaseDeposit;
    type PurchaseDeposit = PurchaseDeposit;
    type RatingDeposit = RatingDeposit;
    type ReportBond = ReportBond;
    type ReportPeriod = ReportPeriod;
    type MaxTitleBytes = MaxTitleBytes;
    type MaxVersionBytes = MaxVersionBytes;
    type WeightInfo = ();
}

pub struct Market;

impl Market {
    /// Publishes an asset with those who earn from it.
    pub fn publish(owner: u64, others: Vec<(u64, Ppm)>) -> AssetId {
        let mut assets = Assets::get();
        let asset = assets.len() as AssetId;
        assets.insert(asset, (owner, others));
        Assets::set(&assets);
        asset
    }
}

impl Licensing<u64> for Market {
    fn sealed_asset(asset: AssetId) -> Option<SealedAsset<u64>> {
        let (owner, _) = Assets::get().get(&asset)?.clone();
        Some(SealedAsset {
            owner,
            work: asset,
            content: content(1),
            size_bytes: 1,
            key_commitment: [1; 32],
            pieces_root: None,
            listed: true,
        })
    }

    fn licence(_: LicenceId) -> Option<LicenceTerms<u64>> {
        None
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_sealed(owner: &u64, _: u64, _: [u8; 32]) -> AssetId {
        Self::publish(*owner, Vec::new())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_licence(_: AssetId, _: &u64, _: &weft_primitives::device::EncryptionKey) -> LicenceId {
        0
    }
}

impl Royalties<u64> for Market {
    fn divide(asset: AssetId, amount: Balance) -> Vec<(u64, Balance)> {
        let Some((owner, others)) = Assets::get().get(&asset).cloned() else {
            return Vec::new();
        };
        let mut rest = amount;
        let mut parts: Vec<_> = others
            .iter()
            .map(|(payee, share)| {
                let part = share_of(amount, *share).min(rest);
                rest -= part;
                (*payee, part)
            })
            .collect();
        parts.push((owner, rest));
        parts
    }

    fn most_payees() -> u32 {
        17
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_asset(owner: &u64, payees: u32) -> AssetId {
        let others: Vec<_> = (1..payees)
            .map(|nth| {
                let payee = frame_benchmarking::account("payee", nth, *owner as u32);
                Balances::set_balance(&payee, FUNDS);
                (payee, 1_000)
            })
            .collect();
        Balances::set_balance(owner, FUNDS);
        Self::publish(*owner, others)
    }
}

pub struct Jobs;

impl PaidJobs<u64> for Jobs {
    fn paid_job(job: JobId) -> Option<(u64, AssetId)> {
        Completed::get().get(&job).copied()
    }

    fn next_job() -> JobId {
        Completed::get().len() as JobId
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_paid_job(user: &u64, model: AssetId) -> JobId {
        complete(*user, model)
    }
}

pub struct Money;

impl Payments<u64> for Money {
    fn is_accepted(currency: Currency) -> bool {
        match currency {
            Currency::Native => true,
            Currency::Token(id) => Accepted::get().contains(&id),
        }
    }

    fn pay(from: &u64, to: &u64, currency: Currency, amount: Balance) -> Result<(), Unpaid> {
        if amount == 0 || from == to {
            return Ok(());
        }
        if Blocked::get().contains(to) {
            return Err(Unpaid::CannotReceive);
        }
        match currency {
            Currency::Native => {
                if Balances::can_deposit(to, amount, Provenance::Extant) != DepositConsequence::Success {
                    return Err(Unpaid::CannotReceive);
                }
                <Balances as Mutate<_>>::transfer(from, to, amount, Preservation::Preserve)
                    .map(|_| ())
                    .map_err(|_| Unpaid::NotCovered)
            }
            Currency::Token(id) => {
                let mut tokens = Tokens::get();
                let has = tokens.entry((id, *from)).or_default();
                *has = has.checked_sub(amount).ok_or(Unpaid::NotCovered)?;
                *tokens.entry((id, *to)).or_default() += amount;
                Tokens::set(&tokens);
                Ok(())
            }
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_endow(who: &u64, currency: Currency, amount: Balance) {
        assert_eq!(currency, Currency::Native);
        assert_ok!(Balances::mint_into(who, amount));
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_currency() -> Currency {
        Currency::Native
    }
}

pub const OWNER: u64 = 1;
pub const BUYER: u64 = 2;
pub const OTHER_BUYER: u64 = 3;
/// Owns the asset that the Spaces of most tests call.
pub const CREATOR: u64 = 4;
/// Owns what that asset was made from.
pub const ANCESTOR: u64 = 5;
/// Has nothing, so does not exist.
pub const PAUPER: u64 = 6;
pub const TREASURY: u64 = 7;
pub const FUNDS: Balance = 1_000_000;
pub const TOKEN: u32 = 9;
pub const PRICE: Balance = 1_001;
/// The creator hands a tenth on.
pub const ANCESTORS_SHARE: Ppm = 100_000;
/// The Spaces give a fifth to the asset they call.
pub const ASSETS_SHARE: Ppm = 200_000;

pub fn content(n: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [n; 32],
    }
}

pub fn calls(called: &[(AssetId, Ppm)]) -> Calls {
    let called: Vec<_> = called
        .iter()
        .map(|(asset, share)| Called {
            asset: *asset,
            share: *share,
        })
        .collect();
    called.try_into().unwrap()
}

/// Records a job that an account paid for and a model completed.
pub fn complete(user: u64, model: AssetId) -> JobId {
    let mut jobs = Completed::get();
    let job = jobs.len() as JobId;
    jobs.insert(job, (user, model));
    Completed::set(&jobs);
    job
}

/// Publishes an asset of [`CREATOR`], made from one of [`ANCESTOR`].
pub fn publish_asset() -> AssetId {
    Market::publish(CREATOR, vec![(ANCESTOR, ANCESTORS_SHARE)])
}

pub fn try_publish(
    owner: u64,
    title: &[u8],
    version: &[u8],
    bundle_bytes: u64,
    calls: Calls,
    currency: Currency,
    price: Balance,
) -> DispatchResult {
    Store::publish(
        RuntimeOrigin::signed(owner),
        title.to_vec().try_into().unwrap(),
        Category::Chat,
        version.to_vec().try_into().unwrap(),
        content(1),
        content(2),
        bundle_bytes,
        None,
        calls,
        currency,
        price,
    )
}

/// Publishes a Space that calls these assets at a price in the native token.
pub fn publish_calling(owner: u64, called: &[(AssetId, Ppm)], price: Balance) -> SpaceId {
    publish_in(owner, Category::Chat, called, Currency::Native, price)
}

/// Publishes a Space.
pub fn publish_in(
    owner: u64,
    category: Category,
    called: &[(AssetId, Ppm)],
    currency: Currency,
    price: Balance,
) -> SpaceId {
    let space = crate::NextSpaceId::<Test>::get();
    assert_ok!(Store::publish(
        RuntimeOrigin::signed(owner),
        b"A Space".to_vec().try_into().unwrap(),
        category,
        b"0.1".to_vec().try_into().unwrap(),
        content(1),
        content(2),
        1_000,
        Some(content(3)),
        calls(called),
        currency,
        price,
    ));
    space
}

/// Publishes an asset and a Space of [`OWNER`] that calls it, at [`PRICE`].
pub fn publish() -> SpaceId {
    let asset = publish_asset();
    publish_calling(OWNER, &[(asset, ASSETS_SHARE)], PRICE)
}

pub fn buy(who: u64, space: SpaceId) -> DispatchResult {
    Store::buy(RuntimeOrigin::signed(who), space, Currency::Native, Balance::MAX)
        .map(|_| ())
        .map_err(|refused| refused.error)
}

pub fn rate(who: u64, space: SpaceId, stars: u8, proof: PaidUse) -> DispatchResult {
    Store::rate(RuntimeOrigin::signed(who), space, stars, None, proof)
}

/// What is held from an account, and what is free.
pub fn balances(who: u64) -> (Balance, Balance) {
    let account = System::account(who).data;
    (account.reserved, account.free)
}

/// What an account has in all.
pub fn wealth(who: u64) -> Balance {
    let (held, free) = balances(who);
    held + free
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: [OWNER, BUYER, OTHER_BUYER, CREATOR, ANCESTOR, TREASURY]
            .map(|who| (who, FUNDS))
            .to_vec(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        assert_ok!(Store::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
