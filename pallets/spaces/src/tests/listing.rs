//! Answers of the runtime API.

use frame_support::assert_ok;
use weft_primitives::{
    Currency,
    page::MAX_PAGE,
    space::{Category, Grievance, PaidUse},
    space_view::{SpaceQuery, SpaceStatus},
};

use crate::mock::*;

type Query = SpaceQuery<u64>;

/// All that is found, page by page.
fn found(query: &Query, limit: u32) -> Vec<u64> {
    let (mut from, mut seen) = (Some(0), Vec::new());
    while let Some(start) = from {
        let page = Store::spaces(query.clone(), start, limit);
        assert!(page.items.len() <= limit as usize);
        seen.extend(page.items.into_iter().map(|space| space.id));
        from = page.next;
    }
    seen
}

fn in_category(owner: u64, category: Category) -> u64 {
    publish_in(owner, category, &[], Currency::Native, 100)
}

/// Has a Space rated by as many buyers as stars are given.
fn rated(space: u64, stars: &[u8]) {
    for (who, stars) in [BUYER, OTHER_BUYER, CREATOR].into_iter().zip(stars) {
        assert_ok!(buy(who, space));
        assert_ok!(rate(who, space, *stars, PaidUse::Bought));
    }
}

#[test]
fn a_space_shows_all_there_is_to_know() {
    run(|| {
        let space = publish();
        rated(space, &[5, 4]);
        let view = Store::space(space).unwrap();
        assert_eq!((view.owner, view.title.as_slice()), (OWNER, &b"A Space"[..]));
        assert_eq!((view.status, view.category), (SpaceStatus::Listed, Category::Chat));
        assert_eq!((view.ratings, view.mean_hundredths, view.purchases), (2, 450, 2));
        assert_eq!((view.price, view.currency), (PRICE, Currency::Native));
        assert_eq!(view.calls[0].share, ASSETS_SHARE);
        assert_eq!((view.latest.number, view.latest.version.as_slice()), (0, &b"0.1"[..]));
        assert_eq!((view.featured, view.open_reports, view.offered_to), (false, 0, None));
        assert_eq!(Store::space(space + 1), None);
        assert_eq!(Store::purchase(space, &OWNER), None);
    });
}

#[test]
fn the_best_rated_come_first_and_the_least_can_be_said() {
    run(|| {
        let spaces: Vec<_> = (0..5).map(|_| in_category(OWNER, Category::Games)).collect();
        rated(spaces[0], &[2]);
        rated(spaces[2], &[5, 5]);
        rated(spaces[3], &[4, 4]);
        rated(spaces[4], &[4, 3]);
        for limit in [1, 2, 100] {
            assert_eq!(found(&Query::default(), limit), [2, 3, 4, 0, 1]);
            let rated_with = |min_rating| Query {
                min_rating,
                ..Query::default()
            };
            assert_eq!(found(&rated_with(1), limit), [2, 3, 4, 0]);
            assert_eq!(found(&rated_with(3), limit), [2, 3, 4]);
            assert_eq!(found(&rated_with(4), limit), [2, 3]);
            assert_eq!(found(&rated_with(5), limit), [2]);
            assert!(found(&rated_with(6), limit).is_empty());
            assert!(found(&rated_with(u8::MAX), limit).is_empty());
        }
        // A worse rating more moves it.
        assert_ok!(buy(CREATOR, spaces[2]));
        assert_ok!(rate(CREATOR, spaces[2], 1, PaidUse::Bought));
        assert_eq!(found(&Query::default(), 100)[0], 3);
    });
}

#[test]
fn categories_owners_and_features_narrow_the_search() {
    run(|| {
        let chat = in_category(OWNER, Category::Chat);
        let games = in_category(OWNER, Category::Games);
        let others = in_category(BUYER, Category::Chat);
        rated(chat, &[4]);
        let by = |category, owner, min_rating, featured| {
            found(
                &Query {
                    category,
                    owner,
                    min_rating,
                    featured,
                },
                10,
            )
        };
        assert_eq!(by(Some(Category::Chat), None, 0, false), [chat, others]);
        assert_eq!(by(Some(Category::Chat), None, 4, false), [chat]);
        assert!(by(Some(Category::Code), None, 0, false).is_empty());
        assert_eq!(by(None, Some(OWNER), 0, false), [chat, games]);
        assert_eq!(by(Some(Category::Games), Some(OWNER), 0, false), [games]);
        assert_eq!(by(None, Some(OWNER), 3, false), [chat]);
        assert!(by(None, Some(PAUPER), 0, false).is_empty());
        for space in [others, chat] {
            assert_ok!(Store::feature(RuntimeOrigin::root(), space, true));
        }
        assert_eq!(by(None, None, 0, true), [others, chat]);
        assert_eq!(by(None, Some(OWNER), 0, true), [chat]);
        assert_eq!(by(Some(Category::Games), None, 0, true), Vec::<u64>::new());
        assert_eq!(by(None, None, 4, true), [chat]);
    });
}

#[test]
fn what_is_not_listed_is_found_by_its_owner_alone() {
    run(|| {
        let (kept, retired, down) = (publish(), publish(), publish());
        assert_ok!(Store::retire(RuntimeOrigin::signed(OWNER), retired));
        assert_ok!(Store::take_down(RuntimeOrigin::root(), down, Grievance::Illegal));
        assert_eq!(found(&Query::default(), 10), [kept]);
        let owned = Query {
            owner: Some(OWNER),
            ..Query::default()
        };
        assert_eq!(found(&owned, 10), [kept, retired, down]);
        assert_ok!(Store::restore(RuntimeOrigin::root(), down));
        assert_eq!(found(&Query::default(), 10), [kept, down]);
        // A new owner finds it, the old one does not.
        assert_ok!(Store::offer_transfer(
            RuntimeOrigin::signed(OWNER),
            retired,
            Some(BUYER)
        ));
        assert_ok!(Store::accept_transfer(RuntimeOrigin::signed(BUYER), retired));
        assert_eq!(found(&owned, 10), [kept, down]);
    });
}

#[test]
fn reviews_are_paged_and_leave_no_gaps() {
    run(|| {
        let space = publish();
        rated(space, &[5, 4, 3]);
        let all = |limit| {
            let (mut from, mut seen) = (Some(0), Vec::new());
            while let Some(start) = from {
                let page = Store::reviews(space, start, limit);
                seen.extend(page.items.iter().map(|review| (review.by, review.stars)));
                from = page.next;
            }
            seen
        };
        assert_eq!(all(2), [(BUYER, 5), (OTHER_BUYER, 4), (CREATOR, 3)]);
        assert_ok!(Store::withdraw_rating(RuntimeOrigin::signed(BUYER), space));
        assert_eq!(all(1), [(CREATOR, 3), (OTHER_BUYER, 4)]);
        assert!(Store::reviews(9, 0, 10).items.is_empty());
        assert!(Store::releases(9, 0, 10).items.is_empty());
        assert!(Store::releases(space, u64::MAX, 10).items.is_empty());
    });
}

#[test]
fn no_page_is_longer_than_the_bound() {
    run(|| {
        for _ in 0..=MAX_PAGE {
            in_category(OWNER, Category::Tools);
        }
        for query in [
            Query::default(),
            Query {
                owner: Some(OWNER),
                ..Query::default()
            },
        ] {
            let page = Store::spaces(query, 0, u32::MAX);
            assert_eq!(
                (page.items.len(), page.next),
                (MAX_PAGE as usize, Some(MAX_PAGE.into()))
            );
        }
        for from in [101, 1_000, u64::MAX] {
            let page = Store::spaces(Query::default(), from, 10);
            assert!(page.items.is_empty() && page.next.is_none());
        }
    });
}
