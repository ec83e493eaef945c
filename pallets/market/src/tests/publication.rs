//! `publish` and `retire`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;
use weft_primitives::AssetKind;

use crate::{AssetStatus, Assets, Error, Event, NameOf, NextAssetId, mock::*};

fn publish_as(who: u64, name: &[u8], size_bytes: u64, royalty: u32) -> sp_runtime::DispatchResult {
    Market::publish(
        RuntimeOrigin::signed(who),
        AssetKind::TextModel,
        name.to_vec().try_into().unwrap(),
        content(1),
        content(2),
        size_bytes,
        [3; 32],
        royalty,
        None,
    )
}

#[test]
fn publication_stores_terms_holds_the_deposit_and_says_so() {
    run(|| {
        System::set_block_number(5);
        let asset = publish(CREATOR);
        assert_eq!(asset, 0);
        let info = Assets::<Test>::get(asset).unwrap();
        assert_eq!((info.creator, info.kind), (CREATOR, AssetKind::TextModel));
        assert_eq!((info.manifest, info.content), (content(1), content(2)));
        assert_eq!((info.royalty, info.size_bytes), (50_000, 1_000));
        assert_eq!((info.status, info.published_at), (AssetStatus::Listed, 5));
        assert_eq!(balances(CREATOR), (PUBLISH_DEPOSIT, FUNDS - PUBLISH_DEPOSIT));
        System::assert_last_event(
            Event::Published {
                asset,
                creator: CREATOR,
                kind: AssetKind::TextModel,
                manifest: content(1),
                content: content(2),
            }
            .into(),
        );
    });
}

#[test]
fn numbers_are_given_in_order_across_creators() {
    run(|| {
        assert_eq!([publish(CREATOR), publish(OTHER_CREATOR), publish(CREATOR)], [0, 1, 2]);
        assert_eq!(NextAssetId::<Test>::get(), 3);
    });
}

#[test]
fn each_defect_of_a_publication_has_its_own_error() {
    run(|| {
        assert_noop!(publish_as(CREATOR, b"", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(publish_as(CREATOR, b"\xff", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(publish_as(CREATOR, b"a\nb", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(publish_as(CREATOR, b"m", 0, 0), Error::<Test>::EmptyContent);
        assert_noop!(
            publish_as(CREATOR, b"m", 1, MAX_ROYALTY + 1),
            Error::<Test>::RoyaltyTooHigh
        );
        assert_ok!(publish_as(CREATOR, b"m", 1, MAX_ROYALTY));
        assert!(NameOf::<Test>::try_from(vec![b'm'; 65]).is_err());
    });
}

#[test]
fn models_of_both_kinds_may_be_exact_and_nothing_else() {
    run(|| {
        let publish = |kind| {
            Market::publish(
                RuntimeOrigin::signed(CREATOR),
                kind,
                b"m".to_vec().try_into().unwrap(),
                content(1),
                content(2),
                1,
                [3; 32],
                0,
                Some(EXACT_ROOT),
            )
        };
        assert_noop!(publish(AssetKind::Dataset), Error::<Test>::OnlyModelsAreExact);
        assert_ok!(publish(AssetKind::TextModel));
        assert_ok!(publish(AssetKind::EmbeddingModel));
        assert_eq!(Assets::<Test>::get(1).unwrap().exact_root, Some(EXACT_ROOT));
    });
}

#[test]
fn the_deposit_must_be_there() {
    run(|| {
        assert_noop!(publish_as(PAUPER, b"m", 1, 0), TokenError::FundsUnavailable);
    });
}

#[test]
fn the_last_number_is_not_given_twice() {
    new_test_ext().execute_with(|| {
        NextAssetId::<Test>::put(u64::MAX);
        assert_noop!(publish_as(CREATOR, b"m", 1, 0), Error::<Test>::NumbersExhausted);
    });
}

#[test]
fn a_creator_retires_their_own_asset_once() {
    run(|| {
        let asset = publish(CREATOR);
        let retire = |who, asset| Market::retire(RuntimeOrigin::signed(who), asset);
        assert_noop!(retire(CREATOR, 9), Error::<Test>::NotFound);
        assert_noop!(retire(OTHER_CREATOR, asset), Error::<Test>::NotCreator);
        assert_ok!(retire(CREATOR, asset));
        System::assert_last_event(Event::Retired { asset }.into());
        assert_eq!(Assets::<Test>::get(asset).unwrap().status, AssetStatus::Retired);
        assert_eq!(
            balances(CREATOR).0,
            PUBLISH_DEPOSIT,
            "the record stays, and its deposit with it"
        );
        assert_noop!(retire(CREATOR, asset), Error::<Test>::AlreadyRetired);
    });
}
