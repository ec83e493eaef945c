//! Fixed-point numbers, rounding, and products that are wider than 32 bits.

/// A number with [`PLACES`] binary places: `1.0` is `65_536`. Range ±32,768.
pub type Fixed = i32;

/// Binary places of [`Fixed`].
pub const PLACES: u32 = 16;

/// `1.0`.
pub const ONE: Fixed = 1 << PLACES;

/// `x / 2^shift` to the nearest, halves upwards (towards +∞). From a `shift` of 63 on the result is 0.
pub const fn round_shift(x: i64, shift: u32) -> i64 {
    if shift == 0 {
        return x;
    }
    if shift >= 63 {
        return 0;
    }
    // The sum cannot overflow: the half is added to the quotient's own remainder.
    let half = 1i64 << (shift - 1);
    let floor = x >> shift;
    let rest = x & ((1i64 << shift) - 1);
    floor + (rest >= half) as i64
}

/// The nearest value of [`Fixed`]: what is beyond its range becomes its end.
pub const fn saturate(x: i64) -> Fixed {
    if x > i32::MAX as i64 {
        i32::MAX
    } else if x < i32::MIN as i64 {
        i32::MIN
    } else {
        x as i32
    }
}

/// `a * b / 2^shift`, rounded by [`round_shift`] and saturated. The product of an `i32` and a `u32` always fits 64 bits.
pub const fn mul_shift(a: i32, b: u32, shift: u32) -> Fixed {
    saturate(round_shift(a as i64 * b as i64, shift))
}

/// The same product as [`mul_shift`] makes, as a high word (signed) and a low one, by four products of 16 bits: for machines
/// that have no wider ones.
pub const fn wide_product(a: i32, b: u32) -> (i32, u32) {
    let magnitude = a.unsigned_abs();
    let (a_high, a_low) = (magnitude >> 16, magnitude & 0xffff);
    let (b_high, b_low) = (b >> 16, b & 0xffff);
    let low = a_low * b_low;
    let middle = a_high * b_low;
    let other = a_low * b_high;
    let high = a_high * b_high;
    // Each term is below 2^16, so that the sum is below 2^18.
    let carry = (low >> 16) + (middle & 0xffff) + (other & 0xffff);
    let low = (low & 0xffff) | (carry << 16);
    let high = high + (middle >> 16) + (other >> 16) + (carry >> 16);
    if a < 0 {
        let (low, borrow) = low.overflowing_neg();
        ((!high).wrapping_add(!borrow as u32) as i32, low)
    } else {
        (high as i32, low)
    }
}

/// The largest integer whose square is at most `x`.
pub const fn isqrt(x: u64) -> u32 {
    let mut root = 0u64;
    let mut bit = 1u64 << 31;
    while bit > 0 {
        let candidate = root | bit;
        if candidate * candidate <= x {
            root = candidate;
        }
        bit >>= 1;
    }
    root as u32
}

/// Bits of `x` without leading zeros; 0 for 0.
pub const fn bits(x: u32) -> u32 {
    32 - x.leading_zeros()
}

/// A positive number as `mantissa / 2^shift`, with a mantissa of 16 bits. Zero has the mantissa 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Scale {
    /// From 2^15 to 2^16 - 1, or 0.
    pub mantissa: u16,
    /// May be negative.
    pub shift: i16,
}

impl Scale {
    /// `x / 2^shift`, its mantissa rounded down to 16 bits.
    pub const fn new(x: u64, shift: i32) -> Self {
        if x == 0 {
            return Self { mantissa: 0, shift: 0 };
        }
        let drop = 64 - x.leading_zeros() as i32 - 16;
        let mantissa = if drop >= 0 { x >> drop } else { x << -drop };
        Self {
            mantissa: mantissa as u16,
            shift: (shift - drop) as i16,
        }
    }

    /// Whether it is what [`Self::new`] could have made: what strangers send may not be.
    pub const fn is_sound(self) -> bool {
        self.mantissa >= 1 << 15 || (self.mantissa == 0 && self.shift == 0)
    }

    /// `a * self`, rounded and saturated, with `places` binary places.
    pub const fn apply(self, a: i32, places: u32) -> Fixed {
        scaled(a, self.mantissa as u32, self.shift as i32 - places as i32)
    }

    /// `a * self / 2^shift`, rounded once and saturated, with `places` binary places.
    pub const fn apply_shifted(self, shift: i32, a: i32, places: u32) -> Fixed {
        scaled(a, self.mantissa as u32, self.shift as i32 + shift - places as i32)
    }

    /// `a * self * other`, rounded once and saturated, with `places` binary places.
    pub const fn apply_both(self, other: Self, a: i32, places: u32) -> Fixed {
        let product = self.mantissa as u32 * other.mantissa as u32;
        scaled(a, product, self.shift as i32 + other.shift as i32 - places as i32)
    }
}

/// `a * b / 2^shift` for a shift of any sign.
const fn scaled(a: i32, b: u32, shift: i32) -> Fixed {
    let product = a as i64 * b as i64;
    if shift >= 0 {
        return saturate(round_shift(product, shift as u32));
    }
    if product == 0 {
        return 0;
    }
    // Beyond 32 places to the left every number but zero is out of range.
    let left = if shift < -32 { 32 } else { -shift as u32 };
    if product > (i32::MAX as i64) || product < (i32::MIN as i64) {
        return saturate(product);
    }
    saturate(product << left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shifts_round_to_the_nearest_with_halves_upwards(x in any::<i64>(), shift in 1u32..62) {
            let exact = i128::from(x) * 2 + (1i128 << shift);
            prop_assert_eq!(i128::from(round_shift(x, shift)), exact >> (shift + 1));
        }

        #[test]
        fn products_in_pieces_are_the_products(a in any::<i32>(), b in any::<u32>()) {
            let (high, low) = wide_product(a, b);
            prop_assert_eq!((i64::from(high) << 32) | i64::from(low), i64::from(a) * i64::from(b));
        }

        #[test]
        fn roots_are_exact(x in any::<u64>()) {
            let root = u128::from(isqrt(x));
            prop_assert!(root * root <= u128::from(x) && (root + 1) * (root + 1) > u128::from(x));
        }

        #[test]
        fn a_scale_is_within_one_part_in_32768(x in 1u64.., a in -1_000_000i32..1_000_000, shift in -20i32..40) {
            let scale = Scale::new(x, shift);
            let (value, exact) = (
                f64::from(scale.mantissa) * 2f64.powi(-i32::from(scale.shift)),
                x as f64 * 2f64.powi(-shift),
            );
            prop_assert!(value <= exact && value > exact * (1.0 - 1.0 / 32_768.0));
            let applied = f64::from(scale.apply(a, PLACES));
            let wanted = (f64::from(a) * value * f64::from(ONE)).clamp(f64::from(i32::MIN), f64::from(i32::MAX));
            prop_assert!((applied - wanted).abs() <= 0.5 + wanted.abs() * 1e-9, "{applied} {wanted}");
        }
    }

    #[test]
    fn what_is_out_of_range_saturates() {
        assert_eq!(mul_shift(i32::MAX, u32::MAX, 0), i32::MAX);
        assert_eq!(mul_shift(i32::MIN, u32::MAX, 0), i32::MIN);
        assert_eq!(round_shift(i64::MAX, 63), 0);
        let huge = Scale {
            mantissa: u16::MAX,
            shift: -300,
        };
        assert_eq!(
            (huge.apply(1, 16), huge.apply(-1, 16), huge.apply(0, 16)),
            (i32::MAX, i32::MIN, 0)
        );
        let tiny = Scale {
            mantissa: u16::MAX,
            shift: 300,
        };
        assert_eq!(tiny.apply(i32::MIN, 16), 0);
        for a in [i32::MIN, -1, 0, 1, i32::MAX] {
            for b in [0, 1, u32::MAX] {
                let (high, low) = wide_product(a, b);
                assert_eq!((i64::from(high) << 32) | i64::from(low), i64::from(a) * i64::from(b));
            }
        }
    }
}
