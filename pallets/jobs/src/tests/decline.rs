use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Decline, Phase, Reason},
    reputation::Outcome,
};

use super::*;
use crate::{Error, Event, Jobs, mock::*};

#[test]
fn a_declined_job_goes_to_the_next_who_must_get_the_input_anew() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        release(ALICE, job).unwrap();
        run_to(3);
        assert_ok!(decline(device_of(FIRST), job));

        let stored = Jobs::<Test>::get(job).unwrap();
        assert_eq!((stored.booking.provider, stored.attempt), (SECOND, 2));
        assert_eq!(stored.booking.ask_per_token, 20);
        assert_eq!(
            (stored.phase, stored.input_key),
            (Phase::AwaitingInput { until: 8 }, None)
        );
        assert_eq!(stored.excluded.to_vec(), [FIRST]);
        assert_eq!(Book::outcomes(FIRST), [Outcome::Declined]);
        assert_eq!(
            events()[3..],
            [
                Event::Declined {
                    job,
                    provider: FIRST,
                    why: Decline::DeviceFault
                },
                Event::Assigned {
                    job,
                    provider: SECOND,
                    device: device_of(SECOND),
                    encryption_key: key_of(SECOND),
                    attempt: 2,
                    ask_per_token: 20,
                    until: 8,
                },
            ]
        );
        assert_noop!(release_to(ALICE, job, key_of(FIRST)), Error::<Test>::StaleDeviceKey);
        assert_noop!(decline(device_of(FIRST), job), Error::<Test>::NotAssignedToYou);
        assert_ok!(release(ALICE, job));
        assert_ok!(commit(device_of(SECOND), job, 100));
        let (reason, provider, split, attempts) = ending(job);
        assert_eq!((reason, provider, attempts), (Reason::Completed, Some(SECOND), 2));
        assert_eq!(split.refund, 1_000);
    });
}

#[test]
fn the_last_decline_ends_the_job() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        for owner in [FIRST, SECOND, THIRD] {
            assert_eq!(assignee(job), owner);
            assert_ok!(decline(device_of(owner), job));
            assert_eq!(Book::outcomes(owner), [Outcome::Declined]);
        }
        assert_eq!(ending(job), (Reason::Declined, Some(THIRD), refund(3_000), 3));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
    });
}

#[test]
fn without_another_provider_the_job_ends_at_once() {
    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        assert_ok!(decline(device_of(FIRST), job));
        assert_eq!(ending(job), (Reason::NoEligibleProvider, None, refund(3_000), 1));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
    });
}

#[test]
fn the_next_provider_is_bound_by_the_users_price_too() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 1_999).unwrap();
        assert_ok!(decline(device_of(FIRST), job));
        assert_eq!(ending(job), (Reason::NoEligibleProvider, None, refund(1_999), 1));
    });
}

#[test]
fn only_the_assigned_device_declines_and_only_in_time() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        for stranger in [ALICE, FIRST, device_of(SECOND)] {
            assert_noop!(decline(stranger, job), Error::<Test>::NotAssignedToYou);
        }
        assert_noop!(decline(device_of(FIRST), job + 1), Error::<Test>::NotFound);
        release(ALICE, job).unwrap();
        stall_to(17);
        assert_noop!(decline(device_of(FIRST), job), Error::<Test>::DeadlinePassed);
    });
}
