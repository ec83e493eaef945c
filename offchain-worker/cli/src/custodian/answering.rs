//! Answering requests for keys: the shares are wrapped for those who ask, and handed in together.

use std::collections::{BTreeMap, btree_map::Entry};

use weft_chain::{
    ChainError,
    custody::{Answer, KeyRequest},
};
use weft_primitives::custody_view::DealingId;
use weft_vault::shares::{self, Share};

use super::run::{Keeper, contained};
use crate::{
    custody::{commitments, place, recipient_of},
    failure::Failure,
};

/// Whether this custodian has its share of a dealing.
#[derive(Default)]
enum Had {
    Opened(Share),
    /// Waiting may change it.
    #[default]
    NotNow,
    Never,
}

impl Keeper {
    /// Answers the requests that wait, as many as go into one transaction. Whether there are others.
    pub(super) async fn answer_requests(&mut self) -> Result<bool, Failure> {
        let me = self.who.account();
        let now = self.client.best().await?.number;
        let mut batch = self.waiting.look(me, now);
        let mut from = Some(0);
        while let Some(start) = from {
            let page = self.client.custody().requests_for(me, start).await?;
            from = self.waiting.choose(page, &mut batch);
        }
        let answers = self.prepare(&batch.chosen).await?;
        self.hand_in(&answers).await?;
        Ok(batch.is_full)
    }

    /// Wraps shares for those who ask. The share of one dealing is opened once, whoever asks for it.
    async fn prepare(&mut self, chosen: &[(KeyRequest, u8)]) -> Result<Vec<Answer>, Failure> {
        let mut shares = BTreeMap::<DealingId, Had>::new();
        let mut answers = Vec::new();
        for (request, index) in chosen {
            let had = match shares.entry(request.dealing) {
                Entry::Occupied(had) => had.into_mut(),
                Entry::Vacant(place) => place.insert(contained(self.have(request, *index).await, request.asset)?),
            };
            match had {
                Had::Opened(share) => match self.wrap(request, share) {
                    Ok(answer) => answers.push(answer),
                    Err(error) => {
                        tracing::error!(request = request.id, %error, "not released");
                        self.waiting.never_again(request.id);
                    }
                },
                Had::NotNow => {}
                Had::Never => self.waiting.never_again(request.id),
            }
        }
        Ok(answers)
    }

    async fn have(&mut self, request: &KeyRequest, index: u8) -> Result<Had, Failure> {
        let Some(dealing) = self.client.custody().dealing(request.dealing).await? else {
            return Ok(Had::NotNow);
        };
        let share = self.share(&dealing, index, &request.content).await?;
        Ok(share.map_or(Had::Never, Had::Opened))
    }

    fn wrap(&self, request: &KeyRequest, share: &Share) -> Result<Answer, shares::SharesError> {
        let place = place(&self.client, request.asset, &request.content, request.dealing);
        let wrapped = shares::release_share(
            share,
            &commitments(&request.commitments),
            &recipient_of(request),
            &place,
        )?;
        Ok(Answer {
            request: request.id,
            wrapped: wrapped.0,
        })
    }

    async fn hand_in(&self, answers: &[Answer]) -> Result<(), Failure> {
        let mut answers = answers;
        let mut done = self.client.custody().release_all(&self.who, answers).await;
        // A single answer is free in the end, and pays for others.
        if matches!(done, Err(ChainError::CannotPayFee { .. }))
            && answers.len() > 1
            && let Some(first) = answers.get(..1)
        {
            answers = first;
            done = self.client.custody().release_all(&self.who, answers).await;
        }
        match done {
            Ok(taken) => {
                for (answer, taken) in answers.iter().zip(taken) {
                    match taken {
                        Ok(()) => tracing::info!(request = answer.request, "released"),
                        Err(error) => tracing::warn!(request = answer.request, %error, "not released"),
                    }
                }
            }
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => tracing::warn!(requests = answers.len(), %error, "not released"),
        }
        Ok(())
    }
}
