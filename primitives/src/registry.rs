//! The traits through which pallets meet. Declared here, implemented by the pallet that owns the fact, wired in the
//! runtime; no pallet depends on another.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
    asset::{AssetId, WorkId},
    content::ContentId,
    device::EncryptionKey,
    job::JobId,
    licence::LicenceId,
    price::{Balance, Ppm},
    reputation::Outcome,
};

/// What a job needs to know of a model. Who earns from it is told by [`Royalties`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelTerms {
    /// Share of the price after the treasury's cut.
    pub royalty: Ppm,
    /// What commits to configuration and weights of an exact model, on which exact jobs may be posted; `None` if it is none.
    pub exact_root: Option<[u8; 32]>,
}

/// Facts about published models. Implemented by `pallet-market`.
pub trait ModelRegistry<AccountId> {
    /// The terms of a model on which new jobs and offers may be made; `None` if it is unknown, retired, or no model.
    fn listed_model(asset: AssetId) -> Option<ModelTerms>;

    /// The terms of a model, retired or not: running jobs still pay their owner.
    fn model(asset: AssetId) -> Option<ModelTerms>;

    /// Whether `provider` can have the model's key for their present encryption key: its owner has wrapped it, or
    /// custodians have released it.
    fn has_key(asset: AssetId, provider: &AccountId, key: &EncryptionKey) -> bool;

    /// Takes one use of the asset for `user`. `None` if it needs no licence: it has no tariffs, or is the user's own.
    fn take_use(asset: AssetId, user: &AccountId) -> Result<Option<LicenceId>, NotLicensed>;

    /// Gives a use back that came to nothing. A licence that has ended in the meantime stays ended.
    fn return_use(licence: LicenceId);

    /// Puts a listed exact model in place and returns it. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(creator: &AccountId) -> AssetId;

    /// Puts a listed exact model with this root in place and returns it. For benchmarks of pallets that judge its results.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_exact_model(creator: &AccountId, exact_root: [u8; 32]) -> AssetId;

    /// Wraps a model's key for a provider. For benchmarks of pallets that need it.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(asset: AssetId, provider: &AccountId, key: &EncryptionKey);

    /// Makes uses of the model need a licence, and gives `user` one that counts them. For benchmarks of pallets that
    /// take uses.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_uses(asset: AssetId, user: &AccountId);
}

/// Why somebody may not use an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLicensed {
    /// They hold no licence of the work, or it was revoked.
    NoLicence,
    /// Their licence has run out or its uses are used up.
    RanOut,
}

/// Who earns from an asset. Implemented by `pallet-market`.
pub trait Royalties<AccountId> {
    /// Divides a payment for a use of the asset among the owner of its work and, up its lineage, those of the works it
    /// was made from. The sum is `amount` to the last unit. Empty if there is no such asset.
    fn divide(asset: AssetId, amount: Balance) -> Vec<(AccountId, Balance)>;

    /// The most parts that [`divide`](Self::divide) makes.
    fn most_payees() -> u32;

    /// Puts an asset in place whose payments are divided among `payees` accounts that exist. For benchmarks of pallets
    /// that pay.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_asset(owner: &AccountId, payees: u32) -> AssetId;
}

/// What there is to know of a sealed asset for whoever keeps its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAsset<AccountId> {
    /// The present owner of its work.
    pub owner: AccountId,
    /// The work it is a version of.
    pub work: WorkId,
    /// Root of the sealed file's DAG.
    pub content: ContentId,
    /// Bytes of the sealed file.
    pub size_bytes: u64,
    /// Hash of its content key.
    pub key_commitment: [u8; 32],
    /// Root over the pieces of the sealed file, if the publisher gave one.
    pub pieces_root: Option<[u8; 32]>,
    /// Whether new things may be begun on it.
    pub listed: bool,
}

/// What there is to know of a licence for whoever delivers a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceTerms<AccountId> {
    /// Who may use the work.
    pub holder: AccountId,
    /// The X25519 key to which the holder wants keys sealed.
    pub encryption_key: EncryptionKey,
    /// The work, with all its versions.
    pub work: WorkId,
    /// Whether it allows use now: neither revoked nor run out.
    pub in_force: bool,
    /// Whether it was revoked. That is for good.
    pub revoked: bool,
}

/// Assets and licences as those who keep keys and bytes see them. Implemented by `pallet-market`.
pub trait Licensing<AccountId> {
    /// An asset, listed or retired.
    fn sealed_asset(asset: AssetId) -> Option<SealedAsset<AccountId>>;

    /// A licence that has not been closed.
    fn licence(licence: LicenceId) -> Option<LicenceTerms<AccountId>>;

    /// Puts a listed asset with a tariff in place. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_sealed(owner: &AccountId, size_bytes: u64, pieces_root: [u8; 32]) -> AssetId;

    /// Puts a licence of an asset's work in force. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_licence(asset: AssetId, holder: &AccountId, key: &EncryptionKey) -> LicenceId;
}

/// For whom the custodians of a key release their shares of it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum KeyRecipient<AccountId> {
    /// The holder of a licence.
    #[codec(index = 0)]
    Licence(LicenceId),
    /// A provider who offers the model, by owner account.
    #[codec(index = 1)]
    Provider(AccountId),
}

/// Why custodians were not asked for a key. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRequested {
    /// The recipient cannot pay the custodians' fee.
    FeeNotCovered,
    /// Nothing can be wrapped for the recipient's encryption key so that a forgery could be proved: it is no point of
    /// the prime-order group of X25519.
    UnusableKey,
}

/// Keys that are handed out without their owner. Implemented by `pallet-custody`; `()` keeps no keys.
pub trait KeyCustody<AccountId> {
    /// Whether custodians keep the asset's key and would be asked for it.
    fn is_entrusted(asset: AssetId) -> bool;

    /// Asks the custodians of an asset's key to release it to the holder of a licence, whose fee to them is held from
    /// the holder. Does nothing if the key is not in custody.
    fn request_for_licence(
        asset: AssetId,
        licence: LicenceId,
        holder: &AccountId,
        key: &EncryptionKey,
    ) -> Result<(), NotRequested>;

    /// Whether enough custodians have released the asset's key to this key of a provider.
    fn has_released(asset: AssetId, provider: &AccountId, key: &EncryptionKey) -> bool;

    /// Puts an asset's key into custody. For benchmarks of pallets that ask for keys.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_entrust(asset: AssetId);
}

impl<AccountId> KeyCustody<AccountId> for () {
    fn is_entrusted(_: AssetId) -> bool {
        false
    }

    fn request_for_licence(_: AssetId, _: LicenceId, _: &AccountId, _: &EncryptionKey) -> Result<(), NotRequested> {
        Ok(())
    }

    fn has_released(_: AssetId, _: &AccountId, _: &EncryptionKey) -> bool {
        false
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_entrust(_: AssetId) {}
}

/// Receipts as proof of paid use. Implemented by `pallet-jobs`.
pub trait PaidJobs<AccountId> {
    /// Who paid for a job that was completed, and which model did it. `None` if it was not completed, or its receipt is
    /// gone.
    fn paid_job(job: JobId) -> Option<(AccountId, AssetId)>;

    /// The number that the next job gets. Numbers are given in the order of posting, so those below were posted before.
    fn next_job() -> JobId;

    /// Puts the receipt of a completed job in place. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_paid_job(user: &AccountId, model: AssetId) -> JobId;
}

/// Devices and their keys. Implemented by `pallet-providers`.
pub trait Devices<AccountId> {
    /// The owner a device works for, and the X25519 key to which its inputs are wrapped; `None` if it works for nobody.
    fn device_key(device: &AccountId) -> Option<(AccountId, EncryptionKey)>;

    /// Puts a device to work for `owner` and returns its encryption key. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_device(owner: &AccountId, device: &AccountId) -> EncryptionKey;
}

/// What becomes of a provider's offers when a creator grants or revokes a model's key. Implemented by
/// `pallet-providers`.
pub trait KeyGrantHandler<AccountId> {
    /// The provider's present encryption key; `None` if they are not registered.
    fn encryption_key(provider: &AccountId) -> Option<EncryptionKey>;

    /// Whether custodians should hand the provider the model's key: who is registered, unless the implementation asks
    /// for more, such as an offer and a stake.
    fn may_have_key(_asset: AssetId, provider: &AccountId) -> bool {
        Self::encryption_key(provider).is_some()
    }

    /// The model's key is now wrapped for the provider: an offer on it can be matched.
    fn key_granted(asset: AssetId, provider: &AccountId);

    /// The model's key is no longer theirs: an offer on it must not be matched, unless [`ModelRegistry::has_key`] finds
    /// it elsewhere.
    fn key_revoked(asset: AssetId, provider: &AccountId);

    /// Puts a provider in place who offers `asset` and lacks nothing but its key to be listed, and returns the
    /// provider's encryption key. For benchmarks of pallets that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_unkeyed_offer(asset: AssetId, provider: &AccountId) -> EncryptionKey;
}

/// A provider picked and booked for one job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Booking<AccountId> {
    /// The owner account, who is paid.
    pub provider: AccountId,
    /// The device account, who commits.
    pub device: AccountId,
    /// The device's X25519 key, to which the input is wrapped.
    pub encryption_key: EncryptionKey,
    /// Price per token the provider is bound to for this job.
    pub ask_per_token: Balance,
}

/// Why nobody could be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// Nobody with the model's key, stake and a free slot offers it.
    NoProvider,
    /// Somebody does, but all ask for more.
    PriceBelowAsk,
}

/// How many places in the order book a booking or its settlement changed: an offer that leaves its place counts once,
/// one that takes a place once. The work is linear in it.
pub type Moves = u32;

/// Matching. Implemented by `pallet-providers`.
pub trait Matching<AccountId> {
    /// The most that one booking, or one settlement, moves.
    fn most_moves() -> Moves;

    /// Books the best provider for `job` on `model` whose ask is at most `max_ask`: lowest price level, then best
    /// reputation class, then by `seed` among equals. `excluded` (few: earlier attempts) are passed over. Bounded cost.
    fn book(
        job: JobId,
        model: AssetId,
        max_ask: Balance,
        excluded: &[AccountId],
        seed: [u8; 32],
    ) -> Result<(Booking<AccountId>, Moves), NoMatch>;

    /// Frees the slot that the provider has booked for `job` and counts the outcome.
    fn settle(provider: &AccountId, job: JobId, outcome: Outcome) -> Moves;

    /// Whether the stake that answers for the provider's results is there.
    fn is_staked(provider: &AccountId) -> bool;

    /// The jobs for which the provider is booked now, in no order: at most as many as a device takes at a time.
    fn booked(provider: &AccountId) -> Vec<JobId>;

    /// The most offers of one provider. For benchmarks of pallets that need them.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_most_offers() -> u32;

    /// Makes `provider` bookable for `model` at `ask_per_token`, so that the booking takes `offers` offers out of the
    /// book and its settlement puts them in again; none at 0, as there is a slot to spare. For benchmarks of pallets
    /// that need it.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_offer(provider: &AccountId, model: AssetId, ask_per_token: Balance, offers: u32);
}

/// Results that may be challenged. Implemented by `pallet-jobs`.
pub trait Challengeable<AccountId, BlockNumber> {
    /// The result of a job that has been committed and is not paid yet; also after its window, while disputes about it go on.
    fn proposed(job: JobId) -> Option<ProposedResult<AccountId, BlockNumber>>;

    /// A dispute about it begins: it is not paid before that has ended. Only of a job with a [`proposed`](Self::proposed) result.
    fn disputed(job: JobId);

    /// A dispute about it has ended. If the result was `refuted` so has the job; if it was the last dispute and the window has passed,
    /// the job is paid. Nothing happens to a job that has ended.
    fn decided(job: JobId, refuted: bool);

    /// Puts a job with a result in place, of a listed model by `provider`, who is registered and staked. For benchmarks of pallets
    /// that need one.
    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_proposed(
        user: &AccountId,
        provider: &AccountId,
        exact_root: [u8; 32],
        trace_root: [u8; 32],
        prompt: [u8; 32],
    ) -> JobId;
}

/// What there is to know of a result for whoever judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedResult<AccountId, BlockNumber> {
    /// Who posted the job.
    pub user: AccountId,
    /// The owner account of the provider, whose stake answers for it.
    pub provider: AccountId,
    /// The device that committed it.
    pub device: AccountId,
    /// The root of the model.
    pub exact_root: [u8; 32],
    /// What commits to each step of its computation.
    pub trace_root: [u8; 32],
    /// What commits to the prompt, if anything does.
    pub prompt: Option<[u8; 32]>,
    /// Whether others than the user may challenge it.
    pub open: bool,
    /// Last block for a challenge.
    pub until: BlockNumber,
}

/// Stakes that answer for results. Implemented by `pallet-providers`.
pub trait Stakes<AccountId> {
    /// Puts all stake of a provider, bonded and unbonding, out of its owner's reach, and gives how much that is. It stays held, until it is
    /// [restored](Self::restore) or [forfeited](Self::forfeit).
    fn seize(provider: &AccountId) -> Balance;

    /// Gives an amount that was seized back, as bonded stake.
    fn restore(provider: &AccountId, amount: Balance);

    /// Takes an amount that was seized: `reward` of it for `winner`, the rest for the treasury. It counts as a result that was
    /// refuted. Gives what the winner got: nothing, if its account could not take it.
    fn forfeit(provider: &AccountId, amount: Balance, winner: &AccountId, reward: Balance) -> Balance;
}
