//! What people do, in a word each.

use alloc::vec::Vec;
use frame_support::{assert_ok, traits::Hooks};
use sp_runtime::DispatchResult;
use weft_custody::Evidence;
use weft_primitives::{
    AssetId, Balance,
    custody_view::{DealingId, KeyRequestId},
    device::WrappedKey,
};

use super::*;
use crate::{Custodies, CustodyOf, Deal, Dealings, Event, NextRequest, Phase, sample};

pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// This pallet's events, oldest first.
pub fn events() -> Vec<Event<Test>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Custody(event) => Some(event),
            _ => None,
        })
        .collect()
}

pub fn last_event() -> Event<Test> {
    events().pop().unwrap()
}

/// Goes to a block, through the hooks of all between.
pub fn go_to(block: u64) {
    while System::block_number() < block {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        Custody::on_initialize(next);
    }
}

pub fn pass(blocks: u64) {
    go_to(System::block_number() + blocks);
}

/// What is held from an account, and what is free.
pub fn balances(who: u64) -> (Balance, Balance) {
    let account = System::account(who).data;
    (account.reserved, account.free)
}

pub fn register(who: u64) -> DispatchResult {
    Custody::register(signed(who), sample::key_of(who), None)
}

pub fn register_many(count: u64) {
    for who in FIRST_CUSTODIAN..FIRST_CUSTODIAN + count {
        assert_ok!(register(who));
    }
}

pub fn open(threshold: u8, custodians: u8) -> DispatchResult {
    Custody::open_custody(signed(SELLER), ASSET, threshold, custodians, true)
}

pub fn submit_deal(asset: AssetId, deal: Deal, envelope: [u8; 32]) -> DispatchResult {
    Custody::deal(signed(SELLER), asset, deal.commitments, envelope, deal.wrapped)
}

/// The seller's honest deal.
pub fn deal() -> DispatchResult {
    let (deal, envelope) = sample::seller_deal::<Test>(ASSET, sample::CONTENT_KEY);
    submit_deal(ASSET, deal, envelope)
}

/// Registers custodians and entrusts the key to some of them.
pub fn entrust(threshold: u8, custodians: u8, registered: u64) {
    register_many(registered);
    assert_ok!(open(threshold, custodians));
    assert_ok!(deal());
}

pub fn custody() -> CustodyOf<Test> {
    Custodies::<Test>::get(ASSET).unwrap()
}

/// The accounts of a dealing's committee, in the order of their indices.
pub fn committee(dealing: DealingId) -> Vec<u64> {
    let dealing = Dealings::<Test>::get(dealing).unwrap();
    dealing.committee.iter().map(|member| member.account).collect()
}

/// The account with this index in the present committee.
pub fn custodian(index: u8) -> u64 {
    committee(custody().dealing)[usize::from(index) - 1]
}

pub fn next_dealing() -> DealingId {
    let Phase::Resharing { next, .. } = custody().phase else {
        panic!("the committee is not being changed");
    };
    next
}

/// The buyer's request for what they have licensed.
pub fn ask() -> KeyRequestId {
    let request = NextRequest::<Test>::get();
    assert_ok!(Custody::request_for_licence(signed(BUYER), ASSET, LICENCE));
    request
}

/// The provider's request.
pub fn ask_as_provider() -> KeyRequestId {
    let request = NextRequest::<Test>::get();
    assert_ok!(Custody::request_for_provider(signed(PROVIDER), ASSET));
    request
}

pub fn release(who: u64, request: KeyRequestId, wrapped: WrappedKey) -> DispatchResult {
    Custody::release(signed(who), request, wrapped)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// The honest release of the custodian with this index.
pub fn release_by(request: KeyRequestId, index: u8) -> DispatchResult {
    let dealing = crate::Requests::<Test>::get(request).unwrap().dealing;
    let who = committee(dealing)[usize::from(index) - 1];
    release(who, request, sample::honest_release::<Test>(request, index))
}

/// A release of something that is not the share.
pub fn forge_by(request: KeyRequestId, index: u8) -> DispatchResult {
    let dealing = crate::Requests::<Test>::get(request).unwrap().dealing;
    let who = committee(dealing)[usize::from(index) - 1];
    let share = *sample::scalar((b"forged", index)).to_bytes();
    release(who, request, sample::release_of::<Test>(request, index, share))
}

pub fn dispute(request: KeyRequestId, index: u8, evidence: Evidence) -> DispatchResult {
    Custody::dispute_release(signed(STRANGER), request, index, evidence)
        .map(drop)
        .map_err(|failed| failed.error)
}

pub fn reshare(who: u64, deal: Deal) -> DispatchResult {
    Custody::reshare(signed(who), ASSET, deal.commitments, deal.wrapped)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// The honest deal of the present custodian with this index to the next committee.
pub fn reshare_by(index: u8) -> DispatchResult {
    reshare(custodian(index), sample::custodian_deal::<Test>(ASSET, index))
}

pub fn finish_rotation() -> DispatchResult {
    Custody::finish_rotation(signed(STRANGER), ASSET)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// Begins a rotation because the custodian with this index is not available.
pub fn rotate_out(index: u8) {
    assert_ok!(Custody::set_available(signed(custodian(index)), false));
    assert_ok!(Custody::rotate(signed(STRANGER), ASSET));
}
