//! The Walsh-Hadamard transform: spreads what is large in a few elements over all of a block, by additions alone.
//!
//! It is its own inverse but for a factor of the block's length, which belongs into the weights that follow.

use alloc::vec::Vec;

use crate::{
    fixed::Fixed,
    quantise::{Quantised, Width, normalise, quantise},
};

/// Longest block: sums of this many numbers of 15 bits fit `i32`.
pub const MAX_BLOCK: usize = 1 << 15;

/// The transform of `x` in place, unscaled: element `i` becomes the sum of all elements `j`, negative where `i` and `j` have an
/// odd number of bits in common. The length is a power of two; the sums wrap.
pub fn transform(x: &mut [i32]) {
    let mut half = 1;
    while half < x.len() {
        for pair in x.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (a.wrapping_add(*b), a.wrapping_sub(*b));
            }
        }
        half *= 2;
    }
}

/// Each block of `block` elements of `x`, transformed and not scaled, in 8 bits with one scale for all.
///
/// `block` is a power of two and at most [`MAX_BLOCK`]; elements after the last whole block stay as they are. The transform is
/// exact: it is of the normalised vector.
pub fn quantise_transformed(x: &[Fixed], block: usize) -> Quantised {
    let normalised = normalise(x);
    let mut y: Vec<i32> = normalised.values.iter().map(|value| i32::from(*value)).collect();
    for block in y.chunks_exact_mut(block.clamp(1, MAX_BLOCK)) {
        transform(block);
    }
    let mut quantised = quantise(&y, Width::Narrow);
    if quantised.scale.mantissa > 0 {
        // A unit of the normalised vector is 2^exponent units of the last place.
        quantised.scale.shift = quantised.scale.shift.saturating_sub(normalised.exponent as i16);
    }
    quantised
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::{fixed::ONE, linear::dot};

    proptest! {
        #[test]
        fn the_transform_is_what_it_says_and_its_own_inverse(x in prop::collection::vec(-30_000i32..30_000, 32)) {
            let mut y = x.clone();
            transform(&mut y);
            for (i, y) in y.iter().enumerate() {
                let sign = |j: usize| if (i & j).count_ones() % 2 == 1 { -1 } else { 1 };
                let sum: i32 = x.iter().enumerate().map(|(j, x)| sign(j) * x).sum();
                prop_assert_eq!(*y, sum);
            }
            transform(&mut y);
            prop_assert_eq!(y, x.iter().map(|x| 32 * x).collect::<Vec<_>>());
        }

        #[test]
        fn products_of_two_transformed_vectors_are_their_products(
            x in prop::collection::vec(-8 * ONE..8 * ONE, 64), outlier in -100 * ONE..100 * ONE,
        ) {
            let mut x = x;
            x[17] = outlier;
            let y: Vec<Fixed> = x.iter().rev().copied().collect();
            let (a, b) = (quantise_transformed(&x, 64), quantise_transformed(&y, 64));
            let step = |q: &Quantised| f64::from(q.scale.mantissa) * 2f64.powi(-i32::from(q.scale.shift));
            let product = f64::from(dot(&a.values, &b.values)) * step(&a) * step(&b) / 64.0;
            let float = |x: &Fixed| f64::from(*x) / f64::from(ONE);
            let exact: f64 = x.iter().zip(&y).map(|(x, y)| float(x) * float(y)).sum();
            let size: f64 = x.iter().map(|x| float(x).powi(2)).sum();
            prop_assert!((product - exact).abs() <= 0.02 * size, "{product} {exact} of {size}");
        }
    }

    #[test]
    fn the_ends() {
        let longest = quantise_transformed(&vec![i32::MIN; MAX_BLOCK], MAX_BLOCK);
        assert_eq!(longest.values[0], -127);
        assert!(longest.values[1..].iter().all(|q| *q == 0));
        assert_eq!(quantise_transformed(&[0; 4], 4), quantise(&[0; 4], Width::Narrow));
        assert_eq!(
            quantise_transformed(&[ONE, -ONE, 5], 0),
            quantise_transformed(&[ONE, -ONE, 5], 1)
        );
        transform(&mut []);
    }
}
