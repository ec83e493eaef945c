//! The calls of governance.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;
use weft_primitives::attestation::{Platform, TcbStatus};

use crate::{Error, Event, mock::*};

#[test]
fn only_governance_governs() {
    run(|| {
        let by = || RuntimeOrigin::signed(OWNER);
        let (family, status) = (Platform::Family(FAMILY), TcbStatus::OutOfDate);
        assert_noop!(
            Attestation::allow_measurement(by(), MEASUREMENT),
            DispatchError::BadOrigin
        );
        assert_noop!(
            Attestation::remove_measurement(by(), MEASUREMENT),
            DispatchError::BadOrigin
        );
        assert_noop!(Attestation::revoke(by(), family), DispatchError::BadOrigin);
        assert_noop!(Attestation::readmit(by(), family), DispatchError::BadOrigin);
        assert_noop!(Attestation::admit_status(by(), status), DispatchError::BadOrigin);
        assert_noop!(Attestation::exclude_status(by(), status), DispatchError::BadOrigin);
    });
}

#[test]
fn each_change_is_told_and_none_is_made_twice() {
    run(|| {
        let root = RuntimeOrigin::root;
        let unchanged = Error::<Test>::NothingToChange;
        let (measurement, platform, status) = (MEASUREMENT, Platform::Family(FAMILY), TcbStatus::OutOfDate);

        assert_noop!(Attestation::allow_measurement(root(), measurement), unchanged);
        assert_ok!(Attestation::remove_measurement(root(), measurement));
        assert_eq!(last_event(), Event::MeasurementRemoved { measurement });
        assert_noop!(
            Attestation::remove_measurement(root(), measurement),
            Error::<Test>::NothingToChange
        );
        assert_ok!(Attestation::allow_measurement(root(), measurement));
        assert_eq!(last_event(), Event::MeasurementAllowed { measurement });

        assert_noop!(Attestation::readmit(root(), platform), Error::<Test>::NothingToChange);
        assert_ok!(Attestation::revoke(root(), platform));
        assert_eq!(last_event(), Event::PlatformRevoked { platform });
        assert_noop!(Attestation::revoke(root(), platform), Error::<Test>::NothingToChange);
        assert_ok!(Attestation::readmit(root(), platform));
        assert_eq!(last_event(), Event::PlatformReadmitted { platform });

        assert_noop!(
            Attestation::exclude_status(root(), status),
            Error::<Test>::NothingToChange
        );
        assert_ok!(Attestation::admit_status(root(), status));
        assert_eq!(last_event(), Event::StatusAdmitted { status });
        assert_noop!(
            Attestation::admit_status(root(), status),
            Error::<Test>::NothingToChange
        );
        assert_ok!(Attestation::exclude_status(root(), status));
        assert_eq!(last_event(), Event::StatusExcluded { status });
    });
}

#[test]
fn up_to_date_is_neither_admitted_nor_excluded() {
    run(|| {
        let status = TcbStatus::UpToDate;
        assert_noop!(
            Attestation::admit_status(RuntimeOrigin::root(), status),
            Error::<Test>::AlwaysAdmitted
        );
        assert_noop!(
            Attestation::exclude_status(RuntimeOrigin::root(), status),
            Error::<Test>::AlwaysAdmitted
        );
    });
}
