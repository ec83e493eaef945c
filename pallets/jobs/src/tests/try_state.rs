//! The invariants must be able to fail, or checking them after every test would mean nothing.

use frame_support::traits::fungible::MutateHold;
use sp_runtime::TryRuntimeError;
use weft_primitives::{
    job::{Arithmetic, Phase},
    registry::Matching,
    reputation::Outcome,
    tier::Window,
};

use super::*;
use crate::{
    Deadlines, HoldReason, Jobs as Living, JobsByUser, NextInputCheck, NextJobId, NextReceipt, Queue, QueueEnds,
    Receipts, mock::*,
};

/// The complaint about a state with one running, one sealed and one ended job, after `damage`.
fn complaint(damage: impl FnOnce()) -> String {
    let mut said = None;
    let undone = frame_support::storage::with_transaction(|| {
        damage();
        said = Some(Jobs::do_try_state());
        sp_runtime::TransactionOutcome::Rollback(Ok::<(), TryRuntimeError>(()))
    });
    undone.unwrap();
    match said {
        Some(Err(TryRuntimeError::Other(text))) => text.into(),
        other => panic!("not noticed: {other:?}"),
    }
}

#[test]
fn each_kind_of_damage_is_noticed() {
    Chain::with(&ALL_THREE).test(|| {
        let (running, _sealed, ended) = (
            post(ALICE, 100, 3_000).unwrap(),
            post(ALICE, 100, 3_000).unwrap(),
            post(BOB, 100, 3_000).unwrap(),
        );
        release(ALICE, running).unwrap();
        cancel(BOB, ended).unwrap();
        run_to(3);
        let again = post(ALICE, 100, 3_000).unwrap();
        decline(device_of(FIRST), again).unwrap();
        check_invariants();

        let change = |edit: fn(&mut crate::pallet::JobOf<Test>)| {
            complaint(|| Living::<Test>::mutate(running, |job| edit(job.as_mut().unwrap())))
        };
        assert_eq!(change(|job| job.max_tokens = 0), "a job allows no tokens");
        assert_eq!(
            change(|job| job.attempt = 4),
            "a job is in an attempt that there is not"
        );
        assert_eq!(
            change(|job| job.attempt = 2),
            "a job excludes others than those who lost it"
        );
        assert_eq!(
            change(|job| job.input_key = None),
            "a job runs without its input, or has one without running"
        );
        assert_eq!(
            change(|job| job.booking.ask_per_token = 31),
            "a job's escrow does not cover its price"
        );
        assert_eq!(
            change(|job| job.max_price += 1),
            "a user's hold is not the sum of their jobs' escrows"
        );
        assert_eq!(
            change(|job| job.user = BOB),
            "a user's hold is not the sum of their jobs' escrows"
        );
        assert_eq!(
            change(|job| job.booking.provider = SECOND),
            "a provider is not booked once for each of their jobs without a result"
        );

        assert_eq!(
            change(|job| job.arithmetic = Arithmetic::Exact),
            "an exact job is for a model that is not exact"
        );

        assert_eq!(
            change(|job| job.phase = Phase::Committed { until: 40 }),
            "a result may be challenged that is not there, or is there and may not"
        );
        assert_eq!(
            change(|job| job.tier = challengeable(Window::Short)),
            "a job may be challenged that has no trace"
        );

        assert_eq!(
            complaint(|| NextJobId::<Test>::put(0)),
            "a job has a number that was not given out"
        );
        assert_eq!(
            complaint(|| {
                let receipt = Receipts::<Test>::get(ended).unwrap();
                Receipts::<Test>::insert(running, receipt);
            }),
            "a job lives and has a receipt"
        );
        assert_eq!(
            complaint(|| Receipts::<Test>::mutate(ended, |receipt| receipt.as_mut().unwrap().output = Some(output()))),
            "a receipt has a result without completion, or none with it"
        );
        assert_eq!(
            complaint(|| {
                Receipts::<Test>::mutate(ended, |receipt| receipt.as_mut().unwrap().trace_root = Some(TRACE_ROOT))
            }),
            "a receipt has a trace root that is not of a completed exact job, or lacks one that is"
        );
        assert_eq!(
            complaint(|| Balances::hold(&HoldReason::Escrow.into(), &BOB, 1).unwrap()),
            "a user's hold is not the sum of their jobs' escrows"
        );
        assert_eq!(
            complaint(|| Deadlines::<Test>::remove(Queue::Input, 0)),
            "a queue has gaps"
        );
        assert_eq!(
            complaint(|| QueueEnds::<Test>::mutate(Queue::Input, |ends| ends.tail -= 1)),
            "an entry is outside its queue"
        );
        assert_eq!(
            complaint(|| Jobs::enqueue(Queue::Short, running, 1, 12)),
            "a living job does not wait exactly once for its deadline"
        );
        assert_eq!(
            complaint(|| NextInputCheck::<Test>::put(1)),
            "a living job does not wait exactly once for its deadline"
        );
        assert_eq!(
            complaint(|| Deadlines::<Test>::mutate(Queue::Input, 0, |due| due.as_mut().unwrap().at += 1)),
            "a living job does not wait exactly once for its deadline"
        );
        assert_eq!(
            complaint(|| NextReceipt::<Test>::put(5)),
            "a cursor is beyond the last job"
        );
        assert_eq!(
            complaint(|| NextReceipt::<Test>::put(1)),
            "a job or receipt was passed over by the removal of receipts"
        );
        assert_eq!(
            complaint(|| JobsByUser::<Test>::remove(BOB, ended.to_be_bytes())),
            "a job or receipt is missing in its user's list"
        );
        assert_eq!(
            complaint(|| JobsByUser::<Test>::insert(ALICE, ended.to_be_bytes(), ())),
            "a user's list has a job that is not theirs"
        );
        assert_eq!(
            complaint(|| {
                Book::settle(&FIRST, running, Outcome::Blameless);
            }),
            "a provider is not booked once for each of their jobs without a result"
        );
    });
}

#[test]
fn the_configuration_is_checked() {
    use frame_support::traits::Hooks;
    Chain::with(&[]).test(<Jobs as Hooks<BlockNumber>>::integrity_test);
}
