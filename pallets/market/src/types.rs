//! What the market stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_primitives::{
    AssetKind, Balance, ContentId, Ppm,
    device::{EncryptionKey, WrappedKey},
};

use crate::Config;

/// Whether new offers and jobs may be made on an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum AssetStatus {
    /// They may.
    Listed,
    /// They may not. What was begun goes on under the same terms.
    Retired,
}

/// A published asset. Everything but the status is as published, for good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct AssetInfo<AccountId, Name, BlockNumber> {
    /// Who published it, earns the royalty, and holds the deposit.
    pub creator: AccountId,
    /// What it is.
    pub kind: AssetKind,
    /// How the creator calls it. Not unique.
    pub name: Name,
    /// The manifest.
    pub manifest: ContentId,
    /// Root of the sealed file's DAG.
    pub content: ContentId,
    /// Size of the sealed file in bytes.
    pub size_bytes: u64,
    /// Hash of the content key: AES-GCM does not commit to its key, so this does.
    pub key_commitment: [u8; 32],
    /// The creator's share of a job's price after the treasury's cut.
    pub royalty: Ppm,
    /// Of an exact model: the root that commits to its configuration and weights.
    pub exact_root: Option<[u8; 32]>,
    /// Whether new offers and jobs may be made on it.
    pub status: AssetStatus,
    /// Block of publication.
    pub published_at: BlockNumber,
    /// What is held from the creator for this record.
    pub deposit: Balance,
}

/// A content key, wrapped for one provider's device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Grant<BlockNumber> {
    /// The X25519 key it is wrapped to.
    pub encryption_key: EncryptionKey,
    /// The wrapped key.
    pub wrapped: WrappedKey,
    /// Block of the grant, or of its replacement.
    pub granted_at: BlockNumber,
    /// What is held from the creator for this record.
    pub deposit: Balance,
}

/// Where a creator's blocks are served.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CreatorEndpoint<Url> {
    /// The URL.
    pub url: Url,
    /// What is held from the creator for this record.
    pub deposit: Balance,
}

/// An asset's name.
pub type NameOf<T> = BoundedVec<u8, <T as Config>::MaxNameBytes>;
/// A creator's endpoint.
pub type UrlOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointBytes>;
/// An asset as stored.
pub type AssetInfoOf<T> = AssetInfo<<T as frame_system::Config>::AccountId, NameOf<T>, BlockNumberFor<T>>;
