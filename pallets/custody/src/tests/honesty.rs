//! Who serves every request that the chain shows is never slashed, whatever recipients do to their rights.

use frame_support::assert_ok;
use proptest::prelude::*;
use weft_primitives::{device::EncryptionKey, page::MAX_PAGE};

use crate::{Custodians, mock::*, sample};

#[derive(Clone, Debug)]
enum Change {
    AskLicence,
    AskProvider,
    SetKey(u8),
    RotateDevice(u8),
    Leave,
    Allow(bool),
    Revoke,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::AskLicence),
        4 => Just(Change::AskProvider),
        3 => (0u8..3).prop_map(Change::SetKey),
        3 => (0u8..3).prop_map(Change::RotateDevice),
        1 => Just(Change::Leave),
        2 => any::<bool>().prop_map(Change::Allow),
        1 => Just(Change::Revoke),
    ]
}

fn key(nth: u8) -> EncryptionKey {
    sample::key_of([nth])
}

fn make(change: &Change) {
    match change {
        Change::AskLicence => drop(Custody::request_for_licence(signed(BUYER), ASSET, LICENCE)),
        Change::AskProvider => drop(Custody::request_for_provider(signed(PROVIDER), ASSET)),
        Change::SetKey(nth) => LicenceKey::set(&Some(key(*nth))),
        Change::RotateDevice(nth) => Providers::set_key(PROVIDER, key(*nth)),
        Change::Leave => Providers::leave(PROVIDER),
        Change::Allow(allows) => Market::allow(LICENCE, *allows),
        Change::Revoke => Market::revoke(LICENCE),
    }
}

/// What a custodian's daemon does when a block has come.
fn serve_all() {
    for index in 1..=3u8 {
        for request in Custody::requests_for(&custodian(index), 0, MAX_PAGE).items {
            assert_ok!(release_by(request.id, index));
        }
    }
}

fn missed() -> u32 {
    Custodians::<Test>::iter_values().map(|info| info.missed).sum()
}

#[test]
fn a_right_that_is_taken_away_and_brought_back_slashes_nobody() {
    // What a recipient does within one block, and in the last of the window.
    let flips: [(&[Change], &[Change]); 4] = [
        (
            &[
                Change::SetKey(1),
                Change::AskLicence,
                Change::SetKey(2),
                Change::AskLicence,
            ],
            &[Change::SetKey(1)],
        ),
        (&[Change::AskLicence, Change::Allow(false)], &[Change::Allow(true)]),
        (&[Change::AskProvider, Change::Leave], &[Change::RotateDevice(0)]),
        (
            &[Change::RotateDevice(0), Change::AskProvider, Change::RotateDevice(1)],
            &[Change::RotateDevice(0)],
        ),
    ];
    for (away, back) in flips {
        run(|| {
            entrust(2, 3, 3);
            Providers::set_key(PROVIDER, key(0));
            away.iter().for_each(make);
            serve_all();
            pass(RELEASE_WINDOW);
            back.iter().for_each(make);
            pass(2);
            assert_eq!(missed(), 0, "{away:?}");
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn who_serves_what_the_chain_shows_is_never_slashed(
        blocks in proptest::collection::vec((proptest::collection::vec(change(), 0..5), 1u64..12), 0..20),
    ) {
        run(|| {
            entrust(2, 3, 3);
            for (changes, until_next) in &blocks {
                changes.iter().for_each(make);
                serve_all();
                pass(*until_next);
                assert_eq!(missed(), 0);
            }
            pass(RELEASE_WINDOW + DISPUTE_WINDOW + 2);
            assert_eq!(missed(), 0);
        });
    }
}
