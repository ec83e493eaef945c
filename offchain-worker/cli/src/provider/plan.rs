//! What a provider's worker is to do next, decided from the chain's state and its own. No chain, no clock, no files: the
//! shell in [`super::run`] reads, asks here, and does what it is told.

use std::collections::BTreeMap;

use weft_chain::{
    AccountId,
    jobs::{Job, JobState, LivingJob},
    providers::Provider,
};
use weft_primitives::{
    AssetId, JobId,
    job::{Decline, Phase},
    view::ProviderStatus,
};

/// The chain at one block, as far as it concerns this provider.
#[derive(Clone, Debug)]
pub struct ChainView {
    /// Height of the block.
    pub now: u32,
    /// The provider whose device this is.
    pub provider: Provider,
    /// The offered models, and whether their creators have wrapped the key for this device.
    pub offers: BTreeMap<AssetId, bool>,
    /// The provider's jobs that live.
    pub jobs: Vec<Job>,
}

/// The worker's own state.
#[derive(Clone, Debug)]
pub struct Local {
    /// The account of this device.
    pub device: AccountId,
    /// Models by how far they are.
    pub models: BTreeMap<AssetId, Model>,
    /// Jobs by how far they are; a job that is not here has not been begun.
    pub work: BTreeMap<JobId, Work>,
    /// Whether the worker is shutting down.
    pub stopping: bool,
    /// Whether the provider was paused by hand.
    pub held: bool,
    /// Whether the provider was seen available with all models ready since this process started or last paused it
    /// itself. If so, it does not resume by itself: the pause was somebody's will, or the chain's answer to a missed
    /// deadline.
    pub has_served: bool,
    /// Whether a pause or resume is on its way.
    pub switching: bool,
}

/// How far a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// It is being fetched, opened and loaded.
    Preparing,
    /// It answers.
    Ready,
    /// It could not be prepared; not to be tried again before this block.
    Failed {
        /// First block for the next try.
        retry_at: u32,
    },
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The engine is at it.
    Computing,
    /// The answer is sealed and on disk, and to be committed.
    Answered,
    /// A commit or decline is on its way.
    Sending,
    /// It cannot be done here.
    Failed(Decline),
    /// Its deadline passed here; nothing more can be done.
    Lapsed,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Fetch, open and load a model.
    Prepare(AssetId),
    /// Drop a model that is neither offered nor needed any more.
    Unload(AssetId),
    /// Tell the chain that jobs are welcome.
    Resume,
    /// Tell the chain that no new jobs are.
    Pause,
    /// Compute a job whose input is released.
    Compute(JobId),
    /// Commit an answer.
    Commit(JobId),
    /// Give a job back.
    Decline(JobId, Decline),
    /// Note that a job's deadline passed.
    Lapse(JobId),
    /// Drop a job that is no longer this device's.
    Forget(JobId),
}

/// The living facts of a job that is assigned to this device.
fn living<'a>(job: &'a Job, device: &AccountId) -> Option<&'a LivingJob> {
    match &job.state {
        JobState::Living(living) if living.device == *device => Some(living),
        _ => None,
    }
}

/// The actions that are due, each at most once. Doing them and asking again with the same view asks for nothing twice,
/// once the shell has noted in `local` that they are under way.
pub fn plan(view: &ChainView, local: &Local) -> Vec<Action> {
    let mut actions = Vec::new();
    let mine: BTreeMap<JobId, (&Job, &LivingJob)> = view
        .jobs
        .iter()
        .filter_map(|job| Some((job.id, (job, living(job, &local.device)?))))
        .collect();

    let wanted = wanted_models(view, local, &mine);
    for model in &wanted {
        match local.models.get(model) {
            None => actions.push(Action::Prepare(*model)),
            Some(Model::Failed { retry_at }) if view.now >= *retry_at => actions.push(Action::Prepare(*model)),
            Some(_) => {}
        }
    }
    let idle = |model: &&AssetId| !wanted.contains(model) && local.models.get(model) != Some(&Model::Preparing);
    if !local.stopping {
        actions.extend(local.models.keys().filter(idle).map(|model| Action::Unload(*model)));
    }
    actions.extend(switch(view, local));

    let busy = local.work.values().filter(|work| **work == Work::Computing).count();
    let mut slots = usize::from(view.provider.capacity).saturating_sub(busy);
    // The job whose deadline is nearest first.
    let mut by_deadline: Vec<_> = mine.values().collect();
    by_deadline.sort_by_key(|(job, living)| (living.phase.until(), job.id));
    for (job, living) in by_deadline {
        actions.extend(next_step(view.now, job, living, local, &mut slots));
    }
    actions.extend(
        local
            .work
            .keys()
            .filter(|job| !mine.contains_key(job))
            .map(|job| Action::Forget(*job)),
    );
    actions
}

/// The models to have ready: those offered with a key, and those of jobs already here. None when shutting down.
fn wanted_models(view: &ChainView, local: &Local, mine: &BTreeMap<JobId, (&Job, &LivingJob)>) -> Vec<AssetId> {
    if local.stopping {
        return Vec::new();
    }
    let keyed = view.offers.iter().filter(|(_, keyed)| **keyed).map(|(model, _)| *model);
    let mut models: Vec<_> = keyed.chain(mine.values().map(|(job, _)| job.model)).collect();
    models.sort_unstable();
    models.dedup();
    models
}

/// Whether jobs are welcome: every model that could be asked for answers.
fn is_ready(view: &ChainView, local: &Local) -> bool {
    let mut keyed = view.offers.iter().filter(|(_, keyed)| **keyed).peekable();
    keyed.peek().is_some() && keyed.all(|(model, _)| local.models.get(model) == Some(&Model::Ready))
}

fn switch(view: &ChainView, local: &Local) -> Option<Action> {
    if local.switching || view.provider.device != local.device {
        return None;
    }
    let welcome = !local.stopping && !local.held && is_ready(view, local);
    match view.provider.status {
        ProviderStatus::Available | ProviderStatus::Full | ProviderStatus::Understaked => {
            (!welcome).then_some(Action::Pause)
        }
        ProviderStatus::Paused | ProviderStatus::PausedAfterMiss => {
            (welcome && !local.has_served).then_some(Action::Resume)
        }
    }
}

fn next_step(now: u32, job: &Job, living: &LivingJob, local: &Local, slots: &mut usize) -> Option<Action> {
    let begun = local.work.get(&job.id);
    // An extrinsic lands in the next block at the earliest.
    let in_time = now < living.phase.until();
    let Phase::Running { .. } = living.phase else {
        let leaves = local.stopping && in_time && begun.is_none();
        return leaves.then_some(Action::Decline(job.id, Decline::DeviceFault));
    };
    match begun {
        Some(Work::Sending | Work::Lapsed) => None,
        _ if !in_time => Some(Action::Lapse(job.id)),
        Some(Work::Computing) => None,
        Some(Work::Failed(why)) => Some(Action::Decline(job.id, *why)),
        Some(Work::Answered) => Some(Action::Commit(job.id)),
        // Whoever shuts down gives what was not begun to the next provider at once.
        None if local.stopping => Some(Action::Decline(job.id, Decline::DeviceFault)),
        None => match local.models.get(&job.model) {
            Some(Model::Ready) if *slots > 0 => {
                *slots = slots.saturating_sub(1);
                Some(Action::Compute(job.id))
            }
            Some(Model::Failed { .. }) => Some(Action::Decline(job.id, Decline::ModelUnavailable)),
            _ => None,
        },
    }
}

/// Whether a worker that is shutting down may end: it is paused, and nothing is under way.
pub fn may_end(view: &ChainView, local: &Local) -> bool {
    let paused = matches!(
        view.provider.status,
        ProviderStatus::Paused | ProviderStatus::PausedAfterMiss
    );
    let under_way = |job: &Job| living(job, &local.device).is_some() && local.work.get(&job.id) != Some(&Work::Lapsed);
    local.stopping
        && !local.switching
        && (paused || view.provider.device != local.device)
        && !view.jobs.iter().any(under_way)
}

/// Notes what the view shows of what was done before.
pub fn observe(view: &ChainView, local: &mut Local) {
    let available = !matches!(
        view.provider.status,
        ProviderStatus::Paused | ProviderStatus::PausedAfterMiss
    );
    if available && is_ready(view, local) {
        local.has_served = true;
    }
}

/// Notes that a pause or resume of this worker's own has been sent, with or without success.
pub fn switched(local: &mut Local, open: bool, done: bool) {
    local.switching = false;
    if done && !open {
        local.has_served = false;
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
