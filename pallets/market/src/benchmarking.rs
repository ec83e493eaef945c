//! Worst cases of the calls: the longest texts, no hold of the reason yet, and offers that are listed or moved.

use alloc::vec;
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        Get,
        fungible::{Inspect as _, Mutate as _},
    },
};
use frame_system::RawOrigin;
use weft_primitives::{
    AssetKind, Balance, ContentCodec, ContentId,
    device::WRAPPED_KEY_BYTES,
    registry::{KeyGrantHandler, ModelRegistry},
};

use crate::{
    AssetStatus, Assets, Call, Config, Endpoints, Grants, NameOf, NextAssetId, Pallet, UrlOf, publication::Publication,
};

/// An exact text model with the longest name.
pub(crate) fn publication<T: Config>() -> Publication<NameOf<T>> {
    let content = |byte| ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    };
    Publication {
        kind: AssetKind::TextModel,
        name: longest(),
        manifest: content(1),
        content: content(2),
        size_bytes: 1 << 30,
        key_commitment: [3; 32],
        // Something for the creator and something for the provider, so that settling a job pays both.
        royalty: T::MaxRoyalty::get() / 2,
        exact_root: Some([4; 32]),
    }
}

fn longest<S: Get<u32>>() -> BoundedVec<u8, S> {
    BoundedVec::truncate_from(vec![b'x'; S::get() as usize])
}

/// A creator who can pay every deposit.
fn creator<T: Config>() -> T::AccountId {
    let creator: T::AccountId = whitelisted_caller();
    let deposits = T::PublishDeposit::get()
        .saturating_add(T::GrantDeposit::get())
        .saturating_add(T::EndpointDeposit::get());
    let funds: Balance = T::Currency::minimum_balance().saturating_add(deposits.saturating_mul(4));
    T::Currency::mint_into(&creator, funds).expect("a benchmark's currency can be minted");
    creator
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn publish() {
        let creator = creator::<T>();
        let what = publication::<T>();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(creator.clone()),
            what.kind,
            what.name,
            what.manifest,
            what.content,
            what.size_bytes,
            what.key_commitment,
            T::MaxRoyalty::get(),
            what.exact_root,
        );

        let asset = NextAssetId::<T>::get().saturating_sub(1);
        assert_eq!(Assets::<T>::get(asset).map(|info| info.creator), Some(creator));
    }

    #[benchmark]
    fn retire() {
        let creator = creator::<T>();
        let asset = Pallet::<T>::benchmark_model(&creator);

        #[extrinsic_call]
        _(RawOrigin::Signed(creator), asset);

        assert_eq!(
            Assets::<T>::get(asset).map(|info| info.status),
            Some(AssetStatus::Retired)
        );
    }

    #[benchmark]
    fn grant_key() {
        let creator = creator::<T>();
        let asset = Pallet::<T>::benchmark_model(&creator);
        let provider: T::AccountId = account("provider", 0, 0);
        let key = T::Grantees::benchmark_unkeyed_offer(asset, &provider);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(creator),
            asset,
            provider.clone(),
            key,
            [7; WRAPPED_KEY_BYTES],
        );

        assert!(Pallet::<T>::has_key(asset, &provider, &key));
    }

    #[benchmark]
    fn revoke_key() -> Result<(), BenchmarkError> {
        let creator = creator::<T>();
        let asset = Pallet::<T>::benchmark_model(&creator);
        let provider: T::AccountId = account("provider", 0, 0);
        let key = T::Grantees::benchmark_unkeyed_offer(asset, &provider);
        Pallet::<T>::grant_key(
            RawOrigin::Signed(creator.clone()).into(),
            asset,
            provider.clone(),
            key,
            [7; WRAPPED_KEY_BYTES],
        )?;
        // Another offer behind it in the book, which has to move into the gap.
        let last: T::AccountId = account("provider", 1, 0);
        let key = T::Grantees::benchmark_unkeyed_offer(asset, &last);
        Pallet::<T>::benchmark_grant(asset, &last, &key);

        #[extrinsic_call]
        _(RawOrigin::Signed(creator), asset, provider.clone());

        assert!(!Grants::<T>::contains_key(asset, provider));
        Ok(())
    }

    #[benchmark]
    fn set_endpoint() {
        let creator = creator::<T>();
        let url: UrlOf<T> = longest();

        #[extrinsic_call]
        _(RawOrigin::Signed(creator.clone()), Some(url));

        assert!(Endpoints::<T>::contains_key(creator));
    }

    #[benchmark]
    fn remove_endpoint() -> Result<(), BenchmarkError> {
        let creator = creator::<T>();
        Pallet::<T>::set_endpoint(RawOrigin::Signed(creator.clone()).into(), Some(longest()))?;

        #[extrinsic_call]
        set_endpoint(RawOrigin::Signed(creator.clone()), None);

        assert!(!Endpoints::<T>::contains_key(creator));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
