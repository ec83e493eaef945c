//! Answering challenges: what was committed to is computed again from what was kept, and the move that is asked for is made.
//!
//! As with everything of a provider, it is decided anew from the chain's state at each block: a restart in the middle of a dispute
//! changes nothing but the time.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use weft_chain::{
    AccountId,
    disputes::{Dispute, DisputeId, game, is_turn},
    jobs::JobState,
};
use weft_disputes::{Move, ShownSketch, Side};
use weft_engine::exact::Replayer;
use weft_primitives::{AssetId, JobId};

use super::{kept::KeptAnswer, work::Worker};
use crate::{dispute::pursuit::is_overtaken, failure::Failure};

/// Between two looks at which answers need not be kept any more, in blocks.
const LOOK_AGAIN: u32 = 20;

/// What a provider's loop keeps of it.
#[derive(Default)]
pub struct Defence {
    /// Disputes whose move is on its way.
    busy: Arc<Mutex<BTreeSet<DisputeId>>>,
    /// The model of the last move: the next one is mostly of the same.
    model: Arc<Mutex<Option<(AssetId, Arc<Mutex<Replayer>>)>>>,
    looked_at: u32,
}

impl Defence {
    /// Looks at the disputes about this device's answers and starts what is due.
    pub async fn look(&mut self, worker: &Arc<Worker>, owner: AccountId, now: u32) -> Result<(), Failure> {
        let genesis = worker.client.genesis_hash();
        let kept = worker.kept.jobs(&genesis)?;
        if kept.is_empty() {
            return Ok(());
        }
        let device = worker.device.account();
        for dispute in worker.client.disputes().all().await? {
            let is_ours = dispute.provider == owner || dispute.device == device;
            if is_ours && is_turn(&dispute, Side::Provider) && kept.contains(&dispute.job) && self.begin(dispute.id) {
                self.answer(worker.clone(), dispute);
            }
        }
        if now >= self.looked_at.saturating_add(LOOK_AGAIN) {
            self.looked_at = now;
            for job in kept {
                if is_settled(worker, job).await? {
                    worker.kept.drop_answer(&genesis, job)?;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing was under way for a dispute.
    fn begin(&self, dispute: DisputeId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(dispute)
    }

    fn answer(&self, worker: Arc<Worker>, dispute: Dispute) {
        let (busy, model) = (self.busy.clone(), self.model.clone());
        tokio::spawn(async move {
            let (id, job) = (dispute.id, dispute.job);
            match respond(&worker, &model, &dispute).await {
                Ok(what) => tracing::info!(dispute = id, job, "answered a challenge: {what}"),
                Err(failure) => {
                    tracing::warn!(dispute = id, job, until = dispute.until, %failure, "challenge not answered yet")
                }
            }
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }
}

/// Whether an answer can no longer be challenged, for good.
async fn is_settled(worker: &Worker, job: JobId) -> Result<bool, Failure> {
    Ok(match worker.client.jobs().job_finalised(job).await? {
        Some(job) => matches!(job.state, JobState::Ended(_)),
        // Its receipt is gone, or it is not final yet that it was posted.
        None => worker.client.jobs().job(job).await?.is_none(),
    })
}

/// Makes the move that is asked for.
async fn respond(
    worker: &Arc<Worker>,
    model: &Mutex<Option<(AssetId, Arc<Mutex<Replayer>>)>>,
    dispute: &Dispute,
) -> Result<&'static str, Failure> {
    #[cfg(feature = "testing")]
    if worker
        .misbehaviour
        .as_ref()
        .is_some_and(|misbehaviour| !misbehaviour.answers())
    {
        return Ok("by silence, as it was told");
    }
    let genesis = worker.client.genesis_hash();
    let kept = worker.kept.of(&genesis, dispute.job)?;
    let kept = kept.ok_or_else(|| Failure::NotFound("the answer is no longer kept".into()))?;
    let disputes = worker.client.disputes();
    let sent = match dispute.text {
        Some(text) => {
            let shown = of_text(&kept, text)?;
            disputes.show_sketch(&worker.device, dispute.id, shown).await
        }
        None => {
            let Some(made) = defend(worker, model, dispute, &kept).await? else {
                return Ok("nothing is to be done");
            };
            disputes.play(&worker.device, dispute.id, &made).await
        }
    };
    match sent {
        Ok(()) => Ok("moved"),
        Err(error) if is_overtaken(&error) => Ok("the dispute had gone on already"),
        Err(error) => Err(error.into()),
    }
}

/// What is shown to who asks for a text: if there is no such text, the last one.
fn of_text(kept: &KeptAnswer, text: u32) -> Result<&ShownSketch, Failure> {
    let place = usize::try_from(text).unwrap_or(usize::MAX);
    let shown = kept.shown.get(place).or(kept.shown.last());
    shown.ok_or_else(|| Failure::Local("the kept answer has no texts".into()))
}

#[cfg(not(feature = "testing"))]
async fn replayer(worker: &Worker, model: AssetId) -> Result<Replayer, Failure> {
    worker.replayer(model).await
}

#[cfg(feature = "testing")]
async fn replayer(worker: &Worker, model: AssetId) -> Result<Replayer, Failure> {
    match &worker.misbehaviour {
        Some(misbehaviour) => misbehaviour.replayer(worker, model).await,
        None => worker.replayer(model).await,
    }
}

async fn defend(
    worker: &Arc<Worker>,
    model: &Mutex<Option<(AssetId, Arc<Mutex<Replayer>>)>>,
    dispute: &Dispute,
    kept: &KeptAnswer,
) -> Result<Option<Move>, Failure> {
    let game =
        game(dispute).ok_or_else(|| Failure::Local("the dispute's claim cannot be read: upgrade weft".into()))?;
    let root = game.claim.trace.root();
    let shown = kept.shown.iter().find(|shown| shown.claimed.claim.trace.root() == root);
    let shown = shown.ok_or_else(|| Failure::Local("the dispute is about another answer than was kept".into()))?;
    let known = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let replayer = match known {
        Some((asset, replayer)) if asset == kept.model => replayer,
        _ => {
            let loaded = Arc::new(Mutex::new(replayer(worker, kept.model).await?));
            *model.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept.model, loaded.clone()));
            loaded
        }
    };
    let shown = shown.clone();
    let moved = tokio::task::spawn_blocking(move || {
        let mut replayer = replayer.lock().unwrap_or_else(PoisonError::into_inner);
        replayer.provider(&shown)?.defend(&game)
    });
    moved
        .await
        .map_err(|panic| Failure::Local(format!("computing failed: {panic}")))?
        .map_err(|error| Failure::Local(error.to_string()))
}
