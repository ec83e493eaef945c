//! Every use asks anew: each thing that can change after a quote was verified.

use frame_support::assert_ok;
use weft_primitives::attestation::{NotAttested, Platform, TcbStatus};

use crate::{Verified, mock::*};

#[test]
fn without_an_attestation_nobody_counts() {
    run(|| assert_eq!(standing(), Err(NotAttested::NoAttestation)));
}

#[test]
fn it_counts_to_the_last_second_and_no_longer() {
    run(|| {
        attest();
        pass(MAX_AGE_SECS - 1);
        assert_ok!(standing());
        pass(1);
        assert_eq!(standing(), Err(NotAttested::Expired));
    });
}

#[test]
fn it_counts_for_the_key_it_is_bound_to_while_the_device_has_it() {
    run(|| {
        attest();
        let other = Attestation::is_attested(&DEVICE, &OTHER_KEY, START);
        assert_eq!(other, Err(NotAttested::OtherKey));
        set_device(DEVICE, OWNER, OTHER_KEY);
        assert_eq!(standing(), Err(NotAttested::OtherKey));
        let other = Attestation::is_attested(&DEVICE, &OTHER_KEY, START);
        assert_eq!(other, Err(NotAttested::OtherKey));
    });
}

#[test]
fn it_does_not_count_for_who_is_no_device_any_more() {
    run(|| {
        attest();
        Devs::set(&Default::default());
        assert_eq!(standing(), Err(NotAttested::OtherKey));
    });
}

#[test]
fn a_measurement_taken_off_the_list_stops_counting() {
    run(|| {
        attest();
        assert_ok!(Attestation::remove_measurement(RuntimeOrigin::root(), MEASUREMENT));
        assert_eq!(standing(), Err(NotAttested::MeasurementNotAllowed));
        assert_ok!(Attestation::allow_measurement(RuntimeOrigin::root(), MEASUREMENT));
        assert_ok!(standing());
    });
}

#[test]
fn a_revoked_machine_or_family_stops_counting_until_readmitted() {
    run(|| {
        attest();
        for platform in [Platform::Machine(MACHINE), Platform::Family(FAMILY)] {
            assert_ok!(Attestation::revoke(RuntimeOrigin::root(), platform));
            assert_eq!(standing(), Err(NotAttested::PlatformRevoked));
            assert_ok!(Attestation::readmit(RuntimeOrigin::root(), platform));
            assert_ok!(standing());
        }
        assert_ok!(Attestation::revoke(RuntimeOrigin::root(), Platform::Machine([0; 16])));
        assert_ok!(standing());
    });
}

#[test]
fn an_excluded_status_stops_counting() {
    run(|| {
        let status = TcbStatus::SwHardeningNeeded;
        assert_ok!(Attestation::admit_status(RuntimeOrigin::root(), status));
        assert_ok!(attest_as(DEVICE, &Verified { status, ..good(&KEY) }));
        assert_ok!(standing());
        assert_ok!(Attestation::exclude_status(RuntimeOrigin::root(), status));
        assert_eq!(standing(), Err(NotAttested::StatusNotAdmitted));
    });
}
