//! `search`: what is found, in which order, and how much is looked at for it.

use frame_support::assert_ok;
use proptest::prelude::*;
use weft_primitives::{
    AssetKind, Currency,
    discovery::{Order, Query},
    licence::Tariff,
    market_view::WorkView,
    page::MAX_PAGE,
    rating::PaidUse,
};

use crate::{PublicationOf, mock::*};

/// All that is found, page by page.
fn all_pages(query: &Query<u64>, limit: u32) -> Vec<WorkView<u64>> {
    let (mut from, mut found) = (Some(0), Vec::new());
    while let Some(start) = from {
        let page = Market::search(query.clone(), start, limit);
        assert!(page.items.len() as u32 <= limit.clamp(1, MAX_PAGE));
        found.extend(page.items);
        assert_ne!(page.next, from, "a page leads to itself");
        from = page.next;
    }
    found
}

fn ids(query: Query<u64>) -> Vec<u64> {
    let found: Vec<_> = all_pages(&query, 2).into_iter().map(|work| work.id).collect();
    let at_once: Vec<_> = all_pages(&query, MAX_PAGE).into_iter().map(|work| work.id).collect();
    assert_eq!(found, at_once, "however it is paged");
    found
}

fn by(order: Order) -> Query<u64> {
    Query {
        order,
        ..Default::default()
    }
}

fn priced(price: u128) -> Tariff {
    Tariff { price, ..ONCE }
}

fn of_kind(kind: AssetKind) -> PublicationOf<Test> {
    PublicationOf::<Test> { kind, ..model() }
}

fn rate(who: u64, work: u64, stars: u8) {
    PaidJobs::paid(work, who, work);
    let proof = PaidUse::Job(work);
    assert_ok!(Market::rate(RuntimeOrigin::signed(who), work, stars, None, proof));
}

/// Five works: 0 free, 1 for 100, 2 for 10 and 1,000, 3 in tokens only, 4 for 1,000.
fn market() {
    let in_tokens = Tariff {
        currency: Currency::Token(STABLE),
        ..priced(1)
    };
    publish_as(CREATOR, of_kind(AssetKind::TextModel), &["chat"], &[]);
    publish_as(
        OTHER_CREATOR,
        of_kind(AssetKind::Dataset),
        &["chat", "small"],
        &[priced(100)],
    );
    publish_as(
        CREATOR,
        of_kind(AssetKind::ImageModel),
        &["small"],
        &[priced(1_000), priced(10)],
    );
    publish_as(CREATOR, of_kind(AssetKind::TextModel), &[], &[in_tokens]);
    publish_as(
        OTHER_CREATOR,
        of_kind(AssetKind::TextModel),
        &["chat"],
        &[priced(1_000)],
    );
}

#[test]
fn each_condition_narrows_and_they_go_together() {
    run(|| {
        market();
        let all = Query::<u64>::default;
        assert_eq!(ids(all()), [4, 3, 2, 1, 0]);
        let text = Some(AssetKind::TextModel);
        assert_eq!(ids(Query { kind: text, ..all() }), [4, 3, 0]);
        let chat = Some(b"chat".to_vec());
        assert_eq!(
            ids(Query {
                tag: chat.clone(),
                ..all()
            }),
            [4, 1, 0]
        );
        assert_eq!(
            ids(Query {
                owner: Some(CREATOR),
                ..all()
            }),
            [3, 2, 0]
        );
        assert_eq!(
            ids(Query {
                max_price: Some(100),
                ..all()
            }),
            [2, 1, 0]
        );
        assert_eq!(
            ids(Query {
                max_price: Some(0),
                ..all()
            }),
            [0]
        );
        let several = Query {
            kind: text,
            tag: chat,
            owner: Some(OTHER_CREATOR),
            ..all()
        };
        assert_eq!(ids(several), [4]);
        for none in [&b"cha"[..], b"", b"Chat", &[b'a'; 100]] {
            assert!(
                ids(Query {
                    tag: Some(none.to_vec()),
                    ..all()
                })
                .is_empty()
            );
        }
    });
}

#[test]
fn the_cheapest_come_first_and_those_without_native_price_last() {
    run(|| {
        market();
        assert_eq!(ids(by(Order::Price)), [0, 2, 1, 4, 3]);
        assert_ok!(Market::set_tariffs(
            RuntimeOrigin::signed(CREATOR),
            0,
            tariffs(&[priced(1_000_000)])
        ));
        assert_eq!(ids(by(Order::Price)), [2, 1, 4, 0, 3]);
    });
}

#[test]
fn the_best_rated_come_first_and_the_unrated_last() {
    run(|| {
        market();
        rate(BUYER, 1, 5);
        rate(BUYER, 3, 2);
        rate(OTHER_BUYER, 3, 3);
        assert_eq!(ids(by(Order::Rating)), [1, 3, 4, 2, 0]);
        let least = |min_rating| Query {
            min_rating: Some(min_rating),
            ..by(Order::Rating)
        };
        assert_eq!(ids(least(250)), [1, 3]);
        assert_eq!(ids(least(251)), [1]);
        assert!(ids(least(501)).is_empty());
        assert_ok!(Market::remove_rating(RuntimeOrigin::signed(BUYER), 1));
        assert_eq!(ids(by(Order::Rating)), [3, 4, 2, 1, 0]);
    });
}

#[test]
fn what_is_retired_is_not_found_until_it_is_released_anew() {
    run(|| {
        market();
        assert_ok!(retire(CREATOR, 2));
        assert_eq!(ids(Query::default()), [4, 3, 1, 0]);
        let mine = Query {
            owner: Some(CREATOR),
            ..Default::default()
        };
        assert_eq!(ids(mine), [3, 0]);
        let again = of_kind(AssetKind::ImageModel);
        assert_ok!(Market::release(RuntimeOrigin::signed(CREATOR), 2, again));
        assert_eq!(ids(Query::default()), [4, 3, 2, 1, 0], "where it was");
        let found = Market::search(Query::default(), 0, 10);
        assert_eq!(found.items[2].latest, 5);
    });
}

#[test]
fn a_work_is_found_under_its_new_owner_and_tags() {
    run(|| {
        market();
        transfer(0, CREATOR, BUYER);
        assert_ok!(Market::set_tags(RuntimeOrigin::signed(BUYER), 0, tags(&["fast"])));
        let of = |owner| Query {
            owner: Some(owner),
            ..Default::default()
        };
        let with = |tag: &[u8]| Query {
            tag: Some(tag.to_vec()),
            ..Default::default()
        };
        assert_eq!(ids(of(BUYER)), [0]);
        assert_eq!(ids(of(CREATOR)), [3, 2]);
        assert_eq!(ids(with(b"fast")), [0]);
        assert_eq!(ids(with(b"chat")), [4, 1]);
    });
}

#[test]
fn a_page_looks_at_a_page_of_works_and_says_that_there_are_more() {
    run(|| {
        publish_as(CREATOR, dataset(), &[], &[priced(7)]);
        for nth in 0..250u128 {
            publish_as(CREATOR, model(), &["chat"], &[priced(1 << (nth % 60))]);
        }
        // One in 251, and no section that is narrower than all the owner's.
        for order in [Order::Newest, Order::Price, Order::Rating] {
            let query = Query {
                owner: Some(CREATOR),
                max_price: Some(7),
                min_rating: None,
                ..by(order)
            };
            let (mut pages, mut found) = (0, Vec::new());
            let mut from = Some(0);
            while let Some(start) = from {
                let page = Market::search(query.clone(), start, 1);
                found.extend(page.items.into_iter().map(|work| work.id));
                pages += 1;
                from = page.next;
            }
            assert!(found.contains(&0), "{order:?}");
            assert!(pages >= 3, "{order:?} looked at too much a page");
        }
        // A narrow section is sorted whole.
        let datasets = Query {
            kind: Some(AssetKind::Dataset),
            ..by(Order::Price)
        };
        let page = Market::search(datasets, 0, 10);
        assert_eq!((page.items[0].id, page.next), (0, None));
        let cheapest_first = all_pages(&by(Order::Price), 33);
        assert_eq!(cheapest_first.len(), 251);
        let prices: Vec<_> = cheapest_first.iter().map(|work| work.tariffs[0].price).collect();
        assert!(prices.is_sorted());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pages_show_each_work_once_and_no_cursor_is_too_odd(
        prices in proptest::collection::vec(proptest::option::of(0u128..1_000), 0..140),
        limit in 1u32..120, order in 0u8..3, max_price in proptest::option::of(0u128..1_000), odd: u64,
    ) {
        run(|| {
            for price in &prices {
                let all: Vec<_> = price.map(priced).into_iter().collect();
                publish_as(CREATOR, model(), &["chat"], &all);
            }
            let order = [Order::Newest, Order::Price, Order::Rating][usize::from(order)];
            let query = Query { max_price, ..by(order) };
            let mut found: Vec<_> = all_pages(&query, limit).into_iter().map(|work| work.id).collect();
            found.sort_unstable();
            let expected: Vec<_> = (0..prices.len() as u64)
                .filter(|id| max_price.is_none_or(|most| prices[*id as usize].unwrap_or(0) <= most))
                .collect();
            assert_eq!(found, expected);
            Market::search(query, odd, limit);
        });
    }
}
