//! Results that may be challenged: when they are paid, and when not.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Arithmetic, Patience, Phase, Reason},
    job_view::JobState,
    price::Split,
    registry::{Challengeable, PaidJobs, ProposedResult},
    reputation::Outcome,
    tier::{Challenges, Tier, Window},
};

use super::*;
use crate::{Error, Event, Jobs as Living, Receipts, mock::*};

/// Alice's job with the first provider, whose result is there from block 1 on.
fn proposed(window: Window) -> u64 {
    let job = post_challengeable(ALICE, window).unwrap();
    release(ALICE, job).unwrap();
    assert_ok!(commit_with(device_of(FIRST), job, 5, Some(TRACE_ROOT)));
    job
}

/// What is paid for five tokens at 10.
const PAID: Split = Split {
    provider: 43,
    royalty: 2,
    treasury: 5,
    refund: 950,
};

#[test]
fn the_result_is_there_at_once_and_the_pay_when_the_window_has_passed() {
    Chain::with(&ALL_THREE).without(CREATOR).test(|| {
        let job = proposed(Window::Short);
        assert_eq!(held(ALICE), 1_000);
        assert_eq!(Book::outcomes(FIRST), [Outcome::Kept], "the slot is free");
        assert!(events().contains(&Event::Committed {
            job,
            provider: FIRST,
            trace_root: Some(TRACE_ROOT),
            open: true,
            until: 8,
        }));
        let JobState::Living(living) = Jobs::job(job).unwrap().state else {
            panic!("it is not paid yet")
        };
        assert_eq!(living.phase, Phase::Committed { until: 8 });
        assert_eq!(living.proposed.unwrap().output, output());
        assert_eq!(Jobs::paid_job(job), None, "nobody may rate it yet");
        assert_noop!(expire(BOB, job), Error::<Test>::NotYetDue);
        run_to(8);
        assert!(Living::<Test>::contains_key(job));
        run_to(9);
        let receipt = Receipts::<Test>::get(job).unwrap();
        assert_eq!(
            (receipt.reason, receipt.trace_root),
            (Reason::Completed, Some(TRACE_ROOT))
        );
        assert_eq!(Jobs::paid_job(job), Some((ALICE, EXACT_MODEL)));
        assert_eq!(held(ALICE), 0);
        // The creator's account does not exist, so that its part went to the treasury.
        assert_eq!(receipt.split.total(), 1_000);
        assert_eq!(receipt.split.provider, PAID.provider);
        assert_eq!(Book::outcomes(FIRST), [Outcome::Kept], "counted once");
    });
}

#[test]
fn each_window_is_as_long_as_it_says() {
    for (window, blocks) in [(Window::Short, 7), (Window::Standard, 15), (Window::Long, 33)] {
        Chain::with(&ALL_THREE).test(|| {
            let job = proposed(window);
            run_to(1 + blocks);
            assert!(Living::<Test>::contains_key(job));
            run_to(2 + blocks);
            assert_eq!(ending(job).0, Reason::Completed);
        });
    }
}

#[test]
fn anybody_may_have_it_paid_if_the_chain_is_late() {
    Chain::with(&ALL_THREE).test(|| {
        let job = proposed(Window::Short);
        stall_to(9);
        assert_ok!(expire(BOB, job));
        assert_eq!(ending(job), (Reason::Completed, Some(FIRST), PAID, 1));
        run_to(12);
    });
}

#[test]
fn a_longer_window_is_paid_for_out_of_the_price() {
    Chain::with(&[(FIRST, 1_000, 8)]).test(|| {
        let tier = challengeable(Window::Long);
        let post = |price| post_in_tier(ALICE, EXACT_MODEL, 10, price, Patience::Short, Arithmetic::Exact, tier);
        // 1000 and three percent.
        assert_noop!(post(10_299), Error::<Test>::PriceBelowAsk);
        assert_ok!(post(10_300));
        assert_eq!(Living::<Test>::get(0).unwrap().booking.ask_per_token, 1_030);
        // It is the next provider's, too.
        Book::offer(SECOND, 1_000, 8);
        decline(device_of(FIRST), 0).unwrap();
        assert_eq!(Living::<Test>::get(0).unwrap().booking.ask_per_token, 1_030);
    });
}

#[test]
fn only_exact_jobs_can_be_challenged() {
    Chain::with(&ALL_THREE).test(|| {
        let tier = challengeable(Window::Short);
        assert_noop!(
            post_in_tier(ALICE, EXACT_MODEL, 10, 1_000, Patience::Short, Arithmetic::Float, tier),
            Error::<Test>::TierNeedsExact
        );
    });
}

#[test]
fn what_is_committed_is_neither_committed_again_nor_given_back() {
    Chain::with(&ALL_THREE).test(|| {
        let job = proposed(Window::Short);
        let again = commit_with(device_of(FIRST), job, 5, Some(TRACE_ROOT));
        assert_noop!(again, Error::<Test>::AlreadyCommitted);
        assert_noop!(decline(device_of(FIRST), job), Error::<Test>::AlreadyCommitted);
        assert_noop!(cancel(ALICE, job), Error::<Test>::AlreadyCommitted);
        assert_noop!(release(ALICE, job), Error::<Test>::AlreadyCommitted);
    });
}

#[test]
fn nothing_is_committed_that_no_stake_answers_for() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post_challengeable(ALICE, Window::Short).unwrap();
        release(ALICE, job).unwrap();
        Book::slash(FIRST);
        assert_noop!(
            commit_with(device_of(FIRST), job, 5, Some(TRACE_ROOT)),
            Error::<Test>::StakeMissing
        );
        run_to(17);
        assert_eq!(assignee(job), SECOND);
    });
}

#[test]
fn the_judge_is_told_what_there_is_to_judge() {
    Chain::with(&ALL_THREE).test(|| {
        let tier = Tier::Exact(Challenges {
            window: Window::Standard,
            prompt: None,
            open: false,
        });
        assert_eq!(Jobs::proposed(0), None);
        post_in_tier(ALICE, EXACT_MODEL, 10, 1_000, Patience::Short, Arithmetic::Exact, tier).unwrap();
        release(ALICE, 0).unwrap();
        assert_eq!(Jobs::proposed(0), None);
        assert_ok!(commit_with(device_of(FIRST), 0, 5, Some(TRACE_ROOT)));
        let told = ProposedResult {
            user: ALICE,
            provider: FIRST,
            device: device_of(FIRST),
            exact_root: EXACT_ROOT,
            trace_root: TRACE_ROOT,
            prompt: None,
            open: false,
            until: 16,
        };
        assert_eq!(Jobs::proposed(0), Some(told));
        run_to(17);
        assert_eq!(Jobs::proposed(0), None);
    });
}

#[test]
fn what_is_refuted_is_refunded_and_gives_its_use_back() {
    Chain::with(&ALL_THREE).test(|| {
        let job = proposed(Window::Short);
        Jobs::disputed(job);
        Jobs::decided(job, true);
        assert_eq!(ending(job), (Reason::Refuted, Some(FIRST), refund(1_000), 1));
        assert_eq!((free(ALICE), held(ALICE)), (ENDOWMENT, 0));
        assert_eq!(Jobs::paid_job(job), None);
        // A second verdict finds nothing any more, and neither does the end of the window.
        Jobs::decided(job, true);
        run_to(20);
        assert_eq!(ending(job).0, Reason::Refuted);
    });
}

#[test]
fn a_result_is_not_paid_while_it_is_disputed_and_at_once_when_all_disputes_are_over() {
    Chain::with(&ALL_THREE).test(|| {
        let job = proposed(Window::Short);
        Jobs::disputed(job);
        Jobs::disputed(job);
        run_to(12);
        assert_noop!(expire(BOB, job), Error::<Test>::Disputed);
        assert!(Jobs::proposed(job).is_some());
        Jobs::decided(job, false);
        assert!(Living::<Test>::contains_key(job));
        Jobs::decided(job, false);
        assert_eq!(ending(job).0, Reason::Completed);
    });
}

#[test]
fn a_dispute_that_is_over_early_leaves_the_window_as_it_was() {
    Chain::with(&ALL_THREE).test(|| {
        let job = proposed(Window::Short);
        Jobs::disputed(job);
        run_to(3);
        Jobs::decided(job, false);
        run_to(8);
        assert!(Living::<Test>::contains_key(job));
        run_to(9);
        assert_eq!(ending(job).0, Reason::Completed);
    });
}
