//! What is stored of Spaces.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_primitives::{
    AssetId, Balance, ContentId, Currency, JobId,
    rating::Ratings,
    space::{Called, Category, Grievance, MAX_CALLS, ReleaseNumber, SpaceId},
};

use crate::Config;

/// A published app. Everything but what is released is the owner's or governance's to change.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Space<AccountId, Title, BlockNumber> {
    /// Who owns it, earns from it, and holds the deposit.
    pub owner: AccountId,
    /// To whom the owner has offered it.
    pub offered_to: Option<AccountId>,
    /// How the owner calls it. Not unique.
    pub title: Title,
    /// What it is for.
    pub category: Category,
    /// The assets it calls, with their shares of its price.
    pub calls: Calls,
    /// For each of them, in their order, the first job that counts as a use of the Space: the next one when the Space
    /// came to call it.
    pub called_since: CalledSince,
    /// In what it is paid.
    pub currency: Currency,
    /// What it costs, once; 0 if it needs no purchase.
    pub price: Balance,
    /// Its latest release. All from 0 on are stored.
    pub latest: ReleaseNumber,
    /// Whether its owner has withdrawn it.
    pub retired: bool,
    /// Why governance has taken it down, if it has.
    pub taken_down: Option<Grievance>,
    /// Purchases that are in force.
    pub purchases: u64,
    /// The ratings by users who paid.
    pub ratings: Ratings,
    /// Reports that are not resolved.
    pub open_reports: u32,
    /// Block of publication.
    pub published_at: BlockNumber,
    /// What is held from the owner for this record and those of all its releases.
    pub deposit: Balance,
}

impl<AccountId, Title, BlockNumber> Space<AccountId, Title, BlockNumber> {
    /// The first job on this asset that counts as a use of the Space; `None` if the Space does not call it.
    pub fn called_since(&self, asset: AssetId) -> Option<JobId> {
        let place = self.calls.iter().position(|called| called.asset == asset)?;
        self.called_since.get(place).copied()
    }

    /// Whether it can be found, bought and featured.
    pub fn is_listed(&self) -> bool {
        !self.retired && self.taken_down.is_none()
    }
}

/// A release of a Space. Never changed or removed: who bought the Space may install it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Release<Version, BlockNumber> {
    /// How the owner calls it.
    pub version: Version,
    /// The manifest.
    pub manifest: ContentId,
    /// The bundle.
    pub bundle: ContentId,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// What is new.
    pub notes: Option<ContentId>,
    /// Block in which it was released.
    pub released_at: BlockNumber,
}

/// That an account bought a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Purchase<BlockNumber> {
    /// In what it was paid.
    pub currency: Currency,
    /// What was paid.
    pub paid: Balance,
    /// Block of the purchase.
    pub bought_at: BlockNumber,
    /// What is held from the buyer for this record.
    pub deposit: Balance,
}

/// What an account says of a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rating<BlockNumber> {
    /// 1 to 5.
    pub stars: u8,
    /// The text, if there is one.
    pub review: Option<ContentId>,
    /// Block in which it was said.
    pub rated_at: BlockNumber,
    /// What is held from the account for this record.
    pub deposit: Balance,
}

/// What an account reports about a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Report<BlockNumber> {
    /// Why.
    pub why: Grievance,
    /// What shows it.
    pub evidence: Option<ContentId>,
    /// Block of the report.
    pub reported_at: BlockNumber,
    /// What is held from the reporter.
    pub bond: Balance,
}

/// A list of Spaces.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Section<AccountId> {
    /// The listed Spaces of a rating class, in one category or in all.
    Rated {
        /// The category; `None` for all.
        category: Option<Category>,
        /// The rating class.
        class: u8,
    },
    /// All Spaces of an owner, listed or not.
    OwnedBy(AccountId),
}

/// A list of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Roll {
    /// Who rated a Space.
    Raters(SpaceId),
    /// Whose report of a Space is not resolved.
    Reporters(SpaceId),
}

/// The assets that a Space calls.
pub type Calls = BoundedVec<Called, ConstU32<MAX_CALLS>>;
/// The first job on each of them that counts.
pub type CalledSince = BoundedVec<JobId, ConstU32<MAX_CALLS>>;
/// A Space's title.
pub type TitleOf<T> = BoundedVec<u8, <T as Config>::MaxTitleBytes>;
/// How a release is called.
pub type VersionOf<T> = BoundedVec<u8, <T as Config>::MaxVersionBytes>;
/// A Space as stored.
pub type SpaceOf<T> = Space<<T as frame_system::Config>::AccountId, TitleOf<T>, BlockNumberFor<T>>;
/// A release as stored.
pub type ReleaseOf<T> = Release<VersionOf<T>, BlockNumberFor<T>>;
/// A list's name as stored.
pub type SectionOf<T> = Section<<T as frame_system::Config>::AccountId>;
