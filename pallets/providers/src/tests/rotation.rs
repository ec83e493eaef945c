//! `rotate_device`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;
use weft_primitives::{
    registry::{Devices, KeyGrantHandler, Matching},
    reputation::Outcome,
};

use crate::{Availability, DeviceOwner, Error, Event, Offers, PauseReason, Providers as Stored, mock::*};

fn rotate(n: u8, to: u8, new_key: u8) -> DispatchResult {
    Providers::rotate_device(signed(owner(n)), device(to), key(new_key), consent(to, n))
}

#[test]
fn history_stays_and_the_new_device_starts_paused_without_keys() {
    run(|| {
        ready(1, 1, 10);
        assert_ok!(Providers::book(JOB, MODEL, 10, &[], [0; 32]));
        Providers::settle(&owner(1), JOB, Outcome::Kept);
        let before = Stored::<Test>::get(owner(1)).unwrap();

        assert_ok!(rotate(1, 2, 2));
        let after = Stored::<Test>::get(owner(1)).unwrap();
        assert_eq!(
            (after.reputation, after.completed, after.stake),
            (before.reputation, 1, MIN_STAKE)
        );
        assert_eq!((&after.device, after.encryption_key), (&device(2), key(2)));
        assert_eq!(after.availability, Availability::Paused(PauseReason::ByOwner));
        assert_eq!(DeviceOwner::<Test>::get(device(1)), None);
        assert_eq!(DeviceOwner::<Test>::get(device(2)), Some(owner(1)));
        assert_eq!(Providers::encryption_key(&owner(1)), Some(key(2)));
        assert!(!Offers::<Test>::get(owner(1), MODEL).unwrap().keyed);
        System::assert_last_event(
            Event::KeyRequested {
                owner: owner(1),
                model: MODEL,
                encryption_key: key(2),
            }
            .into(),
        );

        assert_ok!(Providers::resume(signed(device(2))));
        assert!(!is_listed(1, MODEL));
        Market::grant(MODEL, &owner(1));
        assert!(is_listed(1, MODEL));
    });
}

#[test]
fn a_new_account_with_the_same_key_keeps_its_model_keys() {
    run(|| {
        ready(1, 1, 10);
        assert_ok!(rotate(1, 2, 1));
        assert!(Offers::<Test>::get(owner(1), MODEL).unwrap().keyed);
        assert!(!is_listed(1, MODEL));
        assert_ok!(Providers::resume(signed(owner(1))));
        assert!(is_listed(1, MODEL));
    });
}

#[test]
fn the_same_device_may_change_its_key() {
    run(|| {
        register(1, 1);
        assert_ok!(rotate(1, 1, 7));
        assert_eq!(Providers::encryption_key(&owner(1)), Some(key(7)));
        assert_eq!(DeviceOwner::<Test>::get(device(1)), Some(owner(1)));
    });
}

#[test]
fn no_rotation_while_busy_nor_to_anothers_device_nor_without_consent() {
    run(|| {
        ready(1, 2, 10);
        register(2, 1);
        assert_noop!(rotate(1, 2, 3), Error::<Test>::DeviceInUse);
        assert_noop!(rotate(3, 4, 3), Error::<Test>::NotFound);
        assert_noop!(
            Providers::rotate_device(signed(owner(1)), device(4), key(4), consent(1, 1)),
            Error::<Test>::InvalidConsent
        );
        assert_ok!(Providers::book(JOB, MODEL, 10, &[], [0; 32]));
        assert_noop!(rotate(1, 4, 4), Error::<Test>::Busy);
        assert_noop!(Providers::deregister(signed(owner(1))), Error::<Test>::Busy);
    });
}

#[test]
fn a_device_has_its_owners_key_until_another_takes_its_place() {
    run(|| {
        assert_eq!(Providers::device_key(&device(1)), None);
        register(1, 1);
        assert_eq!(Providers::device_key(&device(1)), Some((owner(1), key(1))));
        assert_ok!(rotate(1, 2, 7));
        assert_eq!(Providers::device_key(&device(1)), None);
        assert_eq!(Providers::device_key(&device(2)), Some((owner(1), key(7))));
    });
}
