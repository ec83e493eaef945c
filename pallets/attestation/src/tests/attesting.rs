//! `attest`, with quotes that say what was verified.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;
use weft_primitives::attestation::{Platform, TcbStatus};

use crate::{Attestations, Error, Event, Verified, mock::*};

#[test]
fn a_device_shows_what_it_runs_and_its_owner_pays_the_deposit() {
    run(|| {
        attest();
        assert_eq!(
            last_event(),
            Event::Attested {
                device: DEVICE,
                owner: OWNER,
                measurement: MEASUREMENT,
                status: TcbStatus::UpToDate,
                expires_at: START + MAX_AGE_SECS,
            }
        );
        let stored = Attestations::<Test>::get(DEVICE).unwrap();
        assert_eq!((stored.encryption_key, stored.verified_at), (KEY, START));
        assert_eq!((stored.family, stored.machine), (FAMILY, MACHINE));
        assert_eq!(held(OWNER), DEPOSIT);
        assert_ok!(standing());
    });
}

#[test]
fn it_counts_until_the_first_thing_it_rests_on_runs_out() {
    run(|| {
        let verified = Verified {
            collateral_expires_at: START + 10,
            ..good(&KEY)
        };
        assert_ok!(attest_as(DEVICE, &verified));
        assert_eq!(Attestations::<Test>::get(DEVICE).unwrap().expires_at, START + 10);
        let verified = Verified {
            collateral_expires_at: START,
            ..good(&KEY)
        };
        assert_noop!(attest_as(DEVICE, &verified), Error::<Test>::CollateralExpired);
    });
}

#[test]
fn a_quote_for_another_key_device_or_chain_is_refused() {
    run(|| {
        assert_noop!(attest_as(DEVICE, &good(&OTHER_KEY)), Error::<Test>::OtherKey);
        set_device(STRANGER, OTHER_OWNER, KEY);
        assert_noop!(attest_as(STRANGER, &good(&KEY)), Error::<Test>::OtherKey);
        let verified = good(&KEY);
        frame_system::BlockHash::<Test>::insert(0, sp_core::H256::repeat_byte(1));
        assert_noop!(attest_as(DEVICE, &verified), Error::<Test>::OtherKey);
    });
}

#[test]
fn the_second_half_of_the_report_data_is_zero() {
    run(|| {
        let mut verified = good(&KEY);
        verified.report_data[63] = 1;
        assert_noop!(attest_as(DEVICE, &verified), Error::<Test>::OtherKey);
    });
}

#[test]
fn who_is_no_device_is_refused() {
    run(|| {
        assert_noop!(attest_as(STRANGER, &good(&KEY)), Error::<Test>::UnknownDevice);
    });
}

#[test]
fn what_would_not_count_is_not_stored() {
    run(|| {
        let mut verified = good(&KEY);
        verified.measurement.digest = [1; 32];
        assert_noop!(attest_as(DEVICE, &verified), Error::<Test>::MeasurementNotAllowed);
        let mut verified = good(&KEY);
        verified.status = TcbStatus::OutOfDate;
        assert_noop!(attest_as(DEVICE, &verified), Error::<Test>::StatusNotAdmitted);
        assert_ok!(Attestation::revoke(RuntimeOrigin::root(), Platform::Machine(MACHINE)));
        assert_noop!(attest_as(DEVICE, &good(&KEY)), Error::<Test>::PlatformRevoked);
    });
}

#[test]
fn a_newer_one_takes_the_place_and_the_deposit_is_held_once() {
    run(|| {
        attest();
        pass(5);
        attest();
        assert_eq!(held(OWNER), DEPOSIT);
        assert_eq!(Attestations::<Test>::get(DEVICE).unwrap().verified_at, START + 5);
        System::assert_has_event(
            Event::Replaced {
                device: DEVICE,
                depositor: OWNER,
                deposit: DEPOSIT,
            }
            .into(),
        );
    });
}

#[test]
fn a_device_that_changed_hands_gives_the_first_owner_the_deposit_back() {
    run(|| {
        attest();
        set_device(DEVICE, OTHER_OWNER, KEY);
        attest();
        assert_eq!((held(OWNER), held(OTHER_OWNER)), (0, DEPOSIT));
    });
}

#[test]
fn an_owner_without_funds_cannot() {
    run(|| {
        set_device(DEVICE, STRANGER, KEY);
        assert_noop!(attest_as(DEVICE, &good(&KEY)), TokenError::FundsUnavailable);
    });
}
