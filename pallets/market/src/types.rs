//! What the market stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_primitives::{
    AssetId, AssetKind, Balance, ContentId, Currency, Ppm, WorkId,
    asset::{Flaw, MAX_TAG_BYTES, MAX_TAGS, Records},
    device::{EncryptionKey, WrappedKey},
    discovery::{least_price, price_bucket},
    licence::{Holding, MAX_TARIFFS, Tariff, Term},
    lineage::{Ancestor, Base, MAX_ANCESTORS, MAX_BASES},
    rating::Ratings,
};

use crate::Config;

/// By which a work is found.
pub type Tag = BoundedVec<u8, ConstU32<MAX_TAG_BYTES>>;
/// A work's tags.
pub type Tags = BoundedVec<Tag, ConstU32<MAX_TAGS>>;
/// A work's prices.
pub type Tariffs = BoundedVec<Tariff, ConstU32<MAX_TARIFFS>>;
/// From what an asset was made.
pub type Bases = BoundedVec<Base, ConstU32<MAX_BASES>>;
/// Whose works earn from an asset, besides its own.
pub type Ancestors = BoundedVec<Ancestor, ConstU32<MAX_ANCESTORS>>;

/// Most attestations of one asset, and most undecided reports against one.
pub const MAX_SCRUTINY: u32 = 16;

/// What an owner says of an asset when they publish it. All of it stays as published.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Publication<Name> {
    /// What it is. All versions of a work are of one kind.
    pub kind: AssetKind,
    /// How it is called. Not unique.
    pub name: Name,
    /// The manifest.
    pub manifest: ContentId,
    /// Root of the sealed file's DAG.
    pub content: ContentId,
    /// Size of the sealed file in bytes.
    pub size_bytes: u64,
    /// Hash of the content key: AES-GCM does not commit to its key, so this does.
    pub key_commitment: [u8; 32],
    /// The owner's share of a job's price after the treasury's cut, in parts per million.
    pub royalty: Ppm,
    /// Of an exact model: the root that commits to its configuration and weights.
    pub exact_root: Option<[u8; 32]>,
    /// Merkle root over the pieces of the sealed file, against which pinners prove that they store it.
    pub pieces_root: Option<[u8; 32]>,
    /// Of a dataset: what commits to its records.
    pub records: Option<Records>,
    /// From what it was made, each with its share of what this earns.
    pub bases: Bases,
}

/// Whether new offers, licences and jobs may be made on an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum AssetStatus {
    /// They may.
    Listed,
    /// They may not. What was begun goes on under the same terms.
    Retired,
}

/// One version of a work. Everything but the status is as published, for good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct AssetInfo<Name, BlockNumber> {
    /// The work.
    pub work: WorkId,
    /// Which version of it, from 1.
    pub version: u32,
    /// What was published.
    pub published: Publication<Name>,
    /// Whose works earn from its use besides its own, by work: the bases' shares multiplied out.
    pub ancestors: Ancestors,
    /// Generations of bases above it.
    pub generations: u8,
    /// Whether new things may be begun on it.
    pub status: AssetStatus,
    /// Block of publication.
    pub published_at: BlockNumber,
    /// What is held from the work's owner for this record.
    pub deposit: Balance,
}

/// What is owned, priced, licensed and rated: all versions together.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Work<AccountId, BlockNumber> {
    /// Whose it is. They earn, and their funds are held for its records.
    pub owner: AccountId,
    /// What it is.
    pub kind: AssetKind,
    /// By which it is found. Each once.
    pub tags: Tags,
    /// At which prices it may be used. Without any it is free.
    pub tariffs: Tariffs,
    /// The newest version.
    pub latest: AssetId,
    /// How many versions there are.
    pub versions: u32,
    /// How many of them are not retired.
    pub listed: u32,
    /// What is said of it.
    pub ratings: Ratings,
    /// Reports against any version that were upheld.
    pub upheld_reports: u32,
    /// To whom it is offered.
    pub offered_to: Option<AccountId>,
    /// Block of publication of the first version.
    pub published_at: BlockNumber,
    /// What is held from the owner for its versions: the sum of their deposits.
    pub deposit: Balance,
    /// What is held from the owner for wrapped keys of its versions: the sum of the grants' deposits.
    pub grant_deposits: Balance,
}

impl<AccountId: Clone, BlockNumber> Work<AccountId, BlockNumber> {
    /// The sections of the catalogue that it belongs in: its owner's always, the others while a version is not retired.
    pub fn sections(&self) -> alloc::vec::Vec<Section<AccountId>> {
        let mut sections = alloc::vec![Section::Owner(self.owner.clone())];
        if self.listed > 0 {
            sections.extend([
                Section::All,
                Section::Kind(self.kind),
                Section::Price(price_bucket(least_price(&self.tariffs))),
                Section::Rating(self.ratings.class()),
            ]);
            sections.extend(self.tags.iter().cloned().map(Section::Tag));
        }
        sections
    }
}

/// A part of the catalogue, in which works are listed from the newest to the oldest.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Section<AccountId> {
    /// All works.
    #[codec(index = 0)]
    All,
    /// Those of a kind.
    #[codec(index = 1)]
    Kind(AssetKind),
    /// Those with a tag.
    #[codec(index = 2)]
    Tag(Tag),
    /// Those of an owner, retired ones too.
    #[codec(index = 3)]
    Owner(AccountId),
    /// Those whose least price is in this bucket.
    #[codec(index = 4)]
    Price(u16),
    /// Those with ratings of this class.
    #[codec(index = 5)]
    Rating(u8),
}

/// A holder's right to use a work, in all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Licence<AccountId, BlockNumber> {
    /// Who may use it.
    pub holder: AccountId,
    /// The work.
    pub work: WorkId,
    /// The version whose key was asked for last.
    pub asset: AssetId,
    /// The X25519 key to which the holder wants keys sealed.
    pub encryption_key: EncryptionKey,
    /// What was bought last.
    pub term: Term,
    /// In what it is paid.
    pub currency: Currency,
    /// What it allows, and what that cost.
    pub holding: Holding,
    /// What was paid for it in all, in its currency.
    pub paid: Balance,
    /// Whether the owner has revoked it.
    pub revoked: bool,
    /// Block of the first purchase.
    pub bought_at: BlockNumber,
    /// What is held from the holder for this record.
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
    /// What is held from the work's owner for this record.
    pub deposit: Balance,
}

/// What one account says of a work.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rating<BlockNumber> {
    /// From 1 to 5.
    pub stars: u8,
    /// In their own words.
    pub review: Option<ContentId>,
    /// Block of the rating, or of its replacement.
    pub rated_at: BlockNumber,
    /// Where it stands in the list of the work's ratings.
    pub position: u32,
    /// What is held from who rates for this record.
    pub deposit: Balance,
}

/// Somebody's stake on an asset being what it says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Attestation<AccountId, BlockNumber> {
    /// Who vouches.
    pub who: AccountId,
    /// What is held from them.
    pub stake: Balance,
    /// What they checked, and how.
    pub report: ContentId,
    /// Block of the attestation.
    pub since: BlockNumber,
}

/// What somebody says is wrong with an asset, undecided.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Report<AccountId, BlockNumber> {
    /// Who says it.
    pub who: AccountId,
    /// What is wrong.
    pub why: Flaw,
    /// What shows it.
    pub evidence: ContentId,
    /// What is held from who says it.
    pub bond: Balance,
    /// Block of the report.
    pub since: BlockNumber,
}

/// What is said for and against an asset. Each account stands in each list at most once.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Scrutiny<AccountId, BlockNumber> {
    /// Who vouches for it.
    pub attestations: BoundedVec<Attestation<AccountId, BlockNumber>, ConstU32<MAX_SCRUTINY>>,
    /// What is reported and undecided.
    pub reports: BoundedVec<Report<AccountId, BlockNumber>, ConstU32<MAX_SCRUTINY>>,
    /// How many reports were upheld.
    pub upheld: u32,
}

impl<AccountId, BlockNumber> Default for Scrutiny<AccountId, BlockNumber> {
    fn default() -> Self {
        Self {
            attestations: Default::default(),
            reports: Default::default(),
            upheld: 0,
        }
    }
}

impl<AccountId, BlockNumber> Scrutiny<AccountId, BlockNumber> {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.attestations.is_empty() && self.reports.is_empty() && self.upheld == 0
    }
}

/// Where an owner's blocks are served.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CreatorEndpoint<Url> {
    /// The URL.
    pub url: Url,
    /// What is held from the owner for this record.
    pub deposit: Balance,
}

/// An asset's name.
pub type NameOf<T> = BoundedVec<u8, <T as Config>::MaxNameBytes>;
/// An owner's endpoint.
pub type UrlOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointBytes>;
/// What a runtime's owners publish.
pub type PublicationOf<T> = Publication<NameOf<T>>;
/// An asset as stored.
pub type AssetInfoOf<T> = AssetInfo<NameOf<T>, BlockNumberFor<T>>;
/// A work as stored.
pub type WorkOf<T> = Work<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// A licence as stored.
pub type LicenceInfoOf<T> = Licence<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// What is said of an asset as stored.
pub type ScrutinyOf<T> = Scrutiny<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// A part of a runtime's catalogue.
pub type SectionOf<T> = Section<<T as frame_system::Config>::AccountId>;
