//! Content keys wrapped for providers.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    AssetId,
    device::{EncryptionKey, WrappedKey},
    registry::KeyGrantHandler,
};

use crate::{AssetStatus, Config, Error, Event, Grant, Grants, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_grant_key(
        who: T::AccountId,
        asset: AssetId,
        provider: T::AccountId,
        for_key: EncryptionKey,
        wrapped: WrappedKey,
    ) -> DispatchResult {
        let info = Self::asset_of(&who, asset)?;
        ensure!(info.status == AssetStatus::Listed, Error::<T>::AlreadyRetired);
        let present = T::Grantees::encryption_key(&provider).ok_or(Error::<T>::UnknownProvider)?;
        ensure!(present == for_key, Error::<T>::StaleEncryptionKey);
        let deposit = match Grants::<T>::get(asset, &provider) {
            Some(older) => older.deposit,
            None => {
                let deposit = T::GrantDeposit::get();
                T::Currency::hold(&HoldReason::Grant.into(), &who, deposit)?;
                deposit
            }
        };
        Self::store_grant(asset, &provider, for_key, wrapped, deposit);
        Self::deposit_event(Event::KeyGranted {
            asset,
            provider,
            encryption_key: for_key,
        });
        Ok(())
    }

    /// Stores a grant for which `deposit` is held already, and tells the provider's offers.
    pub(crate) fn store_grant(
        asset: AssetId,
        provider: &T::AccountId,
        encryption_key: EncryptionKey,
        wrapped: WrappedKey,
        deposit: weft_primitives::Balance,
    ) {
        Grants::<T>::insert(
            asset,
            provider,
            Grant {
                encryption_key,
                wrapped,
                granted_at: frame_system::Pallet::<T>::block_number(),
                deposit,
            },
        );
        T::Grantees::key_granted(asset, provider);
    }

    pub(crate) fn do_revoke_key(who: T::AccountId, asset: AssetId, provider: T::AccountId) -> DispatchResult {
        Self::asset_of(&who, asset)?;
        let grant = Grants::<T>::take(asset, &provider).ok_or(Error::<T>::NotGranted)?;
        T::Currency::release(&HoldReason::Grant.into(), &who, grant.deposit, Precision::Exact)?;
        T::Grantees::key_revoked(asset, &provider);
        Self::deposit_event(Event::KeyRevoked { asset, provider });
        Ok(())
    }
}
