//! Sizes of a Llama-family model, from GGUF metadata.

use crate::gguf::{Metadata, optional};
use crate::model_error::ModelError;

/// Layers beyond which a file is not believed. The largest published models have about 130.
const MAX_LAYERS: usize = 1024;

/// Sizes and constants of a model of the Llama family.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// Number of layers.
    pub layers: usize,
    /// Width of the hidden state.
    pub width: usize,
    /// Width inside the feed-forward network.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_width: usize,
    /// Positions the model was trained for.
    pub context: usize,
    /// Added to the mean square in norms.
    pub norm_epsilon: f32,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Elements of each head that are rotated.
    pub rope_width: usize,
    /// Positions are divided by this before rotating.
    pub rope_scale: f32,
}

impl LlamaConfig {
    /// Reads and checks the `llama.*` entries.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self, ModelError> {
        let architecture = metadata.text("general.architecture")?;
        if architecture != "llama" {
            return Err(ModelError::UnsupportedArchitecture {
                found: architecture.to_owned(),
                supported: "`llama` is: Llama, SmolLM, TinyLlama and others of that shape",
            });
        }
        let size = |key: &str| -> Result<usize, ModelError> {
            match metadata.u32(key)? {
                0 => Err(malformed(format!("`{key}` is 0"))),
                size => Ok(size as usize),
            }
        };
        let optional_size =
            |key: &str| -> Result<Option<usize>, ModelError> { metadata.contains(key).then(|| size(key)).transpose() };
        if optional(metadata.u32("llama.expert_count"))?.unwrap_or(0) > 0 {
            return Err(unsupported("a mixture of experts"));
        }
        let layers = size("llama.block_count")?;
        if layers > MAX_LAYERS {
            return Err(malformed(format!("{layers} layers are more than {MAX_LAYERS}")));
        }
        let width = size("llama.embedding_length")?;
        let heads = size("llama.attention.head_count")?;
        let kv_heads = optional_size("llama.attention.head_count_kv")?.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            return Err(malformed(format!(
                "{heads} heads cannot share {kv_heads} key heads evenly"
            )));
        }
        let head_width = match optional_size("llama.attention.key_length")? {
            Some(width) => width,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                return Err(malformed(format!(
                    "a width of {width} cannot be split into {heads} heads evenly"
                )));
            }
        };
        if optional_size("llama.attention.value_length")?.is_some_and(|value| value != head_width) {
            return Err(unsupported("values of another width than keys"));
        }
        let rope_width = optional_size("llama.rope.dimension_count")?.unwrap_or(head_width);
        if rope_width > head_width || !rope_width.is_multiple_of(2) {
            return Err(malformed(format!(
                "{rope_width} elements of a head of {head_width} cannot be rotated in pairs"
            )));
        }
        let context = size("llama.context_length")?;
        if optional_size("llama.attention.sliding_window")?.is_some_and(|window| window < context) {
            return Err(unsupported("sliding-window attention"));
        }
        let config = Self {
            layers,
            width,
            feed_forward: size("llama.feed_forward_length")?,
            heads,
            kv_heads,
            head_width,
            context,
            norm_epsilon: metadata.f32("llama.attention.layer_norm_rms_epsilon")?,
            rope_base: optional(metadata.f32("llama.rope.freq_base"))?.unwrap_or(10_000.0),
            rope_width,
            rope_scale: rope_scale(metadata)?,
        };
        for (what, value) in [
            ("llama.attention.layer_norm_rms_epsilon", config.norm_epsilon),
            ("llama.rope.freq_base", config.rope_base),
            ("llama.rope.scaling.factor", config.rope_scale),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(malformed(format!("`{what}` is {value}")));
            }
        }
        // The products that later size tensors; tensors of such a size must be in the file, so that nothing larger is
        // allocated than what the file brings.
        config
            .heads
            .checked_mul(config.head_width)
            .and_then(|queries| queries.checked_mul(config.width))
            .and_then(|_| config.feed_forward.checked_mul(config.width))
            .ok_or_else(|| malformed("its sizes overflow".to_owned()))?;
        Ok(config)
    }

    /// Bytes of keys and values that a sequence of `positions` holds in memory.
    pub fn cache_bytes(&self, positions: usize) -> usize {
        2 * size_of::<f32>() * self.layers * self.kv_heads * self.head_width * positions
    }
}

fn rope_scale(metadata: &Metadata) -> Result<f32, ModelError> {
    match optional(metadata.text("llama.rope.scaling.type"))? {
        None | Some("none") => Ok(1.0),
        Some("linear") => Ok(metadata.f32("llama.rope.scaling.factor")?),
        Some(other) => Err(unsupported(&format!("rotary scaling `{other}`"))),
    }
}

fn malformed(problem: String) -> ModelError {
    ModelError::Configuration { problem }
}

fn unsupported(feature: &str) -> ModelError {
    ModelError::UnsupportedFeature {
        feature: feature.to_owned(),
    }
}
