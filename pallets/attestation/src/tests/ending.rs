//! `forget` and `remove_expired`.

use frame_support::{assert_noop, assert_ok};

use crate::{Attestations, Error, Event, mock::*};

fn forget(who: u64) -> sp_runtime::DispatchResult {
    Attestation::forget(RuntimeOrigin::signed(who), DEVICE)
}

#[test]
fn the_device_and_who_paid_may_forget_it_and_nobody_else() {
    run(|| {
        assert_noop!(forget(DEVICE), Error::<Test>::NotFound);
        for who in [DEVICE, OWNER] {
            attest();
            assert_noop!(forget(STRANGER), Error::<Test>::NotYours);
            assert_ok!(forget(who));
            assert_eq!(
                last_event(),
                Event::Forgotten {
                    device: DEVICE,
                    depositor: OWNER,
                    deposit: DEPOSIT,
                }
            );
            assert_eq!(held(OWNER), 0);
            assert!(!Attestations::<Test>::contains_key(DEVICE));
        }
    });
}

#[test]
fn anyone_removes_what_has_run_out_and_the_deposit_goes_to_who_paid_it() {
    run(|| {
        let remove = || Attestation::remove_expired(RuntimeOrigin::signed(STRANGER), DEVICE);
        assert_noop!(remove(), Error::<Test>::NotFound);
        attest();
        pass(MAX_AGE_SECS - 1);
        assert_noop!(remove(), Error::<Test>::NotExpired);
        pass(1);
        assert_ok!(remove());
        assert_eq!(
            last_event(),
            Event::ExpiredRemoved {
                device: DEVICE,
                by: STRANGER,
                depositor: OWNER,
                deposit: DEPOSIT,
            }
        );
        assert_eq!(held(OWNER), 0);
    });
}
