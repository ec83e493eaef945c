use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Arithmetic, Patience, Phase},
    registry::Booking,
};

use super::*;
use crate::{Error, Event, Jobs, mock::*};

#[test]
fn the_cheapest_provider_is_booked_and_the_escrow_held() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 5_000).unwrap();
        assert_eq!(held(ALICE), 5_000);
        assert_eq!(free(ALICE), ENDOWMENT - 5_000);

        let stored = Jobs::<Test>::get(job).unwrap();
        assert_eq!(
            stored.booking,
            Booking {
                provider: FIRST,
                device: device_of(FIRST),
                encryption_key: key_of(FIRST),
                ask_per_token: 10
            }
        );
        assert_eq!(stored.phase, Phase::AwaitingInput { until: 6 });
        assert_eq!((stored.attempt, stored.input_key), (1, None));
        assert_eq!(
            events(),
            [
                Event::Posted {
                    job,
                    user: ALICE,
                    model: MODEL,
                    max_price: 5_000,
                    arithmetic: Arithmetic::Float,
                    tier: weft_primitives::tier::Tier::None,
                },
                Event::Assigned {
                    job,
                    provider: FIRST,
                    device: device_of(FIRST),
                    encryption_key: key_of(FIRST),
                    attempt: 1,
                    ask_per_token: 10,
                    until: 6,
                },
            ]
        );
    });
}

#[test]
fn jobs_are_numbered_in_order_and_fill_up_the_providers() {
    Chain::with(&[(FIRST, 10, 1), (SECOND, 20, 1)]).test(|| {
        assert_eq!(post(ALICE, 10, 1_000), Ok(0));
        assert_eq!(post(BOB, 10, 1_000), Ok(1));
        assert_eq!([assignee(0), assignee(1)], [FIRST, SECOND]);
        assert_noop!(post(BOB, 10, 1_000), Error::<Test>::NoProvider);
        assert_ok!(cancel(ALICE, 0));
        assert_eq!(post(BOB, 10, 1_000), Ok(2));
        assert_eq!(assignee(2), FIRST);
    });
}

#[test]
fn equals_are_chosen_by_chance() {
    let equals: Vec<_> = (40..44).map(|owner| (owner, 10, 1_000)).collect();
    Chain::with(&equals).test(|| {
        let mut times = [0u32; 4];
        for _ in 0..200 {
            let job = post(ALICE, 1, 10).unwrap();
            times[(assignee(job) - 40) as usize] += 1;
            cancel(ALICE, job).unwrap();
        }
        // With probability 1/4 each, fewer than 20 of 200 is less likely than one in a million.
        assert!(times.iter().all(|&t| t >= 20), "{times:?}");
    });
}

#[test]
fn the_ask_is_bound_by_the_price_for_all_tokens() {
    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        assert_ok!(post(ALICE, 100, 1_000));
        assert_noop!(post(ALICE, 100, 999), Error::<Test>::PriceBelowAsk);
        assert_noop!(post(ALICE, 101, 1_000), Error::<Test>::PriceBelowAsk);
        assert_noop!(post(ALICE, 1, 0), Error::<Test>::PriceBelowAsk);
    });
}

#[test]
fn a_free_job_needs_no_funds_on_hold() {
    Chain::with(&[(FIRST, 0, 8)]).test(|| {
        let job = post(ALICE, 100, 0).unwrap();
        assert_eq!(held(ALICE), 0);
        release(ALICE, job).unwrap();
        commit(device_of(FIRST), job, 100).unwrap();
        assert_eq!(ending(job).2, refund(0));
        assert_eq!(free(ALICE), ENDOWMENT);
    });
}

#[test]
fn what_cannot_be_done_is_refused() {
    Chain::with(&ALL_THREE).test(|| {
        assert_noop!(post(ALICE, 0, 1_000), Error::<Test>::NoTokens);
        assert_noop!(post(ALICE, 1_001, 100_000), Error::<Test>::TooManyTokens);
        assert_ok!(post(ALICE, 1_000, 100_000));
        for model in [RETIRED, 1234] {
            assert_noop!(
                post_call(ALICE, model, 1, 1_000, Patience::Long),
                Error::<Test>::UnknownModel
            );
        }
    });
}

#[test]
fn the_balance_must_cover_the_escrow_and_keep_the_account_alive() {
    Chain::with(&ALL_THREE).test(|| {
        let most = ENDOWMENT - EXISTENTIAL_DEPOSIT;
        assert_noop!(post(ALICE, 1, ENDOWMENT + 1), Error::<Test>::EscrowNotCovered);
        assert_noop!(post(ALICE, 1, most + 1), Error::<Test>::EscrowNotCovered);
        assert_noop!(post(99, 1, 1_000), Error::<Test>::EscrowNotCovered);
        assert_noop!(post(ALICE, 1, u128::MAX), Error::<Test>::EscrowNotCovered);
        assert_ok!(post(ALICE, 1, most));
        assert_noop!(post(ALICE, 1, 10), Error::<Test>::EscrowNotCovered);
        assert_eq!(held(ALICE), most);
    });
}
