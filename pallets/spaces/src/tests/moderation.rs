//! Reports, and what governance does.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, TokenError};
use weft_primitives::{
    space::{Grievance, MAX_FEATURED},
    space_view::SpaceStatus,
};

use crate::{Error, Event, Featured, Reports, Spaces, mock::*};

fn report(who: u64, space: u64) -> DispatchResult {
    Store::report(RuntimeOrigin::signed(who), space, Grievance::Fraud, Some(content(9)))
}

fn withdraw(who: u64, space: u64) -> DispatchResult {
    Store::withdraw_report(RuntimeOrigin::signed(who), space)
}

fn resolve(space: u64, reporter: u64, upheld: bool) -> DispatchResult {
    Store::resolve_report(RuntimeOrigin::root(), space, reporter, upheld)
}

fn feature(space: u64, featured: bool) -> DispatchResult {
    Store::feature(RuntimeOrigin::root(), space, featured)
}

#[test]
fn a_report_holds_a_bond_and_is_shown() {
    run(|| {
        let space = publish();
        assert_noop!(report(BUYER, 9), Error::<Test>::NotFound);
        assert_noop!(report(OWNER, space), Error::<Test>::OwnSpace);
        assert_noop!(report(PAUPER, space), TokenError::FundsUnavailable);
        assert_ok!(report(BUYER, space));
        System::assert_last_event(
            Event::Reported {
                space,
                by: BUYER,
                why: Grievance::Fraud,
                evidence: Some(content(9)),
            }
            .into(),
        );
        assert_noop!(report(BUYER, space), Error::<Test>::AlreadyReported);
        assert_eq!(balances(BUYER).0, REPORT_BOND);
        assert_eq!(Store::space(space).unwrap().open_reports, 1);
        let shown = Store::reports(space, 0, 10).items;
        assert_eq!(
            (shown[0].by, shown[0].why, shown[0].bond),
            (BUYER, Grievance::Fraud, REPORT_BOND)
        );
        assert_eq!(shown[0].withdrawable_at, 1 + REPORT_PERIOD as u32);
    });
}

#[test]
fn governance_resolves_reports() {
    run(|| {
        let space = publish();
        assert_ok!(report(BUYER, space));
        assert_ok!(report(OTHER_BUYER, space));
        assert_noop!(
            Store::resolve_report(RuntimeOrigin::signed(OWNER), space, BUYER, false),
            DispatchError::BadOrigin
        );
        assert_noop!(resolve(space, CREATOR, true), Error::<Test>::NotReported);
        assert_noop!(resolve(9, BUYER, true), Error::<Test>::NotFound);
        assert_ok!(resolve(space, BUYER, true));
        assert_eq!(balances(BUYER), (0, FUNDS));
        assert_ok!(resolve(space, OTHER_BUYER, false));
        System::assert_last_event(
            Event::ReportResolved {
                space,
                reporter: OTHER_BUYER,
                upheld: false,
                slashed: REPORT_BOND,
            }
            .into(),
        );
        assert_eq!(balances(OTHER_BUYER), (0, FUNDS - REPORT_BOND));
        assert_eq!(wealth(TREASURY), FUNDS + REPORT_BOND);
        assert_eq!(Spaces::<Test>::get(space).unwrap().open_reports, 0);
        assert_eq!(Reports::<Test>::iter().count(), 0);
        // Resolved, one may report again.
        assert_ok!(report(BUYER, space));
    });
}

#[test]
fn a_report_that_is_left_alone_is_withdrawn() {
    run(|| {
        let space = publish();
        assert_noop!(withdraw(BUYER, space), Error::<Test>::NotReported);
        assert_ok!(report(BUYER, space));
        System::set_block_number(REPORT_PERIOD);
        assert_noop!(withdraw(BUYER, space), Error::<Test>::TooEarly);
        System::set_block_number(1 + REPORT_PERIOD);
        assert_noop!(withdraw(BUYER, 9), Error::<Test>::NotFound);
        assert_ok!(withdraw(BUYER, space));
        System::assert_last_event(Event::ReportWithdrawn { space, by: BUYER }.into());
        assert_eq!(balances(BUYER), (0, FUNDS));
    });
}

#[test]
fn what_governance_takes_down_is_not_sold() {
    run(|| {
        let space = publish();
        let down = |space| Store::take_down(RuntimeOrigin::root(), space, Grievance::Malware);
        let up = |space| Store::restore(RuntimeOrigin::root(), space);
        assert_noop!(
            Store::take_down(RuntimeOrigin::signed(OWNER), space, Grievance::Malware),
            DispatchError::BadOrigin
        );
        assert_noop!(
            Store::restore(RuntimeOrigin::signed(OWNER), space),
            DispatchError::BadOrigin
        );
        assert_noop!(down(9), Error::<Test>::NotFound);
        assert_noop!(up(9), Error::<Test>::NotFound);
        assert_noop!(up(space), Error::<Test>::NotTakenDown);
        assert_ok!(feature(space, true));
        assert_ok!(down(space));
        System::assert_has_event(
            Event::TakenDown {
                space,
                why: Grievance::Malware,
            }
            .into(),
        );
        System::assert_last_event(Event::FeatureSet { space, featured: false }.into());
        assert_noop!(down(space), Error::<Test>::AlreadyTakenDown);
        assert_noop!(buy(BUYER, space), Error::<Test>::NotListed);
        assert_noop!(feature(space, true), Error::<Test>::NotListed);
        assert_eq!(
            Store::space(space).unwrap().status,
            SpaceStatus::TakenDown {
                why: Grievance::Malware
            }
        );
        assert_ok!(up(space));
        System::assert_last_event(Event::Restored { space }.into());
        assert_ok!(buy(BUYER, space));
        // Retired meanwhile, it stays so.
        assert_ok!(down(space));
        assert_ok!(Store::retire(RuntimeOrigin::signed(OWNER), space));
        assert_ok!(up(space));
        assert_eq!(Store::space(space).unwrap().status, SpaceStatus::Retired);
        assert_noop!(buy(OTHER_BUYER, space), Error::<Test>::NotListed);
    });
}

#[test]
fn governance_features_a_bounded_number() {
    run(|| {
        let space = publish();
        assert_noop!(
            Store::feature(RuntimeOrigin::signed(OWNER), space, true),
            DispatchError::BadOrigin
        );
        assert_noop!(feature(9, true), Error::<Test>::NotFound);
        assert_noop!(feature(space, false), Error::<Test>::NotFeatured);
        assert_ok!(feature(space, true));
        System::assert_last_event(Event::FeatureSet { space, featured: true }.into());
        assert_noop!(feature(space, true), Error::<Test>::AlreadyFeatured);
        for _ in 1..MAX_FEATURED {
            assert_ok!(feature(publish(), true));
        }
        let another = publish();
        assert_noop!(feature(another, true), Error::<Test>::TooManyFeatured);
        assert_ok!(feature(space, false));
        assert_ok!(feature(another, true));
        assert_eq!(Featured::<Test>::get().last(), Some(&another));
    });
}
