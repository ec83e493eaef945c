//! Jobs: orders for inference, their escrow, assignment, deadlines and receipts.
//!
//! The rules of a job's life are [`weft_primitives::job`]; this pallet gives them storage, money and time. A job is
//! posted with an escrow and a maximum price, booked with a provider through [`Matching`], and ends in exactly one
//! [`Reason`] with a receipt, whatever its parties do or fail to do.
//!
//! The interface is here. Bodies: posting and booking in `assignment`, the user's acts in `input`, ends and payment in
//! `settlement`, what may be challenged in `challenges`, queues of deadlines in `deadlines`, lists for clients in `paging`, what receipts prove to other
//! pallets in `receipts`, invariants in `try_state`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod assignment;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod challenges;
mod deadlines;
mod input;
#[cfg(test)]
mod mock;
mod paging;
mod receipts;
mod settlement;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use paging::JobViewOf;
pub use pallet::*;
pub use types::{Due, Ends, Job, Party, Queue, Receipt};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::{
        assignment::Order,
        settlement::{Done, Work},
        *,
    };
    use alloc::vec::Vec;
    use frame_support::{
        pallet_prelude::*,
        traits::{Randomness, fungible},
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use weft_primitives::{
        AssetId, Balance, ContentId, JobId, Ppm,
        device::{EncryptionKey, WrappedKey},
        job::{Arithmetic, Decline, Patience, Reason, Refused},
        price::{PPM, Split},
        registry::{Matching, ModelRegistry, NoMatch, NotLicensed, Royalties},
        tier::Tier,
    };

    /// [`Job`] of a runtime.
    pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
    /// [`Receipt`] of a runtime.
    pub type ReceiptOf<T> = Receipt<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// The native token, from which escrows are held and paid.
        type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
            + fungible::Mutate<Self::AccountId>
            + fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reasons for holding funds.
        type RuntimeHoldReason: From<HoldReason>;

        /// Which models there are, and who may use them.
        type Models: ModelRegistry<Self::AccountId>;

        /// Who earns from them.
        type Royalties: Royalties<Self::AccountId>;

        /// Who computes.
        type Providers: Matching<Self::AccountId>;

        /// Decides among equals. It should be hard to foresee for who posts; it is mixed with the parent's hash.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

        /// Blocks the user has to release the input to an assigned device. The device has what is left of them too.
        #[pallet::constant]
        type InputWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a device has after the user's window for a job with [`Patience::Short`].
        #[pallet::constant]
        type ShortWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a device has after the user's window for a job with [`Patience::Standard`].
        #[pallet::constant]
        type StandardWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a device has after the user's window for a job with [`Patience::Long`].
        #[pallet::constant]
        type LongWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a result may be challenged, with [`Window::Short`](weft_primitives::tier::Window::Short).
        #[pallet::constant]
        type ShortChallengeWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a result may be challenged, with [`Window::Standard`](weft_primitives::tier::Window::Standard).
        #[pallet::constant]
        type StandardChallengeWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a result may be challenged, with [`Window::Long`](weft_primitives::tier::Window::Long).
        #[pallet::constant]
        type LongChallengeWindow: Get<BlockNumberFor<Self>>;

        /// Blocks a receipt is kept at least; longer while a job that was posted before it lives or is kept.
        #[pallet::constant]
        type Retention: Get<BlockNumberFor<Self>>;

        /// Deadlines handled at the beginning of a block; more wait for idle weight or the next block.
        #[pallet::constant]
        type MaxDuePerBlock: Get<u32>;

        /// The most tokens one job may ask for.
        #[pallet::constant]
        type MaxTokens: Get<u32>;

        /// Who receives the treasury's cut, and what cannot be paid to others. Should exist from genesis on.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;

        /// The treasury's share of the price of a completed job.
        #[pallet::constant]
        type TreasuryCut: Get<Ppm>;

        /// Costs, measured.
        type WeightInfo: WeightInfo;
    }

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The maximum price of jobs that live.
        Escrow,
    }

    /// Jobs that live. The user pays the fee and holds an escrow; bounded by the providers' capacity, since every
    /// job without a result occupies a booked slot, and in time by the deadlines, and by those of disputes.
    #[pallet::storage]
    pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

    /// How jobs ended. Paid with the fee of `post`; each is removed [`Config::Retention`] blocks after the end.
    #[pallet::storage]
    pub type Receipts<T: Config> = StorageMap<_, Twox64Concat, JobId, ReceiptOf<T>>;

    /// The next job to be looked at when its first input window is over. Those before it have been.
    #[pallet::storage]
    pub type NextInputCheck<T: Config> = StorageValue<_, JobId, ValueQuery>;

    /// The oldest job that lives or has a receipt. Those before it have been removed.
    #[pallet::storage]
    pub type NextReceipt<T: Config> = StorageValue<_, JobId, ValueQuery>;

    /// Number of the next job.
    #[pallet::storage]
    pub type NextJobId<T: Config> = StorageValue<_, JobId, ValueQuery>;

    /// A user's jobs that live or have a receipt, by [`JobId`] in big endian so that they are listed in the order of
    /// posting. One entry a job, removed with its receipt.
    #[pallet::storage]
    pub type JobsByUser<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 8], (), OptionQuery>;

    /// Deadlines of jobs that run when their input window is over, and of second and later attempts. Paid with the fee
    /// of the call that leads to one; each is removed when it falls due.
    #[pallet::storage]
    pub type Deadlines<T: Config> =
        StorageDoubleMap<_, Twox64Concat, Queue, Twox64Concat, u64, Due<BlockNumberFor<T>>, OptionQuery>;

    /// Where each queue of deadlines begins and ends. One entry a queue.
    #[pallet::storage]
    pub type QueueEnds<T: Config> = StorageMap<_, Twox64Concat, Queue, Ends, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A job was posted and its escrow held.
        Posted {
            /// The job.
            job: JobId,
            /// Who posted it.
            user: T::AccountId,
            /// The model to run.
            model: AssetId,
            /// The escrow.
            max_price: Balance,
            /// By which arithmetic it is to be answered.
            arithmetic: Arithmetic,
            /// By what its result is assured.
            tier: Tier,
        },
        /// A job was given to a provider; the user should now release the input to the device.
        Assigned {
            /// The job.
            job: JobId,
            /// The owner account, who is paid.
            provider: T::AccountId,
            /// The device account, who commits.
            device: T::AccountId,
            /// The key for which the input's content key is to be wrapped.
            encryption_key: EncryptionKey,
            /// Which assignment of this job it is, from 1.
            attempt: u8,
            /// The price per token.
            ask_per_token: Balance,
            /// Last block for the release.
            until: BlockNumberFor<T>,
        },
        /// The input was released to the assigned device.
        InputReleased {
            /// The job.
            job: JobId,
            /// The owner account of the device.
            provider: T::AccountId,
            /// Last block for the commit.
            until: BlockNumberFor<T>,
        },
        /// A result is there and may be challenged. It is paid when the window has passed.
        Committed {
            /// The job.
            job: JobId,
            /// The owner account, whose stake answers for it.
            provider: T::AccountId,
            /// What commits to each step of its computation.
            trace_root: Option<[u8; 32]>,
            /// Whether others than the user may challenge it.
            open: bool,
            /// Last block for a challenge.
            until: BlockNumberFor<T>,
        },
        /// The assigned provider gave the job back.
        Declined {
            /// The job.
            job: JobId,
            /// The provider.
            provider: T::AccountId,
            /// Why.
            why: Decline,
        },
        /// The assigned provider let the deadline pass.
        ProviderMissed {
            /// The job.
            job: JobId,
            /// The provider.
            provider: T::AccountId,
        },
        /// A job ended. Its receipt says the same and more.
        Ended {
            /// The job.
            job: JobId,
            /// The one reason.
            reason: Reason,
            /// Who held the job when it ended; `None` if nobody was left to take it.
            provider: Option<T::AccountId>,
            /// What was paid to whom.
            split: Split,
            /// How many providers the job was given to.
            attempts: u8,
        },
        /// The creator's part of a completed job was divided up the model's lineage.
        RoyaltyDivided {
            /// The job.
            job: JobId,
            /// Who got how much; the owner of the model last. They are the royalty of the job's split.
            parts: Vec<(T::AccountId, Balance)>,
        },
        /// A part of the escrow could not be paid to the party it was due to, because it is below the existential
        /// deposit and their account does not exist.
        Redirected {
            /// The job.
            job: JobId,
            /// Whom it was due to.
            due_to: Party,
            /// Who got it; `None` if it was burned as dust.
            paid_to: Option<Party>,
            /// How much.
            amount: Balance,
        },
        /// A receipt was removed after its retention.
        ReceiptPruned {
            /// The job.
            job: JobId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such job, or its receipt has been removed.
        NotFound,
        /// The job has ended; its receipt says how.
        AlreadyEnded,
        /// Only the user who posted the job may do this.
        NotYours,
        /// Only the device to which the job is assigned now may do this.
        NotAssignedToYou,
        /// The deadline has passed; the job is about to be re-assigned or refunded.
        DeadlinePassed,
        /// The deadline has not passed yet.
        NotYetDue,
        /// The input was released already: the job can no longer be taken back, nor released again.
        InputAlreadyReleased,
        /// The input has not been released to the device yet.
        InputNotReleased,
        /// The key is not that of the device to which the job is assigned now; look the assignment up again.
        StaleDeviceKey,
        /// No such model is listed.
        UnknownModel,
        /// The model was published without the root of an exact model, so no exact job can be posted on it: publish one
        /// that `weft exact convert` made, or post a float job.
        ModelIsNotExact,
        /// The model needs a licence, and the user holds none or theirs was revoked: buy one from the market.
        NoLicence,
        /// The user's licence of the model has run out: buy more.
        LicenceRanOut,
        /// Nobody with the model's key, enough stake and a free slot offers it; try again later.
        NoProvider,
        /// All who could do it ask for more per token than the maximum price allows; offer more or ask for fewer
        /// tokens.
        PriceBelowAsk,
        /// The balance does not cover the maximum price.
        EscrowNotCovered,
        /// A job must allow at least one token.
        NoTokens,
        /// More tokens than the chain allows a job, or than this job allows.
        TooManyTokens,
        /// The job is exact: its result must come with a trace root.
        TraceRootMissing,
        /// The job is not exact: its result comes without a trace root.
        UnexpectedTraceRoot,
        /// Only the result of an exact job can be challenged: ask for exact arithmetic, or for no such tier.
        TierNeedsExact,
        /// There is a result already; it waits for the end of its window for challenges.
        AlreadyCommitted,
        /// Disputes about the result go on; the end of the last one ends the job.
        Disputed,
        /// The provider's stake is below the minimum, so that nothing would answer for the result: bond more.
        StakeMissing,
    }

    impl<T> From<Refused> for Error<T> {
        fn from(refused: Refused) -> Self {
            match refused {
                Refused::DeadlinePassed => Self::DeadlinePassed,
                Refused::NotYetDue => Self::NotYetDue,
                Refused::InputAlreadyReleased => Self::InputAlreadyReleased,
                Refused::InputNotReleased | Refused::NotCommitted => Self::InputNotReleased,
                Refused::AlreadyCommitted => Self::AlreadyCommitted,
            }
        }
    }

    impl<T> From<NotLicensed> for Error<T> {
        fn from(not_licensed: NotLicensed) -> Self {
            match not_licensed {
                NotLicensed::NoLicence => Self::NoLicence,
                NotLicensed::RanOut => Self::LicenceRanOut,
            }
        }
    }

    impl<T> From<NoMatch> for Error<T> {
        fn from(no_match: NoMatch) -> Self {
            match no_match {
                NoMatch::NoProvider => Self::NoProvider,
                NoMatch::PriceBelowAsk => Self::PriceBelowAsk,
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
            let zero = BlockNumberFor::<T>::default();
            for window in [
                T::InputWindow::get(),
                T::ShortWindow::get(),
                T::StandardWindow::get(),
                T::LongWindow::get(),
                T::ShortChallengeWindow::get(),
                T::StandardChallengeWindow::get(),
                T::LongChallengeWindow::get(),
                T::Retention::get(),
            ] {
                assert!(window > zero, "a window of no blocks lets nobody act in time");
            }
            assert!(
                T::TreasuryCut::get() <= PPM,
                "the treasury's cut is a share of the price"
            );
            assert!(T::MaxTokens::get() > 0, "a job that allows no token cannot be posted");
            let due = Self::fixed_cost()
                .saturating_add(Self::costliest_step().saturating_mul(T::MaxDuePerBlock::get().into()));
            let block = T::BlockWeights::get().max_block;
            assert!(
                due.all_lte(block.saturating_div(4)),
                "MaxDuePerBlock deadlines must fit in a quarter of a block: {due:?} of {block:?}"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Posts a job and books the best provider for it.
        ///
        /// Origin: signed, the user. Holds `max_price`; of it at most `used_tokens` times the provider's ask is spent,
        /// and only if a result is committed in time. The provider's ask is at most `max_price / max_tokens`.
        ///
        /// - `input`: the sealed request. It need not be published before the assignment.
        /// - `user_key`: X25519 key to which the answer's content key is to be wrapped.
        /// - `arithmetic`: `Exact` asks for a trace root with the result. A float job may be posted on an exact model
        ///   too.
        /// - `tier`: by what the result is assured. What it costs on top of the ask is within `max_price`.
        ///
        /// If the model needs a licence, one use of the user's is taken. It is given back unless the job is completed.
        ///
        /// Errors: `NoTokens`, `TooManyTokens`, `UnknownModel`, `ModelIsNotExact`, `TierNeedsExact`, `NoLicence`,
        /// `LicenceRanOut`, `EscrowNotCovered`, `NoProvider`, `PriceBelowAsk`. Events: `Posted`, `Assigned`. Cost: flat.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::post(T::Providers::most_moves()).saturating_add(T::WeightInfo::take_use()))]
        #[allow(clippy::too_many_arguments)]
        pub fn post(
            origin: OriginFor<T>,
            model: AssetId,
            input: ContentId,
            user_key: EncryptionKey,
            max_tokens: u32,
            max_price: Balance,
            patience: Patience,
            arithmetic: Arithmetic,
            tier: Tier,
        ) -> DispatchResultWithPostInfo {
            let user = ensure_signed(origin)?;
            let order = Order {
                model,
                input,
                user_key,
                max_tokens,
                max_price,
                patience,
                arithmetic,
                tier,
            };
            let (moves, licence) = Self::do_post(user, order)?;
            let use_cost = licence.map_or(Weight::zero(), |_| T::WeightInfo::take_use());
            Ok(Some(T::WeightInfo::post(moves).saturating_add(use_cost)).into())
        }

        /// Releases the input to the assigned device, which may start.
        ///
        /// Origin: signed, the user who posted.
        ///
        /// - `device_key`: the key for which `wrapped` was made; must be that of the present assignment.
        /// - `wrapped`: the input's content key, wrapped for the device.
        ///
        /// The device's window begins with the end of the user's, so that a quick user gives it more time.
        ///
        /// Errors: `NotFound`, `AlreadyEnded`, `NotYours`, `StaleDeviceKey`, `DeadlinePassed`,
        /// `InputAlreadyReleased`. Events: `InputReleased`. Cost: flat.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::release_input())]
        pub fn release_input(
            origin: OriginFor<T>,
            job: JobId,
            device_key: EncryptionKey,
            wrapped: WrappedKey,
        ) -> DispatchResult {
            let user = ensure_signed(origin)?;
            Self::do_release_input(user, job, device_key, wrapped)
        }

        /// Takes a job back whose input has not been released. Everything is refunded.
        ///
        /// Origin: signed, the user who posted.
        ///
        /// Errors: `NotFound`, `AlreadyEnded`, `NotYours`, `InputAlreadyReleased`. Events: `Ended`. Cost: flat.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::cancel(T::Providers::most_moves()).saturating_add(T::WeightInfo::return_use()))]
        pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
            let user = ensure_signed(origin)?;
            let (moves, licence) = Self::do_cancel(user, job)?;
            let use_cost = licence.map_or(Weight::zero(), |_| T::WeightInfo::return_use());
            Ok(Some(T::WeightInfo::cancel(moves).saturating_add(use_cost)).into())
        }

        /// Commits the result of a job in time, which pays provider, creator and treasury and refunds the rest. The
        /// creator's part is divided up the model's lineage. If the job's tier is one whose results may be challenged, this
        /// happens when the window for it has passed, and needs no call.
        ///
        /// Origin: signed, the device to which the job is assigned. It is free, as it can succeed only once a job: a
        /// fee would come out of the device's account, while the pay goes to its owner's, and small jobs would not
        /// cover it.
        ///
        /// - `output`: the sealed answer.
        /// - `result_hash`: hash of the answer, salted with its content key.
        /// - `output_key`: the answer's content key, wrapped for the user.
        /// - `used_tokens`: tokens to charge, at most the job's `max_tokens`.
        /// - `trace_root`: of an exact job, what commits to each step of the answer's computation; `None` for a float
        ///   job. It is checked if somebody challenges it.
        /// - `evidence`: of a job that others may challenge, where they find what its trace is made of. Who does not find it may
        ///   demand it on chain.
        ///
        /// Errors: `NotFound`, `AlreadyEnded`, `NotAssignedToYou`, `InputNotReleased`, `DeadlinePassed`,
        /// `TooManyTokens`, `TraceRootMissing`, `UnexpectedTraceRoot`, `AlreadyCommitted`, `StakeMissing`; these cost the
        /// fee. Events: `Committed`, or `Ended`, `RoyaltyDivided` if more than one earns from the model, and `Redirected` for
        /// a part that could not be paid.
        /// Cost: linear in those who earn from the model, of whom there are few.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::commit(T::Providers::most_moves(), T::Royalties::most_payees())
            .max(T::WeightInfo::propose(T::Providers::most_moves())))]
        pub fn commit(
            origin: OriginFor<T>,
            job: JobId,
            output: ContentId,
            result_hash: [u8; 32],
            output_key: WrappedKey,
            used_tokens: u32,
            trace_root: Option<[u8; 32]>,
            evidence: Option<ContentId>,
        ) -> DispatchResultWithPostInfo {
            let device = ensure_signed(origin)?;
            let work = Work {
                output,
                result_hash,
                output_key,
                used_tokens,
                trace_root,
                evidence,
            };
            let weight = match Self::do_commit(device, job, work)? {
                Done::Paid(moves, payees) => T::WeightInfo::commit(moves, payees),
                Done::Proposed(moves) => T::WeightInfo::propose(moves),
            };
            Ok((Some(weight), Pays::No).into())
        }

        /// Gives a job back. It goes to the next provider, or is refunded if there is none or no attempt is left.
        ///
        /// Origin: signed, the device to which the job is assigned.
        ///
        /// Errors: `NotFound`, `AlreadyEnded`, `NotAssignedToYou`, `DeadlinePassed`. Events: `Declined`, then
        /// `Assigned` or `Ended`. Cost: flat.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::decline().max(T::WeightInfo::decline_abandoned()))]
        pub fn decline(origin: OriginFor<T>, job: JobId, why: Decline) -> DispatchResult {
            let device = ensure_signed(origin)?;
            Self::do_decline(device, job, why)
        }

        /// Notes that a job is overdue: it goes to the next provider, is refunded, or, if its window for challenges has passed, is
        /// paid. The chain does so by itself, but
        /// may be late when very many deadlines fall due at once; nobody has to wait for it.
        ///
        /// Origin: signed, anyone.
        ///
        /// Errors: `NotFound`, `AlreadyEnded`, `NotYetDue`, `Disputed`. Events: `ProviderMissed` if the provider is at fault, then
        /// `Assigned` or `Ended`. Cost: flat.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::expire()
            .max(T::WeightInfo::expire_abandoned())
            .max(T::WeightInfo::due_paid(T::Royalties::most_payees())))]
        pub fn expire(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_expire(job)
        }
    }
}
