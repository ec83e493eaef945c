//! The life of a custody: opened, dealt, ended.

use frame_support::{
    defensive, ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::hold::Mutate as _},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{Saturating, traits::Zero};
use weft_custody::{Shape, sharing::check_commitments};
use weft_primitives::{AssetId, Balance, registry::Licensing};

use crate::{
    Config, Custodies, Custody, CustodyOf, Deal, DealingState, Dealings, Deals, EndReason, Error, Event, HoldReason,
    Pallet, Phase,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_open(
        opener: T::AccountId,
        asset: AssetId,
        threshold: u8,
        custodians: u8,
        to_providers: bool,
    ) -> DispatchResult {
        let sealed = T::Licensing::sealed_asset(asset).ok_or(Error::<T>::UnknownAsset)?;
        ensure!(sealed.owner == opener, Error::<T>::NotOwner);
        ensure!(sealed.listed, Error::<T>::NotListed);
        Shape::new(threshold, custodians).map_err(|_| Error::<T>::BadShape)?;
        ensure!(!Custodies::<T>::contains_key(asset), Error::<T>::AlreadyEntrusted);
        let deposit = Self::custody_deposit(custodians);
        T::Currency::hold(&HoldReason::Deposit.into(), &opener, deposit)?;
        let dealing = Self::draw(asset, threshold, custodians, None)?;
        let now = frame_system::Pallet::<T>::block_number();
        let until = now.saturating_add(T::DealWindow::get());
        Custodies::<T>::insert(
            asset,
            Custody {
                opener: opener.clone(),
                deposit,
                bond: 0,
                content: sealed.content,
                key_commitment: sealed.key_commitment,
                threshold,
                custodians,
                to_providers,
                envelope: None,
                opened: dealing,
                dealing,
                since: now,
                phase: Phase::Drawn { until },
                rotation_paused_until: BlockNumberFor::<T>::zero(),
                rotation_failed: false,
                open_requests: 0,
                closing: None,
            },
        );
        Self::deposit_event(Event::Opened {
            asset,
            opener,
            dealing,
            threshold,
            until,
        });
        Ok(())
    }

    /// For the record, the seller's `n` shares, and `n` shares from each of `n` custodians.
    pub(crate) fn custody_deposit(custodians: u8) -> Balance {
        let n = Balance::from(custodians);
        let shares = n.saturating_mul(n.saturating_add(1));
        T::CustodyDeposit::get().saturating_add(T::ShareDeposit::get().saturating_mul(shares))
    }

    pub(crate) fn do_deal(who: T::AccountId, asset: AssetId, deal: Deal, envelope: [u8; 32]) -> DispatchResult {
        let mut custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        ensure!(custody.opener == who, Error::<T>::NotOpener);
        let Phase::Drawn { until } = custody.phase else {
            return Err(Error::<T>::AlreadyDealt.into());
        };
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= until, Error::<T>::DeadlinePassed);
        check_commitments(custody.threshold, &deal.commitments).map_err(|_| Error::<T>::InvalidCommitments)?;
        ensure!(
            deal.wrapped.len() == usize::from(custody.custodians),
            Error::<T>::WrongNumberOfShares
        );
        let bond = T::DealerBond::get();
        T::Currency::hold(&HoldReason::Bond.into(), &who, bond)?;
        let id = custody.dealing;
        let mut dealing = Dealings::<T>::get(id).ok_or(Error::<T>::NotEntrusted)?;
        dealing.state = DealingState::InForce;
        dealing.commitments = deal.commitments.clone();
        dealing.dealers.try_push(0).map_err(|_| Error::<T>::AlreadyDealt)?;
        Dealings::<T>::insert(id, dealing);
        Deals::<T>::insert(id, 0, deal);
        custody.bond = bond;
        custody.envelope = Some(envelope);
        custody.phase = Phase::Dealt;
        custody.since = now;
        Custodies::<T>::insert(asset, custody);
        Self::deposit_event(Event::Dealt { asset, dealing: id });
        Ok(())
    }

    pub(crate) fn do_close(who: T::AccountId, asset: AssetId) -> DispatchResult {
        let custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        let now = frame_system::Pallet::<T>::block_number();
        let overdue = matches!(custody.phase, Phase::Drawn { until } if now > until);
        let owner = || T::Licensing::sealed_asset(asset).map(|sealed| sealed.owner);
        ensure!(
            overdue || custody.opener == who || owner() == Some(who),
            Error::<T>::NotOwner
        );
        ensure!(custody.closing.is_none(), Error::<T>::AlreadyClosing);
        let reason = if overdue {
            EndReason::NotDealt
        } else {
            EndReason::Closed
        };
        Self::begin_closing(asset, custody, reason);
        Ok(())
    }

    /// Ends a custody now, or with its last request.
    pub(crate) fn begin_closing(asset: AssetId, mut custody: CustodyOf<T>, reason: EndReason) {
        Self::cancel_rotation(asset, &mut custody);
        if custody.open_requests == 0 {
            Self::end_custody(asset, custody, reason);
            return;
        }
        custody.closing = Some(reason);
        Custodies::<T>::insert(asset, custody);
        Self::deposit_event(Event::Closing { asset, reason });
    }

    /// Ends a custody and returns what is held for it. Its present dealing stays only for requests to it.
    pub(crate) fn end_custody(asset: AssetId, mut custody: CustodyOf<T>, reason: EndReason) {
        Self::cancel_rotation(asset, &mut custody);
        match Dealings::<T>::get(custody.dealing) {
            Some(dealing) if dealing.open_requests > 0 => {}
            Some(_) => Self::remove_dealing(custody.dealing),
            None => {
                defensive!("a custody has a dealing");
            }
        }
        Custodies::<T>::remove(asset);
        Self::give_back(HoldReason::Deposit, &custody.opener, custody.deposit);
        Self::give_back(HoldReason::Bond, &custody.opener, custody.bond);
        Self::deposit_event(Event::Ended { asset, reason });
    }

    /// Ends the custody of a seller who lied: the bond is lost, and shares are released no more, of this dealing and of
    /// those before.
    pub(crate) fn void(asset: AssetId, mut custody: CustodyOf<T>, reason: EndReason, wronged: &T::AccountId) {
        let amount = core::mem::take(&mut custody.bond);
        let compensation = Self::forfeit(HoldReason::Bond, &custody.opener, amount, Some(wronged));
        Self::deposit_event(Event::DealerSlashed {
            asset,
            dealer: custody.opener.clone(),
            amount,
            compensation,
        });
        Dealings::<T>::mutate(custody.dealing, |dealing| match dealing {
            Some(dealing) => dealing.state = DealingState::Void,
            None => {
                defensive!("a custody has a dealing");
            }
        });
        Self::end_custody(asset, custody, reason);
    }
}
