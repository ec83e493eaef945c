//! Matrices kept on the host as they are stored, and products with them.
//!
//! Generating a token multiplies every weight once with one vector. What such a product costs is reading the weights,
//! so they stay in their blocks (Q4_1 is 6.4 times smaller than `f32`) and are expanded in registers. Products with
//! many vectors (a prompt) are bound by arithmetic instead: tiles of rows are expanded and handed to Burn's matrix product.

use burn::tensor::{Device as TensorDevice, Tensor, TensorData};
use rayon::prelude::*;

use crate::model_error::ModelError;
use crate::quant::{GgmlType, QuantError, dequantize, dot_rows};

/// Up to so many vectors are multiplied one by one; above, expanding weights to a tile pays.
const MAX_VECTORS: usize = 2;
/// Rows of a tile: its `f32` weights (300 KiB at 576 columns) stay in the second-level cache.
const TILE_ROWS: usize = 128;
/// Work for a thread is cut no finer than this many weights: below, handing it out costs more than it brings.
const MIN_JOB_WEIGHTS: usize = 16 * 1024;

/// A matrix in its stored encoding, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMatrix {
    encoding: GgmlType,
    rows: usize,
    columns: usize,
    row_bytes: usize,
    bytes: Vec<u8>,
}

impl StoredMatrix {
    /// A matrix of `rows` rows of `columns` weights, whose rows lie one after another in `bytes`.
    ///
    /// # Errors
    /// If the length of `bytes` is not what the sizes and the encoding make it.
    pub fn new(encoding: GgmlType, rows: usize, columns: usize, bytes: Vec<u8>) -> Result<Self, QuantError> {
        let row_bytes = encoding.row_bytes(columns)?;
        if encoding.matrix_bytes(rows, columns)? != bytes.len() || row_bytes == 0 {
            return Err(QuantError::WrongLength {
                rows,
                columns,
                encoding,
                bytes: bytes.len(),
            });
        }
        Ok(Self {
            encoding,
            rows,
            columns,
            row_bytes,
            bytes,
        })
    }

    /// Rows: outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: inputs of a product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Expands row `row` into `weights` (of `columns` elements).
    ///
    /// # Errors
    /// If there is no such row.
    pub fn expand_row(&self, row: usize, weights: &mut [f32]) -> Result<(), ModelError> {
        let stored = row
            .checked_mul(self.row_bytes)
            .and_then(|start| self.bytes.get(start..start.checked_add(self.row_bytes)?))
            .ok_or(ModelError::NoSuchRow { row, rows: self.rows })?;
        dequantize(self.encoding, stored, weights);
        Ok(())
    }

    /// All weights as `f32`, row by row.
    pub fn expand(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.rows * self.columns];
        self.expand_rows(0, &mut weights);
        weights
    }

    /// Expands whole rows from `first` on, as many as `weights` has room for.
    fn expand_rows(&self, first: usize, weights: &mut [f32]) {
        let stored = self.bytes.chunks_exact(self.row_bytes).skip(first);
        for (row, weights) in stored.zip(weights.chunks_exact_mut(self.columns)) {
            dequantize(self.encoding, row, weights);
        }
    }

    /// Dot products of the rows from `first` on with `x`, one for each element of `outputs`, which must not be more than
    /// there are.
    fn dot_rows(&self, first: usize, x: &[f32], outputs: &mut [f32]) {
        let start = first * self.row_bytes;
        let end = start + outputs.len() * self.row_bytes;
        dot_rows(self.encoding, &self.bytes[start..end], x, outputs);
    }
}

/// The product of `matrices` laid one under another with a vector: outputs of the first, then of the second, ...
///
/// `x` has as many elements as every matrix has columns. Runs on the threads of the current rayon pool.
pub fn matrix_vector(matrices: &[StoredMatrix], x: &[f32]) -> Vec<f32> {
    let rows: usize = matrices.iter().map(StoredMatrix::rows).sum();
    let mut outputs = vec![0.0; rows];
    let threads = rayon::current_num_threads();
    // A few jobs for each thread even out what else the machine does.
    let job_rows = rows.div_ceil(4 * threads).max(MIN_JOB_WEIGHTS.div_ceil(x.len().max(1)));
    let mut jobs = Vec::new();
    let mut left = outputs.as_mut_slice();
    for matrix in matrices {
        let (mine, rest) = left.split_at_mut(matrix.rows);
        left = rest;
        let starts = (0..).step_by(job_rows);
        jobs.extend(
            starts
                .zip(mine.chunks_mut(job_rows))
                .map(|(first, outputs)| (matrix, first, outputs)),
        );
    }
    if threads == 1 || jobs.len() == 1 {
        for (matrix, first, outputs) in jobs {
            matrix.dot_rows(first, x, outputs);
        }
    } else {
        jobs.into_par_iter()
            .for_each(|(matrix, first, outputs)| matrix.dot_rows(first, x, outputs));
    }
    outputs
}

/// `x` `[vectors, columns]` times the transpose of `matrices` laid one under another: `[vectors, rows]`.
pub(crate) fn product(matrices: &[StoredMatrix], x: Tensor<2>, device: &TensorDevice) -> Result<Tensor<2>, ModelError> {
    let [vectors, columns] = x.dims();
    if vectors <= MAX_VECTORS {
        let x = x.try_into_vec_as::<f32>()?;
        let mut outputs = Vec::new();
        for x in x.chunks_exact(columns) {
            outputs.append(&mut matrix_vector(matrices, x));
        }
        let rows = outputs.len() / vectors.max(1);
        return Ok(Tensor::from_data(TensorData::new(outputs, [vectors, rows]), device));
    }
    let threads = rayon::current_num_threads();
    let mut jobs = Vec::new();
    for matrix in matrices {
        let rounds = matrix.rows.div_ceil(TILE_ROWS * threads).max(1);
        let tile_rows = matrix.rows.div_ceil(rounds * threads).max(1);
        let starts = (0..matrix.rows).step_by(tile_rows);
        jobs.extend(starts.map(|first| (matrix, first, tile_rows.min(matrix.rows - first))));
    }
    let tiles: Vec<Tensor<2>> = jobs
        .into_par_iter()
        .map(|(matrix, first, rows)| {
            let mut weights = vec![0.0; rows * matrix.columns];
            matrix.expand_rows(first, &mut weights);
            let weights = TensorData::new(weights, [rows, matrix.columns]);
            let weights = Tensor::<2>::from_data(weights, device);
            x.clone().matmul(weights.transpose())
        })
        .collect();
    Ok(Tensor::cat(tiles, 1))
}
