use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons, fungible::Mutate},
};
use weft_primitives::{
    job::{Arithmetic, Reason},
    price::Split,
    reputation::Outcome,
};

use super::*;
use crate::{Error, Event, Jobs, Party, Receipt, Receipts, mock::*};

/// A job of Alice's with the first provider, at 10 a token, released.
fn running(max_tokens: u32, max_price: u128) -> u64 {
    let job = post(ALICE, max_tokens, max_price).unwrap();
    release(ALICE, job).unwrap();
    job
}

fn redirections() -> Vec<(Party, Option<Party>, u128)> {
    events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Redirected {
                due_to,
                paid_to,
                amount,
                ..
            } => Some((due_to, paid_to, amount)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_commit_in_time_pays_everyone_to_the_last_unit() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(1_000, 20_000);
        run_to(16);
        assert_ok!(commit(device_of(FIRST), job, 900));

        // Price 9,000: a tenth to the treasury, a twentieth of the other 8,100 to the creator.
        let split = Split {
            provider: 7_695,
            royalty: 405,
            treasury: 900,
            refund: 11_000,
        };
        assert_eq!(ending(job), (Reason::Completed, Some(FIRST), split, 1));
        assert_eq!(free(FIRST), ENDOWMENT + 7_695);
        assert_eq!(free(CREATOR), ENDOWMENT + 405);
        assert_eq!(free(TREASURY), ENDOWMENT + 900);
        assert_eq!((free(ALICE), held(ALICE)), (ENDOWMENT - 9_000, 0));
        assert_eq!(Book::outcomes(FIRST), [Outcome::Kept]);
        assert_eq!(redirections(), []);
        assert_eq!(
            Receipts::<Test>::get(job),
            Some(Receipt {
                user: ALICE,
                model: MODEL,
                arithmetic: Arithmetic::Float,
                tier: weft_primitives::tier::Tier::None,
                provider: Some(FIRST),
                reason: Reason::Completed,
                output: Some(output()),
                result_hash: Some(RESULT_HASH),
                trace_root: None,
                output_key: Some(OUTPUT_KEY),
                used_tokens: 900,
                split,
                attempts: 1,
                posted_at: 1,
                ended_at: 16,
            })
        );
    });
}

#[test]
fn a_commit_is_free_and_charged_by_what_it_moved() {
    use crate::{Call, WeightInfo};
    use frame_support::dispatch::{GetDispatchInfo, Pays};
    use sp_runtime::traits::Dispatchable;

    let slots = |capacity| {
        let mut info = None;
        Chain::with(&[(FIRST, 10, capacity)]).test(|| {
            let job = running(100, 1_000);
            let call = RuntimeCall::Jobs(Call::commit {
                job,
                output: output(),
                result_hash: RESULT_HASH,
                output_key: OUTPUT_KEY,
                used_tokens: 1,
                trace_root: None,
                evidence: None,
            });
            let most = <() as WeightInfo>::commit(2, 3);
            assert_eq!(call.get_dispatch_info().call_weight, most);
            info = Some(call.dispatch(RuntimeOrigin::signed(device_of(FIRST))).unwrap());
        });
        info.unwrap()
    };
    let (full, spare) = (slots(1), slots(2));
    assert_eq!((full.pays_fee, spare.pays_fee), (Pays::No, Pays::No));
    assert_eq!(full.actual_weight, Some(<() as WeightInfo>::commit(1, 0)));
    assert_eq!(spare.actual_weight, Some(<() as WeightInfo>::commit(0, 0)));
}

#[test]
fn only_the_assigned_device_commits_and_only_once() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(100, 5_000);
        for stranger in [ALICE, BOB, FIRST, SECOND, device_of(SECOND)] {
            assert_noop!(commit(stranger, job, 1), Error::<Test>::NotAssignedToYou);
        }
        assert_noop!(commit(device_of(FIRST), job + 1, 1), Error::<Test>::NotFound);
        assert_ok!(commit(device_of(FIRST), job, 1));
        assert_noop!(commit(device_of(FIRST), job, 1), Error::<Test>::AlreadyEnded);
        assert_noop!(decline(device_of(FIRST), job), Error::<Test>::AlreadyEnded);
        assert_eq!(free(FIRST), ENDOWMENT + 9);
    });
}

#[test]
fn no_more_tokens_are_charged_than_were_allowed() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(100, 1_000);
        assert_noop!(commit(device_of(FIRST), job, 101), Error::<Test>::TooManyTokens);
        assert_noop!(commit(device_of(FIRST), job, u32::MAX), Error::<Test>::TooManyTokens);
        assert_ok!(commit(device_of(FIRST), job, 100));
        assert_eq!(ending(job).2.refund, 0);
    });
}

#[test]
fn nothing_is_committed_before_the_input_is_released() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 100, 1_000).unwrap();
        assert_noop!(commit(device_of(FIRST), job, 1), Error::<Test>::InputNotReleased);
    });
}

#[test]
fn a_late_commit_is_refused_though_the_queue_has_not_come_round() {
    Chain::with(&ALL_THREE).test(|| {
        let (prompt, late) = (running(100, 1_000), running(100, 1_000));
        stall_to(16);
        assert_ok!(commit(device_of(FIRST), prompt, 1));
        stall_to(17);
        assert_noop!(commit(device_of(FIRST), late, 1), Error::<Test>::DeadlinePassed);
        assert!(Jobs::<Test>::contains_key(late));
    });
}

#[test]
fn who_lost_the_job_cannot_commit_any_more() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(100, 3_000);
        run_to(17);
        assert_eq!(assignee(job), SECOND);
        assert_noop!(commit(device_of(FIRST), job, 1), Error::<Test>::NotAssignedToYou);
    });
}

#[test]
fn the_creator_of_a_retired_model_is_still_paid() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(1_000, 10_000);
        Registry::retire(MODEL);
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        assert_eq!(ending(job).2.royalty, 450);
        assert_eq!(free(CREATOR), ENDOWMENT + 450);
    });
}

#[test]
fn a_user_may_be_provider_and_creator_too() {
    Chain::with(&[(CREATOR, 10, 1)]).test(|| {
        let job = post(CREATOR, 100, 1_000).unwrap();
        release(CREATOR, job).unwrap();
        assert_ok!(commit(device_of(CREATOR), job, 100));
        assert_eq!(free(CREATOR), ENDOWMENT - 100);
        assert_eq!(held(CREATOR), 0);
    });
}

#[test]
fn other_escrows_of_the_user_are_not_touched() {
    Chain::with(&ALL_THREE).test(|| {
        let (job, _other) = (running(100, 1_000), running(100, 7_000));
        assert_ok!(commit(device_of(FIRST), job, 100));
        assert_eq!(held(ALICE), 7_000);
    });
}

#[test]
fn a_lock_on_the_users_funds_does_not_keep_the_pay_back() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running(1_000, 10_000);
        Balances::set_lock(*b"staking ", &ALICE, ENDOWMENT, WithdrawReasons::all());
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        assert_eq!(free(FIRST), ENDOWMENT + 8_550);
        assert_eq!(redirections(), []);
    });
}

#[test]
fn a_large_part_creates_the_account_it_goes_to() {
    Chain::with(&ALL_THREE).without(FIRST).without(CREATOR).test(|| {
        let job = running(1_000, 10_000);
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        assert_eq!((free(FIRST), free(CREATOR)), (8_550, 450));
        assert_eq!(redirections(), []);
    });
}

#[test]
fn what_a_dead_account_cannot_take_goes_to_the_treasury() {
    Chain::with(&ALL_THREE).without(FIRST).without(CREATOR).test(|| {
        let job = running(100, 1_000);
        assert_ok!(commit(device_of(FIRST), job, 10));
        // Price 100, less than the existential deposit: 10 to the treasury, 4 of the rest to the creator.
        assert_eq!(
            redirections(),
            [
                (Party::Provider, Some(Party::Treasury), 86),
                (Party::Creator, Some(Party::Treasury), 4)
            ]
        );
        let split = Split {
            treasury: 100,
            refund: 900,
            ..Default::default()
        };
        assert_eq!(ending(job), (Reason::Completed, Some(FIRST), split, 1));
        assert_eq!(free(TREASURY), ENDOWMENT + 100);
    });
}

#[test]
fn what_a_dead_treasury_cannot_take_goes_to_the_user() {
    Chain::with(&ALL_THREE).without(TREASURY).test(|| {
        let job = running(100, 1_000);
        assert_ok!(commit(device_of(FIRST), job, 10));
        assert_eq!(redirections(), [(Party::Treasury, Some(Party::User), 10)]);
        assert_eq!(
            ending(job).2,
            Split {
                provider: 86,
                royalty: 4,
                treasury: 0,
                refund: 910
            }
        );
    });
}

/// Gives Alice just this much, and another reason to exist than her balance, so that she can hold all of it.
fn endow_alice(balance: u128) {
    frame_system::Pallet::<Test>::inc_providers(&ALICE);
    Balances::set_balance(&BOB, 2 * ENDOWMENT - balance);
    Balances::set_balance(&ALICE, balance);
}

#[test]
fn a_refund_that_the_user_cannot_take_goes_to_the_treasury() {
    Chain::with(&ALL_THREE).test(|| {
        endow_alice(10_099);
        let job = running(1_000, 10_099);
        assert_eq!(free(ALICE), 0);
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        assert_eq!(redirections(), [(Party::User, Some(Party::Treasury), 99)]);
        assert_eq!(
            ending(job).2,
            Split {
                provider: 8_550,
                royalty: 450,
                treasury: 1_099,
                refund: 0
            }
        );
        assert_eq!((held(ALICE), free(ALICE)), (0, 0));
    });
}

#[test]
fn what_nobody_can_take_is_burned_as_dust_and_the_job_ends_all_the_same() {
    Chain::with(&ALL_THREE).without(TREASURY).test(|| {
        endow_alice(1_000);
        let (small, large) = (post(ALICE, 1, 90).unwrap(), post(ALICE, 1, 910).unwrap());
        assert_eq!(free(ALICE), 0);
        assert_ok!(cancel(ALICE, small));
        assert_eq!(redirections(), [(Party::User, None, 90)]);
        assert_eq!(ending(small), (Reason::Cancelled, Some(FIRST), refund(0), 1));
        assert_ok!(cancel(ALICE, large));
        assert_eq!(ending(large), (Reason::Cancelled, Some(FIRST), refund(910), 1));
        assert_eq!((held(ALICE), free(ALICE)), (0, 910));
    });
}
