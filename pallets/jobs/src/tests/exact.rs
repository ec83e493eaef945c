//! Exact jobs: which models they are for, and the trace root that comes with their results.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Arithmetic, Patience, Reason},
    job_view::JobState,
};

use super::*;
use crate::{Error, Event, Jobs as Living, Receipts, mock::*};

/// An exact job of Alice's with the first provider, released.
fn running() -> u64 {
    let job = post_exact(ALICE, EXACT_MODEL).unwrap();
    release(ALICE, job).unwrap();
    job
}

#[test]
fn an_exact_job_is_for_an_exact_model() {
    Chain::with(&ALL_THREE).test(|| {
        assert_noop!(post_exact(ALICE, MODEL), Error::<Test>::ModelIsNotExact);
        assert_noop!(post_exact(ALICE, RETIRED), Error::<Test>::UnknownModel);
        assert_noop!(post_exact(ALICE, 1234), Error::<Test>::UnknownModel);
        assert_eq!(held(ALICE), 0);
        let job = post_exact(ALICE, EXACT_MODEL).unwrap();
        assert_eq!(Living::<Test>::get(job).unwrap().arithmetic, Arithmetic::Exact);
        assert_eq!(Jobs::job(job).unwrap().arithmetic, Arithmetic::Exact);
        let told = events().into_iter().find_map(|event| match event {
            Event::Posted { model, arithmetic, .. } => Some((model, arithmetic)),
            _ => None,
        });
        assert_eq!(told, Some((EXACT_MODEL, Arithmetic::Exact)));
    });
}

#[test]
fn an_exact_result_needs_a_trace_root_which_the_receipt_keeps() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running();
        assert_noop!(
            commit_with(device_of(FIRST), job, 5, None),
            Error::<Test>::TraceRootMissing
        );
        assert_ok!(commit_with(device_of(FIRST), job, 5, Some(TRACE_ROOT)));
        let receipt = Receipts::<Test>::get(job).unwrap();
        assert_eq!(
            (receipt.reason, receipt.arithmetic, receipt.trace_root),
            (Reason::Completed, Arithmetic::Exact, Some(TRACE_ROOT))
        );
        let view = Jobs::job(job).unwrap();
        assert_eq!(view.arithmetic, Arithmetic::Exact);
        let JobState::Ended(ended) = view.state else {
            panic!("the job ended")
        };
        assert_eq!(ended.trace_root, Some(TRACE_ROOT));
    });
}

#[test]
fn a_float_result_has_no_trace_root_whatever_the_model() {
    Chain::with(&ALL_THREE).test(|| {
        for model in [MODEL, EXACT_MODEL] {
            let job = crate::NextJobId::<Test>::get();
            post_call(ALICE, model, 10, 1_000, Patience::Short).unwrap();
            release(ALICE, job).unwrap();
            assert_noop!(
                commit_with(device_of(FIRST), job, 5, Some(TRACE_ROOT)),
                Error::<Test>::UnexpectedTraceRoot
            );
            assert_ok!(commit(device_of(FIRST), job, 5));
            let receipt = Receipts::<Test>::get(job).unwrap();
            assert_eq!((receipt.arithmetic, receipt.trace_root), (Arithmetic::Float, None));
        }
    });
}

#[test]
fn an_exact_job_that_is_not_completed_has_no_trace_root() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post_exact(ALICE, EXACT_MODEL).unwrap();
        cancel(ALICE, job).unwrap();
        let receipt = Receipts::<Test>::get(job).unwrap();
        assert_eq!((receipt.arithmetic, receipt.trace_root), (Arithmetic::Exact, None));
    });
}

#[test]
fn an_exact_job_stays_exact_with_the_next_provider() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running();
        decline(device_of(FIRST), job).unwrap();
        release(ALICE, job).unwrap();
        assert_noop!(
            commit_with(device_of(SECOND), job, 5, None),
            Error::<Test>::TraceRootMissing
        );
        assert_ok!(commit_with(device_of(SECOND), job, 5, Some(TRACE_ROOT)));
    });
}
