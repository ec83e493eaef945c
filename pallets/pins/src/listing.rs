//! Answers of the runtime API. A page reads at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) deals, with at most
//! [`MAX_PLACES`] pinners each.

use sp_runtime::SaturatedConversion;
use weft_primitives::{
    AssetId,
    page::Page,
    pieces::{MAX_PLACES, PinDealId, Standing, piece_count, piece_length},
    pin_view::{ChallengeView, PinDealView, PinView},
    shelf::Shelf,
};

use crate::{Config, DealOf, Deals, Pallet, Pin, Pins, ShelfName, ShelfOf, shelves::StoredShelf};

impl<T: Config> Pallet<T> {
    /// One deal that is not closed.
    pub fn pin_deal(id: PinDealId) -> Option<PinDealView<T::AccountId>> {
        let deal = Deals::<T>::get(id)?;
        // No deal has more pinners than places; the bound is said again so that it does not hang on that.
        let pinners = Pins::<T>::iter_prefix(id)
            .take(MAX_PLACES as usize)
            .map(|(pinner, pin)| Self::pin_view(id, Some(&deal), pinner, pin))
            .collect();
        Some(PinDealView {
            id,
            pieces: piece_count(deal.size_bytes),
            opener: deal.opener,
            asset: deal.asset,
            content: deal.content,
            size_bytes: deal.size_bytes,
            pieces_root: deal.pieces_root,
            reward_per_epoch: deal.reward_per_epoch,
            places: deal.places,
            first_epoch: deal.first_epoch,
            last_epoch: deal.last_epoch,
            present_epoch: Self::present_epoch(),
            escrow: deal.escrow,
            opened_at: deal.opened_at.saturated_into(),
            pinners,
        })
    }

    /// Deals that are not closed, from the `from`th on, counted from 0. When one is closed between two pages, the last
    /// one takes its place and can be missed.
    pub fn pin_deals(from: u64, limit: u32) -> Page<PinDealView<T::AccountId>> {
        Self::deals_on(ShelfName::Open, from, limit)
    }

    /// Deals about an asset that are not closed, in the manner of [`Self::pin_deals`].
    pub fn pin_deals_about(asset: AssetId, from: u64, limit: u32) -> Page<PinDealView<T::AccountId>> {
        Self::deals_on(ShelfName::About(asset), from, limit)
    }

    fn deals_on(shelf: ShelfOf<T>, from: u64, limit: u32) -> Page<PinDealView<T::AccountId>> {
        let shelf = StoredShelf::<T>(shelf);
        Page::of_dense(from, limit, shelf.len(), |nth| {
            shelf.entry(nth).and_then(Self::pin_deal)
        })
    }

    /// One account's part in one deal, closed or not.
    pub(crate) fn pin(deal: PinDealId, account: &T::AccountId) -> Option<PinView<T::AccountId>> {
        let pin = Pins::<T>::get(deal, account)?;
        Some(Self::pin_view(
            deal,
            Deals::<T>::get(deal).as_ref(),
            account.clone(),
            pin,
        ))
    }

    /// The deals in which an account pins, from the `from`th on, counted from 0. When it leaves one between two pages,
    /// the last one takes its place and can be missed.
    pub fn pins_of(account: &T::AccountId, from: u64, limit: u32) -> Page<PinView<T::AccountId>> {
        let pinned = StoredShelf::<T>(ShelfName::PinnedBy(account.clone()));
        Page::of_dense(from, limit, pinned.len(), |nth| {
            pinned.entry(nth).and_then(|deal| Self::pin(deal, account))
        })
    }

    /// What a pinner has to prove now; `None` if there is nothing to prove.
    pub fn challenge(deal: PinDealId, pinner: &T::AccountId) -> Option<ChallengeView> {
        let terms = Deals::<T>::get(deal)?;
        let pin = Pins::<T>::get(deal, pinner)?;
        let asked = Self::asked(&terms, &pin, pinner, deal).ok()?;
        Some(ChallengeView {
            deal,
            epoch: asked.epoch,
            piece: asked.piece,
            piece_bytes: piece_length(terms.size_bytes, asked.piece)?,
            pieces: piece_count(terms.size_bytes),
            until: Self::last_block_of(asked.epoch).saturated_into(),
            reward: terms.reward_per_epoch,
        })
    }

    fn pin_view(id: PinDealId, deal: Option<&DealOf<T>>, pinner: T::AccountId, pin: Pin) -> PinView<T::AccountId> {
        PinView {
            deal: id,
            pinner,
            standing: deal.map_or(Standing::UpToDate, |deal| Self::standing_of(deal, &pin)),
            over: deal.is_none_or(|deal| Self::present_epoch() > deal.last_epoch),
            bond: pin.bond,
            joined: pin.joined,
            kept_until: pin.kept_until,
            streak: pin.streak,
            proofs: pin.proofs,
            earned: pin.earned,
        }
    }
}
