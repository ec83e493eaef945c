//! Pages for the runtime API.

use frame_support::assert_ok;
use weft_primitives::page::{MAX_PAGE, Page};

use crate::{PublicationOf, listing::LOOKED_BACK, mock::*};

/// The numbers on all pages, each of at most `limit`.
fn all<Item>(limit: u32, page: impl Fn(u64, u32) -> Page<Item>, id: impl Fn(&Item) -> u64) -> Vec<u64> {
    let (mut from, mut seen) = (Some(0), Vec::new());
    while let Some(start) = from {
        let page = page(start, limit);
        assert!(page.items.len() as u32 <= limit);
        seen.extend(page.items.iter().map(&id));
        from = page.next;
    }
    seen
}

#[test]
fn an_asset_shows_its_owners_endpoint_and_whether_it_is_listed() {
    run(|| {
        let id = publish(CREATOR);
        let view = Market::asset(id).unwrap();
        assert!(view.listed && !view.needs_licence);
        assert_eq!((view.endpoint, view.name), (None, b"a model".to_vec()));
        assert_eq!((view.work, view.version, view.creator), (id, 1, CREATOR));
        assert_ok!(Market::set_endpoint(
            RuntimeOrigin::signed(CREATOR),
            Some(b"http://c".to_vec().try_into().unwrap())
        ));
        assert_ok!(retire(CREATOR, id));
        let view = Market::asset(id).unwrap();
        assert!(!view.listed);
        assert_eq!(view.endpoint, Some(b"http://c".to_vec()));
        transfer(id, CREATOR, BUYER);
        let view = Market::asset(id).unwrap();
        assert_eq!((view.creator, view.endpoint), (BUYER, None));
        assert_eq!(Market::asset(id + 1), None);
    });
}

#[test]
fn an_asset_shows_its_exact_root_if_it_has_one() {
    run(|| {
        let (float, exact) = (publish(CREATOR), publish_exact(CREATOR));
        assert_eq!(Market::asset(float).unwrap().exact_root, None);
        assert_eq!(Market::asset(exact).unwrap().exact_root, Some(EXACT_ROOT));
        assert_ok!(retire(CREATOR, exact));
        assert_eq!(Market::asset(exact).unwrap().exact_root, Some(EXACT_ROOT));
    });
}

#[test]
fn pages_hand_on_to_each_other_until_the_last() {
    run(|| {
        for at in 0..7 {
            publish(if at % 2 == 0 { CREATOR } else { OTHER_CREATOR });
        }
        assert_eq!(all(3, Market::assets, |asset| asset.id), [0, 1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn an_owners_assets_are_those_they_own_now_in_all_versions() {
    run(|| {
        for _ in 0..3 {
            publish(CREATOR);
        }
        publish(OTHER_CREATOR);
        for work in [0, 2, 2] {
            release(CREATOR, work);
        }
        let owned = |who, limit| {
            let page = |from, limit| Market::assets_by_creator(&who, from, limit);
            all(limit, page, |asset| asset.id)
        };
        for limit in 1..8 {
            assert_eq!(owned(CREATOR, limit), [2, 5, 6, 1, 0, 4]);
        }
        transfer(2, CREATOR, OTHER_CREATOR);
        assert_eq!(owned(CREATOR, 2), [1, 0, 4]);
        assert_eq!(owned(OTHER_CREATOR, 2), [3, 2, 5, 6]);
        for odd in [1, 77, u64::MAX] {
            Market::assets_by_creator(&CREATOR, odd, 10);
        }
    });
}

#[test]
fn a_works_versions_are_listed_from_the_first() {
    run(|| {
        let work = publish(CREATOR);
        publish(CREATOR);
        release(CREATOR, work);
        release(CREATOR, work);
        let versions = all(2, |from, limit| Market::versions(work, from, limit), |asset| asset.id);
        assert_eq!(versions, [0, 2, 3]);
        assert!(Market::versions(2, 0, 10).items.is_empty());
    });
}

#[test]
fn an_accounts_licences_are_listed_in_the_order_of_purchase() {
    run(|| {
        for at in 0..6 {
            let asset = publish_priced(CREATOR);
            let buyer = if at == 2 { OTHER_BUYER } else { BUYER };
            licensed(buyer, asset, PER_USE, 1);
        }
        let held = |who| {
            let page = |from, limit| Market::licences_of(&who, from, limit);
            all(2, page, |licence| licence.id)
        };
        assert_eq!(held(BUYER), [0, 1, 3, 4, 5]);
        assert_ok!(Market::close_licence(RuntimeOrigin::signed(BUYER), 3));
        assert_eq!(held(BUYER), [0, 1, 4, 5]);
        assert_eq!(held(OTHER_BUYER), [2]);
        assert!(held(CREATOR).is_empty());
        assert_eq!(Market::licence_of(2, &OTHER_BUYER).unwrap().id, 2);
        assert_eq!(Market::licence_of(2, &BUYER), None);
        assert_eq!(Market::licence_view(3), None);
        assert!(Market::licences_of(&BUYER, u64::MAX, 10).items.is_empty());
    });
}

#[test]
fn no_page_is_longer_than_the_bound_and_none_beyond_the_end_fails() {
    run(|| {
        for at in 0..=MAX_PAGE {
            publish(if at < 60 { CREATOR } else { OTHER_CREATOR });
        }
        let page = Market::assets(0, u32::MAX);
        assert_eq!(page.items.len(), MAX_PAGE as usize);
        assert_eq!(page.next, Some(MAX_PAGE.into()));
        for from in [101, 1_000, u64::MAX] {
            let page = Market::assets(from, 10);
            assert!(page.items.is_empty() && page.next.is_none());
        }
    });
}

#[test]
fn a_work_shows_its_newest_version_that_is_not_retired() {
    run(|| {
        let work = publish(CREATOR);
        let named = |name: &[u8]| PublicationOf::<Test> {
            name: name.to_vec().try_into().unwrap(),
            ..model()
        };
        assert_ok!(Market::release(RuntimeOrigin::signed(CREATOR), work, named(b"second")));
        assert_ok!(Market::release(RuntimeOrigin::signed(CREATOR), work, named(b"third")));
        let shown = || {
            let work = Market::work(work).unwrap();
            (work.latest, String::from_utf8(work.name).unwrap())
        };
        assert_ok!(Market::attest(RuntimeOrigin::signed(BUYER), work + 1, 100, content(1)));
        assert_eq!(shown(), (work + 2, "third".into()));
        assert_ok!(retire(CREATOR, work + 2));
        assert_eq!(shown(), (work + 1, "second".into()));
        assert_eq!(Market::work(work).unwrap().attestations, 1, "of what is shown");
        assert_ok!(retire(CREATOR, work));
        assert_eq!(shown().0, work + 1);
        assert_ok!(retire(CREATOR, work + 1));
        assert_eq!(shown().0, work + 2, "the newest, once all are retired");
    });
}

#[test]
fn only_so_many_retired_versions_are_looked_at_for_a_page() {
    run(|| {
        let work = publish(CREATOR);
        for _ in 0..LOOKED_BACK {
            let newer = release(CREATOR, work);
            assert_ok!(retire(CREATOR, newer));
        }
        let shown = Market::work(work).unwrap();
        assert!(shown.listed);
        assert_eq!(shown.latest, work + u64::from(LOOKED_BACK), "the newest");
    });
}
