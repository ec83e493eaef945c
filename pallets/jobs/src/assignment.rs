//! Posting a job, and finding who does it.

use alloc::vec::Vec;

use codec::Encode;
use frame_support::{
    ensure,
    traits::{Get, Randomness, fungible::hold::Mutate},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    ArithmeticError, DispatchError, Saturating,
    traits::{BlakeTwo256, Hash, Zero},
};
use weft_primitives::{
    AssetId, Balance, ContentId, JobId, LicenceId,
    device::EncryptionKey,
    job::{Arithmetic, Patience, Phase, Reason},
    price::{PPM, share_of},
    registry::{Booking, Matching, ModelRegistry, Moves, NoMatch},
    reputation::Outcome,
    tier::Tier,
};

use crate::{Config, Error, Event, HoldReason, Job, JobOf, Jobs, JobsByUser, NextJobId, Pallet, Queue, types::Handled};

/// What a user orders.
pub(crate) struct Order {
    pub model: AssetId,
    pub input: ContentId,
    pub user_key: EncryptionKey,
    pub max_tokens: u32,
    pub max_price: Balance,
    pub patience: Patience,
    pub arithmetic: Arithmetic,
    pub tier: Tier,
}

/// The highest price per token that `max_price` covers for `max_tokens`; `None` for no tokens.
fn max_ask(max_price: Balance, max_tokens: u32) -> Option<Balance> {
    max_price.checked_div(max_tokens.into())
}

/// The highest ask that is no more than `most` with a tier's premium on it.
fn ask_below_premium(most: Balance, tier: &Tier) -> Balance {
    let whole = Balance::from(PPM);
    let with_premium = whole.saturating_add(tier.premium().into());
    // First the whole parts, so that nothing overflows.
    let (parts, rest) = (
        most.checked_div(with_premium).unwrap_or_default(),
        most.checked_rem(with_premium).unwrap_or_default(),
    );
    let of_rest = rest.saturating_mul(whole).checked_div(with_premium).unwrap_or_default();
    parts.saturating_mul(whole).saturating_add(of_rest)
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_post(user: T::AccountId, order: Order) -> Result<(Moves, Option<LicenceId>), DispatchError> {
        let Order {
            model,
            input,
            user_key,
            max_tokens,
            max_price,
            patience,
            arithmetic,
            tier,
        } = order;
        let most = max_ask(max_price, max_tokens).ok_or(Error::<T>::NoTokens)?;
        ensure!(max_tokens <= T::MaxTokens::get(), Error::<T>::TooManyTokens);
        let terms = T::Models::listed_model(model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(
            terms.exact_root.is_some() || arithmetic == Arithmetic::Float,
            Error::<T>::ModelIsNotExact
        );
        ensure!(
            tier.challenges().is_none() || arithmetic.has_trace(),
            Error::<T>::TierNeedsExact
        );
        let licence = T::Models::take_use(model, &user).map_err(Error::<T>::from)?;
        if !max_price.is_zero() {
            T::Currency::hold(&HoldReason::Escrow.into(), &user, max_price)
                .map_err(|_| Error::<T>::EscrowNotCovered)?;
        }
        let id = NextJobId::<T>::get();
        NextJobId::<T>::put(id.checked_add(1).ok_or(ArithmeticError::Overflow)?);

        let attempt = 1;
        let (booking, moves) = Self::book(id, model, most, &tier, &[], attempt).map_err(Error::<T>::from)?;
        let now = frame_system::Pallet::<T>::block_number();
        let job = Job {
            user,
            model,
            input,
            user_key,
            max_tokens,
            max_price,
            patience,
            arithmetic,
            tier,
            attempt,
            excluded: Default::default(),
            booking,
            phase: Self::awaiting_input(now),
            input_key: None,
            licence,
            proposed: None,
            posted_at: now,
        };
        Self::deposit_event(Event::Posted {
            job: id,
            user: job.user.clone(),
            model,
            max_price,
            arithmetic,
            tier,
        });
        JobsByUser::<T>::insert(&job.user, id.to_be_bytes(), ());
        Self::assign(id, job);
        Ok((moves, licence))
    }

    /// Takes the job from its provider, to whom `outcome` is counted, and gives it to the next one; ends it if there
    /// is none.
    pub(crate) fn reassign(id: JobId, mut job: JobOf<T>, outcome: Outcome) -> Handled {
        Self::free(id, &job, outcome);
        let attempt = job.attempt.saturating_add(1);
        match Self::next_booking(id, &mut job, attempt) {
            Ok(booking) => {
                job.attempt = attempt;
                job.booking = booking;
                job.phase = Self::awaiting_input(frame_system::Pallet::<T>::block_number());
                job.input_key = None;
                let due = job.phase.until().saturating_add(1u32.into());
                Self::enqueue(Queue::Input, id, attempt, due);
                Self::assign(id, job);
                Handled::Reassigned
            }
            Err(_) => {
                let paid = Self::pay_out(id, &job, Self::refund_of(&job), &[]);
                Self::close(id, job, None, Reason::NoEligibleProvider, None, paid);
                Handled::Abandoned
            }
        }
    }

    fn next_booking(id: JobId, job: &mut JobOf<T>, attempt: u8) -> Result<Booking<T::AccountId>, NoMatch> {
        // There is room: it holds as many as there are attempts, and the last attempt is not re-assigned.
        job.excluded
            .try_push(job.booking.provider.clone())
            .map_err(|_| NoMatch::NoProvider)?;
        let most = max_ask(job.max_price, job.max_tokens).ok_or(NoMatch::NoProvider)?;
        Self::book(id, job.model, most, &job.tier, &job.excluded, attempt).map(|(booking, _)| booking)
    }

    /// Books somebody whose ask, with the tier's premium on it, is at most `most`.
    fn book(
        id: JobId,
        model: AssetId,
        most: Balance,
        tier: &Tier,
        excluded: &[T::AccountId],
        attempt: u8,
    ) -> Result<(Booking<T::AccountId>, Moves), NoMatch> {
        let ask = ask_below_premium(most, tier);
        let (mut booking, moves) = T::Providers::book(id, model, ask, excluded, Self::seed(id, attempt))?;
        let premium = share_of(booking.ask_per_token, tier.premium());
        booking.ask_per_token = booking.ask_per_token.saturating_add(premium).min(most);
        Ok((booking, moves))
    }

    /// Stores a job for which a provider was just booked.
    fn assign(id: JobId, job: JobOf<T>) {
        Self::deposit_event(Event::Assigned {
            job: id,
            provider: job.booking.provider.clone(),
            device: job.booking.device.clone(),
            encryption_key: job.booking.encryption_key,
            attempt: job.attempt,
            ask_per_token: job.booking.ask_per_token,
            until: job.phase.until(),
        });
        Jobs::<T>::insert(id, job);
    }

    /// Ends the booking of a job: its provider's slot is free again and the outcome counted. Once a booking.
    pub(crate) fn free(id: JobId, job: &JobOf<T>, outcome: Outcome) -> Moves {
        T::Providers::settle(&job.booking.provider, id, outcome)
    }

    fn awaiting_input(now: BlockNumberFor<T>) -> Phase<BlockNumberFor<T>> {
        Phase::AwaitingInput {
            until: now.saturating_add(T::InputWindow::get()),
        }
    }

    /// What decides among equals. The chain's randomness may be known one epoch ahead, so the parent's hash is mixed
    /// in, which nobody who signs a transaction knows for the block it lands in.
    fn seed(id: JobId, attempt: u8) -> [u8; 32] {
        let subject: Vec<u8> = (id, attempt).encode();
        let (random, _) = T::Randomness::random(&subject);
        let parent = frame_system::Pallet::<T>::parent_hash();
        BlakeTwo256::hash(&(random, parent, id, attempt).encode()).0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_primitives::tier::{Challenges, Window};

    use super::*;

    proptest! {
        #[test]
        fn the_premium_is_never_more_than_the_price_covers(most: Balance, window in prop::sample::select(&Window::ALL[..])) {
            let tier = Tier::Exact(Challenges { window, prompt: None, open: true });
            let ask = ask_below_premium(most, &tier);
            let paid = ask.checked_add(share_of(ask, tier.premium())).unwrap();
            prop_assert!(paid <= most);
            // And nothing is left for a dearer one, but for roundings.
            prop_assert!(most - paid <= 2);
            prop_assert_eq!(ask_below_premium(most, &Tier::None), most);
        }
    }
}
