//! # Pins
//!
//! Paid storage. Who wants a sealed file kept opens a deal with the rewards in escrow; pinners join with a bond. Once
//! an epoch each pinner is asked for one piece of the file, drawn by chance, and is paid at once for the piece with its
//! Merkle proof. Who is silent too often loses the bond.
//!
//! This file is the interface. Bodies are in `deals` (the opener's side) and `pinning` (the pinner's), the epochs in
//! `epochs`, the lists in `shelves`, pages for the runtime API in `listing`, and what must always hold in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod deals;
mod epochs;
mod listing;
#[cfg(test)]
mod mock;
mod pinning;
mod shelves;
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
            fungible::{Mutate, hold},
        },
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        AssetId, Balance, Ppm,
        pieces::{Epoch, PinDealId},
        price::PPM,
        registry::Licensing,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, in which rewards are paid and from which bonds and deposits are held.
        type Currency: Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// Who knows the sealed files: `pallet-market`.
        type Assets: Licensing<Self::AccountId>;

        /// Draws the challenges of an epoch, in its first block. Nobody may know it before that block's parent is made,
        /// nor be able to try for another.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

        /// Blocks of an epoch, in each of which a pinner proves once. Changing it takes a migration: deals are about
        /// epochs.
        #[pallet::constant]
        type EpochBlocks: Get<BlockNumberFor<Self>>;

        /// Epochs for which a deal goes on after its opener gave notice, besides the one that runs.
        #[pallet::constant]
        type NoticeEpochs: Get<Epoch>;

        /// Epochs missed in a row after which a pinner may be evicted.
        #[pallet::constant]
        type MaxMissed: Get<u32>;

        /// Held from the opener until the deal is closed.
        #[pallet::constant]
        type DealDeposit: Get<Balance>;

        /// Held from a pinner in each deal until they leave, or are evicted.
        #[pallet::constant]
        type PinBond: Get<Balance>;

        /// The part of a slashed bond that goes to who evicts; the rest goes to the deal's opener.
        #[pallet::constant]
        type EvictorShare: Get<Ppm>;

        /// Weights of the calls and of the hook.
        type WeightInfo: WeightInfo;
    }

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For the record of a deal.
        Deal,
        /// The rewards of a deal that are not earned yet.
        Escrow,
        /// A pinner's bond.
        Bond,
    }

    /// Deals that are not closed. The opener pays [`Config::DealDeposit`] for each; bounded by the money there is.
    #[pallet::storage]
    pub type Deals<T: Config> = StorageMap<_, Twox64Concat, PinDealId, DealOf<T>>;

    /// Number of the next deal; so many have been opened.
    #[pallet::storage]
    pub type NextDealId<T: Config> = StorageValue<_, PinDealId, ValueQuery>;

    /// Who pins in which deal. The pinner pays with the bond; at most
    /// [`MAX_PLACES`](weft_primitives::pieces::MAX_PLACES) for a deal that is not closed. Stays after a deal was closed
    /// until the pinner fetches the bond.
    #[pallet::storage]
    pub type Pins<T: Config> = StorageDoubleMap<_, Twox64Concat, PinDealId, Blake2_128Concat, T::AccountId, Pin>;

    /// Length of each list. Paid for with what is in it.
    #[pallet::storage]
    pub type ShelfLength<T: Config> = StorageMap<_, Blake2_128Concat, ShelfOf<T>, u64, ValueQuery>;

    /// Each list's entries, densely numbered from 0. Paid for with the deal, or the bond.
    #[pallet::storage]
    pub type ShelfEntry<T: Config> = StorageDoubleMap<_, Blake2_128Concat, ShelfOf<T>, Twox64Concat, u64, PinDealId>;

    /// Where in a list a deal stands. Paid for with the deal, or the bond.
    #[pallet::storage]
    pub type ShelfPlace<T: Config> = StorageDoubleMap<_, Blake2_128Concat, ShelfOf<T>, Twox64Concat, PinDealId, u64>;

    /// The latest epoch that began, and the seed that draws its challenges. One value, paid for by nobody.
    #[pallet::storage]
    pub type PresentEpoch<T: Config> = StorageValue<_, EpochSeed>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An epoch began, and its challenges were drawn.
        EpochBegan {
            /// The epoch.
            epoch: Epoch,
        },
        /// A deal was opened.
        Opened {
            /// Its number.
            deal: PinDealId,
            /// Who pays.
            opener: T::AccountId,
            /// The asset whose sealed file is to be kept.
            asset: AssetId,
            /// What each pinner is paid for each epoch's proof.
            reward_per_epoch: Balance,
            /// Pinners that are paid at a time.
            places: u32,
            /// The first epoch in which proofs are paid.
            first_epoch: Epoch,
            /// The last.
            last_epoch: Epoch,
        },
        /// A pinner joined a deal.
        Joined {
            /// The deal.
            deal: PinDealId,
            /// The pinner.
            pinner: T::AccountId,
            /// What is held from them.
            bond: Balance,
            /// The first epoch for which they owe a proof.
            first_epoch: Epoch,
        },
        /// A pinner showed the piece they were asked for, and was paid.
        Proven {
            /// The deal.
            deal: PinDealId,
            /// The pinner.
            pinner: T::AccountId,
            /// For which epoch.
            epoch: Epoch,
            /// Which piece.
            piece: u64,
            /// What was paid.
            paid: Balance,
            /// Epochs in a row that were proved.
            streak: u32,
        },
        /// A pinner left a deal and has the bond back.
        Left {
            /// The deal.
            deal: PinDealId,
            /// The pinner.
            pinner: T::AccountId,
            /// What was released.
            bond: Balance,
        },
        /// A pinner missed too many epochs in a row, was put out of the deal, and lost the bond.
        Evicted {
            /// The deal.
            deal: PinDealId,
            /// The pinner.
            pinner: T::AccountId,
            /// Who evicted them.
            by: T::AccountId,
            /// Epochs in a row that were missed.
            missed: u32,
            /// What the evictor got of the bond.
            to_evictor: Balance,
            /// What the opener got of the bond.
            to_opener: Balance,
        },
        /// The opener will end the deal before its time.
        NoticeGiven {
            /// The deal.
            deal: PinDealId,
            /// The last epoch in which proofs are paid now.
            last_epoch: Epoch,
        },
        /// A deal was closed. Pinners who are still in it may leave.
        Closed {
            /// The deal.
            deal: PinDealId,
            /// What was left of the rewards and went back to the opener, besides the deposit.
            returned: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no deal with this number, or it was closed.
        NotFound,
        /// The market knows no asset with this number.
        UnknownAsset,
        /// The asset was published without a root over the pieces of its sealed file, so nobody could prove to keep it.
        NoPiecesRoot,
        /// A deal is for at least one epoch, one place and one unit of reward.
        EmptyDeal,
        /// A deal has at most 16 places: open another one for more.
        TooManyPlaces,
        /// The rewards add up to more than can be counted, or the last epoch lies beyond the last block.
        DealTooLarge,
        /// All deal numbers are used up.
        NumbersExhausted,
        /// The deal is another account's.
        NotOpener,
        /// Who pays for a deal does not pin in it.
        OwnDeal,
        /// All places of the deal are taken.
        NoPlaceFree,
        /// The caller pins in this deal already.
        AlreadyJoined,
        /// The caller, or the account to evict, does not pin in this deal.
        NotJoined,
        /// There is no epoch of the deal in which a proof would still be paid.
        DealOver,
        /// Proofs are owed from the epoch after that of joining on: wait for the next one.
        NotChallengedYet,
        /// The proof is for another epoch than the present one: ask for the present challenge.
        StaleEpoch,
        /// This epoch has been proved already.
        AlreadyProven,
        /// The piece is not the one that is asked for: ask for the present challenge.
        WrongPiece,
        /// The piece has not the length that a piece at its place has.
        WrongLength,
        /// The piece with these siblings does not lead to the root of the file.
        InvalidProof,
        /// Too many epochs in a row were missed: the place is lost, whoever evicts first gets a part of the bond.
        Lapsed,
        /// Proofs of past epochs are missing: prove the present one first, then leave.
        Behind,
        /// The pinner has not missed enough epochs in a row to be evicted.
        NotLapsed,
        /// Nobody evicts themselves.
        OwnPin,
        /// The deal ends as soon without notice.
        AlreadyEnding,
        /// The deal runs and somebody pins in it: give notice, and close it when it is over.
        StillRunning,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        /// Draws the seed in the first block of an epoch. One read in every other block.
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            if Self::begin_epoch_if_due(now) {
                T::WeightInfo::epoch_begins()
            } else {
                T::WeightInfo::epoch_goes_on()
            }
        }

        fn integrity_test() {
            assert!(
                T::EpochBlocks::get() > 1u32.into(),
                "EpochBlocks is at least 2: a proof is made after its epoch began and must land within it"
            );
            assert!(
                T::MaxMissed::get() > 0,
                "MaxMissed is at least 1: nobody is evicted who missed nothing"
            );
            assert!(
                T::EvictorShare::get() <= PPM,
                "EvictorShare is a share: at most 1_000_000 parts per million"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Opens a deal: for each of `epochs` epochs, beginning with the next, up to `places` pinners are paid
        /// `reward_per_epoch` each for proving that they keep the sealed file of an asset, listed or retired.
        ///
        /// - Origin: signed, by anyone.
        /// - Cost: constant; holds all rewards that can be earned, and `DealDeposit`.
        /// - Errors: `EmptyDeal`, `TooManyPlaces`, `UnknownAsset`, `NoPiecesRoot`, `DealTooLarge`, `NumbersExhausted`,
        ///   and the currency's own if the rewards or the deposit cannot be held.
        /// - Event: `Opened`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::open())]
        pub fn open(
            origin: OriginFor<T>,
            asset: AssetId,
            reward_per_epoch: Balance,
            epochs: Epoch,
            places: u32,
        ) -> DispatchResult {
            let opener = ensure_signed(origin)?;
            Self::do_open(opener, asset, reward_per_epoch, epochs, places)
        }

        /// Takes a free place in a deal. The first proof is owed in the next epoch.
        ///
        /// - Origin: signed, by anyone but the deal's opener.
        /// - Cost: constant; holds `PinBond`.
        /// - Errors: `NotFound`, `OwnDeal`, `DealOver`, `NoPlaceFree`, `AlreadyJoined`, and the currency's own if the
        ///   bond cannot be held.
        /// - Event: `Joined`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::join())]
        pub fn join(origin: OriginFor<T>, deal: PinDealId) -> DispatchResult {
            let pinner = ensure_signed(origin)?;
            Self::do_join(pinner, deal)
        }

        /// Shows the piece that the caller was asked for in this epoch, with the siblings that lead from it to the root
        /// of the file, from the leaf upwards. Pays the epoch's reward at once.
        ///
        /// - Origin: signed, by a pinner of the deal.
        /// - Cost: linear in the siblings, of which there are at most 54.
        /// - Errors: `NotFound`, `NotJoined`, `StaleEpoch` unless `epoch` is the present one, `DealOver`,
        ///   `AlreadyProven`, `NotChallengedYet`, `Lapsed`, `WrongPiece`, `WrongLength`, `InvalidProof`.
        /// - Event: `Proven`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::prove(siblings.len() as u32))]
        pub fn prove(
            origin: OriginFor<T>,
            deal: PinDealId,
            epoch: Epoch,
            piece: u64,
            bytes: PieceBytes,
            siblings: Siblings,
        ) -> DispatchResult {
            let pinner = ensure_signed(origin)?;
            Self::do_prove(pinner, deal, epoch, piece, bytes, siblings)
        }

        /// Leaves a deal and has the bond back. While the deal runs no past epoch may be missing; when it is over, not
        /// so many that the pinner could be evicted; when it is closed, nothing is asked any more.
        ///
        /// - Origin: signed, by a pinner of the deal.
        /// - Cost: constant.
        /// - Errors: `NotJoined`, `Behind`, `Lapsed`.
        /// - Event: `Left`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>, deal: PinDealId) -> DispatchResult {
            let pinner = ensure_signed(origin)?;
            Self::do_leave(pinner, deal)
        }

        /// Puts a pinner out who missed `MaxMissed` epochs in a row. The bond is divided between the caller and the
        /// deal's opener; what the caller cannot receive goes to the opener too.
        ///
        /// - Origin: signed, by anyone but the pinner.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `OwnPin`, `NotJoined`, `NotLapsed`.
        /// - Event: `Evicted`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::evict())]
        pub fn evict(origin: OriginFor<T>, deal: PinDealId, pinner: T::AccountId) -> DispatchResult {
            let by = ensure_signed(origin)?;
            Self::do_evict(by, deal, pinner)
        }

        /// Ends a deal before its time: proofs are paid for `NoticeEpochs` more epochs after the present one.
        ///
        /// - Origin: signed, by the deal's opener.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOpener`, `AlreadyEnding` if it ends no later without notice.
        /// - Event: `NoticeGiven`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::give_notice())]
        pub fn give_notice(origin: OriginFor<T>, deal: PinDealId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_give_notice(who, deal)
        }

        /// Closes a deal that is over, or in which nobody pins: what is left of the rewards and the deposit return.
        /// Pinners who are still in it can leave at any time.
        ///
        /// - Origin: signed, by the deal's opener.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotOpener`, `StillRunning`.
        /// - Event: `Closed`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::close())]
        pub fn close(origin: OriginFor<T>, deal: PinDealId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_close(who, deal)
        }
    }
}
