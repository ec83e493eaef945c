//! Licences: what is bought, used, and ended.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
    weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, SaturatedConversion};
use weft_primitives::{
    AssetId, Balance, Currency, LicenceId,
    device::EncryptionKey,
    licence::{Holding, InvalidPurchase, Tariff},
    payment::{Payments, Unpaid},
    registry::{KeyCustody, NotLicensed, NotRequested},
};

use crate::{
    AssetInfoOf, AssetStatus, Assets, Config, Error, Event, HoldReason, Licence, LicenceInfoOf, LicenceOf, Licences,
    LicencesByHolder, NextLicenceId, Pallet, WeightInfo, WorkOf, Works,
};

impl<T: Config> Pallet<T> {
    /// The most of what buying costs, with a licence already or without one, if the price is divided among so many besides the
    /// owner.
    pub(crate) fn weight_of_buying(payees: u32) -> Weight {
        T::WeightInfo::buy(payees).max(T::WeightInfo::buy_again(payees))
    }

    /// Returns among how many, besides the owner, the price was divided.
    pub(crate) fn do_buy(
        holder: T::AccountId,
        asset: AssetId,
        tariff: Tariff,
        quantity: u32,
        encryption_key: EncryptionKey,
    ) -> Result<u32, DispatchError> {
        let info = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?;
        ensure!(info.status == AssetStatus::Listed, Error::<T>::AlreadyRetired);
        let work = Works::<T>::get(info.work).ok_or(Error::<T>::NotFound)?;
        ensure!(work.owner != holder, Error::<T>::OwnWork);
        ensure!(work.tariffs.contains(&tariff), Error::<T>::UnknownTariff);
        // Governance may have withdrawn it since the price was set.
        ensure!(T::Payments::is_accepted(tariff.currency), Error::<T>::UnknownCurrency);
        let price = tariff.total(quantity).map_err(Error::<T>::from)?;

        let present = LicenceOf::<T>::get(info.work, &holder).and_then(|id| Some((id, Licences::<T>::get(id)?)));
        let (id, licence) = match present {
            Some((id, older)) => (id, Self::extended(older, &tariff, quantity, price)?),
            None => {
                let deposit = T::LicenceDeposit::get();
                T::Currency::hold(&HoldReason::Licence.into(), &holder, deposit)?;
                let licence = Licence {
                    holder: holder.clone(),
                    work: info.work,
                    asset,
                    encryption_key,
                    term: tariff.term,
                    currency: tariff.currency,
                    holding: Holding::bought(tariff.term, quantity, price, Self::now()).map_err(Error::<T>::from)?,
                    paid: price,
                    revoked: false,
                    bought_at: frame_system::Pallet::<T>::block_number(),
                    deposit,
                };
                (Self::next_licence()?, licence)
            }
        };
        let payees = Self::pay_income(asset, &info, &work, &holder, tariff.currency, price)?;
        Self::deposit_event(Event::Licensed {
            licence: id,
            work: info.work,
            asset,
            holder: holder.clone(),
            tariff,
            quantity,
            price,
            right: licence.holding.right,
        });
        Self::store_licence(
            id,
            Licence {
                asset,
                encryption_key,
                ..licence
            },
        );
        Self::ask_custody(id, asset, &holder, &encryption_key)?;
        Ok(payees)
    }

    pub(crate) fn next_licence() -> Result<LicenceId, Error<T>> {
        let id = NextLicenceId::<T>::get();
        NextLicenceId::<T>::put(id.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?);
        Ok(id)
    }

    /// Stores a licence, new or changed, for which its deposit is held already.
    pub(crate) fn store_licence(id: LicenceId, licence: LicenceInfoOf<T>) {
        LicenceOf::<T>::insert(licence.work, &licence.holder, id);
        LicencesByHolder::<T>::insert(&licence.holder, id.to_be_bytes(), ());
        Licences::<T>::insert(id, licence);
    }

    /// A licence with what was bought besides.
    fn extended(
        older: LicenceInfoOf<T>,
        tariff: &Tariff,
        quantity: u32,
        price: Balance,
    ) -> Result<LicenceInfoOf<T>, Error<T>> {
        ensure!(!older.revoked, Error::<T>::Revoked);
        let now = Self::now();
        let is_same_currency = older.currency == tariff.currency;
        ensure!(
            is_same_currency || !older.holding.right.allows(now),
            Error::<T>::OtherTerm
        );
        Ok(Licence {
            holding: older.holding.extended(tariff.term, quantity, price, now)?,
            term: tariff.term,
            currency: tariff.currency,
            paid: if is_same_currency {
                older.paid.saturating_add(price)
            } else {
                price
            },
            ..older
        })
    }

    /// Pays the owners of an asset's lineage. What one of them cannot receive goes to the work's own owner. Returns how
    /// many besides the owner it was divided among.
    fn pay_income(
        asset: AssetId,
        info: &AssetInfoOf<T>,
        work: &WorkOf<T>,
        payer: &T::AccountId,
        currency: Currency,
        amount: Balance,
    ) -> Result<u32, DispatchError> {
        let (mut parts, (owner, mut rest)) = Self::divide_income(info, work, amount);
        let payees = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let mut refused = None;
        parts.retain(|(payee, part)| match T::Payments::pay(payer, payee, currency, *part) {
            Ok(()) => true,
            Err(Unpaid::NotCovered) => {
                refused = Some(Error::<T>::PriceNotCovered);
                false
            }
            Err(Unpaid::CannotReceive) => {
                rest = rest.saturating_add(*part);
                Self::deposit_event(Event::RoyaltyRedirected {
                    asset,
                    due_to: payee.clone(),
                    paid_to: owner.clone(),
                    currency,
                    amount: *part,
                });
                false
            }
        });
        if let Some(refused) = refused {
            return Err(refused.into());
        }
        T::Payments::pay(payer, &owner, currency, rest).map_err(|unpaid| match unpaid {
            Unpaid::NotCovered => Error::<T>::PriceNotCovered,
            Unpaid::CannotReceive => Error::<T>::CannotReceive,
        })?;
        if !parts.is_empty() {
            parts.push((owner, rest));
            Self::deposit_event(Event::RoyaltiesPaid { asset, currency, parts });
        }
        Ok(payees)
    }

    pub(crate) fn do_set_licence_key(who: T::AccountId, id: LicenceId, key: EncryptionKey) -> DispatchResult {
        let mut licence = Self::licence_held_by(&who, id)?;
        Self::ensure_in_force(&licence)?;
        licence.encryption_key = key;
        let asset = licence.asset;
        Licences::<T>::insert(id, licence);
        Self::deposit_event(Event::LicenceKeySet {
            licence: id,
            encryption_key: key,
        });
        Self::ask_custody(id, asset, &who, &key)
    }

    pub(crate) fn do_request_key(who: T::AccountId, id: LicenceId, asset: AssetId) -> DispatchResult {
        let mut licence = Self::licence_held_by(&who, id)?;
        Self::ensure_in_force(&licence)?;
        let info = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?;
        ensure!(info.work == licence.work, Error::<T>::OtherWork);
        ensure!(T::Custody::is_entrusted(asset), Error::<T>::KeyNotInCustody);
        let key = licence.encryption_key;
        licence.asset = asset;
        Licences::<T>::insert(id, licence);
        Self::deposit_event(Event::KeyRequested { licence: id, asset });
        Self::ask_custody(id, asset, &who, &key)
    }

    fn ask_custody(id: LicenceId, asset: AssetId, holder: &T::AccountId, key: &EncryptionKey) -> DispatchResult {
        T::Custody::request_for_licence(asset, id, holder, key).map_err(|refused| match refused {
            NotRequested::FeeNotCovered => Error::<T>::CustodyFeeNotCovered.into(),
            NotRequested::UnusableKey => Error::<T>::UnusableKey.into(),
        })
    }

    pub(crate) fn do_close_licence(who: T::AccountId, id: LicenceId) -> DispatchResult {
        let licence = Self::licence_held_by(&who, id)?;
        Licences::<T>::remove(id);
        LicenceOf::<T>::remove(licence.work, &who);
        LicencesByHolder::<T>::remove(&who, id.to_be_bytes());
        T::Currency::release(&HoldReason::Licence.into(), &who, licence.deposit, Precision::Exact)?;
        Self::deposit_event(Event::LicenceClosed {
            licence: id,
            holder: who,
        });
        Ok(())
    }

    pub(crate) fn do_revoke_licence(who: T::AccountId, id: LicenceId) -> DispatchResult {
        let mut licence = Licences::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        Self::work_of(&who, licence.work)?;
        ensure!(!licence.revoked, Error::<T>::Revoked);
        let owed = licence.holding.unused(Self::now());
        let refund = match T::Payments::pay(&who, &licence.holder, licence.currency, owed) {
            Ok(()) => owed,
            Err(Unpaid::NotCovered) => return Err(Error::<T>::RefundNotCovered.into()),
            // Or a holder could not be got rid of whom a token's issuer has blocked.
            Err(Unpaid::CannotReceive) => 0,
        };
        licence.revoked = true;
        Self::deposit_event(Event::LicenceRevoked {
            licence: id,
            holder: licence.holder.clone(),
            currency: licence.currency,
            refund,
        });
        Licences::<T>::insert(id, licence);
        Ok(())
    }

    /// Takes one use of an asset.
    pub(crate) fn do_take_use(asset: AssetId, user: &T::AccountId) -> Result<Option<LicenceId>, NotLicensed> {
        let work = Assets::<T>::get(asset).map(|info| info.work);
        let work = work.and_then(|id| Some((id, Works::<T>::get(id)?)));
        let Some((id, work)) = work else {
            return Err(NotLicensed::NoLicence);
        };
        if work.tariffs.is_empty() || work.owner == *user {
            return Ok(None);
        }
        let licence = LicenceOf::<T>::get(id, user).ok_or(NotLicensed::NoLicence)?;
        let mut held = Licences::<T>::get(licence)
            .filter(|held| !held.revoked)
            .ok_or(NotLicensed::NoLicence)?;
        let left = held.holding.right.take(Self::now()).ok_or(NotLicensed::RanOut)?;
        if left != held.holding.right {
            held.holding.right = left;
            Licences::<T>::insert(licence, held);
        }
        Self::deposit_event(Event::UseTaken {
            licence,
            asset,
            right: left,
        });
        Ok(Some(licence))
    }

    /// Gives a use back. One that was revoked or closed has ended.
    pub(crate) fn do_return_use(licence: LicenceId) {
        let Some(mut held) = Licences::<T>::get(licence).filter(|held| !held.revoked) else {
            return;
        };
        let right = held.holding.right.give_back();
        if right != held.holding.right {
            held.holding.right = right;
            Licences::<T>::insert(licence, held);
            Self::deposit_event(Event::UseReturned { licence, right });
        }
    }

    /// Whether a licence allows use now.
    pub(crate) fn is_in_force(licence: &LicenceInfoOf<T>) -> bool {
        !licence.revoked && licence.holding.right.allows(Self::now())
    }

    fn ensure_in_force(licence: &LicenceInfoOf<T>) -> Result<(), Error<T>> {
        ensure!(!licence.revoked, Error::<T>::Revoked);
        ensure!(Self::is_in_force(licence), Error::<T>::RanOut);
        Ok(())
    }

    fn licence_held_by(who: &T::AccountId, id: LicenceId) -> Result<LicenceInfoOf<T>, Error<T>> {
        let licence = Licences::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(licence.holder == *who, Error::<T>::NotHolder);
        Ok(licence)
    }

    /// The present block, as licences count.
    pub(crate) fn now() -> u32 {
        let now: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number();
        now.saturated_into()
    }
}

impl<T> From<InvalidPurchase> for Error<T> {
    fn from(invalid: InvalidPurchase) -> Self {
        match invalid {
            InvalidPurchase::Nothing => Self::NothingBought,
            InvalidPurchase::OnceIsOnce => Self::OnceIsOnce,
            InvalidPurchase::TooMuch => Self::TooMuch,
            InvalidPurchase::OtherTerm => Self::OtherTerm,
        }
    }
}
