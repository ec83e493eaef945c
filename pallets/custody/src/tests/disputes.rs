//! `dispute_deal`, `report_wrong_key`, `dispute_release`.

use alloc::vec::Vec;

use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use sp_runtime::DispatchResult;
use weft_custody::{Evidence, Fault, NotProven, dleq::Proof};

use crate::{
    Custodians, Custodies, Dealings, EndReason, Error, Event, Offence, ProviderKeys, Releases, mock::*, sample,
};

fn dispute_deal(index: u8, evidence: Evidence) -> DispatchResult {
    Custody::dispute_deal(signed(STRANGER), ASSET, index, evidence)
        .map(drop)
        .map_err(|failed| failed.error)
}

fn report(secret: [u8; 32]) -> DispatchResult {
    Custody::report_wrong_key(signed(STRANGER), ASSET, secret)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// What the wronged party gets of a slash.
fn part(amount: u128) -> u128 {
    amount * 4 / 10
}

#[test]
fn a_forged_release_is_slashed_and_the_recipient_compensated() {
    run(|| {
        entrust(3, 5, 6);
        let request = ask();
        assert_ok!(forge_by(request, 2));
        let forger = custodian(2);
        let evidence = sample::accuse_release::<Test>(request, 2, sample::secret_of(BUYER)).unwrap();
        let done = Custody::dispute_release(signed(STRANGER), request, 2, evidence).unwrap();
        assert_eq!(done.pays_fee, Pays::No);
        let events = events();
        assert!(events.contains(&Event::ReleaseForged {
            request,
            custodian: forger,
            fault: Fault::OtherShare
        }));
        assert!(events.contains(&Event::Slashed {
            custodian: forger,
            offence: Offence::Forged,
            amount: FORGERY_SLASH,
            compensation: part(FORGERY_SLASH)
        }));
        let info = Custodians::<Test>::get(forger).unwrap();
        assert_eq!(
            (info.stake, info.forged, info.position),
            (STAKE - FORGERY_SLASH, 1, None)
        );
        assert_eq!(balances(TREASURY).1, FUNDS + FORGERY_SLASH - part(FORGERY_SLASH));
        assert!(!Releases::<Test>::contains_key(request, 2));
        assert_noop!(dispute(request, 2, evidence), Error::<Test>::NothingDelivered);
        assert_noop!(forge_by(request, 2), Error::<Test>::AlreadyReleased);

        // The others suffice.
        for index in [1, 4, 5] {
            assert_ok!(release_by(request, index));
        }
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
    });
}

#[test]
fn an_honest_release_cannot_be_disputed() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        assert_ok!(release_by(request, 1));
        assert_ok!(forge_by(request, 2));
        assert_eq!(
            sample::accuse_release::<Test>(request, 1, sample::secret_of(BUYER)),
            Err(NotProven::ShareIsGood)
        );
        let against_two = sample::accuse_release::<Test>(request, 2, sample::secret_of(BUYER)).unwrap();
        assert_noop!(dispute(request, 1, against_two), Error::<Test>::WrongProof);
        assert_noop!(
            dispute(request, 1, Evidence::BadEncapsulation),
            Error::<Test>::OpeningNeeded
        );
        let junk = Evidence::Opening(Proof {
            shared: [1; 32],
            challenge: [2; 32],
            response: [3; 32],
        });
        assert_noop!(dispute(request, 1, junk), Error::<Test>::WrongProof);
        assert_noop!(dispute(request, 3, junk), Error::<Test>::NothingDelivered);
        assert_noop!(dispute(request, 0, junk), Error::<Test>::NothingDelivered);
        assert_noop!(dispute(99, 1, junk), Error::<Test>::NoSuchRequest);
    });
}

#[test]
fn a_share_for_another_licence_is_a_forgery() {
    run(|| {
        entrust(2, 3, 3);
        Market::license(71, BUYER, ASSET);
        let request = ask();
        let other = crate::NextRequest::<Test>::get();
        assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, 71));
        let for_other = sample::honest_release::<Test>(other, 1);
        assert_ok!(release(custodian(1), request, for_other));
        let evidence = sample::accuse_release::<Test>(request, 1, sample::secret_of(BUYER)).unwrap();
        assert_ok!(dispute(request, 1, evidence));
        assert!(events().iter().any(|event| matches!(
            event,
            Event::ReleaseForged {
                fault: Fault::DoesNotOpen,
                ..
            }
        )));
    });
}

#[test]
fn rubbish_and_degenerate_points_are_forgeries() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        assert_ok!(release(custodian(1), request, [0; 80]));
        assert_ok!(release(custodian(2), request, [0xff; 80]));
        for index in 1..=2 {
            let evidence = sample::accuse_release::<Test>(request, index, sample::secret_of(BUYER)).unwrap();
            assert_eq!(evidence, Evidence::BadEncapsulation);
            assert_ok!(dispute(request, index, evidence));
        }
    });
}

#[test]
fn disputes_end_with_their_window() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        for index in 1..=3 {
            assert_ok!(forge_by(request, index));
        }
        let evidence = |index| sample::accuse_release::<Test>(request, index, sample::secret_of(BUYER)).unwrap();
        let (first, second) = (evidence(1), evidence(2));
        pass(RELEASE_WINDOW + DISPUTE_WINDOW);
        assert_ok!(dispute(request, 1, first));
        // Not removed yet, and too late all the same.
        System::set_block_number(System::block_number() + 1);
        assert_noop!(dispute(request, 2, second), Error::<Test>::DeadlinePassed);
        pass(1);
        assert_noop!(dispute(request, 2, second), Error::<Test>::NoSuchRequest);
    });
}

#[test]
fn a_provider_whose_shares_were_forged_does_not_have_the_key() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask_as_provider();
        assert_ok!(release_by(request, 1));
        assert_ok!(forge_by(request, 2));
        assert_eq!(ProviderKeys::<Test>::iter().count(), 1);
        let evidence = sample::accuse_release::<Test>(request, 2, sample::secret_of(PROVIDER)).unwrap();
        assert_ok!(dispute(request, 2, evidence));
        assert_eq!(ProviderKeys::<Test>::iter().count(), 0);
        assert_eq!(Told::get(), [(ASSET, PROVIDER, true), (ASSET, PROVIDER, false)]);
        assert_ok!(release_by(request, 3));
        assert_eq!(Told::get().len(), 3);
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(PROVIDER)),
            Some(sample::CONTENT_KEY)
        );
    });
}

#[test]
fn a_slash_never_takes_more_than_the_stake() {
    run(|| {
        entrust(2, 3, 3);
        let forger = custodian(1);
        let mut stake = STAKE;
        for licence in 71..74 {
            Market::license(licence, BUYER, ASSET);
            let request = crate::NextRequest::<Test>::get();
            assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, licence));
            assert_ok!(forge_by(request, 1));
            let evidence = sample::accuse_release::<Test>(request, 1, sample::secret_of(BUYER)).unwrap();
            assert_ok!(dispute(request, 1, evidence));
            stake -= FORGERY_SLASH.min(stake);
            assert_eq!(Custodians::<Test>::get(forger).unwrap().stake, stake);
        }
        assert_eq!(stake, 0);
    });
}

#[test]
fn a_seller_who_deals_a_wrong_share_loses_the_bond() {
    run(|| {
        register_many(3);
        assert_ok!(open(2, 3));
        let (mut deal, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
        deal.wrapped[1] = deal.wrapped[0];
        assert_ok!(submit_deal(ASSET, deal, envelope));
        let victim = custodian(2);
        assert_eq!(sample::accuse_deal::<Test>(ASSET, 0, 0, 1), Err(NotProven::ShareIsGood));
        let evidence = sample::accuse_deal::<Test>(ASSET, 0, 0, 2).unwrap();
        assert_noop!(dispute_deal(1, evidence), Error::<Test>::WrongProof);
        assert_noop!(dispute_deal(4, evidence), Error::<Test>::NoSuchIndex);
        assert_noop!(dispute_deal(0, evidence), Error::<Test>::NoSuchIndex);
        assert_ok!(dispute_deal(2, evidence));
        assert!(events().contains(&Event::DealerSlashed {
            asset: ASSET,
            dealer: SELLER,
            amount: BOND,
            compensation: part(BOND)
        }));
        assert_eq!(
            last_event(),
            Event::Ended {
                asset: ASSET,
                reason: EndReason::BadDeal
            }
        );
        assert_eq!(balances(SELLER), (0, FUNDS - BOND));
        assert_eq!(balances(victim).1, FUNDS - STAKE - REGISTRATION_DEPOSIT + part(BOND));
        assert_eq!(Dealings::<Test>::iter().count(), 0);
        assert_noop!(dispute_deal(2, evidence), Error::<Test>::NotEntrusted);
    });
}

#[test]
fn a_void_custody_serves_nobody_and_slashes_nobody() {
    run(|| {
        register_many(3);
        assert_ok!(open(2, 3));
        let (mut deal, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
        deal.wrapped[1] = [0; 80];
        assert_ok!(submit_deal(ASSET, deal, envelope));
        let request = ask();
        let wrapped = sample::honest_release::<Test>(request, 1);
        let (first, second) = (custodian(1), custodian(2));
        assert_ok!(dispute_deal(2, Evidence::BadEncapsulation));
        assert_noop!(release(first, request, wrapped), Error::<Test>::CustodyVoid);
        assert_noop!(Custody::deregister(signed(second)), Error::<Test>::OnDuty);
        pass(RELEASE_WINDOW + 1);
        assert_eq!(
            last_event(),
            Event::Due {
                request,
                released: 0,
                missed: 0
            }
        );
        assert_eq!(balances(BUYER), (0, FUNDS));
        // Another may be opened meanwhile, and is not mixed up with it.
        assert_ok!(open(2, 3));
        assert_ok!(self::deal());
        pass(DISPUTE_WINDOW + 1);
        assert_eq!(Dealings::<Test>::iter().count(), 1);
        assert_eq!(custody().open_requests, 0);
    });
}

/// A key of which custodian 2 was dealt a wrong share has another committee, and a request to the first one is open.
fn rotated_with_a_wrong_deal() -> (u64, [u8; 80]) {
    register_many(8);
    assert_ok!(open(2, 3));
    let (mut deal, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
    deal.wrapped[1] = [0; 80];
    assert_ok!(submit_deal(ASSET, deal, envelope));
    rotate_out(2);
    for index in [1, 3] {
        assert_ok!(reshare_by(index));
    }
    pass(RESHARE_WINDOW + COMPLAINT_WINDOW);
    let request = ask();
    let wrapped = sample::honest_release::<Test>(request, 1);
    pass(1);
    assert_ok!(finish_rotation());
    (request, wrapped)
}

#[test]
fn a_sellers_wrong_deal_can_be_shown_while_its_dealing_is_kept() {
    run(|| {
        let (request, wrapped) = rotated_with_a_wrong_deal();
        let old = committee(0);
        let missed = |who: u64| Custodians::<Test>::get(who).unwrap().missed;
        let before: Vec<_> = old.iter().map(|who| missed(*who)).collect();
        let to_present = ask_as_provider();
        assert_ok!(dispute_deal(2, Evidence::BadEncapsulation));
        assert_eq!(balances(SELLER), (0, FUNDS - BOND));
        // Neither the committee before nor the present one has to serve.
        assert_noop!(release(old[0], request, wrapped), Error::<Test>::CustodyVoid);
        assert!(Custody::requests_for(&old[0], 0, 10).items.is_empty());
        for asked in [request, to_present] {
            assert!(!Custody::request_view(asked).unwrap().in_force);
        }
        pass(RELEASE_WINDOW + 1);
        assert_eq!(old.iter().map(|who| missed(*who)).collect::<Vec<_>>(), before);
        pass(DISPUTE_WINDOW + 1);
        assert_eq!(Dealings::<Test>::iter().count(), 0);
        assert!(Custodians::<Test>::iter_values().all(|info| info.duties == 0));
    });
}

#[test]
fn a_sellers_wrong_deal_is_forgotten_with_its_dealing() {
    run(|| {
        rotated_with_a_wrong_deal();
        pass(RELEASE_WINDOW + DISPUTE_WINDOW + 2);
        assert!(events().contains(&Event::DealingRemoved { dealing: 0 }));
        assert_noop!(
            dispute_deal(2, Evidence::BadEncapsulation),
            Error::<Test>::NothingDelivered
        );
    });
}

fn deal() -> DispatchResult {
    crate::mock::deal()
}

#[test]
fn a_wrong_key_is_shown_by_the_secret() {
    run(|| {
        register_many(3);
        assert_ok!(open(2, 3));
        assert_noop!(report([1; 32]), Error::<Test>::NotEntrusted);
        let (deal, envelope) = sample::seller_deal::<Test>(ASSET, [0xBB; 32]);
        assert_ok!(submit_deal(ASSET, deal, envelope));
        assert_noop!(report([1; 32]), Error::<Test>::OtherSecret);
        assert_noop!(report([0xff; 32]), Error::<Test>::OtherSecret);
        let secret = *sample::shared_secret(0).to_bytes();
        assert_ok!(report(secret));
        assert_eq!(
            last_event(),
            Event::Ended {
                asset: ASSET,
                reason: EndReason::WrongKey
            }
        );
        assert_eq!(balances(STRANGER), (0, FUNDS + part(BOND)));
        assert!(!Custodies::<Test>::contains_key(ASSET));
    });
}

#[test]
fn the_right_key_is_not_wrong() {
    run(|| {
        entrust(2, 3, 3);
        let secret = *sample::shared_secret(0).to_bytes();
        assert_noop!(report(secret), Error::<Test>::KeyIsRight);
    });
}

#[test]
fn a_wrong_key_can_be_shown_while_a_custody_closes_and_after_a_rotation() {
    run(|| {
        register_many(6);
        assert_ok!(open(2, 3));
        let (deal, envelope) = sample::seller_deal::<Test>(ASSET, [0xBB; 32]);
        assert_ok!(submit_deal(ASSET, deal, envelope));
        rotate_out(1);
        for index in 1..=3 {
            assert_ok!(reshare_by(index));
        }
        pass(RESHARE_WINDOW + COMPLAINT_WINDOW + 1);
        assert_ok!(finish_rotation());
        let request = ask();
        assert_ok!(release_by(request, 1));
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert_ok!(report(*sample::shared_secret(0).to_bytes()));
        assert_eq!(balances(SELLER), (0, FUNDS - BOND));
        pass(RELEASE_WINDOW + DISPUTE_WINDOW + 2);
        assert_eq!(Dealings::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_seller_who_is_custodian_too_is_not_compensated_by_themselves() {
    run(|| {
        Market::publish(ASSET, FIRST_CUSTODIAN);
        register_many(2);
        assert_ok!(Custody::open_custody(signed(FIRST_CUSTODIAN), ASSET, 2, 2, true));
        let (mut deal, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
        let index = 1 + committee(0).iter().position(|who| *who == FIRST_CUSTODIAN).unwrap() as u8;
        deal.wrapped[usize::from(index) - 1] = [0; 80];
        assert_ok!(Custody::deal(
            signed(FIRST_CUSTODIAN),
            ASSET,
            deal.commitments,
            envelope,
            deal.wrapped
        ));
        assert_ok!(dispute_deal(index, Evidence::BadEncapsulation));
        assert_eq!(balances(TREASURY).1, FUNDS + BOND);
    });
}
