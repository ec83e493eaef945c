//! `bond`, `unbond` and `withdraw_unbonded`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::{Balance, registry::Matching, reputation::Outcome};

use crate::{Error, Event, Unbonding, mock::*};

fn bond(n: u8, amount: Balance) -> DispatchResult {
    Providers::bond(signed(owner(n)), amount)
}

fn unbond(n: u8, amount: Balance) -> DispatchResult {
    Providers::unbond(signed(owner(n)), amount)
}

fn withdraw(n: u8) -> DispatchResult {
    Providers::withdraw_unbonded(signed(owner(n)))
}

#[test]
fn the_minimum_stake_lists_and_a_unit_less_delists() {
    run(|| {
        register(1, 1);
        assert_ok!(Providers::resume(signed(owner(1))));
        offer_keyed(1, MODEL, 10);
        assert_ok!(bond(1, MIN_STAKE - 1));
        assert!(!is_listed(1, MODEL));
        assert_ok!(bond(1, 1));
        System::assert_last_event(
            Event::Bonded {
                owner: owner(1),
                amount: 1,
                stake: MIN_STAKE,
            }
            .into(),
        );
        assert!(is_listed(1, MODEL));
        assert_ok!(unbond(1, 1));
        assert!(!is_listed(1, MODEL));
    });
}

#[test]
fn unbonded_stake_is_held_for_the_whole_period_and_then_free() {
    run(|| {
        register(1, 1);
        assert_ok!(bond(1, 500));
        assert_ok!(unbond(1, 200));
        System::assert_last_event(
            Event::Unbonded {
                owner: owner(1),
                amount: 200,
                stake: 300,
                unlock_at: 1 + UNBONDING_PERIOD,
            }
            .into(),
        );
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + 500);
        System::set_block_number(UNBONDING_PERIOD);
        assert_noop!(withdraw(1), Error::<Test>::NothingDue);
        System::set_block_number(1 + UNBONDING_PERIOD);
        assert_ok!(withdraw(1));
        System::assert_last_event(
            Event::Withdrawn {
                owner: owner(1),
                amount: 200,
            }
            .into(),
        );
        assert_eq!(balances(1).0, REGISTRATION_DEPOSIT + 300);
        assert_noop!(withdraw(1), Error::<Test>::NothingDue);
    });
}

#[test]
fn portions_of_one_block_are_one_and_there_are_few() {
    run(|| {
        register(1, 1);
        assert_ok!(bond(1, 100));
        for block in 0..u64::from(MAX_UNBONDING) {
            System::set_block_number(1 + block);
            assert_ok!(unbond(1, 1));
            assert_ok!(unbond(1, 2));
        }
        assert_eq!(Unbonding::<Test>::get(owner(1)).len(), MAX_UNBONDING as usize);
        System::set_block_number(9);
        assert_noop!(unbond(1, 1), Error::<Test>::TooManyUnbonding);
        // The first is due, and makes room.
        System::set_block_number(1 + UNBONDING_PERIOD);
        assert_ok!(withdraw(1));
        assert_eq!(Unbonding::<Test>::get(owner(1)).len(), MAX_UNBONDING as usize - 1);
        assert_ok!(unbond(1, 1));
    });
}

#[test]
fn stake_for_running_jobs_stays() {
    run(|| {
        ready(1, 2, 10);
        assert_ok!(bond(1, 500));
        assert_ok!(Providers::book(JOB, MODEL, 10, &[], [0; 32]));
        assert_noop!(unbond(1, 501), Error::<Test>::StakeNeeded);
        assert_ok!(unbond(1, 500));
        assert_noop!(unbond(1, 1), Error::<Test>::StakeNeeded);
        Providers::settle(&owner(1), JOB, Outcome::Blameless);
        assert_ok!(unbond(1, MIN_STAKE));
    });
}

#[test]
fn each_defect_has_its_own_error() {
    run(|| {
        assert_noop!(bond(1, 1), Error::<Test>::NotFound);
        assert_noop!(unbond(1, 1), Error::<Test>::NotFound);
        assert_noop!(withdraw(1), Error::<Test>::NothingDue);
        register(1, 1);
        assert_noop!(bond(1, 0), Error::<Test>::ZeroAmount);
        assert_noop!(unbond(1, 0), Error::<Test>::ZeroAmount);
        assert_noop!(bond(1, FUNDS), TokenError::FundsUnavailable);
        assert_noop!(bond(1, Balance::MAX), TokenError::FundsUnavailable);
        assert_ok!(bond(1, 5));
        assert_noop!(unbond(1, 6), Error::<Test>::InsufficientStake);
    });
}
