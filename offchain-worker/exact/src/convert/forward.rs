//! The folded model in floats: what calibration measures, and what writes its text.

use rayon::prelude::*;

use super::{
    Folded, FoldedLayer,
    curves::{softmax, swiglu},
    product::{add_gram, add_rows, dot, product, tiles},
    rotation::transpose,
    source::angles,
};

/// Tokens whose inputs are added to Gram matrices at a time.
const GRAM_TOKENS: usize = 512;

/// Tokens of one sequence that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which sequence.
    pub sequence: usize,
    /// Position of the first token.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Queries that meet the keys together.
const QUERIES: usize = 16;

/// Keys and values of one layer.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// For each sequence, for each head.
    heads: Vec<Vec<CachedHead>>,
}

/// Keys and values of one head, `[positions, head_width]` each.
#[derive(Clone, Debug, Default)]
struct CachedHead {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Cache {
    /// Of `sequences` empty sequences.
    pub fn new(model: &Folded, sequences: usize) -> Self {
        Self {
            heads: vec![vec![CachedHead::default(); model.kv_heads]; sequences],
        }
    }
}

/// Gram matrices of the inputs of a layer's products: sums of `x xᵀ` over tokens. Only what lies on the diagonal or left of it
/// counts.
pub struct Inputs {
    /// `[width, width]`.
    pub query_key_value: Vec<f64>,
    /// `[heads * head_width, heads * head_width]`.
    pub output: Vec<f64>,
    /// `[width, width]`.
    pub up: Vec<f64>,
    /// `[inner, inner]`.
    pub down: Vec<f64>,
}

impl Inputs {
    /// Of no tokens.
    pub fn new(model: &Folded) -> Self {
        let square = |n: usize| vec![0.0; n * n];
        Self {
            query_key_value: square(model.width),
            output: square(model.heads * model.head_width),
            up: square(model.width),
            down: square(model.inner),
        }
    }
}

/// Adds `x` `[tokens, columns]` to a Gram matrix.
pub fn record(x: &[f32], columns: usize, sums: &mut [f64]) {
    for x in x.chunks(GRAM_TOKENS * columns) {
        add_gram(&transpose(x, columns), x.len() / columns, sums);
    }
}

impl Folded {
    /// Rows of the embedding: `[tokens, width]`. Tokens beyond the vocabulary are left out.
    pub fn embed(&self, tokens: &[u32]) -> Vec<f32> {
        let row = |token: &u32| {
            self.embedding
                .chunks(self.width)
                .nth(*token as usize)
                .unwrap_or_default()
        };
        tokens.iter().flat_map(row).copied().collect()
    }

    /// Takes the hidden states `x` `[tokens, width]` of some spans, one after another, through a layer. `cache` has what came
    /// before and is given what is new; `inputs`, if there are any, what the products were made with.
    pub fn layer(
        &self,
        layer: &FoldedLayer,
        x: &mut [f32],
        spans: &[Span],
        cache: &mut Cache,
        inputs: Option<&mut Inputs>,
    ) {
        let normed = self.normed(x);
        let projected = product(&normed, &layer.query_key_value, self.width);
        let mixed = self.attention(projected, spans, cache);
        let attended = product(&mixed, &layer.output, self.heads * self.head_width);
        add(x, &attended);
        let feed = self.normed(x);
        let both = product(&feed, &layer.up, self.width);
        let mut inner = vec![0.0; both.len() / 2];
        both.par_chunks(2 * self.inner)
            .zip(inner.par_chunks_mut(self.inner))
            .for_each(|(both, inner)| swiglu(both, inner));
        let down = product(&inner, &layer.down, self.inner);
        add(x, &down);
        if let Some(inputs) = inputs {
            record(&normed, self.width, &mut inputs.query_key_value);
            record(&mixed, self.heads * self.head_width, &mut inputs.output);
            record(&feed, self.width, &mut inputs.up);
            record(&inner, self.inner, &mut inputs.down);
        }
    }

    /// Each row over the root of its mean square.
    pub fn normed(&self, x: &[f32]) -> Vec<f32> {
        let mut normed = x.to_vec();
        normed.par_chunks_mut(self.width).for_each(|row| {
            let factor = 1.0 / (dot(row, row) / self.width as f32 + self.epsilon).sqrt();
            row.iter_mut().for_each(|x| *x *= factor);
        });
        normed
    }

    /// Logits of hidden states after the last layer, `[tokens, vocabulary]`.
    pub fn logits(&self, x: &[f32]) -> Vec<f32> {
        product(&self.normed(x), &self.head, self.width)
    }

    /// Logits at every position of a sequence, `[tokens, vocabulary]`.
    pub fn forward(&self, tokens: &[u32]) -> Vec<f32> {
        let mut x = self.embed(tokens);
        let spans = [Span {
            sequence: 0,
            first: 0,
            count: x.len() / self.width,
        }];
        for layer in &self.layers {
            self.layer(layer, &mut x, &spans, &mut Cache::new(self, 1), None);
        }
        self.logits(&x)
    }

    /// From `[tokens, heads + 2 kv_heads, head_width]` to `[tokens, heads * head_width]`.
    fn attention(&self, mut projected: Vec<f32>, spans: &[Span], cache: &mut Cache) -> Vec<f32> {
        let (head_width, kv_width) = (self.head_width, self.kv_heads * self.head_width);
        let (queries, all) = (self.heads * head_width, self.heads * head_width + 2 * kv_width);
        let positions: Vec<usize> = spans
            .iter()
            .flat_map(|span| span.first..span.first + span.count)
            .collect();
        projected
            .par_chunks_mut(all)
            .zip(&positions)
            .for_each(|(row, position)| {
                let turns: Vec<(f32, f32)> = angles(&self.frequencies, *position)
                    .map(|(sine, cosine)| (sine as f32, cosine as f32))
                    .collect();
                for head in row[..queries + kv_width].chunks_mut(head_width) {
                    let (left, right) = head.split_at_mut(head_width / 2);
                    for ((a, b), (sine, cosine)) in left.iter_mut().zip(right).zip(&turns) {
                        (*a, *b) = (*a * cosine - *b * sine, *a * sine + *b * cosine);
                    }
                }
            });
        let mut jobs = Vec::new();
        let mut rest = projected.as_slice();
        for span in spans {
            let (rows, others) = rest.split_at(span.count * all);
            rest = others;
            for row in rows.chunks(all) {
                let (keys, values) = row[queries..].split_at(kv_width);
                let heads = keys.chunks(head_width).zip(values.chunks(head_width));
                for (head, (key, value)) in cache.heads[span.sequence].iter_mut().zip(heads) {
                    head.keys.extend(key);
                    head.values.extend(value);
                }
            }
            let blocks = rows.chunks(QUERIES * all).enumerate();
            jobs.extend(blocks.map(|(at, rows)| (rows, span.sequence, span.first + at * QUERIES)));
        }
        let mixed: Vec<Vec<f32>> = jobs
            .into_par_iter()
            .map(|(rows, sequence, first)| self.attend(rows, first, &cache.heads[sequence]))
            .collect();
        mixed.concat()
    }

    /// Attention of the queries in `rows` `[tokens, heads + 2 kv_heads, head_width]`, the first of them at position `first`.
    fn attend(&self, rows: &[f32], first: usize, cache: &[CachedHead]) -> Vec<f32> {
        let (width, shared) = (self.head_width, self.heads / self.kv_heads);
        let all = (self.heads + 2 * self.kv_heads) * width;
        let tokens = rows.len() / all;
        let seen = first + tokens;
        let factor = 1.0 / (width as f32).sqrt();
        let mut mixed = vec![0.0; tokens * self.heads * width];
        let mut scores = vec![0.0; tokens * shared * seen];
        for (at, head) in cache.iter().enumerate() {
            // The query heads that share a key head are rows of one matrix.
            let own = at * shared * width..(at + 1) * shared * width;
            let queries: Vec<f32> = rows
                .chunks(all)
                .flat_map(|row| &row[own.clone()])
                .map(|x| x * factor)
                .collect();
            tiles(&queries, &head.keys[..seen * width], width, &mut scores);
            for (query, scores) in scores.chunks_mut(seen).enumerate() {
                let token = query / shared;
                let weights = &mut scores[..first + token + 1];
                softmax(weights);
                let to = token * self.heads * width + own.start + query % shared * width;
                add_rows(
                    &mut mixed[to..to + width],
                    weights,
                    &head.values[..weights.len() * width],
                );
            }
        }
        mixed
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
