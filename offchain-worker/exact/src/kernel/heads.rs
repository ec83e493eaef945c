//! The transform of heads with AVX-512: a head stays in registers, where the compiler takes it through memory stage by stage.

#![allow(
    clippy::needless_range_loop,
    reason = "iterators that hand vectors around are called, not compiled in"
)]

use std::arch::x86_64::*;

use weft_exact::{
    fixed::{Fixed, PLACES, Scale, bits},
    quantise::step_of,
};

const LANES: usize = 16;

/// [`weft_exact::hadamard::quantise_transformed`] of one block, narrow, where its width is that of one to eight vectors. Each byte has
/// `offset` added. `None` if the width is another, or if all elements are 0.
///
/// # Safety
///
/// The processor has AVX-512 F, BW and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn quantise_transformed(head: &[Fixed], values: &mut [u8], offset: u8) -> Option<Scale> {
    if values.len() != head.len() {
        return None;
    }
    // SAFETY: as of this function; sizes are as the type says.
    unsafe {
        match head.len() {
            16 => transform::<1>(head, values, offset),
            32 => transform::<2>(head, values, offset),
            64 => transform::<4>(head, values, offset),
            128 => transform::<8>(head, values, offset),
            _ => None,
        }
    }
}

/// The largest magnitude.
#[target_feature(enable = "avx512f")]
fn largest<const VECTORS: usize>(x: &[__m512i; VECTORS]) -> u32 {
    let mut most = _mm512_setzero_si512();
    for at in 0..VECTORS {
        most = _mm512_max_epu32(most, _mm512_abs_epi32(x[at]));
    }
    _mm512_reduce_max_epu32(most)
}

/// As [`weft_exact::quantise::normalise`] leaves them.
#[target_feature(enable = "avx512f")]
fn normal(x: __m512i, exponent: i32) -> __m512i {
    let size = _mm512_abs_epi32(x);
    let count = _mm_cvtsi32_si128(exponent.abs());
    let size = if exponent >= 0 {
        _mm512_srl_epi32(size, count)
    } else {
        _mm512_sll_epi32(size, count)
    };
    let negative = _mm512_cmplt_epi32_mask(x, _mm512_setzero_si512());
    _mm512_mask_sub_epi32(size, negative, _mm512_setzero_si512(), size)
}

/// Sums and, in the lanes of the mask, differences with the other element of a pair.
#[target_feature(enable = "avx512f")]
fn pair(x: __m512i, other: __m512i, differences: __mmask16) -> __m512i {
    _mm512_mask_sub_epi32(_mm512_add_epi32(x, other), differences, other, x)
}

/// # Safety
///
/// As of [`quantise_transformed`], and there are as many elements and bytes as in `VECTORS` vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn transform<const VECTORS: usize>(head: &[Fixed], values: &mut [u8], offset: u8) -> Option<Scale> {
    let mut x = [_mm512_setzero_si512(); VECTORS];
    for at in 0..VECTORS {
        // SAFETY: there are as many elements.
        x[at] = unsafe { _mm512_loadu_si512(head.as_ptr().add(at * LANES).cast()) };
    }
    let most = largest(&x);
    if most == 0 {
        return None;
    }
    let before = bits(most) as i32 - 15;
    for at in 0..VECTORS {
        let v = normal(x[at], before);
        // Elements that are 1, 2, 4 and 8 apart.
        let v = pair(v, _mm512_shuffle_epi32::<0b10_11_00_01>(v), 0xaaaa);
        let v = pair(v, _mm512_shuffle_epi32::<0b01_00_11_10>(v), 0xcccc);
        let v = pair(v, _mm512_shuffle_i32x4::<0b10_11_00_01>(v, v), 0xf0f0);
        x[at] = pair(v, _mm512_shuffle_i32x4::<0b01_00_11_10>(v, v), 0xff00);
    }
    let mut half = 1;
    while half < VECTORS {
        for at in 0..VECTORS {
            if at & half == 0 {
                let (a, b) = (x[at], x[at + half]);
                x[at] = _mm512_add_epi32(a, b);
                x[at + half] = _mm512_sub_epi32(a, b);
            }
        }
        half *= 2;
    }
    // Not all of the sums are 0, as not all elements were.
    let most = largest(&x);
    let exponent = bits(most) as i32 - 15;
    let largest = if exponent >= 0 {
        most >> exponent
    } else {
        most << -exponent
    };
    let reciprocal = _mm512_set1_epi32((127 << 22) / largest.max(1) as i32);
    for at in 0..VECTORS {
        let q = _mm512_mullo_epi32(normal(x[at], exponent), reciprocal);
        let q = _mm512_srai_epi32::<22>(_mm512_add_epi32(q, _mm512_set1_epi32(1 << 21)));
        let q = _mm_add_epi8(_mm512_cvtepi32_epi8(q), _mm_set1_epi8(offset as i8));
        // SAFETY: there are as many bytes.
        unsafe { _mm_storeu_si128(values.as_mut_ptr().add(at * LANES).cast(), q) };
    }
    let mut scale = step_of(u64::from(largest), PLACES as i32 - exponent);
    if scale.mantissa > 0 {
        scale.shift = scale.shift.saturating_sub(before as i16);
    }
    Some(scale)
}
