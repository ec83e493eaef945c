//! Products with weights: `i8` times `i8`, summed exactly.

use alloc::vec::Vec;

use crate::{
    fixed::{Fixed, PLACES, Scale, round_shift, saturate},
    quantise::{FINE_PLACES, Quantised},
};

/// Size of a stored weight.
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
pub enum Bits {
    /// From -127 to 127.
    Eight,
    /// From -8 to 7.
    Four,
}

/// What rows of a matrix are like, however many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Shape {
    /// Inputs of a row.
    pub columns: usize,
    /// Inputs that share a group scale.
    pub group: usize,
    /// Size of a weight.
    pub bits: Bits,
    /// Whether rows have a bias.
    pub bias: bool,
}

impl Shape {
    /// Bytes of a row: weights, group scales, row scale and bias.
    pub fn row_bytes(&self) -> usize {
        let weights = match self.bits {
            Bits::Eight => self.columns,
            Bits::Four => self.columns.div_ceil(2),
        };
        weights + self.columns.checked_div(self.group).unwrap_or(0) + 4 + if self.bias { 4 } else { 0 }
    }
}

/// A matrix whose rows are outputs. Each row's weights stand for `weight * group scale * row scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Inputs of a row.
    pub columns: usize,
    /// Size of a stored weight.
    pub bits: Bits,
    /// Row by row; in memory a byte each, whatever their stored size.
    pub weights: Vec<i8>,
    /// Inputs that share a group scale; divides `columns`.
    pub group: usize,
    /// Row by row, one for each group of the row; 1 where groups are not used.
    pub group_scales: Vec<u8>,
    /// One for each row.
    pub row_scales: Vec<Scale>,
    /// One for each row, or none at all.
    pub bias: Vec<Fixed>,
}

/// Why a matrix cannot be used: the operator's sums could leave 32 bits, or its parts do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Weights, scales or bias are not as many as rows and columns say.
    Shape,
    /// A weight is out of its range.
    Weight,
    /// The sum of a row could overflow.
    Overflow {
        /// The row.
        row: usize,
    },
}

impl Matrix {
    /// What its rows are like.
    pub fn shape(&self) -> Shape {
        Shape {
            columns: self.columns,
            group: self.group,
            bits: self.bits,
            bias: !self.bias.is_empty(),
        }
    }

    /// Some of its rows, as far as it has them.
    pub fn slice(&self, rows: core::ops::Range<usize>) -> Self {
        let groups = self.columns.checked_div(self.group).unwrap_or(0);
        let part = |from: usize, to: usize, of: usize| from.min(of)..to.min(of);
        let scaled = |by: usize, of: usize| part(rows.start.saturating_mul(by), rows.end.saturating_mul(by), of);
        Self {
            columns: self.columns,
            bits: self.bits,
            weights: self.weights[scaled(self.columns, self.weights.len())].to_vec(),
            group: self.group,
            group_scales: self.group_scales[scaled(groups, self.group_scales.len())].to_vec(),
            row_scales: self.row_scales[scaled(1, self.row_scales.len())].to_vec(),
            bias: self.bias[scaled(1, self.bias.len())].to_vec(),
        }
    }

    /// What row `row` stands for, if there is one.
    pub fn row(&self, row: usize) -> Option<Vec<Fixed>> {
        let scale = self.row_scales.get(row)?;
        let groups = self.columns.checked_div(self.group)?;
        let weights = self.weights.chunks_exact(self.columns).nth(row)?;
        let scales = self.group_scales.chunks_exact(groups).nth(row)?;
        let grouped = weights.chunks_exact(self.group).zip(scales);
        let weight = |(weights, group): (&[i8], &u8)| -> Vec<Fixed> {
            let each = weights.iter().map(|weight| i32::from(*weight) * i32::from(*group));
            each.map(|weight| scale.apply(weight, PLACES)).collect()
        };
        Some(grouped.flat_map(weight).collect())
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.row_scales.len()
    }

    /// Shows that no input whatever makes a sum leave `i32`: values are at most 127 in magnitude, and the fine plane of a wide
    /// vector adds at most half of a step to each.
    pub fn check(&self) -> Result<(), Unfit> {
        let rows = self.rows();
        let groups = self.columns.checked_div(self.group).unwrap_or(0);
        let fits = self.columns > 0
            && groups.checked_mul(self.group) == Some(self.columns)
            && rows.checked_mul(self.columns) == Some(self.weights.len())
            && rows.checked_mul(groups) == Some(self.group_scales.len())
            && (self.bias.is_empty() || self.bias.len() == rows)
            && self.row_scales.iter().all(|scale| scale.is_sound());
        if !fits {
            return Err(Unfit::Shape);
        }
        let range = match self.bits {
            Bits::Eight => -127..=127,
            Bits::Four => -8..=7,
        };
        if !self.weights.iter().all(|weight| range.contains(weight)) {
            return Err(Unfit::Weight);
        }
        let scales = self.group_scales.chunks_exact(groups);
        for (row, (weights, scales)) in self.weights.chunks_exact(self.columns).zip(scales).enumerate() {
            let most: u64 = weights
                .chunks_exact(self.group)
                .zip(scales)
                .map(|(weights, scale)| {
                    let sum: u64 = weights.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
                    sum * 128 * u64::from(*scale)
                })
                .sum();
            if most > i32::MAX as u64 {
                return Err(Unfit::Overflow { row });
            }
        }
        Ok(())
    }

    /// The exact sum of one row, which [`Self::check`] has shown to fit.
    pub fn sum(&self, row: usize, x: &[i8]) -> i32 {
        let groups = self.columns / self.group;
        let weights = self.weights.chunks_exact(self.columns).nth(row).unwrap_or_default();
        let scales = self.group_scales.chunks_exact(groups).nth(row).unwrap_or_default();
        let grouped = weights.chunks_exact(self.group).zip(x.chunks_exact(self.group));
        grouped.zip(scales).fold(0i32, |sum, ((weights, x), scale)| {
            sum.wrapping_add(dot(weights, x).wrapping_mul(i32::from(*scale)))
        })
    }

    /// `W x + b`.
    pub fn forward(&self, x: &Quantised) -> Vec<Fixed> {
        let bias = self.bias.iter().copied().chain(core::iter::repeat(0));
        let rows = self.row_scales.iter().enumerate().zip(bias);
        rows.map(|((row, scale), bias)| {
            let mut sum = self.sum(row, &x.values);
            if !x.fine.is_empty() {
                let fine = round_shift(i64::from(self.sum(row, &x.fine)), FINE_PLACES);
                sum = sum.wrapping_add(fine as i32);
            }
            let product = scale.apply_both(x.scale, sum, PLACES);
            saturate(i64::from(product) + i64::from(bias))
        })
        .collect()
    }
}

/// The exact sum of products; of up to 133,144 elements it fits `i32`.
pub fn dot(a: &[i8], b: &[i8]) -> i32 {
    let products = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b));
    products.fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        fixed::ONE,
        quantise::{Width, quantise},
    };

    fn matrix(columns: usize, group: usize, weights: Vec<i8>, group_scales: Vec<u8>, bias: Vec<Fixed>) -> Matrix {
        let rows = weights.len() / columns;
        Matrix {
            columns,
            bits: Bits::Eight,
            weights,
            group,
            group_scales,
            row_scales: vec![Scale::new(3, 12); rows],
            bias,
        }
    }

    proptest! {
        #[test]
        fn products_agree_with_floats(
            weights in prop::collection::vec(-127i8..=127, 4 * 32),
            scales in prop::collection::vec(1u8..=16, 4 * 4),
            bias in prop::collection::vec(-1_000_000i32..1_000_000, 4),
            x in prop::collection::vec(-10 * ONE..10 * ONE, 32),
            wide in any::<bool>(),
        ) {
            let matrix = matrix(32, 8, weights, scales, bias);
            prop_assert_eq!(matrix.check(), Ok(()));
            let x = quantise(&x, if wide { Width::Wide } else { Width::Narrow });
            let step = f64::from(x.scale.mantissa) * 2f64.powi(-i32::from(x.scale.shift));
            for (row, y) in matrix.forward(&x).into_iter().enumerate() {
                let sum: f64 = (0..32).map(|i| {
                    let x = f64::from(x.values[i]) + x.fine.get(i).map_or(0.0, |fine| f64::from(*fine) / 128.0);
                    f64::from(matrix.weights[row * 32 + i]) * f64::from(matrix.group_scales[row * 4 + i / 8]) * x
                }).sum();
                let wanted = sum * step * 3.0 / 4096.0 + f64::from(matrix.bias[row]) / f64::from(ONE);
                let y = f64::from(y) / f64::from(ONE);
                // The fine plane's sum is rounded to one unit of the other's.
                let unit = step * 3.0 / 4096.0;
                prop_assert!((y - wanted).abs() <= 1e-5 + unit + wanted.abs() * 1e-4, "{y} {wanted}");
            }
        }

        #[test]
        fn whatever_passes_the_check_cannot_overflow(
            weights in prop::collection::vec(-127i8..=127, 64),
            scales in prop::collection::vec(any::<u8>(), 2),
            signs in prop::collection::vec(any::<bool>(), 64),
        ) {
            let matrix = matrix(64, 32, weights, scales, vec![]);
            let x: Vec<i8> = signs.iter().map(|sign| if *sign { 127 } else { -127 }).collect();
            let exact: i64 = (0..64).map(|i| {
                i64::from(matrix.weights[i]) * i64::from(matrix.group_scales[i / 32]) * i64::from(x[i])
            }).sum();
            if matrix.check().is_ok() {
                prop_assert_eq!(i64::from(matrix.sum(0, &x)), exact);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(matrix(4, 3, vec![0; 4], vec![1; 1], vec![]).check(), Err(Unfit::Shape));
        assert_eq!(matrix(4, 2, vec![0; 4], vec![1; 1], vec![]).check(), Err(Unfit::Shape));
        assert_eq!(matrix(4, 0, vec![0; 4], vec![], vec![]).check(), Err(Unfit::Shape));
        assert_eq!(matrix(4, 4, vec![0; 4], vec![1], vec![1, 2]).check(), Err(Unfit::Shape));
        let columns = 1 << 20;
        let mut weights = vec![0; columns];
        weights.extend(vec![-127; columns]);
        let wide = matrix(columns, columns, weights, vec![255; 2], vec![]);
        assert_eq!(wide.check(), Err(Unfit::Overflow { row: 1 }));
    }
}
