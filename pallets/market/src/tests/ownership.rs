//! `set_tags`, `set_tariffs`, `offer_transfer` and `accept_transfer`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;
use weft_primitives::{
    Currency,
    licence::{Tariff, Term},
};

use crate::{Error, Event, HoldReason, Works, mock::*};

#[test]
fn an_owner_sets_tags() {
    run(|| {
        let work = publish(CREATOR);
        let set = |who, work, names: &[&str]| Market::set_tags(RuntimeOrigin::signed(who), work, tags(names));
        assert_noop!(set(CREATOR, 9, &[]), Error::<Test>::NotFound);
        assert_noop!(set(OTHER_CREATOR, work, &[]), Error::<Test>::NotOwner);
        assert_noop!(set(CREATOR, work, &["no tag"]), Error::<Test>::InvalidTags);
        assert_ok!(set(CREATOR, work, &["chat", "fast"]));
        System::assert_last_event(
            Event::TagsSet {
                work,
                tags: tags(&["chat", "fast"]),
            }
            .into(),
        );
        assert_eq!(Market::work(work).unwrap().tags, [b"chat", b"fast"]);
    });
}

#[test]
fn prices_are_in_accepted_currencies_and_buy_something() {
    run(|| {
        let work = publish(CREATOR);
        let set = |who, work, all: &[Tariff]| Market::set_tariffs(RuntimeOrigin::signed(who), work, tariffs(all));
        assert_noop!(set(CREATOR, 9, &[]), Error::<Test>::NotFound);
        assert_noop!(set(OTHER_CREATOR, work, &[]), Error::<Test>::NotOwner);
        let unknown = Tariff {
            currency: Currency::Token(UNKNOWN),
            ..ONCE
        };
        assert_noop!(set(CREATOR, work, &[ONCE, unknown]), Error::<Test>::UnknownCurrency);
        assert_noop!(
            try_publish(CREATOR, model(), &[], &[unknown]),
            Error::<Test>::UnknownCurrency
        );
        let nothing = tariff(Term::PerPeriod { blocks: 0 }, 1);
        assert_noop!(set(CREATOR, work, &[nothing]), Error::<Test>::InvalidTariff);
        assert_ok!(set(CREATOR, work, &[ONCE, PER_PERIOD]));
        System::assert_last_event(
            Event::TariffsSet {
                work,
                tariffs: tariffs(&[ONCE, PER_PERIOD]),
            }
            .into(),
        );
        assert!(Market::asset(work).unwrap().needs_licence);
        assert_ok!(set(CREATOR, work, &[]));
        assert!(!Market::asset(work).unwrap().needs_licence);
    });
}

#[test]
fn a_work_changes_hands_when_both_say_so() {
    run(|| {
        let work = publish(CREATOR);
        let offer = |who, work, to| Market::offer_transfer(RuntimeOrigin::signed(who), work, to);
        let accept = |who, work| Market::accept_transfer(RuntimeOrigin::signed(who), work);
        assert_noop!(offer(CREATOR, 9, None), Error::<Test>::NotFound);
        assert_noop!(offer(BUYER, work, Some(BUYER)), Error::<Test>::NotOwner);
        assert_noop!(offer(CREATOR, work, Some(CREATOR)), Error::<Test>::OwnWork);
        assert_noop!(accept(BUYER, 9), Error::<Test>::NotFound);
        assert_noop!(accept(BUYER, work), Error::<Test>::NotOffered);
        assert_ok!(offer(CREATOR, work, Some(BUYER)));
        System::assert_last_event(Event::TransferOffered { work, to: Some(BUYER) }.into());
        assert_eq!(Market::work(work).unwrap().offered_to, Some(BUYER));
        assert_noop!(accept(OTHER_BUYER, work), Error::<Test>::NotOffered);
        assert_ok!(offer(CREATOR, work, None));
        assert_noop!(accept(BUYER, work), Error::<Test>::NotOffered);
        assert_ok!(offer(CREATOR, work, Some(BUYER)));
        assert_ok!(accept(BUYER, work));
        System::assert_last_event(
            Event::Transferred {
                work,
                from: CREATOR,
                to: BUYER,
            }
            .into(),
        );
        let view = Market::work(work).unwrap();
        assert_eq!((view.owner, view.offered_to), (BUYER, None));
        assert_noop!(accept(BUYER, work), Error::<Test>::NotOffered);
        assert_noop!(retire(CREATOR, work), Error::<Test>::NotOwner);
        assert_ok!(retire(BUYER, work));
    });
}

#[test]
fn all_deposits_change_hands_and_nobody_pays_the_other() {
    run(|| {
        let work = publish(CREATOR);
        let second = release(CREATOR, work);
        assert_ok!(grant(CREATOR, work, PROVIDER, 1));
        assert_ok!(grant(CREATOR, second, PROVIDER, 1));
        assert_eq!(balances(CREATOR).0, 2 * PUBLISH_DEPOSIT + 2 * GRANT_DEPOSIT);
        transfer(work, CREATOR, BUYER);
        assert_eq!(balances(CREATOR), (0, FUNDS));
        assert_eq!(held(BUYER, HoldReason::Publication), 2 * PUBLISH_DEPOSIT);
        assert_eq!(held(BUYER, HoldReason::Grant), 2 * GRANT_DEPOSIT);
        // And go back to who holds them now.
        assert_ok!(Market::revoke_key(RuntimeOrigin::signed(BUYER), second, PROVIDER));
        assert_eq!(held(BUYER, HoldReason::Grant), GRANT_DEPOSIT);
        assert_eq!(Works::<Test>::get(work).unwrap().grant_deposits, GRANT_DEPOSIT);
    });
}

#[test]
fn who_cannot_hold_the_deposits_cannot_take_the_work() {
    run(|| {
        let work = publish(CREATOR);
        assert_ok!(Market::offer_transfer(
            RuntimeOrigin::signed(CREATOR),
            work,
            Some(PAUPER)
        ));
        assert_noop!(
            Market::accept_transfer(RuntimeOrigin::signed(PAUPER), work),
            TokenError::FundsUnavailable
        );
    });
}

#[test]
fn a_works_income_is_its_present_owners() {
    run(|| {
        let work = publish_priced(CREATOR);
        transfer(work, CREATOR, OTHER_CREATOR);
        assert_ok!(buy(BUYER, work, ONCE, 1));
        assert_eq!(balances(CREATOR), (0, FUNDS));
        assert_eq!(balances(OTHER_CREATOR).1, FUNDS - PUBLISH_DEPOSIT + 1_000);
    });
}
