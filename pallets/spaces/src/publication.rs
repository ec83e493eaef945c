//! What an owner does with a Space.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    Balance, ContentId, Currency,
    asset::is_name,
    payment::Payments,
    rating::Ratings,
    registry::{Licensing, PaidJobs},
    space::{Called, Category, InvalidCalls, SpaceId, check_calls},
};

use crate::{
    CalledSince, Calls, Config, Error, Event, HoldReason, NextSpaceId, Pallet, Release, Releases, Space, SpaceOf,
    Spaces, TitleOf, VersionOf,
};

/// What an owner says of a release.
pub(crate) struct NewRelease<Version> {
    pub version: Version,
    pub manifest: ContentId,
    pub bundle: ContentId,
    pub bundle_bytes: u64,
    pub notes: Option<ContentId>,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish(
        owner: T::AccountId,
        title: TitleOf<T>,
        category: Category,
        release: NewRelease<VersionOf<T>>,
        calls: Calls,
        currency: Currency,
        price: Balance,
    ) -> DispatchResult {
        ensure!(is_name(&title), Error::<T>::InvalidName);
        Self::ensure_release(&release)?;
        Self::ensure_calls(&calls)?;
        ensure!(T::Payments::is_accepted(currency), Error::<T>::CurrencyNotAccepted);
        let id = NextSpaceId::<T>::get();
        NextSpaceId::<T>::put(id.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?);
        let deposit = T::SpaceDeposit::get().saturating_add(T::ReleaseDeposit::get());
        T::Currency::hold(&HoldReason::Publication.into(), &owner, deposit)?;
        let space = Space {
            owner: owner.clone(),
            offered_to: None,
            title,
            category,
            called_since: Self::called_since(&calls, None),
            calls,
            currency,
            price,
            latest: 0,
            retired: false,
            taken_down: None,
            purchases: 0,
            ratings: Ratings::default(),
            open_reports: 0,
            published_at: frame_system::Pallet::<T>::block_number(),
            deposit,
        };
        Self::put_space(id, None, space);
        Self::deposit_event(Event::Published {
            space: id,
            owner,
            category,
        });
        Self::store_release(id, 0, release);
        Ok(())
    }

    pub(crate) fn do_release(who: T::AccountId, id: SpaceId, release: NewRelease<VersionOf<T>>) -> DispatchResult {
        let mut space = Self::unretired(&who, id)?;
        Self::ensure_release(&release)?;
        let number = space.latest.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        let deposit = T::ReleaseDeposit::get();
        T::Currency::hold(&HoldReason::Publication.into(), &who, deposit)?;
        space.latest = number;
        space.deposit = space.deposit.saturating_add(deposit);
        Spaces::<T>::insert(id, space);
        Self::store_release(id, number, release);
        Ok(())
    }

    pub(crate) fn do_set_calls(who: T::AccountId, id: SpaceId, calls: Calls) -> DispatchResult {
        let mut space = Self::unretired(&who, id)?;
        Self::ensure_calls(&calls)?;
        space.called_since = Self::called_since(&calls, Some(&space));
        space.calls = calls;
        Spaces::<T>::insert(id, space);
        Self::deposit_event(Event::CallsSet { space: id });
        Ok(())
    }

    pub(crate) fn do_set_price(who: T::AccountId, id: SpaceId, currency: Currency, price: Balance) -> DispatchResult {
        let mut space = Self::unretired(&who, id)?;
        ensure!(T::Payments::is_accepted(currency), Error::<T>::CurrencyNotAccepted);
        space.currency = currency;
        space.price = price;
        Spaces::<T>::insert(id, space);
        Self::deposit_event(Event::PriceSet {
            space: id,
            currency,
            price,
        });
        Ok(())
    }

    pub(crate) fn do_retire(who: T::AccountId, id: SpaceId) -> DispatchResult {
        let before = Self::unretired(&who, id)?;
        let space = Space {
            retired: true,
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::Retired { space: id });
        Self::stop_featuring(id);
        Ok(())
    }

    pub(crate) fn do_offer_transfer(who: T::AccountId, id: SpaceId, to: Option<T::AccountId>) -> DispatchResult {
        let mut space = Self::space_of(&who, id)?;
        ensure!(to.as_ref() != Some(&who), Error::<T>::OwnSpace);
        space.offered_to = to.clone();
        Spaces::<T>::insert(id, space);
        Self::deposit_event(Event::TransferOffered { space: id, to });
        Ok(())
    }

    /// The deposits change hands as one sum: the new owner's is held and the old owner's released, so that nobody pays
    /// the other.
    pub(crate) fn do_accept_transfer(who: T::AccountId, id: SpaceId) -> DispatchResult {
        let before = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(before.offered_to.as_ref() == Some(&who), Error::<T>::NotOffered);
        let reason = HoldReason::Publication.into();
        T::Currency::hold(&reason, &who, before.deposit)?;
        T::Currency::release(&reason, &before.owner, before.deposit, Precision::Exact)?;
        let space = Space {
            owner: who.clone(),
            offered_to: None,
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::Transferred {
            space: id,
            from: before.owner,
            to: who,
        });
        Ok(())
    }

    /// From which job on each of `calls` counts: what `before` called already keeps its place, so that nobody's proof is
    /// lost to a change of shares; what is new starts with the next job, so that no job is proof that was done for
    /// something else.
    fn called_since(calls: &[Called], before: Option<&SpaceOf<T>>) -> CalledSince {
        let next = T::Jobs::next_job();
        let since = calls.iter().map(|called| {
            let before = before.and_then(|space| space.called_since(called.asset));
            before.unwrap_or(next)
        });
        // As many as there are calls, which are bounded alike.
        CalledSince::truncate_from(since.collect())
    }

    fn store_release(space: SpaceId, number: u32, release: NewRelease<VersionOf<T>>) {
        let bundle = release.bundle;
        Releases::<T>::insert(
            space,
            number,
            Release {
                version: release.version,
                manifest: release.manifest,
                bundle,
                bundle_bytes: release.bundle_bytes,
                notes: release.notes,
                released_at: frame_system::Pallet::<T>::block_number(),
            },
        );
        Self::deposit_event(Event::Released { space, number, bundle });
    }

    fn ensure_release(release: &NewRelease<VersionOf<T>>) -> Result<(), Error<T>> {
        ensure!(is_name(&release.version), Error::<T>::InvalidName);
        ensure!(release.bundle_bytes > 0, Error::<T>::EmptyBundle);
        Ok(())
    }

    fn ensure_calls(calls: &[Called]) -> Result<(), Error<T>> {
        check_calls(calls).map_err(|why| match why {
            InvalidCalls::SharesExceedWhole => Error::<T>::SharesExceedWhole,
            InvalidCalls::NamedTwice => Error::<T>::NamedTwice,
        })?;
        for called in calls {
            ensure!(
                T::Assets::sealed_asset(called.asset).is_some(),
                Error::<T>::UnknownAsset
            );
        }
        Ok(())
    }

    /// The Space, if it is `who`'s.
    fn space_of(who: &T::AccountId, id: SpaceId) -> Result<SpaceOf<T>, Error<T>> {
        let space = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(space.owner == *who, Error::<T>::NotOwner);
        Ok(space)
    }

    /// The Space, if it is `who`'s and not retired.
    fn unretired(who: &T::AccountId, id: SpaceId) -> Result<SpaceOf<T>, Error<T>> {
        let space = Self::space_of(who, id)?;
        ensure!(!space.retired, Error::<T>::AlreadyRetired);
        Ok(space)
    }
}
