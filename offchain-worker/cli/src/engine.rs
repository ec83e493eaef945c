//! The engine as commands use it: which device, which model, and answers to requests.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use weft_disputes::ShownSketch;
use weft_engine::{
    Classifier, Device, EmbeddingModel, EngineError, FinishReason, Generation, GenerationParams, ImageError, Message,
    ModelKind, Prompt, RandomSampling, Sampling, TextModel, TokenEvent, WeightFormat,
    bert::ModelFiles,
    exact::{self, Asked, ExactEmbedding, ExactError, ExactServer, ExactText, Family, KernelChoice, Prompts},
    tokenizer::SentenceTokenizer,
};
use weft_primitives::{AssetKind, job::Decline};

use crate::{
    failure::Failure,
    request::{self, Answer, Chat, Classified, Classify, Embed, Embedded, Request, Said},
};

/// The files of an embedding model's directory that the engine looks at, where they are there.
const EMBEDDING_FILES: [&str; 7] = [
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
];

/// The files of an image model.
const IMAGE_FILES: [&str; 2] = ["model.safetensors", "config.json"];

/// Where to compute.
#[derive(Debug, clap::Args)]
pub struct ComputeArgs {
    /// `cpu`, or `wgpu` for a GPU.
    #[arg(long, env = "WEFT_DEVICE", default_value = "cpu")]
    device: Device,
    /// Threads to compute with on the CPU; as many as there are processors without it.
    #[arg(long, env = "WEFT_THREADS", value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Where to compute, checked.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
}

impl ComputeArgs {
    /// Checks that the device is there.
    pub fn open(&self) -> Result<Compute, Failure> {
        let device = match (self.device, self.threads) {
            (Device::Cpu { .. }, Some(threads)) => Device::Cpu { threads: Some(threads) },
            (Device::Wgpu, Some(_)) => {
                return Err(Failure::Usage(
                    "--threads is for the CPU: leave it out with wgpu".into(),
                ));
            }
            (device, None) => device,
        };
        let name = device.probe().map_err(|error| Failure::Local(error.to_string()))?;
        tracing::debug!(%device, name, "computing there");
        Ok(Compute { device })
    }
}

impl Compute {
    /// The device.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Its name, such as `cpu:4`.
    pub fn name(&self) -> String {
        self.device.to_string()
    }

    /// Loads a text model from a file.
    pub fn text_model(&self, path: &Path) -> Result<TextModel, Failure> {
        TextModel::load(path, self.device).map_err(|error| at(path, &error))
    }

    /// Loads an embedding model from a directory.
    pub fn embedding_model(&self, path: &Path) -> Result<EmbeddingModel, Failure> {
        EmbeddingModel::load(path, self.device).map_err(|error| at(path, &error))
    }

    /// Loads an image model from a directory.
    pub fn classifier(&self, path: &Path) -> Result<Classifier, Failure> {
        Classifier::open(path, self.device).map_err(|error| at(path, &error))
    }
}

fn at(path: &Path, error: &EngineError) -> Failure {
    Failure::Local(format!("{}: {error}", path.display()))
}

/// A model on disk that was loaded once.
pub struct Source {
    /// What it is.
    pub kind: AssetKind,
    /// Its files, name and path, in the order in which they are sealed.
    pub files: Vec<(String, PathBuf)>,
    /// Of an exact model: what commits to its configuration and weights.
    pub exact_root: Option<[u8; 32]>,
}

impl Source {
    /// The names of the files that are published to be read by everybody: those of an exact model's tokenizer.
    pub fn tokenizer(&self) -> &'static [&'static str] {
        match (self.exact_root, self.kind) {
            (Some(_), AssetKind::TextModel) => &[exact::TOKENIZER],
            (Some(_), AssetKind::EmbeddingModel) => &exact::SENTENCE_TOKENIZER,
            _ => &[],
        }
    }
}

/// What a path leads to. The model is loaded once, so that what does not run here is not published.
pub fn check(path: &Path) -> Result<Source, Failure> {
    let compute = Compute {
        device: Device::default(),
    };
    let name_of = |file: &Path| {
        file.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    // First of all: the directory of an exact embedding model has the files of a float one, too.
    if path.join(exact::MANIFEST).is_file() {
        return check_exact(path, &compute);
    }
    match ModelKind::detect(path).map_err(|error| Failure::Local(error.to_string()))? {
        ModelKind::Text(file) => {
            compute.text_model(&file)?;
            Ok(Source {
                kind: AssetKind::TextModel,
                files: vec![(name_of(&file), file)],
                exact_root: None,
            })
        }
        ModelKind::Embedding(dir) => {
            compute.embedding_model(&dir)?;
            Ok(Source {
                kind: AssetKind::EmbeddingModel,
                files: those_there(&dir, &EMBEDDING_FILES),
                exact_root: None,
            })
        }
        ModelKind::Image(dir) => {
            compute.classifier(&dir)?;
            Ok(Source {
                kind: AssetKind::ImageModel,
                files: those_there(&dir, &IMAGE_FILES),
                exact_root: None,
            })
        }
    }
}

fn check_exact(dir: &Path, compute: &Compute) -> Result<Source, Failure> {
    let failed = |error: ExactError| Failure::Local(error.to_string());
    let manifest = exact::read_manifest(dir).map_err(|error| Failure::Local(error.to_string()))?;
    let (kind, names, root) = match manifest.config.family {
        Family::Llama => {
            let model = ExactText::load(dir, compute.device, KernelChoice::Auto).map_err(failed)?;
            let names = [exact::MANIFEST, exact::WEIGHTS, exact::TOKENIZER].to_vec();
            (AssetKind::TextModel, names, model.root())
        }
        Family::Bert => {
            let model = ExactEmbedding::load(dir, compute.device, KernelChoice::Auto).map_err(failed)?;
            let names = [exact::MANIFEST].into_iter().chain(EMBEDDING_FILES).collect();
            (AssetKind::EmbeddingModel, names, model.root())
        }
    };
    Ok(Source {
        kind,
        files: those_there(dir, &names),
        exact_root: Some(root),
    })
}

/// Those of the files that a directory has.
fn those_there(dir: &Path, names: &[&str]) -> Vec<(String, PathBuf)> {
    let files = names.iter().map(|name| ((*name).to_owned(), dir.join(name)));
    files.filter(|(_, file)| file.is_file()).collect()
}

/// A model that answers requests.
pub struct Loaded {
    model: Kind,
    device: String,
}

/// Exact text is made of several requests at once; the others take one at a time.
enum Kind {
    Text(Mutex<Box<TextModel>>),
    Embedding(Mutex<Box<EmbeddingModel>>),
    ExactText(Box<ExactServer>),
    ExactEmbedding(Mutex<Box<ExactEmbedding>>),
    Image(Mutex<Box<Classifier>>),
}

/// A panic while another request was answered leaves no half-changed model: every request starts from a cache of its own.
fn locked<T>(model: &Mutex<T>) -> MutexGuard<'_, T> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer, and what proves it.
pub struct Answered {
    /// For the user.
    pub answer: Answer,
    /// Of an exact model: what commits to each step of the computation.
    pub trace_root: Option<[u8; 32]>,
    /// Of an exact model: for each text, what its trace is made of.
    pub evidence: Vec<ShownSketch>,
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The request is for another kind of model.
    #[error("the request does not fit this kind of model")]
    WrongTask,
    /// It asks for something else than its job commits to.
    #[error("the prompt is not what the job commits to")]
    OtherPrompt,
    /// The request does not fit the model's context, or the like.
    #[error("{0}")]
    Unsuitable(String),
    /// It needs more tokens than the job allows.
    #[error("it has more tokens than the job allows")]
    TooLong,
    /// The engine failed.
    #[error("{0}")]
    Fault(String),
    /// The deadline passed meanwhile.
    #[error("it was called off")]
    CalledOff,
}

impl Unanswered {
    /// What the chain is told.
    pub fn why(&self) -> Decline {
        match self {
            Self::WrongTask | Self::OtherPrompt | Self::Unsuitable(_) | Self::TooLong => Decline::InputUnsuitable,
            Self::Fault(_) | Self::CalledOff => Decline::DeviceFault,
        }
    }
}

impl From<EngineError> for Unanswered {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Chat(_)
            | EngineError::Sampler(_)
            | EngineError::NoChatTemplate
            | EngineError::EmptyPrompt
            | EngineError::PromptTooLong { .. }
            | EngineError::Image(ImageError::WrongSize { .. }) => Self::Unsuitable(error.to_string()),
            error => Self::Fault(error.to_string()),
        }
    }
}

impl From<ExactError> for Unanswered {
    fn from(error: ExactError) -> Self {
        match error {
            ExactError::Engine(error) => error.into(),
            ExactError::OtherTask => Self::WrongTask,
            ExactError::Sampling | ExactError::ManyEnds { .. } | ExactError::Failure(exact::Failure::NoStep(_)) => {
                Self::Unsuitable(error.to_string())
            }
            error => Self::Fault(error.to_string()),
        }
    }
}

impl Loaded {
    /// Loads a model from files in memory; if it was published with the root of an exact model, the exact model of that
    /// root and no other.
    pub fn from_files(
        kind: AssetKind,
        files: &[(&str, &[u8])],
        exact_root: Option<[u8; 32]>,
        compute: &Compute,
    ) -> Result<Self, Failure> {
        if let Some(root) = exact_root {
            return Self::exact(kind, files, root, compute);
        }
        let failed = |error: EngineError| Failure::Local(error.to_string());
        let model = match (kind, files) {
            (AssetKind::TextModel, [(_, bytes)]) => Kind::Text(boxed(
                TextModel::from_bytes(bytes.to_vec(), compute.device).map_err(failed)?,
            )),
            (AssetKind::TextModel, _) => {
                return Err(Failure::Local(
                    "a text model is one file: its creator must publish it again".into(),
                ));
            }
            (AssetKind::EmbeddingModel, files) => {
                let model = EmbeddingModel::from_files(&by_name(files), compute.device, WeightFormat::Fastest)
                    .map_err(failed)?;
                Kind::Embedding(boxed(model))
            }
            (AssetKind::ImageModel, files) => Kind::Image(boxed(
                Classifier::from_files(&by_name(files), compute.device).map_err(failed)?,
            )),
            (AssetKind::Dataset, _) => return Err(Failure::Local("a dataset cannot be run".into())),
        };
        Ok(Self {
            model,
            device: compute.name(),
        })
    }

    fn exact(
        kind: AssetKind,
        files: &[(&str, &[u8])],
        published: [u8; 32],
        compute: &Compute,
    ) -> Result<Self, Failure> {
        let failed = |error: ExactError| Failure::Local(error.to_string());
        let files = by_name(files);
        let (model, root, device) = match kind {
            AssetKind::TextModel => {
                let model = ExactText::from_files(&files, compute.device, KernelChoice::Auto).map_err(failed)?;
                let server = ExactServer::start(model).map_err(failed)?;
                let (root, device) = (server.root(), server.device().to_owned());
                (Kind::ExactText(Box::new(server)), root, device)
            }
            AssetKind::EmbeddingModel => {
                let model = ExactEmbedding::from_files(&files, compute.device, KernelChoice::Auto).map_err(failed)?;
                let (root, device) = (model.root(), model.device());
                (Kind::ExactEmbedding(boxed(model)), root, device)
            }
            AssetKind::ImageModel => return Err(Failure::Local("an image model cannot be exact".into())),
            AssetKind::Dataset => return Err(Failure::Local("a dataset cannot be run".into())),
        };
        if root != published {
            return Err(Failure::Local(format!(
                "the sealed model has the root {} and was published as {}: its creator must publish it again",
                hex::encode(root),
                hex::encode(published)
            )));
        }
        Ok(Self { model, device })
    }

    /// Whether a request for at most `limit` tokens is the one that its job commits to.
    pub fn hold_to(&self, commitment: &[u8; 32], request: &Request, limit: u32) -> Result<(), Unanswered> {
        let prompts = match &self.model {
            Kind::ExactText(model) => model.prompts().clone(),
            Kind::ExactEmbedding(model) => locked(model).prompts(),
            Kind::Text(_) | Kind::Embedding(_) | Kind::Image(_) => return Err(Unanswered::WrongTask),
        };
        let asked = asked_for(&prompts, request, limit)?.unwrap_or_default();
        match exact::commitment(&asked) {
            Some(own) if own == *commitment => Ok(()),
            _ => Err(Unanswered::OtherPrompt),
        }
    }

    /// Answers a request with at most `limit` tokens, and waits for it. `called_off` is looked at at every token.
    pub fn answer(&self, request: &Request, limit: u32, called_off: &Arc<AtomicBool>) -> Result<Answered, Unanswered> {
        let on_token = |_: TokenEvent<'_>| {
            if called_off.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match (&self.model, request) {
            (Kind::Text(model), Request::Chat(chat)) => {
                let (prompt, params) = asked(chat, limit);
                let made = locked(model).generate(&prompt, &params, on_token)?;
                Ok(Answered {
                    answer: said(made, &self.device)?,
                    trace_root: None,
                    evidence: Vec::new(),
                })
            }
            (Kind::ExactText(model), Request::Chat(chat)) => {
                let (prompt, params) = asked(chat, limit);
                let made = model.answer(prompt, params, called_off.clone())?;
                Ok(Answered {
                    evidence: model.evidence(&made),
                    trace_root: Some(made.trace.root()),
                    answer: said(made.generation, &self.device)?,
                })
            }
            (Kind::Embedding(model), Request::Embed(Embed { texts, .. })) => {
                let model = locked(model);
                let tokens = tokens_of(model.tokenizer(), texts, limit)?;
                Ok(Answered {
                    answer: Answer::Embed(Embedded {
                        embeddings: model.embed(texts)?,
                        tokens,
                        device: self.device.clone(),
                        evidence: None,
                    }),
                    trace_root: None,
                    evidence: Vec::new(),
                })
            }
            (Kind::ExactEmbedding(model), Request::Embed(Embed { texts, .. })) => {
                let mut model = locked(model);
                let tokens = tokens_of(model.tokenizer(), texts, limit)?;
                let made = model.embed(texts)?;
                Ok(Answered {
                    answer: Answer::Embed(Embedded {
                        embeddings: made.vectors,
                        tokens,
                        device: self.device.clone(),
                        evidence: None,
                    }),
                    trace_root: Some(made.root),
                    evidence: made.evidence,
                })
            }
            (Kind::Image(model), Request::Classify(Classify { images })) => {
                let tokens = count(images.len());
                if tokens > limit {
                    return Err(Unanswered::TooLong);
                }
                let model = locked(model);
                Ok(Answered {
                    answer: Answer::Classify(Classified {
                        labels: model.config().labels.clone(),
                        probabilities: model.classify(images)?,
                        tokens,
                        device: self.device.clone(),
                    }),
                    trace_root: None,
                    evidence: Vec::new(),
                })
            }
            _ => Err(Unanswered::WrongTask),
        }
    }
}

fn boxed<T>(model: T) -> Mutex<Box<T>> {
    Mutex::new(Box::new(model))
}

/// Files as the engine takes them.
pub fn by_name(files: &[(&str, &[u8])]) -> ModelFiles {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
    files.collect()
}

/// A chat as the engine takes it, with at most `limit` tokens to generate.
pub fn asked(chat: &Chat, limit: u32) -> (Prompt, GenerationParams) {
    let messages = chat.messages.iter().map(|message| Message {
        role: message.role.clone(),
        content: message.content.clone(),
    });
    let params = GenerationParams {
        max_tokens: usize::try_from(limit.min(chat.max_tokens)).unwrap_or(usize::MAX),
        sampling: chat.sampling.map_or(Sampling::Greedy, random),
    };
    (Prompt::Chat(messages.collect()), params)
}

/// What a request for at most `limit` tokens asks of an exact model; `None` if it has no salt, so that no job commits to it.
pub fn asked_for(prompts: &Prompts, request: &Request, limit: u32) -> Result<Option<Vec<Asked>>, ExactError> {
    match request {
        Request::Chat(chat) => {
            let Some(salt) = chat.salt else { return Ok(None) };
            let (prompt, params) = asked(chat, limit);
            Ok(Some(vec![prompts.of_chat(&prompt, &params, salt)?]))
        }
        Request::Embed(Embed { texts, salt }) => match salt {
            Some(salt) => prompts.of_texts(texts, *salt).map(Some),
            None => Ok(None),
        },
        Request::Classify(_) => Err(ExactError::OtherTask),
    }
}

fn said(made: Generation, device: &str) -> Result<Answer, Unanswered> {
    if made.finish == FinishReason::Stopped {
        return Err(Unanswered::CalledOff);
    }
    Ok(Answer::Chat(Said {
        tokens: count(made.tokens.len()),
        prompt_tokens: count(made.prompt_tokens),
        tokens_per_s: made.timings.tokens_per_second(),
        text: made.text,
        device: device.to_owned(),
        evidence: None,
    }))
}

/// Tokens of texts, which are not to be more than `limit`.
fn tokens_of(tokenizer: &SentenceTokenizer, texts: &[String], limit: u32) -> Result<u32, Unanswered> {
    let mut tokens = 0usize;
    for text in texts {
        let tokenized = tokenizer.encode(text).map_err(EngineError::from)?;
        tokens = tokens.saturating_add(tokenized.ids.len());
    }
    let tokens = count(tokens);
    if tokens > limit {
        return Err(Unanswered::TooLong);
    }
    Ok(tokens)
}

/// Random sampling as the engine takes it; temperature 0 means greedy, as in other systems.
pub fn random(sampling: request::Sampling) -> Sampling {
    if sampling.temperature == 0.0 {
        return Sampling::Greedy;
    }
    Sampling::Random(RandomSampling {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: 0,
        seed: sampling.seed,
    })
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
