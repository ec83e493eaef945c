//! `weft run`: the user's side of a job, from the prompt to the checked answer.

use std::{io::Read, path::PathBuf, time::Duration};

use serde_json::json;
use weft_chain::{
    AccountId, ChainError, Client, Signer,
    jobs::{Job, JobState, LivingJob, Order},
    market::Asset,
};
use weft_primitives::{
    AssetId, AssetKind, Balance, ContentId, JobId,
    job::{Arithmetic, Patience, Phase},
    tier::{Challenges, Tier, Window},
};
use weft_store::Block;
use weft_vault::{ContentKey, Context, PublicKey, UserKeys, seal_message, wrap::wrap_key};

use crate::{
    amount::{Weft, parse_weft},
    answer,
    asked::{AskedJob, AskedJobs},
    asset,
    binding::{self, Bound},
    blocks::to_content_id,
    failure::Failure,
    image,
    infer::SamplingArgs,
    job,
    node::{IdentityArgs, NodeArgs, account},
    output,
    peers::Peers,
    request::{self, Classify, Embed, Request},
};

/// How often the input is offered to a provider who does not take it. After that it is released all the same: then the
/// chain, not the user, finds the provider silent, and the job goes to the next one.
const HAND_OVER_TRIES: u32 = 8;
/// Time between two tries.
const HAND_OVER_AGAIN: Duration = Duration::from_millis(750);

/// Post a job and wait for the answer.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model's number.
    #[arg(long, required_unless_present = "model_name")]
    asset: Option<AssetId>,
    /// The model's name instead. If several have it, the creator decides.
    #[arg(long, conflicts_with = "asset")]
    model_name: Option<String>,
    /// With --model-name: only this creator's.
    #[arg(long, value_parser = account, requires = "model_name")]
    creator: Option<AccountId>,
    /// The prompt, or for an embedding model the text; `-` reads it from the standard input.
    #[arg(long, required_unless_present = "image")]
    prompt: Option<String>,
    /// For an image model, the image: a grey PGM file in the model's size, or a JSON array of its pixels.
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    image: Option<PathBuf>,
    /// Most tokens to generate and pay for.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    /// Most to pay, in WEFT. It is held until the job ends; what is not used comes back.
    #[arg(long, value_parser = parse_weft)]
    max_price: Weft,
    /// How long a provider may take.
    #[arg(long, value_enum, default_value = "short")]
    patience: PatienceArg,
    /// Post an exact job: the same answer on every device, and a trace root that commits to its computation. The model has
    /// to be exact.
    #[arg(long)]
    exact: bool,
    /// With --exact: how long the answer may be challenged before it is paid. Who shows that it is wrong takes the provider's stake,
    /// and you are refunded.
    #[arg(long, value_enum, default_value = "short", requires = "exact")]
    challenges: ChallengesArg,
    /// With --exact: let everybody read the prompt and the answer, and challenge it. Without it only you can.
    #[arg(long, requires = "exact")]
    open: bool,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Wait until the receipt is final.
    #[arg(long)]
    finalised: bool,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print one JSON object with answer and receipt.
    #[arg(long)]
    json: bool,
}

/// How long a provider may take.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PatienceArg {
    /// An interactive answer.
    Short,
    /// A long answer, or a slow device.
    Standard,
    /// Work that may wait.
    Long,
}

impl From<PatienceArg> for Patience {
    fn from(patience: PatienceArg) -> Self {
        match patience {
            PatienceArg::Short => Self::Short,
            PatienceArg::Standard => Self::Standard,
            PatienceArg::Long => Self::Long,
        }
    }
}

/// How long an exact answer may be challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ChallengesArg {
    /// Not at all: it is paid at once.
    None,
    /// Minutes.
    Short,
    /// Long enough to fetch the model first.
    Standard,
    /// Hours.
    Long,
}

/// What a job may cost, and how it is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The model.
    pub model: AssetId,
    /// Most tokens to pay for.
    pub max_tokens: u32,
    /// Most to pay.
    pub max_price: Balance,
    /// How long a provider may take.
    pub patience: Patience,
    /// With which numbers.
    pub arithmetic: Arithmetic,
    /// By what the result is assured.
    pub tier: Tier,
}

/// A posted job and what is needed to see it through.
struct Posted<'a> {
    client: &'a Client,
    user: &'a Signer,
    id: JobId,
    input: ContentId,
    sealed: Block,
    key: ContentKey,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let sampling = self.sampling.sampling()?;
        let (home, user) = self.identity.open()?;
        let keys = home.user_keys()?;
        let client = self.node.connect_persistently().await?;
        let model = self.find_model(&client).await?;

        let mut request = self.request(&model, sampling)?;
        let arithmetic = if self.exact {
            Arithmetic::Exact
        } else {
            Arithmetic::Float
        };
        let (tier, bound) = self.bind(&client, &user, &model, &mut request).await;
        let terms = Terms {
            model: model.id,
            max_tokens: self.max_tokens,
            max_price: self.max_price.0,
            patience: self.patience.into(),
            arithmetic,
            tier,
        };
        let keep = |job| {
            let Some(bound) = &bound else { return };
            let kept = AskedJobs::open(home.asked_dir())
                .and_then(|kept| kept.keep(&AskedJob::new(client.genesis_hash(), job, &bound.asked)));
            if let Err(failure) = kept {
                note(format_args!(
                    "job {job}: what was asked is not kept, so that it cannot be shown: {failure}"
                ));
            }
        };
        let (ended, input) = see_done(&client, &user, &keys, &request, terms, keep).await?;
        let finalised = if self.finalised {
            wait_final(&client, &ended).await?
        } else {
            job::is_final(&client, &ended).await?
        };
        let answer = answer::fetch(&client, &keys, &ended).await?;
        if tier.challenges().is_some() {
            // Of this job, if its end is final, and of earlier ones.
            let dropped = async { AskedJobs::open(home.asked_dir())?.drop_ended(&client).await };
            if let Err(failure) = dropped.await {
                tracing::warn!(%failure, "what was asked in jobs that are over stays behind");
            }
        }
        if self.json {
            return output::json(&json!({
                "job": ended.id,
                "model": model.id,
                "input": input,
                "arithmetic": arithmetic,
                // As `weft infer --exact` and `weft embed --exact` print it, to compare.
                "trace_root": job::trace_root(&ended).map(hex::encode),
                "prompt": bound.as_ref().map(|bound| hex::encode(bound.commitment)),
                "answer": answer,
                "receipt": job::as_json(&ended, finalised)?,
            }));
        }
        answer::print(&answer)?;
        for (label, value) in job::lines(&ended, finalised) {
            eprintln!("{label:12} {value}");
        }
        Ok(())
    }

    /// What assures the answer. Where it can be challenged the job commits to the prompt, if the model's tokenizer is to be had.
    async fn bind(
        &self,
        client: &Client,
        user: &Signer,
        model: &Asset,
        request: &mut Request,
    ) -> (Tier, Option<Bound>) {
        let Tier::Exact(challenges) = self.tier() else {
            return (Tier::None, None);
        };
        let bound = binding::bind(client, model, &user.account(), request, self.max_tokens).await;
        let bound = bound
            .inspect_err(|failure| note(format_args!("the prompt is not bound on chain: {failure}")))
            .ok();
        let prompt = bound.as_ref().map(|bound| bound.commitment);
        (Tier::Exact(Challenges { prompt, ..challenges }), bound)
    }

    fn tier(&self) -> Tier {
        let window = match self.challenges {
            ChallengesArg::Short => Window::Short,
            ChallengesArg::Standard => Window::Standard,
            ChallengesArg::Long => Window::Long,
            ChallengesArg::None => return Tier::None,
        };
        if !self.exact {
            return Tier::None;
        }
        Tier::Exact(Challenges {
            window,
            prompt: None,
            open: self.open,
        })
    }

    fn request(&self, model: &Asset, sampling: Option<request::Sampling>) -> Result<Request, Failure> {
        let wrong = |what: &str| Failure::Usage(format!("asset {} is {what}", model.id));
        Ok(match (model.kind, &self.prompt, &self.image) {
            (AssetKind::TextModel, Some(prompt), _) => Request::prompt(read_prompt(prompt)?, self.max_tokens, sampling),
            (AssetKind::EmbeddingModel, Some(prompt), _) => Request::Embed(Embed {
                texts: vec![read_prompt(prompt)?],
                salt: None,
            }),
            (AssetKind::ImageModel, _, Some(image)) => Request::Classify(Classify {
                images: vec![image::read(image)?],
            }),
            (AssetKind::ImageModel, ..) => return Err(wrong("an image model: give the image with --image")),
            (AssetKind::TextModel | AssetKind::EmbeddingModel, None, _) => {
                return Err(wrong("a model of text: give the text with --prompt"));
            }
            (AssetKind::Dataset, ..) => return Err(wrong("a dataset: jobs run models")),
        })
    }

    async fn find_model(&self, client: &Client) -> Result<Asset, Failure> {
        if let Some(id) = self.asset {
            return asset::existing(client, id).await;
        }
        let name = self.model_name.as_deref().unwrap_or_default();
        let mut found: Vec<Asset> = Vec::new();
        let mut from = Some(0);
        while let Some(start) = from {
            let page = match self.creator {
                Some(creator) => client.market().assets_by_creator(creator, start).await?,
                None => client.market().assets(start).await?,
            };
            let fits = |asset: &Asset| asset.listed && asset.kind.runs_jobs() && asset.name == name.as_bytes();
            found.extend(page.items.into_iter().filter(fits));
            from = page.next;
        }
        let several = || {
            let ids: Vec<_> = found
                .iter()
                .map(|asset| format!("{} by {}", asset.id, asset.creator))
                .collect();
            Failure::Usage(format!(
                "several models are called `{name}` ({}): choose one with --asset",
                ids.join(", ")
            ))
        };
        match found.as_slice() {
            [] => Err(Failure::NotFound(format!(
                "no model is called `{name}`: see `weft asset ls`"
            ))),
            [first, rest @ ..] if rest.iter().all(|asset| asset.creator == first.creator) => {
                // Of one creator's, the newest.
                Ok(rest.last().unwrap_or(first).clone())
            }
            _ => Err(several()),
        }
    }
}

/// Posts a job, hands its input over, and waits for its end; `on_posted` is called with its number. Returns it with its input's name;
/// its answer is had with [`answer::fetch`].
pub async fn see_done(
    client: &Client,
    user: &Signer,
    keys: &UserKeys,
    request: &Request,
    terms: Terms,
    on_posted: impl FnOnce(JobId),
) -> Result<(Job, ContentId), Failure> {
    let plaintext = serde_json::to_vec(request).map_err(|error| Failure::local("cannot write JSON", error))?;
    if plaintext.len() > request::MAX_BYTES {
        return Err(Failure::Usage("the input is longer than 1 MiB: shorten it".into()));
    }
    let (sealed, key) = seal_message(&plaintext).map_err(|error| Failure::Local(error.to_string()))?;
    let sealed = Block::raw(sealed.into()).map_err(|error| Failure::Local(error.to_string()))?;
    let input = to_content_id(sealed.cid())?;
    let order = Order {
        model: terms.model,
        input,
        user_key: *keys.public().as_bytes(),
        max_tokens: terms.max_tokens,
        max_price: terms.max_price,
        patience: terms.patience,
        arithmetic: terms.arithmetic,
        tier: terms.tier,
    };
    let id = client.jobs().post(user, order).await?;
    on_posted(id);
    note(format_args!("job {id}: posted, {} held", Weft(terms.max_price)));
    let posted = Posted {
        client,
        user,
        id,
        input,
        sealed,
        key,
    };
    let ended = posted.see_through().await.inspect_err(|_| {
        note(format_args!(
            "job {id}: see it with `weft job show {id}`, and its answer with `weft job answer {id}`"
        ));
    })?;
    Ok((ended, input))
}

impl Posted<'_> {
    /// Hands the input to whoever is assigned, until the job ends. A job always ends: that is the chain's promise.
    async fn see_through(&self) -> Result<Job, Failure> {
        let mut notices = self.client.blocks();
        let mut handed_to: Option<(u8, AccountId)> = None;
        let mut told_running = None;
        loop {
            let job = self.client.jobs().job(self.id).await?;
            let job = job.ok_or_else(|| Failure::NotFound(format!("job {} is no longer on the chain", self.id)))?;
            match &job.state {
                JobState::Ended(ended) => {
                    note(format_args!("job {}: {}", self.id, job::reason(ended.reason)));
                    return Ok(job);
                }
                JobState::Living(living) => match living.phase {
                    Phase::Committed { until } => {
                        note(format_args!(
                            "job {}: answered; may be challenged until block {until}, and is paid then",
                            self.id
                        ));
                        return Ok(job);
                    }
                    Phase::AwaitingInput { .. } => {
                        let turn = (job.attempts, living.device);
                        if handed_to != Some(turn) {
                            note(format_args!(
                                "job {}: assigned to {} (attempt {})",
                                self.id, living.provider, job.attempts
                            ));
                        }
                        if self.hand_over(living).await? {
                            handed_to = Some(turn);
                            // The state has changed by our own act: look at once.
                            continue;
                        }
                    }
                    Phase::Running { until } if told_running != Some(job.attempts) => {
                        told_running = Some(job.attempts);
                        note(format_args!(
                            "job {}: input released, runs until block {until} at the latest",
                            self.id
                        ));
                    }
                    Phase::Running { .. } => {}
                },
            }
            match notices.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => {
                    return Err(Failure::Network(
                        "the node's blocks ended: follow the job with `weft job show`".into(),
                    ));
                }
            }
        }
    }

    /// Brings the sealed input to the assigned device and releases its key. `false` if the assignment changed meanwhile.
    async fn hand_over(&self, living: &LivingJob) -> Result<bool, Failure> {
        let provider = self.client.providers().provider(living.provider).await?;
        let url = provider.map(|provider| String::from_utf8_lossy(&provider.endpoint).into_owned());
        let peer = Peers::new(url.clone())?;
        let mut tries = 0u32;
        while let Err(failure) = peer.give(&self.sealed).await {
            tries = tries.saturating_add(1);
            tracing::debug!(job = self.id, url, %failure, tries, "the provider did not take the input");
            if tries >= HAND_OVER_TRIES {
                note(format_args!(
                    "job {}: the provider does not take the input: {failure}",
                    self.id
                ));
                break;
            }
            tokio::time::sleep(HAND_OVER_AGAIN).await;
        }
        let genesis = self.client.genesis_hash();
        let context = Context::JobInput {
            job: self.id,
            ciphertext: self.input.to_cid_bytes(),
        };
        let device = PublicKey::from_bytes(living.encryption_key);
        let wrapped =
            wrap_key(&self.key, &device, &genesis, &context).map_err(|error| Failure::Refused(error.to_string()))?;
        let released = self
            .client
            .jobs()
            .release_input(self.user, self.id, living.encryption_key, wrapped.0)
            .await;
        match released {
            Ok(()) => Ok(true),
            Err(error) if is_overtaken(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the chain refused because the job moved on meanwhile: look again.
fn is_overtaken(error: &ChainError) -> bool {
    [
        "StaleDeviceKey",
        "InputAlreadyReleased",
        "DeadlinePassed",
        "AlreadyEnded",
    ]
    .iter()
    .any(|name| error.is("Jobs", name))
}

async fn wait_final(client: &Client, ended: &Job) -> Result<bool, Failure> {
    let mut notices = client.blocks();
    while !job::is_final(client, ended).await? {
        match notices.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn read_prompt(prompt: &str) -> Result<String, Failure> {
    if prompt != "-" {
        return Ok(prompt.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(request::MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::local("cannot read the prompt from the standard input", error))?;
    Ok(text)
}

fn note(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}
