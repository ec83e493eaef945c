//! Several disputes at once, and what becomes of the others when one is decided.

use frame_support::{assert_noop, assert_ok};

use crate::{Disputes as Stored, Error, Event, Verdict, mock::*};

#[test]
fn two_challengers_at_once_do_not_hinder_each_other_and_one_is_rewarded() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        assert_ok!(challenge(OTHER, job, liar(), 9));
        assert_eq!(Results::get()[&job].disputes, 2);
        let before = total(OTHER);
        play_out(1, OTHER, 9, liar(), honest());
        assert!(matches!(ending(1), Some((Verdict::Lied(_), STAKE, _))));
        assert_eq!(total(OTHER), before + STAKE * 4 / 10);
        // The first has nothing to win any more, and nothing to lose.
        let made = liar().defend(&game(0).unwrap(), 9).unwrap();
        assert_noop!(play(DEVICE, 0, &made), Error::<Test>::Moot);
        assert_eq!(held(CHALLENGER), BOND);
        assert_ok!(expire(0));
        assert!(events().contains(&Event::Moot { dispute: 0, job }));
        assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, ENDOWMENT));
    });
}

#[test]
fn what_is_moot_ends_by_itself() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        assert_ok!(challenge(OTHER, job, liar(), 9));
        assert_noop!(expire(0), Error::<Test>::NotYetDue);
        play_out(1, OTHER, 9, liar(), honest());
        wait(MOVE_WINDOW);
        assert_eq!(Stored::<Test>::iter_keys().count(), 0);
        assert_eq!(held(CHALLENGER), 0);
    });
}

#[test]
fn an_accomplice_who_loses_on_purpose_does_not_save_the_liar() {
    test(|| {
        let job = job_of(liar());
        // The accomplice names a step before the lie, and says nothing more.
        assert_ok!(challenge(OTHER, job, liar(), 2));
        assert_ok!(play(DEVICE, 0, &liar().defend(&game(0).unwrap(), 2).unwrap()));
        wait(MOVE_WINDOW + APPEAL_WINDOW + 2);
        assert_eq!(
            ending(0).map(|(verdict, ..)| verdict),
            Some(Verdict::Silent(weft_disputes::Side::Challenger))
        );
        assert!(Results::get().contains_key(&job));
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        play_out(1, CHALLENGER, 9, liar(), honest());
        assert!(matches!(ending(1), Some((Verdict::Lied(_), STAKE, _))));
    });
}

#[test]
fn a_result_that_stands_is_paid_when_the_last_dispute_is_over() {
    test(|| {
        let job = job_of(honest());
        run_to(1 + WINDOW);
        assert_ok!(challenge(CHALLENGER, job, honest(), 3));
        assert_ok!(challenge(OTHER, job, honest(), 4));
        for (dispute, step) in [(0, 3), (1, 4)] {
            assert_ok!(play(
                DEVICE,
                dispute,
                &honest().defend(&game(dispute).unwrap(), step).unwrap()
            ));
        }
        wait(MOVE_WINDOW + APPEAL_WINDOW + 2);
        assert_eq!(Decided::get().get(&job), Some(&false));
        assert_eq!(Staked::get()[&PROVIDER], (STAKE, 0));
    });
}

#[test]
fn very_many_deadlines_at_once_are_worked_off() {
    test(|| {
        let job = job_of(liar());
        for _ in 0..10 {
            assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        }
        let lapsed = || {
            events()
                .iter()
                .filter(|event| matches!(event, Event::Lapsed { .. }))
                .count()
        };
        run_to(2 + MOVE_WINDOW);
        // Three a block.
        assert_eq!(lapsed(), 3);
        assert_ok!(expire(9));
        assert_eq!(lapsed(), 4);
        wait(2);
        assert_eq!(lapsed(), 10);
        wait(APPEAL_WINDOW + 10);
        assert_eq!(Stored::<Test>::iter_keys().count(), 0);
        // The first takes all, and the others have their bonds back.
        assert_eq!(held(CHALLENGER), 0);
        assert_eq!(total(CHALLENGER), ENDOWMENT + STAKE * 4 / 10);
    });
}
