//! The mean of hidden states, and its direction.

use alloc::vec::Vec;

use crate::{
    fixed::{Fixed, isqrt},
    norm::divide,
    quantise::normalise,
};

/// Binary places of [`unit`].
pub const UNIT_PLACES: u32 = 24;

/// Sums over rows of the same length.
pub fn pool(rows: &[Vec<Fixed>]) -> Vec<i64> {
    let width = rows.first().map_or(0, Vec::len);
    let sum = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|x| i64::from(*x)).sum();
    (0..width).map(sum).collect()
}

/// The mean of `count` rows from the sums of their blocks, to the nearest, halves upwards.
pub fn mean(blocks: &[Vec<i64>], count: u32) -> Vec<Fixed> {
    let width = blocks.first().map_or(0, Vec::len);
    let sum = |at: usize| {
        blocks
            .iter()
            .filter_map(|block| block.get(at))
            .fold(0i64, |sum, x| sum.saturating_add(*x))
    };
    // As many numbers as are counted lie in range, and so does their mean.
    (0..width)
        .map(|at| crate::fixed::saturate(divide(sum(at), count)))
        .collect()
}

/// `x` over its length, with [`UNIT_PLACES`]; zeros stay zeros. At most [`crate::norm::MAX_LENGTH`] elements.
pub fn unit(x: &[Fixed]) -> Vec<Fixed> {
    let values = normalise(x).values;
    let squares: u64 = values.iter().map(|value| u64::from(value.unsigned_abs()).pow(2)).sum();
    let root = isqrt(squares << 20);
    let share = |value: &i16| divide(i64::from(*value) << (UNIT_PLACES + 10), root) as Fixed;
    values.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_direction_has_length_one(x in prop::collection::vec(any::<i32>(), 1..400), small in 0u32..20) {
            let x: Vec<Fixed> = x.iter().map(|x| x >> small).collect();
            let length = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            for (x, y) in x.iter().zip(unit(&x)) {
                let wanted = if length == 0.0 { 0.0 } else { f64::from(*x) / length };
                prop_assert!((f64::from(y) / 2f64.powi(24) - wanted).abs() < 2e-4);
            }
        }

        #[test]
        fn the_mean_does_not_depend_on_blocks(rows in prop::collection::vec(prop::collection::vec(any::<i32>(), 3), 1..40), cut in 1usize..40) {
            let blocks: Vec<_> = rows.chunks(cut).map(pool).collect();
            let count = rows.len() as u32;
            prop_assert_eq!(mean(&blocks, count), mean(&[pool(&rows)], count));
            for (at, mean) in mean(&blocks, count).into_iter().enumerate() {
                let exact = rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / f64::from(count);
                prop_assert!((f64::from(mean) - exact).abs() <= 0.51);
            }
        }
    }

    #[test]
    fn nothing_has_no_direction() {
        assert_eq!(unit(&[0; 3]), [0; 3]);
        assert_eq!(unit(&[]), []);
        assert_eq!(mean(&[], 0), []);
        assert_eq!(mean(&[vec![5]], 0), [0]);
        assert_eq!(unit(&[7, 0]), [1 << 24, 0]);
    }
}
