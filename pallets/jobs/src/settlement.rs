//! How a job ends: with a result that is paid for, or without one and with a refund.

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
    job::{Act, Decline, Reason, Step},
    price::{self, Split},
    registry::{ModelRegistry, Moves},
    reputation::Outcome,
};

use crate::{Config, Error, Event, HoldReason, JobOf, Jobs, Pallet, Party, Receipt, Receipts, types::Handled};

/// What a device commits to.
pub(crate) struct Work {
    pub output: ContentId,
    pub result_hash: [u8; 32],
    pub output_key: WrappedKey,
    pub used_tokens: u32,
    pub trace_root: Option<[u8; 32]>,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit(device: T::AccountId, id: JobId, work: Work) -> Result<Moves, DispatchError> {
        let job = Self::living(id)?;
        ensure!(job.booking.device == device, Error::<T>::NotAssignedToYou);
        let Step::End { reason, outcome } = Self::step(&job, Act::Commit)? else {
            defensive!("a commit in time ends the job");
            return Err(Error::<T>::InputNotReleased.into());
        };
        ensure!(work.used_tokens <= job.max_tokens, Error::<T>::TooManyTokens);
        match (job.arithmetic.has_trace(), work.trace_root) {
            (true, None) => return Err(Error::<T>::TraceRootMissing.into()),
            (false, Some(_)) => return Err(Error::<T>::UnexpectedTraceRoot.into()),
            (true, Some(_)) | (false, None) => {}
        }

        let terms = T::Models::model(job.model);
        let royalty = terms.as_ref().map_or(0, |terms| terms.royalty);
        let due = price::split(
            job.max_price,
            job.booking.ask_per_token,
            work.used_tokens,
            royalty,
            T::TreasuryCut::get(),
        );
        let paid = Self::pay_out(id, &job, due, terms.map(|terms| terms.creator).as_ref());
        let moves = Self::free(id, &job, outcome);
        let provider = job.booking.provider.clone();
        Self::close(id, job, Some(provider), reason, Some(work), paid);
        Ok(moves)
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

    /// Takes a step that pays nobody: to the next provider, or to an end with a refund.
    pub(crate) fn give_up(id: JobId, job: JobOf<T>, step: Step) -> Handled {
        match step {
            Step::Reassign { outcome } => Self::reassign(id, job, outcome),
            Step::End { reason, outcome } => {
                Self::refund(id, job, reason, outcome);
                Handled::Refunded
            }
            Step::Run => {
                defensive!("only a release of the input starts a run");
                Handled::Skipped
            }
        }
    }

    /// Ends a job with everything back to its user.
    pub(crate) fn refund(id: JobId, job: JobOf<T>, reason: Reason, outcome: Outcome) -> Moves {
        let moves = Self::free(id, &job, outcome);
        let refund = Split {
            refund: job.max_price,
            ..Default::default()
        };
        let paid = Self::pay_out(id, &job, refund, None);
        let provider = job.booking.provider.clone();
        Self::close(id, job, Some(provider), reason, None, paid);
        moves
    }

    /// Replaces a job, which has been paid out, by its receipt.
    pub(crate) fn close(
        id: JobId,
        job: JobOf<T>,
        provider: Option<T::AccountId>,
        reason: Reason,
        work: Option<Work>,
        paid: Split,
    ) {
        let now = frame_system::Pallet::<T>::block_number();
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
    pub(crate) fn pay_out(id: JobId, job: &JobOf<T>, due: Split, creator: Option<&T::AccountId>) -> Split {
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
        if creator.is_some_and(|creator| Self::pay(&job.user, creator, due.royalty)) {
            paid.royalty = due.royalty;
        } else if !due.royalty.is_zero() {
            redirected(Party::Creator, Some(Party::Treasury), due.royalty);
            to_treasury.saturating_accrue(due.royalty);
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
