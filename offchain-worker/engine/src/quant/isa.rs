//! The few operations for which a processor's instructions differ in kind and not only in width.

use super::half::f16_to_f32;

/// Instructions that a kernel is compiled for.
pub(super) trait Isa {
    /// `a * b + c`, rounded once where there is an instruction for it, else after each step.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;

    /// Two little-endian binary16 to binary32, exact.
    fn widen2(bytes: [u8; 4]) -> [f32; 2];

    /// Eight little-endian binary16 to binary32, exact.
    fn widen8(bytes: &[u8; 16]) -> [f32; 8];
}

/// What every processor of the target has.
pub(super) struct Baseline;

impl Isa for Baseline {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        // Elsewhere `mul_add` would be a call into the maths library.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }

    #[inline(always)]
    fn widen2([a, b, c, d]: [u8; 4]) -> [f32; 2] {
        [[a, b], [c, d]].map(|bytes| f16_to_f32(u16::from_le_bytes(bytes)))
    }

    #[inline(always)]
    fn widen8(bytes: &[u8; 16]) -> [f32; 8] {
        let mut wide = [0.0; 8];
        for (wide, bytes) in wide.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *wide = f16_to_f32(u16::from_le_bytes(*bytes));
        }
        wide
    }
}

/// AVX2 with FMA and F16C, with or without AVX-512: that one only widens vectors. Only code that runs after these were detected may name this type.
#[cfg(target_arch = "x86_64")]
pub(super) struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Isa for Avx2 {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn widen2(bytes: [u8; 4]) -> [f32; 2] {
        use std::arch::x86_64::{_mm_cvtph_ps, _mm_cvtsi32_si128, _mm_cvtss_f32, _mm_movehdup_ps};
        // SAFETY: F16C was detected, see the type (the other instructions every x86-64 has or AVX2 implies).
        unsafe {
            let wide = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from_le_bytes(bytes)));
            [_mm_cvtss_f32(wide), _mm_cvtss_f32(_mm_movehdup_ps(wide))]
        }
    }

    #[inline(always)]
    fn widen8(bytes: &[u8; 16]) -> [f32; 8] {
        use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtph_ps, _mm256_storeu_ps};
        let mut wide = [0.0; 8];
        // SAFETY: F16C was detected, see the type; the load reads 16 bytes and the store writes 8 floats, at any alignment.
        unsafe {
            let halves = _mm_loadu_si128(bytes.as_ptr().cast());
            _mm256_storeu_ps(wide.as_mut_ptr(), _mm256_cvtph_ps(halves));
        }
        wide
    }
}
