//! # Attestation
//!
//! Quotes of trusted execution environments (Intel SGX and TDX, DCAP), verified on chain and bound to the encryption
//! key of a provider's device. What a device has shown holds until it runs out; whether it still counts is asked anew
//! at every use.
//!
//! This file is the interface. The verification of a quote is in `dcap`, without storage; bodies of the device's calls
//! are in `attesting`, of governance's in `governing`, the question that users of an attestation ask in `standing`, and
//! what must always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod attesting;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod dcap;
mod governing;
#[cfg(test)]
mod mock;
mod quotes;
mod standing;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use dcap::Dcap;
pub use pallet::*;
pub use quotes::{QuoteVerifier, Refused, Verified, binds};
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::{
            UnixTime,
            fungible::{Mutate, hold},
        },
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        Balance,
        attestation::{Measurement, Platform, TCB_STATUSES, TcbStatus},
        registry::Devices,
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

        /// Who knows the devices and their keys: `pallet-providers`.
        type Devices: Devices<Self::AccountId>;

        /// What verifies quotes: [`Dcap`], outside tests.
        type Quotes: QuoteVerifier;

        /// The time that certificates and attestations are held to.
        type Time: UnixTime;

        /// Who says what may run, on which platforms.
        type GovernOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Seconds after which an attestation runs out, whatever its collateral says.
        #[pallet::constant]
        type MaxAgeSecs: Get<u64>;

        /// Held from the device's owner while an attestation is stored.
        #[pallet::constant]
        type Deposit: Get<Balance>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For the record of an attestation.
        Attestation,
    }

    /// The latest attestation of each device, run out or not. The device's owner pays [`Config::Deposit`]; one for a
    /// device.
    #[pallet::storage]
    pub type Attestations<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, AttestationOf<T>>;

    /// What may run. Paid for by nobody; bounded by what governance allows.
    #[pallet::storage]
    pub type Measurements<T: Config> = StorageMap<_, Blake2_128Concat, Measurement, ()>;

    /// Machines and families of which nothing counts. Paid for by nobody; bounded by what governance revokes.
    #[pallet::storage]
    pub type RevokedPlatforms<T: Config> = StorageMap<_, Blake2_128Concat, Platform, ()>;

    /// The statuses that count besides [`TcbStatus::UpToDate`]. One value, paid for by nobody.
    #[pallet::storage]
    pub type AdmittedStatuses<T: Config> =
        StorageValue<_, BoundedBTreeSet<TcbStatus, ConstU32<TCB_STATUSES>>, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A device has shown what it runs.
        Attested {
            /// The device.
            device: T::AccountId,
            /// Its owner, who pays the deposit.
            owner: T::AccountId,
            /// What runs there.
            measurement: Measurement,
            /// The platform's status.
            status: TcbStatus,
            /// Seconds since the Unix epoch from which on it does not count any more.
            expires_at: u64,
        },
        /// A newer attestation of the device took the place of this one, whose deposit was released.
        Replaced {
            /// The device.
            device: T::AccountId,
            /// To whom the deposit was released.
            depositor: T::AccountId,
            /// What was released.
            deposit: Balance,
        },
        /// An attestation was removed by its device or by who paid its deposit, which was released.
        Forgotten {
            /// The device.
            device: T::AccountId,
            /// To whom the deposit was released.
            depositor: T::AccountId,
            /// What was released.
            deposit: Balance,
        },
        /// An attestation that had run out was removed, and its deposit released.
        ExpiredRemoved {
            /// The device.
            device: T::AccountId,
            /// Who removed it.
            by: T::AccountId,
            /// To whom the deposit was released.
            depositor: T::AccountId,
            /// What was released.
            deposit: Balance,
        },
        /// Governance allowed something to run.
        MeasurementAllowed {
            /// What.
            measurement: Measurement,
        },
        /// Governance took something off the list. Attestations of it do not count from now on.
        MeasurementRemoved {
            /// What.
            measurement: Measurement,
        },
        /// Governance revoked a machine or a family. Attestations of it do not count from now on.
        PlatformRevoked {
            /// Which.
            platform: Platform,
        },
        /// Governance readmitted a machine or a family. Attestations of it that have not run out count again.
        PlatformReadmitted {
            /// Which.
            platform: Platform,
        },
        /// Governance admitted a status.
        StatusAdmitted {
            /// Which.
            status: TcbStatus,
        },
        /// Governance excluded a status. Attestations with it do not count from now on.
        StatusExcluded {
            /// Which.
            status: TcbStatus,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The caller is no provider's device: register it first.
        UnknownDevice,
        /// The quote cannot be read: send it as the environment's quoting service gave it.
        MalformedQuote,
        /// The quote is of an enclave or a trust domain whose memory its host can read: build it without debugging.
        DebugEnclave,
        /// A chain of certificates has more than three.
        TooManyCertificates,
        /// A chain of certificates, TCB info or QE identity is no text.
        MalformedCollateral,
        /// The quote does not verify with this collateral at this time: fetch fresh collateral for this very quote.
        QuoteRefused,
        /// The certificates name no machine.
        UnknownPlatform,
        /// The collateral runs out in this second: fetch fresh one.
        CollateralExpired,
        /// The quote's report data is not that of the caller's present encryption key on this chain: make a new quote.
        OtherKey,
        /// What runs there is not on the list of measurements.
        MeasurementNotAllowed,
        /// The platform's status is not admitted: update its firmware.
        StatusNotAdmitted,
        /// The machine or its family was revoked.
        PlatformRevoked,
        /// The device has no attestation.
        NotFound,
        /// Only the device, or who paid the deposit, removes an attestation that has not run out.
        NotYours,
        /// The attestation has not run out.
        NotExpired,
        /// The lists say so already.
        NothingToChange,
        /// `UpToDate` always counts.
        AlwaysAdmitted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::MaxAgeSecs::get() > 0,
                "MaxAgeSecs is at least 1: an attestation counts for some time"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Shows with a quote what the calling device runs, and that it holds its encryption key there. Takes the place
        /// of the device's earlier attestation.
        ///
        /// The quote's report data is [`report_data`](weft_primitives::attestation::report_data) of this chain, the
        /// device and its present key.
        ///
        /// - Origin: signed, by a provider's device.
        /// - Cost: constant, that of the longest verification; holds `Deposit` from the device's owner.
        /// - Errors: `UnknownDevice`, `MalformedQuote`, `DebugEnclave`, `TooManyCertificates`, `MalformedCollateral`,
        ///   `QuoteRefused`, `UnknownPlatform`, `CollateralExpired`, `OtherKey`, `MeasurementNotAllowed`,
        ///   `StatusNotAdmitted`, `PlatformRevoked`, and the currency's own if the deposit cannot be held.
        /// - Events: `Replaced` if there was an earlier one, `Attested`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::attest().saturating_add(T::WeightInfo::verify_signatures(MAX_SIGNATURES)))]
        pub fn attest(origin: OriginFor<T>, quote: QuoteBytes, collateral: Collateral) -> DispatchResult {
            let device = ensure_signed(origin)?;
            Self::do_attest(device, quote, collateral)
        }

        /// Removes an attestation and releases its deposit.
        ///
        /// - Origin: signed, by the device or by who paid the deposit.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotYours`.
        /// - Event: `Forgotten`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::forget())]
        pub fn forget(origin: OriginFor<T>, device: T::AccountId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_forget(who, device)
        }

        /// Removes an attestation that has run out and releases its deposit to who paid it.
        ///
        /// - Origin: signed, by anyone.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotExpired`.
        /// - Event: `ExpiredRemoved`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::remove_expired())]
        pub fn remove_expired(origin: OriginFor<T>, device: T::AccountId) -> DispatchResult {
            let by = ensure_signed(origin)?;
            Self::do_remove_expired(by, device)
        }

        /// Allows something to run.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `NothingToChange`.
        /// - Event: `MeasurementAllowed`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::allow_measurement())]
        pub fn allow_measurement(origin: OriginFor<T>, measurement: Measurement) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_allow_measurement(measurement)
        }

        /// Takes something off the list of what may run. Attestations of it do not count from now on.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `NothingToChange`.
        /// - Event: `MeasurementRemoved`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::remove_measurement())]
        pub fn remove_measurement(origin: OriginFor<T>, measurement: Measurement) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_remove_measurement(measurement)
        }

        /// Revokes a machine or a family: attestations of it do not count from now on.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `NothingToChange`.
        /// - Event: `PlatformRevoked`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::revoke())]
        pub fn revoke(origin: OriginFor<T>, platform: Platform) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_revoke(platform)
        }

        /// Takes a revocation back.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `NothingToChange`.
        /// - Event: `PlatformReadmitted`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::readmit())]
        pub fn readmit(origin: OriginFor<T>, platform: Platform) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_readmit(platform)
        }

        /// Admits a status besides `UpToDate`.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `AlwaysAdmitted`, `NothingToChange`.
        /// - Event: `StatusAdmitted`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::admit_status())]
        pub fn admit_status(origin: OriginFor<T>, status: TcbStatus) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_admit_status(status)
        }

        /// Excludes a status: attestations with it do not count from now on.
        ///
        /// - Origin: `GovernOrigin`.
        /// - Cost: constant.
        /// - Errors: `AlwaysAdmitted`, `NothingToChange`.
        /// - Event: `StatusExcluded`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::exclude_status())]
        pub fn exclude_status(origin: OriginFor<T>, status: TcbStatus) -> DispatchResult {
            T::GovernOrigin::ensure_origin(origin)?;
            Self::do_exclude_status(status)
        }
    }
}
