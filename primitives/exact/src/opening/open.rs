//! Building an opening from the reference's own data.

use alloc::vec::Vec;

use super::{
    HEADER, Leaves, NoOpening, NoTile, Opening, Operand, Tiles, Tokens,
    frame::{Frame, Place, check_header},
    multiproof, step_leaves, step_root,
};
use crate::{
    merkle::{self, Digest},
    model::{self, Model},
    piece::Piece,
    program::{Address, Op, Program, Source},
    reference::{Memory, Record},
    trace::{self, LEAF_TOKENS, Trace},
};

/// Builds the opening of one tile; [`Opener`] is for many of the same trace.
///
/// `tokens` are all that were given or made, `memory` is what the trace's positions kept, and `record` is that of the step at
/// `position`: of BERT, at the number of positions, that of the operators after the layers.
pub fn open(
    model: &Model,
    trace: &Trace,
    tokens: &[u32],
    memory: &Memory,
    record: &Record,
    address: Address,
    position: usize,
) -> Result<Opening, NoOpening> {
    Opener::new(model, trace, tokens, memory)?.open(record, address, position)
}

/// A trace with its trees, for openings.
#[derive(Clone, Debug)]
pub struct Opener<'a> {
    model: &'a Model,
    trace: &'a Trace,
    tokens: &'a [u32],
    memory: &'a Memory,
    weights: Vec<Digest>,
    kept: Vec<Digest>,
    token_leaves: Vec<Digest>,
}

impl<'a> Opener<'a> {
    /// Checks that the data are those of the trace.
    pub fn new(model: &'a Model, trace: &'a Trace, tokens: &'a [u32], memory: &'a Memory) -> Result<Self, NoOpening> {
        let program = model.program();
        check_header(program, trace)?;
        let weights = model.leaves();
        if trace.model != model::root_of(program.config(), &merkle::root(&weights)) {
            return Err(NoOpening::Model);
        }
        let token_leaves = trace::token_leaves(tokens);
        if tokens.len() != trace.count as usize || trace.tokens != merkle::root(&token_leaves) {
            return Err(NoOpening::Tokens);
        }
        let kept = trace::leaves(program, trace.positions(), |layer, kind, head, position, bytes| {
            memory.bytes(layer, kind, head, position, bytes);
        });
        if trace.kept != merkle::root(&kept) {
            return Err(NoOpening::Memory);
        }
        Ok(Self {
            model,
            trace,
            tokens,
            memory,
            weights,
            kept,
            token_leaves,
        })
    }

    /// The opening of a tile of the step at a position, of which `record` holds all results.
    pub fn open(&self, record: &Record, address: Address, position: usize) -> Result<Opening, NoOpening> {
        let program = self.model.program();
        // Only the step after all positions has none.
        let token = self.tokens.get(position).copied().unwrap_or_default();
        let mut frame = Frame::new(program, self.trace, position, address)?;
        frame.set_token(token)?;
        let mut roots = Vec::with_capacity(frame.operators.len());
        for (layer, op) in &frame.operators {
            let (leaves, tiles) = (record.leaves(*layer, *op), program.tiles(*op, &frame.step));
            if leaves.len() != tiles {
                let tile = leaves.len().min(tiles);
                return Err(NoOpening::Record(Address {
                    layer: *layer,
                    op: *op,
                    tile,
                }));
            }
            roots.push(merkle::root(&leaves));
        }
        let view = View {
            opener: self,
            frame: &frame,
            record,
            step: step_leaves(&roots),
        };
        let drawn = match record.tile(0, Op::Draw, 0) {
            Some(Piece::Draw(draw)) => usize::try_from(draw.chunk).ok(),
            _ => None,
        };
        // What is asked for below follows from the program, and has been found to be there.
        let lost = NoOpening::Record(address);
        let places = frame
            .sources
            .iter()
            .map(|source| frame.place(&frame.resolved(source, drawn)?));
        let operands = places
            .map(|place| view.operand(&place?))
            .collect::<Option<_>>()
            .ok_or(lost)?;
        let tokens = match frame.token_leaves() {
            Some(leaves) => Some(self.tokens(&leaves.places).ok_or(NoOpening::Tokens)?),
            None => None,
        };
        let kept = match frame.kept() {
            Some(place) => Some(view.leaves(&place).ok_or(NoOpening::Memory)?),
            None => None,
        };
        Ok(Opening {
            config: *program.config(),
            weights: merkle::root(&self.weights),
            trace: self.trace.clone(),
            step_root: step_root(&self.trace.root(), position, &roots),
            position,
            address,
            tokens,
            operands,
            output: view.tiles(&frame.output()).ok_or(lost)?,
            kept,
        })
    }

    fn tokens(&self, places: &[u64]) -> Option<Tokens> {
        let leaf = |place: &u64| {
            Some(
                self.tokens
                    .chunks(LEAF_TOKENS)
                    .nth(usize::try_from(*place).ok()?)?
                    .to_vec(),
            )
        };
        Some(Tokens {
            leaves: places.iter().map(leaf).collect::<Option<_>>()?,
            siblings: multiproof::prove(&self.token_leaves, places)?,
        })
    }
}

/// A tile's data in their trees.
struct View<'a> {
    opener: &'a Opener<'a>,
    frame: &'a Frame,
    record: &'a Record,
    /// Leaves of the step's tree.
    step: Vec<Digest>,
}

impl View<'_> {
    fn operand(&self, place: &Place) -> Option<Operand> {
        Some(match place {
            Place::Output { .. } => Operand::Output(self.tiles(place)?),
            Place::Kept { .. } => Operand::Kept(self.leaves(place)?),
            Place::Weights { .. } => Operand::Weights(self.leaves(place)?),
        })
    }

    /// Leaves of the model's tree, or of that of what was kept.
    fn leaves(&self, place: &Place) -> Option<Leaves> {
        let target = self.frame.target(place)?;
        let (tree, leaves) = match place {
            Place::Weights { layer, part, tile } => {
                let bytes = self.opener.model.tile(*layer, *part, *tile)?.bytes();
                (&self.opener.weights, alloc::vec![bytes])
            }
            Place::Kept {
                layer,
                kind,
                heads,
                groups,
            } => {
                let leaf = |(group, head): (usize, usize)| {
                    let mut bytes = Vec::new();
                    self.frame
                        .group(group)
                        .for_each(|position| self.opener.memory.bytes(*layer, *kind, head, position, &mut bytes));
                    bytes
                };
                let all = groups
                    .clone()
                    .flat_map(|group| heads.clone().map(move |head| (group, head)));
                (&self.opener.kept, all.map(leaf).collect())
            }
            Place::Output { .. } => return None,
        };
        Some(Leaves {
            leaves,
            siblings: multiproof::prove(tree, &target.places)?,
        })
    }

    /// Tiles of an operator of the step.
    fn tiles(&self, place: &Place) -> Option<Tiles> {
        let Place::Output { layer, op, tiles } = place else {
            return None;
        };
        let target = self.frame.target(place)?;
        let tile = |tile| Some(self.record.tile(*layer, *op, tile)?.bytes());
        Some(Tiles {
            tiles: tiles.clone().map(tile).collect::<Option<_>>()?,
            siblings: multiproof::prove(&self.record.leaves(*layer, *op), &target.places)?,
            step_siblings: multiproof::prove(&self.step, &[target.operator?])?,
        })
    }
}

/// The most bytes of data and digests that the opening of a tile has, from the program and the trace's header alone; an error if
/// there is no such tile.
pub fn size(program: &Program, trace: &Trace, address: Address, position: usize) -> Result<usize, NoTile> {
    check_header(program, trace)?;
    // No token leads to more than another.
    let mut frame = Frame::new(program, trace, position, address)?;
    frame.set_token(0)?;
    let of = |place: &Place| {
        let target = frame.target(place)?;
        let siblings = multiproof::siblings(target.count, &target.places)?;
        let above = match target.operator {
            Some(operator) => multiproof::siblings(frame.operators.len() as u64, &[operator])?,
            None => 0,
        };
        Some(target.sizes.iter().sum::<usize>() + 32 * (siblings + above))
    };
    // A draw may lead to any chunk.
    let source = |source: &Source| {
        let chunks = if *source == Source::Drawn { program.chunks() } else { 1 };
        (0..chunks)
            .filter_map(|drawn| of(&frame.place(&frame.resolved(source, Some(drawn))?)?))
            .max()
    };
    let tokens = frame.token_leaves().map_or(0, |leaves| {
        4 * leaves.sizes.iter().sum::<usize>() + 32 * multiproof::siblings(leaves.count, &leaves.places).unwrap_or(0)
    });
    let places = [Some(frame.output()), frame.kept()];
    let fixed: usize = places.iter().flatten().filter_map(of).sum();
    Ok(HEADER + tokens + fixed + frame.sources.iter().filter_map(source).sum::<usize>())
}
