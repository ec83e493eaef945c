//! How a job ends: with a result that is paid for, at once or when its window for challenges has passed, or with a refund.

use alloc::vec::Vec;

use frame_support::{
    defensive, ensure,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::hold::Mutate,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, DispatchResult, Saturating, TokenError, traits::Zero};
use weft_primitives::{
    Balance, ContentId, JobId,
    device::WrappedKey,
    job::{Act, Decline, Phase, Reason, Step},
    job_view::Proposed,
    price::{self, Split},
    registry::{Matching, ModelRegistry, Moves, Royalties},
    reputation::Outcome,
};

use crate::{Config, Error, Event, HoldReason, JobOf, Jobs, Pallet, Party, Queue, Receipt, Receipts, types::Handled};

/// What a device commits to.
pub(crate) struct Work {
    pub output: ContentId,
    pub result_hash: [u8; 32],
    pub output_key: WrappedKey,
    pub used_tokens: u32,
    pub trace_root: Option<[u8; 32]>,
    pub evidence: Option<ContentId>,
}

/// What a commit did.
pub(crate) enum Done {
    /// It ended the job: with so many places changed in the order book, and the royalty divided among so many.
    Paid(Moves, u32),
    /// It opened the result to challenges.
    Proposed(Moves),
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit(device: T::AccountId, id: JobId, work: Work) -> Result<Done, DispatchError> {
        let job = Self::living(id)?;
        ensure!(job.booking.device == device, Error::<T>::NotAssignedToYou);
        let act = if job.tier.challenges().is_some() {
            Act::Propose
        } else {
            Act::Commit
        };
        let step = Self::step(&job, act)?;
        ensure!(work.used_tokens <= job.max_tokens, Error::<T>::TooManyTokens);
        match (job.arithmetic.has_trace(), work.trace_root) {
            (true, None) => return Err(Error::<T>::TraceRootMissing.into()),
            (false, Some(_)) => return Err(Error::<T>::UnexpectedTraceRoot.into()),
            (true, Some(_)) | (false, None) => {}
        }
        match step {
            Step::Await => Self::propose(id, job, work).map(Done::Proposed),
            Step::End { reason, outcome } => {
                let (paid, payees) = Self::pay_for(id, &job, work.used_tokens);
                let moves = Self::free(id, &job, outcome);
                let provider = job.booking.provider.clone();
                Self::close(id, job, Some(provider), reason, Some(work), paid);
                Ok(Done::Paid(moves, payees))
            }
            Step::Run | Step::Reassign { .. } | Step::Close { .. } => {
                defensive!("a commit in time ends the run");
                Err(Error::<T>::InputNotReleased.into())
            }
        }
    }

    /// A result that may be challenged: its provider is free for other jobs, and waits for the pay.
    fn propose(id: JobId, mut job: JobOf<T>, work: Work) -> Result<Moves, DispatchError> {
        let Some(challenges) = job.tier.challenges().copied() else {
            defensive!("who may be challenged has a window for it");
            return Err(Error::<T>::InputNotReleased.into());
        };
        // Nothing would answer for the result.
        ensure!(T::Providers::is_staked(&job.booking.provider), Error::<T>::StakeMissing);
        let moves = Self::free(id, &job, Outcome::Kept);
        let now = frame_system::Pallet::<T>::block_number();
        let until = now.saturating_add(Self::challenge_window(challenges.window));
        job.phase = Phase::Committed { until };
        Self::deposit_event(Event::Committed {
            job: id,
            provider: job.booking.provider.clone(),
            trace_root: work.trace_root,
            open: challenges.open,
            until,
        });
        job.proposed = Some(Proposed {
            output: work.output,
            result_hash: work.result_hash,
            trace_root: work.trace_root,
            output_key: work.output_key,
            used_tokens: work.used_tokens,
            evidence: work.evidence,
            disputes: 0,
        });
        let due = until.saturating_add(1u32.into());
        Self::enqueue(Queue::of_window(challenges.window), id, job.attempt, due);
        Jobs::<T>::insert(id, job);
        Ok(moves)
    }

    /// Ends a job whose result was not refuted: it is paid. One whose result was: everything goes back to its user.
    pub(crate) fn conclude(id: JobId, mut job: JobOf<T>, reason: Reason) {
        let Some(proposed) = job.proposed.take() else {
            defensive!("what is committed is there");
            return;
        };
        let provider = Some(job.booking.provider.clone());
        if !reason.is_paid() {
            let paid = Self::pay_out(id, &job, Self::refund_of(&job), &[]);
            Self::close(id, job, provider, reason, None, paid);
            return;
        }
        let (paid, _) = Self::pay_for(id, &job, proposed.used_tokens);
        let work = Work {
            output: proposed.output,
            result_hash: proposed.result_hash,
            output_key: proposed.output_key,
            used_tokens: proposed.used_tokens,
            trace_root: proposed.trace_root,
            evidence: None,
        };
        Self::close(id, job, provider, reason, Some(work), paid);
    }

    /// Pays for a result. What was paid, and among how many the royalty was divided.
    fn pay_for(id: JobId, job: &JobOf<T>, used_tokens: u32) -> (Split, u32) {
        let due = price::split(
            job.max_price,
            job.booking.ask_per_token,
            used_tokens,
            T::Models::model(job.model).map_or(0, |terms| terms.royalty),
            T::TreasuryCut::get(),
        );
        let royalties = if due.royalty.is_zero() {
            Vec::new()
        } else {
            T::Royalties::divide(job.model, due.royalty)
        };
        let payees = u32::try_from(royalties.len()).unwrap_or(u32::MAX);
        (Self::pay_out(id, job, due, &royalties), payees)
    }

    pub(crate) fn refund_of(job: &JobOf<T>) -> Split {
        Split {
            refund: job.max_price,
            ..Default::default()
        }
    }

    pub(crate) fn do_decline(device: T::AccountId, id: JobId, why: Decline) -> DispatchResult {
        let job = Self::living(id)?;
        ensure!(job.booking.device == device, Error::<T>::NotAssignedToYou);
        let step = Self::step(&job, Act::Decline)?;
        Self::deposit_event(Event::Declined {
            job: id,
            provider: job.booking.provider.clone(),
            why,
        });
        Self::give_up(id, job, step);
        Ok(())
    }

    /// Takes the step of a job that is overdue or given back: to the next provider, or to its end.
    pub(crate) fn give_up(id: JobId, job: JobOf<T>, step: Step) -> Handled {
        match step {
            Step::Reassign { outcome } => Self::reassign(id, job, outcome),
            Step::End { reason, outcome } => {
                Self::refund(id, job, reason, outcome);
                Handled::Refunded
            }
            Step::Close { reason } => {
                Self::conclude(id, job, reason);
                Handled::Paid
            }
            Step::Run | Step::Await => {
                defensive!("who gives up neither starts nor ends a run");
                Handled::Skipped
            }
        }
    }

    /// Ends a job with everything back to its user.
    pub(crate) fn refund(id: JobId, job: JobOf<T>, reason: Reason, outcome: Outcome) -> Moves {
        let moves = Self::free(id, &job, outcome);
        let paid = Self::pay_out(id, &job, Self::refund_of(&job), &[]);
        let provider = job.booking.provider.clone();
        Self::close(id, job, Some(provider), reason, None, paid);
        moves
    }

    /// Replaces a job, which has been paid out, by its receipt. A use that came to nothing goes back to the user's
    /// licence.
    pub(crate) fn close(
        id: JobId,
        job: JobOf<T>,
        provider: Option<T::AccountId>,
        reason: Reason,
        work: Option<Work>,
        paid: Split,
    ) {
        let now = frame_system::Pallet::<T>::block_number();
        if let Some(licence) = job.licence
            && !reason.is_paid()
        {
            T::Models::return_use(licence);
        }
        Jobs::<T>::remove(id);
        Self::deposit_event(Event::Ended {
            job: id,
            reason,
            provider: provider.clone(),
            split: paid,
            attempts: job.attempt,
        });
        Receipts::<T>::insert(
            id,
            Receipt {
                user: job.user,
                model: job.model,
                arithmetic: job.arithmetic,
                tier: job.tier,
                provider,
                reason,
                output: work.as_ref().map(|work| work.output),
                result_hash: work.as_ref().map(|work| work.result_hash),
                trace_root: work.as_ref().and_then(|work| work.trace_root),
                used_tokens: work.as_ref().map_or(0, |work| work.used_tokens),
                output_key: work.map(|work| work.output_key),
                split: paid,
                attempts: job.attempt,
                posted_at: job.posted_at,
                ended_at: now,
            },
        );
    }

    /// Empties a job's escrow as `due` says, and returns what was really paid.
    ///
    /// It cannot fail, or a provider could be kept from their pay, or a job from its end, by an account that does not
    /// exist. What an account cannot take because it is below the existential deposit goes to the treasury; what the
    /// treasury cannot take, to the user; and what not even the user can take is burned, as the chain does with dust.
    ///
    /// `royalties` are the parts of the royalty; what they leave of it is nobody's and goes to the treasury.
    pub(crate) fn pay_out(id: JobId, job: &JobOf<T>, due: Split, royalties: &[(T::AccountId, Balance)]) -> Split {
        let mut paid = Split::default();
        let redirected = |due_to, paid_to, amount| {
            Self::deposit_event(Event::Redirected {
                job: id,
                due_to,
                paid_to,
                amount,
            })
        };
        let treasury = T::TreasuryAccount::get();
        let mut to_treasury = due.treasury;
        if Self::pay(&job.user, &job.booking.provider, due.provider) {
            paid.provider = due.provider;
        } else {
            redirected(Party::Provider, Some(Party::Treasury), due.provider);
            to_treasury.saturating_accrue(due.provider);
        }
        let mut received = Vec::new();
        for (owner, part) in royalties {
            if Self::pay(&job.user, owner, *part) {
                paid.royalty.saturating_accrue(*part);
                received.push((owner.clone(), *part));
            } else {
                redirected(Party::Creator, Some(Party::Treasury), *part);
                to_treasury.saturating_accrue(*part);
            }
        }
        if royalties.len() > 1 {
            Self::deposit_event(Event::RoyaltyDivided {
                job: id,
                parts: received,
            });
        }
        let nobodys = royalties
            .iter()
            .fold(due.royalty, |rest, (_, part)| rest.saturating_sub(*part));
        if !nobodys.is_zero() {
            redirected(Party::Creator, Some(Party::Treasury), nobodys);
            to_treasury.saturating_accrue(nobodys);
        }
        let mut to_user = due.refund;
        if Self::pay(&job.user, &treasury, to_treasury) {
            paid.treasury = to_treasury;
        } else {
            redirected(Party::Treasury, Some(Party::User), to_treasury);
            to_user.saturating_accrue(to_treasury);
        }
        if Self::release(&job.user, to_user) {
            paid.refund = to_user;
        } else if Self::pay(&job.user, &treasury, to_user) {
            redirected(Party::User, Some(Party::Treasury), to_user);
            paid.treasury.saturating_accrue(to_user);
        } else {
            redirected(Party::User, None, to_user);
            Self::burn(&job.user, to_user);
        }
        paid
    }

    /// Pays from a user's escrow. Whether it worked in full; if not, nothing has changed.
    ///
    /// By force: funds that are both held and frozen (staked, voting) were promised here all the same.
    fn pay(user: &T::AccountId, to: &T::AccountId, amount: Balance) -> bool {
        all_or_nothing(amount, || {
            T::Currency::transfer_on_hold(
                &HoldReason::Escrow.into(),
                user,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        })
    }

    /// Gives back from a user's escrow. Whether it worked in full; if not, nothing has changed.
    fn release(user: &T::AccountId, amount: Balance) -> bool {
        all_or_nothing(amount, || {
            T::Currency::release(&HoldReason::Escrow.into(), user, amount, Precision::Exact)
        })
    }

    fn burn(user: &T::AccountId, amount: Balance) {
        let burned = T::Currency::burn_held(
            &HoldReason::Escrow.into(),
            user,
            amount,
            Precision::BestEffort,
            Fortitude::Force,
        );
        if burned != Ok(amount) {
            defensive!("a living job's escrow is held in full");
        }
    }
}

/// Whether `movement` moved the whole amount. If not it is undone: at the edge of an account's existence it may report
/// success and have moved less.
fn all_or_nothing(amount: Balance, movement: impl FnOnce() -> Result<Balance, DispatchError>) -> bool {
    amount.is_zero()
        || with_storage_layer(|| {
            let moved = movement()?;
            ensure!(moved == amount, DispatchError::Token(TokenError::CannotCreate));
            Ok::<(), DispatchError>(())
        })
        .is_ok()
}
