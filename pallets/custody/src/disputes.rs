//! What was done wrong and can be shown: wrong shares, and a wrong key.

use alloc::vec::Vec;

use frame_support::{ensure, pallet_prelude::DispatchResult};
use weft_custody::{
    Context, Delivery, Evidence, Fault,
    context::info,
    envelope::{Entrusted, shows_wrong_key},
    evidence::judge,
};
use weft_primitives::{
    AssetId,
    custody_view::KeyRequestId,
    device::{EncryptionKey, WrappedKey},
    registry::{KeyRecipient, Licensing},
};

use crate::{
    Config, Custodies, Dealings, Deals, EndReason, Error, Event, Offence, Pallet, Phase, ProviderKeys, Releases,
    Requests,
    committees::{at_index, member},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_dispute_deal(asset: AssetId, index: u8, evidence: &Evidence) -> DispatchResult {
        let custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        // Of all its dealings only the first is the seller's.
        let id = custody.opened;
        let dealing = Dealings::<T>::get(id).ok_or(Error::<T>::NothingDelivered)?;
        let deal = Deals::<T>::get(id, 0).ok_or(Error::<T>::NothingDelivered)?;
        let wronged = member::<T>(&dealing, index)?;
        let wrapped = at_index(&deal.wrapped, index).ok_or(Error::<T>::NoSuchIndex)?;
        let context = Self::deal_context(asset, &custody, id, 0, index);
        Self::fault(
            wrapped,
            &wronged.encryption_key,
            &context,
            &deal.commitments,
            index,
            evidence,
        )?;
        Self::void(asset, custody, EndReason::BadDeal, &wronged.account);
        Ok(())
    }

    pub(crate) fn do_report_wrong_key(who: T::AccountId, asset: AssetId, secret: &[u8; 32]) -> DispatchResult {
        let custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        let envelope = custody.envelope.ok_or(Error::<T>::NotEntrusted)?;
        let dealing = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        let entrusted = Entrusted {
            genesis: &Self::genesis(),
            asset,
            envelope: &envelope,
            // The same in every dealing of a custody.
            secret_commitment: dealing.commitments.first().ok_or(Error::<T>::NotEntrusted)?,
            key_commitment: &custody.key_commitment,
        };
        shows_wrong_key(secret, &entrusted).map_err(Error::<T>::from)?;
        Self::void(asset, custody, EndReason::WrongKey, &who);
        Ok(())
    }

    pub(crate) fn do_dispute_release(id: KeyRequestId, index: u8, evidence: &Evidence) -> DispatchResult {
        let mut request = Requests::<T>::get(id).ok_or(Error::<T>::NoSuchRequest)?;
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= Self::dispute_until(&request), Error::<T>::DeadlinePassed);
        let wrapped = Releases::<T>::get(id, index).ok_or(Error::<T>::NothingDelivered)?;
        let dealing = Dealings::<T>::get(request.dealing).ok_or(Error::<T>::NoSuchRequest)?;
        let custodian = member::<T>(&dealing, index)?.account.clone();
        let sealed = T::Licensing::sealed_asset(request.asset).ok_or(Error::<T>::UnknownAsset)?;
        let context = Self::release_context(&request, &sealed.content, index);
        let fault = Self::fault(
            &wrapped,
            &request.encryption_key,
            &context,
            &dealing.commitments,
            index,
            evidence,
        )?;
        Releases::<T>::remove(id, index);
        request.forged.add(index);
        Self::deposit_event(Event::ReleaseForged {
            request: id,
            custodian: custodian.clone(),
            fault,
        });
        Self::slash(&custodian, Offence::Forged, Some(&request.account));
        if request.complete && !Self::enough(&request, dealing.threshold) {
            request.complete = false;
            if let KeyRecipient::Provider(provider) = &request.recipient
                && ProviderKeys::<T>::get(request.asset, provider)
                    .is_some_and(|noted| noted.encryption_key == request.encryption_key)
            {
                Self::remove_provider_key(request.asset, provider)?;
            }
        }
        Requests::<T>::insert(id, request);
        Ok(())
    }

    pub(crate) fn do_dispute_reshare(asset: AssetId, dealer: u8, index: u8, evidence: &Evidence) -> DispatchResult {
        let mut custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        let Phase::Resharing {
            next: id,
            disputes_until,
            faulty,
            ..
        } = &mut custody.phase
        else {
            return Err(Error::<T>::NotResharing.into());
        };
        let id = *id;
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= *disputes_until, Error::<T>::DeadlinePassed);
        // Of the deals to a next committee none has number 0.
        let deal = Deals::<T>::get(id, dealer).ok_or(Error::<T>::NothingDelivered)?;
        faulty.add(dealer);
        let mut next = Dealings::<T>::get(id).ok_or(Error::<T>::NotResharing)?;
        let present = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        let custodian = member::<T>(&present, dealer)?.account.clone();
        let wronged = member::<T>(&next, index)?.clone();
        let wrapped = at_index(&deal.wrapped, index).ok_or(Error::<T>::NoSuchIndex)?;
        let context = Self::deal_context(asset, &custody, id, dealer, index);
        let fault = Self::fault(
            wrapped,
            &wronged.encryption_key,
            &context,
            &deal.commitments,
            index,
            evidence,
        )?;
        Deals::<T>::remove(id, dealer);
        next.dealers.retain(|other| *other != dealer);
        Dealings::<T>::insert(id, next);
        Custodies::<T>::insert(asset, custody);
        Self::deposit_event(Event::ReshareForged {
            dealing: id,
            custodian: custodian.clone(),
            fault,
        });
        Self::slash(&custodian, Offence::Forged, Some(&wronged.account));
        Ok(())
    }

    /// What is wrong with a delivered share.
    fn fault(
        wrapped: &WrappedKey,
        recipient: &EncryptionKey,
        context: &Context<T::AccountId>,
        commitments: &[[u8; 32]],
        index: u8,
        evidence: &Evidence,
    ) -> Result<Fault, Error<T>> {
        let info: Vec<u8> = info(&Self::genesis(), recipient, context);
        let delivery = Delivery {
            wrapped,
            recipient,
            info: &info,
            commitments,
            index,
        };
        judge(&delivery, evidence).map_err(Error::<T>::from)
    }
}
