//! A dispute seen through by its challenger: read what the provider has shown, move when it is one's turn, until it is over.
//!
//! Nothing is remembered but the dispute's number: what was shown is read from the chain each time, so that a restart of this
//! program or of the node, or a reorganisation, changes nothing but the time.

use std::sync::{Arc, Mutex, PoisonError};

use weft_chain::{
    ChainError, Client, Signer,
    disputes::{Dispute, DisputeId, Ending, Transcript, game, is_turn},
};
use weft_disputes::{Move, PromptFault, ShownSketch, Side};
use weft_engine::exact::Replayer;

use crate::{asked::AskedJob, failure::Failure};

/// See the module.
pub struct Pursuit<'a> {
    pub client: &'a Client,
    pub who: &'a Signer,
    pub replayer: Arc<Mutex<Replayer>>,
    pub dispute: DisputeId,
    /// What the provider showed off the chain. Without it, it was demanded.
    pub shown: Option<ShownSketch>,
    /// What was asked, if it is known: what is shown on demand may be the answer to something else.
    pub asked: Option<AskedJob>,
    /// The block in which the dispute was opened, or an earlier one.
    pub since: u32,
}

impl Pursuit<'_> {
    /// Plays to the end; `tell` is called with each thing that happens.
    pub async fn to_end(&self, mut tell: impl FnMut(&str)) -> Result<Ending, Failure> {
        let mut notices = self.client.blocks();
        let mut waits_for_provider = None;
        loop {
            match self.client.disputes().dispute(self.dispute).await? {
                None => {
                    let transcript = self.client.disputes().transcript(self.dispute, self.since).await?;
                    if let Some(ending) = transcript.ending {
                        return Ok(ending);
                    }
                    // It may have been opened in a branch that was left.
                }
                Some(dispute) if is_turn(&dispute, Side::Challenger) => self.act(&dispute, &mut tell).await?,
                Some(dispute) => {
                    // A tile that is named anybody may show to be wrong: nobody has to wait for its provider.
                    if game(&dispute).is_some_and(|game| matches!(game.stage, weft_disputes::Stage::Judge { .. })) {
                        self.act(&dispute, &mut tell).await?;
                    } else if waits_for_provider != Some(dispute.moves) {
                        waits_for_provider = Some(dispute.moves);
                        tell(&format!("the provider has until block {}", dispute.until));
                    }
                }
            }
            match notices.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => {
                    return Err(Failure::Network(
                        "the node's blocks ended: go on with `weft dispute respond`".into(),
                    ));
                }
            }
        }
    }

    /// Makes the move that is due.
    async fn act(&self, dispute: &Dispute, tell: &mut impl FnMut(&str)) -> Result<(), Failure> {
        let transcript = self.client.disputes().transcript(self.dispute, self.since).await?;
        if let Some(fault) = transcript
            .shown
            .as_ref()
            .zip(self.asked.as_ref())
            .and_then(|(shown, asked)| asked.fault(shown))
        {
            tell("what was shown is not to what was asked: showing the chain");
            return self.refute(dispute, &fault).await;
        }
        let Some(made) = self.next(dispute, &transcript).await? else {
            // Nothing is wrong with it after all: what is left of the bond is saved.
            tell("nothing is wrong with what was shown: giving up");
            self.client.disputes().concede(self.who, self.dispute).await?;
            return Ok(());
        };
        tell(words(&made));
        match self.client.disputes().play(self.who, self.dispute, &made).await {
            Ok(()) => Ok(()),
            // Somebody was faster, or the chain had moved on.
            Err(error) if is_overtaken(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows a fault of the answer. That refutes the job, so that this dispute is about nothing any more, and its bond comes back.
    async fn refute(&self, dispute: &Dispute, fault: &PromptFault) -> Result<(), Failure> {
        let done = match self.client.disputes().fault(self.who, dispute.job, fault).await {
            Ok(_) => self.client.disputes().expire(self.who, self.dispute).await,
            // It was refuted before, by this account or by another one.
            Err(error) if error.is("Disputes", "NothingToChallenge") => {
                self.client.disputes().expire(self.who, self.dispute).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) if is_overtaken(&error) || error.is("Disputes", "NotYetDue") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn next(&self, dispute: &Dispute, transcript: &Transcript) -> Result<Option<Move>, Failure> {
        let shown = self.shown.clone().or_else(|| transcript.shown.clone());
        let (Some(shown), Some(game)) = (shown, game(dispute)) else {
            return Ok(None);
        };
        let (replayer, seen) = (self.replayer.clone(), transcript.revealed.clone());
        let moved = tokio::task::spawn_blocking(move || {
            let mut replayer = replayer.lock().unwrap_or_else(PoisonError::into_inner);
            let player = replayer.challenger(&shown)?;
            player.attack(&game, &shown.sketch, &seen)
        });
        moved
            .await
            .map_err(|panic| Failure::Local(format!("computing failed: {panic}")))?
            .map_err(|error| Failure::Local(error.to_string()))
    }
}

fn words(made: &Move) -> &'static str {
    match made {
        Move::NamePosition(_) => "naming the position that is wrong",
        Move::NameOperator(_) => "naming the operator that is wrong",
        Move::NameSection(_) => "naming a section that is not made of its cells",
        Move::NameTile { .. } => "naming the tile that is wrong",
        Move::NameLeaf { .. } => "naming the leaf that is wrong",
        Move::Refute(_) => "showing the chain that the tile is wrong",
        Move::RevealStep(_) => "revealing the step",
        Move::RevealTiles { .. } => "revealing the tiles",
        Move::RevealLeaves(_) => "revealing the leaves",
        Move::Open(_) => "opening the tile",
        Move::ShowLeaf(_) => "showing the leaf",
    }
}

/// Whether the chain refused because the dispute went on, or ended, meanwhile.
pub fn is_overtaken(error: &ChainError) -> bool {
    ["NotFound", "NotNow", "NotYourTurn", "Moot", "TooLate"]
        .iter()
        .any(|name| error.is("Disputes", name))
}
