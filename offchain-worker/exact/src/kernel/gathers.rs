//! What needs a table for each element, by AVX-512's gathers: the compiler finds them only eight at a time.
//!
//! Tables have an entry and the way to the next one side by side, so that one gather finds both.

use std::arch::x86_64::*;

use weft_exact::{attention::LARGEST_MULTIPLE, fixed::Fixed};

/// Lanes of a vector.
const LANES: usize = 16;

/// Bits of an entry of a table of [`shares`]; the way to the next one is above them.
const ENTRY_BITS: u32 = 17;

/// A table of [`shares`] from entries that rise from 0 to 2^16, by less than 2^15 each.
pub fn rising<const N: usize>(entries: &[u32; N]) -> [u32; N] {
    let mut packed = *entries;
    for at in 0..N {
        let next = entries[(at + 1).min(N - 1)];
        packed[at] |= (next - entries[at]) << ENTRY_BITS;
    }
    packed
}

/// A table for [`weights`] from entries of which none is above the one before.
pub fn falling(entries: &[u32; 257]) -> [u64; 256] {
    let mut packed = [0; 256];
    for at in 0..256 {
        packed[at] = u64::from(entries[at]) | u64::from(entries[at] - entries[at + 1]) << 32;
    }
    packed
}

/// A mask of the first `count` lanes.
fn mask(count: usize) -> __mmask16 {
    if count >= LANES { u16::MAX } else { (1 << count) - 1 }
}

/// Share of a symmetric distribution with 16 binary places; see `share` in [`super::rows`].
///
/// # Safety
///
/// `table`, of [`rising`], has `last + 1` entries.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn shares(table: *const u32, last: i32, x: __m512i) -> __m512i {
    let size = _mm512_abs_epi32(x);
    let entry = _mm512_min_epu32(_mm512_srli_epi32::<10>(size), _mm512_set1_epi32(last));
    let rest = _mm512_and_si512(size, _mm512_set1_epi32(1_023));
    // SAFETY: entries are at most `last`.
    let both = unsafe { _mm512_i32gather_epi32::<4>(entry, table.cast()) };
    let here = _mm512_and_si512(both, _mm512_set1_epi32((1 << ENTRY_BITS) - 1));
    // Both factors have less than 16 bits.
    let slope = _mm512_madd_epi16(_mm512_srli_epi32::<ENTRY_BITS>(both), rest);
    let share = _mm512_add_epi32(
        here,
        _mm512_srli_epi32::<10>(_mm512_add_epi32(slope, _mm512_set1_epi32(512))),
    );
    let negative = _mm512_cmplt_epi32_mask(x, _mm512_setzero_si512());
    _mm512_mask_sub_epi32(share, negative, _mm512_set1_epi32(1 << 16), share)
}

/// `(x * share + 2^15) >> 16` with a share from 0 to 2^16: never larger than x, so that 32 bits are enough for it.
#[target_feature(enable = "avx512f")]
fn part(x: __m512i, share: __m512i) -> __m512i {
    // Of x = 2^16 high + low: the first product has no places that are lost, the second is below 2^32 with what is added.
    let (high, low) = (
        _mm512_srai_epi32::<16>(x),
        _mm512_and_si512(x, _mm512_set1_epi32(0xffff)),
    );
    let low = _mm512_add_epi32(_mm512_mullo_epi32(low, share), _mm512_set1_epi32(1 << 15));
    _mm512_add_epi32(_mm512_mullo_epi32(high, share), _mm512_srli_epi32::<16>(low))
}

/// `(a * b + 2^15) >> 16`, saturated.
#[target_feature(enable = "avx512f")]
fn product(a: __m512i, b: __m512i) -> __m512i {
    let half = _mm512_set1_epi64(1 << 15);
    // Of the even lanes, and of the odd ones.
    let even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    let (a, b) = (_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
    let odd = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    let (least, most) = (_mm512_set1_epi64(i32::MIN as i64), _mm512_set1_epi64(i32::MAX as i64));
    let even = _mm512_min_epi64(_mm512_max_epi64(_mm512_srai_epi64::<16>(even), least), most);
    let odd = _mm512_min_epi64(_mm512_max_epi64(_mm512_srai_epi64::<16>(odd), least), most);
    _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64::<32>(odd))
}

/// [`weft_exact::activation::swiglu`] of each pair; as many of each. The table is of [`rising`].
///
/// # Safety
///
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn swiglu(table: &[u32; 1_026], gate: &[Fixed], up: &[Fixed], out: &mut [Fixed]) {
    let count = gate.len().min(up.len()).min(out.len());
    let mut at = 0;
    while at < count {
        let mask = mask(count - at);
        // SAFETY: only lanes that are there are read and written; the table has 1,026 entries.
        unsafe {
            let g = _mm512_maskz_loadu_epi32(mask, gate.as_ptr().add(at));
            let u = _mm512_maskz_loadu_epi32(mask, up.as_ptr().add(at));
            let silu = part(g, shares(table.as_ptr(), 1_024, g));
            _mm512_mask_storeu_epi32(out.as_mut_ptr().add(at), mask, product(silu, u));
        }
        at += LANES;
    }
}

/// [`weft_exact::activation::gelu`] of each. The table is of [`rising`].
///
/// # Safety
///
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn gelu(table: &[u32; 514], x: &mut [Fixed]) {
    let mut at = 0;
    while at < x.len() {
        let mask = mask(x.len() - at);
        // SAFETY: only lanes that are there are read and written; the table has 514 entries.
        unsafe {
            let place = x.as_mut_ptr().add(at);
            let v = _mm512_maskz_loadu_epi32(mask, place);
            _mm512_mask_storeu_epi32(place, mask, part(v, shares(table.as_ptr(), 512, v)));
        }
        at += LANES;
    }
}

/// The weights of attention to planes, and their sum: see `weights` in [`super::rows`]. All slices are as long as `exponents`; the
/// table is of [`falling`].
///
/// # Safety
///
/// The processor has AVX-512 F, BW and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub unsafe fn weights(
    table: &[u64; 256],
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
    let offset = _mm512_set1_epi32(i32::from(offset));
    // The lower and the upper halves of sixteen longer numbers.
    let lower = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let upper = _mm512_add_epi32(lower, _mm512_set1_epi32(1));
    let mut at = 0;
    while at < exponents.len() {
        let mask = mask(exponents.len() - at);
        // SAFETY: only lanes that are there are read and written; entries have eight bits.
        unsafe {
            let e = _mm512_maskz_loadu_epi32(mask, exponents.as_ptr().add(at));
            let below = _mm512_sub_epi32(_mm512_set1_epi32(peak), e);
            let whole = _mm512_srli_epi32::<16>(below);
            let entry = _mm512_and_si512(_mm512_srli_epi32::<8>(below), _mm512_set1_epi32(0xff));
            let rest = _mm512_and_si512(below, _mm512_set1_epi32(0xff));
            let (first, second) = (
                _mm512_i32gather_epi64::<8>(_mm512_castsi512_si256(entry), table.as_ptr().cast()),
                _mm512_i32gather_epi64::<8>(_mm512_extracti64x4_epi64::<1>(entry), table.as_ptr().cast()),
            );
            let here = _mm512_permutex2var_epi32(first, lower, second);
            let slope = _mm512_mullo_epi32(_mm512_permutex2var_epi32(first, upper, second), rest);
            let slope = _mm512_add_epi32(slope, _mm512_set1_epi32(128));
            let power = _mm512_sub_epi32(here, _mm512_srli_epi32::<8>(slope));
            let near = _mm512_cmplt_epu32_mask(whole, _mm512_set1_epi32(16));
            let shifted = _mm512_srlv_epi32(power, _mm512_add_epi32(whole, _mm512_set1_epi32(14)));
            let one = _mm512_set1_epi32(1);
            let weight = _mm512_srli_epi32::<1>(_mm512_add_epi32(shifted, one));
            let weight = _mm512_maskz_mov_epi32(mask & near, weight);
            total = _mm512_add_epi32(total, weight);
            let m = _mm512_maskz_loadu_epi32(mask, mantissas.as_ptr().add(at).cast());
            let shifts = _mm512_maskz_loadu_epi32(mask, shifts.as_ptr().add(at));
            let further = _mm512_sub_epi32(shifts, _mm512_set1_epi32(least));
            let further = _mm512_max_epi32(further, _mm512_setzero_si512());
            let further = _mm512_min_epi32(further, _mm512_set1_epi32(15));
            let further = _mm512_add_epi32(further, _mm512_set1_epi32(16));
            let shifted = _mm512_srlv_epi32(_mm512_mullo_epi32(weight, m), further);
            let multiple = _mm512_srli_epi32::<1>(_mm512_add_epi32(shifted, one));
            let multiple = _mm512_min_epi32(multiple, _mm512_set1_epi32(LARGEST_MULTIPLE));
            let high = _mm512_add_epi32(_mm512_srli_epi32::<7>(multiple), offset);
            let low = _mm512_add_epi32(_mm512_and_si512(multiple, _mm512_set1_epi32(127)), offset);
            _mm_mask_storeu_epi8(values.as_mut_ptr().add(at).cast(), mask, _mm512_cvtepi32_epi8(high));
            _mm_mask_storeu_epi8(fine.as_mut_ptr().add(at).cast(), mask, _mm512_cvtepi32_epi8(low));
        }
        at += LANES;
    }
    _mm512_reduce_add_epi32(total) as u32
}
