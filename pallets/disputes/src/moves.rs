//! The moves of a dispute. What they must show, and where they lead, is `weft-disputes`'.

use codec::DecodeAll;
use frame_support::ensure;
use sp_runtime::{DispatchResult, Saturating, traits::Get};
use weft_disputes::{Claim, Game, Judged, Move, Next, Side};
use weft_primitives::registry::Challengeable;

use crate::{
    Awaited, Config, DisputeId, DisputeOf, Disputes, Error, Event, Pallet, Standing, Verdict, challenges::awaited,
};

/// Which moves a call is for: each has costs of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The challenger names a place.
    Name,
    /// The provider reveals digests.
    Reveal,
    /// A tile is computed.
    Judge,
}

const fn kind(made: &Move) -> Kind {
    match made {
        Move::NamePosition(_)
        | Move::NameOperator(_)
        | Move::NameSection(_)
        | Move::NameTile { .. }
        | Move::NameLeaf { .. } => Kind::Name,
        Move::RevealStep(_) | Move::RevealTiles { .. } | Move::RevealLeaves(_) | Move::ShowLeaf(_) => Kind::Reveal,
        Move::Open(_) | Move::Refute(_) => Kind::Judge,
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_move(who: T::AccountId, id: DisputeId, of: Kind, bytes: &[u8]) -> DispatchResult {
        let mut dispute = Self::awaiting(id, &who)?;
        let Awaited::Move { claim, stage } = &dispute.awaited else {
            return Err(Error::<T>::NotNow.into());
        };
        let made = Move::decode_all(&mut &bytes[..]).map_err(|_| Error::<T>::Malformed)?;
        ensure!(kind(&made) == of, Error::<T>::Malformed);
        let claim = Claim::decode_all(&mut &claim[..]).map_err(|_| Error::<T>::Malformed)?;
        let mut game = Game { claim, stage: *stage };
        let side = match game.stage.turn() {
            Side::Provider if Self::is_provider(&dispute, &who) => Side::Provider,
            Side::Challenger if dispute.challenger == who => Side::Challenger,
            // That a tile is wrong anybody may show, for the challenger.
            _ if matches!(made, Move::Refute(_)) => Side::Challenger,
            _ => return Err(Error::<T>::NotYourTurn.into()),
        };
        let next = game.step(side, &made).map_err(Error::<T>::from)?;
        game.follow(&next);
        match next {
            Next::Goes(_) | Next::Revealed { .. } => {
                dispute.awaited = awaited::<T>(&game)?;
                if of == Kind::Reveal {
                    Self::deposit_event(Event::Revealed {
                        dispute: id,
                        revealed: bytes.to_vec(),
                    });
                }
                Self::go_on(id, dispute);
            }
            Next::Over(judged) => {
                let verdict = match judged {
                    Judged::Right => Verdict::Right,
                    Judged::Lied(fraud) => Verdict::Lied(fraud),
                    Judged::Silent(side) => Verdict::Silent(side),
                };
                dispute.moves.saturating_inc();
                Self::end(id, dispute, verdict);
            }
        }
        Ok(())
    }

    pub(crate) fn do_concede(who: T::AccountId, id: DisputeId) -> DispatchResult {
        let dispute = Self::awaiting(id, &who)?;
        ensure!(dispute.challenger == who, Error::<T>::NotYourTurn);
        Self::end(id, dispute, Verdict::Conceded);
        Ok(())
    }

    /// A dispute that goes on and is not late.
    pub(crate) fn awaiting(id: DisputeId, _: &T::AccountId) -> Result<DisputeOf<T>, Error<T>> {
        let dispute = Disputes::<T>::get(id).ok_or(Error::NotFound)?;
        ensure!(dispute.standing == Standing::Open, Error::<T>::NotNow);
        ensure!(T::Results::proposed(dispute.job).is_some(), Error::<T>::Moot);
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(now <= dispute.until, Error::<T>::TooLate);
        Ok(dispute)
    }

    /// Whether an account may move for the provider.
    pub(crate) fn is_provider(dispute: &DisputeOf<T>, who: &T::AccountId) -> bool {
        dispute.provider == *who || dispute.device == *who
    }

    /// Waits for the next move.
    pub(crate) fn go_on(id: DisputeId, mut dispute: DisputeOf<T>) {
        Self::dequeue(dispute.until, id);
        dispute.until = Self::deadline(T::MoveWindow::get());
        dispute.moves.saturating_inc();
        Self::enqueue(dispute.until, id);
        Self::deposit_event(Event::Moved {
            dispute: id,
            turn: Self::turn(&dispute),
            until: dispute.until,
        });
        Disputes::<T>::insert(id, dispute);
    }

    /// Whose move is awaited.
    pub(crate) const fn turn(dispute: &DisputeOf<T>) -> Side {
        match &dispute.awaited {
            Awaited::Sketch { .. } => Side::Provider,
            Awaited::Move { stage, .. } => stage.turn(),
        }
    }
}
