//! The program of a model: which operators it consists of, how each is cut into tiles, and what each tile reads. All of it
//! follows from the configuration, so that no graph needs to be stored.

use alloc::{vec, vec::Vec};
use core::ops::Range;

use crate::{
    attention::{BLOCK, MAX_CONTEXT},
    fixed::Scale,
    linear::Shape,
    norm::MAX_LENGTH,
    quantise::Width,
    sampling::{CHUNK, Random},
};

/// Most bytes that a tile takes in.
pub const TILE_BYTES: usize = 64 * 1024;

/// Elements of a tile of [`Op::Pool`].
pub const POOLED: usize = 32;

/// Most elements of a head: a block of positions' keys, each with a scale, is read at once.
pub const MAX_HEAD_WIDTH: usize = 128;

/// Positions whose angles or whose rows are one leaf of a model's tree.
pub const ANGLE_BLOCK: usize = 64;

/// Which models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub enum Family {
    /// Causal; RMS norms, rotary positions, SwiGLU; its result is the next token.
    Llama,
    /// Both ways; layer norms, learned positions, GELU; its result is the mean of the last hidden states, of length 1.
    Bert,
}

/// How finely the inputs of products with weights are quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Precision {
    /// Of [`Op::QueryKeyValue`].
    pub query_key_value: Width,
    /// Of [`Op::Output`].
    pub output: Width,
    /// Of [`Op::Up`].
    pub up: Width,
    /// Of [`Op::Down`].
    pub down: Width,
    /// Of [`Op::Head`].
    pub head: Width,
}

/// What the weights of each operator are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Shapes {
    /// The table of tokens, and of positions where there is one.
    pub embedding: Shape,
    /// Of [`Op::QueryKeyValue`].
    pub query_key_value: Shape,
    /// Of [`Op::Output`].
    pub output: Shape,
    /// Of [`Op::Up`].
    pub up: Shape,
    /// Of [`Op::Down`].
    pub down: Shape,
    /// Of [`Op::Head`].
    pub head: Shape,
}

/// Sizes of a model, and what its arithmetic leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Config {
    /// Which models.
    pub family: Family,
    /// Elements of a hidden state.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads; a multiple of the key and value heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Elements of a head: a power of two, at most [`MAX_HEAD_WIDTH`].
    pub head_width: usize,
    /// Elements between the two halves of a feed-forward layer.
    pub inner: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Most positions of a sequence.
    pub context: usize,
    /// Of the norms, with [`crate::norm::EPSILON_PLACES`].
    pub epsilon: u64,
    /// `log2(e) / sqrt(head width) / head width`: queries and keys are transformed, unscaled.
    pub to_log2: Scale,
    /// Of the inputs of products with weights.
    pub precision: Precision,
    /// Of the weights.
    pub shapes: Shapes,
}

/// Parts of a model's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A row for each token.
    Embedding,
    /// A row for each position, with what every token has in common (BERT).
    Positions,
    /// Gain and bias after the embedding (BERT).
    EmbeddingNorm,
    /// Cosines and sines (Llama).
    Angles,
    /// Rows of queries, keys and values, one under the other.
    QueryKeyValue,
    /// From the heads back to a hidden state.
    Output,
    /// Gain and bias after the attention (BERT).
    OutputNorm,
    /// To the inner elements: of Llama, row `2i` is the gate of element `i` and row `2i + 1` its other factor.
    Up,
    /// Back to a hidden state.
    Down,
    /// Gain and bias after the feed-forward layer (BERT).
    DownNorm,
    /// A row for each token, to logits (Llama).
    Head,
}

/// Operators, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub enum Op {
    /// The token's row, and the position's.
    Embed,
    /// Layer norm of it.
    EmbedNorm,
    /// The hidden state in steps; of Llama after its norm.
    AttentionInput,
    /// Products with the weights of queries, keys and values.
    QueryKeyValue,
    /// A query head, turned (Llama), transformed, in steps.
    Query,
    /// A key head, likewise.
    Key,
    /// A value head in steps.
    Value,
    /// Of a head and a block of positions.
    Exponents,
    /// A head's largest exponent.
    Peak,
    /// What a block of positions adds to a head.
    Mix,
    /// A head's output.
    Combine,
    /// All heads in steps.
    OutputInput,
    /// Products with the output's weights, added to the hidden state.
    Output,
    /// Layer norm of it.
    OutputNorm,
    /// The hidden state in steps; of Llama after its norm.
    FeedInput,
    /// Products with the weights of the inner elements, and their activation.
    Up,
    /// The inner elements in steps.
    DownInput,
    /// Products with the weights back, added to the hidden state.
    Down,
    /// Layer norm of it.
    DownNorm,
    /// The last hidden state after its norm, in steps.
    HeadInput,
    /// Logits.
    Head,
    /// The highest logit of a chunk.
    Best,
    /// A chunk's masses.
    Masses,
    /// Where the random number leads.
    Draw,
    /// The chosen token.
    Token,
    /// Sums of hidden states over a block of positions, some elements of them.
    Pool,
    /// Their means.
    Mean,
    /// The mean at length 1, with 24 binary places.
    Unit,
}

const LLAMA_START: &[Op] = &[Op::Embed];
const LLAMA_LAYER: &[Op] = &[
    Op::AttentionInput,
    Op::QueryKeyValue,
    Op::Query,
    Op::Key,
    Op::Value,
    Op::Exponents,
    Op::Peak,
    Op::Mix,
    Op::Combine,
    Op::OutputInput,
    Op::Output,
    Op::FeedInput,
    Op::Up,
    Op::DownInput,
    Op::Down,
];
const GREEDY_END: &[Op] = &[Op::HeadInput, Op::Head, Op::Best, Op::Token];
const RANDOM_END: &[Op] = &[Op::HeadInput, Op::Head, Op::Best, Op::Masses, Op::Draw, Op::Token];
const BERT_START: &[Op] = &[Op::Embed, Op::EmbedNorm];
const BERT_LAYER: &[Op] = &[
    Op::AttentionInput,
    Op::QueryKeyValue,
    Op::Query,
    Op::Key,
    Op::Value,
    Op::Exponents,
    Op::Peak,
    Op::Mix,
    Op::Combine,
    Op::OutputInput,
    Op::Output,
    Op::OutputNorm,
    Op::FeedInput,
    Op::Up,
    Op::DownInput,
    Op::Down,
    Op::DownNorm,
];
const BERT_END: &[Op] = &[Op::Pool, Op::Mean, Op::Unit];

impl Op {
    /// Its name, as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::EmbedNorm => "embed-norm",
            Self::AttentionInput => "attention-input",
            Self::QueryKeyValue => "query-key-value",
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
            Self::Exponents => "exponents",
            Self::Peak => "peak",
            Self::Mix => "mix",
            Self::Combine => "combine",
            Self::OutputInput => "output-input",
            Self::Output => "output",
            Self::OutputNorm => "output-norm",
            Self::FeedInput => "feed-input",
            Self::Up => "up",
            Self::DownInput => "down-input",
            Self::Down => "down",
            Self::DownNorm => "down-norm",
            Self::HeadInput => "head-input",
            Self::Head => "head",
            Self::Best => "best",
            Self::Masses => "masses",
            Self::Draw => "draw",
            Self::Token => "token",
            Self::Pool => "pool",
            Self::Mean => "mean",
            Self::Unit => "unit",
        }
    }
}

/// What a step is about, beside the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its position.
    pub position: usize,
    /// Positions that it sees: of Llama those up to its own, of BERT all.
    pub visible: usize,
    /// The token at the position.
    pub token: u32,
    /// What it makes of its logits.
    pub choice: Choice,
}

/// What a step makes of its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub enum Choice {
    /// It has none: the next token is given already, or the model makes none.
    Given,
    /// The highest is the next token.
    Greedy,
    /// The next token is drawn.
    Random(Random),
}

impl Choice {
    /// How to draw, if so.
    pub const fn random(&self) -> Option<&Random> {
        match self {
            Self::Random(random) => Some(random),
            Self::Given | Self::Greedy => None,
        }
    }
}

/// A tile of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Address {
    /// The layer; 0 for operators outside of the layers.
    pub layer: usize,
    /// The operator.
    pub op: Op,
    /// The tile.
    pub tile: usize,
}

/// What a position keeps for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// A head's keys.
    Key,
    /// A head's values.
    Value,
    /// Elements of the last hidden state, [`POOLED`] at a time (BERT).
    Hidden,
}

/// What a tile reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Tiles of an operator of the same step, put together, and of those some elements.
    Output {
        /// Its layer.
        layer: usize,
        /// The operator.
        op: Op,
        /// Its tiles.
        tiles: Range<usize>,
        /// Elements of what the tiles make together; all where their number does not follow from the configuration.
        elements: Option<Range<usize>>,
    },
    /// What positions have kept.
    Kept {
        /// Of which layer.
        layer: usize,
        /// What.
        kind: Kept,
        /// The head, or the chunk of elements.
        head: usize,
        /// Of which positions.
        positions: Range<usize>,
    },
    /// A tile of the weights.
    Weights {
        /// Of which layer; 0 for what belongs to none.
        layer: usize,
        /// Which.
        part: Part,
        /// The tile.
        tile: usize,
    },
    /// The chunk of logits to which [`Op::Draw`] led.
    Drawn,
}

/// Why a configuration is no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// A size is zero or too large.
    Size(&'static str),
    /// Two sizes do not go together.
    Mismatch(&'static str),
    /// The weights of an operator have other columns than its input, or groups that do not divide them, or are no multiple of four.
    Shape(&'static str),
}

/// The program of a configuration that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    config: Config,
}

impl Program {
    /// Checks the sizes.
    pub fn new(config: Config) -> Result<Self, Unsound> {
        // A layer norm reads the hidden state, its gain and its bias, four bytes of each element.
        let widest = if config.family == Family::Bert {
            TILE_BYTES / 12
        } else {
            MAX_LENGTH
        };
        let sizes = [
            ("width", config.width, widest),
            ("layers", config.layers, 512),
            ("heads", config.heads, 1_024),
            ("kv_heads", config.kv_heads, 1_024),
            ("head_width", config.head_width, MAX_HEAD_WIDTH),
            ("inner", config.inner, MAX_LENGTH),
            ("vocabulary", config.vocabulary, 32 * CHUNK),
            ("context", config.context, MAX_CONTEXT),
        ];
        for (name, size, most) in sizes {
            if size == 0 || size > most {
                return Err(Unsound::Size(name));
            }
        }
        let queries = config.heads.saturating_mul(config.head_width);
        if queries > MAX_LENGTH {
            return Err(Unsound::Size("heads"));
        }
        if !config.heads.is_multiple_of(config.kv_heads) {
            return Err(Unsound::Mismatch("heads and kv_heads"));
        }
        if !config.head_width.is_power_of_two() || config.head_width < 2 {
            return Err(Unsound::Mismatch("head_width is no power of two"));
        }
        if config.family == Family::Bert && config.kv_heads != config.heads {
            return Err(Unsound::Mismatch("heads and kv_heads"));
        }
        if config.epsilon == 0 || !config.to_log2.is_sound() {
            return Err(Unsound::Size("epsilon or to_log2"));
        }
        let shapes = config.shapes;
        let columns = [
            ("embedding", shapes.embedding, config.width),
            ("query-key-value", shapes.query_key_value, config.width),
            ("output", shapes.output, queries),
            ("up", shapes.up, config.width),
            ("down", shapes.down, config.inner),
            ("head", shapes.head, config.width),
        ];
        for (name, shape, columns) in columns {
            let whole = shape.group == columns || shape.group.is_multiple_of(4);
            if shape.columns != columns || shape.group == 0 || !columns.is_multiple_of(shape.group) || !whole {
                return Err(Unsound::Shape(name));
            }
        }
        Ok(Self { config })
    }

    /// The sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Operators before the layers.
    pub fn start(&self) -> &'static [Op] {
        match self.config.family {
            Family::Llama => LLAMA_START,
            Family::Bert => BERT_START,
        }
    }

    /// Operators of a layer.
    pub fn layer(&self) -> &'static [Op] {
        match self.config.family {
            Family::Llama => LLAMA_LAYER,
            Family::Bert => BERT_LAYER,
        }
    }

    /// Operators after the layers: of Llama at each step that chooses a token, of BERT once.
    pub fn end(&self, step: &Step) -> &'static [Op] {
        match (self.config.family, step.choice) {
            (Family::Llama, Choice::Given) => &[],
            (Family::Llama, Choice::Greedy) => GREEDY_END,
            (Family::Llama, Choice::Random(_)) => RANDOM_END,
            (Family::Bert, _) => BERT_END,
        }
    }

    /// Every operator of a step with its layer, in order. Of BERT the last ones are not a step's.
    pub fn operators(&self, step: &Step) -> impl Iterator<Item = (usize, Op)> + use<> {
        let (start, layer, layers) = (self.start(), self.layer(), self.config.layers);
        let end = if self.config.family == Family::Llama {
            self.end(step)
        } else {
            &[]
        };
        let in_layers = (0..layers).flat_map(move |at| layer.iter().map(move |op| (at, *op)));
        let outside = |op: &Op| (0, *op);
        start
            .iter()
            .map(outside)
            .chain(in_layers)
            .chain(end.iter().map(outside))
    }

    /// Rows of the weights of a part.
    pub fn rows(&self, part: Part) -> usize {
        let c = &self.config;
        match part {
            Part::Embedding => c.vocabulary,
            Part::Positions => c.context,
            Part::QueryKeyValue => (c.heads + 2 * c.kv_heads) * c.head_width,
            Part::Output | Part::Down => c.width,
            Part::Up => match c.family {
                Family::Llama => 2 * c.inner,
                Family::Bert => c.inner,
            },
            Part::Head => c.vocabulary,
            Part::EmbeddingNorm | Part::OutputNorm | Part::DownNorm => 1,
            Part::Angles => c.context,
        }
    }

    /// What the rows of a part are like; `None` for what is no matrix.
    pub fn shape(&self, part: Part) -> Option<Shape> {
        let shapes = &self.config.shapes;
        Some(match part {
            Part::Embedding | Part::Positions => shapes.embedding,
            Part::QueryKeyValue => shapes.query_key_value,
            Part::Output => shapes.output,
            Part::Up => shapes.up,
            Part::Down => shapes.down,
            Part::Head => shapes.head,
            Part::EmbeddingNorm | Part::OutputNorm | Part::DownNorm | Part::Angles => return None,
        })
    }

    /// Rows that one tile of a part holds: a power of two of at most 64, as many as fit with a wide input of the same length, a
    /// residual and a kilobyte to spare. Of BERT a token's and a position's tile are read together: half as much of each.
    pub fn rows_per_tile(&self, part: Part) -> usize {
        let Some(shape) = self.shape(part) else {
            return match part {
                Part::Angles => ANGLE_BLOCK,
                _ => 1,
            };
        };
        let shared = self.config.family == Family::Bert && matches!(part, Part::Embedding | Part::Positions);
        let bytes = if shared { TILE_BYTES / 2 } else { TILE_BYTES };
        let room = bytes.saturating_sub(2 * shape.columns + 1_024);
        let most = (room / (shape.row_bytes() + 4)).clamp(2, 64);
        1 << most.ilog2()
    }

    /// Tiles of a part.
    pub fn weight_tiles(&self, part: Part) -> usize {
        self.rows(part).div_ceil(self.rows_per_tile(part))
    }

    /// The parts before the layers, of each layer, and after them, as a model's tree has them.
    pub fn parts(&self) -> (Vec<Part>, Vec<Part>, Vec<Part>) {
        match self.config.family {
            Family::Llama => (
                vec![Part::Embedding, Part::Angles],
                vec![Part::QueryKeyValue, Part::Output, Part::Up, Part::Down],
                vec![Part::Head],
            ),
            Family::Bert => (
                vec![Part::Embedding, Part::Positions, Part::EmbeddingNorm],
                vec![
                    Part::QueryKeyValue,
                    Part::Output,
                    Part::OutputNorm,
                    Part::Up,
                    Part::Down,
                    Part::DownNorm,
                ],
                vec![],
            ),
        }
    }

    /// Every part with its layer, in the order of the model's tree.
    pub fn all_parts(&self) -> Vec<(usize, Part)> {
        let (start, layer, end) = self.parts();
        let in_layers = (0..self.config.layers).flat_map(|at| layer.iter().map(move |part| (at, *part)));
        let outside = |part: &Part| (0, *part);
        start
            .iter()
            .map(outside)
            .chain(in_layers)
            .chain(end.iter().map(outside))
            .collect()
    }

    /// The place of a tile of weights in the model's tree; `None` if there is none.
    pub fn weight_leaf(&self, layer: usize, part: Part, tile: usize) -> Option<usize> {
        if tile >= self.weight_tiles(part) {
            return None;
        }
        let parts = self.all_parts();
        let at = parts.iter().position(|found| *found == (layer, part))?;
        Some(
            parts
                .iter()
                .take(at)
                .map(|(_, part)| self.weight_tiles(*part))
                .sum::<usize>()
                + tile,
        )
    }

    /// The weights of an operator of products.
    pub const fn weights_of(op: Op) -> Option<Part> {
        match op {
            Op::QueryKeyValue => Some(Part::QueryKeyValue),
            Op::Output => Some(Part::Output),
            Op::Up => Some(Part::Up),
            Op::Down => Some(Part::Down),
            Op::Head => Some(Part::Head),
            _ => None,
        }
    }

    /// Blocks of positions that a step sees.
    pub fn blocks(&self, step: &Step) -> usize {
        step.visible.div_ceil(BLOCK)
    }

    /// Chunks of the logits.
    pub fn chunks(&self) -> usize {
        self.config.vocabulary.div_ceil(CHUNK)
    }

    /// Tiles of an operator at a step.
    pub fn tiles(&self, op: Op, step: &Step) -> usize {
        let c = &self.config;
        match op {
            Op::QueryKeyValue | Op::Output | Op::Up | Op::Down | Op::Head => {
                Self::weights_of(op).map_or(0, |part| self.weight_tiles(part))
            }
            Op::Query | Op::Peak | Op::Combine => c.heads,
            Op::Key | Op::Value => c.kv_heads,
            Op::Exponents | Op::Mix => c.heads * self.blocks(step),
            Op::Best | Op::Masses => self.chunks(),
            Op::Pool => c.width.div_ceil(POOLED) * self.blocks(step),
            Op::Mean => c.width.div_ceil(POOLED),
            _ => 1,
        }
    }

    /// Outputs that a whole tile of an operator of products has.
    fn outputs_per_tile(&self, op: Op) -> usize {
        let rows = Self::weights_of(op).map_or(1, |part| self.rows_per_tile(part));
        if op == Op::Up && self.config.family == Family::Llama {
            rows / 2
        } else {
            rows
        }
    }

    /// Elements of an operator of products, from tiles that hold them.
    fn elements(&self, layer: usize, op: Op, elements: Range<usize>) -> Source {
        let per_tile = self.outputs_per_tile(op).max(1);
        let tiles = elements.start / per_tile..elements.end.div_ceil(per_tile);
        let first = tiles.start * per_tile;
        Source::Output {
            layer,
            op,
            elements: Some(elements.start - first..elements.end - first),
            tiles,
        }
    }

    fn whole(&self, layer: usize, op: Op, step: &Step) -> Source {
        Source::Output {
            layer,
            op,
            tiles: 0..self.tiles(op, step),
            elements: None,
        }
    }

    /// The hidden state with which a layer begins: layer and operator.
    fn hidden(&self, layer: usize) -> (usize, Op) {
        match (self.config.family, layer.checked_sub(1)) {
            (Family::Llama, None) => (0, Op::Embed),
            (Family::Llama, Some(last)) => (last, Op::Down),
            (Family::Bert, None) => (0, Op::EmbedNorm),
            (Family::Bert, Some(last)) => (last, Op::DownNorm),
        }
    }

    /// The hidden state after the attention of a layer.
    fn attended(&self) -> Op {
        match self.config.family {
            Family::Llama => Op::Output,
            Family::Bert => Op::OutputNorm,
        }
    }

    /// Some elements of a hidden state, from tiles that hold them.
    fn part_of_hidden(&self, (layer, op): (usize, Op), elements: Range<usize>) -> Source {
        if Self::weights_of(op).is_some() {
            return self.elements(layer, op, elements);
        }
        Source::Output {
            layer,
            op,
            tiles: 0..1,
            elements: Some(elements),
        }
    }

    /// Elements that a tile of products gives.
    pub fn outputs(&self, op: Op, tile: usize) -> Range<usize> {
        let per_tile = self.outputs_per_tile(op);
        let all = match op {
            Op::Up => self.config.inner,
            op => Self::weights_of(op).map_or(0, |part| self.rows(part)),
        };
        (tile * per_tile).min(all)..((tile + 1) * per_tile).min(all)
    }

    /// Positions of a block, as far as they are seen.
    fn block(&self, block: usize, step: &Step) -> Range<usize> {
        (block * BLOCK).min(step.visible)..((block + 1) * BLOCK).min(step.visible)
    }

    /// Tiles of an operator that has one for each head and block: those of a head.
    fn of_head(&self, layer: usize, op: Op, head: usize, step: &Step) -> Source {
        let blocks = self.blocks(step);
        Source::Output {
            layer,
            op,
            tiles: head * blocks..(head + 1) * blocks,
            elements: None,
        }
    }

    /// What a tile reads, in the order in which [`crate::tile::compute`] takes it; `None` if there is no such tile.
    pub fn sources(&self, at: &Address, step: &Step) -> Option<Vec<Source>> {
        let c = &self.config;
        let Address { layer, op, tile } = *at;
        let known = self.start().contains(&op) || self.layer().contains(&op) || self.end(step).contains(&op);
        let in_layers = self.layer().contains(&op);
        let in_context = step.position < step.visible && step.visible <= c.context;
        if !known || !in_context || layer >= if in_layers { c.layers } else { 1 } || tile >= self.tiles(op, step) {
            return None;
        }
        let one = |op| Source::Output {
            layer,
            op,
            tiles: 0..1,
            elements: None,
        };
        let weights = |part, tile| Source::Weights { layer, part, tile };
        let products = |input| Self::weights_of(op).map(|part| vec![one(input), weights(part, tile)]);
        let head = |first: usize| {
            let from = (first + tile) * c.head_width;
            let mut sources = vec![self.elements(layer, Op::QueryKeyValue, from..from + c.head_width)];
            if c.family == Family::Llama && op != Op::Value {
                sources.push(Source::Weights {
                    layer: 0,
                    part: Part::Angles,
                    tile: step.position / ANGLE_BLOCK,
                });
            }
            sources
        };
        let hidden = |(layer, op)| self.whole(layer, op, step);
        let (of_head, block) = match self.blocks(step) {
            0 => return None,
            blocks => (tile / blocks, tile % blocks),
        };
        let kept = |kind| Source::Kept {
            layer,
            kind,
            head: of_head / (c.heads / c.kv_heads),
            positions: self.block(block, step),
        };
        Some(match op {
            Op::Embed => {
                let row = usize::try_from(step.token).ok().filter(|row| *row < c.vocabulary)?;
                let mut sources = vec![weights(Part::Embedding, row / self.rows_per_tile(Part::Embedding))];
                if c.family == Family::Bert {
                    sources.push(weights(
                        Part::Positions,
                        step.position / self.rows_per_tile(Part::Positions),
                    ));
                }
                sources
            }
            Op::EmbedNorm => vec![one(Op::Embed), weights(Part::EmbeddingNorm, 0)],
            Op::AttentionInput => vec![hidden(self.hidden(layer))],
            Op::QueryKeyValue => products(Op::AttentionInput)?,
            Op::Query => head(0),
            Op::Key => head(c.heads),
            Op::Value => head(c.heads + c.kv_heads),
            Op::Exponents => {
                let query = Source::Output {
                    layer,
                    op: Op::Query,
                    tiles: of_head..of_head + 1,
                    elements: None,
                };
                vec![query, kept(Kept::Key)]
            }
            Op::Peak => vec![self.of_head(layer, Op::Exponents, tile, step)],
            Op::Mix => vec![
                Source::Output {
                    layer,
                    op: Op::Exponents,
                    tiles: tile..tile + 1,
                    elements: None,
                },
                Source::Output {
                    layer,
                    op: Op::Peak,
                    tiles: of_head..of_head + 1,
                    elements: None,
                },
                kept(Kept::Value),
            ],
            Op::Combine => vec![self.of_head(layer, Op::Mix, tile, step)],
            Op::OutputInput => vec![self.whole(layer, Op::Combine, step)],
            Op::Output => {
                let mut sources = products(Op::OutputInput)?;
                sources.push(self.part_of_hidden(self.hidden(layer), self.outputs(op, tile)));
                sources
            }
            Op::OutputNorm => vec![hidden((layer, Op::Output)), weights(Part::OutputNorm, 0)],
            Op::FeedInput => vec![hidden((layer, self.attended()))],
            Op::Up => products(Op::FeedInput)?,
            Op::DownInput => vec![self.whole(layer, Op::Up, step)],
            Op::Down => {
                let mut sources = products(Op::DownInput)?;
                sources.push(self.part_of_hidden((layer, self.attended()), self.outputs(op, tile)));
                sources
            }
            Op::DownNorm => vec![hidden((layer, Op::Down)), weights(Part::DownNorm, 0)],
            Op::HeadInput => vec![hidden(self.hidden(c.layers))],
            Op::Head => products(Op::HeadInput)?,
            Op::Best => vec![self.chunk(tile)],
            Op::Masses => vec![self.chunk(tile), self.whole(0, Op::Best, step)],
            Op::Draw => vec![self.whole(0, Op::Masses, step)],
            Op::Token if step.choice.random().is_some() => {
                vec![
                    self.whole(0, Op::Best, step),
                    self.whole(0, Op::Draw, step),
                    Source::Drawn,
                ]
            }
            Op::Token => vec![self.whole(0, Op::Best, step)],
            Op::Pool => vec![Source::Kept {
                layer: c.layers - 1,
                kind: Kept::Hidden,
                head: of_head,
                positions: self.block(block, step),
            }],
            Op::Mean => vec![self.of_head(0, Op::Pool, tile, step)],
            Op::Unit => vec![self.whole(0, Op::Mean, step)],
        })
    }

    /// A chunk of logits.
    pub fn chunk(&self, chunk: usize) -> Source {
        let all = self.config.vocabulary;
        self.elements(0, Op::Head, (chunk * CHUNK).min(all)..((chunk + 1) * CHUNK).min(all))
    }

    /// An operator by its name.
    pub fn operator(&self, name: &str, step: &Step) -> Option<Op> {
        let mut all = self.start().iter().chain(self.layer()).chain(self.end(step));
        all.find(|op| op.name() == name).copied()
    }
}
