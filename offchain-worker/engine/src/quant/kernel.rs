//! Expansion and dot products over stored rows, compiled twice: for the baseline CPU and for AVX2 with FMA.
//!
//! One generic body serves both; what differs is the instruction set the compiler may use ([`Isa`]). Weights are expanded to exactly the `f32` values that [`dequantize`] returns (a product
//! and an addition, each rounded), so that a product over blocks and one over expanded weights multiply the same numbers.

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

/// Dot product of a stored row with `x`, in `f32`. The order of additions depends on the length and on the CPU's
/// instruction set, not on threads: repeated calls on one machine give the same bits.
///
/// # Panics
/// If `row` does not hold exactly `x.len()` weights; callers size both with [`GgmlType::row_bytes`].
pub fn dot(encoding: GgmlType, row: &[u8], x: &[f32]) -> f32 {
    assert_eq!(
        encoding.row_bytes(x.len()),
        Ok(row.len()),
        "a row and its vector differ in length"
    );
    Dot { row, x }.dispatch(encoding)
}

/// An operation over the blocks of a row, generic in the encoding.
trait OverBlocks: Sized {
    type Output;

    /// The body.
    fn run<I, T, const BYTES: usize, const WEIGHTS: usize>(self) -> Self::Output
    where
        I: Isa,
        T: Block<BYTES, WEIGHTS>;

    #[inline]
    fn dispatch(self, encoding: GgmlType) -> Self::Output {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("f16c")
        {
            // SAFETY: the instruction sets the function is compiled for were just detected.
            return unsafe { dispatch_avx2(self, encoding) };
        }
        by_encoding::<Baseline, Self>(self, encoding)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn dispatch_avx2<O: OverBlocks>(operation: O, encoding: GgmlType) -> O::Output {
    by_encoding::<super::isa::Avx2, O>(operation, encoding)
}

#[inline(always)]
fn by_encoding<I: Isa, O: OverBlocks>(operation: O, encoding: GgmlType) -> O::Output {
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
    type Output = ();

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

struct Dot<'a> {
    row: &'a [u8],
    x: &'a [f32],
}

impl OverBlocks for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<I, T, const BYTES: usize, const WEIGHTS: usize>(self) -> f32
    where
        I: Isa,
        T: Block<BYTES, WEIGHTS>,
    {
        let (blocks, last_bytes) = self.row.as_chunks::<BYTES>();
        let (inputs, last) = self.x.as_chunks::<WEIGHTS>();
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

#[inline(always)]
fn accumulate<I: Isa, const WEIGHTS: usize>(sums: &mut [f32; LANES], weights: &[f32; WEIGHTS], input: &[f32; WEIGHTS]) {
    let weights = weights.as_chunks::<LANES>().0;
    let input = input.as_chunks::<LANES>().0;
    for (weights, input) in weights.iter().zip(input) {
        for lane in 0..LANES {
            sums[lane] = I::multiply_add(weights[lane], input[lane], sums[lane]);
        }
    }
}
