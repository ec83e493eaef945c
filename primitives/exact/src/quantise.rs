//! Vectors to 8 bits, each with a scale of its own.

use alloc::vec::Vec;

use crate::fixed::{Fixed, PLACES, Scale, bits, round_shift};

/// A vector of 8-bit numbers: element `i` stands for `values[i] * scale`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantised {
    /// From -127 to 127.
    pub values: Vec<i8>,
    /// What one step is.
    pub scale: Scale,
}

/// A vector brought to the range of 16 bits: `x[i]` is about `values[i] * 2^(exponent - PLACES)`.
///
/// The largest magnitude has 15 bits, so that a product of two fits 30.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalised {
    /// At most `largest` in magnitude.
    pub values: Vec<i16>,
    /// From 2^14 to 2^15 - 1, or 0 if all are zero.
    pub largest: u16,
    /// Places that each was shifted to the right; negative if to the left.
    pub exponent: i32,
}

/// See [`Normalised`]. What is shifted out is dropped (towards zero), which keeps the largest in range.
pub fn normalise(x: &[Fixed]) -> Normalised {
    let largest = x.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
    if largest == 0 {
        return Normalised {
            values: x.iter().map(|_| 0).collect(),
            ..Default::default()
        };
    }
    let exponent = bits(largest) as i32 - 15;
    let shifted = |x: Fixed| {
        if exponent >= 0 {
            // Of the magnitude, so that both signs are treated alike.
            let magnitude = (x.unsigned_abs() >> exponent) as i16;
            if x < 0 { -magnitude } else { magnitude }
        } else {
            (x << -exponent) as i16
        }
    };
    Normalised {
        values: x.iter().map(|x| shifted(*x)).collect(),
        largest: if exponent >= 0 {
            (largest >> exponent) as u16
        } else {
            (largest << -exponent) as u16
        },
        exponent,
    }
}

impl Normalised {
    /// Each element as `127 * value / largest`, rounded. The scale is left to the caller: a norm has another one than the
    /// vector itself.
    pub fn to_steps(&self) -> Vec<i8> {
        if self.largest == 0 {
            return self.values.iter().map(|_| 0).collect();
        }
        // At most 127 * 2^8, and the product with a value at most 127 * 2^22.
        let reciprocal = (127i32 << 22) / i32::from(self.largest);
        let step = |value: &i16| round_shift(i64::from(i32::from(*value) * reciprocal), 22) as i8;
        self.values.iter().map(step).collect()
    }
}

/// `x` in 8 bits: the largest magnitude becomes 127.
pub fn quantise(x: &[Fixed]) -> Quantised {
    let normalised = normalise(x);
    Quantised {
        values: normalised.to_steps(),
        scale: step_of(u64::from(normalised.largest), PLACES as i32 - normalised.exponent),
    }
}

/// `largest / 127 / 2^shift`: what one step stands for. Rounded down.
pub fn step_of(largest: u64, shift: i32) -> Scale {
    // 24 places more, so that the quotient has 16 bits whatever the divisor.
    Scale::new((largest << 24) / 127, shift.saturating_add(24))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::fixed::ONE;

    proptest! {
        #[test]
        fn steps_stand_for_what_was_quantised(x in prop::collection::vec(any::<i32>(), 1..80), shift in 0u32..31) {
            let x: Vec<Fixed> = x.iter().map(|x| x >> shift).collect();
            let quantised = quantise(&x);
            let step = f64::from(quantised.scale.mantissa) * 2f64.powi(-i32::from(quantised.scale.shift));
            for (x, q) in x.iter().zip(&quantised.values) {
                let (exact, stands_for) = (f64::from(*x) / f64::from(ONE), f64::from(*q) * step);
                prop_assert!((exact - stands_for).abs() <= 0.53 * step + 1e-9, "{exact} as {q} steps of {step}");
            }
            let reached = quantised.values.iter().map(|q| q.unsigned_abs()).max().unwrap();
            prop_assert_eq!(reached, if x.iter().all(|x| *x == 0) { 0 } else { 127 });
        }

        #[test]
        fn both_signs_are_treated_alike(x in prop::collection::vec(-i32::MAX..=i32::MAX, 1..40)) {
            let negative: Vec<Fixed> = x.iter().map(|x| -x).collect();
            let (one, other) = (normalise(&x), normalise(&negative));
            prop_assert_eq!(one.values.iter().map(|x| -x).collect::<Vec<_>>(), other.values);
            prop_assert!(one.largest == 0 || (1 << 14..1 << 15).contains(&one.largest));
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(quantise(&[i32::MIN, i32::MAX]).values, [-127, 127]);
        assert_eq!(
            quantise(&[0, 0]),
            Quantised {
                values: vec![0, 0],
                scale: Scale::default()
            }
        );
        assert_eq!(quantise(&[1, -1, 0]).values, [127, -127, 0]);
        assert_eq!(quantise(&[]).values, []);
    }
}
