//! With AVX-512 and VNNI: four products of bytes and their sum at once, the inputs unsigned.
//!
//! Inner loops are over indices: an iterator that hands vectors or pairs around is not compiled into functions with other
//! instructions than its own, and calling it takes longer than what it does.

#![allow(clippy::needless_range_loop, reason = "see above")]

use std::{arch::x86_64::*, ops::Range};

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

/// Rows of inputs and panels that are taken together where there are many rows. Their sums fill most of the 32 registers, so that
/// three loads of weights and eight of inputs serve 24 instructions, of which two begin in a cycle.
const ROWS: usize = 8;
const PANELS: usize = 3;

/// `SIGNED` inputs have 128 added on their way; others have it already.
///
/// # Safety
///
/// The processor has AVX-512 F, BW and VNNI, and sizes are as [`super::sums`] asserts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn sums<const SIGNED: bool>(
    inputs: Inputs<'_>,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [i32],
    stride: usize,
) {
    if inputs.count == 0 {
        return;
    }
    // Signed inputs are few: AMX takes the others.
    let many = !SIGNED && inputs.count >= ROWS && !panels.has_scales();
    let mut panel = range.start;
    while panel < range.end {
        // SAFETY: as of this function; there are as many panels, and lanes of the output for each.
        unsafe {
            let out = out.as_mut_ptr().add((panel - range.start) * LANES);
            panel += match range.end - panel {
                PANELS.. if many => rows::<PANELS>(inputs, panels, panel, out, stride),
                2.. if many => rows::<2>(inputs, panels, panel, out, stride),
                _ if many => rows::<1>(inputs, panels, panel, out, stride),
                _ => few::<SIGNED>(inputs, panels, panel, out, stride),
            };
        }
    }
}

/// Sums of all inputs with `COUNT` panels without scales; gives `COUNT`.
///
/// # Safety
///
/// As of [`sums`], and there are these panels, side by side in `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn rows<const COUNT: usize>(
    inputs: Inputs<'_>,
    panels: &Panels,
    panel: usize,
    out: *mut i32,
    stride: usize,
) -> usize {
    let mut weights = [std::ptr::null(); COUNT];
    let mut excess = [_mm512_setzero_si512(); COUNT];
    for at in 0..COUNT {
        weights[at] = panels.panel(panel + at).as_ptr();
        // SAFETY: a panel has sixteen of them.
        excess[at] = unsafe { _mm512_loadu_si512(panels.excess(panel + at).as_ptr().cast()) };
    }
    let bytes = panels.columns() * LANES;
    let passes = inputs.count.div_ceil(ROWS);
    for pass in 0..passes {
        let row = pass * ROWS;
        // The first passes fetch the next panels, so that their way from memory takes no time of its own.
        let next = |at: usize| weights[0].wrapping_add((COUNT + at) * bytes);
        // SAFETY: rows from `row` on are there.
        unsafe {
            let x = inputs.bytes.as_ptr().add(row * inputs.stride);
            let out = out.add(row * stride);
            if inputs.count - row < ROWS {
                rest(x, inputs, inputs.count - row, &weights, &excess, out, stride);
                continue;
            }
            let all = (inputs, &weights, &excess, out, stride, bytes);
            match (passes, pass) {
                (1, _) => tile::<ROWS, COUNT, COUNT>(x, next(0), all),
                (2, 0) => tile::<ROWS, COUNT, 2>(x, next(0), all),
                (2, _) => tile::<ROWS, COUNT, 1>(x, next(2), all),
                (_, 0..PANELS) => tile::<ROWS, COUNT, 1>(x, next(pass), all),
                _ => tile::<ROWS, COUNT, 0>(x, next(0), all),
            }
        }
    }
    COUNT
}

/// The last rows, which are fewer than [`ROWS`].
///
/// # Safety
///
/// As of [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn rest<const PANELS: usize>(
    x: *const u8,
    inputs: Inputs<'_>,
    count: usize,
    weights: &[*const i8; PANELS],
    excess: &[__m512i; PANELS],
    out: *mut i32,
    stride: usize,
) {
    let mut row = 0;
    while row < count {
        // SAFETY: rows from `row` on are there.
        unsafe {
            let x = x.add(row * inputs.stride);
            let all = (inputs, weights, excess, out.add(row * stride), stride, 0);
            match count - row {
                1 => tile::<1, PANELS, 0>(x, weights[0], all),
                2..4 => tile::<2, PANELS, 0>(x, weights[0], all),
                _ => tile::<4, PANELS, 0>(x, weights[0], all),
            }
            row += match count - row {
                1 => 1,
                2..4 => 2,
                _ => 4,
            };
        }
    }
}

/// What a tile has in common with others: inputs, weights and excess of each panel, where its sums go and how far rows are apart
/// there, and bytes of a panel.
type All<'a, const PANELS: usize> = (
    Inputs<'a>,
    &'a [*const i8; PANELS],
    &'a [__m512i; PANELS],
    *mut i32,
    usize,
    usize,
);

/// Sums of `COUNT` inputs with `PANELS` panels without scales; fetches `AHEAD` panels from `next` on.
///
/// # Safety
///
/// As of [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile<const COUNT: usize, const PANELS: usize, const AHEAD: usize>(
    x: *const u8,
    next: *const i8,
    (inputs, weights, excess, out, stride, bytes): All<'_, PANELS>,
) {
    let mut sums = [[_mm512_setzero_si512(); PANELS]; COUNT];
    let mut w = [_mm512_setzero_si512(); PANELS];
    // SAFETY: there are columns / 4 lines in a panel, and as many fours in a row; sixteen lanes of the output for each panel;
    // prefetching reads nothing.
    unsafe {
        for four in 0..inputs.columns / 4 {
            for at in 0..AHEAD {
                _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(at * bytes + four * 64));
            }
            for panel in 0..PANELS {
                w[panel] = _mm512_load_si512(weights[panel].add(four * 64).cast());
            }
            for row in 0..COUNT {
                let x = x.add(row * inputs.stride + four * 4).cast::<i32>();
                let x = _mm512_set1_epi32(x.read_unaligned());
                for panel in 0..PANELS {
                    sums[row][panel] = _mm512_dpbusd_epi32(sums[row][panel], x, w[panel]);
                }
            }
        }
        for row in 0..COUNT {
            for panel in 0..PANELS {
                let sum = _mm512_sub_epi32(sums[row][panel], excess[panel]);
                _mm512_storeu_si512(out.add(row * stride + panel * LANES).cast(), sum);
            }
        }
    }
}

/// Sums of all inputs with one panel, for few inputs or with scales; gives 1.
///
/// # Safety
///
/// As of [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn few<const SIGNED: bool>(
    inputs: Inputs<'_>,
    panels: &Panels,
    panel: usize,
    out: *mut i32,
    stride: usize,
) -> usize {
    let mut row = 0;
    while row < inputs.count {
        // SAFETY: rows from `row` on are there.
        unsafe {
            let x = inputs.bytes.as_ptr().add(row * inputs.stride);
            let out = out.add(row * stride);
            // Sums that do not wait for one another: as many as the instruction takes cycles, or more.
            row += match inputs.count - row {
                1 => block::<SIGNED, 1, 8>(x, inputs, panels, panel, out, stride),
                2 => block::<SIGNED, 2, 4>(x, inputs, panels, panel, out, stride),
                3 => block::<SIGNED, 3, 4>(x, inputs, panels, panel, out, stride),
                4..8 => block::<SIGNED, 4, 2>(x, inputs, panels, panel, out, stride),
                _ => block::<SIGNED, 8, 1>(x, inputs, panels, panel, out, stride),
            };
        }
    }
    1
}

/// Sums of `ROWS` inputs with a panel, in `PARTS` each; gives `ROWS`.
///
/// # Safety
///
/// As of [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn block<const SIGNED: bool, const ROWS: usize, const PARTS: usize>(
    x: *const u8,
    inputs: Inputs<'_>,
    panels: &Panels,
    panel: usize,
    out: *mut i32,
    stride: usize,
) -> usize {
    let (x_stride, columns) = (inputs.stride, inputs.columns);
    let (group, groups) = panels.groups(columns);
    let weights = panels.panel(panel).as_ptr();
    let scales = panels.scales(panel);
    let flip = _mm512_set1_epi32(0x8080_8080u32 as i32);
    let mut totals = [_mm512_setzero_si512(); ROWS];
    for index in 0..groups {
        let mut sums = [[_mm512_setzero_si512(); PARTS]; ROWS];
        let (mut four, end) = (index * group / 4, (index + 1) * group / 4);
        // SAFETY: there are columns / 4 lines in a panel, and as many fours in a row; prefetching reads nothing; sixteen scales
        // for each group.
        unsafe {
            while four + PARTS <= end {
                for part in 0..PARTS {
                    let line = weights.add((four + part) * 64);
                    _mm_prefetch::<_MM_HINT_T0>(line.wrapping_add(4_096));
                    let w = _mm512_load_si512(line.cast());
                    for row in 0..ROWS {
                        let x = x.add(row * x_stride + (four + part) * 4).cast::<i32>();
                        let mut x = _mm512_set1_epi32(x.read_unaligned());
                        if SIGNED {
                            x = _mm512_xor_si512(x, flip);
                        }
                        sums[row][part] = _mm512_dpbusd_epi32(sums[row][part], x, w);
                    }
                }
                four += PARTS;
            }
            while four < end {
                let w = _mm512_load_si512(weights.add(four * 64).cast());
                for row in 0..ROWS {
                    let mut x = _mm512_set1_epi32(x.add(row * x_stride + four * 4).cast::<i32>().read_unaligned());
                    if SIGNED {
                        x = _mm512_xor_si512(x, flip);
                    }
                    sums[row][0] = _mm512_dpbusd_epi32(sums[row][0], x, w);
                }
                four += 1;
            }
            let scale = match scales.is_empty() {
                true => None,
                false => Some(_mm512_loadu_si512(scales.as_ptr().add(index * LANES).cast())),
            };
            for row in 0..ROWS {
                let mut sum = sums[row][0];
                for part in 1..PARTS {
                    sum = _mm512_add_epi32(sum, sums[row][part]);
                }
                if let Some(scale) = scale {
                    sum = _mm512_mullo_epi32(sum, scale);
                }
                totals[row] = _mm512_add_epi32(totals[row], sum);
            }
        }
    }
    // SAFETY: sixteen lanes of a panel; the caller's output has these rows of sixteen lanes.
    unsafe {
        let excess = _mm512_loadu_si512(panels.excess(panel).as_ptr().cast());
        for row in 0..ROWS {
            _mm512_storeu_si512(out.add(row * stride).cast(), _mm512_sub_epi32(totals[row], excess));
        }
    }
    ROWS
}
