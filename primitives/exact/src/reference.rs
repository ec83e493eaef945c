//! Whole models by the tiles of their programs, one after the other: what every engine is held to.

use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::Range;

use crate::{
    fixed::Fixed,
    merkle::{self, Digest},
    model::Model,
    piece::Piece,
    program::{Address, Choice, Kept, Op, POOLED, Part, Program, Source, Step},
    quantise::Quantised,
    tile::compute,
};

/// Why a step cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStep {
    /// There is no such token.
    UnknownToken(u32),
    /// The sequence is longer than the context.
    ContextFull,
    /// There is no token at all.
    Empty,
}

impl core::fmt::Display for NoStep {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownToken(token) => write!(f, "the model has no token {token}"),
            Self::ContextFull => f.write_str("the text is longer than the model's context"),
            Self::Empty => f.write_str("the text is empty"),
        }
    }
}

impl core::error::Error for NoStep {}

/// What the positions of a sequence keep for others, position by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    keys: BTreeMap<(usize, usize), Vec<Quantised>>,
    values: BTreeMap<(usize, usize), Vec<Quantised>>,
    hidden: Vec<Vec<Fixed>>,
}

impl Memory {
    /// Keys or values of a head of a layer.
    pub fn heads(&self, layer: usize, kind: Kept, head: usize) -> &[Quantised] {
        let kept = match kind {
            Kept::Key => &self.keys,
            Kept::Value => &self.values,
            Kept::Hidden => return &[],
        };
        kept.get(&(layer, head)).map_or(&[], Vec::as_slice)
    }

    /// Last hidden states (BERT).
    pub fn hidden(&self) -> &[Vec<Fixed>] {
        &self.hidden
    }

    /// Appends the key or value of a head at the next position.
    pub fn push(&mut self, layer: usize, kind: Kept, head: usize, x: Quantised) {
        match kind {
            Kept::Key => self.keys.entry((layer, head)).or_default().push(x),
            Kept::Value => self.values.entry((layer, head)).or_default().push(x),
            Kept::Hidden => {}
        }
    }

    /// Some positions, as a tile reads them.
    fn piece(&self, layer: usize, kind: Kept, head: usize, positions: Range<usize>) -> Option<Piece> {
        if kind == Kept::Hidden {
            let rows = self.hidden.get(positions)?.iter();
            let elements = |row: &Vec<Fixed>| row.chunks(POOLED).nth(head).map(<[Fixed]>::to_vec);
            return Some(Piece::Elements(rows.map(elements).collect::<Option<_>>()?));
        }
        Some(Piece::Heads(self.heads(layer, kind, head).get(positions)?.to_vec()))
    }

    /// What [`crate::trace::leaves`] hashes of a position.
    pub fn bytes(&self, layer: usize, kind: Kept, head: usize, position: usize, bytes: &mut Vec<u8>) {
        let piece = self.piece(layer, kind, head, position..position + 1);
        bytes.extend(piece.map(|piece| piece.bytes()).unwrap_or_default());
    }
}

/// The results of all tiles of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    outputs: BTreeMap<(usize, Op), Vec<Piece>>,
}

impl Record {
    /// A tile's result.
    pub fn tile(&self, layer: usize, op: Op, tile: usize) -> Option<&Piece> {
        self.outputs.get(&(layer, op))?.get(tile)
    }

    /// The chosen token, if the step chose one.
    pub fn token(&self) -> Option<u32> {
        match self.tile(0, Op::Token, 0)? {
            Piece::Token(token) => Some(*token),
            _ => None,
        }
    }

    /// All elements of an operator's result, if it is a plain vector.
    pub fn vector(&self, layer: usize, op: Op) -> Option<Vec<Fixed>> {
        match join(self.outputs.get(&(layer, op))?)? {
            Piece::Fixed(x) => Some(x),
            _ => None,
        }
    }

    /// Digests of an operator's tiles.
    pub fn leaves(&self, layer: usize, op: Op) -> Vec<Digest> {
        let tiles = self.outputs.get(&(layer, op)).map_or(&[][..], Vec::as_slice);
        tiles.iter().map(|tile| merkle::leaf(&tile.bytes())).collect()
    }

    /// For each operator of `program` at `step`, in order: its layer, itself, and the root over its tiles.
    pub fn operators(&self, program: &Program, step: &Step) -> Vec<(usize, Op, Digest)> {
        let all = program.operators(step);
        all.map(|(layer, op)| (layer, op, merkle::root(&self.leaves(layer, op))))
            .collect()
    }
}

/// Tiles of one operator as one piece.
pub fn join(tiles: &[Piece]) -> Option<Piece> {
    let (first, rest) = tiles.split_first()?;
    let mut joined = first.clone();
    for tile in rest {
        match (&mut joined, tile) {
            (Piece::Fixed(all), Piece::Fixed(x)) => all.extend(x),
            (Piece::Mixed(all), Piece::Mixed(x)) => all.extend(x.iter().cloned()),
            (Piece::Best(all), Piece::Best(x)) => all.extend(x),
            (Piece::Masses(all), Piece::Masses(x)) => all.extend(x.iter().cloned()),
            (Piece::Sums(all), Piece::Sums(x)) => all.extend(x.iter().cloned()),
            _ => return None,
        }
    }
    Some(joined)
}

/// Some elements of a piece, or all of it.
pub fn cut(piece: Piece, elements: Option<&Range<usize>>) -> Option<Piece> {
    match (piece, elements) {
        (Piece::Fixed(x), Some(range)) => Some(Piece::Fixed(x.get(range.clone())?.to_vec())),
        (piece, None) => Some(piece),
        _ => None,
    }
}

/// A model that runs by the reference.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    model: &'a Model,
}

impl<'a> Reference<'a> {
    /// For a model.
    pub fn new(model: &'a Model) -> Self {
        Self { model }
    }

    /// What a source gives.
    pub fn operand(&self, source: &Source, memory: &Memory, record: &Record) -> Option<Piece> {
        match source {
            Source::Output {
                layer,
                op,
                tiles,
                elements,
            } => {
                let tiles = record.outputs.get(&(*layer, *op))?.get(tiles.clone())?;
                cut(join(tiles)?, elements.as_ref())
            }
            Source::Kept {
                layer,
                kind,
                head,
                positions,
            } => memory.piece(*layer, *kind, *head, positions.clone()),
            Source::Weights { layer, part, tile } => self.model.tile(*layer, *part, *tile),
            Source::Drawn => {
                let Piece::Draw(draw) = record.tile(0, Op::Draw, 0)? else {
                    return None;
                };
                self.operand(
                    &self.model.program().chunk(usize::try_from(draw.chunk).ok()?),
                    memory,
                    record,
                )
            }
        }
    }

    fn operator(&self, layer: usize, op: Op, step: &Step, memory: &Memory, record: &mut Record) {
        let program = self.model.program();
        let tile = |tile| {
            let at = Address { layer, op, tile };
            let sources = program.sources(&at, step)?;
            let operands = sources.iter().map(|source| self.operand(source, memory, record));
            compute(program, &at, step, &operands.collect::<Option<Vec<_>>>()?).ok()
        };
        let tiles = (0..program.tiles(op, step)).map(tile).collect::<Option<Vec<_>>>();
        // The program of a checked model names only what is there: its own tests run every operator.
        record.outputs.insert((layer, op), tiles.unwrap_or_default());
    }

    /// Operators of a layer; stops before `end` or starts with it.
    fn layer(&self, layer: usize, after_value: bool, step: &Step, memory: &mut Memory, record: &mut Record) {
        let ops = self.model.program().layer();
        let cut = ops.iter().position(|op| *op == Op::Exponents).unwrap_or(0);
        let (before, after) = ops.split_at(cut);
        for op in if after_value { after } else { before } {
            self.operator(layer, *op, step, memory, record);
            let kind = match op {
                Op::Key => Kept::Key,
                Op::Value => Kept::Value,
                _ => continue,
            };
            let heads = record.outputs.get(&(layer, *op)).map_or(&[][..], Vec::as_slice);
            for (head, piece) in heads.iter().enumerate() {
                if let Piece::Quantised(x) = piece {
                    memory.push(layer, kind, head, x.clone());
                }
            }
        }
    }

    fn check(&self, tokens: &[u32], first: usize) -> Result<(), NoStep> {
        let config = self.model.program().config();
        if tokens.is_empty() {
            return Err(NoStep::Empty);
        }
        if first.saturating_add(tokens.len()) > config.context {
            return Err(NoStep::ContextFull);
        }
        let unknown = tokens.iter().find(|token| **token as usize >= config.vocabulary);
        unknown.map_or(Ok(()), |token| Err(NoStep::UnknownToken(*token)))
    }

    /// One step of a causal model at the next position of `memory`.
    pub fn advance(&self, memory: &mut Memory, token: u32, choice: Choice) -> Result<Record, NoStep> {
        let position = memory.heads(0, Kept::Key, 0).len();
        self.check(&[token], position)?;
        let step = Step {
            position,
            visible: position + 1,
            token,
            choice,
        };
        let program = self.model.program();
        let mut record = Record::default();
        for op in program.start() {
            self.operator(0, *op, &step, memory, &mut record);
        }
        for layer in 0..program.config().layers {
            self.layer(layer, false, &step, memory, &mut record);
            self.layer(layer, true, &step, memory, &mut record);
        }
        for op in program.end(&step) {
            self.operator(0, *op, &step, memory, &mut record);
        }
        Ok(record)
    }

    /// All positions of a model that looks both ways: each one's record, and that of the operators after the layers.
    pub fn encode(&self, memory: &mut Memory, tokens: &[u32]) -> Result<(Vec<Record>, Record), NoStep> {
        self.check(tokens, 0)?;
        let program = self.model.program();
        let step = |(position, token): (usize, &u32)| Step {
            position,
            visible: tokens.len(),
            token: *token,
            choice: Choice::Given,
        };
        let steps: Vec<Step> = tokens.iter().enumerate().map(step).collect();
        let mut records: Vec<Record> = steps.iter().map(|_| Record::default()).collect();
        for (step, record) in steps.iter().zip(&mut records) {
            for op in program.start() {
                self.operator(0, *op, step, memory, record);
            }
        }
        let layers = program.config().layers;
        for layer in 0..layers {
            for after_value in [false, true] {
                for (step, record) in steps.iter().zip(&mut records) {
                    self.layer(layer, after_value, step, memory, record);
                }
            }
        }
        memory.hidden = records
            .iter()
            .filter_map(|record| record.vector(layers - 1, Op::DownNorm))
            .collect();
        let mut end = Record::default();
        if let Some(last) = steps.last() {
            for op in program.end(last) {
                self.operator(0, *op, last, memory, &mut end);
            }
        }
        Ok((records, end))
    }
}

/// The weights that a part of a layer has, for engines that lay them out anew.
pub fn parts_of(model: &Model) -> impl Iterator<Item = ((usize, Part), &Piece)> {
    model.program().all_parts().into_iter().zip(model.parts())
}
