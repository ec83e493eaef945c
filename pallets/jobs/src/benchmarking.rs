//! Costs of the calls in their worst case, and of each step that the hooks take.

use frame_benchmarking::v2::*;
use frame_support::{traits::fungible::Mutate, weights::WeightMeter};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::{Saturating, traits::Get};
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, JobId,
    device::WRAPPED_KEY_BYTES,
    job::{Arithmetic, Decline, MAX_ATTEMPTS, Patience, Reason},
    price::Split,
    registry::{Matching, ModelRegistry, Royalties},
    tier::{Challenges, Tier, Window},
};

use crate::types::{Handled, Line};
use crate::*;

const MAX_TOKENS: u32 = 100;

/// High enough that every part of a price is above the existential deposit, so that accounts can be created.
fn ask<T: Config>() -> Balance {
    <T::Currency as frame_support::traits::fungible::Inspect<T::AccountId>>::minimum_balance()
        .saturating_mul(100)
        .max(100)
}

fn fund<T: Config>(account: &T::AccountId) {
    T::Currency::set_balance(account, ask::<T>().saturating_mul(1_000_000));
}

/// What a block reads and writes at most once, however many jobs it handles, is charged to the block (`handle_due`) and not
/// to each job.
fn charge_cursors_to_the_block<T: Config>() {
    for key in [
        NextInputCheck::<T>::hashed_key(),
        NextJobId::<T>::hashed_key(),
        NextReceipt::<T>::hashed_key(),
    ] {
        frame_benchmarking::benchmarking::add_to_whitelist(key.to_vec().into());
    }
}

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    }
}

fn creator<T: Config>() -> T::AccountId {
    let creator = account("creator", 0, 0);
    fund::<T>(&creator);
    creator
}

/// An exact model, and as many providers for it, the booking of each of whom takes `offers` offers out of the book.
fn model_with_providers<T: Config>(providers: u8, offers: u32) -> AssetId {
    let model = T::Models::benchmark_model(&creator::<T>());
    offered_by::<T>(model, providers, offers);
    model
}

fn offered_by<T: Config>(model: AssetId, providers: u8, offers: u32) {
    for index in 0..providers {
        let provider: T::AccountId = account("provider", index.into(), 0);
        T::Providers::benchmark_offer(&provider, model, ask::<T>(), offers);
    }
}

fn posted_by<T: Config>(user: &T::AccountId, providers: u8, offers: u32) -> JobId {
    let model = model_with_providers::<T>(providers, offers);
    posted_on::<T>(user, model)
}

fn posted_on<T: Config>(user: &T::AccountId, model: AssetId) -> JobId {
    posted_in::<T>(user, model, Tier::None)
}

/// A tier whose results may be challenged.
const CHALLENGEABLE: Tier = Tier::Exact(Challenges {
    window: Window::Short,
    prompt: Some([8; 32]),
    open: true,
});

fn posted_in<T: Config>(user: &T::AccountId, model: AssetId, tier: Tier) -> JobId {
    fund::<T>(user);
    let id = NextJobId::<T>::get();
    Pallet::<T>::post(
        RawOrigin::Signed(user.clone()).into(),
        model,
        content(1),
        [2; 32],
        MAX_TOKENS,
        ask::<T>().saturating_mul(MAX_TOKENS.into()),
        Patience::Short,
        Arithmetic::Exact,
        tier,
    )
    .expect("a provider offers the model and the user has the funds");
    id
}

/// The receipt of a completed job.
pub(crate) fn paid_receipt<T: Config>(user: &T::AccountId, model: AssetId) -> JobId {
    let id = NextJobId::<T>::get();
    NextJobId::<T>::put(id.saturating_add(1));
    let now = frame_system::Pallet::<T>::block_number();
    Receipts::<T>::insert(
        id,
        Receipt {
            user: user.clone(),
            model,
            arithmetic: Arithmetic::Exact,
            tier: Tier::None,
            provider: Some(account("provider", 0, 0)),
            reason: Reason::Completed,
            output: Some(content(4)),
            result_hash: Some([5; 32]),
            trace_root: Some([7; 32]),
            output_key: Some([6; WRAPPED_KEY_BYTES]),
            used_tokens: 1,
            split: Split {
                provider: 1,
                ..Default::default()
            },
            attempts: 1,
            posted_at: now,
            ended_at: now,
        },
    );
    id
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

/// A job that runs in attempt `attempt`, while `providers` in all offer its model, and that took a use of a licence.
fn running<T: Config>(providers: u8, attempt: u8) -> (T::AccountId, JobId) {
    let user = account("user", 0, 0);
    let model = model_with_providers::<T>(providers, T::Providers::benchmark_most_offers());
    T::Models::benchmark_uses(model, &user);
    let id = posted_on::<T>(&user, model);
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
    let offers = T::Providers::benchmark_most_offers();
    T::Providers::benchmark_offer(&job.booking.provider, job.model, ask::<T>(), offers);
}

/// The job ends, its receipt stays.
fn committed<T: Config>(id: JobId) {
    let device = booking::<T>(id).device;
    Pallet::<T>::commit(
        RawOrigin::Signed(device).into(),
        id,
        content(4),
        [5; 32],
        [6; WRAPPED_KEY_BYTES],
        MAX_TOKENS,
        Some([7; 32]),
        Some(content(8)),
    )
    .expect("the device is assigned and in time");
}

/// A job whose result may be challenged, of `provider` and on a listed model with a root, of whom others put it in place.
pub(crate) fn proposed<T: Config>(
    user: &T::AccountId,
    provider: &T::AccountId,
    exact_root: [u8; 32],
    trace_root: [u8; 32],
    prompt: [u8; 32],
) -> JobId {
    let model = T::Models::benchmark_exact_model(&creator::<T>(), exact_root);
    let offers = T::Providers::benchmark_most_offers();
    T::Providers::benchmark_offer(provider, model, ask::<T>(), offers);
    let challenges = Challenges {
        window: Window::Short,
        prompt: Some(prompt),
        open: true,
    };
    let id = posted_in::<T>(user, model, Tier::Exact(challenges));
    released::<T>(user, id);
    relist::<T>(id);
    let device = booking::<T>(id).device;
    Pallet::<T>::commit(
        RawOrigin::Signed(device).into(),
        id,
        content(4),
        [5; 32],
        [6; WRAPPED_KEY_BYTES],
        MAX_TOKENS / 2,
        Some(trace_root),
        Some(content(8)),
    )
    .expect("the device is assigned and in time");
    id
}

/// Goes on to the first block after the present deadline of a running job, which waits for it in its queue.
fn let_lapse<T: Config>(id: JobId) -> BlockNumberFor<T> {
    let checked = let_input_window_pass::<T>();
    while Pallet::<T>::handle_next(Line::Posted, checked).is_some() {}
    while Pallet::<T>::handle_next(Line::Queue(Queue::Input), checked).is_some() {}
    let until = Jobs::<T>::get(id).expect("the job lives").phase.until();
    let now = until.saturating_add(1u32.into());
    frame_system::Pallet::<T>::set_block_number(now);
    now
}

/// Goes on to the first block after the input windows of what was done so far.
fn let_input_window_pass<T: Config>() -> BlockNumberFor<T> {
    let now = frame_system::Pallet::<T>::block_number()
        .saturating_add(T::InputWindow::get())
        .saturating_add(1u32.into());
    frame_system::Pallet::<T>::set_block_number(now);
    now
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn post(m: Linear<0, { T::Providers::benchmark_most_offers() }>) {
        let model = model_with_providers::<T>(MAX_ATTEMPTS, m);
        // A caller's account is read and written for the fee already; here and below.
        let user: T::AccountId = whitelisted_caller();
        fund::<T>(&user);
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
            Arithmetic::Exact,
            CHALLENGEABLE,
        );

        assert!(Jobs::<T>::contains_key(0));
    }

    #[benchmark]
    fn release_input() {
        let user: T::AccountId = whitelisted_caller();
        let id = posted_by::<T>(&user, 1, 0);
        let key = booking::<T>(id).encryption_key;

        #[extrinsic_call]
        _(RawOrigin::Signed(user), id, key, [3; WRAPPED_KEY_BYTES]);

        assert!(Jobs::<T>::get(id).is_some_and(|job| job.input_key.is_some()));
    }

    #[benchmark]
    fn cancel(m: Linear<0, { T::Providers::benchmark_most_offers() }>) {
        let user: T::AccountId = whitelisted_caller();
        let id = posted_by::<T>(&user, 1, m);

        #[extrinsic_call]
        _(RawOrigin::Signed(user), id);

        assert!(Receipts::<T>::contains_key(id));
    }

    #[benchmark]
    fn commit(m: Linear<0, { T::Providers::benchmark_most_offers() }>, p: Linear<1, { T::Royalties::most_payees() }>) {
        let user = account("user", 0, 0);
        let model = T::Royalties::benchmark_asset(&creator::<T>(), p);
        offered_by::<T>(model, 1, m);
        let id = posted_on::<T>(&user, model);
        released::<T>(&user, id);
        let device = booking::<T>(id).device;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(device),
            id,
            content(4),
            [5; 32],
            [6; WRAPPED_KEY_BYTES],
            MAX_TOKENS / 2,
            Some([7; 32]),
            Some(content(8)),
        );

        assert!(Receipts::<T>::get(id).is_some_and(|receipt| receipt.trace_root.is_some()));
    }

    #[benchmark]
    fn propose(m: Linear<0, { T::Providers::benchmark_most_offers() }>) {
        let user = account("user", 0, 0);
        let model = model_with_providers::<T>(1, m);
        let id = posted_in::<T>(&user, model, CHALLENGEABLE);
        released::<T>(&user, id);
        let device = booking::<T>(id).device;

        #[extrinsic_call]
        commit(
            RawOrigin::Signed(device),
            id,
            content(4),
            [5; 32],
            [6; WRAPPED_KEY_BYTES],
            MAX_TOKENS / 2,
            Some([7; 32]),
            Some(content(8)),
        );

        assert!(Jobs::<T>::get(id).is_some_and(|job| job.proposed.is_some()));
    }

    #[benchmark]
    fn take_use() {
        let user: T::AccountId = account("user", 0, 0);
        let model = T::Models::benchmark_model(&creator::<T>());
        T::Models::benchmark_uses(model, &user);
        let taken;

        #[block]
        {
            taken = T::Models::take_use(model, &user);
        }

        assert!(matches!(taken, Ok(Some(_))));
    }

    #[benchmark]
    fn return_use() {
        let user: T::AccountId = account("user", 0, 0);
        let model = T::Models::benchmark_model(&creator::<T>());
        T::Models::benchmark_uses(model, &user);
        let licence = T::Models::take_use(model, &user)
            .ok()
            .flatten()
            .expect("the user has a licence");

        #[block]
        {
            T::Models::return_use(licence);
        }
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
        posted_by::<T>(&account("user", 0, 0), 1, 0);
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
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::Short), now);
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
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::Short), now);
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
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::Short), now);
        }

        assert_eq!(handled, Some(Handled::Abandoned));
    }

    #[benchmark]
    fn due_paid(p: Linear<1, { T::Royalties::most_payees() }>) {
        let user = account("user", 0, 0);
        let model = T::Royalties::benchmark_asset(&creator::<T>(), p);
        offered_by::<T>(model, 1, 0);
        let id = posted_in::<T>(&user, model, CHALLENGEABLE);
        released::<T>(&user, id);
        committed::<T>(id);
        let until = Jobs::<T>::get(id).expect("the job lives").phase.until();
        let now = until.saturating_add(1u32.into());
        frame_system::Pallet::<T>::set_block_number(now);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::ShortChallenge), now);
        }

        assert_eq!(handled, Some(Handled::Paid));
        assert!(Receipts::<T>::get(id).is_some_and(|receipt| receipt.reason == Reason::Completed));
    }

    #[benchmark]
    fn due_waits() {
        let (_, id) = running::<T>(2, 2);
        let now = let_input_window_pass::<T>();
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::Input), now);
        }

        assert_eq!(handled, Some(Handled::Waits));
        assert!(Jobs::<T>::contains_key(id));
    }

    #[benchmark]
    fn due_pruned() {
        let (_, id) = running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        committed::<T>(id);
        let now = frame_system::Pallet::<T>::block_number().saturating_add(T::Retention::get());
        charge_cursors_to_the_block::<T>();
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Line::Receipts, now);
        }

        assert_eq!(handled, Some(Handled::Pruned));
    }

    /// A job that lives, and so has to be read, but is with another provider by now.
    #[benchmark]
    fn due_passed() {
        running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        let now = let_input_window_pass::<T>();
        charge_cursors_to_the_block::<T>();
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Line::Posted, now);
        }

        assert_eq!(handled, Some(Handled::Passed));
    }

    /// An entry whose job lives, and so has to be read, but has moved on.
    #[benchmark]
    fn due_skipped() {
        running::<T>(MAX_ATTEMPTS, MAX_ATTEMPTS);
        let now = let_input_window_pass::<T>();
        let handled;

        #[block]
        {
            handled = Pallet::<T>::handle_next(Line::Queue(Queue::Input), now);
        }

        assert_eq!(handled, Some(Handled::Skipped));
    }

    impl_benchmark_test_suite!(
        Pallet,
        crate::mock::Chain::with(&[]).into_externalities(),
        crate::mock::Test
    );
}
