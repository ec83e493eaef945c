//! Worst cases of the calls: the most siblings, entries that another has to move for, and no hold of the reason yet.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        Get,
        fungible::{Inspect as _, Mutate as _},
    },
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::traits::Saturating;
use weft_primitives::{
    AssetId, Balance,
    pieces::{Epoch, MAX_PLACES, MAX_SIBLINGS, PIECE_BYTES, PinDealId, challenged, piece_count, piece_length},
    registry::Licensing,
};

use crate::{Call, Config, Deals, EpochSeed, NextDealId, Pallet, PieceBytes, Pins, PresentEpoch, ShelfPlace, Siblings};

const EPOCHS: Epoch = 1_000;
const SEED: [u8; 32] = [7; 32];

fn reward<T: Config>() -> Balance {
    T::Currency::minimum_balance().saturating_mul(10).max(10)
}

/// An account that can pay for a few deals and bonds.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
    let who: T::AccountId = account(name, 0, 0);
    let needed = reward::<T>()
        .saturating_mul(EPOCHS.into())
        .saturating_mul(MAX_PLACES.into())
        .saturating_add(T::DealDeposit::get())
        .saturating_add(T::PinBond::get());
    T::Currency::set_balance(&who, needed.saturating_mul(4));
    who
}

fn open_on<T: Config>(opener: &T::AccountId, asset: AssetId) -> PinDealId {
    let deal = NextDealId::<T>::get();
    Pallet::<T>::open(
        RawOrigin::Signed(opener.clone()).into(),
        asset,
        reward::<T>(),
        EPOCHS,
        MAX_PLACES,
    )
    .expect("the asset was published with a root and the opener has the funds");
    deal
}

fn opened<T: Config>(opener: &T::AccountId) -> PinDealId {
    let asset = T::Assets::benchmark_sealed(opener, u64::MAX, [1; 32]);
    open_on::<T>(opener, asset)
}

fn joined<T: Config>(pinner: &T::AccountId, deal: PinDealId) {
    Pallet::<T>::join(RawOrigin::Signed(pinner.clone()).into(), deal).expect("a place is free");
}

/// Two deals in which a pinner pins: when the first goes, the second moves in the list.
fn two_joined<T: Config>(opener: &T::AccountId, pinner: &T::AccountId) -> PinDealId {
    let (deal, other) = (opened::<T>(opener), opened::<T>(opener));
    joined::<T>(pinner, deal);
    joined::<T>(pinner, other);
    deal
}

/// Goes on to the first block of an epoch.
fn go_to<T: Config>(epoch: Epoch) {
    let block = T::EpochBlocks::get().saturating_mul(BlockNumberFor::<T>::from(epoch));
    frame_system::Pallet::<T>::set_block_number(block);
    PresentEpoch::<T>::put(EpochSeed { epoch, seed: SEED });
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn epoch_begins() {
        PresentEpoch::<T>::put(EpochSeed { epoch: 0, seed: SEED });
        let now = T::EpochBlocks::get().saturating_mul(7u32.into());
        frame_system::Pallet::<T>::set_block_number(now);
        let began;

        #[block]
        {
            began = Pallet::<T>::begin_epoch_if_due(now);
        }

        assert!(began);
        assert_eq!(PresentEpoch::<T>::get().map(|present| present.epoch), Some(7));
    }

    #[benchmark]
    fn epoch_goes_on() {
        go_to::<T>(7);
        let now = frame_system::Pallet::<T>::block_number();
        let began;

        #[block]
        {
            began = Pallet::<T>::begin_epoch_if_due(now);
        }

        assert!(!began);
    }

    #[benchmark]
    fn open() {
        let opener = funded::<T>("opener");
        let asset = T::Assets::benchmark_sealed(&opener, u64::MAX, [1; 32]);
        let deal = NextDealId::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(opener), asset, reward::<T>(), EPOCHS, MAX_PLACES);

        assert!(Deals::<T>::contains_key(deal));
    }

    #[benchmark]
    fn join() {
        let (opener, pinner) = (funded::<T>("opener"), funded::<T>("pinner"));
        let deal = opened::<T>(&opener);

        #[extrinsic_call]
        _(RawOrigin::Signed(pinner.clone()), deal);

        assert!(Pins::<T>::contains_key(deal, pinner));
    }

    #[benchmark]
    fn prove(s: Linear<0, MAX_SIBLINGS>) -> Result<(), BenchmarkError> {
        let (opener, pinner) = (funded::<T>("opener"), funded::<T>("pinner"));
        // A tree of 2^s leaves has s siblings for each.
        let size_bytes = u64::from(PIECE_BYTES).checked_shl(s).filter(|size| *size > 0);
        let size_bytes = size_bytes.unwrap_or(u64::MAX);
        let count = piece_count(size_bytes);
        // The root is made for the piece that will be asked for: what is asked for does not hang on it.
        let (deal, epoch) = (NextDealId::<T>::get(), Pallet::<T>::present_epoch().saturating_add(1));
        let piece = challenged(&SEED, deal, &pinner, epoch, count).ok_or("a file has pieces")?;
        let length = piece_length(size_bytes, piece).ok_or("the piece that is asked for is one")?;
        let bytes: PieceBytes = BoundedVec::truncate_from(alloc::vec![3; length as usize]);
        let siblings: Siblings = BoundedVec::truncate_from(alloc::vec![[5; 32]; s as usize]);
        let proof = weft_merkle::Proof {
            index: piece,
            count,
            siblings: siblings.to_vec(),
        };
        let root = proof
            .root(weft_merkle::leaf(&bytes))
            .ok_or("a tree of 2^s leaves has s siblings")?;
        let asset = T::Assets::benchmark_sealed(&opener, size_bytes, root);
        open_on::<T>(&opener, asset);
        joined::<T>(&pinner, deal);
        go_to::<T>(epoch);

        #[extrinsic_call]
        _(RawOrigin::Signed(pinner.clone()), deal, epoch, piece, bytes, siblings);

        assert_eq!(Pins::<T>::get(deal, pinner).map(|pin| pin.proofs), Some(1));
        Ok(())
    }

    #[benchmark]
    fn leave() {
        let (opener, pinner) = (funded::<T>("opener"), funded::<T>("pinner"));
        let deal = two_joined::<T>(&opener, &pinner);

        #[extrinsic_call]
        _(RawOrigin::Signed(pinner.clone()), deal);

        assert!(!Pins::<T>::contains_key(deal, pinner));
    }

    #[benchmark]
    fn evict() {
        let (opener, pinner) = (funded::<T>("opener"), funded::<T>("pinner"));
        let evictor = funded::<T>("evictor");
        let deal = two_joined::<T>(&opener, &pinner);
        go_to::<T>(
            Pallet::<T>::present_epoch()
                .saturating_add(T::MaxMissed::get())
                .saturating_add(1),
        );

        #[extrinsic_call]
        _(RawOrigin::Signed(evictor), deal, pinner.clone());

        assert!(!Pins::<T>::contains_key(deal, pinner));
    }

    #[benchmark]
    fn give_notice() {
        let opener = funded::<T>("opener");
        let deal = opened::<T>(&opener);

        #[extrinsic_call]
        _(RawOrigin::Signed(opener), deal);

        let last = Pallet::<T>::present_epoch().saturating_add(T::NoticeEpochs::get());
        assert_eq!(Deals::<T>::get(deal).map(|deal| deal.last_epoch), Some(last));
    }

    #[benchmark]
    fn close() {
        let opener = funded::<T>("opener");
        let asset = T::Assets::benchmark_sealed(&opener, u64::MAX, [1; 32]);
        // Another stands behind it in both lists, and moves.
        let deal = open_on::<T>(&opener, asset);
        open_on::<T>(&opener, asset);

        #[extrinsic_call]
        _(RawOrigin::Signed(opener), deal);

        assert!(!Deals::<T>::contains_key(deal));
        let places: Vec<u64> = ShelfPlace::<T>::iter_values().collect();
        assert_eq!(places, [0, 0]);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
