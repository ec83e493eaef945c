//! Another committee for the same key, without the seller.

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use sp_runtime::Saturating;
use weft_custody::{
    Commitment,
    reshare::{ReshareError, check_reshare, reshare_commitments},
};
use weft_primitives::{AssetId, custody_view::DealingId};

use crate::{
    Config, Custodies, CustodyOf, Deal, DealingOf, DealingState, Dealings, Deals, DrawableCount, EndReason, Error,
    Event, Members, Offence, Pallet, PerCustodian, Phase,
    committees::{index_of, member},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_rotate(asset: AssetId) -> DispatchResult {
        let mut custody = Self::entrusted(asset).ok_or(Error::<T>::NotEntrusted)?;
        ensure!(matches!(custody.phase, Phase::Dealt), Error::<T>::Resharing);
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now >= custody.rotation_paused_until, Error::<T>::RotationPaused);
        let present = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        ensure!(
            now >= custody.since.saturating_add(T::RotationPeriod::get())
                || Self::longest_out(&present.committee).is_some(),
            Error::<T>::NotDue
        );
        let from = custody.dealing;
        let to = Self::draw(asset, custody.threshold, custody.custodians, Some(custody.opened))?;
        let deals_until = now.saturating_add(T::ReshareWindow::get());
        let disputes_until = deals_until.saturating_add(T::ComplaintWindow::get());
        custody.phase = Phase::Resharing {
            next: to,
            deals_until,
            disputes_until,
            faulty: Members::default(),
        };
        Custodies::<T>::insert(asset, custody);
        Self::deposit_event(Event::RotationBegun {
            asset,
            from,
            to,
            deals_until,
            disputes_until,
        });
        Ok(())
    }

    pub(crate) fn do_reshare(who: T::AccountId, asset: AssetId, deal: Deal) -> DispatchResult {
        let custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        let Phase::Resharing {
            next: id,
            deals_until,
            faulty,
            ..
        } = custody.phase
        else {
            return Err(Error::<T>::NotResharing.into());
        };
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= deals_until, Error::<T>::DeadlinePassed);
        let present = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        let dealer = index_of::<T>(&present, &who)?;
        let mut next = Dealings::<T>::get(id).ok_or(Error::<T>::NotResharing)?;
        ensure!(
            !faulty.has(dealer) && !next.dealers.contains(&dealer),
            Error::<T>::AlreadyReshared
        );
        ensure!(
            deal.wrapped.len() == usize::from(custody.custodians),
            Error::<T>::WrongNumberOfShares
        );
        check_reshare(custody.threshold, &present.commitments, dealer, &deal.commitments).map_err(
            |error| match error {
                ReshareError::Commitments(_) => Error::<T>::InvalidCommitments,
                ReshareError::OtherShare => Error::<T>::OtherShare,
            },
        )?;
        next.dealers.try_push(dealer).map_err(|_| Error::<T>::AlreadyReshared)?;
        Dealings::<T>::insert(id, next);
        Deals::<T>::insert(id, dealer, deal);
        Self::deposit_event(Event::Reshared {
            dealing: id,
            custodian: who,
            dealer,
        });
        Ok(())
    }

    pub(crate) fn do_finish_rotation(asset: AssetId) -> DispatchResult {
        let mut custody = Custodies::<T>::get(asset).ok_or(Error::<T>::NotEntrusted)?;
        let Phase::Resharing {
            next: to,
            disputes_until,
            faulty,
            ..
        } = custody.phase
        else {
            return Err(Error::<T>::NotResharing.into());
        };
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now > disputes_until, Error::<T>::NotYetDue);
        let next = Dealings::<T>::get(to).ok_or(Error::<T>::NotResharing)?;
        let present = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        let deals = next.dealers.len() as u32;
        for index in 1..=custody.custodians {
            if !next.dealers.contains(&index) && !faulty.has(index) {
                Self::slash(&member::<T>(&present, index)?.account, Offence::Missed, None);
            }
        }
        custody.phase = Phase::Dealt;
        if Self::put_in_force(to, next, custody.threshold) {
            let from = custody.dealing;
            custody.dealing = to;
            custody.since = now;
            custody.rotation_failed = false;
            if present.open_requests == 0 {
                Self::remove_dealing(from);
            } else {
                let state = DealingState::Superseded;
                Dealings::<T>::insert(from, DealingOf::<T> { state, ..present });
            }
            Self::deposit_event(Event::Rotated { asset, from, to });
        } else {
            Self::remove_dealing(to);
            custody.rotation_failed = true;
            custody.rotation_paused_until = now.saturating_add(T::RotationPause::get());
            Self::deposit_event(Event::RotationFailed {
                asset,
                dealing: to,
                deals,
            });
        }
        Custodies::<T>::insert(asset, custody);
        Ok(())
    }

    /// Puts a dealing in force by the deals of those with the lowest indices, and drops the others. Whether there are enough.
    fn put_in_force(id: DealingId, mut dealing: DealingOf<T>, threshold: u8) -> bool {
        let mut dealers = dealing.dealers.clone().into_inner();
        dealers.sort_unstable();
        let Some((chosen, spare)) = dealers.split_at_checked(threshold.into()) else {
            return false;
        };
        let deals: alloc::vec::Vec<(u8, PerCustodian<Commitment>)> = chosen
            .iter()
            .filter_map(|dealer| Some((*dealer, Deals::<T>::get(id, dealer)?.commitments)))
            .collect();
        let views: alloc::vec::Vec<(u8, &[Commitment])> = deals
            .iter()
            .map(|(dealer, commitments)| (*dealer, commitments.as_slice()))
            .collect();
        let commitments = reshare_commitments(threshold, &views)
            .ok()
            .and_then(|commitments| PerCustodian::try_from(commitments).ok());
        let Some(commitments) = commitments else {
            // Every deal was checked when it was taken.
            defensive!("deals that were taken combine");
            return false;
        };
        for dealer in spare {
            Deals::<T>::remove(id, dealer);
        }
        dealing.dealers = PerCustodian::truncate_from(chosen.to_vec());
        dealing.commitments = commitments;
        dealing.state = DealingState::InForce;
        Dealings::<T>::insert(id, dealing);
        true
    }

    /// Gives up a rotation, if there is one. Nobody is slashed for it.
    pub(crate) fn cancel_rotation(asset: AssetId, custody: &mut CustodyOf<T>) {
        if let Phase::Resharing { next, .. } = custody.phase {
            Self::remove_dealing(next);
            custody.phase = Phase::Dealt;
            Self::deposit_event(Event::RotationCancelled { asset, dealing: next });
        }
    }

    pub(crate) fn do_dissolve(asset: AssetId) -> DispatchResult {
        let custody = Self::entrusted(asset).ok_or(Error::<T>::NotEntrusted)?;
        ensure!(matches!(custody.phase, Phase::Dealt), Error::<T>::Resharing);
        let present = Dealings::<T>::get(custody.dealing).ok_or(Error::<T>::NotEntrusted)?;
        let now = frame_system::Pallet::<T>::block_number();
        let waited = Self::longest_out(&present.committee)
            .is_some_and(|since| now >= since.saturating_add(T::RotationPeriod::get()));
        let stuck = custody.rotation_failed || DrawableCount::<T>::get() < custody.custodians.into();
        ensure!(waited && stuck, Error::<T>::NotDissolvable);
        Self::begin_closing(asset, custody, EndReason::Dissolved);
        Ok(())
    }
}
