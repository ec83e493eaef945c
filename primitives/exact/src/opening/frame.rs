//! Where a tile stands, and which leaves of which trees show what it reads and gives: what building and checking an opening have
//! in common.

use alloc::vec::Vec;
use core::ops::Range;

use super::{error::NoTile, layout::Layout};
use crate::{
    program::{Address, Choice, Family, Kept, Op, Part, Program, Source, Step},
    trace::{
        LEAF_POSITIONS, LEAF_TOKENS, Trace, cell_of, cells_of_position, parts_of_cell, place_in_section, place_of_part,
        section_size, sections_of_group, slice_of_part,
    },
};

/// Whether a trace's header can be that of a run of the program.
pub(super) fn check_header(program: &Program, trace: &Trace) -> Result<(), NoTile> {
    let (given, count) = (trace.given, trace.count);
    let made = match program.config().family {
        Family::Llama => (given == count || trace.choice != Choice::Given) && trace.result == [0; 32],
        Family::Bert => given == count && trace.choice == Choice::Given,
    };
    let sound = given > 0 && given <= count && trace.positions() <= program.config().context && made;
    if sound {
        Ok(())
    } else {
        Err(NoTile::Header { given, count })
    }
}

/// Steps of a trace: one for each position, and of BERT one more for the operators after the layers.
pub fn steps(program: &Program, trace: &Trace) -> usize {
    match program.config().family {
        Family::Llama => trace.positions(),
        Family::Bert => trace.positions().saturating_add(1),
    }
}

/// A step of a trace, of which `token` is the token at its position; `None` if there is no such step.
///
/// The last of BERT's steps has no token and no position of its own: what it says of them is not used.
pub fn step(program: &Program, trace: &Trace, position: usize, token: u32) -> Option<Step> {
    if position >= steps(program, trace) {
        return None;
    }
    let positions = trace.positions();
    Some(match program.config().family {
        Family::Llama => {
            // The last of the given tokens is the first after which one is chosen.
            let chooses = position.saturating_add(1) >= trace.given as usize;
            let choice = if chooses { trace.choice } else { Choice::Given };
            Step {
                position,
                visible: position + 1,
                token,
                choice,
            }
        }
        Family::Bert => Step {
            position: position.min(positions.saturating_sub(1)),
            visible: positions,
            token,
            choice: Choice::Given,
        },
    })
}

/// The operators of a step with their layers, in the order in which the step's root has them; none if there is no such step.
pub fn operators(program: &Program, trace: &Trace, position: usize) -> Vec<(usize, Op)> {
    match step(program, trace, position, 0) {
        Some(step) if is_end(program, trace, position) => program.end(&step).iter().map(|op| (0, *op)).collect(),
        Some(step) => program.operators(&step).collect(),
        None => Vec::new(),
    }
}

/// Whether a step is the one of the operators after BERT's layers.
pub(super) fn is_end(program: &Program, trace: &Trace, position: usize) -> bool {
    program.config().family == Family::Bert && position == trace.positions()
}

/// Leaves of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A tile of the weights.
    Weights { layer: usize, part: Part, tile: usize },
    /// Of a head, or chunk, what these complete groups of positions, these positions after them, and the step itself keep.
    Kept {
        layer: usize,
        kind: Kept,
        head: usize,
        groups: Range<usize>,
        recent: Range<usize>,
        own: bool,
    },
    /// Tiles of an operator of the same step.
    Output { layer: usize, op: Op, tiles: Range<usize> },
}

/// How a [`Place`] lies in its tree.
pub(super) struct Target {
    /// Leaves of the tree.
    pub count: u64,
    /// The leaves, ascending.
    pub places: Vec<u64>,
    /// Their bytes.
    pub sizes: Vec<usize>,
    /// Of an operator's tiles: its place in the step.
    pub operator: Option<u64>,
}

/// How a [`Place::Kept`] lies in its trees.
pub(super) struct PastTarget {
    /// Bytes of each group's leaf.
    pub leaf_sizes: Vec<usize>,
    /// The place of such a leaf in its section.
    pub in_section: u64,
    /// Leaves of such a section.
    pub section_size: u64,
    /// Sections of the trace.
    pub sections: u64,
    /// The sections, ascending.
    pub section_places: Vec<u64>,
    /// The cells of the positions after the groups, ascending.
    pub cell_places: Vec<u64>,
    /// Where the part stands in each.
    pub part: InPart,
    /// The step's own tile.
    pub own: Option<Place>,
}

/// Where something kept stands in its cell.
pub(super) struct InPart {
    /// Cells of the trace.
    pub cells: u64,
    /// Parts of such a cell.
    pub parts: u64,
    /// The part among them.
    pub at: u64,
    /// Its bytes.
    pub size: usize,
    /// Those of the head, or chunk.
    pub slice: Range<usize>,
}

/// Leaves of tokens.
pub(super) struct TokenLeaves {
    /// Leaves of the tree.
    pub count: u64,
    /// The leaves, ascending.
    pub places: Vec<u64>,
    /// Tokens of each.
    pub sizes: Vec<usize>,
}

/// Where a tile stands.
pub(super) struct Frame {
    pub program: Program,
    pub step: Step,
    pub at: Address,
    pub operators: Vec<(usize, Op)>,
    pub sources: Vec<Source>,
    /// Whether it is of the step after BERT's layers.
    pub at_end: bool,
    /// Tokens of the trace.
    tokens: usize,
    positions: usize,
}

impl Frame {
    /// Of a tile of a trace whose header has been checked; what it reads is not known before [`Self::set_token`].
    pub fn new(program: &Program, trace: &Trace, position: usize, at: Address) -> Result<Self, NoTile> {
        let steps = steps(program, trace);
        let step = step(program, trace, position, 0).ok_or(NoTile::Step { position, steps })?;
        let operators = operators(program, trace, position);
        let Address { layer, op, tile } = at;
        if !operators.iter().any(|(_, other)| *other == op) {
            return Err(NoTile::Operator(op));
        }
        if !operators.contains(&(layer, op)) {
            return Err(NoTile::Layer(op, layer));
        }
        let tiles = program.tiles(op, &step);
        if tile >= tiles {
            return Err(NoTile::Tile { op, tile, tiles });
        }
        Ok(Self {
            program: *program,
            step,
            at,
            operators,
            sources: Vec::new(),
            at_end: is_end(program, trace, position),
            tokens: trace.count as usize,
            positions: trace.positions(),
        })
    }

    /// Says which token is at the position, and so what the tile reads.
    pub fn set_token(&mut self, token: u32) -> Result<(), NoTile> {
        self.step.token = token;
        // All else has been checked.
        self.sources = self.program.sources(&self.at, &self.step).ok_or(NoTile::Token(token))?;
        Ok(())
    }

    /// The place of the token that the tile chose, if the trace goes on.
    pub fn next_token(&self) -> Option<usize> {
        let next = self.step.position.saturating_add(1);
        (self.at.op == Op::Token && next < self.tokens).then_some(next)
    }

    /// The leaves of the position's token and of the one that the tile chose; `None` if the step has no token.
    pub fn token_leaves(&self) -> Option<TokenLeaves> {
        if self.at_end {
            return None;
        }
        let mut places = alloc::vec![self.step.position / LEAF_TOKENS];
        places.extend(self.next_token().map(|next| next / LEAF_TOKENS));
        places.dedup();
        let size = |place: &usize| self.tokens.saturating_sub(place * LEAF_TOKENS).min(LEAF_TOKENS);
        Some(TokenLeaves {
            count: self.tokens.div_ceil(LEAF_TOKENS) as u64,
            sizes: places.iter().map(size).collect(),
            places: places.into_iter().map(|place| place as u64).collect(),
        })
    }

    /// Where the tile's own result stands.
    pub fn output(&self) -> Place {
        let Address { layer, op, tile } = self.at;
        Place::Output {
            layer,
            op,
            tiles: tile..tile + 1,
        }
    }

    /// Where the trace has what the position keeps of the tile's result, if it keeps it: the place of the cell, and that in it.
    pub fn kept(&self) -> Option<(u64, InPart)> {
        let Address { layer, op, tile } = self.at;
        let (kind, head) = match op {
            Op::Key => (Kept::Key, tile),
            Op::Value => (Kept::Value, tile),
            // The last hidden state.
            Op::DownNorm if layer + 1 == self.program.config().layers => (Kept::Hidden, 0),
            _ => return None,
        };
        let mut part = self.in_part(layer, kind, head);
        if kind == Kept::Hidden {
            part.slice = 0..part.size;
        }
        Some((self.cell_place(layer, kind, self.step.position), part))
    }

    /// The place of a position's cell among all.
    fn cell_place(&self, layer: usize, kind: Kept, position: usize) -> u64 {
        (position * cells_of_position(&self.program) + cell_of(&self.program, layer, kind)) as u64
    }

    fn in_part(&self, layer: usize, kind: Kept, head: usize) -> InPart {
        let program = &self.program;
        let (size, slice) = slice_of_part(program, kind, head);
        InPart {
            cells: (self.positions * cells_of_position(program)) as u64,
            parts: parts_of_cell(program) as u64,
            at: place_of_part(program, layer) as u64,
            size,
            slice,
        }
    }

    /// How what is kept lies in its trees; `None` if it is not there.
    pub fn past(&self, place: &Place) -> Option<PastTarget> {
        let Place::Kept {
            layer,
            kind,
            head,
            groups,
            recent,
            own,
        } = place
        else {
            return None;
        };
        let program = &self.program;
        let (of_group, section) = (sections_of_group(program), cell_of(program, *layer, *kind));
        let size = |group| Layout::kept(program, *kind, *head, self.group(group).len()).bytes();
        let op = match kind {
            Kept::Key => Op::Key,
            Kept::Value => Op::Value,
            Kept::Hidden => Op::DownNorm,
        };
        Some(PastTarget {
            leaf_sizes: groups.clone().map(size).collect(),
            in_section: place_in_section(program, *layer, *kind, *head)? as u64,
            section_size: section_size(program, section) as u64,
            sections: (self.positions.div_ceil(LEAF_POSITIONS) * of_group) as u64,
            section_places: groups
                .clone()
                .map(|group| (group * of_group + section) as u64)
                .collect(),
            cell_places: recent
                .clone()
                .map(|position| self.cell_place(*layer, *kind, position))
                .collect(),
            part: self.in_part(*layer, *kind, *head),
            own: own.then_some(Place::Output {
                layer: *layer,
                op,
                tiles: *head..*head + 1,
            }),
        })
    }

    /// A source, of which the place is known; `drawn` is the chunk to which a draw led. `None` if there is no such chunk.
    pub fn resolved(&self, source: &Source, drawn: Option<usize>) -> Option<Source> {
        match source {
            Source::Drawn => drawn
                .filter(|chunk| *chunk < self.program.chunks())
                .map(|chunk| self.program.chunk(chunk)),
            source => Some(source.clone()),
        }
    }

    /// Where a source's leaves stand, after [`Self::resolved`].
    pub fn place(&self, source: &Source) -> Option<Place> {
        Some(match source {
            Source::Weights { layer, part, tile } => Place::Weights {
                layer: *layer,
                part: *part,
                tile: *tile,
            },
            Source::Kept {
                layer,
                kind,
                head,
                positions,
            } => {
                // Of Llama the group that the step is part of is not complete.
                let complete = match self.program.config().family {
                    Family::Llama => self.step.position / LEAF_POSITIONS,
                    Family::Bert => usize::MAX,
                };
                let groups = positions.start / LEAF_POSITIONS..positions.end.div_ceil(LEAF_POSITIONS).min(complete);
                let after = complete.saturating_mul(LEAF_POSITIONS).max(positions.start);
                Place::Kept {
                    layer: *layer,
                    kind: *kind,
                    head: *head,
                    groups,
                    recent: after..positions.end.min(self.step.position).max(after),
                    own: after <= self.step.position && positions.contains(&self.step.position),
                }
            }
            Source::Output { layer, op, tiles, .. } => Place::Output {
                layer: *layer,
                op: *op,
                tiles: tiles.clone(),
            },
            Source::Drawn => return None,
        })
    }

    /// Positions of a leaf of a group.
    pub fn group(&self, group: usize) -> Range<usize> {
        let first = group * LEAF_POSITIONS;
        first..(first + LEAF_POSITIONS).min(self.positions)
    }

    /// Where a place lies in its tree; `None` if it is not there.
    pub fn target(&self, place: &Place) -> Option<Target> {
        let program = &self.program;
        match place {
            Place::Weights { layer, part, tile } => {
                let parts = program.all_parts();
                Some(Target {
                    count: parts.iter().map(|(_, part)| program.weight_tiles(*part) as u64).sum(),
                    places: alloc::vec![program.weight_leaf(*layer, *part, *tile)? as u64],
                    sizes: alloc::vec![Layout::weights(program, *part, *tile).bytes()],
                    operator: None,
                })
            }
            Place::Kept { .. } => None,
            Place::Output { layer, op, tiles } => {
                let operator = self.operators.iter().position(|other| *other == (*layer, *op))?;
                let bytes = |tile| Layout::output(program, *op, tile, &self.step).bytes();
                Some(Target {
                    count: program.tiles(*op, &self.step) as u64,
                    places: tiles.clone().map(|tile| tile as u64).collect(),
                    sizes: tiles.clone().map(bytes).collect(),
                    operator: Some(operator as u64),
                })
            }
        }
    }
}
