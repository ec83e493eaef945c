//! What a custodian does beside answering requests: it finds out of which keys it has shares, opens them, hands them on when
//! a committee changes, and has committees changed whose time has come.

use weft_chain::{
    AccountId, ChainError,
    custody::{Custody, Dealing},
};
use weft_primitives::{AssetId, custody_view::CustodyPhase};
use weft_vault::{
    PublicKey, WrappedKey,
    shares::{self, Delivered, SharesError},
};

use super::{
    renewal::{Committee, Due, Pool},
    run::{Keeper, contained},
};
use crate::{
    custody::{commitments, on_chain, place},
    failure::Failure,
};

/// Keys looked after between two looks at requests: less than a second of a node's answers.
const ASSETS_PER_LOOK: usize = 16;
/// Pages of dealings read between two looks at requests, when a custodian starts on a chain that has many.
const PAGES_PER_LOOK: usize = 4;
/// Blocks after which a call about a committee is tried again that the chain refused, for a fee: 10 minutes.
const TRY_AGAIN: u32 = 200;

/// The place of an account in a committee, from 1.
fn index_in(dealing: &Dealing, who: &AccountId) -> Option<u8> {
    let at = dealing.committee.iter().position(|member| member.account == *who)?;
    u8::try_from(at).ok()?.checked_add(1)
}

impl Keeper {
    /// Looks after some of the keys of which this custodian has shares. Whether others are waiting.
    pub(super) async fn keep_duties(&mut self) -> Result<bool, Failure> {
        let now = self.client.best().await?.number;
        if self.duties.begin_round(now) {
            self.listing.get_or_insert(self.dealings_from);
            self.pool = self.read_pool().await?;
        }
        self.list_dealings().await?;
        for _ in 0..ASSETS_PER_LOOK {
            let Some(asset) = self.duties.take_turn() else {
                break;
            };
            let kept = self.keep(asset, now).await;
            match contained(kept, asset) {
                // A call has taken a block: requests may have come.
                Ok(true) => break,
                Ok(false) => {}
                Err(failure) => {
                    self.duties.postpone(asset);
                    return Err(failure);
                }
            }
        }
        Ok(self.listing.is_some() || self.duties.are_waiting())
    }

    async fn list_dealings(&mut self) -> Result<(), Failure> {
        let me = self.who.account();
        for _ in 0..PAGES_PER_LOOK {
            let Some(start) = self.listing else {
                break;
            };
            let page = self.client.custody().dealings_for(me, start).await?;
            for dealing in page.items {
                self.duties.add(dealing.asset);
            }
            self.dealings_from = start;
            self.listing = page.next;
        }
        Ok(())
    }

    /// Looks after one key. Whether the chain was called about it.
    async fn keep(&mut self, asset: AssetId, now: u32) -> Result<bool, Failure> {
        let me = self.who.account();
        let Some(custody) = self.client.custody().custody(asset).await? else {
            self.duties.forget(asset);
            return Ok(false);
        };
        let index = index_in(&custody.dealing, &me);
        if index.is_none() && custody.next.as_ref().is_none_or(|next| index_in(next, &me).is_none()) {
            self.duties.forget(asset);
            return Ok(false);
        }
        let dealing = &custody.dealing;
        // A seller's wrong share is shown at once, not only when the key is asked for.
        if let Some(index) = index
            && !dealing.deals.is_empty()
            && self.duties.is_unopened(asset, dealing.id)
        {
            if self.share(dealing, index, &custody.content).await?.is_some() {
                tracing::info!(asset, dealing = dealing.id, "has a share");
            }
            self.duties.opened(asset, dealing.id);
        }
        match (custody.phase, &custody.next) {
            (
                CustodyPhase::Resharing {
                    deals_until,
                    disputes_until,
                },
                Some(next),
            ) => {
                if now > disputes_until {
                    let done = self.client.custody().finish_rotation(&self.who, asset).await;
                    return self.note(done, "committee changed", asset, now);
                }
                self.check_reshared(&custody, next).await?;
                match index {
                    Some(index) if now < deals_until => self.hand_on(&custody, next, index, now).await,
                    _ => Ok(false),
                }
            }
            (CustodyPhase::Dealt { since }, _) => match index {
                Some(index) if !custody.closing => self.renew(&custody, index, since, now).await,
                _ => Ok(false),
            },
            _ => Ok(false),
        }
    }

    /// What of the chain is the same for all keys.
    async fn read_pool(&self) -> Result<Pool, Failure> {
        let custody = self.client.custody();
        Ok(Pool {
            drawable: custody.drawable().await?,
            out_since: custody.out_since(self.who.account()).await?,
            period: custody.rotation_period().await?,
        })
    }

    /// Has a committee changed that is old or lacks a member, or the key given back where that cannot be done and this
    /// custodian has waited long enough to leave.
    async fn renew(&mut self, custody: &Custody, index: u8, since: u32, now: u32) -> Result<bool, Failure> {
        let asset = custody.asset;
        if !self.duties.may_try(asset, now) {
            return Ok(false);
        }
        let mut is_one_gone = false;
        for member in &custody.dealing.committee {
            let seen = self.client.custody().custodian(member.account).await?;
            // A custodian on duty cannot deregister, so that one who is not found is one whom a reorganisation hides.
            if seen.is_some_and(|custodian| !custodian.drawable) {
                is_one_gone = true;
                break;
            }
        }
        let Some(rotations) = self.client.custody().rotations(asset).await? else {
            return Ok(false);
        };
        let committee = Committee {
            index,
            custodians: custody.custodians,
            since,
            is_one_gone,
            paused_until: rotations.paused_until,
            has_failed: rotations.failed,
        };
        match self.pool.due(&committee, now) {
            Due::Nothing => Ok(false),
            Due::Rotate => {
                let done = self.client.custody().rotate(&self.who, asset).await;
                self.note(done, "another committee is drawn", asset, now)
            }
            Due::Dissolve => {
                let done = self.client.custody().dissolve(&self.who, asset).await;
                self.note(done, "the key is given back to its owner", asset, now)
            }
        }
    }

    /// Hands this custodian's share on to the next committee. One that was refused is tried again in the next round: its
    /// silence would cost stake.
    async fn hand_on(&mut self, custody: &Custody, next: &Dealing, index: u8, now: u32) -> Result<bool, Failure> {
        if next.deals.iter().any(|deal| deal.dealer == index) {
            return Ok(false);
        }
        let Some(share) = self.share(&custody.dealing, index, &custody.content).await? else {
            return Ok(false);
        };
        let committee: Vec<_> = next
            .committee
            .iter()
            .map(|member| PublicKey::from_bytes(member.encryption_key))
            .collect();
        let place = place(&self.client, custody.asset, &custody.content, next.id);
        let dealt = shares::reshare(
            &share,
            &commitments(&custody.dealing.commitments),
            custody.threshold,
            &committee,
            &place,
        )?;
        let done = self
            .client
            .custody()
            .reshare(&self.who, custody.asset, on_chain(dealt))
            .await;
        self.note(done, "share handed on", custody.asset, now)
    }

    /// Opens what old custodians dealt to this one, so that a wrong share is shown while it can be.
    async fn check_reshared(&mut self, custody: &Custody, next: &Dealing) -> Result<(), Failure> {
        let Some(index) = index_in(next, &self.who.account()) else {
            return Ok(());
        };
        if next.deals.is_empty() {
            return Ok(());
        }
        let keys = self.ring.of(next, index)?;
        let place = place(&self.client, custody.asset, &custody.content, next.id);
        for deal in &next.deals {
            let at = usize::from(index).saturating_sub(1);
            let Some(wrapped) = deal.wrapped.get(at).map(|wrapped| WrappedKey(wrapped.0)) else {
                continue;
            };
            let commitments = commitments(&deal.commitments);
            let delivered = Delivered {
                dealer: deal.dealer,
                commitments: &commitments,
                wrapped: &wrapped,
            };
            if let Err(SharesError::WrongDelivery { .. }) = shares::open_dealt_share(&keys, index, &delivered, &place) {
                self.accuse(next, &delivered, index, &place, &keys).await?;
            }
        }
        Ok(())
    }

    /// Another custodian may have been faster, or the block too late: the next look tells.
    fn note(&mut self, done: Result<(), ChainError>, what: &str, asset: AssetId, now: u32) -> Result<bool, Failure> {
        match done {
            Ok(()) => tracing::info!(asset, "{what}"),
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => {
                tracing::debug!(asset, %error, "not done: {what}");
                self.duties.try_not_before(asset, now.saturating_add(TRY_AGAIN));
            }
        }
        Ok(true)
    }
}
