//! The grid of values that a row's integer weights can stand for.

use weft_exact::{fixed::Scale, linear::Bits};

use super::curves::ROUNDER;

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Size of a weight.
    pub bits: Bits,
    /// Weights of a row that share a group scale; all of the row if `None`. Must divide the row.
    pub group: Option<usize>,
}

impl Format {
    /// Weights of 8 bits with a scale for each row.
    pub const ROWS: Self = Self {
        bits: Bits::Eight,
        group: None,
    };

    /// Weights of 8 bits in groups.
    pub const fn groups_of(group: usize) -> Self {
        Self {
            bits: Bits::Eight,
            group: Some(group),
        }
    }

    /// Weights of 4 bits in groups of 32.
    pub const FOUR_BITS: Self = Self {
        bits: Bits::Four,
        group: Some(32),
    };

    /// Weights that share a group scale in a row of `columns`.
    pub fn group_of(self, columns: usize) -> usize {
        self.group.unwrap_or(columns)
    }
}

/// Scales of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Of the row.
    pub row: Scale,
    /// Of its groups, as multiples of the row's.
    pub groups: Vec<u8>,
    /// What one unit of a weight of each group stands for.
    pub steps: Vec<f32>,
    /// Smallest and largest weight.
    pub least: f32,
    /// Largest weight.
    pub most: f32,
}

/// Shares of a group's largest weight that may become the largest that 4 bits can stand for: to cut off a few that are large
/// often costs less than coarser steps for all.
const CUTS: [f64; 9] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6];

impl Grid {
    /// For the weights of a row. `finest` is the largest group scale: the larger, the finer groups are told apart, and the
    /// larger sums become.
    pub fn of(weights: &[f32], format: Format, finest: u8) -> Self {
        let (least, most) = match format.bits {
            Bits::Eight => (-127.0, 127.0),
            Bits::Four => (-8.0, 7.0),
        };
        let whole = format.group_of(weights.len()) == weights.len();
        let steps: Vec<f64> = weights
            .chunks(format.group_of(weights.len()).max(1))
            .map(|group| match format.bits {
                Bits::Eight => largest(group) / f64::from(most),
                Bits::Four => best_cut(group, least, most),
            })
            .collect();
        let largest = steps.iter().copied().fold(0.0, f64::max);
        let row = scale_of(if whole { largest } else { largest / f64::from(finest) });
        let unit = value_of(row);
        let multiple = |step: &f64| match (whole, format.bits) {
            (true, _) => 1,
            // Rounded up, so that no weight is cut off that was not to be.
            (_, Bits::Eight) => (step / unit - 1e-3).ceil().clamp(1.0, f64::from(finest)) as u8,
            (_, Bits::Four) => (step / unit).round().clamp(1.0, f64::from(finest)) as u8,
        };
        let groups: Vec<u8> = steps.iter().map(multiple).collect();
        let steps = groups
            .iter()
            .map(|multiple| (unit * f64::from(*multiple)) as f32)
            .collect();
        Self {
            row,
            groups,
            steps,
            least,
            most,
        }
    }

    /// The weight that is nearest to `value` in steps of `step`. Zero where there are no steps.
    pub fn nearest(&self, value: f32, step: f32) -> f32 {
        if step > 0.0 {
            nearest((value / step).clamp(self.least, self.most))
        } else {
            0.0
        }
    }

    /// Whether no input makes the sum of these weights leave 32 bits, as [`weft_exact::linear::Matrix::check`] has it.
    pub fn holds(&self, weights: &[i8]) -> bool {
        let group = (weights.len() / self.groups.len().max(1)).max(1);
        let sums = weights.chunks(group).zip(&self.groups).map(|(weights, scale)| {
            let sum: u64 = weights.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
            sum * 128 * u64::from(*scale)
        });
        sums.sum::<u64>() <= i32::MAX as u64
    }
}

/// The nearest integer, of two the even one, of a number of less than 2^22: without a call into the maths library.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    (x + ROUNDER) - ROUNDER
}

fn largest(weights: &[f32]) -> f64 {
    f64::from(weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs())))
}

/// The step that leaves the smallest sum of squared errors.
fn best_cut(group: &[f32], least: f32, most: f32) -> f64 {
    let whole = largest(group) / f64::from(most);
    let error = |cut: f64| -> f64 {
        let step = (whole * cut) as f32;
        let off = |weight: &f32| f64::from(weight - nearest((weight / step).clamp(least, most)) * step);
        group.iter().map(|weight| off(weight).powi(2)).sum()
    };
    let best = CUTS
        .into_iter()
        .map(|cut| (error(cut), cut))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(whole, |(_, cut)| whole * cut)
}

/// The scale nearest to a number that is not negative.
pub fn scale_of(x: f64) -> Scale {
    if !(x.is_normal() && x > 0.0) {
        return Scale::default();
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    // From 53 bits to 16, to the nearest.
    let rounded = (mantissa + (1 << 36)) >> 37;
    Scale::new(rounded, 15 - exponent)
}

/// What a scale stands for.
pub fn value_of(scale: Scale) -> f64 {
    // In two steps, so that neither power leaves the range.
    let half = i32::from(scale.shift) / 2;
    f64::from(scale.mantissa) * 2f64.powi(-half) * 2f64.powi(half - i32::from(scale.shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn scales_are_within_half_a_unit_of_sixteen_bits(x in 1e-30f64..1e30) {
            let scale = scale_of(x);
            prop_assert!(scale.is_sound());
            prop_assert!((value_of(scale) / x - 1.0).abs() <= 1.0 / 65_536.0);
        }

        #[test]
        fn every_weight_of_8_bits_is_within_half_a_step(row in prop::collection::vec(-1.0f32..1.0, 64), size in -20i32..20) {
            let row: Vec<f32> = row.iter().map(|x| x * 2f32.powi(size)).collect();
            for format in [Format::ROWS, Format::groups_of(16)] {
                let grid = Grid::of(&row, format, 255);
                for (at, x) in row.iter().enumerate() {
                    let step = grid.steps[at / format.group_of(64)];
                    prop_assert!((x - grid.nearest(*x, step) * step).abs() <= 0.51 * step, "{x} {step} {grid:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_has_no_scale() {
        assert_eq!(scale_of(0.0), Scale::default());
        assert_eq!(scale_of(f64::NAN), Scale::default());
        let grid = Grid::of(&[0.0; 8], Format::FOUR_BITS, 255);
        assert_eq!((grid.row, grid.nearest(3.0, grid.steps[0])), (Scale::default(), 0.0));
    }

    #[test]
    fn four_bits_cut_off_what_is_large_where_that_pays() {
        let mut row = vec![0.1f32; 32];
        row.iter_mut().step_by(2).for_each(|x| *x = -0.07);
        row[5] = 1.0;
        let grid = Grid::of(
            &row,
            Format {
                bits: Bits::Four,
                group: Some(32),
            },
            255,
        );
        assert!(grid.steps[0] < 1.0 / 7.0);
    }
}
