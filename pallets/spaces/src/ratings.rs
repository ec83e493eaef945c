//! What those who paid say of a Space.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    ContentId,
    rating::MAX_STARS,
    registry::PaidJobs,
    shelf::Shelf,
    space::{PaidUse, SpaceId},
};

use crate::{
    Config, Error, Event, HoldReason, Pallet, Purchases, Rating, Ratings, Roll, Space, SpaceOf, Spaces,
    catalogue::StoredRoll,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_rate(
        who: T::AccountId,
        id: SpaceId,
        stars: u8,
        review: Option<ContentId>,
        proof: PaidUse,
    ) -> DispatchResult {
        let before = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(before.owner != who, Error::<T>::OwnSpace);
        ensure!((1..=MAX_STARS).contains(&stars), Error::<T>::InvalidStars);
        ensure!(Self::has_paid(id, &before, &who, proof), Error::<T>::NotPaid);
        let (others, deposit) = match Ratings::<T>::get(id, &who) {
            Some(earlier) => (before.ratings.without(earlier.stars), earlier.deposit),
            None => {
                let deposit = T::RatingDeposit::get();
                T::Currency::hold(&HoldReason::Rating.into(), &who, deposit)?;
                StoredRoll::<T>::from(Roll::Raters(id)).add(&who);
                (before.ratings, deposit)
            }
        };
        Ratings::<T>::insert(
            id,
            &who,
            Rating {
                stars,
                review,
                rated_at: frame_system::Pallet::<T>::block_number(),
                deposit,
            },
        );
        let space = Space {
            ratings: others.with(stars),
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::Rated {
            space: id,
            by: who,
            stars,
            review,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw_rating(who: T::AccountId, id: SpaceId) -> DispatchResult {
        let before = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let rating = Ratings::<T>::take(id, &who).ok_or(Error::<T>::NotRated)?;
        T::Currency::release(&HoldReason::Rating.into(), &who, rating.deposit, Precision::Exact)?;
        StoredRoll::<T>::from(Roll::Raters(id)).remove(&who);
        let space = Space {
            ratings: before.ratings.without(rating.stars),
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::RatingWithdrawn { space: id, by: who });
        Ok(())
    }

    fn has_paid(id: SpaceId, space: &SpaceOf<T>, who: &T::AccountId, proof: PaidUse) -> bool {
        match proof {
            PaidUse::Bought => Purchases::<T>::contains_key(id, who),
            // A Space that is sold is rated by who bought it: a job on an asset that it calls may have nothing to do
            // with it.
            PaidUse::Job(job) => {
                space.price == 0
                    && T::Jobs::paid_job(job).is_some_and(|(user, model)| {
                        user == *who && space.called_since(model).is_some_and(|since| job >= since)
                    })
            }
        }
    }
}
