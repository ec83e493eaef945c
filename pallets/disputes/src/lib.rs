//! # Disputes
//!
//! The chain as judge of exact answers (ADR 012). Whoever doubts a result that may be challenged posts a bond and names a step;
//! in a few moves both sides are led to one tile, which the chain computes again from what the provider itself committed to.
//! Who is wrong, or silent, loses: the provider all its stake, the challenger the bond.
//!
//! The rules of the game are [`weft_disputes`]; this pallet gives them accounts, money and time.
//!
//! The interface is here. Bodies: how disputes begin in `challenges`, their moves in `moves`, ends and appeals in `verdicts`,
//! bonds in `money`, time in `deadlines`, lists for clients in `listing`, invariants in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod challenges;
mod deadlines;
mod listing;
#[cfg(test)]
mod mock;
mod money;
mod moves;
#[cfg(any(test, feature = "runtime-benchmarks"))]
mod sample;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
mod verdicts;
pub mod weights;

pub use listing::DisputeViewOf;
pub use pallet::*;
pub use types::{Awaited, ClaimBytes, Dispute, DisputeId, DisputeOf, MAX_CLAIM_BYTES, Standing, Verdict};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::{moves::Kind, *};
    use alloc::vec::Vec;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{self, hold},
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use weft_disputes::{Refused, Side};
    use weft_primitives::{
        Balance, JobId, Ppm,
        price::PPM,
        registry::{Challengeable, Stakes},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

    /// A move, or what begins a dispute, as SCALE of the type of `weft-disputes` that the call names.
    pub type ProofOf<T> = BoundedVec<u8, <T as Config>::MaxProofBytes>;
    /// What has a few digests.
    pub type Short = BoundedVec<u8, ConstU32<4_096>>;
    /// What may be longer: lists of digests.
    pub type RevealOf<T> = BoundedVec<u8, <T as Config>::MaxRevealBytes>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, in which bonds are held.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reason for a hold.
        type RuntimeHoldReason: From<HoldReason>;

        /// Who knows the results that may be challenged, and pays for those that stand: `pallet-jobs`.
        type Results: Challengeable<Self::AccountId, BlockNumberFor<Self>>;

        /// Who keeps the stakes that answer for them: `pallet-providers`.
        type Stakes: Stakes<Self::AccountId>;

        /// Who rules on appeals of those who were silent.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who receives what is lost, but for rewards. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// Held from a challenger, and lost if nothing is wrong.
        #[pallet::constant]
        type ChallengeBond: Get<Balance>;

        /// What a challenger who was not given the sketch pays the provider for showing it on chain.
        #[pallet::constant]
        type DemandFee: Get<Balance>;

        /// Held from who appeals, and lost if governance finds no reason.
        #[pallet::constant]
        type AppealBond: Get<Balance>;

        /// The winner's share of what the other loses: less than half.
        #[pallet::constant]
        type WinnerShare: Get<Ppm>;

        /// Blocks a side has for each move.
        #[pallet::constant]
        type MoveWindow: Get<BlockNumberFor<Self>>;

        /// Blocks who was silent has to appeal.
        #[pallet::constant]
        type AppealWindow: Get<BlockNumberFor<Self>>;

        /// Blocks governance has to rule on an appeal.
        #[pallet::constant]
        type RulingWindow: Get<BlockNumberFor<Self>>;

        /// The most bytes of an opening, and of what names a place.
        #[pallet::constant]
        type MaxProofBytes: Get<u32>;

        /// The most bytes of a list of digests.
        #[pallet::constant]
        type MaxRevealBytes: Get<u32>;

        /// Deadlines handled at the beginning of a block; more wait for idle weight or the next block.
        #[pallet::constant]
        type MaxDuePerBlock: Get<u32>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Of challengers, and of who appeals.
        Bond,
    }

    /// Disputes that go on. The challenger's bond pays for the record; it is bounded in time, as every move has a deadline.
    #[pallet::storage]
    pub type Disputes<T: Config> = StorageMap<_, Twox64Concat, DisputeId, DisputeOf<T>>;

    /// Those about a job. One entry a dispute, paid for with it.
    #[pallet::storage]
    pub type DisputesOfJob<T: Config> = StorageDoubleMap<_, Twox64Concat, JobId, Twox64Concat, DisputeId, ()>;

    /// What is to be looked at in which block. One entry a dispute, paid for with it.
    #[pallet::storage]
    pub type Calendar<T: Config> = StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, DisputeId, ()>;

    /// The first block of the calendar that may have entries.
    #[pallet::storage]
    pub type NextDue<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Number of the next dispute.
    #[pallet::storage]
    pub type NextDispute<T: Config> = StorageValue<_, DisputeId, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A result was challenged. The provider is to move.
        Challenged {
            /// The dispute.
            dispute: DisputeId,
            /// The job.
            job: JobId,
            /// Who doubts its result.
            challenger: T::AccountId,
            /// Whose stake answers for it.
            provider: T::AccountId,
            /// The device that may move for the provider.
            device: T::AccountId,
            /// Last block for the move.
            until: BlockNumberFor<T>,
        },
        /// A move was made.
        Moved {
            /// The dispute.
            dispute: DisputeId,
            /// Whose move is awaited now.
            turn: Side,
            /// Last block for it.
            until: BlockNumberFor<T>,
        },
        /// The provider has shown of what its trace is made.
        SketchShown {
            /// The dispute.
            dispute: DisputeId,
            /// [`weft_disputes::ShownSketch`].
            shown: Vec<u8>,
        },
        /// The provider has revealed what was asked for. It is told here, so that challengers find it by whatever call it came.
        Revealed {
            /// The dispute.
            dispute: DisputeId,
            /// [`weft_disputes::Move`].
            revealed: Vec<u8>,
        },
        /// A side did not move in time. It has lost, unless it appeals.
        Lapsed {
            /// The dispute.
            dispute: DisputeId,
            /// Who was silent.
            silent: Side,
        },
        /// Who was silent has appealed.
        Appealed {
            /// The dispute.
            dispute: DisputeId,
            /// Who.
            by: Side,
        },
        /// An appeal was decided.
        Ruled {
            /// The dispute.
            dispute: DisputeId,
            /// Whether the dispute goes on where it stood.
            goes_on: bool,
        },
        /// A dispute is over.
        Ended {
            /// The dispute.
            dispute: DisputeId,
            /// The job.
            job: JobId,
            /// Why.
            verdict: Verdict,
            /// Who has won.
            winner: Side,
            /// What the other lost.
            lost: Balance,
            /// What of it the winner got; the rest is the treasury's.
            reward: Balance,
        },
        /// A dispute is over because its job has ended, refuted in another: nobody has won, and the bond was returned.
        Moot {
            /// The dispute.
            dispute: DisputeId,
            /// The job.
            job: JobId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such dispute, or it has ended.
        NotFound,
        /// The job has no result that is not paid yet.
        NothingToChallenge,
        /// The window for it has passed.
        TooLate,
        /// The deadline has not passed yet.
        NotYetDue,
        /// Providers do not challenge what is their own.
        OwnResult,
        /// The prompt may not be read by others: only the user may challenge.
        PrivateJob,
        /// The balance does not cover the bond.
        BondNotCovered,
        /// It is not the turn of this account.
        NotYourTurn,
        /// Another move is awaited, or none.
        NotNow,
        /// The job has ended, refuted in another dispute: this one is over, too. `expire` returns the bond at once.
        Moot,
        /// The bytes are not what this call is for.
        Malformed,
        /// This is not what the provider committed to.
        NotCommitted,
        /// The answer is so large that what a dispute would have to show does not fit.
        TooLarge,
        /// The sketch of another text was demanded.
        OtherText,
        /// The trace has no such step.
        NoSuchStep,
        /// Whoever posted the job did not commit to a prompt, so that nothing can be shown about it.
        PromptNotCommitted,
        /// Nothing is shown to be wrong.
        NotShown,
        /// What is revealed is not what was committed to.
        NotRevealed,
        /// There is no such place, or something else was said of it.
        Nowhere,
        /// The opening is of something else than was named.
        OtherTile,
        /// Nobody was silent, or the appeal is made already.
        NothingToAppeal,
    }

    impl<T> From<Refused> for Error<T> {
        fn from(refused: Refused) -> Self {
            match refused {
                Refused::NotNow => Self::NotNow,
                Refused::NotRevealed(_) => Self::NotRevealed,
                Refused::Nowhere => Self::Nowhere,
                Refused::OtherTile => Self::OtherTile,
                Refused::NotShown(_) => Self::NotShown,
            }
        }
    }

    /// What the end of a dispute costs, whoever wins.
    pub(super) fn most_of_end<T: Config>() -> Weight {
        T::WeightInfo::refuted().max(T::WeightInfo::upheld())
    }

    /// What a judge's call costs.
    pub(super) fn judge_and_end<T: Config>(bytes: u32) -> Weight {
        // The costliest tile of any model has half as many bytes again as the one that is measured: what they cost is added whole.
        T::WeightInfo::judge()
            .saturating_add(T::WeightInfo::reveal(bytes))
            .saturating_add(most_of_end::<T>())
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
            let zero = BlockNumberFor::<T>::default();
            for window in [T::MoveWindow::get(), T::AppealWindow::get(), T::RulingWindow::get()] {
                assert!(window > zero, "a window of no blocks lets nobody act in time");
            }
            assert!(
                T::WinnerShare::get() < PPM / 2,
                "who loses against oneself must lose more than half"
            );
            assert!(
                T::DemandFee::get() <= T::ChallengeBond::get(),
                "the fee is paid out of the bond"
            );
            let judge = judge_and_end::<T>(T::MaxProofBytes::get());
            let block = T::BlockWeights::get().max_block;
            assert!(
                judge.all_lte(block.saturating_div(20)),
                "a judge's call must fit in a twentieth of a block: {judge:?} of {block:?}"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Challenges a result by naming the first step of it that is wrong.
        ///
        /// - Origin: signed; of a job that is not open to others its user.
        /// - Cost: constant; holds `ChallengeBond`.
        /// - `claimed`: [`weft_disputes::Claimed`], what the answer's trace root is made of.
        /// - `position`: of the step.
        /// - Errors: `NothingToChallenge`, `TooLate`, `OwnResult`, `PrivateJob`, `Malformed`, `NotCommitted`, `TooLarge`,
        ///   `NoSuchStep`, `BondNotCovered`.
        /// - Event: `Challenged`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::challenge())]
        pub fn challenge(origin: OriginFor<T>, job: JobId, claimed: Short, position: u32) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_challenge(who, job, &claimed, position)
        }

        /// Challenges a result without having been given what its trace is made of: the provider is to show it, and the challenger
        /// to name a step then. Of the bond, `DemandFee` is the provider's for that.
        ///
        /// - Origin: signed; of a job that is not open to others its user.
        /// - Cost: constant; holds `ChallengeBond`.
        /// - `text`: of a job with several texts, which; else 0.
        /// - Errors: `NothingToChallenge`, `TooLate`, `OwnResult`, `PrivateJob`, `BondNotCovered`.
        /// - Event: `Challenged`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::demand())]
        pub fn demand(origin: OriginFor<T>, job: JobId, text: u32) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_demand(who, job, text)
        }

        /// Shows what was demanded. Free if it counts.
        ///
        /// - Origin: signed, the provider's owner or the device.
        /// - Cost: linear in the bytes.
        /// - `shown`: [`weft_disputes::ShownSketch`]; if there is no such text, that of the last one.
        /// - Errors: `NotFound`, `NotNow`, `Moot`, `TooLate`, `NotYourTurn`, `Malformed`, `NotCommitted`, `TooLarge`, `OtherText`.
        /// - Events: `SketchShown`, then `Moved` or `Ended`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::show_sketch(shown.len() as u32).saturating_add(most_of_end::<T>()))]
        pub fn show_sketch(origin: OriginFor<T>, dispute: DisputeId, shown: RevealOf<T>) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_show_sketch(who, dispute, &shown)?;
            Ok(Pays::No.into())
        }

        /// Names a place. Free if it counts.
        ///
        /// - Origin: signed, the challenger.
        /// - Cost: constant.
        /// - `named`: [`weft_disputes::Move`] of the challenger's.
        /// - Errors: `NotFound`, `NotNow`, `Moot`, `TooLate`, `NotYourTurn`, `Malformed`, `Nowhere`.
        /// - Event: `Moved`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::name_place())]
        pub fn name_place(origin: OriginFor<T>, dispute: DisputeId, named: Short) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_move(who, dispute, Kind::Name, &named)?;
            Ok(Pays::No.into())
        }

        /// Reveals what was asked for. Free if it counts.
        ///
        /// - Origin: signed, the provider's owner or the device.
        /// - Cost: linear in the bytes.
        /// - `revealed`: [`weft_disputes::Move`] of the provider's.
        /// - Errors: `NotFound`, `NotNow`, `Moot`, `TooLate`, `NotYourTurn`, `Malformed`, `NotRevealed`.
        /// - Events: `Moved`, or `Ended` if it shows that nothing is wrong.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::reveal(revealed.len() as u32).saturating_add(most_of_end::<T>()))]
        pub fn reveal(origin: OriginFor<T>, dispute: DisputeId, revealed: RevealOf<T>) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_move(who, dispute, Kind::Reveal, &revealed)?;
            Ok(Pays::No.into())
        }

        /// Has the tile that was named computed: by its provider, to show that it is right, or by anybody, to show that it is wrong.
        /// Free if it counts.
        ///
        /// - Origin: signed.
        /// - Cost: that of the costliest tile, and linear in the bytes.
        /// - `opening`: [`weft_disputes::Move::Open`] or [`weft_disputes::Move::Refute`].
        /// - Errors: `NotFound`, `NotNow`, `Moot`, `TooLate`, `NotYourTurn`, `Malformed`, `OtherTile`, `NotShown`.
        /// - Event: `Ended`.
        #[pallet::call_index(5)]
        #[pallet::weight(judge_and_end::<T>(opening.len() as u32))]
        pub fn judge(origin: OriginFor<T>, dispute: DisputeId, opening: ProofOf<T>) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_move(who, dispute, Kind::Judge, &opening)?;
            Ok(Pays::No.into())
        }

        /// Shows that an answer is to another prompt than the job commits to, was chosen otherwise, or has another length. It needs no
        /// bond, and no other move. Free if it counts.
        ///
        /// - Origin: signed; of a job that is not open to others its user.
        /// - Cost: linear in the bytes.
        /// - `fault`: [`weft_disputes::PromptFault`].
        /// - Errors: `NothingToChallenge`, `TooLate`, `OwnResult`, `PrivateJob`, `Malformed`, `NotCommitted`,
        ///   `PromptNotCommitted`, `NotShown`.
        /// - Events: `Challenged`, `Ended`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::reveal(fault.len() as u32).saturating_add(T::WeightInfo::refuted()))]
        pub fn fault(origin: OriginFor<T>, job: JobId, fault: ProofOf<T>) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_fault(who, job, &fault)?;
            Ok(Pays::No.into())
        }

        /// Gives up, which saves half of the bond.
        ///
        /// - Origin: signed, the challenger.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotNow`, `Moot`, `TooLate`, `NotYourTurn`.
        /// - Event: `Ended`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::upheld())]
        pub fn concede(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_concede(who, dispute)
        }

        /// Notes that nothing was done in time, or that the job has ended. The chain does so by itself, but may be late when very
        /// many deadlines fall due at once.
        ///
        /// - Origin: signed, anyone.
        /// - Cost: constant.
        /// - Errors: `NotFound`, `NotYetDue`.
        /// - Events: `Lapsed`, `Ended` or `Moot`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::due_lapsed().max(T::WeightInfo::due_ended().saturating_add(most_of_end::<T>())))]
        pub fn expire(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_expire(dispute)
        }

        /// Asks governance to let a dispute go on in which one was silent.
        ///
        /// - Origin: signed, the challenger or the provider's owner, who was silent.
        /// - Cost: constant; holds `AppealBond`.
        /// - Errors: `NotFound`, `NothingToAppeal`, `TooLate`, `NotYourTurn`, `BondNotCovered`.
        /// - Event: `Appealed`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::appeal())]
        pub fn appeal(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_appeal(who, dispute)
        }

        /// Decides an appeal.
        ///
        /// - Origin: `GovernanceOrigin`.
        /// - Cost: constant.
        /// - `goes_on`: the dispute goes on where it stood, with a new deadline; else the appeal's bond is lost, and so is the dispute.
        /// - Errors: `NotFound`, `NothingToAppeal`.
        /// - Events: `Ruled`, and `Ended` if it does not go on.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::rule().saturating_add(most_of_end::<T>()))]
        pub fn rule(origin: OriginFor<T>, dispute: DisputeId, goes_on: bool) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_rule(dispute, goes_on)
        }
    }
}
