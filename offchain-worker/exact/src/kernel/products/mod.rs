//! Exact sums of products of 8-bit inputs with panels of weights.

#[cfg(target_arch = "x86_64")]
pub mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::ops::Range;

use super::{
    Kernel,
    panels::{COLUMN_STEP, LANES, Panels},
};

/// Rows of inputs, one after the other, each as long as the panels have columns; with 128 added to each for kernels that
/// ask for it. Followed by at least 15 rows' room, which AMX reads and ignores.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The rows' bytes and those after them.
    pub bytes: &'a [u8],
    /// Bytes of a row.
    pub stride: usize,
    /// Columns to take, of a row and of the panels: a multiple of 64.
    pub columns: usize,
    /// Rows.
    pub count: usize,
}

/// Rows that must lie in memory after the last one.
pub const SPARE_ROWS: usize = 15;

/// `out[row * stride + lane]` becomes the sum of products of input `row` with row `lane` of the panels, counted from the first of
/// the range. `stride` is at least the lanes of the range. Sums wrap.
pub fn sums(kernel: Kernel, inputs: Inputs<'_>, panels: &Panels, range: Range<usize>, out: &mut [i32], stride: usize) {
    let width = range.len() * LANES;
    assert!(range.end <= panels.count() && width <= stride);
    assert!(inputs.columns <= panels.columns().min(inputs.stride) && inputs.columns.is_multiple_of(COLUMN_STEP));
    assert!(inputs.bytes.len() >= (inputs.count + SPARE_ROWS) * inputs.stride);
    assert!(inputs.count == 0 || out.len() >= (inputs.count - 1) * stride + width);
    match kernel {
        Kernel::Portable => portable::sums(inputs, panels, range, out, stride),
        // SAFETY: sizes are asserted above, and an engine takes only a kernel that the processor has.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => unsafe { avx2::sums(inputs, panels, range, out, stride) },
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 => unsafe { avx512::sums::<false>(inputs, panels, range, out, stride) },
        #[cfg(target_arch = "x86_64")]
        Kernel::Amx if panels.has_scales() => unsafe { avx512::sums::<true>(inputs, panels, range, out, stride) },
        #[cfg(target_arch = "x86_64")]
        Kernel::Amx if inputs.count < amx::LEAST_ROWS => unsafe {
            avx512::sums::<true>(inputs, panels, range, out, stride)
        },
        #[cfg(target_arch = "x86_64")]
        Kernel::Amx => unsafe { amx::sums(inputs, panels, range, out, stride) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => portable::sums(inputs, panels, range, out, stride),
    }
}

/// Whether a kernel takes wide inputs as one number each, by [`whole_sums`], instead of in two planes.
pub fn takes_whole(kernel: Kernel, panels: &Panels) -> bool {
    kernel == Kernel::Avx2 && panels.takes_whole()
}

/// For wide inputs, of which each row is a row of values and a row of fine steps: sums with the rounded fine part, where
/// [`takes_whole`]. `room` is for the inputs as one number each.
pub fn whole_sums(
    kernel: Kernel,
    inputs: Inputs<'_>,
    panels: &Panels,
    range: Range<usize>,
    out: &mut [i32],
    stride: usize,
    room: &mut Vec<i16>,
) {
    let (width, count) = (range.len() * LANES, inputs.count / 2);
    assert!(takes_whole(kernel, panels) && range.end <= panels.count() && width <= stride);
    assert!(inputs.columns == panels.columns() && inputs.columns == inputs.stride);
    assert!(count == 0 || out.len() >= (count - 1) * stride + width);
    room.clear();
    for planes in inputs.bytes.chunks_exact(2 * inputs.stride).take(count) {
        let (values, fine) = planes.split_at(inputs.stride);
        let both = values.iter().zip(fine);
        room.extend(both.map(|(value, fine)| (i16::from(*value as i8) << 7) + i16::from(*fine as i8)));
    }
    assert!(room.len() == count * inputs.columns);
    // SAFETY: sizes are asserted above, and an engine takes only a kernel that the processor has.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        avx2::whole_sums(room, count, panels, range, out, stride);
    }
}
