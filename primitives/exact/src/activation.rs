//! SiLU and GELU.

use crate::{
    attention::{WEIGHT_PLACES, exp2_of_minus},
    fixed::{Fixed, ONE, PLACES, mul_shift, round_shift, saturate},
};

/// `log2(e)` with 16 binary places.
const LOG2_E: u64 = 94_548;

/// `1 / (1 + e^-x)` with 16 binary places, from 0 to 65,536.
pub fn sigmoid(x: Fixed) -> u32 {
    let exponent = (u64::from(x.unsigned_abs()) * LOG2_E) >> PLACES;
    let power = u32::from(exp2_of_minus(u32::try_from(exponent).unwrap_or(u32::MAX)));
    let whole = (1 << WEIGHT_PLACES) + power;
    // Of e^-|x|: 1 / (1 + e^-|x|) to the right of zero, e^-|x| / (1 + e^-|x|) to the left.
    let above = if x >= 0 { 1 << WEIGHT_PLACES } else { power };
    ((above << PLACES) + whole / 2) / whole
}

/// `x * sigmoid(x)`, also known as swish.
pub fn silu(x: Fixed) -> Fixed {
    mul_shift(x, sigmoid(x), PLACES)
}

/// `silu(gate) * up`: the middle of a SwiGLU.
pub fn swiglu(gate: Fixed, up: Fixed) -> Fixed {
    saturate(round_shift(i64::from(silu(gate)) * i64::from(up), PLACES))
}

/// Binary places of the polynomial below.
const FINE: u32 = 30;

/// Coefficients of Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, with [`FINE`] places, the highest
/// power first: `erfc(z)` is `t * P(t) * e^(-z²)` for `t = 1 / (1 + 0.3275911 z)`, to within 1.5e-7.
const ERFC: [i64; 5] = [1_139_728_017, -1_560_358_029, 1_526_238_880, -305_476_434, 273_620_908];

/// `0.3275911 / sqrt(2)` with [`FINE`] places.
const SLOPE: i64 = 248_724_948;

/// `x * Φ(x)` with the normal distribution itself, not its approximation by a hyperbolic tangent.
pub fn gelu(x: Fixed) -> Fixed {
    // Beyond 16 the tail is below the last place.
    let size = x.unsigned_abs();
    if size >= 16 << PLACES {
        return x.max(0);
    }
    let size = i64::from(size);
    let t = (1i64 << (2 * FINE)) / ((1 << FINE) + ((size * SLOPE) >> PLACES));
    let polynomial = ERFC.iter().fold(0i64, |sum, c| ((sum * t) >> FINE) + c);
    // e^(-x²/2), as a power of two: x² has 32 places and at most 40 bits.
    let exponent = (((size * size) >> PLACES) as u64 * LOG2_E) >> (PLACES + 1);
    let power = i64::from(exp2_of_minus(exponent as u32));
    // erfc / 2 with 16 places.
    let tail = round_shift(((polynomial * t) >> FINE) * power, FINE + WEIGHT_PLACES + 1 - PLACES);
    let share = if x >= 0 { i64::from(ONE) - tail } else { tail };
    saturate(round_shift(i64::from(x) * share, PLACES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(x: Fixed) -> f64 {
        f64::from(x) / f64::from(ONE)
    }

    /// From -20 to 20, and both ends.
    fn inputs() -> impl Iterator<Item = Fixed> {
        (-20 * ONE..20 * ONE).step_by(997).chain([0, 1, -1, i32::MAX, i32::MIN])
    }

    #[test]
    fn the_sigmoid_and_silu_agree_with_floats() {
        for x in inputs() {
            let exact = 1.0 / (1.0 + (-float(x)).exp());
            let sigmoid = f64::from(sigmoid(x)) / 65_536.0;
            assert!((sigmoid - exact).abs() <= 4e-5, "{}: {sigmoid} {exact}", float(x));
            let (silu, exact) = (float(silu(x)), float(x) * exact);
            assert!(
                (silu - exact).abs() <= 4e-5 * float(x).abs().clamp(1.0, 20.0),
                "{}: {silu} {exact}",
                float(x)
            );
        }
        assert_eq!((sigmoid(0), sigmoid(i32::MAX), sigmoid(i32::MIN)), (32_768, 65_536, 0));
    }

    #[test]
    fn the_gate_multiplies_and_saturates() {
        assert_eq!(swiglu(20 * ONE, 3 * ONE), 60 * ONE);
        assert_eq!(swiglu(i32::MAX, i32::MIN), i32::MIN);
        assert_eq!(swiglu(0, i32::MAX), 0);
    }

    #[test]
    fn gelu_agrees_with_a_table() {
        // x * Φ(x) by a float library, to six places.
        for (x, exact) in [
            (-6.0, -0.000_000_006),
            (-4.0, -0.000_126_7),
            (-2.5, -0.015_524_2),
            (-1.0, -0.158_655_3),
            (-0.5, -0.154_268_8),
            (0.0, 0.0),
            (0.25, 0.149_676_6),
            (1.0, 0.841_344_7),
            (2.0, 1.954_499_7),
            (3.5, 3.499_185_8),
            (8.0, 8.0),
        ] {
            let y = float(gelu((x * 65_536.0) as i32));
            assert!((y - exact).abs() <= 1e-4, "{x}: {y} {exact}");
        }
        assert_eq!((gelu(i32::MAX), gelu(i32::MIN)), (i32::MAX, 0));
        for x in inputs() {
            // Its two sides add up to |x|.
            let sum = i64::from(gelu(x)) - i64::from(gelu(x.saturating_neg()));
            assert!((sum - i64::from(x)).abs() <= 2, "{x}: {sum}");
        }
    }
}
