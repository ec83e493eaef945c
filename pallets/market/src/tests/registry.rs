//! The facts that other pallets ask for.

use frame_support::assert_ok;
use weft_primitives::registry::{Licensing, ModelRegistry, ModelTerms, Royalties, SealedAsset};

use crate::{PublicationOf, mock::*};

#[test]
fn a_retired_model_is_not_listed_and_still_pays_its_owner() {
    run(|| {
        let asset = publish(CREATOR);
        let terms = Some(ModelTerms {
            royalty: 50_000,
            exact_root: None,
        });
        assert_eq!(Market::listed_model(asset), terms);
        assert_eq!(Market::model(asset), terms);
        assert_ok!(retire(CREATOR, asset));
        assert_eq!(Market::listed_model(asset), None);
        assert_eq!(Market::model(asset), terms);
        assert_eq!(Market::divide(asset, 10), [(CREATOR, 10)]);
        assert_eq!(Market::model(asset + 1), None);
    });
}

#[test]
fn a_model_with_a_root_is_exact() {
    run(|| {
        let asset = publish_exact(CREATOR);
        assert!(Market::listed_model(asset).unwrap().exact_root.is_some());
        assert!(Market::model(asset).unwrap().exact_root.is_some());
    });
}

#[test]
fn a_dataset_is_no_model() {
    run(|| {
        let data = publish_as(CREATOR, dataset(), &[], &[]);
        assert_eq!(Market::listed_model(data), None);
        assert_eq!(Market::model(data), None);
    });
}

#[test]
fn a_key_counts_only_if_it_is_wrapped_for_the_present_device() {
    run(|| {
        let asset = publish(CREATOR);
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(1)));
        assert_ok!(grant(CREATOR, asset, PROVIDER, 1));
        assert!(Market::has_key(asset, &PROVIDER, &key_of(1)));
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(2)));
        assert!(!Market::has_key(asset, &PAUPER, &key_of(1)));
        assert_ok!(Market::revoke_key(RuntimeOrigin::signed(CREATOR), asset, PROVIDER));
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(1)));
    });
}

#[test]
fn a_key_that_custodians_released_counts_too() {
    run(|| {
        let asset = publish(CREATOR);
        Custodians::release(asset, PROVIDER, key_of(1));
        assert!(Market::has_key(asset, &PROVIDER, &key_of(1)));
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(2)));
        // And keeps counting when the owner takes back a grant that was given besides.
        assert_ok!(grant(CREATOR, asset, PROVIDER, 1));
        assert_ok!(Market::revoke_key(RuntimeOrigin::signed(CREATOR), asset, PROVIDER));
        assert_eq!(Told::get(), [(asset, PROVIDER, true), (asset, PROVIDER, false)]);
        assert!(Market::has_key(asset, &PROVIDER, &key_of(1)));
    });
}

#[test]
fn those_who_keep_keys_and_bytes_see_what_is_sealed() {
    run(|| {
        let what = PublicationOf::<Test> {
            pieces_root: Some([8; 32]),
            ..model()
        };
        let work = publish_as(CREATOR, what, &[], &[]);
        let sealed = SealedAsset {
            owner: CREATOR,
            work,
            content: content(2),
            size_bytes: 1_000,
            key_commitment: [3; 32],
            pieces_root: Some([8; 32]),
            listed: true,
        };
        assert_eq!(Market::sealed_asset(work), Some(sealed.clone()));
        assert_ok!(retire(CREATOR, work));
        transfer(work, CREATOR, BUYER);
        assert_eq!(
            Market::sealed_asset(work),
            Some(SealedAsset {
                owner: BUYER,
                listed: false,
                ..sealed
            })
        );
        assert_eq!(Market::sealed_asset(9), None);
    });
}
