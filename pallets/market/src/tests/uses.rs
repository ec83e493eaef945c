//! Uses as jobs take them.

use frame_support::assert_ok;
use weft_primitives::{
    licence::Right,
    registry::{ModelRegistry, NotLicensed},
};

use crate::{Event, Licences, mock::*};

fn left(licence: u64) -> Right {
    Licences::<Test>::get(licence).unwrap().holding.right
}

#[test]
fn what_is_free_or_ones_own_needs_no_licence() {
    run(|| {
        let (free, priced) = (publish(CREATOR), publish_priced(CREATOR));
        assert_eq!(Market::take_use(free, &BUYER), Ok(None));
        assert_eq!(Market::take_use(priced, &CREATOR), Ok(None));
        assert_eq!(Market::take_use(priced, &BUYER), Err(NotLicensed::NoLicence));
        assert_eq!(Market::take_use(99, &BUYER), Err(NotLicensed::NoLicence));
        transfer(priced, CREATOR, BUYER);
        assert_eq!(Market::take_use(priced, &BUYER), Ok(None));
        assert_eq!(Market::take_use(priced, &CREATOR), Err(NotLicensed::NoLicence));
    });
}

#[test]
fn uses_are_counted_and_given_back() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_USE, 2);
        assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(licence)));
        assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(licence)));
        assert_eq!(Market::take_use(asset, &BUYER), Err(NotLicensed::RanOut));
        Market::return_use(licence);
        assert_eq!(left(licence), Right::Uses { left: 1 });
        assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(licence)));
    });
}

#[test]
fn a_licence_is_for_all_versions() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_USE, 2);
        let next = release(CREATOR, asset);
        assert_eq!(Market::take_use(next, &BUYER), Ok(Some(licence)));
        assert_eq!(left(licence), Right::Uses { left: 1 });
    });
}

#[test]
fn periods_end_and_use_without_end_does_not() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let (period, once) = (
            licensed(BUYER, asset, PER_PERIOD, 1),
            licensed(OTHER_BUYER, asset, ONCE, 1),
        );
        for _ in 0..3 {
            assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(period)));
            assert_eq!(Market::take_use(asset, &OTHER_BUYER), Ok(Some(once)));
        }
        wait(10);
        assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(period)), "its last block");
        wait(1);
        assert_eq!(Market::take_use(asset, &BUYER), Err(NotLicensed::RanOut));
        Market::return_use(period);
        assert_eq!(Market::take_use(asset, &BUYER), Err(NotLicensed::RanOut));
        assert_eq!(Market::take_use(asset, &OTHER_BUYER), Ok(Some(once)));
    });
}

#[test]
fn what_was_revoked_or_closed_stays_ended() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let (revoked, closed) = (
            licensed(BUYER, asset, PER_USE, 2),
            licensed(OTHER_BUYER, asset, PER_USE, 2),
        );
        for holder in [BUYER, OTHER_BUYER] {
            Market::take_use(asset, &holder).unwrap();
        }
        assert_ok!(Market::revoke_licence(RuntimeOrigin::signed(CREATOR), revoked));
        assert_ok!(Market::close_licence(RuntimeOrigin::signed(OTHER_BUYER), closed));
        Market::return_use(revoked);
        Market::return_use(closed);
        assert_eq!(left(revoked), Right::Uses { left: 1 });
        assert_eq!(Market::take_use(asset, &BUYER), Err(NotLicensed::NoLicence));
        assert_eq!(Market::take_use(asset, &OTHER_BUYER), Err(NotLicensed::NoLicence));
    });
}

#[test]
fn new_prices_leave_licences_as_they_are() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_USE, 2);
        let set = |all: &[_]| Market::set_tariffs(RuntimeOrigin::signed(CREATOR), asset, tariffs(all));
        assert_ok!(set(&[ONCE]));
        assert_eq!(Market::take_use(asset, &BUYER), Ok(Some(licence)));
        assert_ok!(set(&[]));
        assert_eq!(
            Market::take_use(asset, &BUYER),
            Ok(None),
            "what became free uses nothing up"
        );
        assert_eq!(left(licence), Right::Uses { left: 1 });
    });
}

#[test]
fn what_is_taken_and_given_back_is_told() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let next = release(CREATOR, asset);
        let (uses, once) = (
            licensed(BUYER, asset, PER_USE, 1),
            licensed(OTHER_BUYER, asset, ONCE, 1),
        );
        let taken = |licence, asset, right| Event::UseTaken { licence, asset, right };
        Market::take_use(next, &BUYER).unwrap();
        System::assert_last_event(taken(uses, next, Right::Uses { left: 0 }).into());
        Market::return_use(uses);
        let right = Right::Uses { left: 1 };
        System::assert_last_event(Event::UseReturned { licence: uses, right }.into());
        Market::take_use(asset, &OTHER_BUYER).unwrap();
        System::assert_last_event(taken(once, asset, Right::Forever).into());
        let before = events().len();
        Market::return_use(once);
        Market::take_use(asset, &CREATOR).unwrap();
        Market::take_use(asset, &PAUPER).unwrap_err();
        assert_eq!(events().len(), before, "nothing to give back, and nothing taken");
    });
}
