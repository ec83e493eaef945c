//! An exact model on a device.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use thiserror::Error;
use weft_disputes::MAX_ENDS;
use weft_exact::merkle::Digest;
use weft_exact::model::Model;
use weft_exact::program::Family;
use weft_exact_engine::Engine;
use weft_exact_engine::convert::ConvertError;
use weft_exact_engine::cpu::{CpuEngine, NotReady};
use weft_exact_engine::engine::Failure;
use weft_exact_engine::files::{self, FilesError, MANIFEST, Manifest, WEIGHTS};
use weft_exact_engine::kernel::{Kernel, Unknown};
use weft_exact_engine::opening::Unopened;
use weft_exact_engine::referee::Referee;
use weft_exact_engine::replay::NotReplayed;

use super::gpu::{GpuEngine, GpuError};
use crate::bert::ModelFiles;
use crate::device::Device;
use crate::engine_error::EngineError;

/// Which kernel of a processor is to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelChoice {
    /// The fastest that is there.
    #[default]
    Auto,
    /// The reference: every tile by itself, slowly.
    Reference,
    /// This one.
    Fixed(Kernel),
}

impl std::str::FromStr for KernelChoice {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        match name {
            "auto" => Ok(Self::Auto),
            "reference" => Ok(Self::Reference),
            name => name.parse().map(Self::Fixed),
        }
    }
}

/// Why an exact model cannot be used.
#[derive(Debug, Error)]
pub enum ExactError {
    /// Its directory does not hold a sound model.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The processor cannot serve it.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The GPU cannot serve it.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The device failed, or the request does not suit the model.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Its tokenizer is unsound, or the request is.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file of the tokenizer cannot be read.
    #[error("{}: {reason}; convert the model again", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The tokenizer makes tokens that the model does not have.
    #[error("the tokenizer belongs to another model: it knows {tokens} tokens, the model {vocabulary}")]
    OtherTokenizer {
        /// Of the tokenizer.
        tokens: usize,
        /// Of the model.
        vocabulary: usize,
    },
    /// A model of the other family.
    #[error("{} is no {wanted} model", path.display())]
    WrongFamily {
        /// The directory, or the manifest of files in memory.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
    },
    /// A sampling parameter is out of range.
    #[error("--temperature must be from 0 to 100, and --top-p from 0 to 1")]
    Sampling,
    /// A tokenizer with more tokens that end an answer than a job can commit to.
    #[error(
        "{ends} tokens end an answer of this model, and a job can commit to {MAX_ENDS} at most: post it without challenges"
    )]
    ManyEnds {
        /// How many they are.
        ends: usize,
    },
    /// A chat for an embedding model, or texts to embed for a text model.
    #[error("the request does not fit this kind of model")]
    OtherTask,
    /// A float model cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// An answer cannot be opened.
    #[error(transparent)]
    Unopened(#[from] Unopened),
    /// An answer cannot be computed again.
    #[error(transparent)]
    NotReplayed(#[from] NotReplayed),
}

/// A model that is ready, with its root.
pub(super) struct Opened {
    pub(super) engine: Box<dyn Engine>,
    pub(super) root: Digest,
    pub(super) weights: Digest,
}

/// Reads the model in `dir` and makes it ready on a device.
pub(super) fn open(dir: &Path, family: Family, device: Device, kernel: KernelChoice) -> Result<Opened, ExactError> {
    let (model, manifest) = files::read(dir)?;
    ready(dir, &model, &manifest, family, device, kernel)
}

/// Makes the model of files that are in memory ready on a device.
pub(super) fn open_files(
    files: &ModelFiles,
    family: Family,
    device: Device,
    kernel: KernelChoice,
) -> Result<Opened, ExactError> {
    let manifest = files.require(MANIFEST).map_err(EngineError::from)?;
    let weights = files.require(WEIGHTS).map_err(EngineError::from)?;
    let (model, manifest) = files::from_bytes(manifest, weights)?;
    ready(Path::new(MANIFEST), &model, &manifest, family, device, kernel)
}

fn ready(
    path: &Path,
    model: &Model,
    manifest: &Manifest,
    family: Family,
    device: Device,
    kernel: KernelChoice,
) -> Result<Opened, ExactError> {
    if manifest.config.family != family {
        let wanted = match family {
            Family::Llama => "text",
            Family::Bert => "embedding",
        };
        return Err(ExactError::WrongFamily {
            path: path.to_owned(),
            wanted,
        });
    }
    Ok(Opened {
        engine: engine(model, device, kernel)?,
        root: manifest.model_root,
        weights: manifest.weight_root,
    })
}

/// Makes a model ready on a device.
pub(super) fn engine(model: &Model, device: Device, kernel: KernelChoice) -> Result<Box<dyn Engine>, ExactError> {
    let Device::Cpu { threads } = device else {
        return Ok(Box::new(GpuEngine::new(model)?));
    };
    let threads = threads
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let kernel = match kernel {
        KernelChoice::Reference => return Ok(Box::new(Referee::new(model.clone()))),
        KernelChoice::Auto => Kernel::best(),
        KernelChoice::Fixed(kernel) => kernel,
    };
    Ok(Box::new(CpuEngine::new(model, kernel, threads)?))
}
