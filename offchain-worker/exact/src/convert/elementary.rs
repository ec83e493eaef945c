//! Functions that the maths libraries of systems round differently, made of the operations that IEEE 754 fixes: a conversion
//! gives the same bits on every machine.

use std::f64::consts::{LN_2, LOG2_E};

/// `e^x`, to about one unit in the last place or two.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let whole = (x.clamp(-800.0, 800.0) * LOG2_E).round();
    // ln 2 in two parts, of which the first has few enough bits for an exact product.
    const HIGH: f64 = 6.931_471_803_691_238e-1;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    let rest = (x.clamp(-800.0, 800.0) - whole * HIGH) - whole * LOW;
    // The Taylor series of what is at most ln(2) / 2.
    let mut sum = 1.0;
    for n in (1..=14).rev() {
        sum = 1.0 + sum * rest / f64::from(n);
    }
    // In two steps, so that neither power leaves the range where the result does not.
    let half = (whole / 2.0).trunc();
    sum * power_of_two(half as i32) * power_of_two(whole as i32 - half as i32)
}

/// `2^exponent`, from -1022 to 1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// The natural logarithm of a positive, normal number.
pub fn ln(x: f64) -> f64 {
    // x = m * 2^e with m from about 0.7 to 1.4.
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let mut sum = 0.0;
    for n in (0..=12).rev() {
        sum = sum * square + 1.0 / f64::from(2 * n + 1);
    }
    2.0 * z * sum + f64::from(exponent) * LN_2
}

/// `base^exponent` of a positive base.
pub fn pow(base: f64, exponent: f64) -> f64 {
    exp(ln(base) * exponent)
}

/// Sine and cosine of an angle of at most about a million radians, to 1e-14 or so.
pub fn sin_cos(x: f64) -> (f64, f64) {
    // A quarter of a turn in three parts, the first two with few enough bits for exact products.
    const HIGH: f64 = 1.570_796_326_734_125_6;
    const MIDDLE: f64 = 6.077_100_506_303_966e-11;
    const LOW: f64 = 2.022_266_248_795_950_6e-21;
    let quarters = (x * std::f64::consts::FRAC_2_PI).round();
    let rest = ((x - quarters * HIGH) - quarters * MIDDLE) - quarters * LOW;
    let square = rest * rest;
    // Taylor series of what is at most a quarter of π.
    let (mut sine, mut cosine) = (1.0, 1.0);
    for n in (1..=10).rev() {
        let n = f64::from(n);
        sine = 1.0 - sine * square / (2.0 * n * (2.0 * n + 1.0));
        cosine = 1.0 - cosine * square / (2.0 * n * (2.0 * n - 1.0));
    }
    sine *= rest;
    match (quarters as i64).rem_euclid(4) {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_agree_with_the_library(x in -700.0f64..700.0, small in -1e-3f64..1e-3, angle in -10_000.0f64..10_000.0) {
            for x in [x, small] {
                prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "{x}");
                let y = x.exp();
                prop_assert!((ln(y) - x).abs() < 1e-13 * x.abs().max(1.0), "{y}");
            }
            let (sine, cosine) = sin_cos(angle);
            prop_assert!((sine - angle.sin()).abs() < 1e-13 && (cosine - angle.cos()).abs() < 1e-13, "{angle}");
        }

        #[test]
        fn powers_agree_with_the_library(base in 1e-3f64..1e6, exponent in -8.0f64..8.0) {
            prop_assert!((pow(base, exponent) / base.powf(exponent) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!((exp(0.0), ln(1.0), sin_cos(0.0)), (1.0, 0.0, (0.0, 1.0)));
        assert_eq!((exp(-1e9), exp(f64::NEG_INFINITY)), (0.0, 0.0));
        assert!(exp(1e9).is_infinite() && exp(f64::NAN).is_nan());
    }
}
