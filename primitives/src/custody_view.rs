//! Custodians, keys in custody and requests for them as clients see them: the answer types of the runtime API, readable as
//! SCALE and as JSON. In JSON amounts are decimal strings, keys are hex, and CIDs are base32.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetId,
    content::ContentId,
    device::{EncryptionKey, WRAPPED_KEY_BYTES},
    json,
    licence::LicenceId,
    price::Balance,
    registry::KeyRecipient,
};

/// Number of a dealing, given in the order of draws, never reused.
pub type DealingId = u64;

/// Number of a request for a key, given in the order of requests, never reused.
pub type KeyRequestId = u64;

/// 32 bytes that are hex in JSON: a commitment, an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex32(#[serde(with = "json::hex_bytes")] pub [u8; 32]);

/// A wrapped share; hex in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrappedShare(#[serde(with = "json::hex_bytes")] pub [u8; WRAPPED_KEY_BYTES]);

/// A custodian.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct CustodianView<AccountId> {
    /// The account that signs and holds the stake.
    pub account: AccountId,
    /// The X25519 key for shares of future dealings.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// Where it can be reached, if it said so.
    pub endpoint: Option<Endpoint>,
    /// What it can lose.
    #[serde(with = "json::amount")]
    pub stake: Balance,
    /// Whether it can be drawn into committees: it is available and its stake suffices.
    pub drawable: bool,
    /// Whether it says that it is available.
    pub available: bool,
    /// In how many dealings it sits now.
    pub duties: u32,
    /// Releases and deals it has failed to make in time.
    pub missed: u32,
    /// Shares of it that were proved wrong.
    pub forged: u32,
}

/// A URL; text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Endpoint(#[serde(with = "json::text")] pub Vec<u8>);

/// A key in custody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct CustodyView<AccountId> {
    /// The asset whose key it is.
    pub asset: AssetId,
    /// Who entrusted it, and holds deposit and bond.
    pub opener: AccountId,
    /// How many shares give the key.
    pub threshold: u8,
    /// How many custodians there are.
    pub custodians: u8,
    /// Whether providers of the model may ask for it.
    pub to_providers: bool,
    /// The sealed file.
    pub content: ContentId,
    /// Hash of the key.
    #[serde(with = "json::hex_bytes")]
    pub key_commitment: [u8; 32],
    /// The key, masked by the shared secret; once it was dealt.
    #[serde(with = "json::optional_hex_bytes")]
    pub envelope: Option<[u8; 32]>,
    /// What is awaited.
    pub phase: CustodyPhase,
    /// Whether it takes no new requests and ends with the last open one.
    pub closing: bool,
    /// Requests that are open or can still be disputed.
    pub open_requests: u32,
    /// The dealing in force, or the first one, about to be dealt.
    pub dealing: DealingView<AccountId>,
    /// The dealing that is to replace it.
    pub next: Option<DealingView<AccountId>>,
}

/// What is awaited for a key in custody. Blocks are the last ones in which something is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum CustodyPhase {
    /// The committee is drawn, and the seller has to deal.
    Drawn {
        /// Until when.
        until: u32,
    },
    /// The key can be requested.
    Dealt {
        /// Since when this committee has it.
        since: u32,
    },
    /// The key can be requested, and its custodians are dealing it to another committee.
    Resharing {
        /// Until when they may deal.
        deals_until: u32,
        /// Until when the new custodians may dispute; after that the rotation can be finished.
        disputes_until: u32,
    },
}

/// A custodian's place in a committee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct MemberView<AccountId> {
    /// The custodian's account.
    pub account: AccountId,
    /// The X25519 key to which its shares of this dealing are wrapped, whatever it has registered since.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
}

/// One sharing of a key's secret.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct DealingView<AccountId> {
    /// Its number.
    pub id: DealingId,
    /// The asset whose key it is.
    pub asset: AssetId,
    /// How many shares give the secret.
    pub threshold: u8,
    /// The custodians in the order of their indices, from 1.
    pub committee: Vec<MemberView<AccountId>>,
    /// The commitments in force; none before it is in force.
    pub commitments: Vec<Hex32>,
    /// What the shares are made of: the seller's one deal, or those of old custodians.
    pub deals: Vec<DealView>,
    /// Requests to it that are open or can still be disputed.
    pub open_requests: u32,
}

/// What one dealer dealt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct DealView {
    /// 0 for the seller; else the index of the old custodian.
    pub dealer: u8,
    /// Commitments to the coefficients of the dealer's polynomial.
    pub commitments: Vec<Hex32>,
    /// The shares in the order of the custodians' indices.
    pub wrapped: Vec<WrappedShare>,
}

/// A request for a key, with what custodians need to release it and the recipient to read it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct KeyRequestView<AccountId> {
    /// Its number.
    pub id: KeyRequestId,
    /// The asset whose key it is.
    pub asset: AssetId,
    /// The sealed file.
    pub content: ContentId,
    /// The dealing whose shares are asked for.
    pub dealing: DealingId,
    /// How many shares give the secret.
    pub threshold: u8,
    /// By which right.
    pub recipient: RecipientView<AccountId>,
    /// Who asks and pays.
    pub account: AccountId,
    /// The X25519 key to which shares are wrapped.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// What each custodian earns.
    #[serde(with = "json::amount")]
    pub fee: Balance,
    /// The last block for releases.
    pub until: u32,
    /// The last block for disputes; the request is removed after it.
    pub disputes_until: u32,
    /// Whether releases are taken: the licence is not revoked, the key not asked for anew, the custody not void.
    pub in_force: bool,
    /// The custodians in the order of their indices, from 1.
    pub committee: Vec<MemberView<AccountId>>,
    /// The commitments that the shares agree with.
    pub commitments: Vec<Hex32>,
    /// What was released and not proved wrong.
    pub releases: Vec<ReleaseView>,
    /// Indices of those whose release was proved wrong.
    pub forged: Vec<u8>,
}

/// For whom a key is requested.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientView<AccountId> {
    /// The holder of a licence.
    Licence(LicenceId),
    /// A provider.
    Provider(AccountId),
}

impl<AccountId> From<KeyRecipient<AccountId>> for RecipientView<AccountId> {
    fn from(recipient: KeyRecipient<AccountId>) -> Self {
        match recipient {
            KeyRecipient::Licence(licence) => Self::Licence(licence),
            KeyRecipient::Provider(provider) => Self::Provider(provider),
        }
    }
}

/// A released share.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Whose share it is.
    pub index: u8,
    /// The share.
    pub wrapped: WrappedShare,
}
