//! `rate` and `withdraw_rating`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;
use weft_primitives::{Currency, rating::Ratings as Sum, space::PaidUse};

use crate::{Error, Event, Ratings, Spaces, mock::*};

fn sum_of(space: u64) -> (u64, u32) {
    let Sum { stars, count } = Spaces::<Test>::get(space).unwrap().ratings;
    (stars, count)
}

#[test]
fn who_bought_may_rate() {
    run(|| {
        let space = publish();
        assert_noop!(rate(BUYER, space, 5, PaidUse::Bought), Error::<Test>::NotPaid);
        assert_ok!(buy(BUYER, space));
        assert_ok!(Store::rate(
            RuntimeOrigin::signed(BUYER),
            space,
            4,
            Some(content(8)),
            PaidUse::Bought
        ));
        System::assert_last_event(
            Event::Rated {
                space,
                by: BUYER,
                stars: 4,
                review: Some(content(8)),
            }
            .into(),
        );
        assert_eq!(balances(BUYER).0, PURCHASE_DEPOSIT + RATING_DEPOSIT);
        assert_eq!(sum_of(space), (4, 1));
        // Given up, it is not proof any more; the rating stays.
        assert_ok!(Store::forget(RuntimeOrigin::signed(BUYER), space));
        assert_noop!(rate(BUYER, space, 1, PaidUse::Bought), Error::<Test>::NotPaid);
        assert_eq!(sum_of(space), (4, 1));
    });
}

#[test]
fn who_paid_for_a_job_of_a_called_asset_may_rate() {
    run(|| {
        let free = publish_calling(OWNER, &[(publish_asset(), 0)], 0);
        let other_asset = publish_asset();
        let (right, anothers, elsewhere) = (
            complete(BUYER, 0),
            complete(OTHER_BUYER, 0),
            complete(BUYER, other_asset),
        );
        for wrong in [
            PaidUse::Bought,
            PaidUse::Job(anothers),
            PaidUse::Job(elsewhere),
            PaidUse::Job(99),
        ] {
            assert_noop!(rate(BUYER, free, 5, wrong), Error::<Test>::NotPaid);
        }
        assert_ok!(rate(BUYER, free, 5, PaidUse::Job(right)));
        assert_eq!(sum_of(free), (5, 1));
    });
}

#[test]
fn a_job_is_no_proof_for_a_space_that_is_sold() {
    run(|| {
        let asset = publish_asset();
        let space = publish_calling(OWNER, &[(asset, ASSETS_SHARE)], PRICE);
        let job = complete(BUYER, asset);
        assert_noop!(rate(BUYER, space, 1, PaidUse::Job(job)), Error::<Test>::NotPaid);
        assert_ok!(Store::set_price(
            RuntimeOrigin::signed(OWNER),
            space,
            Currency::Native,
            0
        ));
        assert_ok!(rate(BUYER, space, 1, PaidUse::Job(job)));
    });
}

#[test]
fn only_jobs_posted_since_the_asset_is_called_are_proof() {
    run(|| {
        let (first, second) = (publish_asset(), publish_asset());
        let before = complete(BUYER, first);
        let free = publish_calling(OWNER, &[(first, 0)], 0);
        assert_noop!(rate(BUYER, free, 5, PaidUse::Job(before)), Error::<Test>::NotPaid);
        let (since, early) = (complete(BUYER, first), complete(OTHER_BUYER, second));
        let set_calls = |called: &[(u64, u32)]| Store::set_calls(RuntimeOrigin::signed(OWNER), free, calls(called));
        // In another order and with other shares: what was called already keeps its place.
        assert_ok!(set_calls(&[(second, 7), (first, 5)]));
        assert_ok!(rate(BUYER, free, 5, PaidUse::Job(since)));
        assert_noop!(rate(OTHER_BUYER, free, 5, PaidUse::Job(early)), Error::<Test>::NotPaid);
        let late = complete(OTHER_BUYER, second);
        assert_ok!(rate(OTHER_BUYER, free, 5, PaidUse::Job(late)));
        // Called again, it starts anew.
        assert_ok!(set_calls(&[(second, 7)]));
        assert_ok!(set_calls(&[(first, 5), (second, 7)]));
        assert_noop!(rate(BUYER, free, 1, PaidUse::Job(since)), Error::<Test>::NotPaid);
        assert_ok!(rate(OTHER_BUYER, free, 1, PaidUse::Job(late)));
    });
}

#[test]
fn a_rating_is_replaced_at_no_cost() {
    run(|| {
        let space = publish();
        assert_ok!(buy(BUYER, space));
        assert_ok!(buy(OTHER_BUYER, space));
        assert_ok!(rate(BUYER, space, 1, PaidUse::Bought));
        assert_ok!(rate(OTHER_BUYER, space, 2, PaidUse::Bought));
        assert_ok!(rate(BUYER, space, 5, PaidUse::Bought));
        assert_eq!(sum_of(space), (7, 2));
        assert_eq!(balances(BUYER).0, PURCHASE_DEPOSIT + RATING_DEPOSIT);
        assert_eq!(Ratings::<Test>::iter_prefix(space).count(), 2);
    });
}

#[test]
fn ratings_that_cannot_be_are_refused() {
    run(|| {
        let space = publish();
        assert_ok!(buy(BUYER, space));
        assert_noop!(rate(BUYER, 9, 5, PaidUse::Bought), Error::<Test>::NotFound);
        assert_noop!(rate(OWNER, space, 5, PaidUse::Bought), Error::<Test>::OwnSpace);
        for stars in [0, 6, u8::MAX] {
            assert_noop!(rate(BUYER, space, stars, PaidUse::Bought), Error::<Test>::InvalidStars);
        }
        let free = publish_calling(OWNER, &[(0, 0)], 0);
        let job = complete(PAUPER, 0);
        assert_noop!(rate(PAUPER, free, 5, PaidUse::Job(job)), TokenError::FundsUnavailable);
    });
}

#[test]
fn a_rating_is_withdrawn_whatever_became_of_the_space() {
    run(|| {
        let space = publish();
        let withdraw = |who, space| Store::withdraw_rating(RuntimeOrigin::signed(who), space);
        assert_ok!(buy(BUYER, space));
        assert_noop!(withdraw(BUYER, space), Error::<Test>::NotRated);
        assert_noop!(withdraw(BUYER, 9), Error::<Test>::NotFound);
        assert_ok!(rate(BUYER, space, 3, PaidUse::Bought));
        assert_ok!(Store::retire(RuntimeOrigin::signed(OWNER), space));
        assert_ok!(withdraw(BUYER, space));
        System::assert_last_event(Event::RatingWithdrawn { space, by: BUYER }.into());
        assert_eq!(balances(BUYER).0, PURCHASE_DEPOSIT);
        assert_eq!(sum_of(space), (0, 0));
    });
}
