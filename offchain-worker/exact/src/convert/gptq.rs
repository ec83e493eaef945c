//! Rounding that makes its errors good: GPTQ (Frantar et al., arXiv 2210.17323).
//!
//! What counts is not the error of a weight but that of the row's product with its inputs. Columns are rounded one after the
//! other, and what each leaves is spread over those that are still to come, in the way that the inputs' correlations make best.
//! Grids stay as they were before the first column.

use rayon::prelude::*;

use super::{
    grid::Grid,
    product::{add_rows, dot_double as dot},
};

/// Columns whose errors are spread together over all that follow.
const BLOCK: usize = 64;

/// Share of the mean of the diagonal that is added to it, so that inputs that were never seen do not count as free.
const DAMPING: f64 = 0.01;

/// How errors are spread: the upper Cholesky factor of the inverse of the inputs' Gram matrix.
pub struct Factor {
    panels: Vec<Panel>,
}

/// [`BLOCK`] rows of the factor, each divided by its element on the diagonal.
struct Panel {
    rows: usize,
    /// `[rows, rows]`.
    inner: Vec<f32>,
    /// What is right of it: `[rows, columns - end]`.
    outer: Vec<f32>,
}

impl Factor {
    /// Of a Gram matrix `[columns, columns]`, of which only what lies on the diagonal or left of it is read. `None` for one that
    /// is none, such as of inputs that are not finite.
    pub fn new(gram: &[f64], columns: usize) -> Option<Self> {
        let diagonal = gram.iter().step_by(columns + 1);
        let mean = diagonal.sum::<f64>() / columns as f64;
        if !mean.is_finite() {
            return None;
        }
        // Inputs that are always zero can be rounded in any way.
        let mut damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
        for _ in 0..6 {
            if let Some(lower) = reversed_cholesky(gram, columns, damping) {
                return Some(Self {
                    panels: panels(&inverse_transposed(&lower, columns), columns),
                });
            }
            damping *= 10.0;
        }
        None
    }

    /// Integer weights of `rows` `[n, columns]`, one grid for each row.
    pub fn round(&self, rows: &[f32], columns: usize, grids: &[Grid]) -> Vec<i8> {
        let mut left = rows.to_vec();
        let mut weights = vec![0i8; rows.len()];
        let mut start = 0;
        for panel in &self.panels {
            let end = start + panel.rows;
            for ((row, weights), grid) in left.chunks_mut(columns).zip(weights.chunks_mut(columns)).zip(grids) {
                let group = (columns / grid.groups.len().max(1)).max(1);
                let (now, later) = row[start..].split_at_mut(panel.rows);
                let mut errors = [0.0f32; BLOCK];
                for at in 0..panel.rows {
                    let step = grid.steps[(start + at) / group];
                    let weight = grid.nearest(now[at], step);
                    weights[start + at] = weight as i8;
                    let error = weight * step - now[at];
                    errors[at] = error;
                    let inner = &panel.inner[at * panel.rows..(at + 1) * panel.rows];
                    for (value, spread) in now[at + 1..].iter_mut().zip(&inner[at + 1..]) {
                        *value += error * spread;
                    }
                }
                if !later.is_empty() {
                    add_rows(later, &errors[..panel.rows], &panel.outer);
                }
            }
            start = end;
        }
        weights
    }
}

/// The lower Cholesky factor of the matrix with rows and columns in reverse order, `damping` added to its diagonal; `None` if it
/// is not positive.
///
/// The inverse's upper factor is the inverse of that, in reverse order again: nothing has to be inverted twice.
fn reversed_cholesky(gram: &[f64], n: usize, damping: f64) -> Option<Vec<f64>> {
    // Element (i, j) of the reverse is (n - 1 - i, n - 1 - j), of which the transpose lies in the half that is given.
    let mut a: Vec<f64> = Vec::with_capacity(n * n);
    for row in 0..n {
        for column in 0..n {
            let given = if column <= row {
                gram[(n - 1 - column) * n + (n - 1 - row)]
            } else {
                0.0
            };
            a.push(if column == row { given + damping } else { given });
        }
    }
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let (done, rest) = a.split_at_mut(start * n);
        let (diagonal, below) = rest.split_at_mut((end - start) * n);
        // What the columns before take from this block of columns.
        let subtract = |row: &mut [f64], others: &[&[f64]]| {
            let (before, block) = row.split_at_mut(start);
            for (value, other) in block.iter_mut().zip(others) {
                *value -= dot(before, &other[..start]);
            }
        };
        let own: Vec<Vec<f64>> = diagonal.chunks(n).map(<[f64]>::to_vec).collect();
        let others: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
        for (at, row) in diagonal.chunks_mut(n).enumerate() {
            subtract(row, &others[..=at]);
        }
        // The block on the diagonal itself.
        for at in 0..end - start {
            let (above, from) = diagonal.split_at_mut(at * n);
            let row = &mut from[..n];
            for column in 0..=at {
                let sum = match above.get(column * n..(column + 1) * n) {
                    Some(other) => {
                        row[start + column] - dot(&row[start..start + column], &other[start..start + column])
                    }
                    None => row[start + column] - dot(&row[start..start + column], &row[start..start + column]),
                };
                row[start + column] = match above.get(column * n + start + column) {
                    Some(pivot) => sum / pivot,
                    None if sum > 0.0 && sum.is_finite() => sum.sqrt(),
                    None => return None,
                };
            }
        }
        let (diagonal, _) = (&*diagonal, done);
        below.par_chunks_mut(n).for_each(|row| {
            subtract(row, &others);
            for column in 0..end - start {
                let other = &diagonal[column * n..(column + 1) * n];
                let sum = row[start + column] - dot(&row[start..start + column], &other[start..start + column]);
                row[start + column] = sum / other[start + column];
            }
        });
    }
    Some(a)
}

/// The transpose of the inverse of a lower triangular matrix.
fn inverse_transposed(lower: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    inverse.par_chunks_mut(n).enumerate().for_each(|(column, y)| {
        for row in column..n {
            let l = &lower[row * n..(row + 1) * n];
            let wanted = if row == column { 1.0 } else { 0.0 };
            y[row] = (wanted - dot(&l[column..row], &y[column..row])) / l[row];
        }
    });
    inverse
}

/// The upper factor, whose element (i, j) is element (n - 1 - j, n - 1 - i) of what [`inverse_transposed`] gives.
fn panels(inverse: &[f64], n: usize) -> Vec<Panel> {
    let upper = |row: usize, column: usize| inverse[(n - 1 - column) * n + (n - 1 - row)];
    let panel = |start: usize| {
        let end = (start + BLOCK).min(n);
        let part = |from: usize, to: usize| -> Vec<f32> {
            let rows = start..end;
            rows.flat_map(|row| (from..to).map(move |column| (upper(row, column) / upper(row, row)) as f32))
                .collect()
        };
        Panel {
            rows: end - start,
            inner: part(start, end),
            outer: part(end, n),
        }
    };
    (0..n).step_by(BLOCK).map(panel).collect()
}
