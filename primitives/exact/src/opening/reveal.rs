//! What a device reveals of a step that is asked for, before anybody asks for a tile of it.
//!
//! A step's operators are bound to the trace by what the position kept: a device that reveals other operators than it answered
//! with has to reveal other keys, values or hidden states, which are not in the trace's cells.

use alloc::vec::Vec;
use core::fmt::{Display, Formatter};

use super::{
    NoTile,
    frame::{check_header, is_end},
    multiproof, operators, step, step_root,
};
use crate::{
    merkle::{self, Digest},
    program::{Family, Op, Program},
    reference::Record,
    trace::{self, Committed, Trace, cells_of_position},
};

/// The operators of a step, and what its position kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct StepReveal {
    /// The root over the tiles of each operator, in the order of [`operators`].
    pub operators: Vec<Digest>,
    /// What the position kept, part by part of each of its cells; nothing of the step after BERT's layers.
    pub parts: Vec<Vec<u8>>,
    /// From the position's cells to [`Trace::cells`].
    pub cell_siblings: Vec<Digest>,
    /// All sections of the trace, of which tiles read: [`Trace::kept`] is the root over them.
    pub sections: Vec<Digest>,
}

/// What a revealed step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revealed {
    /// [`Trace::kept`] from now on.
    pub kept: Digest,
    /// The step's root.
    pub root: Digest,
}

/// What is wrong with a revealed step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRevealed {
    /// The trace has no such step.
    NoTile(NoTile),
    /// There are more or fewer operators.
    Operators {
        /// So many.
        found: usize,
        /// As the program says.
        wanted: usize,
    },
    /// There are more or fewer parts than the position's cells have, or one is longer or shorter.
    Parts,
    /// The parts are not those of the trace's cells.
    Cells,
    /// There is no such section, or no such leaf of it.
    Section,
    /// The leaf is not what was named, or its cells have something else.
    OtherLeaf,
    /// An operator gave something else than the position kept.
    Kept {
        /// The layer.
        layer: usize,
        /// The operator.
        op: Op,
    },
}

impl From<NoTile> for NotRevealed {
    fn from(no_tile: NoTile) -> Self {
        Self::NoTile(no_tile)
    }
}

impl Display for NotRevealed {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoTile(no_tile) => no_tile.fmt(f),
            Self::Operators { found, wanted } => write!(f, "{found} operators instead of {wanted}"),
            Self::Parts => f.write_str("the parts are not as many, or not as long, as the position's cells have"),
            Self::Cells => f.write_str("the parts are not what the trace has at this position"),
            Self::Section => f.write_str("there is no such section, or no such leaf of it"),
            Self::OtherLeaf => f.write_str("the leaf is not the one that was named, or is not what the cells have"),
            Self::Kept { layer, op } => {
                write!(
                    f,
                    "{} in layer {layer} gave something else than the position kept",
                    op.name()
                )
            }
        }
    }
}

impl core::error::Error for NotRevealed {}

/// Where the places of a position's cells begin and end.
fn cell_places(program: &Program, position: usize) -> Vec<u64> {
    let each = cells_of_position(program);
    let first = position.saturating_mul(each);
    (first..first.saturating_add(each)).map(|place| place as u64).collect()
}

impl StepReveal {
    /// Of the step at a position, of which `record` has all results. `committed` is what the trace commits to, and `kept` what the
    /// position kept in each leaf of its group.
    pub fn of(
        program: &Program,
        trace: &Trace,
        position: usize,
        record: &Record,
        committed: &Committed,
        kept: impl Fn(usize, crate::program::Kept, usize) -> Vec<u8>,
    ) -> Result<Self, NoTile> {
        check_header(program, trace)?;
        let all = operators(program, trace, position);
        let operators = all
            .into_iter()
            .map(|(layer, op)| merkle::root(&record.leaves(layer, op)))
            .collect();
        if is_end(program, trace, position) {
            return Ok(Self {
                operators,
                parts: Vec::new(),
                cell_siblings: Vec::new(),
                sections: committed.sections.clone(),
            });
        }
        let places = cell_places(program, position);
        let steps = trace.positions();
        Ok(Self {
            operators,
            parts: trace::parts(program, kept).into_iter().flatten().collect(),
            cell_siblings: multiproof::prove(&committed.cells, &places).ok_or(NoTile::Step { position, steps })?,
            sections: committed.sections.clone(),
        })
    }

    /// Checks that this may be a step of the trace at a position, and gives what it leads to. What the trace has of sections is not
    /// looked at.
    pub fn check(&self, program: &Program, trace: &Trace, position: usize) -> Result<Revealed, NotRevealed> {
        check_header(program, trace)?;
        let all = operators(program, trace, position);
        let (found, wanted) = (self.operators.len(), all.len());
        if wanted == 0 {
            let steps = super::steps(program, trace);
            return Err(NoTile::Step { position, steps }.into());
        }
        if found != wanted {
            return Err(NotRevealed::Operators { found, wanted });
        }
        if is_end(program, trace, position) {
            if !self.parts.is_empty() || !self.cell_siblings.is_empty() {
                return Err(NotRevealed::Parts);
            }
        } else {
            self.check_cells(program, trace, position)?;
            self.check_kept(program, &all)?;
        }
        if self.sections.len() != sections(program, trace) {
            return Err(NotRevealed::Section);
        }
        let kept = merkle::root(&self.sections);
        let trace = Trace { kept, ..trace.clone() };
        Ok(Revealed {
            kept,
            root: step_root(&trace, position, &self.operators),
        })
    }

    fn check_cells(&self, program: &Program, trace: &Trace, position: usize) -> Result<(), NotRevealed> {
        let mut sizes = alloc::vec![trace::part_bytes(program, false); program.config().layers];
        if program.config().family == Family::Bert {
            sizes.push(trace::part_bytes(program, true));
        }
        if !self.parts.iter().map(Vec::len).eq(sizes.iter().copied()) {
            return Err(NotRevealed::Parts);
        }
        let of_cell = trace::parts_of_cell(program);
        let cells: Vec<Digest> = self.parts.chunks(of_cell.max(1)).map(trace::cell).collect();
        let places = cell_places(program, position);
        let count = (trace.positions() as u64).saturating_mul(cells_of_position(program) as u64);
        let leaves: Vec<(u64, Digest)> = places.iter().copied().zip(cells).collect();
        let siblings = multiproof::siblings(count, &places).ok_or(NotRevealed::Cells)?;
        let leads = self.cell_siblings.len() == siblings
            && multiproof::root(count, &leaves, &self.cell_siblings) == Some(trace.cells);
        if leads { Ok(()) } else { Err(NotRevealed::Cells) }
    }

    /// Whether the operators whose results are kept gave what was kept.
    fn check_kept(&self, program: &Program, all: &[(usize, Op)]) -> Result<(), NotRevealed> {
        let config = program.config();
        let each = trace::part_bytes(program, false)
            .checked_div(2 * config.kv_heads)
            .unwrap_or_default()
            .max(1);
        for ((layer, op), root) in all.iter().zip(&self.operators) {
            let tiles: Vec<&[u8]> = match op {
                Op::Key | Op::Value => {
                    let part = self.parts.get(*layer).map_or(&[][..], Vec::as_slice);
                    part.chunks(each)
                        .skip(usize::from(*op == Op::Value))
                        .step_by(2)
                        .collect()
                }
                Op::DownNorm if layer + 1 == config.layers => {
                    alloc::vec![self.parts.get(config.layers).map_or(&[][..], Vec::as_slice)]
                }
                _ => continue,
            };
            if merkle::root(&merkle::leaf_many(&tiles)) != *root {
                return Err(NotRevealed::Kept { layer: *layer, op: *op });
            }
        }
        Ok(())
    }
}

/// Whether these are the digests of the tiles of an operator of a step with this root, to which `siblings` lead from the
/// operator's; gives the operator's root.
pub fn check_tiles(
    program: &Program,
    trace: &Trace,
    position: usize,
    root: &Digest,
    operator: usize,
    tiles: &[Digest],
    siblings: &[Digest],
) -> Result<Digest, NotRevealed> {
    let all = operators(program, trace, position);
    let steps = super::steps(program, trace);
    let no_step = NoTile::Step { position, steps };
    let (_, op) = *all.get(operator).ok_or(NotRevealed::Operators {
        found: operator,
        wanted: all.len(),
    })?;
    let step = step(program, trace, position, 0).ok_or(no_step)?;
    let (found, wanted) = (tiles.len(), program.tiles(op, &step));
    if found != wanted {
        return Err(NotRevealed::Operators { found, wanted });
    }
    let of_operator = merkle::root(tiles);
    let leaf = [(operator as u64, merkle::leaf(&of_operator))];
    let count = all.len() as u64;
    let leads = multiproof::siblings(count, &[operator as u64]) == Some(siblings.len())
        && multiproof::root(count, &leaf, siblings).map(|top| super::bind(trace, position, &top)) == Some(*root);
    if leads {
        Ok(of_operator)
    } else {
        Err(NotRevealed::Cells)
    }
}

/// What leads from the root of an operator, which is a leaf there, to the root over those of the step.
pub fn prove_operator(operators: &[Digest], operator: usize) -> Option<Vec<Digest>> {
    multiproof::prove(&super::step_leaves(operators), &[operator as u64])
}

/// The leaves of a section, and what leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct SectionReveal {
    /// The digest of each leaf.
    pub leaves: Vec<Digest>,
    /// From the section to [`Trace::kept`].
    pub siblings: Vec<Digest>,
}

/// That a leaf of a section is made of what its positions' cells are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct LeafReveal {
    /// The leaf.
    pub bytes: Vec<u8>,
    /// Of each of its positions the part of a cell that has the same, and what leads to the cell.
    pub parts: Vec<super::Proved>,
    /// From the cells to [`Trace::cells`].
    pub cell_siblings: Vec<Digest>,
}

/// How many sections a trace has.
pub fn sections(program: &Program, trace: &Trace) -> usize {
    let groups = trace.positions().div_ceil(trace::LEAF_POSITIONS);
    groups.saturating_mul(trace::sections_of_group(program))
}

/// The positions of a section's group, and which of the group's sections it is.
fn of_section(program: &Program, trace: &Trace, section: usize) -> Option<(core::ops::Range<usize>, usize)> {
    if section >= sections(program, trace) {
        return None;
    }
    let each = trace::sections_of_group(program);
    let first = section.checked_div(each)?.checked_mul(trace::LEAF_POSITIONS)?;
    let end = first.saturating_add(trace::LEAF_POSITIONS).min(trace.positions());
    Some((first..end, section.checked_rem(each)?))
}

impl SectionReveal {
    /// Checks that these are the leaves of a section of the trace, and gives the section.
    pub fn check(&self, program: &Program, trace: &Trace, section: usize) -> Result<Digest, NotRevealed> {
        check_header(program, trace)?;
        let (_, of_group) = of_section(program, trace, section).ok_or(NotRevealed::Section)?;
        if self.leaves.len() != trace::section_size(program, of_group) {
            return Err(NotRevealed::Parts);
        }
        let root = merkle::root(&self.leaves);
        let (count, place) = (sections(program, trace) as u64, section as u64);
        let leads = multiproof::siblings(count, &[place]) == Some(self.siblings.len())
            && multiproof::root(count, &[(place, root)], &self.siblings) == Some(trace.kept);
        if leads { Ok(root) } else { Err(NotRevealed::Cells) }
    }
}

impl LeafReveal {
    /// Of a leaf of a section, from what `kept` says that a position has in it, and `parts` in its cells.
    pub fn of(
        program: &Program,
        trace: &Trace,
        (section, leaf): (usize, usize),
        committed: &Committed,
        kept: impl Fn(usize, crate::program::Kept, usize, usize) -> Vec<u8>,
    ) -> Option<Self> {
        let (positions, of_group) = of_section(program, trace, section)?;
        let (layer, kind, head) = trace::group(program)
            .filter(|(layer, kind, _)| trace::cell_of(program, *layer, *kind) == of_group)
            .nth(leaf)?;
        let part = trace::place_of_part(program, layer);
        let parts = positions.clone().map(|position| {
            let cells = trace::parts(program, |layer, kind, head| kept(layer, kind, head, position));
            let all = cells.get(of_group)?;
            Some(super::Proved {
                bytes: all.get(part)?.clone(),
                siblings: multiproof::prove(&merkle::leaf_many(all), &[part as u64])?,
            })
        });
        Some(Self {
            bytes: positions
                .clone()
                .flat_map(|position| kept(layer, kind, head, position))
                .collect(),
            parts: parts.collect::<Option<_>>()?,
            cell_siblings: multiproof::prove(&committed.cells, &places_in(program, positions, of_group))?,
        })
    }

    /// Checks that the leaf has this digest and is made of what its positions' cells are made of.
    pub fn check(
        &self,
        program: &Program,
        trace: &Trace,
        (section, leaf): (usize, usize),
        digest: &Digest,
    ) -> Result<(), NotRevealed> {
        check_header(program, trace)?;
        let (positions, of_group) = of_section(program, trace, section).ok_or(NotRevealed::Section)?;
        let (layer, kind, head) = trace::group(program)
            .filter(|(layer, kind, _)| trace::cell_of(program, *layer, *kind) == of_group)
            .nth(leaf)
            .ok_or(NotRevealed::Section)?;
        let (size, slice) = trace::slice_of_part(program, kind, head);
        let fits = self.bytes.len() == positions.len() * slice.len()
            && self.parts.len() == positions.len()
            && self.parts.iter().all(|part| part.bytes.len() == size);
        if !fits {
            return Err(NotRevealed::Parts);
        }
        let (of_cell, at) = (
            trace::parts_of_cell(program) as u64,
            trace::place_of_part(program, layer) as u64,
        );
        let mut cells = Vec::new();
        for (place, part) in places_in(program, positions.clone(), of_group)
            .into_iter()
            .zip(&self.parts)
        {
            let leads = multiproof::siblings(of_cell, &[at]) == Some(part.siblings.len());
            let cell = multiproof::root(of_cell, &[(at, merkle::leaf(&part.bytes))], &part.siblings);
            cells.push((place, cell.filter(|_| leads).ok_or(NotRevealed::Cells)?));
        }
        let places: Vec<u64> = cells.iter().map(|(place, _)| *place).collect();
        let count = (trace.positions() as u64).saturating_mul(cells_of_position(program) as u64);
        let leads = multiproof::siblings(count, &places) == Some(self.cell_siblings.len())
            && multiproof::root(count, &cells, &self.cell_siblings) == Some(trace.cells);
        if !leads {
            return Err(NotRevealed::Cells);
        }
        let same = self
            .bytes
            .chunks(slice.len().max(1))
            .zip(&self.parts)
            .all(|(bytes, part)| part.bytes.get(slice.clone()) == Some(bytes));
        if same && merkle::leaf(&self.bytes) == *digest {
            Ok(())
        } else {
            Err(NotRevealed::OtherLeaf)
        }
    }
}

/// The places of one cell each of some positions.
fn places_in(program: &Program, positions: core::ops::Range<usize>, cell: usize) -> Vec<u64> {
    let each = cells_of_position(program);
    positions.map(|position| (position * each + cell) as u64).collect()
}
