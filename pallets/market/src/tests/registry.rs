//! The facts that other pallets ask for.

use frame_support::assert_ok;
use weft_primitives::{
    AssetKind,
    registry::{ModelRegistry, ModelTerms},
};

use crate::mock::*;

#[test]
fn a_retired_model_is_not_listed_and_still_pays_its_creator() {
    run(|| {
        let asset = publish(CREATOR);
        let terms = Some(ModelTerms {
            creator: CREATOR,
            royalty: 50_000,
            exact: false,
        });
        assert_eq!(Market::listed_model(asset), terms);
        assert_eq!(Market::model(asset), terms);
        assert_ok!(Market::retire(RuntimeOrigin::signed(CREATOR), asset));
        assert_eq!(Market::listed_model(asset), None);
        assert_eq!(Market::model(asset), terms);
        assert_eq!(Market::model(asset + 1), None);
    });
}

#[test]
fn a_model_with_a_root_is_exact() {
    run(|| {
        let asset = publish_exact(CREATOR);
        assert!(Market::listed_model(asset).unwrap().exact);
        assert!(Market::model(asset).unwrap().exact);
    });
}

#[test]
fn a_dataset_is_no_model() {
    run(|| {
        assert_ok!(Market::publish(
            RuntimeOrigin::signed(CREATOR),
            AssetKind::Dataset,
            b"records".to_vec().try_into().unwrap(),
            content(1),
            content(2),
            1,
            [0; 32],
            0,
            None,
        ));
        assert_eq!(Market::listed_model(0), None);
        assert_eq!(Market::model(0), None);
    });
}

#[test]
fn a_key_counts_only_if_it_is_wrapped_for_the_present_device() {
    run(|| {
        let asset = publish(CREATOR);
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(1)));
        assert_ok!(Market::grant_key(
            RuntimeOrigin::signed(CREATOR),
            asset,
            PROVIDER,
            key_of(1),
            wrapped(1)
        ));
        assert!(Market::has_key(asset, &PROVIDER, &key_of(1)));
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(2)));
        assert!(!Market::has_key(asset, &PAUPER, &key_of(1)));
        assert_ok!(Market::revoke_key(RuntimeOrigin::signed(CREATOR), asset, PROVIDER));
        assert!(!Market::has_key(asset, &PROVIDER, &key_of(1)));
    });
}
