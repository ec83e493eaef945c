//! What people do, and what can be seen of it.

use sp_runtime::DispatchResult;
use weft_primitives::{
    AssetKind, ContentCodec, ContentId, Currency, WorkId,
    asset::Records,
    device::{WRAPPED_KEY_BYTES, WrappedKey},
    licence::{Tariff, Term},
    lineage::Base,
};

use super::*;
use crate::{HoldReason, PublicationOf, Tags, Tariffs};

pub fn key_of(n: u8) -> EncryptionKey {
    [n; 32]
}

pub fn wrapped(n: u8) -> WrappedKey {
    [n; WRAPPED_KEY_BYTES]
}

pub fn content(n: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [n; 32],
    }
}

pub const RECORDS: Records = Records {
    root: [6; 32],
    count: 1_000,
    schema: ContentId {
        codec: ContentCodec::Raw,
        sha256: [7; 32],
    },
};

/// A text model that is not exact and was made from nothing.
pub fn model() -> PublicationOf<Test> {
    PublicationOf::<Test> {
        kind: AssetKind::TextModel,
        name: b"a model".to_vec().try_into().unwrap(),
        manifest: content(1),
        content: content(2),
        size_bytes: 1_000,
        key_commitment: [3; 32],
        royalty: 50_000,
        exact_root: None,
        pieces_root: None,
        records: None,
        bases: Default::default(),
    }
}

/// A model made from others.
pub fn model_from(bases: &[(AssetId, Ppm)]) -> PublicationOf<Test> {
    let bases: Vec<_> = bases
        .iter()
        .map(|(asset, share)| Base {
            asset: *asset,
            share: *share,
        })
        .collect();
    PublicationOf::<Test> {
        bases: bases.try_into().unwrap(),
        ..model()
    }
}

/// A dataset that commits to its records.
pub fn dataset() -> PublicationOf<Test> {
    PublicationOf::<Test> {
        kind: AssetKind::Dataset,
        records: Some(RECORDS),
        ..model()
    }
}

pub fn tags(names: &[&str]) -> Tags {
    let tags: Vec<_> = names
        .iter()
        .map(|name| name.as_bytes().to_vec().try_into().unwrap())
        .collect();
    tags.try_into().unwrap()
}

pub fn tariffs(all: &[Tariff]) -> Tariffs {
    all.to_vec().try_into().unwrap()
}

pub fn tariff(term: Term, price: Balance) -> Tariff {
    Tariff {
        term,
        currency: Currency::Native,
        price,
    }
}

pub const PER_USE: Tariff = Tariff {
    term: Term::PerUse,
    currency: Currency::Native,
    price: 10,
};
pub const ONCE: Tariff = Tariff {
    term: Term::Once,
    currency: Currency::Native,
    price: 1_000,
};
pub const PER_PERIOD: Tariff = Tariff {
    term: Term::PerPeriod { blocks: 10 },
    currency: Currency::Token(STABLE),
    price: 100,
};

/// Publishes a free text model and returns its number.
pub fn publish(owner: u64) -> AssetId {
    publish_as(owner, model(), &[], &[])
}

/// Publishes an exact text model and returns its number.
pub fn publish_exact(owner: u64) -> AssetId {
    let exact = PublicationOf::<Test> {
        exact_root: Some(EXACT_ROOT),
        ..model()
    };
    publish_as(owner, exact, &[], &[])
}

/// Publishes a text model with all kinds of tariffs and returns its number.
pub fn publish_priced(owner: u64) -> AssetId {
    publish_as(owner, model(), &[], &[PER_USE, ONCE, PER_PERIOD])
}

/// Publishes a model made from others and returns its number.
pub fn publish_from(owner: u64, bases: &[(AssetId, Ppm)]) -> AssetId {
    publish_as(owner, model_from(bases), &[], &[PER_USE, ONCE, PER_PERIOD])
}

pub fn publish_as(owner: u64, what: PublicationOf<Test>, names: &[&str], prices: &[Tariff]) -> AssetId {
    let asset = crate::NextAssetId::<Test>::get();
    assert_ok!(try_publish(owner, what, names, prices));
    asset
}

pub fn try_publish(owner: u64, what: PublicationOf<Test>, names: &[&str], prices: &[Tariff]) -> DispatchResult {
    Market::publish(RuntimeOrigin::signed(owner), what, tags(names), tariffs(prices))
}

/// Releases another version of a work and returns its number.
pub fn release(owner: u64, work: WorkId) -> AssetId {
    let asset = crate::NextAssetId::<Test>::get();
    assert_ok!(Market::release(RuntimeOrigin::signed(owner), work, model()));
    asset
}

pub fn retire(owner: u64, asset: AssetId) -> DispatchResult {
    Market::retire(RuntimeOrigin::signed(owner), asset)
}

pub fn grant(owner: u64, asset: AssetId, provider: u64, key: u8) -> DispatchResult {
    Market::grant_key(RuntimeOrigin::signed(owner), asset, provider, key_of(key), wrapped(key))
}

pub fn buy(who: u64, asset: AssetId, tariff: Tariff, quantity: u32) -> DispatchResult {
    Market::buy(RuntimeOrigin::signed(who), asset, tariff, quantity, key_of(who as u8))
        .map(|_| ())
        .map_err(|failed| failed.error)
}

/// Buys and returns the licence's number.
pub fn licensed(who: u64, asset: AssetId, tariff: Tariff, quantity: u32) -> LicenceId {
    assert_ok!(buy(who, asset, tariff, quantity));
    let work = crate::Assets::<Test>::get(asset).unwrap().work;
    crate::LicenceOf::<Test>::get(work, who).unwrap()
}

/// Hands a work over.
pub fn transfer(work: WorkId, from: u64, to: u64) {
    assert_ok!(Market::offer_transfer(RuntimeOrigin::signed(from), work, Some(to)));
    assert_ok!(Market::accept_transfer(RuntimeOrigin::signed(to), work));
}

/// What is held from an account, and what is free.
pub fn balances(who: u64) -> (Balance, Balance) {
    let account = System::account(who).data;
    (account.reserved, account.free)
}

pub fn held(who: u64, reason: HoldReason) -> Balance {
    use frame_support::traits::fungible::InspectHold;
    Balances::balance_on_hold(&reason.into(), &who)
}

/// Goes on by some blocks.
pub fn wait(blocks: u64) {
    System::set_block_number(System::block_number() + blocks);
}

/// This pallet's events so far.
pub fn events() -> Vec<crate::Event<Test>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Market(event) => Some(event),
            _ => None,
        })
        .collect()
}
