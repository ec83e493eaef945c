//! What a call reads and writes is the same however much there is on the market.

use std::collections::BTreeMap;

use frame_support::{assert_ok, traits::fungible::Mutate};
use sp_runtime::DispatchResult;
use weft_primitives::{asset::Flaw, licence::Term, rating::PaidUse};

use crate::mock::*;

/// Accounts of buyers of whom there are many.
const FIRST_BUYER: u64 = 1_000;
const RICH: u128 = 1 << 80;

/// A market with so many works of one owner, with the same tags and prices, and a tenth as many licences, ratings and
/// grants of the first of them.
fn market_of(works: u64) -> sp_io::TestExternalities {
    let mut ext = new_test_ext();
    ext.execute_with(|| {
        for who in [CREATOR, OTHER_CREATOR, BUYER, OTHER_BUYER] {
            Balances::mint_into(&who, RICH).unwrap();
        }
        let base = publish(OTHER_CREATOR);
        for _ in 0..works {
            publish_as(
                CREATOR,
                model_from(&[(base, 1_000)]),
                &["chat", "small"],
                &[PER_USE, ONCE],
            );
        }
        for nth in 0..works / 10 {
            let buyer = FIRST_BUYER + nth;
            Balances::mint_into(&buyer, RICH).unwrap();
            let licence = licensed(buyer, 1, PER_USE, 1);
            assert_ok!(rated(buyer, 1, 3, licence));
            Providers::set_key(buyer % 8, key_of(1));
            assert_ok!(grant(CREATOR, 1, buyer % 8, 1));
        }
        Custodians::entrust(1);
        System::reset_events();
    });
    ext.commit_all().unwrap();
    ext
}

fn rated(who: u64, work: u64, stars: u8, licence: u64) -> DispatchResult {
    Market::rate(RuntimeOrigin::signed(who), work, stars, None, PaidUse::Licence(licence))
}

/// The storage items that a call reads and those that it writes, in a state that it leaves to the next one.
fn accesses(ext: &mut sp_io::TestExternalities, call: impl FnOnce() -> DispatchResult) -> (usize, usize) {
    let recorder = Default::default();
    let result = ext.execute_with_recorder(Clone::clone(&recorder), call);
    assert_ok!(result);
    let read = recorder.recorded_keys().values().map(|keys| keys.len()).sum();
    let written = ext.overlayed_changes().changes().count();
    ext.commit_all().unwrap();
    (read, written)
}

/// Every call on works in the middle of a market of so many, one after the other.
fn every_call(works: u64) -> BTreeMap<&'static str, (usize, usize)> {
    let mut ext = market_of(works);
    let signed = RuntimeOrigin::signed;
    let (work, next) = (1 + works / 2, 1 + works);
    let licence = works / 10;
    let mut all = BTreeMap::new();
    let mut measure = |name, call: &dyn Fn() -> DispatchResult| {
        let earlier = all.insert(name, accesses(&mut ext, call));
        assert_eq!(earlier, None);
    };
    measure("publish", &|| {
        try_publish(
            OTHER_CREATOR,
            model_from(&[(work, 1_000)]),
            &["chat", "small"],
            &[PER_USE],
        )
    });
    measure("release", &|| Market::release(signed(CREATOR), work, model()));
    measure("set_tags", &|| {
        Market::set_tags(signed(CREATOR), work, tags(&["small", "fast"]))
    });
    measure("set_tariffs", &|| {
        let dear = tariff(Term::Once, 1 << 40);
        Market::set_tariffs(signed(CREATOR), work, tariffs(&[dear, ONCE, PER_USE]))
    });
    measure("grant_key", &|| grant(CREATOR, work, PROVIDER, 1));
    measure("buy", &|| buy(BUYER, work, PER_USE, 3));
    measure("buy more", &|| buy(BUYER, work, PER_USE, 3));
    measure("buy of the busiest", &|| buy(BUYER, 1, PER_USE, 3));
    measure("take and return a use", &|| {
        Market::do_take_use(work, &BUYER).unwrap();
        Market::do_return_use(licence);
        Ok(())
    });
    measure("set_licence_key", &|| {
        Market::set_licence_key(signed(BUYER), licence, key_of(7))
    });
    measure("rate", &|| rated(BUYER, work, 5, licence));
    measure("rate the busiest", &|| rated(BUYER, 1, 3, licence + 1));
    measure("remove_rating", &|| Market::remove_rating(signed(BUYER), work));
    measure("remove_rating of the busiest", &|| {
        Market::remove_rating(signed(FIRST_BUYER), 1)
    });
    measure("attest", &|| Market::attest(signed(BUYER), work, 100, content(1)));
    measure("report", &|| {
        Market::report(signed(OTHER_BUYER), work, Flaw::Other, content(1))
    });
    measure("resolve_report", &|| {
        Market::resolve_report(RuntimeOrigin::root(), work, OTHER_BUYER, true)
    });
    measure("offer_transfer", &|| {
        Market::offer_transfer(signed(CREATOR), 1, Some(OTHER_BUYER))
    });
    measure("accept_transfer of the busiest", &|| {
        Market::accept_transfer(signed(OTHER_BUYER), 1)
    });
    measure("revoke_key", &|| Market::revoke_key(signed(CREATOR), work, PROVIDER));
    measure("revoke_licence", &|| Market::revoke_licence(signed(CREATOR), licence));
    measure("close_licence", &|| Market::close_licence(signed(BUYER), licence));
    measure("retire", &|| retire(CREATOR, next - 2));
    measure("set_endpoint", &|| {
        Market::set_endpoint(signed(CREATOR), Some(b"http://a".to_vec().try_into().unwrap()))
    });
    measure("remove an endpoint", &|| Market::set_endpoint(signed(CREATOR), None));
    measure("request_key", &|| Market::request_key(signed(FIRST_BUYER + 1), 1, 1));
    measure("attest the busiest", &|| {
        Market::attest(signed(BUYER), 1, 100, content(1))
    });
    measure("report the busiest", &|| {
        Market::report(signed(CREATOR), 1, Flaw::Other, content(1))
    });
    measure("withdraw_attestation", &|| {
        wait(1_000);
        Market::withdraw_attestation(signed(BUYER), 1)
    });
    measure("expire_report", &|| Market::expire_report(signed(BUYER), 1, CREATOR));
    all
}

#[test]
fn calls_cost_the_same_at_ten_and_at_twenty_thousand_works() {
    let (few, many) = (every_call(20), every_call(20_000));
    for (call, accesses) in &few {
        assert!(accesses.0 > 0 && accesses.1 > 0, "{call}: {accesses:?}");
    }
    assert_eq!(few, many);
}
