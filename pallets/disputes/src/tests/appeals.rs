//! Silence, and appeals of those who were silent.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;
use weft_disputes::{Side, Stage};

use crate::{Disputes as Stored, Error, Event, Standing, Verdict, mock::*};

/// A dispute in which the provider let the deadline pass.
fn lapsed() -> u64 {
    let job = job_of(liar());
    assert_ok!(challenge(CHALLENGER, job, liar(), 9));
    run_to(2 + MOVE_WINDOW);
    job
}

#[test]
fn silence_loses_at_its_deadline_and_is_final_after_the_window_for_appeals() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        run_to(1 + MOVE_WINDOW);
        assert_eq!(Stored::<Test>::get(0).unwrap().standing, Standing::Open);
        run_to(2 + MOVE_WINDOW);
        let silent = Side::Provider;
        assert!(events().contains(&Event::Lapsed { dispute: 0, silent }));
        assert_eq!(Staked::get()[&PROVIDER], (0, STAKE), "it is out of reach");
        assert_noop!(
            play(DEVICE, 0, &liar().defend(&game(0).unwrap(), 9).unwrap()),
            Error::<Test>::NotNow
        );
        run_to(2 + MOVE_WINDOW + APPEAL_WINDOW);
        assert_eq!(ending(0), None);
        run_to(3 + MOVE_WINDOW + APPEAL_WINDOW);
        assert_eq!(ending(0), Some((Verdict::Silent(silent), STAKE, STAKE * 4 / 10)));
        assert_eq!(Decided::get()[&job], true);
    });
}

#[test]
fn a_challenger_who_is_silent_loses_the_bond() {
    test(|| {
        let job = job_of(honest());
        assert_ok!(challenge(CHALLENGER, job, honest(), 9));
        assert_ok!(play(DEVICE, 0, &honest().defend(&game(0).unwrap(), 9).unwrap()));
        wait(MOVE_WINDOW + APPEAL_WINDOW + 2);
        assert_eq!(
            ending(0),
            Some((Verdict::Silent(Side::Challenger), BOND, BOND * 4 / 10))
        );
    });
}

#[test]
fn who_appeals_with_a_reason_goes_on_where_it_stood() {
    test(|| {
        lapsed();
        for other in [CHALLENGER, OTHER, DEVICE] {
            assert_noop!(appeal(other, 0), Error::<Test>::NotYourTurn);
        }
        assert_noop!(rule(0, true), Error::<Test>::NothingToAppeal);
        assert_ok!(appeal(PROVIDER, 0));
        assert_eq!(held(PROVIDER), APPEAL_BOND);
        assert_noop!(appeal(PROVIDER, 0), Error::<Test>::NothingToAppeal);
        assert_noop!(
            Disputes::rule(RuntimeOrigin::signed(OTHER), 0, true),
            DispatchError::BadOrigin
        );
        assert_ok!(rule(0, true));
        assert_eq!(held(PROVIDER), 0);
        assert_eq!(Staked::get()[&PROVIDER], (STAKE, 0));
        assert_eq!(game(0).unwrap().stage, Stage::Step { position: 9 });
        // It lies all the same, and loses.
        play_out(0, CHALLENGER, 9, liar(), honest());
        assert!(matches!(ending(0), Some((Verdict::Lied(_), STAKE, _))));
    });
}

#[test]
fn who_appeals_without_one_loses_the_bond_too() {
    test(|| {
        lapsed();
        assert_ok!(appeal(PROVIDER, 0));
        let treasury = total(TREASURY);
        assert_ok!(rule(0, false));
        assert_eq!(total(PROVIDER), ENDOWMENT - APPEAL_BOND);
        assert_eq!(total(TREASURY), treasury + APPEAL_BOND + STAKE - STAKE * 4 / 10);
        assert!(matches!(ending(0), Some((Verdict::Silent(Side::Provider), ..))));
    });
}

#[test]
fn an_appeal_on_which_nobody_rules_costs_nothing_and_changes_nothing() {
    test(|| {
        lapsed();
        assert_ok!(appeal(PROVIDER, 0));
        wait(RULING_WINDOW + 1);
        assert_eq!(held(PROVIDER), 0);
        assert_eq!(total(PROVIDER), ENDOWMENT);
        assert!(matches!(ending(0), Some((Verdict::Silent(Side::Provider), ..))));
    });
}

#[test]
fn an_appeal_has_its_time() {
    test(|| {
        lapsed();
        run_to(2 + MOVE_WINDOW + APPEAL_WINDOW);
        System::set_block_number(3 + MOVE_WINDOW + APPEAL_WINDOW);
        assert_noop!(appeal(PROVIDER, 0), Error::<Test>::TooLate);
        assert_ok!(expire(0));
        assert_noop!(appeal(PROVIDER, 0), Error::<Test>::NotFound);
    });
}

#[test]
fn what_is_decided_by_computing_is_not_appealed() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        play_out(0, CHALLENGER, 9, liar(), honest());
        assert_noop!(appeal(PROVIDER, 0), Error::<Test>::NotFound);
    });
}
