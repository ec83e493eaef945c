//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use proptest::prelude::*;
use weft_primitives::{AssetKind, asset::Flaw, licence::Tariff, rating::PaidUse};

use crate::{PublicationOf, mock::*};

#[derive(Clone, Debug)]
enum Op {
    Publish {
        kind: AssetKind,
        royalty: u32,
        exact: bool,
        records: bool,
        bases: Vec<(u64, u32)>,
        tags: Vec<usize>,
        prices: Vec<usize>,
        /// Of which work it is to be a version, if it is no new one.
        of: Option<u64>,
    },
    Retire(u64),
    Grant {
        asset: u64,
        to: u64,
        key: u8,
    },
    RevokeKey {
        asset: u64,
        from: u64,
    },
    SetEndpoint(Option<Vec<u8>>),
    SetTags {
        work: u64,
        tags: Vec<usize>,
    },
    SetTariffs {
        work: u64,
        prices: Vec<usize>,
    },
    Offer {
        work: u64,
        to: Option<u64>,
    },
    Accept(u64),
    Buy {
        asset: u64,
        price: usize,
        quantity: u32,
    },
    SetLicenceKey(u64),
    RequestKey {
        licence: u64,
        asset: u64,
    },
    Close(u64),
    Revoke(u64),
    TakeUse(u64),
    ReturnUse(u64),
    Rate {
        work: u64,
        stars: u8,
        licence: u64,
    },
    RemoveRating(u64),
    Attest {
        asset: u64,
        stake: u128,
    },
    Withdraw(u64),
    Report(u64),
    Expire {
        asset: u64,
        reporter: u64,
    },
    Resolve {
        asset: u64,
        reporter: u64,
        upheld: bool,
    },
    Rotate {
        provider: u64,
        key: u8,
    },
    Block {
        who: u64,
        blocked: bool,
    },
    Wait(u64),
}

const TAGS: [&str; 4] = ["a", "b", "c", "-"];
const PRICES: [Tariff; 3] = [PER_USE, ONCE, PER_PERIOD];

fn kind() -> impl Strategy<Value = AssetKind> {
    prop_oneof![
        4 => Just(AssetKind::TextModel),
        1 => Just(AssetKind::EmbeddingModel),
        2 => Just(AssetKind::Dataset)
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (asset, licence, who) = (0u64..6, 0u64..5, 1u64..=6);
    let tags = || proptest::collection::vec(0..TAGS.len(), 0..3);
    let prices = || proptest::collection::vec(0..PRICES.len(), 0..3);
    let bases = proptest::collection::vec((0u64..6, 0u32..700_000), 0..3);
    let publish = (
        kind(),
        0..=MAX_ROYALTY + 1,
        any::<(bool, bool)>(),
        bases,
        tags(),
        prices(),
        proptest::option::of(asset.clone()),
    );
    prop_oneof![
        5 => publish.prop_map(|(kind, royalty, (exact, records), bases, tags, prices, of)| Op::Publish {
            kind, royalty, exact, records, bases, tags, prices, of,
        }),
        1 => asset.clone().prop_map(Op::Retire),
        2 => (asset.clone(), 3u64..=4, 1u8..3).prop_map(|(asset, to, key)| Op::Grant { asset, to, key }),
        1 => (asset.clone(), 3u64..=4).prop_map(|(asset, from)| Op::RevokeKey { asset, from }),
        1 => proptest::option::of("[ a]{0,2}").prop_map(|url| Op::SetEndpoint(url.map(String::into_bytes))),
        1 => (asset.clone(), tags()).prop_map(|(work, tags)| Op::SetTags { work, tags }),
        2 => (asset.clone(), prices()).prop_map(|(work, prices)| Op::SetTariffs { work, prices }),
        2 => (asset.clone(), proptest::option::of(who.clone())).prop_map(|(work, to)| Op::Offer { work, to }),
        2 => asset.clone().prop_map(Op::Accept),
        6 => (asset.clone(), 0..PRICES.len(), 0u32..4).prop_map(|(asset, price, quantity)| Op::Buy {
            asset, price, quantity,
        }),
        1 => licence.clone().prop_map(Op::SetLicenceKey),
        1 => (licence.clone(), asset.clone()).prop_map(|(licence, asset)| Op::RequestKey { licence, asset }),
        1 => licence.clone().prop_map(Op::Close),
        2 => licence.clone().prop_map(Op::Revoke),
        2 => asset.clone().prop_map(Op::TakeUse),
        1 => licence.clone().prop_map(Op::ReturnUse),
        3 => (asset.clone(), 0u8..7, licence).prop_map(|(work, stars, licence)| Op::Rate { work, stars, licence }),
        1 => asset.clone().prop_map(Op::RemoveRating),
        3 => (asset.clone(), 0u128..200).prop_map(|(asset, stake)| Op::Attest { asset, stake }),
        1 => asset.clone().prop_map(Op::Withdraw),
        2 => asset.clone().prop_map(Op::Report),
        1 => (asset.clone(), who.clone()).prop_map(|(asset, reporter)| Op::Expire { asset, reporter }),
        2 => (asset, who.clone(), any::<bool>()).prop_map(|(asset, reporter, upheld)| Op::Resolve {
            asset, reporter, upheld,
        }),
        1 => (3u64..=4, 1u8..3).prop_map(|(provider, key)| Op::Rotate { provider, key }),
        1 => (who, any::<bool>()).prop_map(|(who, blocked)| Op::Block { who, blocked }),
        2 => (1u64..15).prop_map(Op::Wait),
    ]
}

fn named(tags: Vec<usize>) -> crate::Tags {
    crate::mock::tags(&tags.into_iter().map(|tag| TAGS[tag]).collect::<Vec<_>>())
}

fn priced(prices: Vec<usize>) -> crate::Tariffs {
    tariffs(&prices.into_iter().map(|price| PRICES[price]).collect::<Vec<_>>())
}

fn apply(who: u64, op: Op) {
    let by = RuntimeOrigin::signed(who);
    // Refusals are part of the game; what they leave behind is what is looked at.
    let _ = match op {
        Op::Publish {
            kind,
            royalty,
            exact,
            records,
            bases,
            tags,
            prices,
            of,
        } => {
            let what = PublicationOf::<Test> {
                kind,
                royalty,
                exact_root: (exact && kind.runs_jobs()).then_some(EXACT_ROOT),
                records: (records && !kind.runs_jobs()).then_some(RECORDS),
                ..model_from(&bases)
            };
            match of {
                Some(work) => Market::release(by, work, what),
                None => Market::publish(by, what, named(tags), priced(prices)),
            }
        }
        Op::Retire(asset) => Market::retire(by, asset),
        Op::Grant { asset, to, key } => Market::grant_key(by, asset, to, key_of(key), wrapped(key)),
        Op::RevokeKey { asset, from } => Market::revoke_key(by, asset, from),
        Op::SetEndpoint(url) => Market::set_endpoint(by, url.map(|url| url.try_into().unwrap())),
        Op::SetTags { work, tags } => Market::set_tags(by, work, named(tags)),
        Op::SetTariffs { work, prices } => Market::set_tariffs(by, work, priced(prices)),
        Op::Offer { work, to } => Market::offer_transfer(by, work, to),
        Op::Accept(work) => Market::accept_transfer(by, work),
        Op::Buy { asset, price, quantity } => buy(who, asset, PRICES[price], quantity),
        Op::SetLicenceKey(licence) => Market::set_licence_key(by, licence, key_of(9)),
        Op::RequestKey { licence, asset } => {
            Custodians::entrust(asset);
            Market::request_key(by, licence, asset)
        }
        Op::Close(licence) => Market::close_licence(by, licence),
        Op::Revoke(licence) => Market::revoke_licence(by, licence),
        Op::TakeUse(asset) => {
            let _ = Market::do_take_use(asset, &who);
            Ok(())
        }
        Op::ReturnUse(licence) => {
            Market::do_return_use(licence);
            Ok(())
        }
        Op::Rate { work, stars, licence } => Market::rate(by, work, stars, None, PaidUse::Licence(licence)),
        Op::RemoveRating(work) => Market::remove_rating(by, work),
        Op::Attest { asset, stake } => Market::attest(by, asset, stake, content(1)),
        Op::Withdraw(asset) => Market::withdraw_attestation(by, asset),
        Op::Report(asset) => Market::report(by, asset, Flaw::Mislabelled, content(1)),
        Op::Expire { asset, reporter } => Market::expire_report(by, asset, reporter),
        Op::Resolve {
            asset,
            reporter,
            upheld,
        } => Market::resolve_report(RuntimeOrigin::root(), asset, reporter, upheld),
        Op::Rotate { provider, key } => {
            Providers::set_key(provider, key_of(key));
            Ok(())
        }
        Op::Block { who, blocked } => {
            let mut all = Blocked::get();
            if blocked {
                all.insert(who);
            } else {
                all.remove(&who);
            }
            Blocked::set(&all);
            Ok(())
        }
        Op::Wait(blocks) => {
            wait(blocks);
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec((1u64..=6, op()), 0..80)) {
        run(|| {
            for (who, op) in ops {
                apply(who, op);
                assert_eq!(Market::do_try_state(), Ok(()));
            }
        });
    }
}
