//! `attest`, `withdraw_attestation`, `report`, `expire_report` and `resolve_report`.

use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};
use sp_runtime::{DispatchError, DispatchResult, TokenError};
use weft_primitives::{Balance, asset::Flaw};

use crate::{Error, Event, HoldReason, MAX_SCRUTINY, Scrutinies, mock::*};

const STAKE: Balance = 100;

fn attest(who: u64, asset: u64, stake: Balance) -> DispatchResult {
    Market::attest(RuntimeOrigin::signed(who), asset, stake, content(6))
}

fn withdraw(who: u64, asset: u64) -> DispatchResult {
    Market::withdraw_attestation(RuntimeOrigin::signed(who), asset)
}

fn report(who: u64, asset: u64) -> DispatchResult {
    Market::report(RuntimeOrigin::signed(who), asset, Flaw::Poisoned, content(7))
}

fn expire(asset: u64, reporter: u64) -> DispatchResult {
    Market::expire_report(RuntimeOrigin::signed(PAUPER), asset, reporter)
}

fn resolve(asset: u64, reporter: u64, upheld: bool) -> DispatchResult {
    Market::resolve_report(RuntimeOrigin::root(), asset, reporter, upheld)
}

fn data() -> u64 {
    publish_as(CREATOR, dataset(), &[], &[])
}

/// Attestations, open and upheld reports, as an asset and its work show them.
fn shown(asset: u64) -> [(u32, u32, u32); 2] {
    let (view, work) = (Market::asset(asset).unwrap(), Market::work(asset).unwrap());
    [
        (view.attestations, view.open_reports, view.upheld_reports),
        (work.attestations, work.open_reports, work.upheld_reports),
    ]
}

/// Somebody beyond those of the mock, with funds.
fn somebody(nth: u64) -> u64 {
    let who = 100 + nth;
    let from = <Balances as frame_support::traits::fungible::Inspect<u64>>::balance(&OTHER_CREATOR);
    assert!(from > 1_000);
    Balances::transfer(
        &OTHER_CREATOR,
        &who,
        1_000,
        frame_support::traits::tokens::Preservation::Preserve,
    )
    .unwrap();
    who
}

#[test]
fn an_attestation_is_staked_and_shown() {
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        System::assert_last_event(
            Event::Attested {
                asset,
                who: BUYER,
                stake: STAKE,
                report: content(6),
            }
            .into(),
        );
        assert_eq!(held(BUYER, HoldReason::Attestation), STAKE);
        assert_eq!(shown(asset), [(1, 0, 0); 2]);
        let said = Market::scrutiny(asset);
        assert_eq!(said.attestations.len(), 1);
        assert_eq!((said.attestations[0].who, said.attestations[0].stake), (BUYER, STAKE));
    });
}

#[test]
fn each_reason_not_to_attest_has_its_own_error() {
    run(|| {
        let asset = data();
        assert_noop!(attest(BUYER, 99, STAKE), Error::<Test>::NotFound);
        assert_noop!(attest(CREATOR, asset, STAKE), Error::<Test>::OwnWork);
        assert_noop!(attest(BUYER, asset, MIN_ATTESTATION - 1), Error::<Test>::StakeTooSmall);
        assert_noop!(attest(PAUPER, asset, STAKE), TokenError::FundsUnavailable);
        assert_ok!(attest(BUYER, asset, STAKE));
        assert_noop!(attest(BUYER, asset, STAKE), Error::<Test>::AlreadyAttested);
        for nth in 1..u64::from(MAX_SCRUTINY) {
            assert_ok!(attest(somebody(nth), asset, STAKE));
        }
        assert_noop!(attest(OTHER_BUYER, asset, STAKE), Error::<Test>::TooManyAttestations);
    });
}

#[test]
fn a_stake_is_had_back_in_time_and_not_while_a_report_is_open() {
    run(|| {
        let asset = data();
        assert_noop!(withdraw(BUYER, asset), Error::<Test>::NotAttested);
        assert_ok!(attest(BUYER, asset, STAKE));
        wait(19);
        assert_noop!(withdraw(BUYER, asset), Error::<Test>::TooEarly);
        assert_ok!(report(OTHER_BUYER, asset));
        wait(1);
        assert_noop!(withdraw(BUYER, asset), Error::<Test>::ReportOpen);
        assert_ok!(resolve(asset, OTHER_BUYER, false));
        assert_ok!(withdraw(BUYER, asset));
        System::assert_last_event(Event::AttestationWithdrawn { asset, who: BUYER }.into());
        assert_eq!(balances(BUYER), (0, FUNDS));
        assert!(!Scrutinies::<Test>::contains_key(asset));
    });
}

#[test]
fn a_report_that_nobody_decides_holds_up_nobody_for_long() {
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        wait(15);
        assert_ok!(report(OTHER_BUYER, asset));
        wait(9);
        assert_noop!(withdraw(BUYER, asset), Error::<Test>::ReportOpen);
        assert_noop!(expire(asset, OTHER_BUYER), Error::<Test>::TooEarly);
        wait(1);
        assert_ok!(withdraw(BUYER, asset));
        assert_noop!(expire(asset, BUYER), Error::<Test>::NotReported);
        assert_ok!(expire(asset, OTHER_BUYER));
        System::assert_last_event(
            Event::ReportExpired {
                asset,
                who: OTHER_BUYER,
            }
            .into(),
        );
        assert_eq!(balances(OTHER_BUYER), (0, FUNDS));
        assert_noop!(resolve(asset, OTHER_BUYER, true), Error::<Test>::NotReported);
    });
}

#[test]
fn each_reason_not_to_report_has_its_own_error() {
    run(|| {
        let asset = data();
        assert_noop!(report(BUYER, 99), Error::<Test>::NotFound);
        assert_noop!(report(PAUPER, asset), TokenError::FundsUnavailable);
        assert_ok!(report(BUYER, asset));
        System::assert_last_event(
            Event::Reported {
                asset,
                who: BUYER,
                why: Flaw::Poisoned,
                evidence: content(7),
            }
            .into(),
        );
        assert_eq!(held(BUYER, HoldReason::Report), REPORT_BOND);
        assert_eq!(shown(asset), [(0, 1, 0); 2]);
        assert_noop!(report(BUYER, asset), Error::<Test>::AlreadyReported);
        for nth in 1..u64::from(MAX_SCRUTINY) {
            assert_ok!(report(somebody(nth), asset));
        }
        assert_noop!(report(OTHER_BUYER, asset), Error::<Test>::TooManyReports);
        assert_eq!(Market::scrutiny(asset).reports.len() as u32, MAX_SCRUTINY);
    });
}

#[test]
fn only_governance_decides() {
    run(|| {
        let asset = data();
        assert_ok!(report(BUYER, asset));
        for who in [BUYER, CREATOR] {
            assert_noop!(
                Market::resolve_report(RuntimeOrigin::signed(who), asset, BUYER, true),
                DispatchError::BadOrigin
            );
        }
        assert_noop!(resolve(asset, CREATOR, true), Error::<Test>::NotReported);
        assert_noop!(resolve(99, BUYER, true), Error::<Test>::NotReported);
    });
}

#[test]
fn an_upheld_report_costs_all_who_vouched() {
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        assert_ok!(attest(OTHER_CREATOR, asset, 3 * STAKE));
        assert_ok!(report(OTHER_BUYER, asset));
        assert_ok!(report(PROVIDER, asset));
        assert_ok!(resolve(asset, OTHER_BUYER, true));
        System::assert_last_event(
            Event::ReportResolved {
                asset,
                who: OTHER_BUYER,
                upheld: true,
            }
            .into(),
        );
        // Half of each stake is lost, of which the reporter gets a quarter.
        assert_eq!(balances(BUYER), (0, FUNDS - 50));
        assert_eq!(balances(OTHER_CREATOR), (0, FUNDS - 150));
        assert_eq!(balances(OTHER_BUYER), (0, FUNDS + 12 + 37));
        assert_eq!(balances(TREASURY).1, FUNDS + 38 + 113);
        assert!(events().contains(&Event::AttestationSlashed {
            asset,
            who: BUYER,
            lost: 50
        }));
        assert_eq!(shown(asset), [(0, 1, 1); 2]);
        assert_ok!(resolve(asset, PROVIDER, true));
        assert_eq!(shown(asset), [(0, 0, 2); 2]);
        assert!(Scrutinies::<Test>::contains_key(asset), "the flag stays");
    });
}

#[test]
fn a_rejected_report_costs_its_bond() {
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        assert_ok!(report(OTHER_BUYER, asset));
        assert_ok!(resolve(asset, OTHER_BUYER, false));
        assert_eq!(balances(OTHER_BUYER), (0, FUNDS - REPORT_BOND));
        assert_eq!(balances(TREASURY).1, FUNDS + REPORT_BOND);
        assert_eq!(shown(asset), [(1, 0, 0); 2]);
        assert_eq!(held(BUYER, HoldReason::Attestation), STAKE);
    });
}

#[test]
fn who_reports_what_they_vouched_for_loses_nothing() {
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        assert_ok!(report(BUYER, asset));
        assert_ok!(resolve(asset, BUYER, true));
        assert_eq!(balances(BUYER), (0, FUNDS));
    });
}

#[test]
fn a_work_remembers_what_was_upheld_against_any_version() {
    run(|| {
        let asset = data();
        assert_ok!(report(BUYER, asset));
        assert_ok!(resolve(asset, BUYER, true));
        assert_ok!(Market::release(RuntimeOrigin::signed(CREATOR), asset, dataset()));
        let work = Market::work(asset).unwrap();
        assert_eq!((work.latest, work.upheld_reports), (1, 1));
        assert_eq!(Market::asset(1).unwrap().upheld_reports, 0);
        let tuned = publish_from(CREATOR, &[(asset, 1)]);
        assert_eq!(Market::lineage(tuned).unwrap().origins[0].upheld_reports, 1);
    });
}

#[test]
fn funds_that_are_frozen_too_are_lost_all_the_same() {
    use frame_support::traits::{LockableCurrency, WithdrawReasons};
    run(|| {
        let asset = data();
        assert_ok!(attest(BUYER, asset, STAKE));
        Balances::set_lock(*b"staking ", &BUYER, FUNDS, WithdrawReasons::all());
        assert_ok!(report(OTHER_BUYER, asset));
        assert_ok!(resolve(asset, OTHER_BUYER, true));
        assert_eq!(balances(OTHER_BUYER), (0, FUNDS + 12));
        Balances::remove_lock(*b"staking ", &BUYER);
    });
}
