//! Float models as the exact converter takes them, from GGUF files and from directories of Hugging Face.

use std::collections::HashSet;

use safetensors::tensor::Dtype;
use safetensors::{SafeTensorError, SafeTensors};
use weft_exact_engine::convert::{
    FloatBert, FloatBertLayer, FloatLinear, FloatLlama, FloatLlamaLayer, FloatNorm, Pairs, frequencies,
};

use crate::bert::{BertConfig, ModelFiles};
use crate::gguf::Gguf;
use crate::llama::LlamaConfig;
use crate::model_error::ModelError;
use crate::quant::{GgmlType, dequantize};

/// Factors of rotary frequencies that some files (Llama 3.1 and later) bring.
const FREQUENCY_DIVISORS: &str = "rope_freqs.weight";

/// Reads a model of architecture `llama`, whatever its weights are encoded in.
pub fn llama(gguf: &Gguf) -> Result<FloatLlama, ModelError> {
    let config = LlamaConfig::from_metadata(gguf.metadata())?;
    let mut tensors = Tensors {
        gguf,
        used: HashSet::new(),
    };
    let (width, inner) = (config.width, config.feed_forward);
    let (queries, keys) = (config.heads * config.head_width, config.kv_heads * config.head_width);
    let vocabulary = gguf.tensor("token_embd.weight")?.rows();
    let embedding = tensors.values("token_embd.weight", &[vocabulary, width])?;
    let mut layers = Vec::new();
    for layer in 0..config.layers {
        let mut part = |name: &str, shape: &[usize]| tensors.values(&format!("blk.{layer}.{name}.weight"), shape);
        layers.push(FloatLlamaLayer {
            attention_norm: part("attn_norm", &[width])?,
            query: part("attn_q", &[queries, width])?,
            key: part("attn_k", &[keys, width])?,
            value: part("attn_v", &[keys, width])?,
            output: part("attn_output", &[width, queries])?,
            feed_norm: part("ffn_norm", &[width])?,
            gate: part("ffn_gate", &[inner, width])?,
            up: part("ffn_up", &[inner, width])?,
            down: part("ffn_down", &[width, inner])?,
        });
    }
    let norm = tensors.values("output_norm.weight", &[width])?;
    let optional = |name: &str| gguf.has_tensor(name);
    // Where there is no output matrix the embedding serves twice ("tied").
    let head = match optional("output.weight") {
        true => Some(tensors.values("output.weight", &[vocabulary, width])?),
        false => None,
    };
    let divisors = match optional(FREQUENCY_DIVISORS) {
        true => tensors.values(FREQUENCY_DIVISORS, &[config.rope_width / 2])?,
        false => vec![1.0; config.rope_width / 2],
    };
    tensors.finish()?;
    let scale = f64::from(config.rope_scale);
    let divisors: Vec<f64> = divisors.into_iter().map(|divisor| f64::from(divisor) * scale).collect();
    Ok(FloatLlama {
        width,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_width: config.head_width,
        inner,
        vocabulary,
        context: config.context,
        epsilon: f64::from(config.norm_epsilon),
        pairs: Pairs::Neighbours,
        frequencies: frequencies(
            f64::from(config.rope_base),
            config.rope_width,
            config.head_width,
            &divisors,
        ),
        embedding,
        layers,
        norm,
        head,
    })
}

/// Tensors of a GGUF file, and which of them were read: none may be left out of the computation in silence.
struct Tensors<'a> {
    gguf: &'a Gguf,
    used: HashSet<String>,
}

impl Tensors<'_> {
    /// All elements of a tensor of shape `expected`, the last dimension contiguous.
    fn values(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, ModelError> {
        let tensor = self.gguf.tensor(name)?;
        let mut found = tensor.dimensions.clone();
        found.reverse();
        if found != expected {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found,
                expected: expected.to_vec(),
            });
        }
        self.used.insert(name.to_owned());
        let columns = tensor.columns();
        let row_bytes = tensor.encoding.row_bytes(columns)?;
        // The file's parser checked that it holds so many bytes, so that nothing larger is allocated than it brings.
        let mut values = vec![0.0; expected.iter().product()];
        let rows = self.gguf.bytes_of(tensor).chunks_exact(row_bytes.max(1));
        for (row, values) in rows.zip(values.chunks_exact_mut(columns.max(1))) {
            dequantize(tensor.encoding, row, values);
        }
        Ok(values)
    }

    fn finish(self) -> Result<(), ModelError> {
        match self
            .gguf
            .tensors()
            .iter()
            .find(|tensor| !self.used.contains(&tensor.name))
        {
            Some(tensor) => Err(ModelError::UnexpectedTensor {
                name: tensor.name.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// Reads a sentence encoder of the BERT family.
pub fn bert(files: &ModelFiles) -> Result<FloatBert, ModelError> {
    let config = BertConfig::from_files(files)?;
    check_pooling(files)?;
    let name = "model.safetensors";
    let bytes = files.get(name).ok_or_else(|| ModelError::File {
        name: name.to_owned(),
        problem: "there is no such file".to_owned(),
    })?;
    let tensors = Checkpoint(SafeTensors::deserialize(bytes)?);
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let table = |name: &str, rows| tensors.values(&format!("embeddings.{name}_embeddings.weight"), &[rows, width]);
    let mut layers = Vec::new();
    for layer in 0..config.num_hidden_layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        layers.push(FloatBertLayer {
            query: tensors.linear(&name("attention.self.query"), width, width)?,
            key: tensors.linear(&name("attention.self.key"), width, width)?,
            value: tensors.linear(&name("attention.self.value"), width, width)?,
            output: tensors.linear(&name("attention.output.dense"), width, width)?,
            output_norm: tensors.norm(&name("attention.output.LayerNorm"), width)?,
            up: tensors.linear(&name("intermediate.dense"), inner, width)?,
            down: tensors.linear(&name("output.dense"), width, inner)?,
            down_norm: tensors.norm(&name("output.LayerNorm"), width)?,
        });
    }
    let segments = table("token_type", config.type_vocab_size)?;
    Ok(FloatBert {
        width,
        heads: config.num_attention_heads,
        inner,
        vocabulary: config.vocab_size,
        context: config.max_position_embeddings,
        epsilon: f64::from(config.layer_norm_eps),
        embedding: table("word", config.vocab_size)?,
        positions: table("position", config.max_position_embeddings)?,
        // A sentence on its own is all of the first segment.
        segment: segments.into_iter().take(width).collect(),
        embedding_norm: tensors.norm("embeddings.LayerNorm", width)?,
        layers,
    })
}

/// Checks that the model pools by the mean, which is what is computed.
fn check_pooling(files: &ModelFiles) -> Result<(), ModelError> {
    const NAME: &str = "1_Pooling/config.json";
    #[derive(serde::Deserialize)]
    struct Pooling {
        #[serde(default)]
        pooling_mode_mean_tokens: bool,
    }
    let Some(bytes) = files.get(NAME) else {
        return Ok(());
    };
    let pooling: Pooling = serde_json::from_slice(bytes).map_err(|error| ModelError::File {
        name: NAME.to_owned(),
        problem: error.to_string(),
    })?;
    match pooling.pooling_mode_mean_tokens {
        true => Ok(()),
        false => Err(ModelError::UnsupportedFeature {
            feature: "a pooling other than the mean of tokens".to_owned(),
        }),
    }
}

/// Tensors of a checkpoint. Those saved from a model with a head carry `bert.` before every name.
struct Checkpoint<'a>(SafeTensors<'a>);

impl Checkpoint<'_> {
    fn values(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, ModelError> {
        let view = match self.0.tensor(name) {
            Err(SafeTensorError::TensorNotFound(_)) => self.0.tensor(&format!("bert.{name}"))?,
            found => found?,
        };
        if view.shape() != expected {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found: view.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let encoding = match view.dtype() {
            Dtype::F32 => GgmlType::F32,
            Dtype::F16 => GgmlType::F16,
            Dtype::BF16 => GgmlType::BF16,
            other => {
                return Err(ModelError::UnsupportedFeature {
                    feature: format!("the encoding {other:?} of tensor `{name}`"),
                });
            }
        };
        let mut values = vec![0.0; expected.iter().product()];
        dequantize(encoding, view.data(), &mut values);
        Ok(values)
    }

    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Result<FloatLinear, ModelError> {
        Ok(FloatLinear {
            weights: self.values(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.values(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn norm(&self, name: &str, width: usize) -> Result<FloatNorm, ModelError> {
        Ok(FloatNorm {
            gain: self.values(&format!("{name}.weight"), &[width])?,
            bias: self.values(&format!("{name}.bias"), &[width])?,
        })
    }
}
