//! Disputes as the runtime API shows them.

use alloc::vec::Vec;

use frame_system::pallet_prelude::BlockNumberFor;
use weft_disputes::view::{DisputeStanding, DisputeView};
use weft_primitives::{
    JobId,
    page::{Page, page_size},
};

use crate::{Awaited, Config, DisputeId, DisputeOf, Disputes, DisputesOfJob, NextDispute, Pallet, Standing};

/// [`DisputeView`] of a runtime.
pub type DisputeViewOf<T> = DisputeView<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
    /// A dispute that has not ended.
    pub fn dispute(id: DisputeId) -> Option<DisputeViewOf<T>> {
        Disputes::<T>::get(id).map(|dispute| view::<T>(id, dispute))
    }

    /// Disputes that have not ended, in the order of opening, from dispute `from` on; at most `limit`, and at most
    /// [`MAX_PAGE`](weft_primitives::page::MAX_PAGE) are looked at.
    pub fn disputes(from: DisputeId, limit: u32) -> Page<DisputeViewOf<T>> {
        let (next, end) = (NextDispute::<T>::get(), from.saturating_add(page_size(limit).into()));
        Page {
            items: (from..end.min(next)).filter_map(Self::dispute).collect(),
            next: (end < next).then_some(end),
        }
    }

    /// Those about a job; at most [`MAX_PAGE`](weft_primitives::page::MAX_PAGE).
    pub fn disputes_of(job: JobId) -> Vec<DisputeViewOf<T>> {
        let most = page_size(u32::MAX) as usize;
        let mut ids: Vec<_> = DisputesOfJob::<T>::iter_key_prefix(job).take(most).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(Self::dispute).collect()
    }
}

fn view<T: Config>(id: DisputeId, dispute: DisputeOf<T>) -> DisputeViewOf<T> {
    let turn = Pallet::<T>::turn(&dispute);
    let (text, claim, stage) = match dispute.awaited {
        Awaited::Sketch { text } => (Some(text), None, None),
        Awaited::Move { claim, stage } => (None, Some(claim.into_inner()), Some(stage)),
    };
    DisputeView {
        id,
        job: dispute.job,
        challenger: dispute.challenger,
        provider: dispute.provider,
        device: dispute.device,
        standing: match dispute.standing {
            Standing::Open => DisputeStanding::Open,
            Standing::Lapsed(side) => DisputeStanding::Lapsed(side),
            Standing::Appealed(side) => DisputeStanding::Appealed(side),
        },
        turn,
        text,
        claim,
        stage,
        until: dispute.until,
        bond: dispute.bond,
        seized: dispute.seized.unwrap_or_default(),
        moves: dispute.moves,
        opened_at: dispute.opened_at,
    }
}
