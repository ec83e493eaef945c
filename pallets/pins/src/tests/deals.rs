//! `open`, `join`, `leave`, `give_notice` and `close`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};
use weft_primitives::{AssetId, Balance, pieces::Epoch};

use crate::{Deals, Error, Event, NextDealId, Pins as Stored, ShelfLength, mock::*};

fn open_for(asset: AssetId, reward: Balance, epochs: Epoch, places: u32) -> DispatchResult {
    Pins::open(RuntimeOrigin::signed(OPENER), asset, reward, epochs, places)
}

#[test]
fn a_deal_holds_all_rewards_and_remembers_the_file() {
    run(|| {
        run_to_epoch(4);
        let deal = open(10, 3);
        assert_eq!(balances(OPENER).0, DEAL_DEPOSIT + REWARD * 30);
        let stored = Deals::<Test>::get(deal).unwrap();
        assert_eq!((stored.first_epoch, stored.last_epoch), (5, 14));
        assert_eq!((stored.size_bytes, stored.content), (SIZE as u64, content()));
        System::assert_last_event(
            Event::Opened {
                deal,
                opener: OPENER,
                asset: 0,
                reward_per_epoch: REWARD,
                places: 3,
                first_epoch: 5,
                last_epoch: 14,
            }
            .into(),
        );
        // What becomes of the asset changes nothing for the deal.
        Files::set(&Default::default());
        assert_ok!(join(PINNER, deal));
        run_to_epoch(5);
        assert_ok!(prove(PINNER, deal));
    });
}

#[test]
fn deals_that_cannot_be_are_refused() {
    run(|| {
        let (asset, rootless, empty) = (publish(SIZE), publish_without_root(), publish(0));
        assert_noop!(open_for(9, REWARD, 1, 1), Error::<Test>::UnknownAsset);
        assert_noop!(open_for(rootless, REWARD, 1, 1), Error::<Test>::NoPiecesRoot);
        assert_noop!(open_for(empty, REWARD, 1, 1), Error::<Test>::NoPiecesRoot);
        assert_noop!(open_for(asset, REWARD, 0, 1), Error::<Test>::EmptyDeal);
        assert_noop!(open_for(asset, REWARD, 1, 0), Error::<Test>::EmptyDeal);
        assert_noop!(open_for(asset, 0, 1, 1), Error::<Test>::EmptyDeal);
        assert_noop!(open_for(asset, REWARD, 1, 17), Error::<Test>::TooManyPlaces);
        assert_noop!(open_for(asset, Balance::MAX / 3, 4, 1), Error::<Test>::DealTooLarge);
        assert_noop!(open_for(asset, FUNDS, 1, 1), TokenError::FundsUnavailable);
        run_to_epoch(1);
        assert_noop!(open_for(asset, REWARD, Epoch::MAX, 1), Error::<Test>::DealTooLarge);
        NextDealId::<Test>::put(u64::MAX);
        assert_noop!(open_for(asset, REWARD, 1, 1), Error::<Test>::NumbersExhausted);
        NextDealId::<Test>::put(0);
    });
}

#[test]
fn places_are_taken_with_a_bond_until_none_is_free() {
    run(|| {
        let deal = open(3, 1);
        assert_noop!(join(PINNER, 9), Error::<Test>::NotFound);
        assert_noop!(join(OPENER, deal), Error::<Test>::OwnDeal);
        assert_noop!(join(PAUPER, deal), TokenError::FundsUnavailable);
        assert_ok!(join(PINNER, deal));
        assert_eq!(balances(PINNER).0, PIN_BOND);
        System::assert_last_event(
            Event::Joined {
                deal,
                pinner: PINNER,
                bond: PIN_BOND,
                first_epoch: 1,
            }
            .into(),
        );
        assert_noop!(join(PINNER, deal), Error::<Test>::AlreadyJoined);
        assert_noop!(join(OTHER_PINNER, deal), Error::<Test>::NoPlaceFree);
        assert_ok!(leave(PINNER, deal));
        assert_ok!(join(OTHER_PINNER, deal));
        assert_eq!((balances(PINNER).0, balances(OTHER_PINNER).0), (0, PIN_BOND));
    });
}

#[test]
fn nobody_joins_when_no_epoch_is_left() {
    run(|| {
        let deal = open(3, 2);
        run_to_epoch(2);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(3);
        assert_noop!(join(OTHER_PINNER, deal), Error::<Test>::DealOver);
    });
}

#[test]
fn who_is_behind_proves_before_leaving() {
    run(|| {
        let deal = open(9, 1);
        assert_noop!(leave(PINNER, deal), Error::<Test>::NotJoined);
        assert_ok!(join(PINNER, deal));
        // Epoch 1 went by without a proof.
        run_to_epoch(2);
        assert_noop!(leave(PINNER, deal), Error::<Test>::Behind);
        assert_ok!(prove(PINNER, deal));
        assert_ok!(leave(PINNER, deal));
        System::assert_last_event(
            Event::Left {
                deal,
                pinner: PINNER,
                bond: PIN_BOND,
            }
            .into(),
        );
        assert_eq!(balances(PINNER), (0, FUNDS + REWARD));
        assert_eq!(Stored::<Test>::iter().count(), 0);
        // Only the lists of open deals are left.
        assert_eq!(ShelfLength::<Test>::iter().count(), 2);
    });
}

#[test]
fn when_the_deal_is_over_a_few_missing_proofs_are_forgiven() {
    run(|| {
        let deal = open(5, 2);
        assert_ok!(join(PINNER, deal));
        assert_ok!(join(OTHER_PINNER, deal));
        for epoch in 1..=3 {
            run_to_epoch(epoch);
            assert_ok!(prove(PINNER, deal));
        }
        run_to_epoch(6);
        assert_noop!(leave(OTHER_PINNER, deal), Error::<Test>::Lapsed);
        assert_ok!(leave(PINNER, deal));
        // A closed deal asks for nothing.
        assert_ok!(close(OPENER, deal));
        assert_noop!(evict(WATCHER, deal, OTHER_PINNER), Error::<Test>::NotFound);
        assert_ok!(leave(OTHER_PINNER, deal));
        assert_eq!(balances(OTHER_PINNER), (0, FUNDS));
    });
}

#[test]
fn a_deal_without_pinners_or_over_is_closed_by_its_opener() {
    run(|| {
        let (empty, pinned) = (open(5, 2), open(5, 2));
        assert_ok!(join(PINNER, pinned));
        assert_noop!(close(OPENER, 9), Error::<Test>::NotFound);
        assert_noop!(close(WATCHER, empty), Error::<Test>::NotOpener);
        assert_ok!(close(OPENER, empty));
        System::assert_last_event(
            Event::Closed {
                deal: empty,
                returned: REWARD * 10,
            }
            .into(),
        );
        assert_noop!(close(OPENER, empty), Error::<Test>::NotFound);
        assert_noop!(close(OPENER, pinned), Error::<Test>::StillRunning);
        for epoch in 1..=5 {
            run_to_epoch(epoch);
            assert_ok!(prove(PINNER, pinned));
            assert_noop!(close(OPENER, pinned), Error::<Test>::StillRunning);
        }
        run_to_epoch(6);
        assert_ok!(close(OPENER, pinned));
        assert_eq!(balances(OPENER), (0, FUNDS - 5 * REWARD));
        // The pinner has the bond still held, and fetches it.
        assert_eq!(balances(PINNER).0, PIN_BOND);
        assert_ok!(leave(PINNER, pinned));
        assert_eq!(balances(PINNER), (0, FUNDS + 5 * REWARD));
    });
}

#[test]
fn all_rewards_can_be_earned_and_nothing_is_left() {
    run(|| {
        let deal = open(2, 2);
        assert_ok!(join(PINNER, deal));
        assert_ok!(join(OTHER_PINNER, deal));
        for epoch in 1..=2 {
            run_to_epoch(epoch);
            assert_ok!(prove(PINNER, deal));
            assert_ok!(prove(OTHER_PINNER, deal));
        }
        assert_eq!(Deals::<Test>::get(deal).unwrap().escrow, 0);
        run_to_epoch(3);
        assert_ok!(close(OPENER, deal));
        assert_eq!(balances(OPENER), (0, FUNDS - 4 * REWARD));
    });
}

#[test]
fn notice_ends_a_deal_early_but_not_at_once() {
    run(|| {
        let (long, short) = (open(50, 1), open(2, 1));
        assert_ok!(join(PINNER, long));
        assert_noop!(give_notice(WATCHER, long), Error::<Test>::NotOpener);
        assert_noop!(give_notice(OPENER, short), Error::<Test>::AlreadyEnding);
        run_to_epoch(1);
        assert_ok!(give_notice(OPENER, long));
        System::assert_last_event(
            Event::NoticeGiven {
                deal: long,
                last_epoch: 1 + NOTICE_EPOCHS,
            }
            .into(),
        );
        assert_noop!(give_notice(OPENER, long), Error::<Test>::AlreadyEnding);
        for epoch in 1..=1 + NOTICE_EPOCHS {
            run_to_epoch(epoch);
            assert_noop!(close(OPENER, long), Error::<Test>::StillRunning);
            assert_ok!(prove(PINNER, long));
        }
        run_to_epoch(2 + NOTICE_EPOCHS);
        assert_noop!(prove(PINNER, long), Error::<Test>::DealOver);
        assert_ok!(close(OPENER, long));
        System::assert_last_event(
            Event::Closed {
                deal: long,
                returned: REWARD * 47,
            }
            .into(),
        );
        assert_ok!(leave(PINNER, long));
        assert_ok!(close(OPENER, short));
    });
}
