//! `grant_key` and `revoke_key`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::AssetId;

use crate::{Error, Event, Grants, mock::*};

fn revoke(who: u64, asset: AssetId, provider: u64) -> DispatchResult {
    Market::revoke_key(RuntimeOrigin::signed(who), asset, provider)
}

#[test]
fn a_grant_is_stored_paid_for_and_told_to_the_offers() {
    run(|| {
        let asset = publish(CREATOR);
        assert_ok!(grant(CREATOR, asset, PROVIDER, 1));
        let stored = Grants::<Test>::get(asset, PROVIDER).unwrap();
        assert_eq!((stored.encryption_key, stored.wrapped), (key_of(1), wrapped(1)));
        assert_eq!(balances(CREATOR).0, PUBLISH_DEPOSIT + GRANT_DEPOSIT);
        assert_eq!(Told::get(), [(asset, PROVIDER, true)]);
        System::assert_last_event(
            Event::KeyGranted {
                asset,
                provider: PROVIDER,
                encryption_key: key_of(1),
            }
            .into(),
        );
    });
}

#[test]
fn a_rotated_key_needs_a_new_grant_which_replaces_the_old_at_no_cost() {
    run(|| {
        let asset = publish(CREATOR);
        assert_ok!(grant(CREATOR, asset, PROVIDER, 1));
        Providers::set_key(PROVIDER, key_of(2));
        assert_noop!(grant(CREATOR, asset, PROVIDER, 1), Error::<Test>::StaleEncryptionKey);
        assert_ok!(grant(CREATOR, asset, PROVIDER, 2));
        assert_eq!(Grants::<Test>::get(asset, PROVIDER).unwrap().wrapped, wrapped(2));
        assert_eq!(balances(CREATOR).0, PUBLISH_DEPOSIT + GRANT_DEPOSIT);
        assert_eq!(Told::get(), [(asset, PROVIDER, true), (asset, PROVIDER, true)]);
    });
}

#[test]
fn only_the_creator_of_a_listed_asset_grants_and_only_to_providers() {
    run(|| {
        let asset = publish(CREATOR);
        assert_noop!(grant(CREATOR, 9, PROVIDER, 1), Error::<Test>::NotFound);
        assert_noop!(grant(OTHER_CREATOR, asset, PROVIDER, 1), Error::<Test>::NotOwner);
        assert_noop!(grant(CREATOR, asset, PAUPER, 1), Error::<Test>::UnknownProvider);
        assert_ok!(Market::retire(RuntimeOrigin::signed(CREATOR), asset));
        assert_noop!(grant(CREATOR, asset, PROVIDER, 1), Error::<Test>::AlreadyRetired);
        assert!(Told::get().is_empty());
    });
}

#[test]
fn a_grant_needs_its_deposit() {
    run(|| {
        // Leaves room for the existential deposit and less than a grant's deposit.
        let asset = publish(CREATOR);
        let spare = GRANT_DEPOSIT - 1;
        let free = balances(CREATOR).1;
        assert_ok!(Balances::transfer_allow_death(
            RuntimeOrigin::signed(CREATOR),
            PROVIDER,
            free - spare
        ));
        assert_noop!(grant(CREATOR, asset, PROVIDER, 1), TokenError::FundsUnavailable);
    });
}

#[test]
fn revoking_returns_the_deposit_even_when_the_asset_and_the_provider_are_gone() {
    run(|| {
        let asset = publish(CREATOR);
        assert_ok!(grant(CREATOR, asset, PROVIDER, 1));
        assert_ok!(Market::retire(RuntimeOrigin::signed(CREATOR), asset));
        DeviceKeys::set(&Default::default());
        assert_noop!(revoke(OTHER_CREATOR, asset, PROVIDER), Error::<Test>::NotOwner);
        assert_noop!(revoke(CREATOR, 9, PROVIDER), Error::<Test>::NotFound);
        assert_ok!(revoke(CREATOR, asset, PROVIDER));
        System::assert_last_event(
            Event::KeyRevoked {
                asset,
                provider: PROVIDER,
            }
            .into(),
        );
        assert_eq!(balances(CREATOR).0, PUBLISH_DEPOSIT);
        assert_eq!(Told::get().last(), Some(&(asset, PROVIDER, false)));
        assert_noop!(revoke(CREATOR, asset, PROVIDER), Error::<Test>::NotGranted);
    });
}
