//! SiLU and GELU, by tables of the logistic and the normal distribution.

use crate::{
    attention::{POWER_PLACES, power},
    fixed::{Fixed, ONE, PLACES, mul_shift, round_shift, saturate},
};

/// Binary places of an argument between two entries of a table: entries are 1/64 apart.
const STEP_PLACES: u32 = PLACES - 6;

/// `1 / (1 + e^-x)` for `x` from 0 to 16, with 16 binary places.
static LOGISTIC: [u32; 1_025] = logistic();

/// `Φ(x)` for `x` from 0 to 8, with 16 binary places.
static NORMAL: [u32; 513] = normal();

/// The entries of [`sigmoid`]'s table, for engines.
pub fn logistic_table() -> &'static [u32; 1_025] {
    &LOGISTIC
}

/// The entries of [`normal_share`]'s table, for engines.
pub fn normal_table() -> &'static [u32; 513] {
    &NORMAL
}

/// A distribution that is symmetric about zero: between two entries a straight line, rounded; beyond the last entry 1.
fn distribution(table: &[u32], x: Fixed) -> u32 {
    let size = x.unsigned_abs();
    let entry = (size >> STEP_PLACES) as usize;
    let rest = size & ((1 << STEP_PLACES) - 1);
    let share = match table.get(entry..entry + 2) {
        Some([here, next]) => here + (((next - here) * rest + (1 << (STEP_PLACES - 1))) >> STEP_PLACES),
        _ => 1 << PLACES,
    };
    if x < 0 { (1 << PLACES) - share } else { share }
}

/// `1 / (1 + e^-x)` with 16 binary places, from 0 to 65,536.
pub fn sigmoid(x: Fixed) -> u32 {
    distribution(&LOGISTIC, x)
}

/// `Φ(x)`, the share of a normal distribution below `x`, with 16 binary places.
pub fn normal_share(x: Fixed) -> u32 {
    distribution(&NORMAL, x)
}

/// `x * sigmoid(x)`, also known as swish.
pub fn silu(x: Fixed) -> Fixed {
    mul_shift(x, sigmoid(x), PLACES)
}

/// `silu(gate) * up`: the middle of a SwiGLU.
pub fn swiglu(gate: Fixed, up: Fixed) -> Fixed {
    saturate(round_shift(i64::from(silu(gate)) * i64::from(up), PLACES))
}

/// `x * Φ(x)` with the normal distribution itself, not its approximation by a hyperbolic tangent.
pub fn gelu(x: Fixed) -> Fixed {
    mul_shift(x, normal_share(x), PLACES)
}

/// `log2(e)` with 16 binary places.
const LOG2_E: u64 = 94_548;

/// `e^-(x / 2^16)` with [`POWER_PLACES`], `x` given times `log2(e)`.
const fn decay(exponent: u64) -> u64 {
    let whole = exponent >> PLACES;
    if whole >= 32 {
        return 0;
    }
    (power((exponent & 0xffff) as u32) >> whole) as u64
}

const fn logistic() -> [u32; 1_025] {
    let mut table = [0; 1_025];
    let mut i = 0;
    while i < 1_025 {
        let whole = (1 << POWER_PLACES) + decay((i as u64 * LOG2_E) >> 6);
        table[i] = (((1 << (POWER_PLACES + PLACES)) + whole / 2) / whole) as u32;
        i += 1;
    }
    table
}

/// Coefficients of Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, with 30 places, the highest power
/// first: `erfc(z)` is `t * P(t) * e^(-z²)` for `t = 1 / (1 + 0.3275911 z)`, to within 1.5e-7.
const ERFC: [i64; 5] = [1_139_728_017, -1_560_358_029, 1_526_238_880, -305_476_434, 273_620_908];

/// `0.3275911 / sqrt(2)` with 30 places.
const SLOPE: u64 = 248_724_948;

const fn normal() -> [u32; 513] {
    let mut table = [0; 513];
    let mut i = 0;
    while i < 513 {
        let x = i as u64;
        let t = ((1u64 << 60) / ((1 << 30) + ((x * SLOPE) >> 6))) as i64;
        let mut polynomial = 0i64;
        let mut k = 0;
        while k < 5 {
            polynomial = ((polynomial * t) >> 30) + ERFC[k];
            k += 1;
        }
        // e^(-x²/2): the square has 12 places.
        let decay = decay((x * x * LOG2_E) >> 13) as i64;
        // erfc / 2 with 16 places.
        let tail = round_shift(((polynomial * t) >> 30) * decay, 30 + POWER_PLACES + 1 - PLACES);
        table[i] = (ONE as i64 - tail) as u32;
        i += 1;
    }
    table
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
