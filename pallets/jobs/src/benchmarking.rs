//! Costs of the calls in their worst case, and of each step that the hooks take.

use frame_benchmarking::v2::*;
use frame_support::{traits::fungible::Mutate, weights::WeightMeter};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::{Saturating, traits::Get};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, JobId,
    device::WRAPPED_KEY_BYTES,
    job::{Decline, MAX_ATTEMPTS, Patience},
    registry::{Matching, ModelRegistry},
};

use crate::types::Handled;
use crate::*;

const MAX_TOKENS: u32 = 100;

/// High enough that every part of a price is above the existential deposit, so that accounts can be created.
fn ask<T: Config>() -> Balance {
    <T::Currency as frame_support::traits::fungible::Inspect<T::AccountId>>::minimum_balance()
        .saturating_mul(100)
        .max(100)
}

fn funded<T: Config>(name: &'static str) -> T::AccountId {
    let account: T::AccountId = account(name, 0, 0);
    T::Currency::set_balance(&account, ask::<T>().saturating_mul(1_000_000));
    account
}

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    }
}

/// A model, and as many providers for it.
fn model_with_providers<T: Config>(providers: u8) -> AssetId {
    let creator = funded::<T>("creator");
    let model = T::Models::benchmark_model(&creator);
    for index in 0..providers {
        let provider: T::AccountId = account("provider", index.into(), 0);
        T::Providers::benchmark_offer(&provider, model, ask::<T>());
    }
    model
}

fn posted<T: Config>(providers: u8) -> (T::AccountId, JobId) {
    let model = model_with_providers::<T>(providers);
    let user = funded::<T>("user");
    let id = NextJobId::<T>::get();
    Pallet::<T>::post(
        RawOrigin::Signed(user.clone()).into(),
        model,
        content(1),
        [2; 32],
        MAX_TOKENS,
        ask::<T>().saturating_mul(MAX_TOKENS.into()),
        Patience::Short,
    )
    .expect("a provider offers the model and the user has the funds");
    (user, id)
}

fn booking<T: Config>(id: JobId) -> weft_primitives::registry::Booking<T::AccountId> {
    Jobs::<T>::get(id).expect("the job lives").booking
}

fn released<T: Config>(user: &T::AccountId, id: JobId) {
    let key = booking::<T>(id).encryption_key;
    Pallet::<T>::release_input(RawOrigin::Signed(user.clone()).into(), id, key, [3; WRAPPED_KEY_BYTES])
        .expect("the input was not released yet");
}

fn declined<T: Config>(id: JobId) {
    let device = booking::<T>(id).device;
    Pallet::<T>::decline(RawOrigin::Signed(device).into(), id, Decline::DeviceFault).expect("the device is assigned");
}

/// A job that runs in attempt `attempt`, while `providers` in all offer its model.
fn running<T: Config>(providers: u8, attempt: u8) -> (T::AccountId, JobId) {
    let (user, id) = posted::<T>(providers);
    for _ in 1..attempt {
        declined::<T>(id);
    }
    released::<T>(&user, id);
    relist::<T>(id);
    (user, id)
}

/// Lists the offers of the booked provider again, so that the outcome of the job has all of them to move or remove.
fn relist<T: Config>(id: JobId) {
    let job = Jobs::<T>::get(id).expect("the job lives");
    T::Providers::benchmark_offer(&job.booking.provider, job.model, ask::<T>());
}

/// Goes on to the first block after the present deadline of a job.
fn let_lapse<T: Config>(id: JobId) -> BlockNumberFor<T> {
    let until = Jobs::<T>::get(id).expect("the job lives").phase.until();
    let now = until.saturating_add(1u32.into());
    frame_system::Pallet::<T>::set_block_number(now);
    now
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn post() {
        let model = model_with_providers::<T>(MAX_ATTEMPTS);
        let user = funded::<T>("user");
        let price = ask::<T>().saturating_mul(MAX_TOKENS.into());

        #[extrinsic_call]
        _(
            RawOrigin::Signed(user),
            model,
            content(1),
            [2; 32],
            MAX_TOKENS,
            price,
            Patience::Long,
        );

        assert!(Jobs::<T>::contains_key(0));
    }

    #[benchmark]
    fn release_input() {
        let (user, id) = posted::<T>(1);
        let key = booking::<T>(id).encryption_key;

        #[extrinsic_call]
        _(RawOrigin::Signed(user), id, key, [3; WRAPPED_KEY_BYTES]);

        assert!(Jobs::<T>::get(id).is_some_and(|job| job.input_key.is_some()));
    }

    #[benchmark]
    fn cancel() {
        let (user, id) = posted::<T>(1);
        relist::<T>(id);

        #[extrinsic_call]
        _(RawOrigin::Signed(user), id);

        assert!(Receipts::<T>::contains_key(id));
    }

    #[benchmark]
    fn commit() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        let device = booking::<T>(id).device;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(device),
            id,
            content(4),
            [5; 32],
            [6; WRAPPED_KEY_BYTES],
            MAX_TOKENS / 2,
        );

        assert!(Receipts::<T>::get(id).is_some_and(|receipt| receipt.reason.is_paid()));
    }

    #[benchmark]
    fn decline() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS - 1);
        let device = booking::<T>(id).device;

        #[extrinsic_call]
        _(RawOrigin::Signed(device), id, Decline::DeviceFault);

        assert!(Jobs::<T>::get(id).is_some_and(|job| job.attempt == MAX_ATTEMPTS));
    }

    #[benchmark]
    fn decline_abandoned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS - 1, MAX_ATTEMPTS - 1);
        let device = booking::<T>(id).device;

        #[extrinsic_call]
        decline(RawOrigin::Signed(device), id, Decline::DeviceFault);

        assert!(Receipts::<T>::get(id).is_some_and(|receipt| receipt.provider.is_none()));
    }

    #[benchmark]
    fn expire() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS - 1);
        let_lapse::<T>(id);

        #[extrinsic_call]
        _(RawOrigin::Signed(account("anyone", 0, 0)), id);

        assert!(Jobs::<T>::get(id).is_some_and(|job| job.attempt == MAX_ATTEMPTS));
    }

    #[benchmark]
    fn expire_abandoned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS - 1, MAX_ATTEMPTS - 1);
        let_lapse::<T>(id);

        #[extrinsic_call]
        expire(RawOrigin::Signed(account("anyone", 0, 0)), id);

        assert!(Receipts::<T>::get(id).is_some_and(|receipt| receipt.provider.is_none()));
    }

    #[benchmark]
    fn queue_heads() {
        let now = frame_system::Pallet::<T>::block_number();
        for queue in Queue::ALL {
            Pallet::<T>::enqueue(queue, 0, 1, now.saturating_add(1u32.into()));
        }
        let mut meter = WeightMeter::new();

        #[block]
        {
            Pallet::<T>::handle_due(now, T::MaxDuePerBlock::get(), &mut meter);
        }

        assert_eq!(Deadlines::<T>::iter_keys().count(), Queue::ALL.len());
    }

    #[benchmark]
    fn due_reassigned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS - 1);
        let now = let_lapse::<T>(id);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Queue::Short, now);
        }

        assert_eq!(handled, Some(Handled::Reassigned));
    }

    #[benchmark]
    fn due_refunded() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        let now = let_lapse::<T>(id);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Queue::Short, now);
        }

        assert_eq!(handled, Some(Handled::Refunded));
    }

    #[benchmark]
    fn due_abandoned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS - 1, MAX_ATTEMPTS - 1);
        let now = let_lapse::<T>(id);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Queue::Short, now);
        }

        assert_eq!(handled, Some(Handled::Abandoned));
    }

    #[benchmark]
    fn due_pruned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        let device = booking::<T>(id).device;
        Pallet::<T>::commit(
            RawOrigin::Signed(device).into(),
            id,
            content(4),
            [5; 32],
            [6; WRAPPED_KEY_BYTES],
            MAX_TOKENS,
        )
        .expect("the device is assigned and in time");
        let now = frame_system::Pallet::<T>::block_number().saturating_add(T::Retention::get());
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Queue::Retention, now);
        }

        assert_eq!(handled, Some(Handled::Pruned));
    }

    /// An entry whose job lives, and so has to be read, but has moved on.
    #[benchmark]
    fn due_skipped() {
        let (_, id) = running::<T>(1, 1);
        let now = let_lapse::<T>(id);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Queue::Input, now);
        }

        assert_eq!(handled, Some(Handled::Skipped));
    }

    impl_benchmark_test_suite!(
        Pallet,
        crate::mock::Chain::with(&[]).into_externalities(),
        crate::mock::Test
    );
}
