//! Epochs: a fixed number of blocks each, with one seed that draws all challenges.

use codec::Encode;
use frame_support::traits::{Get, Randomness};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    SaturatedConversion,
    traits::{BlakeTwo256, CheckedDiv, Hash, One, Saturating},
};
use weft_primitives::pieces::Epoch;

use crate::{Config, EpochSeed, Event, Pallet, PresentEpoch};

impl<T: Config> Pallet<T> {
    /// The epoch of a block.
    pub(crate) fn epoch_of(block: BlockNumberFor<T>) -> Epoch {
        block
            .checked_div(&T::EpochBlocks::get())
            .unwrap_or_default()
            .saturated_into()
    }

    /// The epoch that runs.
    pub(crate) fn present_epoch() -> Epoch {
        Self::epoch_of(frame_system::Pallet::<T>::block_number())
    }

    /// The last block of an epoch.
    pub(crate) fn last_block_of(epoch: Epoch) -> BlockNumberFor<T> {
        BlockNumberFor::<T>::from(epoch)
            .saturating_add(One::one())
            .saturating_mul(T::EpochBlocks::get())
            .saturating_sub(One::one())
    }

    /// Draws the seed of the block's epoch unless it has one. Whether it was drawn.
    ///
    /// It is drawn when the epoch's first block begins, not when somebody first asks for it, so that nobody can choose
    /// the block that decides.
    pub(crate) fn begin_epoch_if_due(now: BlockNumberFor<T>) -> bool {
        let epoch = Self::epoch_of(now);
        if PresentEpoch::<T>::get().is_some_and(|present| present.epoch == epoch) {
            return false;
        }
        let (random, _) = T::Randomness::random(b"weft/pin-epoch");
        let seed = BlakeTwo256::hash(&(b"weft/pin-epoch", random, epoch).encode()).0;
        PresentEpoch::<T>::put(EpochSeed { epoch, seed });
        Self::deposit_event(Event::EpochBegan { epoch });
        true
    }
}
