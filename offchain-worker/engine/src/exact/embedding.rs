//! Exact sentence embeddings: an exact model and its tokenizer as one.

use std::path::Path;
use std::sync::Arc;

use weft_exact::merkle::Digest;
use weft_exact::program::Family;
use weft_exact::trace::Trace;
use weft_exact_engine::Engine;
use weft_exact_engine::generate::{embed, root_of_all};

use weft_disputes::ShownSketch;

use super::evidence::Published;
use super::open::{ExactError, KernelChoice, open, open_files};
use super::prompts::Prompts;
use crate::bert::{ModelFiles, max_tokens};
use crate::device::Device;
use crate::embed::sentence_tokenizer;
use crate::engine_error::EngineError;
use crate::tokenizer::SentenceTokenizer;

/// An exact embedding model, ready to run.
pub struct ExactEmbedding {
    engine: Box<dyn Engine>,
    root: Digest,
    weights: Digest,
    tokenizer: Arc<SentenceTokenizer>,
}

/// Exact embeddings of some texts.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactEmbeddings {
    /// One of length 1 for each text.
    pub vectors: Vec<Vec<f32>>,
    /// What commits to each.
    pub traces: Vec<Trace>,
    /// What commits to all.
    pub root: Digest,
    /// Tokens of all texts.
    pub tokens: usize,
    /// What the traces are made of.
    pub evidence: Vec<ShownSketch>,
}

impl ExactEmbedding {
    /// Loads the model in a directory.
    pub fn load(dir: &Path, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let opened = open(dir, Family::Bert, device, kernel)?;
        let tokenizer = tokenizer(dir, opened.engine.program().config().context)?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            engine: opened.engine,
            root: opened.root,
            weights: opened.weights,
        })
    }

    /// Loads files that are in memory already, by their names in a model's directory.
    pub fn from_files(files: &ModelFiles, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let opened = open_files(files, Family::Bert, device, kernel)?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer_of(files, opened.engine.program().config().context)?),
            engine: opened.engine,
            root: opened.root,
            weights: opened.weights,
        })
    }

    /// What commits to the model.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// What computes, such as `cpu:2:amx`.
    pub fn device(&self) -> String {
        self.engine.name()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &SentenceTokenizer {
        &self.tokenizer
    }

    /// What makes tokens of what is asked.
    pub fn prompts(&self) -> Prompts {
        Prompts::of_sentences(self.tokenizer.clone())
    }

    /// One vector of length 1 for each text, in their order. Texts beyond the model's longest sequence are cut.
    pub fn embed<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<ExactEmbeddings, ExactError> {
        let encoded = texts.iter().map(|text| self.tokenizer.encode(text.as_ref()));
        let encoded = encoded.collect::<Result<Vec<_>, _>>().map_err(EngineError::from)?;
        let ids: Vec<&[u32]> = encoded.iter().map(|text| text.ids.as_slice()).collect();
        let made = embed(&mut *self.engine, self.root, &ids)?;
        let published = Published {
            config: *self.engine.program().config(),
            weights: self.weights,
        };
        let of_each = made.iter().zip(&ids);
        let of_each = of_each.map(|(made, ids)| (&made.trace, *ids, made.cells.as_slice()));
        let evidence = published.evidence(&of_each.collect::<Vec<_>>());
        let (vectors, traces): (Vec<_>, Vec<_>) = made
            .into_iter()
            .map(|embedding| (embedding.vector, embedding.trace))
            .unzip();
        let root = root_of_all(&traces);
        Ok(ExactEmbeddings {
            vectors,
            traces,
            root,
            evidence,
            tokens: ids.iter().map(|ids| ids.len()).sum(),
        })
    }
}

/// The tokenizer in a model's directory; it cuts texts to what the model takes.
pub(super) fn tokenizer(dir: &Path, context: usize) -> Result<SentenceTokenizer, ExactError> {
    tokenizer_of(&ModelFiles::read(dir).map_err(EngineError::from)?, context)
}

fn tokenizer_of(files: &ModelFiles, context: usize) -> Result<SentenceTokenizer, ExactError> {
    let longest = max_tokens(files, context).map_err(EngineError::from)?;
    Ok(sentence_tokenizer(files, longest)?)
}
