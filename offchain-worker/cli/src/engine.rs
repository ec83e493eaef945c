//! The engine as commands use it: which device, which model, and answers to requests.

use std::{num::NonZeroUsize, ops::ControlFlow, path::Path};

use weft_engine::{
    Device, EmbeddingModel, EngineError, FinishReason, GenerationParams, Message, ModelKind, Prompt, RandomSampling,
    Sampling, TextModel, WeightFormat, bert::ModelFiles,
};
use weft_primitives::{AssetKind, job::Decline};

use crate::{
    failure::Failure,
    request::{self, Answer, Embed, Embedded, Request, Said},
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
}

fn at(path: &Path, error: &EngineError) -> Failure {
    Failure::Local(format!("{}: {error}", path.display()))
}

/// What kind of model a path leads to, and its files: name and path, in the order in which they are sealed. The model is
/// loaded once, so that what does not run here is not published.
pub fn check(path: &Path) -> Result<(AssetKind, Vec<(String, std::path::PathBuf)>), Failure> {
    let compute = Compute {
        device: Device::default(),
    };
    let name_of = |file: &Path| {
        file.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    match ModelKind::detect(path).map_err(|error| Failure::Local(error.to_string()))? {
        ModelKind::Text(file) => {
            compute.text_model(&file)?;
            Ok((AssetKind::TextModel, vec![(name_of(&file), file)]))
        }
        ModelKind::Embedding(dir) => {
            compute.embedding_model(&dir)?;
            let files = EMBEDDING_FILES.iter().map(|name| ((*name).to_owned(), dir.join(name)));
            Ok((
                AssetKind::EmbeddingModel,
                files.filter(|(_, file)| file.is_file()).collect(),
            ))
        }
    }
}

/// A model that answers requests.
pub struct Loaded {
    model: Kind,
    device: String,
}

enum Kind {
    Text(Box<TextModel>),
    Embedding(Box<EmbeddingModel>),
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The request is for another kind of model.
    #[error("the request does not fit this kind of model")]
    WrongTask,
    /// The request does not fit the model's context, or the like.
    #[error("{0}")]
    Unsuitable(EngineError),
    /// It needs more tokens than the job allows.
    #[error("the texts have more tokens than the job allows")]
    TooLong,
    /// The engine failed.
    #[error("{0}")]
    Fault(EngineError),
    /// The deadline passed meanwhile.
    #[error("it was called off")]
    CalledOff,
}

impl Unanswered {
    /// What the chain is told.
    pub fn why(&self) -> Decline {
        match self {
            Self::WrongTask | Self::Unsuitable(_) | Self::TooLong => Decline::InputUnsuitable,
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
            | EngineError::PromptTooLong { .. } => Self::Unsuitable(error),
            error => Self::Fault(error),
        }
    }
}

impl Loaded {
    /// Loads a model from files in memory.
    pub fn from_files(kind: AssetKind, files: &[(&str, &[u8])], compute: &Compute) -> Result<Self, Failure> {
        let failed = |error: EngineError| Failure::Local(error.to_string());
        let model = match (kind, files) {
            (AssetKind::TextModel, [(_, bytes)]) => Kind::Text(Box::new(
                TextModel::from_bytes(bytes.to_vec(), compute.device).map_err(failed)?,
            )),
            (AssetKind::TextModel, _) => {
                return Err(Failure::Local(
                    "a text model is one file: its creator must publish it again".into(),
                ));
            }
            (AssetKind::EmbeddingModel, files) => {
                let files = files
                    .iter()
                    .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()))
                    .collect::<ModelFiles>();
                let model =
                    EmbeddingModel::from_files(&files, compute.device, WeightFormat::Fastest).map_err(failed)?;
                Kind::Embedding(Box::new(model))
            }
            (AssetKind::Dataset, _) => return Err(Failure::Local("a dataset cannot be run".into())),
        };
        Ok(Self {
            model,
            device: compute.name(),
        })
    }

    /// Answers a request with at most `limit` tokens. `called_off` is asked at every token.
    pub fn answer(
        &mut self,
        request: &Request,
        limit: u32,
        called_off: &dyn Fn() -> bool,
    ) -> Result<Answer, Unanswered> {
        match (&mut self.model, request) {
            (Kind::Text(model), Request::Chat(chat)) => {
                let messages = chat.messages.iter().map(|message| Message {
                    role: message.role.clone(),
                    content: message.content.clone(),
                });
                let params = GenerationParams {
                    max_tokens: usize::try_from(limit.min(chat.max_tokens)).unwrap_or(usize::MAX),
                    sampling: chat.sampling.map_or(Sampling::Greedy, random),
                };
                let on_token = |_: weft_engine::TokenEvent<'_>| {
                    if called_off() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                };
                let made = model.generate(&Prompt::Chat(messages.collect()), &params, on_token)?;
                if made.finish == FinishReason::Stopped {
                    return Err(Unanswered::CalledOff);
                }
                Ok(Answer::Chat(Said {
                    tokens: count(made.tokens.len()),
                    prompt_tokens: count(made.prompt_tokens),
                    tokens_per_s: made.timings.tokens_per_second(),
                    text: made.text,
                    device: self.device.clone(),
                }))
            }
            (Kind::Embedding(model), Request::Embed(Embed { texts })) => {
                let mut tokens = 0usize;
                for text in texts {
                    let tokenized = model.tokenizer().encode(text).map_err(EngineError::from)?;
                    tokens = tokens.saturating_add(tokenized.ids.len());
                }
                if count(tokens) > limit {
                    return Err(Unanswered::TooLong);
                }
                Ok(Answer::Embed(Embedded {
                    embeddings: model.embed(texts)?,
                    tokens: count(tokens),
                    device: self.device.clone(),
                }))
            }
            _ => Err(Unanswered::WrongTask),
        }
    }
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
