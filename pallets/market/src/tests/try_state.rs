//! The check itself: it would be worth nothing if it passed on anything.

use frame_support::assert_err;
use weft_primitives::AssetKind;

use crate::{AssetCount, Assets, AssetsByCreator, Grants, NextAssetId, mock::*};

/// Breaks one thing in a sound state and expects to be told which.
fn broken(break_it: impl FnOnce(u64), told: &'static str) {
    new_test_ext().execute_with(|| {
        let asset = publish(CREATOR);
        frame_support::assert_ok!(Market::grant_key(
            RuntimeOrigin::signed(CREATOR),
            asset,
            PROVIDER,
            key_of(1),
            wrapped(1)
        ));
        frame_support::assert_ok!(Market::do_try_state());
        break_it(asset);
        assert_err!(Market::do_try_state(), told);
    });
}

#[test]
fn each_breach_is_told() {
    broken(|_| NextAssetId::<Test>::put(2), "an asset's number has no asset");
    broken(
        |_| NextAssetId::<Test>::put(0),
        "an asset's number has not been given out",
    );
    broken(
        |_| AssetsByCreator::<Test>::remove(CREATOR, 0),
        "an asset is not in its creator's index",
    );
    broken(
        |_| AssetCount::<Test>::insert(OTHER_CREATOR, 1),
        "the creators' counts do not add up to all assets",
    );
    broken(
        |asset| Assets::<Test>::mutate(asset, |info| info.as_mut().unwrap().creator = OTHER_CREATOR),
        "an index entry names another creator's asset",
    );
    broken(
        |asset| {
            Assets::<Test>::mutate(asset, |info| {
                let info = info.as_mut().unwrap();
                (info.kind, info.exact_root) = (AssetKind::Dataset, Some(EXACT_ROOT));
            })
        },
        "an asset that is no model has the root of one",
    );
    broken(
        |asset| Grants::<Test>::remove(asset, PROVIDER),
        "what is held from a creator is not what their records say",
    );
}
