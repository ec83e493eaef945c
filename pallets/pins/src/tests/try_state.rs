//! The check itself: it would be worth nothing if it passed on anything.

use frame_support::{assert_err, assert_ok};

use crate::{
    Deals, EpochSeed, NextDealId, Pins as Stored, PresentEpoch, ShelfEntry, ShelfLength, ShelfName, ShelfPlace, mock::*,
};

/// Breaks one thing in a sound state and expects to be told which.
fn broken(break_it: impl FnOnce(u64), told: &'static str) {
    new_test_ext().execute_with(|| {
        let deal = open(5, 2);
        open(5, 2);
        assert_ok!(join(PINNER, deal));
        assert_ok!(Pins::do_try_state());
        break_it(deal);
        assert_err!(Pins::do_try_state(), told);
    });
}

#[test]
fn each_breach_is_told() {
    broken(|_| NextDealId::<Test>::put(1), "a deal's number has not been given out");
    broken(
        |deal| Deals::<Test>::mutate(deal, |deal| deal.as_mut().unwrap().places = 0),
        "a deal has more pinners than places",
    );
    broken(
        |deal| Deals::<Test>::mutate(deal, |deal| deal.as_mut().unwrap().taken = 2),
        "a deal's places are not taken by as many pinners",
    );
    broken(
        |deal| Deals::<Test>::mutate(deal, |deal| deal.as_mut().unwrap().escrow -= 1),
        "a deal's rewards are not all there",
    );
    broken(
        |deal| ShelfPlace::<Test>::remove(ShelfName::Open, deal),
        "a deal is not in the lists of open ones",
    );
    broken(
        |deal| ShelfPlace::<Test>::remove(ShelfName::About(0), deal),
        "a deal is not in the lists of open ones",
    );
    broken(
        |_| ShelfLength::<Test>::insert(ShelfName::About(9), 1),
        "the assets' lists have others",
    );
    broken(
        |_| ShelfLength::<Test>::insert(ShelfName::Open, 3),
        "the list of open deals has others",
    );
    broken(
        |_| {
            PresentEpoch::<Test>::put(EpochSeed {
                epoch: 1,
                seed: [0; 32],
            })
        },
        "an epoch was drawn that has not begun",
    );
    broken(
        |deal| Stored::<Test>::mutate(deal, PINNER, |pin| pin.as_mut().unwrap().streak = 1),
        "a pinner has proved what cannot have been asked",
    );
    broken(
        |deal| ShelfPlace::<Test>::remove(ShelfName::PinnedBy(PINNER), deal),
        "a pin is not in its pinner's list",
    );
    broken(
        |_| ShelfLength::<Test>::insert(ShelfName::PinnedBy(OTHER_PINNER), 1),
        "the pinners' lists do not add up to all pins",
    );
    broken(
        |deal| ShelfEntry::<Test>::insert(ShelfName::Open, 2, deal),
        "a list's entry lies beyond its length",
    );
    broken(
        |deal| ShelfEntry::<Test>::insert(ShelfName::Open, 1, deal),
        "a list's entry does not know its place",
    );
    broken(
        |_| ShelfPlace::<Test>::insert(ShelfName::PinnedBy(PINNER), 1, 0),
        "a place is of no entry of its list",
    );
    broken(
        |deal| Stored::<Test>::mutate(deal, PINNER, |pin| pin.as_mut().unwrap().bond -= 1),
        "what is held from an account is not what its records say",
    );
}
