//! Pages for the runtime API.

use frame_support::assert_ok;
use weft_primitives::{registry::Matching, reputation::Outcome, view::ProviderStatus};

use crate::mock::*;

#[test]
fn offers_of_a_model_come_in_pages() {
    run(|| {
        for n in 1..=5 {
            ready(n, 1, u128::from(n));
        }
        assert_ok!(Providers::withdraw_offer(signed(owner(2)), MODEL));
        assert_ok!(Providers::pause(signed(owner(3))));

        let mut seen = Vec::new();
        let mut from = Some(0);
        while let Some(start) = from {
            let page = Providers::offers_for_model(MODEL, start, 3);
            assert!(page.items.len() <= 3);
            seen.extend(page.items.into_iter().map(|offer| (offer.ask_per_token, offer.listed)));
            from = page.next;
        }
        seen.sort();
        assert_eq!(seen, [(1, true), (3, false), (4, true), (5, true)]);
        assert!(Providers::offers_for_model(OTHER_MODEL, 0, 10).items.is_empty());
    });
}

#[test]
fn an_offer_says_how_to_reach_its_device() {
    run(|| {
        ready(1, 2, 10);
        let offer = Providers::offer_of(&owner(1), MODEL).unwrap();
        assert_eq!((offer.provider, offer.device), (owner(1), device(1)));
        assert_eq!(offer.endpoint, endpoint().into_inner());
        assert_eq!((offer.keyed, offer.listed, offer.score_ppm), (true, true, 500_000));
        assert_eq!(Providers::offer_of(&owner(1), OTHER_MODEL), None);
    });
}

#[test]
fn a_provider_is_found_by_owner_and_by_device() {
    run(|| {
        ready(1, 1, 10);
        assert_ok!(Providers::bond(signed(owner(1)), 20));
        assert_ok!(Providers::unbond(signed(owner(1)), 20));
        let view = Providers::provider(owner(1)).unwrap();
        assert_eq!(Providers::provider(device(1)), Some(view.clone()));
        assert_eq!((view.stake, view.unbonding), (MIN_STAKE, 20));
        assert_eq!(view.offers, [MODEL]);
        assert_eq!(Providers::offers_by_provider(device(1), 0, 10).items.len(), 1);
        assert_eq!(Providers::provider(owner(2)), None);
        assert!(Providers::offers_by_provider(owner(2), 0, 10).items.is_empty());
    });
}

#[test]
fn the_status_says_what_is_lacking() {
    run(|| {
        let status = || Providers::provider(owner(1)).unwrap().status;
        register(1, 1);
        assert_eq!(status(), ProviderStatus::Paused);
        assert_ok!(Providers::resume(signed(owner(1))));
        assert_eq!(status(), ProviderStatus::Understaked);
        assert_ok!(Providers::bond(signed(owner(1)), MIN_STAKE));
        assert_eq!(status(), ProviderStatus::Available);
        offer_keyed(1, MODEL, 10);
        assert_ok!(Providers::book(JOB, MODEL, 10, &[], [0; 32]));
        assert_eq!(status(), ProviderStatus::Full);
        Providers::settle(&owner(1), JOB, Outcome::Missed);
        assert_eq!(status(), ProviderStatus::PausedAfterMiss);
    });
}
