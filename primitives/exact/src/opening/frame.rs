//! Where a tile stands, and which leaves of which trees show what it reads and gives: what building and checking an opening have
//! in common.

use alloc::vec::Vec;
use core::ops::Range;

use super::{error::NoTile, layout::Layout};
use crate::{
    program::{Address, Choice, Family, Kept, Op, POOLED, Part, Program, Source, Step},
    trace::{LEAF_POSITIONS, LEAF_TOKENS, Trace, group_size, kept_leaf},
};

/// Whether a trace's header can be that of a run of the program.
pub(super) fn check_header(program: &Program, trace: &Trace) -> Result<(), NoTile> {
    let (given, count) = (trace.given, trace.count);
    let made = match program.config().family {
        Family::Llama => given == count || trace.choice != Choice::Given,
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
fn is_end(program: &Program, trace: &Trace, position: usize) -> bool {
    program.config().family == Family::Bert && position == trace.positions()
}

/// Leaves of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A tile of the weights.
    Weights { layer: usize, part: Part, tile: usize },
    /// Of each of these groups of positions each of these heads, or chunks.
    Kept {
        layer: usize,
        kind: Kept,
        heads: Range<usize>,
        groups: Range<usize>,
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

    /// Where the trace has what the position keeps of the tile's result, if it keeps it.
    pub fn kept(&self) -> Option<Place> {
        let Address { layer, op, tile } = self.at;
        let config = self.program.config();
        let (kind, heads) = match op {
            Op::Key => (Kept::Key, tile..tile + 1),
            Op::Value => (Kept::Value, tile..tile + 1),
            // The last hidden state.
            Op::DownNorm if layer + 1 == config.layers => (Kept::Hidden, 0..config.width.div_ceil(POOLED)),
            _ => return None,
        };
        let group = self.step.position / LEAF_POSITIONS;
        Some(Place::Kept {
            layer,
            kind,
            heads,
            groups: group..group + 1,
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
            } => Place::Kept {
                layer: *layer,
                kind: *kind,
                heads: *head..*head + 1,
                groups: positions.start / LEAF_POSITIONS..positions.end.div_ceil(LEAF_POSITIONS),
            },
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
            Place::Kept {
                layer,
                kind,
                heads,
                groups,
            } => {
                let size = group_size(program);
                // The heads, or chunks, of a layer are evenly spaced.
                let of_first = kept_leaf(program, *layer, *kind, 0, 0)?;
                let apart = if *kind == Kept::Hidden { 1 } else { 2 };
                let all = || {
                    groups
                        .clone()
                        .flat_map(|group| heads.clone().map(move |head| (group, head)))
                };
                let bytes = |(group, head)| Layout::kept(program, *kind, head, self.group(group).len()).bytes();
                Some(Target {
                    count: (self.positions.div_ceil(LEAF_POSITIONS) * size) as u64,
                    places: all()
                        .map(|(group, head)| (group * size + of_first + head * apart) as u64)
                        .collect(),
                    sizes: all().map(bytes).collect(),
                    operator: None,
                })
            }
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
