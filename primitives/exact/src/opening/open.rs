//! Building an opening from the reference's own data.

use alloc::vec::Vec;

use super::{
    HEADER, InCell, Leaves, NoOpening, NoTile, Opening, Operand, Past, Proved, Tiles, Tokens,
    frame::{Frame, InPart, Place, check_header},
    multiproof, step_leaves, step_root,
};
use crate::{
    merkle::{self, Digest},
    model::{self, Model},
    piece::Piece,
    program::{Address, Kept, Op, Program, Source},
    reference::{Memory, Record},
    trace::{self, Committed, LEAF_POSITIONS, LEAF_TOKENS, Trace, cells_of_position},
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
    trace: Trace,
    tokens: &'a [u32],
    memory: &'a Memory,
    weights: Vec<Digest>,
    /// Of all leaves of what was kept, group by group.
    leaves: Vec<Digest>,
    committed: Committed,
    token_leaves: Vec<Digest>,
}

impl<'a> Opener<'a> {
    /// Checks that the data are those of the trace.
    pub fn new(model: &'a Model, trace: &Trace, tokens: &'a [u32], memory: &'a Memory) -> Result<Self, NoOpening> {
        let (leaves, committed) = commit(model.program(), trace, memory)?;
        let (cells, kept) = committed.roots();
        if trace.cells != cells {
            return Err(NoOpening::Memory);
        }
        let trace = Trace { kept, ..trace.clone() };
        Self::of(model, trace, tokens, memory, leaves, committed)
    }

    /// For openings against another's trace, with its tokens and all that it commits to, by who has computed the same up to some step:
    /// `memory` is one's own. What is opened has to be of that step or before it.
    pub fn against(
        model: &'a Model,
        trace: &Trace,
        tokens: &'a [u32],
        memory: &'a Memory,
        committed: Committed,
    ) -> Result<Self, NoOpening> {
        let (leaves, _) = commit(model.program(), trace, memory)?;
        if (trace.cells, trace.kept) != committed.roots() {
            return Err(NoOpening::Memory);
        }
        Self::of(model, trace.clone(), tokens, memory, leaves, committed)
    }

    fn of(
        model: &'a Model,
        trace: Trace,
        tokens: &'a [u32],
        memory: &'a Memory,
        leaves: Vec<Digest>,
        committed: Committed,
    ) -> Result<Self, NoOpening> {
        let weights = model.leaves();
        if trace.model != model::root_of(model.program().config(), &merkle::root(&weights)) {
            return Err(NoOpening::Model);
        }
        let token_leaves = trace::token_leaves(tokens);
        if tokens.len() != trace.count as usize || trace.tokens != merkle::root(&token_leaves) {
            return Err(NoOpening::Tokens);
        }
        Ok(Self {
            model,
            trace,
            tokens,
            memory,
            weights,
            leaves,
            committed,
            token_leaves,
        })
    }

    /// What shows that a tile of a step is wrong of which its device revealed `operators`, for [`Opening::refute`]. `record` has one's own
    /// results of the step; those before the tile's operator are the device's, too.
    pub fn refutation(
        &self,
        record: &Record,
        operators: &[Digest],
        address: Address,
        position: usize,
    ) -> Result<Opening, NoOpening> {
        let opening = self.open_in(record, Some(operators), address, position)?;
        Ok(opening.without_output())
    }

    /// The opening of a tile of the step at a position, of which `record` holds all results.
    pub fn open(&self, record: &Record, address: Address, position: usize) -> Result<Opening, NoOpening> {
        self.open_in(record, None, address, position)
    }

    fn open_in(
        &self,
        record: &Record,
        revealed: Option<&[Digest]>,
        address: Address,
        position: usize,
    ) -> Result<Opening, NoOpening> {
        let program = self.model.program();
        // Only the step after all positions has none.
        let token = self.tokens.get(position).copied().unwrap_or_default();
        let mut frame = Frame::new(program, &self.trace, position, address)?;
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
        if let Some(revealed) = revealed {
            roots = revealed.to_vec();
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
            Some((place, part)) => Some(view.in_cell(place, &part).ok_or(NoOpening::Memory)?),
            None => None,
        };
        Ok(Opening {
            config: *program.config(),
            weights: merkle::root(&self.weights),
            trace: self.trace.clone(),
            step_root: step_root(&self.trace, position, &roots),
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

/// The digests of all leaves of what the positions of a trace kept, group by group, and what it commits to of it.
fn commit(program: &Program, trace: &Trace, memory: &Memory) -> Result<(Vec<Digest>, Committed), NoOpening> {
    check_header(program, trace)?;
    let positions = trace.positions();
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
    let (mut leaves, mut committed) = (Vec::new(), Committed::default());
    for first in (0..positions).step_by(LEAF_POSITIONS) {
        let end = first.saturating_add(LEAF_POSITIONS).min(positions);
        let group = trace::group_bytes(program, first..end, write);
        leaves.extend(merkle::leaf_many(&group));
        committed.extend(Committed::of_group(program, &group, end.saturating_sub(first)));
    }
    Ok((leaves, committed))
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
            Place::Kept { .. } => Operand::Kept(self.past(place)?),
            Place::Weights { .. } => Operand::Weights(self.weights(place)?),
        })
    }

    /// A leaf of the model's tree.
    fn weights(&self, place: &Place) -> Option<Leaves> {
        let Place::Weights { layer, part, tile } = place else {
            return None;
        };
        let target = self.frame.target(place)?;
        Some(Leaves {
            leaves: alloc::vec![self.opener.model.tile(*layer, *part, *tile)?.bytes()],
            siblings: multiproof::prove(&self.opener.weights, &target.places)?,
        })
    }

    /// What a position has in a leaf.
    fn bytes(&self, layer: usize, kind: Kept, head: usize, position: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.opener.memory.bytes(layer, kind, head, position, &mut bytes);
        bytes
    }

    /// A part of the cell at a place, and what leads from it to the cell.
    fn part(&self, place: u64, part: &InPart) -> Option<Proved> {
        let program = &self.frame.program;
        let (place, each) = (usize::try_from(place).ok()?, cells_of_position(program));
        let position = place.checked_div(each)?;
        let cells = trace::parts(program, |layer, kind, head| self.bytes(layer, kind, head, position));
        let parts = cells.get(place.checked_rem(each)?)?;
        Some(Proved {
            bytes: parts.get(usize::try_from(part.at).ok()?)?.clone(),
            siblings: multiproof::prove(&merkle::leaf_many(parts), &[part.at])?,
        })
    }

    fn in_cell(&self, place: u64, part: &InPart) -> Option<InCell> {
        Some(InCell {
            part: self.part(place, part)?,
            cell_siblings: multiproof::prove(&self.opener.committed.cells, &[place])?,
        })
    }

    fn past(&self, place: &Place) -> Option<Past> {
        let Place::Kept {
            layer,
            kind,
            head,
            groups,
            ..
        } = place
        else {
            return None;
        };
        let (program, target) = (&self.frame.program, self.frame.past(place)?);
        let section = trace::section_places(program, trace::cell_of(program, *layer, *kind));
        let complete = groups.clone().map(|group| {
            let positions = self.frame.group(group);
            let bytes = positions.flat_map(|position| self.bytes(*layer, *kind, *head, position));
            let first = group * trace::group_size(program);
            let leaves = self.opener.leaves.get(first + section.start..first + section.end)?;
            Some(Proved {
                bytes: bytes.collect(),
                siblings: multiproof::prove(leaves, &[target.in_section])?,
            })
        });
        let recent = target.cell_places.iter().map(|place| self.part(*place, &target.part));
        let prove = |all: &[Digest], places: &[u64]| match places {
            [] => Some(Vec::new()),
            places => multiproof::prove(all, places),
        };
        Some(Past {
            complete: complete.collect::<Option<_>>()?,
            section_siblings: prove(&self.opener.committed.sections, &target.section_places)?,
            recent: recent.collect::<Option<_>>()?,
            cell_siblings: prove(&self.opener.committed.cells, &target.cell_places)?,
            own: match &target.own {
                Some(place) => Some(self.tiles(place)?),
                None => None,
            },
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
    let siblings = |count, places: &[u64]| match places {
        [] => Some(0),
        places => multiproof::siblings(count, places),
    };
    let of_leaves = |place: &Place| {
        let target = frame.target(place)?;
        let above = match target.operator {
            Some(operator) => siblings(frame.operators.len() as u64, &[operator])?,
            None => 0,
        };
        Some(target.sizes.iter().sum::<usize>() + 32 * (siblings(target.count, &target.places)? + above))
    };
    let of_parts = |part: &InPart, places: &[u64]| {
        let each = part.size + 32 * siblings(part.parts, &[part.at])?;
        Some(places.len() * each + 32 * siblings(part.cells, places)?)
    };
    let of = |place: &Place| {
        let Some(past) = frame.past(place) else {
            return of_leaves(place);
        };
        let leads = 32 * siblings(past.section_size, &[past.in_section])?;
        let complete = past.leaf_sizes.iter().map(|size| size + leads).sum::<usize>();
        let own = match &past.own {
            Some(place) => of_leaves(place)?,
            None => 0,
        };
        let above = 32 * siblings(past.sections, &past.section_places)?;
        Some(complete + above + of_parts(&past.part, &past.cell_places)? + own)
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
    let kept = frame.kept().and_then(|(place, part)| of_parts(&part, &[place]));
    let fixed = of(&frame.output()).unwrap_or_default() + kept.unwrap_or_default();
    Ok(HEADER + tokens + fixed + frame.sources.iter().filter_map(source).sum::<usize>())
}
