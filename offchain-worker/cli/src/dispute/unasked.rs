//! Answers that are not to what was asked: no model is needed to see it, and the chain judges at once.

use weft_chain::{
    Client, Signer,
    disputes::{DisputeId, Ending},
};
use weft_primitives::JobId;

use super::{evidence::Evidence, result::Disputable};
use crate::{
    asked::{AskedJob, AskedJobs},
    failure::Failure,
    home::Home,
};

/// What this home has asked in a job, if it is kept and is what the job commits to.
pub fn of(client: &Client, home: &Home, disputable: &Disputable) -> Option<AskedJob> {
    let committed = disputable.job.tier.challenges()?.prompt?;
    let kept = AskedJobs::open(home.asked_dir()).and_then(|kept| kept.of(&client.genesis_hash(), disputable.job.id));
    let kept = kept
        .inspect_err(|failure| tracing::warn!(job = disputable.job.id, %failure, "the prompt is not compared"))
        .ok()??;
    (kept.commitment() == Some(committed)).then_some(kept)
}

/// Compares an answer with what was asked, and shows the chain that it is not to it, if so.
pub async fn show(
    client: &Client,
    who: &Signer,
    job: JobId,
    asked: Option<&AskedJob>,
    evidence: Option<&Evidence>,
    mut tell: impl FnMut(&str),
) -> Result<Option<(DisputeId, Ending)>, Failure> {
    let (Some(asked), Some(evidence)) = (asked, evidence) else {
        return Ok(None);
    };
    let Some(fault) = evidence.0.iter().find_map(|shown| asked.fault(shown)) else {
        return Ok(None);
    };
    tell("the answer is not to what was asked: showing the chain");
    let since = client.best().await?.number;
    // It is judged in the same block.
    let dispute = client.disputes().fault(who, job, &fault).await?;
    let ending = client.disputes().transcript(dispute, since).await?.ending;
    let ending = ending.ok_or_else(|| {
        Failure::Network(format!(
            "the block with dispute {dispute} was left: see the job with `weft job show {job}`, and challenge it again if it lives"
        ))
    })?;
    Ok(Some((dispute, ending)))
}
