//! Assets, offers and providers as clients see them: the answer types of the runtime API, readable as SCALE and as
//! JSON. In JSON amounts are decimal strings, keys are hex, and CIDs are base32.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::{AssetId, AssetKind, Records, WorkId},
    content::ContentId,
    device::EncryptionKey,
    json,
    lineage::Base,
    price::{Balance, Ppm},
};

/// A published asset: one version of a work.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct AssetView<AccountId> {
    /// Its number.
    pub id: AssetId,
    /// The work of which it is a version.
    pub work: WorkId,
    /// Which version of it, from 1.
    pub version: u32,
    /// The present owner of the work, who hands its keys out and earns the royalty.
    pub creator: AccountId,
    /// What it is.
    pub kind: AssetKind,
    /// The name the creator gave it. Names are not unique: trust the creator, not the name.
    #[serde(with = "json::text")]
    pub name: Vec<u8>,
    /// The manifest.
    pub manifest: ContentId,
    /// Root of the sealed file's DAG.
    pub content: ContentId,
    /// Size of the sealed file in bytes.
    pub size_bytes: u64,
    /// Hash of the content key.
    #[serde(with = "json::hex_bytes")]
    pub key_commitment: [u8; 32],
    /// The creator's share of a job's price after the treasury's cut, in parts per million.
    pub royalty: Ppm,
    /// The root that commits to an exact model's configuration and weights; `None` if the asset is not exact.
    #[serde(with = "json::optional_hex_bytes")]
    pub exact_root: Option<[u8; 32]>,
    /// Merkle root over the pieces of the sealed file, against which storage is proven; `None` if the publisher gave
    /// none.
    #[serde(with = "json::optional_hex_bytes")]
    pub pieces_root: Option<[u8; 32]>,
    /// What a dataset commits to, if its publisher said so.
    pub records: Option<Records>,
    /// From what it was made.
    pub bases: Vec<Base>,
    /// Whether its use needs a licence: its work has tariffs.
    pub needs_licence: bool,
    /// How many vouch for it with a stake.
    pub attestations: u32,
    /// Reports against it that are undecided.
    pub open_reports: u32,
    /// Reports against it that were upheld.
    pub upheld_reports: u32,
    /// Whether new offers and jobs may be made on it; `false` once it is retired.
    pub listed: bool,
    /// Block in which it was published.
    pub published_at: u32,
    /// Where the creator serves their blocks, if they said so.
    #[serde(with = "json::optional_text")]
    pub endpoint: Option<Vec<u8>>,
}

/// A provider's offer to run one model, with what is needed to choose and reach the provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct OfferView<AccountId> {
    /// The provider's owner account.
    pub provider: AccountId,
    /// The provider's device account.
    pub device: AccountId,
    /// The device's X25519 key.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// Where the device serves its blocks.
    #[serde(with = "json::text")]
    pub endpoint: Vec<u8>,
    /// The model.
    pub model: AssetId,
    /// Price of one token.
    #[serde(with = "json::amount")]
    pub ask_per_token: Balance,
    /// Whether the creator has wrapped the model's key for the device.
    pub keyed: bool,
    /// Whether a job posted now could be matched with it.
    pub listed: bool,
    /// Expected share of promises kept, in parts per million.
    pub score_ppm: u32,
    /// Jobs the device takes at a time.
    pub capacity: u16,
    /// Jobs it has now.
    pub busy: u16,
}

/// A registered provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ProviderView<AccountId> {
    /// The owner account, which holds the stake and is paid.
    pub owner: AccountId,
    /// The device account, which does the work.
    pub device: AccountId,
    /// The device's X25519 key.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// Where the device serves its blocks.
    #[serde(with = "json::text")]
    pub endpoint: Vec<u8>,
    /// Jobs the device takes at a time.
    pub capacity: u16,
    /// Jobs it has now.
    pub busy: u16,
    /// Whether it takes jobs, and if not, why.
    pub status: ProviderStatus,
    /// Bonded stake.
    #[serde(with = "json::amount")]
    pub stake: Balance,
    /// Stake on its way out.
    #[serde(with = "json::amount")]
    pub unbonding: Balance,
    /// Stake that was seized for a result that was refuted, and may still be given back on appeal.
    #[serde(with = "json::amount")]
    pub seized: Balance,
    /// Expected share of promises kept, in parts per million.
    pub score_ppm: u32,
    /// Jobs completed in time since registration.
    pub completed: u32,
    /// Jobs whose deadline passed in silence since registration.
    pub missed: u32,
    /// Jobs given back since registration.
    pub declined: u32,
    /// Results that were refuted since registration.
    pub refuted: u32,
    /// The models it offers.
    pub offers: Vec<AssetId>,
}

/// Whether a provider takes jobs, and if not, what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderStatus {
    /// Takes jobs on its listed offers.
    Available,
    /// All its slots are taken; takes jobs again when one ends.
    Full,
    /// The stake is below the minimum: bond more.
    Understaked,
    /// Paused by the owner or the device, or never resumed since registration: resume.
    Paused,
    /// Paused by the chain, because it let a job's deadline pass: check the device, then resume.
    PausedAfterMiss,
}
