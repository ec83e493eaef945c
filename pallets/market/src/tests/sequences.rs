//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use proptest::prelude::*;
use weft_primitives::AssetKind;

use crate::mock::*;

#[derive(Clone, Debug)]
enum Op {
    Publish {
        who: u64,
        kind: AssetKind,
        name: Vec<u8>,
        royalty: u32,
        exact_root: Option<[u8; 32]>,
    },
    Retire {
        who: u64,
        asset: u64,
    },
    Grant {
        who: u64,
        asset: u64,
        to: u64,
        key: u8,
    },
    Revoke {
        who: u64,
        asset: u64,
        from: u64,
    },
    SetEndpoint {
        who: u64,
        url: Option<Vec<u8>>,
    },
    Rotate {
        provider: u64,
        key: u8,
    },
}

fn kind() -> impl Strategy<Value = AssetKind> {
    prop_oneof![
        Just(AssetKind::TextModel),
        Just(AssetKind::EmbeddingModel),
        Just(AssetKind::Dataset)
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (who, asset, provider, key) = (1u64..=4, 0u64..5, 3u64..=4, 1u8..4);
    prop_oneof![
        (who.clone(), kind(), "[a-z\n]{0,3}", 0..=2 * MAX_ROYALTY, any::<bool>()).prop_map(
            |(who, kind, name, royalty, exact)| Op::Publish {
                who,
                kind,
                name: name.into_bytes(),
                royalty,
                exact_root: exact.then_some(EXACT_ROOT),
            }
        ),
        (who.clone(), asset.clone()).prop_map(|(who, asset)| Op::Retire { who, asset }),
        (who.clone(), asset.clone(), provider.clone(), key.clone()).prop_map(|(who, asset, to, key)| Op::Grant {
            who,
            asset,
            to,
            key
        }),
        (who.clone(), asset, provider.clone()).prop_map(|(who, asset, from)| Op::Revoke { who, asset, from }),
        (who, proptest::option::of("[ a]{0,2}")).prop_map(|(who, url)| Op::SetEndpoint {
            who,
            url: url.map(String::into_bytes)
        }),
        (provider, key).prop_map(|(provider, key)| Op::Rotate { provider, key }),
    ]
}

fn apply(op: Op) {
    let signed = RuntimeOrigin::signed;
    // Refusals are part of the game; what they leave behind is what is looked at.
    let _ = match op {
        Op::Publish {
            who,
            kind,
            name,
            royalty,
            exact_root,
        } => Market::publish(
            signed(who),
            kind,
            name.try_into().unwrap(),
            content(1),
            content(2),
            1,
            [0; 32],
            royalty,
            exact_root,
        ),
        Op::Retire { who, asset } => Market::retire(signed(who), asset),
        Op::Grant { who, asset, to, key } => Market::grant_key(signed(who), asset, to, key_of(key), wrapped(key)),
        Op::Revoke { who, asset, from } => Market::revoke_key(signed(who), asset, from),
        Op::SetEndpoint { who, url } => Market::set_endpoint(signed(who), url.map(|url| url.try_into().unwrap())),
        Op::Rotate { provider, key } => {
            Providers::set_key(provider, key_of(key));
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec(op(), 0..60)) {
        run(|| {
            for op in ops {
                apply(op);
                assert_eq!(Market::do_try_state(), Ok(()));
            }
        });
    }
}
