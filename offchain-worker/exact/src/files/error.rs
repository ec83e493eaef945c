//! What can be wrong with a model's files.

use std::path::{Path, PathBuf};

use thiserror::Error;
use weft_exact::{merkle::Digest, model::NoModel};

use super::hex;

/// Why a model cannot be read or written.
#[derive(Debug, Error)]
pub enum FilesError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The manifest cannot be understood.
    #[error("{}: {problem}; convert the model anew", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is too short or too long.
    #[error(
        "{} has {length} bytes, where there should be {least} to {most}: it was cut off or belongs to another model; \
         copy it again or convert the model anew",
        path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
        /// The least that it could have.
        least: u64,
        /// The most that it could have.
        most: u64,
    },
    /// It is no safetensors file.
    #[error("{}: {problem}; copy it again or convert the model anew", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the format's library said.
        problem: String,
    },
    /// A tensor is missing.
    #[error("{}: tensor `{name}` is missing; convert the model anew", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor that the model does not have.
    #[error("{}: tensor `{name}` is no part of the model that the manifest names; convert the model anew", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor is of another type or shape than the manifest's sizes make it.
    #[error("{}: tensor `{name}` is {found}, where the manifest asks for {wanted}; convert the model anew", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// Those that fit.
        wanted: String,
    },
    /// The parts are no model.
    #[error("the files are no model: {0}; convert it anew")]
    NoModel(Problem),
    /// The weights are not those that the manifest names.
    #[error(
        "{} has the root {}, but the manifest names {}: it was changed or damaged; copy both again or convert the model anew",
        path.display(), hex::encode(found), hex::encode(named)
    )]
    Root {
        /// The file with the weights.
        path: PathBuf,
        /// The root of what it holds.
        found: Digest,
        /// The root that it should have.
        named: Digest,
    },
    /// A model was to be written with the manifest of another.
    #[error("the manifest is of another model: make it by `Manifest::of`")]
    OtherModel,
}

impl FilesError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Why parts are no model, as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Problem(pub NoModel);

impl From<NoModel> for Problem {
    fn from(why: NoModel) -> Self {
        Self(why)
    }
}
