//! Worst cases of the calls: the longest texts, the most payees, entries that others have to move for, and no hold of
//! the reason yet.

use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect as _, Mutate as _},
    },
};
use frame_system::RawOrigin;
use sp_runtime::Saturating;
use weft_primitives::{
    AssetId, Balance, ContentCodec, ContentId, Currency,
    payment::Payments,
    price::PPM,
    registry::{Licensing, PaidJobs, Royalties},
    space::{Called, Category, Grievance, MAX_CALLS, MAX_FEATURED, PaidUse, SpaceId},
};

use crate::{
    Call, Calls, Config, Featured, NextSpaceId, Pallet, Purchases, Ratings, Releases, Reports, Spaces, TitleOf,
    VersionOf,
};

const BUNDLE_BYTES: u64 = 1 << 30;

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    }
}

fn longest<S: Get<u32>>() -> BoundedVec<u8, S> {
    BoundedVec::truncate_from(vec![b'x'; S::get() as usize])
}

/// Enough for shares of shares to be received by accounts that have nothing else.
fn price<T: Config>() -> Balance {
    T::Currency::minimum_balance()
        .saturating_mul(1_000_000)
        .max(1_000_000_000)
}

/// An account that can pay for all there is to be held.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
    let who: T::AccountId = account(name, 0, 0);
    let deposits = T::SpaceDeposit::get()
        .saturating_add(T::ReleaseDeposit::get())
        .saturating_mul(Balance::from(MAX_FEATURED) + 4)
        .saturating_add(T::PurchaseDeposit::get())
        .saturating_add(T::RatingDeposit::get())
        .saturating_add(T::ReportBond::get());
    let funds = T::Currency::minimum_balance().saturating_add(deposits.saturating_mul(2));
    T::Currency::set_balance(&who, funds);
    who
}

/// So many assets, known to the market.
fn assets<T: Config>(count: u32) -> Calls {
    let called = (0..count).map(|nth| {
        let creator: T::AccountId = account("creator", nth, 0);
        T::Currency::set_balance(&creator, price::<T>());
        called(T::Assets::benchmark_sealed(&creator, 1 << 20, [1; 32]))
    });
    BoundedVec::truncate_from(called.collect())
}

fn called(asset: AssetId) -> Called {
    Called {
        asset,
        share: PPM / MAX_CALLS,
    }
}

fn publish_with<T: Config>(owner: &T::AccountId, calls: Calls, currency: Currency, price: Balance) -> SpaceId {
    let space = NextSpaceId::<T>::get();
    Pallet::<T>::publish(
        RawOrigin::Signed(owner.clone()).into(),
        longest(),
        Category::Chat,
        longest(),
        content(1),
        content(2),
        BUNDLE_BYTES,
        Some(content(8)),
        calls,
        currency,
        price,
    )
    .expect("the assets exist, the currency is accepted and the owner has the deposits");
    space
}

fn published<T: Config>(owner: &T::AccountId) -> SpaceId {
    publish_with::<T>(owner, Calls::default(), Currency::Native, price::<T>())
}

/// Two Spaces of an owner: when the first leaves a list, the second moves.
fn two_published<T: Config>(owner: &T::AccountId) -> SpaceId {
    let first = published::<T>(owner);
    published::<T>(owner);
    first
}

/// A free Space with two ratings, the first by `who`: withdrawn, it changes the class, and another Space and the other rater
/// move.
fn rated<T: Config>(owner: &T::AccountId, who: &T::AccountId) -> SpaceId {
    let calls = assets::<T>(1);
    let model = calls
        .first()
        .map(|called| called.asset)
        .expect("one asset was asked for");
    let [space, other] = [(), ()].map(|()| publish_with::<T>(owner, calls.clone(), Currency::Native, 0));
    let second = funded::<T>("second");
    // Means of 3 stars both, and of 1 without the first rating.
    for (by, space, stars) in [(who, space, 5), (&second, space, 1), (&second, other, 3)] {
        let job = T::Jobs::benchmark_paid_job(by, model);
        Pallet::<T>::rate(
            RawOrigin::Signed(by.clone()).into(),
            space,
            stars,
            None,
            PaidUse::Job(job),
        )
        .expect("the job was paid for and done by the asset that is called");
    }
    space
}

fn reported<T: Config>(space: SpaceId, who: &T::AccountId) {
    Pallet::<T>::report(
        RawOrigin::Signed(who.clone()).into(),
        space,
        Grievance::Other,
        Some(content(3)),
    )
    .expect("the reporter has the bond");
}

/// A Space reported by `who` first, and then by another, who moves in the list when the first goes.
fn twice_reported<T: Config>(who: &T::AccountId) -> SpaceId {
    let space = published::<T>(&funded::<T>("owner"));
    reported::<T>(space, who);
    reported::<T>(space, &funded::<T>("second"));
    space
}

/// Features as many Spaces as can be, `first` as the first.
fn all_featured<T: Config>(owner: &T::AccountId, first: SpaceId, count: u32) {
    let others = (1..count).map(|_| published::<T>(owner));
    let all: Vec<SpaceId> = core::iter::once(first).chain(others).collect();
    Featured::<T>::put(BoundedVec::truncate_from(all));
}

fn governance<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn publish(c: Linear<0, MAX_CALLS>) {
        let owner = funded::<T>("owner");
        let calls = assets::<T>(c);
        let (title, version): (TitleOf<T>, VersionOf<T>) = (longest(), longest());
        let space = NextSpaceId::<T>::get();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner),
            title,
            Category::Chat,
            version,
            content(1),
            content(2),
            BUNDLE_BYTES,
            Some(content(8)),
            calls,
            Currency::Native,
            price::<T>(),
        );

        assert!(Spaces::<T>::contains_key(space));
    }

    #[benchmark]
    fn release() {
        let owner = funded::<T>("owner");
        let space = publish_with::<T>(&owner, assets::<T>(MAX_CALLS), Currency::Native, price::<T>());
        let version: VersionOf<T> = longest();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner),
            space,
            content(3),
            content(4),
            BUNDLE_BYTES,
            Some(content(5)),
            version,
        );

        assert!(Releases::<T>::contains_key(space, 1));
    }

    #[benchmark]
    fn set_calls(c: Linear<0, MAX_CALLS>) {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        let calls = assets::<T>(c);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), space, calls.clone());

        assert_eq!(Spaces::<T>::get(space).map(|space| space.calls), Some(calls));
    }

    #[benchmark]
    fn set_price() {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        let currency = T::Payments::benchmark_currency();
        T::Payments::benchmark_endow(&owner, currency, price::<T>());

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), space, currency, 7);

        assert_eq!(Spaces::<T>::get(space).map(|space| space.price), Some(7));
    }

    #[benchmark]
    fn retire() {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        all_featured::<T>(&owner, space, MAX_FEATURED);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), space);

        assert_eq!(Spaces::<T>::get(space).map(|space| space.retired), Some(true));
    }

    #[benchmark]
    fn offer_transfer() {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        let to = funded::<T>("new owner");

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), space, Some(to.clone()));

        assert_eq!(Spaces::<T>::get(space).and_then(|space| space.offered_to), Some(to));
    }

    #[benchmark]
    fn accept_transfer() -> Result<(), BenchmarkError> {
        let (owner, to) = (funded::<T>("owner"), funded::<T>("new owner"));
        let space = two_published::<T>(&owner);
        Pallet::<T>::offer_transfer(RawOrigin::Signed(owner).into(), space, Some(to.clone()))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(to.clone()), space);

        assert_eq!(Spaces::<T>::get(space).map(|space| space.owner), Some(to));
        Ok(())
    }

    #[benchmark]
    fn buy(c: Linear<0, MAX_CALLS>) {
        let (owner, buyer) = (funded::<T>("owner"), funded::<T>("buyer"));
        let currency = T::Payments::benchmark_currency();
        // The owner too, so that its account takes the currency.
        for who in [&owner, &buyer] {
            T::Payments::benchmark_endow(who, currency, price::<T>().saturating_mul(2));
        }
        let calls = (0..c).map(|nth| {
            let creator: T::AccountId = account("creator", nth, 0);
            called(T::Royalties::benchmark_asset(&creator, T::Royalties::most_payees()))
        });
        let calls = BoundedVec::truncate_from(calls.collect());
        let space = publish_with::<T>(&owner, calls, currency, price::<T>());

        #[extrinsic_call]
        _(RawOrigin::Signed(buyer.clone()), space, currency, price::<T>());

        assert!(Purchases::<T>::contains_key(space, buyer));
    }

    #[benchmark]
    fn forget() -> Result<(), BenchmarkError> {
        let (owner, buyer) = (funded::<T>("owner"), funded::<T>("buyer"));
        let space = published::<T>(&owner);
        T::Payments::benchmark_endow(&buyer, Currency::Native, price::<T>().saturating_mul(2));
        Pallet::<T>::buy(
            RawOrigin::Signed(buyer.clone()).into(),
            space,
            Currency::Native,
            price::<T>(),
        )
        .map_err(|refused| refused.error)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(buyer.clone()), space);

        assert!(!Purchases::<T>::contains_key(space, buyer));
        Ok(())
    }

    #[benchmark]
    fn rate() {
        let (owner, rater) = (funded::<T>("owner"), funded::<T>("rater"));
        let mut calls = assets::<T>(MAX_CALLS);
        // The last that is looked at.
        calls.sort_by_key(|called| called.asset);
        let model = calls.last().map(|called| called.asset).unwrap_or_default();
        let space = publish_with::<T>(&owner, calls, Currency::Native, 0);
        published::<T>(&owner);
        let job = T::Jobs::benchmark_paid_job(&rater, model);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(rater.clone()),
            space,
            5,
            Some(content(6)),
            PaidUse::Job(job),
        );

        assert!(Ratings::<T>::contains_key(space, rater));
    }

    #[benchmark]
    fn withdraw_rating() {
        let (owner, rater) = (funded::<T>("owner"), funded::<T>("rater"));
        let space = rated::<T>(&owner, &rater);

        #[extrinsic_call]
        _(RawOrigin::Signed(rater.clone()), space);

        assert!(!Ratings::<T>::contains_key(space, rater));
    }

    #[benchmark]
    fn report() {
        let (owner, reporter) = (funded::<T>("owner"), funded::<T>("reporter"));
        let space = published::<T>(&owner);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(reporter.clone()),
            space,
            Grievance::Malware,
            Some(content(7)),
        );

        assert!(Reports::<T>::contains_key(space, reporter));
    }

    #[benchmark]
    fn withdraw_report() {
        let reporter = funded::<T>("reporter");
        let space = twice_reported::<T>(&reporter);
        let now = frame_system::Pallet::<T>::block_number();
        frame_system::Pallet::<T>::set_block_number(now.saturating_add(T::ReportPeriod::get()));

        #[extrinsic_call]
        _(RawOrigin::Signed(reporter.clone()), space);

        assert!(!Reports::<T>::contains_key(space, reporter));
    }

    #[benchmark]
    fn resolve_report() -> Result<(), BenchmarkError> {
        let reporter = funded::<T>("reporter");
        let space = twice_reported::<T>(&reporter);
        T::Currency::set_balance(&T::TreasuryAccount::get(), price::<T>());
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, space, reporter.clone(), false);

        assert!(!Reports::<T>::contains_key(space, reporter));
        Ok(())
    }

    #[benchmark]
    fn take_down() -> Result<(), BenchmarkError> {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        all_featured::<T>(&owner, space, MAX_FEATURED);
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, space, Grievance::Malware);

        assert_eq!(
            Spaces::<T>::get(space).and_then(|space| space.taken_down),
            Some(Grievance::Malware)
        );
        Ok(())
    }

    #[benchmark]
    fn restore() -> Result<(), BenchmarkError> {
        let space = two_published::<T>(&funded::<T>("owner"));
        Pallet::<T>::take_down(governance::<T>()?, space, Grievance::Broken)?;
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, space);

        assert_eq!(Spaces::<T>::get(space).map(|space| space.is_listed()), Some(true));
        Ok(())
    }

    #[benchmark]
    fn feature() -> Result<(), BenchmarkError> {
        let owner = funded::<T>("owner");
        let space = published::<T>(&owner);
        let first = published::<T>(&owner);
        all_featured::<T>(&owner, first, MAX_FEATURED - 1);
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, space, true);

        assert!(Featured::<T>::get().is_full());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
