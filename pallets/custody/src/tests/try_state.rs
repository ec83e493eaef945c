//! That what must hold is looked at.

use frame_support::assert_ok;

use crate::{
    Custodians, Custodies, Dealings, Deals, Drawable, DrawableCount, LatestRequest, NextDue, NextRequest, ProviderKeys,
    Releases, Requests, mock::*,
};

/// Breaks a sound state and wants the break to be noticed.
fn noticed(why: &'static str, damage: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        entrust(2, 3, 5);
        let request = ask();
        let keyed = ask_as_provider();
        assert_ok!(release_by(request, 1));
        for index in 1..=3 {
            assert_ok!(release_by(keyed, index));
        }
        assert_ok!(Custody::do_try_state());
        damage();
        assert_eq!(Custody::do_try_state(), Err(why.into()));
    });
}

#[test]
fn each_break_is_noticed() {
    noticed("the list of custodians is not dense", || DrawableCount::<Test>::put(9));
    noticed("a place in the list of custodians lies beyond its end", || {
        Drawable::<Test>::insert(7, 1);
    });
    noticed("a custodian counts other duties than it has", || {
        Custodians::<Test>::mutate(custodian(1), |info| info.as_mut().unwrap().duties = 4);
    });
    noticed(
        "a custodian is listed and cannot be drawn, or can be and is not listed",
        || {
            Custodians::<Test>::mutate(custodian(1), |info| info.as_mut().unwrap().available = false);
        },
    );
    noticed("a custody has no dealing", || Dealings::<Test>::remove(0));
    noticed("a dealing counts other requests than there are", || {
        Dealings::<Test>::mutate(0, |dealing| dealing.as_mut().unwrap().open_requests = 0);
    });
    noticed("a custody counts other requests than there are", || {
        Custodies::<Test>::mutate(ASSET, |custody| custody.as_mut().unwrap().open_requests = 1);
    });
    noticed("a dealing has other deals than it counts", || {
        Deals::<Test>::remove(0, 0)
    });
    noticed("a dealing is kept for nothing", || Custodies::<Test>::remove(ASSET));
    noticed("a request is missing, or was passed over", || {
        NextRequest::<Test>::put(3)
    });
    noticed("a request that fell due holds funds", || NextDue::<Test>::put(1));
    noticed("a request has other releases than it counts", || {
        Releases::<Test>::remove(0, 1)
    });
    noticed("the latest request of a recipient is gone", || {
        LatestRequest::<Test>::insert(ASSET, weft_primitives::registry::KeyRecipient::Licence(99), 50);
    });
    noticed("what is held from an account is not what its records say", || {
        Requests::<Test>::mutate(0, |request| request.as_mut().unwrap().fees_held = 0);
    });
    noticed("what is held from an account is not what its records say", || {
        ProviderKeys::<Test>::remove(ASSET, PROVIDER);
    });
}
