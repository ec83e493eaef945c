//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::hold::Inspect as _};
use sp_runtime::TryRuntimeError;
use weft_primitives::{Balance, pieces::MAX_PLACES, shelf::Shelf};

use crate::{
    Config, Deals, HoldReason, NextDealId, Pallet, Pins, PresentEpoch, ShelfEntry, ShelfLength, ShelfName, ShelfOf,
    ShelfPlace, shelves::StoredShelf,
};

impl<T: Config> Pallet<T> {
    /// Checks that deals, pinners and lists agree, that all rewards that can still be earned are there, and that what
    /// is held is what the records say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_deals()?;
        Self::check_pins()?;
        Self::check_shelves()?;
        Self::check_holds()
    }

    fn check_deals() -> Result<(), TryRuntimeError> {
        let present = Self::present_epoch();
        for (id, deal) in Deals::<T>::iter() {
            ensure!(id < NextDealId::<T>::get(), "a deal's number has not been given out");
            ensure!(
                deal.taken <= deal.places && deal.places <= MAX_PLACES,
                "a deal has more pinners than places"
            );
            ensure!(
                Pins::<T>::iter_prefix(id).count() as u64 == u64::from(deal.taken),
                "a deal's places are not taken by as many pinners"
            );
            let first_unpaid = deal.first_epoch.max(present.saturating_add(1));
            let to_come = deal.last_epoch.saturating_add(1).saturating_sub(first_unpaid);
            let owed = deal
                .reward_per_epoch
                .saturating_mul(deal.places.into())
                .saturating_mul(to_come.into());
            ensure!(deal.escrow >= owed, "a deal's rewards are not all there");
            for shelf in [ShelfName::Open, ShelfName::About(deal.asset)] {
                ensure!(
                    StoredShelf::<T>(shelf).place(&id).is_some(),
                    "a deal is not in the lists of open ones"
                );
            }
        }
        let deals = Deals::<T>::iter_keys().count() as u64;
        ensure!(
            StoredShelf::<T>(ShelfName::Open).len() == deals,
            "the list of open deals has others"
        );
        let about = Self::listed(|shelf| matches!(shelf, ShelfName::About(_)));
        ensure!(about == deals, "the assets' lists have others");
        if let Some(drawn) = PresentEpoch::<T>::get() {
            ensure!(drawn.epoch <= present, "an epoch was drawn that has not begun");
        }
        Ok(())
    }

    fn check_pins() -> Result<(), TryRuntimeError> {
        let mut pinned = 0u64;
        for (deal, pinner, pin) in Pins::<T>::iter() {
            pinned = pinned.saturating_add(1);
            ensure!(
                pin.joined <= pin.kept_until && pin.streak <= pin.proofs,
                "a pinner has proved what cannot have been asked"
            );
            ensure!(
                StoredShelf::<T>(ShelfName::PinnedBy(pinner)).place(&deal).is_some(),
                "a pin is not in its pinner's list"
            );
        }
        let listed = Self::listed(|shelf| matches!(shelf, ShelfName::PinnedBy(_)));
        ensure!(listed == pinned, "the pinners' lists do not add up to all pins");
        Ok(())
    }

    /// Entries of all lists of one kind.
    fn listed(kind: fn(&ShelfOf<T>) -> bool) -> u64 {
        ShelfLength::<T>::iter()
            .filter(|(shelf, _)| kind(shelf))
            .fold(0u64, |sum, (_, length)| sum.saturating_add(length))
    }

    fn check_shelves() -> Result<(), TryRuntimeError> {
        for (shelf, place, deal) in ShelfEntry::<T>::iter() {
            ensure!(
                place < ShelfLength::<T>::get(&shelf),
                "a list's entry lies beyond its length"
            );
            ensure!(
                ShelfPlace::<T>::get(&shelf, deal) == Some(place),
                "a list's entry does not know its place"
            );
        }
        let entries = ShelfEntry::<T>::iter().count();
        ensure!(
            entries == ShelfPlace::<T>::iter().count(),
            "a place is of no entry of its list"
        );
        let lengths = ShelfLength::<T>::iter_values().fold(0u64, u64::saturating_add);
        ensure!(
            lengths == entries as u64,
            "the lists' lengths do not add up to their entries"
        );
        Ok(())
    }

    fn check_holds() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, [Balance; 3]>::new();
        for deal in Deals::<T>::iter_values() {
            let [deposits, escrows, _] = owed.entry(deal.opener).or_default();
            *deposits = deposits.saturating_add(deal.deposit);
            *escrows = escrows.saturating_add(deal.escrow);
        }
        for (_, pinner, pin) in Pins::<T>::iter() {
            let [.., bonds] = owed.entry(pinner).or_default();
            *bonds = bonds.saturating_add(pin.bond);
        }
        for (account, owed) in owed {
            let reasons = [HoldReason::Deal, HoldReason::Escrow, HoldReason::Bond];
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
