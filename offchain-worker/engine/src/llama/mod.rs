//! The Llama family: decoder-only transformers with RMSNorm, rotary positions, grouped-query attention and SwiGLU.
//!
//! Sources: Touvron et al., "LLaMA", 2023; Su et al., "RoFormer", 2021; Ainslie et al., "GQA", 2023; Shazeer, "GLU
//! Variants Improve Transformer", 2020; tensor names and row order as in GGUF files of architecture `llama`.

mod attention;
mod cache;
mod config;
mod positions;
mod rotary;
mod weights;

pub use config::LlamaConfig;

use burn::tensor::activation::silu;
use burn::tensor::{Tensor, TensorData};

use crate::device::OpenDevice;
use crate::gguf::Gguf;
use crate::linear::{Linear, WeightFormat};
use crate::model_error::ModelError;
use crate::stored::StoredMatrix;
use attention::Attention;
use cache::KeyValueCache;
use positions::Positions;
use rotary::Rotary;
use weights::Loader;

/// Tokens computed at once of a long prompt. Attention scores take `heads * block * context` floats: 75 MB for nine heads
/// at 8,192 positions.
const PROMPT_BLOCK: usize = 256;

/// A Llama-family model with the state of one sequence.
pub struct Llama {
    config: LlamaConfig,
    device: OpenDevice,
    embedding: std::sync::Arc<[StoredMatrix]>,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Linear,
    rotary: Rotary,
    cache: KeyValueCache,
    prompt_block: usize,
}

/// One layer: attention and feed-forward, each behind a norm and beside a shortcut.
struct Block {
    attention_norm: RmsNorm,
    attention: Attention,
    feed_forward_norm: RmsNorm,
    /// Gate and up projections, one under the other.
    gate_up: Linear,
    down: Linear,
}

impl Llama {
    /// Reads the model from a parsed file. The file can be dropped afterwards.
    pub(crate) fn load(gguf: &Gguf, device: &OpenDevice, format: WeightFormat) -> Result<Self, ModelError> {
        let config = LlamaConfig::from_metadata(gguf.metadata())?;
        let mut loader = Loader::new(gguf, device, format);
        let width = config.width;
        let vocabulary = loader.rows_of("token_embd.weight")?;
        if vocabulary == 0 {
            return Err(ModelError::Configuration {
                problem: "the vocabulary is empty".to_owned(),
            });
        }
        let embedding = loader.matrices(&[("token_embd.weight", vocabulary, width)])?;
        let blocks = (0..config.layers)
            .map(|layer| Block::load(&mut loader, &config, layer))
            .collect::<Result<_, _>>()?;
        let norm = RmsNorm::load(&mut loader, "output_norm.weight", &config)?;
        // Where there is no output matrix the embedding serves twice ("tied").
        let head = if gguf.has_tensor("output.weight") {
            loader.linear(&[("output.weight", vocabulary, width)])?
        } else {
            Linear::new(embedding.clone(), None, device, format)
        };
        let rotary = Rotary::new(&config, loader.frequency_divisors(&config)?);
        loader.finish()?;
        Ok(Self {
            cache: KeyValueCache::new(&config, device),
            config,
            device: device.clone(),
            embedding,
            blocks,
            norm,
            head,
            rotary,
            prompt_block: PROMPT_BLOCK,
        })
    }

    /// Sizes of the model.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Positions that the state holds.
    pub fn position(&self) -> usize {
        self.cache.len()
    }

    /// Forgets the sequence.
    pub fn reset(&mut self) {
        self.cache = KeyValueCache::new(&self.config, &self.device);
    }

    /// Tokens computed at once by [`Self::advance`]; results do not depend on it beyond rounding.
    pub fn set_prompt_block(&mut self, tokens: usize) {
        self.prompt_block = tokens.max(1);
    }

    /// Appends `tokens` to the sequence and returns the logits after the last of them, one for each token of the
    /// vocabulary; none for no tokens.
    ///
    /// # Errors
    /// Where the sequence would be longer than the model's context, a token is unknown, or the device fails. The state is
    /// then that of the tokens computed so far.
    pub fn advance(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check_room(tokens.len())?;
        let mut last = None;
        for block in tokens.chunks(self.prompt_block) {
            let device = self.device.clone();
            let hidden = device.run(|| self.hidden(block))?;
            last = Some(hidden.narrow(0, block.len() - 1, 1));
        }
        match last {
            Some(last) => self.logits(last),
            None => Ok(Vec::new()),
        }
    }

    /// The same with the logits after each of the tokens.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn advance_all(&mut self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.check_room(tokens.len())?;
        let mut all = Vec::with_capacity(tokens.len());
        for block in tokens.chunks(self.prompt_block) {
            let device = self.device.clone();
            let hidden = device.run(|| self.hidden(block))?;
            let logits = self.logits(hidden)?;
            all.extend(logits.chunks(logits.len() / block.len()).map(<[f32]>::to_vec));
        }
        Ok(all)
    }

    fn check_room(&self, tokens: usize) -> Result<(), ModelError> {
        let needed = self.position().saturating_add(tokens);
        if needed > self.config.context {
            return Err(ModelError::TooLong {
                needed,
                available: self.config.context,
            });
        }
        Ok(())
    }

    /// Logits after hidden states `[tokens, width]`, one row after the other.
    fn logits(&self, hidden: Tensor<2>) -> Result<Vec<f32>, ModelError> {
        let (norm, head) = (&self.norm, &self.head);
        self.device.run(|| {
            let logits = head.forward(norm.forward(hidden))?;
            Ok(logits.try_into_vec_as::<f32>()?)
        })
    }

    /// Runs one block of tokens through the layers; their hidden states `[tokens, width]`, before the last norm.
    fn hidden(&mut self, tokens: &[u32]) -> Result<Tensor<2>, ModelError> {
        let count = tokens.len();
        let mut x = self.embed(tokens)?;
        let positions = Positions::new(&self.rotary, self.cache.len(), count, &self.device);
        self.cache.reserve(count);
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, layer, &mut self.cache, &positions)?;
        }
        self.cache.advance(count);
        Ok(x)
    }

    /// Embeddings of `tokens`, `[tokens, width]`. Looked up on the host: a few rows are cheaper to send than the whole
    /// matrix is to hold on a GPU a second time.
    fn embed(&self, tokens: &[u32]) -> Result<Tensor<2>, ModelError> {
        let width = self.config.width;
        let mut rows = vec![0.0; tokens.len() * width];
        for (token, row) in tokens.iter().zip(rows.chunks_exact_mut(width)) {
            for matrix in self.embedding.iter() {
                matrix.expand_row(*token as usize, row)?;
            }
        }
        let rows = TensorData::new(rows, [tokens.len(), width]);
        Ok(Tensor::from_data(rows, &self.device.tensors))
    }
}

impl Block {
    fn load(loader: &mut Loader<'_>, config: &LlamaConfig, layer: usize) -> Result<Self, ModelError> {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let (width, inner) = (config.width, config.feed_forward);
        Ok(Self {
            attention_norm: RmsNorm::load(loader, &name("attn_norm"), config)?,
            attention: Attention::load(loader, config, layer)?,
            feed_forward_norm: RmsNorm::load(loader, &name("ffn_norm"), config)?,
            gate_up: loader.linear(&[(&name("ffn_gate"), inner, width), (&name("ffn_up"), inner, width)])?,
            down: loader.linear(&[(&name("ffn_down"), width, inner)])?,
        })
    }

    fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        cache: &mut KeyValueCache,
        positions: &Positions,
    ) -> Result<Tensor<2>, ModelError> {
        let normed = self.attention_norm.forward(x.clone());
        let x = x.add(self.attention.forward(normed, layer, cache, positions)?);
        let normed = self.feed_forward_norm.forward(x.clone());
        let [gate, up] = halves(self.gate_up.forward(normed)?);
        Ok(x.add(self.down.forward(silu(gate).mul(up))?))
    }
}

/// Left and right half of the columns.
fn halves(both: Tensor<2>) -> [Tensor<2>; 2] {
    let half = both.dims()[1] / 2;
    [both.clone().narrow(1, 0, half), both.narrow(1, half, half)]
}

/// Root-mean-square normalisation with a learned gain (Zhang and Sennrich, 2019).
struct RmsNorm {
    gain: Tensor<2>,
    epsilon: f32,
}

impl RmsNorm {
    fn load(loader: &mut Loader<'_>, name: &str, config: &LlamaConfig) -> Result<Self, ModelError> {
        Ok(Self {
            gain: loader.vector(name, config.width)?,
            epsilon: config.norm_epsilon,
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mean = x.clone().square().mean_dim(1);
        let root = mean.add_scalar(self.epsilon).sqrt();
        x.div(root).mul(self.gain.clone())
    }
}
