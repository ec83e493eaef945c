//! `weft custodian run`: release what is asked for, take over and hand on shares when committees change, and show the chain
//! what was dealt wrongly.
//!
//! All shares are on chain, sealed to this custodian's key; nothing is kept here but that key. Every decision is taken anew
//! from the chain's state at each block.

use std::collections::{BTreeMap, BTreeSet};

use weft_chain::{
    AccountId, ChainError, Client, Notice, Signer,
    custody::{Custody, Dealing, KeyRequest},
};
use weft_primitives::{
    ContentId,
    custody_view::{CustodyPhase, DealingId, KeyRequestId},
};
use weft_vault::{
    CustodianKeys, PublicKey, WrappedKey,
    shares::{self, Delivered, Share, SharesError},
};

use crate::{
    custody::{commitments, on_chain, place, recipient_of},
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    shutdown::Shutdown,
};

/// Blocks between two looks for committees that are to change.
const ROTATIONS_EVERY: u32 = 20;

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
}

struct Keeper {
    client: Client,
    who: Signer,
    keys: CustodianKeys,
    /// Where the list of requests is read on: those before were over when they were seen.
    from: u64,
    /// Requests that were answered, or cannot be.
    settled: BTreeSet<KeyRequestId>,
    /// Dealings in which this custodian sits, with the asset.
    dealings: BTreeMap<DealingId, u64>,
    /// Where the list of dealings is read on.
    dealings_from: u64,
    /// The block of the last look for committees that are to change.
    rotations_at: u32,
    /// Resharings that were dealt to, finished or disputed.
    reshared: BTreeSet<DealingId>,
}

impl Args {
    /// Runs until interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let mut shutdown = Shutdown::listen()?;
        let (home, who) = self.identity.open()?;
        let client = tokio::select! {
            client = self.node.connect_patiently() => client?,
            () = shutdown.asked() => return Ok(()),
        };
        let me = who.account();
        if client.custody().custodian(me).await?.is_none() {
            return Err(Failure::NotFound(format!(
                "{me} is no custodian: run `weft custodian register` with the same --home"
            )));
        }
        tracing::info!(custodian = %me, "custodian started");
        let mut notices = client.blocks();
        let mut keeper = Keeper {
            client,
            who,
            keys: home.custodian_keys()?,
            from: 0,
            settled: BTreeSet::new(),
            dealings: BTreeMap::new(),
            dealings_from: 0,
            rotations_at: 0,
            reshared: BTreeSet::new(),
        };
        loop {
            tokio::select! {
                done = keeper.look() => match done {
                    Ok(()) => {},
                    Err(Failure::Chain(error)) if error.is_transient() => {
                        tracing::warn!(%error, "the chain cannot be read now");
                    },
                    Err(failure) => return Err(failure),
                },
                () = shutdown.asked() => break,
            }
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(Ok(Notice::Best(_) | Notice::Finalised(_) | Notice::Reconnected)) => {},
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::Network("the node's blocks ended: start again".into())),
                },
                () = shutdown.asked() => break,
            }
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The place of an account in a committee, from 1.
fn index_in(dealing: &Dealing, who: &AccountId) -> Option<u8> {
    let at = dealing.committee.iter().position(|member| member.account == *who)?;
    u8::try_from(at).ok()?.checked_add(1)
}

impl Keeper {
    async fn look(&mut self) -> Result<(), Failure> {
        let me = self.who.account();
        let now = self.client.best().await?.number;
        let mut from = Some(self.from);
        let mut all_over = true;
        while let Some(start) = from {
            let page = self.client.custody().requests_for(me, start).await?;
            for request in &page.items {
                if now < request.until && request.in_force && !self.settled.contains(&request.id) {
                    self.answer(request).await?;
                }
                all_over &= now > request.until;
            }
            from = page.next;
            // What is over never opens again.
            if all_over && let Some(next) = page.next {
                self.from = next;
            }
        }
        self.keep_duties().await
    }

    async fn answer(&mut self, request: &KeyRequest) -> Result<(), Failure> {
        let me = self.who.account();
        let index = request
            .committee
            .iter()
            .position(|member| member.account == me)
            .and_then(|at| u8::try_from(at).ok()?.checked_add(1));
        let Some(index) = index else {
            return Ok(());
        };
        if request.releases.iter().any(|release| release.index == index) || request.forged.contains(&index) {
            self.settled.insert(request.id);
            return Ok(());
        }
        let Some(dealing) = self.client.custody().dealing(request.dealing).await? else {
            return Ok(());
        };
        let Some(share) = self.share(&dealing, index, &request.content).await? else {
            self.settled.insert(request.id);
            return Ok(());
        };
        let place = place(&self.client, request.asset, &request.content, request.dealing);
        let wrapped = match shares::release_share(
            &share,
            &commitments(&request.commitments),
            &recipient_of(request),
            &place,
        ) {
            Ok(wrapped) => wrapped,
            Err(error) => {
                tracing::error!(request = request.id, %error, "not released");
                self.settled.insert(request.id);
                return Ok(());
            }
        };
        match self.client.custody().release(&self.who, request.id, wrapped.0).await {
            Ok(()) => {
                tracing::info!(request = request.id, asset = request.asset, "released");
                self.settled.insert(request.id);
            }
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(request = request.id, %error, "not released");
                if error.is("Custody", "AlreadyReleased") {
                    self.settled.insert(request.id);
                }
            }
        }
        Ok(())
    }

    /// This custodian's share of a dealing in force. A seller's wrong deal is shown to the chain.
    async fn share(&self, dealing: &Dealing, index: u8, content: &ContentId) -> Result<Option<Share>, Failure> {
        let place = place(&self.client, dealing.asset, content, dealing.id);
        let wrapped = |deal: &weft_primitives::custody_view::DealView| {
            let at = usize::from(index).checked_sub(1)?;
            deal.wrapped.get(at).map(|wrapped| WrappedKey(wrapped.0))
        };
        let mut dealt = Vec::new();
        for deal in &dealing.deals {
            let Some(wrapped) = wrapped(deal) else {
                return Ok(None);
            };
            dealt.push((deal.dealer, commitments(&deal.commitments), wrapped));
        }
        let delivered: Vec<_> = dealt
            .iter()
            .map(|(dealer, commitments, wrapped)| Delivered {
                dealer: *dealer,
                commitments,
                wrapped,
            })
            .collect();
        let opened = match delivered.as_slice() {
            [] => return Ok(None),
            [seller] if seller.dealer == 0 => shares::open_dealt_share(&self.keys, index, seller, &place),
            deals => shares::open_reshared(
                &self.keys,
                index,
                dealing.threshold,
                deals,
                &commitments(&dealing.commitments),
                &place,
            ),
        };
        match opened {
            Ok(share) => Ok(Some(share)),
            Err(SharesError::WrongDelivery { dealer, index }) => {
                let found = delivered.iter().find(|delivered| delivered.dealer == dealer);
                if let Some(delivered) = found {
                    self.accuse(dealing, delivered, index, &place).await?;
                }
                Ok(None)
            }
            Err(error) => {
                tracing::error!(dealing = dealing.id, %error, "this custodian's share cannot be had");
                Ok(None)
            }
        }
    }

    async fn accuse(
        &self,
        dealing: &Dealing,
        delivered: &Delivered<'_>,
        index: u8,
        place: &shares::Place,
    ) -> Result<(), Failure> {
        let proved = shares::prove_forged_deal(&self.keys, index, delivered, place)
            .map_err(|error| Failure::Local(error.to_string()))?;
        let evidence = match proved {
            Ok(evidence) => evidence,
            Err(error) => {
                tracing::error!(dealing = dealing.id, %error, "a share does not open with this custodian's key, and that cannot be shown: is it the registered one?");
                return Ok(());
            }
        };
        let custody = self.client.custody();
        let done = if delivered.dealer == 0 {
            custody.dispute_deal(&self.who, dealing.asset, index, evidence).await
        } else {
            custody
                .dispute_reshare(&self.who, dealing.asset, delivered.dealer, index, evidence)
                .await
        };
        match done {
            Ok(()) => tracing::warn!(
                dealing = dealing.id,
                dealer = delivered.dealer,
                "a wrong share was shown on chain"
            ),
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => tracing::warn!(dealing = dealing.id, %error, "a wrong share was not taken to the chain"),
        }
        Ok(())
    }

    /// Looks after the keys of which this custodian has shares.
    async fn keep_duties(&mut self) -> Result<(), Failure> {
        let me = self.who.account();
        let mut from = Some(self.dealings_from);
        while let Some(start) = from {
            let page = self.client.custody().dealings_for(me, start).await?;
            for dealing in page.items {
                // A seller's wrong share is shown at once, not only when the key is asked for.
                if !self.dealings.contains_key(&dealing.id) && !dealing.deals.is_empty() {
                    self.look_at(&dealing).await?;
                }
                self.dealings.insert(dealing.id, dealing.asset);
            }
            self.dealings_from = start;
            from = page.next;
        }
        let now = self.client.best().await?.number;
        let look_for_rotations = now >= self.rotations_at.saturating_add(ROTATIONS_EVERY);
        if look_for_rotations {
            self.rotations_at = now;
        }
        let assets: BTreeSet<u64> = self.dealings.values().copied().collect();
        for asset in assets {
            let Some(custody) = self.client.custody().custody(asset).await? else {
                self.dealings.retain(|_, of| *of != asset);
                continue;
            };
            self.hand_on(&custody).await?;
            if look_for_rotations && matches!(custody.phase, CustodyPhase::Dealt { .. }) && !custody.closing {
                self.rotate(&custody).await?;
            }
        }
        Ok(())
    }

    /// Opens this custodian's share of a dealing that was not seen before.
    async fn look_at(&self, dealing: &Dealing) -> Result<(), Failure> {
        let Some(index) = index_in(dealing, &self.who.account()) else {
            return Ok(());
        };
        let Some(custody) = self.client.custody().custody(dealing.asset).await? else {
            return Ok(());
        };
        if custody.dealing.id == dealing.id && self.share(dealing, index, &custody.content).await?.is_some() {
            tracing::info!(asset = dealing.asset, dealing = dealing.id, "has a share");
        }
        Ok(())
    }

    /// Has the committee changed if one of its members is not there any more.
    async fn rotate(&self, custody: &Custody) -> Result<(), Failure> {
        for member in &custody.dealing.committee {
            let seen = self.client.custody().custodian(member.account).await?;
            if seen.is_none_or(|custodian| !custodian.drawable) {
                let done = self.client.custody().rotate(&self.who, custody.asset).await;
                return self.note(done, "another committee is drawn", custody.asset);
            }
        }
        Ok(())
    }

    /// Hands this custodian's share on to the next committee, and takes its share of it over.
    async fn hand_on(&mut self, custody: &Custody) -> Result<(), Failure> {
        let me = self.who.account();
        let now = self.client.best().await?.number;
        let (
            CustodyPhase::Resharing {
                deals_until,
                disputes_until,
            },
            Some(next),
        ) = (custody.phase, &custody.next)
        else {
            return Ok(());
        };
        self.check_reshared(custody, next).await?;
        let Some(index) = index_in(&custody.dealing, &me) else {
            return Ok(());
        };
        if now < deals_until && !self.reshared.contains(&next.id) && next.deals.iter().all(|deal| deal.dealer != index)
        {
            let Some(share) = self.share(&custody.dealing, index, &custody.content).await? else {
                return Ok(());
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
            self.note(done, "share handed on", custody.asset)?;
            self.reshared.insert(next.id);
        } else if now > disputes_until {
            let done = self.client.custody().finish_rotation(&self.who, custody.asset).await;
            self.note(done, "committee changed", custody.asset)?;
        }
        Ok(())
    }

    /// Opens what old custodians dealt to this one, so that a wrong share is shown while it can be.
    async fn check_reshared(&self, custody: &Custody, next: &Dealing) -> Result<(), Failure> {
        let Some(index) = index_in(next, &self.who.account()) else {
            return Ok(());
        };
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
            if let Err(SharesError::WrongDelivery { .. }) =
                shares::open_dealt_share(&self.keys, index, &delivered, &place)
            {
                self.accuse(next, &delivered, index, &place).await?;
            }
        }
        Ok(())
    }

    /// Another custodian may have been faster, or the block too late: the next look tells.
    fn note(&self, done: Result<(), ChainError>, what: &str, asset: u64) -> Result<(), Failure> {
        match done {
            Ok(()) => tracing::info!(asset, "{what}"),
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => tracing::debug!(asset, %error, "not done: {what}"),
        }
        Ok(())
    }
}
