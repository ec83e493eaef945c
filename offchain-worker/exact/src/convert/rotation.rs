//! A random orthogonal matrix, by which the residual stream is turned.
//!
//! A few elements of a residual stream are far larger than all others and would take all the steps of a quantised vector. Turned,
//! no element is like another, and as RMS norms do not care about turns, the matrix can be multiplied into the weights on both
//! sides: the float model stays what it is (QuaRot, arXiv 2404.00456).

use super::{
    product::{dot_double as dot, product},
    random::Random,
};

/// An orthogonal matrix.
pub struct Rotation {
    width: usize,
    /// `[width, width]`, row by row.
    rows: Vec<f32>,
    /// Its transpose.
    columns: Vec<f32>,
}

impl Rotation {
    /// Uniformly distributed over all of them: the rows of a matrix of normal numbers, each made orthogonal to those before.
    pub fn random(width: usize, random: &mut Random) -> Self {
        let mut rows: Vec<f64> = Vec::with_capacity(width * width);
        while rows.len() < width * width {
            let mut row: Vec<f64> = (0..width).map(|_| random.normal()).collect();
            // Twice, as the first time leaves what rounding adds.
            for _ in 0..2 {
                let overlaps: Vec<f64> = rows.chunks_exact(width).map(|other| dot(other, &row)).collect();
                for (other, overlap) in rows.chunks_exact(width).zip(overlaps) {
                    row.iter_mut().zip(other).for_each(|(x, other)| *x -= overlap * other);
                }
            }
            let length = dot(&row, &row).sqrt();
            // One that lies among the others is drawn anew; with random numbers none does.
            if length > 1e-6 {
                rows.extend(row.iter().map(|x| x / length));
            }
        }
        let rows: Vec<f32> = rows.into_iter().map(|x| x as f32).collect();
        let columns = transpose(&rows, width);
        Self { width, rows, columns }
    }

    /// `w @ R`: rows `[n, width]` of weights for a turned input, or of a table whose rows are turned.
    pub fn inputs(&self, w: &[f32]) -> Vec<f32> {
        product(w, &self.columns, self.width)
    }

    /// `Rᵀ @ w`: weights `[width, columns]` whose result is turned.
    pub fn outputs(&self, w: &[f32], columns: usize) -> Vec<f32> {
        product(&self.columns, &transpose(w, columns), self.width)
    }

    /// `[width, width]`, row by row.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }
}

/// `x` `[n, columns]` as `[columns, n]`.
pub fn transpose(x: &[f32], columns: usize) -> Vec<f32> {
    /// A square of so many lines stays in the cache while it is turned.
    const BLOCK: usize = 32;
    let rows = x.len() / columns;
    let mut y = vec![0.0; rows * columns];
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..columns).step_by(BLOCK) {
            for row in top..(top + BLOCK).min(rows) {
                for column in left..(left + BLOCK).min(columns) {
                    y[column * rows + row] = x[row * columns + column];
                }
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_orthogonal_and_the_same_for_the_same_seed() {
        let width = 48;
        let rotation = Rotation::random(width, &mut Random::new(7, 0));
        for (rows, what) in [(&rotation.rows, "rows"), (&rotation.columns, "columns")] {
            let squares = product(rows, rows, width);
            for (at, x) in squares.iter().enumerate() {
                let wanted = if at / width == at % width { 1.0 } else { 0.0 };
                assert!((x - wanted).abs() < 1e-5, "{what} {at}: {x}");
            }
        }
        assert_eq!(rotation.rows, Rotation::random(width, &mut Random::new(7, 0)).rows);
        assert_ne!(rotation.rows, Rotation::random(width, &mut Random::new(8, 0)).rows);
    }

    #[test]
    fn what_is_turned_into_weights_can_be_turned_back() {
        let (width, columns) = (40, 24);
        let rotation = Rotation::random(width, &mut Random::new(1, 0));
        let mut random = Random::new(2, 0);
        let w: Vec<f32> = (0..width * columns).map(|_| random.normal() as f32).collect();
        // R @ (Rᵀ @ w) = w, and (wᵀ @ R) = (Rᵀ @ w)ᵀ.
        let turned = rotation.outputs(&w, columns);
        let back = product(&rotation.rows, &transpose(&turned, columns), width);
        assert!(back.iter().zip(&w).all(|(a, b)| (a - b).abs() < 1e-5));
        let other = rotation.inputs(&transpose(&w, columns));
        assert!(
            other
                .iter()
                .zip(transpose(&turned, columns))
                .all(|(a, b)| (a - b).abs() < 1e-5)
        );
    }
}
