//! Answers of the runtime API.

use frame_support::assert_ok;
use weft_primitives::{page::MAX_PAGE, pieces::Standing};

use crate::mock::*;

#[test]
fn a_deal_shows_its_terms_and_pinners() {
    run(|| {
        let deal = open(10, 2);
        assert_ok!(join(PINNER, deal));
        assert_ok!(join(OTHER_PINNER, deal));
        run_to_epoch(1);
        assert_ok!(prove(PINNER, deal));
        run_to_epoch(2);
        let view = Pins::pin_deal(deal).unwrap();
        assert_eq!((view.opener, view.asset, view.pieces), (OPENER, 0, 6));
        assert_eq!((view.first_epoch, view.last_epoch, view.present_epoch), (1, 10, 2));
        assert_eq!((view.reward_per_epoch, view.escrow), (REWARD, 19 * REWARD));
        let standing = |who| view.pinners.iter().find(|pin| pin.pinner == who).unwrap().standing;
        assert_eq!(view.pinners.len(), 2);
        assert_eq!(standing(PINNER), Standing::UpToDate);
        assert_eq!(standing(OTHER_PINNER), Standing::Behind { missed: 1 });
        assert_eq!(Pins::pin_deal(deal + 1), None);
    });
}

#[test]
fn a_challenge_says_what_until_when_and_for_how_much() {
    run(|| {
        let deal = open(2, 2);
        assert_eq!(Pins::challenge(deal, &PINNER), None);
        assert_ok!(join(PINNER, deal));
        // Nothing to prove in the epoch of joining.
        assert_eq!(Pins::challenge(deal, &PINNER), None);
        run_to(13);
        let asked = asked(PINNER, deal);
        assert_eq!(
            (asked.epoch, asked.until, asked.pieces, asked.reward),
            (1, 19, 6, REWARD)
        );
        assert_eq!(asked.piece_bytes, if asked.piece == 5 { 100 } else { 1_024 });
        // In the last block it still counts.
        run_to(19);
        assert_eq!(Pins::challenge(deal, &PINNER), Some(asked));
        assert_ok!(prove(PINNER, deal));
        assert_eq!(Pins::challenge(deal, &PINNER), None);
        run_to_epoch(3);
        assert_eq!(Pins::challenge(deal, &PINNER), None);
        assert_eq!(Pins::challenge(deal + 1, &PINNER), None);
    });
}

#[test]
fn open_deals_are_paged_whatever_was_closed() {
    run(|| {
        let deals: Vec<_> = (0..9).map(|_| open(1, 1)).collect();
        assert_ok!(close(OPENER, deals[2]));
        assert_ok!(close(OPENER, deals[8]));
        let (mut from, mut seen) = (Some(0), Vec::new());
        while let Some(start) = from {
            let page = Pins::pin_deals(start, 3);
            assert!(page.items.len() <= 3);
            seen.extend(page.items.into_iter().map(|deal| deal.id));
            from = page.next;
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 3, 4, 5, 6, 7]);
    });
}

#[test]
fn the_deals_about_an_asset_are_listed_until_they_close() {
    run(|| {
        let (asset, other) = (publish(SIZE), publish(SIZE));
        let deals = [asset, other, asset, asset].map(|asset| open_about(asset, 1, 1));
        let about = |asset| -> Vec<_> {
            let page = Pins::pin_deals_about(asset, 0, 10);
            assert_eq!(page.next, None);
            page.items.iter().map(|deal| deal.id).collect()
        };
        assert_eq!(about(asset), [deals[0], deals[2], deals[3]]);
        assert_eq!(about(other), [deals[1]]);
        assert_ok!(close(OPENER, deals[0]));
        assert_eq!(about(asset), [deals[3], deals[2]]);
        assert_ok!(close(OPENER, deals[1]));
        assert!(about(other).is_empty());
    });
}

#[test]
fn a_pinners_deals_are_listed_until_it_leaves() {
    run(|| {
        let deals: Vec<_> = (0..4).map(|_| open(2, 2)).collect();
        for deal in &deals {
            assert_ok!(join(PINNER, *deal));
        }
        assert_ok!(join(OTHER_PINNER, deals[1]));
        assert_ok!(leave(PINNER, deals[0]));
        let ids = |who| -> Vec<_> { Pins::pins_of(&who, 0, 10).items.iter().map(|pin| pin.deal).collect() };
        assert_eq!(ids(PINNER), [3, 1, 2]);
        assert_eq!(ids(OTHER_PINNER), [1]);
        // A closed deal stays in the list: the bond is still there to be fetched.
        run_to_epoch(3);
        assert!(Pins::pin(deals[3], &PINNER).unwrap().over);
        assert_ok!(close(OPENER, deals[3]));
        assert_eq!(ids(PINNER), [3, 1, 2]);
        let pin = Pins::pin(deals[3], &PINNER).unwrap();
        assert_eq!((pin.standing, pin.over), (Standing::UpToDate, true));
        assert_ok!(leave(PINNER, deals[3]));
        assert_eq!(ids(PINNER), [2, 1]);
        assert_eq!(Pins::pin(deals[3], &PINNER), None);
    });
}

#[test]
fn no_page_is_longer_than_the_bound_and_none_beyond_the_end_fails() {
    run(|| {
        for _ in 0..=MAX_PAGE {
            open(1, 1);
        }
        let page = Pins::pin_deals(0, u32::MAX);
        assert_eq!(
            (page.items.len(), page.next),
            (MAX_PAGE as usize, Some(MAX_PAGE.into()))
        );
        for from in [101, 1_000, u64::MAX] {
            let page = Pins::pin_deals(from, 10);
            assert!(page.items.is_empty() && page.next.is_none());
        }
    });
}
