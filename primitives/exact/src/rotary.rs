//! Rotary positions: each pair of a head's elements is turned by an angle of the position.

use alloc::vec::Vec;

use crate::fixed::{Fixed, round_shift, saturate};

/// Binary places of a sine or cosine.
pub const ANGLE_PLACES: u32 = 30;

/// Cosine and sine of one pair at one position, with [`ANGLE_PLACES`]. They are part of a model's data: what computes
/// them has floats, and what uses them needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Angle {
    /// Cosine.
    pub cosine: i32,
    /// Sine.
    pub sine: i32,
}

/// `(a cos - b sin, a sin + b cos)`, each rounded once and saturated.
pub fn rotate(a: Fixed, b: Fixed, angle: Angle) -> (Fixed, Fixed) {
    let (cosine, sine) = (i64::from(angle.cosine), i64::from(angle.sine));
    let (a, b) = (i64::from(a), i64::from(b));
    // Each product is at most 2^62; only angles that are none make the sum of two leave 64 bits.
    (
        saturate(round_shift((a * cosine).saturating_sub(b * sine), ANGLE_PLACES)),
        saturate(round_shift((a * sine).saturating_add(b * cosine), ANGLE_PLACES)),
    )
}

/// A head at a position: elements `i` and `i + width / 2` turned by the `i`-th of the position's angles.
pub fn turn(head: &[Fixed], angles: &[Angle]) -> Vec<Fixed> {
    let (left, right) = head.split_at(head.len() / 2);
    let pairs = left.iter().zip(right).zip(angles);
    let (mut a, b): (Vec<Fixed>, Vec<Fixed>) = pairs.map(|((a, b), angle)| rotate(*a, *b, *angle)).unzip();
    a.extend(b);
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_turn_agrees_with_floats(a in -(1 << 29)..1 << 29, b in -(1 << 29)..1 << 29, angle in 0.0..core::f64::consts::TAU) {
            let places = f64::from(1 << ANGLE_PLACES);
            let turn = Angle { cosine: (angle.cos() * places) as i32, sine: (angle.sin() * places) as i32 };
            let (x, y) = rotate(a, b, turn);
            prop_assert!((f64::from(x) - (f64::from(a) * angle.cos() - f64::from(b) * angle.sin())).abs() <= 2.0);
            prop_assert!((f64::from(y) - (f64::from(a) * angle.sin() + f64::from(b) * angle.cos())).abs() <= 2.0);
        }

        #[test]
        fn no_input_overflows(a in any::<i32>(), b in any::<i32>(), cosine in any::<i32>(), sine in any::<i32>()) {
            rotate(a, b, Angle { cosine, sine });
        }
    }
}
