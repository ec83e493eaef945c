//! The Llama family in integers: one token after the other, by the reference operators.
//!
//! Learned gains of the norms are part of the weights that follow them; query and key rows are ordered so that elements
//! `2i` and `2i + 1` of a head turn together.

use alloc::vec::Vec;

use crate::{
    activation::swiglu,
    attention::{MAX_CONTEXT, attend},
    fixed::{Fixed, PLACES, Scale, saturate},
    linear::{Matrix, Unfit},
    norm::{MAX_LENGTH, rms_norm},
    quantise::{Quantised, quantise},
    rotary::{Angle, rotate},
};

/// Sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Elements of a hidden state.
    pub width: usize,
    /// Query heads; a multiple of the key and value heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Elements of a head; even.
    pub head_width: usize,
    /// Elements between the two halves of a feed-forward layer.
    pub inner: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Most positions of a sequence.
    pub context: usize,
    /// Of the norms, with [`crate::norm::EPSILON_PLACES`].
    pub epsilon: u64,
    /// `log2(e) / sqrt(head width)`.
    pub to_log2: Scale,
}

/// Weights of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Queries, keys and values, one under the other.
    pub query_key_value: Matrix,
    /// From the heads back to a hidden state.
    pub output: Matrix,
    /// Gate and up projections, one under the other.
    pub gate_up: Matrix,
    /// Back to a hidden state.
    pub down: Matrix,
}

/// A model. What is made by [`Model::new`] fits together, and no token makes its sums overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    config: Config,
    layers: Vec<Layer>,
    /// A row for each token.
    embedding: Matrix,
    /// The same rows times the last norm's gain; a row for each token.
    head: Matrix,
    /// For each position, for each pair of a head.
    angles: Vec<Angle>,
}

/// Why parts are no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoModel {
    /// A size is zero, too large, or does not go with another.
    Config,
    /// There are not as many angles as positions and pairs.
    Angles,
    /// A matrix has other sizes than the configuration says, or could overflow.
    Weights {
        /// The layer; `None` for the embedding and the head.
        layer: Option<usize>,
        /// Which of its matrices, in the order of the fields.
        matrix: usize,
        /// What is wrong with it.
        unfit: Unfit,
    },
}

/// Why a token cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStep {
    /// There is no such token.
    UnknownToken(u32),
    /// The sequence is as long as the context.
    ContextFull,
}

/// The keys and values of a sequence: for each layer, for each head, for each position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    position: usize,
    keys: Vec<Vec<Vec<Quantised>>>,
    values: Vec<Vec<Vec<Quantised>>>,
}

impl Sequence {
    /// Tokens so far.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl Config {
    fn check(&self) -> Result<(), NoModel> {
        let all = [
            self.width,
            self.heads,
            self.kv_heads,
            self.head_width,
            self.inner,
            self.vocabulary,
            self.context,
        ];
        let sound = all.iter().all(|size| (1..=1 << 20).contains(size))
            && [self.width, self.inner].iter().all(|size| *size <= MAX_LENGTH)
            && self.context <= MAX_CONTEXT
            && self.heads.is_multiple_of(self.kv_heads)
            && self.head_width.is_multiple_of(2);
        if sound { Ok(()) } else { Err(NoModel::Config) }
    }
}

impl Model {
    /// Checks that the parts fit, and that no sum can overflow.
    pub fn new(
        config: Config,
        layers: Vec<Layer>,
        embedding: Matrix,
        head: Matrix,
        angles: Vec<Angle>,
    ) -> Result<Self, NoModel> {
        config.check()?;
        if angles.len() != config.context * (config.head_width / 2) {
            return Err(NoModel::Angles);
        }
        let Config {
            width,
            inner,
            vocabulary,
            ..
        } = config;
        let queries = config.heads * config.head_width;
        let all = queries + 2 * config.kv_heads * config.head_width;
        let fits = |layer, matrix, found: &Matrix, rows, columns| {
            let unfit = match found.check() {
                Ok(()) if found.rows() == rows && found.columns == columns => return Ok(()),
                Ok(()) => Unfit::Shape,
                Err(unfit) => unfit,
            };
            Err(NoModel::Weights { layer, matrix, unfit })
        };
        fits(None, 0, &embedding, vocabulary, width)?;
        fits(None, 1, &head, vocabulary, width)?;
        for (index, layer) in layers.iter().enumerate() {
            let index = Some(index);
            fits(index, 0, &layer.query_key_value, all, width)?;
            fits(index, 1, &layer.output, width, queries)?;
            fits(index, 2, &layer.gate_up, 2 * inner, width)?;
            fits(index, 3, &layer.down, width, inner)?;
        }
        Ok(Self {
            config,
            layers,
            embedding,
            head,
            angles,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// An empty sequence.
    pub fn sequence(&self) -> Sequence {
        let heads = || (0..self.config.kv_heads).map(|_| Vec::new()).collect();
        Sequence {
            position: 0,
            keys: self.layers.iter().map(|_| heads()).collect(),
            values: self.layers.iter().map(|_| heads()).collect(),
        }
    }

    /// Appends a token to a sequence of this model; the logits after it, one for each token.
    pub fn advance(&self, sequence: &mut Sequence, token: u32) -> Result<Vec<Fixed>, NoStep> {
        if sequence.position >= self.config.context {
            return Err(NoStep::ContextFull);
        }
        let mut x = self.embed(token).ok_or(NoStep::UnknownToken(token))?;
        let states = sequence.keys.iter_mut().zip(&mut sequence.values);
        for (layer, (keys, values)) in self.layers.iter().zip(states) {
            let normed = rms_norm(&x, self.config.epsilon);
            let mixed = self.attention(layer, &normed, sequence.position, keys, values);
            x = add(&x, &layer.output.forward(&quantise(&mixed)));
            let normed = rms_norm(&x, self.config.epsilon);
            let gate_up = layer.gate_up.forward(&normed);
            let (gate, up) = gate_up.split_at(self.config.inner);
            let inner: Vec<Fixed> = gate.iter().zip(up).map(|(gate, up)| swiglu(*gate, *up)).collect();
            x = add(&x, &layer.down.forward(&quantise(&inner)));
        }
        sequence.position += 1;
        Ok(self.head.forward(&rms_norm(&x, self.config.epsilon)))
    }

    fn embed(&self, token: u32) -> Option<Vec<Fixed>> {
        let row = usize::try_from(token).ok()?;
        let scale = self.embedding.row_scales.get(row)?;
        let groups = self.embedding.columns / self.embedding.group;
        let weights = self.embedding.weights.chunks_exact(self.embedding.columns).nth(row)?;
        let scales = self.embedding.group_scales.chunks_exact(groups).nth(row)?;
        let grouped = weights.chunks_exact(self.embedding.group).zip(scales);
        let weight = |(weights, group): (&[i8], &u8)| -> Vec<Fixed> {
            let each = weights.iter().map(|weight| i32::from(*weight) * i32::from(*group));
            each.map(|weight| scale.apply(weight, PLACES)).collect()
        };
        Some(grouped.flat_map(weight).collect())
    }

    fn attention(
        &self,
        layer: &Layer,
        x: &Quantised,
        position: usize,
        keys: &mut [Vec<Quantised>],
        values: &mut [Vec<Quantised>],
    ) -> Vec<Fixed> {
        let Config {
            heads,
            kv_heads,
            head_width,
            to_log2,
            ..
        } = self.config;
        let projected = layer.query_key_value.forward(x);
        let mut parts = projected.chunks_exact(head_width);
        let queries: Vec<Quantised> = parts
            .by_ref()
            .take(heads)
            .map(|head| self.turned(head, position))
            .collect();
        for (kept, head) in keys.iter_mut().zip(parts.by_ref().take(kv_heads)) {
            kept.push(self.turned(head, position));
        }
        for (kept, head) in values.iter_mut().zip(parts) {
            kept.push(quantise(head));
        }
        let shared = queries
            .chunks_exact(heads / kv_heads)
            .zip(keys.iter().zip(values.iter()));
        shared
            .flat_map(|(queries, (keys, values))| queries.iter().flat_map(|query| attend(query, keys, values, to_log2)))
            .collect()
    }

    /// A head of a query or key at its position, in 8 bits.
    fn turned(&self, head: &[Fixed], position: usize) -> Quantised {
        let pairs = head.len() / 2;
        let angles = self.angles.chunks_exact(pairs).nth(position).unwrap_or_default();
        let turned = head.chunks_exact(2).zip(angles).flat_map(|(pair, angle)| match pair {
            [a, b] => <[Fixed; 2]>::from(rotate(*a, *b, *angle)),
            _ => [0; 2],
        });
        quantise(&turned.collect::<Vec<_>>())
    }
}

/// The token of the highest logit; the first of equals.
pub fn highest(logits: &[Fixed]) -> Option<u32> {
    let best = logits
        .iter()
        .enumerate()
        .max_by_key(|(at, logit)| (**logit, core::cmp::Reverse(*at)))?;
    u32::try_from(best.0).ok()
}

fn add(x: &[Fixed], y: &[Fixed]) -> Vec<Fixed> {
    x.iter()
        .zip(y)
        .map(|(x, y)| saturate(i64::from(*x) + i64::from(*y)))
        .collect()
}
