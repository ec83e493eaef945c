//! The check itself: it would be worth nothing if it passed on anything.

use frame_support::{assert_err, assert_ok};
use weft_primitives::order_book::Bucket;

use crate::{
    BucketEntry, BucketLen, DeviceOwner, ModelOfferCount, ModelOffers, Occupied, Offers, OffersOf, Providers as Stored,
    Seized, mock::*,
};

/// Breaks one thing in a sound state and expects to be told which.
fn broken(break_it: impl FnOnce(Bucket), told: &'static str) {
    new_test_ext().execute_with(|| {
        ready(1, 1, 10);
        ready(2, 1, 10);
        assert_ok!(Providers::do_try_state());
        break_it(Bucket::of(10, 1));
        assert_err!(Providers::do_try_state(), told);
    });
}

fn with_info(change: impl FnOnce(&mut crate::ProviderInfoOf<Test>)) {
    Stored::<Test>::mutate(owner(1), |info| change(info.as_mut().unwrap()));
}

fn with_offer(change: impl FnOnce(&mut crate::Offer)) {
    Offers::<Test>::mutate(owner(1), MODEL, |offer| change(offer.as_mut().unwrap()));
}

#[test]
fn each_breach_among_providers_is_told() {
    broken(
        |_| DeviceOwner::<Test>::insert(device(1), owner(2)),
        "a device does not know its owner",
    );
    broken(
        |_| DeviceOwner::<Test>::insert(device(7), owner(2)),
        "an account is the device of nobody",
    );
    broken(
        |_| with_info(|info| info.jobs = vec![1, 2].try_into().unwrap()),
        "a device has more jobs than it takes",
    );
    broken(|_| with_info(|info| info.capacity = 0), "a capacity is out of range");
    broken(
        |_| with_info(|info| info.stake += 1),
        "held stake is not what is bonded, unbonding and seized",
    );
    broken(
        |_| with_info(|info| info.deposit += 1),
        "held deposits are not what the records say",
    );
    broken(
        |_| with_info(|info| (info.jobs, info.stake) = (vec![1].try_into().unwrap(), 0)),
        "a provider has jobs without the stake for them, which was not taken",
    );
    broken(
        |_| Seized::<Test>::insert(owner(3), 5),
        "nothing, or stake of nobody, is seized",
    );
}

#[test]
fn each_breach_among_offers_is_told() {
    broken(
        |_| OffersOf::<Test>::remove(owner(1)),
        "an offer is not on its owner's list",
    );
    broken(
        |_| {
            OffersOf::<Test>::try_append(owner(1), OTHER_MODEL).unwrap();
        },
        "an owner's list names an offer that is not there",
    );
    broken(
        |_| with_offer(|offer| offer.keyed = false),
        "an offer is mistaken about its key",
    );
    broken(
        |_| with_offer(|offer| offer.index = 1),
        "an offer is not where it says in the index",
    );
    broken(
        |_| with_offer(|offer| offer.listing = None),
        "an offer is in the wrong bucket, or in none, or in one for no reason",
    );
    broken(
        |_| with_offer(|offer| offer.ask_per_token = 11),
        "an entry of the book differs from its offer",
    );
    broken(
        |_| ModelOffers::<Test>::insert(MODEL, 2, owner(1)),
        "an index entry names no offer",
    );
    broken(
        |_| ModelOfferCount::<Test>::insert(MODEL, 3),
        "a count of offers is wrong",
    );
}

#[test]
fn each_breach_in_the_book_is_told() {
    broken(
        |bucket| BucketEntry::<Test>::remove((MODEL, bucket, 0)),
        "an offer is not where it says in the book",
    );
    broken(
        |bucket| {
            let entry = BucketEntry::<Test>::get((MODEL, bucket, 0)).unwrap();
            BucketEntry::<Test>::insert((MODEL, bucket, 2), entry);
        },
        "an entry of the book is elsewhere according to its offer",
    );
    broken(
        |bucket| BucketLen::<Test>::insert(MODEL, bucket, 3),
        "a bucket's length is wrong",
    );
    broken(
        |_| Occupied::<Test>::remove(MODEL),
        "a bucket with offers is not marked",
    );
    broken(
        |_| Occupied::<Test>::mutate(MODEL, |occupied| occupied.insert(Bucket::of(1_000, 0))),
        "a marked bucket is empty",
    );
}
