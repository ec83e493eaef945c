//! `pause` and `resume`.

use frame_support::{assert_noop, assert_ok};

use crate::{Error, Event, PauseReason, mock::*};

#[test]
fn owner_and_device_pause_and_resume() {
    run(|| {
        ready(1, 1, 10);
        for who in [owner(1), device(1)] {
            assert!(is_listed(1, MODEL));
            assert_ok!(Providers::pause(signed(who.clone())));
            System::assert_last_event(
                Event::Paused {
                    owner: owner(1),
                    reason: PauseReason::ByOwner,
                }
                .into(),
            );
            assert!(!is_listed(1, MODEL));
            assert_noop!(Providers::pause(signed(who.clone())), Error::<Test>::AlreadyPaused);
            assert_ok!(Providers::resume(signed(who.clone())));
            System::assert_last_event(Event::Resumed { owner: owner(1) }.into());
            assert_noop!(Providers::resume(signed(who)), Error::<Test>::AlreadyAvailable);
        }
        assert!(is_listed(1, MODEL));
    });
}

#[test]
fn strangers_do_neither() {
    run(|| {
        ready(1, 1, 10);
        assert_noop!(Providers::pause(signed(owner(2))), Error::<Test>::NotFound);
        assert_noop!(Providers::resume(signed(device(2))), Error::<Test>::NotFound);
    });
}

#[test]
fn money_is_the_owners_alone() {
    run(|| {
        ready(1, 1, 10);
        let device = || signed(device(1));
        assert_noop!(Providers::bond(device(), 1), Error::<Test>::NotFound);
        assert_noop!(Providers::unbond(device(), 1), Error::<Test>::NotFound);
        assert_noop!(Providers::withdraw_unbonded(device()), Error::<Test>::NothingDue);
        assert_noop!(Providers::offer(device(), MODEL, 1), Error::<Test>::NotFound);
        assert_noop!(Providers::withdraw_offer(device(), MODEL), Error::<Test>::NotFound);
        assert_noop!(Providers::deregister(device()), Error::<Test>::NotFound);
        assert_noop!(
            Providers::rotate_device(device(), super::super::mock::device(1), key(1), consent(1, 1)),
            Error::<Test>::InvalidConsent
        );
    });
}
