//! BERT-family encoders as sentence embedders: the mean of the last layer's states, scaled to length 1.
//!
//! Sources: Devlin et al., "BERT", 2019; Reimers and Gurevych, "Sentence-BERT", 2019; tensor names and file layout of
//! Hugging Face `transformers` and `sentence-transformers`.

mod config;
mod files;
mod weights;

pub use config::BertConfig;
pub(crate) use config::{lowercases, max_tokens};
pub use files::ModelFiles;

use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Tensor, TensorData};

use crate::device::OpenDevice;
use crate::linear::{Linear, WeightFormat};
use crate::model_error::ModelError;
use crate::tokenizer::TokenizedText;
use weights::Loader;

/// Stands for minus infinity in masks, as every GPU handles it.
const HIDDEN: f32 = -1e30;

/// A BERT-family encoder.
pub struct Bert {
    config: BertConfig,
    max_tokens: usize,
    device: OpenDevice,
    words: Table,
    positions: Table,
    segments: Table,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
}

/// Embeddings kept on the host, where their rows are looked up and added.
struct Table {
    values: Vec<f32>,
    width: usize,
}

impl Table {
    fn add_row(&self, row: usize, to: &mut [f32]) -> Result<(), ModelError> {
        let values = self
            .values
            .chunks_exact(self.width)
            .nth(row)
            .ok_or(ModelError::NoSuchRow {
                row,
                rows: self.values.len() / self.width,
            })?;
        for (sum, value) in to.iter_mut().zip(values) {
            *sum += value;
        }
        Ok(())
    }
}

struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    output_norm: LayerNorm,
}

impl Bert {
    pub(crate) fn load(files: &ModelFiles, device: &OpenDevice, format: WeightFormat) -> Result<Self, ModelError> {
        let config = BertConfig::from_files(files)?;
        config::check_pooling(files)?;
        let max_tokens = config.max_tokens(files)?;
        let loader = Loader::new(files.require("model.safetensors")?, device, format)?;
        let width = config.hidden_size;
        let table = |name: &str, rows: usize| -> Result<Table, ModelError> {
            let name = format!("embeddings.{name}_embeddings.weight");
            let values = loader.values(&name, &[rows, width])?;
            Ok(Table { values, width })
        };
        Ok(Self {
            words: table("word", config.vocab_size)?,
            positions: table("position", config.max_position_embeddings)?,
            segments: table("token_type", config.type_vocab_size)?,
            embedding_norm: LayerNorm::load(&loader, "embeddings.LayerNorm", &config)?,
            layers: (0..config.num_hidden_layers)
                .map(|layer| Layer::load(&loader, &config, layer))
                .collect::<Result<_, _>>()?,
            max_tokens,
            device: device.clone(),
            config,
        })
    }

    /// Sizes of the model.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The longest sequence in tokens.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// One embedding of length 1 for each text; shorter ones are padded, which does not change their embeddings.
    pub(crate) fn embed(&self, texts: &[TokenizedText]) -> Result<Vec<Vec<f32>>, ModelError> {
        let longest = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        if longest == 0 {
            return Ok(vec![vec![0.0; self.config.hidden_size]; texts.len()]);
        }
        let pooled = self.device.run(|| self.pool(texts, longest))?;
        Ok(pooled.chunks_exact(self.config.hidden_size).map(unit).collect())
    }

    /// Means over the tokens of each text, one after another.
    fn pool(&self, texts: &[TokenizedText], longest: usize) -> Result<Vec<f32>, ModelError> {
        let (count, width) = (texts.len(), self.config.hidden_size);
        let device = &self.device.tensors;
        let mut rows = vec![0.0; count * longest * width];
        let mut hidden = vec![HIDDEN; count * longest];
        // Weight of each token in the mean: 1 / tokens, 0 for padding.
        let mut shares = vec![0.0; count * longest];
        for (index, text) in texts.iter().enumerate() {
            let share = 1.0 / text.ids.len().max(1) as f32;
            for (position, (id, segment)) in text.ids.iter().zip(&text.type_ids).enumerate() {
                let at = index * longest + position;
                if let Some(row) = rows.get_mut(at * width..(at + 1) * width) {
                    self.words.add_row(*id as usize, row)?;
                    self.positions.add_row(position, row)?;
                    self.segments.add_row(*segment as usize, row)?;
                }
                if let (Some(hidden), Some(slot)) = (hidden.get_mut(at), shares.get_mut(at)) {
                    *hidden = 0.0;
                    *slot = share;
                }
            }
        }
        let rows = TensorData::new(rows, [count * longest, width]);
        let mask = TensorData::new(hidden, [count, 1, 1, longest]);
        let mask = Tensor::<4>::from_data(mask, device);
        let shares = TensorData::new(shares, [count, 1, longest]);
        let shares = Tensor::<3>::from_data(shares, device);

        let mut x = self.embedding_norm.forward(Tensor::from_data(rows, device));
        for layer in &self.layers {
            x = layer.forward(x, &mask, self.config.num_attention_heads)?;
        }
        let states = x.reshape([count, longest, width]);
        let means = shares.matmul(states);
        Ok(means.try_into_vec_as::<f32>()?)
    }
}

/// `vector` scaled to length 1 (a zero vector stays one).
fn unit(vector: &[f32]) -> Vec<f32> {
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let length = square.sqrt().max(1e-12);
    vector.iter().map(|x| (f64::from(*x) / length) as f32).collect()
}

impl Layer {
    fn load(loader: &Loader<'_>, config: &BertConfig, layer: usize) -> Result<Self, ModelError> {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let [query, key, value] = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Self {
            query_key_value: loader.linear(&[&query, &key, &value], width, width)?,
            attention_output: loader.linear(&[&name("attention.output.dense")], width, width)?,
            attention_norm: LayerNorm::load(loader, &name("attention.output.LayerNorm"), config)?,
            inner: loader.linear(&[&name("intermediate.dense")], inner, width)?,
            outer: loader.linear(&[&name("output.dense")], width, inner)?,
            output_norm: LayerNorm::load(loader, &name("output.LayerNorm"), config)?,
        })
    }

    /// `x` `[texts * tokens, width]` to the same shape; `mask` `[texts, 1, 1, tokens]` is added to scores.
    fn forward(&self, x: Tensor<2>, mask: &Tensor<4>, heads: usize) -> Result<Tensor<2>, ModelError> {
        let [count, _, _, tokens] = mask.dims();
        let width = x.dims()[1];
        let head_width = width / heads;
        let projected = self
            .query_key_value
            .forward(x.clone())?
            .reshape([count, tokens, 3, heads, head_width]);
        let [queries, keys, values] = [0, 1, 2].map(|part| {
            projected
                .clone()
                .narrow(2, part, 1)
                .reshape([count, tokens, heads, head_width])
                .swap_dims(1, 2)
        });
        let scores = queries
            .matmul(keys.transpose())
            .div_scalar((head_width as f32).sqrt())
            .add(mask.clone());
        let context = softmax(scores, 3)
            .matmul(values)
            .swap_dims(1, 2)
            .reshape([count * tokens, width]);
        let attended = self.attention_output.forward(context)?;
        let x = self.attention_norm.forward(x.add(attended));
        let inner = gelu(self.inner.forward(x.clone())?);
        Ok(self.output_norm.forward(x.add(self.outer.forward(inner)?)))
    }
}

/// Layer normalisation with gain and bias (Ba et al., 2016).
struct LayerNorm {
    gain: Tensor<2>,
    bias: Tensor<2>,
    epsilon: f32,
}

impl LayerNorm {
    fn load(loader: &Loader<'_>, name: &str, config: &BertConfig) -> Result<Self, ModelError> {
        Ok(Self {
            gain: loader.row(&format!("{name}.weight"), config.hidden_size)?,
            bias: loader.row(&format!("{name}.bias"), config.hidden_size)?,
            epsilon: config.layer_norm_eps,
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let centred = x.clone().sub(x.mean_dim(1));
        let variance = centred.clone().square().mean_dim(1);
        let root = variance.add_scalar(self.epsilon).sqrt();
        centred.div(root).mul(self.gain.clone()).add(self.bias.clone())
    }
}
