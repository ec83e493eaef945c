//! What grants and revocations do to offers.

use frame_support::assert_ok;
use weft_primitives::registry::KeyGrantHandler;

use crate::{Event, Offers, mock::*};

#[test]
fn a_grant_lists_and_a_revocation_delists() {
    run(|| {
        register(1, 1);
        assert_ok!(Providers::bond(signed(owner(1)), MIN_STAKE));
        assert_ok!(Providers::resume(signed(owner(1))));
        assert_ok!(Providers::offer(signed(owner(1)), MODEL, 10));
        assert!(!is_listed(1, MODEL));
        Market::grant(MODEL, &owner(1));
        System::assert_last_event(
            Event::OfferKeyed {
                owner: owner(1),
                model: MODEL,
            }
            .into(),
        );
        assert!(is_listed(1, MODEL));
        Market::revoke(MODEL, &owner(1));
        System::assert_last_event(
            Event::OfferUnkeyed {
                owner: owner(1),
                model: MODEL,
            }
            .into(),
        );
        assert!(!is_listed(1, MODEL));
    });
}

#[test]
fn a_grant_for_the_same_key_again_changes_nothing() {
    run(|| {
        ready(1, 1, 10);
        let before = (Offers::<Test>::get(owner(1), MODEL), System::event_count());
        Market::grant(MODEL, &owner(1));
        assert_eq!((Offers::<Test>::get(owner(1), MODEL), System::event_count()), before);
    });
}

#[test]
fn a_grant_that_comes_before_the_offer_is_found() {
    run(|| {
        register(1, 1);
        Market::grant(MODEL, &owner(1));
        assert_ok!(Providers::offer(signed(owner(1)), MODEL, 10));
        assert!(Offers::<Test>::get(owner(1), MODEL).unwrap().keyed);
    });
}

#[test]
fn grants_for_nobody_and_for_no_offer_do_nothing() {
    run(|| {
        Providers::key_granted(MODEL, &owner(1));
        Providers::key_revoked(MODEL, &owner(1));
        assert_eq!(Providers::encryption_key(&owner(1)), None);
        register(1, 1);
        Providers::key_granted(MODEL, &owner(1));
        assert!(!Offers::<Test>::contains_key(owner(1), MODEL));
        assert_eq!(Providers::encryption_key(&owner(1)), Some(key(1)));
    });
}

#[test]
fn only_who_offers_the_model_with_enough_at_stake_may_have_its_key_from_custodians() {
    run(|| {
        assert!(!Providers::may_have_key(MODEL, &owner(1)));
        register(1, 1);
        assert_ok!(Providers::bond(signed(owner(1)), MIN_STAKE));
        assert!(!Providers::may_have_key(MODEL, &owner(1)));
        assert_ok!(Providers::offer(signed(owner(1)), MODEL, 10));
        assert!(Providers::may_have_key(MODEL, &owner(1)));
        assert!(!Providers::may_have_key(MODEL + 1, &owner(1)));
        assert_ok!(Providers::unbond(signed(owner(1)), 1));
        assert!(!Providers::may_have_key(MODEL, &owner(1)));
    });
}

#[test]
fn a_key_that_is_still_there_keeps_an_offer_listed() {
    run(|| {
        ready(1, 1, 10);
        // One of two who had given the key took it back.
        Providers::key_revoked(MODEL, &owner(1));
        assert!(is_listed(1, MODEL));
        // A key for an older device is no key.
        Keys::set(&Default::default());
        Providers::key_granted(MODEL, &owner(1));
        assert!(!is_listed(1, MODEL));
    });
}
