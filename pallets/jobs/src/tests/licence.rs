//! Models that need a licence: no use, no job, and no use lost to a job that came to nothing.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    job::{Patience, Reason},
    job_view::JobState,
    registry::PaidJobs,
};

use super::*;
use crate::{Error, Jobs as Living, mock::*};

fn post_licensed(user: AccountId) -> sp_runtime::DispatchResult {
    post_call(user, LICENSED_MODEL, 10, 1_000, Patience::Short)
}

#[test]
fn no_licence_no_job() {
    Chain::with(&ALL_THREE).test(|| {
        assert_noop!(post_licensed(ALICE), Error::<Test>::NoLicence);
        Registry::license(ALICE, 1);
        assert_noop!(post_licensed(BOB), Error::<Test>::NoLicence);
        assert_ok!(post_licensed(ALICE));
        assert_eq!(Registry::uses_left(ALICE), Some(0));
        assert_eq!(Living::<Test>::get(0).unwrap().licence, Some(ALICE));
        assert_noop!(post_licensed(ALICE), Error::<Test>::LicenceRanOut);
        let JobState::Living(living) = Jobs::job(0).unwrap().state else {
            panic!("the job lives")
        };
        assert_eq!(living.licence, Some(ALICE));
    });
}

#[test]
fn a_model_that_is_free_takes_no_use() {
    Chain::with(&ALL_THREE).test(|| {
        Registry::license(ALICE, 1);
        let job = post(ALICE, 10, 1_000).unwrap();
        assert_eq!(Living::<Test>::get(job).unwrap().licence, None);
        assert_eq!(Registry::uses_left(ALICE), Some(1));
    });
}

#[test]
fn a_refused_post_takes_no_use() {
    Chain::with(&[(FIRST, 10, 1)]).test(|| {
        Registry::license(ALICE, 1);
        let dear = post_call(ALICE, LICENSED_MODEL, 1_000, 1_000, Patience::Short);
        assert_eq!(dear, Err(Error::<Test>::PriceBelowAsk.into()));
        assert_eq!(Registry::uses_left(ALICE), Some(1));
    });
}

#[test]
fn a_completed_job_uses_its_use_up() {
    Chain::with(&ALL_THREE).test(|| {
        Registry::license(ALICE, 1);
        assert_ok!(post_licensed(ALICE));
        release(ALICE, 0).unwrap();
        assert_ok!(commit(device_of(FIRST), 0, 1));
        assert_eq!(Registry::uses_left(ALICE), Some(0));
    });
}

#[test]
fn every_other_end_gives_it_back_once() {
    // One provider only, so that a job that is lost has nowhere to go.
    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        Registry::license(ALICE, 4);
        for _ in 0..4 {
            assert_ok!(post_licensed(ALICE));
        }
        assert_eq!(Registry::uses_left(ALICE), Some(0));
        cancel(ALICE, 0).unwrap();
        assert_eq!(Registry::uses_left(ALICE), Some(1));
        decline(device_of(FIRST), 1).unwrap();
        assert_eq!(Registry::uses_left(ALICE), Some(2));
        release(ALICE, 2).unwrap();
        run_to(40);
        assert_eq!(Registry::uses_left(ALICE), Some(4));
        let reasons = [0, 1, 2, 3].map(|job| ending(job).0);
        assert_eq!(
            reasons,
            [
                Reason::Cancelled,
                Reason::NoEligibleProvider,
                Reason::NoEligibleProvider,
                Reason::InputWithheld
            ]
        );
    });
}

#[test]
fn a_job_that_goes_to_the_next_provider_keeps_its_use() {
    Chain::with(&ALL_THREE).test(|| {
        Registry::license(ALICE, 1);
        post_call(ALICE, LICENSED_MODEL, 10, 1_000, Patience::Short).unwrap();
        decline(device_of(FIRST), 0).unwrap();
        assert_eq!(Registry::uses_left(ALICE), Some(0));
        release(ALICE, 0).unwrap();
        commit(device_of(SECOND), 0, 1).unwrap();
        assert_eq!(Registry::uses_left(ALICE), Some(0));
    });
}

#[test]
fn what_a_use_costs_is_charged_only_where_one_is_taken() {
    use crate::{Call, WeightInfo};
    use frame_support::dispatch::GetDispatchInfo;
    use sp_runtime::traits::Dispatchable;
    use weft_primitives::{job::Arithmetic, tier::Tier};

    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        Registry::license(ALICE, 8);
        let post = |model| {
            RuntimeCall::Jobs(Call::post {
                model,
                input: input(),
                user_key: USER_KEY,
                max_tokens: 10,
                max_price: 1_000,
                patience: Patience::Short,
                arithmetic: Arithmetic::Float,
                tier: Tier::None,
            })
        };
        type Cost = ();
        let most = Cost::post(2) + Cost::take_use();
        let charged = |call: RuntimeCall| call.dispatch(RuntimeOrigin::signed(ALICE)).unwrap().actual_weight;
        assert_eq!(post(MODEL).get_dispatch_info().call_weight, most);
        assert_eq!(charged(post(MODEL)), Some(Cost::post(0)));
        assert_eq!(charged(post(LICENSED_MODEL)), Some(Cost::post(0) + Cost::take_use()));
        let cancel = |job| RuntimeCall::Jobs(Call::cancel { job });
        assert_eq!(charged(cancel(0)), Some(Cost::cancel(0)));
        assert_eq!(charged(cancel(1)), Some(Cost::cancel(0) + Cost::return_use()));
    });
}

#[test]
fn only_a_completed_job_that_cost_something_proves_paid_use() {
    Chain::with(&[(FIRST, 10, 8)]).test(|| {
        let paid = post(ALICE, 10, 1_000).unwrap();
        assert_eq!(Jobs::paid_job(paid), None);
        release(ALICE, paid).unwrap();
        commit(device_of(FIRST), paid, 1).unwrap();
        assert_eq!(Jobs::paid_job(paid), Some((ALICE, MODEL)));

        let unused = post(ALICE, 10, 1_000).unwrap();
        release(ALICE, unused).unwrap();
        commit(device_of(FIRST), unused, 0).unwrap();
        assert_eq!(Jobs::paid_job(unused), None);

        let cancelled = post(ALICE, 10, 1_000).unwrap();
        cancel(ALICE, cancelled).unwrap();
        assert_eq!(Jobs::paid_job(cancelled), None);
        assert_eq!(Jobs::paid_job(99), None);
    });
}
