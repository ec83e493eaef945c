//! # Market
//!
//! Models and datasets: who published what, under which terms, and for which providers' devices the creator has wrapped
//! the content key. The bytes are elsewhere; what is here is content addresses, terms, and wrapped keys.
//!
//! This file is the interface. Bodies are in `publication` and `grants`, facts for other pallets in `registry`, pages for the
//! runtime API in `listing`, and what must always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod grants;
mod listing;
#[cfg(test)]
mod mock;
mod publication;
mod registry;
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
    use super::{publication::Publication, *};
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Mutate, hold},
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        AssetId, AssetKind, Balance, ContentId, Ppm,
        device::{EncryptionKey, WrappedKey},
        registry::KeyGrantHandler,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, from which deposits are held.
        type Currency: Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// Who knows the providers' encryption keys and lists their offers: `pallet-providers`.
        type Grantees: KeyGrantHandler<Self::AccountId>;

        /// Held from a creator for each published asset, for good: the record stays, because receipts refer to it.
        #[pallet::constant]
        type PublishDeposit: Get<Balance>;

        /// Held from a creator for each wrapped key, until it is revoked.
        #[pallet::constant]
        type GrantDeposit: Get<Balance>;

        /// Held from a creator while an endpoint is set.
        #[pallet::constant]
        type EndpointDeposit: Get<Balance>;

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
    }

    /// Assets. The creator pays [`Config::PublishDeposit`] for each; bounded by the money there is. Never removed.
    #[pallet::storage]
    pub type Assets<T: Config> = StorageMap<_, Twox64Concat, AssetId, AssetInfoOf<T>>;

    /// Number of the next asset; so many have been published.
    #[pallet::storage]
    pub type NextAssetId<T: Config> = StorageValue<_, AssetId, ValueQuery>;

    /// A creator's assets in the order of publication, densely numbered from 0. Paid for with the asset.
    #[pallet::storage]
    pub type AssetsByCreator<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, u64, AssetId>;

    /// How many assets a creator has published. Paid for with the first asset.
    #[pallet::storage]
    pub type AssetCount<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u64, ValueQuery>;

    /// Content keys wrapped for providers. The creator pays [`Config::GrantDeposit`] for each until it is revoked.
    #[pallet::storage]
    pub type Grants<T: Config> =
        StorageDoubleMap<_, Twox64Concat, AssetId, Blake2_128Concat, T::AccountId, Grant<BlockNumberFor<T>>>;

    /// Where creators serve their blocks. The creator pays [`Config::EndpointDeposit`] while it is set.
    #[pallet::storage]
    pub type Endpoints<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, CreatorEndpoint<UrlOf<T>>>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An asset was published.
        Published {
            /// Its number.
            asset: AssetId,
            /// Who published it.
            creator: T::AccountId,
            /// What it is.
            kind: AssetKind,
            /// Its manifest.
            manifest: ContentId,
            /// The sealed file.
            content: ContentId,
        },
        /// An asset was retired: no new offers, grants or jobs.
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
        /// A creator said where their blocks are served.
        EndpointSet {
            /// The creator.
            creator: T::AccountId,
            /// The URL.
            url: UrlOf<T>,
        },
        /// A creator's blocks are not served any more.
        EndpointRemoved {
            /// The creator.
            creator: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no asset with this number.
        NotFound,
        /// The asset is another creator's.
        NotCreator,
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
        /// All asset numbers are used up.
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
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::MaxRoyalty::get() <= weft_primitives::price::PPM,
                "MaxRoyalty is a share: at most 1_000_000 parts per million"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Publishes an asset under the next number.
        ///
        /// - Origin: signed, by the creator.
        /// - Cost: constant; holds `PublishDeposit`.
        /// - Errors: `InvalidName`, `RoyaltyTooHigh`, `EmptyContent`, `OnlyModelsAreExact`, `NumbersExhausted`, and the
        ///   currency's own if the deposit cannot be held.
        /// - Event: `Published`.
        ///
        /// `size_bytes` is that of the sealed file, `royalty` in parts per million, `key_commitment` the hash of the
        /// content key. `exact_root` is the root of an exact model, with which exact jobs may be posted on it; a device
        /// runs the model only if what it opens has this root. Like all terms it stays as published.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::publish())]
        #[allow(clippy::too_many_arguments)]
        pub fn publish(
            origin: OriginFor<T>,
            kind: AssetKind,
            name: NameOf<T>,
            manifest: ContentId,
            content: ContentId,
            size_bytes: u64,
            key_commitment: [u8; 32],
            royalty: Ppm,
            exact_root: Option<[u8; 32]>,
        ) -> DispatchResult {
            let creator = ensure_signed(origin)?;
            Self::do_publish(
                creator,
                Publication {
                    kind,
                    name,
                    manifest,
                    content,
                    size_bytes,
                    key_commitment,
                    royalty,
                    exact_root,
                },
            )
        }

        /// Retires an asset: no new offers, grants or jobs; jobs that run are finished and paid. Cannot be undone.
        ///
        /// - Origin: signed, by the creator.
        /// - Cost: constant. The deposit stays with the record.
        /// - Errors: `NotFound`, `NotCreator`, `AlreadyRetired`.
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
        /// - Origin: signed, by the creator.
        /// - Cost: constant; holds `GrantDeposit` unless a grant is replaced.
        /// - Errors: `NotFound`, `NotCreator`, `AlreadyRetired`, `UnknownProvider`, `StaleEncryptionKey` if `for_key` is
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

        /// Takes a grant back and releases its deposit. The provider's offer on the asset is not matched any more; jobs
        /// that run are finished.
        ///
        /// - Origin: signed, by the creator.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotCreator`, `NotGranted`.
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
    }
}
