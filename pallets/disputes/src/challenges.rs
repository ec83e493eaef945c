//! How a dispute begins: somebody names a step, or demands what was not shown.

use codec::{DecodeAll, Encode};
use frame_support::{
    ensure,
    traits::{Get, fungible::MutateHold as _},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{ArithmeticError, DispatchError, DispatchResult};
use weft_disputes::{Claimed, Game};
use weft_primitives::{
    JobId,
    registry::{Challengeable, ProposedResult},
};

use crate::{
    Awaited, ClaimBytes, Config, Dispute, DisputeId, DisputeOf, Disputes, DisputesOfJob, Error, Event, HoldReason,
    NextDispute, Pallet, Standing, Verdict,
};

/// A result as this pallet sees it.
pub(crate) type ResultOf<T> = ProposedResult<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge(who: T::AccountId, job: JobId, claimed: &[u8], position: u32) -> DispatchResult {
        let result = Self::challengeable(&who, job)?;
        let claimed = Self::claimed(&result, claimed)?;
        let game = Game::about_step(claimed.claim, position).map_err(|_| Error::<T>::NoSuchStep)?;
        let awaited = awaited::<T>(&game)?;
        Self::open(who, job, result, awaited)
    }

    pub(crate) fn do_demand(who: T::AccountId, job: JobId, text: u32) -> DispatchResult {
        let result = Self::challengeable(&who, job)?;
        Self::open(who, job, result, Awaited::Sketch { text })
    }

    pub(crate) fn do_show_sketch(who: T::AccountId, id: DisputeId, bytes: &[u8]) -> DispatchResult {
        let mut dispute = Self::awaiting(id, &who)?;
        let Awaited::Sketch { text } = dispute.awaited else {
            return Err(Error::<T>::NotNow.into());
        };
        ensure!(Self::is_provider(&dispute, &who), Error::<T>::NotYourTurn);
        let result = T::Results::proposed(dispute.job).ok_or(Error::<T>::Moot)?;
        let shown = weft_disputes::ShownSketch::decode_all(&mut &bytes[..]).map_err(|_| Error::<T>::Malformed)?;
        Self::check_claimed(&result, &shown.claimed)?;
        ensure!(shown.sketch.is_of(&shown.claimed.claim.trace), Error::<T>::NotCommitted);
        // The challenger has what there was to demand, and pays for it.
        let fee = T::DemandFee::get().min(dispute.bond);
        if Self::pay_bond(&dispute.challenger, &dispute.provider, fee) {
            dispute.bond = dispute.bond.saturating_sub(fee);
        }
        Self::deposit_event(Event::SketchShown {
            dispute: id,
            shown: bytes.to_vec(),
        });
        match shown.claimed.answers(text) {
            Some(true) => {
                let game = Game::about_any(shown.claimed.claim);
                dispute.awaited = awaited::<T>(&game)?;
                Self::go_on(id, dispute);
            }
            // The last text comes before the one that was asked for: there is none.
            Some(false) => Self::end(id, dispute, Verdict::Right),
            None => return Err(Error::<T>::OtherText.into()),
        }
        Ok(())
    }

    pub(crate) fn do_fault(who: T::AccountId, job: JobId, fault: &[u8]) -> DispatchResult {
        let result = Self::challengeable(&who, job)?;
        let fault = weft_disputes::PromptFault::decode_all(&mut &fault[..]).map_err(|_| Error::<T>::Malformed)?;
        Self::check_claimed(&result, &fault.claimed)?;
        let commitment = result.prompt.ok_or(Error::<T>::PromptNotCommitted)?;
        let unasked = fault.judge(&commitment).map_err(|_| Error::<T>::NotShown)?;
        // It is over at once. It is counted as a dispute, as others may go on.
        let id = Self::number()?;
        T::Results::disputed(job);
        let dispute = Self::record(who, job, result, Awaited::Sketch { text: 0 }, 0);
        Self::announce(id, &dispute);
        Self::end(id, dispute, Verdict::Unasked(unasked));
        Ok(())
    }

    /// A result that this account may challenge now.
    fn challengeable(who: &T::AccountId, job: JobId) -> Result<ResultOf<T>, Error<T>> {
        let result = T::Results::proposed(job).ok_or(Error::NothingToChallenge)?;
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= result.until, Error::<T>::TooLate);
        ensure!(*who != result.provider && *who != result.device, Error::<T>::OwnResult);
        ensure!(result.open || *who == result.user, Error::<T>::PrivateJob);
        Ok(result)
    }

    /// Reads what is claimed, and holds it to what the provider committed to.
    fn claimed(result: &ResultOf<T>, claimed: &[u8]) -> Result<Claimed, Error<T>> {
        let claimed = Claimed::decode_all(&mut &claimed[..]).map_err(|_| Error::Malformed)?;
        Self::check_claimed(result, &claimed)?;
        Ok(claimed)
    }

    fn check_claimed(result: &ResultOf<T>, claimed: &Claimed) -> Result<(), Error<T>> {
        let program = claimed
            .check(&result.exact_root, &result.trace_root)
            .map_err(|_| Error::NotCommitted)?;
        let bytes = claimed.claim.reveal_bytes(&program);
        let most = usize::try_from(T::MaxRevealBytes::get()).unwrap_or(usize::MAX);
        ensure!(bytes <= most, Error::<T>::TooLarge);
        Ok(())
    }

    fn open(who: T::AccountId, job: JobId, result: ResultOf<T>, awaited: Awaited) -> DispatchResult {
        let bond = T::ChallengeBond::get();
        T::Currency::hold(&HoldReason::Bond.into(), &who, bond).map_err(|_| Error::<T>::BondNotCovered)?;
        let id = Self::number()?;
        T::Results::disputed(job);
        let dispute = Self::record(who, job, result, awaited, bond);
        Self::announce(id, &dispute);
        Self::enqueue(dispute.until, id);
        DisputesOfJob::<T>::insert(job, id, ());
        Disputes::<T>::insert(id, dispute);
        Ok(())
    }

    fn number() -> Result<DisputeId, DispatchError> {
        let id = NextDispute::<T>::get();
        NextDispute::<T>::put(id.checked_add(1).ok_or(ArithmeticError::Overflow)?);
        Ok(id)
    }

    fn record(
        challenger: T::AccountId,
        job: JobId,
        result: ResultOf<T>,
        awaited: Awaited,
        bond: weft_primitives::Balance,
    ) -> DisputeOf<T> {
        Dispute {
            job,
            challenger,
            provider: result.provider,
            device: result.device,
            standing: Standing::Open,
            awaited,
            until: Self::deadline(T::MoveWindow::get()),
            bond,
            seized: None,
            appeal_bond: 0,
            moves: 1,
            opened_at: frame_system::Pallet::<T>::block_number(),
        }
    }

    fn announce(id: DisputeId, dispute: &DisputeOf<T>) {
        Self::deposit_event(Event::Challenged {
            dispute: id,
            job: dispute.job,
            challenger: dispute.challenger.clone(),
            provider: dispute.provider.clone(),
            device: dispute.device.clone(),
            until: dispute.until,
        });
    }
}

/// A game as it is stored.
pub(crate) fn awaited<T: Config>(game: &Game) -> Result<Awaited, Error<T>> {
    let claim = ClaimBytes::try_from(game.claim.encode()).map_err(|_| Error::TooLarge)?;
    let stage = game.stage;
    Ok(Awaited::Move { claim, stage })
}
