//! Matrices laid out for products: sixteen rows side by side, four columns of each at a time.
//!
//! Four bytes of a row follow one another, then the same four columns of the next row: 64 bytes in all, what one instruction
//! takes. Sixteen of those are a tile of AMX. Columns are filled up with zeros to a multiple of 64.

use weft_exact::{linear::Matrix, quantise::WIDE_STEPS};

/// Rows of a panel.
pub const LANES: usize = 16;

/// Columns are filled up to a multiple of this.
pub const COLUMN_STEP: usize = 64;

/// Bytes of four columns of a panel.
const LINE: usize = 64;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([i8; LINE]);

/// A matrix in panels.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    rows: usize,
    /// As filled up.
    columns: usize,
    /// Columns that share a scale; all of them if there are no scales.
    group: usize,
    lines: Vec<Line>,
    /// For each panel, for each group, for each lane; empty where all are 1.
    scales: Vec<i32>,
    /// For each row 128 times the sum of its scaled weights: what an input with 128 added makes too much.
    excess: Vec<i32>,
    /// See [`Self::takes_whole`].
    whole: bool,
}

/// Columns as filled up.
pub fn filled(columns: usize) -> usize {
    columns.next_multiple_of(COLUMN_STEP)
}

impl Panels {
    /// Zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let columns = filled(columns);
        let rows = rows.next_multiple_of(LANES);
        Self {
            rows,
            columns,
            group: columns,
            lines: vec![Line([0; LINE]); rows * columns / LINE],
            scales: Vec::new(),
            excess: vec![0; rows],
            whole: false,
        }
    }

    /// Of a matrix: row `i` of `count` is the matrix's row `order(i)`, or zeros.
    pub fn new(matrix: &Matrix, count: usize, order: impl Fn(usize) -> Option<usize>) -> Self {
        let mut panels = Self::zeros(count, matrix.columns);
        let groups = matrix.columns / matrix.group.max(1);
        let plain = groups == 1 && matrix.group_scales.iter().all(|scale| *scale == 1);
        if !plain {
            panels.group = matrix.group;
            panels.scales = vec![0; panels.rows * groups];
        }
        for row in 0..count {
            let Some(from) = order(row) else { continue };
            let weights = &matrix.weights[from * matrix.columns..][..matrix.columns];
            let scales = &matrix.group_scales[from * groups..][..groups];
            let mut sum = 0i32;
            for (column, weight) in weights.iter().enumerate() {
                panels.put(row, column, *weight);
                sum = sum.wrapping_add(i32::from(*weight) * i32::from(scales[column / matrix.group]));
            }
            panels.excess[row] = sum.wrapping_mul(128);
            if !plain {
                for (group, scale) in scales.iter().enumerate() {
                    panels.scales[(row / LANES * groups + group) * LANES + row % LANES] = i32::from(*scale);
                }
            }
        }
        let sizes = matrix.weights.chunks_exact(matrix.columns.max(1)).map(|row| {
            let sizes = row.iter().map(|weight| u64::from(weight.unsigned_abs()));
            sizes.sum::<u64>() * WIDE_STEPS as u64
        });
        panels.whole = plain && sizes.max().unwrap_or(0) <= i32::MAX as u64;
        panels
    }

    /// Whether no sum of products with numbers of at most [`WIDE_STEPS`] overflows, and there are no scales.
    pub fn takes_whole(&self) -> bool {
        self.whole
    }

    /// Rows, as filled up to whole panels.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, as filled up.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Panels.
    pub fn count(&self) -> usize {
        self.rows / LANES
    }

    /// Of the first `columns` columns those that share a scale, and how many such groups there are.
    pub fn groups(&self, columns: usize) -> (usize, usize) {
        if self.scales.is_empty() {
            (columns, 1)
        } else {
            (
                self.group,
                (self.scales.len() / self.rows.max(1)).min(columns / self.group),
            )
        }
    }

    /// Whether there are scales that are not 1.
    pub fn has_scales(&self) -> bool {
        !self.scales.is_empty()
    }

    /// Scales of a panel, group by group; none where all are 1.
    pub fn scales(&self, panel: usize) -> &[i32] {
        if self.scales.is_empty() {
            return &[];
        }
        let size = self.scales.len() / self.count();
        &self.scales[panel * size..][..size]
    }

    /// See the field.
    pub fn excess(&self, panel: usize) -> &[i32] {
        &self.excess[panel * LANES..][..LANES]
    }

    /// Weights of a panel: for each four columns, for each lane, four bytes.
    pub fn panel(&self, panel: usize) -> &[i8] {
        let size = self.columns * LANES / LINE;
        let lines = &self.lines[panel * size..][..size];
        // SAFETY: a line is 64 bytes without padding, and any byte is an i8.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast::<i8>(), lines.len() * LINE) }
    }

    fn place(&self, row: usize, column: usize) -> (usize, usize) {
        let line = row / LANES * (self.columns / 4) + column / 4;
        (line, row % LANES * 4 + column % 4)
    }

    /// A weight.
    pub fn get(&self, row: usize, column: usize) -> i8 {
        let (line, at) = self.place(row, column);
        self.lines[line].0[at]
    }

    /// The first weights of a row as bytes.
    pub fn read_row(&self, row: usize, out: &mut [u8]) {
        let (line, at) = self.place(row, 0);
        let (fours, rest) = out.as_chunks_mut::<4>();
        let mut lines = self.lines[line..].iter();
        for (four, line) in fours.iter_mut().zip(&mut lines) {
            let weights = &line.0[at..at + 4];
            *four = [weights[0] as u8, weights[1] as u8, weights[2] as u8, weights[3] as u8];
        }
        if let Some(line) = lines.next() {
            for (out, weight) in rest.iter_mut().zip(&line.0[at..]) {
                *out = *weight as u8;
            }
        }
    }

    /// The first weights of a column as bytes.
    pub fn read_column(&self, column: usize, out: &mut [u8]) {
        let (mut line, at) = self.place(0, column);
        for lanes in out.chunks_mut(LANES) {
            let weights = &self.lines[line].0;
            for (lane, out) in lanes.iter_mut().enumerate() {
                *out = weights[at + 4 * lane] as u8;
            }
            line += self.columns / 4;
        }
    }

    fn put(&mut self, row: usize, column: usize, weight: i8) {
        let (line, at) = self.place(row, column);
        self.lines[line].0[at] = weight;
    }

    /// Writes a row of a matrix without scales over zeros: bytes to which `offset` was added.
    pub fn fill_row(&mut self, row: usize, bytes: &[u8], offset: u8) {
        let (line, at) = self.place(row, 0);
        let mut sum = 0i32;
        let (fours, rest) = bytes.as_chunks::<4>();
        let mut lines = self.lines[line..].iter_mut();
        for (four, line) in fours.iter().zip(&mut lines) {
            let weights = four.map(|byte| byte.wrapping_sub(offset) as i8);
            line.0[at..at + 4].copy_from_slice(&weights);
            for weight in weights {
                sum += i32::from(weight);
            }
        }
        if let Some(line) = lines.next() {
            for (weight, byte) in line.0[at..].iter_mut().zip(rest) {
                *weight = byte.wrapping_sub(offset) as i8;
                sum += i32::from(*weight);
            }
        }
        self.excess[row] = self.excess[row].wrapping_add(sum.wrapping_mul(128));
    }

    /// Writes a column, likewise.
    pub fn fill_column(&mut self, column: usize, bytes: &[u8], offset: u8) {
        let (mut line, at) = self.place(0, column);
        for (bytes, excess) in bytes.chunks(LANES).zip(self.excess.chunks_mut(LANES)) {
            let weights = &mut self.lines[line].0;
            for (lane, (byte, excess)) in bytes.iter().zip(excess).enumerate() {
                let weight = byte.wrapping_sub(offset) as i8;
                weights[at + 4 * lane] = weight;
                *excess = excess.wrapping_add(128 * i32::from(weight));
            }
            line += self.columns / 4;
        }
    }

    /// Adds zero rows until there are at least `rows`.
    pub fn grow(&mut self, rows: usize) {
        let rows = rows.next_multiple_of(LANES).max(self.rows);
        self.lines.resize(rows * self.columns / LINE, Line([0; LINE]));
        self.excess.resize(rows, 0);
        self.rows = rows;
    }

    /// Makes all weights zero.
    pub fn clear(&mut self) {
        self.lines.fill(Line([0; LINE]));
        self.excess.fill(0);
    }
}
