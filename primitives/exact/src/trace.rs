//! What a device commits to when it answers: the tokens, and what each position kept for others. Everything else of a step
//! follows from these, and is computed again when it is asked for.

use alloc::vec::Vec;

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
    /// Root over the leaves of what was kept.
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
        bytes.extend(self.kept);
        bytes.extend(self.result);
        merkle::hash(b"weft trace 1", &bytes)
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

/// The place of a leaf among all.
pub fn kept_leaf(program: &Program, layer: usize, kind: Kept, head: usize, position: usize) -> Option<usize> {
    let at = group(program).position(|found| found == (layer, kind, head))?;
    Some(position / LEAF_POSITIONS * group_size(program) + at)
}

/// Digests of the leaves of what `positions` positions kept; `write` appends a position's bytes.
pub fn leaves(
    program: &Program,
    positions: usize,
    write: impl Fn(usize, Kept, usize, usize, &mut Vec<u8>),
) -> Vec<Digest> {
    let mut leaves = Vec::new();
    let mut bytes = Vec::new();
    for first in (0..positions).step_by(LEAF_POSITIONS) {
        for (layer, kind, head) in group(program) {
            bytes.clear();
            (first..(first + LEAF_POSITIONS).min(positions))
                .for_each(|position| write(layer, kind, head, position, &mut bytes));
            leaves.push(merkle::leaf(&bytes));
        }
    }
    leaves
}
