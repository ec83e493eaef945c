//! The pinner's side: bonds and proofs.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{DispatchError, TokenError};
use weft_primitives::{
    Balance,
    pieces::{Epoch, PinDealId, Standing, challenged, piece_count, piece_length, standing},
    price::share_of,
    shelf::Shelf,
};

use crate::{
    Config, DealOf, Deals, Error, Event, HoldReason, Pallet, PieceBytes, Pin, Pins, PresentEpoch, ShelfName, Siblings,
    shelves::StoredShelf,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_join(pinner: T::AccountId, id: PinDealId) -> DispatchResult {
        let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(deal.opener != pinner, Error::<T>::OwnDeal);
        let present = Self::present_epoch();
        ensure!(present < deal.last_epoch, Error::<T>::DealOver);
        ensure!(!Pins::<T>::contains_key(id, &pinner), Error::<T>::AlreadyJoined);
        ensure!(deal.taken < deal.places, Error::<T>::NoPlaceFree);
        let bond = T::PinBond::get();
        T::Currency::hold(&HoldReason::Bond.into(), &pinner, bond)?;
        deal.taken = deal.taken.saturating_add(1);
        Deals::<T>::insert(id, deal);
        StoredShelf::<T>(ShelfName::PinnedBy(pinner.clone())).add(&id);
        Pins::<T>::insert(
            id,
            &pinner,
            Pin {
                bond,
                joined: present,
                kept_until: present,
                streak: 0,
                proofs: 0,
                earned: 0,
            },
        );
        Self::deposit_event(Event::Joined {
            deal: id,
            pinner,
            bond,
            first_epoch: present.saturating_add(1),
        });
        Ok(())
    }

    pub(crate) fn do_prove(
        pinner: T::AccountId,
        id: PinDealId,
        epoch: Epoch,
        piece: u64,
        bytes: PieceBytes,
        siblings: Siblings,
    ) -> DispatchResult {
        let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        let mut pin = Pins::<T>::get(id, &pinner).ok_or(Error::<T>::NotJoined)?;
        let asked = Self::asked(&deal, &pin, &pinner, id)?;
        ensure!(epoch == asked.epoch, Error::<T>::StaleEpoch);
        ensure!(piece == asked.piece, Error::<T>::WrongPiece);
        ensure!(
            piece_length(deal.size_bytes, piece) == u32::try_from(bytes.len()).ok(),
            Error::<T>::WrongLength
        );
        let proof = weft_merkle::Proof {
            index: piece,
            count: piece_count(deal.size_bytes),
            siblings: siblings.into_inner(),
        };
        ensure!(
            proof.root(weft_merkle::leaf(&bytes)) == Some(deal.pieces_root),
            Error::<T>::InvalidProof
        );

        let paid = deal.reward_per_epoch;
        Self::take_held(HoldReason::Escrow, &deal.opener, &pinner, paid)?;
        // As many rewards were held as there are places and epochs, and a place is paid at most once in an epoch.
        deal.escrow = deal.escrow.saturating_sub(paid);
        Deals::<T>::insert(id, deal);
        let in_a_row = pin.kept_until.saturating_add(1) == epoch;
        pin.streak = if in_a_row { pin.streak.saturating_add(1) } else { 1 };
        pin.kept_until = epoch;
        pin.proofs = pin.proofs.saturating_add(1);
        pin.earned = pin.earned.saturating_add(paid);
        let streak = pin.streak;
        Pins::<T>::insert(id, &pinner, pin);
        Self::deposit_event(Event::Proven {
            deal: id,
            pinner,
            epoch,
            piece,
            paid,
            streak,
        });
        Ok(())
    }

    pub(crate) fn do_leave(pinner: T::AccountId, id: PinDealId) -> DispatchResult {
        let pin = Pins::<T>::get(id, &pinner).ok_or(Error::<T>::NotJoined)?;
        if let Some(deal) = Deals::<T>::get(id) {
            let over = Self::present_epoch() > deal.last_epoch;
            match Self::standing_of(&deal, &pin) {
                Standing::UpToDate => (),
                Standing::Behind { .. } => ensure!(over, Error::<T>::Behind),
                Standing::Lapsed { .. } => return Err(Error::<T>::Lapsed.into()),
            }
            Self::free_place(id, deal);
        }
        T::Currency::release(&HoldReason::Bond.into(), &pinner, pin.bond, Precision::Exact)?;
        Self::forget(id, &pinner);
        Self::deposit_event(Event::Left {
            deal: id,
            pinner,
            bond: pin.bond,
        });
        Ok(())
    }

    pub(crate) fn do_evict(by: T::AccountId, id: PinDealId, pinner: T::AccountId) -> DispatchResult {
        let deal = Deals::<T>::get(id).ok_or(Error::<T>::NotFound)?;
        ensure!(by != pinner, Error::<T>::OwnPin);
        let pin = Pins::<T>::get(id, &pinner).ok_or(Error::<T>::NotJoined)?;
        let Standing::Lapsed { missed } = Self::standing_of(&deal, &pin) else {
            return Err(Error::<T>::NotLapsed.into());
        };
        let wanted = share_of(pin.bond, T::EvictorShare::get());
        let to_evictor = match Self::take_held(HoldReason::Bond, &pinner, &by, wanted) {
            Ok(()) => wanted,
            Err(_) => 0,
        };
        let to_opener = pin.bond.saturating_sub(to_evictor);
        Self::take_held(HoldReason::Bond, &pinner, &deal.opener, to_opener)?;
        Self::free_place(id, deal);
        Self::forget(id, &pinner);
        Self::deposit_event(Event::Evicted {
            deal: id,
            pinner,
            by,
            missed,
            to_evictor,
            to_opener,
        });
        Ok(())
    }

    /// What a pinner has to prove now, or why there is nothing to prove.
    pub(crate) fn asked(deal: &DealOf<T>, pin: &Pin, pinner: &T::AccountId, id: PinDealId) -> Result<Asked, Error<T>> {
        let epoch = Self::present_epoch();
        ensure!(epoch <= deal.last_epoch, Error::<T>::DealOver);
        if pin.kept_until >= epoch {
            return Err(if pin.joined >= epoch {
                Error::<T>::NotChallengedYet
            } else {
                Error::<T>::AlreadyProven
            });
        }
        if let Standing::Lapsed { .. } = Self::standing_of(deal, pin) {
            return Err(Error::<T>::Lapsed);
        }
        let drawn = PresentEpoch::<T>::get().filter(|drawn| drawn.epoch == epoch);
        // The seed is drawn when the epoch's first block begins, so there is one whenever a call runs.
        let drawn = drawn.ok_or(Error::<T>::NotChallengedYet)?;
        let count = piece_count(deal.size_bytes);
        // A deal is about a file of at least one piece.
        let piece = challenged(&drawn.seed, id, pinner, epoch, count).ok_or(Error::<T>::NoPiecesRoot)?;
        Ok(Asked { epoch, piece })
    }

    pub(crate) fn standing_of(deal: &DealOf<T>, pin: &Pin) -> Standing {
        standing(
            pin.kept_until,
            Self::present_epoch(),
            deal.last_epoch,
            T::MaxMissed::get(),
        )
    }

    fn free_place(id: PinDealId, mut deal: DealOf<T>) {
        deal.taken = deal.taken.saturating_sub(1);
        Deals::<T>::insert(id, deal);
    }

    fn forget(id: PinDealId, pinner: &T::AccountId) {
        Pins::<T>::remove(id, pinner);
        StoredShelf::<T>(ShelfName::PinnedBy(pinner.clone())).remove(&id);
    }

    /// Pays from what is held: the whole amount, or nothing and an error.
    ///
    /// By force: funds that are both held and frozen (staked, voting) were promised here all the same.
    fn take_held(reason: HoldReason, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| {
            let moved = T::Currency::transfer_on_hold(
                &reason.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
            // At the edge of an account's existence it may report success and have moved less.
            ensure!(moved == amount, DispatchError::Token(TokenError::CannotCreate));
            Ok(())
        })
    }
}

/// What a pinner has to prove now.
pub(crate) struct Asked {
    /// The present epoch.
    pub epoch: Epoch,
    /// The piece.
    pub piece: u64,
}
