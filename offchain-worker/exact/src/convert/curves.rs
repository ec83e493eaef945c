//! The exponential in single precision, and what is made of it, over whole slices.

use super::lanes::{Kernel, widest};

/// Adding and subtracting it rounds a small number to an integer, which is then in its lowest bits.
pub const ROUNDER: f32 = 12_582_912.0;

/// `e^x` to about 1e-7 of itself; what is below 2^-126 becomes as small as that. After Moshier's Cephes library.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    // ln 2 in two parts, of which the first has few enough bits for exact products.
    let r = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127) << 23;
    (p * r * r + r + 1.0) * f32::from_bits(power)
}

/// Makes logits masses, of which the largest is 1; gives their sum.
pub fn masses(x: &mut [f32]) -> f64 {
    widest(Masses(x));
    x.iter().map(|x| f64::from(*x)).sum()
}

/// Makes logits probabilities.
pub fn softmax(x: &mut [f32]) {
    let factor = (1.0 / masses(x)) as f32;
    x.iter_mut().for_each(|x| *x *= factor);
}

/// `silu(gate) * up` of each pair in `both`, into `inner`.
pub fn swiglu(both: &[f32], inner: &mut [f32]) {
    widest(Swiglu { both, inner });
}

struct Masses<'a>(&'a mut [f32]);

impl Kernel for Masses<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let largest = self.0.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.0.iter_mut().for_each(|x| *x = exp(*x - largest));
    }
}

struct Swiglu<'a> {
    both: &'a [f32],
    inner: &'a mut [f32],
}

impl Kernel for Swiglu<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ([gate, up], inner) in self.both.as_chunks().0.iter().zip(self.inner) {
            *inner = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_agree_with_the_library(x in -80.0f32..80.0, up in -9.0f32..9.0) {
            prop_assert!((f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs() < 3e-7);
            let mut inner = [0.0];
            swiglu(&[x, up], &mut inner);
            let wanted = f64::from(x) / (1.0 + f64::from(-x).exp()) * f64::from(up);
            prop_assert!((f64::from(inner[0]) - wanted).abs() <= 1e-6 * wanted.abs().max(1e-6));
        }
    }

    #[test]
    fn shares_add_up_to_one() {
        let mut x: Vec<f32> = (0..77).map(|i| (i * 37 % 19) as f32).collect();
        x[3] = -1e9;
        softmax(&mut x);
        assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-5 && x[3] < 1e-30);
    }
}
