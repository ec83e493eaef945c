use frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight};
use weft_primitives::{
    job::{Patience, Reason},
    reputation::Outcome,
};

use super::*;
use crate::{Deadlines, Error, Event, Jobs as Living, Queue, QueueEnds, Receipts, WeightInfo, mock::*, types::Line};

/// What a block's beginning costs.
fn on_initialize(now: BlockNumber) -> Weight {
    System::set_block_number(now);
    Jobs::on_initialize(now)
}

fn waiting(queue: Queue) -> u64 {
    let ends = QueueEnds::<Test>::get(queue);
    ends.tail - ends.head
}

#[test]
fn an_input_that_never_comes_ends_the_job_without_anyone_asking() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        run_to(6);
        assert!(Living::<Test>::contains_key(job));
        run_to(7);
        assert_eq!(ending(job), (Reason::InputWithheld, Some(FIRST), refund(3_000), 1));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
        assert_eq!(Book::outcomes(FIRST), [Outcome::Blameless]);
    });
}

#[test]
fn silent_providers_lose_the_job_one_after_the_other() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        for owner in [FIRST, SECOND, THIRD] {
            assert_eq!(assignee(job), owner);
            release(ALICE, job).unwrap();
            run_to(System::block_number() + 15);
            assert_eq!(assignee(job), owner, "the last block of the window still counts");
            run_to(System::block_number() + 1);
            assert_eq!(Book::outcomes(owner), [Outcome::Missed]);
            assert!(events().contains(&Event::ProviderMissed { job, provider: owner }));
        }
        assert_eq!(ending(job), (Reason::DeadlineMissed, Some(THIRD), refund(3_000), 3));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
    });
}

#[test]
fn a_silent_provider_without_a_successor_ends_the_job() {
    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        release(ALICE, job).unwrap();
        run_to(17);
        assert_eq!(ending(job), (Reason::NoEligibleProvider, None, refund(3_000), 1));
        assert_eq!(Book::outcomes(FIRST), [Outcome::Missed]);
    });
}

#[test]
fn anyone_may_point_out_that_a_job_is_overdue_and_the_queue_then_skips_it() {
    Chain::with(&ALL_THREE).test(|| {
        let (sealed, running) = (post(ALICE, 100, 3_000).unwrap(), post(ALICE, 100, 3_000).unwrap());
        release(ALICE, running).unwrap();
        stall_to(6);
        assert_noop!(expire(BOB, sealed), Error::<Test>::NotYetDue);
        stall_to(7);
        assert_ok!(expire(BOB, sealed));
        assert_noop!(expire(BOB, sealed), Error::<Test>::AlreadyEnded);
        assert_noop!(expire(BOB, 2), Error::<Test>::NotFound);
        stall_to(16);
        assert_noop!(expire(BOB, running), Error::<Test>::NotYetDue);
        stall_to(17);
        assert_ok!(expire(BOB, running));
        assert_eq!(assignee(running), SECOND);
        assert_noop!(expire(BOB, running), Error::<Test>::NotYetDue);

        run_to(22);
        assert_eq!(ending(sealed), (Reason::InputWithheld, Some(FIRST), refund(3_000), 1));
        assert_eq!(assignee(running), SECOND);
        assert_eq!(Book::outcomes(FIRST), [Outcome::Blameless, Outcome::Missed]);
    });
}

#[test]
fn a_block_begins_with_a_bounded_number_of_deadlines_and_is_charged_for_them() {
    Chain::with(&ALL_THREE).test(|| {
        for _ in 0..4 {
            post(ALICE, 100, 1_000).unwrap();
        }
        cancel(ALICE, 1).unwrap();
        let heads = <() as WeightInfo>::queue_heads();
        assert_eq!(on_initialize(6), heads);
        let done = heads + <() as WeightInfo>::due_refunded().saturating_mul(2) + <() as WeightInfo>::due_passed();
        assert_eq!(on_initialize(7), done);
        assert_eq!(Living::<Test>::iter_keys().collect::<Vec<_>>(), [3]);
        assert_eq!(on_initialize(8), heads + <() as WeightInfo>::due_refunded());
        assert_eq!(on_initialize(9), heads);
        assert_eq!(ending(3), (Reason::InputWithheld, Some(FIRST), refund(1_000), 1));
        // Job 0 ended in block 7, so its receipt, and those behind it, are kept to block 37.
        assert_eq!(on_initialize(36), heads);
        assert_eq!(
            on_initialize(37),
            heads + <() as WeightInfo>::due_pruned().saturating_mul(3)
        );
        assert_eq!(on_initialize(38), heads + <() as WeightInfo>::due_pruned());
    });
}

#[test]
fn each_outcome_has_its_price() {
    Chain::with(&[(FIRST, 10, 8), (SECOND, 20, 8)]).test(|| {
        let heads = <() as WeightInfo>::queue_heads();
        let job = post(ALICE, 100, 3_000).unwrap();
        release(ALICE, job).unwrap();
        assert_eq!(on_initialize(7), heads + <() as WeightInfo>::due_waits());
        assert_eq!(on_initialize(16), heads);
        assert_eq!(on_initialize(17), heads + <() as WeightInfo>::due_reassigned());
        release(ALICE, job).unwrap();
        assert_eq!(on_initialize(23), heads + <() as WeightInfo>::due_waits());
        assert_eq!(on_initialize(33), heads + <() as WeightInfo>::due_abandoned());
        assert_eq!(ending(job), (Reason::NoEligibleProvider, None, refund(3_000), 2));
    });
}

#[test]
fn idle_weight_works_off_what_is_left_and_never_more_than_there_is() {
    Chain::with(&[(FIRST, 10, 100)]).test(|| {
        for _ in 0..20 {
            post(ALICE, 100, 1_000).unwrap();
        }
        stall_to(50);
        let heads = <() as WeightInfo>::queue_heads();
        let step = <() as WeightInfo>::due_refunded();
        let costliest = Jobs::costliest_step();
        assert_eq!(Jobs::on_idle(50, Weight::zero()), Weight::zero());
        assert_eq!(Jobs::on_idle(50, heads + costliest - Weight::from_parts(1, 0)), heads);
        assert_eq!(Living::<Test>::iter_keys().count(), 20);

        let some = heads + step.saturating_mul(4) + costliest;
        let used = Jobs::on_idle(50, some);
        assert!(used.all_lte(some));
        assert_eq!(used, heads + step.saturating_mul(5));
        assert_eq!(Living::<Test>::iter_keys().count(), 15);
        assert_eq!(Jobs::on_idle(50, Weight::MAX), heads + step.saturating_mul(15));
        assert_eq!(Living::<Test>::iter_keys().count(), 0);
    });
}

#[test]
fn a_flooded_queue_does_not_starve_the_others() {
    Chain::with(&[(FIRST, 10, 200)]).test(|| {
        let urgent = post(BOB, 100, 1_000).unwrap();
        release(BOB, urgent).unwrap();
        for _ in 0..100 {
            let job = post(ALICE, 1, 10).unwrap();
            cancel(ALICE, job).unwrap();
        }
        // A hundred ended jobs are passed from block 7 on, three a block, and the run is overdue from block 17 on.
        stall_to(11);
        run_to(23);
        assert!(crate::NextJobId::<Test>::get() - crate::NextInputCheck::<Test>::get() > 50);
        assert_eq!(ending(urgent).0, Reason::NoEligibleProvider);
    });
}

#[test]
fn every_kind_of_patience_has_its_own_queue_in_order() {
    Chain::with(&[(FIRST, 10, 200)]).test(|| {
        for patience in [Patience::Long, Patience::Standard, Patience::Short, Patience::Standard] {
            post_call(ALICE, MODEL, 10, 1_000, patience).unwrap();
            let job = crate::NextJobId::<Test>::get() - 1;
            release(ALICE, job).unwrap();
            run_to(System::block_number() + 1);
        }
        // Each is noted when its input window is over: from block 7 on.
        assert_eq!([Queue::Short, Queue::Standard, Queue::Long].map(waiting), [0, 0, 0]);
        run_to(10);
        assert_eq!([Queue::Short, Queue::Standard, Queue::Long].map(waiting), [1, 2, 1]);
        let standard: Vec<_> = (0..2)
            .map(|at| Deadlines::<Test>::get(Queue::Standard, at).unwrap().at)
            .collect();
        assert_eq!(standard, [28, 30]);
        run_to(19);
        assert!(Receipts::<Test>::contains_key(2));
        run_to(28);
        assert!(Receipts::<Test>::contains_key(1) && !Receipts::<Test>::contains_key(3));
        run_to(47);
        assert!(Receipts::<Test>::contains_key(0));
    });
}

#[test]
fn receipts_are_removed_after_their_retention() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        run_to(2);
        cancel(ALICE, job).unwrap();
        run_to(31);
        assert!(Receipts::<Test>::contains_key(job));
        run_to(32);
        assert!(!Receipts::<Test>::contains_key(job));
        assert_eq!(events().pop(), Some(Event::ReceiptPruned { job }));
        assert_noop!(cancel(ALICE, job), Error::<Test>::NotFound);
        assert_eq!(crate::JobsByUser::<Test>::iter().count(), 0);
        assert_eq!(Deadlines::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_job_that_lives_keeps_the_receipts_of_those_posted_after_it() {
    Chain::with(&ALL_THREE).test(|| {
        post_call(ALICE, MODEL, 10, 1_000, Patience::Long).unwrap();
        release(ALICE, 0).unwrap();
        let quick = post(BOB, 100, 3_000).unwrap();
        cancel(BOB, quick).unwrap();
        run_to(45);
        assert!(Receipts::<Test>::contains_key(quick), "its retention ended in block 31");
        // The first device misses its deadline in block 46, and nobody releases the input to the second.
        run_to(53);
        assert_eq!(ending(0).0, Reason::InputWithheld);
        run_to(82);
        assert!(Receipts::<Test>::contains_key(quick));
        run_to(83);
        assert_eq!(Receipts::<Test>::iter_keys().count(), 0);
    });
}

#[test]
fn a_job_that_is_late_in_the_line_of_the_posted_is_expired_all_the_same() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        release(ALICE, job).unwrap();
        // Nobody looked when its input window ended, and now its device is overdue too.
        stall_to(40);
        run_to(41);
        assert_eq!(assignee(job), SECOND);
        assert_eq!(Book::outcomes(FIRST), [Outcome::Missed]);
    });
}

#[test]
fn the_turn_goes_round_all_lines() {
    for turn in 0..18 {
        let order: Vec<_> = Line::in_turn(turn).collect();
        assert_eq!(order[0], Line::ALL[turn % Line::ALL.len()]);
        assert!(Line::ALL.iter().all(|line| order.contains(line)) && order.len() == Line::ALL.len());
    }
    assert!(Queue::ALL.iter().all(|queue| Line::ALL.contains(&Line::Queue(*queue))));
}
