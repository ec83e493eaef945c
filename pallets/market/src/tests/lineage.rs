//! Bases, their shares, and who earns.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    AssetKind, Currency,
    lineage::{MAX_ANCESTORS, MAX_GENERATIONS},
    price::PPM,
    registry::Royalties,
};

use crate::{Assets, Error, Event, mock::*};

#[test]
fn each_defect_of_a_lineage_has_its_own_error() {
    run(|| {
        let (a, b) = (publish(CREATOR), publish(OTHER_CREATOR));
        let refused = |bases: &[_], why: Error<Test>| {
            assert_noop!(try_publish(BUYER, model_from(bases), &[], &[]), why);
        };
        refused(&[(9, 1)], Error::<Test>::UnknownBase);
        refused(&[(a, PPM + 1)], Error::<Test>::SharesExceedWhole);
        refused(&[(a, PPM / 2), (b, PPM / 2 + 1)], Error::<Test>::SharesExceedWhole);
        refused(&[(a, u32::MAX), (b, u32::MAX)], Error::<Test>::SharesExceedWhole);
        refused(&[(a, 1), (a, 2)], Error::<Test>::NamedTwice);
        let again = release(CREATOR, a);
        refused(&[(a, 1), (again, 2)], Error::<Test>::NamedTwice);
        assert_ok!(try_publish(BUYER, model_from(&[(a, PPM / 2), (b, PPM / 2)]), &[], &[]));
    });
}

#[test]
fn a_work_is_not_made_from_itself() {
    run(|| {
        let first = publish(CREATOR);
        let derived = publish_from(OTHER_CREATOR, &[(first, 100_000)]);
        let further = publish_from(BUYER, &[(derived, 100_000)]);
        for base in [first, derived, further] {
            assert_noop!(
                Market::release(RuntimeOrigin::signed(CREATOR), first, model_from(&[(base, 1)])),
                Error::<Test>::Cycle
            );
        }
        assert_noop!(
            Market::release(
                RuntimeOrigin::signed(OTHER_CREATOR),
                derived,
                model_from(&[(further, 1)])
            ),
            Error::<Test>::Cycle
        );
        let apart = publish(CREATOR);
        assert_ok!(Market::release(
            RuntimeOrigin::signed(OTHER_CREATOR),
            derived,
            model_from(&[(first, 1), (apart, 1)])
        ));
    });
}

#[test]
fn lineages_are_neither_too_deep_nor_too_wide() {
    run(|| {
        let mut last = publish(CREATOR);
        for _ in 0..MAX_GENERATIONS {
            last = publish_from(CREATOR, &[(last, 1_000)]);
        }
        assert_noop!(
            try_publish(CREATOR, model_from(&[(last, 1)]), &[], &[]),
            Error::<Test>::TooDeep
        );
        let pair = || {
            let first = publish(CREATOR);
            (publish_from(CREATOR, &[(first, 1_000)]), 1_000)
        };
        let eight: Vec<_> = (0..8).map(|_| pair()).collect();
        let wide = publish_from(CREATOR, &eight);
        assert_eq!(Assets::<Test>::get(wide).unwrap().ancestors.len() as u32, MAX_ANCESTORS);
        assert_noop!(
            try_publish(CREATOR, model_from(&[(wide, 1)]), &[], &[]),
            Error::<Test>::TooManyAncestors
        );
    });
}

/// A dataset of the creator's, a model of the other creator's made from it for a fifth, and a model of the buyer's made
/// from that for half.
fn family() -> [u64; 3] {
    let data = publish_as(CREATOR, dataset(), &[], &[ONCE]);
    let trained = publish_from(OTHER_CREATOR, &[(data, 200_000)]);
    [data, trained, publish_from(PROVIDER, &[(trained, 500_000)])]
}

#[test]
fn every_use_pays_up_the_lineage_to_the_last_unit() {
    run(|| {
        let [_, _, tuned] = family();
        // Half goes up, of which a fifth goes further up.
        assert_eq!(
            Market::divide(tuned, 1_001),
            [(CREATOR, 100), (OTHER_CREATOR, 400), (PROVIDER, 501)]
        );
        assert_eq!(Market::divide(tuned, 0), [(PROVIDER, 0)]);
        assert_eq!(Market::divide(99, 10), []);
        let before = [CREATOR, OTHER_CREATOR, PROVIDER].map(|who| balances(who).1);
        assert_ok!(buy(BUYER, tuned, PER_USE, 101));
        let after = [CREATOR, OTHER_CREATOR, PROVIDER].map(|who| balances(who).1);
        assert_eq!(
            [after[0] - before[0], after[1] - before[1], after[2] - before[2]],
            [101, 404, 505]
        );
        assert!(events().contains(&Event::RoyaltiesPaid {
            asset: tuned,
            currency: Currency::Native,
            parts: vec![(CREATOR, 101), (OTHER_CREATOR, 404), (PROVIDER, 505)],
        }));
    });
}

#[test]
fn tokens_go_up_the_lineage_too() {
    run(|| {
        let [_, _, tuned] = family();
        assert_ok!(buy(BUYER, tuned, PER_PERIOD, 10));
        assert_eq!(tokens_of(BUYER), FUNDS - 1_000);
        assert_eq!(tokens_of(CREATOR), FUNDS + 100);
        assert_eq!([tokens_of(OTHER_CREATOR), tokens_of(PROVIDER)], [400, 500]);
    });
}

#[test]
fn what_an_ancestor_cannot_receive_is_the_owners() {
    run(|| {
        let [_, _, tuned] = family();
        Blocked::set(&[OTHER_CREATOR].into());
        assert_ok!(buy(BUYER, tuned, PER_PERIOD, 10));
        assert_eq!([tokens_of(OTHER_CREATOR), tokens_of(PROVIDER)], [0, 900]);
        assert!(events().contains(&Event::RoyaltyRedirected {
            asset: tuned,
            due_to: OTHER_CREATOR,
            paid_to: PROVIDER,
            currency: Currency::Token(STABLE),
            amount: 400,
        }));
        Blocked::set(&[PROVIDER].into());
        assert_noop!(
            Market::buy(RuntimeOrigin::signed(OTHER_BUYER), tuned, PER_PERIOD, 1, key_of(1)),
            Error::<Test>::CannotReceive
        );
    });
}

#[test]
fn the_present_owner_of_an_ancestor_is_paid() {
    run(|| {
        let [data, _, tuned] = family();
        transfer(data, CREATOR, OTHER_BUYER);
        assert_eq!(Market::divide(tuned, 1_000)[0], (OTHER_BUYER, 100));
    });
}

#[test]
fn later_versions_of_a_base_change_nothing_for_what_was_made_before() {
    run(|| {
        let [_, trained, tuned] = family();
        let before = Market::divide(tuned, 1_000);
        assert_ok!(Market::release(RuntimeOrigin::signed(OTHER_CREATOR), trained, model()));
        assert_eq!(Market::divide(tuned, 1_000), before);
    });
}

#[test]
fn a_lineage_says_which_dataset_roots_a_model_was_trained_on() {
    run(|| {
        let [data, trained, tuned] = family();
        let lineage = Market::lineage(tuned).unwrap();
        let origins: Vec<_> = lineage
            .origins
            .iter()
            .map(|origin| (origin.asset, origin.distance, origin.kind, origin.records))
            .collect();
        assert_eq!(
            origins,
            [
                (trained, 1, AssetKind::TextModel, None),
                (data, 2, AssetKind::Dataset, Some(RECORDS))
            ]
        );
        assert!(lineage.complete);
        let payees: Vec<_> = lineage
            .payees
            .iter()
            .map(|payee| (payee.work, payee.owner, payee.parts))
            .collect();
        assert_eq!(
            payees,
            [(data, CREATOR, 100_000_000), (trained, OTHER_CREATOR, 400_000_000)]
        );
        assert!(Market::lineage(data).unwrap().origins.is_empty());
        assert_eq!(Market::lineage(99), None);
        assert_eq!(Market::asset(tuned).unwrap().bases.len(), 1);
    });
}

#[test]
fn a_lineage_names_each_version_once_however_many_ways_lead_there() {
    run(|| {
        let data = publish_as(CREATOR, dataset(), &[], &[]);
        let sides: Vec<_> = (0..3)
            .map(|_| (publish_from(OTHER_CREATOR, &[(data, 1_000)]), 1_000))
            .collect();
        let merged = publish_from(BUYER, &sides);
        let lineage = Market::lineage(merged).unwrap();
        assert_eq!(lineage.origins.len(), 4);
        assert_eq!(lineage.payees.len(), 4);
    });
}

#[test]
fn a_lineage_is_not_followed_beyond_a_page() {
    run(|| {
        // Five works, each from versions of their own of five others, each of those from versions of their own of five
        // more.
        let (near, far): (Vec<_>, Vec<_>) = (0..5).map(|_| (publish(CREATOR), publish(CREATOR))).unzip();
        let version_of = |work: u64, bases: &[(u64, u32)]| {
            let asset = crate::NextAssetId::<Test>::get();
            assert_ok!(Market::release(RuntimeOrigin::signed(CREATOR), work, model_from(bases)));
            (asset, 1_000)
        };
        let nearest: Vec<_> = (0..5)
            .map(|_| {
                let nearer: Vec<_> = near
                    .iter()
                    .map(|work| {
                        version_of(
                            *work,
                            &far.iter().map(|work| version_of(*work, &[])).collect::<Vec<_>>(),
                        )
                    })
                    .collect();
                (publish_from(CREATOR, &nearer), 1_000)
            })
            .collect();
        let all = publish_from(CREATOR, &nearest);
        let lineage = Market::lineage(all).unwrap();
        assert_eq!((lineage.origins.len(), lineage.complete), (100, false));
        assert_eq!(lineage.payees.len(), 15);
    });
}

#[test]
fn a_model_is_published_with_its_own_share_of_nothing() {
    run(|| {
        let base = publish(CREATOR);
        let whole = publish_as(BUYER, model_from(&[(base, PPM)]), &[], &[ONCE]);
        assert_eq!(Market::divide(whole, 1_000), [(CREATOR, 1_000), (BUYER, 0)]);
        assert_ok!(buy(OTHER_BUYER, whole, ONCE, 1));
        assert_eq!(balances(BUYER).1, FUNDS - PUBLISH_DEPOSIT);
    });
}
