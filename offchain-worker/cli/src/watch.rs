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
    jobs::{Job, JobState},
    market::Asset,
};
use weft_engine::exact::Replayer;
use weft_primitives::{AssetId, JobId};

use crate::{
    amount::Weft,
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
    json: bool,
}

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
            json: self.json,
        };
        let mut notices = client.blocks();
        let best = client.best().await?.number;
        let mut next = best.saturating_sub(LOOK_BACK).max(1);
        tracing::info!(account = %watcher.who.account(), assets = ?watcher.assets, "watching");
        loop {
            let best = client.best().await?.number;
            watcher.look(next, best).await?;
            next = best.saturating_add(1);
            if self.once {
                return Ok(());
            }
            tokio::select! {
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
    /// Looks at what has become open to challenges.
    async fn look(&mut self, from: u32, best: u32) -> Result<(), Failure> {
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
                    self.seen.insert(job);
                    tracing::warn!(job, %failure, "not checked");
                }
            }
        }
        Ok(())
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

    /// Computes a result again and sees a dispute about it through. False if it is none of this watcher's.
    async fn check(&mut self, job: JobId) -> Result<bool, Failure> {
        let disputable = Disputable::of(&self.client, job).await?;
        let is_own = disputable.job.user == self.who.account();
        if !is_own && !self.assets.contains(&disputable.job.model) {
            return Ok(false);
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
        let pursuit = Pursuit {
            client: &self.client,
            who: &self.who,
            replayer,
            dispute: opened.dispute,
            shown: opened.shown,
            asked,
            since: opened.since,
        };
        let ending = pursuit
            .to_end(|text| tracing::info!(job, dispute = opened.dispute, "{text}"))
            .await?;
        self.said(job, &ending.verdict, Some((opened.dispute, ending.reward)))
            .map(|()| true)
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
