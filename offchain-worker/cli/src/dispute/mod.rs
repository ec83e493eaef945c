//! `weft dispute`: doubts about exact answers, and the chain as their judge.

pub mod evidence;
pub mod model;
pub mod pursuit;
pub mod result;
pub mod unasked;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use weft_chain::{
    AccountId, Client,
    disputes::{Dispute, DisputeId, Ending},
};
use weft_disputes::{Side, Stage, view::DisputeStanding};
use weft_primitives::JobId;

use self::{model::ModelArgs, pursuit::Pursuit, result::Disputable};
use crate::{
    amount::Weft,
    engine::ComputeArgs,
    failure::Failure,
    node::{IdentityArgs, NodeArgs},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the disputes that go on.
    Ls {
        /// Only those about this job.
        #[arg(long)]
        job: Option<JobId>,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a dispute, or how it ended.
    Show {
        /// Its number.
        dispute: DisputeId,
        /// From which block on to look for it; the last 1000 without it.
        #[arg(long)]
        since: Option<u32>,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compute a job's answer again; if it is wrong, challenge it and see the dispute through.
    Challenge {
        /// The job.
        #[arg(long)]
        job: JobId,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        compute: ComputeArgs,
        #[command(flatten)]
        identity: IdentityArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Go on with a dispute as its challenger.
    Respond {
        /// Its number.
        dispute: DisputeId,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        compute: ComputeArgs,
        #[command(flatten)]
        identity: IdentityArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give up, which saves half of the bond.
    Concede(Act),
    /// Ask governance to let a dispute go on in which you were silent.
    Appeal(Act),
    /// Have a dispute ended that is overdue or moot. The chain does so by itself.
    Expire(Act),
}

/// What acts on a dispute need.
#[derive(Debug, clap::Args)]
pub struct Act {
    /// The dispute's number.
    dispute: DisputeId,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Blocks that are looked through for the end of a dispute.
const LOOK_BACK: u32 = 1_000;

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ls { job, node, json } => {
                let client = node.connect().await?;
                let all = match job {
                    Some(job) => client.disputes().of_job(job).await?,
                    None => client.disputes().all().await?,
                };
                if json {
                    return output::json(&all.iter().map(as_json).collect::<Vec<_>>());
                }
                let rows = all.iter().map(row).collect();
                output::table(
                    &["DISPUTE", "JOB", "PROVIDER", "CHALLENGER", "STATE", "UNTIL"],
                    rows,
                    "no disputes",
                )
            }
            Self::Show {
                dispute,
                since,
                node,
                json,
            } => show(&node.connect().await?, dispute, since, json).await,
            Self::Challenge {
                job,
                model,
                compute,
                identity,
                node,
                json,
            } => {
                let compute = compute.open()?;
                let (home, who) = identity.open()?;
                let client = node.connect_persistently().await?;
                let disputable = Disputable::of(&client, job).await?;
                let evidence = disputable.evidence(&client, who.account(), &home.user_keys()?).await;
                let tell = |text: &str| eprintln!("job {job}: {text}");
                let asked = unasked::of(&client, &home, &disputable);
                if let Some((dispute, ending)) =
                    unasked::show(&client, &who, job, asked.as_ref(), evidence.as_ref(), tell).await?
                {
                    return said(dispute, &ending, json);
                }
                let replayer = model
                    .load(&client, &home, who.account(), &disputable.asset, &compute)
                    .await?;
                let replayer = Arc::new(Mutex::new(replayer));
                let found = doubt(&client, &who, &disputable, evidence, &replayer, tell).await?;
                let Some(opened) = found else {
                    if json {
                        return output::json(&json!({ "job": job, "right": true }));
                    }
                    return output::line(format_args!("the answer of job {job} is right: nothing to challenge"));
                };
                let pursuit = Pursuit {
                    client: &client,
                    who: &who,
                    replayer,
                    dispute: opened.dispute,
                    shown: opened.shown,
                    asked,
                    since: opened.since,
                };
                told(pursuit, json).await
            }
            Self::Respond {
                dispute,
                model,
                compute,
                identity,
                node,
                json,
            } => {
                let compute = compute.open()?;
                let (home, who) = identity.open()?;
                let client = node.connect_persistently().await?;
                let found = client.disputes().dispute(dispute).await?;
                let found = found.ok_or_else(|| gone(dispute))?;
                if found.challenger != who.account() {
                    return Err(Failure::Refused(format!(
                        "dispute {dispute} is {}'s: go on with that account (a provider's worker answers by itself)",
                        found.challenger
                    )));
                }
                let disputable = Disputable::of(&client, found.job).await?;
                let evidence = disputable.evidence(&client, who.account(), &home.user_keys()?).await;
                let shown = evidence.and_then(|evidence| evidence.of_dispute(&found));
                let replayer = model
                    .load(&client, &home, who.account(), &disputable.asset, &compute)
                    .await?;
                let pursuit = Pursuit {
                    client: &client,
                    who: &who,
                    replayer: Arc::new(Mutex::new(replayer)),
                    dispute,
                    shown,
                    asked: unasked::of(&client, &home, &disputable),
                    since: found.opened_at,
                };
                told(pursuit, json).await
            }
            Self::Concede(act) => {
                let (_, who) = act.identity.open()?;
                act.node.connect().await?.disputes().concede(&who, act.dispute).await?;
                act.done("given up; what was saved of the bond is back")
            }
            Self::Appeal(act) => {
                let (_, who) = act.identity.open()?;
                act.node.connect().await?.disputes().appeal(&who, act.dispute).await?;
                act.done("appealed; governance decides")
            }
            Self::Expire(act) => {
                let (_, who) = act.identity.open()?;
                act.node.connect().await?.disputes().expire(&who, act.dispute).await?;
                act.done("noted that it is overdue")
            }
        }
    }
}

impl Act {
    fn done(&self, what: &str) -> Result<(), Failure> {
        if self.json {
            return output::json(&json!({ "dispute": self.dispute }));
        }
        output::line(format_args!("dispute {}: {what}", self.dispute))
    }
}

/// A dispute that was just opened.
pub struct Opened {
    /// Its number.
    pub dispute: DisputeId,
    /// What its provider showed off the chain.
    pub shown: Option<weft_disputes::ShownSketch>,
    /// The block before it, or an earlier one.
    pub since: u32,
}

/// Computes an answer again, and challenges it if it is wrong. What was not shown is demanded. `None` if it is right.
pub async fn doubt(
    client: &Client,
    who: &weft_chain::Signer,
    disputable: &Disputable,
    evidence: Option<evidence::Evidence>,
    replayer: &Arc<Mutex<weft_engine::exact::Replayer>>,
    mut tell: impl FnMut(&str),
) -> Result<Option<Opened>, Failure> {
    let since = client.best().await?.number;
    let job = disputable.job.id;
    let Some(evidence) = evidence else {
        tell("the provider has not shown what its trace is made of: demanding it on chain");
        let dispute = client.disputes().demand(who, job, 0).await?;
        return Ok(Some(Opened {
            dispute,
            shown: None,
            since,
        }));
    };
    tell("computing the answer again");
    let (replayer, all) = (replayer.clone(), evidence.0.clone());
    let doubts = tokio::task::spawn_blocking(move || {
        let mut replayer = replayer.lock().unwrap_or_else(PoisonError::into_inner);
        for shown in all {
            if let Some(position) = replayer.doubt(&shown)? {
                return Ok(Some((shown, position)));
            }
        }
        Ok::<_, weft_engine::exact::ExactError>(None)
    });
    let doubts = doubts
        .await
        .map_err(|panic| Failure::Local(format!("computing failed: {panic}")))?
        .map_err(|error| Failure::Local(error.to_string()))?;
    let Some((shown, position)) = doubts else {
        return Ok(None);
    };
    tell(&format!(
        "the answer is wrong from position {position} on: challenging it"
    ));
    let dispute = client.disputes().challenge(who, job, &shown.claimed, position).await?;
    Ok(Some(Opened {
        dispute,
        shown: Some(shown),
        since,
    }))
}

/// Sees a dispute through and says how it ended.
async fn told(pursuit: Pursuit<'_>, json: bool) -> Result<(), Failure> {
    let dispute = pursuit.dispute;
    eprintln!("dispute {dispute}: open");
    let ending = pursuit.to_end(|text| eprintln!("dispute {dispute}: {text}")).await?;
    said(dispute, &ending, json)
}

fn said(dispute: DisputeId, ending: &Ending, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&ending_json(dispute, ending));
    }
    output::pairs(ending_lines(dispute, ending))
}

async fn show(client: &Client, dispute: DisputeId, since: Option<u32>, json: bool) -> Result<(), Failure> {
    if let Some(found) = client.disputes().dispute(dispute).await? {
        if json {
            return output::json(&as_json(&found));
        }
        return output::pairs([
            ("dispute", found.id.to_string()),
            ("job", found.job.to_string()),
            ("provider", found.provider.to_string()),
            ("challenger", found.challenger.to_string()),
            ("state", state(&found)),
            ("until", format!("block {}", found.until)),
            ("opened", format!("in block {}", found.opened_at)),
            ("moves", found.moves.to_string()),
            ("bond", Weft(found.bond).to_string()),
            ("seized", Weft(found.seized).to_string()),
        ]);
    }
    let best = client.best().await?.number;
    let since = since.unwrap_or_else(|| best.saturating_sub(LOOK_BACK).max(1));
    let ending = client.disputes().transcript(dispute, since).await?.ending;
    let ending = ending.ok_or_else(|| gone(dispute))?;
    if json {
        return output::json(&ending_json(dispute, &ending));
    }
    output::pairs(ending_lines(dispute, &ending))
}

fn gone(dispute: DisputeId) -> Failure {
    Failure::NotFound(format!(
        "dispute {dispute} does not go on: see how it ended with `weft dispute show {dispute} --since BLOCK`"
    ))
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Provider => "provider",
        Side::Challenger => "challenger",
    }
}

/// What is awaited, in words.
pub fn state(dispute: &Dispute) -> String {
    let what = match dispute.stage {
        None => "to show what its trace is made of",
        Some(Stage::Position) => "to name a step",
        Some(Stage::Step { .. }) => "to reveal a step",
        Some(Stage::Operator { .. }) => "to name an operator",
        Some(Stage::Tiles { .. }) => "to reveal an operator's tiles",
        Some(Stage::Tile { .. }) => "to name a tile",
        Some(Stage::Judge { .. }) => "to open a tile",
        Some(Stage::Leaves { .. }) => "to reveal a section's leaves",
        Some(Stage::Leaf { .. }) => "to name a leaf",
        Some(Stage::Made { .. }) => "to show what a leaf is made of",
    };
    match dispute.standing {
        DisputeStanding::Open => format!("waits for the {} {what}", side(dispute.turn)),
        DisputeStanding::Lapsed(silent) => format!("the {} was silent, and may appeal", side(silent)),
        DisputeStanding::Appealed(silent) => format!("the {} has appealed", side(silent)),
    }
}

fn row(dispute: &Dispute) -> Vec<String> {
    vec![
        dispute.id.to_string(),
        dispute.job.to_string(),
        short(&dispute.provider),
        short(&dispute.challenger),
        state(dispute),
        dispute.until.to_string(),
    ]
}

fn short(account: &AccountId) -> String {
    let text = account.to_string();
    text.chars().take(8).collect()
}

fn as_json(dispute: &Dispute) -> serde_json::Value {
    json!({
        "dispute": dispute.id,
        "job": dispute.job,
        "provider": dispute.provider,
        "device": dispute.device,
        "challenger": dispute.challenger,
        "state": state(dispute),
        "turn": side(dispute.turn),
        "until": dispute.until,
        "opened_at": dispute.opened_at,
        "moves": dispute.moves,
        "bond": dispute.bond.to_string(),
        "seized": dispute.seized.to_string(),
    })
}

fn ending_json(dispute: DisputeId, ending: &Ending) -> serde_json::Value {
    json!({
        "dispute": dispute,
        "winner": ending.winner.map(side),
        "verdict": ending.verdict,
        "lost": ending.lost.to_string(),
        "reward": ending.reward.to_string(),
        "block": ending.block,
    })
}

fn ending_lines(dispute: DisputeId, ending: &Ending) -> [(&'static str, String); 6] {
    let winner = ending
        .winner
        .map_or("nobody: the job was refuted in another dispute", side);
    [
        ("dispute", dispute.to_string()),
        ("ended", format!("in block {}", ending.block)),
        ("verdict", ending.verdict.clone()),
        ("winner", winner.to_owned()),
        ("loser lost", Weft(ending.lost).to_string()),
        ("reward", Weft(ending.reward).to_string()),
    ]
}
