//! Sizes of a BERT-family sentence encoder, from the JSON files beside its weights.

use serde::Deserialize;

use super::ModelFiles;
use crate::model_error::ModelError;

/// Sequence length where `sentence_bert_config.json` does not say.
const DEFAULT_MAX_TOKENS: usize = 512;

/// The part of `config.json` that the computation needs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct BertConfig {
    /// Architecture; `bert` is supported.
    pub model_type: String,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Width of the hidden state.
    pub hidden_size: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward network.
    pub intermediate_size: usize,
    /// Positions there are embeddings for.
    pub max_position_embeddings: usize,
    /// Segments there are embeddings for.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Tokens of the vocabulary.
    pub vocab_size: usize,
    /// Added to the variance in norms.
    #[serde(default = "default_epsilon")]
    pub layer_norm_eps: f32,
    /// Activation; `gelu` (with the error function) is supported.
    #[serde(default = "gelu")]
    pub hidden_act: String,
    /// Kind of positions; `absolute` is supported.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn two() -> usize {
    2
}

fn default_epsilon() -> f32 {
    1e-12
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn absolute() -> String {
    "absolute".to_owned()
}

#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: usize,
}

#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
}

#[derive(Deserialize)]
struct TokenizerConfig {
    #[serde(default)]
    do_lower_case: Option<bool>,
}

impl BertConfig {
    /// Reads and checks `config.json`.
    pub fn from_files(files: &ModelFiles) -> Result<Self, ModelError> {
        let config: Self = json(files, "config.json")?.ok_or_else(|| files.missing("config.json"))?;
        if config.model_type != "bert" {
            return Err(ModelError::UnsupportedArchitecture {
                found: config.model_type,
                supported: "`bert` is",
            });
        }
        for (found, supported, what) in [
            (&config.hidden_act, "gelu", "the activation"),
            (&config.position_embedding_type, "absolute", "the position embedding"),
        ] {
            if found != supported {
                return Err(ModelError::UnsupportedFeature {
                    feature: format!("{what} `{found}`"),
                });
            }
        }
        let sizes = [
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.intermediate_size,
            config.max_position_embeddings,
            config.type_vocab_size,
            config.vocab_size,
        ];
        // Widths beyond this would overflow products of two; no published model comes near.
        const MAX_SIZE: usize = 1 << 30;
        if sizes.iter().any(|size| *size == 0 || *size > MAX_SIZE)
            || !config.hidden_size.is_multiple_of(config.num_attention_heads)
            || !(config.layer_norm_eps.is_finite() && config.layer_norm_eps >= 0.0)
        {
            return Err(ModelError::Configuration {
                problem: format!("`config.json` has impossible sizes: {config:?}"),
            });
        }
        Ok(config)
    }

    /// The longest sequence in tokens: what `sentence_bert_config.json` says, but no more than there are positions.
    pub(super) fn max_tokens(&self, files: &ModelFiles) -> Result<usize, ModelError> {
        max_tokens(files, self.max_position_embeddings)
    }
}

/// The longest sequence in tokens of a model with some positions.
pub(crate) fn max_tokens(files: &ModelFiles, positions: usize) -> Result<usize, ModelError> {
    let config: Option<SentenceConfig> = json(files, "sentence_bert_config.json")?;
    let length = config.map_or(DEFAULT_MAX_TOKENS, |config| config.max_seq_length);
    Ok(length.min(positions))
}

/// Checks that the model pools by the mean, which is what the engine computes.
pub(super) fn check_pooling(files: &ModelFiles) -> Result<(), ModelError> {
    let pooling: Option<PoolingConfig> = json(files, "1_Pooling/config.json")?;
    if pooling.is_some_and(|pooling| !pooling.pooling_mode_mean_tokens) {
        return Err(ModelError::UnsupportedFeature {
            feature: "a pooling other than the mean of tokens".to_owned(),
        });
    }
    Ok(())
}

/// `do_lower_case` of `tokenizer_config.json`; true where it does not say, as in BERT's own.
pub(crate) fn lowercases(files: &ModelFiles) -> Result<bool, ModelError> {
    let config: Option<TokenizerConfig> = json(files, "tokenizer_config.json")?;
    Ok(config.and_then(|config| config.do_lower_case).unwrap_or(true))
}

fn json<T: for<'a> Deserialize<'a>>(files: &ModelFiles, name: &str) -> Result<Option<T>, ModelError> {
    let Some(bytes) = files.get(name) else {
        return Ok(None);
    };
    serde_json::from_slice(bytes)
        .map(Some)
        .map_err(|error| ModelError::File {
            name: name.to_owned(),
            problem: error.to_string(),
        })
}
