//! The models behind a Space: loaded here, or hired job by job.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::mpsc, task::spawn_blocking};
use weft_chain::{Client, Signer};
use weft_engine::{Classifier, EmbeddingModel, EngineError, ImageError, TextModel, TokenEvent, bert::ModelFiles};
use weft_primitives::{
    AssetId, AssetKind, Balance,
    job::{Arithmetic, Patience},
    tier::Tier,
};
use weft_vault::UserKeys;

use super::{
    bundle::Bundle,
    manifest::{Call, SpaceManifest, kind_name},
};
use crate::{
    answer,
    engine::{Compute, asked},
    failure::Failure,
    models,
    request::{Answer, Chat, Classified, Classify, Embed, Embedded, Request, Said},
    run::{self, Terms},
};

/// Most tokens of one text that embedding models look at.
const TEXT_TOKENS: usize = 512;

/// See the module.
pub enum Models {
    /// Loaded here.
    Local(Box<Local>),
    /// Run by providers, and paid for.
    Hired(Box<Hired>),
}

/// Models in this process, those that the Space calls.
#[derive(Default)]
pub struct Local {
    text: Option<Mutex<Box<TextModel>>>,
    embedding: Option<EmbeddingModel>,
    image: Option<Classifier>,
    names: BTreeMap<AssetKind, String>,
    device: String,
    identities: BTreeMap<AssetKind, String>,
}

/// Models on the chain.
pub struct Hired {
    /// The chain.
    pub client: Client,
    /// Who pays.
    pub user: Signer,
    /// To which answers are wrapped.
    pub keys: UserKeys,
    /// Which asset is hired for each kind.
    pub assets: BTreeMap<AssetKind, AssetId>,
    /// Most to pay for one request.
    pub max_price: Balance,
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// What was asked does not suit the model.
    #[error("{0}")]
    Unsuitable(String),
    /// The engine, or the job, failed.
    #[error("{0}")]
    Failed(String),
    /// Nobody waits for it any more.
    #[error("it was stopped")]
    Stopped,
}

impl From<EngineError> for NoAnswer {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Chat(_)
            | EngineError::Sampler(_)
            | EngineError::NoChatTemplate
            | EngineError::EmptyPrompt
            | EngineError::PromptTooLong { .. }
            | EngineError::Image(ImageError::WrongSize { .. }) => Self::Unsuitable(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Usage(said) => Self::Unsuitable(said),
            failure => Self::Failed(failure.to_string()),
        }
    }
}

impl Local {
    /// Loads the models that a Space calls: those of `instead` where given, else those of its bundle or of the cache.
    pub fn load(bundle: &Bundle, instead: &BTreeMap<AssetKind, PathBuf>, compute: &Compute) -> Result<Self, Failure> {
        let mut local = Self {
            device: compute.name(),
            ..Self::default()
        };
        for call in needed(bundle.manifest()) {
            local.add(bundle, call, instead.get(&call.kind).map(PathBuf::as_path), compute)?;
            local.names.insert(call.kind, call.name.clone());
        }
        Ok(local)
    }

    fn add(&mut self, bundle: &Bundle, call: &Call, instead: Option<&Path>, compute: &Compute) -> Result<(), Failure> {
        let kind = kind_name(call.kind);
        if let (None, Some(folder)) = (instead, &call.bundled) {
            let AssetKind::ImageModel = call.kind else {
                return Err(Failure::Usage(format!(
                    "the Space has its {kind} model in its bundle, where only image models are run: name one with --model-dir {kind}=PATH"
                )));
            };
            let files: ModelFiles = bundle.folder(folder).into_iter().collect();
            let model = Classifier::from_files(&files, compute.device())
                .map_err(|error| Failure::local(format_args!("the Space's own model `{}`", call.name), error))?;
            self.image = Some(model);
            return Ok(());
        }
        let path = match (instead, &call.model) {
            (Some(path), _) => path.to_owned(),
            // By name only: a path of a stranger's choice is not opened.
            (None, Some(name)) if models::is_known(name) => models::resolve_float(name)?,
            _ => {
                return Err(Failure::Usage(format!(
                    "the Space calls the {kind} model `{}`, which cannot be fetched by name: name a local one with --model-dir {kind}=PATH, or run it with --by-jobs",
                    call.name
                )));
            }
        };
        match call.kind {
            AssetKind::TextModel => self.text = Some(Mutex::new(Box::new(compute.text_model(&path)?))),
            AssetKind::EmbeddingModel => self.embedding = Some(compute.embedding_model(&path)?),
            AssetKind::ImageModel => self.image = Some(compute.classifier(&path)?),
            AssetKind::Dataset => {}
        }
        self.identities.insert(call.kind, identity(&path));
        Ok(())
    }
}

/// Tells one local model from another for caches of what it computed: where it is, and when its weights were written.
fn identity(path: &Path) -> String {
    let weights = if path.is_dir() {
        path.join("model.safetensors")
    } else {
        path.to_owned()
    };
    let written = std::fs::metadata(&weights).and_then(|found| Ok((found.len(), found.modified()?)));
    format!("{} {written:?}", path.display())
}

/// The calls that the capabilities need.
fn needed(manifest: &SpaceManifest) -> impl Iterator<Item = &Call> {
    let needs = |kind: AssetKind| {
        manifest
            .capabilities
            .iter()
            .any(|capability| capability.needs() == kind)
    };
    manifest.calls.iter().filter(move |call| needs(call.kind))
}

impl Hired {
    /// Which asset is hired for each kind that a Space needs: one of `named`, else the one that its manifest names, else the
    /// one that it calls on the chain.
    pub fn assets(
        manifest: &SpaceManifest,
        named: &BTreeMap<AssetKind, AssetId>,
        on_chain: &BTreeMap<AssetKind, AssetId>,
    ) -> Result<BTreeMap<AssetKind, AssetId>, Failure> {
        let chosen = needed(manifest).map(|call| {
            let asset = named.get(&call.kind).copied().or(call.asset);
            let asset = asset.or_else(|| on_chain.get(&call.kind).copied());
            asset.map(|asset| (call.kind, asset)).ok_or_else(|| {
                Failure::Usage(format!(
                    "the Space names no asset for its {} model: give one with --asset {}=NUMBER",
                    kind_name(call.kind),
                    kind_name(call.kind)
                ))
            })
        });
        chosen.collect()
    }

    async fn ask(&self, kind: AssetKind, request: Request, max_tokens: u32) -> Result<Answer, NoAnswer> {
        let model = self
            .assets
            .get(&kind)
            .copied()
            .ok_or_else(|| NoAnswer::Unsuitable(format!("no {} model is hired for this Space", kind_name(kind))))?;
        let terms = Terms {
            model,
            max_tokens,
            max_price: self.max_price,
            patience: Patience::Short,
            arithmetic: Arithmetic::Float,
            tier: Tier::None,
        };
        let (ended, _) = run::see_done(&self.client, &self.user, &self.keys, &request, terms, |_| ()).await?;
        Ok(answer::fetch(&self.client, &self.keys, &ended).await?)
    }
}

fn missing(kind: AssetKind) -> NoAnswer {
    NoAnswer::Failed(format!("no {} model is loaded", kind_name(kind)))
}

fn unexpected() -> NoAnswer {
    NoAnswer::Failed("the answer is to another question: do not use this provider again".into())
}

/// Runs what blocks, or what may not move between threads.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, NoAnswer> + Send + 'static) -> Result<T, NoAnswer> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(NoAnswer::Failed(format!("the engine failed: {panic}"))))
}

impl Models {
    /// Continues a chat. Pieces of the answer come through `pieces`; when nobody receives them, the answer stops.
    pub async fn chat(self: &Arc<Self>, chat: Chat, pieces: mpsc::Sender<String>) -> Result<Said, NoAnswer> {
        let models = self.clone();
        aside(move || match models.as_ref() {
            Self::Local(local) => local.chat(&chat, &pieces),
            Self::Hired(hired) => {
                let limit = chat.max_tokens;
                let asked = hired.ask(AssetKind::TextModel, Request::Chat(chat), limit);
                let Answer::Chat(said) = Handle::current().block_on(asked)? else {
                    return Err(unexpected());
                };
                // All at once: a job's answer is sealed as a whole.
                pieces.blocking_send(said.text.clone()).map_err(|_| NoAnswer::Stopped)?;
                Ok(said)
            }
        })
        .await
    }

    /// Embeds texts.
    pub async fn embed(self: &Arc<Self>, texts: Vec<String>) -> Result<Embedded, NoAnswer> {
        let models = self.clone();
        aside(move || match models.as_ref() {
            Self::Local(local) => local.embed(&texts),
            Self::Hired(hired) => {
                let limit: usize = texts
                    .iter()
                    .map(|text| text.chars().count().saturating_add(2).min(TEXT_TOKENS))
                    .sum();
                let request = Request::Embed(Embed { texts, salt: None });
                let asked = hired.ask(
                    AssetKind::EmbeddingModel,
                    request,
                    u32::try_from(limit).unwrap_or(u32::MAX),
                );
                match Handle::current().block_on(asked)? {
                    Answer::Embed(embedded) => Ok(embedded),
                    _ => Err(unexpected()),
                }
            }
        })
        .await
    }

    /// Says what images show.
    pub async fn classify(self: &Arc<Self>, images: Vec<Vec<u8>>) -> Result<Classified, NoAnswer> {
        let models = self.clone();
        aside(move || match models.as_ref() {
            Self::Local(local) => local.classify(&images),
            Self::Hired(hired) => {
                let limit = u32::try_from(images.len()).unwrap_or(u32::MAX);
                let asked = hired.ask(AssetKind::ImageModel, Request::Classify(Classify { images }), limit);
                match Handle::current().block_on(asked)? {
                    Answer::Classify(classified) => Ok(classified),
                    _ => Err(unexpected()),
                }
            }
        })
        .await
    }

    /// What pages are told: which model of each kind runs, and where.
    pub fn describe(&self, manifest: &SpaceManifest) -> Value {
        match self {
            Self::Local(local) => json!({ "by": "this device", "device": local.device, "names": local.names }),
            Self::Hired(hired) => {
                let names: BTreeMap<_, _> = needed(manifest).map(|call| (call.kind, &call.name)).collect();
                json!({ "by": "jobs", "names": names, "assets": hired.assets })
            }
        }
    }

    /// Tells this model of a kind from others, for caches of what it computed.
    pub fn identity(&self, kind: AssetKind) -> String {
        match self {
            Self::Local(local) => local.identities.get(&kind).cloned().unwrap_or_default(),
            Self::Hired(hired) => format!(
                "asset {:?} of {:?}",
                hired.assets.get(&kind),
                hired.client.genesis_hash()
            ),
        }
    }
}

impl Local {
    fn chat(&self, chat: &Chat, pieces: &mpsc::Sender<String>) -> Result<Said, NoAnswer> {
        let model = self.text.as_ref().ok_or_else(|| missing(AssetKind::TextModel))?;
        // A panic while another request was answered leaves no half-changed model: every request starts from a cache of its
        // own.
        let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
        if pieces.is_closed() {
            return Err(NoAnswer::Stopped);
        }
        let (prompt, params) = asked(chat, chat.max_tokens);
        let mut stopped = false;
        let made = model.generate(&prompt, &params, |event: TokenEvent<'_>| {
            let sent = event.text.is_empty() || pieces.blocking_send(event.text.to_owned()).is_ok();
            stopped = !sent || pieces.is_closed();
            if stopped {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if stopped {
            return Err(NoAnswer::Stopped);
        }
        Ok(Said {
            tokens: u32::try_from(made.tokens.len()).unwrap_or(u32::MAX),
            prompt_tokens: u32::try_from(made.prompt_tokens).unwrap_or(u32::MAX),
            tokens_per_s: made.timings.tokens_per_second(),
            text: made.text,
            device: self.device.clone(),
            evidence: None,
        })
    }

    fn embed(&self, texts: &[String]) -> Result<Embedded, NoAnswer> {
        let model = self
            .embedding
            .as_ref()
            .ok_or_else(|| missing(AssetKind::EmbeddingModel))?;
        let mut tokens = 0usize;
        for text in texts {
            let tokenized = model.tokenizer().encode(text).map_err(EngineError::from)?;
            tokens = tokens.saturating_add(tokenized.ids.len());
        }
        Ok(Embedded {
            embeddings: model.embed(texts)?,
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
            device: self.device.clone(),
            evidence: None,
        })
    }

    fn classify(&self, images: &[Vec<u8>]) -> Result<Classified, NoAnswer> {
        let model = self.image.as_ref().ok_or_else(|| missing(AssetKind::ImageModel))?;
        Ok(Classified {
            labels: model.config().labels.clone(),
            probabilities: model.classify(images)?,
            tokens: u32::try_from(images.len()).unwrap_or(u32::MAX),
            device: self.device.clone(),
        })
    }
}
