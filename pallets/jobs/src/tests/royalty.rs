//! The creator's part, divided up the model's lineage.

use frame_support::assert_ok;
use weft_primitives::{job::Patience, price::Split};

use super::*;
use crate::{Event, Party, mock::*};

/// A job of Alice's on the derived model with the first provider, at 10 a token, released.
fn running() -> u64 {
    let job = crate::NextJobId::<Test>::get();
    post_call(ALICE, DERIVED_MODEL, 1_000, 10_000, Patience::Short).unwrap();
    release(ALICE, job).unwrap();
    job
}

fn divisions() -> Vec<Vec<(AccountId, u128)>> {
    events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RoyaltyDivided { parts, .. } => Some(parts),
            _ => None,
        })
        .collect()
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
fn everyone_up_the_lineage_is_paid_to_the_last_unit() {
    Chain::with(&ALL_THREE).test(|| {
        let job = running();
        assert_ok!(commit(device_of(FIRST), job, 999));
        // Price 9,990: 999 to the treasury, a twentieth of the other 8,991 is 449: 56, 112 and 281.
        let split = ending(job).2;
        assert_eq!(split.royalty, 449);
        assert_eq!(split.total(), 10_000);
        assert_eq!(divisions(), [vec![(GRANDPARENT, 56), (PARENT, 112), (CREATOR, 281)]]);
        assert_eq!(free(GRANDPARENT), ENDOWMENT + 56);
        assert_eq!(free(PARENT), ENDOWMENT + 112);
        assert_eq!(free(CREATOR), ENDOWMENT + 281);
        assert_eq!(redirections(), []);
    });
}

#[test]
fn a_model_without_lineage_pays_its_creator_alone_and_says_no_more() {
    Chain::with(&ALL_THREE).test(|| {
        let job = post(ALICE, 1_000, 10_000).unwrap();
        release(ALICE, job).unwrap();
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        assert_eq!(free(CREATOR), ENDOWMENT + 450);
        assert!(divisions().is_empty());
    });
}

#[test]
fn what_one_cannot_take_goes_to_the_treasury_and_the_others_are_paid() {
    Chain::with(&ALL_THREE).without(GRANDPARENT).test(|| {
        let job = running();
        assert_ok!(commit(device_of(FIRST), job, 1_000));
        // 450, of which 56 are below the existential deposit.
        assert_eq!(redirections(), [(Party::Creator, Some(Party::Treasury), 56)]);
        assert_eq!(divisions(), [vec![(PARENT, 112), (CREATOR, 282)]]);
        assert_eq!(
            ending(job).2,
            Split {
                provider: 8_550,
                royalty: 394,
                treasury: 1_056,
                refund: 0
            }
        );
    });
}

#[test]
fn a_commit_is_charged_by_who_is_paid() {
    use crate::{Call, WeightInfo};
    use frame_support::dispatch::GetDispatchInfo;
    use sp_runtime::traits::Dispatchable;

    let charged = |model, used_tokens| {
        let mut charged = None;
        Chain::with(&[(FIRST, 10, 8)]).test(|| {
            post_call(ALICE, model, 1_000, 10_000, Patience::Short).unwrap();
            release(ALICE, 0).unwrap();
            let call = RuntimeCall::Jobs(Call::commit {
                job: 0,
                output: output(),
                result_hash: RESULT_HASH,
                output_key: OUTPUT_KEY,
                used_tokens,
                trace_root: None,
                evidence: None,
            });
            assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::commit(2, 3));
            charged = call
                .dispatch(RuntimeOrigin::signed(device_of(FIRST)))
                .unwrap()
                .actual_weight;
        });
        charged.unwrap()
    };
    assert_eq!(charged(MODEL, 1_000), <() as WeightInfo>::commit(0, 1));
    assert_eq!(charged(DERIVED_MODEL, 1_000), <() as WeightInfo>::commit(0, 3));
    assert_eq!(charged(DERIVED_MODEL, 0), <() as WeightInfo>::commit(0, 0));
}
