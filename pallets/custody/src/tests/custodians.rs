//! `register`, `deregister`, `set_available`, `set_encryption_key`, `bond`, `unbond`.

use frame_support::{assert_noop, assert_ok};

use crate::{Custodians, DrawableCount, Error, Event, mock::*, sample};

const ALICE: u64 = FIRST_CUSTODIAN;

fn position(who: u64) -> Option<u32> {
    Custodians::<Test>::get(who).unwrap().position
}

#[test]
fn a_custodian_holds_its_stake_and_can_be_drawn() {
    run(|| {
        let url = b"http://127.0.0.1:7101".to_vec().try_into().unwrap();
        assert_ok!(Custody::register(signed(ALICE), sample::key_of(ALICE), Some(url)));
        assert_eq!(balances(ALICE).0, STAKE + REGISTRATION_DEPOSIT);
        assert_eq!(position(ALICE), Some(0));
        assert!(matches!(last_event(), Event::Registered { custodian: ALICE, .. }));
    });
}

#[test]
fn whoever_cannot_be_sent_shares_or_is_there_already_is_refused() {
    run(|| {
        assert_noop!(
            Custody::register(signed(ALICE), [0; 32], None),
            Error::<Test>::UnusableKey
        );
        let url = b"a b".to_vec().try_into().unwrap();
        assert_noop!(
            Custody::register(signed(ALICE), sample::key_of(ALICE), Some(url)),
            Error::<Test>::InvalidEndpoint
        );
        assert!(register(PAUPER).is_err());
        assert_ok!(register(ALICE));
        assert_noop!(register(ALICE), Error::<Test>::AlreadyRegistered);
        assert_noop!(
            Custody::set_encryption_key(signed(ALICE), [1; 32]),
            Error::<Test>::UnusableKey
        );
        for refused in [
            Custody::deregister(signed(STRANGER)),
            Custody::set_available(signed(STRANGER), true),
            Custody::bond(signed(STRANGER), 1),
            Custody::unbond(signed(STRANGER), 1),
            Custody::set_encryption_key(signed(STRANGER), sample::key_of(1u8)),
        ] {
            assert_eq!(refused, Err(Error::<Test>::NotCustodian.into()));
        }
    });
}

#[test]
fn the_list_stays_dense_as_custodians_come_and_go() {
    run(|| {
        register_many(4);
        assert_ok!(Custody::set_available(signed(ALICE + 1), false));
        assert_eq!((DrawableCount::<Test>::get(), position(ALICE + 3)), (3, Some(1)));
        assert_ok!(Custody::set_available(signed(ALICE + 1), false));
        assert_ok!(Custody::deregister(signed(ALICE)));
        assert_eq!((DrawableCount::<Test>::get(), position(ALICE + 2)), (2, Some(0)));
        assert_eq!(balances(ALICE), (0, FUNDS));
        assert_ok!(Custody::set_available(signed(ALICE + 1), true));
        assert_eq!(position(ALICE + 1), Some(2));
    });
}

#[test]
fn stake_below_the_minimum_is_not_drawn() {
    run(|| {
        assert_ok!(register(ALICE));
        assert_ok!(Custody::bond(signed(ALICE), 50));
        assert_ok!(Custody::unbond(signed(ALICE), 50));
        assert_eq!(position(ALICE), Some(0));
        assert_ok!(Custody::unbond(signed(ALICE), 1));
        assert_eq!(position(ALICE), None);
        assert_noop!(Custody::unbond(signed(ALICE), STAKE), Error::<Test>::InsufficientStake);
        assert_noop!(Custody::unbond(signed(ALICE), 0), Error::<Test>::ZeroAmount);
        assert_noop!(Custody::bond(signed(ALICE), 0), Error::<Test>::ZeroAmount);
        assert_ok!(Custody::bond(signed(ALICE), 1));
        assert_eq!(position(ALICE), Some(0));
    });
}

#[test]
fn who_sits_in_a_committee_stays_with_its_stake() {
    run(|| {
        entrust(2, 3, 3);
        assert_noop!(Custody::deregister(signed(ALICE)), Error::<Test>::OnDuty);
        assert_noop!(Custody::unbond(signed(ALICE), 1), Error::<Test>::StakeNeeded);
        assert_ok!(Custody::bond(signed(ALICE), 1));
        assert_ok!(Custody::unbond(signed(ALICE), 1));
        assert_ok!(Custody::close(signed(SELLER), ASSET));
        assert_ok!(Custody::deregister(signed(ALICE)));
    });
}

#[test]
fn a_dealing_remembers_the_key_it_was_wrapped_to() {
    run(|| {
        entrust(2, 3, 3);
        assert_ok!(Custody::set_encryption_key(
            signed(custodian(1)),
            sample::key_of(b"new")
        ));
        let request = ask();
        assert_ok!(release_by(request, 1));
        assert_ok!(release_by(request, 2));
        assert_eq!(
            sample::received_key::<Test>(request, sample::secret_of(BUYER)),
            Some(sample::CONTENT_KEY)
        );
    });
}
