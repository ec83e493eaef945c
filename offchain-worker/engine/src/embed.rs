//! Sentence embeddings: an encoder and its tokenizer as one.

use std::path::Path;

use crate::bert::{Bert, BertConfig, ModelFiles, lowercases};
use crate::device::Device;
use crate::engine_error::EngineError;
use crate::linear::WeightFormat;
use crate::model_error::ModelError;
use crate::tokenizer::{SentenceTokenizer, TokenizedText};

/// Token positions (padding included) computed at once, which bounds memory: attention scores of 256-token texts then take
/// 25 MB at twelve heads.
const BATCH_POSITIONS: usize = 2048;

/// A sentence-embedding model, ready to run. `Send`, so that it can be moved to a thread for blocking work.
pub struct EmbeddingModel {
    model: Bert,
    tokenizer: SentenceTokenizer,
}

impl EmbeddingModel {
    /// Loads a model directory: `config.json`, `model.safetensors`, and `tokenizer.json` or `vocab.txt`.
    pub fn load(path: &Path, device: Device) -> Result<Self, EngineError> {
        Self::from_files(&ModelFiles::read(path)?, device, WeightFormat::Fastest)
    }

    /// Loads files that are in memory already, with the weights kept as `format` says.
    pub fn from_files(files: &ModelFiles, device: Device, format: WeightFormat) -> Result<Self, EngineError> {
        let model = Bert::load(files, &device.open()?, format)?;
        let tokenizer = sentence_tokenizer(files, model.max_tokens())?;
        Ok(Self { model, tokenizer })
    }

    /// Sizes of the model.
    pub fn config(&self) -> &BertConfig {
        self.model.config()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &SentenceTokenizer {
        &self.tokenizer
    }

    /// One vector of length 1 for each text, in their order. Texts beyond the model's longest sequence are cut.
    pub fn embed<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut tokenized = texts
            .iter()
            .map(|text| self.tokenizer.encode(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .enumerate()
            .collect::<Vec<(usize, TokenizedText)>>();
        // Texts of like length share a batch, so that little is padded.
        tokenized.sort_by_key(|(_, text)| text.ids.len());
        let mut embeddings = vec![Vec::new(); texts.len()];
        let mut left = tokenized.as_slice();
        while !left.is_empty() {
            let (batch, rest) = left.split_at(batch_size(left));
            left = rest;
            let batch_texts: Vec<TokenizedText> = batch.iter().map(|(_, text)| text.clone()).collect();
            let computed = self.model.embed(&batch_texts)?;
            for ((index, _), embedding) in batch.iter().zip(computed) {
                if let Some(slot) = embeddings.get_mut(*index) {
                    *slot = embedding;
                }
            }
        }
        Ok(embeddings)
    }
}

/// The tokenizer in a model's files, which cuts texts to `max_tokens`.
pub(crate) fn sentence_tokenizer(files: &ModelFiles, max_tokens: usize) -> Result<SentenceTokenizer, EngineError> {
    Ok(match (files.get("tokenizer.json"), files.get("vocab.txt")) {
        (Some(json), _) => SentenceTokenizer::from_json(json, max_tokens)?,
        (None, Some(vocabulary)) => {
            SentenceTokenizer::from_vocabulary(&String::from_utf8_lossy(vocabulary), lowercases(files)?, max_tokens)?
        }
        (None, None) => {
            return Err(EngineError::Model(ModelError::File {
                name: "tokenizer.json".to_owned(),
                problem: "neither it nor `vocab.txt` is there".to_owned(),
            }));
        }
    })
}

/// How many of `texts`, which are sorted by length, fit a batch: as many as padded keep within [`BATCH_POSITIONS`], but one
/// at least.
fn batch_size(texts: &[(usize, TokenizedText)]) -> usize {
    texts
        .iter()
        .zip(1..)
        .take_while(|((_, text), count)| text.ids.len() * count <= BATCH_POSITIONS)
        .count()
        .max(1)
}
