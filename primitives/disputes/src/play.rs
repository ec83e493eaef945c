//! How to play: what an honest provider answers, and what an honest challenger names.
//!
//! Both work from the same: a model, a trace, its tokens, what its positions kept, and results of a step. The provider has its
//! own; the challenger has computed the answer again, and compares.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode};
use weft_exact::{
    merkle::{self, Digest},
    model::Model,
    opening::{
        LeafReveal, NoOpening, Opener, Opening, SectionReveal, StepReveal, multiproof, operators,
        reveal::prove_operator,
    },
    program::{Family, Kept, Program},
    reference::{Memory, Record},
    trace::{self, Committed, LEAF_POSITIONS, Trace, cells_of_position, sections_of_group},
};

use crate::game::{Game, Move, Stage};

/// An answer with all that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The model.
    pub model: &'a Model,
    /// What was committed to.
    pub trace: &'a Trace,
    /// Tokens given and made.
    pub tokens: &'a [u32],
    /// What its positions kept.
    pub memory: &'a Memory,
}

/// All that a trace commits to, entry by entry. The answer has it, so that others can find out where they disagree.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Sketch {
    /// Tokens given and made.
    pub tokens: Vec<u32>,
    /// The cells of its positions.
    pub cells: Vec<Digest>,
    /// [`Trace::result`].
    pub result: Digest,
}

impl Sketch {
    /// Whether it is all that a trace commits to. To one that is not nobody has committed: what it says is worth nothing.
    pub fn is_of(&self, trace: &Trace) -> bool {
        let is_whole = u32::try_from(self.tokens.len()) == Ok(trace.count);
        let tokens = merkle::root(&trace::token_leaves(&self.tokens));
        is_whole && tokens == trace.tokens && merkle::root(&self.cells) == trace.cells && self.result == trace.result
    }
}

impl Sketch {
    /// The position of the first entry, in the order of computation, that another sketch has otherwise; `None` if it has all as this one.
    pub fn first_difference(&self, other: &Self, program: &Program, positions: usize) -> Option<u32> {
        let of_position = cells_of_position(program);
        let differs = |at: usize| self.cells.get(at) != other.cells.get(at);
        match program.config().family {
            Family::Llama => (0..positions)
                .find(|position| {
                    let next = position.saturating_add(1);
                    differs(*position) || self.tokens.get(next) != other.tokens.get(next)
                })
                .map(number),
            Family::Bert => {
                // A layer of all positions comes before the next.
                let mut all = (0..of_position).flat_map(|cell| (0..positions).map(move |position| (cell, position)));
                let wrong = all.find(|(cell, position)| differs(position * of_position + cell));
                let end = (self.result != other.result).then_some(positions);
                wrong.map(|(_, position)| position).or(end).map(number)
            }
        }
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Answer<'_> {
    fn program(&self) -> &Program {
        self.model.program()
    }

    fn bytes(&self, layer: usize, kind: Kept, head: usize, position: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.memory.bytes(layer, kind, head, position, &mut bytes);
        bytes
    }

    /// What the trace commits to, entry by entry.
    pub fn sketch(&self) -> Sketch {
        Sketch {
            tokens: self.tokens.to_vec(),
            cells: self.committed().cells,
            result: self.trace.result,
        }
    }

    fn committed(&self) -> Committed {
        let write = |layer, kind, head, position, bytes: &mut Vec<u8>| {
            self.memory.bytes(layer, kind, head, position, bytes);
        };
        Committed::of_all(self.program(), self.trace.positions(), write)
    }

    /// What its provider does in a game, of which `record` has the results of the step that is asked for; `None` if it is not the
    /// provider's turn.
    pub fn defend(&self, game: &Game, record: &Record) -> Result<Option<Move>, NoOpening> {
        let (program, trace) = (self.program(), self.trace);
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        Ok(Some(match game.stage {
            Stage::Step { position } => {
                let kept = |layer, kind, head| self.bytes(layer, kind, head, at(position));
                let committed = self.committed();
                Move::RevealStep(StepReveal::of(program, trace, at(position), record, &committed, kept)?)
            }
            Stage::Tiles { position, operator, .. } => {
                let all = operators(program, trace, at(position));
                let of = |(layer, op): &(usize, _)| record.leaves(*layer, *op);
                let roots: Vec<Digest> = all.iter().map(|operator| merkle::root(&of(operator))).collect();
                let operator = usize::from(operator);
                let tiles = all.get(operator).map(of).unwrap_or_default();
                let siblings = prove_operator(&roots, operator).unwrap_or_default();
                Move::RevealTiles { tiles, siblings }
            }
            Stage::Judge { .. } => match self.opening(game, record)? {
                Some(opening) => Move::Open(opening),
                None => return Ok(None),
            },
            Stage::Leaves { section } => Move::RevealLeaves(self.section(at(section))),
            Stage::Made { section, leaf, .. } => {
                let committed = self.committed();
                let kept = |layer, kind, head, position| self.bytes(layer, kind, head, position);
                let places = (at(section), usize::from(leaf));
                match LeafReveal::of(program, trace, places, &committed, kept) {
                    Some(reveal) => Move::ShowLeaf(reveal),
                    None => return Ok(None),
                }
            }
            Stage::Position | Stage::Operator { .. } | Stage::Tile { .. } | Stage::Leaf { .. } => return Ok(None),
        }))
    }

    /// The opening of the tile that a game has come to; `None` if it has come to none.
    pub fn opening(&self, game: &Game, record: &Record) -> Result<Option<Opening>, NoOpening> {
        let Some((position, address)) = game.named(self.program()) else {
            return Ok(None);
        };
        let opener = Opener::new(self.model, self.trace, self.tokens, self.memory)?;
        opener.open(record, address, position).map(Some)
    }

    fn section(&self, section: usize) -> SectionReveal {
        let (program, each) = (self.program(), sections_of_group(self.program()));
        let (group, of_group) = (section / each.max(1), section % each.max(1));
        let first = group * LEAF_POSITIONS;
        let positions = first..(first + LEAF_POSITIONS).min(self.trace.positions());
        let leaves =
            trace::group(program).filter(|(layer, kind, _)| trace::cell_of(program, *layer, *kind) == of_group);
        let leaves = leaves.map(|(layer, kind, head)| {
            let bytes = positions
                .clone()
                .flat_map(|position| self.bytes(layer, kind, head, position));
            merkle::leaf(&bytes.collect::<Vec<u8>>())
        });
        let sections = self.committed().sections;
        SectionReveal {
            leaves: leaves.collect(),
            siblings: multiproof::prove(&sections, &[section as u64]).unwrap_or_default(),
        }
    }

    /// The step to dispute: that of the first entry of another's sketch, which is of its trace ([`Sketch::is_of`]), that is not as it should
    /// be, as this answer, to the same prompt, has it; `None` if all are.
    pub fn doubt(&self, other: &Sketch) -> Option<u32> {
        self.sketch()
            .first_difference(other, self.program(), self.trace.positions())
    }

    /// What its challenger names after the provider has revealed a step: a section that is not made of what its cells are made of, which
    /// are right; else the first operator that is not as this answer has it. If all are, what is wrong is what the trace makes of the
    /// last.
    pub fn name(&self, position: usize, record: &Record, sketch: &Sketch, revealed: &StepReveal) -> Move {
        let (program, own) = (self.program(), self.committed());
        let (of_position, of_group) = (cells_of_position(program), sections_of_group(program).max(1));
        let positions = self.trace.positions();
        let is_forged = |section: usize| {
            let first = section / of_group * LEAF_POSITIONS;
            let mut cells =
                (first..(first + LEAF_POSITIONS).min(positions)).map(|at| at * of_position + section % of_group);
            own.sections.get(section) != revealed.sections.get(section)
                && cells.all(|cell| own.cells.get(cell) == sketch.cells.get(cell))
        };
        if let Some(section) = (0..own.sections.len()).find(|section| is_forged(*section)) {
            return Move::NameSection(number(section));
        }
        let all = operators(program, self.trace, position);
        let roots = all.iter().map(|(layer, op)| merkle::root(&record.leaves(*layer, *op)));
        let wrong = roots.zip(&revealed.operators).position(|(own, other)| own != *other);
        let at = wrong.unwrap_or(all.len().saturating_sub(1));
        Move::NameOperator(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// What its challenger names after the provider has revealed the tiles of an operator.
    pub fn name_tile(&self, game: &Game, record: &Record, tiles: &[Digest]) -> Option<Move> {
        let Stage::Tile { position, operator, .. } = game.stage else {
            return None;
        };
        let position = usize::try_from(position).ok()?;
        let (layer, op) = *operators(self.program(), self.trace, position).get(usize::from(operator))?;
        let own = record.leaves(layer, op);
        let tile = own
            .iter()
            .zip(tiles)
            .position(|(own, other)| own != other)
            .unwrap_or_default();
        Some(Move::NameTile {
            tile: number(tile),
            claimed: *tiles.get(tile)?,
            siblings: multiproof::prove(tiles, &[tile as u64])?,
        })
    }

    /// What shows that the tile which a game has come to is wrong, of a step that was revealed with these operators; `None` if the game
    /// has come to none. An error if something that the tile reads is not as the provider has it: it was not the first that is wrong.
    pub fn refute(
        &self,
        game: &Game,
        record: &Record,
        revealed: &StepReveal,
        sketch: &Sketch,
    ) -> Result<Option<Move>, NoOpening> {
        let Some((position, address)) = game.named(self.program()) else {
            return Ok(None);
        };
        let committed = Committed {
            cells: sketch.cells.clone(),
            sections: revealed.sections.clone(),
        };
        let opener = Opener::against(self.model, &game.claim.trace, &sketch.tokens, self.memory, committed)?;
        let opening = opener.refutation(record, &revealed.operators, address, position)?;
        Ok(Some(Move::Refute(opening)))
    }

    /// What its challenger names after the provider has revealed the leaves of a section.
    pub fn name_leaf(&self, game: &Game, leaves: &[Digest]) -> Option<Move> {
        let Stage::Leaf { section, .. } = game.stage else {
            return None;
        };
        let own = self.section(usize::try_from(section).ok()?).leaves;
        let leaf = own
            .iter()
            .zip(leaves)
            .position(|(own, other)| own != other)
            .unwrap_or_default();
        Some(Move::NameLeaf {
            leaf: u16::try_from(leaf).ok()?,
            claimed: *leaves.get(leaf)?,
            siblings: multiproof::prove(leaves, &[leaf as u64])?,
        })
    }
}
