//! The files of a model directory, read into memory or handed over in it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model_error::ModelError;

/// Files that a sentence-embedding model may have. Others in the directory are left alone.
const NAMES: [&str; 7] = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
];

/// Files of a model by their path in its directory, with `/` between parts.
#[derive(Clone, Debug, Default)]
pub struct ModelFiles {
    files: BTreeMap<String, Vec<u8>>,
}

impl ModelFiles {
    /// Reads the files of a sentence-embedding model from its directory.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let mut files = BTreeMap::new();
        for name in NAMES {
            let path = directory.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => {
                    files.insert(name.to_owned(), bytes);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(ModelError::File {
                        name: path.display().to_string(),
                        problem: error.to_string(),
                    });
                }
            }
        }
        Ok(Self { files })
    }

    /// The bytes of `name`, where there is such a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// All files, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The bytes of `name`, or that there is no such file.
    pub(crate) fn require(&self, name: &str) -> Result<&[u8], ModelError> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    pub(super) fn missing(&self, name: &str) -> ModelError {
        ModelError::File {
            name: name.to_owned(),
            problem: "there is no such file".to_owned(),
        }
    }
}

impl FromIterator<(String, Vec<u8>)> for ModelFiles {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self {
            files: files.into_iter().collect(),
        }
    }
}
