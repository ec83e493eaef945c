//! Purchases, and how their price is shared.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::DispatchError;
use weft_primitives::{
    Balance, Currency,
    payment::{Payments, Unpaid},
    registry::Royalties,
    space::{SpaceId, divide_price},
};

use crate::{Config, Error, Event, HoldReason, Pallet, Purchase, Purchases, SpaceOf, Spaces};

impl<T: Config> Pallet<T> {
    /// Returns how many assets the Space calls.
    pub(crate) fn do_buy(
        buyer: T::AccountId,
        id: SpaceId,
        currency: Currency,
        max_price: Balance,
    ) -> Result<u32, DispatchError> {
        let mut space = Spaces::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(space.is_listed(), Error::<T>::NotListed);
        ensure!(space.owner != buyer, Error::<T>::OwnSpace);
        ensure!(space.price > 0, Error::<T>::Free);
        ensure!(!Purchases::<T>::contains_key(id, &buyer), Error::<T>::AlreadyBought);
        ensure!(space.currency == currency, Error::<T>::OtherCurrency);
        ensure!(space.price <= max_price, Error::<T>::PriceAboveMax);
        ensure!(T::Payments::is_accepted(currency), Error::<T>::CurrencyNotAccepted);

        let deposit = T::PurchaseDeposit::get();
        T::Currency::hold(&HoldReason::Purchase.into(), &buyer, deposit)?;
        let shared = Self::pay_shares(id, &space, &buyer)?;
        let to_owner = space.price.saturating_sub(shared);
        T::Payments::pay(&buyer, &space.owner, currency, to_owner).map_err(|why| match why {
            Unpaid::NotCovered => Error::<T>::NotCovered,
            Unpaid::CannotReceive => Error::<T>::OwnerCannotReceive,
        })?;
        Purchases::<T>::insert(
            id,
            &buyer,
            Purchase {
                currency,
                paid: space.price,
                bought_at: frame_system::Pallet::<T>::block_number(),
                deposit,
            },
        );
        let (called, price) = (space.calls.len() as u32, space.price);
        space.purchases = space.purchases.saturating_add(1);
        Spaces::<T>::insert(id, space);
        Self::deposit_event(Event::Bought {
            space: id,
            buyer,
            currency,
            price,
            shared,
            to_owner,
        });
        Ok(called)
    }

    /// Pays those who earn from the assets that a Space calls. Returns what was paid to others than the owner, who has
    /// the rest: roundings, the shares of assets that nobody earns from, and what somebody cannot receive.
    fn pay_shares(id: SpaceId, space: &SpaceOf<T>, buyer: &T::AccountId) -> Result<Balance, Error<T>> {
        let (shares, _) = divide_price(space.price, &space.calls);
        let mut shared: Balance = 0;
        for (called, share) in space.calls.iter().zip(shares) {
            let mut left = share;
            for (payee, amount) in T::Royalties::divide(called.asset, share) {
                // No more than the asset's share, whatever the division says.
                let amount = amount.min(left);
                left = left.saturating_sub(amount);
                if payee == space.owner || amount == 0 {
                    continue;
                }
                match T::Payments::pay(buyer, &payee, space.currency, amount) {
                    Ok(()) => shared = shared.saturating_add(amount),
                    Err(Unpaid::NotCovered) => return Err(Error::<T>::NotCovered),
                    Err(Unpaid::CannotReceive) => Self::deposit_event(Event::ShareRedirected {
                        space: id,
                        asset: called.asset,
                        payee,
                        amount,
                    }),
                }
            }
        }
        Ok(shared)
    }

    pub(crate) fn do_forget(buyer: T::AccountId, id: SpaceId) -> DispatchResult {
        let purchase = Purchases::<T>::take(id, &buyer).ok_or(Error::<T>::NotBought)?;
        T::Currency::release(&HoldReason::Purchase.into(), &buyer, purchase.deposit, Precision::Exact)?;
        Spaces::<T>::mutate_extant(id, |space| space.purchases = space.purchases.saturating_sub(1));
        Self::deposit_event(Event::Forgotten { space: id, buyer });
        Ok(())
    }
}
