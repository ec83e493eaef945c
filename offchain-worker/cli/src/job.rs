//! `weft job`: jobs and their receipts.

use weft_chain::{
    AccountId, Client,
    jobs::{EndedJob, Job, JobState, LivingJob},
};
use weft_primitives::{
    JobId,
    job::{Arithmetic, Phase, Reason},
};

use crate::{
    amount::Weft,
    answer,
    failure::Failure,
    node::{HomeArgs, IdentityArgs, NodeArgs, account},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a job, or its receipt.
    Show {
        /// Its number.
        job: JobId,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the jobs an account posted.
    Ls {
        /// The account; without it the one of --home or --account.
        #[arg(long, value_parser = account)]
        user: Option<AccountId>,
        /// Position of the first one, from the `next` of an earlier page.
        #[arg(long, default_value_t = 0)]
        from: u64,
        #[command(flatten)]
        identity: IdentityArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch, check and print the answer of a job that was posted from --home, whether it is paid yet or not.
    Answer {
        /// Its number.
        job: JobId,
        #[command(flatten)]
        home: HomeArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a job back whose input has not been released.
    Cancel {
        /// Its number.
        job: JobId,
        #[command(flatten)]
        identity: IdentityArgs,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Show { job, node, json } => {
                let client = node.connect().await?;
                let job = existing(&client, job).await?;
                let finalised = is_final(&client, &job).await?;
                if json {
                    return output::json(&as_json(&job, finalised)?);
                }
                output::pairs(lines(&job, finalised))
            }
            Self::Ls {
                user,
                from,
                identity,
                node,
                json,
            } => {
                let user = match user {
                    Some(user) => user,
                    None => identity.open()?.1.account(),
                };
                let page = node.connect().await?.jobs().jobs_by_user(user, from).await?;
                if json {
                    return output::json(&page);
                }
                let rows = page.items.iter().map(row).collect();
                output::table(
                    &["JOB", "MODEL", "ARITHMETIC", "POSTED", "ATTEMPTS", "STATE", "PAID"],
                    rows,
                    "no jobs",
                )?;
                match page.next {
                    Some(next) => output::line(format_args!("more: --from {next}")),
                    None => Ok(()),
                }
            }
            Self::Answer { job, home, node, json } => {
                let home = home.open()?;
                let client = node.connect().await?;
                let job = existing(&client, job).await?;
                let answer = answer::fetch(&client, &home.user_keys()?, &job).await?;
                if json {
                    output::json(&answer)
                } else {
                    answer::print(&answer)
                }
            }
            Self::Cancel {
                job,
                identity,
                node,
                json,
            } => {
                let (_, user) = identity.open()?;
                node.connect().await?.jobs().cancel(&user, job).await?;
                if json {
                    return output::json(&serde_json::json!({ "job": job }));
                }
                output::line(format_args!("cancelled job {job}; the escrow is back"))
            }
        }
    }
}

/// The job with this number.
async fn existing(client: &Client, job: JobId) -> Result<Job, Failure> {
    let found = client.jobs().job(job).await?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no job {job}, or its receipt is no longer kept")))
}

/// Whether a job's end is final: it is in the last finalised block's state too.
pub async fn is_final(client: &Client, job: &Job) -> Result<bool, Failure> {
    let settled = client.jobs().job_finalised(job.id).await?;
    Ok(settled.is_some_and(|settled| settled.state == job.state))
}

/// A job as JSON, with whether it is final.
pub fn as_json(job: &Job, finalised: bool) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(job).map_err(|error| Failure::local("cannot write JSON", error))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("finalised".to_owned(), finalised.into());
    }
    Ok(value)
}

/// What commits to each step of an exact job's answer; `None` of other jobs, and of those without answer.
pub fn trace_root(job: &Job) -> Option<[u8; 32]> {
    match &job.state {
        JobState::Ended(ended) => ended.trace_root,
        JobState::Living(living) => living.proposed.as_ref().and_then(|proposed| proposed.trace_root),
    }
}

fn arithmetic(arithmetic: Arithmetic) -> &'static str {
    match arithmetic {
        Arithmetic::Float => "float",
        Arithmetic::Exact => "exact",
    }
}

/// How a job ended, in words.
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Completed => "completed",
        Reason::Cancelled => "cancelled by the user; refunded",
        Reason::InputWithheld => "the input was never released; refunded",
        Reason::DeadlineMissed => "the last provider missed the deadline; refunded",
        Reason::Declined => "the last provider gave it back; refunded",
        Reason::NoEligibleProvider => "nobody was left to take it; refunded",
        Reason::Refuted => "the answer was challenged and is wrong; refunded",
    }
}

/// A job as labelled lines.
pub fn lines(job: &Job, finalised: bool) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("job", job.id.to_string()),
        ("user", job.user.to_string()),
        ("model", job.model.to_string()),
        ("arithmetic", arithmetic(job.arithmetic).to_owned()),
        ("posted", format!("in block {}", job.posted_at)),
        ("attempts", job.attempts.to_string()),
    ];
    match &job.state {
        JobState::Living(living) => lines.extend(living_lines(living)),
        JobState::Ended(ended) => {
            lines.extend(ended_lines(ended));
            lines.push(("final", if finalised { "yes" } else { "not yet" }.to_owned()));
        }
    }
    lines
}

fn living_lines(living: &LivingJob) -> Vec<(&'static str, String)> {
    let state = match living.phase {
        Phase::AwaitingInput { until } => format!("awaits its input until block {until}"),
        Phase::Running { until } => format!("runs until block {until}"),
        Phase::Committed { until } => match disputes(living) {
            0 => format!("answered; may be challenged until block {until}, and is paid then"),
            disputes => format!("answered; {disputes} disputes go on, see `weft dispute ls`"),
        },
    };
    let mut lines = vec![
        ("state", state),
        ("provider", living.provider.to_string()),
        ("ask", format!("{} a token", Weft(living.ask_per_token))),
        ("escrow", Weft(living.max_price).to_string()),
        ("input", living.input.to_string()),
    ];
    if let Some(proposed) = &living.proposed {
        lines.push(("output", proposed.output.to_string()));
        lines.extend(proposed.trace_root.map(|root| ("trace root", hex::encode(root))));
        lines.push(("tokens", proposed.used_tokens.to_string()));
    }
    lines
}

fn disputes(living: &LivingJob) -> u32 {
    living.proposed.as_ref().map_or(0, |proposed| proposed.disputes)
}

fn ended_lines(ended: &EndedJob) -> Vec<(&'static str, String)> {
    let mut lines = vec![(
        "ended",
        format!("in block {}: {}", ended.ended_at, reason(ended.reason)),
    )];
    if let Some(provider) = ended.provider {
        lines.push(("provider", provider.to_string()));
    }
    if let Some(output) = ended.output {
        lines.push(("output", output.to_string()));
    }
    if let Some(root) = ended.trace_root {
        lines.push(("trace root", hex::encode(root)));
    }
    lines.push(("tokens", ended.used_tokens.to_string()));
    if ended.reason.is_paid() {
        lines.push(("to provider", Weft(ended.split.provider).to_string()));
        lines.push(("to creator", Weft(ended.split.royalty).to_string()));
        lines.push(("to treasury", Weft(ended.split.treasury).to_string()));
    }
    lines.push(("refunded", Weft(ended.split.refund).to_string()));
    lines
}

fn row(job: &Job) -> Vec<String> {
    let (state, paid) = match &job.state {
        JobState::Living(living) => match living.phase {
            Phase::AwaitingInput { .. } => ("awaits input".to_owned(), "-".to_owned()),
            Phase::Running { .. } => ("runs".to_owned(), "-".to_owned()),
            Phase::Committed { .. } if disputes(living) > 0 => ("disputed".to_owned(), "-".to_owned()),
            Phase::Committed { .. } => ("answered".to_owned(), "-".to_owned()),
        },
        JobState::Ended(ended) => {
            let paid = ended.split.total().saturating_sub(ended.split.refund);
            (reason(ended.reason).to_owned(), Weft(paid).to_string())
        }
    };
    vec![
        job.id.to_string(),
        job.model.to_string(),
        arithmetic(job.arithmetic).to_owned(),
        job.posted_at.to_string(),
        job.attempts.to_string(),
        state,
        paid,
    ]
}
