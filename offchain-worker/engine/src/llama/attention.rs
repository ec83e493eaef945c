//! Grouped-query attention over the cached positions.

use burn::tensor::activation::softmax;
use burn::tensor::{Device as TensorDevice, Tensor, TensorData};

use super::LlamaConfig;
use super::cache::KeyValueCache;
use super::rotary::Rotation;
use super::weights::Loader;
use crate::linear::Linear;
use crate::model_error::ModelError;

/// Stands for minus infinity in masks: `exp` of it is 0 all the same, and unlike infinity every GPU handles it.
const HIDDEN: f32 = -1e30;

/// The attention of one layer.
pub(super) struct Attention {
    /// Query, key and value projections, one under the other.
    query_key_value: Linear,
    output: Linear,
    heads: usize,
    kv_heads: usize,
    head_width: usize,
}

impl Attention {
    pub(super) fn load(loader: &mut Loader<'_>, config: &LlamaConfig, layer: usize) -> Result<Self, ModelError> {
        let name = |part: &str| format!("blk.{layer}.attn_{part}.weight");
        let queries = config.heads * config.head_width;
        let keys = config.kv_heads * config.head_width;
        Ok(Self {
            query_key_value: loader.linear(&[
                (&name("q"), queries, config.width),
                (&name("k"), keys, config.width),
                (&name("v"), keys, config.width),
            ])?,
            output: loader.linear(&[(&name("output"), config.width, queries)])?,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_width: config.head_width,
        })
    }

    /// `x` `[tokens, width]` at the positions that follow the cached ones, to the same shape.
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        cache: &mut KeyValueCache,
        rotation: &Rotation,
    ) -> Result<Tensor<2>, ModelError> {
        let tokens = x.dims()[0];
        let device = x.device();
        let (heads, kv_heads, width) = (self.heads, self.kv_heads, self.head_width);
        let group = heads / kv_heads;

        let projected = self.query_key_value.forward(x)?;
        let projected = projected.reshape([tokens, heads + 2 * kv_heads, width]);
        let rotated = rotation.apply(projected.clone().narrow(1, 0, heads + kv_heads));
        let queries = rotated.clone().narrow(1, 0, heads);
        let keys = rotated.narrow(1, heads, kv_heads).swap_dims(0, 1);
        let values = projected.narrow(1, heads + kv_heads, kv_heads).swap_dims(0, 1);
        let start = cache.len();
        let [keys, values] = cache.append(layer, keys, values);
        let seen = start + tokens;

        // The query heads that share a key head become rows of one matrix.
        let queries = queries
            .reshape([tokens, kv_heads, group, width])
            .permute([1, 2, 0, 3])
            .reshape([kv_heads, group * tokens, width]);
        let scores = queries.matmul(keys.transpose()).div_scalar((width as f32).sqrt());
        let scores = if tokens == 1 {
            scores
        } else {
            scores
                .reshape([kv_heads, group, tokens, seen])
                .add(causal_mask(start, tokens, &device))
                .reshape([kv_heads, group * tokens, seen])
        };
        let context = softmax(scores, 2)
            .matmul(values)
            .reshape([kv_heads, group, tokens, width])
            .permute([2, 0, 1, 3])
            .reshape([tokens, heads * width]);
        self.output.forward(context)
    }
}

/// `[1, 1, tokens, start + tokens]`: 0 where a token may look, [`HIDDEN`] where the position lies after it.
fn causal_mask(start: usize, tokens: usize, device: &TensorDevice) -> Tensor<4> {
    let seen = start + tokens;
    let mask: Vec<f32> = (0..tokens)
        .flat_map(|token| (0..seen).map(move |position| if position <= start + token { 0.0 } else { HIDDEN }))
        .collect();
    Tensor::from_data(TensorData::new(mask, [1, 1, tokens, seen]), device)
}
