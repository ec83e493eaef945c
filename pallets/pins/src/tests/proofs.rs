//! `prove`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;
use weft_primitives::pieces::{Epoch, PIECE_BYTES, PinDealId};

use crate::{Deals, Error, Event, PieceBytes, Pins as Stored, Siblings, mock::*};

fn prove_with(deal: PinDealId, epoch: Epoch, piece: u64, bytes: PieceBytes, siblings: Siblings) -> DispatchResult {
    Pins::prove(RuntimeOrigin::signed(PINNER), deal, epoch, piece, bytes, siblings)
}

/// A deal in whose first epoch [`PINNER`] has to prove.
fn challenged_deal() -> PinDealId {
    let deal = open(10, 2);
    assert_ok!(join(PINNER, deal));
    run_to_epoch(1);
    deal
}

#[test]
fn a_proof_is_paid_at_once_and_makes_the_streak_longer() {
    run(|| {
        let deal = challenged_deal();
        let piece = asked(PINNER, deal).piece;
        assert_ok!(prove(PINNER, deal));
        System::assert_last_event(
            Event::Proven {
                deal,
                pinner: PINNER,
                epoch: 1,
                piece,
                paid: REWARD,
                streak: 1,
            }
            .into(),
        );
        assert_eq!(balances(PINNER), (PIN_BOND, FUNDS - PIN_BOND + REWARD));
        assert_eq!(Deals::<Test>::get(deal).unwrap().escrow, 19 * REWARD);
        assert_eq!(balances(OPENER).0, DEAL_DEPOSIT + 19 * REWARD);
        run_to_epoch(2);
        assert_ok!(prove(PINNER, deal));
        let pin = Stored::<Test>::get(deal, PINNER).unwrap();
        assert_eq!((pin.streak, pin.proofs, pin.earned), (2, 2, 2 * REWARD));
        // A gap begins the streak anew.
        run_to_epoch(4);
        assert_ok!(prove(PINNER, deal));
        let pin = Stored::<Test>::get(deal, PINNER).unwrap();
        assert_eq!((pin.streak, pin.proofs, pin.kept_until), (1, 3, 4));
    });
}

#[test]
fn every_piece_of_files_of_any_size_can_be_proved() {
    for size in [
        1,
        1_023,
        1_024,
        1_025,
        7 * PIECE_BYTES as usize,
        8 * PIECE_BYTES as usize + 1,
    ] {
        run(|| {
            let asset = publish(size);
            assert_ok!(Pins::open(RuntimeOrigin::signed(OPENER), asset, REWARD, 40, 1));
            assert_ok!(join(PINNER, 0));
            let mut seen = std::collections::BTreeSet::new();
            for epoch in 1..=40 {
                run_to_epoch(epoch);
                let asked = asked(PINNER, 0);
                let (bytes, siblings) = answer(size, asked.piece);
                assert_eq!(bytes.len() as u32, asked.piece_bytes);
                assert_ok!(prove_with(0, asked.epoch, asked.piece, bytes, siblings));
                seen.insert(asked.piece);
            }
            // In 40 epochs nearly all of at most nine pieces are asked for.
            assert!(seen.len() as u64 + 1 >= (size as u64).div_ceil(PIECE_BYTES.into()));
        });
    }
}

#[test]
fn each_defect_has_its_own_error() {
    run(|| {
        let deal = challenged_deal();
        let asked = asked(PINNER, deal);
        let (epoch, piece) = (asked.epoch, asked.piece);
        let (bytes, siblings) = answer(SIZE, piece);
        let good = || (bytes.clone(), siblings.clone());

        let (b, s) = good();
        assert_noop!(prove_with(9, epoch, piece, b, s), Error::<Test>::NotFound);
        let (b, s) = good();
        assert_noop!(
            Pins::prove(RuntimeOrigin::signed(WATCHER), deal, epoch, piece, b, s),
            Error::<Test>::NotJoined
        );
        for stale in [epoch - 1, epoch + 1] {
            let (b, s) = good();
            assert_noop!(prove_with(deal, stale, piece, b, s), Error::<Test>::StaleEpoch);
        }
        // Another piece with a proof that is right for it.
        let wrong = (piece + 1) % 6;
        let (b, s) = answer(SIZE, wrong);
        assert_noop!(prove_with(deal, epoch, wrong, b, s), Error::<Test>::WrongPiece);
        let (b, s) = answer(SIZE, wrong);
        let same_length = b.len() == bytes.len();
        assert_noop!(
            prove_with(deal, epoch, piece, b, s),
            if same_length {
                Error::<Test>::InvalidProof
            } else {
                Error::<Test>::WrongLength
            }
        );
        let mut shorter = bytes.clone();
        shorter.pop();
        assert_noop!(
            prove_with(deal, epoch, piece, shorter, siblings.clone()),
            Error::<Test>::WrongLength
        );
        assert_noop!(
            prove_with(deal, epoch, piece, Default::default(), siblings.clone()),
            Error::<Test>::WrongLength
        );
        let mut forged = siblings.clone();
        forged[0][31] ^= 1;
        assert_noop!(
            prove_with(deal, epoch, piece, bytes.clone(), forged),
            Error::<Test>::InvalidProof
        );
        let mut other_bytes = bytes.clone();
        other_bytes[0] ^= 1;
        assert_noop!(
            prove_with(deal, epoch, piece, other_bytes, siblings.clone()),
            Error::<Test>::InvalidProof
        );
        let mut more = siblings.clone();
        more.try_push([0; 32]).unwrap();
        assert_noop!(
            prove_with(deal, epoch, piece, bytes.clone(), more),
            Error::<Test>::InvalidProof
        );
        let mut fewer = siblings.clone();
        fewer.pop();
        assert_noop!(
            prove_with(deal, epoch, piece, bytes.clone(), fewer),
            Error::<Test>::InvalidProof
        );

        let (b, s) = good();
        assert_ok!(prove_with(deal, epoch, piece, b, s));
        let (b, s) = good();
        assert_noop!(prove_with(deal, epoch, piece, b, s), Error::<Test>::AlreadyProven);
        // In the next epoch yesterday's answer is worth nothing.
        run_to_epoch(2);
        let (b, s) = good();
        assert_noop!(prove_with(deal, epoch, piece, b, s), Error::<Test>::StaleEpoch);
    });
}

#[test]
fn a_last_piece_is_as_short_as_it_is() {
    run(|| {
        let size = 100;
        let asset = publish(size);
        assert_ok!(Pins::open(RuntimeOrigin::signed(OPENER), asset, REWARD, 3, 1));
        assert_ok!(join(PINNER, 0));
        run_to_epoch(1);
        let (mut bytes, siblings) = answer(size, 0);
        bytes.try_push(0).unwrap();
        assert_noop!(prove_with(0, 1, 0, bytes, siblings.clone()), Error::<Test>::WrongLength);
        let (bytes, siblings) = answer(size, 0);
        assert_ok!(prove_with(0, 1, 0, bytes, siblings));
    });
}

#[test]
fn who_just_joined_is_not_asked_before_the_next_epoch() {
    run(|| {
        let deal = open(10, 1);
        run_to_epoch(2);
        assert_ok!(join(PINNER, deal));
        assert_noop!(prove(PINNER, deal), Error::<Test>::NotChallengedYet);
        run_to_epoch(3);
        assert_ok!(prove(PINNER, deal));
        // Leaving and coming back in the same epoch earns nothing twice.
        assert_ok!(leave(PINNER, deal));
        assert_ok!(join(PINNER, deal));
        assert_noop!(prove(PINNER, deal), Error::<Test>::NotChallengedYet);
        assert_eq!(wealth(PINNER), FUNDS + REWARD);
    });
}

#[test]
fn who_lapsed_proves_no_more() {
    run(|| {
        let deal = open(10, 1);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(MAX_MISSED);
        assert_ok!(prove(PINNER, deal));
        run_to_epoch(2 * MAX_MISSED + 1);
        assert_noop!(prove(PINNER, deal), Error::<Test>::Lapsed);
        assert_noop!(leave(PINNER, deal), Error::<Test>::Lapsed);
    });
}

#[test]
fn after_the_last_epoch_nothing_is_paid() {
    run(|| {
        let deal = open(1, 1);
        assert_ok!(join(PINNER, deal));
        run_to_epoch(2);
        assert_noop!(prove(PINNER, deal), Error::<Test>::DealOver);
    });
}
