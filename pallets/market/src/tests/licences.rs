//! `buy`, `set_licence_key`, `request_key`, `close_licence` and `revoke_licence`.

use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};
use sp_runtime::{TokenError, traits::Dispatchable};
use weft_primitives::{
    Currency,
    licence::{Holding, Right, Term},
    registry::Licensing,
};

use crate::{Call, Error, Event, HoldReason, Licences, NextLicenceId, mock::*};

fn set_key(who: u64, licence: u64, key: u8) -> sp_runtime::DispatchResult {
    Market::set_licence_key(RuntimeOrigin::signed(who), licence, key_of(key))
}

fn request(who: u64, licence: u64, asset: u64) -> sp_runtime::DispatchResult {
    Market::request_key(RuntimeOrigin::signed(who), licence, asset)
}

fn close(who: u64, licence: u64) -> sp_runtime::DispatchResult {
    Market::close_licence(RuntimeOrigin::signed(who), licence)
}

fn revoke(who: u64, licence: u64) -> sp_runtime::DispatchResult {
    Market::revoke_licence(RuntimeOrigin::signed(who), licence)
}

fn right(licence: u64) -> Right {
    Licences::<Test>::get(licence).unwrap().holding.right
}

#[test]
fn a_licence_is_paid_stored_and_told() {
    run(|| {
        System::set_block_number(5);
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_USE, 3);
        System::assert_last_event(
            Event::Licensed {
                licence,
                work: asset,
                asset,
                holder: BUYER,
                tariff: PER_USE,
                quantity: 3,
                price: 30,
                right: Right::Uses { left: 3 },
            }
            .into(),
        );
        let stored = Licences::<Test>::get(licence).unwrap();
        assert_eq!((stored.holder, stored.work, stored.asset), (BUYER, asset, asset));
        assert_eq!((stored.paid, stored.bought_at), (30, 5));
        assert_eq!(stored.encryption_key, key_of(BUYER as u8));
        assert_eq!(balances(BUYER), (LICENCE_DEPOSIT, FUNDS - 30 - LICENCE_DEPOSIT));
        assert_eq!(balances(CREATOR).1, FUNDS - PUBLISH_DEPOSIT + 30);
        let terms = <Market as Licensing<u64>>::licence(licence).unwrap();
        assert!(terms.in_force);
        assert_eq!((terms.holder, terms.work), (BUYER, asset));
    });
}

#[test]
fn each_reason_not_to_sell_has_its_own_error() {
    run(|| {
        let asset = publish_priced(CREATOR);
        assert_noop!(buy(BUYER, 9, ONCE, 1), Error::<Test>::NotFound);
        assert_noop!(buy(CREATOR, asset, ONCE, 1), Error::<Test>::OwnWork);
        for changed in [
            tariff(Term::Once, ONCE.price - 1),
            tariff(Term::PerUse, ONCE.price),
            weft_primitives::licence::Tariff {
                currency: Currency::Token(STABLE),
                ..ONCE
            },
        ] {
            assert_noop!(buy(BUYER, asset, changed, 1), Error::<Test>::UnknownTariff);
        }
        assert_noop!(buy(BUYER, asset, PER_USE, 0), Error::<Test>::NothingBought);
        assert_noop!(buy(BUYER, asset, ONCE, 2), Error::<Test>::OnceIsOnce);
        assert_noop!(buy(BUYER, asset, PER_PERIOD, u32::MAX), Error::<Test>::TooMuch);
        assert_noop!(buy(BUYER, asset, PER_USE, 1_000_000), Error::<Test>::PriceNotCovered);
        assert_noop!(buy(PROVIDER, asset, PER_PERIOD, 1), Error::<Test>::PriceNotCovered);
        assert_noop!(buy(PAUPER, asset, ONCE, 1), TokenError::FundsUnavailable);
        NextLicenceId::<Test>::put(u64::MAX);
        assert_noop!(buy(BUYER, asset, ONCE, 1), Error::<Test>::NumbersExhausted);
        NextLicenceId::<Test>::put(0);
        assert_ok!(retire(CREATOR, asset));
        assert_noop!(buy(BUYER, asset, ONCE, 1), Error::<Test>::AlreadyRetired);
    });
}

#[test]
fn an_ancestors_part_that_is_not_covered_refuses_the_whole() {
    run(|| {
        let data = publish(CREATOR);
        let asset = publish_from(OTHER_CREATOR, &[(data, 500_000)]);
        assert_noop!(buy(BUYER, asset, PER_USE, 100_000), Error::<Test>::PriceNotCovered);
    });
}

#[test]
fn more_of_the_same_makes_the_one_licence_longer() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let uses = licensed(BUYER, asset, PER_USE, 3);
        assert_eq!(licensed(BUYER, asset, PER_USE, 2), uses);
        assert_eq!(right(uses), Right::Uses { left: 5 });
        assert_eq!(balances(BUYER).0, LICENCE_DEPOSIT);
        assert_eq!(Licences::<Test>::get(uses).unwrap().paid, 50);

        let period = licensed(OTHER_BUYER, asset, PER_PERIOD, 2);
        assert_eq!(right(period), Right::Until { block: 21 });
        wait(10);
        assert_ok!(buy(OTHER_BUYER, asset, PER_PERIOD, 1));
        assert_eq!(right(period), Right::Until { block: 31 });
        wait(100);
        assert!(!Market::licence_view(period).unwrap().in_force);
        assert_ok!(buy(OTHER_BUYER, asset, PER_PERIOD, 1));
        assert_eq!(right(period), Right::Until { block: 121 });
    });
}

#[test]
fn terms_and_currencies_do_not_mix_while_a_licence_is_in_force() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let in_tokens = weft_primitives::licence::Tariff {
            currency: Currency::Token(STABLE),
            ..PER_USE
        };
        let all = tariffs(&[PER_USE, ONCE, PER_PERIOD, in_tokens]);
        assert_ok!(Market::set_tariffs(RuntimeOrigin::signed(CREATOR), asset, all));
        let period = licensed(BUYER, asset, PER_PERIOD, 1);
        for other in [PER_USE, ONCE] {
            assert_noop!(buy(BUYER, asset, other, 1), Error::<Test>::OtherTerm);
        }
        wait(100);
        assert_eq!(licensed(BUYER, asset, PER_USE, 1), period);
        assert_eq!(Licences::<Test>::get(period).unwrap().paid, 10);
        assert_noop!(buy(BUYER, asset, in_tokens, 1), Error::<Test>::OtherTerm);
        licensed(OTHER_BUYER, asset, ONCE, 1);
        assert_noop!(buy(OTHER_BUYER, asset, ONCE, 1), Error::<Test>::OtherTerm);
    });
}

#[test]
fn a_purchase_is_charged_by_who_is_paid() {
    let charged = |ancestors: u64| {
        let mut weight = None;
        run(|| {
            let bases: Vec<_> = (0..ancestors).map(|_| (publish(OTHER_CREATOR), 100_000)).collect();
            let asset = publish_from(CREATOR, &bases);
            let call = RuntimeCall::Market(Call::buy {
                asset,
                tariff: ONCE,
                quantity: 1,
                encryption_key: key_of(5),
            });
            assert_eq!(call.get_dispatch_info().call_weight, Market::weight_of_buying(16));
            weight = call.dispatch(RuntimeOrigin::signed(BUYER)).unwrap().actual_weight;
        });
        weight.unwrap()
    };
    assert_eq!(charged(0), Market::weight_of_buying(0));
    assert_eq!(charged(3), Market::weight_of_buying(3));
}

#[test]
fn custodians_are_asked_if_they_keep_the_key() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, ONCE, 1);
        assert_eq!(Asked::get(), []);
        assert_noop!(request(BUYER, licence, asset), Error::<Test>::KeyNotInCustody);
        Custodians::entrust(asset);
        let second = licensed(OTHER_BUYER, asset, PER_USE, 1);
        assert_eq!(Asked::get(), [(asset, second, OTHER_BUYER, key_of(OTHER_BUYER as u8))]);
        Penniless::set(&true);
        assert_noop!(buy(PROVIDER, asset, ONCE, 1), Error::<Test>::CustodyFeeNotCovered);
        assert_noop!(request(BUYER, licence, asset), Error::<Test>::CustodyFeeNotCovered);
        assert_noop!(set_key(BUYER, licence, 8), Error::<Test>::CustodyFeeNotCovered);
    });
}

#[test]
fn a_holder_asks_for_the_key_of_any_version() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_PERIOD, 1);
        let (next, other) = (release(CREATOR, asset), publish_priced(CREATOR));
        Custodians::entrust(next);
        Custodians::entrust(other);
        assert_noop!(request(BUYER, 9, next), Error::<Test>::NotFound);
        assert_noop!(request(BUYER, licence, 99), Error::<Test>::NotFound);
        assert_noop!(request(OTHER_BUYER, licence, next), Error::<Test>::NotHolder);
        assert_noop!(request(BUYER, licence, other), Error::<Test>::OtherWork);
        assert_ok!(request(BUYER, licence, next));
        System::assert_last_event(Event::KeyRequested { licence, asset: next }.into());
        assert_eq!(Asked::get(), [(next, licence, BUYER, key_of(BUYER as u8))]);
        wait(20);
        assert_noop!(request(BUYER, licence, next), Error::<Test>::RanOut);
    });
}

#[test]
fn a_new_key_is_asked_for_anew() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_PERIOD, 1);
        assert_noop!(set_key(BUYER, 9, 8), Error::<Test>::NotFound);
        assert_noop!(set_key(OTHER_BUYER, licence, 8), Error::<Test>::NotHolder);
        assert_ok!(set_key(BUYER, licence, 8));
        assert_eq!(Asked::get(), []);
        Custodians::entrust(asset);
        assert_ok!(set_key(BUYER, licence, 9));
        System::assert_last_event(
            Event::LicenceKeySet {
                licence,
                encryption_key: key_of(9),
            }
            .into(),
        );
        assert_eq!(Asked::get(), [(asset, licence, BUYER, key_of(9))]);
        assert_eq!(
            <Market as Licensing<u64>>::licence(licence).unwrap().encryption_key,
            key_of(9)
        );
        wait(20);
        assert_noop!(set_key(BUYER, licence, 8), Error::<Test>::RanOut);
    });
}

#[test]
fn a_closed_licence_is_gone_and_its_deposit_back() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, ONCE, 1);
        assert_noop!(close(BUYER, 9), Error::<Test>::NotFound);
        assert_noop!(close(CREATOR, licence), Error::<Test>::NotHolder);
        assert_ok!(close(BUYER, licence));
        System::assert_last_event(Event::LicenceClosed { licence, holder: BUYER }.into());
        assert_eq!(balances(BUYER), (0, FUNDS - 1_000));
        assert_eq!(<Market as Licensing<u64>>::licence(licence), None);
        assert_noop!(close(BUYER, licence), Error::<Test>::NotFound);
        assert_eq!(licensed(BUYER, asset, ONCE, 1), licence + 1, "numbers are not reused");
    });
}

#[test]
fn who_revokes_pays_what_is_unused() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let owed = |licence, expected| {
            let (before, tokens) = (balances(CREATOR).1, tokens_of(CREATOR));
            assert_ok!(revoke(CREATOR, licence));
            (before - balances(CREATOR).1) + (tokens - tokens_of(CREATOR)) == expected
        };
        let once = licensed(BUYER, asset, ONCE, 1);
        wait(1_000);
        assert!(owed(once, 1_000), "use without end is never used up");
        let period = licensed(OTHER_BUYER, asset, PER_PERIOD, 2);
        wait(5);
        assert!(owed(period, 150));
        assert_eq!(tokens_of(OTHER_BUYER), FUNDS - 50);
        let uses = licensed(PROVIDER, asset, PER_USE, 3);
        Market::do_take_use(asset, &PROVIDER).unwrap();
        assert!(owed(uses, 20));
        System::assert_last_event(
            Event::LicenceRevoked {
                licence: uses,
                holder: PROVIDER,
                currency: Currency::Native,
                refund: 20,
            }
            .into(),
        );
    });
}

#[test]
fn a_revoked_licence_allows_nothing_but_to_be_closed() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, ONCE, 1);
        Custodians::entrust(asset);
        assert_noop!(revoke(CREATOR, 9), Error::<Test>::NotFound);
        assert_noop!(revoke(BUYER, licence), Error::<Test>::NotOwner);
        assert_ok!(revoke(CREATOR, licence));
        assert_noop!(revoke(CREATOR, licence), Error::<Test>::Revoked);
        assert_noop!(request(BUYER, licence, asset), Error::<Test>::Revoked);
        assert_noop!(set_key(BUYER, licence, 8), Error::<Test>::Revoked);
        assert_noop!(buy(BUYER, asset, ONCE, 1), Error::<Test>::Revoked);
        assert!(!<Market as Licensing<u64>>::licence(licence).unwrap().in_force);
        let view = Market::licence_view(licence).unwrap();
        assert!(view.revoked && !view.in_force);
        assert_ok!(close(BUYER, licence));
        assert_ok!(buy(BUYER, asset, ONCE, 1));
    });
}

#[test]
fn a_revocation_needs_the_money_but_not_the_holders_leave() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, PER_PERIOD, 2);
        let mut tokens = Tokens::get();
        let had = tokens.insert((STABLE, CREATOR), 199).unwrap();
        Tokens::set(&tokens);
        assert_noop!(revoke(CREATOR, licence), Error::<Test>::RefundNotCovered);
        tokens.insert((STABLE, CREATOR), had);
        Tokens::set(&tokens);
        Blocked::set(&[BUYER].into());
        assert_ok!(revoke(CREATOR, licence));
        assert_eq!(tokens_of(CREATOR), had);
        System::assert_last_event(
            Event::LicenceRevoked {
                licence,
                holder: BUYER,
                currency: Currency::Token(STABLE),
                refund: 0,
            }
            .into(),
        );
    });
}

#[test]
fn the_new_owner_revokes_and_pays() {
    run(|| {
        let asset = publish_priced(CREATOR);
        let licence = licensed(BUYER, asset, ONCE, 1);
        transfer(asset, CREATOR, OTHER_CREATOR);
        assert_noop!(revoke(CREATOR, licence), Error::<Test>::NotOwner);
        assert_ok!(revoke(OTHER_CREATOR, licence));
        assert_eq!(balances(OTHER_CREATOR).1, FUNDS - PUBLISH_DEPOSIT - 1_000);
    });
}

#[test]
fn a_free_licence_costs_its_deposit() {
    run(|| {
        let free = tariff(Term::PerUse, 0);
        let asset = publish_as(CREATOR, model(), &[], &[free]);
        let licence = licensed(BUYER, asset, free, 5);
        assert_eq!(
            Licences::<Test>::get(licence).unwrap().holding,
            Holding {
                right: Right::Uses { left: 5 },
                cost: 0,
                units: 5
            }
        );
        assert_eq!(held(BUYER, HoldReason::Licence), LICENCE_DEPOSIT);
        assert_ok!(revoke(CREATOR, licence));
    });
}

#[test]
fn nothing_is_bought_in_a_currency_that_was_withdrawn() {
    run(|| {
        let asset = publish_priced(CREATOR);
        Withdrawn::set(&true);
        assert_noop!(buy(BUYER, asset, PER_PERIOD, 1), Error::<Test>::UnknownCurrency);
        assert_ok!(buy(BUYER, asset, PER_USE, 1));
        Withdrawn::set(&false);
        assert_ok!(buy(OTHER_BUYER, asset, PER_PERIOD, 1));
    });
}
