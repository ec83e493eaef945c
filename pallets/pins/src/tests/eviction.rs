//! `evict`.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::price::share_of;

use crate::{Deals, Error, Event, mock::*};

const TO_EVICTOR: u128 = share_of(PIN_BOND, EVICTOR_SHARE);

#[test]
fn who_is_silent_too_long_loses_bond_and_place() {
    run(|| {
        let deal = open(10, 1);
        assert_ok!(join(PINNER, deal));
        for epoch in 1..=MAX_MISSED {
            run_to_epoch(epoch);
            assert_noop!(evict(WATCHER, deal, PINNER), Error::<Test>::NotLapsed);
        }
        run_to_epoch(MAX_MISSED + 1);
        assert_noop!(evict(PINNER, deal, PINNER), Error::<Test>::OwnPin);
        assert_noop!(evict(WATCHER, deal, OTHER_PINNER), Error::<Test>::NotJoined);
        assert_noop!(evict(WATCHER, 9, PINNER), Error::<Test>::NotFound);
        assert_ok!(evict(WATCHER, deal, PINNER));
        System::assert_last_event(
            Event::Evicted {
                deal,
                pinner: PINNER,
                by: WATCHER,
                missed: MAX_MISSED,
                to_evictor: TO_EVICTOR,
                to_opener: PIN_BOND - TO_EVICTOR,
            }
            .into(),
        );
        assert_eq!(balances(PINNER), (0, FUNDS - PIN_BOND));
        assert_eq!(wealth(WATCHER), FUNDS + TO_EVICTOR);
        assert_eq!(wealth(OPENER), FUNDS + PIN_BOND - TO_EVICTOR);
        assert_noop!(evict(WATCHER, deal, PINNER), Error::<Test>::NotJoined);
        // The place is free again, for the same pinner too.
        assert_eq!(Deals::<Test>::get(deal).unwrap().taken, 0);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(MAX_MISSED + 2);
        assert_ok!(prove(PINNER, deal));
    });
}

#[test]
fn a_proof_begins_the_count_anew() {
    run(|| {
        let deal = open(10, 1);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(MAX_MISSED);
        assert_ok!(prove(PINNER, deal));
        run_to_epoch(2 * MAX_MISSED);
        assert_noop!(evict(WATCHER, deal, PINNER), Error::<Test>::NotLapsed);
        run_to_epoch(2 * MAX_MISSED + 1);
        assert_ok!(evict(WATCHER, deal, PINNER));
    });
}

#[test]
fn the_opener_evicts_for_the_whole_bond() {
    run(|| {
        let deal = open(10, 1);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(9);
        assert_ok!(evict(OPENER, deal, PINNER));
        assert_eq!(wealth(OPENER), FUNDS + PIN_BOND);
    });
}

#[test]
fn what_the_evictor_cannot_receive_goes_to_the_opener() {
    run(|| {
        // More than its part of the bond would be needed to exist.
        assert_eq!(wealth(PAUPER), 0);
        let deal = open(10, 1);
        assert_ok!(join(PINNER, deal));
        crate::Pins::<Test>::mutate(deal, PINNER, |pin| pin.as_mut().unwrap().bond = 12);
        assert_ok!(<Balances as frame_support::traits::fungible::hold::Mutate<_>>::release(
            &crate::HoldReason::Bond.into(),
            &PINNER,
            PIN_BOND - 12,
            frame_support::traits::tokens::Precision::Exact
        ));
        run_to_epoch(9);
        assert_ok!(evict(PAUPER, deal, PINNER));
        System::assert_last_event(
            Event::Evicted {
                deal,
                pinner: PINNER,
                by: PAUPER,
                missed: 8,
                to_evictor: 0,
                to_opener: 12,
            }
            .into(),
        );
        assert_eq!((wealth(PAUPER), wealth(OPENER)), (0, FUNDS + 12));
    });
}

#[test]
fn epochs_after_the_end_are_not_missed() {
    run(|| {
        let deal = open(MAX_MISSED - 1, 1);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(50);
        assert_noop!(evict(WATCHER, deal, PINNER), Error::<Test>::NotLapsed);
        assert_ok!(leave(PINNER, deal));
    });
}
