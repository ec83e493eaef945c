//! A Llama without gains, its residual stream turned: what is rounded to integers.

use super::{
    ConvertError, Progress, Stage,
    rotation::Rotation,
    source::{FloatLlama, Pairs},
};

/// A Llama whose norms have no gains and whose weights lie as exact ones do; pairs of a head are half a head apart. Everything row by
/// row, a row for each output.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
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
    /// Added to the mean square in norms.
    pub epsilon: f32,
    /// In radians a position.
    pub frequencies: Vec<f64>,
    /// `[vocabulary, width]`.
    pub embedding: Vec<f32>,
    /// Layers in order.
    pub layers: Vec<FoldedLayer>,
    /// `[vocabulary, width]`.
    pub head: Vec<f32>,
}

/// A layer of [`Folded`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldedLayer {
    /// Queries, keys and values: `[(heads + 2 kv_heads) * head_width, width]`.
    pub query_key_value: Vec<f32>,
    /// `[width, heads * head_width]`.
    pub output: Vec<f32>,
    /// Gates in even rows, their other factors in odd ones: `[2 inner, width]`.
    pub up: Vec<f32>,
    /// `[width, inner]`.
    pub down: Vec<f32>,
}

impl Folded {
    /// Folds gains into the weights that follow, and turns the residual stream if there is a rotation.
    ///
    /// # Errors
    /// If a tensor does not have the size that `source` says, or is not finite.
    pub fn of(
        source: FloatLlama,
        rotation: Option<&Rotation>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, ConvertError> {
        source.check()?;
        let FloatLlama {
            width,
            heads,
            kv_heads,
            head_width,
            inner,
            ..
        } = source;
        let inputs = |rows: Vec<f32>| rotation.map_or_else(|| rows.clone(), |rotation| rotation.inputs(&rows));
        let outputs = |rows: Vec<f32>, columns: usize| {
            rotation.map_or_else(|| rows.clone(), |rotation| rotation.outputs(&rows, columns))
        };
        let total = source.layers.len();
        let mut layers = Vec::with_capacity(total);
        for (done, layer) in source.layers.into_iter().enumerate() {
            progress(Progress {
                stage: Stage::Folding,
                done,
                total,
            });
            let mut rows = halves(layer.query, head_width, width, source.pairs);
            rows.extend(halves(layer.key, head_width, width, source.pairs));
            rows.extend(layer.value);
            scale_columns(&mut rows, &layer.attention_norm);
            let pairs = layer.gate.chunks(width).zip(layer.up.chunks(width));
            let mut both: Vec<f32> = pairs.flat_map(|(gate, up)| gate.iter().chain(up)).copied().collect();
            scale_columns(&mut both, &layer.feed_norm);
            layers.push(FoldedLayer {
                query_key_value: inputs(rows),
                output: outputs(layer.output, heads * head_width),
                up: inputs(both),
                down: outputs(layer.down, inner),
            });
        }
        let mut head = source.head.unwrap_or_else(|| source.embedding.clone());
        scale_columns(&mut head, &source.norm);
        let folded = Self {
            width,
            heads,
            kv_heads,
            head_width,
            inner,
            epsilon: source.epsilon as f32,
            frequencies: source.frequencies,
            embedding: inputs(source.embedding),
            layers,
            head: inputs(head),
        };
        progress(Progress {
            stage: Stage::Folding,
            done: total,
            total,
        });
        Ok(folded)
    }

    /// Tokens.
    pub fn vocabulary(&self) -> usize {
        self.embedding.len() / self.width.max(1)
    }
}

/// Multiplies column `i` by `gains[i]`.
fn scale_columns(rows: &mut [f32], gains: &[f32]) {
    for row in rows.chunks_mut(gains.len().max(1)) {
        row.iter_mut().zip(gains).for_each(|(x, gain)| *x *= gain);
    }
}

/// Rows of heads, so that those of a pair are half a head apart.
fn halves(rows: Vec<f32>, head_width: usize, width: usize, pairs: Pairs) -> Vec<f32> {
    if pairs == Pairs::Halves {
        return rows;
    }
    let head = |head: &[f32]| -> Vec<f32> {
        let even = head.chunks(width).step_by(2);
        let odd = head.chunks(width).skip(1).step_by(2);
        even.chain(odd).flatten().copied().collect()
    };
    rows.chunks(head_width * width).flat_map(head).collect()
}
