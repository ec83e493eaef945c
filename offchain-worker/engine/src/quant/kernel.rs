//! Expansion and dot products over stored rows, compiled for the baseline CPU, for AVX2 with FMA, and for AVX-512.
//!
//! One generic body serves all; what differs is the instruction set the compiler may use ([`Isa`]). Weights are expanded to
//! exactly the `f32` values that [`dequantize`] returns (a product and an addition, each rounded), so that a product over
//! blocks and one over expanded weights multiply the same numbers.

use super::GgmlType;
use super::blocks::{BF16, Block, F16, F32, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0};
use super::isa::{Baseline, Isa};
use super::superblocks::{Q4K, Q6K};

/// Independent partial sums: four vectors of eight hide the latency of a fused multiply-add.
const LANES: usize = 32;

/// Expands `row` (whole blocks of `encoding`) into `weights`.
///
/// # Panics
/// If `row` does not hold exactly `weights.len()` weights; callers size both with [`GgmlType::row_bytes`].
pub fn dequantize(encoding: GgmlType, row: &[u8], weights: &mut [f32]) {
    assert_eq!(
        encoding.row_bytes(weights.len()),
        Ok(row.len()),
        "a row and its weights differ in length"
    );
    Expand { row, weights }.dispatch(encoding);
}

/// Dot products of stored rows with `x`, in `f32`, one for each element of `outputs`. The order of additions depends on the
/// length and on the CPU's instruction set, not on threads: repeated calls on one machine give the same bits.
///
/// # Panics
/// If `rows` does not hold exactly `outputs.len()` rows of `x.len()` weights; callers size them with
/// [`GgmlType::matrix_bytes`].
pub fn dot_rows(encoding: GgmlType, rows: &[u8], x: &[f32], outputs: &mut [f32]) {
    assert_eq!(
        encoding.matrix_bytes(outputs.len(), x.len()),
        Ok(rows.len()),
        "rows and their vectors differ in length"
    );
    // Without rows there is no row to take the length from; without weights every sum is empty.
    let row_bytes = rows.len() / outputs.len().max(1);
    if row_bytes == 0 {
        outputs.fill(0.0);
        return;
    }
    DotRows {
        rows,
        row_bytes,
        x,
        outputs,
    }
    .dispatch(encoding);
}

/// An operation over the blocks of rows, generic in the encoding.
trait OverBlocks: Sized {
    /// The body.
    fn run<I, T, const BYTES: usize, const WEIGHTS: usize>(self)
    where
        I: Isa,
        T: Block<BYTES, WEIGHTS>;

    #[inline]
    fn dispatch(self, encoding: GgmlType) {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("f16c")
        {
            if std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl")
            {
                // SAFETY: the instruction sets the function is compiled for were just detected.
                unsafe { dispatch_avx512(self, encoding) };
                return;
            }
            // SAFETY: the same.
            unsafe { dispatch_avx2(self, encoding) };
            return;
        }
        by_encoding::<Baseline, Self>(self, encoding);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn dispatch_avx2<O: OverBlocks>(operation: O, encoding: GgmlType) {
    by_encoding::<super::isa::Avx2, O>(operation, encoding);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
fn dispatch_avx512<O: OverBlocks>(operation: O, encoding: GgmlType) {
    by_encoding::<super::isa::Avx2, O>(operation, encoding);
}

#[inline(always)]
fn by_encoding<I: Isa, O: OverBlocks>(operation: O, encoding: GgmlType) {
    match encoding {
        GgmlType::F32 => operation.run::<I, F32, 128, 32>(),
        GgmlType::F16 => operation.run::<I, F16, 64, 32>(),
        GgmlType::BF16 => operation.run::<I, BF16, 64, 32>(),
        GgmlType::Q4_0 => operation.run::<I, Q4_0, 18, 32>(),
        GgmlType::Q4_1 => operation.run::<I, Q4_1, 20, 32>(),
        GgmlType::Q5_0 => operation.run::<I, Q5_0, 22, 32>(),
        GgmlType::Q5_1 => operation.run::<I, Q5_1, 24, 32>(),
        GgmlType::Q8_0 => operation.run::<I, Q8_0, 34, 32>(),
        GgmlType::Q4K => operation.run::<I, Q4K, 144, 256>(),
        GgmlType::Q6K => operation.run::<I, Q6K, 210, 256>(),
    }
}

struct Expand<'a> {
    row: &'a [u8],
    weights: &'a mut [f32],
}

impl OverBlocks for Expand<'_> {
    #[inline(always)]
    fn run<I, T, const BYTES: usize, const WEIGHTS: usize>(self)
    where
        I: Isa,
        T: Block<BYTES, WEIGHTS>,
    {
        let (blocks, last_bytes) = self.row.as_chunks::<BYTES>();
        let (outputs, last) = self.weights.as_chunks_mut::<WEIGHTS>();
        for (block, output) in blocks.iter().zip(outputs) {
            T::expand::<I>(block, output);
        }
        if !last.is_empty() {
            let mut expanded = [0.0; WEIGHTS];
            T::expand::<I>(&padded(last_bytes), &mut expanded);
            for (weight, value) in last.iter_mut().zip(expanded) {
                *weight = value;
            }
        }
    }
}

struct DotRows<'a> {
    rows: &'a [u8],
    row_bytes: usize,
    x: &'a [f32],
    outputs: &'a mut [f32],
}

impl OverBlocks for DotRows<'_> {
    #[inline(always)]
    fn run<I, T, const BYTES: usize, const WEIGHTS: usize>(self)
    where
        I: Isa,
        T: Block<BYTES, WEIGHTS>,
    {
        for (row, output) in self.rows.chunks_exact(self.row_bytes).zip(self.outputs) {
            *output = dot::<I, T, BYTES, WEIGHTS>(row, self.x);
        }
    }
}

#[inline(always)]
fn dot<I, T, const BYTES: usize, const WEIGHTS: usize>(row: &[u8], x: &[f32]) -> f32
where
    I: Isa,
    T: Block<BYTES, WEIGHTS>,
{
    let (blocks, last_bytes) = row.as_chunks::<BYTES>();
    let (inputs, last) = x.as_chunks::<WEIGHTS>();
    let mut sums = [0.0f32; LANES];
    let mut weights = [0.0f32; WEIGHTS];
    for (block, input) in blocks.iter().zip(inputs) {
        T::expand::<I>(block, &mut weights);
        accumulate::<I, WEIGHTS>(&mut sums, &weights, input);
    }
    if !last.is_empty() {
        let mut input = [0.0; WEIGHTS];
        for (slot, value) in input.iter_mut().zip(last) {
            *slot = *value;
        }
        T::expand::<I>(&padded(last_bytes), &mut weights);
        accumulate::<I, WEIGHTS>(&mut sums, &weights, &input);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
    }
    sums[0]
}

/// A last, partial run of a float encoding, filled up with zero bytes. Packed encodings never have one.
#[inline(always)]
fn padded<const BYTES: usize>(bytes: &[u8]) -> [u8; BYTES] {
    let mut block = [0; BYTES];
    for (slot, byte) in block.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    block
}

#[expect(
    clippy::needless_range_loop,
    reason = "the compiler was seen to call the parts of a zipped iterator here, once a block"
)]
#[inline(always)]
fn accumulate<I: Isa, const WEIGHTS: usize>(sums: &mut [f32; LANES], weights: &[f32; WEIGHTS], input: &[f32; WEIGHTS]) {
    for run in 0..WEIGHTS / LANES {
        for lane in 0..LANES {
            let at = run * LANES + lane;
            sums[lane] = I::multiply_add(weights[at], input[at], sums[lane]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [GgmlType; 10] = [
        GgmlType::F32,
        GgmlType::F16,
        GgmlType::BF16,
        GgmlType::Q4_0,
        GgmlType::Q4_1,
        GgmlType::Q5_0,
        GgmlType::Q5_1,
        GgmlType::Q8_0,
        GgmlType::Q4K,
        GgmlType::Q6K,
    ];

    proptest! {
        /// The portable code runs on no machine that has the better instructions, unless it is called by name.
        #[test]
        fn portable_and_special_code_agree(which in 0..ALL.len(), bytes in prop::collection::vec(any::<u8>(), 2 * 210 + 70)) {
            let encoding = ALL[which];
            let count = match encoding.block_weights() {
                1 => 2 * 32 + 3,
                block => 2 * block,
            };
            let row = &bytes[..encoding.row_bytes(count).unwrap()];
            let mut special = vec![0.0; count];
            dequantize(encoding, row, &mut special);
            let mut portable = vec![0.0; count];
            by_encoding::<Baseline, _>(Expand { row, weights: &mut portable }, encoding);
            for (a, b) in special.iter().zip(&portable) {
                prop_assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{encoding:?}: {a} and {b}");
            }

            let x: Vec<f32> = (0..count).map(|at| (at as f32).sin()).collect();
            let size: f32 = portable.iter().zip(&x).map(|(w, x)| (w * x).abs()).sum();
            let (mut special, mut portable) = ([0.0], [0.0]);
            dot_rows(encoding, row, &x, &mut special);
            let row_bytes = row.len();
            by_encoding::<Baseline, _>(DotRows { rows: row, row_bytes, x: &x, outputs: &mut portable }, encoding);
            if size.is_finite() {
                prop_assert!((special[0] - portable[0]).abs() <= 1e-5 * size, "{encoding:?}: {special:?} and {portable:?}");
            }
        }
    }
}
