//! Pages for the runtime API.

use frame_support::assert_ok;
use weft_primitives::page::MAX_PAGE;

use crate::mock::*;

#[test]
fn an_asset_shows_its_creators_endpoint_and_whether_it_is_listed() {
    run(|| {
        let id = publish(CREATOR);
        let view = Market::asset(id).unwrap();
        assert!(view.listed);
        assert_eq!((view.endpoint, view.name), (None, b"a model".to_vec()));
        assert_ok!(Market::set_endpoint(
            RuntimeOrigin::signed(CREATOR),
            Some(b"http://c".to_vec().try_into().unwrap())
        ));
        assert_ok!(Market::retire(RuntimeOrigin::signed(CREATOR), id));
        let view = Market::asset(id).unwrap();
        assert!(!view.listed);
        assert_eq!(view.endpoint, Some(b"http://c".to_vec()));
        assert_eq!(Market::asset(id + 1), None);
    });
}

#[test]
fn an_asset_shows_its_exact_root_if_it_has_one() {
    run(|| {
        let (float, exact) = (publish(CREATOR), publish_exact(CREATOR));
        assert_eq!(Market::asset(float).unwrap().exact_root, None);
        assert_eq!(Market::asset(exact).unwrap().exact_root, Some(EXACT_ROOT));
        assert_ok!(Market::retire(RuntimeOrigin::signed(CREATOR), exact));
        assert_eq!(Market::asset(exact).unwrap().exact_root, Some(EXACT_ROOT));
    });
}

#[test]
fn pages_hand_on_to_each_other_until_the_last() {
    run(|| {
        for at in 0..7 {
            publish(if at % 2 == 0 { CREATOR } else { OTHER_CREATOR });
        }
        let mut from = Some(0);
        let mut seen = Vec::new();
        while let Some(start) = from {
            let page = Market::assets(start, 3);
            assert!(page.items.len() <= 3);
            seen.extend(page.items.into_iter().map(|asset| asset.id));
            from = page.next;
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);

        let mine = Market::assets_by_creator(&OTHER_CREATOR, 0, 2);
        assert_eq!(mine.items.iter().map(|asset| asset.id).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(mine.next, Some(2));
        let rest = Market::assets_by_creator(&OTHER_CREATOR, 2, 2);
        assert_eq!(rest.items.iter().map(|asset| asset.id).collect::<Vec<_>>(), [5]);
        assert_eq!(rest.next, None);
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
