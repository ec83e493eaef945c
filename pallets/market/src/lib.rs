//! # Market
//!
//! Models and datasets: whose they are, what they were made from, what their use costs and who holds a licence, what is
//! said of them, and for which providers' devices the owner has wrapped the content key. The bytes are elsewhere; what
//! is here is content addresses, terms, and wrapped keys.
//!
//! A *work* is what is owned, priced, licensed and rated; an *asset* is one version of it, sealed once and for all. A
//! work has the number of its first version.
//!
//! This file is the interface. Bodies: versions and endpoints in `publication`, what owners decide in `ownership`,
//! wrapped keys in `grants`, what is bought in `licences`, reviews in `ratings`, attestations and reports in
//! `scrutiny`, shares of income in `lineage`, search in `catalogue`, facts for other pallets in `registry`, answers for
//! the runtime API in `listing`, and what must always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod catalogue;
mod grants;
mod licences;
mod lineage;
mod listing;
#[cfg(test)]
mod mock;
mod ownership;
mod publication;
mod ratings;
mod registry;
mod scrutiny;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use frame_support::{
        pallet_prelude::*,
        traits::{
            EnsureOrigin,
            fungible::{Mutate, hold},
        },
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        AssetId, AssetKind, Balance, ContentId, Currency, LicenceId, Ppm, WorkId,
        asset::Flaw,
        device::{EncryptionKey, WrappedKey},
        licence::{Right, Tariff},
        lineage::MAX_ANCESTORS,
        payment::Payments,
        rating::PaidUse,
        registry::{KeyCustody, KeyGrantHandler, PaidJobs},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, from which deposits and stakes are held.
        type Currency: Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// Moves the price of licences, in any accepted currency.
        type Payments: Payments<Self::AccountId>;

        /// Who knows the providers' encryption keys and lists their offers: `pallet-providers`.
        type Grantees: KeyGrantHandler<Self::AccountId>;

        /// Who hands keys out without the owner: `pallet-custody`.
        type Custody: KeyCustody<Self::AccountId>;

        /// Receipts as proof of paid use: `pallet-jobs`.
        type Jobs: PaidJobs<Self::AccountId>;

        /// Who decides on reports.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who receives lost bonds and what is left of lost stakes. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// Held from an owner for each version of a work, for good: the record stays, because receipts refer to it. It
        /// pays for the work's record and its places in the catalogue too.
        #[pallet::constant]
        type PublishDeposit: Get<Balance>;

        /// Held from an owner for each wrapped key, until it is revoked.
        #[pallet::constant]
        type GrantDeposit: Get<Balance>;

        /// Held from an owner while an endpoint is set.
        #[pallet::constant]
        type EndpointDeposit: Get<Balance>;

        /// Held from a holder for each licence, until they close it.
        #[pallet::constant]
        type LicenceDeposit: Get<Balance>;

        /// Held from who rates a work, until they remove the rating.
        #[pallet::constant]
        type RatingDeposit: Get<Balance>;

        /// The least stake of an attestation.
        #[pallet::constant]
        type MinAttestation: Get<Balance>;

        /// Blocks for which an attestation stands at least.
        #[pallet::constant]
        type AttestationPeriod: Get<BlockNumberFor<Self>>;

        /// What attesters lose of their stakes when a report is upheld, in parts per million.
        #[pallet::constant]
        type AttestationSlash: Get<Ppm>;

        /// What the reporter gets of it, in parts per million; the rest is the treasury's.
        #[pallet::constant]
        type ReporterShare: Get<Ppm>;

        /// Held from who reports an asset, until it is decided or expired.
        #[pallet::constant]
        type ReportBond: Get<Balance>;

        /// Blocks in which a report should be decided. After that it holds up no attester, and its bond can be had
        /// back.
        #[pallet::constant]
        type ReportPeriod: Get<BlockNumberFor<Self>>;

        /// The highest royalty that may be asked, in parts per million.
        #[pallet::constant]
        type MaxRoyalty: Get<Ppm>;

        /// The longest name, in bytes.
        #[pallet::constant]
        type MaxNameBytes: Get<u32>;

        /// The longest endpoint, in bytes.
        #[pallet::constant]
        type MaxEndpointBytes: Get<u32>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why the market holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For the records of published assets.
        Publication,
        /// For the records of wrapped keys.
        Grant,
        /// For an endpoint.
        Endpoint,
        /// For the records of licences.
        Licence,
        /// For the records of ratings.
        Rating,
        /// As stakes on assets being what they say.
        Attestation,
        /// As bonds of reports.
        Report,
    }

    /// Works by the number of their first version. Paid for with the first version. Never removed.
    #[pallet::storage]
    pub type Works<T: Config> = StorageMap<_, Twox64Concat, WorkId, WorkOf<T>>;

    /// Assets. The owner pays [`Config::PublishDeposit`] for each; bounded by the money there is. Never removed.
    #[pallet::storage]
    pub type Assets<T: Config> = StorageMap<_, Twox64Concat, AssetId, AssetInfoOf<T>>;

    /// Number of the next asset; so many have been published.
    #[pallet::storage]
    pub type NextAssetId<T: Config> = StorageValue<_, AssetId, ValueQuery>;

    /// The versions of works, densely numbered from 1. Paid for with the asset.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageDoubleMap<_, Twox64Concat, WorkId, Twox64Concat, u32, AssetId>;

    /// Works by section, the newest first. At most five entries a work, and one for each of its tags; paid for with its
    /// first version.
    #[pallet::storage]
    pub type Catalogue<T: Config> = StorageDoubleMap<_, Blake2_128Concat, SectionOf<T>, Identity, [u8; 8], ()>;

    /// How many works a section has. An entry for each section that has one.
    #[pallet::storage]
    pub type SectionSizes<T: Config> = StorageMap<_, Blake2_128Concat, SectionOf<T>, u64, ValueQuery>;

    /// Content keys wrapped for providers. The owner pays [`Config::GrantDeposit`] for each until it is revoked.
    #[pallet::storage]
    pub type Grants<T: Config> =
        StorageDoubleMap<_, Twox64Concat, AssetId, Blake2_128Concat, T::AccountId, Grant<BlockNumberFor<T>>>;

    /// Where owners serve their blocks. The owner pays [`Config::EndpointDeposit`] while it is set.
    #[pallet::storage]
    pub type Endpoints<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, CreatorEndpoint<UrlOf<T>>>;

    /// Licences. The holder pays [`Config::LicenceDeposit`] for each until they close it.
    #[pallet::storage]
    pub type Licences<T: Config> = StorageMap<_, Twox64Concat, LicenceId, LicenceInfoOf<T>>;

    /// Number of the next licence.
    #[pallet::storage]
    pub type NextLicenceId<T: Config> = StorageValue<_, LicenceId, ValueQuery>;

    /// The one licence that an account has of a work. Paid for with the licence.
    #[pallet::storage]
    pub type LicenceOf<T: Config> =
        StorageDoubleMap<_, Twox64Concat, WorkId, Blake2_128Concat, T::AccountId, LicenceId>;

    /// An account's licences, by number in big endian so that they are listed in the order of purchase. Paid for with
    /// the licence.
    #[pallet::storage]
    pub type LicencesByHolder<T: Config> = StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 8], ()>;

    /// What accounts say of works. Who says it pays [`Config::RatingDeposit`] until they remove it.
    #[pallet::storage]
    pub type Ratings<T: Config> =
        StorageDoubleMap<_, Twox64Concat, WorkId, Blake2_128Concat, T::AccountId, Rating<BlockNumberFor<T>>>;

    /// Who rated a work, densely numbered from 0. Paid for with the rating.
    #[pallet::storage]
    pub type Raters<T: Config> = StorageDoubleMap<_, Twox64Concat, WorkId, Twox64Concat, u32, T::AccountId>;

    /// What is said for and against assets. Stakes and bonds are held for it; bounded by [`MAX_SCRUTINY`] of each an
    /// asset. Kept for good where a report was upheld.
    #[pallet::storage]
    pub type Scrutinies<T: Config> = StorageMap<_, Twox64Concat, AssetId, ScrutinyOf<T>, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An asset was published: the first version of a work, or the next.
        Published {
            /// Its number.
            asset: AssetId,
            /// The work of which it is a version.
            work: WorkId,
            /// Which version of it, from 1.
            version: u32,
            /// Who published it.
            creator: T::AccountId,
            /// What it is.
            kind: AssetKind,
            /// Its manifest.
            manifest: ContentId,
            /// The sealed file.
            content: ContentId,
        },
        /// An asset was retired: no new offers, grants, licences or jobs.
        Retired {
            /// The asset.
            asset: AssetId,
        },
        /// A content key was wrapped for a provider's device.
        KeyGranted {
            /// The asset.
            asset: AssetId,
            /// The provider.
            provider: T::AccountId,
            /// The X25519 key it is wrapped to.
            encryption_key: EncryptionKey,
        },
        /// A wrapped key was taken back. Who has read it still knows it; new jobs do not go to them.
        KeyRevoked {
            /// The asset.
            asset: AssetId,
            /// The provider.
            provider: T::AccountId,
        },
        /// An owner said where their blocks are served.
        EndpointSet {
            /// The owner.
            creator: T::AccountId,
            /// The URL.
            url: UrlOf<T>,
        },
        /// An owner's blocks are not served any more.
        EndpointRemoved {
            /// The owner.
            creator: T::AccountId,
        },
        /// A work is found by other tags.
        TagsSet {
            /// The work.
            work: WorkId,
            /// The tags.
            tags: Tags,
        },
        /// A work has other prices. Licences that were bought stay as they are.
        TariffsSet {
            /// The work.
            work: WorkId,
            /// The prices.
            tariffs: Tariffs,
        },
        /// A work was offered to somebody, or to nobody any more.
        TransferOffered {
            /// The work.
            work: WorkId,
            /// To whom.
            to: Option<T::AccountId>,
        },
        /// A work is another's.
        Transferred {
            /// The work.
            work: WorkId,
            /// Whose it was.
            from: T::AccountId,
            /// Whose it is.
            to: T::AccountId,
        },
        /// A licence was bought, or more of it.
        Licensed {
            /// The licence.
            licence: LicenceId,
            /// The work.
            work: WorkId,
            /// The version that was named.
            asset: AssetId,
            /// Who may use it.
            holder: T::AccountId,
            /// At which price.
            tariff: Tariff,
            /// How many.
            quantity: u32,
            /// What was paid.
            price: Balance,
            /// What the licence allows now.
            right: Right,
        },
        /// The price of a licence was divided up the asset's lineage.
        RoyaltiesPaid {
            /// The asset.
            asset: AssetId,
            /// In what.
            currency: Currency,
            /// Who got how much; the owner of the work last.
            parts: Vec<(T::AccountId, Balance)>,
        },
        /// Somebody up an asset's lineage could not receive their part, so that the owner of the work got it.
        RoyaltyRedirected {
            /// The asset.
            asset: AssetId,
            /// Who could not.
            due_to: T::AccountId,
            /// Who got it.
            paid_to: T::AccountId,
            /// In what.
            currency: Currency,
            /// How much.
            amount: Balance,
        },
        /// A licence was used, such as by the job that was posted just before or after.
        UseTaken {
            /// The licence.
            licence: LicenceId,
            /// The version that was used.
            asset: AssetId,
            /// What the licence allows now; no uses left if this was the last one.
            right: Right,
        },
        /// A use was given back.
        UseReturned {
            /// The licence.
            licence: LicenceId,
            /// What it allows now.
            right: Right,
        },
        /// A holder wants keys sealed to another key.
        LicenceKeySet {
            /// The licence.
            licence: LicenceId,
            /// The X25519 key.
            encryption_key: EncryptionKey,
        },
        /// A holder asked the custodians for a version's key.
        KeyRequested {
            /// The licence.
            licence: LicenceId,
            /// The version.
            asset: AssetId,
        },
        /// A holder gave a licence up.
        LicenceClosed {
            /// The licence.
            licence: LicenceId,
            /// Who held it.
            holder: T::AccountId,
        },
        /// An owner took a licence back and paid for what was unused.
        LicenceRevoked {
            /// The licence.
            licence: LicenceId,
            /// Who holds it.
            holder: T::AccountId,
            /// In what.
            currency: Currency,
            /// How much was paid back; zero also if the holder could not receive it.
            refund: Balance,
        },
        /// A work was rated, in place of an older rating if there was one.
        Rated {
            /// The work.
            work: WorkId,
            /// By whom.
            who: T::AccountId,
            /// From 1 to 5.
            stars: u8,
            /// In their own words.
            review: Option<ContentId>,
        },
        /// A rating was taken back.
        RatingRemoved {
            /// The work.
            work: WorkId,
            /// Whose it was.
            who: T::AccountId,
        },
        /// Somebody vouches for an asset.
        Attested {
            /// The asset.
            asset: AssetId,
            /// Who.
            who: T::AccountId,
            /// With how much.
            stake: Balance,
            /// What they checked, and how.
            report: ContentId,
        },
        /// Somebody does not vouch for an asset any more.
        AttestationWithdrawn {
            /// The asset.
            asset: AssetId,
            /// Who.
            who: T::AccountId,
        },
        /// An attestation ended because a report was upheld.
        AttestationSlashed {
            /// The asset.
            asset: AssetId,
            /// Whose it was.
            who: T::AccountId,
            /// What they lost of their stake.
            lost: Balance,
        },
        /// Something was said to be wrong with an asset.
        Reported {
            /// The asset.
            asset: AssetId,
            /// By whom.
            who: T::AccountId,
            /// What.
            why: Flaw,
            /// What shows it.
            evidence: ContentId,
        },
        /// A report was decided.
        ReportResolved {
            /// The asset.
            asset: AssetId,
            /// Whose report it was.
            who: T::AccountId,
            /// Whether it is so.
            upheld: bool,
        },
        /// A report was not decided in time, and its bond was released.
        ReportExpired {
            /// The asset.
            asset: AssetId,
            /// Whose report it was.
            who: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no asset, work or licence with this number.
        NotFound,
        /// The work is another's.
        NotOwner,
        /// The asset is retired: nothing new may be begun on it.
        AlreadyRetired,
        /// The name is blank, not UTF-8, or has control characters.
        InvalidName,
        /// The royalty is above `MaxRoyalty`.
        RoyaltyTooHigh,
        /// A sealed file is never empty.
        EmptyContent,
        /// Only models can be exact: publish the asset without an exact root.
        OnlyModelsAreExact,
        /// All numbers are used up.
        NumbersExhausted,
        /// Nobody with this account is registered as a provider.
        UnknownProvider,
        /// The provider has another encryption key by now: wrap the content key for the present one.
        StaleEncryptionKey,
        /// The provider has no key of this asset.
        NotGranted,
        /// The endpoint is empty or has characters other than visible ASCII.
        InvalidEndpoint,
        /// There is no endpoint to remove.
        NoEndpoint,
        /// Only datasets have records: publish the asset without them.
        OnlyDatasetsHaveRecords,
        /// A dataset that commits to records has at least one.
        NoRecords,
        /// All versions of a work are of one kind: publish another work.
        OtherKind,
        /// The work has as many versions as one can have: publish another work.
        TooManyVersions,
        /// A base is no asset.
        UnknownBase,
        /// The shares of the bases are more than the whole.
        SharesExceedWhole,
        /// A base was itself made from this work: name the bases that were not.
        Cycle,
        /// Two bases are of one work: name one, with both shares.
        NamedTwice,
        /// Too many works would earn from this one: name fewer bases, or such as have fewer themselves.
        TooManyAncestors,
        /// The bases have too many generations above them: name some that have fewer.
        TooDeep,
        /// Tags are of lower-case letters, digits and inner hyphens, 1 to 24 of them, each tag once.
        InvalidTags,
        /// A period has at least one block.
        InvalidTariff,
        /// Prices cannot be asked in this currency: ask in the native token, or in one that governance has accepted.
        UnknownCurrency,
        /// The work is one's own: its owner needs no licence, and neither rates it nor vouches for it.
        OwnWork,
        /// The work is not offered to this account.
        NotOffered,
        /// The work has no such tariff (any more): look its tariffs up again.
        UnknownTariff,
        /// Nothing is bought.
        NothingBought,
        /// Use without end is bought once.
        OnceIsOnce,
        /// So much cannot be counted: buy less.
        TooMuch,
        /// The licence is in force under another term or currency, or without end: buy more of the same, or close it
        /// first.
        OtherTerm,
        /// The balance does not cover the price.
        PriceNotCovered,
        /// The owner of the work cannot receive this currency now.
        CannotReceive,
        /// The balance does not cover the custodians' fee.
        CustodyFeeNotCovered,
        /// Nothing can be sealed to this encryption key: give an X25519 public key of one's own.
        UnusableKey,
        /// The licence is another's.
        NotHolder,
        /// The licence was revoked: close it.
        Revoked,
        /// The licence has run out: buy more.
        RanOut,
        /// The asset is no version of the licence's work.
        OtherWork,
        /// Custodians do not keep this key: ask the owner for it.
        KeyNotInCustody,
        /// The balance does not cover what is owed for the unused rest of the licence.
        RefundNotCovered,
        /// A rating has 1 to 5 stars.
        InvalidStars,
        /// Only who has paid for a use rates: name an own licence of the work that was not free, or an own job that a
        /// version of it completed for money and whose receipt is still kept.
        NotPaid,
        /// There is no rating to remove.
        NotRated,
        /// The stake is below `MinAttestation`.
        StakeTooSmall,
        /// This account vouches for the asset already.
        AlreadyAttested,
        /// As many vouch for the asset as can.
        TooManyAttestations,
        /// This account does not vouch for the asset.
        NotAttested,
        /// A report against the asset is undecided: wait for it.
        ReportOpen,
        /// It is too early for that.
        TooEarly,
        /// This account has an undecided report against the asset.
        AlreadyReported,
        /// As many reports against the asset are undecided as can be.
        TooManyReports,
        /// This account has no undecided report against the asset.
        NotReported,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            for share in [
                T::MaxRoyalty::get(),
                T::AttestationSlash::get(),
                T::ReporterShare::get(),
            ] {
                assert!(
                    share <= weft_primitives::price::PPM,
                    "a share is at most 1_000_000 parts per million"
                );
            }
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Publishes a work with its first version, under the next number.
        ///
        /// - Origin: signed, by who will own it.
        /// - Cost: linear in the bases (at most 8); holds `PublishDeposit`.
        /// - Errors: `InvalidName`, `RoyaltyTooHigh`, `EmptyContent`, `OnlyModelsAreExact`, `OnlyDatasetsHaveRecords`,
        ///   `NoRecords`, of the bases `UnknownBase`, `SharesExceedWhole`, `NamedTwice`, `TooManyAncestors` and
        ///   `TooDeep`, `InvalidTags`, `InvalidTariff`, `UnknownCurrency`, `NumbersExhausted`, and the currency's own
        ///   if the deposit cannot be held.
        /// - Event: `Published`.
        ///
        /// A device runs an exact model only if what it opens has the exact root. Without tariffs the work is free to
        /// use.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::publish(publication.bases.len() as u32))]
        pub fn publish(
            origin: OriginFor<T>,
            publication: PublicationOf<T>,
            tags: Tags,
            tariffs: Tariffs,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_publish(owner, publication, tags, tariffs)
        }

        /// Retires an asset: no new offers, grants, licences or jobs; jobs that run are finished and paid. Cannot be
        /// undone. A work whose versions are all retired is not found any more.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant. The deposit stays with the record.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`.
        /// - Event: `Retired`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::retire())]
        pub fn retire(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_retire(who, asset)
        }

        /// Stores the content key wrapped for a provider, in place of an older grant if there is one. The provider's
        /// offer on the asset can be matched from then on.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant; holds `GrantDeposit` unless a grant is replaced.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`, `UnknownProvider`, `StaleEncryptionKey` if `for_key` is
        ///   not the provider's present key, and the currency's own if the deposit cannot be held.
        /// - Event: `KeyGranted`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::grant_key())]
        pub fn grant_key(
            origin: OriginFor<T>,
            asset: AssetId,
            provider: T::AccountId,
            for_key: EncryptionKey,
            wrapped: WrappedKey,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_grant_key(who, asset, provider, for_key, wrapped)
        }

        /// Takes a grant back and releases its deposit. The provider's offer on the asset is not matched any more,
        /// unless custodians have released the key to them; jobs that run are finished.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `NotGranted`.
        /// - Event: `KeyRevoked`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::revoke_key())]
        pub fn revoke_key(origin: OriginFor<T>, asset: AssetId, provider: T::AccountId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_revoke_key(who, asset, provider)
        }

        /// Says where the caller's blocks are served, or with `None` that they are not any more.
        ///
        /// - Origin: signed.
        /// - Cost: constant; holds `EndpointDeposit` while an endpoint is set.
        /// - Errors: `InvalidEndpoint`, `NoEndpoint`, and the currency's own if the deposit cannot be held.
        /// - Events: `EndpointSet` or `EndpointRemoved`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_endpoint().max(T::WeightInfo::remove_endpoint()))]
        pub fn set_endpoint(origin: OriginFor<T>, url: Option<UrlOf<T>>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            match url {
                Some(url) => Self::do_set_endpoint(who, url),
                None => Self::do_remove_endpoint(who),
            }
        }

        /// Publishes the next version of a work. Licences of the work are for it too.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: linear in the bases (at most 8); holds `PublishDeposit`.
        /// - Errors: those of `publish` that concern the publication, `NotFound`, `NotOwner`, `OtherKind`,
        ///   `TooManyVersions`, and `Cycle` if a base was made from this work.
        /// - Event: `Published`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::release(publication.bases.len() as u32))]
        pub fn release(origin: OriginFor<T>, work: WorkId, publication: PublicationOf<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_release(who, work, publication)
        }

        /// Sets the tags by which a work is found.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `InvalidTags`.
        /// - Event: `TagsSet`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_tags())]
        pub fn set_tags(origin: OriginFor<T>, work: WorkId, tags: Tags) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_tags(who, work, tags)
        }

        /// Sets the prices of a work, for purchases from now on. Without any it is free, and needs no licence.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `InvalidTariff`, `UnknownCurrency`.
        /// - Event: `TariffsSet`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::set_tariffs())]
        pub fn set_tariffs(origin: OriginFor<T>, work: WorkId, tariffs: Tariffs) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_tariffs(who, work, tariffs)
        }

        /// Offers a work to somebody, in place of who it was offered to before, or to nobody any more.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `OwnWork`.
        /// - Event: `TransferOffered`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::offer_transfer())]
        pub fn offer_transfer(origin: OriginFor<T>, work: WorkId, to: Option<T::AccountId>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_offer_transfer(who, work, to)
        }

        /// Takes a work that is offered. The deposits of all its versions and wrapped keys are held from the new owner
        /// and released to the old one.
        ///
        /// - Origin: signed, by who it is offered to.
        /// - Cost: constant, however many versions and grants there are.
        /// - Errors: `NotFound`, `NotOffered`, and the currency's own if the deposits cannot be held.
        /// - Event: `Transferred`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::accept_transfer())]
        pub fn accept_transfer(origin: OriginFor<T>, work: WorkId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_accept_transfer(who, work)
        }

        /// Buys a licence of an asset's work, or more of the one that the caller has. The price is paid at once, to the
        /// owner and up the asset's lineage. If custodians keep the asset's key, they are asked to release it to
        /// `encryption_key`.
        ///
        /// - Origin: signed, by who will hold it.
        /// - Cost: linear in those who are paid (at most 17); holds `LicenceDeposit` for a new licence, and the
        ///   custodians' fee.
        /// - `tariff`: one of the work's, in full, so that neither price nor currency nor term can change in between.
        /// - `quantity`: how many uses or periods; 1 of use without end.
        /// - Errors: `NotFound`, `AlreadyRetired`, `OwnWork`, `UnknownTariff`, `UnknownCurrency`, `NothingBought`,
        ///   `OnceIsOnce`, `TooMuch`, `OtherTerm`, `Revoked`, `PriceNotCovered`, `CannotReceive`,
        ///   `CustodyFeeNotCovered`, `UnusableKey`, `NumbersExhausted`, and the currency's own if the deposit cannot be
        ///   held.
        /// - Events: `Licensed`, and `RoyaltiesPaid` and `RoyaltyRedirected` where there is a lineage.
        #[pallet::call_index(10)]
        #[pallet::weight(Pallet::<T>::weight_of_buying(MAX_ANCESTORS))]
        pub fn buy(
            origin: OriginFor<T>,
            asset: AssetId,
            tariff: Tariff,
            quantity: u32,
            encryption_key: EncryptionKey,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let payees = Self::do_buy(who, asset, tariff, quantity, encryption_key)?;
            Ok(Some(Self::weight_of_buying(payees)).into())
        }

        /// Sets the key to which a holder wants keys sealed. If custodians keep the key of the version that was asked
        /// for last, they are asked anew.
        ///
        /// - Origin: signed, by the holder.
        /// - Cost: constant; holds the custodians' fee.
        /// - Errors: `NotFound`, `NotHolder`, `Revoked`, `RanOut`, `CustodyFeeNotCovered`, `UnusableKey`.
        /// - Event: `LicenceKeySet`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::set_licence_key())]
        pub fn set_licence_key(
            origin: OriginFor<T>,
            licence: LicenceId,
            encryption_key: EncryptionKey,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_licence_key(who, licence, encryption_key)
        }

        /// Asks the custodians to release the key of a version to a licence's holder.
        ///
        /// - Origin: signed, by the holder.
        /// - Cost: constant; holds the custodians' fee.
        /// - Errors: `NotFound`, `NotHolder`, `Revoked`, `RanOut`, `OtherWork`, `KeyNotInCustody`,
        ///   `CustodyFeeNotCovered`, `UnusableKey`.
        /// - Event: `KeyRequested`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::request_key())]
        pub fn request_key(origin: OriginFor<T>, licence: LicenceId, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_request_key(who, licence, asset)
        }

        /// Gives a licence up. What is left of it is lost; its deposit is released.
        ///
        /// - Origin: signed, by the holder.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotHolder`.
        /// - Event: `LicenceClosed`.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::close_licence())]
        pub fn close_licence(origin: OriginFor<T>, licence: LicenceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_close_licence(who, licence)
        }

        /// Ends a licence: no use and no key from now on. The owner pays the holder back what is unused: all of the
        /// price of use without end, the share of uses or blocks that are left, in its currency. Uses under way are
        /// finished, and are not given back.
        ///
        /// - Origin: signed, by the owner of the work.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `Revoked`, `RefundNotCovered`.
        /// - Event: `LicenceRevoked`.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::revoke_licence())]
        pub fn revoke_licence(origin: OriginFor<T>, licence: LicenceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_revoke_licence(who, licence)
        }

        /// Rates a work, in place of an older rating of the caller's if there is one.
        ///
        /// - Origin: signed, by who paid for a use.
        /// - Cost: constant; holds `RatingDeposit` unless a rating is replaced.
        /// - Errors: `InvalidStars`, `NotFound`, `OwnWork`, `NotPaid`, and the currency's own if the deposit cannot be
        ///   held.
        /// - Event: `Rated`.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::rate())]
        pub fn rate(
            origin: OriginFor<T>,
            work: WorkId,
            stars: u8,
            review: Option<ContentId>,
            proof: PaidUse,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_rate(who, work, stars, review, proof)
        }

        /// Takes a rating back and releases its deposit.
        ///
        /// - Origin: signed, by who rated.
        /// - Cost: constant.
        /// - Errors: `NotRated`, `NotFound`.
        /// - Event: `RatingRemoved`.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::remove_rating())]
        pub fn remove_rating(origin: OriginFor<T>, work: WorkId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_remove_rating(who, work)
        }

        /// Vouches for an asset being what it says.
        ///
        /// - Origin: signed, anyone but the owner.
        /// - Cost: constant; holds `stake`, of which a share is lost if a report against the asset is upheld.
        /// - `report`: what was checked, and how.
        /// - Errors: `NotFound`, `OwnWork`, `StakeTooSmall`, `AlreadyAttested`, `TooManyAttestations`, and the
        ///   currency's own if the stake cannot be held.
        /// - Event: `Attested`.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::attest())]
        pub fn attest(origin: OriginFor<T>, asset: AssetId, stake: Balance, report: ContentId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_attest(who, asset, stake, report)
        }

        /// Takes an attestation back and releases its stake: after `AttestationPeriod`, and while no report is open
        /// that is younger than `ReportPeriod`.
        ///
        /// - Origin: signed, by who vouches.
        /// - Cost: constant.
        /// - Errors: `NotAttested`, `ReportOpen`, `TooEarly`.
        /// - Event: `AttestationWithdrawn`.
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::withdraw_attestation())]
        pub fn withdraw_attestation(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw_attestation(who, asset)
        }

        /// Says that something is wrong with an asset.
        ///
        /// - Origin: signed, anyone.
        /// - Cost: constant; holds `ReportBond`, which is lost if it is not so.
        /// - Errors: `NotFound`, `AlreadyReported`, `TooManyReports`, and the currency's own if the bond cannot be
        ///   held.
        /// - Event: `Reported`.
        #[pallet::call_index(19)]
        #[pallet::weight(T::WeightInfo::report())]
        pub fn report(origin: OriginFor<T>, asset: AssetId, why: Flaw, evidence: ContentId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_report(who, asset, why, evidence)
        }

        /// Ends a report that was not decided within `ReportPeriod`, and releases its bond.
        ///
        /// - Origin: signed, anyone.
        /// - Cost: constant.
        /// - Errors: `NotReported`, `TooEarly`.
        /// - Event: `ReportExpired`.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::expire_report())]
        pub fn expire_report(origin: OriginFor<T>, asset: AssetId, reporter: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_expire_report(asset, reporter)
        }

        /// Decides a report. If it is upheld, the reporter has their bond back, and all who vouched for the asset lose
        /// a share of their stakes, of which the reporter gets a share and the treasury the rest. If not, the bond is
        /// the treasury's.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant, for as many attestations as there can be.
        /// - Errors: `NotReported`.
        /// - Events: `ReportResolved`, after an `AttestationSlashed` for each attestation that ends.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::resolve_report())]
        pub fn resolve_report(
            origin: OriginFor<T>,
            asset: AssetId,
            reporter: T::AccountId,
            upheld: bool,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_resolve_report(asset, reporter, upheld)
        }
    }
}
