//! Attention of one query over keys and values, and the exponential it is made of.

use alloc::vec::Vec;

use crate::{
    fixed::{Fixed, PLACES, Scale, bits, isqrt, round_shift},
    linear::dot,
    quantise::Quantised,
};

/// Longest context.
pub const MAX_CONTEXT: usize = 8_192;

/// Binary places of [`exp2_of_minus`].
pub const WEIGHT_PLACES: u32 = 15;

/// `2^(-i/256)` with [`POWER_PLACES`], for `i` from 0 to 256.
const POWERS: [u32; 257] = powers();

pub(crate) const POWER_PLACES: u32 = 30;

/// The entries of the table of [`power`], for engines.
pub fn power_table() -> &'static [u32; 257] {
    static TABLE: [u32; 257] = POWERS;
    &TABLE
}

/// Made of the square roots of a half, each rounded down at 31 binary places, and their products, rounded down likewise.
const fn powers() -> [u32; 257] {
    // roots[k] is 2^(-1/2^(k+1)).
    let mut roots = [0u64; 8];
    let mut k = 0;
    let mut last = 1u64 << 30;
    while k < 8 {
        // From 2^(-1/2^k) to its root; the first is the root of a half.
        last = isqrt(last << 31) as u64;
        roots[k] = last;
        k += 1;
    }
    let mut powers = [0u32; 257];
    let mut i = 0;
    while i < 256 {
        let mut power = 1u64 << 31;
        let mut k = 0;
        while k < 8 {
            // The highest of the eight bits of i is a half.
            if i >> (7 - k) & 1 == 1 {
                power = (power * roots[k]) >> 31;
            }
            k += 1;
        }
        powers[i] = ((power + 1) >> 1) as u32;
        i += 1;
    }
    powers[256] = 1 << (POWER_PLACES - 1);
    powers
}

/// `2^-x` with [`WEIGHT_PLACES`], for an `x` with 16 binary places. From 16 on it is 0.
pub fn exp2_of_minus(x: u32) -> u16 {
    let whole = x >> 16;
    if whole >= 16 {
        return 0;
    }
    round_shift(i64::from(power(x & 0xffff)), POWER_PLACES - WEIGHT_PLACES + whole) as u16
}

/// `2^-x` with [`POWER_PLACES`], for an `x` below 1 with 16 binary places: between two entries of the table a straight line.
pub(crate) const fn power(x: u32) -> u32 {
    let (entry, rest) = ((x >> 8 & 0xff) as usize, x & 0xff);
    let (here, next) = (POWERS[entry], POWERS[entry + 1]);
    here - (((here - next) * rest + 128) >> 8)
}

/// Positions that one [`mix`] takes together; a longer context is cut into blocks of as many, from its start.
pub const BLOCK: usize = 256;

/// Exponents of two for the products of `query` with `keys`, one for each key.
///
/// `to_log2` is what takes a product of a query and a key there: `log2(e) / sqrt(width)`, and what else their rows leave out.
pub fn exponents(query: &Quantised, keys: &[Quantised], to_log2: Scale) -> Vec<Fixed> {
    let factor = factor(query.scale, to_log2);
    let exponent = |key: &Quantised| key.scale.apply_both(factor, dot(&query.values, &key.values), PLACES);
    keys.iter().map(exponent).collect()
}

/// Largest multiple of a value in [`mix`].
pub const LARGEST_MULTIPLE: i32 = (1 << 14) - 1;

/// What a block of positions adds to a head's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mixed {
    /// Sum of the weights, with [`WEIGHT_PLACES`]: at most `BLOCK << WEIGHT_PLACES`.
    pub total: u32,
    /// Weighted sums of the values, in units of `2^(2 - shift)`; at most `BLOCK * 2^14 * 127` in magnitude.
    pub sums: Vec<i32>,
    /// The smallest shift of the values' scales.
    pub shift: i16,
}

/// Values weighted by `2^(exponent - peak)`; as many values as exponents, at least one and at most [`BLOCK`]. `peak` is the
/// largest exponent of the whole context.
pub fn mix(exponents: &[Fixed], peak: Fixed, values: &[Quantised]) -> Mixed {
    let weight = |exponent: &Fixed| exp2_of_minus(i64::from(peak).saturating_sub(i64::from(*exponent)).max(0) as u32);
    let weights: Vec<u16> = exponents.iter().map(weight).collect();
    let width = values.first().map_or(0, |value| value.values.len());
    let shifts = values.iter().filter(|value| value.scale.mantissa > 0);
    let shift = shifts.map(|value| value.scale.shift).min().unwrap_or(0);
    // The weights take the values' scales up, as multiples of the largest of these: below 2^14, so that two planes of 7 bits
    // hold them.
    let multiple = |(weight, value): (&u16, &Quantised)| {
        let product = i64::from(*weight) * i64::from(value.scale.mantissa);
        let multiple = round_shift(product, 17 + value.scale.shift.saturating_sub(shift).max(0) as u32) as i32;
        multiple.min(LARGEST_MULTIPLE)
    };
    let multiples: Vec<i32> = weights.iter().zip(values).map(multiple).collect();
    let sum = |at: usize| {
        let column = values
            .iter()
            .map(|value| i32::from(value.values.get(at).copied().unwrap_or(0)));
        multiples
            .iter()
            .zip(column)
            .fold(0i32, |sum, (m, v)| sum.wrapping_add(m * v))
    };
    Mixed {
        total: weights.iter().map(|weight| u32::from(*weight)).sum(),
        sums: (0..width).map(sum).collect(),
        shift,
    }
}

/// A head's output from its blocks in order: the sum of what they add over the sum of their weights.
pub fn combine(blocks: &[Mixed]) -> Vec<Fixed> {
    let width = blocks.first().map_or(0, |block| block.sums.len());
    let total: u64 = blocks.iter().map(|block| u64::from(block.total)).sum();
    // A block of nothing but zeros has no say in the unit.
    let some = blocks.iter().filter(|block| block.sums.iter().any(|sum| *sum != 0));
    let shift = some.map(|block| block.shift).min().unwrap_or(0);
    // With these places fewer the sum of all blocks is no larger than that of one can be.
    let places = bits(blocks.len().saturating_sub(1) as u32);
    let reciprocal = Scale::new((1u64 << 48).checked_div(total).unwrap_or(0), 48);
    let unit = i32::from(shift) - 17 - places as i32;
    let sum = |at: usize| {
        blocks.iter().fold(0i32, |sum, block| {
            let fewer = places + block.shift.saturating_sub(shift).max(0) as u32;
            let part = block.sums.get(at).copied().unwrap_or(0);
            sum.wrapping_add(round_shift(i64::from(part), fewer) as i32)
        })
    };
    (0..width)
        .map(|at| reciprocal.apply_shifted(unit, sum(at), PLACES))
        .collect()
}

/// Attention of one query over a whole context, block by block: as long as a value. As many keys as values, at least one and at
/// most [`MAX_CONTEXT`].
pub fn attend(query: &Quantised, keys: &[Quantised], values: &[Quantised], to_log2: Scale) -> Vec<Fixed> {
    let exponents = exponents(query, keys, to_log2);
    let peak = exponents.iter().copied().max().unwrap_or(0);
    let blocks = exponents.chunks(BLOCK).zip(values.chunks(BLOCK));
    let blocks: Vec<Mixed> = blocks.map(|(exponents, values)| mix(exponents, peak, values)).collect();
    combine(&blocks)
}

/// A query's scale times `to_log2`, rounded down.
pub fn factor(query: Scale, to_log2: Scale) -> Scale {
    let mantissas = u64::from(query.mantissa) * u64::from(to_log2.mantissa);
    Scale::new(mantissas, i32::from(query.shift) + i32::from(to_log2.shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        fixed::ONE,
        quantise::{Width, quantise},
    };

    fn step(x: &Quantised) -> f64 {
        f64::from(x.scale.mantissa) * 2f64.powi(-i32::from(x.scale.shift))
    }

    #[test]
    fn powers_are_exact_to_27_places() {
        for (i, power) in POWERS.iter().enumerate() {
            let exact = 2f64.powf(-(i as f64) / 256.0) * f64::from(1 << POWER_PLACES);
            assert!((f64::from(*power) - exact).abs() <= 8.0, "{i}: {power} {exact}");
        }
    }

    #[test]
    fn the_exponential_falls_and_agrees_with_floats() {
        let mut last = u16::MAX;
        for x in (0..20 << 16).step_by(7) {
            let power = exp2_of_minus(x);
            let exact = 2f64.powf(-f64::from(x) / 65_536.0) * 32_768.0;
            assert!((f64::from(power) - exact).abs() <= 0.55, "{x}: {power} {exact}");
            assert!(power <= last, "it rises at {x}");
            last = power;
        }
        assert_eq!((exp2_of_minus(0), exp2_of_minus(u32::MAX)), (32_768, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn attention_agrees_with_floats(
            seed in prop::collection::vec(-4 * ONE..4 * ONE, 16 * 41),
            context in 1usize..20,
        ) {
            let rows: Vec<Quantised> = seed.chunks_exact(16).map(|x| quantise(x, Width::Narrow)).collect();
            let (query, keys, values) = (&rows[0], &rows[1..=context], &rows[21..21 + context]);
            // log2(e) / sqrt(16).
            let to_log2 = Scale::new(1_549_082_005, 32);
            let scores: Vec<f64> = keys.iter().map(|key| {
                f64::from(dot(&query.values, &key.values)) * step(query) * step(key) / 4.0
            }).collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
            let total: f64 = weights.iter().sum();
            for (at, y) in attend(query, keys, values, to_log2).into_iter().enumerate() {
                let sum: f64 = weights.iter().zip(values).map(|(w, v)| w * f64::from(v.values[at]) * step(v)).sum();
                let y = f64::from(y) / f64::from(ONE);
                prop_assert!((y - sum / total).abs() <= 4e-3, "{y} {}", sum / total);
            }
        }
    }

    #[test]
    fn the_longest_context_of_the_largest_values_does_not_overflow() {
        let row = quantise(&[i32::MAX; 4], Width::Narrow);
        let rows = alloc::vec![row.clone(); MAX_CONTEXT];
        let out = attend(&row, &rows, &rows, Scale::new(1, 40));
        assert!(out.iter().all(|y| *y > i32::MAX - (1 << 18)), "{out:?}");
        let zero = quantise(&[0; 4], Width::Narrow);
        assert_eq!(
            attend(&row, core::slice::from_ref(&row), &[zero], Scale::new(1, 0)),
            [0; 4]
        );
        assert_eq!(attend(&row, &[], &[], Scale::new(1, 0)), []);
    }
}
