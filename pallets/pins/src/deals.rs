//! The opener's side: deals and their rewards.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    AssetId, Balance,
    pieces::{Epoch, MAX_PLACES, PinDealId, piece_count},
    registry::Licensing,
    shelf::Shelf,
};

use crate::{
    Config, Deal, DealOf, Deals, Error, Event, HoldReason, NextDealId, Pallet, ShelfName, shelves::StoredShelf,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_open(
        opener: T::AccountId,
        asset: AssetId,
        reward_per_epoch: Balance,
        epochs: Epoch,
        places: u32,
    ) -> DispatchResult {
        ensure!(epochs > 0 && places > 0 && reward_per_epoch > 0, Error::<T>::EmptyDeal);
        ensure!(places <= MAX_PLACES, Error::<T>::TooManyPlaces);
        let sealed = T::Assets::sealed_asset(asset).ok_or(Error::<T>::UnknownAsset)?;
        let pieces_root = sealed.pieces_root.ok_or(Error::<T>::NoPiecesRoot)?;
        ensure!(piece_count(sealed.size_bytes) > 0, Error::<T>::NoPiecesRoot);
        let present = Self::present_epoch();
        let last_epoch = present.checked_add(epochs).ok_or(Error::<T>::DealTooLarge)?;
        let escrow = reward_per_epoch
            .checked_mul(epochs.into())
            .and_then(|rewards| rewards.checked_mul(places.into()))
            .ok_or(Error::<T>::DealTooLarge)?;
        let id = NextDealId::<T>::get();
        NextDealId::<T>::put(id.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?);
        let deposit = T::DealDeposit::get();
        T::Currency::hold(&HoldReason::Deal.into(), &opener, deposit)?;
        T::Currency::hold(&HoldReason::Escrow.into(), &opener, escrow)?;
        // `present + epochs` did not overflow and `epochs` is at least 1, so this does not saturate.
        let first_epoch = present.saturating_add(1);
        for shelf in [ShelfName::Open, ShelfName::About(asset)] {
            StoredShelf::<T>(shelf).add(&id);
        }
        Deals::<T>::insert(
            id,
            Deal {
                opener: opener.clone(),
                asset,
                content: sealed.content,
                size_bytes: sealed.size_bytes,
                pieces_root,
                reward_per_epoch,
                places,
                taken: 0,
                first_epoch,
                last_epoch,
                escrow,
                deposit,
                opened_at: frame_system::Pallet::<T>::block_number(),
            },
        );
        Self::deposit_event(Event::Opened {
            deal: id,
            opener,
            asset,
            reward_per_epoch,
            places,
            first_epoch,
            last_epoch,
        });
        Ok(())
    }

    pub(crate) fn do_give_notice(who: T::AccountId, id: PinDealId) -> DispatchResult {
        let mut deal = Self::deal_of(&who, id)?;
        let last_epoch = Self::present_epoch().saturating_add(T::NoticeEpochs::get());
        ensure!(last_epoch < deal.last_epoch, Error::<T>::AlreadyEnding);
        deal.last_epoch = last_epoch;
        Deals::<T>::insert(id, deal);
        Self::deposit_event(Event::NoticeGiven { deal: id, last_epoch });
        Ok(())
    }

    pub(crate) fn do_close(who: T::AccountId, id: PinDealId) -> DispatchResult {
        let deal = Self::deal_of(&who, id)?;
        let over = Self::present_epoch() > deal.last_epoch;
        ensure!(over || deal.taken == 0, Error::<T>::StillRunning);
        if deal.escrow > 0 {
            T::Currency::release(&HoldReason::Escrow.into(), &who, deal.escrow, Precision::Exact)?;
        }
        T::Currency::release(&HoldReason::Deal.into(), &who, deal.deposit, Precision::Exact)?;
        for shelf in [ShelfName::Open, ShelfName::About(deal.asset)] {
            StoredShelf::<T>(shelf).remove(&id);
        }
        Deals::<T>::remove(id);
        Self::deposit_event(Event::Closed {
            deal: id,
            returned: deal.escrow,
        });
        Ok(())
    }

    /// The deal, if it is `who`'s.
    fn deal_of(who: &T::AccountId, id: PinDealId) -> Result<DealOf<T>, Error<T>> {
        let deal = Deals::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(deal.opener == *who, Error::<T>::NotOpener);
        Ok(deal)
    }
}
