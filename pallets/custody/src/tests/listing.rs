//! What clients see.

use frame_support::assert_ok;
use weft_primitives::{
    custody_view::{CustodyPhase, RecipientView},
    registry::KeyRecipient,
};

use crate::{mock::*, sample};

#[test]
fn a_custody_is_shown_with_what_custodians_need() {
    run(|| {
        assert_eq!(Custody::custody(ASSET), None);
        register_many(6);
        assert_ok!(open(2, 3));
        let drawn = Custody::custody(ASSET).unwrap();
        assert_eq!(drawn.phase, CustodyPhase::Drawn { until: 11 });
        assert_eq!((drawn.dealing.committee.len(), drawn.dealing.deals.len()), (3, 0));
        assert_ok!(deal());
        let dealt = Custody::custody(ASSET).unwrap();
        assert_eq!(dealt.phase, CustodyPhase::Dealt { since: 1 });
        let [deal] = &dealt.dealing.deals[..] else {
            panic!("one deal")
        };
        assert_eq!((deal.dealer, deal.wrapped.len(), deal.commitments.len()), (0, 3, 2));
        assert_eq!(deal.commitments, dealt.dealing.commitments);
        rotate_out(1);
        assert_ok!(reshare_by(3));
        let moving = Custody::custody(ASSET).unwrap();
        assert!(matches!(
            moving.phase,
            CustodyPhase::Resharing {
                deals_until: 6,
                disputes_until: 11
            }
        ));
        assert_eq!(moving.next.unwrap().deals[0].dealer, 3);
        assert_eq!(Custody::dealing(99), None);
    });
}

#[test]
fn a_custodian_sees_what_it_has_yet_to_release() {
    run(|| {
        entrust(2, 3, 6);
        let first = ask();
        let second = ask_as_provider();
        let who = custodian(2);
        let ids = |who: u64| -> Vec<u64> {
            Custody::requests_for(&who, 0, 100)
                .items
                .iter()
                .map(|view| view.id)
                .collect()
        };
        assert_eq!(ids(who), [first, second]);
        assert_ok!(release_by(first, 2));
        assert_eq!(ids(who), [second]);
        assert_eq!(ids(STRANGER), [0; 0]);
        let page = Custody::requests_for(&who, 0, 1);
        assert_eq!(
            (page.items.len(), page.next),
            (0, Some(1)),
            "a page may be empty and have a next"
        );
        let page = Custody::requests_for(&who, 1, 1);
        assert_eq!((page.items[0].id, page.next), (second, None));
        Providers::set_key(PROVIDER, sample::key_of(b"new"));
        assert_eq!(ids(who), [second], "who had the right when asking is served");
        let anew = ask_as_provider();
        assert_eq!(ids(who), [anew], "and once, with the latest key");
        pass(RELEASE_WINDOW + 1);
        assert_eq!(ids(who), [0; 0]);
    });
}

#[test]
fn a_recipient_sees_its_request() {
    run(|| {
        entrust(2, 3, 3);
        let licence = KeyRecipient::Licence(LICENCE);
        assert_eq!(Custody::request_of(&licence, ASSET), None);
        let request = ask();
        assert_ok!(release_by(request, 3));
        assert_ok!(forge_by(request, 1));
        let evidence = sample::accuse_release::<Test>(request, 1, sample::secret_of(BUYER)).unwrap();
        assert_ok!(dispute(request, 1, evidence));
        let view = Custody::request_of(&licence, ASSET).unwrap();
        assert_eq!(view.id, request);
        assert_eq!(view.recipient, RecipientView::Licence(LICENCE));
        assert_eq!((view.until, view.disputes_until), (5, 11));
        assert_eq!(view.forged, [1]);
        assert_eq!(
            view.releases.iter().map(|release| release.index).collect::<Vec<_>>(),
            [3]
        );
        assert!(view.in_force);
    });
}

#[test]
fn custodians_are_listed_in_pages() {
    run(|| {
        register_many(5);
        assert_ok!(Custody::set_available(signed(FIRST_CUSTODIAN), false));
        let first = Custody::custodians(0, 3);
        let rest = Custody::custodians(first.next.unwrap(), 3);
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (3, 1, None));
        let out = Custody::custodian(&FIRST_CUSTODIAN).unwrap();
        assert_eq!((out.drawable, out.available, out.stake), (false, false, STAKE));
        assert_eq!(Custody::custodian(&STRANGER), None);
    });
}

#[test]
fn a_custodian_sees_the_dealings_it_sits_in() {
    run(|| {
        entrust(2, 3, 8);
        rotate_out(1);
        let (present, next) = (custody().dealing, next_dealing());
        let ids = |who: u64| -> Vec<u64> {
            Custody::dealings_for(&who, 0, 100)
                .items
                .iter()
                .map(|dealing| dealing.id)
                .collect()
        };
        for who in FIRST_CUSTODIAN..FIRST_CUSTODIAN + 8 {
            let sits_in: Vec<u64> = [present, next]
                .into_iter()
                .filter(|id| committee(*id).contains(&who))
                .collect();
            assert_eq!(ids(who), sits_in);
        }
        let page = Custody::dealings_for(&STRANGER, 0, 1);
        assert_eq!((page.items.len(), page.next), (0, Some(1)));
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert_eq!(ids(FIRST_CUSTODIAN), [0; 0]);
    });
}
