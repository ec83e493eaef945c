//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::hold::Inspect as _};
use sp_runtime::TryRuntimeError;
use weft_primitives::{
    Balance,
    asset::is_name,
    rating::{MAX_STARS, Ratings as Sum},
    registry::PaidJobs,
    shelf::Shelf,
    space::check_calls,
};

use crate::{
    Config, Featured, HoldReason, NextSpaceId, Pallet, Purchases, Ratings, Releases, Reports, Roll, RollEntry,
    RollLength, RollPlace, SectionEntry, SectionLength, SectionPlace, SpaceOf, Spaces,
    catalogue::{StoredRoll, StoredSection},
};

impl<T: Config> Pallet<T> {
    /// Checks that Spaces, what is said of them, and the lists agree, and that what is held is what the records say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_spaces()?;
        Self::check_sections()?;
        Self::check_voices()?;
        Self::check_holds()
    }

    fn check_spaces() -> Result<(), TryRuntimeError> {
        let next = NextSpaceId::<T>::get();
        let mut published = 0u64;
        for (id, space) in Spaces::<T>::iter() {
            published = published.saturating_add(1);
            ensure!(id < next, "a Space's number has not been given out");
            ensure!(is_name(&space.title), "a Space's title is not printable text");
            ensure!(
                check_calls(&space.calls).is_ok(),
                "a Space gives away more than it earns"
            );
            ensure!(
                space.called_since.len() == space.calls.len()
                    && space.called_since.iter().all(|since| *since <= T::Jobs::next_job()),
                "a Space does not know since when it calls an asset"
            );
            ensure!(
                space.offered_to.as_ref() != Some(&space.owner),
                "a Space is offered to its owner"
            );
            let mut releases = 0u64;
            for (number, release) in Releases::<T>::iter_prefix(id) {
                releases = releases.saturating_add(1);
                ensure!(number <= space.latest, "a release is later than the latest");
                ensure!(
                    is_name(&release.version) && release.bundle_bytes > 0,
                    "a release has no version or no bundle"
                );
            }
            ensure!(
                releases == u64::from(space.latest).saturating_add(1),
                "a Space's release is missing"
            );
            ensure!(
                Purchases::<T>::iter_prefix(id).count() as u64 == space.purchases,
                "a Space's purchases are not as many as it counts"
            );
        }
        // All below `next` and as many as `next`: the numbers are dense.
        ensure!(published == next, "a Space's number has no Space");
        for id in Releases::<T>::iter_keys()
            .map(|(id, _)| id)
            .chain(Purchases::<T>::iter_keys().map(|(id, _)| id))
        {
            ensure!(Spaces::<T>::contains_key(id), "a release or purchase is of no Space");
        }
        let featured = Featured::<T>::get();
        for (nth, id) in featured.iter().enumerate() {
            ensure!(
                Spaces::<T>::get(id).is_some_and(|space| space.is_listed()),
                "a Space is featured that is not listed"
            );
            ensure!(
                !featured.iter().take(nth).any(|earlier| earlier == id),
                "a Space is featured twice"
            );
        }
        Ok(())
    }

    fn check_sections() -> Result<(), TryRuntimeError> {
        let mut due = 0u64;
        for (id, space) in Spaces::<T>::iter() {
            for section in SpaceOf::<T>::sections(&space) {
                due = due.saturating_add(1);
                ensure!(
                    StoredSection::<T>(section).place(&id).is_some(),
                    "a Space is not in a section where it belongs"
                );
            }
        }
        let mut entries = 0u64;
        for (section, place, id) in SectionEntry::<T>::iter() {
            entries = entries.saturating_add(1);
            ensure!(
                place < SectionLength::<T>::get(&section) && SectionPlace::<T>::get(&section, id) == Some(place),
                "a section's entry lies beyond its length or does not know its place"
            );
        }
        ensure!(entries == due, "a Space is in a section where it does not belong");
        ensure!(
            SectionPlace::<T>::iter().count() as u64 == entries,
            "a place is of no entry of its section"
        );
        let lengths = SectionLength::<T>::iter_values().fold(0u64, u64::saturating_add);
        ensure!(
            lengths == entries,
            "the sections' lengths do not add up to their entries"
        );
        Ok(())
    }

    fn check_voices() -> Result<(), TryRuntimeError> {
        let mut sums = BTreeMap::<_, Sum>::new();
        for (id, account, rating) in Ratings::<T>::iter() {
            ensure!(
                (1..=MAX_STARS).contains(&rating.stars),
                "a rating has no or too many stars"
            );
            ensure!(
                StoredRoll::<T>::from(Roll::Raters(id)).place(&account).is_some(),
                "a rating is not in its Space's list"
            );
            let sum = sums.entry(id).or_default();
            *sum = sum.with(rating.stars);
        }
        let mut reports = BTreeMap::<_, u32>::new();
        for (id, account, _) in Reports::<T>::iter() {
            ensure!(
                StoredRoll::<T>::from(Roll::Reporters(id)).place(&account).is_some(),
                "a report is not in its Space's list"
            );
            let count = reports.entry(id).or_default();
            *count = count.saturating_add(1);
        }
        let mut voices = 0u64;
        for (id, space) in Spaces::<T>::iter() {
            ensure!(
                sums.remove(&id).unwrap_or_default() == space.ratings,
                "a Space's ratings do not add up"
            );
            ensure!(
                reports.remove(&id).unwrap_or_default() == space.open_reports,
                "a Space's reports are not as many as it counts"
            );
            voices = voices
                .saturating_add(space.ratings.count.into())
                .saturating_add(space.open_reports.into());
        }
        ensure!(
            sums.is_empty() && reports.is_empty(),
            "a rating or report is of no Space"
        );
        for (roll, place, account) in RollEntry::<T>::iter() {
            ensure!(
                place < RollLength::<T>::get(roll) && RollPlace::<T>::get(roll, account) == Some(place),
                "a list's entry lies beyond its length or does not know its place"
            );
        }
        let entries = RollEntry::<T>::iter().count() as u64;
        let lengths = RollLength::<T>::iter_values().fold(0u64, u64::saturating_add);
        ensure!(
            entries == voices && lengths == voices && RollPlace::<T>::iter().count() as u64 == voices,
            "the lists of accounts do not add up to all ratings and reports"
        );
        Ok(())
    }

    fn check_holds() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, [Balance; 4]>::new();
        let mut owe = |account, nth: usize, amount: Balance| {
            if let Some(sum) = owed.entry(account).or_default().get_mut(nth) {
                *sum = sum.saturating_add(amount);
            }
        };
        Spaces::<T>::iter_values().for_each(|space| owe(space.owner, 0, space.deposit));
        Purchases::<T>::iter().for_each(|(_, buyer, purchase)| owe(buyer, 1, purchase.deposit));
        Ratings::<T>::iter().for_each(|(_, by, rating)| owe(by, 2, rating.deposit));
        Reports::<T>::iter().for_each(|(_, by, report)| owe(by, 3, report.bond));
        for (account, owed) in owed {
            let reasons = [
                HoldReason::Publication,
                HoldReason::Purchase,
                HoldReason::Rating,
                HoldReason::Report,
            ];
            for (reason, owed) in reasons.into_iter().zip(owed) {
                ensure!(
                    T::Currency::balance_on_hold(&reason.into(), &account) == owed,
                    "what is held from an account is not what its records say"
                );
            }
        }
        Ok(())
    }
}
