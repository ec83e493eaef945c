//! `publish`, `release` and `retire`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::{
    AssetKind,
    asset::{MAX_VERSIONS, Records},
};

use crate::{AssetStatus, Assets, Error, Event, NameOf, NextAssetId, PublicationOf, Tag, Versions, Works, mock::*};

fn named(who: u64, name: &[u8], size_bytes: u64, royalty: u32) -> DispatchResult {
    let what = PublicationOf::<Test> {
        name: name.to_vec().try_into().unwrap(),
        size_bytes,
        royalty,
        ..model()
    };
    try_publish(who, what, &[], &[])
}

#[test]
fn publication_stores_terms_holds_the_deposit_and_says_so() {
    run(|| {
        System::set_block_number(5);
        let asset = publish_as(CREATOR, model(), &["chat", "small"], &[PER_USE]);
        assert_eq!(asset, 0);
        let info = Assets::<Test>::get(asset).unwrap();
        assert_eq!((info.work, info.version), (asset, 1));
        assert_eq!(info.published, model());
        assert_eq!((info.status, info.published_at), (AssetStatus::Listed, 5));
        let work = Works::<Test>::get(asset).unwrap();
        assert_eq!((work.owner, work.kind), (CREATOR, AssetKind::TextModel));
        assert_eq!((work.latest, work.versions, work.listed), (asset, 1, 1));
        assert_eq!(
            (work.tags, work.tariffs),
            (tags(&["chat", "small"]), tariffs(&[PER_USE]))
        );
        assert_eq!(balances(CREATOR), (PUBLISH_DEPOSIT, FUNDS - PUBLISH_DEPOSIT));
        System::assert_last_event(
            Event::Published {
                asset,
                work: asset,
                version: 1,
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
        assert_noop!(named(CREATOR, b"", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(named(CREATOR, b"\xff", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(named(CREATOR, b"a\nb", 1, 0), Error::<Test>::InvalidName);
        assert_noop!(named(CREATOR, b"m", 0, 0), Error::<Test>::EmptyContent);
        assert_noop!(named(CREATOR, b"m", 1, MAX_ROYALTY + 1), Error::<Test>::RoyaltyTooHigh);
        assert_ok!(named(CREATOR, b"m", 1, MAX_ROYALTY));
        assert!(NameOf::<Test>::try_from(vec![b'm'; 65]).is_err());
    });
}

#[test]
fn models_of_all_kinds_may_be_exact_and_nothing_else() {
    run(|| {
        let exact = |kind| {
            let what = PublicationOf::<Test> {
                kind,
                exact_root: Some(EXACT_ROOT),
                ..model()
            };
            try_publish(CREATOR, what, &[], &[])
        };
        assert_noop!(exact(AssetKind::Dataset), Error::<Test>::OnlyModelsAreExact);
        assert_ok!(exact(AssetKind::TextModel));
        assert_ok!(exact(AssetKind::EmbeddingModel));
        assert_ok!(exact(AssetKind::ImageModel));
        assert_eq!(Assets::<Test>::get(1).unwrap().published.exact_root, Some(EXACT_ROOT));
    });
}

#[test]
fn datasets_may_commit_to_records_and_nothing_else() {
    run(|| {
        let with = |kind, records| {
            let what = PublicationOf::<Test> {
                kind,
                records,
                ..model()
            };
            try_publish(CREATOR, what, &[], &[])
        };
        assert_noop!(
            with(AssetKind::TextModel, Some(RECORDS)),
            Error::<Test>::OnlyDatasetsHaveRecords
        );
        let none = Records { count: 0, ..RECORDS };
        assert_noop!(with(AssetKind::Dataset, Some(none)), Error::<Test>::NoRecords);
        assert_ok!(with(AssetKind::Dataset, None));
        assert_ok!(with(AssetKind::Dataset, Some(RECORDS)));
        assert_eq!(Market::asset(1).unwrap().records, Some(RECORDS));
    });
}

#[test]
fn tags_are_plain_and_each_is_given_once() {
    run(|| {
        for bad in [&["Chat"][..], &["a b"], &[""], &["-a"], &["chat", "chat"]] {
            assert_noop!(try_publish(CREATOR, model(), bad, &[]), Error::<Test>::InvalidTags);
        }
        assert!(Tag::try_from(vec![b'a'; 25]).is_err());
        assert_ok!(try_publish(CREATOR, model(), &["a", "b", "c", "d", "e"], &[]));
    });
}

#[test]
fn the_deposit_must_be_there() {
    run(|| {
        assert_noop!(named(PAUPER, b"m", 1, 0), TokenError::FundsUnavailable);
        publish(CREATOR);
        let free = balances(CREATOR).1;
        let to = RuntimeOrigin::signed(CREATOR);
        assert_ok!(Balances::transfer_allow_death(to, BUYER, free - PUBLISH_DEPOSIT + 1));
        let release = Market::release(RuntimeOrigin::signed(CREATOR), 0, model());
        assert_eq!(release, Err(TokenError::FundsUnavailable.into()));
    });
}

#[test]
fn the_last_number_is_not_given_twice() {
    new_test_ext().execute_with(|| {
        NextAssetId::<Test>::put(u64::MAX);
        assert_noop!(named(CREATOR, b"m", 1, 0), Error::<Test>::NumbersExhausted);
    });
}

#[test]
fn a_release_is_the_next_version_of_the_same_work() {
    run(|| {
        let work = publish(CREATOR);
        publish(OTHER_CREATOR);
        let second = release(CREATOR, work);
        assert_eq!(second, 2);
        System::assert_last_event(
            Event::Published {
                asset: second,
                work,
                version: 2,
                creator: CREATOR,
                kind: AssetKind::TextModel,
                manifest: content(1),
                content: content(2),
            }
            .into(),
        );
        let stored = Works::<Test>::get(work).unwrap();
        assert_eq!((stored.latest, stored.versions, stored.listed), (second, 2, 2));
        assert_eq!(stored.deposit, 2 * PUBLISH_DEPOSIT);
        assert_eq!(balances(CREATOR).0, 2 * PUBLISH_DEPOSIT);
        assert_eq!(Versions::<Test>::get(work, 2), Some(second));
        assert_eq!(Market::work(second), None, "a later version is not a work");
    });
}

#[test]
fn a_release_is_the_owners_and_of_the_same_kind() {
    run(|| {
        let work = publish(CREATOR);
        let release = |who, work, what| Market::release(RuntimeOrigin::signed(who), work, what);
        assert_noop!(release(CREATOR, 9, model()), Error::<Test>::NotFound);
        assert_noop!(release(OTHER_CREATOR, work, model()), Error::<Test>::NotOwner);
        assert_noop!(release(CREATOR, work, dataset()), Error::<Test>::OtherKind);
        let empty = PublicationOf::<Test> {
            size_bytes: 0,
            ..model()
        };
        assert_noop!(release(CREATOR, work, empty), Error::<Test>::EmptyContent);
    });
}

#[test]
fn there_are_only_so_many_versions() {
    new_test_ext().execute_with(|| {
        let work = publish(CREATOR);
        Works::<Test>::mutate(work, |work| work.as_mut().unwrap().versions = MAX_VERSIONS);
        assert_noop!(
            Market::release(RuntimeOrigin::signed(CREATOR), work, model()),
            Error::<Test>::TooManyVersions
        );
    });
}

#[test]
fn an_owner_retires_their_own_asset_once() {
    run(|| {
        let asset = publish(CREATOR);
        assert_noop!(retire(CREATOR, 9), Error::<Test>::NotFound);
        assert_noop!(retire(OTHER_CREATOR, asset), Error::<Test>::NotOwner);
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

#[test]
fn a_work_is_listed_while_a_version_is() {
    run(|| {
        let work = publish(CREATOR);
        let second = release(CREATOR, work);
        assert_ok!(retire(CREATOR, work));
        assert!(Market::work(work).unwrap().listed);
        assert_ok!(retire(CREATOR, second));
        assert!(!Market::work(work).unwrap().listed);
        release(CREATOR, work);
        assert!(Market::work(work).unwrap().listed);
    });
}
