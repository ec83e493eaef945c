use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Patience, Phase, Reason},
    reputation::Outcome,
};

use super::*;
use crate::{Error, Event, Jobs, mock::*};

#[test]
fn a_release_gives_the_device_the_rest_of_the_users_window_and_the_one_that_was_ordered() {
    for (patience, window) in [(Patience::Short, 10), (Patience::Standard, 20), (Patience::Long, 40)] {
        Chain::with(&ALL_THREE).test(|| {
            post_call(ALICE, MODEL, 10, 1_000, patience).unwrap();
            run_to(4);
            assert_ok!(release(ALICE, 0));
            let job = Jobs::<Test>::get(0).unwrap();
            let until = 6 + window;
            assert_eq!(job.phase, Phase::Running { until });
            assert_eq!(job.input_key, Some(WRAPPED));
            let released = Event::InputReleased {
                job: 0,
                provider: FIRST,
                until,
            };
            assert_eq!(events().pop(), Some(released));
        });
    }
}

#[test]
fn the_input_is_released_once_by_the_user_and_for_the_right_device() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 10, 1_000).unwrap();
        assert_noop!(release(BOB, job), Error::<Test>::NotYours);
        assert_noop!(release(device_of(FIRST), job), Error::<Test>::NotYours);
        assert_noop!(release_to(ALICE, job, key_of(SECOND)), Error::<Test>::StaleDeviceKey);
        assert_ok!(release(ALICE, job));
        assert_noop!(release(ALICE, job), Error::<Test>::InputAlreadyReleased);
        assert_noop!(release_to(ALICE, job + 1, key_of(FIRST)), Error::<Test>::NotFound);
    });
}

#[test]
fn the_last_block_of_the_input_window_still_counts() {
    Chain::with(&ALL_THREE).test(|| {
        let (prompt, late) = (post(ALICE, 10, 1_000).unwrap(), post(ALICE, 10, 1_000).unwrap());
        run_to(6);
        assert_ok!(release(ALICE, prompt));
        stall_to(7);
        assert_noop!(release(ALICE, late), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn a_sealed_job_can_be_taken_back_even_late() {
    Chain::with(&ALL_THREE).test(|| {
        let (early, late) = (post(ALICE, 10, 1_000).unwrap(), post(ALICE, 10, 2_000).unwrap());
        assert_noop!(cancel(BOB, early), Error::<Test>::NotYours);
        assert_ok!(cancel(ALICE, early));
        assert_eq!(ending(early), (Reason::Cancelled, Some(FIRST), refund(1_000), 1));
        assert_eq!(held(ALICE), 2_000);
        stall_to(100);
        assert_ok!(cancel(ALICE, late));
        assert_eq!(ending(late), (Reason::Cancelled, Some(FIRST), refund(2_000), 1));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
        assert_eq!(Book::outcomes(FIRST), [Outcome::Blameless; 2]);
        assert_noop!(cancel(ALICE, late), Error::<Test>::AlreadyEnded);
        assert_noop!(release_to(ALICE, late, key_of(FIRST)), Error::<Test>::AlreadyEnded);
        assert_noop!(cancel(ALICE, 2), Error::<Test>::NotFound);
    });
}

#[test]
fn a_released_job_cannot_be_taken_back() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 10, 1_000).unwrap();
        release(ALICE, job).unwrap();
        assert_noop!(cancel(ALICE, job), Error::<Test>::InputAlreadyReleased);
        stall_to(100);
        assert_noop!(cancel(ALICE, job), Error::<Test>::InputAlreadyReleased);
    });
}
