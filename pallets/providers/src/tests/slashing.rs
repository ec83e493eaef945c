//! Stakes that are seized, given back and lost.

use frame_support::{assert_noop, assert_ok};
use weft_primitives::{
    registry::{Matching, Stakes},
    reputation::Outcome,
};

use crate::{Error, Event, Providers as Stored, Seized, mock::*};

#[test]
fn all_stake_is_seized_also_what_is_on_its_way_out() {
    run(|| {
        ready(1, 1, 10);
        assert_ok!(Providers::bond(signed(owner(1)), 500));
        assert_ok!(Providers::unbond(signed(owner(1)), 400));
        assert_eq!(Providers::seize(&owner(1)), MIN_STAKE + 500);
        System::assert_last_event(
            Event::StakeSeized {
                owner: owner(1),
                amount: MIN_STAKE + 500,
            }
            .into(),
        );
        assert!(!is_listed(1, MODEL));
        assert!(!Providers::is_staked(&owner(1)));
        System::set_block_number(2 * UNBONDING_PERIOD);
        assert_noop!(
            Providers::withdraw_unbonded(signed(owner(1))),
            Error::<Test>::NothingDue
        );
        assert_noop!(Providers::deregister(signed(owner(1))), Error::<Test>::StakeRemains);
        assert_eq!(Providers::seize(&owner(1)), 0, "there is nothing left");
        assert_eq!(Providers::provider(owner(1)).unwrap().seized, MIN_STAKE + 500);
    });
}

#[test]
fn what_is_given_back_answers_and_lists_again() {
    run(|| {
        ready(1, 1, 10);
        let amount = Providers::seize(&owner(1));
        Providers::restore(&owner(1), amount);
        System::assert_last_event(
            Event::StakeRestored {
                owner: owner(1),
                amount,
                stake: amount,
            }
            .into(),
        );
        assert!(is_listed(1, MODEL));
        assert!(!Seized::<Test>::contains_key(owner(1)));
        assert_eq!(Stored::<Test>::get(owner(1)).unwrap().refuted, 0);
        // Nothing can be given back or taken twice.
        Providers::restore(&owner(1), amount);
        assert_eq!(Providers::forfeit(&owner(1), amount, &owner(2), amount), 0);
        assert_eq!(Stored::<Test>::get(owner(1)).unwrap().stake, amount);
    });
}

#[test]
fn what_is_lost_goes_to_the_winner_and_the_treasury_to_the_last_unit() {
    run(|| {
        ready(1, 1, 10);
        let amount = Providers::seize(&owner(1));
        let (before, treasury_before) = (balances(2).1, balances(9).1);
        assert_eq!(Providers::forfeit(&owner(1), amount, &owner(2), 333), 333);
        System::assert_last_event(
            Event::StakeForfeited {
                owner: owner(1),
                amount,
                reward: 333,
                burned: 0,
            }
            .into(),
        );
        assert_eq!(balances(2).1, before + 333);
        assert_eq!(balances(9).1, treasury_before + amount - 333);
        let info = Stored::<Test>::get(owner(1)).unwrap();
        assert_eq!((info.refuted, info.reputation.class()), (1, 0));
        assert_ok!(Providers::deregister(signed(owner(1))));
    });
}

#[test]
fn nobody_is_rewarded_for_a_wrong_of_their_own() {
    run(|| {
        ready(1, 1, 10);
        let amount = Providers::seize(&owner(1));
        assert_eq!(Providers::forfeit(&owner(1), amount, &owner(1), 400), 0);
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + OFFER_DEPOSIT);
    });
}

#[test]
fn jobs_that_run_go_on_when_the_stake_is_gone() {
    run(|| {
        ready(1, 2, 10);
        assert_ok!(Providers::book(JOB, MODEL, 10, &[], [0; 32]));
        let amount = Providers::seize(&owner(1));
        Providers::forfeit(&owner(1), amount, &owner(2), 0);
        assert_ok!(Providers::do_try_state());
        Providers::settle(&owner(1), JOB, Outcome::Kept);
        assert!(!is_listed(1, MODEL));
    });
}
