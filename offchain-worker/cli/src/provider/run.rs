//! The provider's event loop: read the chain, ask [`super::plan`] what to do, do it.
//!
//! Nothing is remembered of notices and events but that something happened: every decision is taken anew from the
//! chain's state and what is on disk, so a lost connection, a missed event or a crash changes nothing but the time.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};
use weft_chain::{
    AccountId, BlockNotices, ChainError, Notice,
    jobs::{Committed, Job, JobState},
    providers::Provider,
};
use weft_primitives::{AssetId, JobId};

use super::{
    defence::Defence,
    journal::{Entry, Journal},
    kept::KeptAnswers,
    not_ready::NotReady,
    plan::{self, Action, ChainView, Local, Work},
    work::{Model, Unable, Worker},
};
use crate::{
    amount::{Weft, parse_bytes},
    blocks::{Blocks, Wants},
    engine::ComputeArgs,
    failure::Failure,
    home::Home,
    job::reason,
    node::{HomeArgs, NodeArgs},
    shutdown::Shutdown,
};

/// A model that could not be made ready is tried again after so many blocks.
const PREPARE_AGAIN_BLOCKS: u32 = 10;
/// A worker that is shutting down ends after this, whatever is under way.
const GRACE: Duration = Duration::from_secs(120);
/// A worker that is shutting down and cannot reach the chain ends after this.
const GRACE_ALONE: Duration = Duration::from_secs(20);

/// Longest look at the chain; the loop has other things to hear.
const READ_LIMIT: Duration = Duration::from_secs(15);

/// Run: fetch the offered models, and do jobs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to serve blocks on and take inputs at.
    #[arg(long, env = "WEFT_LISTEN", default_value = "127.0.0.1:7201", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// URL under which others reach that address, as announced on the chain; without it, http:// and the address.
    #[arg(long, env = "WEFT_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Most bytes of models to keep on the disk, such as 20GiB: those not in use go first, the least recently used before
    /// others.
    #[arg(long, env = "WEFT_CACHE_BYTES", value_name = "BYTES", value_parser = parse_bytes, default_value = "100GiB")]
    cache_bytes: u64,
    /// Lie about exact answers, for tests.
    #[cfg(feature = "testing")]
    #[arg(long, value_enum)]
    misbehave: Option<super::misbehave::Mode>,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    home: HomeArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// What came of something that was started.
enum Event {
    Prepared(AssetId, Result<Model, Failure>),
    Computed(JobId, Result<Entry, Unable>),
    Committed(JobId, Result<Committed, ChainError>),
    Declined(JobId, Result<(), ChainError>),
    Switched(bool, Result<(), ChainError>),
}

struct Loop {
    worker: Arc<Worker>,
    home: Home,
    not_ready: NotReady,
    wants: Wants,
    endpoint: String,
    local: Local,
    models: BTreeMap<AssetId, Model>,
    entries: BTreeMap<JobId, Entry>,
    /// Flags by which a computation whose deadline passed is called off.
    called_off: BTreeMap<JobId, Arc<AtomicBool>>,
    view: Option<(Instant, ChainView)>,
    events: mpsc::UnboundedSender<Event>,
    said_idle: Option<String>,
    defence: Defence,
}

impl Args {
    /// Runs until interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let mut shutdown = Shutdown::listen()?;
        let home = self.home.open()?;
        let device = home.device_account()?;
        let compute = self.compute.open()?;
        let blocks = Blocks::open(&home)?;
        let cache = blocks.cache(self.cache_bytes, &home.hot_models_file()).await?;
        let wants = Wants::nothing();
        let served = blocks.serve(self.listen, wants.clone()).await?;
        let endpoint = self.endpoint.unwrap_or_else(|| format!("http://{}", served.address()));
        let client = tokio::select! {
            client = self.node.connect_patiently() => client?,
            () = shutdown.asked() => return Ok(()),
        };
        let Some(provider) = client.providers().provider(device.account()).await? else {
            return Err(Failure::NotFound(format!(
                "this device ({}) is registered for nobody: run `weft provider register` with the same --home",
                device.account()
            )));
        };
        let genesis = client.genesis_hash();
        let journal = Journal::open(home.jobs_dir())?;
        let kept = KeptAnswers::open(home.kept_dir())?;
        let not_ready = NotReady::at(home.not_ready_dir());
        noted(not_ready.forget_all());
        let entries: BTreeMap<_, _> = journal
            .entries(&genesis)?
            .into_iter()
            .map(|entry| (entry.job, entry))
            .collect();
        tracing::info!(
            owner = %provider.owner,
            device = %device.account(),
            %endpoint,
            compute = compute.name(),
            kept_answers = entries.len(),
            "provider started"
        );
        let (events, mut arrived) = mpsc::unbounded_channel();
        let notices = client.blocks();
        let mut state = Loop {
            local: Local {
                device: device.account(),
                models: BTreeMap::new(),
                work: entries.keys().map(|job| (*job, Work::Answered)).collect(),
                stopping: false,
                held: false,
                has_served: false,
                switching: false,
            },
            worker: Arc::new(Worker {
                keys: home.device_keys()?,
                home: home.clone(),
                client,
                blocks,
                cache,
                device,
                compute,
                journal,
                kept,
                #[cfg(feature = "testing")]
                misbehaviour: self.misbehave.map(super::misbehave::Misbehaviour::new),
            }),
            home,
            not_ready,
            wants,
            endpoint,
            models: BTreeMap::new(),
            entries,
            called_off: BTreeMap::new(),
            view: None,
            events,
            said_idle: None,
            defence: Defence::default(),
        };
        state.announce(&provider).await?;
        let ended = state.follow(notices, &mut arrived, &mut shutdown).await;
        served.stop().await;
        ended
    }
}

impl Loop {
    /// Tells the chain where this device is, if it thinks otherwise.
    async fn announce(&self, provider: &Provider) -> Result<(), Failure> {
        if provider.endpoint != self.endpoint.as_bytes() {
            let worker = &self.worker;
            worker
                .client
                .providers()
                .update(&worker.device, self.endpoint.clone(), provider.capacity)
                .await?;
            tracing::info!(endpoint = %self.endpoint, "announced");
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        mut notices: BlockNotices,
        arrived: &mut mpsc::UnboundedReceiver<Event>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Failure> {
        let mut asked: Option<Instant> = None;
        self.look().await;
        loop {
            self.act();
            if self.may_end(asked) {
                tracing::info!("provider stopped");
                return Ok(());
            }
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(Ok(Notice::Best(_) | Notice::Reconnected)) => self.look().await,
                    Some(Ok(Notice::Finalised(_))) => {},
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::Network("the node's blocks ended: start again".into())),
                },
                Some(event) = arrived.recv() => self.note(event),
                () = shutdown.asked() => {
                    if asked.is_some() {
                        tracing::warn!("asked a second time: stopping at once");
                        return Ok(());
                    }
                    tracing::info!("stopping: taking no new jobs, finishing what was begun (ask again to stop at once)");
                    asked = Some(Instant::now());
                    self.local.stopping = true;
                },
                // So that the limits below are looked at even if the chain is silent.
                () = tokio::time::sleep(Duration::from_secs(1)), if asked.is_some() => {},
            }
        }
    }

    fn may_end(&self, asked: Option<Instant>) -> bool {
        let Some(asked) = asked else { return false };
        match &self.view {
            Some((_, view)) if plan::may_end(view, &self.local) => true,
            Some((at, _)) if at.elapsed() < GRACE_ALONE => asked.elapsed() > GRACE,
            _ => asked.elapsed() > GRACE_ALONE,
        }
    }

    /// Reads the chain. If it cannot be read, the old view stays, and the next block is another chance.
    async fn look(&mut self) {
        let read = match timeout(READ_LIMIT, self.read()).await {
            Ok(read) => read,
            Err(_) => {
                tracing::warn!(seconds = READ_LIMIT.as_secs(), "the chain does not answer");
                return;
            }
        };
        match read {
            Ok(Some(view)) => {
                plan::observe(&view, &mut self.local);
                self.local.held = self.home.hold_file().exists();
                self.wants.set(view.jobs.iter().filter_map(|job| match &job.state {
                    JobState::Living(living) if living.device == self.local.device => Some(living.input),
                    _ => None,
                }));
                let (owner, now) = (view.provider.owner, view.now);
                self.view = Some((Instant::now(), view));
                match timeout(READ_LIMIT, self.defence.look(&self.worker, owner, now)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(failure)) => tracing::warn!(%failure, "challenges cannot be looked at now"),
                    Err(_) => tracing::warn!("challenges cannot be looked at now: the chain does not answer"),
                }
            }
            Ok(None) => {
                self.idle("this device is no longer registered; see `weft provider status`");
                self.view = None;
            }
            Err(error) => tracing::warn!(%error, "the chain cannot be read now"),
        }
    }

    async fn read(&self) -> Result<Option<ChainView>, ChainError> {
        let client = &self.worker.client;
        let now = client.best().await?.number;
        let Some(provider) = client.providers().provider(self.local.device).await? else {
            return Ok(None);
        };
        let mut offers = BTreeMap::new();
        for model in &provider.offers {
            if let Some((_, keyed)) = client.providers().own_offer(provider.owner, *model).await? {
                offers.insert(*model, keyed);
            }
        }
        let mut jobs = Vec::new();
        let mut from = Some(0);
        while let Some(start) = from {
            let page = client.jobs().active_jobs(provider.owner, start).await?;
            jobs.extend(page.items);
            from = page.next;
        }
        Ok(Some(ChainView {
            now,
            provider,
            offers,
            jobs,
        }))
    }

    /// Starts what is due.
    fn act(&mut self) {
        let Some((_, view)) = &self.view else { return };
        let view = view.clone();
        for action in plan::plan(&view, &self.local) {
            self.start(action, &view);
        }
        self.explain(&view);
    }

    fn start(&mut self, action: Action, view: &ChainView) {
        let (worker, events) = (self.worker.clone(), self.events.clone());
        // The receiver lives as long as the loop; after it nobody needs to know.
        let tell = move |event| drop(events.send(event));
        match action {
            Action::Prepare(model) => {
                self.local.models.insert(model, plan::Model::Preparing);
                tracing::info!(model, "preparing");
                tokio::spawn(async move { tell(Event::Prepared(model, worker.prepare(model).await)) });
            }
            Action::Unload(model) => {
                self.local.models.remove(&model);
                self.models.remove(&model);
                noted(self.not_ready.forget(model));
                tracing::info!(model, "unloaded: no longer offered");
            }
            Action::Resume | Action::Pause => {
                self.local.switching = true;
                let open = action == Action::Resume;
                tokio::spawn(async move {
                    let providers = worker.client.providers();
                    let done = if open {
                        providers.resume(&worker.device).await
                    } else {
                        providers.pause(&worker.device).await
                    };
                    tell(Event::Switched(open, done));
                });
            }
            Action::Compute(job) => self.compute(job, view, tell),
            Action::Commit(job) => {
                let Some(entry) = self.entries.get(&job) else {
                    // The plan says Answered only of jobs that have an entry; compute again rather than hang.
                    self.local.work.remove(&job);
                    return;
                };
                let commitment = entry.commitment();
                self.local.work.insert(job, Work::Sending);
                tokio::spawn(async move {
                    tell(Event::Committed(
                        job,
                        worker.client.jobs().commit(&worker.device, job, &commitment).await,
                    ));
                });
            }
            Action::Decline(job, why) => {
                self.local.work.insert(job, Work::Sending);
                tracing::warn!(job, ?why, "giving back");
                tokio::spawn(async move {
                    tell(Event::Declined(
                        job,
                        worker.client.jobs().decline(&worker.device, job, why).await,
                    ));
                });
            }
            Action::Lapse(job) => {
                self.local.work.insert(job, Work::Lapsed);
                self.call_off(job);
                tracing::warn!(
                    job,
                    "the deadline passed before the answer was committed; it counts as missed"
                );
            }
            Action::Forget(job) => {
                self.local.work.remove(&job);
                self.call_off(job);
                if self.entries.remove(&job).is_some()
                    && let Err(error) = self.worker.journal.drop_entry(&self.worker.client.genesis_hash(), job)
                {
                    tracing::warn!(job, %error, "a kept answer stays behind");
                }
                let owner = view.provider.owner;
                tokio::spawn(async move { tell_end(&worker, job, owner).await });
            }
        }
    }

    fn compute(&mut self, job: JobId, view: &ChainView, tell: impl FnOnce(Event) + Send + 'static) {
        let found = view.jobs.iter().find(|found| found.id == job);
        let (
            Some(Job {
                model,
                arithmetic,
                tier,
                state: JobState::Living(living),
                ..
            }),
            worker,
        ) = (found, self.worker.clone())
        else {
            return;
        };
        let Some(loaded) = self.models.get(model).cloned() else {
            return;
        };
        let (model, how, living) = (*model, (*arithmetic, *tier), living.clone());
        let flag = Arc::new(AtomicBool::new(false));
        self.called_off.insert(job, flag.clone());
        self.local.work.insert(job, Work::Computing);
        tracing::info!(job, model, until = living.phase.until(), "computing");
        tokio::spawn(async move {
            tell(Event::Computed(
                job,
                worker.answer(job, living, how, model, loaded, flag).await,
            ))
        });
    }

    fn call_off(&mut self, job: JobId) {
        if let Some(flag) = self.called_off.remove(&job) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Takes in what came of something.
    fn note(&mut self, event: Event) {
        match event {
            Event::Prepared(model, Ok(loaded)) => {
                self.models.insert(model, loaded);
                self.local.models.insert(model, plan::Model::Ready);
                noted(self.not_ready.forget(model));
            }
            Event::Prepared(model, Err(failure)) => {
                let now = self.view.as_ref().map_or(0, |(_, view)| view.now);
                let retry_at = now.saturating_add(PREPARE_AGAIN_BLOCKS);
                tracing::warn!(model, %failure, retry_at, "the model is not ready, so no jobs are taken");
                noted(self.not_ready.keep(model, &failure.to_string()));
                self.local.models.insert(model, plan::Model::Failed { retry_at });
            }
            Event::Computed(job, result) => self.computed(job, result),
            Event::Committed(job, Ok(when)) => {
                tracing::info!(job, repeated = when == Committed::Before, "committed");
            }
            Event::Committed(job, Err(error))
                if error.is_transient() || matches!(error, ChainError::CannotPayFee { .. }) =>
            {
                tracing::warn!(job, %error, "not committed yet, trying again");
                self.local.work.insert(job, Work::Answered);
            }
            Event::Committed(job, Err(error)) => {
                tracing::warn!(job, %error, "not committed");
                self.local.work.insert(job, Work::Lapsed);
            }
            Event::Declined(job, Ok(())) => tracing::info!(job, "given back"),
            Event::Declined(job, Err(error)) => {
                tracing::warn!(job, %error, "not given back");
                self.local.work.insert(job, Work::Lapsed);
            }
            Event::Switched(open, done) => {
                plan::switched(&mut self.local, open, done.is_ok());
                match done {
                    Ok(()) => tracing::info!(
                        "{}",
                        if open {
                            "available: jobs are welcome"
                        } else {
                            "paused: no new jobs"
                        }
                    ),
                    Err(error)
                        if error.is("Providers", "AlreadyPaused") || error.is("Providers", "AlreadyAvailable") => {}
                    Err(error) => tracing::warn!(%error, "availability not changed"),
                }
                // The view is older than the change; do not act on it again before the next block.
                if let Some((_, view)) = &mut self.view {
                    use weft_primitives::view::ProviderStatus::{Available, Paused};
                    view.provider.status = if open { Available } else { Paused };
                }
            }
        }
    }

    fn computed(&mut self, job: JobId, result: Result<Entry, Unable>) {
        self.called_off.remove(&job);
        match result {
            Ok(entry) => {
                self.entries.insert(job, entry);
                // Unless the job ended or lapsed meanwhile.
                if self.local.work.get(&job) == Some(&Work::Computing) {
                    self.local.work.insert(job, Work::Answered);
                }
            }
            Err(Unable { why, because }) => {
                tracing::warn!(job, ?why, because, "cannot be done here");
                if self.local.work.get(&job) == Some(&Work::Computing) {
                    self.local.work.insert(job, Work::Failed(why));
                }
            }
        }
    }

    /// Says once why no jobs come, when that changes.
    fn explain(&mut self, view: &ChainView) {
        use weft_primitives::view::ProviderStatus as Status;
        let waiting: Vec<_> = view
            .offers
            .iter()
            .filter(|(_, keyed)| !**keyed)
            .map(|(model, _)| model.to_string())
            .collect();
        let text = match view.provider.status {
            _ if view.offers.is_empty() => "no model is offered: run `weft provider offer`".to_owned(),
            _ if waiting.len() == view.offers.len() => {
                format!("waiting for the creator's key of model {}", waiting.join(", "))
            }
            Status::Understaked => "the stake is below the minimum: run `weft provider bond`".to_owned(),
            Status::Paused if self.local.held => "paused by hand: run `weft provider resume`".to_owned(),
            Status::Paused if self.local.has_served && !self.local.stopping => {
                "paused by the owner: run `weft provider resume`".to_owned()
            }
            Status::PausedAfterMiss if self.local.has_served => {
                "paused by the chain after a missed deadline: check the device, then run `weft provider resume`"
                    .to_owned()
            }
            _ => {
                self.said_idle = None;
                return;
            }
        };
        self.idle(&text);
    }

    fn idle(&mut self, text: &str) {
        if self.said_idle.as_deref() != Some(text) {
            tracing::warn!("no jobs: {text}");
            self.said_idle = Some(text.to_owned());
        }
    }
}

/// What is kept for `weft provider status` is not worth stopping for.
fn noted(kept: std::io::Result<()>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "`weft provider status` will not know which models are ready");
    }
}

/// Logs how a job ended and what it earned.
async fn tell_end(worker: &Worker, job: JobId, owner: AccountId) {
    match worker.client.jobs().job(job).await {
        Ok(Some(Job {
            state: JobState::Ended(ended),
            ..
        })) => {
            let earned = if ended.provider == Some(owner) {
                ended.split.provider
            } else {
                0
            };
            tracing::info!(job, reason = reason(ended.reason), earned = %Weft(earned), "job ended");
        }
        Ok(Some(Job {
            state: JobState::Living(living),
            ..
        })) if living.proposed.is_some() && living.provider == owner => {
            tracing::info!(
                job,
                until = living.phase.until(),
                "the answer may be challenged; then it is paid"
            );
        }
        Ok(Some(_)) => tracing::info!(job, "job is with another provider now"),
        Ok(None) => tracing::info!(job, "job is no longer on the chain"),
        Err(error) => tracing::debug!(job, %error, "how it ended is not known"),
    }
}
