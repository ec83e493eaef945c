use codec::{Decode, Encode};
use weft_primitives::{
    job::{Arithmetic, Patience, Phase, Reason},
    job_view::{EndedJob, JobState, JobView, LivingJob},
    page::MAX_PAGE,
};

use super::*;
use crate::mock::*;

fn ids(page: &[JobView<AccountId, BlockNumber>]) -> Vec<u64> {
    page.iter().map(|view| view.id).collect()
}

#[test]
fn a_living_job_shows_what_a_device_needs() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        run_to(3);
        release(ALICE, job).unwrap();
        let view = Jobs::job(job).unwrap();
        assert_eq!(
            view,
            JobView {
                id: job,
                user: ALICE,
                model: MODEL,
                arithmetic: Arithmetic::Float,
                tier: weft_primitives::tier::Tier::None,
                posted_at: 1,
                attempts: 1,
                state: JobState::Living(LivingJob {
                    phase: Phase::Running { until: 16 },
                    input: input(),
                    user_key: USER_KEY,
                    input_key: Some(WRAPPED),
                    max_tokens: 100,
                    max_price: 3_000,
                    patience: Patience::Short,
                    provider: FIRST,
                    device: device_of(FIRST),
                    encryption_key: key_of(FIRST),
                    ask_per_token: 10,
                    licence: None,
                    proposed: None,
                }),
            }
        );
        assert_eq!(JobView::decode(&mut &view.encode()[..]), Ok(view));
        assert_eq!(Jobs::job(job + 1), None);
    });
}

#[test]
fn an_ended_job_shows_its_receipt_until_it_is_removed() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 3_000).unwrap();
        cancel(ALICE, job).unwrap();
        let state = JobState::Ended(EndedJob {
            reason: Reason::Cancelled,
            provider: Some(FIRST),
            output: None,
            result_hash: None,
            trace_root: None,
            output_key: None,
            used_tokens: 0,
            split: refund(3_000),
            ended_at: 1,
        });
        assert_eq!(Jobs::job(job).unwrap().state, state);
        run_to(31);
        assert_eq!(Jobs::job(job), None);
    });
}

#[test]
fn a_users_jobs_are_listed_in_order_across_the_byte_boundary() {
    Chain::with(&[(FIRST, 0, 1_000)]).test(|| {
        for n in 0..300 {
            post(if n % 3 == 0 { BOB } else { ALICE }, 1, 0).unwrap();
        }
        cancel(ALICE, 4).unwrap();
        let mut seen = Vec::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let page = Jobs::jobs_by_user(ALICE, at, 7);
            assert!(page.items.len() == 7 || page.next.is_none());
            seen.extend(ids(&page.items));
            from = page.next;
        }
        assert_eq!(seen, (0..300).filter(|n| n % 3 != 0).collect::<Vec<_>>());

        assert_eq!(ids(&Jobs::jobs_by_user(ALICE, 256, 2).items), [256, 257]);
        assert_eq!(ids(&Jobs::jobs_by_user(ALICE, 255, 2).items), [256, 257]);
        let end = Jobs::jobs_by_user(ALICE, u64::MAX, 10);
        assert_eq!((ids(&end.items), end.next), (vec![], None));
        assert_eq!(Jobs::jobs_by_user(99, 0, 10).items, []);
    });
}

#[test]
fn a_page_is_bounded_whatever_is_asked_for() {
    Chain::with(&[(FIRST, 0, 1_000)]).test(|| {
        for _ in 0..150 {
            post(ALICE, 1, 0).unwrap();
        }
        let page = Jobs::jobs_by_user(ALICE, 0, u32::MAX);
        assert_eq!((page.items.len(), page.next), (MAX_PAGE as usize, Some(100)));
        let page = Jobs::active_jobs_of_provider(FIRST, 100, u32::MAX);
        assert_eq!((page.items.len(), page.next), (50, None));
        assert_eq!(Jobs::jobs_by_user(ALICE, 0, 0).items.len(), 1);
    });
}

#[test]
fn a_provider_sees_the_jobs_it_is_booked_for_now() {
    Chain::with(&ALL_THREE).test(|| {
        for _ in 0..4 {
            post(ALICE, 100, 3_000).unwrap();
        }
        cancel(ALICE, 0).unwrap();
        decline(device_of(FIRST), 1).unwrap();
        assert_eq!(ids(&Jobs::active_jobs_of_provider(FIRST, 0, 10).items), [2, 3]);
        assert_eq!(ids(&Jobs::active_jobs_of_provider(SECOND, 0, 10).items), [1]);
        let first = Jobs::active_jobs_of_provider(FIRST, 0, 1);
        assert_eq!((ids(&first.items), first.next), (vec![2], Some(3)));
    });
}
