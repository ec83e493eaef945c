//! `publish`, `release`, `set_calls`, `set_price` and `retire`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::{Currency, price::PPM, space::Category};

use crate::{Error, Event, Featured, NextSpaceId, Releases, Spaces, mock::*};

fn release(who: u64, space: u64, version: &[u8], bundle_bytes: u64) -> DispatchResult {
    Store::release(
        RuntimeOrigin::signed(who),
        space,
        content(3),
        content(4),
        bundle_bytes,
        Some(content(5)),
        version.to_vec().try_into().unwrap(),
    )
}

#[test]
fn a_space_is_stored_with_its_first_release_and_paid_for() {
    run(|| {
        let space = publish();
        let stored = Spaces::<Test>::get(space).unwrap();
        assert_eq!((stored.owner, stored.price, stored.latest), (OWNER, PRICE, 0));
        assert_eq!(balances(OWNER).0, SPACE_DEPOSIT + RELEASE_DEPOSIT);
        let first = Releases::<Test>::get(space, 0).unwrap();
        assert_eq!(
            (first.bundle, first.bundle_bytes, first.notes),
            (content(2), 1_000, Some(content(3)))
        );
        System::assert_has_event(
            Event::Published {
                space,
                owner: OWNER,
                category: Category::Chat,
            }
            .into(),
        );
        System::assert_last_event(
            Event::Released {
                space,
                number: 0,
                bundle: content(2),
            }
            .into(),
        );
        assert_eq!(publish(), space + 1);
    });
}

#[test]
fn spaces_that_cannot_be_are_refused() {
    run(|| {
        let asset = publish_asset();
        let none = || calls(&[]);
        let (native, token) = (Currency::Native, Currency::Token(TOKEN));
        assert_noop!(
            try_publish(OWNER, b" ", b"1", 1, none(), native, 1),
            Error::<Test>::InvalidName
        );
        assert_noop!(
            try_publish(OWNER, b"a\x07b", b"1", 1, none(), native, 1),
            Error::<Test>::InvalidName
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"", 1, none(), native, 1),
            Error::<Test>::InvalidName
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 0, none(), native, 1),
            Error::<Test>::EmptyBundle
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 1, calls(&[(asset, PPM + 1)]), native, 1),
            Error::<Test>::SharesExceedWhole
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 1, calls(&[(asset, 1), (asset, 1)]), native, 1),
            Error::<Test>::NamedTwice
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 1, calls(&[(asset, 1), (99, 1)]), native, 1),
            Error::<Test>::UnknownAsset
        );
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 1, none(), token, 1),
            Error::<Test>::CurrencyNotAccepted
        );
        assert_noop!(
            try_publish(PAUPER, b"a", b"1", 1, none(), native, 1),
            TokenError::FundsUnavailable
        );
        Accepted::set(&vec![TOKEN]);
        assert_ok!(try_publish(OWNER, b"a", b"1", 1, calls(&[(asset, PPM)]), token, 1));
        NextSpaceId::<Test>::put(u64::MAX);
        assert_noop!(
            try_publish(OWNER, b"a", b"1", 1, none(), native, 1),
            Error::<Test>::NumbersExhausted
        );
        NextSpaceId::<Test>::put(1);
    });
}

#[test]
fn releases_are_numbered_kept_and_paid_for() {
    run(|| {
        let space = publish();
        assert_ok!(release(OWNER, space, b"0.2", 2_000));
        assert_ok!(release(OWNER, space, b"0.3", 3_000));
        System::assert_last_event(
            Event::Released {
                space,
                number: 2,
                bundle: content(4),
            }
            .into(),
        );
        assert_eq!(balances(OWNER).0, SPACE_DEPOSIT + 3 * RELEASE_DEPOSIT);
        let sizes: Vec<_> = Store::releases(space, 0, 10)
            .items
            .iter()
            .map(|release| (release.number, release.bundle_bytes))
            .collect();
        assert_eq!(sizes, [(0, 1_000), (1, 2_000), (2, 3_000)]);
        assert_eq!(Store::space(space).unwrap().latest.version, b"0.3");
        assert_noop!(release(BUYER, space, b"0.4", 1), Error::<Test>::NotOwner);
        assert_noop!(release(OWNER, 9, b"0.4", 1), Error::<Test>::NotFound);
        assert_noop!(release(OWNER, space, b"\n", 1), Error::<Test>::InvalidName);
        assert_noop!(release(OWNER, space, b"0.4", 0), Error::<Test>::EmptyBundle);
    });
}

#[test]
fn calls_and_price_are_the_owners_to_change() {
    run(|| {
        let space = publish();
        let asset = publish_asset();
        let owner = || RuntimeOrigin::signed(OWNER);
        assert_ok!(Store::set_calls(owner(), space, calls(&[(asset, 5)])));
        System::assert_last_event(Event::CallsSet { space }.into());
        assert_eq!(Spaces::<Test>::get(space).unwrap().calls, calls(&[(asset, 5)]));
        assert_noop!(
            Store::set_calls(RuntimeOrigin::signed(BUYER), space, calls(&[])),
            Error::<Test>::NotOwner
        );
        assert_noop!(
            Store::set_calls(owner(), space, calls(&[(asset, 5), (asset, 5)])),
            Error::<Test>::NamedTwice
        );
        assert_noop!(
            Store::set_calls(owner(), space, calls(&[(99, 5)])),
            Error::<Test>::UnknownAsset
        );
        assert_noop!(
            Store::set_price(owner(), space, Currency::Token(TOKEN), 3),
            Error::<Test>::CurrencyNotAccepted
        );
        Accepted::set(&vec![TOKEN]);
        assert_ok!(Store::set_price(owner(), space, Currency::Token(TOKEN), 3));
        System::assert_last_event(
            Event::PriceSet {
                space,
                currency: Currency::Token(TOKEN),
                price: 3,
            }
            .into(),
        );
        assert_noop!(
            Store::set_price(RuntimeOrigin::signed(BUYER), space, Currency::Native, 0),
            Error::<Test>::NotOwner
        );
    });
}

#[test]
fn a_retired_space_takes_nothing_new() {
    run(|| {
        let space = publish();
        assert_ok!(buy(BUYER, space));
        assert_ok!(Store::feature(RuntimeOrigin::root(), space, true));
        assert_noop!(
            Store::retire(RuntimeOrigin::signed(BUYER), space),
            Error::<Test>::NotOwner
        );
        let owner = || RuntimeOrigin::signed(OWNER);
        assert_ok!(Store::retire(owner(), space));
        System::assert_has_event(Event::Retired { space }.into());
        assert!(Featured::<Test>::get().is_empty());
        assert_noop!(Store::retire(owner(), space), Error::<Test>::AlreadyRetired);
        assert_noop!(release(OWNER, space, b"2", 1), Error::<Test>::AlreadyRetired);
        assert_noop!(
            Store::set_price(owner(), space, Currency::Native, 1),
            Error::<Test>::AlreadyRetired
        );
        assert_noop!(
            Store::set_calls(owner(), space, calls(&[])),
            Error::<Test>::AlreadyRetired
        );
        assert_noop!(buy(OTHER_BUYER, space), Error::<Test>::NotListed);
        // Who bought it has bought it.
        assert!(Store::purchase(space, &BUYER).is_some());
        assert_eq!(balances(OWNER).0, SPACE_DEPOSIT + RELEASE_DEPOSIT);
    });
}
