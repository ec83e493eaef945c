//! Requests for keys, and releases of shares.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::Saturating;
use weft_custody::hpke::is_usable_key;
use weft_primitives::{
    AssetId, Balance,
    custody_view::KeyRequestId,
    device::{EncryptionKey, WrappedKey},
    licence::LicenceId,
    registry::{KeyCustody, KeyGrantHandler, KeyRecipient, Licensing, NotRequested},
};

use crate::{
    Config, Custodies, CustodyOf, DealingOf, DealingState, Dealings, Error, Event, HoldReason, KeyRequest,
    KeyRequestOf, LatestRequest, Members, NextRequest, Pallet, Phase, ProviderKey, ProviderKeys, RecipientOf, Releases,
    Requests, committees::index_of,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_request_for_licence(who: T::AccountId, asset: AssetId, licence: LicenceId) -> DispatchResult {
        let sealed = T::Licensing::sealed_asset(asset).ok_or(Error::<T>::UnknownAsset)?;
        let terms = T::Licensing::licence(licence)
            .filter(|terms| terms.holder == who && terms.work == sealed.work)
            .ok_or(Error::<T>::NoSuchLicence)?;
        ensure!(terms.in_force, Error::<T>::NotInForce);
        let custody = Self::entrusted(asset).ok_or(Error::<T>::NotEntrusted)?;
        let recipient = KeyRecipient::Licence(licence);
        Self::request(asset, custody, recipient, who, terms.encryption_key, 0)?;
        Ok(())
    }

    pub(crate) fn do_request_for_provider(who: T::AccountId, asset: AssetId) -> DispatchResult {
        let key = T::Grantees::encryption_key(&who).ok_or(Error::<T>::NotProvider)?;
        ensure!(T::Grantees::may_have_key(asset, &who), Error::<T>::NotProvider);
        let custody = Self::entrusted(asset).ok_or(Error::<T>::NotEntrusted)?;
        ensure!(custody.to_providers, Error::<T>::NotForProviders);
        let deposit = T::ProviderKeyDeposit::get();
        let recipient = KeyRecipient::Provider(who.clone());
        Self::request(asset, custody, recipient, who, key, deposit)?;
        Ok(())
    }

    /// The custody of a key that can be requested.
    pub(crate) fn entrusted(asset: AssetId) -> Option<CustodyOf<T>> {
        Custodies::<T>::get(asset)
            .filter(|custody| custody.closing.is_none() && !matches!(custody.phase, Phase::Drawn { .. }))
    }

    /// Stores a request and holds what it costs.
    fn request(
        asset: AssetId,
        mut custody: CustodyOf<T>,
        recipient: RecipientOf<T>,
        account: T::AccountId,
        encryption_key: EncryptionKey,
        deposit: Balance,
    ) -> Result<KeyRequestId, Error<T>> {
        ensure!(is_usable_key(&encryption_key), Error::<T>::UnusableKey);
        let now = frame_system::Pallet::<T>::block_number();
        let open = LatestRequest::<T>::get(asset, &recipient)
            .and_then(|id| Some((id, Requests::<T>::get(id)?)))
            .filter(|(_, latest)| now <= Self::release_until(latest));
        ensure!(
            open.as_ref()
                .is_none_or(|(_, open)| open.encryption_key != encryption_key),
            Error::<T>::AlreadyRequested
        );
        let id = NextRequest::<T>::get();
        let next = id.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        let fee = T::ReleaseFee::get();
        let fees_held = fee.saturating_mul(custody.custodians.into());
        T::Currency::hold(&HoldReason::Fee.into(), &account, fees_held).map_err(|_| Error::<T>::FeeNotCovered)?;
        T::Currency::hold(&HoldReason::Deposit.into(), &account, deposit).map_err(|_| Error::<T>::FeeNotCovered)?;
        NextRequest::<T>::put(next);
        if let Some((earlier, mut open)) = open {
            open.superseded = true;
            Requests::<T>::insert(earlier, open);
            Self::deposit_event(Event::Superseded {
                request: earlier,
                by: id,
            });
        }
        let dealing = custody.dealing;
        Dealings::<T>::mutate(dealing, |dealing| {
            if let Some(dealing) = dealing {
                dealing.open_requests = dealing.open_requests.saturating_add(1);
            }
        });
        custody.open_requests = custody.open_requests.saturating_add(1);
        Custodies::<T>::insert(asset, custody);
        LatestRequest::<T>::insert(asset, &recipient, id);
        let request = KeyRequest {
            asset,
            dealing,
            recipient: recipient.clone(),
            account,
            encryption_key,
            requested_at: now,
            fee,
            fees_held,
            deposit,
            released: Members::default(),
            forged: Members::default(),
            complete: false,
            superseded: false,
        };
        let until = Self::release_until(&request);
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::Requested {
            request: id,
            asset,
            dealing,
            recipient,
            until,
        });
        Ok(id)
    }

    /// The last block for releases.
    pub(crate) fn release_until(request: &KeyRequestOf<T>) -> BlockNumberFor<T> {
        request.requested_at.saturating_add(T::ReleaseWindow::get())
    }

    /// The last block for disputes.
    pub(crate) fn dispute_until(request: &KeyRequestOf<T>) -> BlockNumberFor<T> {
        Self::release_until(request).saturating_add(T::DisputeWindow::get())
    }

    /// Whether a request is to be served.
    ///
    /// Who had the right when they asked is served, whatever they change until the window is over: a key, an offer, uses
    /// that are taken and given back. Only what is for good takes a request away. Otherwise a recipient could take theirs
    /// away while custodians answer, and bring it back when the silent are slashed.
    pub(crate) fn stands(request: &KeyRequestOf<T>) -> bool {
        !request.superseded
            && match &request.recipient {
                KeyRecipient::Licence(licence) => T::Licensing::licence(*licence).is_some_and(|terms| !terms.revoked),
                KeyRecipient::Provider(_) => true,
            }
    }

    /// Whether nothing is released from a dealing any more, because its seller was proved a liar.
    ///
    /// Otherwise a custody lives until its last request is removed, so that it is gone before only then.
    pub(crate) fn is_void(dealing: &DealingOf<T>) -> bool {
        match dealing.state {
            DealingState::Void => true,
            DealingState::Superseded => {
                Custodies::<T>::get(dealing.asset).is_none_or(|custody| custody.opened != dealing.opened)
            }
            DealingState::Drawn | DealingState::InForce => false,
        }
    }

    pub(crate) fn do_release(who: T::AccountId, id: KeyRequestId, wrapped: WrappedKey) -> DispatchResult {
        let mut request = Requests::<T>::get(id).ok_or(Error::<T>::NoSuchRequest)?;
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= Self::release_until(&request), Error::<T>::DeadlinePassed);
        let dealing = Dealings::<T>::get(request.dealing).ok_or(Error::<T>::NoSuchRequest)?;
        let index = index_of::<T>(&dealing, &who)?;
        ensure!(!Self::is_void(&dealing), Error::<T>::CustodyVoid);
        ensure!(!request.released.has(index), Error::<T>::AlreadyReleased);
        ensure!(Self::stands(&request), Error::<T>::NotInForce);
        Releases::<T>::insert(id, index, wrapped);
        request.released.add(index);
        let fee = request.fee.min(request.fees_held);
        // A custodian who is paid exists: it holds a stake or what is left of it.
        if Self::pay_held(HoldReason::Fee, &request.account, &who, fee) {
            request.fees_held = request.fees_held.saturating_sub(fee);
        }
        Self::deposit_event(Event::Released {
            request: id,
            custodian: who,
            index,
        });
        if !request.complete && Self::enough(&request, dealing.threshold) {
            request.complete = true;
            Self::deposit_event(Event::Completed { request: id });
            if let KeyRecipient::Provider(provider) = request.recipient.clone() {
                Self::note_key(&provider, &mut request);
            }
        }
        Requests::<T>::insert(id, request);
        Ok(())
    }

    /// Whether enough shares were released that have not been proved wrong.
    pub(crate) fn enough(request: &KeyRequestOf<T>, threshold: u8) -> bool {
        request.released.without(request.forged).count() >= threshold.into()
    }

    /// Notes that a provider can have the key, and tells their offers.
    fn note_key(provider: &T::AccountId, request: &mut KeyRequestOf<T>) {
        let asset = request.asset;
        let deposit = match ProviderKeys::<T>::get(asset, provider) {
            Some(older) => older.deposit,
            None => core::mem::take(&mut request.deposit),
        };
        ProviderKeys::<T>::insert(
            asset,
            provider,
            ProviderKey {
                encryption_key: request.encryption_key,
                deposit,
            },
        );
        T::Grantees::key_granted(asset, provider);
        Self::deposit_event(Event::KeyNoted {
            asset,
            provider: provider.clone(),
        });
    }

    /// Takes it back that a provider can have the key.
    pub(crate) fn remove_provider_key(asset: AssetId, provider: &T::AccountId) -> Result<(), Error<T>> {
        let key = ProviderKeys::<T>::take(asset, provider).ok_or(Error::<T>::NoKey)?;
        Self::give_back(HoldReason::Deposit, provider, key.deposit);
        T::Grantees::key_revoked(asset, provider);
        Self::deposit_event(Event::KeyForgotten {
            asset,
            provider: provider.clone(),
        });
        Ok(())
    }

    pub(crate) fn do_forget_key(who: T::AccountId, asset: AssetId) -> DispatchResult {
        Ok(Self::remove_provider_key(asset, &who)?)
    }
}

impl<T: Config> KeyCustody<T::AccountId> for Pallet<T> {
    fn is_entrusted(asset: AssetId) -> bool {
        Self::entrusted(asset).is_some()
    }

    fn request_for_licence(
        asset: AssetId,
        licence: LicenceId,
        holder: &T::AccountId,
        key: &EncryptionKey,
    ) -> Result<(), NotRequested> {
        let Some(custody) = Self::entrusted(asset) else {
            return Ok(());
        };
        let recipient = KeyRecipient::Licence(licence);
        match Self::request(asset, custody, recipient, holder.clone(), *key, 0) {
            Err(Error::FeeNotCovered) => Err(NotRequested::FeeNotCovered),
            Err(Error::UnusableKey) => Err(NotRequested::UnusableKey),
            // Asked for already; or there are no numbers left, which a licence does not depend on.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn has_released(asset: AssetId, provider: &T::AccountId, key: &EncryptionKey) -> bool {
        ProviderKeys::<T>::get(asset, provider).is_some_and(|noted| noted.encryption_key == *key)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_entrust(asset: AssetId) {
        crate::benchmarking::entrust::<T>(asset);
    }
}
