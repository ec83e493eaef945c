//! What users and devices do, and what can be seen of it.

use frame_support::traits::{
    Hooks,
    fungible::{Inspect, InspectHold},
};
use sp_runtime::{DispatchError, DispatchResult, traits::Dispatchable};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, JobId,
    device::{EncryptionKey, WRAPPED_KEY_BYTES, WrappedKey},
    job::{Arithmetic, Decline, Patience, Reason},
    price::Split,
    tier::{Challenges, Tier, Window},
};

use super::*;
use crate::{Call, Event, HoldReason};

/// Dispatches as a block would: a failed call leaves no trace.
pub fn dispatch(who: AccountId, call: Call<Test>) -> DispatchResult {
    RuntimeCall::Jobs(call)
        .dispatch(RuntimeOrigin::signed(who))
        .map(|_| ())
        .map_err(|failed| failed.error)
}

pub fn input() -> ContentId {
    ContentId {
        codec: ContentCodec::Raw,
        sha256: [1; 32],
    }
}

pub fn output() -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [2; 32],
    }
}

pub const USER_KEY: EncryptionKey = [3; 32];
pub const WRAPPED: WrappedKey = [4; WRAPPED_KEY_BYTES];
pub const RESULT_HASH: [u8; 32] = [5; 32];
pub const OUTPUT_KEY: WrappedKey = [6; WRAPPED_KEY_BYTES];
pub const TRACE_ROOT: [u8; 32] = [7; 32];
pub const PROMPT: [u8; 32] = [8; 32];

/// Posts a float job and returns its number.
pub fn post(user: AccountId, max_tokens: u32, max_price: Balance) -> Result<JobId, DispatchError> {
    let id = crate::NextJobId::<Test>::get();
    post_call(user, MODEL, max_tokens, max_price, Patience::Short).map(|()| id)
}

/// Posts an exact job for ten tokens and returns its number.
pub fn post_exact(user: AccountId, model: AssetId) -> Result<JobId, DispatchError> {
    let id = crate::NextJobId::<Test>::get();
    post_by(user, model, 10, 1_000, Patience::Short, Arithmetic::Exact).map(|()| id)
}

pub fn post_call(
    user: AccountId,
    model: AssetId,
    max_tokens: u32,
    max_price: Balance,
    patience: Patience,
) -> DispatchResult {
    post_by(user, model, max_tokens, max_price, patience, Arithmetic::Float)
}

/// A tier whose results may be challenged by anybody.
pub fn challengeable(window: Window) -> Tier {
    Tier::Exact(Challenges {
        window,
        prompt: Some(PROMPT),
        open: true,
    })
}

/// Posts an exact job for ten tokens, whose result may be challenged, and returns its number.
pub fn post_challengeable(user: AccountId, window: Window) -> Result<JobId, DispatchError> {
    let id = crate::NextJobId::<Test>::get();
    let tier = challengeable(window);
    post_in_tier(user, EXACT_MODEL, 10, 1_000, Patience::Short, Arithmetic::Exact, tier).map(|()| id)
}

pub fn post_by(
    user: AccountId,
    model: AssetId,
    max_tokens: u32,
    max_price: Balance,
    patience: Patience,
    arithmetic: Arithmetic,
) -> DispatchResult {
    post_in_tier(user, model, max_tokens, max_price, patience, arithmetic, Tier::None)
}

pub fn post_in_tier(
    user: AccountId,
    model: AssetId,
    max_tokens: u32,
    max_price: Balance,
    patience: Patience,
    arithmetic: Arithmetic,
    tier: Tier,
) -> DispatchResult {
    dispatch(
        user,
        Call::post {
            model,
            input: input(),
            user_key: USER_KEY,
            max_tokens,
            max_price,
            patience,
            arithmetic,
            tier,
        },
    )
}

/// The owner to whom a living job is assigned.
pub fn assignee(job: JobId) -> AccountId {
    crate::Jobs::<Test>::get(job).unwrap().booking.provider
}

/// Releases the input to whoever is assigned.
pub fn release(user: AccountId, job: JobId) -> DispatchResult {
    let device_key = key_of(assignee(job));
    release_to(user, job, device_key)
}

pub fn release_to(user: AccountId, job: JobId, device_key: EncryptionKey) -> DispatchResult {
    let wrapped = WRAPPED;
    dispatch(
        user,
        Call::release_input {
            job,
            device_key,
            wrapped,
        },
    )
}

pub fn cancel(user: AccountId, job: JobId) -> DispatchResult {
    dispatch(user, Call::cancel { job })
}

/// Commits the result of a float job.
pub fn commit(device: AccountId, job: JobId, used_tokens: u32) -> DispatchResult {
    commit_with(device, job, used_tokens, None)
}

pub fn commit_with(device: AccountId, job: JobId, used_tokens: u32, trace_root: Option<[u8; 32]>) -> DispatchResult {
    dispatch(
        device,
        Call::commit {
            job,
            output: output(),
            result_hash: RESULT_HASH,
            output_key: OUTPUT_KEY,
            used_tokens,
            trace_root,
            evidence: None,
        },
    )
}

pub fn decline(device: AccountId, job: JobId) -> DispatchResult {
    let why = Decline::DeviceFault;
    dispatch(device, Call::decline { job, why })
}

pub fn expire(who: AccountId, job: JobId) -> DispatchResult {
    dispatch(who, Call::expire { job })
}

/// Goes on to block `to`, with the work that each block begins with.
pub fn run_to(to: BlockNumber) {
    for now in System::block_number() + 1..=to {
        System::set_block_number(now);
        Jobs::on_initialize(now);
    }
}

/// Goes on to block `to` without the hooks, as if the queues were behind.
pub fn stall_to(to: BlockNumber) {
    System::set_block_number(to);
}

/// This pallet's events so far.
pub fn events() -> Vec<Event<Test>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Jobs(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// How a job ended, by its only `Ended` event.
pub fn ending(job: JobId) -> (Reason, Option<AccountId>, Split, u8) {
    let ends = events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Ended {
                job: id,
                reason,
                provider,
                split,
                attempts,
            } if id == job => Some((reason, provider, split, attempts)),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(ends.len(), 1, "job {job} ended {} times", ends.len());
    ends[0]
}

pub fn held(user: AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::Escrow.into(), &user)
}

pub fn free(who: AccountId) -> Balance {
    Balances::balance(&who)
}

/// A split that only refunds.
pub fn refund(amount: Balance) -> Split {
    Split {
        refund: amount,
        ..Default::default()
    }
}
