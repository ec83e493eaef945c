//! # Custody
//!
//! Keys without the seller. A committee of staked custodians holds shares of an asset's content key and releases them to
//! whoever has a licence, or to providers of the model. Whoever is silent past a deadline, or delivers a share that is not
//! the committed one, loses stake; the committee can be changed without the seller.
//!
//! The cryptography is [`weft_custody`]; this pallet gives it storage, money and time. The protocol is described in
//! `docs/custody.md`.
//!
//! This file is the interface. Bodies: who may be drawn in `custodians`, committees and dealings in `committees`, opening,
//! dealing and ending in `entrusting`, requests and releases in `requests`, wrong shares and wrong keys in `disputes`, new
//! committees in `rotation`, time in `deadlines`, holds and slashes in `money`, views for clients in `listing`, and what must
//! always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod committees;
mod custodians;
mod deadlines;
mod disputes;
mod entrusting;
mod listing;
#[cfg(test)]
mod mock;
mod money;
mod requests;
mod rotation;
#[cfg(any(feature = "runtime-benchmarks", test))]
mod sample;
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
    use frame_support::{
        pallet_prelude::*,
        traits::{
            Randomness,
            fungible::{Inspect, Mutate, hold},
        },
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use weft_custody::{Commitment, Evidence, Fault, MAX_SHARES, NotProven, envelope::NotWrong};
    use weft_primitives::{
        AssetId, Balance, Ppm,
        custody_view::{DealingId, KeyRequestId},
        device::{EncryptionKey, WrappedKey},
        licence::LicenceId,
        price::PPM,
        registry::{KeyGrantHandler, Licensing},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<[u8; 32]>> {
        /// The native token, in which stakes, bonds, deposits and fees are held.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reasons for holding funds.
        type RuntimeHoldReason: From<HoldReason>;

        /// Who knows assets and licences: `pallet-market`.
        type Licensing: Licensing<Self::AccountId>;

        /// Who knows the providers' encryption keys and lists their offers: `pallet-providers`.
        type Grantees: KeyGrantHandler<Self::AccountId>;

        /// Draws committees. It should be hard to foresee for who opens a custody; it is mixed with the parent's hash.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

        /// Who receives what is slashed and due to nobody else. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// The stake of a custodian at registration, and the least with which it is drawn.
        #[pallet::constant]
        type CustodianStake: Get<Balance>;

        /// Held from a custodian for its record.
        #[pallet::constant]
        type RegistrationDeposit: Get<Balance>;

        /// Held from who opens a custody for its record, beside [`Config::ShareDeposit`] for its shares.
        #[pallet::constant]
        type CustodyDeposit: Get<Balance>;

        /// Held from who opens a custody for each share that may be stored for it: of the seller's deal to `n` custodians,
        /// and of `n` deals to as many new ones.
        #[pallet::constant]
        type ShareDeposit: Get<Balance>;

        /// Held from who deals, until the custody ends; lost by a wrong share or a wrong key.
        #[pallet::constant]
        type DealerBond: Get<Balance>;

        /// Held from a provider for the record that it has a key.
        #[pallet::constant]
        type ProviderKeyDeposit: Get<Balance>;

        /// What a recipient pays each custodian who releases its share.
        #[pallet::constant]
        type ReleaseFee: Get<Balance>;

        /// What a custodian loses by silence.
        #[pallet::constant]
        type MissSlash: Get<Balance>;

        /// What a custodian loses by a wrong share.
        #[pallet::constant]
        type ForgerySlash: Get<Balance>;

        /// The wronged party's part of what is slashed; the rest goes to the treasury.
        #[pallet::constant]
        type WrongedShare: Get<Ppm>;

        /// Blocks the opener has to deal.
        #[pallet::constant]
        type DealWindow: Get<BlockNumberFor<Self>>;

        /// Blocks custodians have to release.
        #[pallet::constant]
        type ReleaseWindow: Get<BlockNumberFor<Self>>;

        /// Blocks after that in which releases can be disputed, and read.
        #[pallet::constant]
        type DisputeWindow: Get<BlockNumberFor<Self>>;

        /// Blocks custodians have to deal to the next committee.
        #[pallet::constant]
        type ReshareWindow: Get<BlockNumberFor<Self>>;

        /// Blocks after that in which those deals can be disputed.
        #[pallet::constant]
        type ComplaintWindow: Get<BlockNumberFor<Self>>;

        /// Blocks after which any committee may be changed, and for which a custodian who waits to be let go has to wait
        /// until a custody that cannot be moved is dissolved.
        #[pallet::constant]
        type RotationPeriod: Get<BlockNumberFor<Self>>;

        /// Blocks from a rotation that failed to the next.
        #[pallet::constant]
        type RotationPause: Get<BlockNumberFor<Self>>;

        /// The longest endpoint, in bytes.
        #[pallet::constant]
        type MaxEndpointBytes: Get<u32>;

        /// Requests handled at the beginning of a block; more wait for idle weight or the next block.
        #[pallet::constant]
        type MaxDuePerBlock: Get<u32>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why custody holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Custodians' stakes.
        Stake,
        /// Against a lie of who deals.
        Bond,
        /// For what recipients will pay custodians.
        Fee,
        /// For records.
        Deposit,
    }

    /// Custodians. Each pays [`Config::RegistrationDeposit`] until it deregisters.
    #[pallet::storage]
    pub type Custodians<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, CustodianOf<T>>;

    /// The custodians that can be drawn, densely numbered from 0 in no order. Paid for with the custodian.
    #[pallet::storage]
    pub type Drawable<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId>;

    /// How many custodians can be drawn.
    #[pallet::storage]
    pub type DrawableCount<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Keys in custody. The opener pays [`Config::CustodyDeposit`] until it ends.
    #[pallet::storage]
    pub type Custodies<T: Config> = StorageMap<_, Twox64Concat, AssetId, CustodyOf<T>>;

    /// Dealings: of each custody the one in force, at most one that is made, and those before that have open requests.
    /// Paid for with the custody; those that have outlived it with the fees of their requests, which are bounded in time.
    #[pallet::storage]
    pub type Dealings<T: Config> = StorageMap<_, Twox64Concat, DealingId, DealingOf<T>>;

    /// What each dealer of a dealing dealt. Paid for with the custody, [`Config::ShareDeposit`] a share.
    #[pallet::storage]
    pub type Deals<T: Config> = StorageDoubleMap<_, Twox64Concat, DealingId, Twox64Concat, u8, Deal>;

    /// Number of the next dealing.
    #[pallet::storage]
    pub type NextDealing<T: Config> = StorageValue<_, DealingId, ValueQuery>;

    /// Requests for keys. Paid with the fee of the call; each is removed when its windows are over.
    #[pallet::storage]
    pub type Requests<T: Config> = StorageMap<_, Twox64Concat, KeyRequestId, KeyRequestOf<T>>;

    /// What custodians have released, by request and index. Removed with the request, or when proved wrong.
    #[pallet::storage]
    pub type Releases<T: Config> = StorageDoubleMap<_, Twox64Concat, KeyRequestId, Twox64Concat, u8, WrappedKey>;

    /// The latest request of a recipient for an asset. Removed with the request.
    #[pallet::storage]
    pub type LatestRequest<T: Config> =
        StorageDoubleMap<_, Twox64Concat, AssetId, Blake2_128Concat, RecipientOf<T>, KeyRequestId>;

    /// Number of the next request.
    #[pallet::storage]
    pub type NextRequest<T: Config> = StorageValue<_, KeyRequestId, ValueQuery>;

    /// The next request to be looked at when its window for releases is over. Those before it have been.
    #[pallet::storage]
    pub type NextDue<T: Config> = StorageValue<_, KeyRequestId, ValueQuery>;

    /// The oldest request there is. Those before it have been removed.
    #[pallet::storage]
    pub type NextRemoval<T: Config> = StorageValue<_, KeyRequestId, ValueQuery>;

    /// That enough custodians have released a key to a provider. The provider pays [`Config::ProviderKeyDeposit`] until it
    /// forgets the key.
    #[pallet::storage]
    pub type ProviderKeys<T: Config> =
        StorageDoubleMap<_, Twox64Concat, AssetId, Blake2_128Concat, T::AccountId, ProviderKey>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Somebody became a custodian.
        Registered {
            /// The custodian.
            custodian: T::AccountId,
            /// Its X25519 key.
            encryption_key: EncryptionKey,
        },
        /// A custodian left.
        Deregistered {
            /// The custodian.
            custodian: T::AccountId,
        },
        /// A custodian said whether it is available; the chain says so for one that was silent.
        AvailabilitySet {
            /// The custodian.
            custodian: T::AccountId,
            /// Whether it is.
            available: bool,
        },
        /// A custodian has another X25519 key for future dealings.
        EncryptionKeySet {
            /// The custodian.
            custodian: T::AccountId,
            /// The key.
            encryption_key: EncryptionKey,
        },
        /// A custodian added stake.
        Bonded {
            /// The custodian.
            custodian: T::AccountId,
            /// How much.
            amount: Balance,
            /// What there is now.
            stake: Balance,
        },
        /// A custodian took stake out.
        Unbonded {
            /// The custodian.
            custodian: T::AccountId,
            /// How much.
            amount: Balance,
            /// What is left.
            stake: Balance,
        },
        /// A custodian lost stake.
        Slashed {
            /// The custodian.
            custodian: T::AccountId,
            /// Why.
            offence: Offence,
            /// How much.
            amount: Balance,
            /// How much of that went to whom it wronged.
            compensation: Balance,
        },
        /// A committee was drawn for a key.
        Opened {
            /// The asset whose key it is.
            asset: AssetId,
            /// Who entrusts it.
            opener: T::AccountId,
            /// The dealing to be dealt.
            dealing: DealingId,
            /// How many shares will give the key.
            threshold: u8,
            /// The last block for the deal.
            until: BlockNumberFor<T>,
        },
        /// A key was dealt: it can be requested.
        Dealt {
            /// The asset whose key it is.
            asset: AssetId,
            /// The dealing.
            dealing: DealingId,
        },
        /// A custody takes no new requests and ends with the last open one.
        Closing {
            /// The asset whose key it is.
            asset: AssetId,
            /// Why.
            reason: EndReason,
        },
        /// A custody ended.
        Ended {
            /// The asset whose key it was.
            asset: AssetId,
            /// Why.
            reason: EndReason,
        },
        /// Who had dealt lost the bond.
        DealerSlashed {
            /// The asset whose key it is.
            asset: AssetId,
            /// Who dealt.
            dealer: T::AccountId,
            /// How much.
            amount: Balance,
            /// How much of that went to who was wronged, or showed it.
            compensation: Balance,
        },
        /// A key was requested: the custodians should release their shares.
        Requested {
            /// The request.
            request: KeyRequestId,
            /// The asset whose key it is.
            asset: AssetId,
            /// The dealing whose shares are asked for.
            dealing: DealingId,
            /// By which right.
            recipient: RecipientOf<T>,
            /// The last block for releases.
            until: BlockNumberFor<T>,
        },
        /// A recipient asked anew for another encryption key: nothing more is released for the earlier request.
        Superseded {
            /// The earlier request.
            request: KeyRequestId,
            /// The one in its place.
            by: KeyRequestId,
        },
        /// A custodian released its share.
        Released {
            /// The request.
            request: KeyRequestId,
            /// The custodian.
            custodian: T::AccountId,
            /// Its index.
            index: u8,
        },
        /// Enough shares were released.
        Completed {
            /// The request.
            request: KeyRequestId,
        },
        /// A custodian was proved to have released a wrong share.
        ReleaseForged {
            /// The request.
            request: KeyRequestId,
            /// The custodian.
            custodian: T::AccountId,
            /// What is wrong with it.
            fault: Fault,
        },
        /// The window for releases is over.
        Due {
            /// The request.
            request: KeyRequestId,
            /// How many had released.
            released: u32,
            /// How many were silent. Each has been slashed that was not in the last `ReleaseWindow`.
            missed: u32,
        },
        /// A request was removed after its window for disputes.
        RequestRemoved {
            /// The request.
            request: KeyRequestId,
        },
        /// Enough custodians have released a key to a provider, who now can run the model.
        KeyNoted {
            /// The asset whose key it is.
            asset: AssetId,
            /// The provider.
            provider: T::AccountId,
        },
        /// A provider does not have a key from custodians any more.
        KeyForgotten {
            /// The asset whose key it is.
            asset: AssetId,
            /// The provider.
            provider: T::AccountId,
        },
        /// Another committee was drawn for a key; the present one should deal to it.
        RotationBegun {
            /// The asset whose key it is.
            asset: AssetId,
            /// The present dealing.
            from: DealingId,
            /// The dealing to be dealt.
            to: DealingId,
            /// The last block for deals.
            deals_until: BlockNumberFor<T>,
            /// The last block for disputes of them.
            disputes_until: BlockNumberFor<T>,
        },
        /// A custodian dealt its share to the next committee.
        Reshared {
            /// The dealing it is dealt to.
            dealing: DealingId,
            /// The custodian.
            custodian: T::AccountId,
            /// Its index in the present committee.
            dealer: u8,
        },
        /// A custodian was proved to have dealt a wrong share to the next committee.
        ReshareForged {
            /// The dealing it was dealt to.
            dealing: DealingId,
            /// The custodian.
            custodian: T::AccountId,
            /// What is wrong with it.
            fault: Fault,
        },
        /// A key has another committee.
        Rotated {
            /// The asset whose key it is.
            asset: AssetId,
            /// The dealing that is no longer requested from.
            from: DealingId,
            /// The one that is.
            to: DealingId,
        },
        /// Too few custodians dealt, and the present committee stays.
        RotationFailed {
            /// The asset whose key it is.
            asset: AssetId,
            /// The dealing that will not be.
            dealing: DealingId,
            /// How many dealt.
            deals: u32,
        },
        /// A rotation was given up because the custody is closing or has ended.
        RotationCancelled {
            /// The asset whose key it is.
            asset: AssetId,
            /// The dealing that will not be.
            dealing: DealingId,
        },
        /// A dealing was removed: nobody has a duty from it any more.
        DealingRemoved {
            /// The dealing.
            dealing: DealingId,
        },
        /// A payment could not be made to the account it was due to, and went to the treasury, or was burned as dust.
        Redirected {
            /// Whom it was due to.
            due_to: T::AccountId,
            /// How much.
            amount: Balance,
            /// Whether it was burned.
            burned: bool,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// This account is a custodian already.
        AlreadyRegistered,
        /// This account is no custodian.
        NotCustodian,
        /// The custodian sits in a committee: say that you are not available and wait for the rotation.
        OnDuty,
        /// Nothing can be wrapped for this encryption key; make a new one.
        UnusableKey,
        /// The endpoint is empty or has characters other than visible ASCII.
        InvalidEndpoint,
        /// An amount of zero does nothing.
        ZeroAmount,
        /// There is not so much stake.
        InsufficientStake,
        /// A custodian in a committee keeps at least `CustodianStake`.
        StakeNeeded,
        /// There is no such asset.
        UnknownAsset,
        /// The asset is another account's.
        NotOwner,
        /// The asset is retired.
        NotListed,
        /// The threshold must be at least 2 and at most the number of custodians, and that at most 9.
        BadShape,
        /// The asset's key is in custody already.
        AlreadyEntrusted,
        /// The asset's key is not in custody, or was not dealt yet, or the custody is closing.
        NotEntrusted,
        /// Fewer custodians can be drawn than are asked for.
        TooFewCustodians,
        /// Only who opened the custody may deal.
        NotOpener,
        /// The key was dealt already.
        AlreadyDealt,
        /// The deadline has passed.
        DeadlinePassed,
        /// The deadline has not passed yet.
        NotYetDue,
        /// There must be as many commitments as the threshold, each a point, the first not that of zero.
        InvalidCommitments,
        /// There must be one wrapped share for each custodian.
        WrongNumberOfShares,
        /// The custody is closing already.
        AlreadyClosing,
        /// There is no such request, or it has been removed.
        NoSuchRequest,
        /// There is no such licence, or it is another account's, or for another work.
        NoSuchLicence,
        /// Nothing is released: the licence was revoked or has been closed, or has run out when the key is asked for, or
        /// the key was asked for anew since.
        NotInForce,
        /// Nobody with this account is registered as a provider with a right to this key.
        NotProvider,
        /// This key is not for providers.
        NotForProviders,
        /// The recipient's latest request for this key is still open.
        AlreadyRequested,
        /// The balance does not cover the custodians' fees.
        FeeNotCovered,
        /// The custody is void: nothing is released from it.
        CustodyVoid,
        /// This account is not in the committee that is asked.
        WrongCommittee,
        /// There is no custodian with this index in the committee.
        NoSuchIndex,
        /// The share was released already.
        AlreadyReleased,
        /// No share was delivered that could be disputed.
        NothingDelivered,
        /// The share opens and is the one that was committed to.
        ShareIsGood,
        /// The evidence shows nothing: its proof does not hold for this delivery.
        WrongProof,
        /// The encapsulated key of the share is sound: show the opening.
        OpeningNeeded,
        /// This is not the secret that was shared.
        OtherSecret,
        /// The secret opens the envelope to the promised key.
        KeyIsRight,
        /// There is no reason to change the committee: all its members are available, and it is not old enough.
        NotDue,
        /// The last rotation failed only just now.
        RotationPaused,
        /// The committee is not being changed.
        NotResharing,
        /// The committee is being changed.
        Resharing,
        /// This custodian has dealt already, or was found to deal wrongly.
        AlreadyReshared,
        /// The first commitment must be that of the custodian's own share.
        OtherShare,
        /// Another committee can be found, or nobody has waited long enough to be let go.
        NotDissolvable,
        /// The provider has no such key from custodians.
        NoKey,
        /// All numbers are used up.
        NumbersExhausted,
    }

    impl<T> From<NotProven> for Error<T> {
        fn from(why: NotProven) -> Self {
            match why {
                NotProven::EncapsulationIsSound => Self::OpeningNeeded,
                NotProven::WrongProof(_) => Self::WrongProof,
                NotProven::ShareIsGood => Self::ShareIsGood,
                NotProven::NoCommitments => Self::NothingDelivered,
            }
        }
    }

    impl<T> From<NotWrong> for Error<T> {
        fn from(why: NotWrong) -> Self {
            match why {
                NotWrong::OtherSecret => Self::OtherSecret,
                NotWrong::KeyIsRight => Self::KeyIsRight,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            let mut meter = WeightMeter::new();
            Self::handle_due(now, T::MaxDuePerBlock::get(), &mut meter);
            meter.consumed()
        }

        fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(remaining);
            Self::handle_due(now, u32::MAX, &mut meter);
            meter.consumed()
        }

        fn integrity_test() {
            for window in [
                T::DealWindow::get(),
                T::ReleaseWindow::get(),
                T::DisputeWindow::get(),
                T::ReshareWindow::get(),
                T::ComplaintWindow::get(),
            ] {
                assert!(
                    window > BlockNumberFor::<T>::default(),
                    "a window of no blocks lets nobody act in time"
                );
            }
            assert!(T::WrongedShare::get() <= PPM, "the wronged party's part is a share");
            let due = Self::fixed_cost()
                .saturating_add(Self::costliest_step().saturating_mul(T::MaxDuePerBlock::get().into()));
            let block = T::BlockWeights::get().max_block;
            assert!(
                due.all_lte(block.saturating_div(4)),
                "MaxDuePerBlock requests must fit in a quarter of a block: {due:?} of {block:?}"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Becomes a custodian, available at once.
        ///
        /// - Origin: signed.
        /// - Cost: constant; holds `CustodianStake` and `RegistrationDeposit`.
        /// - Errors: `AlreadyRegistered`, `UnusableKey`, `InvalidEndpoint`, and the currency's own if it cannot be held.
        /// - Event: `Registered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(
            origin: OriginFor<T>,
            encryption_key: EncryptionKey,
            endpoint: Option<UrlOf<T>>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_register(who, encryption_key, endpoint)
        }

        /// Leaves; everything that is left is returned.
        ///
        /// - Origin: signed, by a custodian in no committee.
        /// - Cost: constant.
        /// - Errors: `NotCustodian`, `OnDuty`.
        /// - Event: `Deregistered`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::deregister())]
        pub fn deregister(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_deregister(who)
        }

        /// Says whether the custodian is available. One that is not is drawn no more, and its committees may be changed by
        /// anyone; until they are, its duties go on.
        ///
        /// - Origin: signed, by a custodian.
        /// - Cost: constant.
        /// - Errors: `NotCustodian`.
        /// - Event: `AvailabilitySet`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::set_available())]
        pub fn set_available(origin: OriginFor<T>, available: bool) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_available(who, available)
        }

        /// Sets the X25519 key for shares of future dealings. Shares of present ones stay wrapped to the key of their draw:
        /// keep its secret while there are duties.
        ///
        /// - Origin: signed, by a custodian.
        /// - Cost: constant.
        /// - Errors: `NotCustodian`, `UnusableKey`.
        /// - Event: `EncryptionKeySet`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_encryption_key())]
        pub fn set_encryption_key(origin: OriginFor<T>, encryption_key: EncryptionKey) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_encryption_key(who, encryption_key)
        }

        /// Adds stake.
        ///
        /// - Origin: signed, by a custodian.
        /// - Cost: constant; holds `amount`.
        /// - Errors: `ZeroAmount`, `NotCustodian`, and the currency's own if it cannot be held.
        /// - Event: `Bonded`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_bond(who, amount)
        }

        /// Takes stake out, at once: what a custodian can be slashed for happens while it sits in a committee.
        ///
        /// - Origin: signed, by a custodian.
        /// - Cost: constant.
        /// - Errors: `ZeroAmount`, `NotCustodian`, `InsufficientStake`, `StakeNeeded`.
        /// - Event: `Unbonded`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_unbond(who, amount)
        }

        /// Draws a committee for an asset's key, to which its owner then deals.
        ///
        /// - Origin: signed, by the asset's owner.
        /// - Cost: linear in the number of custodians, which is at most 9; holds `CustodyDeposit` and, for `n (n + 1)`
        ///   shares, `ShareDeposit`.
        /// - Errors: `UnknownAsset`, `NotOwner`, `NotListed`, `BadShape`, `AlreadyEntrusted`, `TooFewCustodians`, and the
        ///   currency's own if the deposit cannot be held.
        /// - Event: `Opened`.
        ///
        /// `to_providers` says whether providers who offer the model may ask for its key, or only holders of licences.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::open_custody())]
        pub fn open_custody(
            origin: OriginFor<T>,
            asset: AssetId,
            threshold: u8,
            custodians: u8,
            to_providers: bool,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_open(who, asset, threshold, custodians, to_providers)
        }

        /// Deals the key to the committee: it can be requested from then on.
        ///
        /// - Origin: signed, by who opened the custody.
        /// - Cost: linear in the number of custodians; holds `DealerBond`.
        /// - Errors: `NotEntrusted`, `NotOpener`, `AlreadyDealt`, `DeadlinePassed`, `InvalidCommitments`,
        ///   `WrongNumberOfShares`, and the currency's own if the bond cannot be held.
        /// - Event: `Dealt`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::deal())]
        pub fn deal(
            origin: OriginFor<T>,
            asset: AssetId,
            commitments: PerCustodian<Commitment>,
            envelope: [u8; 32],
            wrapped: PerCustodian<WrappedKey>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_deal(who, asset, Deal { commitments, wrapped }, envelope)
        }

        /// Shows that the seller dealt custodian `index` a wrong share: the seller loses the bond, and the custody is void.
        ///
        /// - Origin: signed, by anyone; free if it is shown. The custodian is compensated.
        /// - Cost: constant, and dear: curve arithmetic.
        /// - Errors: `NotEntrusted`, `NothingDelivered` if the shares in force are not the seller's, `NoSuchIndex`,
        ///   `ShareIsGood`, `WrongProof`, `OpeningNeeded`.
        /// - Events: `DealerSlashed`, `Ended`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::dispute_deal())]
        pub fn dispute_deal(
            origin: OriginFor<T>,
            asset: AssetId,
            index: u8,
            evidence: Evidence,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_dispute_deal(asset, index, &evidence)?;
            Ok(Pays::No.into())
        }

        /// Shows that the shared secret does not lead to the key that was promised: the seller loses the bond, and the
        /// custody is void. The secret is public from then on; it leads nowhere.
        ///
        /// - Origin: signed, by anyone, who is compensated; free if it is shown.
        /// - Cost: constant.
        /// - Errors: `NotEntrusted`, `OtherSecret`, `KeyIsRight`.
        /// - Events: `DealerSlashed`, `Ended`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::report_wrong_key())]
        pub fn report_wrong_key(origin: OriginFor<T>, asset: AssetId, secret: [u8; 32]) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_report_wrong_key(who, asset, &secret)?;
            Ok(Pays::No.into())
        }

        /// Ends a custody. What was requested is released and can be disputed first; the deposit and the bond are returned
        /// with the last request.
        ///
        /// - Origin: signed, by who opened it or the asset's owner; by anyone if nothing was dealt in time.
        /// - Cost: linear in the number of custodians.
        /// - Errors: `NotEntrusted`, `NotOwner`, `AlreadyClosing`.
        /// - Event: `Closing` or `Ended`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::close())]
        pub fn close(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_close(who, asset)
        }

        /// Asks for the key of any version of a licensed work. The market asks by itself for what is bought; this is for
        /// later versions, and for another try.
        ///
        /// - Origin: signed, by the licence's holder.
        /// - Cost: constant; holds `ReleaseFee` for each custodian.
        /// - Errors: `UnknownAsset`, `NoSuchLicence`, `NotInForce`, `NotEntrusted`, `UnusableKey`, `AlreadyRequested`,
        ///   `FeeNotCovered`.
        /// - Events: `Requested`, and `Superseded` where the key was asked for with another encryption key.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::request_for_licence())]
        pub fn request_for_licence(origin: OriginFor<T>, asset: AssetId, licence: LicenceId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_request_for_licence(who, asset, licence)
        }

        /// Asks for the key of a model to offer it.
        ///
        /// - Origin: signed, by a provider, with the owner account.
        /// - Cost: constant; holds `ReleaseFee` for each custodian and `ProviderKeyDeposit`.
        /// - Errors: `NotProvider`, `NotEntrusted`, `NotForProviders`, `UnusableKey`, `AlreadyRequested`, `FeeNotCovered`.
        /// - Event: `Requested`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::request_for_provider())]
        pub fn request_for_provider(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_request_for_provider(who, asset)
        }

        /// Releases the custodian's share to the recipient, and pays the custodian.
        ///
        /// - Origin: signed, by a member of the request's committee; free, as it can succeed only once a request.
        /// - Cost: constant.
        /// - Errors: `NoSuchRequest`, `DeadlinePassed`, `CustodyVoid`, `WrongCommittee`, `AlreadyReleased`, `NotInForce`.
        /// - Events: `Released`, and `Completed` with the share that makes enough.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::release())]
        pub fn release(origin: OriginFor<T>, request: KeyRequestId, wrapped: WrappedKey) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_release(who, request, wrapped)?;
            Ok(Pays::No.into())
        }

        /// Shows that custodian `index` released a wrong share: it is slashed, and the recipient compensated.
        ///
        /// - Origin: signed, by anyone; free if it is shown.
        /// - Cost: constant, and dear: curve arithmetic.
        /// - Errors: `NoSuchRequest`, `DeadlinePassed`, `NothingDelivered`, `ShareIsGood`, `WrongProof`, `OpeningNeeded`.
        /// - Events: `ReleaseForged`, `Slashed`.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::dispute_release())]
        pub fn dispute_release(
            origin: OriginFor<T>,
            request: KeyRequestId,
            index: u8,
            evidence: Evidence,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_dispute_release(request, index, &evidence)?;
            Ok(Pays::No.into())
        }

        /// Draws another committee for a key, if a member of the present one is not available or lacks stake, or it is old.
        ///
        /// - Origin: signed, by anyone.
        /// - Cost: linear in the number of custodians.
        /// - Errors: `NotEntrusted`, `Resharing`, `RotationPaused`, `NotDue`, `TooFewCustodians`.
        /// - Event: `RotationBegun`.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::rotate())]
        pub fn rotate(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_rotate(asset)
        }

        /// Deals the custodian's share to the next committee.
        ///
        /// - Origin: signed, by a member of the present committee; free, as it can succeed only once a rotation.
        /// - Cost: linear in the number of custodians: curve arithmetic.
        /// - Errors: `NotEntrusted`, `NotResharing`, `DeadlinePassed`, `WrongCommittee`, `AlreadyReshared`,
        ///   `InvalidCommitments`, `OtherShare`, `WrongNumberOfShares`.
        /// - Event: `Reshared`.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::reshare())]
        pub fn reshare(
            origin: OriginFor<T>,
            asset: AssetId,
            commitments: PerCustodian<Commitment>,
            wrapped: PerCustodian<WrappedKey>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_reshare(who, asset, Deal { commitments, wrapped })?;
            Ok(Pays::No.into())
        }

        /// Shows that present custodian `dealer` dealt next custodian `index` a wrong share: its deal does not count, it is
        /// slashed, and the other compensated.
        ///
        /// - Origin: signed, by anyone; free if it is shown.
        /// - Cost: constant, and dear: curve arithmetic.
        /// - Errors: `NotEntrusted`, `NotResharing`, `DeadlinePassed`, `NothingDelivered`, `NoSuchIndex`, `ShareIsGood`,
        ///   `WrongProof`, `OpeningNeeded`.
        /// - Events: `ReshareForged`, `Slashed`.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::dispute_reshare())]
        pub fn dispute_reshare(
            origin: OriginFor<T>,
            asset: AssetId,
            dealer: u8,
            index: u8,
            evidence: Evidence,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_dispute_reshare(asset, dealer, index, &evidence)?;
            Ok(Pays::No.into())
        }

        /// Ends a rotation after its window for disputes. With enough deals the next committee takes over; without, the
        /// present one stays. Who has not dealt is slashed.
        ///
        /// - Origin: signed, by anyone; free.
        /// - Cost: the square of the number of custodians: curve arithmetic.
        /// - Errors: `NotEntrusted`, `NotResharing`, `NotYetDue`.
        /// - Events: `Rotated` or `RotationFailed`, and `Slashed` for each who was silent.
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::finish_rotation().saturating_add(T::WeightInfo::due(MAX_SHARES.into())))]
        pub fn finish_rotation(origin: OriginFor<T>, asset: AssetId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_finish_rotation(asset)?;
            Ok(Pays::No.into())
        }

        /// Ends a custody whose committee cannot be changed, so that a custodian who has waited to be let go for
        /// `RotationPeriod` is: too few others can be drawn, or the last rotation failed.
        ///
        /// - Origin: signed, by anyone.
        /// - Cost: linear in the number of custodians.
        /// - Errors: `NotEntrusted`, `Resharing`, `NotDissolvable`.
        /// - Event: `Closing` or `Ended`.
        #[pallet::call_index(19)]
        #[pallet::weight(T::WeightInfo::dissolve())]
        pub fn dissolve(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_dissolve(asset)
        }

        /// Removes the record that a provider has a key from custodians, and returns its deposit.
        ///
        /// - Origin: signed, by the provider.
        /// - Cost: constant.
        /// - Errors: `NoKey`.
        /// - Event: `KeyForgotten`.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::forget_key())]
        pub fn forget_key(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_forget_key(who, asset)
        }
    }
}
