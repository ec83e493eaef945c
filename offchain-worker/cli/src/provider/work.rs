//! The parts of a provider's work that take time: making a model ready, and computing a job.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use weft_chain::{
    AccountId, Client, Signer,
    jobs::{LivingJob, result_hash},
    market::Asset,
};
use weft_disputes::ShownSketch;
use weft_engine::exact::Replayer;
use weft_primitives::{
    AssetId, JobId,
    job::{Arithmetic, Decline},
    registry::KeyRecipient,
    tier::Tier,
};
use weft_store::{
    Bytes, MAX_BLOCK_BYTES,
    cache::{FileCache, Lease},
};
use weft_vault::{
    ContentKey, Context, DeviceKeys, PublicKey, WrappedKey, open_message, seal_message,
    wrap::{unwrap_key, wrap_key},
};

use super::{
    journal::{Entry, Journal},
    kept::{KeptAnswer, KeptAnswers},
};
use crate::{
    asset,
    blocks::{Blocks, Missing, to_cid},
    custody,
    dispute::evidence::{self, Evidence},
    engine::{Answered, Compute, Loaded},
    failure::Failure,
    home::Home,
    request::{Answer, Request},
    sealed_model,
};

/// What all of a provider's work shares.
pub struct Worker {
    /// The chain.
    pub client: Client,
    /// This device's files.
    pub home: Home,
    /// The content store.
    pub blocks: Blocks,
    /// Which models' files stay in it.
    pub cache: FileCache,
    /// The device's account.
    pub device: Signer,
    /// The device's X25519 keys.
    pub keys: DeviceKeys,
    /// What computes.
    pub compute: Compute,
    /// Answers that wait for their commit.
    pub journal: Journal,
    /// Answers that can still be challenged.
    pub kept: KeptAnswers,
    /// How to lie, if so.
    #[cfg(feature = "testing")]
    pub misbehaviour: Option<super::misbehave::Misbehaviour>,
}

/// What there is to say of how an exact answer was computed.
struct Exact {
    /// What commits to it.
    root: [u8; 32],
    /// For each text, what its trace is made of.
    shown: Vec<ShownSketch>,
    /// Whether others than the user may read that.
    is_open: bool,
}

/// A model that answers: exact text models several jobs at once, others one at a time.
pub type Model = Arc<Ready>;

/// See [`Model`].
pub struct Ready {
    loaded: Loaded,
    /// While the model is loaded its sealed file stays in the store, so that a restart need not fetch it.
    _kept: Lease,
}

/// Why a job cannot be done here: what the chain is told, and what the log is.
pub struct Unable {
    /// For the chain.
    pub why: Decline,
    /// For people.
    pub because: String,
}

fn unable(why: Decline) -> impl Fn(String) -> Unable {
    move |because| Unable { why, because }
}

/// How long an input may be late after its key.
const INPUT_TRIES: u32 = 20;
/// Time between two looks for it.
const INPUT_WAIT: Duration = Duration::from_millis(250);

impl Worker {
    /// Fetches, opens and loads a model. Its plaintext is in memory only.
    pub async fn prepare(&self, model: AssetId) -> Result<Model, Failure> {
        let asset = asset::existing(&self.client, model).await?;
        let owner = self.owner().await?;
        let key = self.key(&asset, owner).await?;
        let peers = sealed_model::peers_of(&self.client, &asset, &owner).await?;
        let kept = self
            .cache
            .admit(&to_cid(&asset.content)?, asset.size_bytes)
            .await
            .map_err(|error| Failure::Local(format!("model {model}: {error}")))?;
        let loaded = sealed_model::load(&self.blocks, &asset, key, &peers, &self.compute).await?;
        Ok(Arc::new(Ready { loaded, _kept: kept }))
    }

    /// Makes an exact model ready to compute answers again.
    pub async fn replayer(&self, model: AssetId) -> Result<Replayer, Failure> {
        let asset = asset::existing(&self.client, model).await?;
        let owner = self.owner().await?;
        let key = self.key(&asset, owner).await?;
        let peers = sealed_model::peers_of(&self.client, &asset, &owner).await?;
        sealed_model::replayer(&self.blocks, &asset, key, &peers, &self.compute).await
    }

    /// For whom the device works.
    async fn owner(&self) -> Result<AccountId, Failure> {
        let provider = self.client.providers().provider(self.device.account()).await?;
        let provider = provider.ok_or_else(|| Failure::NotFound("this device is no longer registered".into()))?;
        Ok(provider.owner)
    }

    /// The key of a model: wrapped by its owner, or put together from what custodians released to this device. The latter is
    /// kept beside the device's own key, because releases do not stay on chain. Anybody may show a forged share, so that the
    /// device does, and its owner is compensated.
    async fn key(&self, asset: &Asset, provider: AccountId) -> Result<ContentKey, Failure> {
        if let Some(grant) = self.client.market().grant(asset.id, provider).await? {
            return sealed_model::granted_key(&self.client, &self.keys, asset, &grant);
        }
        let content = asset.content.to_string();
        if let Some(key) = self.home.content_key(&content)? {
            return Ok(key);
        }
        let recipient = KeyRecipient::Provider(provider);
        let collected = custody::collect(&self.client, asset, &recipient, &self.keys, &self.device).await;
        let key = collected
            .map_err(|failure| match failure {
                Failure::NotFound(why) => Failure::NotFound(format!(
                    "{why} with `weft provider offer --asset {}`, or wait for its owner's `weft creator serve`",
                    asset.id
                )),
                other => other,
            })?
            .key;
        self.home.keep_content_key(&content, &key)?;
        Ok(key)
    }

    /// Computes a job and keeps the sealed answer; it is on disk when this returns.
    pub async fn answer(
        self: Arc<Self>,
        job: JobId,
        living: LivingJob,
        (arithmetic, tier): (Arithmetic, Tier),
        model_id: AssetId,
        model: Model,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Entry, Unable> {
        let sealed = self.input(&living, model_id).await?;
        let request = self.open(job, &living, &sealed)?;
        let limit = living.max_tokens;
        let started = std::time::Instant::now();
        let commitment = tier.challenges().and_then(|challenges| challenges.prompt);
        let computed = tokio::task::spawn_blocking(move || {
            // Whoever answered another prompt would lose the stake.
            if let Some(commitment) = commitment {
                model.loaded.hold_to(&commitment, &request, limit)?;
            }
            model.loaded.answer(&request, limit, &cancelled)
        });
        let computed = computed
            .await
            .map_err(|panic| unable(Decline::DeviceFault)(format!("the engine failed: {panic}")))?;
        let Answered {
            answer,
            trace_root,
            evidence,
        } = computed.map_err(|failed| Unable {
            why: failed.why(),
            because: failed.to_string(),
        })?;
        tracing::info!(
            job,
            tokens = answer.tokens(),
            seconds = started.elapsed().as_secs_f32(),
            "computed"
        );
        let trace_root = match arithmetic {
            Arithmetic::Float => None,
            // The chain takes exact jobs for exact models only, and those have been loaded as such.
            Arithmetic::Exact if trace_root.is_none() => {
                return Err(unable(Decline::DeviceFault)("an exact job on a float model".into()));
            }
            Arithmetic::Exact => trace_root,
        };
        #[cfg(feature = "testing")]
        let (trace_root, evidence) = match (&self.misbehaviour, trace_root) {
            (Some(misbehaviour), Some(root)) => {
                let bent = misbehaviour.bend(&self, model_id, root, evidence).await;
                let (root, evidence) = bent.map_err(|failure| unable(Decline::DeviceFault)(failure.to_string()))?;
                (Some(root), evidence)
            }
            _ => (trace_root, evidence),
        };
        let exact = trace_root.map(|root| Exact {
            root,
            shown: evidence,
            is_open: tier.challenges().is_some_and(|challenges| challenges.open),
        });
        self.keep(job, model_id, &living, answer, exact)
            .await
            .map_err(unable(Decline::DeviceFault))
    }

    /// The sealed input. The user brings it before its key, but the block with the key may be seen first.
    async fn input(&self, living: &LivingJob, model: AssetId) -> Result<Bytes, Unable> {
        let unavailable = unable(Decline::InputUnavailable);
        for _ in 0..INPUT_TRIES {
            match self.blocks.get(living.input).await {
                Ok(bytes) => return Ok(bytes),
                Err(Missing::NotHere) => tokio::time::sleep(INPUT_WAIT).await,
                Err(Missing::Failed(failure)) => return Err(unable(Decline::DeviceFault)(failure.to_string())),
            }
        }
        // A provider who had the job before may have it.
        let from_peers = async {
            let asset = asset::existing(&self.client, model).await?;
            let peers = sealed_model::peers_of(&self.client, &asset, &living.provider).await?;
            self.blocks
                .fetch(living.input, &peers, MAX_BLOCK_BYTES as u64, None)
                .await?;
            self.blocks
                .get(living.input)
                .await
                .map_err(|missing| Failure::Network(missing.to_string()))
        };
        from_peers
            .await
            .map_err(|failure: Failure| unavailable(failure.to_string()))
    }

    fn open(&self, job: JobId, living: &LivingJob, sealed: &[u8]) -> Result<Request, Unable> {
        let unreadable = unable(Decline::InputUnreadable);
        let wrapped = living
            .input_key
            .ok_or_else(|| unreadable("the chain shows no key for it".into()))?;
        let context = Context::JobInput {
            job,
            ciphertext: living.input.to_cid_bytes(),
        };
        let key = unwrap_key(&WrappedKey(wrapped), &self.keys, &self.client.genesis_hash(), &context)
            .map_err(|error| unreadable(error.to_string()))?;
        let plaintext = open_message(sealed, &key, None).map_err(|error| unreadable(error.to_string()))?;
        Request::from_bytes(&plaintext).map_err(|error| unable(Decline::InputUnsuitable)(error.to_string()))
    }

    /// Seals the answer, stores it, and notes what its commit needs.
    async fn keep(
        &self,
        job: JobId,
        model: AssetId,
        living: &LivingJob,
        answer: Answer,
        exact: Option<Exact>,
    ) -> Result<Entry, String> {
        let genesis = self.client.genesis_hash();
        let used_tokens = answer.tokens().min(living.max_tokens);
        let mut evidence = None;
        let mut answer = answer;
        if let Some(exact) = &exact {
            // Before the commit: whoever commits has to be able to answer for it.
            let kept = KeptAnswer {
                job,
                genesis,
                model,
                shown: exact.shown.clone(),
            };
            self.kept.keep(&kept).map_err(|error| error.to_string())?;
            let shown = Evidence(kept.shown);
            if exact.is_open && shown.bytes().len() <= evidence::MAX_BYTES {
                let placed = self.blocks.put(shown.bytes()).await;
                evidence = Some(placed.map_err(|error| error.to_string())?);
            }
            answer = answer.with_evidence(shown.to_text());
        }
        let plaintext = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
        let (sealed, key) = seal_message(&plaintext).map_err(|error| error.to_string())?;
        let output = self.blocks.put(sealed).await.map_err(|error| error.to_string())?;
        let context = Context::JobOutput {
            job,
            ciphertext: output.to_cid_bytes(),
        };
        let user = PublicKey::from_bytes(living.user_key);
        let entry = Entry {
            job,
            genesis,
            output,
            result_hash: result_hash(&genesis, job, key.expose(), &plaintext),
            output_key: wrap_key(&key, &user, &genesis, &context)
                .map_err(|error| error.to_string())?
                .0,
            used_tokens,
            trace_root: exact.map(|exact| exact.root),
            evidence,
        };
        self.journal.keep(&entry).map_err(|error| error.to_string())?;
        Ok(entry)
    }
}

/// An exact model as it was published, for who changes it.
#[cfg(feature = "testing")]
pub async fn exact_model(worker: &Worker, model: AssetId) -> Result<weft_exact::model::Model, Failure> {
    let asset = asset::existing(&worker.client, model).await?;
    let owner = worker.owner().await?;
    let key = worker.key(&asset, owner).await?;
    let peers = sealed_model::peers_of(&worker.client, &asset, &owner).await?;
    sealed_model::exact_model(&worker.blocks, &asset, key, &peers).await
}
