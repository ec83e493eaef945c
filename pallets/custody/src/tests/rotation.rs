//! `rotate`, `reshare`, `dispute_reshare`, `finish_rotation`, `dissolve`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;
use weft_custody::{Evidence, NotProven};

use crate::{Custodians, DealingState, Dealings, Deals, EndReason, Error, Event, Offence, Phase, mock::*, sample};

fn rotate() -> DispatchResult {
    Custody::rotate(signed(STRANGER), ASSET)
}

fn dispute_reshare(dealer: u8, index: u8, evidence: Evidence) -> DispatchResult {
    Custody::dispute_reshare(signed(STRANGER), ASSET, dealer, index, evidence)
        .map(drop)
        .map_err(|failed| failed.error)
}

fn windows() -> u64 {
    RESHARE_WINDOW + COMPLAINT_WINDOW + 1
}

#[test]
fn another_committee_has_the_key_without_the_seller() {
    run(|| {
        entrust(3, 5, 12);
        let before = ask();
        rotate_out(2);
        let old = custody().dealing;
        for index in [5, 1, 4] {
            assert_ok!(reshare_by(index));
        }
        let silent = [custodian(2), custodian(3)];
        // What was requested before is served by those who were asked.
        for index in [1, 2, 3, 4, 5] {
            assert_ok!(release_by(before, index));
        }
        pass(windows());
        assert_ok!(finish_rotation());
        assert!(matches!(last_event(), Event::Rotated { from: 0, to: 1, .. }));
        for who in silent {
            let info = Custodians::<Test>::get(who).unwrap();
            assert_eq!((info.missed, info.stake), (1, STAKE - MISS_SLASH));
        }
        let now = Dealings::<Test>::get(custody().dealing).unwrap();
        assert_eq!(
            (now.state, now.dealers.as_slice()),
            (DealingState::InForce, &[1, 4, 5][..])
        );
        assert!(!committee(1).contains(&silent[0]), "who is not available is not drawn");

        pass(DISPUTE_WINDOW);
        assert!(!Dealings::<Test>::contains_key(old), "its last request is over");
        let request = ask();
        for index in [2, 3, 5] {
            assert_ok!(release_by(request, index));
        }
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
        // And from there to a third.
        rotate_out(1);
        for index in 1..=5 {
            assert_ok!(reshare_by(index));
        }
        pass(windows());
        assert_ok!(finish_rotation());
        let request = ask_as_provider();
        for index in [5, 4, 1] {
            assert_ok!(release_by(request, index));
        }
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(PROVIDER)),
            Some(sample::CONTENT_KEY)
        );
    });
}

#[test]
fn a_committee_is_changed_only_for_a_reason() {
    run(|| {
        entrust(2, 3, 8);
        assert_noop!(rotate(), Error::<Test>::NotDue);
        pass(ROTATION_PERIOD - 1);
        assert_noop!(rotate(), Error::<Test>::NotDue);
        pass(1);
        assert_ok!(rotate());
        assert_noop!(rotate(), Error::<Test>::Resharing);
        assert_noop!(finish_rotation(), Error::<Test>::NotYetDue);
    });
}

#[test]
fn too_few_custodians_leave_the_committee_as_it_is() {
    run(|| {
        entrust(2, 3, 3);
        assert_ok!(Custody::set_available(signed(custodian(1)), false));
        assert_noop!(rotate(), Error::<Test>::TooFewCustodians);
        assert_noop!(finish_rotation(), Error::<Test>::NotResharing);
        assert_noop!(
            Custody::dissolve(signed(STRANGER), ASSET),
            Error::<Test>::NotDissolvable
        );
        // Nobody is kept for ever.
        pass(ROTATION_PERIOD);
        let leaving = custodian(1);
        assert_ok!(Custody::dissolve(signed(STRANGER), ASSET));
        assert_eq!(
            last_event(),
            Event::Ended {
                asset: ASSET,
                reason: EndReason::Dissolved
            }
        );
        assert_ok!(Custody::deregister(signed(leaving)));
        assert_eq!(balances(SELLER), (0, FUNDS));
    });
}

#[test]
fn a_custody_that_can_be_moved_is_not_dissolved() {
    run(|| {
        entrust(2, 3, 8);
        assert_ok!(Custody::set_available(signed(custodian(1)), false));
        pass(ROTATION_PERIOD);
        assert_noop!(
            Custody::dissolve(signed(STRANGER), ASSET),
            Error::<Test>::NotDissolvable
        );
        assert_ok!(rotate());
        assert_noop!(Custody::dissolve(signed(STRANGER), ASSET), Error::<Test>::Resharing);
    });
}

#[test]
fn a_rotation_without_enough_deals_fails_and_slashes_the_silent() {
    run(|| {
        entrust(3, 5, 12);
        rotate_out(1);
        let next = next_dealing();
        let drawn = committee(next);
        assert_ok!(reshare_by(1));
        assert_ok!(reshare_by(2));
        pass(windows());
        assert_ok!(finish_rotation());
        assert_eq!(
            last_event(),
            Event::RotationFailed {
                asset: ASSET,
                dealing: next,
                deals: 2
            }
        );
        for index in 1..=5 {
            let missed = Custodians::<Test>::get(custodian(index)).unwrap().missed;
            assert_eq!(missed, u32::from(index > 2), "{index}");
        }
        assert!(Dealings::<Test>::get(next).is_none() && Deals::<Test>::iter_prefix(next).next().is_none());
        for who in drawn {
            let in_force = committee(custody().dealing).contains(&who);
            assert_eq!(Custodians::<Test>::get(who).unwrap().duties, u32::from(in_force));
        }
        assert_noop!(rotate(), Error::<Test>::RotationPaused);
        // The old committee still serves.
        let request = ask();
        for index in [1, 2, 5] {
            assert_ok!(release_by(request, index));
        }
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
        pass(ROTATION_PAUSE);
        assert_ok!(rotate());
    });
}

#[test]
fn what_a_custodian_cannot_deal_is_refused() {
    run(|| {
        entrust(2, 3, 8);
        let early = {
            let (deal, _) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
            deal
        };
        assert_noop!(reshare(custodian(1), early.clone()), Error::<Test>::NotResharing);
        rotate_out(1);
        let good = sample::custodian_deal::<Test>(ASSET, 1);
        let outsider = (FIRST_CUSTODIAN..)
            .find(|who| !committee(custody().dealing).contains(who))
            .unwrap();
        assert_noop!(reshare(outsider, good.clone()), Error::<Test>::WrongCommittee);
        assert_noop!(reshare(custodian(2), good.clone()), Error::<Test>::OtherShare);
        assert_noop!(reshare(custodian(1), early), Error::<Test>::OtherShare);
        let mut few = good.clone();
        few.commitments.pop();
        assert_noop!(reshare(custodian(1), few), Error::<Test>::InvalidCommitments);
        let mut short = good.clone();
        short.wrapped.pop();
        assert_noop!(reshare(custodian(1), short), Error::<Test>::WrongNumberOfShares);
        assert_ok!(reshare(custodian(1), good.clone()));
        assert_noop!(reshare(custodian(1), good), Error::<Test>::AlreadyReshared);
        let late = sample::custodian_deal::<Test>(ASSET, 2);
        pass(RESHARE_WINDOW + 1);
        assert_noop!(reshare(custodian(2), late), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn a_wrong_share_to_the_next_committee_does_not_count_and_is_slashed() {
    run(|| {
        entrust(2, 3, 8);
        rotate_out(1);
        let next = next_dealing();
        let mut lie = sample::custodian_deal::<Test>(ASSET, 2);
        lie.wrapped[2] = lie.wrapped[0];
        let liar = custodian(2);
        assert_ok!(reshare(liar, lie.clone()));
        assert_ok!(reshare_by(1));
        assert_ok!(reshare_by(3));
        assert_eq!(
            sample::accuse_deal::<Test>(ASSET, next, 2, 1),
            Err(NotProven::ShareIsGood)
        );
        let evidence = sample::accuse_deal::<Test>(ASSET, next, 2, 3).unwrap();
        assert_noop!(dispute_reshare(1, 3, evidence), Error::<Test>::WrongProof);
        assert_noop!(dispute_reshare(2, 9, evidence), Error::<Test>::NoSuchIndex);
        assert_noop!(dispute_reshare(0, 3, evidence), Error::<Test>::NothingDelivered);
        pass(RESHARE_WINDOW + COMPLAINT_WINDOW);
        assert_ok!(dispute_reshare(2, 3, evidence));
        assert!(events().iter().any(|event| matches!(
            event,
            Event::Slashed {
                offence: Offence::Forged,
                custodian,
                ..
            } if *custodian == liar
        )));
        assert_noop!(dispute_reshare(2, 3, evidence), Error::<Test>::NothingDelivered);
        assert_noop!(reshare(liar, lie), Error::<Test>::DeadlinePassed);
        pass(1);
        assert_noop!(dispute_reshare(1, 3, evidence), Error::<Test>::DeadlinePassed);
        assert_ok!(finish_rotation());
        assert_eq!(Custodians::<Test>::get(liar).unwrap().missed, 0, "lying is not silence");
        let request = ask();
        assert_ok!(release_by(request, 3));
        assert_ok!(release_by(request, 1));
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
    });
}

#[test]
fn a_liar_cannot_deal_again() {
    run(|| {
        entrust(2, 3, 8);
        rotate_out(1);
        let mut lie = sample::custodian_deal::<Test>(ASSET, 2);
        let good = lie.clone();
        lie.wrapped[0] = [0; 80];
        assert_ok!(reshare(custodian(2), lie));
        assert_ok!(dispute_reshare(2, 1, Evidence::BadEncapsulation));
        assert_noop!(reshare(custodian(2), good), Error::<Test>::AlreadyReshared);
    });
}

#[test]
fn closing_gives_a_rotation_up() {
    run(|| {
        entrust(2, 3, 8);
        rotate_out(1);
        assert_ok!(reshare_by(2));
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert_eq!(Dealings::<Test>::iter().count() + Deals::<Test>::iter().count(), 0);
        assert!(Custodians::<Test>::iter_values().all(|info| info.duties == 0 && info.missed == 0));
    });
}

#[test]
fn requests_go_on_during_a_rotation() {
    run(|| {
        entrust(2, 3, 8);
        rotate_out(1);
        let request = ask();
        assert!(matches!(custody().phase, Phase::Resharing { .. }));
        assert_ok!(release_by(request, 3));
        assert_ok!(release_by(request, 1));
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
    });
}
