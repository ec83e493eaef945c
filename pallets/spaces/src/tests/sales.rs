//! `buy` and `forget`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;
use weft_primitives::{
    Balance, Currency,
    price::{PPM, share_of},
};

use crate::{Error, Event, Purchases, Spaces, mock::*};

fn buy_at(who: u64, space: u64, currency: Currency, max: Balance) -> sp_runtime::DispatchResult {
    Store::buy(RuntimeOrigin::signed(who), space, currency, max)
        .map(|_| ())
        .map_err(|refused| refused.error)
}

#[test]
fn a_price_goes_up_the_lineage_and_the_rest_to_the_owner() {
    run(|| {
        let space = publish();
        assert_ok!(buy(BUYER, space));
        // 1001: a fifth is 200, of which a tenth is 20.
        assert_eq!(wealth(ANCESTOR), FUNDS + 20);
        assert_eq!(wealth(CREATOR), FUNDS + 180);
        assert_eq!(wealth(OWNER), FUNDS + 801);
        assert_eq!(balances(BUYER), (PURCHASE_DEPOSIT, FUNDS - PRICE - PURCHASE_DEPOSIT));
        System::assert_last_event(
            Event::Bought {
                space,
                buyer: BUYER,
                currency: Currency::Native,
                price: PRICE,
                shared: 200,
                to_owner: 801,
            }
            .into(),
        );
        assert_eq!(Spaces::<Test>::get(space).unwrap().purchases, 1);
        let purchase = Store::purchase(space, &BUYER).unwrap();
        assert_eq!((purchase.paid, purchase.currency), (PRICE, Currency::Native));
        assert_noop!(buy(BUYER, space), Error::<Test>::AlreadyBought);
    });
}

#[test]
fn a_price_in_a_token_is_paid_in_it() {
    run(|| {
        Accepted::set(&vec![TOKEN]);
        Tokens::set(&[((TOKEN, BUYER), 2_000)].into());
        let token = Currency::Token(TOKEN);
        let space = publish();
        assert_ok!(Store::set_price(RuntimeOrigin::signed(OWNER), space, token, PRICE));
        assert_noop!(
            buy_at(BUYER, space, Currency::Native, PRICE),
            Error::<Test>::OtherCurrency
        );
        assert_noop!(buy_at(BUYER, space, token, PRICE - 1), Error::<Test>::PriceAboveMax);
        assert_noop!(buy_at(OTHER_BUYER, space, token, PRICE), Error::<Test>::NotCovered);
        assert_ok!(buy_at(BUYER, space, token, PRICE));
        let tokens = Tokens::get();
        let of = |who| tokens.get(&(TOKEN, who)).copied().unwrap_or_default();
        assert_eq!((of(BUYER), of(OWNER), of(CREATOR), of(ANCESTOR)), (999, 801, 180, 20));
        assert_eq!(wealth(BUYER), FUNDS);
        // Governance no longer accepts the currency.
        Accepted::set(&vec![]);
        assert_noop!(
            buy_at(OTHER_BUYER, space, token, PRICE),
            Error::<Test>::CurrencyNotAccepted
        );
    });
}

#[test]
fn purchases_that_cannot_be_are_refused() {
    run(|| {
        let space = publish();
        let free = publish_calling(OWNER, &[], 0);
        assert_noop!(buy(BUYER, 9), Error::<Test>::NotFound);
        assert_noop!(buy(OWNER, space), Error::<Test>::OwnSpace);
        assert_noop!(buy(BUYER, free), Error::<Test>::Free);
        assert_noop!(buy(PAUPER, space), TokenError::FundsUnavailable);
        // The deposit is there, the price is not.
        let dear = publish_calling(OWNER, &[], FUNDS);
        assert_noop!(buy(BUYER, dear), Error::<Test>::NotCovered);
        Blocked::set(&vec![OWNER]);
        assert_noop!(buy(BUYER, space), Error::<Test>::OwnerCannotReceive);
    });
}

#[test]
fn what_cannot_be_received_goes_to_the_owner_and_is_told() {
    run(|| {
        let space = publish();
        Blocked::set(&vec![CREATOR]);
        assert_ok!(buy(BUYER, space));
        System::assert_has_event(
            Event::ShareRedirected {
                space,
                asset: 0,
                payee: CREATOR,
                amount: 180,
            }
            .into(),
        );
        assert_eq!((wealth(CREATOR), wealth(ANCESTOR)), (FUNDS, FUNDS + 20));
        assert_eq!(wealth(OWNER), FUNDS + 981);
    });
}

#[test]
fn a_share_below_the_existential_deposit_is_not_lost() {
    run(|| {
        let asset = Market::publish(PAUPER, vec![]);
        let share = EXISTENTIAL_DEPOSIT - 1;
        let space = publish_calling(OWNER, &[(asset, 4_000)], 1_000);
        assert_eq!(share_of(1_000, 4_000), share);
        assert_ok!(buy(BUYER, space));
        assert_eq!((wealth(PAUPER), wealth(OWNER)), (0, FUNDS + 1_000));
    });
}

#[test]
fn shares_of_nobody_and_of_the_owner_stay_with_the_owner() {
    run(|| {
        let (gone, own, all) = (publish_asset(), Market::publish(OWNER, vec![]), publish_asset());
        let space = publish_calling(OWNER, &[(gone, PPM / 2), (own, PPM / 4)], 1_000);
        let whole = publish_calling(OWNER, &[(all, PPM)], 1_000);
        let mut assets = Assets::get();
        assets.remove(&gone);
        Assets::set(&assets);
        assert_ok!(buy(BUYER, space));
        assert_eq!(wealth(OWNER), FUNDS + 1_000);
        // Everything given away: nothing is left for the owner, who need not receive anything.
        assert_ok!(buy(BUYER, whole));
        assert_eq!(wealth(OWNER), FUNDS + 1_000);
        assert_eq!((wealth(CREATOR), wealth(ANCESTOR)), (FUNDS + 900, FUNDS + 100));
    });
}

#[test]
fn a_buyer_who_earns_from_it_pays_themselves() {
    run(|| {
        let space = publish();
        assert_ok!(buy(CREATOR, space));
        assert_eq!(wealth(CREATOR), FUNDS - PRICE + 180);
        assert_eq!(wealth(OWNER), FUNDS + 801);
    });
}

#[test]
fn what_was_weighed_for_more_calls_is_refunded() {
    run(|| {
        let space = publish();
        let weighed = |called| Some(<() as crate::WeightInfo>::buy(called));
        let post = Store::buy(RuntimeOrigin::signed(BUYER), space, Currency::Native, PRICE).unwrap();
        assert_eq!(post.actual_weight, weighed(1));
        assert!(weighed(1).unwrap().ref_time() < weighed(8).unwrap().ref_time());
    });
}

#[test]
fn a_purchase_is_given_up_for_its_deposit() {
    run(|| {
        let space = publish();
        let forget = |who| Store::forget(RuntimeOrigin::signed(who), space);
        assert_noop!(forget(BUYER), Error::<Test>::NotBought);
        assert_ok!(buy(BUYER, space));
        assert_ok!(forget(BUYER));
        System::assert_last_event(Event::Forgotten { space, buyer: BUYER }.into());
        assert_eq!(balances(BUYER), (0, FUNDS - PRICE));
        assert_eq!(Purchases::<Test>::iter().count(), 0);
        assert_eq!(Spaces::<Test>::get(space).unwrap().purchases, 0);
        // Another purchase is another payment.
        assert_ok!(buy(BUYER, space));
        assert_eq!(wealth(BUYER), FUNDS - 2 * PRICE);
    });
}
