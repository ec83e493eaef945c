//! What must always hold is noticed when it does not.

use frame_support::{assert_err, assert_ok};
use weft_primitives::attestation::TcbStatus;

use crate::{AdmittedStatuses, Attestations, mock::*};

/// Spoils a good state, and says what is found.
fn spoilt(spoil: impl FnOnce()) -> Result<(), sp_runtime::TryRuntimeError> {
    new_test_ext().execute_with(|| {
        set_device(DEVICE, OWNER, KEY);
        assert_ok!(Attestation::allow_measurement(RuntimeOrigin::root(), MEASUREMENT));
        attest();
        assert_ok!(Attestation::do_try_state());
        spoil();
        Attestation::do_try_state()
    })
}

fn altered(alter: impl FnOnce(&mut crate::AttestationOf<Test>)) -> Result<(), sp_runtime::TryRuntimeError> {
    spoilt(|| Attestations::<Test>::mutate(DEVICE, |attestation| alter(attestation.as_mut().unwrap())))
}

#[test]
fn spoilt_states_are_found() {
    assert_err!(
        altered(|attestation| attestation.deposit += 1),
        "what is held is not what the records say"
    );
    assert_err!(
        altered(|attestation| attestation.expires_at = START),
        "an attestation never counted"
    );
    assert_err!(
        altered(|attestation| attestation.expires_at += 1),
        "an attestation counts for too long"
    );
    assert_err!(
        spoilt(|| AdmittedStatuses::<Test>::mutate(|statuses| {
            statuses.try_insert(TcbStatus::UpToDate).unwrap();
        })),
        "the status that always counts is listed"
    );
}
