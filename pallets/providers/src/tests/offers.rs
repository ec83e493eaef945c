//! `offer` and `withdraw_offer`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::{AssetId, Balance, order_book::Bucket};

use crate::{Error, Event, ModelOfferCount, Occupied, Offers, OffersOf, mock::*};

fn offer(n: u8, model: AssetId, ask: Balance) -> DispatchResult {
    Providers::offer(signed(owner(n)), model, ask)
}

fn withdraw(n: u8, model: AssetId) -> DispatchResult {
    Providers::withdraw_offer(signed(owner(n)), model)
}

#[test]
fn an_offer_is_paid_for_and_asks_for_its_key() {
    run(|| {
        register(1, 1);
        assert_ok!(offer(1, MODEL, 10));
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + OFFER_DEPOSIT);
        let stored = Offers::<Test>::get(owner(1), MODEL).unwrap();
        assert_eq!((stored.ask_per_token, stored.keyed, stored.listing), (10, false, None));
        System::assert_has_event(
            Event::Offered {
                owner: owner(1),
                model: MODEL,
                ask_per_token: 10,
            }
            .into(),
        );
        System::assert_last_event(
            Event::KeyRequested {
                owner: owner(1),
                model: MODEL,
                encryption_key: key(1),
            }
            .into(),
        );
    });
}

#[test]
fn a_changed_price_moves_the_offer_and_costs_no_second_deposit() {
    run(|| {
        ready(1, 1, 100);
        ready(2, 1, 100);
        let listed_at = |n| Offers::<Test>::get(owner(n), MODEL).unwrap().listing.unwrap();
        let class = 1;
        assert_eq!(listed_at(1).bucket, Bucket::of(100, class));
        assert_eq!((listed_at(1).slot, listed_at(2).slot), (0, 1));

        assert_ok!(offer(1, MODEL, 10_000));
        assert_eq!(listed_at(1).bucket, Bucket::of(10_000, class));
        assert_eq!(listed_at(2).slot, 0, "the last one has moved into the gap");
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + OFFER_DEPOSIT + MIN_STAKE);
        System::assert_last_event(
            Event::Offered {
                owner: owner(1),
                model: MODEL,
                ask_per_token: 10_000,
            }
            .into(),
        );

        // Within one bucket the entry has the new price too (the test's end checks it).
        assert_ok!(offer(2, MODEL, 101));
        assert_eq!(listed_at(2).bucket, Bucket::of(100, class));
    });
}

#[test]
fn a_withdrawn_offer_leaves_nothing() {
    run(|| {
        ready(1, 1, 100);
        ready(2, 1, 100);
        assert_ok!(withdraw(1, MODEL));
        System::assert_last_event(
            Event::OfferWithdrawn {
                owner: owner(1),
                model: MODEL,
            }
            .into(),
        );
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + MIN_STAKE);
        assert!(OffersOf::<Test>::get(owner(1)).is_empty());
        assert!(!Occupied::<Test>::get(MODEL).is_empty());
        assert_noop!(withdraw(1, MODEL), Error::<Test>::NotOffered);
        assert_ok!(withdraw(2, MODEL));
        assert!(!Occupied::<Test>::contains_key(MODEL));
        assert!(!ModelOfferCount::<Test>::contains_key(MODEL));
    });
}

#[test]
fn only_listed_models_are_offered() {
    run(|| {
        register(1, 1);
        assert_noop!(offer(1, MODELS, 10), Error::<Test>::UnknownModel);
        assert_ok!(offer(1, MODEL, 10));
        Market::retire(MODEL);
        assert_noop!(offer(1, MODEL, 20), Error::<Test>::UnknownModel);
        assert_ok!(withdraw(1, MODEL));
    });
}

#[test]
fn offers_are_few_paid_for_and_of_those_who_are_registered() {
    run(|| {
        assert_noop!(offer(1, MODEL, 1), Error::<Test>::NotFound);
        register(1, 1);
        for model in 0..u64::from(MAX_OFFERS) {
            assert_ok!(offer(1, model, 1));
        }
        assert_noop!(offer(1, u64::from(MAX_OFFERS), 1), Error::<Test>::TooManyOffers);
        assert_ok!(offer(1, MODEL, 2));

        register(2, 1);
        let free = balances(2).1;
        assert_ok!(Balances::transfer_allow_death(
            signed(owner(2)),
            owner(9),
            free - OFFER_DEPOSIT
        ));
        assert_noop!(offer(2, MODEL, 1), TokenError::FundsUnavailable);
    });
}

#[test]
fn any_price_has_a_place() {
    run(|| {
        register(1, 1);
        assert_ok!(Providers::bond(signed(owner(1)), MIN_STAKE));
        assert_ok!(Providers::resume(signed(owner(1))));
        for (model, ask) in [(0, 0), (1, 1), (2, Balance::MAX)] {
            offer_keyed(1, model, ask);
            assert!(is_listed(1, model));
        }
    });
}
