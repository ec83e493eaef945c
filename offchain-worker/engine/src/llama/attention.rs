//! Grouped-query attention over the cached positions.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use rayon::prelude::*;

use super::LlamaConfig;
use super::cache::KeyValueCache;
use super::positions::Positions;
use super::weights::Loader;
use crate::linear::Linear;
use crate::model_error::ModelError;

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
        positions: &Positions,
    ) -> Result<Tensor<2>, ModelError> {
        let tokens = x.dims()[0];
        let (heads, kv_heads, width) = (self.heads, self.kv_heads, self.head_width);
        let projected = self.query_key_value.forward(x)?;
        let projected = projected.reshape([tokens, heads + 2 * kv_heads, width]);
        let rotated = positions
            .rotation
            .apply(projected.clone().narrow(1, 0, heads + kv_heads));
        let queries = rotated.clone().narrow(1, 0, heads);
        let keys = rotated.narrow(1, heads, kv_heads).swap_dims(0, 1);
        let values = projected.narrow(1, heads + kv_heads, kv_heads).swap_dims(0, 1);
        let start = cache.len();
        let [keys, values] = cache.append(layer, keys, values);

        let context: Vec<Tensor<2>> = positions
            .parts
            .par_iter()
            .map(|part| {
                let seen = start + part.first + part.tokens;
                self.attend(
                    queries.clone().narrow(0, part.first, part.tokens),
                    keys.clone().narrow(1, 0, seen),
                    values.clone().narrow(1, 0, seen),
                    part.mask.clone(),
                )
            })
            .collect();
        self.output.forward(Tensor::cat(context, 0))
    }

    /// Attention of `queries` `[tokens, heads, head width]` over `keys` and `values` `[kv heads, seen, head width]`:
    /// `[tokens, heads * head width]`.
    fn attend(&self, queries: Tensor<3>, keys: Tensor<3>, values: Tensor<3>, mask: Option<Tensor<4>>) -> Tensor<2> {
        let (tokens, seen) = (queries.dims()[0], keys.dims()[1]);
        let (heads, kv_heads, width) = (self.heads, self.kv_heads, self.head_width);
        let group = heads / kv_heads;
        // The query heads that share a key head become rows of one matrix.
        let queries = queries
            .reshape([tokens, kv_heads, group, width])
            .permute([1, 0, 2, 3])
            .reshape([kv_heads, tokens * group, width]);
        let mut scores = queries.matmul(keys.transpose()).div_scalar((width as f32).sqrt());
        if let Some(mask) = mask {
            scores =
                scores
                    .reshape([kv_heads, tokens, group, seen])
                    .add(mask)
                    .reshape([kv_heads, tokens * group, seen]);
        }
        softmax(scores, 2)
            .matmul(values)
            .reshape([kv_heads, tokens, group, width])
            .permute([1, 0, 2, 3])
            .reshape([tokens, heads * width])
    }
}
