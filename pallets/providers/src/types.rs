//! What is stored of providers and their offers.

use core::marker::PhantomData;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_primitives::{
    Balance, JobId, device::EncryptionKey, order_book::Bucket, reputation::Reputation, view::ProviderStatus,
};

use crate::Config;

/// Whether a provider takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Availability {
    /// It does.
    Available,
    /// It does not.
    Paused(PauseReason),
}

/// Why a provider takes no jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum PauseReason {
    /// The owner or the device said so, or has not said yet that the device is ready: a device that was registered or
    /// rotated a moment ago has no model loaded.
    ByOwner,
    /// It let a job's deadline pass in silence.
    MissedDeadline,
}

/// A registered provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ProviderInfo<AccountId, Url, Jobs> {
    /// The hot account that does the work. It can pause, resume and update, and has no access to money.
    pub device: AccountId,
    /// The device's X25519 key, to which model keys and inputs are wrapped.
    pub encryption_key: EncryptionKey,
    /// Where the device serves its blocks.
    pub endpoint: Url,
    /// Jobs the device takes at a time; at least 1.
    pub capacity: u16,
    /// Jobs it is booked for now, each in a slot.
    pub jobs: Jobs,
    /// Whether it takes jobs.
    pub availability: Availability,
    /// Bonded stake, without what is unbonding.
    pub stake: Balance,
    /// How its promises were kept.
    pub reputation: Reputation,
    /// Jobs completed in time since registration.
    pub completed: u32,
    /// Jobs whose deadline passed in silence since registration.
    pub missed: u32,
    /// Jobs given back since registration.
    pub declined: u32,
    /// Results that were refuted since registration.
    pub refuted: u32,
    /// What is held from the owner for this record.
    pub deposit: Balance,
}

impl<AccountId, Url, Jobs: AsRef<[JobId]>> ProviderInfo<AccountId, Url, Jobs> {
    /// Slots that are taken.
    pub fn busy(&self) -> u16 {
        // There are never more than `MaxCapacity`, which is a `u16`.
        u16::try_from(self.jobs.as_ref().len()).unwrap_or(u16::MAX)
    }

    /// The reputation class at which this provider's keyed offers are in the book, or `None` if they are not.
    pub fn standing(&self, min_stake: Balance) -> Option<u8> {
        (self.status(min_stake) == ProviderStatus::Available).then(|| self.reputation.class())
    }

    /// Whether it takes jobs, and if not, the first thing to do about it.
    pub fn status(&self, min_stake: Balance) -> ProviderStatus {
        match self.availability {
            Availability::Paused(PauseReason::ByOwner) => ProviderStatus::Paused,
            Availability::Paused(PauseReason::MissedDeadline) => ProviderStatus::PausedAfterMiss,
            Availability::Available if self.stake < min_stake => ProviderStatus::Understaked,
            Availability::Available if self.busy() >= self.capacity => ProviderStatus::Full,
            Availability::Available => ProviderStatus::Available,
        }
    }
}

/// A provider's offer to run one model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Offer {
    /// Price of one token.
    pub ask_per_token: Balance,
    /// Whether the creator has wrapped the model's key for the provider's present device key.
    pub keyed: bool,
    /// Its place in the order book, if it can be matched.
    pub listing: Option<Listing>,
    /// Its place among all offers for the model.
    pub index: u64,
    /// What is held from the owner for this record.
    pub deposit: Balance,
}

/// A place in a model's order book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Listing {
    /// The bucket: price level and reputation class.
    pub bucket: Bucket,
    /// The slot in it.
    pub slot: u32,
}

/// What matching reads of an offer. The ask is here a second time, so that an offer that is passed over costs one read.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct BookEntry<AccountId> {
    /// The provider.
    pub owner: AccountId,
    /// Price of one token.
    pub ask_per_token: Balance,
}

/// Stake on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct UnbondingChunk<BlockNumber> {
    /// How much.
    pub amount: Balance,
    /// First block in which it can be withdrawn.
    pub unlock_at: BlockNumber,
}

/// [`Config::MaxCapacity`], as a bound of a list.
pub struct MostJobs<T>(PhantomData<T>);

impl<T: Config> Get<u32> for MostJobs<T> {
    fn get() -> u32 {
        T::MaxCapacity::get().into()
    }
}

/// A device's endpoint.
pub type UrlOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointBytes>;
/// The jobs a provider is booked for.
pub type BookedOf<T> = BoundedVec<JobId, MostJobs<T>>;
/// A provider as stored.
pub type ProviderInfoOf<T> = ProviderInfo<<T as frame_system::Config>::AccountId, UrlOf<T>, BookedOf<T>>;
/// A provider's stake on its way out, oldest first.
pub type UnbondingOf<T> = BoundedVec<UnbondingChunk<BlockNumberFor<T>>, <T as Config>::MaxUnbonding>;
