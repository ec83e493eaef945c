//! Pages for the runtime API. Each reads at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) offers.

use frame_support::traits::Get as _;
use weft_primitives::{
    AssetId, Balance,
    page::Page,
    view::{OfferView, ProviderView},
};

use crate::{Config, ModelOfferCount, ModelOffers, Offers, OffersOf, Pallet, Providers, Seized, Unbonding};

impl<T: Config> Pallet<T> {
    /// A provider, by its owner's or its device's account.
    pub fn provider(account: T::AccountId) -> Option<ProviderView<T::AccountId>> {
        let owner = Self::owner_of(account).ok()?;
        let info = Providers::<T>::get(&owner)?;
        Some(ProviderView {
            status: info.status(T::MinStake::get()),
            busy: info.busy(),
            unbonding: Unbonding::<T>::get(&owner)
                .iter()
                .fold(0, |sum: Balance, chunk| sum.saturating_add(chunk.amount)),
            seized: Seized::<T>::get(&owner),
            offers: OffersOf::<T>::get(&owner).into_inner(),
            owner,
            device: info.device,
            encryption_key: info.encryption_key,
            endpoint: info.endpoint.into_inner(),
            capacity: info.capacity,
            stake: info.stake,
            score_ppm: info.reputation.score_ppm(),
            completed: info.completed,
            missed: info.missed,
            declined: info.declined,
            refuted: info.refuted,
        })
    }

    /// One offer.
    pub fn offer_of(owner: &T::AccountId, model: AssetId) -> Option<OfferView<T::AccountId>> {
        let offer = Offers::<T>::get(owner, model)?;
        let info = Providers::<T>::get(owner)?;
        Some(OfferView {
            busy: info.busy(),
            provider: owner.clone(),
            device: info.device,
            encryption_key: info.encryption_key,
            endpoint: info.endpoint.into_inner(),
            model,
            ask_per_token: offer.ask_per_token,
            keyed: offer.keyed,
            listed: offer.listing.is_some(),
            score_ppm: info.reputation.score_ppm(),
            capacity: info.capacity,
        })
    }

    /// All offers for a model, listed or not, from the `from`th on, counted from 0. When an offer is withdrawn between
    /// two pages, the last one takes its place and can be missed.
    pub fn offers_for_model(model: AssetId, from: u64, limit: u32) -> Page<OfferView<T::AccountId>> {
        Page::of_dense(from, limit, ModelOfferCount::<T>::get(model), |index| {
            ModelOffers::<T>::get(model, index).and_then(|owner| Self::offer_of(&owner, model))
        })
    }

    /// All offers of a provider, by its owner's or its device's account, from the `from`th on, counted from 0.
    pub fn offers_by_provider(account: T::AccountId, from: u64, limit: u32) -> Page<OfferView<T::AccountId>> {
        let Ok(owner) = Self::owner_of(account) else {
            return Page::of_dense(from, limit, 0, |_| None);
        };
        let models = OffersOf::<T>::get(&owner);
        Page::of_dense(from, limit, models.len() as u64, |nth| {
            let model = models.get(usize::try_from(nth).ok()?)?;
            Self::offer_of(&owner, *model)
        })
    }
}
