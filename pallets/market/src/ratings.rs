//! What those who paid for a work say of it.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    ContentId, WorkId,
    rating::{MAX_STARS, PaidUse},
    registry::PaidJobs,
};

use crate::{Assets, Config, Error, Event, HoldReason, Licences, Pallet, Raters, Rating, Ratings, Works};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_rate(
        who: T::AccountId,
        id: WorkId,
        stars: u8,
        review: Option<ContentId>,
        proof: PaidUse,
    ) -> DispatchResult {
        ensure!((1..=MAX_STARS).contains(&stars), Error::<T>::InvalidStars);
        let mut work = Works::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(work.owner != who, Error::<T>::OwnWork);
        ensure!(Self::has_paid(&who, id, proof), Error::<T>::NotPaid);
        let before = work.clone();
        let (position, deposit) = match Ratings::<T>::get(id, &who) {
            Some(older) => {
                work.ratings = work.ratings.without(older.stars);
                (older.position, older.deposit)
            }
            None => {
                let deposit = T::RatingDeposit::get();
                T::Currency::hold(&HoldReason::Rating.into(), &who, deposit)?;
                Raters::<T>::insert(id, work.ratings.count, &who);
                (work.ratings.count, deposit)
            }
        };
        work.ratings = work.ratings.with(stars);
        Ratings::<T>::insert(
            id,
            &who,
            Rating {
                stars,
                review,
                rated_at: frame_system::Pallet::<T>::block_number(),
                position,
                deposit,
            },
        );
        Self::put_work(id, Some(&before), work);
        Self::deposit_event(Event::Rated {
            work: id,
            who,
            stars,
            review,
        });
        Ok(())
    }

    pub(crate) fn do_remove_rating(who: T::AccountId, id: WorkId) -> DispatchResult {
        let rating = Ratings::<T>::take(id, &who).ok_or(Error::<T>::NotRated)?;
        let mut work = Works::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let before = work.clone();
        work.ratings = work.ratings.without(rating.stars);
        // The last one takes the place, so that the list has no gaps.
        if let Some(last) = Raters::<T>::take(id, work.ratings.count)
            && last != who
        {
            Ratings::<T>::mutate(id, &last, |moved| {
                if let Some(moved) = moved {
                    moved.position = rating.position;
                }
            });
            Raters::<T>::insert(id, rating.position, last);
        }
        T::Currency::release(&HoldReason::Rating.into(), &who, rating.deposit, Precision::Exact)?;
        Self::put_work(id, Some(&before), work);
        Self::deposit_event(Event::RatingRemoved { work: id, who });
        Ok(())
    }

    fn has_paid(who: &T::AccountId, id: WorkId, proof: PaidUse) -> bool {
        match proof {
            PaidUse::Licence(licence) => Licences::<T>::get(licence)
                .is_some_and(|licence| licence.holder == *who && licence.work == id && licence.paid > 0),
            PaidUse::Job(job) => T::Jobs::paid_job(job).is_some_and(|(user, model)| {
                user == *who && Assets::<T>::get(model).is_some_and(|model| model.work == id)
            }),
        }
    }
}
