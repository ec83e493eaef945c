//! Every kernel's sums against sums made one by one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use weft_exact::{
    fixed::Scale,
    linear::{Bits, Matrix},
};
use weft_exact_engine::kernel::{
    ALL, Kernel,
    panels::{LANES, Panels},
    products::{Inputs, SPARE_ROWS, sums},
};

/// Bytes as a kernel wants them, with what it may read behind the last row.
fn bytes(kernel: Kernel, rows: &[Vec<i8>], stride: usize) -> Vec<u8> {
    let offset = if kernel.adds_128() { 128u8 } else { 0 };
    let mut bytes = vec![0xa5; (rows.len() + SPARE_ROWS) * stride];
    for (row, bytes) in rows.iter().zip(bytes.chunks_mut(stride)) {
        bytes.fill(offset);
        bytes
            .iter_mut()
            .zip(row)
            .for_each(|(byte, x)| *byte = (*x as u8).wrapping_add(offset));
    }
    bytes
}

fn check(matrix: &Matrix, inputs: &[Vec<i8>]) {
    let rows = matrix.rows();
    let panels = Panels::new(matrix, rows, |row| Some(rows - 1 - row));
    for kernel in ALL.into_iter().filter(|kernel| kernel.is_there()) {
        let bytes = bytes(kernel, inputs, panels.columns());
        let view = Inputs {
            bytes: &bytes,
            stride: panels.columns(),
            columns: panels.columns(),
            count: inputs.len(),
        };
        for first in 0..panels.count().min(2) {
            let width = (panels.count() - first) * LANES;
            let mut out = vec![7; inputs.len() * (width + 3)];
            sums(kernel, view, &panels, first..panels.count(), &mut out, width + 3);
            for (x, out) in inputs.iter().zip(out.chunks(width + 3)) {
                for row in first * LANES..rows {
                    assert_eq!(
                        out[row - first * LANES],
                        matrix.sum(rows - 1 - row, x),
                        "{kernel}, row {row}"
                    );
                }
                assert_eq!(out[width..], [7; 3], "{kernel} wrote too much");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn all_kernels_give_the_same_sums(
        rows in 1usize..70, fours in 1usize..70, count in 0usize..40, groups in 0usize..4, seed in any::<u64>(), extreme in any::<bool>(),
    ) {
        let columns = fours * 4;
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut byte = |least: i8| {
            let x = (next() >> 40) as i8;
            if extreme { if x < 0 { -127 } else { 127 } } else { x.max(least) }
        };
        let group = [columns, 4, columns, columns][groups];
        let matrix = Matrix {
            columns,
            bits: Bits::Eight,
            weights: (0..rows * columns).map(|_| byte(-127)).collect(),
            group,
            group_scales: (0..rows * (columns / group)).map(|_| if groups == 0 { 1 } else { byte(-127) as u8 }).collect(),
            row_scales: vec![Scale::new(1, 0); rows],
            bias: Vec::new(),
        };
        let inputs: Vec<Vec<i8>> = (0..count).map(|_| (0..columns).map(|_| byte(-127)).collect()).collect();
        check(&matrix, &inputs);
    }
}
