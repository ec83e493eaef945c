//! In plain Rust, in loops that a compiler can make wide.

use std::ops::Range;

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

/// Bytes of four columns of a panel's lanes.
const LINE: usize = 4 * LANES;

/// What a compiler takes at once on the narrowest processors: eight of 16 bits.
const WIDE: usize = 8;

pub fn sums(inputs: Inputs<'_>, panels: &Panels, range: Range<usize>, out: &mut [i32], stride: usize) {
    let columns = inputs.columns;
    let (group, groups) = panels.groups(columns);
    for (at, panel) in range.enumerate() {
        let (weights, scales) = (panels.panel(panel), panels.scales(panel));
        let lines = weights.as_chunks::<LINE>().0;
        for row in 0..inputs.count {
            let x = &inputs.bytes[row * inputs.stride..][..inputs.stride];
            let fours = x.as_chunks::<4>().0;
            let mut total = [0i32; LANES];
            for (index, (lines, x)) in lines
                .chunks(group / 4)
                .zip(fours.chunks(group / 4))
                .take(groups)
                .enumerate()
            {
                let sum = group_sums(lines, x);
                let scales = scales.chunks(LANES).nth(index);
                for (lane, (total, sum)) in total.iter_mut().zip(sum).enumerate() {
                    *total = total.wrapping_add(sum.wrapping_mul(scales.map_or(1, |scales| scales[lane])));
                }
            }
            out[row * stride + at * LANES..][..LANES].copy_from_slice(&total);
        }
    }
}

/// For each lane the sum of its products with the inputs.
fn group_sums(lines: &[[i8; LINE]], x: &[[u8; 4]]) -> [i32; LANES] {
    let mut sums = [[0i32; WIDE]; LINE / WIDE];
    let ((pairs, last), (x_pairs, x_last)) = (lines.as_chunks::<2>(), x.as_chunks::<2>());
    for ([left, right], [x_left, x_right]) in pairs.iter().zip(x_pairs) {
        add_products(&mut sums, left, right, twice(x_left), twice(x_right));
    }
    for (line, x) in last.iter().zip(x_last) {
        add_products(&mut sums, line, line, twice(x), [0; WIDE]);
    }
    let mut lanes = [0i32; LANES];
    for (lane, four) in lanes.iter_mut().zip(sums.as_flattened().chunks(4)) {
        *lane = four.iter().fold(0, |sum, x| sum.wrapping_add(*x));
    }
    lanes
}

fn twice(x: &[u8; 4]) -> [i16; WIDE] {
    let [a, b, c, d] = x.map(|x| i16::from(x as i8));
    [a, b, c, d, a, b, c, d]
}

#[inline(always)]
fn add_products(
    sums: &mut [[i32; WIDE]; LINE / WIDE],
    left: &[i8; LINE],
    right: &[i8; LINE],
    x_left: [i16; WIDE],
    x_right: [i16; WIDE],
) {
    let (left, right) = (left.as_chunks::<WIDE>().0, right.as_chunks::<WIDE>().0);
    for ((sums, left), right) in sums.iter_mut().zip(left).zip(right) {
        let mut products = [0i16; WIDE];
        for at in 0..WIDE {
            let (left, right) = (i16::from(left[at]), i16::from(right[at]));
            // Two products of 127 by 127 fit 16 bits.
            products[at] = left
                .wrapping_mul(x_left[at])
                .wrapping_add(right.wrapping_mul(x_right[at]));
        }
        for (sum, product) in sums.iter_mut().zip(products) {
            *sum = sum.wrapping_add(i32::from(product));
        }
    }
}
