//! Sellers, custodians and recipients with real keys, drawn from their names: for tests and benchmarks. They know what the
//! chain shows and their own secrets, and nothing else.

use alloc::vec::Vec;

use codec::Encode;
use sp_runtime::traits::{BlakeTwo256, Hash};
use weft_custody::{
    Context, Delivery, Evidence, NotProven, Secret, Shape, Share,
    context::info,
    envelope::mask,
    evidence::accuse,
    hpke::{public_key, unwrap, wrap},
    reshare::{reshare_combine, reshare_deal},
    sharing::{Dealt, deal},
};
use weft_primitives::{
    AssetId,
    custody_view::{DealingId, KeyRequestId},
    device::{EncryptionKey, WrappedKey},
    registry::Licensing,
};

use crate::{
    Config, Custodies, CustodyOf, Deal, DealingOf, Dealings, Deals, KeyRequestOf, Pallet, PerCustodian, Phase,
    Releases, Requests,
};

/// The content key that sellers entrust.
pub(crate) const CONTENT_KEY: [u8; 32] = [0xC0; 32];

/// 32 bytes that follow from anything.
pub(crate) fn bytes_of(name: impl Encode) -> [u8; 32] {
    BlakeTwo256::hash(&(b"sample", name).encode()).0
}

/// The X25519 secret of whoever has this name.
pub(crate) fn secret_of(who: impl Encode) -> [u8; 32] {
    bytes_of((b"x25519", who))
}

/// The X25519 key of whoever has this name.
pub(crate) fn key_of(who: impl Encode) -> EncryptionKey {
    public_key(&secret_of(who))
}

/// A scalar that follows from anything.
pub(crate) fn scalar(name: impl Encode) -> Secret {
    let mut wide = [0; 64];
    let (low, high) = wide.split_at_mut(32);
    let name = bytes_of(name);
    low.copy_from_slice(&bytes_of((name, 0u8)));
    high.copy_from_slice(&bytes_of((name, 1u8)));
    Secret::from_uniform_bytes(&wide)
}

fn scalars(name: impl Encode, shape: Shape) -> Vec<Secret> {
    let name = bytes_of(name);
    (1..shape.threshold()).map(|nth| scalar((name, nth))).collect()
}

fn custody<T: Config>(asset: AssetId) -> CustodyOf<T> {
    Custodies::<T>::get(asset).expect("the key is in custody")
}

fn dealing<T: Config>(id: DealingId) -> DealingOf<T> {
    Dealings::<T>::get(id).expect("there is such a dealing")
}

fn request<T: Config>(id: KeyRequestId) -> KeyRequestOf<T> {
    Requests::<T>::get(id).expect("there is such a request")
}

fn shape<T: Config>(custody: &CustodyOf<T>) -> Shape {
    Shape::new(custody.threshold, custody.custodians).expect("a custody has a shape that there may be")
}

fn info_of<T: Config>(recipient: &EncryptionKey, context: &Context<T::AccountId>) -> Vec<u8> {
    info(&Pallet::<T>::genesis(), recipient, context)
}

/// The secret that the seller shares in a dealing.
pub(crate) fn shared_secret(dealing: DealingId) -> Secret {
    scalar((b"shared", dealing))
}

/// What the seller deals, and the envelope of `key`.
pub(crate) fn seller_deal<T: Config>(asset: AssetId, key: [u8; 32]) -> (Deal, [u8; 32]) {
    let custody = custody::<T>(asset);
    let id = custody.dealing;
    let secret = shared_secret(id);
    let coefficients = scalars((b"seller", id), shape::<T>(&custody));
    let dealt = deal(shape::<T>(&custody), &secret, &coefficients).expect("as many coefficients as it takes");
    let envelope = mask(&key, &secret, &Pallet::<T>::genesis(), asset);
    (wrap_all::<T>(asset, &custody, id, 0, dealt), *envelope)
}

/// What present custodian `dealer` deals to the next committee.
pub(crate) fn custodian_deal<T: Config>(asset: AssetId, dealer: u8) -> Deal {
    let custody = custody::<T>(asset);
    let Phase::Resharing { next, .. } = custody.phase else {
        panic!("the committee is not being changed");
    };
    let share = Share {
        index: dealer,
        value: Secret::from_bytes(&share_of::<T>(asset, custody.dealing, dealer)).expect("a share is a scalar"),
    };
    let coefficients = scalars((b"custodian", next, dealer), shape::<T>(&custody));
    let dealt = reshare_deal(shape::<T>(&custody), &share, &coefficients).expect("as many coefficients as it takes");
    wrap_all::<T>(asset, &custody, next, dealer, dealt)
}

fn wrap_all<T: Config>(asset: AssetId, custody: &CustodyOf<T>, id: DealingId, dealer: u8, dealt: Dealt) -> Deal {
    let committee = dealing::<T>(id).committee;
    let wrapped: Vec<WrappedKey> = committee
        .iter()
        .zip(&dealt.shares)
        .map(|(member, share)| {
            let context = Pallet::<T>::deal_context(asset, custody, id, dealer, share.index);
            wrap(
                &share.value.to_bytes(),
                &member.encryption_key,
                &info_of::<T>(&member.encryption_key, &context),
                &bytes_of((b"deal", id, dealer, share.index)),
            )
            .expect("registered keys are usable")
        })
        .collect();
    Deal {
        commitments: PerCustodian::truncate_from(dealt.commitments),
        wrapped: PerCustodian::truncate_from(wrapped),
    }
}

/// What `dealer` might deal to custodian `index` instead of its share: it opens.
#[cfg(feature = "runtime-benchmarks")]
pub(crate) fn wrong_share<T: Config>(asset: AssetId, id: DealingId, dealer: u8, index: u8) -> WrappedKey {
    let key = dealing::<T>(id).committee[usize::from(index) - 1].encryption_key;
    let context = Pallet::<T>::deal_context(asset, &custody::<T>(asset), id, dealer, index);
    let wrong = scalar("wrong").to_bytes();
    wrap(&wrong, &key, &info_of::<T>(&key, &context), &bytes_of("wrong")).expect("registered keys are usable")
}

/// The share of custodian `index`, as it reads it off the chain. Its X25519 secret is that of its account.
pub(crate) fn share_of<T: Config>(asset: AssetId, id: DealingId, index: u8) -> [u8; 32] {
    let custody = custody::<T>(asset);
    let dealing = dealing::<T>(id);
    let place = usize::from(index) - 1;
    let member = &dealing.committee[place];
    let mut dealers = dealing.dealers.clone().into_inner();
    dealers.sort_unstable();
    let dealt: Vec<(u8, [u8; 32])> = dealers
        .into_iter()
        .map(|dealer| {
            let wrapped = Deals::<T>::get(id, dealer).expect("it was dealt").wrapped[place];
            let context = Pallet::<T>::deal_context(asset, &custody, id, dealer, index);
            let info = info_of::<T>(&member.encryption_key, &context);
            let share = unwrap(&wrapped, &secret_of(&member.account), &info).expect("it was wrapped for this member");
            (dealer, *share)
        })
        .collect();
    match dealt[..] {
        [(0, share)] => share,
        _ => {
            let share = reshare_combine(dealing.threshold, index, &dealt).expect("there are enough deals");
            *share.value.to_bytes()
        }
    }
}

/// Wraps 32 bytes as custodian `index` would its share for a request.
pub(crate) fn release_of<T: Config>(id: KeyRequestId, index: u8, share: [u8; 32]) -> WrappedKey {
    let request = request::<T>(id);
    let info = release_info::<T>(&request, index);
    wrap(
        &share,
        &request.encryption_key,
        &info,
        &bytes_of((b"release", id, index)),
    )
    .expect("checked when requested")
}

/// What custodian `index` honestly releases for a request.
#[cfg(test)]
pub(crate) fn honest_release<T: Config>(id: KeyRequestId, index: u8) -> WrappedKey {
    let request = request::<T>(id);
    release_of::<T>(id, index, share_of::<T>(request.asset, request.dealing, index))
}

fn release_info<T: Config>(request: &KeyRequestOf<T>, index: u8) -> Vec<u8> {
    let content = T::Licensing::sealed_asset(request.asset)
        .expect("a request is for an asset")
        .content;
    let context = Pallet::<T>::release_context(request, &content, index);
    info_of::<T>(&request.encryption_key, &context)
}

/// The key as its recipient gets it: from the shares that were released, with its X25519 secret.
#[cfg(test)]
pub(crate) fn received_key<T: Config>(id: KeyRequestId, secret: [u8; 32]) -> Option<[u8; 32]> {
    use weft_custody::sharing::{combine, verify_share};
    let request = request::<T>(id);
    let dealing = dealing::<T>(request.dealing);
    let shares: Vec<Share> = request
        .released
        .indices()
        .filter_map(|index| {
            let wrapped = Releases::<T>::get(id, index)?;
            let share = unwrap(&wrapped, &secret, &release_info::<T>(&request, index)).ok()?;
            verify_share(&dealing.commitments, index, &share).ok()?;
            Some(Share {
                index,
                value: Secret::from_bytes(&share).ok()?,
            })
        })
        .collect();
    let shared = combine(dealing.threshold, &shares).ok()?;
    let envelope = custody::<T>(request.asset).envelope?;
    Some(*mask(&envelope, &shared, &Pallet::<T>::genesis(), request.asset))
}

/// The evidence against what custodian `index` released.
pub(crate) fn accuse_release<T: Config>(id: KeyRequestId, index: u8, secret: [u8; 32]) -> Result<Evidence, NotProven> {
    let request = request::<T>(id);
    let delivery = Delivery {
        wrapped: &Releases::<T>::get(id, index).expect("it was released"),
        recipient: &request.encryption_key,
        info: &release_info::<T>(&request, index),
        commitments: &dealing::<T>(request.dealing).commitments,
        index,
    };
    accuse(&delivery, &secret, &[7; 64])
}

/// The evidence against what `dealer` (0 is the seller) dealt to custodian `index`.
pub(crate) fn accuse_deal<T: Config>(
    asset: AssetId,
    id: DealingId,
    dealer: u8,
    index: u8,
) -> Result<Evidence, NotProven> {
    let custody = custody::<T>(asset);
    let place = usize::from(index) - 1;
    let member = &dealing::<T>(id).committee[place];
    let deal = Deals::<T>::get(id, dealer).expect("it was dealt");
    let context = Pallet::<T>::deal_context(asset, &custody, id, dealer, index);
    let delivery = Delivery {
        wrapped: &deal.wrapped[place],
        recipient: &member.encryption_key,
        info: &info_of::<T>(&member.encryption_key, &context),
        commitments: &deal.commitments,
        index,
    };
    accuse(&delivery, &secret_of(&member.account), &[7; 64])
}
