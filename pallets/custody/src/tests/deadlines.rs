//! What falls due.

use frame_support::{assert_ok, traits::Hooks, weights::WeightMeter};

use crate::{Custodians, Error, Event, NextDue, NextRemoval, Offence, Requests, mock::*};

#[test]
fn the_silent_are_slashed_the_recipient_compensated_and_the_rest_returned() {
    run(|| {
        entrust(3, 5, 6);
        let request = ask();
        for index in [1, 3, 4] {
            assert_ok!(release_by(request, index));
        }
        let silent = [custodian(2), custodian(5)];
        pass(RELEASE_WINDOW);
        assert!(Custodians::<Test>::iter_values().all(|info| info.missed == 0));
        pass(1);
        assert_eq!(
            last_event(),
            Event::Due {
                request,
                released: 3,
                missed: 2
            }
        );
        for custodian in silent {
            assert!(events().contains(&Event::Slashed {
                custodian,
                offence: Offence::Missed,
                amount: MISS_SLASH,
                compensation: MISS_SLASH * 4 / 10
            }));
            let info = Custodians::<Test>::get(custodian).unwrap();
            assert!(!info.available && info.position.is_none());
            assert_eq!(info.stake, STAKE - MISS_SLASH);
        }
        assert_eq!(balances(BUYER), (0, FUNDS - 3 * FEE + 2 * (MISS_SLASH * 4 / 10)));
        pass(DISPUTE_WINDOW + 1);
        assert_eq!(last_event(), Event::RequestRemoved { request });
        assert_eq!(Requests::<Test>::iter().count(), 0);
        assert_eq!(custody().open_requests, 0);
    });
}

#[test]
fn a_forger_is_not_silent() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        assert_ok!(forge_by(request, 1));
        let forger = custodian(1);
        pass(RELEASE_WINDOW + 1);
        assert_eq!(Custodians::<Test>::get(forger).unwrap().missed, 0);
    });
}

#[test]
fn a_block_handles_no_more_than_it_may_and_nothing_is_lost() {
    run(|| {
        entrust(2, 3, 3);
        let licences = 100..111;
        for licence in licences.clone() {
            Market::license(licence, BUYER, ASSET);
            assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, licence));
        }
        pass(RELEASE_WINDOW + 1);
        assert_eq!(NextDue::<Test>::get(), 4);
        pass(1);
        assert_eq!(NextDue::<Test>::get(), 8);
        pass(1);
        assert_eq!(NextDue::<Test>::get(), 11);
        // Late or not: the deadline counts.
        pass(DISPUTE_WINDOW + 4);
        assert_eq!(NextRemoval::<Test>::get(), 11);
        assert_eq!(Requests::<Test>::iter().count(), 0);
        // All of it fell into one window.
        assert!(Custodians::<Test>::iter_values().all(|info| info.stake == STAKE - MISS_SLASH && info.missed == 11));
    });
}

#[test]
fn silence_costs_once_in_a_window_and_never_more_than_there_is() {
    run(|| {
        entrust(2, 3, 3);
        let stake = || Custodians::<Test>::get(custodian(1)).unwrap().stake;
        for (licence, expected) in (100..112).zip((0..=9u128).rev().chain([0, 0])) {
            Market::license(licence, BUYER, ASSET);
            assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, licence));
            pass(RELEASE_WINDOW + 1);
            assert_eq!(stake(), expected * MISS_SLASH, "each window is paid for");
        }
        assert_eq!(Custodians::<Test>::get(custodian(1)).unwrap().missed, 12);
        let slashed = events()
            .iter()
            .filter(|event| matches!(event, Event::Slashed { .. }))
            .count();
        assert_eq!(slashed, 30, "what takes nothing is no slash");
    });
}

#[test]
fn who_asks_for_more_than_can_be_answered_is_compensated_once() {
    run(|| {
        entrust(2, 3, 3);
        for licence in 100..104 {
            Market::license(licence, BUYER, ASSET);
            assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, licence));
        }
        pass(RELEASE_WINDOW + 1);
        assert_eq!(balances(BUYER).1, FUNDS + 3 * (MISS_SLASH * 4 / 10));
    });
}

#[test]
fn idle_weight_is_used_and_not_exceeded() {
    run(|| {
        entrust(2, 3, 3);
        for licence in 100..108 {
            Market::license(licence, BUYER, ASSET);
            assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, licence));
        }
        let due = System::block_number() + RELEASE_WINDOW + 1;
        System::set_block_number(due);
        assert_eq!(
            Custody::on_idle(due, frame_support::weights::Weight::zero()),
            Default::default()
        );
        assert_eq!(NextDue::<Test>::get(), 0);
        let limit = Custody::fixed_cost().saturating_add(Custody::costliest_step().saturating_mul(2));
        let used = Custody::on_idle(due, limit);
        assert!(used.all_lte(limit));
        assert!((2..8).contains(&NextDue::<Test>::get()));
        Custody::on_idle(due, frame_support::weights::Weight::MAX);
        assert_eq!(NextDue::<Test>::get(), 8);
        let mut meter = WeightMeter::new();
        Custody::handle_due(due, 9, &mut meter);
        assert_eq!(meter.consumed(), Custody::fixed_cost(), "nothing is left to do");
    });
}

#[test]
fn who_was_silent_comes_back_by_saying_so() {
    run(|| {
        entrust(2, 3, 3);
        ask();
        pass(RELEASE_WINDOW + 1);
        let who = custodian(1);
        assert_ok!(Custody::set_available(signed(who), true));
        assert!(
            Custodians::<Test>::get(who).unwrap().position.is_none(),
            "the stake is short"
        );
        assert_ok!(Custody::bond(signed(who), MISS_SLASH));
        assert!(Custodians::<Test>::get(who).unwrap().position.is_some());
        assert_eq!(Custody::deregister(signed(who)), Err(Error::<Test>::OnDuty.into()));
    });
}
