//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;
use frame_support::{
    ensure,
    traits::{Get as _, fungible::hold::Inspect as _},
};
use sp_runtime::TryRuntimeError;
use weft_primitives::{AssetId, Balance, endpoint::is_endpoint, order_book::Bucket, registry::ModelRegistry};

use crate::{
    BucketEntry, BucketLen, Config, DeviceOwner, HoldReason, ModelOfferCount, ModelOffers, Occupied, Offers, OffersOf,
    Pallet, Providers, Seized, Unbonding,
};

impl<T: Config> Pallet<T> {
    /// Checks providers and their money, offers and their indices, and that the book and the offers agree both ways.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_providers()?;
        Self::check_money()?;
        Self::check_offers()?;
        Self::check_index()?;
        Self::check_book()
    }

    fn check_providers() -> Result<(), TryRuntimeError> {
        let mut providers = 0u64;
        for (owner, info) in Providers::<T>::iter() {
            providers = providers.saturating_add(1);
            ensure!(
                DeviceOwner::<T>::get(&info.device) == Some(owner.clone()),
                "a device does not know its owner"
            );
            ensure!(
                info.device == owner || !Providers::<T>::contains_key(&info.device),
                "a device is the owner of another provider"
            );
            ensure!(
                info.capacity > 0 && info.capacity <= T::MaxCapacity::get(),
                "a capacity is out of range"
            );
            ensure!(info.busy() <= info.capacity, "a device has more jobs than it takes");
            ensure!(
                info.busy() == 0
                    || info.stake >= T::MinStake::get()
                    || info.refuted > 0
                    || Seized::<T>::contains_key(&owner),
                "a provider has jobs without the stake for them, which was not taken"
            );
            ensure!(is_endpoint(&info.endpoint), "an endpoint is not visible ASCII");
        }
        // Each provider's device is known, and there are no others.
        let devices = DeviceOwner::<T>::iter_keys().count() as u64;
        ensure!(devices == providers, "an account is the device of nobody");
        Ok(())
    }

    fn check_money() -> Result<(), TryRuntimeError> {
        for (owner, chunks) in Unbonding::<T>::iter() {
            ensure!(
                Providers::<T>::contains_key(&owner),
                "stake of nobody is on its way out"
            );
            ensure!(!chunks.is_empty(), "an empty record is kept");
            ensure!(
                chunks
                    .iter()
                    .zip(chunks.iter().skip(1))
                    .all(|(a, b)| a.unlock_at < b.unlock_at),
                "stake on its way out is not in order"
            );
        }
        for (owner, seized) in Seized::<T>::iter() {
            ensure!(
                seized > 0 && Providers::<T>::contains_key(&owner),
                "nothing, or stake of nobody, is seized"
            );
        }
        for (owner, info) in Providers::<T>::iter() {
            let stake = Unbonding::<T>::get(&owner).iter().fold(
                info.stake.saturating_add(Seized::<T>::get(&owner)),
                |sum: Balance, chunk| sum.saturating_add(chunk.amount),
            );
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Stake.into(), &owner) == stake,
                "held stake is not what is bonded, unbonding and seized"
            );
            let deposits = Offers::<T>::iter_prefix_values(&owner)
                .fold(info.deposit, |sum, offer| sum.saturating_add(offer.deposit));
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Deposit.into(), &owner) == deposits,
                "held deposits are not what the records say"
            );
        }
        Ok(())
    }

    fn check_offers() -> Result<(), TryRuntimeError> {
        let mut offers = 0u64;
        for (owner, model, offer) in Offers::<T>::iter() {
            offers = offers.saturating_add(1);
            let info = Providers::<T>::get(&owner).ok_or("an offer is nobody's")?;
            ensure!(
                OffersOf::<T>::get(&owner).contains(&model),
                "an offer is not on its owner's list"
            );
            ensure!(
                offer.keyed == T::Models::has_key(model, &owner, &info.encryption_key),
                "an offer is mistaken about its key"
            );
            ensure!(
                ModelOffers::<T>::get(model, offer.index) == Some(owner.clone()),
                "an offer is not where it says in the index"
            );
            let due = info
                .standing(T::MinStake::get())
                .filter(|_| offer.keyed)
                .map(|class| Bucket::of(offer.ask_per_token, class));
            ensure!(
                offer.listing.map(|listing| listing.bucket) == due,
                "an offer is in the wrong bucket, or in none, or in one for no reason"
            );
            if let Some(listing) = offer.listing {
                let entry = BucketEntry::<T>::get((model, listing.bucket, listing.slot))
                    .ok_or("an offer is not where it says in the book")?;
                ensure!(
                    entry.owner == owner && entry.ask_per_token == offer.ask_per_token,
                    "an entry of the book differs from its offer"
                );
            }
        }
        // Each offer is on its owner's list, and as often as there are entries: no list has another or one twice.
        let on_lists = OffersOf::<T>::iter_values().fold(0u64, |sum, models| sum.saturating_add(models.len() as u64));
        ensure!(on_lists == offers, "an owner's list names an offer that is not there");
        Ok(())
    }

    fn check_index() -> Result<(), TryRuntimeError> {
        let mut entries = BTreeMap::<AssetId, u64>::new();
        for (model, index, owner) in ModelOffers::<T>::iter() {
            let count = entries.entry(model).or_default();
            *count = count.saturating_add(1);
            ensure!(
                Offers::<T>::get(owner, model).is_some_and(|offer| offer.index == index),
                "an index entry names no offer"
            );
            ensure!(
                index < ModelOfferCount::<T>::get(model),
                "an index entry lies beyond the count"
            );
        }
        ensure!(
            ModelOfferCount::<T>::iter().collect::<BTreeMap<_, _>>() == entries,
            "a count of offers is wrong"
        );
        Ok(())
    }

    fn check_book() -> Result<(), TryRuntimeError> {
        let mut entries = BTreeMap::<(AssetId, Bucket), u32>::new();
        for ((model, bucket, slot), entry) in BucketEntry::<T>::iter() {
            let count = entries.entry((model, bucket)).or_default();
            *count = count.saturating_add(1);
            let listing = Offers::<T>::get(&entry.owner, model)
                .and_then(|offer| offer.listing)
                .ok_or("an entry of the book is no listed offer")?;
            ensure!(
                listing.bucket == bucket && listing.slot == slot,
                "an entry of the book is elsewhere according to its offer"
            );
            ensure!(
                slot < BucketLen::<T>::get(model, bucket),
                "an entry of the book lies beyond its bucket's length"
            );
        }
        let lengths = BucketLen::<T>::iter()
            .map(|(model, bucket, len)| ((model, bucket), len))
            .collect::<BTreeMap<_, _>>();
        ensure!(lengths == entries, "a bucket's length is wrong");

        for (model, bucket) in entries.keys() {
            ensure!(
                Occupied::<T>::get(model).contains(*bucket),
                "a bucket with offers is not marked"
            );
        }
        for (model, occupied) in Occupied::<T>::iter() {
            ensure!(!occupied.is_empty(), "an empty book is kept");
            let mut at = occupied.first(None);
            while let Some(bucket) = at {
                ensure!(entries.contains_key(&(model, bucket)), "a marked bucket is empty");
                at = occupied.next_after(bucket);
            }
        }
        Ok(())
    }
}
