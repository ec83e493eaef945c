//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use frame_support::traits::fungible::Inspect;
use proptest::prelude::*;

use crate::{Custodies, Dealings, Deals, NextRequest, Phase, Releases, Requests, mock::*, sample};

#[derive(Clone, Debug)]
enum Op {
    Register(u64),
    Deregister(u64),
    Available(u64, bool),
    Stake(u64, bool),
    Open(u8, u8),
    Deal { key: bool, bad: Option<usize> },
    DisputeDeal(u8),
    WrongKey,
    Close(u64),
    AskLicence,
    AskProvider,
    Release { request: u64, index: u8, forged: bool },
    Dispute { request: u64, index: u8 },
    Revoke,
    Allow(bool),
    SetKey(bool),
    ProviderStays(bool),
    Rotate,
    Reshare { index: u8, bad: Option<usize> },
    DisputeReshare(u8, u8),
    Finish,
    Dissolve,
    Forget,
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let who = FIRST_CUSTODIAN..FIRST_CUSTODIAN + 6;
    let index = 1u8..4;
    let bad = || proptest::option::weighted(0.3, 0usize..3);
    prop_oneof![
        4 => who.clone().prop_map(Op::Register),
        1 => who.clone().prop_map(Op::Deregister),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, available)| Op::Available(who, available)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, more)| Op::Stake(who, more)),
        3 => (2u8..3, 2u8..4).prop_map(|(threshold, custodians)| Op::Open(threshold, custodians)),
        4 => (any::<bool>(), bad()).prop_map(|(key, bad)| Op::Deal { key, bad }),
        1 => index.clone().prop_map(Op::DisputeDeal),
        1 => Just(Op::WrongKey),
        1 => prop_oneof![Just(SELLER), Just(STRANGER)].prop_map(Op::Close),
        4 => Just(Op::AskLicence),
        4 => Just(Op::AskProvider),
        8 => (0u64..4, index.clone(), prop::bool::weighted(0.2))
            .prop_map(|(request, index, forged)| Op::Release { request, index, forged }),
        3 => (0u64..4, index.clone()).prop_map(|(request, index)| Op::Dispute { request, index }),
        1 => Just(Op::Revoke),
        1 => any::<bool>().prop_map(Op::Allow),
        1 => any::<bool>().prop_map(Op::SetKey),
        1 => any::<bool>().prop_map(Op::ProviderStays),
        2 => Just(Op::Rotate),
        5 => (index.clone(), bad()).prop_map(|(index, bad)| Op::Reshare { index, bad }),
        2 => (index.clone(), index).prop_map(|(dealer, index)| Op::DisputeReshare(dealer, index)),
        2 => Just(Op::Finish),
        1 => Just(Op::Dissolve),
        1 => Just(Op::Forget),
        6 => (1u64..8).prop_map(Op::Pass),
    ]
}

/// Refusals are part of the game; what they leave behind is what is looked at.
fn either_way<R>(_: R) {}

fn apply(op: Op) {
    let present = Custodies::<Test>::get(ASSET);
    // A request from the latest on.
    let latest = |back: u64| NextRequest::<Test>::get().checked_sub(back + 1);
    match op {
        Op::Register(who) => either_way(register(who)),
        Op::Deregister(who) => either_way(Custody::deregister(signed(who))),
        Op::Available(who, available) => either_way(Custody::set_available(signed(who), available)),
        Op::Stake(who, true) => either_way(Custody::bond(signed(who), 150)),
        Op::Stake(who, false) => either_way(Custody::unbond(signed(who), 40)),
        Op::Open(threshold, custodians) => either_way(open(threshold, custodians)),
        Op::Deal { key, bad } => {
            if present.is_some_and(|custody| matches!(custody.phase, Phase::Drawn { .. })) {
                let key = if key { sample::CONTENT_KEY } else { [0xBB; 32] };
                let (mut deal, envelope) = sample::seller_deal::<Test>(ASSET, key);
                if let Some(wrapped) = bad.and_then(|place| deal.wrapped.get_mut(place)) {
                    wrapped[70] ^= 1;
                }
                either_way(submit_deal(ASSET, deal, envelope));
            }
        }
        Op::DisputeDeal(index) => {
            if let Some(custody) =
                present.filter(|custody| Deals::<Test>::contains_key(custody.dealing, 0) && index <= custody.custodians)
                && let Ok(evidence) = sample::accuse_deal::<Test>(ASSET, custody.dealing, 0, index)
            {
                Custody::dispute_deal(signed(STRANGER), ASSET, index, evidence).unwrap();
            }
        }
        Op::WrongKey => {
            if let Some(custody) = present {
                let secret = *sample::shared_secret(custody.opened).to_bytes();
                either_way(Custody::report_wrong_key(signed(STRANGER), ASSET, secret));
            }
        }
        Op::Close(who) => either_way(Custody::close(signed(who), ASSET)),
        Op::AskLicence => either_way(Custody::request_for_licence(signed(BUYER), ASSET, LICENCE)),
        Op::AskProvider => either_way(Custody::request_for_provider(signed(PROVIDER), ASSET)),
        Op::Release { request, index, forged } => {
            let Some(request) = latest(request) else { return };
            let Some(dealing) = Requests::<Test>::get(request).map(|request| request.dealing) else {
                return;
            };
            if index <= committee(dealing).len() as u8 {
                if forged {
                    either_way(forge_by(request, index));
                } else if Custodies::<Test>::get(ASSET).is_some_and(|custody| {
                    Dealings::<Test>::get(dealing).is_some_and(|dealing| dealing.opened == custody.opened)
                }) && sample_opens(dealing, index)
                {
                    either_way(release_by(request, index));
                }
            }
        }
        Op::Dispute { request, index } => {
            let Some(request) = latest(request).filter(|id| Releases::<Test>::contains_key(id, index)) else {
                return;
            };
            let account = Requests::<Test>::get(request).unwrap().account;
            if let Ok(evidence) = sample::accuse_release::<Test>(request, index, sample::secret_of(account)) {
                either_way(dispute(request, index, evidence));
            }
        }
        Op::Revoke => Market::revoke(LICENCE),
        Op::Allow(allows) => Market::allow(LICENCE, allows),
        Op::SetKey(other) => LicenceKey::set(&other.then(|| sample::key_of(b"other"))),
        Op::ProviderStays(true) => Providers::set_key(PROVIDER, sample::key_of(PROVIDER)),
        Op::ProviderStays(false) => Providers::leave(PROVIDER),
        Op::Rotate => either_way(Custody::rotate(signed(STRANGER), ASSET)),
        Op::Reshare { index, bad } => {
            if let Some(custody) = present
                .filter(|custody| matches!(custody.phase, Phase::Resharing { .. }) && index <= custody.custodians)
                && sample_opens(custody.dealing, index)
            {
                let mut deal = sample::custodian_deal::<Test>(ASSET, index);
                if let Some(wrapped) = bad.and_then(|place| deal.wrapped.get_mut(place)) {
                    wrapped[70] ^= 1;
                }
                either_way(reshare(custodian(index), deal));
            }
        }
        Op::DisputeReshare(dealer, index) => {
            if let Some(custody) = present
                && let Phase::Resharing { next, .. } = custody.phase
                && Deals::<Test>::contains_key(next, dealer)
                && index <= custody.custodians
                && let Ok(evidence) = sample::accuse_deal::<Test>(ASSET, next, dealer, index)
            {
                either_way(Custody::dispute_reshare(
                    signed(STRANGER),
                    ASSET,
                    dealer,
                    index,
                    evidence,
                ));
            }
        }
        Op::Finish => either_way(finish_rotation()),
        Op::Dissolve => either_way(Custody::dissolve(signed(STRANGER), ASSET)),
        Op::Forget => either_way(Custody::forget_key(signed(PROVIDER), ASSET)),
        Op::Pass(blocks) => pass(blocks),
    }
}

/// Whether every share dealt to a custodian opens: some of the deals here do not.
fn sample_opens(dealing: u64, index: u8) -> bool {
    let dealers = Dealings::<Test>::get(dealing).unwrap().dealers;
    dealers
        .iter()
        .all(|dealer| sample::accuse_deal::<Test>(ASSET, dealing, *dealer, index).is_err())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec(op(), 0..60)) {
        run(|| {
            for who in FIRST_CUSTODIAN..FIRST_CUSTODIAN + 4 {
                register(who).unwrap();
            }
            for op in ops {
                apply(op);
                assert_eq!(Custody::do_try_state(), Ok(()));
            }
            // Everything ends: nobody is kept, and nothing is held.
            Market::revoke(LICENCE);
            either_way(Custody::close(signed(SELLER), ASSET));
            pass(RELEASE_WINDOW + DISPUTE_WINDOW + 12);
            assert_eq!(Custodies::<Test>::iter().count() + Dealings::<Test>::iter().count(), 0);
            for who in FIRST_CUSTODIAN..FIRST_CUSTODIAN + 6 {
                either_way(Custody::deregister(signed(who)));
                assert_eq!(Balances::reducible_balance(
                    &who,
                    frame_support::traits::tokens::Preservation::Expendable,
                    frame_support::traits::tokens::Fortitude::Polite,
                ), balances(who).1);
                assert_eq!(balances(who).0, 0);
            }
            either_way(Custody::forget_key(signed(PROVIDER), ASSET));
            for who in [SELLER, BUYER, PROVIDER, STRANGER] {
                assert_eq!(balances(who).0, 0);
            }
        });
    }
}
