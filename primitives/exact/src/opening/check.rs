//! Checking an opening. Everything in it may come from strangers: sizes are held against the program before anything is read.

use alloc::vec::Vec;

use super::{
    Checked, Flaw, Leaves, Opening, Operand, Refuted, Tiles, bind,
    frame::{Frame, Place, check_header},
    layout::Layout,
    multiproof,
};
use crate::{
    merkle::{self, Digest},
    model,
    piece::Piece,
    program::{Op, Program, Source},
    reference::{cut, join},
    tile::compute,
    trace::{LEAF_POSITIONS, LEAF_TOKENS, token_bytes},
};

/// The root to which siblings lead from leaves.
fn climb(count: u64, places: &[u64], digests: &[Digest], siblings: &[Digest]) -> Result<Digest, Flaw> {
    let wanted = multiproof::siblings(count, places).ok_or(Flaw::Nowhere)?;
    if siblings.len() != wanted {
        return Err(Flaw::Siblings {
            found: siblings.len(),
            wanted,
        });
    }
    let leaves: Vec<(u64, Digest)> = places.iter().copied().zip(digests.iter().copied()).collect();
    multiproof::root(count, &leaves, siblings).ok_or(Flaw::Nowhere)
}

/// Whether leaves are as many and as long as they should be.
fn check_sizes<T>(leaves: &[Vec<T>], sizes: &[usize]) -> Result<(), Flaw> {
    if leaves.len() != sizes.len() {
        return Err(Flaw::Leaves {
            found: leaves.len(),
            wanted: sizes.len(),
        });
    }
    let wrong = leaves
        .iter()
        .map(Vec::len)
        .zip(sizes)
        .enumerate()
        .find(|(_, (found, wanted))| found != *wanted);
    wrong.map_or(Ok(()), |(leaf, (found, wanted))| {
        Err(Flaw::Size {
            leaf,
            found,
            wanted: *wanted,
        })
    })
}

fn digests(leaves: &[Vec<u8>]) -> Vec<Digest> {
    leaves.iter().map(|leaf| merkle::leaf(leaf)).collect()
}

fn equal(root: Digest, wanted: &Digest) -> Result<(), Flaw> {
    if root == *wanted { Ok(()) } else { Err(Flaw::Root) }
}

/// The first byte in which two differ.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or_else(|| (one.len() != other.len()).then_some(one.len().min(other.len())))
}

/// Bytes of some positions of a leaf whose positions are `all`.
fn positions_of(leaf: &[u8], all: core::ops::Range<usize>, wanted: core::ops::Range<usize>) -> Option<&[u8]> {
    let each = leaf.len().checked_div(all.len())?;
    let from = wanted.start.max(all.start).checked_sub(all.start)?;
    let to = wanted.end.min(all.end).checked_sub(all.start)?;
    leaf.get(from * each..to * each)
}

impl Opening {
    /// Checks every proof, and computes the tile again.
    pub fn check(&self) -> Result<Checked, Refuted> {
        let program = Program::new(self.config).map_err(Refuted::Config)?;
        if self.trace.model != model::root_of(&self.config, &self.weights) {
            return Err(Refuted::Model);
        }
        check_header(&program, &self.trace)?;
        let mut frame = Frame::new(&program, &self.trace, self.position, self.address)?;
        self.check_tokens(&frame).map_err(Refuted::Tokens)?;
        frame.set_token(self.token(self.position))?;
        let operands = self.operands(&frame)?;
        let output = self.output(&frame).map_err(Refuted::Output)?;
        let computed = compute(&program, &self.address, &frame.step, &operands).map_err(|_| Refuted::Incomputable)?;
        if let Some(byte) = difference(&computed.bytes(), output) {
            return Err(Refuted::Computed { byte });
        }
        self.check_kept(&frame, output)?;
        if let (Some(next), Piece::Token(chosen)) = (frame.next_token(), &computed) {
            let committed = self.token(next);
            if *chosen != committed {
                return Err(Refuted::OtherToken {
                    chosen: *chosen,
                    committed,
                });
            }
        }
        if self.address.op == Op::Unit && self.trace.result != merkle::hash(b"weft result", output) {
            return Err(Refuted::OtherResult);
        }
        Ok(Checked {
            model_root: self.trace.model,
            trace_root: self.trace.root(),
            step_root: self.step_root,
            position: self.position,
            address: self.address,
        })
    }

    /// The token at a position, as the leaves say; 0 where they do not reach.
    fn token(&self, position: usize) -> u32 {
        let leaves = self.tokens.as_ref().map_or(&[][..], |tokens| &tokens.leaves);
        let first = self.position / LEAF_TOKENS;
        let leaf = (position / LEAF_TOKENS)
            .checked_sub(first)
            .and_then(|at| leaves.get(at));
        leaf.and_then(|leaf| leaf.get(position % LEAF_TOKENS))
            .copied()
            .unwrap_or_default()
    }

    fn check_tokens(&self, frame: &Frame) -> Result<(), Flaw> {
        match (frame.token_leaves(), &self.tokens) {
            (Some(wanted), Some(tokens)) => {
                check_sizes(&tokens.leaves, &wanted.sizes)?;
                let digests: Vec<Digest> = tokens
                    .leaves
                    .iter()
                    .map(|leaf| merkle::leaf(&token_bytes(leaf)))
                    .collect();
                equal(
                    climb(wanted.count, &wanted.places, &digests, &tokens.siblings)?,
                    &self.trace.tokens,
                )
            }
            (Some(_), None) => Err(Flaw::Absent),
            (None, Some(_)) => Err(Flaw::Needless),
            (None, None) => Ok(()),
        }
    }

    /// What the tile read, after its proofs have been checked.
    fn operands(&self, frame: &Frame) -> Result<Vec<Piece>, Refuted> {
        let (found, wanted) = (self.operands.len(), frame.sources.len());
        if found != wanted {
            return Err(Refuted::Operands { found, wanted });
        }
        let mut pieces = Vec::with_capacity(wanted);
        for (index, (source, operand)) in frame.sources.iter().zip(&self.operands).enumerate() {
            // The draw is read before what it led to.
            let drawn = pieces.iter().find_map(|piece| match piece {
                Piece::Draw(draw) => usize::try_from(draw.chunk).ok(),
                _ => None,
            });
            let piece = self.operand(frame, source, drawn, operand);
            pieces.push(piece.map_err(|flaw| Refuted::Operand {
                index,
                source: source.clone(),
                flaw,
            })?);
        }
        Ok(pieces)
    }

    fn operand(&self, frame: &Frame, source: &Source, drawn: Option<usize>, operand: &Operand) -> Result<Piece, Flaw> {
        let source = frame.resolved(source, drawn).ok_or(Flaw::Nowhere)?;
        let place = frame.place(&source).ok_or(Flaw::Nowhere)?;
        match (&place, operand) {
            (Place::Weights { .. }, Operand::Weights(leaves)) | (Place::Kept { .. }, Operand::Kept(leaves)) => {
                self.check_leaves(frame, &place, leaves)?;
            }
            (Place::Output { .. }, Operand::Output(tiles)) => self.check_tiles(frame, &place, tiles)?,
            _ => return Err(Flaw::Kind),
        }
        decode(frame, &source, &place, operand).ok_or(Flaw::Range)
    }

    /// Leaves of the model's tree, or of that of what was kept.
    fn check_leaves(&self, frame: &Frame, place: &Place, leaves: &Leaves) -> Result<(), Flaw> {
        let target = frame.target(place).ok_or(Flaw::Nowhere)?;
        check_sizes(&leaves.leaves, &target.sizes)?;
        let root = climb(target.count, &target.places, &digests(&leaves.leaves), &leaves.siblings)?;
        let wanted = if matches!(place, Place::Weights { .. }) {
            &self.weights
        } else {
            &self.trace.kept
        };
        equal(root, wanted)
    }

    /// Tiles of an operator of the step.
    fn check_tiles(&self, frame: &Frame, place: &Place, tiles: &Tiles) -> Result<(), Flaw> {
        let target = frame.target(place).ok_or(Flaw::Nowhere)?;
        check_sizes(&tiles.tiles, &target.sizes)?;
        let operator = climb(target.count, &target.places, &digests(&tiles.tiles), &tiles.siblings)?;
        let at = target.operator.ok_or(Flaw::Nowhere)?;
        let count = frame.operators.len() as u64;
        let operators = climb(count, &[at], &[merkle::leaf(&operator)], &tiles.step_siblings)?;
        equal(bind(&self.trace.root(), self.position, &operators), &self.step_root)
    }

    fn output(&self, frame: &Frame) -> Result<&[u8], Flaw> {
        self.check_tiles(frame, &frame.output(), &self.output)?;
        self.output.tiles.first().map(Vec::as_slice).ok_or(Flaw::Absent)
    }

    /// What the trace has of the output.
    fn check_kept(&self, frame: &Frame, output: &[u8]) -> Result<(), Refuted> {
        let (place, leaves) = match (frame.kept(), &self.kept) {
            (Some(place), Some(leaves)) => (place, leaves),
            (Some(_), None) => return Err(Refuted::Kept(Flaw::Absent)),
            (None, Some(_)) => return Err(Refuted::Kept(Flaw::Needless)),
            (None, None) => return Ok(()),
        };
        self.check_leaves(frame, &place, leaves).map_err(Refuted::Kept)?;
        let position = frame.step.position;
        let all = frame.group(position / LEAF_POSITIONS);
        let of = |leaf| positions_of(leaf, all.clone(), position..position + 1);
        let kept: Option<Vec<&[u8]>> = leaves.leaves.iter().map(|leaf| of(leaf)).collect();
        let kept = kept.ok_or(Refuted::Kept(Flaw::Range))?.concat();
        difference(output, &kept).map_or(Ok(()), |byte| Err(Refuted::OtherKept { byte }))
    }
}

/// An operand's piece, from leaves of the right sizes.
fn decode(frame: &Frame, source: &Source, place: &Place, operand: &Operand) -> Option<Piece> {
    let program = &frame.program;
    match (source, place, operand) {
        (_, Place::Weights { part, tile, .. }, Operand::Weights(leaves)) => {
            Layout::weights(program, *part, *tile).decode(leaves.leaves.first()?)
        }
        (
            Source::Kept {
                kind, head, positions, ..
            },
            Place::Kept { groups, .. },
            Operand::Kept(leaves),
        ) => {
            // Of the first and the last group only what the tile reads.
            let each = groups.clone().zip(&leaves.leaves);
            let bytes = each.map(|(group, leaf)| positions_of(leaf, frame.group(group), positions.clone()));
            let bytes = bytes.collect::<Option<Vec<_>>>()?.concat();
            Layout::kept(program, *kind, *head, positions.len()).decode(&bytes)
        }
        (Source::Output { elements, .. }, Place::Output { op, tiles, .. }, Operand::Output(given)) => {
            let each = tiles.clone().zip(&given.tiles);
            let pieces = each.map(|(tile, bytes)| Layout::output(program, *op, tile, &frame.step).decode(bytes));
            cut(join(&pieces.collect::<Option<Vec<_>>>()?)?, elements.as_ref())
        }
        _ => None,
    }
}
