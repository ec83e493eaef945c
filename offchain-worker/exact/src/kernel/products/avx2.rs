//! With AVX2: products of bytes in pairs, one of them unsigned, so that signs move from inputs to weights.

use std::{arch::x86_64::*, ops::Range};

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

/// # Safety
///
/// The processor has AVX2, and sizes are as [`super::sums`] asserts.
#[target_feature(enable = "avx2")]
pub unsafe fn sums(inputs: Inputs<'_>, panels: &Panels, range: Range<usize>, out: &mut [i32], stride: usize) {
    for (at, panel) in range.enumerate() {
        let mut row = 0;
        while row < inputs.count {
            let rows = (inputs.count - row).min(4);
            // SAFETY: as of this function; rows from `row` on are there.
            unsafe {
                let x = inputs.bytes.as_ptr().add(row * inputs.stride);
                let out = out.as_mut_ptr().add(row * stride + at * LANES);
                match rows {
                    4 => block::<4>(x, inputs, panels, panel, out, stride),
                    3 => block::<3>(x, inputs, panels, panel, out, stride),
                    2 => block::<2>(x, inputs, panels, panel, out, stride),
                    _ => block::<1>(x, inputs, panels, panel, out, stride),
                }
            }
            row += rows;
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn block<const ROWS: usize>(
    x: *const u8,
    inputs: Inputs<'_>,
    panels: &Panels,
    panel: usize,
    out: *mut i32,
    stride: usize,
) {
    let (x_stride, columns) = (inputs.stride, inputs.columns);
    let (group, groups) = panels.groups(columns);
    let weights = panels.panel(panel).as_ptr();
    let scales = panels.scales(panel);
    let ones = _mm256_set1_epi16(1);
    let mut totals = [[_mm256_setzero_si256(); 2]; ROWS];
    for index in 0..groups {
        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
        for four in index * group / 4..(index + 1) * group / 4 {
            // SAFETY: there are columns / 4 lines in a panel, and as many fours in a row.
            unsafe {
                let line = weights.add(four * 64).cast::<__m256i>();
                let halves = [_mm256_load_si256(line), _mm256_load_si256(line.add(1))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_epi32(x.add(row * x_stride + four * 4).cast::<i32>().read_unaligned());
                    let size = _mm256_abs_epi8(x);
                    for (sum, w) in sums.iter_mut().zip(halves) {
                        // Neither is -128, so that two products fit 16 bits.
                        let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(w, x));
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
        }
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (half, (total, sum)) in totals.iter_mut().zip(sums).enumerate() {
                let scaled = if scales.is_empty() {
                    sum
                } else {
                    // SAFETY: sixteen scales for each group.
                    let scale = unsafe { _mm256_loadu_si256(scales.as_ptr().add(index * LANES + half * 8).cast()) };
                    _mm256_mullo_epi32(sum, scale)
                };
                *total = _mm256_add_epi32(*total, scaled);
            }
        }
    }
    for (row, totals) in totals.into_iter().enumerate() {
        for (half, total) in totals.into_iter().enumerate() {
            // SAFETY: the caller's output has these rows of sixteen lanes.
            unsafe { _mm256_storeu_si256(out.add(row * stride + half * 8).cast(), total) };
        }
    }
}

/// Rows of [`block`] that are taken together for wide inputs: as many as there are registers for.
const WIDE_ROWS: usize = 2;

/// Wide inputs as one number of 15 bits each: half the work of two planes. `inputs` are rows of them, `stride` apart.
///
/// # Safety
///
/// The processor has AVX2, sizes are as [`super::sums`] asserts, and [`Panels::takes_whole`].
#[target_feature(enable = "avx2")]
pub unsafe fn whole_sums(
    inputs: &[i16],
    count: usize,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [i32],
    stride: usize,
) {
    let columns = panels.columns();
    for (at, panel) in range.enumerate() {
        for row in (0..count).step_by(WIDE_ROWS) {
            // SAFETY: as of this function; rows from `row` on are there.
            unsafe {
                let x = inputs.as_ptr().add(row * columns);
                let out = out.as_mut_ptr().add(row * stride + at * LANES);
                if row + 1 < count {
                    whole_block::<WIDE_ROWS>(x, columns, panels.panel(panel).as_ptr(), out, stride);
                } else {
                    whole_block::<1>(x, columns, panels.panel(panel).as_ptr(), out, stride);
                }
            }
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn whole_block<const ROWS: usize>(
    x: *const i16,
    columns: usize,
    weights: *const i8,
    out: *mut i32,
    stride: usize,
) {
    // Of four lanes each, two sums for each lane.
    let mut sums = [[_mm256_setzero_si256(); 4]; ROWS];
    for four in 0..columns / 4 {
        // SAFETY: there are columns / 4 lines in a panel, and as many fours in a row.
        unsafe {
            let line = weights.add(four * 64).cast::<__m128i>();
            let mut w = [_mm256_setzero_si256(); 4];
            for (quarter, w) in w.iter_mut().enumerate() {
                *w = _mm256_cvtepi8_epi16(_mm_load_si128(line.add(quarter)));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = _mm256_set1_epi64x(x.add(row * columns + four * 4).cast::<i64>().read_unaligned());
                for (sum, w) in sums.iter_mut().zip(w) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(w, x));
                }
            }
        }
    }
    let half = _mm256_set1_epi32(64);
    for (row, sums) in sums.into_iter().enumerate() {
        for (at, pair) in sums.as_chunks::<2>().0.iter().enumerate() {
            let sum = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(pair[0], pair[1]));
            // Of 128 q + f this is q and the rounded f.
            let sum = _mm256_srai_epi32::<7>(_mm256_add_epi32(sum, half));
            // SAFETY: the caller's output has these rows of sixteen lanes.
            unsafe { _mm256_storeu_si256(out.add(row * stride + at * 8).cast(), sum) };
        }
    }
}
