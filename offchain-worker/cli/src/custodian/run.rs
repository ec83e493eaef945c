//! `weft custodian run`: release what is asked for, take over and hand on shares when committees change, and show the chain
//! what was dealt wrongly.
//!
//! All shares are on chain, sealed to this custodian's keys; nothing is kept here but those. Every decision is taken anew
//! from the chain's state. Requests have the shortest deadline and come first at every block; what else there is to do is in
//! `keeping`, a bounded part of it between two looks at requests.

use weft_chain::{Client, Notice, Signer, custody::Dealing};
use weft_primitives::ContentId;
use weft_vault::{
    CustodianKeys, WrappedKey,
    shares::{self, Delivered, Share, SharesError},
};

use super::{duties::Duties, renewal::Pool, ring::Ring, waiting::Waiting};
use crate::{
    custody::{commitments, place},
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    shutdown::Shutdown,
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// A custodian at work.
pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) who: Signer,
    pub(super) ring: Ring,
    /// The requests that wait.
    pub(super) waiting: Waiting,
    /// The keys of which this custodian has shares.
    pub(super) duties: Duties,
    /// What of the chain is the same for all of them.
    pub(super) pool: Pool,
    /// From where on dealings are listed.
    pub(super) dealings_from: u64,
    /// Where the list of dealings is read on, while it is not at its end.
    pub(super) listing: Option<u64>,
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
            ring: Ring::open(&home)?,
            waiting: Waiting::default(),
            duties: Duties::default(),
            pool: Pool::default(),
            dealings_from: 0,
            listing: None,
        };
        loop {
            let more = tokio::select! {
                done = keeper.look() => match done {
                    Ok(more) => more,
                    Err(Failure::Chain(error)) if error.is_transient() => {
                        tracing::warn!(%error, "the chain cannot be read now");
                        false
                    },
                    Err(failure) => return Err(failure),
                },
                () = shutdown.asked() => break,
            };
            if more {
                continue;
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

/// What befalls one key is told and passed over, so that nobody can keep a custodian from the others with one of theirs. That
/// the chain cannot be reached ends the look.
pub(super) fn contained<T: Default>(done: Result<T, Failure>, asset: u64) -> Result<T, Failure> {
    match done {
        Err(Failure::Chain(error)) if error.is_transient() => Err(error.into()),
        Err(failure) => {
            tracing::error!(asset, %failure, "a duty could not be done");
            Ok(T::default())
        }
        done => done,
    }
}

impl Keeper {
    /// Does a bounded part of what there is to do. Whether there is more, which need not wait for the next block.
    async fn look(&mut self) -> Result<bool, Failure> {
        let more_requests = self.answer_requests().await?;
        let more_duties = self.keep_duties().await?;
        Ok(more_requests || more_duties)
    }

    /// This custodian's share of a dealing in force. A seller's wrong deal is shown to the chain.
    pub(super) async fn share(
        &mut self,
        dealing: &Dealing,
        index: u8,
        content: &ContentId,
    ) -> Result<Option<Share>, Failure> {
        if dealing.deals.is_empty() {
            return Ok(None);
        }
        let keys = self.ring.of(dealing, index)?;
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
            [seller] if seller.dealer == 0 => shares::open_dealt_share(&keys, index, seller, &place),
            deals => shares::open_reshared(
                &keys,
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
                    self.accuse(dealing, delivered, index, &place, &keys).await?;
                }
                Ok(None)
            }
            Err(error) => {
                tracing::error!(dealing = dealing.id, %error, "this custodian's share cannot be had");
                Ok(None)
            }
        }
    }

    pub(super) async fn accuse(
        &self,
        dealing: &Dealing,
        delivered: &Delivered<'_>,
        index: u8,
        place: &shares::Place,
        keys: &CustodianKeys,
    ) -> Result<(), Failure> {
        let proved = shares::prove_forged_deal(keys, index, delivered, place)
            .map_err(|error| Failure::Local(error.to_string()))?;
        let evidence = match proved {
            Ok(evidence) => evidence,
            Err(error) => {
                tracing::error!(dealing = dealing.id, %error, "a share does not open with this custodian's key, and that cannot be shown");
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_chain::ChainError;

    #[test]
    fn only_that_the_chain_cannot_be_reached_ends_a_look() {
        let away = ChainError::Unreachable {
            url: "ws://127.0.0.1:1".into(),
            reason: "refused".into(),
        };
        assert!(contained::<bool>(Err(away.into()), 7).is_err());
        let refused = ChainError::Rejected {
            pallet: "Custody".into(),
            error: "OtherShare".into(),
            advice: String::new(),
        };
        assert!(!contained::<bool>(Err(refused.into()), 7).unwrap());
        assert!(!contained::<bool>(Err(Failure::Local("a share is damaged".into())), 7).unwrap());
        assert!(contained(Ok(true), 7).unwrap());
    }
}
