//! Weights of an operator, laid out for a processor.

use weft_exact::{
    fixed::{Fixed, Scale},
    linear::Matrix,
};

use crate::kernel::{
    panels::{LANES, Panels},
    rows::RowScales,
};

/// A matrix with the scales and biases of its rows.
#[derive(Clone, Debug)]
pub struct Linear {
    pub panels: Panels,
    pub scales: RowScales,
    /// As many as the panels have rows, or none.
    pub bias: Vec<Fixed>,
    /// Rows that are not there to fill a panel.
    pub rows: usize,
}

impl Linear {
    /// The rows in their order.
    pub fn new(matrix: &Matrix) -> Self {
        let rows = matrix.rows();
        Self::ordered(matrix, rows, |row| (row < rows).then_some(row))
    }

    /// Of a matrix in which gates and factors alternate: sixteen gates, then their sixteen factors, and so on.
    pub fn gated(matrix: &Matrix) -> Self {
        let elements = matrix.rows() / 2;
        let count = 2 * elements.next_multiple_of(LANES);
        Self::ordered(matrix, count, |row| {
            let (panel, lane) = (row / LANES, row % LANES);
            let element = panel / 2 * LANES + lane;
            (element < elements).then_some(2 * element + panel % 2)
        })
    }

    fn ordered(matrix: &Matrix, count: usize, order: impl Fn(usize) -> Option<usize>) -> Self {
        let panels = Panels::new(matrix, count, &order);
        let mut scales = RowScales::default();
        let mut bias = Vec::new();
        for row in 0..panels.rows() {
            let from = if row < count { order(row) } else { None };
            scales.push(from.map_or(Scale::default(), |from| matrix.row_scales[from]));
            if !matrix.bias.is_empty() {
                bias.push(from.map_or(0, |from| matrix.bias[from]));
            }
        }
        Self {
            panels,
            scales,
            bias,
            rows: count,
        }
    }
}
