//! Content keys wrapped for providers.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use weft_primitives::{
    AssetId, Balance,
    device::{EncryptionKey, WrappedKey},
    registry::KeyGrantHandler,
};

use crate::{AssetStatus, Config, Error, Event, Grant, Grants, HoldReason, Pallet, Works};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_grant_key(
        who: T::AccountId,
        asset: AssetId,
        provider: T::AccountId,
        for_key: EncryptionKey,
        wrapped: WrappedKey,
    ) -> DispatchResult {
        let (info, mut work) = Self::asset_of(&who, asset)?;
        ensure!(info.status == AssetStatus::Listed, Error::<T>::AlreadyRetired);
        let present = T::Grantees::encryption_key(&provider).ok_or(Error::<T>::UnknownProvider)?;
        ensure!(present == for_key, Error::<T>::StaleEncryptionKey);
        let deposit = match Grants::<T>::get(asset, &provider) {
            Some(older) => older.deposit,
            None => {
                let deposit = T::GrantDeposit::get();
                T::Currency::hold(&HoldReason::Grant.into(), &who, deposit)?;
                work.grant_deposits = work.grant_deposits.saturating_add(deposit);
                Works::<T>::insert(info.work, work);
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
        deposit: Balance,
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
        let (info, mut work) = Self::asset_of(&who, asset)?;
        let grant = Grants::<T>::take(asset, &provider).ok_or(Error::<T>::NotGranted)?;
        T::Currency::release(&HoldReason::Grant.into(), &who, grant.deposit, Precision::Exact)?;
        work.grant_deposits = work.grant_deposits.saturating_sub(grant.deposit);
        Works::<T>::insert(info.work, work);
        T::Grantees::key_revoked(asset, &provider);
        Self::deposit_event(Event::KeyRevoked { asset, provider });
        Ok(())
    }
}
