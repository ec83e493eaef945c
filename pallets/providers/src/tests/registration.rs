//! `register`, `update` and `deregister`.

use frame_support::{assert_noop, assert_ok};
use sp_core::Pair;
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::device::consent_message;

use crate::{Availability, DeviceOwner, Error, Event, Offers, PauseReason, Providers as Stored, UrlOf, mock::*};

fn try_register(n: u8, d: u8, capacity: u16) -> DispatchResult {
    Providers::register(signed(owner(n)), device(d), key(n), endpoint(), capacity, consent(d, n))
}

#[test]
fn a_provider_comes_paused_with_its_device_and_pays_for_the_record() {
    run(|| {
        register(1, 2);
        let info = Stored::<Test>::get(owner(1)).unwrap();
        assert_eq!((&info.device, info.encryption_key), (&device(1), key(1)));
        assert_eq!((info.capacity, info.busy(), info.stake), (2, 0, 0));
        assert_eq!(info.availability, Availability::Paused(PauseReason::ByOwner));
        assert_eq!(DeviceOwner::<Test>::get(device(1)), Some(owner(1)));
        assert_eq!(balances(1), (REGISTRATION_DEPOSIT, FUNDS - REGISTRATION_DEPOSIT));
        System::assert_last_event(
            Event::Registered {
                owner: owner(1),
                device: device(1),
                encryption_key: key(1),
            }
            .into(),
        );
    });
}

#[test]
fn a_device_consents_to_one_owner_on_one_chain() {
    run(|| {
        let attempt = |consent| Providers::register(signed(owner(1)), device(1), key(1), endpoint(), 1, consent);
        assert_noop!(attempt(consent(2, 1)), Error::<Test>::InvalidConsent);
        assert_noop!(attempt(consent(1, 2)), Error::<Test>::InvalidConsent);
        let elsewhere = device_pair(1).sign(&consent_message(&[9; 32], &owner(1)));
        assert_noop!(attempt(elsewhere.into()), Error::<Test>::InvalidConsent);
        assert_ok!(attempt(consent(1, 1)));
    });
}

#[test]
fn one_account_has_one_role() {
    run(|| {
        register(1, 1);
        assert_noop!(try_register(1, 2, 1), Error::<Test>::AlreadyRegistered);
        assert_noop!(try_register(2, 1, 1), Error::<Test>::DeviceInUse);

        // A device that is an owner. The account of device 5 has funds, so that it can register.
        assert_ok!(Balances::transfer_allow_death(signed(owner(9)), device(5), 1_000));
        let sign = |d: u8, who| device_pair(d).sign(&Providers::consent_for(&who)).into();
        let as_owner = |d| Providers::register(signed(device(5)), device(d), key(5), endpoint(), 1, sign(d, device(5)));
        assert_ok!(as_owner(6));
        assert_noop!(try_register(2, 5, 1), Error::<Test>::DeviceInUse);

        // An owner that is a device.
        assert_ok!(Providers::deregister(signed(device(5))));
        assert_ok!(try_register(2, 5, 1));
        assert_noop!(as_owner(6), Error::<Test>::OwnerIsDevice);
    });
}

#[test]
fn an_owner_may_be_their_own_device() {
    run(|| {
        assert_ok!(Balances::transfer_allow_death(signed(owner(9)), device(5), 1_000));
        assert_ok!(Providers::register(
            signed(device(5)),
            device(5),
            key(5),
            endpoint(),
            1,
            device_pair(5).sign(&Providers::consent_for(&device(5))).into(),
        ));
        assert_ok!(Providers::resume(signed(device(5))));
    });
}

#[test]
fn capacity_and_endpoint_have_bounds() {
    run(|| {
        for capacity in [0, MAX_CAPACITY + 1, u16::MAX] {
            assert_noop!(try_register(1, 1, capacity), Error::<Test>::InvalidCapacity);
        }
        register(1, MAX_CAPACITY);
        let update = |url: &[u8], capacity| {
            Providers::update(
                signed(owner(1)),
                UrlOf::<Test>::try_from(url.to_vec()).unwrap(),
                capacity,
            )
        };
        assert_noop!(update(b"http://a", 0), Error::<Test>::InvalidCapacity);
        assert_noop!(update(b"", 1), Error::<Test>::InvalidEndpoint);
        assert_noop!(update(b"http://a b", 1), Error::<Test>::InvalidEndpoint);
        assert_ok!(update(b"http://a", 1));
        System::assert_last_event(
            Event::Updated {
                owner: owner(1),
                endpoint: b"http://a".to_vec().try_into().unwrap(),
                capacity: 1,
            }
            .into(),
        );
    });
}

#[test]
fn a_device_updates_for_its_owner_and_strangers_do_not() {
    run(|| {
        register(1, 1);
        assert_ok!(Providers::update(signed(device(1)), endpoint(), 3));
        assert_eq!(Stored::<Test>::get(owner(1)).unwrap().capacity, 3);
        assert_noop!(
            Providers::update(signed(owner(2)), endpoint(), 3),
            Error::<Test>::NotFound
        );
    });
}

#[test]
fn the_deposit_must_be_there() {
    run(|| {
        let poor = owner(50);
        assert_noop!(
            Providers::register(
                signed(poor.clone()),
                device(1),
                key(1),
                endpoint(),
                1,
                device_pair(1).sign(&Providers::consent_for(&poor)).into(),
            ),
            TokenError::FundsUnavailable
        );
    });
}

#[test]
fn leaving_returns_everything_and_takes_no_stake_along() {
    run(|| {
        ready(1, 1, 10);
        let leave = || Providers::deregister(signed(owner(1)));
        assert_noop!(leave(), Error::<Test>::StakeRemains);
        assert_ok!(Providers::unbond(signed(owner(1)), MIN_STAKE));
        assert_noop!(leave(), Error::<Test>::StakeRemains);
        System::set_block_number(1 + UNBONDING_PERIOD);
        assert_ok!(Providers::withdraw_unbonded(signed(owner(1))));
        assert_ok!(leave());
        System::assert_last_event(Event::Deregistered { owner: owner(1) }.into());
        System::assert_has_event(
            Event::OfferWithdrawn {
                owner: owner(1),
                model: MODEL,
            }
            .into(),
        );
        assert_eq!(balances(1), (0, FUNDS));
        assert!(!Offers::<Test>::contains_key(owner(1), MODEL));
        assert!(!DeviceOwner::<Test>::contains_key(device(1)));
        assert_noop!(leave(), Error::<Test>::NotFound);
        register(1, 1);
    });
}
