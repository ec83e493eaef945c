//! Offers, the index of a model's offers, and what becomes of an offer when its key is granted or revoked.

use frame_support::{
    defensive, ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    AssetId, Balance,
    device::EncryptionKey,
    registry::{KeyGrantHandler, ModelRegistry},
};

use crate::{
    Config, Error, Event, HoldReason, ModelOfferCount, ModelOffers, Offer, Offers, OffersOf, Pallet, Providers,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_offer(owner: T::AccountId, model: AssetId, ask_per_token: Balance) -> DispatchResult {
        let info = Providers::<T>::get(&owner).ok_or(Error::<T>::NotFound)?;
        ensure!(T::Models::listed_model(model).is_some(), Error::<T>::UnknownModel);
        let mut offer = match Offers::<T>::get(&owner, model) {
            Some(mut present) => {
                Self::place(&owner, model, &mut present, None);
                present.ask_per_token = ask_per_token;
                present
            }
            None => Self::new_offer(
                &owner,
                model,
                ask_per_token,
                T::Models::has_key(model, &owner, &info.encryption_key),
            )?,
        };
        Self::place(&owner, model, &mut offer, info.standing(T::MinStake::get()));
        let keyed = offer.keyed;
        Offers::<T>::insert(&owner, model, offer);
        Self::deposit_event(Event::Offered {
            owner: owner.clone(),
            model,
            ask_per_token,
        });
        if !keyed {
            Self::deposit_event(Event::KeyRequested {
                owner,
                model,
                encryption_key: info.encryption_key,
            });
        }
        Ok(())
    }

    /// Pays for and indexes an offer that is not there yet, and returns it, to be placed and stored.
    fn new_offer(
        owner: &T::AccountId,
        model: AssetId,
        ask_per_token: Balance,
        keyed: bool,
    ) -> Result<Offer, sp_runtime::DispatchError> {
        OffersOf::<T>::try_append(owner, model).map_err(|_| Error::<T>::TooManyOffers)?;
        let deposit = T::OfferDeposit::get();
        T::Currency::hold(&HoldReason::Deposit.into(), owner, deposit)?;
        let index = ModelOfferCount::<T>::get(model);
        ModelOffers::<T>::insert(model, index, owner);
        // Every offer is paid for, so there are never 2^64 of them.
        ModelOfferCount::<T>::insert(model, index.saturating_add(1));
        Ok(Offer {
            ask_per_token,
            keyed,
            listing: None,
            index,
            deposit,
        })
    }

    pub(crate) fn do_withdraw_offer(owner: T::AccountId, model: AssetId) -> DispatchResult {
        ensure!(Providers::<T>::contains_key(&owner), Error::<T>::NotFound);
        Self::remove_offer(&owner, model)?;
        OffersOf::<T>::mutate(&owner, |models| models.retain(|present| *present != model));
        Ok(())
    }

    /// Takes an offer out of the book and the index and returns its deposit. The caller takes it off the owner's list.
    pub(crate) fn remove_offer(owner: &T::AccountId, model: AssetId) -> DispatchResult {
        let mut offer = Offers::<T>::take(owner, model).ok_or(Error::<T>::NotOffered)?;
        Self::place(owner, model, &mut offer, None);
        Self::unindex(model, offer.index);
        T::Currency::release(&HoldReason::Deposit.into(), owner, offer.deposit, Precision::Exact)?;
        Self::deposit_event(Event::OfferWithdrawn {
            owner: owner.clone(),
            model,
        });
        Ok(())
    }

    /// Takes an entry out of the index of a model's offers. The last one moves into the gap.
    fn unindex(model: AssetId, index: u64) {
        let Some(last) = ModelOfferCount::<T>::get(model).checked_sub(1) else {
            defensive!("an indexed offer is counted");
            return;
        };
        if let Some(moved) = ModelOffers::<T>::take(model, last)
            && index != last
        {
            Offers::<T>::mutate(&moved, model, |offer| {
                if let Some(offer) = offer {
                    offer.index = index;
                }
            });
            ModelOffers::<T>::insert(model, index, moved);
        }
        if last == 0 {
            ModelOfferCount::<T>::remove(model);
        } else {
            ModelOfferCount::<T>::insert(model, last);
        }
    }

    /// Notes whether an offer's key is there, for the present encryption key: it may come from the owner or from
    /// custodians, so that one of them taking it back need not be the end of it. No offer, no effect: a grant may come
    /// first and be found later.
    fn look_for_key(owner: &T::AccountId, model: AssetId) {
        let (Some(info), Some(mut offer)) = (Providers::<T>::get(owner), Offers::<T>::get(owner, model)) else {
            return;
        };
        let keyed = T::Models::has_key(model, owner, &info.encryption_key);
        if offer.keyed == keyed {
            return;
        }
        offer.keyed = keyed;
        Self::place(owner, model, &mut offer, info.standing(T::MinStake::get()));
        Offers::<T>::insert(owner, model, offer);
        let owner = owner.clone();
        Self::deposit_event(if keyed {
            Event::OfferKeyed { owner, model }
        } else {
            Event::OfferUnkeyed { owner, model }
        });
    }
}

impl<T: Config> KeyGrantHandler<T::AccountId> for Pallet<T> {
    fn encryption_key(provider: &T::AccountId) -> Option<EncryptionKey> {
        Providers::<T>::get(provider).map(|info| info.encryption_key)
    }

    /// Who offers the model and has enough at stake.
    fn may_have_key(asset: AssetId, provider: &T::AccountId) -> bool {
        Offers::<T>::contains_key(provider, asset)
            && Providers::<T>::get(provider).is_some_and(|info| info.stake >= T::MinStake::get())
    }

    fn key_granted(asset: AssetId, provider: &T::AccountId) {
        Self::look_for_key(provider, asset);
    }

    fn key_revoked(asset: AssetId, provider: &T::AccountId) {
        Self::look_for_key(provider, asset);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_unkeyed_offer(asset: AssetId, provider: &T::AccountId) -> EncryptionKey {
        crate::benchmarking::unkeyed_offer::<T>(provider, asset, 1)
    }
}
