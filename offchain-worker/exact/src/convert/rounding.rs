//! Float matrices to integer ones.

use rayon::prelude::*;
use weft_exact::{fixed::Fixed, linear::Matrix};

use super::{
    gptq::Factor,
    grid::{Format, Grid},
};

/// Rows that a thread takes at a time: they stay in the cache together.
const ROWS: usize = 16;

/// How weights become integers.
#[derive(Clone, Copy)]
pub enum Rounding<'a> {
    /// Each to the nearest.
    Nearest,
    /// Each to the nearest, and its error made good by those that follow, as far as the inputs allow.
    Fitted(&'a Factor),
}

/// The matrix of `weights` `[n, columns]` with the biases `bias`, one for each row or none at all.
pub fn matrix(weights: &[f32], columns: usize, format: Format, bias: Vec<Fixed>, rounding: Rounding<'_>) -> Matrix {
    let parts: Vec<_> = weights
        .par_chunks(ROWS * columns)
        .map(|rows| round(rows, columns, format, rounding))
        .collect();
    let mut matrix = Matrix {
        columns,
        bits: format.bits,
        weights: Vec::with_capacity(weights.len()),
        group: format.group_of(columns),
        group_scales: Vec::new(),
        row_scales: Vec::new(),
        bias,
    };
    for (grids, weights) in parts {
        matrix.weights.extend(weights);
        for grid in grids {
            matrix.row_scales.push(grid.row);
            matrix.group_scales.extend(grid.groups);
        }
    }
    matrix
}

fn round(rows: &[f32], columns: usize, format: Format, rounding: Rounding<'_>) -> (Vec<Grid>, Vec<i8>) {
    let mut finest = u8::MAX;
    loop {
        let grids: Vec<Grid> = rows.chunks(columns).map(|row| Grid::of(row, format, finest)).collect();
        let weights = match rounding {
            Rounding::Nearest => nearest(rows, columns, &grids),
            Rounding::Fitted(factor) => factor.round(rows, columns, &grids),
        };
        // Long rows of large groups can overflow; with coarser group scales they do not. One that does still is refused when the
        // model is put together.
        let holds = grids
            .iter()
            .zip(weights.chunks(columns))
            .all(|(grid, weights)| grid.holds(weights));
        if holds || finest < 8 || format.group_of(columns) == columns {
            return (grids, weights);
        }
        finest /= 2;
    }
}

fn nearest(rows: &[f32], columns: usize, grids: &[Grid]) -> Vec<i8> {
    let each = rows.chunks(columns).zip(grids).flat_map(|(row, grid)| {
        let group = columns / grid.groups.len().max(1);
        let groups = row.chunks(group.max(1)).zip(&grid.steps);
        groups.flat_map(move |(weights, step)| weights.iter().map(move |weight| grid.nearest(*weight, *step) as i8))
    });
    each.collect()
}
