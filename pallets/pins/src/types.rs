//! What is stored of deals and pinners.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_primitives::{
    AssetId, Balance, ContentId,
    pieces::{Epoch, MAX_SIBLINGS, PIECE_BYTES},
};

/// A deal about the storage of a sealed file. What the market says of the file is kept as it was when the deal was
/// opened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Deal<AccountId, BlockNumber> {
    /// Who pays.
    pub opener: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// Root of the sealed file's DAG.
    pub content: ContentId,
    /// Bytes of the sealed file.
    pub size_bytes: u64,
    /// Root over its pieces.
    pub pieces_root: [u8; 32],
    /// What each pinner is paid for each epoch's proof.
    pub reward_per_epoch: Balance,
    /// Pinners that are paid at a time.
    pub places: u32,
    /// Places that are taken.
    pub taken: u32,
    /// The first epoch in which proofs are paid.
    pub first_epoch: Epoch,
    /// The last.
    pub last_epoch: Epoch,
    /// What is held from the opener for rewards.
    pub escrow: Balance,
    /// What is held from the opener for this record.
    pub deposit: Balance,
    /// Block in which it was opened.
    pub opened_at: BlockNumber,
}

/// One pinner in one deal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Pin {
    /// What is held from the pinner.
    pub bond: Balance,
    /// The epoch in which they joined.
    pub joined: Epoch,
    /// The latest epoch that was proved, or that of joining.
    pub kept_until: Epoch,
    /// Epochs in a row that were proved, up to the latest proof.
    pub streak: u32,
    /// Epochs that were proved.
    pub proofs: u32,
    /// What was paid for them.
    pub earned: Balance,
}

/// What draws the challenges of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct EpochSeed {
    /// The epoch.
    pub epoch: Epoch,
    /// The seed.
    pub seed: [u8; 32],
}

/// A list of deals.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ShelfName<AccountId> {
    /// All that are not closed.
    Open,
    /// Those in which an account pins, closed ones included until it leaves.
    PinnedBy(AccountId),
    /// Those about one asset that are not closed.
    About(AssetId),
}

/// A piece of a file.
pub type PieceBytes = BoundedVec<u8, ConstU32<PIECE_BYTES>>;
/// The siblings of a piece in the tree over all of them, from the leaf upwards.
pub type Siblings = BoundedVec<[u8; 32], ConstU32<MAX_SIBLINGS>>;
/// A deal as stored.
pub type DealOf<T> = Deal<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// A list's name as stored.
pub type ShelfOf<T> = ShelfName<<T as frame_system::Config>::AccountId>;
