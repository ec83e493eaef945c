//! Root-mean-square norm and layer norm.

use alloc::vec::Vec;

use crate::{
    fixed::{Fixed, PLACES, Scale, isqrt, mul_shift, round_shift, saturate},
    quantise::{Normalised, Quantised, Width, normalise, step_of},
};

/// Longest vector that can be normed: sums of squares stay below 2^43, with the places of [`ROOT_PLACES`] below 2^63.
pub const MAX_LENGTH: usize = 8_192;

/// Binary places of a root mean square, beside those of the normalised vector.
const ROOT_PLACES: u32 = 10;

/// Binary places of an epsilon.
pub const EPSILON_PLACES: u32 = 40;

/// `x / sqrt(mean(x²) + epsilon)` in steps. The gain belongs into the weights that follow.
///
/// A norm and a quantisation both divide by something of the whole vector, so that the steps are those of the vector itself
/// and only the scale is another. `epsilon` has [`EPSILON_PLACES`] binary places.
pub fn rms_norm(x: &[Fixed], epsilon: u64, width: Width) -> Quantised {
    let normalised = normalise(x);
    let scale = scale_of(
        squares(&normalised),
        x.len(),
        u32::from(normalised.largest),
        normalised.exponent,
        epsilon,
    );
    normalised.to_steps(width, scale)
}

/// `(x - mean(x)) / sqrt(var(x) + epsilon) * gain + bias`, the variance without Bessel's correction.
///
/// `gain` and `bias` are as long as `x`, which is at most [`MAX_LENGTH`] and not empty.
pub fn layer_norm(x: &[Fixed], gain: &[Fixed], bias: &[Fixed], epsilon: u64) -> Vec<Fixed> {
    let sum: i64 = x.iter().map(|x| i64::from(*x)).sum();
    let mean = divide(sum, x.len() as u32);
    let centred: Vec<Fixed> = x.iter().map(|x| saturate(i64::from(*x) - mean)).collect();
    let normalised = normalise(&centred);
    let (reciprocal, shift) = reciprocal_of(squares(&normalised), x.len(), normalised.exponent, epsilon);
    let parts = normalised.values.iter().zip(gain).zip(bias);
    parts
        .map(|((value, gain), bias)| {
            let y = mul_shift(i32::from(*value), reciprocal, shift);
            let scaled = round_shift(i64::from(y) * i64::from(*gain), PLACES);
            saturate(scaled + i64::from(*bias))
        })
        .collect()
}

fn squares(x: &Normalised) -> u64 {
    x.values.iter().map(|x| i64::from(*x).pow(2) as u64).sum()
}

/// The scale of an RMS norm, from the sum of squares of `count` normalised values, the largest of these and their exponent.
pub fn scale_of(squares: u64, count: usize, largest: u32, exponent: i32, epsilon: u64) -> Scale {
    let root = root_mean_square(squares, count, exponent, epsilon);
    // largest / (root / 2^ROOT_PLACES), in steps of 1/127: the quotient has at least 27 bits.
    let quotient = (u64::from(largest) << 40).checked_div(u64::from(root)).unwrap_or(0);
    step_of(quotient, 40 - ROOT_PLACES as i32)
}

/// What a layer norm multiplies normalised values by, and the places by which it shifts the products.
pub fn reciprocal_of(squares: u64, count: usize, exponent: i32, epsilon: u64) -> (u32, u32) {
    let root = root_mean_square(squares, count, exponent, epsilon);
    // With an epsilon the root is at least 1; all zeros stay zeros whatever it is.
    let reciprocal = ((1u64 << 40) / u64::from(root.max(1))).min(u64::from(u32::MAX)) as u32;
    (reciprocal, 40 - ROOT_PLACES - PLACES)
}

/// Root of the mean square of the normalised values plus an epsilon of the original ones, with [`ROOT_PLACES`].
fn root_mean_square(squares: u64, count: usize, exponent: i32, epsilon: u64) -> u32 {
    let mean = (squares << (2 * ROOT_PLACES)).checked_div(count as u64).unwrap_or(0);
    // A unit of the normalised vector is 2^(exponent - PLACES), so its square is as many units of epsilon.
    let shift = 2 * (PLACES as i32 - exponent) + 2 * ROOT_PLACES as i32 - EPSILON_PLACES as i32;
    isqrt(mean.saturating_add(shifted(epsilon, shift)))
}

/// `x * 2^shift`, rounded down and saturated.
fn shifted(x: u64, shift: i32) -> u64 {
    if shift <= -64 || x == 0 {
        0
    } else if shift < 0 {
        x >> -shift
    } else if shift >= 64 || x.leading_zeros() < shift as u32 {
        u64::MAX
    } else {
        x << shift
    }
}

/// `x / by` to the nearest, halves upwards; 0 for a division by 0.
pub fn divide(x: i64, by: u32) -> i64 {
    let by = i64::from(by);
    let Some(floor) = x.checked_div_euclid(by) else {
        return 0;
    };
    // The remainder is doubled, not the number: sums that strangers send may be of any size.
    floor.saturating_add((2 * x.rem_euclid(by) >= by) as i64)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::fixed::ONE;

    /// 1e-5.
    const EPSILON: u64 = (1u64 << EPSILON_PLACES) / 100_000;

    fn float(x: Fixed) -> f64 {
        f64::from(x) / f64::from(ONE)
    }

    proptest! {
        #[test]
        fn the_root_mean_square_norm_agrees_with_floats(
            x in prop::collection::vec(-1_000 * ONE..1_000 * ONE, 1..600), small in 0u32..20,
        ) {
            let x: Vec<Fixed> = x.iter().map(|x| x >> small).collect();
            let mean = x.iter().map(|x| float(*x).powi(2)).sum::<f64>() / x.len() as f64;
            let normed = rms_norm(&x, EPSILON, Width::Narrow);
            let step = f64::from(normed.scale.mantissa) * 2f64.powi(-i32::from(normed.scale.shift));
            for (x, q) in x.iter().zip(&normed.values) {
                let wanted = float(*x) / (mean + 1e-5).sqrt();
                prop_assert!((f64::from(*q) * step - wanted).abs() <= 0.53 * step + wanted.abs() * 2e-3, "{wanted} {q} {step}");
            }
        }

        #[test]
        fn the_layer_norm_agrees_with_floats(x in prop::collection::vec(-100 * ONE..100 * ONE, 8..400)) {
            let count = x.len();
            let gain: Vec<Fixed> = (0..count).map(|i| ONE / 2 + i as i32 * 100).collect();
            let bias: Vec<Fixed> = (0..count).map(|i| i as i32 * -50).collect();
            let mean = x.iter().map(|x| float(*x)).sum::<f64>() / count as f64;
            let variance = x.iter().map(|x| (float(*x) - mean).powi(2)).sum::<f64>() / count as f64;
            for (i, y) in layer_norm(&x, &gain, &bias, EPSILON).into_iter().enumerate() {
                let wanted = (float(x[i]) - mean) / (variance + 1e-5).sqrt() * float(gain[i]) + float(bias[i]);
                prop_assert!((float(y) - wanted).abs() <= 2e-3, "{} {wanted}", float(y));
            }
        }
    }

    #[test]
    fn what_has_no_size_stays_zero() {
        assert_eq!(rms_norm(&[0; 8], EPSILON, Width::Narrow).values, [0; 8]);
        assert_eq!(rms_norm(&[0; 8], 0, Width::Narrow).values, [0; 8]);
        assert_eq!(rms_norm(&[], EPSILON, Width::Narrow).values, []);
        assert_eq!(layer_norm(&[5; 4], &[ONE; 4], &[7; 4], EPSILON), [7; 4]);
        assert_eq!(layer_norm(&[], &[], &[], EPSILON), []);
        let longest = vec![i32::MIN; MAX_LENGTH];
        assert!(
            rms_norm(&longest, u64::MAX, Width::Narrow)
                .values
                .iter()
                .all(|q| *q == -127)
        );
    }
}
