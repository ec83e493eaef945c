//! Attention of one query over keys and values, and the exponential it is made of.

use alloc::vec::Vec;

use crate::{
    fixed::{Fixed, PLACES, Scale, bits, isqrt, round_shift, saturate},
    linear::dot,
    quantise::Quantised,
};

/// Longest context.
pub const MAX_CONTEXT: usize = 8_192;

/// Binary places of [`exp2_of_minus`].
pub const WEIGHT_PLACES: u32 = 15;

/// `2^(-i/256)` with [`POWER_PLACES`], for `i` from 0 to 256.
static POWERS: [u32; 257] = powers();

const POWER_PLACES: u32 = 30;

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

/// `2^-x` with [`WEIGHT_PLACES`], for an `x` with 16 binary places: between two entries of the table a straight line. From 16
/// on it is 0.
pub fn exp2_of_minus(x: u32) -> u16 {
    let whole = x >> 16;
    if whole >= 16 {
        return 0;
    }
    let (entry, rest) = ((x >> 8 & 0xff) as usize, x & 0xff);
    let (here, next) = match POWERS.get(entry..entry + 2) {
        Some([here, next]) => (*here, *next),
        _ => return 0,
    };
    let between = here - (((here - next) * rest + 128) >> 8);
    round_shift(i64::from(between), POWER_PLACES - WEIGHT_PLACES + whole) as u16
}

/// Softmax of the scores of `query` with `keys`, times `values`: one head's output, as long as a value.
///
/// `to_log2` takes products of queries and keys to exponents of two: `log2(e) / sqrt(width)`. As many keys as values, at
/// least one and at most [`MAX_CONTEXT`].
pub fn attend(query: &Quantised, keys: &[Quantised], values: &[Quantised], to_log2: Scale) -> Vec<Fixed> {
    let width = values.first().map_or(0, |value| value.values.len());
    let factor = product(query.scale, to_log2);
    let exponents: Vec<Fixed> = keys
        .iter()
        .map(|key| key.scale.apply_both(factor, dot(&query.values, &key.values), PLACES))
        .collect();
    let largest = exponents.iter().copied().max().unwrap_or(0);
    let weights: Vec<u16> = exponents
        .iter()
        .map(|exponent| exp2_of_minus((i64::from(largest) - i64::from(*exponent)) as u32))
        .collect();
    let total: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();

    // The weights take the values' scales up, as multiples of the largest of these.
    let shift = values.iter().filter(|value| value.scale.mantissa > 0);
    let Some(shift) = shift.map(|value| value.scale.shift).min() else {
        return (0..width).map(|_| 0).collect();
    };
    let multiples: Vec<i32> = weights
        .iter()
        .zip(values)
        .map(|(weight, value)| {
            let product = i64::from(*weight) * i64::from(value.scale.mantissa);
            let drop = 16 + (i32::from(value.scale.shift) - i32::from(shift)).max(0);
            round_shift(product, drop as u32) as i32
        })
        .collect();
    // Each sum is at most 127 times the total: with these places fewer it fits 31 bits.
    let places = bits(total).saturating_sub(23);
    let reciprocal = Scale::new((1u64 << 48).checked_div(u64::from(total)).unwrap_or(0), 48);
    (0..width)
        .map(|at| {
            let column = values.iter().map(|value| value.values.get(at).copied().unwrap_or(0));
            let sum: i64 = multiples
                .iter()
                .zip(column)
                .map(|(m, v)| i64::from(*m) * i64::from(v))
                .sum();
            let sum = saturate(round_shift(sum, places));
            let unit = Scale {
                mantissa: 1 << 15,
                shift: shift - 16 + 15 - places as i16,
            };
            reciprocal.apply_both(unit, sum, PLACES)
        })
        .collect()
}

/// `a * b`, rounded down.
fn product(a: Scale, b: Scale) -> Scale {
    let mantissas = u64::from(a.mantissa) * u64::from(b.mantissa);
    Scale::new(mantissas, i32::from(a.shift) + i32::from(b.shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{fixed::ONE, quantise::quantise};

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
            let rows: Vec<Quantised> = seed.chunks_exact(16).map(quantise).collect();
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
        let row = quantise(&[i32::MAX; 4]);
        let rows = alloc::vec![row.clone(); MAX_CONTEXT];
        let out = attend(&row, &rows, &rows, Scale::new(1, 40));
        assert!(out.iter().all(|y| *y > i32::MAX - (1 << 18)), "{out:?}");
        let zero = quantise(&[0; 4]);
        assert_eq!(
            attend(&row, core::slice::from_ref(&row), &[zero], Scale::new(1, 0)),
            [0; 4]
        );
        assert_eq!(attend(&row, &[], &[], Scale::new(1, 0)), []);
    }
}
