//! `weft watch`: a watcher's whole work, unattended. Each result that can be challenged is computed again; one that is wrong is
//! challenged, the dispute seen through, and the reward comes by itself.
//!
//! What is looked at: the jobs that the account itself has posted, and of the models that it is told those jobs whose prompts may be read
//! by others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use weft_chain::{
    Client, Notice, Signer,
    disputes::{DisputeId, Ending},
    jobs::{Job, JobState},
    market::Asset,
};
use weft_engine::exact::Replayer;
use weft_primitives::{AssetId, JobId};

use tokio::task::{JoinError, JoinSet};
use weft_disputes::ShownSketch;

use crate::{
    amount::Weft,
    asked::AskedJob,
    asset,
    dispute::{self, model::ModelArgs, pursuit::Pursuit, result::Disputable, unasked},
    engine::{Compute, ComputeArgs},
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    output,
    shutdown::Shutdown,
};

/// Watch results, and challenge those that are wrong, until interrupted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A model whose open jobs are watched, by its number. May be given several times. Without it, only the account's own jobs are.
    #[arg(long)]
    asset: Vec<AssetId>,
    #[command(flatten)]
    model: ModelArgs,
    /// Look once at what can be challenged now, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print a JSON object a line for each result that was looked at.
    #[arg(long)]
    json: bool,
}

/// How many of an account's latest jobs are looked at: challenges have their time.
const LATEST: usize = 200;
/// Blocks before the present one whose results are looked at first.
const LOOK_BACK: u32 = 100;
/// How often a result is tried to be checked.
const TRIES: u32 = 5;

struct Watcher {
    client: Client,
    home: Home,
    who: Signer,
    compute: Compute,
    model: ModelArgs,
    assets: BTreeSet<AssetId>,
    models: BTreeMap<AssetId, Arc<Mutex<Replayer>>>,
    /// What was looked at.
    seen: BTreeSet<JobId>,
    /// How often that failed.
    failed: BTreeMap<JobId, u32>,
    /// Disputes that are seen through, each beside the others: one may take hours.
    pursued: JoinSet<(JobId, DisputeId, Result<Ending, Failure>)>,
    json: bool,
}

/// Which job, and which disputes about it.
type Found = (DisputeId, Option<ShownSketch>, u32);

impl Args {
    /// Runs until interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let mut shutdown = Shutdown::listen()?;
        let compute = self.compute.open()?;
        let (home, who) = self.identity.open()?;
        let client = tokio::select! {
            client = self.node.connect_patiently() => client?,
            () = shutdown.asked() => return Ok(()),
        };
        let mut watcher = Watcher {
            client: client.clone(),
            home,
            who,
            compute,
            model: self.model,
            assets: self.asset.into_iter().collect(),
            models: BTreeMap::new(),
            seen: BTreeSet::new(),
            failed: BTreeMap::new(),
            pursued: JoinSet::new(),
            json: self.json,
        };
        let mut notices = client.blocks();
        let best = client.best().await?.number;
        let mut next = best.saturating_sub(LOOK_BACK).max(1);
        tracing::info!(account = %watcher.who.account(), assets = ?watcher.assets, "watching");
        watcher.resume().await?;
        loop {
            match watcher.look(next).await {
                Ok(best) => next = best.saturating_add(1),
                Err(failure) if self.once => return Err(failure),
                // The next block is another chance.
                Err(failure) => tracing::warn!(%failure, "cannot look now"),
            }
            if self.once {
                while let Some(ended) = watcher.pursued.join_next().await {
                    watcher.tell_end(ended)?;
                }
                return Ok(());
            }
            tokio::select! {
                Some(ended) = watcher.pursued.join_next() => watcher.tell_end(ended)?,
                notice = notices.next() => match notice {
                    Some(Ok(Notice::Best(_) | Notice::Reconnected | Notice::Finalised(_))) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::Network("the node's blocks ended: start again".into())),
                },
                () = shutdown.asked() => return Ok(()),
            }
        }
    }
}

impl Watcher {
    /// Goes on with the disputes that this account has opened before.
    async fn resume(&mut self) -> Result<(), Failure> {
        for dispute in self.client.disputes().all().await? {
            if dispute.challenger != self.who.account() {
                continue;
            }
            let resumed = async {
                let disputable = Disputable::of(&self.client, dispute.job).await?;
                let keys = self.home.user_keys()?;
                let evidence = disputable.evidence(&self.client, self.who.account(), &keys).await;
                let shown = evidence.and_then(|evidence| evidence.of_dispute(&dispute));
                let replayer = self.replayer(&disputable.asset).await?;
                let asked = unasked::of(&self.client, &self.home, &disputable);
                self.pursue(dispute.job, (dispute.id, shown, dispute.opened_at), asked, replayer);
                Ok::<(), Failure>(())
            };
            match resumed.await {
                Ok(()) => tracing::info!(dispute = dispute.id, job = dispute.job, "going on"),
                Err(failure) => tracing::warn!(dispute = dispute.id, %failure, "cannot go on"),
            }
        }
        Ok(())
    }

    /// Looks at what has become open to challenges since a block. The block that it has come to.
    async fn look(&mut self, from: u32) -> Result<u32, Failure> {
        let best = self.client.best().await?.number;
        let mut found = self.own_jobs().await?;
        if !self.assets.is_empty() {
            for block in from..=best {
                found.extend(self.client.jobs().opened_in(block).await?);
            }
        }
        for job in found {
            if self.seen.contains(&job) {
                continue;
            }
            match self.check(job).await {
                Ok(true) => {
                    self.seen.insert(job);
                }
                Ok(false) => {}
                Err(failure) => {
                    let failed = self.failed.entry(job).or_default();
                    *failed = failed.saturating_add(1);
                    if *failed >= TRIES {
                        self.seen.insert(job);
                    }
                    tracing::warn!(job, %failure, tries = *failed, "not checked");
                }
            }
        }
        Ok(best)
    }

    /// Those of the account's jobs whose results can be challenged.
    async fn own_jobs(&self) -> Result<Vec<JobId>, Failure> {
        let (mut all, mut from): (Vec<Job>, _) = (Vec::new(), Some(0));
        while let Some(start) = from {
            let page = self.client.jobs().jobs_by_user(self.who.account(), start).await?;
            all.extend(page.items);
            from = page.next;
        }
        let latest = all.into_iter().rev().take(LATEST);
        let open = latest.filter(|job| match &job.state {
            JobState::Living(living) => living.proposed.is_some() && job.tier.challenges().is_some(),
            JobState::Ended(_) => false,
        });
        Ok(open.map(|job| job.id).collect())
    }

    /// Computes a result again and begins to dispute it if it is wrong. False if it is none of this watcher's.
    async fn check(&mut self, job: JobId) -> Result<bool, Failure> {
        let disputable = Disputable::of(&self.client, job).await?;
        let is_own = disputable.job.user == self.who.account();
        if !is_own && !self.assets.contains(&disputable.job.model) {
            return Ok(false);
        }
        let disputes = self.client.disputes().of_job(job).await?;
        if disputes.iter().any(|dispute| dispute.challenger == self.who.account()) {
            return Ok(true);
        }
        let keys = self.home.user_keys()?;
        let evidence = disputable.evidence(&self.client, self.who.account(), &keys).await;
        let tell = |text: &str| tracing::info!(job, "{text}");
        let asked = unasked::of(&self.client, &self.home, &disputable);
        let shown = unasked::show(&self.client, &self.who, job, asked.as_ref(), evidence.as_ref(), tell).await?;
        if let Some((dispute, ending)) = shown {
            return self
                .said(job, &ending.verdict, Some((dispute, ending.reward)))
                .map(|()| true);
        }
        let replayer = self.replayer(&disputable.asset).await?;
        let opened = dispute::doubt(&self.client, &self.who, &disputable, evidence, &replayer, tell).await?;
        let Some(opened) = opened else {
            return self.said(job, "right", None).map(|()| true);
        };
        self.pursue(job, (opened.dispute, opened.shown, opened.since), asked, replayer);
        Ok(true)
    }

    /// Sees a dispute through, beside everything else.
    fn pursue(
        &mut self,
        job: JobId,
        (dispute, shown, since): Found,
        asked: Option<AskedJob>,
        replayer: Arc<Mutex<Replayer>>,
    ) {
        let (client, who) = (self.client.clone(), self.who.clone());
        self.pursued.spawn(async move {
            let pursuit = Pursuit {
                client: &client,
                who: &who,
                replayer,
                dispute,
                shown,
                asked,
                since,
            };
            let ended = pursuit.to_end(|text| tracing::info!(job, dispute, "{text}")).await;
            (job, dispute, ended)
        });
    }

    /// Says how a dispute ended. One that was broken off is gone on with after a restart, or by `weft dispute respond`.
    fn tell_end(&self, ended: Result<(JobId, DisputeId, Result<Ending, Failure>), JoinError>) -> Result<(), Failure> {
        match ended {
            Ok((job, dispute, Ok(ending))) => self.said(job, &ending.verdict, Some((dispute, ending.reward))),
            Ok((job, dispute, Err(failure))) => {
                tracing::warn!(job, dispute, %failure, "broken off: go on with `weft dispute respond`");
                Ok(())
            }
            Err(panic) => Err(Failure::local("a dispute was broken off", panic)),
        }
    }

    async fn replayer(&mut self, asset: &Asset) -> Result<Arc<Mutex<Replayer>>, Failure> {
        if let Some(known) = self.models.get(&asset.id) {
            return Ok(known.clone());
        }
        let loaded = self
            .model
            .load(&self.client, &self.home, self.who.account(), asset, &self.compute)
            .await?;
        let loaded = Arc::new(Mutex::new(loaded));
        tracing::info!(asset = asset.id, name = asset::name(asset), "model ready");
        self.models.insert(asset.id, loaded.clone());
        Ok(loaded)
    }

    fn said(&self, job: JobId, verdict: &str, dispute: Option<(u64, u128)>) -> Result<(), Failure> {
        if self.json {
            return output::json(&serde_json::json!({
                "job": job,
                "verdict": verdict,
                "dispute": dispute.map(|(dispute, _)| dispute),
                "reward": dispute.map(|(_, reward)| reward.to_string()),
            }));
        }
        match dispute {
            None => output::line(format_args!("job {job}: {verdict}")),
            Some((dispute, reward)) => output::line(format_args!(
                "job {job}: {verdict} (dispute {dispute}, {} for this account)",
                Weft(reward)
            )),
        }
    }
}
