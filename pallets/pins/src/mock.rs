//! A runtime with nothing but this pallet and balances. The market is stood in for by a table of sealed files: this
//! pallet only asks for them, and the real pair meets in the runtime's tests.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{Hooks, Randomness},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
    BuildStorage, DispatchResult,
    traits::{BlakeTwo256, Hash},
};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, LicenceId, Ppm,
    pieces::{Epoch, PIECE_BYTES, PinDealId},
    pin_view::ChallengeView,
    registry::{LicenceTerms, Licensing, SealedAsset},
};

use crate as pallet_pins;
use crate::{PieceBytes, Siblings};

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
    pub type Pins = pallet_pins;
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
pub const EPOCH_BLOCKS: u64 = 10;
pub const NOTICE_EPOCHS: Epoch = 2;
pub const MAX_MISSED: u32 = 3;
pub const DEAL_DEPOSIT: Balance = 100;
pub const PIN_BOND: Balance = 61;
pub const EVICTOR_SHARE: Ppm = 250_000;

/// A file as the stand-in for the market keeps it: size, root, and whether it was published with the root.
#[derive(Clone, Debug, Encode, Decode)]
pub struct File {
    pub size_bytes: u64,
    pub pieces_root: Option<[u8; 32]>,
}

parameter_types! {
    pub const EpochBlocks: u64 = EPOCH_BLOCKS;
    pub const NoticeEpochs: Epoch = NOTICE_EPOCHS;
    pub const MaxMissed: u32 = MAX_MISSED;
    pub const DealDeposit: Balance = DEAL_DEPOSIT;
    pub const PinBond: Balance = PIN_BOND;
    pub const EvictorShare: Ppm = EVICTOR_SHARE;
    /// The sealed files that the market knows.
    pub storage Files: BTreeMap<AssetId, File> = BTreeMap::new();
    /// What the chain draws.
    pub storage Luck: u64 = 0;
}

impl pallet_pins::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Assets = Market;
    type Randomness = Chance;
    type EpochBlocks = EpochBlocks;
    type NoticeEpochs = NoticeEpochs;
    type MaxMissed = MaxMissed;
    type DealDeposit = DealDeposit;
    type PinBond = PinBond;
    type EvictorShare = EvictorShare;
    type WeightInfo = ();
}

pub struct Chance;

impl Randomness<H256, BlockNumberFor<Test>> for Chance {
    fn random(subject: &[u8]) -> (H256, u64) {
        let now = System::block_number();
        (BlakeTwo256::hash(&(subject, Luck::get(), now).encode()), now)
    }
}

pub struct Market;

impl Market {
    fn publish(file: File) -> AssetId {
        let mut files = Files::get();
        let asset = files.len() as AssetId;
        files.insert(asset, file);
        Files::set(&files);
        asset
    }
}

impl Licensing<u64> for Market {
    fn sealed_asset(asset: AssetId) -> Option<SealedAsset<u64>> {
        let file = Files::get().get(&asset)?.clone();
        Some(SealedAsset {
            owner: 99,
            work: asset,
            content: content(),
            size_bytes: file.size_bytes,
            key_commitment: [1; 32],
            pieces_root: file.pieces_root,
            listed: true,
        })
    }

    fn licence(_: LicenceId) -> Option<LicenceTerms<u64>> {
        None
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_sealed(_: &u64, size_bytes: u64, pieces_root: [u8; 32]) -> AssetId {
        Self::publish(File {
            size_bytes,
            pieces_root: Some(pieces_root),
        })
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_licence(_: AssetId, _: &u64, _: &weft_primitives::device::EncryptionKey) -> LicenceId {
        0
    }
}

pub const OPENER: u64 = 1;
pub const PINNER: u64 = 2;
pub const OTHER_PINNER: u64 = 3;
pub const WATCHER: u64 = 4;
/// Has nothing, so does not exist.
pub const PAUPER: u64 = 5;
pub const FUNDS: Balance = 100_000;
pub const REWARD: Balance = 7;

pub fn content() -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [2; 32],
    }
}

/// A file of so many bytes, no two pieces alike.
pub fn file_of(size_bytes: usize) -> Vec<u8> {
    (0..size_bytes)
        .map(|at| (at / 7 + at / PIECE_BYTES as usize) as u8)
        .collect()
}

fn leaves(file: &[u8]) -> Vec<weft_merkle::Digest> {
    let pieces: Vec<&[u8]> = file.chunks(PIECE_BYTES as usize).collect();
    weft_merkle::leaf_many(&pieces)
}

/// Publishes a sealed file of so many bytes with the root over its pieces.
pub fn publish(size_bytes: usize) -> AssetId {
    Market::publish(File {
        size_bytes: size_bytes as u64,
        pieces_root: Some(weft_merkle::root(&leaves(&file_of(size_bytes)))),
    })
}

/// Publishes a sealed file without a root.
pub fn publish_without_root() -> AssetId {
    Market::publish(File {
        size_bytes: 10,
        pieces_root: None,
    })
}

/// Piece and siblings of a file as somebody who keeps it finds them.
pub fn answer(size_bytes: usize, piece: u64) -> (PieceBytes, Siblings) {
    let file = file_of(size_bytes);
    let bytes = file.chunks(PIECE_BYTES as usize).nth(piece as usize).unwrap().to_vec();
    let proof = weft_merkle::prove(&leaves(&file), piece as usize).unwrap();
    (bytes.try_into().unwrap(), proof.siblings.try_into().unwrap())
}

pub const SIZE: usize = 5 * PIECE_BYTES as usize + 100;

/// Opens a deal about a file of [`SIZE`] bytes.
pub fn open(epochs: Epoch, places: u32) -> PinDealId {
    open_about(publish(SIZE), epochs, places)
}

pub fn open_about(asset: AssetId, epochs: Epoch, places: u32) -> PinDealId {
    let deal = crate::NextDealId::<Test>::get();
    assert_ok!(Pins::open(RuntimeOrigin::signed(OPENER), asset, REWARD, epochs, places));
    deal
}

pub fn join(who: u64, deal: PinDealId) -> DispatchResult {
    Pins::join(RuntimeOrigin::signed(who), deal)
}

pub fn leave(who: u64, deal: PinDealId) -> DispatchResult {
    Pins::leave(RuntimeOrigin::signed(who), deal)
}

pub fn evict(by: u64, deal: PinDealId, pinner: u64) -> DispatchResult {
    Pins::evict(RuntimeOrigin::signed(by), deal, pinner)
}

pub fn give_notice(who: u64, deal: PinDealId) -> DispatchResult {
    Pins::give_notice(RuntimeOrigin::signed(who), deal)
}

pub fn close(who: u64, deal: PinDealId) -> DispatchResult {
    Pins::close(RuntimeOrigin::signed(who), deal)
}

/// What `who` is asked for now.
pub fn asked(who: u64, deal: PinDealId) -> ChallengeView {
    Pins::challenge(deal, &who).unwrap()
}

/// Answers the present challenge as somebody who keeps the file does; epoch and piece may be made up if there is none.
pub fn prove(who: u64, deal: PinDealId) -> DispatchResult {
    let (epoch, piece) = match Pins::challenge(deal, &who) {
        Some(asked) => (asked.epoch, asked.piece),
        None => (Pins::present_epoch(), 0),
    };
    let (bytes, siblings) = answer(SIZE, piece);
    Pins::prove(RuntimeOrigin::signed(who), deal, epoch, piece, bytes, siblings)
}

/// Goes on to a block, beginning each one on the way.
pub fn run_to(block: u64) {
    while System::block_number() < block {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        Pins::on_initialize(next);
    }
}

/// Goes on to the first block of an epoch.
pub fn run_to_epoch(epoch: Epoch) {
    run_to(u64::from(epoch) * EPOCH_BLOCKS);
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
        balances: [OPENER, PINNER, OTHER_PINNER, WATCHER].map(|who| (who, FUNDS)).to_vec(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| run_to(1));
    ext
}

/// Runs a test, then checks what must always hold, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        assert_ok!(Pins::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
