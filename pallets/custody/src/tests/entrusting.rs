//! `open_custody`, `deal`, `close`.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::registry::KeyCustody;

use crate::{
    Custodians, Custodies, DealingState, Dealings, EndReason, Error, Event, PerCustodian, Phase, mock::*, sample,
};

#[test]
fn a_key_is_entrusted_to_a_committee_drawn_from_all() {
    run(|| {
        register_many(10);
        assert_ok!(open(3, 5));
        assert!(!<Custody as KeyCustody<u64>>::is_entrusted(ASSET));
        assert_eq!(balances(SELLER).0, CUSTODY_DEPOSIT + 30 * SHARE_DEPOSIT);
        let members = committee(custody().dealing);
        assert_eq!(members.len(), 5);
        for member in &members {
            assert_eq!(Custodians::<Test>::get(member).unwrap().duties, 1);
        }
        assert_ok!(deal());
        assert!(<Custody as KeyCustody<u64>>::is_entrusted(ASSET));
        assert_eq!(balances(SELLER).0, CUSTODY_DEPOSIT + 30 * SHARE_DEPOSIT + BOND);
        assert!(matches!(
            last_event(),
            Event::Dealt {
                asset: ASSET,
                dealing: 0
            }
        ));
    });
}

#[test]
fn what_cannot_be_entrusted_is_refused_by_name() {
    run(|| {
        register_many(4);
        assert_noop!(open(3, 5), Error::<Test>::TooFewCustodians);
        for (threshold, custodians) in [(1, 3), (4, 3), (3, 10), (0, 0)] {
            assert_noop!(open(threshold, custodians), Error::<Test>::BadShape);
        }
        assert_noop!(
            Custody::open_custody(signed(BUYER), ASSET, 2, 3, true),
            Error::<Test>::NotOwner
        );
        assert_noop!(
            Custody::open_custody(signed(SELLER), 99, 2, 3, true),
            Error::<Test>::UnknownAsset
        );
        assert_ok!(open(2, 3));
        assert_noop!(open(2, 3), Error::<Test>::AlreadyEntrusted);
        Market::publish(8, PAUPER);
        assert!(Custody::open_custody(signed(PAUPER), 8, 2, 3, true).is_err());
        Market::publish(9, SELLER);
        Market::retire(9);
        assert_noop!(
            Custody::open_custody(signed(SELLER), 9, 2, 3, true),
            Error::<Test>::NotListed
        );
    });
}

#[test]
fn a_deal_that_cannot_be_right_is_refused() {
    run(|| {
        register_many(3);
        assert_noop!(
            submit_deal(
                ASSET,
                crate::Deal {
                    commitments: PerCustodian::new(),
                    wrapped: PerCustodian::new()
                },
                [0; 32]
            ),
            Error::<Test>::NotEntrusted
        );
        assert_ok!(open(2, 3));
        let (good, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
        let mut short = good.clone();
        short.wrapped.pop();
        assert_noop!(submit_deal(ASSET, short, envelope), Error::<Test>::WrongNumberOfShares);
        let mut few = good.clone();
        few.commitments.pop();
        assert_noop!(submit_deal(ASSET, few, envelope), Error::<Test>::InvalidCommitments);
        let mut no_point = good.clone();
        no_point.commitments[1] = [0xff; 32];
        assert_noop!(
            submit_deal(ASSET, no_point, envelope),
            Error::<Test>::InvalidCommitments
        );
        assert_noop!(
            Custody::deal(
                signed(BUYER),
                ASSET,
                good.commitments.clone(),
                envelope,
                good.wrapped.clone()
            ),
            Error::<Test>::NotOpener
        );
        assert_ok!(submit_deal(ASSET, good.clone(), envelope));
        assert_noop!(submit_deal(ASSET, good, envelope), Error::<Test>::AlreadyDealt);
    });
}

#[test]
fn a_deal_that_does_not_come_lets_everybody_go() {
    run(|| {
        register_many(3);
        assert_ok!(open(2, 3));
        let (late, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
        pass(DEAL_WINDOW);
        assert_noop!(Custody::close(signed(STRANGER), ASSET), Error::<Test>::NotOwner);
        pass(1);
        assert_noop!(submit_deal(ASSET, late, envelope), Error::<Test>::DeadlinePassed);
        assert_ok!(Custody::close(signed(STRANGER), ASSET));
        assert_eq!(
            last_event(),
            Event::Ended {
                asset: ASSET,
                reason: EndReason::NotDealt
            }
        );
        assert_eq!(balances(SELLER), (0, FUNDS));
        assert_ok!(Custody::deregister(signed(FIRST_CUSTODIAN)));
    });
}

#[test]
fn closing_waits_for_what_was_requested() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        assert_noop!(Custody::close(signed(BUYER), ASSET), Error::<Test>::NotOwner);
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert!(matches!(
            last_event(),
            Event::Closing {
                reason: EndReason::Closed,
                ..
            }
        ));
        assert_noop!(Custody::close(signed(SELLER), ASSET), Error::<Test>::AlreadyClosing);
        assert!(!<Custody as KeyCustody<u64>>::is_entrusted(ASSET));
        assert_noop!(
            Custody::request_for_provider(signed(PROVIDER), ASSET),
            Error::<Test>::NotEntrusted
        );
        for index in 1..=3 {
            assert_ok!(release_by(request, index));
        }
        pass(RELEASE_WINDOW + DISPUTE_WINDOW);
        assert!(Custodies::<Test>::contains_key(ASSET));
        pass(2);
        assert!(!Custodies::<Test>::contains_key(ASSET));
        assert_eq!(balances(SELLER), (0, FUNDS));
        assert_eq!(Dealings::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_closed_custody_can_be_opened_again_with_new_numbers() {
    run(|| {
        entrust(2, 3, 3);
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert_ok!(open(2, 3));
        assert_eq!(custody().dealing, 1);
        assert!(matches!(custody().phase, Phase::Drawn { .. }));
        assert_ok!(deal());
        assert_eq!(Dealings::<Test>::get(1).unwrap().state, DealingState::InForce);
    });
}

#[test]
fn the_works_new_owner_may_close_and_the_old_one_gets_back_what_is_theirs() {
    run(|| {
        entrust(2, 3, 3);
        Market::publish(ASSET, STRANGER);
        assert_ok!(Custody::close(signed(STRANGER), ASSET));
        assert_eq!(balances(SELLER), (0, FUNDS));
    });
}
