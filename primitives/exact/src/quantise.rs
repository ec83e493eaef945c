//! Vectors to 8 bits, each with a scale of its own.

use alloc::vec::Vec;

use crate::fixed::{Fixed, PLACES, Scale, bits, round_shift};

/// How finely a vector is quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub enum Width {
    /// 127 steps to either side: 8 bits.
    Narrow,
    /// [`WIDE_STEPS`] steps to either side, in two planes of 8 bits.
    Wide,
}

/// Binary places of the fine plane of a wide vector.
pub const FINE_PLACES: u32 = 7;

/// `127 * 128`.
pub const WIDE_STEPS: i32 = 16_256;

/// A quantised vector: element `i` stands for `values[i] * scale`, or `(values[i] + fine[i] / 128) * scale` if it is wide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantised {
    /// From -127 to 127.
    pub values: Vec<i8>,
    /// From -64 to 63, as many as values; none if the vector is narrow.
    pub fine: Vec<i8>,
    /// What one of the values' steps is.
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
    /// Each element as `steps * value / largest`, rounded. The scale is given by the caller: a norm has another one than the
    /// vector itself.
    pub fn to_steps(&self, width: Width, scale: Scale) -> Quantised {
        if self.largest == 0 {
            let zeros: Vec<i8> = self.values.iter().map(|_| 0).collect();
            let fine = if width == Width::Wide {
                zeros.clone()
            } else {
                Vec::new()
            };
            return Quantised {
                values: zeros,
                fine,
                scale,
            };
        }
        let largest = i32::from(self.largest);
        match width {
            Width::Narrow => {
                // At most 127 * 2^8, and the product with a value at most 127 * 2^22.
                let reciprocal = (127 << 22) / largest;
                let step = |value: &i16| round_shift(i64::from(i32::from(*value) * reciprocal), 22) as i8;
                Quantised {
                    values: self.values.iter().map(step).collect(),
                    fine: Vec::new(),
                    scale,
                }
            }
            Width::Wide => {
                // At most 127 * 2^9, and the product with a value at most 127 * 2^23.
                let reciprocal = (WIDE_STEPS << 16) / largest;
                let steps = self
                    .values
                    .iter()
                    .map(|value| round_shift(i64::from(i32::from(*value) * reciprocal), 16) as i16);
                let (values, fine) = steps.map(planes).unzip();
                Quantised { values, fine, scale }
            }
        }
    }
}

/// A number of at most [`WIDE_STEPS`] as `128 * value + fine`, `fine` from -64 to 63.
const fn planes(steps: i16) -> (i8, i8) {
    let value = (steps + 64) >> 7;
    (value as i8, (steps - (value << 7)) as i8)
}

/// `x` in steps: the largest magnitude becomes 127.
pub fn quantise(x: &[Fixed], width: Width) -> Quantised {
    let normalised = normalise(x);
    let scale = step_of(u64::from(normalised.largest), PLACES as i32 - normalised.exponent);
    normalised.to_steps(width, scale)
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
            let quantised = quantise(&x, Width::Narrow);
            let step = f64::from(quantised.scale.mantissa) * 2f64.powi(-i32::from(quantised.scale.shift));
            for (x, q) in x.iter().zip(&quantised.values) {
                let (exact, stands_for) = (f64::from(*x) / f64::from(ONE), f64::from(*q) * step);
                prop_assert!((exact - stands_for).abs() <= 0.53 * step + 1e-9, "{exact} as {q} steps of {step}");
            }
            let wide = quantise(&x, Width::Wide);
            prop_assert_eq!(wide.scale, quantised.scale);
            for ((x, q), fine) in x.iter().zip(&wide.values).zip(&wide.fine) {
                prop_assert!((-127..=127).contains(q) && (-64..=63).contains(fine));
                let stands_for = (f64::from(*q) + f64::from(*fine) / 128.0) * step;
                let exact = f64::from(*x) / f64::from(ONE);
                prop_assert!((exact - stands_for).abs() <= 0.018 * step + 1e-9, "{exact} as {q}, {fine} of {step}");
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
        assert_eq!(quantise(&[i32::MIN, i32::MAX], Width::Narrow).values, [-127, 127]);
        let zeros = Quantised {
            values: vec![0, 0],
            fine: vec![0, 0],
            scale: Scale::default(),
        };
        assert_eq!(quantise(&[0, 0], Width::Wide), zeros);
        assert_eq!(quantise(&[1, -1, 0], Width::Narrow).values, [127, -127, 0]);
        assert_eq!(quantise(&[], Width::Narrow), Quantised::default());
        let ends = quantise(&[i32::MIN, i32::MAX, 0], Width::Wide);
        // The reciprocal is rounded down: the end may be one fine step off.
        assert_eq!((ends.values, ends.fine), (vec![-127, 127, 0], vec![0, -1, 0]));
    }
}
