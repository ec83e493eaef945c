//! What an owner decides of a work: how it is found, what it costs, and whose it is to be.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::WorkId;

use crate::{Config, Error, Event, HoldReason, Pallet, Tags, Tariffs, Works};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_set_tags(who: T::AccountId, id: WorkId, tags: Tags) -> DispatchResult {
        let mut work = Self::work_of(&who, id)?;
        Self::check_tags(&tags)?;
        let before = work.clone();
        work.tags = tags.clone();
        Self::put_work(id, Some(&before), work);
        Self::deposit_event(Event::TagsSet { work: id, tags });
        Ok(())
    }

    pub(crate) fn do_set_tariffs(who: T::AccountId, id: WorkId, tariffs: Tariffs) -> DispatchResult {
        let mut work = Self::work_of(&who, id)?;
        Self::check_tariffs(&tariffs)?;
        let before = work.clone();
        work.tariffs = tariffs.clone();
        Self::put_work(id, Some(&before), work);
        Self::deposit_event(Event::TariffsSet { work: id, tariffs });
        Ok(())
    }

    pub(crate) fn do_offer_transfer(who: T::AccountId, id: WorkId, to: Option<T::AccountId>) -> DispatchResult {
        let mut work = Self::work_of(&who, id)?;
        ensure!(to.as_ref() != Some(&who), Error::<T>::OwnWork);
        work.offered_to = to.clone();
        Works::<T>::insert(id, work);
        Self::deposit_event(Event::TransferOffered { work: id, to });
        Ok(())
    }

    /// The deposits of all its records change hands as two sums: the new owner's is held and the old owner's released,
    /// so that nobody pays the other.
    pub(crate) fn do_accept_transfer(who: T::AccountId, id: WorkId) -> DispatchResult {
        let mut work = Works::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(work.offered_to.as_ref() == Some(&who), Error::<T>::NotOffered);
        let before = work.clone();
        for (reason, sum) in [
            (HoldReason::Publication, work.deposit),
            (HoldReason::Grant, work.grant_deposits),
        ] {
            let reason = reason.into();
            T::Currency::hold(&reason, &who, sum)?;
            T::Currency::release(&reason, &before.owner, sum, Precision::Exact)?;
        }
        work.owner = who.clone();
        work.offered_to = None;
        Self::put_work(id, Some(&before), work);
        Self::deposit_event(Event::Transferred {
            work: id,
            from: before.owner,
            to: who,
        });
        Ok(())
    }
}
