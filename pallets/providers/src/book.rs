//! The order book: for each model, buckets of equal offers, dense, so that any of them is one read away.

use frame_support::defensive;
use weft_primitives::{AssetId, order_book::Bucket, registry::Moves};

use crate::{BookEntry, BucketEntry, BucketLen, Config, Listing, Occupied, Offer, Offers, OffersOf, Pallet};

impl<T: Config> Pallet<T> {
    /// Brings all offers of an owner in line with their standing.
    pub(crate) fn relist(owner: &T::AccountId, standing: Option<u8>) -> Moves {
        let mut moves: Moves = 0;
        for model in OffersOf::<T>::get(owner) {
            let Some(mut offer) = Offers::<T>::get(owner, model) else {
                defensive!("an owner's list names offers that exist");
                continue;
            };
            let before = offer.listing;
            Self::place(owner, model, &mut offer, standing);
            if offer.listing != before {
                let (left, taken) = (before.is_some(), offer.listing.is_some());
                moves = moves.saturating_add(left.into()).saturating_add(taken.into());
                Offers::<T>::insert(owner, model, offer);
            }
        }
        moves
    }

    /// Puts an offer where it belongs given its owner's standing: into the bucket of its price and the owner's class, or
    /// out of the book. The caller stores the offer.
    ///
    /// An offer that is in the right bucket is left alone; to change its ask, take it out first.
    pub(crate) fn place(owner: &T::AccountId, model: AssetId, offer: &mut Offer, standing: Option<u8>) {
        let target = standing
            .filter(|_| offer.keyed)
            .map(|class| Bucket::of(offer.ask_per_token, class));
        if target == offer.listing.map(|listing| listing.bucket) {
            return;
        }
        if let Some(listing) = offer.listing.take() {
            Self::leave(model, listing);
        }
        offer.listing = target.map(|bucket| {
            let entry = BookEntry {
                owner: owner.clone(),
                ask_per_token: offer.ask_per_token,
            };
            Self::enter(model, bucket, entry)
        });
    }

    /// Appends an entry to a bucket.
    fn enter(model: AssetId, bucket: Bucket, entry: BookEntry<T::AccountId>) -> Listing {
        let slot = BucketLen::<T>::get(model, bucket);
        BucketEntry::<T>::insert((model, bucket, slot), entry);
        // Every offer is paid for, so there are never 2^32 of them for one model.
        BucketLen::<T>::insert(model, bucket, slot.saturating_add(1));
        if slot == 0 {
            Occupied::<T>::mutate(model, |occupied| occupied.insert(bucket));
        }
        Listing { bucket, slot }
    }

    /// Takes an entry out of a bucket. The last one moves into the gap.
    fn leave(model: AssetId, Listing { bucket, slot }: Listing) {
        let Some(last) = BucketLen::<T>::get(model, bucket).checked_sub(1) else {
            defensive!("a listed offer is counted in its bucket");
            return;
        };
        if let Some(moved) = BucketEntry::<T>::take((model, bucket, last))
            && slot != last
        {
            Offers::<T>::mutate(&moved.owner, model, |offer| {
                if let Some(listing) = offer.as_mut().and_then(|offer| offer.listing.as_mut()) {
                    listing.slot = slot;
                }
            });
            BucketEntry::<T>::insert((model, bucket, slot), moved);
        }
        if last > 0 {
            BucketLen::<T>::insert(model, bucket, last);
            return;
        }
        BucketLen::<T>::remove(model, bucket);
        Occupied::<T>::mutate_exists(model, |occupied| {
            *occupied = occupied
                .take()
                .map(|mut buckets| {
                    buckets.remove(bucket);
                    buckets
                })
                .filter(|buckets| !buckets.is_empty());
        });
    }
}
