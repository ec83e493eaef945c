//! # Spaces
//!
//! The store of apps. A Space is a bundle by its content address, with the assets it calls and their shares of what it
//! earns. Its releases are kept; who paid may rate it; reports and takedowns are for governance.
//!
//! This file is the interface. Bodies are in `publication` (what an owner does), `sales`, `ratings`, and `moderation`
//! (reports and governance); where Spaces are listed is in `catalogue`, answers of the runtime API in `listing`, and
//! what must always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod catalogue;
mod listing;
#[cfg(test)]
mod mock;
mod moderation;
mod publication;
mod ratings;
mod sales;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[allow(clippy::too_many_arguments, reason = "a call's arguments are what clients see")]
#[frame_support::pallet]
pub mod pallet {
    use super::{publication::NewRelease, *};
    use frame_support::{
        pallet_prelude::*,
        traits::{
            EnsureOrigin,
            fungible::{Mutate, hold},
        },
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        AssetId, Balance, ContentId,
        payment::{self, Payments},
        registry::{Licensing, PaidJobs, Royalties},
        space::{Category, Grievance, MAX_CALLS, MAX_FEATURED, PaidUse, ReleaseNumber, SpaceId},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, from which deposits and bonds are held.
        type Currency: Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// In what prices are paid.
        type Payments: Payments<Self::AccountId>;

        /// Which assets there are: `pallet-market`.
        type Assets: Licensing<Self::AccountId>;

        /// Who earns from an asset: `pallet-market`.
        type Royalties: Royalties<Self::AccountId>;

        /// Which jobs were paid for and completed: `pallet-jobs`.
        type Jobs: PaidJobs<Self::AccountId>;

        /// Who resolves reports, takes Spaces down, restores and features them.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who receives the bonds of reports in which governance found nothing. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// Held from an owner for each Space, for good: the record stays, because purchases refer to it.
        #[pallet::constant]
        type SpaceDeposit: Get<Balance>;

        /// Held from an owner for each release, for good: who bought the Space may install any of them.
        #[pallet::constant]
        type ReleaseDeposit: Get<Balance>;

        /// Held from a buyer for each purchase, until it is forgotten.
        #[pallet::constant]
        type PurchaseDeposit: Get<Balance>;

        /// Held from who rates a Space, until the rating is withdrawn.
        #[pallet::constant]
        type RatingDeposit: Get<Balance>;

        /// Held from who reports a Space, until the report is resolved or withdrawn.
        #[pallet::constant]
        type ReportBond: Get<Balance>;

        /// Blocks that governance has for a report; then it may be withdrawn.
        #[pallet::constant]
        type ReportPeriod: Get<BlockNumberFor<Self>>;

        /// The longest title, in bytes.
        #[pallet::constant]
        type MaxTitleBytes: Get<u32>;

        /// The longest version, in bytes.
        #[pallet::constant]
        type MaxVersionBytes: Get<u32>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For the records of Spaces and their releases.
        Publication,
        /// For the records of purchases.
        Purchase,
        /// For the records of ratings.
        Rating,
        /// As the bond of a report.
        Report,
    }

    /// Spaces. The owner pays [`Config::SpaceDeposit`] for each; bounded by the money there is. Never removed.
    #[pallet::storage]
    pub type Spaces<T: Config> = StorageMap<_, Twox64Concat, SpaceId, SpaceOf<T>>;

    /// Number of the next Space; so many have been published.
    #[pallet::storage]
    pub type NextSpaceId<T: Config> = StorageValue<_, SpaceId, ValueQuery>;

    /// Releases, densely numbered from 0 in each Space. The owner pays [`Config::ReleaseDeposit`] for each. Never
    /// removed.
    #[pallet::storage]
    pub type Releases<T: Config> =
        StorageDoubleMap<_, Twox64Concat, SpaceId, Twox64Concat, ReleaseNumber, ReleaseOf<T>>;

    /// Who bought what. The buyer pays [`Config::PurchaseDeposit`] for each until it is forgotten.
    #[pallet::storage]
    pub type Purchases<T: Config> =
        StorageDoubleMap<_, Twox64Concat, SpaceId, Blake2_128Concat, T::AccountId, Purchase<BlockNumberFor<T>>>;

    /// Who says what of a Space. They pay [`Config::RatingDeposit`] for each until it is withdrawn; one for each
    /// account that paid.
    #[pallet::storage]
    pub type Ratings<T: Config> =
        StorageDoubleMap<_, Twox64Concat, SpaceId, Blake2_128Concat, T::AccountId, Rating<BlockNumberFor<T>>>;

    /// Reports that are not resolved. The reporter pays with the bond; one for each account.
    #[pallet::storage]
    pub type Reports<T: Config> =
        StorageDoubleMap<_, Twox64Concat, SpaceId, Blake2_128Concat, T::AccountId, Report<BlockNumberFor<T>>>;

    /// Featured Spaces, in the order in which they were. At most [`MAX_FEATURED`], paid for by nobody.
    #[pallet::storage]
    pub type Featured<T: Config> = StorageValue<_, BoundedVec<SpaceId, ConstU32<MAX_FEATURED>>, ValueQuery>;

    /// Length of each list of Spaces. Paid for with the Space; at most three entries for each.
    #[pallet::storage]
    pub type SectionLength<T: Config> = StorageMap<_, Blake2_128Concat, SectionOf<T>, u64, ValueQuery>;

    /// The lists' entries, densely numbered from 0. Paid for with the Space.
    #[pallet::storage]
    pub type SectionEntry<T: Config> = StorageDoubleMap<_, Blake2_128Concat, SectionOf<T>, Twox64Concat, u64, SpaceId>;

    /// Where in a list a Space stands. Paid for with the Space.
    #[pallet::storage]
    pub type SectionPlace<T: Config> = StorageDoubleMap<_, Blake2_128Concat, SectionOf<T>, Twox64Concat, SpaceId, u64>;

    /// Length of each list of accounts. Paid for with the rating or the report.
    #[pallet::storage]
    pub type RollLength<T: Config> = StorageMap<_, Twox64Concat, Roll, u64, ValueQuery>;

    /// The lists' entries, densely numbered from 0. Paid for with the rating or the report.
    #[pallet::storage]
    pub type RollEntry<T: Config> = StorageDoubleMap<_, Twox64Concat, Roll, Twox64Concat, u64, T::AccountId>;

    /// Where in a list an account stands. Paid for with the rating or the report.
    #[pallet::storage]
    pub type RollPlace<T: Config> = StorageDoubleMap<_, Twox64Concat, Roll, Blake2_128Concat, T::AccountId, u64>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A Space was published.
        Published {
            /// Its number.
            space: SpaceId,
            /// Who published it.
            owner: T::AccountId,
            /// What it is for.
            category: Category,
        },
        /// A Space has a new release; the first comes with its publication.
        Released {
            /// The Space.
            space: SpaceId,
            /// The release's number.
            number: ReleaseNumber,
            /// Its bundle.
            bundle: ContentId,
        },
        /// A Space calls other assets, or gives them other shares.
        CallsSet {
            /// The Space.
            space: SpaceId,
        },
        /// A Space has another price.
        PriceSet {
            /// The Space.
            space: SpaceId,
            /// In what it is paid.
            currency: payment::Currency,
            /// What it costs.
            price: Balance,
        },
        /// An owner withdrew a Space: it is bought no more.
        Retired {
            /// The Space.
            space: SpaceId,
        },
        /// An owner offered a Space to an account, or took the offer back.
        TransferOffered {
            /// The Space.
            space: SpaceId,
            /// To whom; `None` if the offer was taken back.
            to: Option<T::AccountId>,
        },
        /// A Space has a new owner.
        Transferred {
            /// The Space.
            space: SpaceId,
            /// Whose it was.
            from: T::AccountId,
            /// Whose it is.
            to: T::AccountId,
        },
        /// A Space was bought.
        Bought {
            /// The Space.
            space: SpaceId,
            /// Who bought it.
            buyer: T::AccountId,
            /// In what it was paid.
            currency: payment::Currency,
            /// What was paid: `shared` and `to_owner` together.
            price: Balance,
            /// What went to those who earn from the assets it calls.
            shared: Balance,
            /// What went to its owner.
            to_owner: Balance,
        },
        /// A share of a price could not be received and went to the Space's owner.
        ShareRedirected {
            /// The Space.
            space: SpaceId,
            /// The asset whose share it was part of.
            asset: AssetId,
            /// Who could not receive it.
            payee: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// A buyer gave a purchase up.
        Forgotten {
            /// The Space.
            space: SpaceId,
            /// Whose purchase it was.
            buyer: T::AccountId,
        },
        /// Somebody who paid rated a Space, or changed their rating.
        Rated {
            /// The Space.
            space: SpaceId,
            /// Who rated it.
            by: T::AccountId,
            /// 1 to 5.
            stars: u8,
            /// The text, if there is one.
            review: Option<ContentId>,
        },
        /// A rating was withdrawn.
        RatingWithdrawn {
            /// The Space.
            space: SpaceId,
            /// Whose it was.
            by: T::AccountId,
        },
        /// A Space was reported.
        Reported {
            /// The Space.
            space: SpaceId,
            /// Who reported it.
            by: T::AccountId,
            /// Why.
            why: Grievance,
            /// What shows it.
            evidence: Option<ContentId>,
        },
        /// A report that governance left alone was withdrawn.
        ReportWithdrawn {
            /// The Space.
            space: SpaceId,
            /// Whose it was.
            by: T::AccountId,
        },
        /// Governance resolved a report.
        ReportResolved {
            /// The Space.
            space: SpaceId,
            /// Who reported it.
            reporter: T::AccountId,
            /// Whether governance found it right.
            upheld: bool,
            /// What was taken from the bond; the rest was released.
            slashed: Balance,
        },
        /// Governance took a Space down: it is not found and not bought.
        TakenDown {
            /// The Space.
            space: SpaceId,
            /// Why.
            why: Grievance,
        },
        /// Governance put a Space back.
        Restored {
            /// The Space.
            space: SpaceId,
        },
        /// Governance features a Space, or does so no more.
        FeatureSet {
            /// The Space.
            space: SpaceId,
            /// Whether it is featured.
            featured: bool,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no Space with this number.
        NotFound,
        /// The Space is another account's.
        NotOwner,
        /// The Space is the caller's own.
        OwnSpace,
        /// The title or the version is blank, not UTF-8, or has control characters.
        InvalidName,
        /// A bundle is never empty.
        EmptyBundle,
        /// The shares of the assets that are called are more than the whole.
        SharesExceedWhole,
        /// An asset is named twice: add its shares up.
        NamedTwice,
        /// The market knows no asset with a number that is named.
        UnknownAsset,
        /// Prices cannot be asked in this currency: governance has not accepted it.
        CurrencyNotAccepted,
        /// All numbers are used up.
        NumbersExhausted,
        /// The Space is retired: nothing new may be begun on it.
        AlreadyRetired,
        /// The Space is not offered to the caller.
        NotOffered,
        /// The Space is retired or was taken down.
        NotListed,
        /// The Space costs nothing: install it without buying it.
        Free,
        /// The caller has bought it already.
        AlreadyBought,
        /// The caller has not bought it.
        NotBought,
        /// The price is in another currency by now.
        OtherCurrency,
        /// The price is higher than the caller would pay.
        PriceAboveMax,
        /// The caller does not have the price in the currency it is asked in.
        NotCovered,
        /// The owner cannot receive the price in this currency.
        OwnerCannotReceive,
        /// A rating has 1 to 5 stars.
        InvalidStars,
        /// Only who paid may rate: buy the Space, or, if it is free, name a completed job of yours on an asset that it
        /// calls, posted since it calls it.
        NotPaid,
        /// The caller has not rated the Space.
        NotRated,
        /// The caller has reported the Space already, and the report is not resolved.
        AlreadyReported,
        /// There is no report of the Space by this account.
        NotReported,
        /// Governance still has time for the report.
        TooEarly,
        /// The Space was taken down already.
        AlreadyTakenDown,
        /// The Space was not taken down.
        NotTakenDown,
        /// The Space is featured already.
        AlreadyFeatured,
        /// The Space is not featured.
        NotFeatured,
        /// As many Spaces are featured as can be: stop featuring another one first.
        TooManyFeatured,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Publishes a Space under the next number, with its first release.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: linear in `calls`; holds `SpaceDeposit` and `ReleaseDeposit`.
        /// - Errors: `InvalidName`, `EmptyBundle`, `SharesExceedWhole`, `NamedTwice`, `UnknownAsset`,
        ///   `CurrencyNotAccepted`, `NumbersExhausted`, and the currency's own if the deposits cannot be held.
        /// - Events: `Published`, `Released`.
        ///
        /// `calls` names the assets that the Space calls and their shares of its price, in parts per million. The rest,
        /// and what is lost to rounding, is the owner's.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::publish(calls.len() as u32))]
        #[allow(clippy::too_many_arguments)]
        pub fn publish(
            origin: OriginFor<T>,
            title: TitleOf<T>,
            category: Category,
            version: VersionOf<T>,
            manifest: ContentId,
            bundle: ContentId,
            bundle_bytes: u64,
            notes: Option<ContentId>,
            calls: Calls,
            currency: payment::Currency,
            price: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let release = NewRelease {
                version,
                manifest,
                bundle,
                bundle_bytes,
                notes,
            };
            Self::do_publish(owner, title, category, release, calls, currency, price)
        }

        /// Releases a Space anew. Earlier releases stay.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant; holds `ReleaseDeposit`.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`, `InvalidName`, `EmptyBundle`, `NumbersExhausted`, and
        ///   the currency's own if the deposit cannot be held.
        /// - Event: `Released`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::release())]
        pub fn release(
            origin: OriginFor<T>,
            space: SpaceId,
            manifest: ContentId,
            bundle: ContentId,
            bundle_bytes: u64,
            notes: Option<ContentId>,
            version: VersionOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let release = NewRelease {
                version,
                manifest,
                bundle,
                bundle_bytes,
                notes,
            };
            Self::do_release(who, space, release)
        }

        /// Says which assets a Space calls, and their shares of its price.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: linear in `calls`.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`, `SharesExceedWhole`, `NamedTwice`, `UnknownAsset`.
        /// - Event: `CallsSet`.
        ///
        /// Jobs posted before on an asset that is new among them are no proof of paid use.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::set_calls(calls.len() as u32))]
        pub fn set_calls(origin: OriginFor<T>, space: SpaceId, calls: Calls) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_calls(who, space, calls)
        }

        /// Sets the price of a Space. Who bought it before has paid.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`, `CurrencyNotAccepted`.
        /// - Event: `PriceSet`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_price())]
        pub fn set_price(
            origin: OriginFor<T>,
            space: SpaceId,
            currency: payment::Currency,
            price: Balance,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_price(who, space, currency, price)
        }

        /// Withdraws a Space: it is not found and not bought any more. Who bought it may go on. Cannot be undone.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant. The deposit stays with the record.
        /// - Errors: `NotFound`, `NotOwner`, `AlreadyRetired`.
        /// - Events: `Retired`, and `FeatureSet` if it was featured.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::retire())]
        pub fn retire(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_retire(who, space)
        }

        /// Offers a Space to another account, in place of an earlier offer; with `None` takes the offer back.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOwner`, `OwnSpace` if it is offered to its owner.
        /// - Event: `TransferOffered`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::offer_transfer())]
        pub fn offer_transfer(origin: OriginFor<T>, space: SpaceId, to: Option<T::AccountId>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_offer_transfer(who, space, to)
        }

        /// Takes a Space over that is offered to the caller, with its deposits: they are held from the caller and
        /// released to the owner before.
        ///
        /// - Origin: signed, by the account to which it is offered.
        /// - Cost: constant; holds the deposits of the Space and all its releases.
        /// - Errors: `NotFound`, `NotOffered`, and the currency's own if the deposits cannot be held.
        /// - Event: `Transferred`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::accept_transfer())]
        pub fn accept_transfer(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_accept_transfer(who, space)
        }

        /// Buys a Space, once for all its releases. Each asset it calls gets its share, divided up the asset's lineage;
        /// the owner gets the rest, and what others cannot receive.
        ///
        /// - Origin: signed, by anyone but the owner.
        /// - Cost: linear in the assets that the Space calls; what was weighed for more is refunded. Pays the price and
        ///   holds `PurchaseDeposit`.
        /// - Errors: `NotFound`, `NotListed`, `OwnSpace`, `Free`, `AlreadyBought`, `OtherCurrency`, `PriceAboveMax`,
        ///   `CurrencyNotAccepted`, `NotCovered`, `OwnerCannotReceive`, and the currency's own if the deposit cannot be
        ///   held.
        /// - Events: `ShareRedirected` for each share that could not be received, `Bought`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::buy(MAX_CALLS))]
        pub fn buy(
            origin: OriginFor<T>,
            space: SpaceId,
            currency: payment::Currency,
            max_price: Balance,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let called = Self::do_buy(who, space, currency, max_price)?;
            Ok(Some(T::WeightInfo::buy(called)).into())
        }

        /// Gives a purchase up and has its deposit back. Nothing of the price is returned.
        ///
        /// - Origin: signed, by the buyer.
        /// - Cost: constant.
        /// - Errors: `NotBought`.
        /// - Event: `Forgotten`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::forget())]
        pub fn forget(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_forget(who, space)
        }

        /// Rates a Space that the caller has used and paid for, in place of their earlier rating if there is one. A job
        /// is proof for a free Space only, and only if it was posted since the Space calls the asset that did it.
        ///
        /// - Origin: signed, by anyone but the owner.
        /// - Cost: constant; holds `RatingDeposit` unless a rating is replaced.
        /// - Errors: `NotFound`, `OwnSpace`, `InvalidStars`, `NotPaid`, and the currency's own if the deposit cannot be
        ///   held.
        /// - Event: `Rated`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::rate())]
        pub fn rate(
            origin: OriginFor<T>,
            space: SpaceId,
            stars: u8,
            review: Option<ContentId>,
            proof: PaidUse,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_rate(who, space, stars, review, proof)
        }

        /// Withdraws the caller's rating and releases its deposit.
        ///
        /// - Origin: signed, by who rated.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotRated`.
        /// - Event: `RatingWithdrawn`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::withdraw_rating())]
        pub fn withdraw_rating(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw_rating(who, space)
        }

        /// Reports a Space to governance.
        ///
        /// - Origin: signed, by anyone but the owner.
        /// - Cost: constant; holds `ReportBond`, which is lost if governance finds nothing in it.
        /// - Errors: `NotFound`, `OwnSpace`, `AlreadyReported`, and the currency's own if the bond cannot be held.
        /// - Event: `Reported`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::report())]
        pub fn report(
            origin: OriginFor<T>,
            space: SpaceId,
            why: Grievance,
            evidence: Option<ContentId>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_report(who, space, why, evidence)
        }

        /// Withdraws the caller's report, which governance has not resolved in `ReportPeriod` blocks, and releases its
        /// bond.
        ///
        /// - Origin: signed, by the reporter.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotReported`, `TooEarly`.
        /// - Event: `ReportWithdrawn`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::withdraw_report())]
        pub fn withdraw_report(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw_report(who, space)
        }

        /// Resolves a report: releases its bond if it is upheld, else gives it to the treasury. What becomes of the
        /// Space is for `take_down`.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotReported`.
        /// - Event: `ReportResolved`.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::resolve_report())]
        pub fn resolve_report(
            origin: OriginFor<T>,
            space: SpaceId,
            reporter: T::AccountId,
            upheld: bool,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_resolve_report(space, reporter, upheld)
        }

        /// Takes a Space down: it is not found and not bought any more, and clients do not install it. Its owner may
        /// release anew.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `AlreadyTakenDown`.
        /// - Events: `TakenDown`, and `FeatureSet` if it was featured.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::take_down())]
        pub fn take_down(origin: OriginFor<T>, space: SpaceId, why: Grievance) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_take_down(space, why)
        }

        /// Puts a Space back that was taken down. If its owner has retired it, it stays retired.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotTakenDown`.
        /// - Event: `Restored`.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::restore())]
        pub fn restore(origin: OriginFor<T>, space: SpaceId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_restore(space)
        }

        /// Features a listed Space, or does so no more.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotListed`, `AlreadyFeatured`, `TooManyFeatured`, `NotFeatured`.
        /// - Event: `FeatureSet`.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::feature())]
        pub fn feature(origin: OriginFor<T>, space: SpaceId, featured: bool) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_feature(space, featured)
        }
    }
}
