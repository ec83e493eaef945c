//! With AVX-512 and VNNI: four products of bytes and their sum at once, the inputs unsigned.

use std::{arch::x86_64::*, ops::Range};

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

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
    for (at, panel) in range.enumerate() {
        let mut row = 0;
        while row < inputs.count {
            let left = inputs.count - row;
            // SAFETY: as of this function; rows from `row` on are there.
            unsafe {
                let x = inputs.bytes.as_ptr().add(row * inputs.stride);
                let out = out.as_mut_ptr().add(row * stride + at * LANES);
                // Sums that do not wait for one another: as many as the instruction takes cycles, or more.
                row += match left {
                    1 => block::<SIGNED, 1, 8>(x, inputs, panels, panel, out, stride),
                    2 => block::<SIGNED, 2, 4>(x, inputs, panels, panel, out, stride),
                    3 => block::<SIGNED, 3, 4>(x, inputs, panels, panel, out, stride),
                    4..8 => block::<SIGNED, 4, 2>(x, inputs, panels, panel, out, stride),
                    8..16 => block::<SIGNED, 8, 1>(x, inputs, panels, panel, out, stride),
                    _ => block::<SIGNED, 16, 1>(x, inputs, panels, panel, out, stride),
                };
            }
        }
    }
}

/// Sums of `ROWS` inputs with a panel, in `PARTS` each; gives `ROWS`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
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
        // SAFETY: there are columns / 4 lines in a panel, and as many fours in a row; prefetching reads nothing.
        unsafe {
            while four + PARTS <= end {
                for part in 0..PARTS {
                    let line = weights.add((four + part) * 64);
                    _mm_prefetch::<_MM_HINT_T0>(line.wrapping_add(4_096));
                    let w = _mm512_load_si512(line.cast());
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let mut x =
                            _mm512_set1_epi32(x.add(row * x_stride + (four + part) * 4).cast::<i32>().read_unaligned());
                        if SIGNED {
                            x = _mm512_xor_si512(x, flip);
                        }
                        sums[part] = _mm512_dpbusd_epi32(sums[part], x, w);
                    }
                }
                four += PARTS;
            }
            while four < end {
                let w = _mm512_load_si512(weights.add(four * 64).cast());
                for (row, sums) in sums.iter_mut().enumerate() {
                    let mut x = _mm512_set1_epi32(x.add(row * x_stride + four * 4).cast::<i32>().read_unaligned());
                    if SIGNED {
                        x = _mm512_xor_si512(x, flip);
                    }
                    sums[0] = _mm512_dpbusd_epi32(sums[0], x, w);
                }
                four += 1;
            }
        }
        for (total, sums) in totals.iter_mut().zip(sums) {
            let sum = sums
                .into_iter()
                .fold(_mm512_setzero_si512(), |sum, part| _mm512_add_epi32(sum, part));
            let scaled = if scales.is_empty() {
                sum
            } else {
                // SAFETY: sixteen scales for each group.
                _mm512_mullo_epi32(sum, unsafe {
                    _mm512_loadu_si512(scales.as_ptr().add(index * LANES).cast())
                })
            };
            *total = _mm512_add_epi32(*total, scaled);
        }
    }
    // SAFETY: sixteen lanes of a panel; the caller's output has these rows of sixteen lanes.
    unsafe {
        let excess = _mm512_loadu_si512(panels.excess(panel).as_ptr().cast());
        for (row, total) in totals.into_iter().enumerate() {
            _mm512_storeu_si512(out.add(row * stride).cast(), _mm512_sub_epi32(total, excess));
        }
    }
    ROWS
}
