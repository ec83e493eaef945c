//! Telling what kind of model a path leads to.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::gguf::MAGIC;
use crate::image::is_classifier;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// A GGUF file, for [`crate::TextModel`].
    Text(PathBuf),
    /// A directory with `config.json` and `model.safetensors`, for [`crate::EmbeddingModel`].
    Embedding(PathBuf),
    /// A directory with the same two files, where `config.json` says that it is of a [`crate::Classifier`].
    Image(PathBuf),
}

/// Most bytes of a `config.json` that is looked at.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Why a path does not lead to a model.
#[derive(Debug, Error)]
pub enum KindError {
    /// The path cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no GGUF.
    #[error("{} is not a GGUF file", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
    },
    /// A directory without a model.
    #[error(
        "{} holds no model: expected one .gguf file, or config.json with model.safetensors",
        path.display()
    )]
    NoModel {
        /// The directory.
        path: PathBuf,
    },
    /// A directory with several models.
    #[error("{} holds {count} .gguf files; name the one to use", path.display())]
    Ambiguous {
        /// The directory.
        path: PathBuf,
        /// Files found.
        count: usize,
    },
}

impl ModelKind {
    /// Looks at what is at `path`: a GGUF file by its first bytes, a directory by its files.
    pub fn detect(path: &Path) -> Result<Self, KindError> {
        let io = |source| KindError::Io {
            path: path.to_owned(),
            source,
        };
        if !std::fs::metadata(path).map_err(io)?.is_dir() {
            return match begins_as_gguf(path).map_err(io)? {
                true => Ok(Self::Text(path.to_owned())),
                false => Err(KindError::NotGguf { path: path.to_owned() }),
            };
        }
        if path.join("config.json").is_file() && path.join("model.safetensors").is_file() {
            return Ok(match config_of_classifier(path).map_err(io)? {
                true => Self::Image(path.to_owned()),
                false => Self::Embedding(path.to_owned()),
            });
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if file.extension().is_some_and(|extension| extension == "gguf") {
                files.push(file);
            }
        }
        match (files.len(), files.pop()) {
            (1, Some(file)) => Ok(Self::Text(file)),
            (0, _) | (_, None) => Err(KindError::NoModel { path: path.to_owned() }),
            (count, _) => Err(KindError::Ambiguous {
                path: path.to_owned(),
                count,
            }),
        }
    }
}

fn config_of_classifier(directory: &Path) -> Result<bool, std::io::Error> {
    let mut config = Vec::new();
    File::open(directory.join("config.json"))?
        .take(MAX_CONFIG_BYTES)
        .read_to_end(&mut config)?;
    Ok(is_classifier(&config))
}

fn begins_as_gguf(path: &Path) -> Result<bool, std::io::Error> {
    let mut found = [0; MAGIC.len()];
    match File::open(path)?.read_exact(&mut found) {
        Ok(()) => Ok(found == MAGIC),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The GGUF file that `path` is or holds.
pub(crate) fn gguf_file(path: &Path) -> Result<PathBuf, KindError> {
    // A file is left to the parser, whose errors say more.
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    match ModelKind::detect(path)? {
        ModelKind::Text(file) => Ok(file),
        ModelKind::Embedding(path) | ModelKind::Image(path) => Err(KindError::NoModel { path }),
    }
}
