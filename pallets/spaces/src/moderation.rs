//! Reports, and what governance does.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, Saturating, TokenError};
use weft_primitives::{
    Balance, ContentId,
    shelf::Shelf,
    space::{Grievance, SpaceId},
};

use crate::{
    Config, Error, Event, Featured, HoldReason, Pallet, Report, Reports, Roll, Space, Spaces, catalogue::StoredRoll,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_report(
        who: T::AccountId,
        id: SpaceId,
        why: Grievance,
        evidence: Option<ContentId>,
    ) -> DispatchResult {
        let mut space = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(space.owner != who, Error::<T>::OwnSpace);
        ensure!(!Reports::<T>::contains_key(id, &who), Error::<T>::AlreadyReported);
        let bond = T::ReportBond::get();
        T::Currency::hold(&HoldReason::Report.into(), &who, bond)?;
        Reports::<T>::insert(
            id,
            &who,
            Report {
                why,
                evidence,
                reported_at: frame_system::Pallet::<T>::block_number(),
                bond,
            },
        );
        StoredRoll::<T>::from(Roll::Reporters(id)).add(&who);
        space.open_reports = space.open_reports.saturating_add(1);
        Spaces::<T>::insert(id, space);
        Self::deposit_event(Event::Reported {
            space: id,
            by: who,
            why,
            evidence,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw_report(who: T::AccountId, id: SpaceId) -> DispatchResult {
        let bond = Self::take_report(id, &who, |report| {
            let from = report.reported_at.saturating_add(T::ReportPeriod::get());
            ensure!(frame_system::Pallet::<T>::block_number() >= from, Error::<T>::TooEarly);
            Ok(())
        })?;
        T::Currency::release(&HoldReason::Report.into(), &who, bond, Precision::Exact)?;
        Self::deposit_event(Event::ReportWithdrawn { space: id, by: who });
        Ok(())
    }

    pub(crate) fn do_resolve_report(id: SpaceId, reporter: T::AccountId, upheld: bool) -> DispatchResult {
        let bond = Self::take_report(id, &reporter, |_| Ok(()))?;
        // What the treasury cannot receive stays with the reporter.
        let slashed = if !upheld && Self::slash(&reporter, bond) {
            bond
        } else {
            0
        };
        if slashed < bond {
            T::Currency::release(&HoldReason::Report.into(), &reporter, bond, Precision::Exact)?;
        }
        Self::deposit_event(Event::ReportResolved {
            space: id,
            reporter,
            upheld,
            slashed,
        });
        Ok(())
    }

    pub(crate) fn do_take_down(id: SpaceId, why: Grievance) -> DispatchResult {
        let before = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(before.taken_down.is_none(), Error::<T>::AlreadyTakenDown);
        let space = Space {
            taken_down: Some(why),
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::TakenDown { space: id, why });
        Self::stop_featuring(id);
        Ok(())
    }

    pub(crate) fn do_restore(id: SpaceId) -> DispatchResult {
        let before = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(before.taken_down.is_some(), Error::<T>::NotTakenDown);
        let space = Space {
            taken_down: None,
            ..before.clone()
        };
        Self::put_space(id, Some(&before), space);
        Self::deposit_event(Event::Restored { space: id });
        Ok(())
    }

    pub(crate) fn do_feature(id: SpaceId, featured: bool) -> DispatchResult {
        let space = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        if featured {
            ensure!(space.is_listed(), Error::<T>::NotListed);
            Featured::<T>::try_mutate(|all| {
                ensure!(!all.contains(&id), Error::<T>::AlreadyFeatured);
                all.try_push(id).map_err(|_| Error::<T>::TooManyFeatured)
            })?;
            Self::deposit_event(Event::FeatureSet { space: id, featured });
        } else {
            ensure!(Self::stop_featuring(id), Error::<T>::NotFeatured);
        }
        Ok(())
    }

    /// Features a Space no more. Whether it was featured.
    pub(crate) fn stop_featuring(id: SpaceId) -> bool {
        let mut all = Featured::<T>::get();
        let Some(place) = all.iter().position(|featured| *featured == id) else {
            return false;
        };
        all.remove(place);
        Featured::<T>::put(all);
        Self::deposit_event(Event::FeatureSet {
            space: id,
            featured: false,
        });
        true
    }

    /// Takes a report out if `check` allows it. Returns its bond, which is still held.
    fn take_report(
        id: SpaceId,
        reporter: &T::AccountId,
        check: impl FnOnce(&Report<frame_system::pallet_prelude::BlockNumberFor<T>>) -> Result<(), Error<T>>,
    ) -> Result<Balance, DispatchError> {
        let mut space = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let report = Reports::<T>::get(id, reporter).ok_or(Error::<T>::NotReported)?;
        check(&report)?;
        Reports::<T>::remove(id, reporter);
        StoredRoll::<T>::from(Roll::Reporters(id)).remove(reporter);
        space.open_reports = space.open_reports.saturating_sub(1);
        Spaces::<T>::insert(id, space);
        Ok(report.bond)
    }

    /// Gives a bond to the treasury. Whether it received all of it; if not, nothing has changed.
    fn slash(reporter: &T::AccountId, bond: Balance) -> bool {
        with_storage_layer(|| {
            let moved = T::Currency::transfer_on_hold(
                &HoldReason::Report.into(),
                reporter,
                &T::TreasuryAccount::get(),
                bond,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
            ensure!(moved == bond, DispatchError::Token(TokenError::CannotCreate));
            Ok::<(), DispatchError>(())
        })
        .is_ok()
    }
}
