//! What needs a table for each element, by AVX-512's gathers: the compiler finds them only eight at a time.

use std::arch::x86_64::*;

use weft_exact::{attention::LARGEST_MULTIPLE, fixed::Fixed};

/// Lanes of a vector.
const LANES: usize = 16;

/// A mask of the first `count` lanes.
fn mask(count: usize) -> __mmask16 {
    if count >= LANES { u16::MAX } else { (1 << count) - 1 }
}

/// Share of a symmetric distribution with 16 binary places; see `share` in [`super::rows`].
///
/// # Safety
///
/// `table` has `last + 2` entries.
#[target_feature(enable = "avx512f")]
unsafe fn shares(table: *const u32, last: i32, x: __m512i) -> __m512i {
    let size = _mm512_abs_epi32(x);
    let entry = _mm512_min_epu32(_mm512_srli_epi32::<10>(size), _mm512_set1_epi32(last));
    let rest = _mm512_and_si512(size, _mm512_set1_epi32(1_023));
    // SAFETY: entries are at most `last`, and one more is there.
    let (here, next) = unsafe {
        (
            _mm512_i32gather_epi32::<4>(entry, table.cast()),
            _mm512_i32gather_epi32::<4>(entry, table.add(1).cast()),
        )
    };
    let slope = _mm512_mullo_epi32(_mm512_sub_epi32(next, here), rest);
    let share = _mm512_add_epi32(
        here,
        _mm512_srli_epi32::<10>(_mm512_add_epi32(slope, _mm512_set1_epi32(512))),
    );
    let negative = _mm512_cmplt_epi32_mask(x, _mm512_setzero_si512());
    _mm512_mask_sub_epi32(share, negative, _mm512_set1_epi32(1 << 16), share)
}

/// Halves of sixteen numbers as eight longer ones each.
#[target_feature(enable = "avx512f")]
fn halves(x: __m512i) -> [__m512i; 2] {
    [
        _mm512_cvtepi32_epi64(_mm512_castsi512_si256(x)),
        _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(x)),
    ]
}

/// `(a * b + 2^15) >> 16` of signed 32-bit halves.
#[target_feature(enable = "avx512f")]
fn product(a: __m512i, b: __m512i) -> __m512i {
    let sum = _mm512_add_epi64(_mm512_mul_epi32(a, b), _mm512_set1_epi64(1 << 15));
    _mm512_srai_epi64::<16>(sum)
}

/// Two halves back to sixteen numbers, saturated.
#[target_feature(enable = "avx512f")]
fn whole([low, high]: [__m512i; 2]) -> __m512i {
    let low = _mm512_castsi256_si512(_mm512_cvtsepi64_epi32(low));
    _mm512_inserti64x4::<1>(low, _mm512_cvtsepi64_epi32(high))
}

/// [`weft_exact::activation::swiglu`] of each pair; as many of each.
///
/// # Safety
///
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub unsafe fn swiglu(table: &[u32; 1_026], gate: &[Fixed], up: &[Fixed], out: &mut [Fixed]) {
    for ((gate, up), out) in gate.chunks(LANES).zip(up.chunks(LANES)).zip(out.chunks_mut(LANES)) {
        let mask = mask(gate.len().min(up.len()).min(out.len()));
        // SAFETY: only lanes that are there are read and written; the table has 1,026 entries.
        unsafe {
            let (g, u) = (
                _mm512_maskz_loadu_epi32(mask, gate.as_ptr()),
                _mm512_maskz_loadu_epi32(mask, up.as_ptr()),
            );
            let s = halves(shares(table.as_ptr(), 1_024, g));
            let (g, u) = (halves(g), halves(u));
            // The first product fits 32 bits, so that the second takes its low half.
            let y = [product(product(g[0], s[0]), u[0]), product(product(g[1], s[1]), u[1])];
            _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask, whole(y));
        }
    }
}

/// [`weft_exact::activation::gelu`] of each.
///
/// # Safety
///
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub unsafe fn gelu(table: &[u32; 514], x: &mut [Fixed]) {
    for x in x.chunks_mut(LANES) {
        let mask = mask(x.len());
        // SAFETY: only lanes that are there are read and written; the table has 514 entries.
        unsafe {
            let v = _mm512_maskz_loadu_epi32(mask, x.as_ptr());
            let s = halves(shares(table.as_ptr(), 512, v));
            let v = halves(v);
            _mm512_mask_storeu_epi32(x.as_mut_ptr(), mask, whole([product(v[0], s[0]), product(v[1], s[1])]));
        }
    }
}

/// The weights of attention to planes, and their sum: see `weights` in [`super::rows`]. All slices are as long as `exponents`.
///
/// # Safety
///
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub unsafe fn weights(
    table: &[u32; 257],
    exponents: &[Fixed],
    peak: Fixed,
    mantissas: &[u32],
    shifts: &[i32],
    least: i32,
    values: &mut [u8],
    fine: &mut [u8],
    offset: u8,
) -> u32 {
    let mut total = _mm512_setzero_si512();
    let set = |x: i32| _mm512_set1_epi32(x);
    for at in (0..exponents.len()).step_by(LANES) {
        let mask = mask(exponents.len() - at);
        // SAFETY: only lanes that are there are read and written; entries have eight bits, and the table one more.
        unsafe {
            let e = _mm512_maskz_loadu_epi32(mask, exponents.as_ptr().add(at));
            let below = _mm512_sub_epi32(set(peak), e);
            let whole = _mm512_srli_epi32::<16>(below);
            let entry = _mm512_and_si512(_mm512_srli_epi32::<8>(below), set(0xff));
            let rest = _mm512_and_si512(below, set(0xff));
            let here = _mm512_i32gather_epi32::<4>(entry, table.as_ptr().cast());
            let next = _mm512_i32gather_epi32::<4>(entry, table.as_ptr().add(1).cast());
            let slope = _mm512_mullo_epi32(_mm512_sub_epi32(here, next), rest);
            let power = _mm512_sub_epi32(here, _mm512_srli_epi32::<8>(_mm512_add_epi32(slope, set(128))));
            let far = _mm512_cmpge_epu32_mask(whole, set(16));
            let shifted = _mm512_srlv_epi32(power, _mm512_add_epi32(whole, set(14)));
            let weight = _mm512_srli_epi32::<1>(_mm512_add_epi32(shifted, set(1)));
            let weight = _mm512_maskz_mov_epi32(mask & !far, weight);
            total = _mm512_add_epi32(total, weight);
            let m = _mm512_maskz_loadu_epi32(mask, mantissas.as_ptr().add(at).cast());
            let further = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(mask, shifts.as_ptr().add(at)), set(least));
            let further = _mm512_min_epi32(_mm512_max_epi32(further, set(0)), set(15));
            let shifted = _mm512_srlv_epi32(_mm512_mullo_epi32(weight, m), _mm512_add_epi32(further, set(16)));
            let multiple = _mm512_srli_epi32::<1>(_mm512_add_epi32(shifted, set(1)));
            let multiple = _mm512_min_epi32(multiple, set(LARGEST_MULTIPLE));
            let offset = set(i32::from(offset));
            let high = _mm512_add_epi32(_mm512_srli_epi32::<7>(multiple), offset);
            let low = _mm512_add_epi32(_mm512_and_si512(multiple, set(127)), offset);
            _mm_mask_storeu_epi8(values.as_mut_ptr().add(at).cast(), mask, _mm512_cvtepi32_epi8(high));
            _mm_mask_storeu_epi8(fine.as_mut_ptr().add(at).cast(), mask, _mm512_cvtepi32_epi8(low));
        }
    }
    _mm512_reduce_add_epi32(total) as u32
}
