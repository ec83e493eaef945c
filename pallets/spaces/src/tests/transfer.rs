//! `offer_transfer` and `accept_transfer`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};

use crate::{Error, Event, Spaces, mock::*};

fn offer(who: u64, space: u64, to: Option<u64>) -> DispatchResult {
    Store::offer_transfer(RuntimeOrigin::signed(who), space, to)
}

fn accept(who: u64, space: u64) -> DispatchResult {
    Store::accept_transfer(RuntimeOrigin::signed(who), space)
}

#[test]
fn a_space_changes_hands_with_its_deposits_when_both_want_it() {
    run(|| {
        let space = publish();
        assert_noop!(offer(BUYER, space, Some(BUYER)), Error::<Test>::NotOwner);
        assert_noop!(offer(OWNER, space, Some(OWNER)), Error::<Test>::OwnSpace);
        assert_noop!(accept(BUYER, space), Error::<Test>::NotOffered);
        assert_ok!(offer(OWNER, space, Some(BUYER)));
        System::assert_last_event(Event::TransferOffered { space, to: Some(BUYER) }.into());
        assert_noop!(accept(OTHER_BUYER, space), Error::<Test>::NotOffered);
        assert_ok!(accept(BUYER, space));
        System::assert_last_event(
            Event::Transferred {
                space,
                from: OWNER,
                to: BUYER,
            }
            .into(),
        );
        let deposits = SPACE_DEPOSIT + RELEASE_DEPOSIT;
        assert_eq!(
            (balances(OWNER), balances(BUYER)),
            ((0, FUNDS), (deposits, FUNDS - deposits))
        );
        assert_noop!(accept(BUYER, space), Error::<Test>::NotOffered);
        assert_noop!(accept(BUYER, 9), Error::<Test>::NotFound);
        // The new owner earns from now on.
        assert_ok!(buy(OTHER_BUYER, space));
        assert_eq!(wealth(OWNER), FUNDS);
        assert!(wealth(BUYER) > FUNDS);
    });
}

#[test]
fn an_offer_is_taken_back() {
    run(|| {
        let space = publish();
        assert_ok!(offer(OWNER, space, Some(BUYER)));
        assert_ok!(offer(OWNER, space, None));
        System::assert_last_event(Event::TransferOffered { space, to: None }.into());
        assert_noop!(accept(BUYER, space), Error::<Test>::NotOffered);
    });
}

#[test]
fn who_cannot_hold_the_deposits_does_not_get_it() {
    run(|| {
        let space = publish();
        assert_ok!(offer(OWNER, space, Some(PAUPER)));
        assert_noop!(accept(PAUPER, space), TokenError::FundsUnavailable);
        assert_eq!(Spaces::<Test>::get(space).unwrap().owner, OWNER);
    });
}
