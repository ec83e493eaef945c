//! The encodings whose block holds 32 weights, and the plain floats in runs of 32.
//!
//! In the packed encodings byte `j` holds weight `j` in its low and weight `j + 16` in its high four bits.

use super::half::bf16_to_f32;
use super::isa::Isa;

/// An encoding in blocks of `BYTES` bytes that expand to `WEIGHTS` weights.
pub(super) trait Block<const BYTES: usize, const WEIGHTS: usize> {
    /// Expands one block. All-zero bytes of a float encoding must expand to zeros.
    fn expand<I: Isa>(block: &[u8; BYTES], weights: &mut [f32; WEIGHTS]);
}

/// The two little-endian binary16 at bytes `at .. at + 4`, widened. Encodings with one scale use it all the same: loading a
/// lone 16-bit value makes some processors wait for the register's old contents.
#[inline(always)]
pub(super) fn scales<I: Isa, const BYTES: usize>(block: &[u8; BYTES], at: usize) -> [f32; 2] {
    I::widen2([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

pub(super) struct F32;
impl Block<128, 32> for F32 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 128], weights: &mut [f32; 32]) {
        for (weight, bytes) in weights.iter_mut().zip(block.as_chunks::<4>().0) {
            *weight = f32::from_le_bytes(*bytes);
        }
    }
}

pub(super) struct F16;
impl Block<64, 32> for F16 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 64], weights: &mut [f32; 32]) {
        let runs = weights.as_chunks_mut::<8>().0;
        for (weights, bytes) in runs.iter_mut().zip(block.as_chunks::<16>().0) {
            *weights = I::widen8(bytes);
        }
    }
}

pub(super) struct BF16;
impl Block<64, 32> for BF16 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 64], weights: &mut [f32; 32]) {
        for (weight, bytes) in weights.iter_mut().zip(block.as_chunks::<2>().0) {
            *weight = bf16_to_f32(u16::from_le_bytes(*bytes));
        }
    }
}

/// Scale, then sixteen bytes of nibbles: `(q - 8) * scale`.
pub(super) struct Q4_0;
impl Block<18, 32> for Q4_0 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 18], weights: &mut [f32; 32]) {
        let [d, _] = scales::<I, _>(block, 0);
        for j in 0..16 {
            let packed = block[2 + j];
            weights[j] = (i32::from(packed & 15) - 8) as f32 * d;
            weights[j + 16] = (i32::from(packed >> 4) - 8) as f32 * d;
        }
    }
}

/// Scale, minimum, then sixteen bytes of nibbles: `q * scale + minimum`.
pub(super) struct Q4_1;
impl Block<20, 32> for Q4_1 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 20], weights: &mut [f32; 32]) {
        let [d, m] = scales::<I, _>(block, 0);
        for j in 0..16 {
            let packed = block[4 + j];
            weights[j] = i32::from(packed & 15) as f32 * d + m;
            weights[j + 16] = i32::from(packed >> 4) as f32 * d + m;
        }
    }
}

/// Scale, the 32 fifth bits as one little-endian word, then nibbles: `(q - 16) * scale`.
pub(super) struct Q5_0;
impl Block<22, 32> for Q5_0 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 22], weights: &mut [f32; 32]) {
        let [d, _] = scales::<I, _>(block, 0);
        let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        for j in 0..16 {
            let packed = u32::from(block[6 + j]);
            let low_weight = (packed & 15) | (((high >> j) & 1) << 4);
            let high_weight = (packed >> 4) | (((high >> (j + 16)) & 1) << 4);
            weights[j] = (low_weight as i32 - 16) as f32 * d;
            weights[j + 16] = (high_weight as i32 - 16) as f32 * d;
        }
    }
}

/// Scale, minimum, the 32 fifth bits, then nibbles: `q * scale + minimum`.
pub(super) struct Q5_1;
impl Block<24, 32> for Q5_1 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 24], weights: &mut [f32; 32]) {
        let [d, m] = scales::<I, _>(block, 0);
        let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
        for j in 0..16 {
            let packed = u32::from(block[8 + j]);
            let low_weight = (packed & 15) | (((high >> j) & 1) << 4);
            let high_weight = (packed >> 4) | (((high >> (j + 16)) & 1) << 4);
            weights[j] = low_weight as i32 as f32 * d + m;
            weights[j + 16] = high_weight as i32 as f32 * d + m;
        }
    }
}

/// Scale, then 32 signed bytes: `q * scale`.
pub(super) struct Q8_0;
impl Block<34, 32> for Q8_0 {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 34], weights: &mut [f32; 32]) {
        let [d, _] = scales::<I, _>(block, 0);
        for j in 0..32 {
            weights[j] = f32::from(block[2 + j] as i8) * d;
        }
    }
}
