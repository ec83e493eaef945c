//! In plain Rust, in loops that a compiler can make wide.

use std::ops::Range;

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

pub fn sums(inputs: Inputs<'_>, panels: &Panels, range: Range<usize>, out: &mut [i32], stride: usize) {
    let columns = inputs.columns;
    let (group, groups) = panels.groups(columns);
    for (at, panel) in range.enumerate() {
        let (weights, scales) = (panels.panel(panel), panels.scales(panel));
        for row in 0..inputs.count {
            let x = &inputs.bytes[row * inputs.stride..][..inputs.stride];
            let mut total = [0i32; LANES];
            for (index, (weights, x)) in weights
                .chunks(group * LANES)
                .zip(x.chunks(group))
                .take(groups)
                .enumerate()
            {
                let mut sum = [0i32; LANES];
                for (line, x) in weights.as_chunks::<64>().0.iter().zip(x.as_chunks::<4>().0) {
                    let x = x.map(|x| i16::from(x as i8));
                    for (sum, w) in sum.iter_mut().zip(line.as_chunks::<4>().0) {
                        // Two products of 127 by 127 fit 16 bits.
                        let left = i32::from(i16::from(w[0]) * x[0] + i16::from(w[1]) * x[1]);
                        let right = i32::from(i16::from(w[2]) * x[2] + i16::from(w[3]) * x[3]);
                        *sum = sum.wrapping_add(left + right);
                    }
                }
                let scales = scales.chunks(LANES).nth(index);
                for (lane, (total, sum)) in total.iter_mut().zip(sum).enumerate() {
                    *total = total.wrapping_add(sum.wrapping_mul(scales.map_or(1, |scales| scales[lane])));
                }
            }
            out[row * stride + at * LANES..][..LANES].copy_from_slice(&total);
        }
    }
}
