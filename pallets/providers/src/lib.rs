//! # Providers
//!
//! Owners stake and are paid; their devices do the work. A provider offers models at a price per token, and jobs are
//! matched to offers in one order book for each model, at a cost that does not depend on how many offers there are.
//!
//! This file is the interface. Bodies are in `registration`, `stake`, `slashing`, `availability` and `offers`; the order book is in
//! `book`, picking from it in `matching`, pages for the runtime API in `listing`, and what must always hold in
//! `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod availability;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod book;
mod listing;
mod matching;
#[cfg(test)]
mod mock;
mod offers;
mod registration;
mod slashing;
mod stake;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::ConsentHelper;
pub use matching::{MAX_EXAMINED, MAX_EXAMINED_PER_BUCKET};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Mutate, hold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::{IdentifyAccount, Verify};
    use weft_primitives::{
        AssetId, Balance,
        device::EncryptionKey,
        order_book::{Bucket, Occupied as OccupiedBuckets},
        registry::ModelRegistry,
        reputation::Outcome,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<[u8; 32]>> {
        /// The native token, in which stake and deposits are held.
        type Currency: Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// Who knows the models and their wrapped keys: `pallet-market`.
        type Models: ModelRegistry<Self::AccountId>;

        /// With what a device signs its consent to an owner.
        type Signature: Verify<Signer: IdentifyAccount<AccountId = Self::AccountId>> + Parameter;

        /// The stake below which a provider gets no jobs. Raising it takes a migration that lists offers anew.
        #[pallet::constant]
        type MinStake: Get<Balance>;

        /// How long stake stays within reach after it is unbonded, in blocks. Longer than any result may be challenged and any
        /// dispute about one takes.
        #[pallet::constant]
        type UnbondingPeriod: Get<BlockNumberFor<Self>>;

        /// The most models one provider offers. Each change of a provider's standing moves all of them in the book.
        #[pallet::constant]
        type MaxOffers: Get<u32>;

        /// The most portions of stake that are on their way out at a time.
        #[pallet::constant]
        type MaxUnbonding: Get<u32>;

        /// The most jobs one device may take at a time.
        #[pallet::constant]
        type MaxCapacity: Get<u16>;

        /// Held from an owner while registered.
        #[pallet::constant]
        type RegistrationDeposit: Get<Balance>;

        /// Held from an owner for each offer.
        #[pallet::constant]
        type OfferDeposit: Get<Balance>;

        /// The longest endpoint, in bytes.
        #[pallet::constant]
        type MaxEndpointBytes: Get<u32>;

        /// Who receives what is forfeited, but for rewards. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// Signs consents in benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: ConsentHelper<Self::AccountId, Self::Signature>;
    }

    /// Why providers' funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Stake, bonded or unbonding.
        Stake,
        /// For the records of a registration and its offers.
        Deposit,
    }

    /// Providers by owner. The owner pays [`Config::RegistrationDeposit`] until deregistration.
    #[pallet::storage]
    pub type Providers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, ProviderInfoOf<T>>;

    /// The owner a device works for. Paid for with the registration.
    #[pallet::storage]
    pub type DeviceOwner<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

    /// Stake on its way out. Bounded by [`Config::MaxUnbonding`]; paid for with the registration, which outlives it.
    #[pallet::storage]
    pub type Unbonding<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, UnbondingOf<T>, ValueQuery>;

    /// Stake that was seized and is neither given back nor lost yet. Still held from the owner; bounded in time by appeals.
    #[pallet::storage]
    pub type Seized<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// Offers. The owner pays [`Config::OfferDeposit`] for each until it is withdrawn.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, AssetId, Offer>;

    /// The models an owner offers. Bounded by [`Config::MaxOffers`]; paid for with the offers.
    #[pallet::storage]
    pub type OffersOf<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<AssetId, T::MaxOffers>, ValueQuery>;

    /// All who offer a model, listed or not, densely numbered from 0. Paid for with the offers.
    #[pallet::storage]
    pub type ModelOffers<T: Config> = StorageDoubleMap<_, Twox64Concat, AssetId, Twox64Concat, u64, T::AccountId>;

    /// How many offer a model. Paid for with the offers.
    #[pallet::storage]
    pub type ModelOfferCount<T: Config> = StorageMap<_, Twox64Concat, AssetId, u64, ValueQuery>;

    /// The buckets of a model's order book that hold offers. A fixed size for each model that has a listed offer, paid
    /// for with the offers.
    #[pallet::storage]
    pub type Occupied<T: Config> = StorageMap<_, Twox64Concat, AssetId, OccupiedBuckets, ValueQuery>;

    /// How many offers a bucket holds. Paid for with the offers.
    #[pallet::storage]
    pub type BucketLen<T: Config> = StorageDoubleMap<_, Twox64Concat, AssetId, Twox64Concat, Bucket, u32, ValueQuery>;

    /// The offers of a bucket, densely numbered from 0. Paid for with the offers.
    #[pallet::storage]
    pub type BucketEntry<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, AssetId>,
            NMapKey<Twox64Concat, Bucket>,
            NMapKey<Twox64Concat, u32>,
        ),
        BookEntry<T::AccountId>,
    >;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A provider was registered, paused until it is resumed.
        Registered {
            /// The owner.
            owner: T::AccountId,
            /// The device.
            device: T::AccountId,
            /// The device's X25519 key.
            encryption_key: EncryptionKey,
        },
        /// A provider left; deposits were returned.
        Deregistered {
            /// The owner.
            owner: T::AccountId,
        },
        /// A provider has another device or another encryption key, and is paused until it is resumed.
        DeviceRotated {
            /// The owner.
            owner: T::AccountId,
            /// The new device.
            device: T::AccountId,
            /// Its X25519 key.
            encryption_key: EncryptionKey,
        },
        /// A provider's endpoint or capacity was changed.
        Updated {
            /// The owner.
            owner: T::AccountId,
            /// Where the device serves its blocks.
            endpoint: UrlOf<T>,
            /// Jobs the device takes at a time.
            capacity: u16,
        },
        /// A provider takes no jobs any more.
        Paused {
            /// The owner.
            owner: T::AccountId,
            /// Why.
            reason: PauseReason,
        },
        /// A provider takes jobs again, as far as stake and capacity go.
        Resumed {
            /// The owner.
            owner: T::AccountId,
        },
        /// Stake was bonded.
        Bonded {
            /// The owner.
            owner: T::AccountId,
            /// What was added.
            amount: Balance,
            /// What is bonded now.
            stake: Balance,
        },
        /// Stake is on its way out.
        Unbonded {
            /// The owner.
            owner: T::AccountId,
            /// What was taken off.
            amount: Balance,
            /// What is still bonded.
            stake: Balance,
            /// First block in which the amount can be withdrawn.
            unlock_at: BlockNumberFor<T>,
        },
        /// Unbonded stake is free again.
        Withdrawn {
            /// The owner.
            owner: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// All stake of a provider was seized, because a result of theirs was found wrong or not defended. It may be appealed.
        StakeSeized {
            /// The owner.
            owner: T::AccountId,
            /// How much, bonded and unbonding.
            amount: Balance,
        },
        /// Stake that was seized is bonded again.
        StakeRestored {
            /// The owner.
            owner: T::AccountId,
            /// How much.
            amount: Balance,
            /// What is bonded now.
            stake: Balance,
        },
        /// Stake that was seized is lost. What neither is the reward nor was burned is the treasury's.
        StakeForfeited {
            /// The owner.
            owner: T::AccountId,
            /// How much.
            amount: Balance,
            /// What of it went to who showed the wrong.
            reward: Balance,
            /// What of it was burned, because the treasury's account could not take it.
            burned: Balance,
        },
        /// A model is offered, or offered at another price.
        Offered {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
            /// Price of one token.
            ask_per_token: Balance,
        },
        /// An offer waits for the model's creator to wrap the key for the device.
        KeyRequested {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
            /// The X25519 key to wrap to.
            encryption_key: EncryptionKey,
        },
        /// The device can read the model: the offer can be matched.
        OfferKeyed {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
        },
        /// The creator took the model's key back: the offer cannot be matched.
        OfferUnkeyed {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
        },
        /// An offer was withdrawn; its deposit was returned.
        OfferWithdrawn {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
        },
        /// A provider was given a job.
        Booked {
            /// The owner.
            owner: T::AccountId,
            /// The model.
            model: AssetId,
            /// The price per token it is bound to.
            ask_per_token: Balance,
            /// Jobs it has now.
            busy: u16,
        },
        /// A provider's job ended.
        Settled {
            /// The owner.
            owner: T::AccountId,
            /// How, as far as the provider answers for it.
            outcome: Outcome,
            /// Expected share of promises kept from now on, in parts per million.
            score_ppm: u32,
            /// Jobs it has now.
            busy: u16,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// Nobody with this account is registered, as owner or, where a device may call, as device.
        NotFound,
        /// This owner is registered already.
        AlreadyRegistered,
        /// This account is the device of a provider; another has to be the owner.
        OwnerIsDevice,
        /// The device works for another owner, or is an owner itself.
        DeviceInUse,
        /// The device's signature does not consent to this owner on this chain.
        InvalidConsent,
        /// The endpoint is empty or has characters other than visible ASCII.
        InvalidEndpoint,
        /// The capacity is 0 or above `MaxCapacity`.
        InvalidCapacity,
        /// More jobs are running than the new capacity: pause and wait for them to end.
        CapacityBelowBusy,
        /// Jobs are running: pause and wait for them to end.
        Busy,
        /// Stake is bonded, on its way out or seized: unbond and withdraw it first, or wait for the end of the dispute.
        StakeRemains,
        /// The amount is zero.
        ZeroAmount,
        /// Less than this is bonded.
        InsufficientStake,
        /// Jobs are running: `MinStake` has to stay bonded until they end.
        StakeNeeded,
        /// Too many portions are on their way out: withdraw those that are due, or wait.
        TooManyUnbonding,
        /// Nothing that was unbonded is due.
        NothingDue,
        /// The model is unknown, retired, or no model.
        UnknownModel,
        /// `MaxOffers` models are offered already: withdraw one.
        TooManyOffers,
        /// This model is not offered.
        NotOffered,
        /// The provider is paused already.
        AlreadyPaused,
        /// The provider takes jobs already.
        AlreadyAvailable,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxOffers::get() > 0, "a provider must be able to offer a model");
            assert!(T::MaxUnbonding::get() > 0, "stake must be able to leave");
            assert!(T::MaxCapacity::get() > 0, "a device must be able to take a job");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers the caller as owner of a device. The provider is paused until it is resumed.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, one signature check; holds `RegistrationDeposit`.
        /// - Errors: `AlreadyRegistered`, `OwnerIsDevice`, `DeviceInUse`, `InvalidConsent`, `InvalidEndpoint`,
        ///   `InvalidCapacity`, and the currency's own if the deposit cannot be held.
        /// - Event: `Registered`.
        ///
        /// `consent` is the device's signature of [`weft_primitives::device::consent_message`] for this chain and owner.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(
            origin: OriginFor<T>,
            device: T::AccountId,
            encryption_key: EncryptionKey,
            endpoint: UrlOf<T>,
            capacity: u16,
            consent: T::Signature,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register(owner, device, encryption_key, endpoint, capacity, consent)
        }

        /// Adds stake. From `MinStake` on, offers can be matched.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, bounded by `MaxOffers`; holds the amount.
        /// - Errors: `NotFound`, `ZeroAmount`, and the currency's own if the amount cannot be held.
        /// - Event: `Bonded`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_bond(owner, amount)
        }

        /// Sends stake on its way out. It stays held for `UnbondingPeriod`.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, bounded by `MaxOffers`.
        /// - Errors: `NotFound`, `ZeroAmount`, `InsufficientStake`, `StakeNeeded` if less than `MinStake` would be left
        ///   while jobs are running, `TooManyUnbonding`.
        /// - Event: `Unbonded`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_unbond(owner, amount)
        }

        /// Frees all stake whose time on the way out is over.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, bounded by `MaxUnbonding`.
        /// - Errors: `NothingDue`.
        /// - Event: `Withdrawn`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw_unbonded())]
        pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_withdraw_unbonded(owner)
        }

        /// Offers a model at a price per token, or changes the price. Jobs that run keep the price they were booked at.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant; holds `OfferDeposit` for a new offer.
        /// - Errors: `NotFound`, `UnknownModel`, `TooManyOffers`, and the currency's own if the deposit cannot be held.
        /// - Events: `Offered`; `KeyRequested` if the creator has yet to wrap the key for the device.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::offer())]
        pub fn offer(
            origin: OriginFor<T>,
            model: AssetId,
            #[pallet::compact] ask_per_token: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_offer(owner, model, ask_per_token)
        }

        /// Withdraws an offer and returns its deposit. Jobs that run go on.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOffered`.
        /// - Event: `OfferWithdrawn`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::withdraw_offer())]
        pub fn withdraw_offer(origin: OriginFor<T>, model: AssetId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_withdraw_offer(owner, model)
        }

        /// Replaces the device, its encryption key, or both. History and stake stay. The provider is paused until it is
        /// resumed, and offers wait for their keys to be wrapped anew unless they are already.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, bounded by `MaxOffers`, one signature check.
        /// - Errors: `NotFound`, `Busy`, `DeviceInUse`, `InvalidConsent`.
        /// - Events: `DeviceRotated`, and `KeyRequested` for each offer that waits for its key.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::rotate_device())]
        pub fn rotate_device(
            origin: OriginFor<T>,
            device: T::AccountId,
            encryption_key: EncryptionKey,
            consent: T::Signature,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_rotate_device(owner, device, encryption_key, consent)
        }

        /// Changes where the device serves its blocks and how many jobs it takes at a time.
        ///
        /// - Origin: signed, by the owner or the device.
        /// - Cost: constant, bounded by `MaxOffers`.
        /// - Errors: `NotFound`, `InvalidEndpoint`, `InvalidCapacity`, `CapacityBelowBusy`.
        /// - Event: `Updated`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::update())]
        pub fn update(origin: OriginFor<T>, endpoint: UrlOf<T>, capacity: u16) -> DispatchResult {
            let owner = Self::owner_of(ensure_signed(origin)?)?;
            Self::do_update(owner, endpoint, capacity)
        }

        /// Takes no jobs any more. Jobs that run go on.
        ///
        /// - Origin: signed, by the owner or the device.
        /// - Cost: constant, bounded by `MaxOffers`.
        /// - Errors: `NotFound`, `AlreadyPaused`.
        /// - Event: `Paused`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::pause())]
        pub fn pause(origin: OriginFor<T>) -> DispatchResult {
            let owner = Self::owner_of(ensure_signed(origin)?)?;
            Self::do_pause(owner)
        }

        /// Takes jobs again.
        ///
        /// - Origin: signed, by the owner or the device.
        /// - Cost: constant, bounded by `MaxOffers`.
        /// - Errors: `NotFound`, `AlreadyAvailable`.
        /// - Event: `Resumed`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>) -> DispatchResult {
            let owner = Self::owner_of(ensure_signed(origin)?)?;
            Self::do_resume(owner)
        }

        /// Leaves: offers are withdrawn, all deposits are returned, history is forgotten.
        ///
        /// - Origin: signed, by the owner.
        /// - Cost: constant, bounded by `MaxOffers`.
        /// - Errors: `NotFound`, `Busy`, `StakeRemains`.
        /// - Events: `OfferWithdrawn` for each offer, `Deregistered`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::deregister())]
        pub fn deregister(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_deregister(owner)
        }
    }
}
