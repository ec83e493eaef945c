//! What custody stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use weft_custody::{Commitment, MAX_SHARES, WRAPPED_BYTES};
use weft_primitives::{
    AssetId, Balance, ContentId,
    custody_view::DealingId,
    device::{EncryptionKey, WRAPPED_KEY_BYTES, WrappedKey},
    registry::KeyRecipient,
};

use crate::Config;

const _: () = assert!(WRAPPED_BYTES == WRAPPED_KEY_BYTES, "a share is wrapped as a key is");

/// The most custodians of one key.
pub type MaxCustodians = ConstU32<{ MAX_SHARES as u32 }>;
/// A list with one entry for each custodian, at most.
pub type PerCustodian<X> = BoundedVec<X, MaxCustodians>;

/// A registered custodian.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Custodian<Url, BlockNumber> {
    /// The X25519 key for shares of future dealings.
    pub encryption_key: EncryptionKey,
    /// Where it can be reached.
    pub endpoint: Option<Url>,
    /// What is held as stake.
    pub stake: Balance,
    /// What is held for this record.
    pub deposit: Balance,
    /// Whether it wants to be drawn, and to stay where it is.
    pub available: bool,
    /// Its place in the list that committees are drawn from.
    pub position: Option<u32>,
    /// Since when it has not been in that list.
    pub out_since: BlockNumber,
    /// In how many dealings it sits.
    pub duties: u32,
    /// Releases and deals it has failed to make in time.
    pub missed: u32,
    /// Shares of it that were proved wrong.
    pub forged: u32,
    /// No stake is taken for silence before this block.
    pub spared_until: BlockNumber,
}

/// A custodian's place in a committee. The key is remembered, so that what was wrapped to it can be judged whatever the
/// custodian has registered since.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Member<AccountId> {
    /// The account.
    pub account: AccountId,
    /// The X25519 key to which its shares of the dealing are wrapped.
    pub encryption_key: EncryptionKey,
}

/// Whether a dealing's shares count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum DealingState {
    /// Its committee was drawn and has no commitments yet.
    Drawn,
    /// It is the one from which keys are requested.
    InForce,
    /// Another took its place; it stays for its open requests.
    Superseded,
    /// Its seller was proved a liar when it was in force; it stays until its requests are over, and nobody has to serve them.
    Void,
}

/// One sharing of a key's secret to one committee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Dealing<AccountId> {
    /// The asset whose key it is.
    pub asset: AssetId,
    /// The first dealing of the same custody.
    pub opened: DealingId,
    /// Whether it counts.
    pub state: DealingState,
    /// How many shares give the secret.
    pub threshold: u8,
    /// Custodian `i` is at place `i - 1`.
    pub committee: PerCustodian<Member<AccountId>>,
    /// The commitments in force; none before.
    pub commitments: PerCustodian<Commitment>,
    /// Whose deals it is made of, in the order of deals: 0 is the seller, others are indices in the dealing before.
    pub dealers: PerCustodian<u8>,
    /// Requests to it that have not been removed.
    pub open_requests: u32,
}

/// What one dealer dealt to a committee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Deal {
    /// To the coefficients of its polynomial.
    pub commitments: PerCustodian<Commitment>,
    /// The share of custodian `i` at place `i - 1`.
    pub wrapped: PerCustodian<WrappedKey>,
}

/// What is awaited for a key in custody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Phase<BlockNumber> {
    /// The opener's deal.
    Drawn {
        /// The last block for it.
        until: BlockNumber,
    },
    /// Requests.
    Dealt,
    /// Requests, and deals to the next committee.
    Resharing {
        /// The dealing that is made.
        next: DealingId,
        /// The last block for deals.
        deals_until: BlockNumber,
        /// The last block for disputes of them.
        disputes_until: BlockNumber,
        /// Which of the present custodians have dealt wrongly.
        faulty: Members,
    },
}

/// How a custody ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum EndReason {
    /// Its opener or the asset's owner closed it.
    Closed,
    /// Nothing was dealt in time.
    NotDealt,
    /// A custodian had to be let go and no other committee could be found.
    Dissolved,
    /// The seller dealt a wrong share.
    BadDeal,
    /// The seller entrusted another key than it had promised.
    WrongKey,
}

/// A key in custody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Custody<AccountId, BlockNumber> {
    /// Who opened it, and holds deposit and bond.
    pub opener: AccountId,
    /// What is held for its records.
    pub deposit: Balance,
    /// What is held against a lie; none before the deal.
    pub bond: Balance,
    /// The sealed file.
    pub content: ContentId,
    /// Hash of the key.
    pub key_commitment: [u8; 32],
    /// How many shares give the secret.
    pub threshold: u8,
    /// How many custodians there are.
    pub custodians: u8,
    /// Whether providers of the model may ask for the key.
    pub to_providers: bool,
    /// The key, masked by the shared secret; once it was dealt.
    pub envelope: Option<[u8; 32]>,
    /// The first dealing of this custody.
    pub opened: DealingId,
    /// The dealing in force, or the first one, about to be dealt.
    pub dealing: DealingId,
    /// Since when that one has been in force, or the block of opening.
    pub since: BlockNumber,
    /// What is awaited.
    pub phase: Phase<BlockNumber>,
    /// The first block in which it may be rotated again after a rotation that failed.
    pub rotation_paused_until: BlockNumber,
    /// Whether the last rotation failed.
    pub rotation_failed: bool,
    /// Requests to any of its dealings that have not been removed.
    pub open_requests: u32,
    /// Why it takes no new requests and ends with the last open one.
    pub closing: Option<EndReason>,
}

/// Some of a committee's members, by index.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Members(u16);

impl Members {
    /// Whether the member with this index is among them.
    pub fn has(self, index: u8) -> bool {
        self.0 & Self::bit(index) != 0
    }

    /// Adds a member.
    pub fn add(&mut self, index: u8) {
        self.0 |= Self::bit(index);
    }

    /// How many they are.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Those who are not among the others.
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Their indices, ascending.
    pub fn indices(self) -> impl Iterator<Item = u8> {
        (1..=MAX_SHARES).filter(move |index| self.has(*index))
    }

    fn bit(index: u8) -> u16 {
        1u16.checked_shl(index.into()).unwrap_or(0)
    }
}

/// A request for a key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct KeyRequest<AccountId, BlockNumber> {
    /// The asset whose key it is.
    pub asset: AssetId,
    /// The dealing whose shares are asked for.
    pub dealing: DealingId,
    /// By which right.
    pub recipient: KeyRecipient<AccountId>,
    /// Who asks and pays.
    pub account: AccountId,
    /// The X25519 key to which shares are wrapped.
    pub encryption_key: EncryptionKey,
    /// When it was made.
    pub requested_at: BlockNumber,
    /// What each custodian earns.
    pub fee: Balance,
    /// What is still held for fees.
    pub fees_held: Balance,
    /// What is held for the record of a provider's key, until there is one.
    pub deposit: Balance,
    /// Who has released.
    pub released: Members,
    /// Whose release was proved wrong.
    pub forged: Members,
    /// Whether enough have released, and that has been told.
    pub complete: bool,
    /// Whether its recipient asked anew, for another encryption key. That is for good.
    pub superseded: bool,
}

/// That a provider can have a key from custodians' releases.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ProviderKey {
    /// The X25519 key to which they released it.
    pub encryption_key: EncryptionKey,
    /// What is held for this record.
    pub deposit: Balance,
}

/// What a custodian did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Offence {
    /// It was silent past a deadline.
    Missed,
    /// It delivered a share that was proved wrong.
    Forged,
}

/// What a step of the hooks came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// A request fell due, with so many custodians silent.
    Due(u32),
    /// A request was removed.
    Removed,
    /// A request was removed, and with it the last thing that kept a dealing, or a whole custody.
    RemovedWithDealing,
}

/// A custodian's endpoint.
pub type UrlOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointBytes>;
/// [`Custodian`] of a runtime.
pub type CustodianOf<T> = Custodian<UrlOf<T>, BlockNumberFor<T>>;
/// [`Dealing`] of a runtime.
pub type DealingOf<T> = Dealing<<T as frame_system::Config>::AccountId>;
/// [`Custody`] of a runtime.
pub type CustodyOf<T> = Custody<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// [`KeyRequest`] of a runtime.
pub type KeyRequestOf<T> = KeyRequest<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// [`Member`] of a runtime.
pub type MemberOf<T> = Member<<T as frame_system::Config>::AccountId>;
/// [`KeyRecipient`] of a runtime.
pub type RecipientOf<T> = KeyRecipient<<T as frame_system::Config>::AccountId>;
