//! What a device commits to when it answers: the tokens, and what each position kept for others. Everything else of a step
//! follows from these, and is computed again when it is asked for.
//!
//! What was kept is committed to by position (cells), so that two who disagree find out at which. As tiles read it, in leaves of
//! several positions, it is revealed with a step that is asked for (sections): it follows from the cells.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{
    merkle::{self, Digest},
    program::{Choice, Family, Kept, POOLED, Program},
};

/// Positions of a leaf.
pub const LEAF_POSITIONS: usize = 16;

/// Tokens of a leaf.
pub const LEAF_TOKENS: usize = 256;

/// What is hashed into the root of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Trace {
    /// [`crate::model::Model::root`].
    #[cfg_attr(feature = "serde", serde(with = "crate::opening::hex"))]
    pub model: Digest,
    /// Tokens that were given.
    pub given: u32,
    /// Tokens that were given or made.
    pub count: u32,
    /// Root over the leaves of tokens.
    #[cfg_attr(feature = "serde", serde(with = "crate::opening::hex"))]
    pub tokens: Digest,
    /// How tokens were chosen.
    pub choice: Choice,
    /// Root over the cells, [`Committed::cells`], which are its leaves' digests.
    #[cfg_attr(feature = "serde", serde(with = "crate::opening::hex"))]
    pub cells: Digest,
    /// Root over the sections, [`Committed::sections`], which are its leaves' digests. It is no part of [`Trace::root`], and zeros
    /// before a step is revealed.
    #[cfg_attr(feature = "serde", serde(with = "crate::opening::hex"))]
    pub kept: Digest,
    /// Digest of the result, where it is not the tokens (BERT); else zeros.
    #[cfg_attr(feature = "serde", serde(with = "crate::opening::hex"))]
    pub result: Digest,
}

impl Trace {
    /// The root that is committed.
    pub fn root(&self) -> Digest {
        let mut bytes = self.model.to_vec();
        bytes.extend(self.given.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.tokens);
        bytes.extend(choice_bytes(&self.choice));
        bytes.extend(self.cells);
        bytes.extend(self.result);
        merkle::hash(b"weft trace 2", &bytes)
    }

    /// Positions that were computed: the last token made was not.
    pub fn positions(&self) -> usize {
        let made = self.count.saturating_sub(self.given);
        (self.count - made.min(1)) as usize
    }
}

fn choice_bytes(choice: &Choice) -> Vec<u8> {
    match choice {
        Choice::Given => alloc::vec![0],
        Choice::Greedy => alloc::vec![1],
        Choice::Random(random) => {
            let mut bytes = alloc::vec![2];
            bytes.extend(random.to_log2.mantissa.to_le_bytes());
            bytes.extend(random.to_log2.shift.to_le_bytes());
            bytes.extend(random.top_p.to_le_bytes());
            bytes.extend(random.seed.to_le_bytes());
            bytes
        }
    }
}

/// Digests of the leaves of tokens.
pub fn token_leaves(tokens: &[u32]) -> Vec<Digest> {
    tokens
        .chunks(LEAF_TOKENS)
        .map(|chunk| merkle::leaf(&token_bytes(chunk)))
        .collect()
}

/// Bytes of a leaf of tokens.
pub fn token_bytes(tokens: &[u32]) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.to_le_bytes()).collect()
}

/// The leaves of one group of positions, in order: layer by layer, head by head, keys then values; after all layers (BERT) the
/// last hidden state, some elements at a time.
pub fn group(program: &Program) -> impl Iterator<Item = (usize, Kept, usize)> + use<> {
    let config = *program.config();
    let heads = (0..config.layers).flat_map(move |layer| {
        (0..config.kv_heads).flat_map(move |head| [(layer, Kept::Key, head), (layer, Kept::Value, head)])
    });
    let chunks = match config.family {
        Family::Llama => 0,
        Family::Bert => config.width.div_ceil(POOLED),
    };
    heads.chain((0..chunks).map(move |chunk| (config.layers - 1, Kept::Hidden, chunk)))
}

/// Leaves of a group of positions.
pub fn group_size(program: &Program) -> usize {
    group(program).count()
}

/// What leaves stand together under one root: those of one group of positions of a section of layers. Of Llama all leaves of a
/// group are one section. Of BERT each layer's are, and the last hidden states: a layer of all positions is computed before the
/// next one.
pub fn sections_of_group(program: &Program) -> usize {
    cells_of_position(program)
}

/// Cells of a position: one of Llama; of BERT one for each layer, and one for the last hidden state.
pub fn cells_of_position(program: &Program) -> usize {
    match program.config().family {
        Family::Llama => 1,
        Family::Bert => program.config().layers.saturating_add(1),
    }
}

/// Of which cell of a position, or section of a group, what is kept of a layer is part.
pub fn cell_of(program: &Program, layer: usize, kind: Kept) -> usize {
    match (program.config().family, kind) {
        (Family::Llama, _) => 0,
        (Family::Bert, Kept::Hidden) => program.config().layers,
        (Family::Bert, _) => layer,
    }
}

/// Places of leaves of [`group`] that make one section, in order.
pub(crate) fn section_places(program: &Program, section: usize) -> Range<usize> {
    let config = program.config();
    match config.family {
        Family::Llama => 0..group_size(program),
        Family::Bert => {
            let heads = 2 * config.kv_heads;
            let first = section * heads;
            match section < config.layers {
                true => first..first + heads,
                false => config.layers * heads..group_size(program),
            }
        }
    }
}

/// Leaves of a section.
pub fn section_size(program: &Program, section: usize) -> usize {
    section_places(program, section).len()
}

/// The place of a leaf in its section; `None` if there is no such leaf.
pub fn place_in_section(program: &Program, layer: usize, kind: Kept, head: usize) -> Option<usize> {
    let at = group(program).position(|found| found == (layer, kind, head))?;
    at.checked_sub(section_places(program, cell_of(program, layer, kind)).start)
}

/// The leaves of a group from which each part of a position's cells is, cell by cell.
fn part_places(program: &Program) -> Vec<Range<usize>> {
    let config = program.config();
    let heads = 2 * config.kv_heads;
    let layers = (0..config.layers).map(|layer| layer * heads..(layer + 1) * heads);
    let hidden = config.layers * heads..group_size(program);
    layers.chain((!hidden.is_empty()).then_some(hidden)).collect()
}

/// The parts of a position's cells, of all that it kept: layer by layer, keys and values head by head, then the last hidden state.
pub fn parts(program: &Program, bytes: impl Fn(usize, Kept, usize) -> Vec<u8>) -> Vec<Vec<Vec<u8>>> {
    let leaves: Vec<(usize, Kept, usize)> = group(program).collect();
    let part = |range: &Range<usize>| {
        let leaves = leaves.get(range.clone()).unwrap_or_default().iter();
        leaves
            .flat_map(|(layer, kind, head)| bytes(*layer, *kind, *head))
            .collect()
    };
    let all: Vec<Vec<u8>> = part_places(program).iter().map(part).collect();
    all.chunks(parts_of_cell(program).max(1))
        .map(<[Vec<u8>]>::to_vec)
        .collect()
}

/// Bytes of a part of a cell: of all heads of a layer, or of the last hidden state.
pub fn part_bytes(program: &Program, hidden: bool) -> usize {
    let config = program.config();
    match hidden {
        true => 4 * config.width,
        // The scale of a quantised vector is 4 bytes.
        false => 2 * config.kv_heads * (4 + config.head_width),
    }
}

/// Parts of a cell.
pub fn parts_of_cell(program: &Program) -> usize {
    match program.config().family {
        Family::Llama => program.config().layers,
        Family::Bert => 1,
    }
}

/// Which part of its cell has what is kept of a layer.
pub fn place_of_part(program: &Program, layer: usize) -> usize {
    match program.config().family {
        Family::Llama => layer,
        Family::Bert => 0,
    }
}

/// How long a part is, and where in it a head, or some elements of the last hidden state, stand.
pub fn slice_of_part(program: &Program, kind: Kept, head: usize) -> (usize, Range<usize>) {
    let config = program.config();
    let size = part_bytes(program, kind == Kept::Hidden);
    let (first, each) = match kind {
        Kept::Hidden => {
            let first = 4 * POOLED * head;
            (first, size.saturating_sub(first).min(4 * POOLED))
        }
        Kept::Key => (2 * head * (4 + config.head_width), 4 + config.head_width),
        Kept::Value => ((2 * head + 1) * (4 + config.head_width), 4 + config.head_width),
    };
    (size, first..first + each)
}

/// The digest of a cell: the root over its parts.
pub fn cell(parts: &[Vec<u8>]) -> Digest {
    merkle::root(&merkle::leaf_many(parts))
}

/// What a trace commits to of some groups of positions, and what it reveals of them later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Of each position, one after the other, each of its cells.
    pub cells: Vec<Digest>,
    /// Of each group, one after the other, each of its sections.
    pub sections: Vec<Digest>,
}

/// The cells of one group of `positions` positions, position by position, from the bytes of its leaves in the order of [`group`].
pub fn cells_of_group(program: &Program, leaves: &[Vec<u8>], positions: usize) -> Vec<Digest> {
    // All parts at once: they are short, and hashed several at a time.
    let bytes = leaves.iter().map(Vec::len).sum();
    let ranges = part_places(program);
    let mut parts = merkle::Batch::with_capacity(positions * ranges.len(), bytes);
    for position in 0..positions {
        for range in &ranges {
            parts.begin();
            for leaf in leaves.get(range.clone()).unwrap_or_default() {
                let each = leaf.len().checked_div(positions).unwrap_or_default();
                parts.extend(leaf.get(position * each..(position + 1) * each).unwrap_or_default());
            }
        }
    }
    let of_cell = parts_of_cell(program).max(1);
    parts.digests().chunks(of_cell).map(merkle::root).collect()
}

impl Committed {
    /// Of one group of `positions` positions, from the bytes of its leaves in the order of [`group`].
    pub fn of_group(program: &Program, leaves: &[Vec<u8>], positions: usize) -> Self {
        let digests = merkle::leaf_many(leaves);
        let sections = (0..sections_of_group(program))
            .map(|section| merkle::root(digests.get(section_places(program, section)).unwrap_or_default()))
            .collect();
        Self {
            cells: cells_of_group(program, leaves, positions),
            sections,
        }
    }

    /// Of all positions; `write` appends what a position has in a leaf.
    pub fn of_all(
        program: &Program,
        positions: usize,
        write: impl Fn(usize, Kept, usize, usize, &mut Vec<u8>),
    ) -> Self {
        let mut all = Self::default();
        for first in (0..positions).step_by(LEAF_POSITIONS) {
            let end = first.saturating_add(LEAF_POSITIONS).min(positions);
            all.extend(Self::of_group(
                program,
                &group_bytes(program, first..end, &write),
                end.saturating_sub(first),
            ));
        }
        all
    }

    /// Appends what follows.
    pub fn extend(&mut self, next: Self) {
        self.cells.extend(next.cells);
        self.sections.extend(next.sections);
    }

    /// [`Trace::cells`] and [`Trace::kept`].
    pub fn roots(&self) -> (Digest, Digest) {
        (merkle::root(&self.cells), merkle::root(&self.sections))
    }
}

/// Bytes of the leaves of a group; `write` appends what a position has in a leaf.
pub fn group_bytes(
    program: &Program,
    positions: Range<usize>,
    write: impl Fn(usize, Kept, usize, usize, &mut Vec<u8>),
) -> Vec<Vec<u8>> {
    let leaf = |(layer, kind, head)| {
        let mut bytes = Vec::new();
        positions
            .clone()
            .for_each(|position| write(layer, kind, head, position, &mut bytes));
        bytes
    };
    group(program).map(leaf).collect()
}
