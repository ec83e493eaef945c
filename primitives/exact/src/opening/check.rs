//! Checking an opening. Everything in it may come from strangers: sizes are held against the program before anything is read.

use alloc::vec::Vec;

use super::{
    Checked, Flaw, Leaves, Opening, Operand, Past, Proved, Refuted, Tiles, bind,
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
    trace::{LEAF_TOKENS, token_bytes},
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
    check_lengths(leaves.iter().map(Vec::len), sizes)
}

fn check_lengths(found: impl ExactSizeIterator<Item = usize>, sizes: &[usize]) -> Result<(), Flaw> {
    if found.len() != sizes.len() {
        return Err(Flaw::Leaves {
            found: found.len(),
            wanted: sizes.len(),
        });
    }
    let wrong = found
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

impl Opening {
    /// Checks the proofs of all that the tile reads, and computes it again.
    pub(super) fn compute(&self, program: &Program) -> Result<(Frame, Piece), Refuted> {
        if self.trace.model != model::root_of(&self.config, &self.weights) {
            return Err(Refuted::Model);
        }
        check_header(program, &self.trace)?;
        let mut frame = Frame::new(program, &self.trace, self.position, self.address)?;
        self.check_tokens(&frame).map_err(Refuted::Tokens)?;
        frame.set_token(self.token(self.position))?;
        let operands = self.operands(&frame)?;
        let computed = compute(program, &self.address, &frame.step, &operands).map_err(|_| Refuted::Incomputable)?;
        Ok((frame, computed))
    }

    /// Whether the trace goes on with what the tile gave, where it is the last of its step.
    pub(super) fn check_end(&self, frame: &Frame, computed: &Piece) -> Result<(), Refuted> {
        if let (Some(next), Piece::Token(chosen)) = (frame.next_token(), computed) {
            let (chosen, committed) = (*chosen, self.token(next));
            if chosen != committed {
                return Err(Refuted::OtherToken { chosen, committed });
            }
        }
        if self.address.op == Op::Unit && self.trace.result != merkle::hash(b"weft result", &computed.bytes()) {
            return Err(Refuted::OtherResult);
        }
        Ok(())
    }

    pub(super) fn checked(&self) -> Checked {
        Checked {
            model_root: self.trace.model,
            trace_root: self.trace.root(),
            step_root: self.step_root,
            position: self.position,
            address: self.address,
        }
    }

    /// Checks every proof, and computes the tile again.
    pub fn check(&self) -> Result<Checked, Refuted> {
        let program = Program::new(self.config).map_err(Refuted::Config)?;
        let (frame, computed) = self.compute(&program)?;
        let output = self.output(&frame).map_err(Refuted::Output)?;
        if let Some(byte) = difference(&computed.bytes(), output) {
            return Err(Refuted::Computed { byte });
        }
        self.check_kept(&frame, output)?;
        self.check_end(&frame, &computed)?;
        Ok(self.checked())
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
        let piece = match (&place, operand) {
            (Place::Weights { .. }, Operand::Weights(leaves)) => {
                self.check_weights(frame, &place, leaves)?;
                weights(frame, &place, leaves)
            }
            (Place::Kept { .. }, Operand::Kept(past)) => kept(frame, &source, &self.past(frame, &place, past)?),
            (Place::Output { .. }, Operand::Output(tiles)) => {
                self.check_tiles(frame, &place, tiles)?;
                output(frame, &source, tiles)
            }
            _ => return Err(Flaw::Kind),
        };
        piece.ok_or(Flaw::Range)
    }

    /// A leaf of the model's tree.
    fn check_weights(&self, frame: &Frame, place: &Place, leaves: &Leaves) -> Result<(), Flaw> {
        let target = frame.target(place).ok_or(Flaw::Nowhere)?;
        check_sizes(&leaves.leaves, &target.sizes)?;
        let root = climb(target.count, &target.places, &digests(&leaves.leaves), &leaves.siblings)?;
        equal(root, &self.weights)
    }

    /// Bytes of what was kept, position by position.
    fn past(&self, frame: &Frame, place: &Place, past: &Past) -> Result<Vec<u8>, Flaw> {
        let target = frame.past(place).ok_or(Flaw::Nowhere)?;
        check_proved(&past.complete, &target.leaf_sizes)?;
        let sections = past
            .complete
            .iter()
            .map(|leaf| climb_one(target.section_size, target.in_section, leaf))
            .collect::<Result<Vec<_>, _>>()?;
        check_root(
            target.sections,
            &target.section_places,
            &sections,
            &past.section_siblings,
            &self.trace.kept,
        )?;
        let part = &target.part;
        check_proved(&past.recent, &alloc::vec![part.size; target.cell_places.len()])?;
        let cells = past
            .recent
            .iter()
            .map(|leaf| climb_one(part.parts, part.at, leaf))
            .collect::<Result<Vec<_>, _>>()?;
        check_root(
            part.cells,
            &target.cell_places,
            &cells,
            &past.cell_siblings,
            &self.trace.cells,
        )?;
        let mut bytes: Vec<u8> = past.complete.iter().flat_map(|leaf| &leaf.bytes).copied().collect();
        for leaf in &past.recent {
            bytes.extend(leaf.bytes.get(part.slice.clone()).ok_or(Flaw::Range)?);
        }
        match (&target.own, &past.own) {
            (Some(place), Some(tiles)) => {
                self.check_tiles(frame, place, tiles)?;
                bytes.extend(tiles.tiles.iter().flatten());
            }
            (Some(_), None) => return Err(Flaw::Absent),
            (None, Some(_)) => return Err(Flaw::Needless),
            (None, None) => {}
        }
        Ok(bytes)
    }

    /// Tiles of an operator of the step.
    fn check_tiles(&self, frame: &Frame, place: &Place, tiles: &Tiles) -> Result<(), Flaw> {
        let target = frame.target(place).ok_or(Flaw::Nowhere)?;
        check_sizes(&tiles.tiles, &target.sizes)?;
        let operator = climb(target.count, &target.places, &digests(&tiles.tiles), &tiles.siblings)?;
        let at = target.operator.ok_or(Flaw::Nowhere)?;
        let count = frame.operators.len() as u64;
        let operators = climb(count, &[at], &[merkle::leaf(&operator)], &tiles.step_siblings)?;
        equal(bind(&self.trace, self.position, &operators), &self.step_root)
    }

    fn output(&self, frame: &Frame) -> Result<&[u8], Flaw> {
        self.check_tiles(frame, &frame.output(), &self.output)?;
        self.output.tiles.first().map(Vec::as_slice).ok_or(Flaw::Absent)
    }

    /// What the trace has of the output.
    fn check_kept(&self, frame: &Frame, output: &[u8]) -> Result<(), Refuted> {
        let (place, part, kept) = match (frame.kept(), &self.kept) {
            (Some((place, part)), Some(kept)) => (place, part, kept),
            (Some(_), None) => return Err(Refuted::Kept(Flaw::Absent)),
            (None, Some(_)) => return Err(Refuted::Kept(Flaw::Needless)),
            (None, None) => return Ok(()),
        };
        let leads = || {
            check_proved(core::slice::from_ref(&kept.part), &[part.size])?;
            let cell = climb_one(part.parts, part.at, &kept.part)?;
            check_root(part.cells, &[place], &[cell], &kept.cell_siblings, &self.trace.cells)?;
            kept.part.bytes.get(part.slice.clone()).ok_or(Flaw::Range)
        };
        let kept = leads().map_err(Refuted::Kept)?;
        difference(output, kept).map_or(Ok(()), |byte| Err(Refuted::OtherKept { byte }))
    }
}

/// The root to which one leaf leads.
fn climb_one(count: u64, place: u64, leaf: &Proved) -> Result<Digest, Flaw> {
    climb(count, &[place], &[merkle::leaf(&leaf.bytes)], &leaf.siblings)
}

fn check_proved(leaves: &[Proved], sizes: &[usize]) -> Result<(), Flaw> {
    let bytes: Vec<&Vec<u8>> = leaves.iter().map(|leaf| &leaf.bytes).collect();
    check_lengths(bytes.iter().map(|bytes| bytes.len()), sizes)
}

/// Whether digests lead to a root; of none there is nothing to lead.
fn check_root(count: u64, places: &[u64], found: &[Digest], siblings: &[Digest], wanted: &Digest) -> Result<(), Flaw> {
    if places.is_empty() {
        return match siblings.len() {
            0 => Ok(()),
            found => Err(Flaw::Siblings { found, wanted: 0 }),
        };
    }
    equal(climb(count, places, found, siblings)?, wanted)
}

/// The weights of a leaf of the right size.
fn weights(frame: &Frame, place: &Place, leaves: &Leaves) -> Option<Piece> {
    let Place::Weights { part, tile, .. } = place else {
        return None;
    };
    Layout::weights(&frame.program, *part, *tile).decode(leaves.leaves.first()?)
}

/// What was kept, from as many bytes as it has.
fn kept(frame: &Frame, source: &Source, bytes: &[u8]) -> Option<Piece> {
    let Source::Kept {
        kind, head, positions, ..
    } = source
    else {
        return None;
    };
    Layout::kept(&frame.program, *kind, *head, positions.len()).decode(bytes)
}

/// What other tiles gave, of the right sizes.
fn output(frame: &Frame, source: &Source, given: &Tiles) -> Option<Piece> {
    let Source::Output {
        op, tiles, elements, ..
    } = source
    else {
        return None;
    };
    let each = tiles.clone().zip(&given.tiles);
    let pieces = each.map(|(tile, bytes)| Layout::output(&frame.program, *op, tile, &frame.step).decode(bytes));
    cut(join(&pieces.collect::<Option<Vec<_>>>()?)?, elements.as_ref())
}
