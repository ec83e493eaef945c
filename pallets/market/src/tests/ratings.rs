//! `rate` and `remove_rating`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::rating::PaidUse;

use crate::{Error, Event, HoldReason, mock::*};

fn rate(who: u64, work: u64, stars: u8, proof: PaidUse) -> DispatchResult {
    Market::rate(RuntimeOrigin::signed(who), work, stars, Some(content(stars)), proof)
}

fn remove(who: u64, work: u64) -> DispatchResult {
    Market::remove_rating(RuntimeOrigin::signed(who), work)
}

fn shown(work: u64) -> (u32, u16) {
    let view = Market::work(work).unwrap();
    (view.ratings, view.rating)
}

#[test]
fn who_paid_rates_and_rates_again() {
    run(|| {
        let work = publish_priced(CREATOR);
        let licence = licensed(BUYER, work, PER_USE, 1);
        let proof = PaidUse::Licence(licence);
        assert_ok!(rate(BUYER, work, 4, proof));
        System::assert_last_event(
            Event::Rated {
                work,
                who: BUYER,
                stars: 4,
                review: Some(content(4)),
            }
            .into(),
        );
        assert_eq!(shown(work), (1, 400));
        assert_eq!(held(BUYER, HoldReason::Rating), RATING_DEPOSIT);
        assert_ok!(rate(BUYER, work, 1, proof));
        assert_eq!(shown(work), (1, 100));
        assert_eq!(held(BUYER, HoldReason::Rating), RATING_DEPOSIT);
        let page = Market::ratings(work, 0, 10);
        let says: Vec<_> = page
            .items
            .iter()
            .map(|rating| (rating.who, rating.stars, rating.review))
            .collect();
        assert_eq!(says, [(BUYER, 1, Some(content(1)))]);
    });
}

#[test]
fn no_review_without_purchase() {
    run(|| {
        let (work, other) = (publish_priced(CREATOR), publish_priced(CREATOR));
        let licence = licensed(BUYER, work, PER_USE, 1);
        let of_other = licensed(OTHER_BUYER, other, ONCE, 1);
        let free = tariff(weft_primitives::licence::Term::Once, 0);
        let gratis = publish_as(CREATOR, model(), &[], &[free]);
        let unpaid = licensed(BUYER, gratis, free, 1);
        for (who, work, proof) in [
            (OTHER_BUYER, work, PaidUse::Licence(licence)),
            (OTHER_BUYER, work, PaidUse::Licence(of_other)),
            (OTHER_BUYER, work, PaidUse::Licence(99)),
            (OTHER_BUYER, work, PaidUse::Job(1)),
            (BUYER, gratis, PaidUse::Licence(unpaid)),
        ] {
            assert_noop!(rate(who, work, 5, proof), Error::<Test>::NotPaid);
        }
        assert_noop!(rate(BUYER, 99, 5, PaidUse::Licence(licence)), Error::<Test>::NotFound);
        for stars in [0, 6, u8::MAX] {
            assert_noop!(
                rate(BUYER, work, stars, PaidUse::Licence(licence)),
                Error::<Test>::InvalidStars
            );
        }
        transfer(work, CREATOR, BUYER);
        assert_noop!(rate(BUYER, work, 5, PaidUse::Licence(licence)), Error::<Test>::OwnWork);
    });
}

#[test]
fn a_paid_job_of_any_version_proves_use() {
    run(|| {
        let (work, other) = (publish(CREATOR), publish(CREATOR));
        let next = release(CREATOR, work);
        PaidJobs::paid(1, BUYER, next);
        PaidJobs::paid(2, BUYER, other);
        PaidJobs::paid(3, PAUPER, work);
        assert_noop!(rate(BUYER, work, 5, PaidUse::Job(2)), Error::<Test>::NotPaid);
        assert_noop!(rate(OTHER_BUYER, work, 5, PaidUse::Job(1)), Error::<Test>::NotPaid);
        assert_ok!(rate(BUYER, work, 5, PaidUse::Job(1)));
        assert_noop!(rate(PAUPER, work, 5, PaidUse::Job(3)), TokenError::FundsUnavailable);
    });
}

#[test]
fn a_rating_outlives_the_licence_and_is_taken_back() {
    run(|| {
        let work = publish_priced(CREATOR);
        let raters = [BUYER, OTHER_BUYER, PROVIDER];
        for (who, stars) in raters.into_iter().zip([1, 3, 5]) {
            let licence = licensed(who, work, PER_USE, 1);
            assert_ok!(rate(who, work, stars, PaidUse::Licence(licence)));
            assert_ok!(Market::close_licence(RuntimeOrigin::signed(who), licence));
        }
        assert_eq!(shown(work), (3, 300));
        assert_noop!(remove(PAUPER, work), Error::<Test>::NotRated);
        assert_noop!(remove(BUYER, 99), Error::<Test>::NotRated);
        assert_ok!(remove(BUYER, work));
        System::assert_last_event(Event::RatingRemoved { work, who: BUYER }.into());
        assert_eq!(held(BUYER, HoldReason::Rating), 0);
        assert_eq!(shown(work), (2, 400));
        let listed = |from| Market::ratings(work, from, 1).items.first().map(|rating| rating.who);
        assert_eq!(
            [listed(0), listed(1), listed(2)],
            [Some(PROVIDER), Some(OTHER_BUYER), None]
        );
        assert_noop!(remove(BUYER, work), Error::<Test>::NotRated);
        assert_ok!(remove(OTHER_BUYER, work));
        assert_ok!(remove(PROVIDER, work));
        assert_eq!(shown(work), (0, 0));
    });
}
