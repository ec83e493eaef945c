//! Float models, as the converter takes them.

use super::{
    ConvertError,
    elementary::{pow, sin_cos},
};

/// Which elements of a head are turned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// `2i` and `2i + 1`, as in GGUF files of architecture `llama`.
    Neighbours,
    /// `i` and `i + head_width / 2`, as in checkpoints of Hugging Face.
    Halves,
}

/// A model of the Llama family. Matrices are row by row, a row for each output.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLlama {
    /// Elements of a hidden state.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Elements of a head.
    pub head_width: usize,
    /// Elements between the two halves of a feed-forward layer.
    pub inner: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Positions that the model was trained for.
    pub context: usize,
    /// Added to the mean square in norms.
    pub epsilon: f64,
    /// Which elements of a head are turned together.
    pub pairs: Pairs,
    /// By how many radians each pair of a head is turned from one position to the next; see [`frequencies`].
    pub frequencies: Vec<f64>,
    /// `[vocabulary, width]`.
    pub embedding: Vec<f32>,
    /// Layers in order.
    pub layers: Vec<FloatLlamaLayer>,
    /// Gain of the last norm, `[width]`.
    pub norm: Vec<f32>,
    /// `[vocabulary, width]`; the embedding if there is none.
    pub head: Option<Vec<f32>>,
}

/// A layer of [`FloatLlama`].
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLlamaLayer {
    /// Gain, `[width]`.
    pub attention_norm: Vec<f32>,
    /// `[heads * head_width, width]`.
    pub query: Vec<f32>,
    /// `[kv_heads * head_width, width]`.
    pub key: Vec<f32>,
    /// `[kv_heads * head_width, width]`.
    pub value: Vec<f32>,
    /// `[width, heads * head_width]`.
    pub output: Vec<f32>,
    /// Gain, `[width]`.
    pub feed_norm: Vec<f32>,
    /// `[inner, width]`.
    pub gate: Vec<f32>,
    /// `[inner, width]`.
    pub up: Vec<f32>,
    /// `[width, inner]`.
    pub down: Vec<f32>,
}

impl FloatLlama {
    /// Checks that every tensor has as many elements as the sizes say, all of them finite.
    pub(super) fn check(&self) -> Result<(), ConvertError> {
        let (w, inner) = (self.width, self.inner);
        let (queries, keys) = (self.heads * self.head_width, self.kv_heads * self.head_width);
        tensor("embedding", &self.embedding, self.vocabulary * w)?;
        tensor("norm", &self.norm, w)?;
        if let Some(head) = &self.head {
            tensor("head", head, self.vocabulary * w)?;
        }
        for (at, layer) in self.layers.iter().enumerate() {
            for (name, values, wanted) in [
                ("attention norm", &layer.attention_norm, w),
                ("query", &layer.query, queries * w),
                ("key", &layer.key, keys * w),
                ("value", &layer.value, keys * w),
                ("output", &layer.output, queries * w),
                ("feed-forward norm", &layer.feed_norm, w),
                ("gate", &layer.gate, inner * w),
                ("up", &layer.up, inner * w),
                ("down", &layer.down, inner * w),
            ] {
                tensor(&format!("{name} of layer {at}"), values, wanted)?;
            }
        }
        if self.frequencies.len() != self.head_width / 2 || self.frequencies.iter().any(|x| !x.is_finite()) {
            return Err(ConvertError::Frequencies {
                found: self.frequencies.len(),
                wanted: self.head_width / 2,
            });
        }
        Ok(())
    }
}

/// A post-norm encoder of the BERT family. Matrices are row by row, a row for each output.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatBert {
    /// Elements of a hidden state.
    pub width: usize,
    /// Heads, each of `width / heads` elements.
    pub heads: usize,
    /// Elements between the two halves of a feed-forward layer.
    pub inner: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Positions that have embeddings.
    pub context: usize,
    /// Added to the variance in norms.
    pub epsilon: f64,
    /// `[vocabulary, width]`.
    pub embedding: Vec<f32>,
    /// `[context, width]`.
    pub positions: Vec<f32>,
    /// Of the only segment that texts have, `[width]`.
    pub segment: Vec<f32>,
    /// After the embedding.
    pub embedding_norm: FloatNorm,
    /// Layers in order.
    pub layers: Vec<FloatBertLayer>,
}

/// Gain and bias of a layer norm, `[width]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNorm {
    /// Gain.
    pub gain: Vec<f32>,
    /// Bias.
    pub bias: Vec<f32>,
}

/// A matrix and the biases of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLinear {
    /// `[outputs, inputs]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// A layer of [`FloatBert`].
#[derive(Clone, Debug, PartialEq)]
pub struct FloatBertLayer {
    /// `[width, width]`.
    pub query: FloatLinear,
    /// `[width, width]`.
    pub key: FloatLinear,
    /// `[width, width]`.
    pub value: FloatLinear,
    /// `[width, width]`.
    pub output: FloatLinear,
    /// After the attention.
    pub output_norm: FloatNorm,
    /// `[inner, width]`.
    pub up: FloatLinear,
    /// `[width, inner]`.
    pub down: FloatLinear,
    /// After the feed-forward layer.
    pub down_norm: FloatNorm,
}

impl FloatBert {
    /// Checks that every tensor has as many elements as the sizes say, all of them finite.
    pub(super) fn check(&self) -> Result<(), ConvertError> {
        let (w, inner) = (self.width, self.inner);
        let norm = |name: &str, norm: &FloatNorm| {
            tensor(&format!("gain of the {name} norm"), &norm.gain, w)?;
            tensor(&format!("bias of the {name} norm"), &norm.bias, w)
        };
        tensor("embedding", &self.embedding, self.vocabulary * w)?;
        tensor("positions", &self.positions, self.context * w)?;
        tensor("segment", &self.segment, w)?;
        norm("embedding", &self.embedding_norm)?;
        for (at, layer) in self.layers.iter().enumerate() {
            for (name, linear, outputs, inputs) in [
                ("query", &layer.query, w, w),
                ("key", &layer.key, w, w),
                ("value", &layer.value, w, w),
                ("output", &layer.output, w, w),
                ("up", &layer.up, inner, w),
                ("down", &layer.down, w, inner),
            ] {
                tensor(&format!("{name} of layer {at}"), &linear.weights, outputs * inputs)?;
                tensor(&format!("bias of {name} of layer {at}"), &linear.bias, outputs)?;
            }
            norm(&format!("attention (layer {at})"), &layer.output_norm)?;
            norm(&format!("feed-forward (layer {at})"), &layer.down_norm)?;
        }
        Ok(())
    }
}

fn tensor(name: &str, values: &[f32], wanted: usize) -> Result<(), ConvertError> {
    if values.len() != wanted {
        return Err(ConvertError::Size {
            tensor: name.to_owned(),
            found: values.len(),
            wanted,
        });
    }
    if values.iter().any(|x| !x.is_finite()) {
        return Err(ConvertError::NotFinite {
            tensor: name.to_owned(),
        });
    }
    Ok(())
}

/// Rotary frequencies of the pairs of a head, in radians a position: `base^(-2i / rotated) / divisor`, and zero for pairs beyond the
/// `rotated` elements. `divisors` is one for each rotated pair, or none at all.
pub fn frequencies(base: f64, rotated: usize, head_width: usize, divisors: &[f64]) -> Vec<f64> {
    let each = (0..head_width / 2).map(|pair| {
        if pair >= rotated / 2 {
            return 0.0;
        }
        pow(base, -2.0 * pair as f64 / rotated as f64) / divisors.get(pair).copied().unwrap_or(1.0)
    });
    each.collect()
}

/// Sines and cosines of the pairs of a head at a position.
pub(super) fn angles(frequencies: &[f64], position: usize) -> impl Iterator<Item = (f64, f64)> {
    frequencies
        .iter()
        .map(move |frequency| sin_cos(position as f64 * frequency))
}
