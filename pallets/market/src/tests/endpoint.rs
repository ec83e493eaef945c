//! `set_endpoint`.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchResult, TokenError};

use crate::{Endpoints, Error, Event, UrlOf, mock::*};

fn url(text: &str) -> UrlOf<Test> {
    text.as_bytes().to_vec().try_into().unwrap()
}

fn set(who: u64, text: &str) -> DispatchResult {
    Market::set_endpoint(RuntimeOrigin::signed(who), Some(url(text)))
}

#[test]
fn an_endpoint_is_paid_for_while_it_is_set() {
    run(|| {
        assert_ok!(set(CREATOR, "http://a"));
        assert_eq!(balances(CREATOR).0, ENDPOINT_DEPOSIT);
        assert_ok!(set(CREATOR, "http://b"));
        assert_eq!(balances(CREATOR).0, ENDPOINT_DEPOSIT);
        assert_eq!(Endpoints::<Test>::get(CREATOR).unwrap().url, url("http://b"));
        System::assert_last_event(
            Event::EndpointSet {
                creator: CREATOR,
                url: url("http://b"),
            }
            .into(),
        );
        let remove = || Market::set_endpoint(RuntimeOrigin::signed(CREATOR), None);
        assert_ok!(remove());
        System::assert_last_event(Event::EndpointRemoved { creator: CREATOR }.into());
        assert_eq!(balances(CREATOR), (0, FUNDS));
        assert_noop!(remove(), Error::<Test>::NoEndpoint);
    });
}

#[test]
fn an_endpoint_is_visible_ascii_and_its_deposit_is_needed() {
    run(|| {
        assert_noop!(set(CREATOR, ""), Error::<Test>::InvalidEndpoint);
        assert_noop!(set(CREATOR, "http://a b"), Error::<Test>::InvalidEndpoint);
        assert_noop!(set(CREATOR, "http://\u{1b}[2J"), Error::<Test>::InvalidEndpoint);
        assert_noop!(set(PAUPER, "http://a"), TokenError::FundsUnavailable);
        assert!(UrlOf::<Test>::try_from(vec![b'a'; 129]).is_err());
    });
}
