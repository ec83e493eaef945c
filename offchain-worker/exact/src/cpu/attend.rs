//! Attention of some positions of a sequence over what it has kept, one key and value head at a time.

use weft_exact::{
    attention::{BLOCK, factor},
    fixed::{Fixed, Scale},
};

use super::cache::HeadCache;
use crate::kernel::{
    Kernel,
    panels::LANES,
    products::{Inputs, SPARE_ROWS, sums},
    rows::{self, Planes, Weighed},
};

/// Room for one thread's attention.
#[derive(Debug, Default)]
pub struct Room {
    scores: Vec<i32>,
    exponents: Vec<Fixed>,
    peaks: Vec<Fixed>,
    weights: Vec<u8>,
    weighed: Vec<Weighed>,
    sums: Vec<i32>,
    parts: Vec<i32>,
}

/// Queries that share a head of keys and values.
pub struct Queries<'a> {
    /// A row for each, and room behind the last: see [`Inputs`].
    pub bytes: &'a [u8],
    /// Bytes of a row.
    pub stride: usize,
    /// One for each query.
    pub scales: &'a [Scale],
    /// Positions that each query sees.
    pub visible: &'a dyn Fn(usize) -> usize,
}

/// Scores that are kept at a time.
const MOST_SCORES: usize = 1 << 16;

/// Positions to take together when `queries` of each see `visible` positions.
pub fn positions_together(queries: usize, visible: usize) -> usize {
    (MOST_SCORES / (queries * visible.next_multiple_of(LANES)).max(1)).clamp(1, 16)
}

/// `give(query, output)` for each query, the output as long as a head.
pub fn attend(
    kernel: Kernel,
    queries: &Queries<'_>,
    cache: &HeadCache,
    to_log2: Scale,
    width: usize,
    room: &mut Room,
    mut give: impl FnMut(usize, &[Fixed]),
) {
    let count = queries.scales.len();
    let longest = (0..count).map(queries.visible).max().unwrap_or(0);
    let padded = longest.next_multiple_of(LANES);
    room.scores.resize((count * padded).max(room.scores.len()), 0);
    room.exponents.resize((count * padded).max(room.exponents.len()), 0);
    let inputs = Inputs {
        bytes: queries.bytes,
        stride: queries.stride,
        columns: queries.stride,
        count,
    };
    sums(kernel, inputs, &cache.keys, 0..padded / LANES, &mut room.scores, padded);
    let blocks = longest.div_ceil(BLOCK);
    // The heads' own elements come first; what fills a panel is not looked at.
    let lanes = width.next_multiple_of(LANES);
    room.weighed.resize(count * blocks, Weighed::default());
    room.parts.resize((count * blocks * lanes).max(room.parts.len()), 0);
    room.peaks.resize(count, 0);
    for (query, peak) in room.peaks.iter_mut().enumerate() {
        let seen = (queries.visible)(query);
        let exponents = &mut room.exponents[query * padded..][..seen];
        let scores = &room.scores[query * padded..][..seen];
        let factor = factor(queries.scales[query], to_log2);
        rows::finish(kernel, scores, &[], cache.key_scales.part(0, seen), factor, exponents);
        *peak = rows::peak(kernel, exponents);
    }
    let offset = if kernel.adds_128() { 128 } else { 0 };
    for block in 0..blocks {
        let first = block * BLOCK;
        // All that is there, also what these queries do not see: what the offset makes too much is known for all only.
        let columns = (cache.value_scales.len() - first).min(BLOCK).next_multiple_of(64);
        room.weights
            .resize(((2 * count + SPARE_ROWS) * BLOCK).max(room.weights.len()), 0);
        let mut least = (usize::MAX, 0);
        for (query, peak) in room.peaks.iter().enumerate() {
            let seen = (queries.visible)(query).saturating_sub(first).min(BLOCK);
            let scales = cache.value_scales.part(first.min(first + seen), seen);
            // Queries that see the same have it in common.
            if least.0 != seen {
                least = (seen, rows::least(kernel, scales));
            }
            let (values, fine) = room.weights[2 * query * columns..][..2 * columns].split_at_mut(columns);
            values[seen..].fill(offset);
            fine[seen..].fill(offset);
            let mut planes = Planes {
                values: &mut values[..seen],
                fine: &mut fine[..seen],
                offset,
            };
            let exponents = &room.exponents[query * padded + first..][..seen];
            room.weighed[query * blocks + block] =
                rows::weights(kernel, exponents, *peak, scales, least.1, &mut planes);
        }
        let inputs = Inputs {
            bytes: &room.weights,
            stride: columns,
            columns,
            count: 2 * count,
        };
        room.sums.resize((2 * count * lanes).max(room.sums.len()), 0);
        sums(
            kernel,
            inputs,
            &cache.values[block],
            0..lanes / LANES,
            &mut room.sums,
            lanes,
        );
        for query in 0..count {
            let (values, fine) = room.sums[2 * query * lanes..][..2 * lanes].split_at(lanes);
            let part = &mut room.parts[(query * blocks + block) * lanes..][..lanes];
            rows::join(kernel, values, fine, part);
        }
    }
    let mut output = [0; 256];
    for query in 0..count {
        let seen = (queries.visible)(query).div_ceil(BLOCK);
        let output = &mut output[..width];
        let parts = &room.parts[query * blocks * lanes..][..blocks * lanes];
        rows::combine(kernel, &room.weighed[query * blocks..][..seen], parts, lanes, output);
        give(query, output);
    }
}
