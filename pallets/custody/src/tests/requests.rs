//! `request_for_licence`, `request_for_provider`, `release`, `forget_key`, and what the market asks.

use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use weft_primitives::registry::{KeyCustody, NotRequested};

use crate::{Error, Event, ProviderKeys, Requests, mock::*, sample};

fn has_released() -> bool {
    Custody::has_released(ASSET, &PROVIDER, &sample::key_of(PROVIDER))
}

#[test]
fn a_buyer_gets_the_key_with_two_of_five_dead() {
    run(|| {
        entrust(3, 5, 10);
        let request = ask();
        assert_eq!(balances(BUYER).0, 5 * FEE);
        for index in [5, 2] {
            assert_ok!(release_by(request, index));
        }
        assert_eq!(sample::received_key::<Test>(request, sample::secret_of(BUYER)), None);
        assert_ok!(release_by(request, 3));
        assert_eq!(last_event(), Event::Completed { request });
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
        assert_eq!(sample::received_key::<Test>(request, sample::secret_of(STRANGER)), None);
        assert_eq!(balances(BUYER), (2 * FEE, FUNDS - 5 * FEE));
        assert_eq!(balances(custodian(2)).1, FUNDS - STAKE - REGISTRATION_DEPOSIT + FEE);
    });
}

#[test]
fn the_market_asks_in_the_same_block_as_the_purchase() {
    run(|| {
        let key = sample::key_of(BUYER);
        assert_eq!(
            <Custody as KeyCustody<u64>>::request_for_licence(ASSET, LICENCE, &BUYER, &key),
            Ok(())
        );
        assert_eq!(Requests::<Test>::iter().count(), 0, "not in custody, nothing asked");
        entrust(2, 3, 3);
        assert_eq!(
            <Custody as KeyCustody<u64>>::request_for_licence(ASSET, LICENCE, &PAUPER, &key),
            Err(NotRequested::FeeNotCovered)
        );
        assert_eq!(
            <Custody as KeyCustody<u64>>::request_for_licence(ASSET, LICENCE, &BUYER, &[0; 32]),
            Err(NotRequested::UnusableKey)
        );
        assert_eq!(Requests::<Test>::iter().count(), 0);
        for _ in 0..2 {
            assert_eq!(
                <Custody as KeyCustody<u64>>::request_for_licence(ASSET, LICENCE, &BUYER, &key),
                Ok(())
            );
            assert_eq!(Requests::<Test>::iter().count(), 1, "and not twice");
        }
    });
}

#[test]
fn only_a_right_in_force_is_served() {
    run(|| {
        entrust(2, 3, 3);
        assert_noop!(
            Custody::request_for_licence(signed(STRANGER), ASSET, LICENCE),
            Error::<Test>::NoSuchLicence
        );
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), ASSET, 99),
            Error::<Test>::NoSuchLicence
        );
        Market::publish(8, SELLER);
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), 8, LICENCE),
            Error::<Test>::NoSuchLicence
        );
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), 99, LICENCE),
            Error::<Test>::UnknownAsset
        );
        assert_noop!(
            Custody::request_for_provider(signed(STRANGER), ASSET),
            Error::<Test>::NotProvider
        );
        let request = ask();
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), ASSET, LICENCE),
            Error::<Test>::AlreadyRequested
        );
        // Revoking stops what has not been released.
        assert_ok!(release_by(request, 1));
        Market::revoke(LICENCE);
        assert_noop!(release_by(request, 2), Error::<Test>::NotInForce);
        pass(RELEASE_WINDOW + 1);
        assert_eq!(
            last_event(),
            Event::Due {
                request,
                released: 1,
                missed: 0
            },
            "and nobody is slashed for it"
        );
        assert_eq!(balances(BUYER), (0, FUNDS - FEE));
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), ASSET, LICENCE),
            Error::<Test>::NotInForce
        );
    });
}

#[test]
fn a_share_is_released_once_in_time_by_the_committee() {
    run(|| {
        entrust(2, 3, 4);
        let request = ask();
        let wrapped = sample::honest_release::<Test>(request, 1);
        let members = committee(custody().dealing);
        let outsider = (FIRST_CUSTODIAN..).find(|who| !members.contains(who)).unwrap();
        assert_noop!(release(outsider, request, wrapped), Error::<Test>::WrongCommittee);
        assert_noop!(release(members[0], 99, wrapped), Error::<Test>::NoSuchRequest);
        pass(RELEASE_WINDOW);
        let done = Custody::release(signed(members[0]), request, wrapped).unwrap();
        assert_eq!(done.pays_fee, Pays::No);
        assert_noop!(release(members[0], request, wrapped), Error::<Test>::AlreadyReleased);
        pass(1);
        assert_noop!(release(members[1], request, wrapped), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn a_provider_has_the_key_when_enough_have_released() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask_as_provider();
        assert_eq!(balances(PROVIDER).0, 3 * FEE + PROVIDER_KEY_DEPOSIT);
        assert_ok!(release_by(request, 1));
        assert!(!has_released() && Told::get().is_empty());
        assert_ok!(release_by(request, 2));
        assert!(has_released());
        assert_eq!(Told::get(), [(ASSET, PROVIDER, true)]);
        assert!(!Custody::has_released(ASSET, &PROVIDER, &sample::key_of(b"new")));
        pass(RELEASE_WINDOW + DISPUTE_WINDOW + 3);
        assert!(has_released(), "the request is gone, the key is not");
        assert_eq!(balances(PROVIDER).0, PROVIDER_KEY_DEPOSIT);

        // A rotated device asks again, and pays no other deposit.
        Providers::set_key(PROVIDER, sample::key_of(b"new"));
        let request = ask_as_provider();
        for index in 1..=3 {
            assert_ok!(release_by(request, index));
        }
        assert!(!has_released() && Custody::has_released(ASSET, &PROVIDER, &sample::key_of(b"new")));
        pass(RELEASE_WINDOW + 1);
        assert_eq!(balances(PROVIDER).0, PROVIDER_KEY_DEPOSIT);

        assert_ok!(Custody::forget_key(signed(PROVIDER), ASSET));
        assert_eq!(balances(PROVIDER).0, 0);
        assert_eq!(Told::get().last(), Some(&(ASSET, PROVIDER, false)));
        assert_noop!(Custody::forget_key(signed(PROVIDER), ASSET), Error::<Test>::NoKey);
    });
}

#[test]
fn a_holder_who_sets_another_key_is_served_with_that_one_only() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask();
        assert_ok!(release_by(request, 1));
        LicenceKey::set(&Some(sample::key_of(b"new")));
        let again = ask();
        System::assert_has_event(Event::Superseded { request, by: again }.into());
        assert_noop!(release_by(request, 2), Error::<Test>::NotInForce);
        // Nor does the earlier one come back with its key.
        LicenceKey::set(&None);
        assert_noop!(release_by(request, 2), Error::<Test>::NotInForce);
        for index in 1..=3 {
            assert_ok!(release_by(again, index));
        }
        assert_eq!(
            sample::received_key::<Test>(again, sample::secret_of(b"new")),
            Some(sample::CONTENT_KEY)
        );
        pass(RELEASE_WINDOW + 1);
        let missed: u32 = crate::Custodians::<Test>::iter_values().map(|info| info.missed).sum();
        assert_eq!(missed, 0, "nobody had to serve the first");
    });
}

#[test]
fn a_provider_who_rotates_its_device_asks_anew() {
    run(|| {
        entrust(2, 3, 3);
        let request = ask_as_provider();
        assert_ok!(release_by(request, 1));
        Providers::set_key(PROVIDER, sample::key_of(b"new"));
        let again = ask_as_provider();
        assert_noop!(release_by(request, 2), Error::<Test>::NotInForce);
        assert_ok!(release_by(again, 2));
        assert_ok!(release_by(again, 3));
        assert_eq!(
            sample::received_key::<Test>(again, sample::secret_of(b"new")),
            Some(sample::CONTENT_KEY)
        );
        assert_eq!(ProviderKeys::<Test>::iter().count(), 1);
    });
}

#[test]
fn a_key_that_is_only_for_buyers_is_not_for_providers() {
    run(|| {
        register_many(3);
        assert_ok!(Custody::open_custody(signed(SELLER), ASSET, 2, 3, false));
        assert_noop!(
            Custody::request_for_licence(signed(BUYER), ASSET, LICENCE),
            Error::<Test>::NotEntrusted
        );
        assert_ok!(deal());
        assert_noop!(
            Custody::request_for_provider(signed(PROVIDER), ASSET),
            Error::<Test>::NotForProviders
        );
        let request = ask();
        assert_ok!(release_by(request, 1));
    });
}

#[test]
fn whoever_cannot_pay_or_be_sent_to_is_refused() {
    run(|| {
        entrust(2, 3, 3);
        Market::license(71, PAUPER, ASSET);
        assert_noop!(
            Custody::request_for_licence(signed(PAUPER), ASSET, 71),
            Error::<Test>::FeeNotCovered
        );
        Providers::set_key(PROVIDER, [0; 32]);
        assert_noop!(
            Custody::request_for_provider(signed(PROVIDER), ASSET),
            Error::<Test>::UnusableKey
        );
    });
}
